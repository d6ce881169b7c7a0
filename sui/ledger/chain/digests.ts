import { toBase58 } from '@mysten/sui/utils';
import { blake2b } from '@noble/hashes/blake2.js';

/** Sui's digest of a signable value: base58 of blake2b256(type name ‖ `::` ‖ BCS). */
export function typedDigest(typeName: string, bytes: Uint8Array): string {
  return toBase58(blake2b(Buffer.concat([Buffer.from(`${typeName}::`), bytes]), { dkLen: 32 }));
}
