import { concatBytes, utf8, type Bytes } from '@k3s-daas/core';

// CBOR in the deterministic form of RFC 8949 section 4.2.1, as far as the NSM's messages and documents need it.
// Written on its own: it shares no code with the verifier (document-writer.ts says why).

const MAJOR_UNSIGNED = 0x00;
const MAJOR_BYTES = 0x40;
const MAJOR_TEXT = 0x60;
const MAJOR_ARRAY = 0x80;
const MAJOR_MAP = 0xa0;
const NULL = new Uint8Array([0xf6]);
const FALSE = new Uint8Array([0xf4]);
const TRUE = new Uint8Array([0xf5]);
const INDEFINITE_MAP = new Uint8Array([0xbf]);
const BREAK = new Uint8Array([0xff]);

export function unsigned(value: number): Bytes {
  return head(MAJOR_UNSIGNED, value);
}

export function bytes(value: Bytes): Bytes {
  return concatBytes(head(MAJOR_BYTES, value.length), value);
}

export function bytesOrNull(value: Bytes | null): Bytes {
  return value === null ? NULL : bytes(value);
}

export function text(value: string): Bytes {
  const encoded = utf8(value);
  return concatBytes(head(MAJOR_TEXT, encoded.length), encoded);
}

export function boolean(value: boolean): Bytes {
  return value ? TRUE : FALSE;
}

/** Of items that are encoded already. */
export function array(items: readonly Bytes[]): Bytes {
  return concatBytes(head(MAJOR_ARRAY, items.length), ...items);
}

/** Of keys and values that are encoded already, in the order given. */
export function map(entries: readonly (readonly [Bytes, Bytes])[]): Bytes {
  return concatBytes(head(MAJOR_MAP, entries.length), ...entries.flat());
}

/** The same with indefinite length, as AWS writes the payload of its documents. */
export function indefiniteMap(entries: readonly (readonly [Bytes, Bytes])[]): Bytes {
  return concatBytes(INDEFINITE_MAP, ...entries.flat(), BREAK);
}

/** Initial byte and argument in shortest form (RFC 8949 section 3). */
function head(major: number, argument: number): Bytes {
  if (argument < 24) return new Uint8Array([major | argument]);
  const size = argument <= 0xff ? 1 : argument <= 0xffff ? 2 : argument <= 0xffff_ffff ? 4 : 8;
  const buffer = Buffer.alloc(9);
  buffer.writeBigUInt64BE(BigInt(argument), 1);
  const start = 9 - size;
  buffer[start - 1] = major | (24 + Math.log2(size));
  return new Uint8Array(buffer.subarray(start - 1));
}
