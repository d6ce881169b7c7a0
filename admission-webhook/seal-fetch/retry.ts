import { describeError } from '@k3s-daas/core';
import { OpenError } from '@k3s-daas/seal/sealed';
import { ChainError } from '@k3s-daas/sui-client';

import { FetchError } from './errors.ts';

/** Time and chance, injected. */
export interface Pacing {
  /** Monotonic, ms. */
  readonly elapsedMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Resolves early when `signal` is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface RetryOptions extends Pacing {
  /** After this no new attempt is made. */
  readonly budgetMs: number;
  readonly signal: AbortSignal;
  /** Told of each failure that is not the last one. */
  readonly failed: (error: unknown, pauseMs: number) => void;
}

const PAUSE_MS = 250;
const PAUSE_MS_MAX = 8_000;

/**
 * Asks again, with growing pauses, as long as what failed may pass and the budget lasts.
 * @throws the last failure, or FetchError ENDED once the signal is aborted.
 */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { elapsedMs, random, sleep, budgetMs, signal, failed } = options;
  const endsAt = elapsedMs() + budgetMs;
  for (let failures = 0; ; failures += 1) {
    if (isAborted(signal)) throw new FetchError('ENDED', 'it was told to stop');
    try {
      return await attempt();
    } catch (error) {
      // An abort shows as any error of whatever was under way.
      if (isAborted(signal)) throw new FetchError('ENDED', 'it was told to stop', { cause: error });
      const pauseMs = pauseAfter(error, failures, random);
      if (!isPassing(error) || elapsedMs() + pauseMs >= endsAt) throw error;
      failed(error, pauseMs);
      await sleep(pauseMs, signal);
    }
  }
}

/** A call, since the compiler takes a signal that was not aborted for one that never is. */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function pauseAfter(error: unknown, failures: number, random: () => number): number {
  const growing = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** failures) * (0.5 + random() / 2);
  const asked = error instanceof FetchError ? error.retryAfterMs : 0;
  return Math.max(growing, asked);
}

/** Of the chain: what a node says in passing. Another chain, or objects of another shape, stay what they are. */
const CHAIN_PASSING: ReadonlySet<string> = new Set([
  'CHAIN_UNREACHABLE',
  'CHAIN_TIMEOUT',
  'CHAIN_REFUSED',
  'CHAIN_MALFORMED',
  'OBJECT_MISSING',
]);

/** Whether the same may succeed in a moment. What is not known may not. */
export function isPassing(error: unknown): boolean {
  if (error instanceof FetchError) return error.passing;
  if (error instanceof ChainError) return CHAIN_PASSING.has(error.code);
  return error instanceof OpenError && error.retryable;
}

const LINE_CHARACTERS_MAX = 1_024;

/** One line for logs and for the termination message, whoever wrote the words in it. */
export function oneLine(error: unknown): string {
  const text = describeError(error).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
  return text.length > LINE_CHARACTERS_MAX ? `${text.slice(0, LINE_CHARACTERS_MAX)}…` : text;
}
