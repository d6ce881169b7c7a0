import { namesDigest, type SuiId } from '@k3s-daas/core';

import { bitmapOf } from '../log/bitmap.ts';
import type { DecisionInputs, TableRecord } from '../log/record.ts';
import type { LogState, TableNode } from '../log/state.ts';
import type { FilterCall } from './calls.ts';

/** Most nodes of one table record. */
const TABLE_NODES_MAX = 4096;

/** The table records that give every node and operator of a call its index; none if the log has them all. */
export function tableUpdate(state: LogState, call: FilterCall): readonly TableRecord[] {
  const operators: SuiId[] = [];
  const added = new Map<SuiId, number>();
  const indexOf = (operator: SuiId): number => {
    const known = state.operatorIndex(operator) ?? added.get(operator);
    if (known !== undefined) return known;
    const index = state.operators.length + operators.length;
    added.set(operator, index);
    operators.push(operator);
    return index;
  };
  const nodes: TableNode[] = [];
  let count = state.nodes.length;
  const put = (name: string, uid: string | null, operator: number | null): void => {
    const known = state.node(name);
    if (known !== undefined && known.operator === operator && (uid === null || known.uid === uid)) return;
    nodes.push({ index: known?.index ?? count, name, uid: uid ?? known?.uid ?? '', operator });
    if (known === undefined) count += 1;
  };
  for (const { node, uid, operator } of call.standing.eligible.values()) put(node, uid, indexOf(operator));
  for (const name of call.offered) if (!call.standing.eligible.has(name)) put(name, null, null);

  const records: TableRecord[] = [];
  for (let from = 0; from < nodes.length || (from === 0 && operators.length > 0); from += TABLE_NODES_MAX) {
    records.push({
      operators: from === 0 ? operators : [],
      nodes: nodes.slice(from, from + TABLE_NODES_MAX),
    });
  }
  return records;
}

/** What a decision rests on, in the indices of the table; tableUpdate() must have been applied. */
export function decisionInputs(state: LogState, call: FilterCall): DecisionInputs {
  const indexOf = (name: string): number => {
    const node = state.node(name);
    if (node === undefined) throw new Error(`node ${name} is not in the table`);
    return node.index;
  };
  const operatorIndexOf = (operator: SuiId): number => {
    const index = state.operatorIndex(operator);
    if (index === undefined) throw new Error(`operator ${operator} is not in the table`);
    return index;
  };
  const offered = new Set(call.offered);
  const notOffered = [...call.standing.eligible.keys()].filter((name) => !offered.has(name));
  return {
    cpuMilli: call.pod.requests.cpuMilli,
    memoryBytes: call.pod.requests.memoryBytes,
    cost: call.cost,
    nominatedNode: call.pod.nominatedNode,
    basis: call.basis,
    filterCheckpoint: call.checkpoint,
    filterSnapshotDigest: call.snapshotDigest,
    offered: bitmapOf(call.offered.map(indexOf)),
    unknownCount: call.unknown.length,
    unknownDigest: namesDigest([...call.unknown].sort()),
    notOffered: bitmapOf(notOffered.map(indexOf)),
    rejected: rejectedByCode(call, offered).map(([code, names]) => ({
      code,
      nodes: bitmapOf(names.map(indexOf)),
    })),
    shortlist: call.shortlist.map(({ node }) => indexOf(node)),
    scores: new Uint8Array(call.shortlist.map(({ score }) => score)),
    operators: call.operators.map(({ operator, stake, lag }) => ({
      operator: operatorIndexOf(operator),
      stake,
      lag,
    })),
  };
}

/** By ascending code. Unknown names have no index: the record counts them and has their digest. */
function rejectedByCode(
  call: FilterCall,
  known: ReadonlySet<string>,
): readonly (readonly [string, string[]])[] {
  const byCode = new Map<string, string[]>();
  for (const { node, code } of call.rejected) {
    if (!known.has(node)) continue;
    const names = byCode.get(code);
    if (names === undefined) byCode.set(code, [node]);
    else names.push(node);
  }
  return [...byCode].sort(([a], [b]) => (a < b ? -1 : 1));
}
