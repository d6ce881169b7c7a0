import { bcs, type BcsType } from '@mysten/bcs';

import { equalBytes, fromHex, toHex, type Bytes } from './bytes.ts';
import { FormatError } from './format-error.ts';

/** A Sui object id or address: `0x` and 64 lower-case hex digits. */
export type SuiId = string;

const SUI_ID = /^0x[0-9a-f]{64}$/;

export function isSuiId(text: string): boolean {
  return SUI_ID.test(text);
}

/** BCS of a Move `address` or `ID`: 32 bytes without a length. */
export const suiId: BcsType<SuiId, SuiId> = bcs.bytes(32).transform({
  name: 'SuiId',
  input: (id: SuiId) => {
    if (!isSuiId(id)) throw new FormatError('ID_MALFORMED', `${id} is not 0x and 64 lower-case hex digits`);
    return fromHex(id.slice(2));
  },
  output: (bytes) => `0x${toHex(bytes)}`,
});

/** BCS of a Move `vector<u8>` that holds a 32-byte digest or key: a length byte of 32, then the bytes. */
export const bytes32: BcsType<Bytes, Bytes> = bcs.byteVector().transform({
  name: 'bytes32',
  input: (bytes: Bytes) => require32(bytes),
  output: (bytes) => require32(new Uint8Array(bytes)),
});

/** BCS u64 as a bigint. */
export const u64: BcsType<bigint, bigint> = bcs.u64().transform({
  name: 'u64n',
  input: (value: bigint) => value,
  output: (text) => BigInt(text),
});

/**
 * Parses BCS strictly: every byte is used, and encoding the value again gives the very same bytes. So one value has
 * one form, and what is signed, logged and compared by bytes is never two forms of the same decision.
 */
export function parseStrict<T extends I, I>(type: BcsType<T, I>, bytes: Bytes): T {
  let value: T;
  let again: Bytes;
  try {
    value = type.parse(bytes);
    again = type.serialize(value, { maxSize: 1 << 24 }).toBytes();
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError('BCS_MALFORMED', `not a ${type.name} in BCS`, { cause });
  }
  if (!equalBytes(again, bytes))
    throw new FormatError('BCS_NOT_CANONICAL', `not the canonical BCS of a ${type.name}`);
  return value;
}

function require32(bytes: Bytes): Bytes {
  if (bytes.length !== 32) throw new FormatError('LENGTH_WRONG', `expected 32 bytes, got ${bytes.length}`);
  return bytes;
}
