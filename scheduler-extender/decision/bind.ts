import { describeError, equalBytes } from '@k3s-daas/core';

import type { BindOutcome } from '../engine.ts';
import { ExtenderError } from '../errors.ts';
import { OutcomeResult } from '../log/record.ts';
import type { OpenDecision } from '../log/state.ts';
import type { BindingResult, PodFacts } from '../ports.ts';
import { refusal, type BindRequest, type EngineContext } from './context.ts';
import { decide, requireGround } from './decide.ts';
import { isBoundBy, settleExpired, settleOutcome } from './settle.ts';

/**
 * decide → sign → append → post → settle, idempotent by pod UID. The caller sees to it that one pod is bound by one
 * call at a time. Resolves for every outcome.
 */
export async function bind(context: EngineContext, request: BindRequest): Promise<BindOutcome> {
  try {
    const seen = await requestedPod(context, request);
    const repeated = await repeat(context, request, seen);
    if (repeated !== null) return repeated;
    await context.sequences.ready();
    const { durable, open, pod } = decide(context, request, seen);
    await durable;
    return await post(context, open, pod.resourceVersion);
  } catch (error) {
    if (error instanceof ExtenderError) return { bound: false, code: error.code, message: error.message };
    return { bound: false, code: 'BINDING_UNKNOWN', message: describeError(error) };
  }
}

/**
 * The pod as the API server has it. Our watch may be behind kube-scheduler's own: then it is read, once, since a refusal
 * would cost the pod a backoff of a second.
 */
async function requestedPod({ kube, binder }: EngineContext, request: BindRequest): Promise<PodFacts | null> {
  const cached = kube.pod(request.podUid);
  if (cached !== undefined) return cached;
  try {
    return await binder.read(request.namespace, request.pod, request.podUid);
  } catch (cause) {
    throw refusal(
      'POD_UNKNOWN',
      `pod ${request.namespace}/${request.pod} is not in the cache, and the API server does not say what it is: ${describeError(cause)}`,
      cause,
    );
  }
}

/** Answers a call whose pod has been decided before, by the receipt that exists; null if there is none in force. */
async function repeat(
  context: EngineContext,
  request: BindRequest,
  seen: PodFacts | null,
): Promise<BindOutcome | null> {
  const done = boundAlready(context, request);
  if (done !== null) return done;
  const open = context.state.open.get(request.podUid);
  if (open === undefined) return null;
  if (open.decision.node === request.node && isBoundBy(context.kube.pod(request.podUid) ?? seen, open)) {
    return settleBound(context, open);
  }
  if (context.clock.now() >= Number(open.decision.notAfterMs)) {
    await settleExpired(context, open);
    return boundAlready(context, request);
  }
  if (open.decision.node !== request.node) {
    throw refusal('RECEIPT_LIVE', `a receipt for node ${open.decision.node} is in force until it expires`);
  }
  const { pod, snapshot } = requireGround(context, request, seen);
  if (!equalBytes(pod.specDigest, open.decision.podSpecDigest)) {
    throw refusal(
      'POD_CHANGED',
      `the spec of pod ${request.namespace}/${request.pod} has changed since the decision`,
    );
  }
  const candidate = context.standing(snapshot).eligible.get(request.node);
  if (candidate?.stakeId !== open.decision.stake || candidate.uid !== open.decision.nodeUid) {
    throw refusal(
      'NODE_INELIGIBLE',
      `the stake of the decision does not stand behind node ${request.node} any more`,
    );
  }
  return post(context, open, pod.resourceVersion);
}

/** kube-scheduler repeats a call that timed out after it had succeeded (kubernetes #96579). */
function boundAlready({ state }: EngineContext, request: BindRequest): BindOutcome | null {
  const bound = state.bound.get(request.podUid);
  if (bound === undefined) return null;
  if (bound.node === request.node) return { bound: true, sequence: bound.sequence, receipt: bound.receipt };
  throw refusal('POD_ALREADY_BOUND', `the pod is bound to node ${bound.node}`);
}

async function post(
  context: EngineContext,
  open: OpenDecision,
  resourceVersion: string,
): Promise<BindOutcome> {
  const first = await postOnce(context, open, resourceVersion);
  if (first.kind !== 'conflict') return settle(context, open, first);
  // kube-scheduler itself writes nominatedNodeName just before it binds: only the version has moved then.
  const pod = await read(context, open);
  if (isBoundBy(pod, open)) return settle(context, open, { kind: 'bound' });
  requireUnchanged(pod, open);
  const second = await postOnce(context, open, pod.resourceVersion);
  return settle(context, open, second);
}

function postOnce(
  context: EngineContext,
  open: OpenDecision,
  resourceVersion: string,
): Promise<BindingResult> {
  const { decision, receipt } = open;
  if (context.clock.now() >= Number(decision.notAfterMs)) {
    throw refusal(
      'BINDING_UNKNOWN',
      'the receipt has expired before it could be posted; the pod is decided anew',
    );
  }
  const { namespace, pod, podUid, node } = decision;
  return context.binder.bind({ namespace, pod, podUid, resourceVersion, node, receipt });
}

async function settle(
  context: EngineContext,
  open: OpenDecision,
  result: BindingResult,
): Promise<BindOutcome> {
  switch (result.kind) {
    case 'bound':
      return settleBound(context, open);
    case 'refused':
      await settleOutcome(context, open, OutcomeResult.failed, 'BINDING_REFUSED');
      throw refusal(
        'BINDING_REFUSED',
        `the API server refused the binding (${result.status}): ${result.message}`,
      );
    case 'conflict':
      if (isBoundBy(await read(context, open), open)) return settleBound(context, open);
      throw refusal('BINDING_CONFLICT', `the pod changed while it was bound: ${result.message}`);
    case 'unknown':
      if (isBoundBy(await read(context, open), open)) return settleBound(context, open);
      throw refusal('BINDING_UNKNOWN', `the API server gave no answer: ${result.message}`);
  }
}

/** The pod is bound whether or not the log takes the outcome, so nobody waits for that; reconcile() makes up for it. */
function settleBound(context: EngineContext, open: OpenDecision): BindOutcome {
  void settleOutcome(context, open, OutcomeResult.bound, '').catch(() => undefined);
  return { bound: true, sequence: open.decision.sequence, receipt: open.receipt };
}

async function read({ binder }: EngineContext, { decision }: OpenDecision): Promise<PodFacts | null> {
  try {
    return await binder.read(decision.namespace, decision.pod, decision.podUid);
  } catch (cause) {
    throw refusal(
      'BINDING_UNKNOWN',
      `the API server does not say whether the pod is bound: ${describeError(cause)}`,
      cause,
    );
  }
}

function requireUnchanged(pod: PodFacts | null, { decision }: OpenDecision): asserts pod is PodFacts {
  if (pod === null) throw refusal('POD_UNKNOWN', `pod ${decision.namespace}/${decision.pod} is gone`);
  if (pod.nodeName !== '') throw refusal('POD_ALREADY_BOUND', `the pod is bound to node ${pod.nodeName}`);
  if (pod.deleting || !equalBytes(pod.specDigest, decision.podSpecDigest)) {
    throw refusal('POD_CHANGED', `pod ${decision.namespace}/${decision.pod} has changed since the decision`);
  }
}
