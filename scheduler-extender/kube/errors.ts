import { CodedError } from '@k3s-daas/core';

export type KubeErrorCode =
  /** The URL of the API server cannot be used. */
  | 'KUBE_SERVER_INVALID'
  /** No connection, TLS failure, or a connection that broke. */
  | 'KUBE_UNREACHABLE'
  | 'KUBE_TIMEOUT'
  /** An HTTP status that the caller did not ask for. */
  | 'KUBE_STATUS'
  /** A body that is too large, no JSON, or not what the API promises. */
  | 'KUBE_RESPONSE_MALFORMED'
  /** The resource version is too old (410), or the server ended the watch with an error: list again. */
  | 'KUBE_WATCH_EXPIRED'
  | 'KUBE_CLOSED';

/** No usable answer from the API server. */
export class KubeError extends CodedError<KubeErrorCode> {}
