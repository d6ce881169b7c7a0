import type { Owner } from '../vm/native.ts';
import type { Address, DatatypeType } from '../vm/types.ts';

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
