export type GuardCode =
  | 'CLOCK_APART'
  | 'CLOCK_JUMPED'
  | 'NSM_FAILED'
  | 'ATTESTATION_EXPIRING'
  | 'SESSION_REVOKED'
  | 'SESSION_SUPERSEDED'
  | 'CONFIG_RETIRED'
  | 'CONFIG_DIGEST_DIFFERS';

/** Why this enclave may not decide now. */
export interface GuardReason {
  readonly code: GuardCode;
  readonly message: string;
}
