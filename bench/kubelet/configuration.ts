/** Everything the configuration files of one node are made of. Paths are absolute. */
export interface NodeLayout {
  readonly name: string;
  readonly dir: string;
  /** Distinguishes bridges and pod networks of nodes in one network: 1 to 254. */
  readonly index: number;
  readonly address: string;
  readonly port: number;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Folder of bridge, host-local and loopback. */
  readonly cniPrograms: string;
  readonly runc: string;
}

export const SANDBOX_IMAGE = 'k3s-daas.local/pause:1';

export function containerdSocket({ dir }: { readonly dir: string }): string {
  return `${dir}/containerd.sock`;
}

/** TOML; its strings are written as JSON's, which are among them. */
export function containerdConfig(layout: NodeLayout): string {
  const { dir } = layout;
  const text = JSON.stringify;
  return `version = 3
root = ${text(`${dir}/containerd`)}
# Of the node's own tmpfs: what is in here, containers' variables among it, is on no disk.
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = ${text(containerdSocket(layout))}
[ttrpc]
  address = ${text(`${containerdSocket(layout)}.ttrpc`)}
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = ${text(SANDBOX_IMAGE)}
[plugins.'io.containerd.cri.v1.runtime']
  # Root in a container itself, without CAP_SYS_RESOURCE, may not lower a score.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = [${text(layout.cniPrograms)}]
    conf_dir = ${text(`${dir}/cni`)}
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        BinaryName = ${text(layout.runc)}
        SystemdCgroup = false
`;
}

export function cniConfig({ dir, index }: NodeLayout): unknown {
  return {
    cniVersion: '1.0.0',
    name: 'daas',
    plugins: [
      {
        type: 'bridge',
        bridge: `daas${index}`,
        isGateway: true,
        // There is nowhere outside to go to.
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: `${dir}/ipam`,
          ranges: [[{ subnet: `10.88.${index}.0/24` }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  };
}

export function kubeletConfig(layout: NodeLayout, more: Readonly<Record<string, unknown>>): unknown {
  const { dir } = layout;
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    failSwapOn: false,
    cgroupDriver: 'cgroupfs',
    containerRuntimeEndpoint: `unix://${containerdSocket(layout)}`,
    address: layout.address,
    port: layout.port,
    readOnlyPort: 0,
    healthzPort: 0,
    tlsCertFile: layout.certFile,
    tlsPrivateKeyFile: layout.keyFile,
    rotateCertificates: false,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: layout.caFile },
    },
    authorization: { mode: 'Webhook' },
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    // No DNS is served; pods that want it get an answer that says so.
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    resolvConf: `${dir}/resolv.conf`,
    podLogsDir: `${dir}/pods`,
    volumePluginDir: `${dir}/volume-plugins`,
    staticPodPath: '',
    imageMinimumGCAge: '24h',
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    ...more,
  };
}

/** What the kubelet wants these to be; it writes them if they are not, and they are the whole machine's. */
export const SYSCTLS: Readonly<Record<string, string>> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};
