import { CodedError } from '@k3s-daas/core';

/** `passing`: whether the same may succeed in a moment, so that it is worth asking again. */
interface Rule {
  readonly passing: boolean;
  readonly remedy: string;
}

const OWNER = 'see `daas secret policy show`';
const RULES = {
  USAGE: { passing: false, remedy: 'see seal-fetch --help' },
  PLAN_MISSING: {
    passing: false,
    remedy: 'seal-fetch runs only in pods that the admission webhook has written it into',
  },
  CIPHERTEXT_MISSING: {
    passing: false,
    remedy: 'create the pod anew: the Secret is not the one that the pod was admitted with',
  },
  CIPHERTEXT_CHANGED: {
    passing: false,
    remedy: 'create the pod anew: it opens only the ciphertext that it was admitted with',
  },
  SECRET_VERSION_WRONG: {
    passing: false,
    remedy: 'create the pod anew: the Secret is not the one that the pod was admitted with',
  },
  TOKEN_UNREADABLE: { passing: true, remedy: 'none needed: the kubelet writes the token anew' },
  CHAIN_DISAGREES: {
    passing: true,
    remedy: 'see that all of seal.chainUrls follow the chain; if they do, some of them lie',
  },
  CHAIN_STALE: { passing: true, remedy: 'none needed if the full node catches up; else use another' },
  ENCLAVE_MISSING: {
    passing: true,
    remedy: 'none needed while the enclave starts; else see that `daas registrar` runs',
  },
  BROKER_UNREACHABLE: { passing: true, remedy: 'see that the enclave runs and seal.brokerUrl leads to it' },
  BROKER_FOREIGN: {
    passing: true,
    remedy: 'none needed while the enclave restarts; else seal.brokerUrl leads to somebody else',
  },
  BROKER_BUSY: { passing: true, remedy: 'none needed: it is asked again' },
  BROKER_REFUSED: { passing: false, remedy: 'see the log of the enclave' },
  BROKER_MALFORMED: {
    passing: false,
    remedy: 'run the images of one release of k3s-daas: enclave and seal-fetch do not understand each other',
  },
  RELAY_UNREACHABLE: { passing: true, remedy: 'see that `daas relay` runs and seal.relayUrl leads to it' },
  RELAY_BUSY: { passing: true, remedy: 'none needed: it is asked again' },
  RELAY_REFUSED: { passing: false, remedy: 'see the log of `daas relay`' },
  RELAY_MALFORMED: {
    passing: false,
    remedy: 'run one release of k3s-daas: relay and seal-fetch do not understand each other',
  },
  RELEASE_STALE: { passing: true, remedy: 'none needed: a new release is asked for' },
  POLICY_REFUSED: { passing: false, remedy: OWNER },
  GRANT_MISSING: { passing: true, remedy: 'none needed if the full node catches up; else use another' },
  VALUE_NOT_ENVIRONMENT: { passing: false, remedy: 'mount it as a file' },
  WRITE_FAILED: { passing: true, remedy: 'see that the volume is large enough and nobody else writes to it' },
  ROTATION_REFUSED: {
    passing: false,
    remedy:
      'rotate with `daas secret rotate` and the key of the policy’s owner, or create the pod anew; a pod that runs keeps the version it has',
  },
  ENDED: { passing: false, remedy: 'none needed' },
} as const satisfies Readonly<Record<string, Rule>>;

export type FetchErrorCode = keyof typeof RULES;
export const FETCH_ERROR_CODES: readonly string[] = Object.keys(RULES);

export interface FetchErrorDetails extends ErrorOptions {
  /** Instead of the code's own. */
  readonly remedy?: string;
  /** The other side asked for at least this pause. */
  readonly retryAfterMs?: number;
}

/** Whatever keeps seal-fetch from its end that is not of the chain, of Seal or of a format. */
export class FetchError extends CodedError<FetchErrorCode> {
  readonly passing: boolean;
  readonly retryAfterMs: number;

  constructor(code: FetchErrorCode, message: string, details: FetchErrorDetails = {}) {
    super(code, message, details.remedy ?? RULES[code].remedy, details);
    this.passing = RULES[code].passing;
    this.retryAfterMs = details.retryAfterMs ?? 0;
  }
}
