import type { Bytes } from '@k3s-daas/core';

// Plain values in bytes, many to a block, each readable by itself. Within a block the names of properties and the
// strings that recur (names of types, kinds) are stored once. Written for history and snapshots: the reader trusts the
// bytes, whose checksum was verified by then.
//
// A block: count (u32 LE) ‖ offset of the tables (u32 LE) ‖ offset of each value (u32 LE) ‖ values ‖ tables.

const Tag = {
  null: 0,
  undefined: 1,
  false: 2,
  true: 3,
  integer: 4,
  negative: 5,
  float: 6,
  bigint: 7,
  negativeBigint: 8,
  text: 9,
  commonText: 10,
  address: 11,
  bytes: 12,
  array: 13,
  map: 14,
  object: 15,
} as const;

const ADDRESS = /^0x[0-9a-f]{64}$/;
const ADDRESS_LENGTH = 66;
/** Strings up to this length are mostly names of kinds. */
const COMMON_LENGTH_MAX = 24;
const BLOCK_HEADER_BYTES = 8;

/** Collects values to blocks, one after the other. */
export class BlockWriter {
  readonly #out = new Output();
  readonly #texts = new Map<string, number>();
  readonly #shapes = new Map<string, number>();
  #offsets: number[] = [];
  #keys: (readonly string[])[] = [];

  /**
   * Plain data: null, undefined, booleans, numbers, bigints, strings, Uint8Array, and arrays, maps and objects of
   * them. Throws TypeError for anything else.
   */
  add(value: unknown): void {
    this.#offsets.push(this.#out.length);
    this.#write(value);
  }

  /** The block of all that was added since the one before. */
  finish(): Bytes {
    const count = this.#offsets.length;
    const head = BLOCK_HEADER_BYTES + count * 4;
    const tables = this.#out.length;
    this.#out.integer(this.#texts.size);
    for (const text of this.#texts.keys()) this.#out.text(text);
    this.#out.integer(this.#keys.length);
    for (const keys of this.#keys) {
      this.#out.integer(keys.length);
      for (const key of keys) this.#out.text(key);
    }
    const block = new Uint8Array(head + this.#out.length);
    const view = new DataView(block.buffer);
    view.setUint32(0, count, true);
    view.setUint32(4, head + tables, true);
    for (const [index, offset] of this.#offsets.entries())
      view.setUint32(BLOCK_HEADER_BYTES + index * 4, head + offset, true);
    block.set(this.#out.view(), head);
    this.#out.length = 0;
    this.#texts.clear();
    this.#shapes.clear();
    this.#offsets = [];
    this.#keys = [];
    return block;
  }

  #write(value: unknown): void {
    const out = this.#out;
    switch (typeof value) {
      case 'string':
        this.#text(value);
        return;
      case 'bigint':
        out.byte(value < 0n ? Tag.negativeBigint : Tag.bigint);
        out.bigint(value < 0n ? -value : value);
        return;
      case 'number':
        this.#number(value);
        return;
      case 'boolean':
        out.byte(value ? Tag.true : Tag.false);
        return;
      case 'undefined':
        out.byte(Tag.undefined);
        return;
      case 'object':
        this.#object(value);
        return;
      case 'function':
      case 'symbol':
        throw new TypeError(`a ${typeof value} cannot be packed`);
    }
  }

  #text(value: string): void {
    const out = this.#out;
    if (value.length === ADDRESS_LENGTH && ADDRESS.test(value)) {
      out.byte(Tag.address);
      out.hex(value.slice(2));
    } else if (value.length <= COMMON_LENGTH_MAX || value.includes('::')) {
      out.byte(Tag.commonText);
      out.integer(indexOf(this.#texts, value));
    } else {
      out.byte(Tag.text);
      out.text(value);
    }
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.#out.byte(value < 0 ? Tag.negative : Tag.integer);
      this.#out.integer(Math.abs(value));
    } else {
      this.#out.byte(Tag.float);
      this.#out.float(value);
    }
  }

  #object(value: object | null): void {
    const out = this.#out;
    if (value === null) {
      out.byte(Tag.null);
    } else if (value instanceof Uint8Array) {
      out.byte(Tag.bytes);
      out.integer(value.length);
      out.raw(value);
    } else if (Array.isArray(value)) {
      out.byte(Tag.array);
      out.integer(value.length);
      for (const item of value) this.#write(item);
    } else if (value instanceof Map) {
      out.byte(Tag.map);
      out.integer(value.size);
      for (const [key, item] of value) {
        this.#write(key);
        this.#write(item);
      }
    } else {
      this.#record(value);
    }
  }

  #record(value: object): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null)
      throw new TypeError(`a ${value.constructor.name} cannot be packed`);
    const keys = Object.keys(value);
    const shape = indexOf(this.#shapes, keys.join('\n'));
    if (shape === this.#keys.length) this.#keys.push(keys);
    this.#out.byte(Tag.object);
    this.#out.integer(shape);
    for (const key of keys) this.#write((value as Readonly<Record<string, unknown>>)[key]);
  }
}

interface Tables {
  readonly texts: readonly string[];
  /** Names of properties. */
  readonly shapes: readonly (readonly string[])[];
}

/** Reads the values of a block one by one. */
export class PackedBlock {
  readonly bytes: Bytes;
  readonly count: number;
  readonly #buffer: Buffer;
  #tables: Tables | null = null;

  constructor(bytes: Bytes) {
    this.bytes = bytes;
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.count = this.#buffer.readUInt32LE(0);
  }

  /** Value number `index`: what was given to `add`, with copies of its bytes. Throws RangeError outside the block. */
  get(index: number): unknown {
    if (index >= this.count) throw new RangeError(`the block has ${this.count} values, not ${index + 1}`);
    const offset = this.#buffer.readUInt32LE(BLOCK_HEADER_BYTES + index * 4);
    return this.#read(new Input(this.bytes, this.#buffer, offset));
  }

  /** `hashKey` of value number `index`, a string. */
  keyHash(index: number): number {
    const offset = this.#buffer.readUInt32LE(BLOCK_HEADER_BYTES + index * 4);
    const isPlain = this.#buffer[offset] === Tag.text && (this.#buffer[offset + 1] ?? 0x80) < 0x80;
    if (!isPlain) return hashKey(this.get(index) as string);
    const start = offset + 2;
    let hash = 0;
    for (let i = start; i < start + KEY_CHARACTERS; i += 1)
      hash = Math.imul(hash, 31) + (this.#buffer[i] ?? 0);
    return hash >>> 0;
  }

  #read(input: Input): unknown {
    const tag = input.byte();
    switch (tag) {
      case Tag.null:
        return null;
      case Tag.undefined:
        return undefined;
      case Tag.false:
        return false;
      case Tag.true:
        return true;
      case Tag.integer:
        return input.integer();
      case Tag.negative:
        return -input.integer();
      case Tag.float:
        return input.float();
      case Tag.bigint:
        return input.bigint();
      case Tag.negativeBigint:
        return -input.bigint();
      case Tag.text:
        return input.text();
      case Tag.commonText:
        return at(this.#load().texts, input.integer());
      case Tag.address:
        return `0x${input.hex(32)}`;
      case Tag.bytes:
        return input.raw();
      case Tag.array:
        return this.#array(input);
      case Tag.map:
        return this.#map(input);
      case Tag.object:
        return this.#record(input);
      default:
        throw new RangeError(`no value has tag ${tag}`);
    }
  }

  #array(input: Input): unknown[] {
    const items: unknown[] = [];
    for (let left = input.integer(); left > 0; left -= 1) items.push(this.#read(input));
    return items;
  }

  #map(input: Input): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>();
    for (let left = input.integer(); left > 0; left -= 1) {
      const key = this.#read(input);
      map.set(key, this.#read(input));
    }
    return map;
  }

  #record(input: Input): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    for (const key of at(this.#load().shapes, input.integer())) record[key] = this.#read(input);
    return record;
  }

  #load(): Tables {
    if (this.#tables !== null) return this.#tables;
    const input = new Input(this.bytes, this.#buffer, this.#buffer.readUInt32LE(4));
    const texts = Array.from({ length: input.integer() }, () => input.text());
    const shapes = Array.from({ length: input.integer() }, () =>
      Array.from({ length: input.integer() }, () => input.text()),
    );
    return (this.#tables = { texts, shapes });
  }
}

/** Enough of a digest to tell it from most others. */
const KEY_CHARACTERS = 8;

/** A hash (u32) of an ASCII string of at least eight characters that are random, as those of digests are. */
export function hashKey(text: string): number {
  let hash = 0;
  for (let i = 0; i < KEY_CHARACTERS; i += 1) hash = Math.imul(hash, 31) + text.charCodeAt(i);
  return hash >>> 0;
}

function indexOf(table: Map<string, number>, text: string): number {
  const known = table.get(text);
  if (known !== undefined) return known;
  table.set(text, table.size);
  return table.size - 1;
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`the table has ${items.length} items, not ${index + 1}`);
  return item;
}

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** A buffer that grows. */
class Output {
  #buffer = Buffer.allocUnsafe(64 << 10);
  length = 0;

  view(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.length] = value;
    this.length += 1;
  }

  /** ULEB128 of a safe integer that is not negative. */
  integer(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.length] = (rest % 0x80) | 0x80;
      this.length += 1;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.length] = rest;
    this.length += 1;
  }

  /** ULEB128 of any size. */
  bigint(value: bigint): void {
    let rest = value;
    while (rest > SAFE) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.integer(Number(rest));
  }

  float(value: number): void {
    this.#reserve(8);
    this.length = this.#buffer.writeDoubleLE(value, this.length);
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.integer(bytes);
    this.#reserve(bytes);
    // Nearly all text is ASCII, for which latin1 is the quicker encoding of the same bytes.
    this.length += this.#buffer.write(value, this.length, bytes === value.length ? 'latin1' : 'utf8');
  }

  hex(value: string): void {
    this.#reserve(value.length / 2);
    this.length += this.#buffer.write(value, this.length, 'hex');
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  #reserve(bytes: number): void {
    if (this.length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.length + bytes));
    larger.set(this.view());
    this.#buffer = larger;
  }
}

class Input {
  readonly #bytes: Bytes;
  /** The same bytes. */
  readonly #buffer: Buffer;
  #offset: number;

  constructor(bytes: Bytes, buffer: Buffer, offset: number) {
    this.#bytes = bytes;
    this.#buffer = buffer;
    this.#offset = offset;
  }

  byte(): number {
    const value = this.#buffer[this.#offset];
    if (value === undefined) throw new RangeError('the block ends in a value');
    this.#offset += 1;
    return value;
  }

  integer(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  bigint(): bigint {
    let low = 0;
    for (let scale = 1, digits = 0; digits < 7; digits += 1, scale *= 0x80) {
      const byte = this.byte();
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 49n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  float(): number {
    return this.#buffer.readDoubleLE(this.#skip(8));
  }

  text(): string {
    const length = this.integer();
    const start = this.#skip(length);
    return this.#buffer.toString('utf8', start, start + length);
  }

  hex(length: number): string {
    const start = this.#skip(length);
    return this.#buffer.toString('hex', start, start + length);
  }

  /** A copy: a view would keep the whole block alive. */
  raw(): Uint8Array {
    const length = this.integer();
    const start = this.#skip(length);
    return this.#bytes.slice(start, start + length);
  }

  #skip(length: number): number {
    const start = this.#offset;
    this.#offset += length;
    if (this.#offset > this.#buffer.length) throw new RangeError('the block ends in a value');
    return start;
  }
}
