import type { Bytes } from '@k3s-daas/core';

/** Why bytes are not DER; the caller turns it into its own coded error. */
export class DerError extends Error {}

const CONSTRUCTED = 0x20;
const CLASS_AND_CONSTRUCTED = 0xe0;
const DEPTH_MAX = 12;
export const DER_BOOLEAN = 0x01;
export const DER_INTEGER = 0x02;
export const DER_BIT_STRING = 0x03;
export const DER_OCTET_STRING = 0x04;
const DER_NULL = 0x05;
export const DER_OID = 0x06;
export const DER_UTC_TIME = 0x17;
export const DER_GENERALIZED_TIME = 0x18;
export const DER_SEQUENCE = 0x30;
const DER_SET = 0x31;
const NO_CHILDREN: readonly DerElement[] = [];

/** One element, as a view of the bytes it was read from. */
export class DerElement {
  readonly #bytes: Bytes;
  readonly #start: number;
  readonly #from: number;
  readonly #end: number;
  readonly tag: number;
  /** The elements directly inside a constructed one; none in a primitive one. */
  readonly children: readonly DerElement[];

  constructor(
    bytes: Bytes,
    at: { tag: number; start: number; from: number; end: number },
    children: readonly DerElement[],
  ) {
    this.#bytes = bytes;
    this.#start = at.start;
    this.#from = at.from;
    this.#end = at.end;
    this.tag = at.tag;
    this.children = children;
  }

  /** Tag, length and content, as received. */
  get encoded(): Bytes {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  get content(): Bytes {
    return this.#bytes.subarray(this.#from, this.#end);
  }
}

/**
 * Reads one element that fills `bytes`, and every element below it, and refuses what is BER but not DER (X.690
 * sections 8, 10 and 11): lengths not in shortest form or indefinite, strings in pieces, booleans other than 00 and
 * ff, padded integers and object identifiers, bit strings with a one among their unused bits, sets out of order.
 * OpenSSL is lenient about some of these; after this there is nothing left for it to be lenient about.
 */
export function readDer(bytes: Bytes): DerElement {
  const element = readAt(bytes, 0, bytes.length, 0);
  if (element.encoded.length !== bytes.length) throw new DerError('bytes follow the element');
  return element;
}

function readAt(bytes: Bytes, start: number, limit: number, depth: number): DerElement {
  if (depth > DEPTH_MAX) throw new DerError('nested too deep');
  const tag = bytes[start] ?? 0;
  if ((tag & 0x1f) === 0x1f) throw new DerError('high tag number');
  const { from, end } = readLength(bytes, start + 1, limit);
  const at = { tag, start, from, end };
  if ((tag & CONSTRUCTED) !== 0) return new DerElement(bytes, at, readChildren(bytes, at, depth));
  checkPrimitive(bytes, at);
  return new DerElement(bytes, at, NO_CHILDREN);
}

/** Certificates have at most 1024 bytes: two length bytes are enough, and 0x80 (indefinite) is BER. */
function readLength(bytes: Bytes, at: number, limit: number): { from: number; end: number } {
  const initial = bytes[at] ?? 0;
  let from = at + 1;
  let length = initial;
  if (initial >= 0x80) {
    const size = initial & 0x7f;
    if (size !== 1 && size !== 2) throw new DerError('length is indefinite or too long');
    length = bytes[from] ?? 0;
    if (size === 2) length = (length << 8) | (bytes[from + 1] ?? 0);
    from += size;
    if (length < (size === 1 ? 0x80 : 0x100)) throw new DerError('length is not in shortest form');
  }
  // A head that is cut short begins its content beyond the limit as well.
  if (length > limit - from) throw new DerError('truncated');
  return { from, end: from + length };
}

function readChildren(
  bytes: Bytes,
  { tag, from, end }: { tag: number; from: number; end: number },
  depth: number,
): readonly DerElement[] {
  // Of the universal types only SEQUENCE and SET are constructed here; a string in pieces is BER (10.2).
  const universal = (tag & 0xc0) === 0;
  if (universal && tag !== DER_SEQUENCE && tag !== DER_SET) throw new DerError('a string is in pieces');
  const children: DerElement[] = [];
  for (let offset = from; offset < end;) {
    const child = readAt(bytes, offset, end, depth + 1);
    const { encoded } = child;
    offset += encoded.length;
    const before = tag === DER_SET ? children.at(-1) : undefined;
    if (before !== undefined && Buffer.compare(before.encoded, encoded) > 0) {
      throw new DerError('a set is out of order'); // 11.6; certificates have SET OF only
    }
    children.push(child);
  }
  return children;
}

function checkPrimitive(bytes: Bytes, { tag, from, end }: { tag: number; from: number; end: number }): void {
  const length = end - from;
  const first = bytes[from] ?? 0;
  switch (tag) {
    case 0x00:
      throw new DerError('end of contents, which only BER has');
    case DER_BOOLEAN:
      if (length !== 1 || (first !== 0 && first !== 0xff))
        throw new DerError('a boolean is neither 00 nor ff');
      return;
    case DER_INTEGER: {
      if (length === 0) throw new DerError('an integer is empty');
      const negative = ((bytes[from + 1] ?? 0) & 0x80) !== 0;
      if (length > 1 && first === (negative ? 0xff : 0x00)) {
        throw new DerError('an integer is not in shortest form');
      }
      return;
    }
    case DER_BIT_STRING:
      checkBitString(bytes, from, end);
      return;
    case DER_NULL:
      if (length !== 0) throw new DerError('a null has content');
      return;
    case DER_OID:
      checkOid(bytes, from, end);
      return;
    default:
      if ((tag & CLASS_AND_CONSTRUCTED) === 0 && (tag === 0x10 || tag === 0x11)) {
        throw new DerError('a sequence or set is not constructed');
      }
  }
}

/** The first byte counts the unused bits of the last one, which are zero (8.6.2, 11.2.1). */
function checkBitString(bytes: Bytes, from: number, end: number): void {
  const unused = bytes[from] ?? 0;
  if (from === end || unused > 7 || (unused > 0 && end - from === 1)) {
    throw new DerError('a bit string without a valid count of unused bits');
  }
  if (((bytes[end - 1] ?? 0) & ((1 << unused) - 1)) !== 0 && end - from > 1) {
    throw new DerError('a bit string has a one among its unused bits');
  }
}

/** Base-128 numbers, each without leading zeros (8.19.2), the last one complete. */
function checkOid(bytes: Bytes, from: number, end: number): void {
  if (from === end || (bytes[end - 1] ?? 0) >= 0x80) throw new DerError('an object identifier is cut short');
  let begins = true;
  for (let at = from; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (begins && byte === 0x80) throw new DerError('an object identifier is padded');
    begins = byte < 0x80;
  }
}
