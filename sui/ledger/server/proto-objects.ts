import { GrpcTypes } from '@mysten/sui/grpc';

import { coinBalance, coinTypeOf, objectBcs, type ObjectRecord } from '../chain/objects.ts';
import type { Owner } from '../vm/native.ts';
import type { Selection } from './mask.ts';

export type Partial<T extends { create(partial: never): unknown }> = NonNullable<Parameters<T['create']>[0]>;

export function protoOwner(owner: Owner): Partial<typeof GrpcTypes.Owner> {
  switch (owner.kind) {
    case 'address':
      return { kind: GrpcTypes.Owner_OwnerKind.ADDRESS, address: owner.address };
    case 'object':
      return { kind: GrpcTypes.Owner_OwnerKind.OBJECT, address: owner.parent };
    case 'shared':
      return { kind: GrpcTypes.Owner_OwnerKind.SHARED, version: owner.initialVersion };
    case 'party':
      return {
        kind: GrpcTypes.Owner_OwnerKind.CONSENSUS_ADDRESS,
        address: owner.address,
        version: owner.startVersion,
      };
    case 'immutable':
      return { kind: GrpcTypes.Owner_OwnerKind.IMMUTABLE };
  }
}

export function protoTimestamp(ms: bigint): { seconds: bigint; nanos: number } {
  return { seconds: ms / 1_000n, nanos: Number(ms % 1_000n) * 1_000_000 };
}

/** Fields that answer a request without a read mask, as the proto files name them. */
export const OBJECT_FIELDS = 'object_id,version,digest';
export const OWNED_OBJECT_FIELDS = 'object_id,version,object_type';
export const DYNAMIC_FIELD_FIELDS = 'parent,field_id';
export const TRANSACTION_FIELDS = 'digest';
export const CHECKPOINT_FIELDS = 'sequence_number,digest';
export const EVENT_FIELDS = '*';

/** An object as the API shows it, with what `selection` wants of it. */
export function protoObject(record: ObjectRecord, selection: Selection): GrpcTypes.Object {
  const { id, version, digest, owner, previousTransaction } = record;
  const base: Partial<typeof GrpcTypes.Object> = {
    objectId: id,
    version,
    digest,
    owner: protoOwner(owner),
    previousTransaction,
    storageRebate: 0n,
  };
  if (selection.wants('bcs')) base.bcs = { name: 'Object', value: objectBcs(record) };
  if (record.kind === 'package') {
    base.objectType = 'package';
    if (selection.wants('package')) base.package = protoPackageContents(record);
  } else {
    base.objectType = record.type.key;
    base.hasPublicTransfer = record.hasPublicTransfer;
    base.contents = { name: record.type.key, value: record.contents };
    if (coinTypeOf(record.type) !== null) base.balance = coinBalance(record);
  }
  return selection.trim(GrpcTypes.Object.create(base));
}

/** A package with its bytecode, and where its types and dependencies come from; without what the bytecode says. */
export function protoPackageContents(
  record: Extract<ObjectRecord, { kind: 'package' }>,
): Partial<typeof GrpcTypes.Package> {
  const { id, originalId, version, modules, typeOrigins, linkage } = record;
  return {
    storageId: id,
    originalId,
    version,
    modules: [...modules].map(([name, contents]) => ({ name, contents })),
    typeOrigins: typeOrigins.map(({ module, name, definingId }) => ({
      moduleName: module,
      datatypeName: name,
      packageId: definingId,
    })),
    linkage: linkage.map((one) => ({
      originalId: one.originalId,
      upgradedId: one.id,
      upgradedVersion: one.version,
    })),
  };
}
