import { parseType, type Type } from '../vm/types.ts';

// Types are packed as their canonical text; few occur, so they are parsed once.

const TYPES_MAX = 4_096;
const types = new Map<string, Type>();

/** Canonical text of a type. Throws SyntaxError for one that `typeOfText` could not read again. */
export function textOfType(type: Type): string {
  if (typeOfText(type.key).key !== type.key) throw new SyntaxError(`not a type: ${type.key.slice(0, 80)}`);
  return type.key;
}

/** The type with this canonical text. */
export function typeOfText(text: string): Type {
  const known = types.get(text);
  if (known !== undefined) return known;
  const type = parseType(text);
  if (types.size >= TYPES_MAX) types.clear();
  types.set(text, type);
  return type;
}
