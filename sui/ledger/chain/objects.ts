import { bcs, TypeTagSerializer } from '@mysten/sui/bcs';

import type { Owner } from '../vm/native.ts';
import {
  fullAddress,
  isDatatype,
  parseType,
  type Address,
  type DatatypeType,
  type Type,
} from '../vm/types.ts';
import { typedDigest } from './digests.ts';

interface RecordBase {
  readonly id: Address;
  readonly version: bigint;
  readonly owner: Owner;
  /** Digest of the transaction that wrote this version. */
  readonly previousTransaction: string;
  readonly digest: string;
}

export interface MoveObjectRecord extends RecordBase {
  readonly kind: 'move';
  readonly type: DatatypeType;
  /** BCS of the value. */
  readonly contents: Uint8Array;
  readonly hasPublicTransfer: boolean;
}

export interface PackageRecord extends RecordBase {
  readonly kind: 'package';
  /** Bytecode by module name. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** Id of version 1 of the package. */
  readonly originalId: Address;
  /** Every datatype with the id of the version that defined it first. */
  readonly typeOrigins: readonly TypeOrigin[];
  /** The version of each dependency, direct and indirect, that the package runs with. */
  readonly linkage: readonly Linked[];
}

export interface TypeOrigin {
  readonly module: string;
  readonly name: string;
  readonly definingId: Address;
}

export interface Linked {
  readonly originalId: Address;
  readonly id: Address;
  readonly version: bigint;
}

export type ObjectRecord = MoveObjectRecord | PackageRecord;

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
export function ownerBcs(owner: Owner): typeof bcs.Owner.$inferInput {
  switch (owner.kind) {
    case 'address':
      return { AddressOwner: owner.address };
    case 'object':
      return { ObjectOwner: owner.parent };
    case 'shared':
      return { Shared: { initialSharedVersion: owner.initialVersion } };
    case 'immutable':
      return { Immutable: null };
  }
}

function moveObjectType(type: DatatypeType): typeof bcs.MoveObjectType.$inferInput {
  if (type.key === SUI_COIN.key) return { GasCoin: null };
  const coin = coinTypeOf(type);
  if (coin !== null) return { Coin: coin.key };
  const tag = TypeTagSerializer.parseFromStr(type.key, true);
  if (!('struct' in tag)) throw new TypeError(`${type.key} is not a struct`);
  return { Other: tag.struct };
}

/** BCS of an object as a Sui node stores and hashes it. */
export function objectBcs(
  record: Omit<MoveObjectRecord, 'digest'> | Omit<PackageRecord, 'digest'>,
): Uint8Array {
  const { owner, previousTransaction } = record;
  const rest = { owner: ownerBcs(owner), previousTransaction, storageRebate: 0 };
  if (record.kind === 'move') {
    const { type, hasPublicTransfer, version, contents } = record;
    const move = { type: moveObjectType(type), hasPublicTransfer, version, contents };
    return bcs.Object.serialize({ data: { Move: move }, ...rest }, { maxSize: 1 << 20 }).toBytes();
  }
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
export function sealObject<T extends Omit<MoveObjectRecord, 'digest'> | Omit<PackageRecord, 'digest'>>(
  record: T,
): T & { readonly digest: string } {
  return { ...record, digest: typedDigest('Object', objectBcs(record)) };
}

/** Read access to the objects that exist. */
export interface ObjectReader {
  get(id: Address): ObjectRecord | undefined;
}

/** The objects that exist, each in its latest version, with an index by owner. */
export class ObjectStore implements ObjectReader {
  readonly #objects = new Map<Address, ObjectRecord>();
  readonly #byOwner = new Map<string, Set<Address>>();
  /** What the objects were before the change that is being tracked. */
  #before: Map<Address, ObjectRecord | undefined> | null = null;

  get size(): number {
    return this.#objects.size;
  }

  get(id: Address): ObjectRecord | undefined {
    return this.#objects.get(id);
  }

  all(): ObjectRecord[] {
    return [...this.#objects.values()];
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
    const key = ownerKey(record.owner);
    if (key === null) return;
    const owned = this.#byOwner.get(key);
    if (owned === undefined) this.#byOwner.set(key, new Set([record.id]));
    else owned.add(record.id);
  }

  delete(id: Address): void {
    this.#remember(id);
    this.#unindex(id);
    this.#objects.delete(id);
  }

  /** Objects of an address, or children (dynamic fields) of an object, in order of id. */
  ownedBy(kind: 'address' | 'object', owner: Address): MoveObjectRecord[] {
    const ids = [...(this.#byOwner.get(`${kind}:${owner}`) ?? [])].sort();
    return ids.flatMap((id) => {
      const record = this.#objects.get(id);
      return record?.kind === 'move' ? [record] : [];
    });
  }

  #remember(id: Address): void {
    if (this.#before !== null && !this.#before.has(id)) this.#before.set(id, this.#objects.get(id));
  }

  #unindex(id: Address): void {
    const before = this.#objects.get(id);
    const key = before === undefined ? null : ownerKey(before.owner);
    if (key === null) return;
    const owned = this.#byOwner.get(key);
    owned?.delete(id);
    if (owned?.size === 0) this.#byOwner.delete(key);
  }
}

function ownerKey(owner: Owner): string | null {
  if (owner.kind === 'address') return `address:${owner.address}`;
  return owner.kind === 'object' ? `object:${owner.parent}` : null;
}
