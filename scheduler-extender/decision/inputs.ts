import { namesDigest, type Bytes, type SuiId } from '@k3s-daas/core';

import { bitmapOf, without } from '../log/bitmap.ts';
import type { DecisionInputs, TableRecord } from '../log/record.ts';
import type { LogState, TableNode } from '../log/state.ts';
import type { Standing } from '../policy/stake.ts';
import type { FilterCall } from './calls.ts';

/** Most nodes of one table record. */
const TABLE_NODES_MAX = 4096;

/**
 * The indices that a call's nodes and operators have, or are about to get, in the log. Going through thousands of
 * nodes for each decision would cost more than all the rest, so what was done for a standing is kept until another
 * one comes, or until reset(), when records were taken back.
 */
export class NodeTable {
  readonly #state: LogState;
  #written: { readonly standing: Standing; readonly eligible: Bytes } | null = null;

  constructor(state: LogState) {
    this.#state = state;
  }

  reset(): void {
    this.#written = null;
  }

  /** The table records that must be applied before the inputs of this call are encoded; mostly none. */
  missing(call: FilterCall): readonly TableRecord[] {
    const update = new TableUpdate(this.#state);
    if (this.#written?.standing !== call.standing) {
      for (const { node, uid, operator } of call.standing.eligible.values()) update.put(node, uid, operator);
    }
    for (const name of call.offered) if (!call.standing.eligible.has(name)) update.put(name, null, null);
    return update.records();
  }

  /** What a decision rests on, in the indices of the table; what was missing must have been applied. */
  inputs(call: FilterCall): DecisionInputs {
    const state = this.#state;
    if (this.#written?.standing !== call.standing) {
      const { standing } = call;
      this.#written = {
        standing,
        eligible: bitmapOf([...standing.eligible.keys()].map((name) => indexOf(state, name))),
      };
    }
    const offered = bitmapOf(call.offered.map((name) => indexOf(state, name)));
    return {
      cpuMilli: call.pod.requests.cpuMilli,
      memoryBytes: call.pod.requests.memoryBytes,
      cost: call.cost,
      nominatedNode: call.pod.nominatedNode,
      basis: call.basis,
      filterCheckpoint: call.checkpoint,
      filterSnapshotDigest: call.snapshotDigest,
      offered,
      unknownCount: call.unknown.length,
      unknownDigest: namesDigest([...call.unknown].sort()),
      notOffered: without(this.#written.eligible, offered),
      rejected: rejectedByCode(call).map(([code, names]) => ({
        code,
        nodes: bitmapOf(names.map((name) => indexOf(state, name))),
      })),
      shortlist: call.shortlist.map(({ node }) => indexOf(state, node)),
      scores: new Uint8Array(call.shortlist.map(({ score }) => score)),
      operators: call.operators.map(({ operator, stake, lag }) => ({
        operator: operatorIndexOf(state, operator),
        stake,
        lag,
      })),
    };
  }
}

class TableUpdate {
  readonly #state: LogState;
  readonly #operators = new Map<SuiId, number>();
  readonly #nodes: TableNode[] = [];
  #count: number;

  constructor(state: LogState) {
    this.#state = state;
    this.#count = state.nodes.length;
  }

  /** @param uid null if it does not matter: the node is not eligible */
  put(name: string, uid: string | null, owner: SuiId | null): void {
    const known = this.#state.node(name);
    const operator = owner === null ? null : this.#operatorIndex(owner);
    if (known !== undefined && known.operator === operator && (uid === null || known.uid === uid)) return;
    this.#nodes.push({ index: known?.index ?? this.#count, name, uid: uid ?? known?.uid ?? '', operator });
    if (known === undefined) this.#count += 1;
  }

  /** New operators come with the first record. */
  records(): readonly TableRecord[] {
    const records: TableRecord[] = [];
    for (let from = 0; from < this.#nodes.length; from += TABLE_NODES_MAX) {
      const operators = from === 0 ? [...this.#operators.keys()] : [];
      records.push({ operators, nodes: this.#nodes.slice(from, from + TABLE_NODES_MAX) });
    }
    return records;
  }

  #operatorIndex(operator: SuiId): number {
    const known = this.#state.operatorIndex(operator) ?? this.#operators.get(operator);
    if (known !== undefined) return known;
    const index = this.#state.operators.length + this.#operators.size;
    this.#operators.set(operator, index);
    return index;
  }
}

function indexOf(state: LogState, name: string): number {
  const node = state.node(name);
  if (node === undefined) throw new Error(`node ${name} is not in the table`);
  return node.index;
}

function operatorIndexOf(state: LogState, operator: SuiId): number {
  const index = state.operatorIndex(operator);
  if (index === undefined) throw new Error(`operator ${operator} is not in the table`);
  return index;
}

/** By ascending code. Unknown names have no index: the record counts them and has their digest. */
function rejectedByCode(call: FilterCall): readonly (readonly [string, string[]])[] {
  const unknown = new Set(call.unknown);
  const byCode = new Map<string, string[]>();
  for (const { node, code } of call.rejected) {
    if (unknown.has(node)) continue;
    const names = byCode.get(code);
    if (names === undefined) byCode.set(code, [node]);
    else names.push(node);
  }
  return [...byCode].sort(([a], [b]) => (a < b ? -1 : 1));
}
