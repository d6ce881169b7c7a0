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
  | 'SLOT_UNKNOWN'
  | 'CHAIN_UNREADABLE'
  | 'ALREADY_REGISTERED'
  | 'RATE_LIMITED'
  | 'NOT_ATTESTED'
  | 'NSM_FAILED'
  | 'SESSION_REVOKED'
  | 'BOOT_FAILED'
  | 'BOOT_CANCELLED';

/** A coded refusal of the enclave process; most of them end its boot. */
export class EnclaveError extends CodedError<EnclaveErrorCode> {}

/** What may be otherwise in a moment; told to a client with Retry-After. */
export class AskLater extends EnclaveError {
  readonly retryAfterSeconds: number;

  constructor(code: EnclaveErrorCode, message: string, remedy: string, waitMs: number) {
    super(code, message, remedy);
    this.retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000));
  }
}

/** Too many ask for documents; told to a client as 429. */
export class RateLimited extends AskLater {
  constructor(message: string, waitMs: number) {
    super('RATE_LIMITED', message, 'take the standing document, or ask again later', waitMs);
  }
}
