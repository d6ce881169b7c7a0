import { CodedError } from '@k3s-daas/core';

/** Every reason for which the extender refuses a call, a node or a bind. */
export type ExtenderErrorCode =
  | 'REQUEST_MALFORMED'
  | 'CANDIDATES_EMPTY'
  | 'NODE_UNKNOWN'
  | 'POD_UNKNOWN'
  | 'POD_CHANGED'
  | 'POD_FOREIGN_SCHEDULER'
  | 'POD_ALREADY_BOUND'
  | 'SERVICE_ACCOUNT_UNKNOWN'
  | 'NODE_NOT_IN_SHORTLIST'
  | 'NODE_INELIGIBLE'
  | 'NODE_LEFT_OUT_AFTER_FAILURES'
  | 'NODE_NOT_AMONG_THE_FAIREST'
  | 'SNAPSHOT_MISSING'
  | 'SNAPSHOT_STALE'
  | 'ENCLAVE_NOT_ACTIVE'
  | 'CACHE_NOT_SYNCED'
  | 'RECEIPT_LIVE'
  | 'RECEIPT_UNKNOWN'
  | 'RECEIPT_FOREIGN'
  | 'LOG_CORRUPT'
  | 'LOG_LOCKED'
  | 'LOG_WRITE_FAILED'
  | 'BINDING_REFUSED'
  | 'BINDING_CONFLICT'
  | 'BINDING_UNKNOWN'
  | 'SHUTTING_DOWN';

/** A coded refusal of the scheduler extender. */
export class ExtenderError extends CodedError<ExtenderErrorCode> {}
