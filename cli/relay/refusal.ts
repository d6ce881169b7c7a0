import { ChainError, toChainError } from '@k3s-daas/sui-client';

import { RelayError } from './errors.ts';

/** Name of the Move constant that refused, without its module; null if it was something else. */
export function abortOf(error: unknown): string | null {
  const abort = error instanceof RelayError ? error.abort : error instanceof ChainError ? error.abort : null;
  if (abort === null || typeof abort === 'string') return abort;
  return abort.name?.split('::').at(-1) ?? `${abort.module} ${abort.code}`;
}

/** What whoever asked is told of a failure of the chain. */
export function refusalOf(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  const failure = toChainError(error);
  const { code, abort } = failure;
  if (abort !== null) {
    const name = abortOf(failure) ?? '';
    const message = `Move refused the request: ${name} in ${abort.module}`;
    return new RelayError('POLICY_REFUSED', message, { abort: name, cause: error });
  }
  return new RelayError('CHAIN_UNAVAILABLE', `the chain did not take the request: ${code}`, {
    cause: error,
    retryAfterMs: 1_000,
  });
}
