import { ByteWriter } from './writer.ts';

/** `0x` and 64 lower-case hex digits. */
export type Address = string;

const PRIMITIVES = ['bool', 'u8', 'u16', 'u32', 'u64', 'u128', 'u256', 'address', 'signer'] as const;
export type PrimitiveName = (typeof PRIMITIVES)[number];

export interface DatatypeType {
  readonly kind: 'datatype';
  readonly key: string;
  readonly address: Address;
  readonly module: string;
  readonly name: string;
  readonly args: readonly Type[];
}

/** A runtime type. Two types are equal exactly when their keys are (canonical text, addresses in full length). */
export type Type =
  | { readonly kind: PrimitiveName; readonly key: string }
  | { readonly kind: 'vector'; readonly key: string; readonly element: Type }
  | { readonly kind: 'reference'; readonly key: string; readonly target: Type; readonly mutable: boolean }
  | DatatypeType;

const primitives = new Map<string, Type>(PRIMITIVES.map((kind) => [kind, { kind, key: kind }]));
const NESTING_MAX = 16;
const TEXT_MAX = 4_096;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Deepest type that a value may have, as in Sui's protocol config (max_move_value_depth). */
export const TYPE_DEPTH_MAX = 128;

/** Levels of type arguments and vectors; a primitive has 1. Stops counting beyond TYPE_DEPTH_MAX. */
export function typeDepth(type: Type, above = 1): number {
  if (above > TYPE_DEPTH_MAX) return above;
  if (type.kind === 'vector') return typeDepth(type.element, above + 1);
  if (type.kind === 'reference') return typeDepth(type.target, above);
  let depth = above;
  if (type.kind === 'datatype')
    for (const arg of type.args) depth = Math.max(depth, typeDepth(arg, above + 1));
  return depth;
}

export function primitive(name: PrimitiveName): Type {
  return { kind: name, key: name };
}

export function primitiveNamed(name: string): Type | undefined {
  return primitives.get(name);
}

export function vectorOf(element: Type): Type {
  return { kind: 'vector', key: `vector<${element.key}>`, element };
}

export function referenceTo(target: Type, mutable: boolean): Type {
  return { kind: 'reference', key: (mutable ? '&mut ' : '&') + target.key, target, mutable };
}

const DATATYPES_MAX = 10_000;
/** Objects refer to their types: one of each is enough. */
const datatypes = new Map<string, DatatypeType>();

export function datatype(
  address: Address,
  module: string,
  name: string,
  args: readonly Type[] = [],
): DatatypeType {
  const base = `${address}::${module}::${name}`;
  const key = args.length === 0 ? base : `${base}<${args.map((arg) => arg.key).join(',')}>`;
  const known = datatypes.get(key);
  if (known !== undefined) return known;
  const made: DatatypeType = { kind: 'datatype', key, address, module, name, args };
  if (datatypes.size >= DATATYPES_MAX) datatypes.clear();
  datatypes.set(key, made);
  return made;
}

/** Full-length form of an address. Throws SyntaxError on anything but up to 64 hex digits. */
export function fullAddress(text: string): Address {
  const digits = text.startsWith('0x') ? text.slice(2) : text;
  if (!/^[0-9a-fA-F]{1,64}$/.test(digits)) throw new SyntaxError(`not an address: ${text.slice(0, 80)}`);
  return `0x${digits.toLowerCase().padStart(64, '0')}`;
}

/** Parses `0x2::coin::Coin<0x2::sui::SUI>` and the like. Throws SyntaxError. */
export function parseType(text: string): Type {
  if (text.length > TEXT_MAX) throw new SyntaxError(`type text longer than ${TEXT_MAX} characters`);
  const source = text.replace(/\s/g, '');
  let position = 0;
  const parse = (depth: number): Type => {
    if (depth > NESTING_MAX) throw new SyntaxError(`type nested deeper than ${NESTING_MAX}`);
    const start = position;
    while (position < source.length && !'<>,'.includes(source.charAt(position))) position += 1;
    const word = source.slice(start, position);
    const args: Type[] = [];
    if (source[position] === '<') {
      do {
        position += 1;
        args.push(parse(depth + 1));
      } while (source[position] === ',');
      if (source[position] !== '>') throw new SyntaxError(`unclosed "<" in type ${text}`);
      position += 1;
    }
    return named(word, args);
  };
  const type = parse(0);
  if (position !== source.length) throw new SyntaxError(`unexpected text after type in ${text}`);
  return type;
}

function named(word: string, args: readonly Type[]): Type {
  const [element, ...more] = args;
  if (word === 'vector' && element !== undefined && more.length === 0) return vectorOf(element);
  const simple = primitives.get(word);
  if (simple !== undefined && element === undefined) return simple;
  const [address, module, name, ...rest] = word.split('::');
  if (address === undefined || module === undefined || name === undefined || rest.length > 0) {
    throw new SyntaxError(`not a type: ${word}`);
  }
  if (!IDENTIFIER.test(module) || !IDENTIFIER.test(name)) throw new SyntaxError(`not a type: ${word}`);
  return datatype(fullAddress(address), module, name, args);
}

/** Whether the type is `address::module::name`, whatever its arguments. `address` in full length. */
export function isDatatype(type: Type, address: Address, module: string, name: string): type is DatatypeType {
  return type.kind === 'datatype' && type.name === name && type.module === module && type.address === address;
}

const TAGS: Readonly<Record<PrimitiveName, number>> = {
  bool: 0,
  u8: 1,
  u64: 2,
  u128: 3,
  address: 4,
  signer: 5,
  u16: 8,
  u32: 9,
  u256: 10,
};

const TYPE_TAGS_MAX = 10_000;
const typeTags = new Map<string, Uint8Array>();

/** BCS of a TypeTag (the enum of sui-types/type_input.rs). Not to be changed: the result is kept. */
export function encodeTypeTag(type: Type): Uint8Array {
  const known = typeTags.get(type.key);
  if (known !== undefined) return known;
  const writer = new ByteWriter();
  writeTypeTag(type, writer);
  const bytes = writer.finish();
  if (typeTags.size >= TYPE_TAGS_MAX) typeTags.clear();
  typeTags.set(type.key, bytes);
  return bytes;
}

function writeTypeTag(type: Type, writer: ByteWriter): void {
  if (type.kind === 'vector') {
    writer.u8(6);
    writeTypeTag(type.element, writer);
    return;
  }
  if (type.kind === 'reference') throw new TypeError('a reference has no type tag');
  if (type.kind !== 'datatype') {
    writer.u8(TAGS[type.kind]);
    return;
  }
  writer.u8(7);
  writer.address(type.address);
  writer.ascii(type.module);
  writer.ascii(type.name);
  writer.uleb(type.args.length);
  for (const arg of type.args) writeTypeTag(arg, writer);
}
