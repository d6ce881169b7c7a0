import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import type { Bytes } from '@k3s-daas/core';

/** Writes a file that only its owner reads, whole or not at all. */
export async function writeWhole(file: string, text: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.partial`, text, { mode: 0o600 });
  await rename(`${file}.partial`, file);
  return file;
}

export function derToPem(der: Bytes): string {
  return new X509Certificate(der).toString();
}

/** SHA-256 of the SubjectPublicKeyInfo in a certificate. */
export function certificateKeyHash(pem: string): Bytes {
  const spki = new X509Certificate(pem).publicKey.export({ format: 'der', type: 'spki' });
  return new Uint8Array(createHash('sha256').update(spki).digest());
}

/** SHA-256 of a certificate's DER. */
export function certificateDigest(pem: string): Bytes {
  return new Uint8Array(createHash('sha256').update(new X509Certificate(pem).raw).digest());
}
