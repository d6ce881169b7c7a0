import type { Binaries } from './build.ts';

/** Everything the flags of the programs are made of. Paths are absolute. */
export interface Layout {
  readonly dir: string;
  readonly binaries: Binaries;
  readonly etcdPort: number;
  readonly etcdPeerPort: number;
  readonly apiServerPort: number;
  readonly pki: PkiFiles;
}

export interface PkiFiles {
  readonly ca: string;
  readonly caKey: string;
  readonly serviceAccountKey: string;
  readonly serviceAccountPublicKey: string;
  readonly apiServer: string;
  readonly apiServerKey: string;
  readonly kubeletClient: string;
  readonly kubeletClientKey: string;
  /** Serves on 127.0.0.1 for controller manager and schedulers. */
  readonly loopback: string;
  readonly loopbackKey: string;
  readonly etcdCa: string;
  readonly etcd: string;
  readonly etcdKey: string;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

const SERVICE_CIDR = '10.96.0.0/16';
/** The first address of SERVICE_CIDR: what pods call `kubernetes.default`. */
export const SERVICE_IP = '10.96.0.1';
const SERVICE_ACCOUNT_ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** etcd behind mutual TLS even here: any local user could write pods and secrets past the API server otherwise. */
export function etcdCommand(layout: Layout, fsync: boolean, extra: readonly string[]): Command {
  const { pki } = layout;
  const client = `https://127.0.0.1:${layout.etcdPort}`;
  const peer = `https://127.0.0.1:${layout.etcdPeerPort}`;
  return {
    file: layout.binaries.etcd,
    args: [
      `--data-dir=${layout.dir}/etcd`,
      '--name=default',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      `--cert-file=${pki.etcd}`,
      `--key-file=${pki.etcdKey}`,
      `--trusted-ca-file=${pki.etcdCa}`,
      '--client-cert-auth',
      `--peer-cert-file=${pki.etcd}`,
      `--peer-key-file=${pki.etcdKey}`,
      `--peer-trusted-ca-file=${pki.etcdCa}`,
      '--peer-client-cert-auth',
      '--log-level=warn',
      ...(fsync ? [] : ['--unsafe-no-fsync']),
      ...extra,
    ],
  };
}

export function apiServerCommand(layout: Layout, admitUnmanaged: boolean, extra: readonly string[]): Command {
  const { pki } = layout;
  return {
    file: layout.binaries.kubeApiserver,
    args: [
      `--etcd-servers=https://127.0.0.1:${layout.etcdPort}`,
      `--etcd-cafile=${pki.etcdCa}`,
      `--etcd-certfile=${pki.etcd}`,
      `--etcd-keyfile=${pki.etcdKey}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      // A loopback address is not allowed in the Endpoints of `kubernetes`; nothing in here reads them.
      '--endpoint-reconciler-type=none',
      `--secure-port=${layout.apiServerPort}`,
      `--tls-cert-file=${pki.apiServer}`,
      `--tls-private-key-file=${pki.apiServerKey}`,
      `--client-ca-file=${pki.ca}`,
      // For kubelets that are real: kwok's nodes have nobody to call.
      `--kubelet-client-certificate=${pki.kubeletClient}`,
      `--kubelet-client-key=${pki.kubeletClientKey}`,
      `--kubelet-certificate-authority=${pki.ca}`,
      '--kubelet-preferred-address-types=InternalIP',
      '--anonymous-auth=false',
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction,MutatingAdmissionWebhook,ValidatingAdmissionWebhook',
      // Without a controller manager nobody makes service accounts, nor lifts the taint from a new node.
      ...(admitUnmanaged ? ['--disable-admission-plugins=ServiceAccount,TaintNodesByCondition'] : []),
      '--allow-privileged=true',
      `--service-account-issuer=${SERVICE_ACCOUNT_ISSUER}`,
      `--service-account-key-file=${pki.serviceAccountPublicKey}`,
      `--service-account-signing-key-file=${pki.serviceAccountKey}`,
      `--service-cluster-ip-range=${SERVICE_CIDR}`,
      ...extra,
    ],
  };
}

export function controllerManagerCommand(
  layout: Layout,
  kubeconfig: string,
  port: number,
  extra: readonly string[],
): Command {
  const { pki } = layout;
  return {
    file: layout.binaries.kubeControllerManager,
    args: [
      `--kubeconfig=${kubeconfig}`,
      ...servingFlags(layout, kubeconfig, port),
      '--leader-elect=false',
      '--use-service-account-credentials',
      `--service-account-private-key-file=${pki.serviceAccountKey}`,
      `--root-ca-file=${pki.ca}`,
      `--cluster-signing-cert-file=${pki.ca}`,
      `--cluster-signing-key-file=${pki.caKey}`,
      // It creates this folder, by default under /usr.
      `--flex-volume-plugin-dir=${layout.dir}/flexvolume`,
      // Its defaults (20 and 30) make a dozen pods take 5 s longer to be there.
      '--kube-api-qps=200',
      '--kube-api-burst=400',
      ...extra,
    ],
  };
}

export function schedulerCommand(
  layout: Layout,
  configFile: string,
  kubeconfig: string,
  port: number,
  extra: readonly string[],
): Command {
  return {
    file: layout.binaries.kubeScheduler,
    args: [`--config=${configFile}`, ...servingFlags(layout, kubeconfig, port), ...extra],
  };
}

export function kwokCommand(
  layout: Layout,
  kubeconfig: string,
  port: number,
  extra: readonly string[],
): Command {
  return {
    file: layout.binaries.kwok,
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--config=${layout.binaries.stages}`,
      '--manage-all-nodes=true',
      '--node-lease-duration-seconds=40',
      '--node-ip=127.0.0.1',
      `--server-address=127.0.0.1:${port}`,
      ...extra,
    ],
  };
}

/** Where a component serves health and metrics; the API server decides who may read them. */
function servingFlags(layout: Layout, kubeconfig: string, port: number): string[] {
  return [
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${layout.pki.loopback}`,
    `--tls-private-key-file=${layout.pki.loopbackKey}`,
    `--client-ca-file=${layout.pki.ca}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    // There is no aggregation layer, whose missing CA it would look up for ever.
    '--authentication-skip-lookup=true',
    `--authorization-kubeconfig=${kubeconfig}`,
  ];
}
