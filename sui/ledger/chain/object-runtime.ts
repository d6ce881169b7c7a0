import { derivedId } from '../natives/framework.ts';
import { decodeValue } from '../vm/bcs.ts';
import { NativeAbort, NativeRuntimeError } from '../vm/failure.ts';
import type { TypeInfo } from '../vm/layout.ts';
import type { ObjectAccess, Owner, TransactionEnvironment } from '../vm/native.ts';
import type { Address, DatatypeType, Type } from '../vm/types.ts';
import { Ref, type Value } from '../vm/values.ts';
import type { MoveObjectRecord, ObjectReader } from './objects.ts';

/** sui::transfer. */
const E_RECEIVING_TYPE_MISMATCH = 2n;
const E_UNABLE_TO_RECEIVE = 3n;

/** Limits of Sui's protocol config, per transaction. */
const NEW_IDS_MAX = 2_048;
const EVENTS_MAX = 1_024;
const EVENT_BYTES_MAX = 256_000;
const DYNAMIC_FIELDS_MAX = 1_000;

export interface EmittedEvent {
  /** Package and module of the command that was running, as Sui records them. */
  readonly packageId: Address;
  readonly module: string;
  readonly type: Type;
  readonly contents: Uint8Array;
}

export interface WrittenObject {
  readonly type: DatatypeType;
  readonly value: Value;
  readonly owner: Owner;
}

export interface ChildObject {
  readonly parent: Address;
  readonly type: DatatypeType;
  /** One value, or none once removed. */
  readonly cell: Value[];
  /** The stored version, for a child that existed before. */
  readonly original: MoveObjectRecord | null;
}

/** The id inside an object value: its first field is `UID { id: ID { bytes } }`. */
export function idOf(value: Value): Address {
  return (value as [[[string]]])[0][0][0];
}

/** Objects as one transaction changes them. Nothing reaches the store before the transaction ends well. */
export class ObjectRuntime implements ObjectAccess {
  /** Given a new owner by transfer, share or freeze. */
  readonly written = new Map<Address, WrittenObject>();
  readonly children = new Map<Address, ChildObject>();
  readonly newIds = new Set<Address>();
  readonly deletedIds = new Set<Address>();
  /** Stored objects whose value was taken out: inputs used by value and received objects. */
  readonly taken = new Map<Address, MoveObjectRecord>();
  readonly events: EmittedEvent[] = [];
  /** What the running command is; set by the executor. */
  emitter: { readonly packageId: Address; readonly module: string };
  readonly #store: ObjectReader;
  readonly #types: TypeInfo;
  readonly #transaction: TransactionEnvironment;
  readonly #receivable: Map<Address, MoveObjectRecord>;
  #idCounter = 0n;
  #loadedChildren = 0;

  constructor(
    store: ObjectReader,
    types: TypeInfo,
    transaction: TransactionEnvironment,
    receivable: Map<Address, MoveObjectRecord>,
  ) {
    this.#store = store;
    this.#types = types;
    this.#transaction = transaction;
    this.#receivable = receivable;
    this.emitter = { packageId: '', module: '' };
  }

  /** An id of the transaction that no object has: for objects and packages alike. */
  nextId(): Address {
    const id = derivedId(this.#transaction.digest, this.#idCounter);
    this.#idCounter += 1n;
    return id;
  }

  freshId(): Address {
    const id = this.nextId();
    this.recordNewId(id);
    return id;
  }

  recordNewId(id: Address): void {
    if (this.newIds.size >= NEW_IDS_MAX) throw new NativeRuntimeError(`more than ${NEW_IDS_MAX} new ids`);
    this.newIds.add(id);
    this.deletedIds.delete(id);
  }

  deleteId(id: Address): void {
    // What was made in this transaction leaves no trace.
    if (!this.newIds.delete(id)) this.deletedIds.add(id);
  }

  transfer(type: Type, value: Value, owner: Owner): void {
    this.written.set(idOf(value), { type: type as DatatypeType, value, owner });
  }

  share(type: Type, value: Value): boolean {
    const id = idOf(value);
    const before = this.taken.get(id)?.owner;
    if (before?.kind === 'shared') this.transfer(type, value, before);
    else if (this.newIds.has(id)) this.transfer(type, value, { kind: 'shared', initialVersion: 0n });
    else return false;
    return true;
  }

  receive(parent: Address, id: Address, version: bigint, type: Type): Value {
    const record = this.#receivable.get(id);
    const owner = record?.owner;
    if (record?.version !== version || owner?.kind !== 'address' || owner.address !== parent) {
      throw new NativeAbort(E_UNABLE_TO_RECEIVE);
    }
    if (record.type.key !== type.key) throw new NativeAbort(E_RECEIVING_TYPE_MISMATCH);
    this.#receivable.delete(id);
    this.taken.set(id, record);
    return decodeValue(this.#types, record.type, record.contents);
  }

  addChild(parent: Address, type: Type, value: Value): void {
    const id = idOf(value);
    const original = this.children.get(id)?.original ?? null;
    this.children.set(id, { parent, type: type as DatatypeType, cell: [value], original });
  }

  child(parent: Address, id: Address): { readonly type: Type; readonly ref: Ref } | null {
    const child = this.children.get(id) ?? this.#loadChild(parent, id);
    if (child === null || child.parent !== parent || child.cell.length === 0) return null;
    return { type: child.type, ref: new Ref(child.cell, 0) };
  }

  #loadChild(parent: Address, id: Address): ChildObject | null {
    if (this.taken.has(id)) return null;
    const record = this.#store.get(id);
    if (record?.kind !== 'move' || record.owner.kind !== 'object' || record.owner.parent !== parent)
      return null;
    this.#loadedChildren += 1;
    if (this.#loadedChildren > DYNAMIC_FIELDS_MAX)
      throw new NativeRuntimeError(`more than ${DYNAMIC_FIELDS_MAX} dynamic fields`);
    const { type } = record;
    const cell = [decodeValue(this.#types, type, record.contents)];
    const child: ChildObject = { parent, type, cell, original: record };
    this.children.set(id, child);
    return child;
  }

  removeChild(_parent: Address, id: Address): Value {
    const value = this.children.get(id)?.cell.pop();
    if (value === undefined) throw new NativeRuntimeError(`child ${id} is not there`);
    return value;
  }

  emit(type: Type, contents: Uint8Array): void {
    if (this.events.length >= EVENTS_MAX) throw new NativeRuntimeError(`more than ${EVENTS_MAX} events`);
    if (contents.length > EVENT_BYTES_MAX)
      throw new NativeRuntimeError(`event larger than ${EVENT_BYTES_MAX} bytes`);
    this.events.push({ ...this.emitter, type, contents });
  }
}
