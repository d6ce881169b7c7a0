import { CodedError } from '@k3s-daas/core';

export type BrokerErrorCode =
  | 'ROUTE_UNKNOWN'
  | 'REQUEST_MALFORMED'
  | 'TOKEN_MISSING'
  | 'TOKEN_REFUSED'
  | 'TOKEN_UNBOUND'
  | 'TOKEN_FOREIGN'
  | 'POD_UNKNOWN'
  | 'POD_UNBOUND'
  | 'POD_ENDED'
  | 'POD_CHANGED'
  | 'POD_WITHOUT_PLAN'
  | 'POLICY_NOT_PLANNED'
  | 'RECEIPT_UNKNOWN'
  | 'RECEIPT_FOREIGN'
  | 'NODE_UNKNOWN'
  | 'NODE_INELIGIBLE'
  | 'RATE_EXCEEDED'
  | 'BUSY'
  | 'NOT_READY'
  | 'KUBERNETES_UNAVAILABLE'
  | 'INTERNAL';

/** 401, 404, 409, 429 and 503 may pass by themselves; 400 and 403 do not. */
const STATUS: Readonly<Record<BrokerErrorCode, number>> = {
  ROUTE_UNKNOWN: 404,
  REQUEST_MALFORMED: 400,
  TOKEN_MISSING: 401,
  TOKEN_REFUSED: 401,
  TOKEN_UNBOUND: 403,
  TOKEN_FOREIGN: 403,
  POD_UNKNOWN: 404,
  POD_UNBOUND: 409,
  POD_ENDED: 409,
  POD_CHANGED: 403,
  POD_WITHOUT_PLAN: 403,
  POLICY_NOT_PLANNED: 403,
  RECEIPT_UNKNOWN: 404,
  RECEIPT_FOREIGN: 403,
  NODE_UNKNOWN: 409,
  NODE_INELIGIBLE: 403,
  RATE_EXCEEDED: 429,
  BUSY: 503,
  NOT_READY: 503,
  KUBERNETES_UNAVAILABLE: 503,
  INTERNAL: 503,
};

const REMEDIES: Readonly<Record<BrokerErrorCode, string>> = {
  ROUTE_UNKNOWN: 'use POST /api/v1/releases',
  REQUEST_MALFORMED: 'docs/broker.md describes the request',
  TOKEN_MISSING: 'send the token of the projected volume as "Authorization: Bearer …"',
  TOKEN_REFUSED: 'read the token again from its file: the kubelet renews it',
  TOKEN_UNBOUND: 'use a projected token of the pod itself',
  TOKEN_FOREIGN: 'use a projected token of the pod itself',
  POD_UNKNOWN: 'the pod of this token is gone; one that replaced it has a token of its own',
  POD_UNBOUND: 'ask again once the pod is bound',
  POD_ENDED: 'nothing is released to a pod that ends',
  POD_CHANGED: 'delete the pod, so that its controller makes another one',
  POD_WITHOUT_PLAN:
    'delete the pod, so that its controller makes one that the webhook of this cluster plans for',
  POLICY_NOT_PLANNED: 'ask for the policies of the pod’s own Secrets only',
  RECEIPT_UNKNOWN: 'delete the pod, so that its controller makes one that this enclave places',
  RECEIPT_FOREIGN: 'delete the pod, so that its controller makes one that this enclave places',
  NODE_UNKNOWN: 'ask again; if it stays so, delete the pod',
  NODE_INELIGIBLE: 'the owner of the node puts up the stake that is missing; or delete the pod',
  RATE_EXCEEDED: 'ask again later',
  BUSY: 'ask again later',
  NOT_READY: 'ask again later; /readyz of the enclave says what it waits for',
  KUBERNETES_UNAVAILABLE: 'ask again later; the enclave has no answer from the API server',
  INTERNAL: 'ask again later; the log of the enclave says what failed',
};

/** Why nothing is released. */
export class BrokerError extends CodedError<BrokerErrorCode> {
  readonly status: number;
  readonly retryAfterSeconds: number | null;

  constructor(code: BrokerErrorCode, message: string, options: ErrorOptions & { waitMs?: number } = {}) {
    const { waitMs, ...rest } = options;
    super(code, message, REMEDIES[code], rest);
    this.status = STATUS[code];
    this.retryAfterSeconds = waitMs === undefined ? null : Math.max(1, Math.ceil(waitMs / 1_000));
  }
}
