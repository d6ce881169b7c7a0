import { digestText } from '../vm/base58.ts';
import { blake2b256 } from '../vm/blake2b.ts';

const prefixes = new Map<string, Uint8Array>();

function prefixOf(typeName: string): Uint8Array {
  let prefix = prefixes.get(typeName);
  if (prefix === undefined) prefixes.set(typeName, (prefix = Buffer.from(`${typeName}::`)));
  return prefix;
}

/** Sui's digest of a signable value: base58 of blake2b256(type name ‖ `::` ‖ BCS). */
export function typedDigest(typeName: string, bytes: Uint8Array): string {
  return digestText(blake2b256(prefixOf(typeName), bytes));
}
