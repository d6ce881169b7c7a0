import { createHash } from 'node:crypto';

import type { Bytes } from '@k3s-daas/core';

/** What is loaded into an enclave, in the order of the EIF. */
export interface BootParts {
  readonly kernel: Bytes;
  /** As text; no byte follows it. */
  readonly cmdline: string;
  /** The first holds what boots, the others the application. */
  readonly ramdisks: readonly Bytes[];
  /** DER of the certificate that signs the EIF. */
  readonly signingCertificate?: Bytes;
}

export interface ImagePcrs {
  readonly pcr0: Bytes;
  readonly pcr1: Bytes;
  readonly pcr2: Bytes;
  readonly pcr8: Bytes | null;
}

/**
 * The PCRs that a Nitro enclave of these parts shows, 48 bytes each, as AWS's EifBuilder computes them
 * (aws-nitro-enclaves-image-format, `EifBuilder::measure`): PCR0 over all parts, PCR1 over kernel, command line and
 * first ramdisk, PCR2 over the other ramdisks, PCR8 over the signing certificate.
 */
export function imagePcrs({ kernel, cmdline, ramdisks, signingCertificate }: BootParts): ImagePcrs {
  const boot = [kernel, new TextEncoder().encode(cmdline), ...ramdisks.slice(0, 1)];
  const application = ramdisks.slice(1);
  return {
    pcr0: measuredPcr(sha384(...boot, ...application)),
    pcr1: measuredPcr(sha384(...boot)),
    pcr2: measuredPcr(sha384(...application)),
    pcr8: signingCertificate === undefined ? null : measuredPcr(sha384(signingCertificate)),
  };
}

/** A register that was zero and is extended once by a SHA-384: what a TPM would hold. */
export function measuredPcr(digest: Bytes): Bytes {
  if (digest.length !== 48) throw new TypeError(`a SHA-384 has 48 bytes, not ${digest.length}`);
  return sha384(new Uint8Array(48), digest);
}

function sha384(...parts: readonly Bytes[]): Bytes {
  const hash = createHash('sha384');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
