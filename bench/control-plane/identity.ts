import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PkiFiles, SERVICE_IP } from './components.ts';
import { ControlPlaneError } from './errors.ts';
import { writePrivate } from './kubeconfig.ts';
import { type Authority, createAuthority, createServiceAccountKeys, loadAuthority } from './pki.ts';

const DAY_MS = 86_400_000;

/**
 * The cluster's authority, and every key file its programs read, under `dir/pki`. The authority and the
 * service-account keys are kept from one start to the next, since certificates, tokens and the on-chain config
 * digest of this cluster depend on them; serving certificates are issued anew.
 *
 * @throws ControlPlaneError `authority-expired`.
 */
export async function prepareIdentity(dir: string, days: number): Promise<{ ca: Authority; pki: PkiFiles }> {
  const folder = join(dir, 'pki');
  const ca = await keptAuthority(folder, days);
  const etcdCa = await createAuthority('k3s-daas-etcd', { days });
  const loopback = { usages: ['server'], hosts: ['localhost'], ips: ['127.0.0.1'], days } as const;
  const [apiServer, kubeletClient, serving, etcd, serviceAccount] = await Promise.all([
    ca.issue({
      commonName: 'kube-apiserver',
      usages: ['server'],
      hosts: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
      ips: ['127.0.0.1', SERVICE_IP],
      days,
    }),
    // By this the API server reads logs and runs exec; each kubelet asks it back whether that user may.
    ca.issue({
      commonName: 'kube-apiserver-kubelet-client',
      organizations: ['system:masters'],
      usages: ['client'],
      days,
    }),
    ca.issue({ commonName: 'loopback', ...loopback }),
    etcdCa.issue({ commonName: 'etcd', ...loopback, usages: ['server', 'client'] }),
    keptServiceAccountKeys(folder),
  ]);
  const write = (name: string, text: string): Promise<string> => writePrivate(join(folder, name), text);
  const pki: PkiFiles = {
    ca: await write('ca.crt', ca.certPem),
    caKey: await write('ca.key', ca.keyPem),
    ...serviceAccount,
    apiServer: await write('apiserver.crt', apiServer.certPem),
    apiServerKey: await write('apiserver.key', apiServer.keyPem),
    kubeletClient: await write('kubelet-client.crt', kubeletClient.certPem),
    kubeletClientKey: await write('kubelet-client.key', kubeletClient.keyPem),
    loopback: await write('loopback.crt', serving.certPem),
    loopbackKey: await write('loopback.key', serving.keyPem),
    etcdCa: await write('etcd-ca.crt', etcdCa.certPem),
    etcd: await write('etcd.crt', etcd.certPem),
    etcdKey: await write('etcd.key', etcd.keyPem),
  };
  return { ca, pki };
}

async function keptAuthority(folder: string, days: number): Promise<Authority> {
  const certPem = await readIfThere(join(folder, 'ca.crt'));
  const keyPem = await readIfThere(join(folder, 'ca.key'));
  if (certPem === undefined || keyPem === undefined) return createAuthority('k3s-daas', { days });
  const kept = await loadAuthority(certPem, keyPem);
  if (kept.notAfter.getTime() - Date.now() > DAY_MS) return kept;
  throw new ControlPlaneError(
    'authority-expired',
    `The certificate authority of this cluster, in ${folder}, ends ${kept.notAfter.toISOString()}.`,
    'Remove the cluster folder and start a new cluster.',
  );
}

async function keptServiceAccountKeys(
  folder: string,
): Promise<Pick<PkiFiles, 'serviceAccountKey' | 'serviceAccountPublicKey'>> {
  const serviceAccountKey = join(folder, 'service-account.key');
  const serviceAccountPublicKey = join(folder, 'service-account.pub');
  const kept = [await readIfThere(serviceAccountKey), await readIfThere(serviceAccountPublicKey)];
  if (kept.includes(undefined)) {
    const keys = createServiceAccountKeys();
    await writePrivate(serviceAccountKey, keys.privateKeyPem);
    await writePrivate(serviceAccountPublicKey, keys.publicKeyPem);
  }
  return { serviceAccountKey, serviceAccountPublicKey };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
