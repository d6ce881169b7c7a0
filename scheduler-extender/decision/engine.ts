import {
  decodeDecisionMessage,
  decodeReceipt,
  describeError,
  encodeReceiptJws,
  FormatError,
  type SuiId,
} from '@k3s-daas/core';

import type { Engine, FilterOutcome, LiveReceipt, NodeScore, OperatorLag } from '../engine.ts';
import { corrupt } from '../log/frame.ts';
import type { DecisionLog } from '../log/log.ts';
import { LogState } from '../log/state.ts';
import { cachedStanding } from '../policy/stake.ts';
import { weigh } from '../policy/fairness.ts';
import type { EngineDependencies, PodFacts } from '../ports.ts';
import { adopt } from './adopt.ts';
import { bind } from './bind.ts';
import { FilterCalls, type FilterCall } from './calls.ts';
import { refusal, type EngineContext } from './context.ts';
import { explain, History } from './explain.ts';
import { evaluate } from './filter.ts';
import { NodeTable } from './inputs.ts';
import { Journal } from './journal.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { forgetGonePods, reconcileOne } from './reconcile.ts';
import { Sequences } from './sequences.ts';

const CALLS_MAX = 4096;
const HISTORY_MAX = 2048;

/**
 * The decision engine over an open log: replays it, and from then on extends it. The engine closes the log.
 *
 * If the log has records, nothing is bound until one receipt lifetime has passed: a crash, or a disk that was put
 * back, may have lost the record of a receipt that is still in force, and a second one for that pod must not exist
 * beside it.
 * @throws ExtenderError LOG_CORRUPT
 */
export async function createEngine(
  deps: EngineDependencies & { readonly log: DecisionLog },
): Promise<Engine> {
  const { log, ...dependencies } = deps;
  const { policy, clock, kube } = dependencies;
  const startedMs = clock.now();
  const state = new LogState(policy.lagMax, (podUid) => kube.synced && kube.pod(podUid) === undefined);
  const history = new History(HISTORY_MAX);
  await replay(log, state, history);
  const calls = new FilterCalls(CALLS_MAX);
  const table = new NodeTable(state);
  const journal = new Journal(log, state, clock, () => {
    calls.forgetBeyond(state.records);
    table.reset();
  });
  const context: EngineContext = {
    ...dependencies,
    state,
    journal,
    calls,
    history,
    table,
    sequences: new Sequences(journal, state),
    standing: cachedStanding(kube),
    bindsFromMs: state.records === 0n ? startedMs : startedMs + policy.receiptLifetimeMs,
  };
  return new DecisionEngine(context);
}

async function replay(log: DecisionLog, state: LogState, history: History): Promise<void> {
  for await (const { offset, record } of log.read()) {
    try {
      state.apply(record.body);
    } catch (cause) {
      if (!(cause instanceof FormatError) && !(cause instanceof RangeError)) throw cause;
      throw corrupt(offset, describeError(cause), cause);
    }
    if (record.body.$kind !== 'decision') continue;
    const open = state.openBySequence(state.lastSequence);
    if (open !== undefined) history.note(state, open);
  }
}

class DecisionEngine implements Engine {
  readonly #context: EngineContext;
  readonly #pods = new KeyedQueue();
  #reconciling: Promise<void> | null = null;
  #closed = false;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  filter(pod: PodFacts, names: readonly string[]): FilterOutcome {
    this.#requireOpen();
    const call = evaluate(this.#context, pod, names);
    this.#context.calls.put(call);
    return outcomeOf(call);
  }

  prioritize(podUid: string, names: readonly string[]): readonly NodeScore[] {
    this.#requireOpen();
    const call = this.#context.calls.get(podUid);
    if (call === undefined) throw refusal('POD_UNKNOWN', `pod ${podUid} has not been filtered lately`);
    const scores = new Map(call.shortlist.map(({ node, score }) => [node, score]));
    // What is not in the shortlist cannot be bound: it gets the least.
    return names.map((node) => ({ node, score: scores.get(node) ?? 0 }));
  }

  eligibleForPreemption(pod: PodFacts, names: readonly string[]): readonly string[] {
    this.#requireOpen();
    if (names.length === 0) return [];
    const { standing, rejected } = evaluate(this.#context, pod, names);
    const without = new Set(rejected.map(({ node }) => node));
    return names.filter((name) => standing.eligible.has(name) && !without.has(name));
  }

  async bind(request: {
    namespace: string;
    pod: string;
    podUid: string;
    node: string;
  }): ReturnType<Engine['bind']> {
    if (this.#closed)
      return { bound: false, code: 'SHUTTING_DOWN', message: 'the extender is shutting down' };
    return this.#pods.run(request.podUid, () => bind(this.#context, request));
  }

  async adopt(pod: PodFacts): Promise<LiveReceipt> {
    this.#requireOpen();
    return this.#pods.run(pod.uid, () => adopt(this.#context, pod));
  }

  dryRun(pod: PodFacts, names: readonly string[]): ReturnType<Engine['dryRun']> {
    this.#requireOpen();
    const call = evaluate(this.#context, pod, names);
    const outcome = outcomeOf(call);
    return {
      outcome: { ...outcome, rejected: [...outcome.rejected, ...notAmongTheFairest(call)] },
      scores: call.shortlist.map(({ node, score }) => ({ node, score })),
    };
  }

  explain(podUid: string): ReturnType<Engine['explain']> {
    const { state, calls, history } = this.#context;
    return explain(state, calls.get(podUid), history.get(podUid), podUid);
  }

  exportReceipt(podUid: string): string | null {
    const { history, identity, signer, state } = this.#context;
    const text = state.bound.get(podUid)?.adoption ?? history.get(podUid)?.open.receipt;
    if (text === undefined) return null;
    const receipt = decodeReceipt(text);
    // Receipts of an earlier session were signed by a key that is gone.
    const { session } = decodeDecisionMessage(receipt.message).payload;
    return session === identity()?.session ? encodeReceiptJws(receipt, signer) : null;
  }

  lags(): readonly OperatorLag[] {
    const { state, chain, standing } = this.#context;
    const snapshot = chain.current();
    const stakes = new Map<SuiId, bigint>(
      snapshot === null
        ? []
        : weigh(standing(snapshot).eligible.values()).map((each) => [each.operator, each.stake]),
    );
    const accounts = new Map(state.ledger.accounts().map((account) => [account.operator, account]));
    return [...new Set([...accounts.keys(), ...stakes.keys()])].sort().map((operator) => {
      const { entitled = 0n, delivered = 0n, offers = 0n } = accounts.get(operator) ?? {};
      return {
        operator,
        lag: entitled - delivered,
        entitled,
        delivered,
        offers,
        stake: stakes.get(operator) ?? 0n,
      };
    });
  }

  reconcile(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#reconciling ??= this.#reconcileAll().finally(() => {
      this.#reconciling = null;
    });
    return this.#reconciling;
  }

  status(): ReturnType<Engine['status']> {
    const { state } = this.#context;
    return {
      records: state.records,
      lastSequence: state.lastSequence,
      unsettled: state.open.size,
      maxLag: state.ledger.lagAbsoluteMax(),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pods.idle();
    await this.#reconciling?.catch(() => undefined);
    await this.#context.journal.close();
  }

  /** Pods that a bind is working on settle themselves. One that cannot be settled now is left for the next round. */
  async #reconcileAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const open of [...this.#context.state.open.values()]) {
      const { podUid } = open.decision;
      if (this.#closed || this.#pods.busy(podUid)) continue;
      await this.#pods
        .run(podUid, () => reconcileOne(this.#context, open))
        .catch((error: unknown) => failures.push(error));
    }
    forgetGonePods(this.#context);
    const [first] = failures;
    if (first !== undefined) {
      throw refusal(
        'BINDING_UNKNOWN',
        `${failures.length} decisions could not be settled: ${describeError(first)}`,
        first,
      );
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw refusal('SHUTTING_DOWN', 'the extender is shutting down');
  }
}

function outcomeOf({ shortlist, rejected }: FilterCall): FilterOutcome {
  return { names: shortlist.map(({ node }) => node), rejected };
}

/** Eligible nodes beyond the shortlist; a filter call itself does not list them, there would be hundreds. */
function notAmongTheFairest({
  standing,
  offered,
  rejected,
  shortlist,
}: FilterCall): FilterOutcome['rejected'] {
  const named = new Set([...rejected, ...shortlist].map(({ node }) => node));
  return offered
    .filter((node) => standing.eligible.has(node) && !named.has(node))
    .map((node) => {
      const message = `NODE_NOT_AMONG_THE_FAIREST: ${shortlist.length} other nodes belong to operators that are owed more`;
      return { node, code: 'NODE_NOT_AMONG_THE_FAIREST', message, unresolvable: false };
    });
}
