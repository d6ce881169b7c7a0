import { CodedError, type Bytes } from '@k3s-daas/core';

import type { ChainCache } from './verify/chain.ts';
import type { Checked } from './verify/checked.ts';
import type { VerificationTime } from './verify/verify.ts';

/** What a TEE says about what runs in it, in the words of RFC 9334 (RATS): bytes, and the name of their format. */
export interface Evidence {
  readonly format: string;
  readonly bytes: Bytes;
}

/**
 * Values of a TEE's measurement registers by name, in lower case as its vendor names them: `pcr0`… (Nitro),
 * `measurement` (SEV-SNP), `mrtd` and `rtmr0`… (TDX), `mrenclave` and `mrsigner` (SGX).
 */
export type Measurements = Readonly<Record<string, Bytes>>;

/** What is accepted of one format. Which registers are mandatory is a rule of the format, not of the caller. */
export interface AcceptedFormat {
  /** DER of the root certificate that evidence of this format must lead to. */
  readonly trustAnchor: Bytes;
  readonly measurements: Measurements;
}

/** What the evidence must bind. A key that is present is checked, never skipped. */
export interface Bindings {
  readonly nonce?: Bytes;
  readonly userData?: Bytes;
  readonly publicKey?: Bytes;
}

export interface EvidencePolicy extends Bindings {
  /** By name. A format that is not here is refused, also where a verifier of it exists. */
  readonly formats: Readonly<Record<string, AcceptedFormat>>;
}

export interface EvidenceOptions {
  readonly policy: EvidencePolicy;
  readonly time: VerificationTime;
  readonly chains?: ChainCache;
}

/** What evidence says once everything asked for held. */
export interface VerifiedEvidence {
  readonly format: string;
  /** By the TEE's clock, milliseconds since 1970. */
  readonly timestampMs: number;
  /** Every register that the evidence states, also those that nobody asked about. */
  readonly measurements: ReadonlyMap<string, Bytes>;
  readonly publicKey: Bytes | null;
  readonly userData: Bytes | null;
  readonly nonce: Bytes | null;
  /** Each thing that was checked, in order. */
  readonly checked: readonly Checked[];
}

/** The verifier of one format: all of its rules, or a coded error. */
export type EvidenceVerifier = (
  bytes: Bytes,
  options: {
    readonly accepted: AcceptedFormat;
    readonly bindings: Bindings;
    readonly time: VerificationTime;
    readonly chains?: ChainCache;
  },
) => Omit<VerifiedEvidence, 'format'>;

export type EvidenceErrorCode = 'EVIDENCE_FORMAT_UNKNOWN' | 'EVIDENCE_FORMAT_NOT_ACCEPTED';

export class EvidenceError extends CodedError<EvidenceErrorCode> {}
