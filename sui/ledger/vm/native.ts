import type { TypeInfo } from './layout.ts';
import type { Address, Type } from './types.ts';
import type { Meter, Ref, Value } from './values.ts';

export type Owner =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'object'; readonly parent: Address }
  | { readonly kind: 'shared'; readonly initialVersion: bigint }
  /** Sequenced like a shared object, used by one address only: ConsensusAddressOwner. */
  | { readonly kind: 'party'; readonly address: Address; readonly startVersion: bigint }
  | { readonly kind: 'immutable' };

/** What the transaction says about itself. */
export interface TransactionEnvironment {
  readonly digest: Uint8Array;
  readonly sender: Address;
  readonly sponsor: Address | null;
  readonly epoch: bigint;
  readonly epochStartMs: bigint;
  readonly referenceGasPrice: bigint;
  readonly gasPrice: bigint;
  readonly gasBudget: bigint;
}

/** The object store as natives see it during one transaction. Children are dynamic fields. */
export interface ObjectAccess {
  freshId(): Address;
  recordNewId(id: Address): void;
  deleteId(id: Address): void;
  /** Gives an object its owner when the transaction ends well. `share` fails for an object that is not new. */
  transfer(type: Type, value: Value, owner: Owner): void;
  share(type: Type, value: Value): boolean;
  receive(parent: Address, id: Address, version: bigint, type: Type): Value;
  addChild(parent: Address, type: Type, value: Value): void;
  /** The child's slot, or null; `type` differs from the asked one at the caller's peril. */
  child(parent: Address, id: Address): { readonly type: Type; readonly ref: Ref } | null;
  removeChild(parent: Address, id: Address): Value;
  emit(type: Type, contents: Uint8Array): void;
}

export interface PcrEntry {
  readonly index: number;
  readonly value: Uint8Array;
}

/** A verified attestation document, as far as `sui::nitro_attestation` exposes it. */
export interface VerifiedAttestation {
  readonly moduleId: string;
  readonly timestampMs: number | bigint;
  readonly digest: string;
  readonly pcrs: readonly PcrEntry[];
  readonly publicKey?: Uint8Array | undefined;
  readonly userData?: Uint8Array | undefined;
  readonly nonce?: Uint8Array | undefined;
}

/**
 * Verifies an AWS Nitro attestation document as of `clockMs`. Throws where it does not hold: an AttestationFault says
 * why, any other error counts as a failed verification.
 */
export type AttestationVerifier = (document: Uint8Array, clockMs: bigint) => VerifiedAttestation;

export interface NativeContext {
  readonly types: TypeInfo;
  readonly meter: Meter;
  readonly transaction: TransactionEnvironment;
  readonly objects: ObjectAccess;
  readonly verifyAttestation: AttestationVerifier;
}

/** A native function: no Sui native returns more than one value; null stands for none. */
export type Native = (context: NativeContext, types: readonly Type[], args: readonly Value[]) => Value | null;

/** Natives by `address::module::function`, addresses in full length. */
export type NativeTable = ReadonlyMap<string, Native>;
