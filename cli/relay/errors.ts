import { CodedError } from '@k3s-daas/core';

export type RelayErrorCode =
  | 'MALFORMED'
  | 'RELEASE_INVALID'
  | 'POLICY_REFUSED'
  | 'ROUTE_UNKNOWN'
  | 'METHOD_NOT_ALLOWED'
  | 'BODY_TOO_LARGE'
  | 'RATE_EXCEEDED'
  | 'BUDGET_EXHAUSTED'
  | 'INTERNAL'
  | 'CHAIN_UNAVAILABLE'
  | 'CHAIN_STALE'
  | 'BOOKS_UNWRITABLE'
  | 'RELAY_BUSY'
  | 'SHUTTING_DOWN';

const RULES: Readonly<Record<RelayErrorCode, { readonly status: number; readonly remedy: string }>> = {
  MALFORMED: { status: 400, remedy: 'send what docs/relay.md describes' },
  RELEASE_INVALID: { status: 403, remedy: 'ask the broker of the live enclave for new releases' },
  POLICY_REFUSED: {
    status: 403,
    remedy: 'see `daas secret policy show`; docs/chain/seal-policy.md lists the aborts',
  },
  ROUTE_UNKNOWN: { status: 404, remedy: 'POST /api/v1/access; GET /livez, /readyz, /metrics' },
  METHOD_NOT_ALLOWED: { status: 405, remedy: 'POST /api/v1/access; GET /livez, /readyz, /metrics' },
  BODY_TOO_LARGE: { status: 413, remedy: 'ask for fewer policies at a time' },
  RATE_EXCEEDED: { status: 429, remedy: 'ask again later; relay.budget sets the rates' },
  BUDGET_EXHAUSTED: { status: 429, remedy: 'find out what asks so often, or raise relay.budget' },
  INTERNAL: { status: 500, remedy: 'see the log of the relay' },
  CHAIN_UNAVAILABLE: {
    status: 503,
    remedy: 'ask again with the same releases: what was granted is not granted twice',
  },
  CHAIN_STALE: {
    status: 503,
    remedy: 'none needed if the Sui node of the relay catches up; else use another',
  },
  BOOKS_UNWRITABLE: { status: 503, remedy: 'give the relay a disk that it can write relay.stateFile to' },
  RELAY_BUSY: { status: 503, remedy: 'ask again in a moment' },
  SHUTTING_DOWN: { status: 503, remedy: 'ask again: another relay, or this one after its restart' },
};

export interface RelayErrorOptions extends ErrorOptions {
  /** The Move constant that refused, without its module: EUsesExhausted. */
  readonly abort?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** Why a request is not granted, as its sender is told. */
export class RelayError extends CodedError<RelayErrorCode> {
  readonly abort: string | null;
  readonly retryAfterMs: number | null;

  constructor(code: RelayErrorCode, message: string, options: RelayErrorOptions = {}) {
    super(code, message, RULES[code].remedy, options);
    this.abort = options.abort ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }

  get status(): number {
    return RULES[this.code].status;
  }

  override toJSON(): { code: RelayErrorCode; message: string; remedy: string; abort?: string } {
    return { ...super.toJSON(), ...(this.abort !== null && { abort: this.abort }) };
  }
}
