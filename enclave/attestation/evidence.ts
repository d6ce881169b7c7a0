import { CodedError, type Bytes } from '@k3s-daas/core';

import type { AttestationDocument } from './verify/document.ts';
import type { AttestationPolicy } from './verify/policy.ts';
import { verifyAttestation, type VerificationTime } from './verify/verify.ts';

/** What a TEE says about what runs in it, in the words of RFC 9334 (RATS): bytes, and the name of their format. */
export interface Evidence {
  readonly format: string;
  readonly bytes: Bytes;
}

/** What a cluster accepts as evidence. A format that is not listed is refused, also where a verifier exists. */
export interface EvidencePolicy extends AttestationPolicy {
  readonly formats: readonly string[];
  /** DER of the root of each format. */
  readonly trustAnchor: Bytes;
}

export interface VerifiedEvidence {
  readonly format: string;
  readonly timestampMs: number;
  readonly publicKey: Bytes | null;
  readonly userData: Bytes | null;
  readonly nonce: Bytes | null;
  readonly document: AttestationDocument;
  /** Each thing that was checked, in order. */
  readonly checked: readonly string[];
}

export type EvidenceErrorCode = 'EVIDENCE_FORMAT_UNKNOWN' | 'EVIDENCE_FORMAT_NOT_ACCEPTED';

export class EvidenceError extends CodedError<EvidenceErrorCode> {}

/** The format of AWS Nitro attestation documents. */
export const AWS_NITRO = 'aws-nitro';

/** Verifies evidence by the verifier of its format. @throws EvidenceError, AttestationError */
export function verifyEvidence(
  evidence: Evidence,
  options: { readonly policy: EvidencePolicy; readonly time: VerificationTime },
): VerifiedEvidence {
  const { policy, time } = options;
  const { format, bytes } = evidence;
  if (format !== AWS_NITRO) {
    throw new EvidenceError(
      'EVIDENCE_FORMAT_UNKNOWN',
      `no verifier for evidence of format ${JSON.stringify(format.slice(0, 64))}`,
      `send evidence of a known format: ${AWS_NITRO}`,
    );
  }
  if (!policy.formats.includes(format)) {
    throw new EvidenceError(
      'EVIDENCE_FORMAT_NOT_ACCEPTED',
      `this cluster does not accept evidence of format ${format}`,
      `send one of: ${policy.formats.join(', ')}`,
    );
  }
  const { checked, ...document } = verifyAttestation(bytes, {
    trustAnchor: policy.trustAnchor,
    time,
    policy,
  });
  const { timestampMs, publicKey, userData, nonce } = document;
  return { format, timestampMs, publicKey, userData, nonce, document, checked };
}
