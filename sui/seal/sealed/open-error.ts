import {
  ExpiredSessionKeyError,
  GeneralError,
  InternalError,
  InvalidKeyServerError,
  InvalidKeyServerObjectIdError,
  InvalidParameterError,
  NoAccessError,
  SealAPIError,
  SealError,
  TooManyFailedFetchKeyRequestsError,
} from '@mysten/seal';
import { CodedError } from '@k3s-daas/core';
import { ChainError, toChainError } from '@k3s-daas/sui-client';

const KINDS = {
  OPEN_REFUSED: [
    false,
    'the policy does not let this key in: `daas secret policy show` lists its terms; a grant that ran out is asked for anew',
  ],
  OPEN_NOT_YET: [true, 'try again in a moment: a node does not know the newest objects yet'],
  OPEN_SESSION_REFUSED: [true, 'set the clocks of this machine and of the key servers; then try again'],
  OPEN_KEY_SERVERS_UNAVAILABLE: [true, 'try again: too few key servers answer; their /readyz says why'],
  OPEN_KEY_SERVERS_UNTRUSTED: [
    false,
    'the chain has no key server under an id that the value names, or one of another kind: seal it again',
  ],
  OPEN_CHAIN_UNAVAILABLE: [true, 'try again: the Sui node does not answer as it should'],
  OPEN_CIPHERTEXT_WRONG: [false, 'seal the value again: its ciphertext was not made as it should be'],
  OPEN_TOO_MANY: [false, 'open fewer policies and versions at a time'],
  OPEN_REQUEST_WRONG: [false, 'the message says what is wrong; check the versions of `daas` and key servers'],
} as const satisfies Record<string, readonly [boolean, string]>;

export type OpenErrorCode = keyof typeof KINDS;

/** Sealed values that were not opened. `retryable`: the same call may succeed later without anyone's doing. */
export class OpenError extends CodedError<OpenErrorCode> {
  readonly retryable: boolean;
  constructor(code: OpenErrorCode, message: string, options?: ErrorOptions) {
    const [retryable, remedy] = KINDS[code];
    super(code, message, remedy, options);
    this.retryable = retryable;
  }
}

const UNTRUSTED = [InvalidKeyServerError, InvalidKeyServerObjectIdError];
const UNAVAILABLE = [InternalError, TooManyFailedFetchKeyRequestsError];

/** Brings what SealClient throws while it fetches keys into one class. */
export function toOpenError(error: unknown): OpenError {
  if (error instanceof OpenError) return error;
  const because = (code: OpenErrorCode): OpenError => new OpenError(code, messageOf(error), { cause: error });
  if (error instanceof NoAccessError) return because('OPEN_REFUSED');
  if (error instanceof InvalidParameterError) return because('OPEN_NOT_YET');
  if (error instanceof ExpiredSessionKeyError) return because('OPEN_SESSION_REFUSED');
  if (UNTRUSTED.some((kind) => error instanceof kind)) return because('OPEN_KEY_SERVERS_UNTRUSTED');
  if (UNAVAILABLE.some((kind) => error instanceof kind)) return because('OPEN_KEY_SERVERS_UNAVAILABLE');
  // What is not in Seal's own list: a proxy's 502, a server's limit.
  if (error instanceof GeneralError) return because('OPEN_KEY_SERVERS_UNAVAILABLE');
  if (error instanceof SealAPIError || error instanceof SealError) return because('OPEN_REQUEST_WRONG');
  const chain = chainErrorOf(error);
  if (chain !== null)
    return new OpenError(
      chain.code === 'OBJECT_MISSING' ? 'OPEN_NOT_YET' : 'OPEN_CHAIN_UNAVAILABLE',
      chain.message,
      { cause: error },
    );
  // fetch: refused, reset, timed out; or nothing, if every answer held a wrong key.
  return because('OPEN_KEY_SERVERS_UNAVAILABLE');
}

function chainErrorOf(error: unknown): ChainError | null {
  const chain = toChainError(error);
  return chain.code === 'CHAIN_REFUSED' && !(error instanceof ChainError) ? null : chain;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the answers of the key servers hold no key that fits';
  const { cause } = error;
  return cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
}
