import { setTimeout as sleep } from 'node:timers/promises';

import { BenchError } from './errors.ts';

const POLL_MS = 100;

/** Asks until `done` says null; what it says otherwise is what is waited for. @throws BenchError NOT_READY */
export async function until(
  what: string,
  msMax: number,
  signal: AbortSignal,
  done: () => Promise<string | null>,
  pollMs = POLL_MS,
): Promise<void> {
  const deadline = performance.now() + msMax;
  for (;;) {
    const missing = await done();
    if (missing === null) return;
    if (performance.now() > deadline) {
      throw new BenchError(
        'NOT_READY',
        `${what}: not within ${msMax / 1000} s: ${missing}`,
        'the machine may be overloaded; the logs are in the folder of the cluster',
      );
    }
    await sleep(pollMs, undefined, { signal });
  }
}
