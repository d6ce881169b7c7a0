import { bytesOf, type Ref, type Value } from '../vm/values.ts';

/** Typed access to the arguments of a native; the Move signature guarantees the kinds. */
export const arg = {
  address: (value: Value | undefined): string => value as string,
  u64: (value: Value | undefined): bigint => value as bigint,
  u8: (value: Value | undefined): number => value as number,
  /** `vector<u8>` by value or by reference. */
  bytes: (value: Value | undefined): Uint8Array => bytesOf(value as Value),
  ref: (value: Value | undefined): Ref => value as Ref,
  /** The address inside an `ID` value: `{ bytes: address }`. */
  id: (value: Value | undefined): string => (value as [string])[0],
  /** The address inside a `&UID`: `{ id: ID { bytes } }`. */
  uid: (value: Value | undefined): string => ((value as Ref).get() as [[string]])[0][0],
};

/** Bytes as a Move `vector<u8>`. */
export function moveBytes(bytes: Uint8Array): number[] {
  return Array.from(bytes);
}

/** Move's `Option<T>`: a struct around a vector of at most one element. */
export function moveOption(value: Value | undefined): Value {
  return [value === undefined ? [] : [value]];
}
