import { invariantViolated } from './failure.ts';
import type { TypeInfo } from './layout.ts';
import type { DatatypeType, Type } from './types.ts';
import { Variant, type Value } from './values.ts';
import { ByteWriter } from './writer.ts';

const WIDE_BYTES: Readonly<Record<string, number>> = { u64: 8, u128: 16, u256: 32 };
const NARROW_BYTES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4 };
/** As in Sui's protocol config (max_move_value_depth). */
const NESTING_MAX = 128;

const writer = new ByteWriter();

/** BCS of a value of the given type. The value is trusted to be of the type. */
export function encodeValue(types: TypeInfo, type: Type, value: Value): Uint8Array {
  writer.clear();
  write(types, type, value, 0);
  return writer.finish();
}

function write(types: TypeInfo, type: Type, value: Value, depth: number): void {
  // Written deeper, it could not be read again.
  if (depth > NESTING_MAX) throw invariantViolated(`a value nested deeper than ${NESTING_MAX}`);
  switch (type.kind) {
    case 'bool':
      writer.bool(value === true);
      return;
    case 'u8':
      writer.u8(value as number);
      return;
    case 'u16':
      writer.u16(value as number);
      return;
    case 'u32':
      writer.u32(value as number);
      return;
    case 'u64':
      writer.u64(value as bigint);
      return;
    case 'u128':
      writer.wide(value as bigint, 2);
      return;
    case 'u256':
      writer.wide(value as bigint, 4);
      return;
    case 'address':
    case 'signer':
      writer.address(value as string);
      return;
    case 'vector': {
      const items = value as Value[];
      const { element } = type;
      if (element.kind === 'u8') {
        writer.blob(items as number[]);
      } else {
        writer.uleb(items.length);
        for (const item of items) write(types, element, item, depth + 1);
      }
      return;
    }
    case 'datatype': {
      const layout = types.layout(type);
      if (layout.kind === 'struct') {
        writeFields(types, layout.fields, value as Value[], depth);
      } else {
        const variant = value as Variant;
        writer.uleb(variant.tag);
        writeFields(types, layout.variants[variant.tag] ?? [], variant.fields, depth);
      }
      return;
    }
    case 'reference':
      throw new TypeError('a reference cannot be serialized');
  }
}

function writeFields(
  types: TypeInfo,
  fields: readonly Type[],
  values: readonly Value[],
  depth: number,
): void {
  for (let i = 0; i < fields.length; i += 1) write(types, fields[i] as Type, values[i] as Value, depth + 1);
}

/** Thrown for bytes that are not the canonical BCS of a value of the type. */
export class BcsError extends Error {}

/** Parses BCS strictly: canonical lengths, 0 or 1 for bool, known variants, nothing left over. Throws BcsError. */
export function decodeValue(types: TypeInfo, type: Type, bytes: Uint8Array): Value {
  const reader = new Reader(types, bytes);
  const value = reader.read(type, 0);
  reader.end();
  return value;
}

class Reader {
  readonly #types: TypeInfo;
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(types: TypeInfo, bytes: Uint8Array) {
    this.#types = types;
    this.#bytes = bytes;
  }

  end(): void {
    if (this.#position !== this.#bytes.length) throw new BcsError('bytes left over');
  }

  read(type: Type, depth: number): Value {
    if (depth > NESTING_MAX) throw new BcsError(`nested deeper than ${NESTING_MAX}`);
    switch (type.kind) {
      case 'bool': {
        const byte = this.#byte();
        if (byte > 1) throw new BcsError('a bool is 0 or 1');
        return byte === 1;
      }
      case 'u8':
      case 'u16':
      case 'u32':
        return Number(this.#integer(NARROW_BYTES[type.kind] ?? 0));
      case 'u64':
      case 'u128':
      case 'u256':
        return this.#integer(WIDE_BYTES[type.kind] ?? 0);
      case 'address':
        return `0x${Buffer.from(this.#take(32)).toString('hex')}`;
      case 'vector':
        return this.#vector(type.element, depth);
      case 'datatype':
        return this.#datatype(type, depth);
      case 'signer':
      case 'reference':
        throw new BcsError(`${type.key} cannot be given as bytes`);
    }
  }

  #vector(element: Type, depth: number): Value {
    const length = this.#uleb();
    if (element.kind === 'u8') return Array.from(this.#take(length));
    // An element takes at least one byte, except an empty struct, which Move does not have (it gets a dummy field).
    if (length > this.#bytes.length - this.#position) throw new BcsError('length beyond the end');
    return Array.from({ length }, () => this.read(element, depth + 1));
  }

  #datatype(type: DatatypeType, depth: number): Value {
    const layout = this.#types.layout(type);
    if (layout.kind === 'struct') return layout.fields.map((field) => this.read(field, depth + 1));
    const tag = this.#uleb();
    const fields = layout.variants[tag];
    if (fields === undefined) throw new BcsError(`${type.key} has no variant ${tag}`);
    return new Variant(
      tag,
      fields.map((field) => this.read(field, depth + 1)),
    );
  }

  #byte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw new BcsError('bytes end early');
    this.#position += 1;
    return byte;
  }

  #take(length: number): Uint8Array {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw new BcsError('bytes end early');
    const part = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return part;
  }

  #integer(bytes: number): bigint {
    const part = this.#take(bytes);
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(part[i] ?? 0);
    return value;
  }

  #uleb(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw new BcsError('length is not in its shortest form');
        if (value > 0xffffffff) break;
        return value;
      }
    }
    throw new BcsError('length beyond 32 bits');
  }
}
