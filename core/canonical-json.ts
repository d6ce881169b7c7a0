import { FormatError } from './format-error.ts';

const DEPTH_MAX = 128;

/**
 * The one text of a JSON value by RFC 8785 (JSON Canonicalization Scheme): members ordered by the UTF-16 code units
 * of their names (section 3.2.3), numbers and strings as ECMAScript prints them (3.2.2), no white space.
 * @throws FormatError JSON_NOT_CANONICALISABLE for whatever is no JSON value: undefined, non-finite numbers, lone
 * surrogates, objects of a class, or nesting beyond 128.
 */
export function canonicalJson(value: unknown): string {
  return serialize(value, 0);
}

function serialize(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) throw refused(`nesting goes beyond ${DEPTH_MAX}`);
  switch (typeof value) {
    case 'string':
      return text(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      if (!Number.isFinite(value)) throw refused('a number is not finite');
      // ECMAScript's shortest round-trip form is the one that RFC 8785 section 3.2.2.3 prescribes.
      return JSON.stringify(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? list(value, depth) : members(value, depth);
    case 'bigint':
    case 'function':
    case 'symbol':
    case 'undefined':
      throw refused(`a ${typeof value} is no JSON value`);
  }
}

function text(value: string): string {
  if (!value.isWellFormed()) throw refused('a string holds a lone surrogate');
  return JSON.stringify(value);
}

function list(values: readonly unknown[], depth: number): string {
  // Not map(): it would skip the holes of a sparse array instead of refusing them.
  const parts: string[] = [];
  for (const value of values) parts.push(serialize(value, depth + 1));
  return `[${parts.join(',')}]`;
}

function members(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw refused('an object of a class is no JSON value');
  const names = Object.keys(value).sort();
  const record = value as Readonly<Record<string, unknown>>;
  return `{${names.map((name) => `${text(name)}:${serialize(record[name], depth + 1)}`).join(',')}}`;
}

function refused(why: string): FormatError {
  return new FormatError('JSON_NOT_CANONICALISABLE', `the value has no canonical JSON: ${why}`);
}
