import { encodeValue } from '../vm/bcs.ts';
import { ExecutionFailure } from '../vm/failure.ts';
import { Ability } from '../vm/layout.ts';
import type { Loader } from '../vm/loader.ts';
import type { Owner } from '../vm/native.ts';
import type { Address, DatatypeType } from '../vm/types.ts';
import type { Value } from '../vm/values.ts';
import type { ChangedObject } from './effects.ts';
import {
  coinBalance,
  coinTypeOf,
  sealObject,
  type MoveObjectRecord,
  type ObjectReader,
  type ObjectRecord,
} from './objects.ts';
import type { ObjectRuntime } from './object-runtime.ts';
import type { NewPackage } from './publish.ts';
import type { Slot } from './slots.ts';

/** As in Sui's protocol config (max_move_object_size). */
const OBJECT_BYTES_MAX = 256_000;

/** What a transaction does to the store. */
export interface Changes {
  readonly writes: readonly ObjectRecord[];
  readonly removed: readonly MoveObjectRecord[];
}

/** Stamps what a transaction writes: version (lamport), digest of the transaction, object digest. */
export class ChangeSet {
  readonly writes = new Map<Address, ObjectRecord>();
  readonly removed = new Map<Address, MoveObjectRecord>();
  readonly #loader: Loader;
  readonly #version: bigint;
  readonly #transaction: string;

  constructor(loader: Loader, version: bigint, transaction: string) {
    this.#loader = loader;
    this.#version = version;
    this.#transaction = transaction;
  }

  writeValue(id: Address, type: DatatypeType, value: Value, owner: Owner): void {
    this.writeContents(id, type, encodeValue(this.#loader, type, value), owner);
  }

  writeContents(id: Address, type: DatatypeType, contents: Uint8Array, owner: Owner): void {
    if (contents.length > OBJECT_BYTES_MAX) {
      const failure = { kind: 'OBJECT_TOO_BIG', size: contents.length, sizeMax: OBJECT_BYTES_MAX } as const;
      throw new ExecutionFailure(
        failure,
        `Object ${id} has ${contents.length} bytes, the limit is ${OBJECT_BYTES_MAX}`,
      );
    }
    const record = sealObject({
      kind: 'move',
      id,
      version: this.#version,
      owner: sharedOwner(since(owner, this.#version)),
      type,
      contents,
      hasPublicTransfer: this.#loader.has(type, Ability.store),
      previousTransaction: this.#transaction,
    });
    this.writes.set(id, record);
  }

  writePackage(record: NewPackage): void {
    this.writes.set(record.id, sealObject({ ...record, previousTransaction: this.#transaction }));
  }

  /** The same contents in a new version: what happens to every mutable input. */
  touch({ id, type, contents, owner }: MoveObjectRecord): void {
    this.writeContents(id, type, contents, owner);
  }

  remove(record: MoveObjectRecord): void {
    this.removed.set(record.id, record);
  }
}

/** An owner that begins with this transaction gets its version. */
function since(owner: Owner, version: bigint): Owner {
  if (owner.kind === 'shared' && owner.initialVersion === 0n) return { ...owner, initialVersion: version };
  return owner.kind === 'party' && owner.startVersion === 0n ? { ...owner, startVersion: version } : owner;
}

const OWNERS_MAX = 4_096;
const owners = new Map<Address, Owner>();

/** One and the same for all objects of an owner: few have many. */
function sharedOwner(owner: Owner): Owner {
  if (owner.kind !== 'address' && owner.kind !== 'object') return owner;
  const address = owner.kind === 'address' ? owner.address : owner.parent;
  const known = owners.get(address);
  if (known?.kind === owner.kind) return known;
  if (owners.size >= OWNERS_MAX) owners.clear();
  owners.set(address, owner);
  return owner;
}

/** Who stays the party of an object stays it since then. */
function ownerAfter(owner: Owner, before: Owner | undefined): Owner {
  const stays = owner.kind === 'party' && before?.kind === 'party' && before.address === owner.address;
  return stays ? before : owner;
}

/** Gathers what a successful transaction leaves behind. Throws ExecutionFailure where it breaks the rules. */
export function collectChanges(
  changes: ChangeSet,
  loader: Loader,
  runtime: ObjectRuntime,
  inputs: readonly Slot[],
  packages: readonly NewPackage[],
): void {
  for (const { object, type, cell } of inputs) {
    if (object === null || !object.mutable || cell.length === 0) continue;
    changes.writeValue(object.record.id, type as DatatypeType, cell[0] as Value, object.record.owner);
  }
  for (const [id, { type, value, owner }] of runtime.written)
    changes.writeValue(id, type, value, ownerAfter(owner, runtime.taken.get(id)?.owner));
  for (const [id, { parent, type, cell, original }] of runtime.children) {
    const [value] = cell;
    if (value === undefined) {
      if (original !== null && !changes.writes.has(id)) changes.remove(original);
      continue;
    }
    if (original !== null && Buffer.from(encodeValue(loader, type, value)).equals(original.contents))
      continue;
    changes.writeValue(id, type, value, { kind: 'object', parent });
  }
  for (const [id, record] of runtime.taken) {
    const after = changes.writes.get(id);
    if (after === undefined) changes.remove(record);
    checkShared(record, after, runtime.deletedIds.has(id));
  }
  for (const record of packages) changes.writePackage(record);
}

/** A shared object taken by value must be deleted or shared again. */
function checkShared(before: MoveObjectRecord, after: ObjectRecord | undefined, deleted: boolean): void {
  if (before.owner.kind !== 'shared' || (after === undefined ? deleted : after.owner.kind === 'shared'))
    return;
  throw new ExecutionFailure(
    { kind: 'CONSENSUS_OBJECT_OPERATION_NOT_ALLOWED' },
    `Shared object ${before.id} was neither deleted nor shared again`,
  );
}

/**
 * The changes in the form of transaction effects, in order of id: with the ids, too, that were made and wrapped, or
 * unwrapped and deleted, so that no object of theirs ever lay in the store.
 */
export function describeChanges(
  changes: ChangeSet,
  store: ObjectReader,
  runtime: ObjectRuntime,
  success: boolean,
): ChangedObject[] {
  const written = [...changes.writes.values()].map((record): ChangedObject => {
    const before = store.get(record.id);
    const created = before === undefined && (record.kind === 'package' || runtime.newIds.has(record.id));
    return {
      id: record.id,
      input: before ?? null,
      output: record,
      operation: created ? 'created' : 'none',
      type: record.kind === 'package' ? 'package' : record.type.key,
    };
  });
  const removed = [...changes.removed.values()].map((record): ChangedObject => ({
    id: record.id,
    input: record,
    output: null,
    operation: runtime.deletedIds.has(record.id) ? 'deleted' : 'none',
    type: record.type.key,
  }));
  const unseen = (ids: ReadonlySet<Address>, operation: 'created' | 'deleted'): ChangedObject[] =>
    [...ids]
      .filter((id) => success && !changes.writes.has(id) && !changes.removed.has(id))
      .map((id) => ({ id, input: null, output: null, operation, type: null }));
  const hidden = [...unseen(runtime.newIds, 'created'), ...unseen(runtime.deletedIds, 'deleted')];
  return [...written, ...removed, ...hidden].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** To whom Sui counts a coin: an address, a party, or the object it is a field of. */
function holderOf(owner: Owner): Address | null {
  if (owner.kind === 'address' || owner.kind === 'party') return owner.address;
  return owner.kind === 'object' ? owner.parent : null;
}

export interface BalanceChange {
  readonly address: Address;
  readonly coinType: string;
  readonly amount: bigint;
}

/** Sums of coins per address and coin type, after minus before; zero sums are left out. */
export function balanceChanges(changes: ChangeSet, store: ObjectReader): BalanceChange[] {
  const sums = new Map<string, BalanceChange>();
  const add = (record: ObjectRecord | undefined, sign: bigint): void => {
    if (record?.kind !== 'move') return;
    const address = holderOf(record.owner);
    const coin = coinTypeOf(record.type);
    if (coin === null || address === null) return;
    const key = `${address}/${coin.key}`;
    const amount = (sums.get(key)?.amount ?? 0n) + sign * coinBalance(record);
    sums.set(key, { address, coinType: coin.key, amount });
  };
  for (const record of changes.writes.values()) {
    add(store.get(record.id), -1n);
    add(record, 1n);
  }
  for (const record of changes.removed.values()) add(record, -1n);
  return [...sums.values()].filter(({ amount }) => amount !== 0n);
}
