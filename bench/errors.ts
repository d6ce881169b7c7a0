import { CodedError } from '@k3s-daas/core';

export type BenchErrorCode =
  | 'USAGE'
  | 'IMPOSSIBLE'
  | 'INTERRUPTED'
  | 'API_REFUSED'
  | 'API_UNREACHABLE'
  | 'METRICS_MALFORMED'
  | 'NOT_READY'
  | 'PODS_NOT_BOUND'
  | 'PROCESS_ENDED';

/** The one error class of the bench. */
export class BenchError extends CodedError<BenchErrorCode> {}
