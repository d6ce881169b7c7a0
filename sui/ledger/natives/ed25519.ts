import { createPublicKey, verify, type KeyObject } from 'node:crypto';

import { ed25519 } from './curves.ts';

/** DER of a SubjectPublicKeyInfo before the 32 bytes of an Ed25519 key (RFC 8410). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** Importing a key costs a quarter of a verification, and the same few users sign again and again. */
const KEYS_MAX = 4_096;
const keys = new Map<string, KeyObject>();

function keyOf(bytes: Uint8Array): KeyObject {
  const name = Buffer.from(bytes).toString('latin1');
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' });
  if (keys.size >= KEYS_MAX) keys.clear();
  keys.set(name, key);
  return key;
}

/**
 * Whether the signature holds by the rules of ZIP-215, which fastcrypto (ed25519-consensus) has on Sui. OpenSSL asks
 * ten times as fast, and for more: with S < L and its equation without the cofactor, whatever it accepts ZIP-215
 * accepts too. What it refuses noble-curves decides, so a wrong signature costs both.
 */
export function verifyEd25519(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || key.length !== KEY_BYTES) return false;
  return verify(null, message, keyOf(key), signature) || verifySlowly(signature, message, key);
}

/** The same, asking OpenSSL in a thread. */
export function verifyEd25519InThread(
  signature: Uint8Array,
  message: Uint8Array,
  key: Uint8Array,
): Promise<boolean> {
  if (signature.length !== SIGNATURE_BYTES || key.length !== KEY_BYTES) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify(null, message, keyOf(key), signature, (error, holds) => {
      if (error === null) resolve(holds || verifySlowly(signature, message, key));
      else reject(error);
    });
  });
}

function verifySlowly(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  try {
    return ed25519().verify(signature, message, key, { zip215: true });
  } catch {
    // A key or an R that is no point of the curve.
    return false;
  }
}
