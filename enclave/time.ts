import { performance } from 'node:perf_hooks';

import type { Clock } from '@k3s-daas/core';

/** Time as the machine gives it. The wall clock is the host's to set; the monotonic clock only ever goes on. */
export interface HostTime {
  readonly clock: Clock;
  /** Milliseconds since some point in the past; with fractions. */
  monotonic(): number;
  /** Calls back once; returns what cancels it. */
  after(ms: number, work: () => void): () => void;
}

/** The process's own timers around a wall clock. */
export function hostTime(clock: Clock): HostTime {
  return {
    clock,
    monotonic: () => performance.now(),
    after(ms, work) {
      const timer = setTimeout(work, ms);
      return () => {
        clearTimeout(timer);
      };
    },
  };
}

/** Resolves after `ms`, or at once when the signal is aborted. */
export async function pause(time: HostTime, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = time.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
