import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KeyedCertificatePem } from './pki.ts';

/** A self-contained kubeconfig with one cluster, one user and one context, all named `daas`. As JSON, which is YAML. */
export function kubeconfigText(server: string, caPem: string, client: KeyedCertificatePem): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'daas', cluster: { server, 'certificate-authority-data': base64(caPem) } }],
    users: [
      {
        name: 'daas',
        user: { 'client-certificate-data': base64(client.certPem), 'client-key-data': base64(client.keyPem) },
      },
    ],
    contexts: [{ name: 'daas', context: { cluster: 'daas', user: 'daas' } }],
    'current-context': 'daas',
  };
  return `${JSON.stringify(config, null, 1)}\n`;
}

/** Writes a file only its owner may read, whole or not at all. */
export async function writePrivate(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
  return path;
}
