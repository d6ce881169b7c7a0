import {
  describeError,
  equalBytes,
  fairestNodes,
  FormatError,
  lagScores,
  namesDigest,
  podCost,
  policyDigest,
  sha256,
  verifyEd25519,
  type Bytes,
  type Decision,
  type OperatorAccount,
  type Policy,
  type SuiId,
} from '@k3s-daas/core';

import { ExtenderError } from '../errors.ts';
import { adoptionChecks, parseAdoption } from './adoption.ts';
import { indicesOf } from './bitmap.ts';
import { openForReading } from './file.ts';
import type { ReadableBytes } from './frame.ts';
import { readEntries, type LogEntry } from './log.ts';
import { OutcomeResult, type RecordBody, type SessionRecord } from './record.ts';
import { LogState, parseDecision, type OpenDecision, type ParsedDecision } from './state.ts';
import { ReplayWindow } from './window.ts';

export type ViolationCode =
  /** Bytes that are no log: nothing after them is read. */
  | 'LOG_CORRUPT'
  /** A record that the ones before it rule out: nothing after it is read. */
  | 'LOG_CONTRADICTS_ITSELF'
  | 'SESSION_WRONG'
  | 'SESSION_KEY_UNKNOWN'
  | 'SIGNATURE_WRONG'
  | 'PREVIOUS_WRONG'
  | 'TIME_WRONG'
  | 'POLICY_WRONG'
  | 'INPUTS_WRONG'
  | 'COST_WRONG'
  | 'BASIS_WRONG'
  | 'OPERATORS_WRONG'
  | 'LAGS_WRONG'
  | 'SHORTLIST_WRONG'
  | 'SCORES_WRONG'
  | 'NODE_WRONG'
  /** An adoption of a pod that the log did not place so, or that needed none. */
  | 'ADOPTION_WRONG'
  | 'REVERSED_EARLY'
  | 'RECEIPTS_OVERLAP'
  | 'LAG_SUM_WRONG';

export interface Violation {
  readonly position: bigint;
  /** Byte offset of the record in the file. */
  readonly offset: number;
  readonly code: ViolationCode;
  readonly message: string;
}

export interface ReplayedDecision extends OpenDecision {
  readonly position: bigint;
  /** Names of the shortlist, fairest first; scores are in `inputs`. */
  readonly shortlist: readonly string[];
  readonly state: 'open' | 'failed' | 'bound' | 'reversed';
}

export interface ReplayedAdoption {
  readonly position: bigint;
  readonly decision: Decision;
  readonly timestampMs: number;
  /** Text of the receipt. */
  readonly receipt: string;
  /** Sequence of the decision that has placed the pod. */
  readonly placing: bigint;
}

export interface Replay {
  readonly records: bigint;
  readonly head: Bytes;
  /** Bytes of an incomplete last record; a log that is being written may have them. */
  readonly tornBytes: number;
  readonly sessions: readonly SessionRecord[];
  readonly decisions: readonly ReplayedDecision[];
  readonly adoptions: readonly ReplayedAdoption[];
  readonly lags: readonly (OperatorAccount & { readonly lag: bigint })[];
  /** SHA-256 of the accounts, as the next session record will name it. */
  readonly lagDigest: Bytes;
  readonly violations: readonly Violation[];
}

export interface ReplayOptions {
  readonly policy: Policy;
  /** Decision keys by session, from the chain. Without them signatures are checked by the keys that the log states. */
  readonly sessionKeys?: ReadonlyMap<SuiId, Bytes>;
}

/**
 * Recomputes a log from itself: hashes, sequences, signatures, costs, weights, lags, shortlists and scores, bit for
 * bit. Which nodes were eligible is taken from the log; the chain's history tells whether that was so.
 * @param source the log's bytes, or the path of its file; a file may be one that is being written
 */
export async function replayLog(source: Bytes | string, options: ReplayOptions): Promise<Replay> {
  if (typeof source !== 'string') {
    return new Auditor(options).run({
      size: () => Promise.resolve(source.length),
      read: (offset, length) => Promise.resolve(source.slice(offset, offset + length)),
    });
  }
  const file = await openForReading(source);
  try {
    const size = await file.size();
    return await new Auditor(options).run({ ...file, size: () => Promise.resolve(size) });
  } finally {
    await file.close();
  }
}

class Auditor {
  readonly #options: ReplayOptions;
  readonly #policyDigest: Bytes;
  readonly #state: LogState;
  readonly #window = new ReplayWindow();
  readonly #sessions: SessionRecord[] = [];
  readonly #decisions = new Map<bigint, ReplayedDecision>();
  readonly #adoptions: ReplayedAdoption[] = [];
  /** The latest adoption of each pod. */
  readonly #adopted = new Map<string, Decision>();
  readonly #violations: Violation[] = [];
  #at: { readonly position: bigint; readonly offset: number } = { position: 0n, offset: 0 };

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#policyDigest = policyDigest(options.policy);
    this.#state = new LogState(options.policy.lagMax);
  }

  async run(file: ReadableBytes): Promise<Replay> {
    const tornBytes = await this.#readAll(file);
    const accounts = this.#state.ledger.accounts();
    const lags = accounts.map((account) => ({ ...account, lag: account.entitled - account.delivered }));
    const sum = lags.reduce((total, { lag }) => total + lag, 0n);
    this.#check(sum === 0n, 'LAG_SUM_WRONG', `the lags add up to ${sum}`);
    return {
      records: this.#state.records,
      head: this.#window.head,
      tornBytes,
      sessions: this.#sessions,
      decisions: [...this.#decisions.values()],
      adoptions: this.#adoptions,
      lags,
      lagDigest: this.#state.ledger.digest(),
      violations: this.#violations,
    };
  }

  async #readAll(file: ReadableBytes): Promise<number> {
    const entries = readEntries(file);
    try {
      for (;;) {
        const next = await entries.next();
        if (next.done === true) return (await file.size()) - next.value;
        this.#at = next.value;
        this.#step(next.value);
      }
    } catch (error) {
      if (error instanceof FormatError || error instanceof RangeError) {
        this.#check(false, 'LOG_CONTRADICTS_ITSELF', describeError(error));
      } else if (error instanceof ExtenderError && error.code === 'LOG_CORRUPT') {
        this.#check(false, 'LOG_CORRUPT', error.message);
      } else throw error;
      return 0;
    }
  }

  #step(entry: LogEntry): void {
    const { body, timestampMs } = entry.record;
    const parsed = body.$kind === 'decision' ? parseDecision(body.decision) : undefined;
    if (body.$kind === 'session') this.#checkSession(body.session);
    if (body.$kind === 'decision' && parsed !== undefined) this.#checkDecision(entry, body.decision, parsed);
    if (body.$kind === 'adoption') this.#checkAdoption(entry, body.adoption);
    const settled = body.$kind === 'outcome' ? this.#state.openBySequence(body.outcome.sequence) : undefined;
    this.#state.apply(body, parsed);
    const opened = parsed === undefined ? undefined : this.#state.open.get(parsed.decision.podUid);
    if (opened !== undefined) this.#keep(entry.position, opened);
    if (body.$kind === 'outcome' && settled !== undefined)
      this.#end(body.outcome.result, settled, timestampMs);
    const reversed = body.$kind === 'outcome' && body.outcome.result === OutcomeResult.reversed;
    this.#window.push(
      entry.hash,
      opened?.charge ?? (reversed ? (settled?.charge ?? null) : null),
      opened === undefined,
    );
  }

  #checkSession(session: SessionRecord): void {
    const { sessionKeys } = this.#options;
    const previous = this.#state.session?.session ?? null;
    this.#check(
      session.previousSession === previous,
      'SESSION_WRONG',
      'the record names another previous session',
    );
    const lagDigest = this.#state.ledger.digest();
    this.#check(equalBytes(session.lagDigest, lagDigest), 'LAGS_WRONG', 'the session starts from other lags');
    const policy =
      equalBytes(session.policyDigest, this.#policyDigest) && session.lagMax === this.#options.policy.lagMax;
    this.#check(policy, 'POLICY_WRONG', 'the session has another policy');
    if (sessionKeys !== undefined) {
      const key = sessionKeys.get(session.session);
      this.#check(key !== undefined, 'SESSION_KEY_UNKNOWN', `the chain has no session ${session.session}`);
      const same = key === undefined || equalBytes(key, session.decisionKey);
      this.#check(same, 'SESSION_WRONG', `session ${session.session} has another key on chain`);
    }
    this.#sessions.push(session);
  }

  #checkDecision(
    entry: LogEntry,
    body: DecisionBody,
    { decision, timestampMs, inputs }: ParsedDecision,
  ): void {
    const { policy } = this.#options;
    this.#checkSigned(entry, body, decision);
    const lifetimeMs = decision.notAfterMs - BigInt(timestampMs);
    const timely =
      BigInt(timestampMs) === entry.record.timestampMs && lifetimeMs === BigInt(policy.receiptLifetimeMs);
    this.#check(
      timely,
      'TIME_WRONG',
      `the receipt is valid for ${lifetimeMs} ms, or was not made when it was logged`,
    );
    const overlaps = BigInt(timestampMs) < (this.#state.reversedUntil.get(decision.podUid) ?? 0n);
    this.#check(!overlaps, 'RECEIPTS_OVERLAP', `pod ${decision.podUid} has two receipts in force`);
    this.#check(
      equalBytes(decision.inputDigest, sha256(body.inputs)),
      'INPUTS_WRONG',
      'the inputs have another digest',
    );
    this.#check(
      inputs.cost === podCost(inputs, policy),
      'COST_WRONG',
      `the cost should be ${podCost(inputs, policy)}`,
    );
    this.#checkFairness(entry.position, { decision, timestampMs, inputs });
  }

  /** What holds for whatever a session signs. */
  #checkSigned(entry: LogEntry, body: SignedBody, decision: Decision): void {
    const { session } = this.#state;
    const ours =
      session?.session === decision.session &&
      session.cluster === decision.cluster &&
      session.term === decision.term &&
      session.configVersion === decision.configVersion;
    this.#check(ours, 'SESSION_WRONG', 'the decision is not of the session that writes');
    const key = this.#keyOf(decision.session);
    const signed = key !== undefined && verifyEd25519(key, body.message, body.signature);
    this.#check(signed, 'SIGNATURE_WRONG', 'the signature is not by the key of the session');
    const chained = equalBytes(decision.previous, entry.record.previous);
    this.#check(chained, 'PREVIOUS_WRONG', 'the decision names another record before it');
    const policy = equalBytes(decision.policyDigest, this.#policyDigest);
    this.#check(policy, 'POLICY_WRONG', 'made under another policy');
  }

  #keyOf(session: SuiId): Bytes | undefined {
    const { sessionKeys } = this.#options;
    if (sessionKeys !== undefined) return sessionKeys.get(session);
    return this.#sessions.findLast((each) => each.session === session)?.decisionKey;
  }

  #checkAdoption(entry: LogEntry, body: AdoptionBody): void {
    const adoption = parseAdoption(body);
    const { decision, timestampMs, placing, receipt } = adoption;
    this.#checkSigned(entry, body, decision);
    const kept = this.#decisions.get(placing.sequence);
    const known = {
      recordMs: entry.record.timestampMs,
      placedBy: kept?.state === 'bound' ? kept.receipt : null,
      placingKey: this.#keyOf(placing.session),
      newest: this.#adopted.get(decision.podUid) ?? placing,
    };
    for (const { holds, code, message } of adoptionChecks(adoption, known)) this.#check(holds, code, message);
    this.#adopted.set(decision.podUid, decision);
    const { position } = entry;
    this.#adoptions.push({ position, decision, timestampMs, receipt, placing: placing.sequence });
  }

  #checkFairness(position: bigint, { decision, inputs }: ParsedDecision): void {
    const state = this.#state;
    const past = this.#window.at(inputs.basis, position);
    if (past === null) {
      this.#check(
        false,
        'BASIS_WRONG',
        `the pod was filtered at record ${inputs.basis}, decided at ${position}`,
      );
      return;
    }
    const lagOf = (operator: SuiId): bigint => state.ledger.lag(operator) - past.since(operator);
    const candidates = candidatesOf(state, inputs);
    const owners = new Set(candidates.map(({ operator }) => operator));
    const stakes = state.stakesOf(inputs);
    const weighed = stakes.length === owners.size && stakes.every(({ operator }) => owners.has(operator));
    this.#check(weighed, 'OPERATORS_WRONG', 'the operators weighed are not those of the candidates');
    const lags = stakes.every(({ operator }, at) => inputs.operators[at]?.lag === lagOf(operator));
    this.#check(lags, 'LAGS_WRONG', 'the lags stated are not those of that moment');
    const offered = new Set(indicesOf(inputs.offered));
    const disjoint = !indicesOf(inputs.notOffered).some((index) => offered.has(index));
    this.#check(disjoint, 'INPUTS_WRONG', 'a node is both offered and not offered');

    const ranked = candidates.map((each) => ({ ...each, lag: lagOf(each.operator) }));
    const fairest = fairestNodes(ranked, this.#options.policy.shortlist, past.head, decision.podUid);
    const names = inputs.shortlist.map((index) => state.nodes[index]?.name ?? '');
    const listed = names.length === fairest.length && fairest.every(({ node }, at) => node === names[at]);
    this.#check(listed, 'SHORTLIST_WRONG', `expected ${fairest.map(({ node }) => node).join(' ')}`);
    const feasible = equalBytes(decision.feasibleDigest, namesDigest(names));
    this.#check(feasible, 'SHORTLIST_WRONG', 'the decision names another shortlist');
    const scores = new Uint8Array(lagScores(fairest.map(({ lag }) => lag)));
    this.#check(equalBytes(inputs.scores, scores), 'SCORES_WRONG', `expected ${scores.join(' ')}`);
    const bindable = names.includes(decision.node) && state.node(decision.node)?.uid === decision.nodeUid;
    this.#check(bindable, 'NODE_WRONG', `node ${decision.node} is not in the shortlist, or has another UID`);
  }

  #keep(position: bigint, open: OpenDecision): void {
    const shortlist = open.inputs.shortlist.map((index) => this.#state.nodes[index]?.name ?? '');
    this.#decisions.set(open.decision.sequence, { ...open, position, shortlist, state: 'open' });
  }

  #end(result: number, settled: OpenDecision, timestampMs: bigint): void {
    const { sequence, notAfterMs } = settled.decision;
    const early = result === OutcomeResult.reversed && timestampMs < notAfterMs;
    this.#check(!early, 'REVERSED_EARLY', `decision ${sequence} was reversed while its receipt was in force`);
    const kept = this.#decisions.get(sequence);
    if (kept === undefined) return;
    const state =
      result === OutcomeResult.bound
        ? 'bound'
        : result === OutcomeResult.reversed
          ? 'reversed'
          : ('failed' as const);
    this.#decisions.set(sequence, { ...kept, state });
  }

  #check(holds: boolean, code: ViolationCode, message: string): void {
    if (!holds) this.#violations.push({ ...this.#at, code, message });
  }
}

type DecisionBody = Extract<RecordBody, { readonly $kind: 'decision' }>['decision'];
type AdoptionBody = Extract<RecordBody, { readonly $kind: 'adoption' }>['adoption'];
type SignedBody = Pick<DecisionBody, 'message' | 'signature'>;

/** Offered, and not rejected for any reason. */
function candidatesOf(
  state: LogState,
  inputs: ParsedDecision['inputs'],
): readonly { readonly node: string; readonly operator: SuiId }[] {
  const rejected = new Set(inputs.rejected.flatMap(({ nodes }) => indicesOf(nodes)));
  return indicesOf(inputs.offered)
    .filter((index) => !rejected.has(index))
    .map((index) => {
      const node = state.nodes[index];
      const operator = typeof node?.operator === 'number' ? state.operators[node.operator] : undefined;
      if (node === undefined || operator === undefined) {
        throw new FormatError('BCS_MALFORMED', `candidate ${index} has no operator in the table`);
      }
      return { node: node.name, operator };
    });
}
