import { equalBytes, policyDigest, type ChainSnapshot, type Decision } from '@k3s-daas/core';

import { requireFresh } from '../policy/stake.ts';
import type { SessionIdentity } from '../ports.ts';
import { refusal, requireActive, type EngineContext } from './context.ts';

/** What every decision stands on: who signs it, and what is seen of the chain. */
export interface Ground {
  readonly nowMs: number;
  readonly snapshot: ChainSnapshot;
  readonly identity: SessionIdentity;
}

/** @throws ExtenderError unless this enclave is active and sees chain and cluster as they are now */
export function requireSight(context: EngineContext): Ground {
  const { clock, chain, kube, policy } = context;
  const nowMs = clock.now();
  if (!kube.synced) throw refusal('CACHE_NOT_SYNCED', 'the extender has not listed pods and nodes yet');
  const snapshot = requireFresh(chain.current(), nowMs, policy);
  return { nowMs, snapshot, identity: requireActive(context.identity(), snapshot) };
}

/** The part of a decision that says who made it, and by which state of the chain. */
export function seenBy({
  identity,
  snapshot,
}: Ground): Pick<
  Decision,
  'cluster' | 'session' | 'term' | 'configVersion' | 'checkpoint' | 'checkpointDigest' | 'snapshotDigest'
> {
  return {
    cluster: identity.cluster,
    session: identity.session,
    term: identity.term,
    configVersion: identity.configVersion,
    checkpoint: snapshot.checkpoint,
    checkpointDigest: snapshot.checkpointDigest,
    snapshotDigest: snapshot.digest,
  };
}

/** Records who decides, where the log does not say so already. */
export function announceSession(context: EngineContext, { identity, nowMs }: Ground): void {
  const { state, journal } = context;
  const last = state.session;
  if (
    last?.session === identity.session &&
    last.cluster === identity.cluster &&
    last.term === identity.term &&
    last.configVersion === identity.configVersion &&
    equalBytes(last.policyDigest, policyDigest(context.policy))
  ) {
    return;
  }
  const session = {
    ...identity,
    decisionKey: context.signer.publicKey,
    policyDigest: policyDigest(context.policy),
    lagMax: context.policy.lagMax,
    previousSession: last?.session ?? null,
    lagDigest: state.ledger.digest(),
  };
  journal.append({ $kind: 'session', session }, nowMs);
}

/** Numbers that were reserved or signed and lost are written off, so that the log accounts for every one. */
export function nextSequence(context: EngineContext, nowMs: number): bigint {
  const sequence = context.sequences.take();
  const from = context.state.lastSequence + 1n;
  if (from < sequence) context.journal.append({ $kind: 'burnt', burnt: { from, to: sequence - 1n } }, nowMs);
  return sequence;
}
