import type { ChainView, Clock } from '@k3s-daas/core';

import type { SessionIdentity } from '../ports.ts';
import type { WatchedKubeView } from '../kube/view.ts';

export interface Reason {
  /** CACHE_NOT_SYNCED, SNAPSHOT_MISSING, SNAPSHOT_STALE, ENCLAVE_NOT_ACTIVE, SHUTTING_DOWN, or a code of a guard. */
  readonly code: string;
  readonly message: string;
}

/** Why no pod can be placed now; ready when there is no reason. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly Reason[];
}

export interface ReadinessDependencies {
  readonly kube: WatchedKubeView;
  readonly chain: ChainView;
  readonly clock: Clock;
  readonly identity: () => SessionIdentity | null;
  /** What else forbids to decide, from outside of the extender; `identity` is null while there is any. */
  readonly guards?: () => readonly Reason[];
  readonly stakeSnapshotAgeMsMax: number;
  readonly closing: () => boolean;
}

/** Age of the newest snapshot by the chain's time, ms; null before the first. */
export function snapshotAgeMs(chain: ChainView, clock: Clock): number | null {
  const snapshot = chain.current();
  return snapshot === null ? null : clock.now() - snapshot.checkpointTimestampMs;
}

export function readiness(dependencies: ReadinessDependencies): Readiness {
  const { kube, chain, clock, identity, stakeSnapshotAgeMsMax, closing } = dependencies;
  const { guards = () => [] } = dependencies;
  const reasons: Reason[] = [];
  if (closing()) reasons.push({ code: 'SHUTTING_DOWN', message: 'the extender is stopping' });
  if (!kube.synced) reasons.push({ code: 'CACHE_NOT_SYNCED', message: unsynced(kube) });
  const ageMs = snapshotAgeMs(chain, clock);
  if (ageMs === null) {
    reasons.push({ code: 'SNAPSHOT_MISSING', message: 'the chain has not been read yet' });
  } else if (Math.abs(ageMs) > stakeSnapshotAgeMsMax) {
    const message = `the chain's state is ${ageMs} ms old, allowed are ${stakeSnapshotAgeMsMax} either way`;
    reasons.push({ code: 'SNAPSHOT_STALE', message });
  }
  const objections = guards();
  reasons.push(...objections);
  if (identity() === null && objections.length === 0) {
    reasons.push({
      code: 'ENCLAVE_NOT_ACTIVE',
      message: "this enclave's session is not the active one on chain",
    });
  }
  return { ready: reasons.length === 0, reasons };
}

function unsynced(kube: WatchedKubeView): string {
  const behind = kube.resources().filter(({ synced, connected }) => !synced || !connected);
  return behind.map(({ path, lastError }) => `${path}: ${lastError ?? 'not listed yet'}`).join('; ');
}
