import { GrpcTypes } from '@mysten/sui/grpc';

import type { Ledger } from '../chain/ledger.ts';
import { coinBalance, coinTypeOf, SUI_ID, type MoveObjectRecord } from '../chain/objects.ts';
import { decodeValue, encodeValue } from '../vm/bcs.ts';
import {
  fullAddress,
  isDatatype,
  parseType,
  type Address,
  type DatatypeType,
  type Type,
} from '../vm/types.ts';
import type { Value } from '../vm/values.ts';
import { coinInfo } from './coin-info.ts';
import { select, type Selection } from './mask.ts';
import { GrpcError, Status, unary, type Method } from './method.ts';
import { page } from './paging.ts';
import { DYNAMIC_FIELD_FIELDS, OWNED_OBJECT_FIELDS, protoObject, type Partial } from './proto-objects.ts';

const SERVICE = 'sui.rpc.v2.StateService';
const SUI = '0x2::sui::SUI';
/** For objects inside other messages: the outer mask trims them. */
const EVERYTHING: Selection = select(GrpcTypes.Object, undefined, '*');

function ownerOf(owner: string | undefined): Address {
  if (owner === undefined) throw new GrpcError(Status.invalidArgument, 'missing owner');
  return fullAddress(owner);
}

/** A filter without type arguments matches every instantiation. */
function matches(type: Type, filter: Type): boolean {
  if (filter.kind === 'datatype' && filter.args.length === 0) {
    return isDatatype(type, filter.address, filter.module, filter.name);
  }
  return type.key === filter.key;
}

/** Balance per coin type of an address. Address balances do not exist here. */
function balances(ledger: Ledger, owner: Address): { readonly coinType: string; readonly sum: bigint }[] {
  const sums = new Map<string, bigint>();
  for (const record of ledger.objects.ownedBy('address', owner)) {
    const coin = coinTypeOf(record.type);
    if (coin !== null) sums.set(coin.key, (sums.get(coin.key) ?? 0n) + coinBalance(record));
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([coinType, sum]) => ({ coinType, sum }));
}

function protoBalance(coinType: string, sum: bigint): Partial<typeof GrpcTypes.Balance> {
  return { coinType, balance: sum, coinBalance: sum, addressBalance: 0n };
}

/** `Field { id, name, value }`, or a `Field<Wrapper<Name>, ID>` that points at a child object. */
function protoField(
  ledger: Ledger,
  field: MoveObjectRecord,
  selection: Selection,
): Partial<typeof GrpcTypes.DynamicField> {
  const [nameType, valueType] = field.type.args as [Type, Type];
  const [, name, value] = decodeValue(ledger.loader, field.type, field.contents) as [Value, Value, Value];
  const parent = field.owner.kind === 'object' ? field.owner.parent : '';
  const base = {
    parent,
    fieldId: field.id,
    ...(selection.wants('field_object') ? { fieldObject: protoObject(field, EVERYTHING) } : {}),
  };
  const bcsOf = (type: Type, of: Value): { name: string; value: Uint8Array } => ({
    name: type.key,
    value: encodeValue(ledger.loader, type, of),
  });
  if (!isDatatype(nameType, SUI_ID, 'dynamic_object_field', 'Wrapper')) {
    const { FIELD: kind } = GrpcTypes.DynamicField_DynamicFieldKind;
    return {
      ...base,
      kind,
      name: bcsOf(nameType, name),
      value: bcsOf(valueType, value),
      valueType: valueType.key,
    };
  }
  const [inner] = nameType.args as [Type];
  const [childId] = value as [string];
  const child = ledger.objects.get(childId);
  return {
    ...base,
    kind: GrpcTypes.DynamicField_DynamicFieldKind.OBJECT,
    name: bcsOf(inner, (name as [Value])[0]),
    value: bcsOf(valueType, value),
    childId,
    ...(child?.kind === 'move' ? { valueType: child.type.key } : {}),
    ...(child !== undefined && selection.wants('child_object')
      ? { childObject: protoObject(child, EVERYTHING) }
      : {}),
  };
}

function isField(type: DatatypeType): boolean {
  return isDatatype(type, SUI_ID, 'dynamic_field', 'Field');
}

export const stateService: readonly Method[] = [
  unary(
    `${SERVICE}/ListOwnedObjects`,
    GrpcTypes.ListOwnedObjectsRequest,
    GrpcTypes.ListOwnedObjectsResponse,
    (ledger, request) => {
      const selection = select(GrpcTypes.Object, request.readMask, OWNED_OBJECT_FIELDS);
      const filter = request.objectType === undefined ? null : parseType(request.objectType);
      const owned = ledger.objects.ownedBy('address', ownerOf(request.owner));
      const wanted = filter === null ? owned : owned.filter(({ type }) => matches(type, filter));
      const { items, ...next } = page(wanted, ({ id }) => id, request);
      return { objects: items.map((record) => protoObject(record, selection)), ...next };
    },
  ),
  unary(
    `${SERVICE}/ListDynamicFields`,
    GrpcTypes.ListDynamicFieldsRequest,
    GrpcTypes.ListDynamicFieldsResponse,
    (ledger, request) => {
      const selection = select(GrpcTypes.DynamicField, request.readMask, DYNAMIC_FIELD_FIELDS);
      const children = ledger.objects
        .ownedBy('object', ownerOf(request.parent))
        .filter(({ type }) => isField(type));
      const { items, ...next } = page(children, ({ id }) => id, request);
      const fields = items.map((field) =>
        selection.trim(GrpcTypes.DynamicField.create(protoField(ledger, field, selection))),
      );
      return { dynamicFields: fields, ...next };
    },
  ),
  unary(
    `${SERVICE}/GetBalance`,
    GrpcTypes.GetBalanceRequest,
    GrpcTypes.GetBalanceResponse,
    (ledger, request) => {
      const coinType = parseType(request.coinType ?? SUI).key;
      const found = balances(ledger, ownerOf(request.owner)).find((one) => one.coinType === coinType);
      return { balance: protoBalance(coinType, found?.sum ?? 0n) };
    },
  ),
  unary(
    `${SERVICE}/ListBalances`,
    GrpcTypes.ListBalancesRequest,
    GrpcTypes.ListBalancesResponse,
    (ledger, request) => {
      const all = balances(ledger, ownerOf(request.owner));
      const { items, ...next } = page(all, ({ coinType }) => coinType, request);
      return { balances: items.map(({ coinType, sum }) => protoBalance(coinType, sum)), ...next };
    },
  ),
  unary(
    `${SERVICE}/GetCoinInfo`,
    GrpcTypes.GetCoinInfoRequest,
    GrpcTypes.GetCoinInfoResponse,
    (ledger, { coinType }) => {
      if (coinType === undefined) throw new GrpcError(Status.invalidArgument, 'missing coin_type');
      return coinInfo(ledger, parseType(coinType));
    },
  ),
];
