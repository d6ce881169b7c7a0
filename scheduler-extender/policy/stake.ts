import {
  describeIneligibility,
  equalBytes,
  nodeEligibility,
  type ChainSnapshot,
  type Policy,
  type SuiId,
} from '@k3s-daas/core';

import type { NodeRejection } from '../engine.ts';
import { ExtenderError } from '../errors.ts';
import type { KubeView } from '../ports.ts';

/** A node with a live stake behind it. */
export interface Candidate {
  readonly node: string;
  readonly uid: string;
  readonly operator: SuiId;
  readonly stakeId: SuiId;
  /** Active stake, MIST. */
  readonly stake: bigint;
}

/** Which of the cluster's nodes are eligible, by one snapshot of the chain. Every node is in one of the two maps. */
export interface Standing {
  readonly eligible: ReadonlyMap<string, Candidate>;
  readonly ineligible: ReadonlyMap<string, NodeRejection>;
}

/** A node with fewer than its required stake is out for good: evicting pods from it adds no stake. */
function standingOf(snapshot: ChainSnapshot, kube: Pick<KubeView, 'nodes'>): Standing {
  const eligible = new Map<string, Candidate>();
  const ineligible = new Map<string, NodeRejection>();
  for (const { name, uid } of kube.nodes()) {
    const result = nodeEligibility(snapshot, name);
    if (result.eligible) {
      const { owner: operator, id: stakeId, active: stake } = result.stake;
      eligible.set(name, { node: name, uid, operator, stakeId, stake });
    } else {
      const message = describeIneligibility(name, result.reason);
      ineligible.set(name, { node: name, code: result.reason.code, message, unresolvable: true });
    }
  }
  return { eligible, ineligible };
}

/** Keeps the standing until the chain or the set of nodes changes: checkpoints alone change neither. */
export function cachedStanding(
  kube: Pick<KubeView, 'nodes' | 'nodesVersion'>,
): (snapshot: ChainSnapshot) => Standing {
  let last: {
    readonly digest: ChainSnapshot['digest'];
    readonly version: number;
    readonly standing: Standing;
  } | null = null;
  return (snapshot) => {
    const version = kube.nodesVersion;
    if (last?.version !== version || !equalBytes(last.digest, snapshot.digest)) {
      last = { digest: snapshot.digest, version, standing: standingOf(snapshot, kube) };
    }
    return last.standing;
  };
}

/**
 * Fails closed unless the snapshot is as young as the policy demands. One from the future is as bad as an old one:
 * then our clock is wrong, and so would be every receipt's lifetime.
 * @throws ExtenderError SNAPSHOT_MISSING or SNAPSHOT_STALE
 */
export function requireFresh(
  snapshot: ChainSnapshot | null,
  nowMs: number,
  policy: Pick<Policy, 'stakeSnapshotAgeMsMax'>,
): ChainSnapshot {
  if (snapshot === null) {
    const remedy = 'wait for the first one, or check the connection to the Sui endpoint';
    throw new ExtenderError('SNAPSHOT_MISSING', 'the extender has no snapshot of the chain yet', remedy);
  }
  const ageMs = nowMs - snapshot.checkpointTimestampMs;
  if (Math.abs(ageMs) > policy.stakeSnapshotAgeMsMax) {
    throw new ExtenderError(
      'SNAPSHOT_STALE',
      `checkpoint ${snapshot.checkpoint} is ${ageMs} ms old, allowed are ${policy.stakeSnapshotAgeMsMax} ms either way`,
      'check the connection to the Sui endpoint and the clock of this machine; scheduling goes on by itself',
    );
  }
  return snapshot;
}
