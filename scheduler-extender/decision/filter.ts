import { podCost, SCHEDULER_NAME } from '@k3s-daas/core';

import type { NodeRejection } from '../engine.ts';
import { weigh } from '../policy/fairness.ts';
import { shortlist } from '../policy/shortlist.ts';
import { requireFresh, type Candidate, type Standing } from '../policy/stake.ts';
import type { PodFacts } from '../ports.ts';
import type { FilterCall } from './calls.ts';
import { refusal, requireActive, requirePending, type EngineContext } from './context.ts';

/** Most names of one call; kube-scheduler offers about a tenth of 5,000 nodes. */
const NAMES_MAX = 16_384;

/**
 * Answers a filter call without any effect: which of the names are eligible, and the fairest K of them.
 * @throws ExtenderError if no decision can be made now
 */
export function evaluate(context: EngineContext, pod: PodFacts, names: readonly string[]): FilterCall {
  const { policy, clock, chain, kube, state, journal } = context;
  const distinct = new Set(names);
  if (distinct.size === 0) throw refusal('CANDIDATES_EMPTY', 'the call names no node');
  if (names.length > NAMES_MAX)
    throw refusal('REQUEST_MALFORMED', `the call names more than ${NAMES_MAX} nodes`);
  if (!kube.synced) throw refusal('CACHE_NOT_SYNCED', 'the extender has not listed pods and nodes yet');
  const snapshot = requireFresh(chain.current(), clock.now(), policy);
  requireActive(context.identity(), snapshot);
  requirePending(pod, SCHEDULER_NAME);

  const standing = context.standing(snapshot);
  const sorted = sortOut(standing, distinct, leftOut(context, pod));
  const operators = weigh(sorted.candidates).map((each) => ({
    ...each,
    lag: state.ledger.lag(each.operator),
  }));
  return {
    pod,
    cost: podCost(pod.requests, policy),
    basis: state.records,
    head: journal.head,
    checkpoint: snapshot.checkpoint,
    snapshotDigest: snapshot.digest,
    standing,
    offered: sorted.known,
    unknown: sorted.unknown,
    rejected: sorted.rejected,
    operators,
    shortlist: shortlist(sorted.candidates, {
      lagOf: (operator) => state.ledger.lag(operator),
      count: policy.shortlist,
      previous: journal.head,
      podUid: pod.uid,
    }),
  };
}

interface SortedOut {
  readonly candidates: readonly Candidate[];
  readonly known: readonly string[];
  readonly unknown: readonly string[];
  readonly rejected: readonly NodeRejection[];
}

function sortOut(
  standing: Standing,
  names: Iterable<string>,
  without: ReadonlyMap<string, NodeRejection>,
): SortedOut {
  const candidates: Candidate[] = [];
  const known: string[] = [];
  const unknown: string[] = [];
  const rejected: NodeRejection[] = [];
  for (const node of names) {
    const candidate = standing.eligible.get(node);
    const rejection = candidate === undefined ? standing.ineligible.get(node) : without.get(node);
    if (candidate === undefined && rejection === undefined) {
      unknown.push(node);
      rejected.push(nodeUnknown(node));
      continue;
    }
    known.push(node);
    if (rejection !== undefined) rejected.push(rejection);
    else if (candidate !== undefined) candidates.push(candidate);
  }
  return { candidates, known, unknown, rejected };
}

/** The nodes to which binds of this pod have failed too often. Evicting pods from one may help, so not unresolvable. */
export function leftOut(
  context: EngineContext,
  pod: Pick<PodFacts, 'uid'>,
): ReadonlyMap<string, NodeRejection> {
  const rejections = new Map<string, NodeRejection>();
  for (const [node, count] of context.state.failures(pod.uid)) {
    if (count < context.policy.bindFailuresMax) continue;
    const message = `NODE_LEFT_OUT_AFTER_FAILURES: ${count} binds of this pod to node ${node} were refused`;
    rejections.set(node, { node, code: 'NODE_LEFT_OUT_AFTER_FAILURES', message, unresolvable: false });
  }
  return rejections;
}

function nodeUnknown(node: string): NodeRejection {
  const message = `NODE_UNKNOWN: the extender's cache has no node ${node}`;
  return { node, code: 'NODE_UNKNOWN', message, unresolvable: false };
}
