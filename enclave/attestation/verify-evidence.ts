import { EVIDENCE_FORMATS, type EvidenceFormat } from '@k3s-daas/core';

import { AWS_NITRO, verifyAwsNitro } from './aws-nitro.ts';
import {
  EvidenceError,
  type Evidence,
  type EvidenceOptions,
  type EvidenceVerifier,
  type VerifiedEvidence,
} from './evidence.ts';

/** One verifier per format. Closed: code decides what is understood, a policy what is accepted of it. */
const VERIFIERS: Readonly<Record<EvidenceFormat, EvidenceVerifier>> = { [AWS_NITRO]: verifyAwsNitro };

/**
 * Verifies evidence by the verifier of its format, against what the policy accepts of that format.
 * @throws EvidenceError for the format, the verifier's own coded error (AttestationError) for the rest
 */
export function verifyEvidence({ format, bytes }: Evidence, options: EvidenceOptions): VerifiedEvidence {
  const { policy, ...rest } = options;
  const { formats, ...bindings } = policy;
  if (!isKnown(format)) {
    throw new EvidenceError(
      'EVIDENCE_FORMAT_UNKNOWN',
      `no verifier for evidence of format ${show(format)}`,
      `send evidence of a known format: ${EVIDENCE_FORMATS.join(', ')}`,
    );
  }
  const accepted = Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (accepted === undefined) {
    throw new EvidenceError(
      'EVIDENCE_FORMAT_NOT_ACCEPTED',
      `this cluster does not accept evidence of format ${show(format)}`,
      `send one of: ${Object.keys(formats).join(', ')}`,
    );
  }
  return { format, ...VERIFIERS[format](bytes, { ...rest, accepted, bindings }) };
}

function isKnown(format: string): format is EvidenceFormat {
  return Object.hasOwn(VERIFIERS, format);
}

/** The name comes from a stranger: short, and quoted so that control characters stay visible. */
function show(format: string): string {
  return JSON.stringify(format.slice(0, 64));
}
