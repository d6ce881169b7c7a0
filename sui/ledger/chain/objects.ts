import { bcs } from '@mysten/sui/bcs';

import type { Owner } from '../vm/native.ts';
import {
  encodeTypeTag,
  fullAddress,
  isDatatype,
  parseType,
  type Address,
  type DatatypeType,
  type Type,
} from '../vm/types.ts';
import { ByteWriter } from '../vm/writer.ts';
import { typedDigest } from './digests.ts';
import type { MoveObjectRecord, ObjectRecord, PackageRecord } from './object-record.ts';
import { PackedObjects } from './packed-objects.ts';

export type { Linked, MoveObjectRecord, ObjectRecord, PackageRecord, TypeOrigin } from './object-record.ts';

export const STD_ID = fullAddress('0x1');
export const SUI_ID = fullAddress('0x2');
export const CLOCK_ID = fullAddress('0x6');
export const SUI_COIN = parseType('0x2::coin::Coin<0x2::sui::SUI>') as DatatypeType;

/** T of `Coin<T>`, or null for any other type. */
export function coinTypeOf(type: Type): Type | null {
  return isDatatype(type, SUI_ID, 'coin', 'Coin') ? (type.args[0] ?? null) : null;
}

/** Balance of a `Coin<T>`: a u64 after the 32 bytes of the id. */
export function coinBalance(record: MoveObjectRecord): bigint {
  return Buffer.from(record.contents).readBigUInt64LE(32);
}

/** Owner in the shape of Sui's BCS schema. */
function ownerBcs(owner: Owner): typeof bcs.Owner.$inferInput {
  switch (owner.kind) {
    case 'address':
      return { AddressOwner: owner.address };
    case 'object':
      return { ObjectOwner: owner.parent };
    case 'shared':
      return { Shared: { initialSharedVersion: owner.initialVersion } };
    case 'party':
      return { ConsensusAddressOwner: { startVersion: owner.startVersion, owner: owner.address } };
    case 'immutable':
      return { Immutable: null };
  }
}

/** BCS of an Owner (sui-types/object.rs). */
export function writeOwner(writer: ByteWriter, owner: Owner): void {
  switch (owner.kind) {
    case 'address':
      writer.u8(0);
      writer.address(owner.address);
      return;
    case 'object':
      writer.u8(1);
      writer.address(owner.parent);
      return;
    case 'shared':
      writer.u8(2);
      writer.u64(owner.initialVersion);
      return;
    case 'immutable':
      writer.u8(3);
      return;
    case 'party':
      writer.u8(4);
      writer.u64(owner.startVersion);
      writer.address(owner.address);
      return;
  }
}

/** BCS of a MoveObjectType (sui-types/base_types.rs), which has short forms for coins. */
function writeMoveObjectType(writer: ByteWriter, type: DatatypeType): void {
  const coin = coinTypeOf(type);
  if (type.key === SUI_COIN.key) {
    writer.u8(1);
  } else if (coin !== null) {
    writer.u8(3);
    writer.raw(encodeTypeTag(coin));
  } else {
    writer.u8(0);
    // A StructTag is a TypeTag without its leading variant byte.
    writer.raw(encodeTypeTag(type).subarray(1));
  }
}

const writer = new ByteWriter();

/** Written by hand and not by the SDK's schema: every transaction writes several, and the schema takes ten times as long. */
function moveObjectBcs(record: Omit<MoveObjectRecord, 'digest'>): Uint8Array {
  writer.clear();
  writer.u8(0);
  writeMoveObjectType(writer, record.type);
  writer.bool(record.hasPublicTransfer);
  writer.u64(record.version);
  writer.blob(record.contents);
  writeOwner(writer, record.owner);
  writer.digest(record.previousTransaction);
  // Storage rebate.
  writer.u64(0n);
  return writer.finish();
}

/** BCS of an object as a Sui node stores and hashes it. */
export function objectBcs(
  record: Omit<MoveObjectRecord, 'digest'> | Omit<PackageRecord, 'digest'>,
): Uint8Array {
  if (record.kind === 'move') return moveObjectBcs(record);
  const { owner, previousTransaction } = record;
  const rest = { owner: ownerBcs(owner), previousTransaction, storageRebate: 0 };
  const { id, version, modules, typeOrigins, linkage } = record;
  const data = {
    id,
    version,
    moduleMap: new Map([...modules].sort(([a], [b]) => (a < b ? -1 : 1))),
    typeOriginTable: typeOrigins.map(({ module, name, definingId }) => ({
      moduleName: module,
      datatypeName: name,
      package: definingId,
    })),
    linkageTable: new Map(
      linkage.map((one) => [one.originalId, { upgradedId: one.id, upgradedVersion: one.version }]),
    ),
  };
  return bcs.Object.serialize({ data: { Package: data }, ...rest }, { maxSize: 1 << 22 }).toBytes();
}

/** Completes a record with its digest. */
export function sealObject(record: Omit<MoveObjectRecord, 'digest'>): MoveObjectRecord;
export function sealObject(record: Omit<PackageRecord, 'digest'>): PackageRecord;
export function sealObject(
  record: Omit<MoveObjectRecord, 'digest'> | Omit<PackageRecord, 'digest'>,
): ObjectRecord {
  const digest = typedDigest('Object', objectBcs(record));
  if (record.kind === 'package') return { ...record, digest };
  // What is added to a spread lies apart from it in memory: 40 B more for every object of the chain.
  const { kind, id, version, owner, type, contents, hasPublicTransfer, previousTransaction } = record;
  return { kind, id, version, owner, type, contents, hasPublicTransfer, previousTransaction, digest };
}

/** Read access to the objects that exist. */
export interface ObjectReader {
  get(id: Address): ObjectRecord | undefined;
}

/** The objects that exist, each in its latest version, with an index by owner. */
export class ObjectStore implements ObjectReader {
  /** A number is that of an object in #packed that nobody has asked for yet. */
  readonly #objects = new Map<Address, ObjectRecord | number>();
  #packed = new PackedObjects([]);
  readonly #byOwner = new Map<string, Set<Address>>();
  /** What the objects were before the change that is being tracked. */
  #before: Map<Address, ObjectRecord | undefined> | null = null;

  get size(): number {
    return this.#objects.size;
  }

  get(id: Address): ObjectRecord | undefined {
    const found = this.#objects.get(id);
    if (typeof found !== 'number') return found;
    const record = this.#packed.record(found);
    this.#objects.set(id, record);
    return record;
  }

  /** All objects as they are now, whatever becomes of them while they are gone through. */
  all(): Iterable<ObjectRecord> {
    const [records, packed] = [[...this.#objects.values()], this.#packed];
    return {
      *[Symbol.iterator]() {
        for (const record of records) yield typeof record === 'number' ? packed.record(record) : record;
      },
    };
  }

  /** In place of what is here: objects that are unpacked when somebody asks for them. */
  restore(packed: PackedObjects): void {
    this.#packed = packed;
    this.#objects.clear();
    this.#byOwner.clear();
    for (let number = 0; number < packed.length; number += 1) {
      const id = packed.id(number);
      this.#objects.set(id, number);
      this.#index(id, packed.owner(number));
    }
  }

  /** From here on remembers what changes; the function returned takes all of that back. */
  track(): () => void {
    const before = new Map<Address, ObjectRecord | undefined>();
    this.#before = before;
    return () => {
      this.#before = null;
      for (const [id, record] of before) {
        if (record === undefined) this.delete(id);
        else this.put(record);
      }
    };
  }

  /** Ends what `track` began; what was remembered can still be taken back. */
  untrack(): void {
    this.#before = null;
  }

  put(record: ObjectRecord): void {
    this.#remember(record.id);
    this.#unindex(record.id);
    this.#objects.set(record.id, record);
    this.#index(record.id, record.owner);
  }

  delete(id: Address): void {
    this.#remember(id);
    this.#unindex(id);
    this.#objects.delete(id);
  }

  /** Objects of an address, as owner or as party, or children (dynamic fields) of an object, in order of id. */
  ownedBy(kind: 'address' | 'object', owner: Address): MoveObjectRecord[] {
    const ids = [...(this.#byOwner.get(`${kind}:${owner}`) ?? [])].sort();
    return ids.flatMap((id) => {
      const record = this.get(id);
      return record?.kind === 'move' ? [record] : [];
    });
  }

  #remember(id: Address): void {
    if (this.#before !== null && !this.#before.has(id)) this.#before.set(id, this.get(id));
  }

  #index(id: Address, owner: Owner): void {
    const key = ownerKey(owner);
    if (key === null) return;
    const owned = this.#byOwner.get(key);
    if (owned === undefined) this.#byOwner.set(key, new Set([id]));
    else owned.add(id);
  }

  #unindex(id: Address): void {
    const before = this.get(id);
    const key = before === undefined ? null : ownerKey(before.owner);
    if (key === null) return;
    const owned = this.#byOwner.get(key);
    owned?.delete(id);
    if (owned?.size === 0) this.#byOwner.delete(key);
  }
}

function ownerKey(owner: Owner): string | null {
  if (owner.kind === 'address' || owner.kind === 'party') return `address:${owner.address}`;
  return owner.kind === 'object' ? `object:${owner.parent}` : null;
}
