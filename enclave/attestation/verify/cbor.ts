import type { Bytes } from '@k3s-daas/core';
// This build of cbor-x has no `new Function` and keeps its own state, which nothing else in the process can hand
// a native string extractor: what CBOR_NATIVE_ACCELERATION_DISABLED asks for, without depending on import order.
import { Decoder, type Options } from 'cbor-x/index-no-eval';
import { AttestationError } from './errors.ts';

/** Payload map, pcrs or cabundle, entry: nothing in a document is deeper. */
const DEPTH_MAX = 2;
/** Entries of one array or map: pcrs has at most 32. */
const ITEMS_MAX = 32;

const MAJOR_UNSIGNED = 0;
const MAJOR_NEGATIVE = 1;
const MAJOR_BYTES = 2;
const MAJOR_TEXT = 3;
const MAJOR_ARRAY = 4;
const MAJOR_MAP = 5;
const MAJOR_TAG = 6;
const SIMPLE_NULL = 0xf6;
const BREAK = 0xff;
const INDEFINITE = 31;

/** What the decoder may return for bytes that passed the walk. */
export type CborValue = number | bigint | string | null | Bytes | CborValue[] | CborMap;
export type CborMap = Map<number | bigint | string, CborValue>;

export interface CborRules {
  /** Only the payload map of a document: AWS sends it with indefinite length since November 2025. */
  readonly rootMapMayBeIndefinite: boolean;
}

interface Head {
  readonly major: number;
  /** Undefined when the length is indefinite. Over 2^53 it is rounded; nothing that large is ever a length here. */
  readonly argument: number | undefined;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Walks one CBOR item and refuses what has more than one reading: a strict subset of RFC 8949 in which decoders
 * agree. It builds nothing; the bytes it accepts are decoded by cbor-x.
 */
class Walk {
  readonly #bytes: Bytes;
  readonly #rules: CborRules;
  #position = 0;

  constructor(bytes: Bytes, rules: CborRules) {
    this.#bytes = bytes;
    this.#rules = rules;
  }

  document(): void {
    this.#item(0);
    if (this.#position !== this.#bytes.length) {
      const extra = this.#bytes.length - this.#position;
      throw new AttestationError('CBOR_TRAILING_BYTES', `${extra} bytes follow the CBOR item`);
    }
  }

  #item(depth: number): void {
    if (depth > DEPTH_MAX) {
      throw new AttestationError('CBOR_DEPTH', `CBOR nests deeper than ${DEPTH_MAX} levels`);
    }
    const start = this.#position;
    const { major, argument } = this.#head();
    if (argument === undefined) {
      if (major === MAJOR_MAP && depth === 0 && this.#rules.rootMapMayBeIndefinite) {
        this.#map(undefined, depth);
        return;
      }
      throw new AttestationError('CBOR_INDEFINITE', `indefinite length at byte ${start}`);
    }
    switch (major) {
      case MAJOR_UNSIGNED:
      case MAJOR_NEGATIVE:
        return;
      case MAJOR_BYTES:
        this.#take(argument);
        return;
      case MAJOR_TEXT:
        this.#text(this.#take(argument), start);
        return;
      case MAJOR_ARRAY:
        for (let left = count(argument, start); left > 0; left--) this.#item(depth + 1);
        return;
      case MAJOR_MAP:
        this.#map(count(argument, start), depth);
        return;
      case MAJOR_TAG:
        throw new AttestationError('CBOR_TAG', `tag ${argument} at byte ${start}`);
      default:
        if (this.#bytes[start] === SIMPLE_NULL) return;
        throw new AttestationError('CBOR_TYPE', `float or simple value at byte ${start}`);
    }
  }

  #map(entries: number | undefined, depth: number): void {
    const keys = new Set<string>();
    for (let seen = 0; entries === undefined || seen < entries; seen++) {
      if (entries === undefined && this.#bytes[this.#position] === BREAK) {
        this.#position++;
        return;
      }
      if (seen === ITEMS_MAX) {
        throw new AttestationError('CBOR_ITEM_COUNT', `a map has more than ${ITEMS_MAX} entries`);
      }
      const start = this.#position;
      const key = this.#key(depth);
      if (keys.has(key)) throw new AttestationError('CBOR_DUPLICATE_KEY', `repeated key at byte ${start}`);
      keys.add(key);
      this.#item(depth + 1);
    }
  }

  /** Shortest-form keys are equal exactly when their encoded bytes are. */
  #key(depth: number): string {
    const start = this.#position;
    const major = (this.#bytes[start] ?? 0) >> 5;
    if (major !== MAJOR_UNSIGNED && major !== MAJOR_NEGATIVE && major !== MAJOR_TEXT) {
      throw new AttestationError('CBOR_KEY', `a map key at byte ${start} is neither integer nor text`);
    }
    this.#item(depth + 1);
    const { buffer, byteOffset } = this.#bytes;
    return Buffer.from(buffer, byteOffset + start, this.#position - start).toString('latin1');
  }

  #head(): Head {
    const start = this.#position;
    const initial = this.#byte();
    const major = initial >> 5;
    const info = initial & 0x1f;
    if (info < 24) return { major, argument: info };
    if (info === INDEFINITE && major >= MAJOR_BYTES && major <= MAJOR_MAP)
      return { major, argument: undefined };
    if (info > 27) throw new AttestationError('CBOR_TYPE', `reserved CBOR head at byte ${start}`);
    const size = 1 << (info - 24);
    let argument = 0;
    for (let index = 0; index < size; index++) argument = argument * 256 + this.#byte();
    // Major type 7 carries floats here, where "minimal" means something else; they are refused by type.
    const least = size === 1 ? 24 : 2 ** (4 * size);
    if (major !== 7 && argument < least) {
      throw new AttestationError(
        'CBOR_NOT_MINIMAL',
        `integer or length at byte ${start} is not in shortest form`,
      );
    }
    return { major, argument };
  }

  #byte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw this.#truncated();
    this.#position++;
    return byte;
  }

  #take(length: number): Bytes {
    if (length > this.#bytes.length - this.#position) throw this.#truncated();
    const from = this.#position;
    this.#position += length;
    return this.#bytes.subarray(from, this.#position);
  }

  #truncated(): AttestationError {
    return new AttestationError('CBOR_TRUNCATED', `CBOR ends inside the item at byte ${this.#position}`);
  }

  #text(bytes: Bytes, start: number): void {
    try {
      UTF8.decode(bytes);
    } catch (cause) {
      throw new AttestationError('CBOR_UTF8', `text string at byte ${start} is not UTF-8`, { cause });
    }
  }
}

function count(argument: number, start: number): number {
  if (argument > ITEMS_MAX) {
    throw new AttestationError(
      'CBOR_ITEM_COUNT',
      `an array or map at byte ${start} has over ${ITEMS_MAX} entries`,
    );
  }
  return argument;
}

// int64AsType is read by cbor-x 1.6 but missing from its types.
const DECODER_OPTIONS: Options & { int64AsType: 'bigint' } = {
  mapsAsObjects: false,
  useRecords: false,
  tagUint8Array: false,
  int64AsType: 'bigint',
};

/**
 * Decodes one CBOR item that must fill `bytes`. Refused: trailing bytes, tags, floats, simple values but null,
 * duplicate keys, keys other than integers and text, invalid UTF-8, integers or lengths not in shortest form,
 * indefinite lengths (see `rules`), depth over 2 below the root, containers over 32 entries.
 * Byte strings in the result alias `bytes`.
 */
export function decodeCbor(bytes: Bytes, rules: CborRules): CborValue {
  new Walk(bytes, rules).document();
  return new Decoder(DECODER_OPTIONS).decode(bytes) as CborValue;
}
