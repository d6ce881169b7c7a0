import {
  DecisionKind,
  decodeDecisionMessage,
  encodeReceipt,
  FairnessLedger,
  FormatError,
  type Bytes,
  type Charge,
  type Decision,
  type OperatorStake,
  type SuiId,
} from '@k3s-daas/core';

import { parseAdoption, type ParsedAdoption } from './adoption.ts';
import {
  decodeInputs,
  OutcomeResult,
  type DecisionInputs,
  type RecordBody,
  type SessionRecord,
  type TableRecord,
} from './record.ts';

/** A decision whose receipt may still bind its pod, or whose end is not known yet. */
export interface OpenDecision {
  readonly decision: Decision;
  readonly timestampMs: number;
  /** Annotation text of the receipt. */
  readonly receipt: string;
  readonly inputs: DecisionInputs;
  readonly charge: Charge;
}

export type ParsedDecision = Pick<OpenDecision, 'decision' | 'timestampMs' | 'inputs'>;

export interface TableNode {
  readonly index: number;
  readonly name: string;
  readonly uid: string;
  readonly operator: number | null;
}

/** What has placed a pod. */
export interface BoundReceipt {
  readonly sequence: bigint;
  readonly node: string;
  /** Text of the receipt, as the pod has it in its annotation. */
  readonly receipt: string;
  /** Text of the receipt of the newest adoption, or null. */
  readonly adoption: string | null;
}

/** How many pods the state remembers as bound, or with failed binds; the oldest are forgotten first. */
const REMEMBERED_MAX = 16_384;
/** Pods that still run are remembered beyond that: as many as Kubernetes promises to run in one cluster. */
const RUNNING_MAX = 150_000;
/** How many pods that still run are passed over for each one that is bound, to find some that are gone. */
const PASSED_OVER_MAX = 16;

type Undo = () => void;

/**
 * What a log says, record by record. The engine applies each record as it appends it, and a restart or an auditor
 * applies the same records again: so live state and replay cannot differ. Every step can be undone, in reverse
 * order, for records that could not be written.
 */
export class LogState {
  session: SessionRecord | null = null;
  /** How many records were applied. */
  records = 0n;
  reservedUpTo = 0n;
  /** Highest sequence that a decision has or that is burnt. */
  lastSequence = 0n;
  readonly ledger: FairnessLedger;
  readonly operators: SuiId[] = [];
  readonly nodes: TableNode[] = [];
  /** By pod UID: a pod has at most one. */
  readonly open = new Map<string, OpenDecision>();
  readonly bound = new Map<string, BoundReceipt>();
  /** Expiry of the latest reversed receipt by pod UID: no other may be in force before, even if the clock goes back. */
  readonly reversedUntil = new Map<string, bigint>();
  readonly #openBySequence = new Map<bigint, OpenDecision>();
  readonly #operatorIndex = new Map<SuiId, number>();
  readonly #nodeIndex = new Map<string, number>();
  readonly #failures = new Map<string, ReadonlyMap<string, number>>();

  readonly #isGone: (podUid: string) => boolean;

  /** @param isGone whether a pod is known not to run any more; without it, any pod may be forgotten */
  constructor(lagMax: bigint, isGone: (podUid: string) => boolean = () => true) {
    this.#isGone = isGone;
    this.ledger = new FairnessLedger(lagMax);
  }

  operatorIndex(operator: SuiId): number | undefined {
    return this.#operatorIndex.get(operator);
  }

  node(name: string): TableNode | undefined {
    const index = this.#nodeIndex.get(name);
    return index === undefined ? undefined : this.nodes[index];
  }

  openBySequence(sequence: bigint): OpenDecision | undefined {
    return this.#openBySequence.get(sequence);
  }

  /** Failed binds of a pod by node. */
  failures(podUid: string): ReadonlyMap<string, number> {
    return this.#failures.get(podUid) ?? new Map<string, number>();
  }

  podsWithFailures(): Iterable<string> {
    return this.#failures.keys();
  }

  /** For pods that are gone; their UID never comes back. */
  forgetFailures(podUid: string): void {
    this.#failures.delete(podUid);
  }

  /** @throws FormatError if the record contradicts the ones before it; then nothing has changed */
  apply(body: RecordBody, parsed?: ParsedDecision): Undo {
    const undo = this.#applyBody(body, parsed);
    const before = this.records;
    this.records = before + 1n;
    return () => {
      this.records = before;
      undo();
    };
  }

  #applyBody(body: RecordBody, parsed?: ParsedDecision): Undo {
    switch (body.$kind) {
      case 'session': {
        const { session: before, ledger } = this;
        const { lagMax } = ledger;
        if (body.session.lagMax === 0n) throw contradiction('a session without a bound on lags');
        this.session = body.session;
        // Charges made under an earlier policy stay as they were made.
        ledger.lagMax = body.session.lagMax;
        return () => {
          this.session = before;
          ledger.lagMax = lagMax;
        };
      }
      case 'reservation': {
        const before = this.reservedUpTo;
        if (body.reservation.upTo <= before)
          throw contradiction('a reservation does not reach beyond the last');
        this.reservedUpTo = body.reservation.upTo;
        return () => {
          this.reservedUpTo = before;
        };
      }
      case 'burnt': {
        const { from, to } = body.burnt;
        if (from !== this.lastSequence + 1n || to < from)
          throw contradiction('burnt sequences do not follow the last');
        return this.#advance(to);
      }
      case 'table':
        return this.#extend(body.table);
      case 'decision':
        return this.#decide(body.decision, parsed ?? parseDecision(body.decision));
      case 'outcome':
        return this.#settle(body.outcome);
      case 'adoption':
        return this.#adopt(parseAdoption(body.adoption));
      default:
        throw contradiction('a record of an unknown kind');
    }
  }

  #advance(to: bigint): Undo {
    const before = this.lastSequence;
    if (to > this.reservedUpTo) throw contradiction(`sequence ${to} has not been reserved`);
    this.lastSequence = to;
    return () => {
      this.lastSequence = before;
    };
  }

  #extend(table: TableRecord): Undo {
    const operatorCount = this.operators.length + table.operators.length;
    let nodeCount = this.nodes.length;
    for (const { index, name, operator } of table.nodes) {
      if (index > nodeCount) throw contradiction(`node index ${index} leaves a gap`);
      if (index < nodeCount && this.nodes[index]?.name !== name)
        throw contradiction(`node index ${index} is taken`);
      if (index === nodeCount && this.#nodeIndex.has(name))
        throw contradiction(`node ${name} has an index already`);
      if (operator !== null && operator >= operatorCount)
        throw contradiction(`operator ${operator} is not in the table`);
      if (index === nodeCount) nodeCount += 1;
    }
    if (table.operators.some((operator) => this.#operatorIndex.has(operator)))
      throw contradiction('an operator twice');
    for (const operator of table.operators) {
      this.#operatorIndex.set(operator, this.operators.length);
      this.operators.push(operator);
    }
    const undos = table.nodes.map((node) => this.#putNode(node));
    return () => {
      for (const undo of undos.toReversed()) undo();
      for (const operator of table.operators) this.#operatorIndex.delete(operator);
      this.operators.length -= table.operators.length;
    };
  }

  #putNode(node: TableNode): Undo {
    const before = this.nodes[node.index];
    this.nodes[node.index] = node;
    this.#nodeIndex.set(node.name, node.index);
    return () => {
      if (before === undefined) {
        this.nodes.length = node.index;
        this.#nodeIndex.delete(node.name);
      } else {
        this.nodes[node.index] = before;
      }
    };
  }

  #decide(body: DecisionRecord, { decision, timestampMs, inputs }: ParsedDecision): Undo {
    if (decision.sequence !== this.lastSequence + 1n) {
      throw contradiction(`sequence ${decision.sequence} does not follow ${this.lastSequence}`);
    }
    if (decision.kind !== DecisionKind.bind) throw contradiction('a decision that does not bind');
    if (this.open.has(decision.podUid))
      throw contradiction(`pod ${decision.podUid} has an open decision already`);
    const stakes = this.stakesOf(inputs);
    const operator = this.node(decision.node)?.operator;
    const winner = typeof operator === 'number' ? this.operators[operator] : undefined;
    if (winner === undefined || !stakes.some((each) => each.operator === winner)) {
      throw contradiction(`the operator of node ${decision.node} was not offered`);
    }
    const undoSequence = this.#advance(decision.sequence);
    const charge = this.ledger.charge(inputs.cost, winner, stakes);
    const receipt = encodeReceipt({ message: body.message, signature: body.signature });
    const open: OpenDecision = { decision, timestampMs, receipt, inputs, charge };
    this.#add(open);
    return () => {
      this.#remove(open);
      this.ledger.reverse(charge);
      undoSequence();
    };
  }

  /** The weights that a decision was charged by. @throws FormatError for an operator that the table does not have */
  stakesOf(inputs: DecisionInputs): readonly OperatorStake[] {
    let last = '';
    return inputs.operators.map(({ operator: index, stake }) => {
      const operator = this.operators[index];
      if (operator === undefined || operator <= last || stake === 0n) {
        throw contradiction('the operators of a decision are unknown, without stake, or out of order');
      }
      last = operator;
      return { operator, stake };
    });
  }

  #settle(outcome: { readonly sequence: bigint; readonly result: number; readonly code: string }): Undo {
    const open = this.#openBySequence.get(outcome.sequence);
    if (open === undefined) throw contradiction(`an outcome of ${outcome.sequence}, which is not open`);
    const { podUid, node } = open.decision;
    switch (outcome.result) {
      case OutcomeResult.bound: {
        const failures = this.#failures.get(podUid);
        this.#remove(open);
        this.#failures.delete(podUid);
        this.bound.set(podUid, { sequence: outcome.sequence, node, receipt: open.receipt, adoption: null });
        this.#forgetBound();
        return () => {
          this.bound.delete(podUid);
          if (failures !== undefined) this.#failures.set(podUid, failures);
          this.#add(open);
        };
      }
      case OutcomeResult.failed: {
        const before = this.#failures.get(podUid);
        const counts = new Map(before);
        counts.set(node, (counts.get(node) ?? 0) + 1);
        this.#failures.set(podUid, counts);
        forgetOldest(this.#failures);
        return () => {
          if (before === undefined) this.#failures.delete(podUid);
          else this.#failures.set(podUid, before);
        };
      }
      case OutcomeResult.reversed: {
        const before = this.reversedUntil.get(podUid);
        this.#remove(open);
        this.ledger.reverse(open.charge);
        this.reversedUntil.set(podUid, open.decision.notAfterMs);
        forgetOldest(this.reversedUntil);
        return () => {
          if (before === undefined) this.reversedUntil.delete(podUid);
          else this.reversedUntil.set(podUid, before);
          this.ledger.restore(open.charge);
          this.#add(open);
        };
      }
      default:
        throw contradiction(`outcome ${outcome.result} is unknown`);
    }
  }

  /** Costs nothing and owes nobody: the pod was paid for when it was placed. */
  #adopt({ decision, placing, receipt, placingReceipt }: ParsedAdoption): Undo {
    const { podUid, sequence } = decision;
    if (sequence !== this.lastSequence + 1n) {
      throw contradiction(`sequence ${sequence} does not follow ${this.lastSequence}`);
    }
    if (this.open.has(podUid)) throw contradiction(`pod ${podUid} is adopted while it is being bound`);
    const before = this.bound.get(podUid);
    if (before !== undefined && before.receipt !== placingReceipt) {
      throw contradiction(`pod ${podUid} was placed by another receipt`);
    }
    const undoSequence = this.#advance(sequence);
    const { node } = placing;
    this.bound.delete(podUid);
    this.bound.set(podUid, { sequence: placing.sequence, node, receipt: placingReceipt, adoption: receipt });
    this.#forgetBound();
    return () => {
      if (before === undefined) this.bound.delete(podUid);
      else this.bound.set(podUid, before);
      undoSequence();
    };
  }

  /**
   * Makes room among the bound pods, the oldest first. One that still runs stays: a session to come may have to adopt it.
   * No record depends on who was forgotten.
   */
  #forgetBound(): void {
    let passedOver = 0;
    for (const [podUid, receipt] of this.bound) {
      if (this.bound.size <= REMEMBERED_MAX || passedOver === PASSED_OVER_MAX) return;
      this.bound.delete(podUid);
      if (this.bound.size >= RUNNING_MAX || this.#isGone(podUid)) continue;
      this.bound.set(podUid, receipt);
      passedOver += 1;
    }
  }

  #add(open: OpenDecision): void {
    this.open.set(open.decision.podUid, open);
    this.#openBySequence.set(open.decision.sequence, open);
  }

  #remove(open: OpenDecision): void {
    this.open.delete(open.decision.podUid);
    this.#openBySequence.delete(open.decision.sequence);
  }
}

interface DecisionRecord {
  readonly message: Bytes;
  readonly signature: Bytes;
  readonly inputs: Bytes;
}

/** @throws FormatError unless message and inputs are in their canonical form */
export function parseDecision(record: DecisionRecord): ParsedDecision {
  const { payload: decision, timestampMs } = decodeDecisionMessage(record.message);
  return { decision, timestampMs: Number(timestampMs), inputs: decodeInputs(record.inputs) };
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= REMEMBERED_MAX) break;
    map.delete(oldest);
  }
}

function contradiction(why: string): FormatError {
  return new FormatError('BCS_MALFORMED', `the record contradicts the log: ${why}`);
}
