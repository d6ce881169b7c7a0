import { CodedError } from '@k3s-daas/core';

export type EnclaveErrorCode =
  | 'ENTROPY_SOURCE'
  | 'CLOCK_APART'
  | 'PCR_MISSING'
  | 'CERTIFICATE_FOREIGN_CA'
  | 'CERTIFICATE_FOREIGN_KEY'
  | 'CERTIFICATE_MALFORMED'
  | 'CERTIFICATE_OUTDATED'
  | 'CERTIFICATE_WRONG_USER'
  | 'CONFIG_DIGEST_DIFFERS'
  | 'POLICY_DIFFERS'
  | 'TRUST_ANCHOR_NOT_AWS'
  | 'NONCE_MALFORMED'
  | 'SLOT_MALFORMED'
  | 'ALREADY_REGISTERED'
  | 'RATE_LIMITED'
  | 'NOT_ATTESTED'
  | 'NSM_FAILED'
  | 'SESSION_REVOKED'
  | 'BOOT_FAILED'
  | 'BOOT_CANCELLED';

/** A coded refusal of the enclave process; most of them end its boot. */
export class EnclaveError extends CodedError<EnclaveErrorCode> {}

/** Too many ask for documents; told to a client as 429 with Retry-After. */
export class RateLimited extends EnclaveError {
  readonly retryAfterSeconds: number;

  constructor(message: string, waitMs: number) {
    super('RATE_LIMITED', message, 'take the standing document, or ask again later');
    this.retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000));
  }
}
