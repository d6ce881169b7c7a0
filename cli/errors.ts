import { CodedError } from '@k3s-daas/core';

export type CliErrorCode =
  | 'PREFLIGHT_FAILED'
  | 'DATA_DIR_NOT_EMPTY'
  | 'DATA_DIR_UNUSABLE'
  | 'FILE_UNREADABLE'
  | 'CHILD_EXITED'
  | 'CHILD_TIMEOUT'
  | 'CLAIM_FAILED'
  | 'NOT_FOUND'
  | 'VERIFICATION_FAILED'
  | 'REQUEST_FAILED'
  | 'PORT_TAKEN'
  | 'NETWORK_UNREACHABLE'
  | 'ADMIN_UNAVAILABLE'
  | 'ADMIN_REFUSED'
  | 'FAUCET_UNAVAILABLE'
  | 'GAS_INSUFFICIENT'
  | 'KEY_UNUSABLE'
  | 'CONFIG_OTHER_NETWORK'
  | 'CONFIG_UNWRITABLE'
  | 'SECRET_MALFORMED'
  | 'POLICY_OTHER'
  | 'POLICY_CLOSED'
  | 'POLICY_ROTATED'
  | 'USAGE';

/** A coded error of the command line. */
export class CliError extends CodedError<CliErrorCode> {}
