import type { ChainView, Clock } from '@k3s-daas/core';

import type { Waiting } from './steps.ts';

/** Whether the chain's state is known, and no older than decisions may use; one from the future is as bad. */
export function isFreshSnapshot(chain: ChainView, clock: Clock, ageMsMax: number): boolean {
  const ageMs = ageOf(chain, clock);
  return ageMs !== null && Math.abs(ageMs) <= ageMsMax;
}

export function describeAge(chain: ChainView, clock: Clock): Waiting {
  const ageMs = ageOf(chain, clock);
  if (ageMs === null) return { reason: 'UNREAD', message: 'the chain has not been read yet' };
  return { reason: ageMs < 0 ? 'AHEAD' : 'OLD', message: `the chain's state is ${ageMs} ms old` };
}

function ageOf(chain: ChainView, clock: Clock): number | null {
  const snapshot = chain.current();
  return snapshot === null ? null : clock.now() - snapshot.checkpointTimestampMs;
}
