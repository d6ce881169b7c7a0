import {
  describeIneligibility,
  nodeEligibility,
  type ChainSnapshot,
  type ChainView,
  type Clock,
  type Ineligibility,
  type NodeClaim,
  type Stake,
} from '@k3s-daas/core';

import { Denied } from './denied.ts';

export interface SnapshotSource {
  readonly chain: ChainView;
  readonly clock: Clock;
  readonly stakeSnapshotAgeMsMax: number;
}

/**
 * The latest snapshot, if it is young enough to decide on. Never waits for the chain.
 *
 * @throws Denied SNAPSHOT_MISSING or SNAPSHOT_STALE, status 503: the request is worth repeating.
 */
export function freshSnapshot({ chain, clock, stakeSnapshotAgeMsMax }: SnapshotSource): ChainSnapshot {
  const snapshot = chain.current();
  if (snapshot === null) {
    throw new Denied(
      'SNAPSHOT_MISSING',
      'the webhook has not read the chain yet',
      'wait some seconds; if it lasts, check that the webhook reaches its Sui endpoints',
      503,
    );
  }
  const ageMs = clock.now() - snapshot.checkpointTimestampMs;
  // A checkpoint from the future means that one clock is wrong, and then no age can be trusted.
  if (Math.abs(ageMs) > stakeSnapshotAgeMsMax) {
    throw new Denied(
      'SNAPSHOT_STALE',
      `the newest checkpoint the webhook knows (${snapshot.checkpoint}) is ${ageMs} ms old, allowed are ${stakeSnapshotAgeMsMax}`,
      "check the webhook's Sui endpoints and the clocks; it recovers by itself",
      503,
    );
  }
  return snapshot;
}

/** @throws Denied with the reason, unless a live stake of enough MIST stands behind the node. */
export function requireEligible(snapshot: ChainSnapshot, node: string): { stake: Stake; claim: NodeClaim } {
  const eligibility = nodeEligibility(snapshot, node);
  if (eligibility.eligible) return eligibility;
  const { reason } = eligibility;
  // The description starts with the code, which every denial's text does already.
  const text = describeIneligibility(node, reason).slice(`${reason.code}: `.length);
  throw new Denied(reason.code, text, remedyFor(reason));
}

function remedyFor(reason: Ineligibility): string {
  switch (reason.code) {
    case 'NODE_NOT_CLAIMED':
      return 'the claim is visible here as soon as the next checkpoint is';
    case 'NODE_JAILED':
      return "the cluster's owner can unjail it";
    case 'STAKE_MISSING':
    case 'STAKE_FOREIGN':
    case 'STAKE_ROLE_WRONG':
      return 'leave the claim and claim the node with a live node stake of your own';
    case 'STAKE_TOO_SMALL':
      return `top up stake ${reason.stake}`;
  }
}
