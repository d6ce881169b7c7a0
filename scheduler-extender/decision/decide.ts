import {
  DecisionKind,
  encodeDecisionMessage,
  equalBytes,
  namesDigest,
  policyDigest,
  SCHEDULER_NAME,
  sha256,
  type Bytes,
  type Decision,
} from '@k3s-daas/core';

import type { Appended } from '../log/log.ts';
import { encodeInputs, type DecisionInputs } from '../log/record.ts';
import type { OpenDecision } from '../log/state.ts';
import { BASIS_AGE_MAX } from '../log/window.ts';
import type { NodeFacts, PodFacts } from '../ports.ts';
import type { FilterCall } from './calls.ts';
import { refusal, requirePending, type BindRequest, type EngineContext } from './context.ts';
import { leftOut } from './filter.ts';
import { announceSession, nextSequence, requireSight, seenBy, type Ground } from './ground.ts';

/** Records that a decision may bring along: session, tables, burnt sequences. */
const ANNOUNCED_MAX = 64n;

export interface Decided extends Pick<Appended, 'durable'> {
  readonly open: OpenDecision;
  readonly pod: PodFacts;
}

/** What must hold whenever a receipt goes out, a new one or one that is posted again. */
export interface BindGround extends Ground {
  readonly pod: PodFacts;
}

/**
 * @param seen the pod as it was read for this call, for when the cache does not have it yet
 * @throws ExtenderError unless this enclave is active, sees chain and cluster as they are now, and knows the pod
 */
export function requireGround(
  context: EngineContext,
  request: BindRequest,
  seen: PodFacts | null,
): BindGround {
  const { nowMs, snapshot, identity } = requireSight(context);
  if (nowMs < context.bindsFromMs) {
    const waitMs = context.bindsFromMs - nowMs;
    throw refusal('RECEIPT_LIVE', `receipts of the boot before this one may be alive for ${waitMs} ms more`);
  }
  const pod = context.kube.pod(request.podUid) ?? seen;
  if (pod?.uid !== request.podUid || pod.namespace !== request.namespace || pod.name !== request.pod) {
    throw refusal(
      'POD_UNKNOWN',
      `no pod ${request.namespace}/${request.pod} with UID ${request.podUid} is known`,
    );
  }
  return { nowMs, snapshot, identity, pod: requirePending(pod, SCHEDULER_NAME) };
}

/**
 * decide → sign → append, in one turn: between reading the head of the log and extending it nothing else runs.
 * @throws ExtenderError with the reason for which the pod may not go to this node now
 */
export function decide(context: EngineContext, request: BindRequest, seen: PodFacts | null): Decided {
  const ground = requireGround(context, request, seen);
  if (BigInt(ground.nowMs) < (context.state.reversedUntil.get(request.podUid) ?? 0n)) {
    throw refusal(
      'RECEIPT_LIVE',
      'the clock has gone back to before the expiry of the last receipt of this pod',
    );
  }
  const call = requireCall(context, request, ground.pod);
  const node = requireNode(context, request, ground, call);
  const serviceAccountUid = context.kube.serviceAccountUid(ground.pod.namespace, ground.pod.serviceAccount);
  if (serviceAccountUid === undefined) {
    const name = `${ground.pod.namespace}/${ground.pod.serviceAccount}`;
    throw refusal('SERVICE_ACCOUNT_UNKNOWN', `service account ${name} of the pod is not known`);
  }
  announce(context, ground, call);
  const inputs = context.table.inputs(call);
  const encoded = encodeInputs(inputs);
  const sequence = nextSequence(context, ground.nowMs);
  const names = call.shortlist.map((each) => each.node);
  const decision: Decision = {
    ...claimOf(ground, request.node),
    sequence,
    previous: context.journal.head,
    kind: DecisionKind.bind,
    podUid: ground.pod.uid,
    namespace: ground.pod.namespace,
    pod: ground.pod.name,
    serviceAccount: ground.pod.serviceAccount,
    serviceAccountUid,
    podSpecDigest: ground.pod.specDigest,
    node: request.node,
    nodeUid: node.uid,
    notAfterMs: BigInt(ground.nowMs + context.policy.receiptLifetimeMs),
    policyDigest: policyDigest(context.policy),
    inputDigest: sha256(encoded),
    feasibleDigest: namesDigest(names),
  };
  const { open, durable } = signAndAppend(context, ground, decision, { inputs, encoded });
  context.history.note(context.state, open, call.rejected);
  return { open, durable, pod: ground.pod };
}

function requireCall(context: EngineContext, request: BindRequest, pod: PodFacts): FilterCall {
  const call = context.calls.get(request.podUid);
  if (call === undefined || context.state.records - call.basis > BASIS_AGE_MAX - ANNOUNCED_MAX) {
    throw refusal('POD_UNKNOWN', `pod ${request.namespace}/${request.pod} has not been filtered lately`);
  }
  if (!equalBytes(call.pod.specDigest, pod.specDigest)) {
    throw refusal(
      'POD_CHANGED',
      `the spec of pod ${request.namespace}/${request.pod} has changed since it was filtered`,
    );
  }
  return call;
}

/** The node was among the fairest, and the very stake that it was weighed by still stands behind it. */
function requireNode(
  context: EngineContext,
  request: BindRequest,
  ground: BindGround,
  call: FilterCall,
): NodeFacts {
  const listed = call.shortlist.find(({ node }) => node === request.node);
  if (listed === undefined) {
    throw refusal(
      'NODE_NOT_IN_SHORTLIST',
      `node ${request.node} was not in the shortlist of the pod's latest filter call`,
    );
  }
  const node = context.kube.node(request.node);
  if (node?.uid !== listed.uid) {
    throw refusal(
      'NODE_UNKNOWN',
      `node ${request.node} is gone, or another one has its name since the filter call`,
    );
  }
  const standing = context.standing(ground.snapshot);
  const candidate = standing.eligible.get(request.node);
  if (candidate === undefined) {
    const why = standing.ineligible.get(request.node)?.message ?? 'the node is not known';
    throw refusal('NODE_INELIGIBLE', why);
  }
  if (candidate.operator !== listed.operator || candidate.stakeId !== listed.stakeId) {
    throw refusal('NODE_INELIGIBLE', `another stake claims node ${request.node} since the pod was filtered`);
  }
  const failed = leftOut(context, { uid: request.podUid }).get(request.node);
  if (failed !== undefined) throw refusal('NODE_LEFT_OUT_AFTER_FAILURES', failed.message);
  return node;
}

/** Records who decides and what the indices of the decision mean, where the log does not say so already. */
function announce(context: EngineContext, ground: BindGround, call: FilterCall): void {
  announceSession(context, ground);
  for (const table of context.table.missing(call)) {
    context.journal.append({ $kind: 'table', table }, ground.nowMs);
  }
}

type FromChain = Pick<Decision, keyof ReturnType<typeof seenBy> | 'nodeKeyHash' | 'stake'>;

function claimOf(ground: BindGround, node: string): FromChain {
  const claim = ground.snapshot.claims.get(node);
  if (claim === undefined) throw refusal('NODE_INELIGIBLE', `no stake claims node ${node}`);
  return { ...seenBy(ground), nodeKeyHash: sha256(claim.nodeKey), stake: claim.stake };
}

function signAndAppend(
  context: EngineContext,
  ground: BindGround,
  decision: Decision,
  given: { readonly inputs: DecisionInputs; readonly encoded: Bytes },
): Pick<Decided, 'open' | 'durable'> {
  const message = encodeDecisionMessage(BigInt(ground.nowMs), decision);
  const signature = context.signer.sign(message);
  const body = { $kind: 'decision' as const, decision: { message, signature, inputs: given.encoded } };
  const parsed = { decision, timestampMs: ground.nowMs, inputs: given.inputs };
  const { durable } = context.journal.append(body, ground.nowMs, parsed);
  const open = context.state.open.get(decision.podUid);
  if (open === undefined) throw new Error('the state has no decision that was just applied');
  return { open, durable };
}
