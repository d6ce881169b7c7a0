import type { SuiId } from '@k3s-daas/core';

import type { Explanation, NodeRejection } from '../engine.ts';
import { indicesOf } from '../log/bitmap.ts';
import type { LogState, OpenDecision } from '../log/state.ts';
import type { FilterCall } from './calls.ts';

interface Remembered {
  readonly open: OpenDecision;
  /** Operators of the shortlist as they were: a claim may change hands later. */
  readonly operators: readonly SuiId[];
  /** With their messages, while the call is remembered; from the log alone only the codes are known. */
  readonly rejected: readonly NodeRejection[] | null;
}

/** The latest decisions by pod UID, so that "why this node?" has an answer after the fact; bounded. */
export class History {
  readonly #limit: number;
  readonly #decisions = new Map<string, Remembered>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Call it when the decision has just been applied to the state. */
  note(state: LogState, open: OpenDecision, rejected: readonly NodeRejection[] | null = null): void {
    const operators = open.inputs.shortlist.map((index) => {
      const operator = state.nodes[index]?.operator;
      return typeof operator === 'number' ? (state.operators[operator] ?? '') : '';
    });
    const { podUid } = open.decision;
    this.#decisions.delete(podUid);
    this.#decisions.set(podUid, { open, operators, rejected });
    for (const oldest of this.#decisions.keys()) {
      if (this.#decisions.size <= this.#limit) break;
      this.#decisions.delete(oldest);
    }
  }

  get(podUid: string): Remembered | undefined {
    return this.#decisions.get(podUid);
  }
}

/** The latest that is known of a pod: its decision, or a filter call that has not led to one. */
export function explain(
  state: LogState,
  call: FilterCall | undefined,
  remembered: Remembered | undefined,
  podUid: string,
): Explanation | null {
  if (remembered !== undefined && (call === undefined || remembered.open.inputs.basis >= call.basis)) {
    return explainDecision(state, remembered, podUid);
  }
  return call === undefined ? null : explainCall(call);
}

function explainCall(call: FilterCall): Explanation {
  return {
    podUid: call.pod.uid,
    namespace: call.pod.namespace,
    pod: call.pod.name,
    state: 'filtered',
    node: null,
    sequence: null,
    receipt: null,
    offered: call.offered.length + call.unknown.length,
    shortlist: call.shortlist.map(({ node, score, operator, lag }) => ({ node, score, operator, lag })),
    rejected: call.rejected,
    cost: call.cost,
  };
}

function explainDecision(
  state: LogState,
  { open, operators, rejected }: Remembered,
  podUid: string,
): Explanation {
  const { decision, inputs } = open;
  const nameOf = (index: number): string => state.nodes[index]?.name ?? '';
  const lags = new Map(inputs.operators.map(({ operator, lag }) => [state.operators[operator], lag]));
  return {
    podUid,
    namespace: decision.namespace,
    pod: decision.pod,
    state: endOf(state, open, podUid),
    node: decision.node,
    sequence: decision.sequence,
    receipt: open.receipt,
    offered: indicesOf(inputs.offered).length + inputs.unknownCount,
    shortlist: inputs.shortlist.map((index, at) => {
      const operator = operators[at] ?? '';
      return { node: nameOf(index), score: inputs.scores[at] ?? 0, operator, lag: lags.get(operator) ?? 0n };
    }),
    rejected:
      rejected ??
      inputs.rejected.flatMap(({ code, nodes }) =>
        indicesOf(nodes).map((index) => ({ node: nameOf(index), code, message: code, unresolvable: false })),
      ),
    cost: inputs.cost,
  };
}

function endOf(state: LogState, open: OpenDecision, podUid: string): Explanation['state'] {
  if (state.bound.get(podUid)?.sequence === open.decision.sequence) return 'bound';
  const refused = state.failures(podUid).has(open.decision.node);
  return state.open.get(podUid) === open && !refused ? 'decided' : 'failed';
}
