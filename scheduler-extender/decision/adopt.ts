import {
  DecisionKind,
  decodeDecisionMessage,
  decodeReceipt,
  encodeDecisionMessage,
  equalBytes,
  namesDigest,
  policyDigest,
  receiptBytes,
  receiptDigest,
  sha256,
  verifyEd25519,
  type Decision,
  type Receipt,
} from '@k3s-daas/core';

import type { LiveReceipt } from '../engine.ts';
import { OutcomeResult } from '../log/record.ts';
import type { PodFacts, SessionIdentity } from '../ports.ts';
import { refusal, type EngineContext } from './context.ts';
import { announceSession, nextSequence, requireSight, seenBy, type Ground } from './ground.ts';
import { isBoundBy, settleOutcome } from './settle.ts';

/** The receipt that has placed a pod, by the log, and what a later session has made of it. */
interface Placing {
  readonly text: string;
  readonly receipt: Receipt;
  readonly decision: Decision;
  readonly adoption: string | null;
}

/**
 * The receipt by which the live session stands for a running pod: the one that has placed it, if this session signed
 * it in its present term, else an adoption of that one (docs/formats.md). The caller sees to it that one pod is adopted by
 * one call at a time.
 * @param pod as the API server has it now
 * @throws ExtenderError unless the pod still runs as it was placed, on a node behind which the same stake stands
 */
export async function adopt(context: EngineContext, pod: PodFacts): Promise<LiveReceipt> {
  const open = context.state.open.get(pod.uid);
  if (open !== undefined && isBoundBy(pod, open)) await settleOutcome(context, open, OutcomeResult.bound, '');
  await context.sequences.ready();
  // From here to the append nothing else runs.
  const ground = requireSight(context);
  const placing = requirePlacing(context, pod);
  requireAsPlaced(pod, placing);
  requireNode(context, ground, placing.decision);
  requireSigned(ground, placing);
  const live = liveReceipt(placing, ground.identity);
  if (live !== null) return live;
  const { receipt, decision, durable } = signAndAppend(context, ground, placing);
  await durable;
  return { receipt, decision };
}

function requirePlacing({ state }: EngineContext, pod: PodFacts): Placing {
  const bound = state.bound.get(pod.uid);
  if (bound === undefined) {
    throw refusal('RECEIPT_UNKNOWN', `the log has no receipt by which pod ${nameOf(pod)} was bound`);
  }
  const receipt = decodeReceipt(bound.receipt);
  const { payload } = decodeDecisionMessage(receipt.message);
  return { text: bound.receipt, receipt, decision: payload, adoption: bound.adoption };
}

/** Binding changed nothing about the pod, and nothing has since. */
function requireAsPlaced(pod: PodFacts, { text, decision }: Placing): void {
  if (pod.receipt !== '' && pod.receipt !== text) {
    throw refusal(
      'RECEIPT_FOREIGN',
      `pod ${nameOf(pod)} carries another receipt than the one that has placed it`,
    );
  }
  const same =
    pod.uid === decision.podUid &&
    pod.namespace === decision.namespace &&
    pod.name === decision.pod &&
    pod.serviceAccount === decision.serviceAccount &&
    pod.nodeName === decision.node &&
    equalBytes(pod.specDigest, decision.podSpecDigest);
  if (!same) throw refusal('POD_CHANGED', `pod ${nameOf(pod)} is not as it was when it was placed`);
  if (pod.deleting || pod.phase === 'Succeeded' || pod.phase === 'Failed') {
    throw refusal('POD_CHANGED', `pod ${nameOf(pod)} has ended, or is being deleted`);
  }
}

/** The machine, its key and the stake behind it are those of the placement, and the stake is live. */
function requireNode({ kube, standing }: EngineContext, { snapshot }: Ground, placing: Decision): void {
  const { node } = placing;
  if (kube.node(node)?.uid !== placing.nodeUid) {
    throw refusal(
      'NODE_UNKNOWN',
      `node ${node} is gone, or another one has its name since the pod was placed`,
    );
  }
  const { eligible, ineligible } = standing(snapshot);
  const candidate = eligible.get(node);
  if (candidate === undefined) {
    throw refusal('NODE_INELIGIBLE', ineligible.get(node)?.message ?? `node ${node} is not known`);
  }
  const claim = snapshot.claims.get(node);
  const sameKey = claim !== undefined && equalBytes(sha256(claim.nodeKey), placing.nodeKeyHash);
  if (candidate.stakeId !== placing.stake || !sameKey) {
    throw refusal(
      'NODE_INELIGIBLE',
      `another stake or key stands behind node ${node} since the pod was placed`,
    );
  }
}

/** The host holds the log's file and could write what it likes; the chain has the keys of every session. */
function requireSigned({ snapshot, identity }: Ground, { receipt, decision }: Placing): void {
  const session = snapshot.sessions.get(decision.session);
  const signed =
    decision.cluster === identity.cluster &&
    session !== undefined &&
    verifyEd25519(session.decisionKey, receipt.message, receipt.signature);
  if (signed) return;
  throw refusal(
    'RECEIPT_FOREIGN',
    `the log's receipt of pod ${decision.namespace}/${decision.pod} is not signed by a session of this cluster`,
  );
}

function liveReceipt({ text, adoption }: Placing, identity: SessionIdentity): LiveReceipt | null {
  const receipt = decodeReceipt(adoption ?? text);
  const { payload: decision } = decodeDecisionMessage(receipt.message);
  const live = decision.session === identity.session && decision.term === identity.term;
  return live ? { receipt, decision } : null;
}

function signAndAppend(
  context: EngineContext,
  ground: Ground,
  placing: Placing,
): LiveReceipt & { readonly durable: Promise<void> } {
  announceSession(context, ground);
  const sequence = nextSequence(context, ground.nowMs);
  const decision: Decision = {
    ...placing.decision,
    ...seenBy(ground),
    sequence,
    previous: context.journal.head,
    kind: DecisionKind.adopt,
    // It opens no binding, at any time.
    notAfterMs: BigInt(ground.nowMs),
    policyDigest: policyDigest(context.policy),
    inputDigest: receiptDigest(placing.receipt),
    feasibleDigest: namesDigest([placing.decision.node]),
  };
  const message = encodeDecisionMessage(BigInt(ground.nowMs), decision);
  const receipt: Receipt = { message, signature: context.signer.sign(message) };
  const adoption = { ...receipt, placing: receiptBytes(placing.receipt) };
  const { durable } = context.journal.append({ $kind: 'adoption', adoption }, ground.nowMs);
  return { receipt, decision, durable };
}

function nameOf({ namespace, name }: PodFacts): string {
  return `${namespace}/${name}`;
}
