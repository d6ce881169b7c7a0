import { GrpcTypes } from '@mysten/sui/grpc';

import { coinBalance, coinTypeOf, objectBcs, type ObjectRecord } from '../chain/objects.ts';
import type { Owner } from '../vm/native.ts';

export type Partial<T extends { create(partial: never): unknown }> = NonNullable<Parameters<T['create']>[0]>;

export function protoOwner(owner: Owner): Partial<typeof GrpcTypes.Owner> {
  switch (owner.kind) {
    case 'address':
      return { kind: GrpcTypes.Owner_OwnerKind.ADDRESS, address: owner.address };
    case 'object':
      return { kind: GrpcTypes.Owner_OwnerKind.OBJECT, address: owner.parent };
    case 'shared':
      return { kind: GrpcTypes.Owner_OwnerKind.SHARED, version: owner.initialVersion };
    case 'immutable':
      return { kind: GrpcTypes.Owner_OwnerKind.IMMUTABLE };
  }
}

export function protoTimestamp(ms: bigint): { seconds: bigint; nanos: number } {
  return { seconds: ms / 1_000n, nanos: Number(ms % 1_000n) * 1_000_000 };
}

/** Paths of a read mask; `null` asks for the default fields. */
export type Mask = { readonly paths: readonly string[] } | undefined;

export function asksFor(mask: Mask, field: string): boolean {
  return mask?.paths.some((path) => path === field || path === '*' || path.startsWith(`${field}.`)) ?? false;
}

/** An object as the API shows it. Its contents and BCS come only if the mask names them. */
export function protoObject(record: ObjectRecord, mask: Mask): Partial<typeof GrpcTypes.Object> {
  const { id, version, digest, owner, previousTransaction } = record;
  const base: Partial<typeof GrpcTypes.Object> = {
    objectId: id,
    version,
    digest,
    owner: protoOwner(owner),
    previousTransaction,
  };
  base.storageRebate = 0n;
  if (asksFor(mask, 'bcs')) base.bcs = { name: 'Object', value: objectBcs(record) };
  if (record.kind === 'package') {
    base.objectType = 'package';
    if (asksFor(mask, 'package')) {
      const modules = [...record.modules].map(([name, contents]) => ({ name, contents }));
      base.package = { storageId: id, originalId: id, version, modules };
    }
    return base;
  }
  base.objectType = record.type.key;
  base.hasPublicTransfer = record.hasPublicTransfer;
  if (asksFor(mask, 'contents')) base.contents = { name: record.type.key, value: record.contents };
  if (coinTypeOf(record.type) !== null) base.balance = coinBalance(record);
  return base;
}
