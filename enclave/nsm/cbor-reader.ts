import type { Bytes } from '@k3s-daas/core';
import { NsmError } from './nsm.ts';

/** Variant, its fields, a list or map in a field: nothing in a response is deeper. */
const DEPTH_MAX = 3;
/** Members of one array or map: the NSM has 32 PCRs, documents and numbers of fields are far below. */
const ITEMS_MAX = 64;

const MAJOR_UNSIGNED = 0;
const MAJOR_BYTES = 2;
const MAJOR_TEXT = 3;
const MAJOR_ARRAY = 4;
const MAJOR_MAP = 5;
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const BREAK = 0xff;
const INDEFINITE = 31;

export type CborItem = number | string | boolean | null | Bytes | readonly CborItem[] | CborFields;
export type CborFields = ReadonlyMap<string, CborItem>;

/**
 * Reads one CBOR item that must fill `input`: the part of RFC 8949 that the NSM's messages use, in its one shortest
 * form. Refused with `NSM_RESPONSE_MALFORMED`: trailing bytes, tags, floats, negative integers, integers above 2^53,
 * keys that are no text, repeated keys, invalid UTF-8, indefinite strings, over 3 levels, over 64 members.
 * Maps and arrays may be of indefinite length: AWS changed to that inside its documents in 2025 without notice.
 */
export function readCbor(input: Bytes): CborItem {
  const reader = new Reader(input);
  const item = reader.item(0);
  reader.end();
  return item;
}

class Reader {
  readonly #input: Bytes;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #position = 0;

  constructor(input: Bytes) {
    this.#input = input;
  }

  end(): void {
    const extra = this.#input.length - this.#position;
    if (extra !== 0) throw malformed(`${extra} bytes follow its CBOR item`);
  }

  item(depth: number): CborItem {
    if (depth > DEPTH_MAX) throw malformed(`its CBOR nests deeper than ${DEPTH_MAX} levels`);
    const start = this.#position;
    const initial = this.#take(1)[0] ?? 0;
    const major = initial >> 5;
    switch (major) {
      case MAJOR_UNSIGNED:
        return this.#argument(initial);
      case MAJOR_BYTES:
        return new Uint8Array(this.#take(this.#argument(initial)));
      case MAJOR_TEXT:
        return this.#text(this.#take(this.#argument(initial)), start);
      case MAJOR_ARRAY: {
        const items: CborItem[] = [];
        this.#members(initial, () => items.push(this.item(depth + 1)));
        return items;
      }
      case MAJOR_MAP:
        return this.#map(initial, depth);
      default:
        if (initial === FALSE || initial === TRUE) return initial === TRUE;
        if (initial === NULL) return null;
        throw malformed(
          `byte ${start} of its CBOR, 0x${initial.toString(16)}, is of no type that the NSM uses`,
        );
    }
  }

  #map(initial: number, depth: number): CborFields {
    const fields = new Map<string, CborItem>();
    this.#members(initial, () => {
      const start = this.#position;
      const key = this.item(depth + 1);
      if (typeof key !== 'string') throw malformed(`the map key at byte ${start} is not text`);
      if (fields.has(key)) throw malformed(`the map key at byte ${start} is repeated`);
      fields.set(key, this.item(depth + 1));
    });
    return fields;
  }

  #members(initial: number, read: () => void): void {
    const count = (initial & 0x1f) === INDEFINITE ? undefined : this.#argument(initial);
    for (let seen = 0; seen !== count; seen++) {
      if (count === undefined && this.#input[this.#position] === BREAK) {
        this.#position++;
        return;
      }
      if (seen === ITEMS_MAX) throw malformed(`a list or map has over ${ITEMS_MAX} members`);
      read();
    }
  }

  /** The value that follows an initial byte, which must be in shortest form. */
  #argument(initial: number): number {
    const start = this.#position - 1;
    const info = initial & 0x1f;
    if (info < 24) return info;
    if (info > 27) throw malformed(`byte ${start} of its CBOR is reserved or of indefinite length`);
    const size = 1 << (info - 24);
    let value = 0n;
    for (const byte of this.#take(size)) value = (value << 8n) | BigInt(byte);
    const least = size === 1 ? 24n : 1n << BigInt(4 * size);
    if (value < least) throw malformed(`the integer or length at byte ${start} is not in shortest form`);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw malformed(`the integer at byte ${start} is above 2^53`);
    return Number(value);
  }

  #take(length: number): Bytes {
    if (length > this.#input.length - this.#position) {
      throw malformed(`its CBOR ends inside the item before byte ${this.#position}`);
    }
    const from = this.#position;
    this.#position += length;
    return this.#input.subarray(from, this.#position);
  }

  #text(encoded: Bytes, start: number): string {
    try {
      return this.#utf8.decode(encoded);
    } catch (cause) {
      throw malformed(`the text at byte ${start} is not UTF-8`, cause);
    }
  }
}

/** `problem` completes "the NSM's response cannot be read: …". */
export function malformed(problem: string, cause?: unknown): NsmError {
  return new NsmError(
    'NSM_RESPONSE_MALFORMED',
    `the NSM's response cannot be read: ${problem}`,
    'Check that the device is an AWS Nitro Secure Module and that nsm-request is the program of this release.',
    { cause },
  );
}
