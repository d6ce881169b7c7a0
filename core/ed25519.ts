import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';

import { concatBytes, type Bytes } from './bytes.ts';
import type { Signer } from './ports.ts';

// RFC 8410: the DER prefix of an Ed25519 SubjectPublicKeyInfo and of a PKCS#8 private key of 32 bytes.
const SPKI_PREFIX = new Uint8Array([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);
const PKCS8_PREFIX = new Uint8Array([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);

/** A fresh key that lives in this process's memory only. */
export function generateEd25519(): Signer {
  const { privateKey } = generateKeyPairSync('ed25519');
  return signerOf(privateKey);
}

/** A key from its 32-byte seed (RFC 8032 section 5.1.5). */
export function ed25519FromSeed(seed: Bytes): Signer {
  if (seed.length !== 32) throw new RangeError('an Ed25519 seed has 32 bytes');
  const der = Buffer.from(concatBytes(PKCS8_PREFIX, seed));
  return signerOf(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
}

const verifiers = new Map<string, KeyObject>();
const VERIFIERS_MAX = 256;

/** Verifies an Ed25519 signature; false for any key or signature that is malformed. */
export function verifyEd25519(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    return verify(null, message, verifierOf(publicKey), signature);
  } catch {
    return false;
  }
}

// Making a KeyObject costs more than a verification, and a cluster has few keys.
function verifierOf(publicKey: Bytes): KeyObject {
  const name = Buffer.from(publicKey).toString('latin1');
  const known = verifiers.get(name);
  if (known !== undefined) return known;
  const key = createPublicKey({
    key: Buffer.from(concatBytes(SPKI_PREFIX, publicKey)),
    format: 'der',
    type: 'spki',
  });
  if (verifiers.size >= VERIFIERS_MAX) verifiers.clear();
  verifiers.set(name, key);
  return key;
}

function signerOf(privateKey: KeyObject): Signer {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}
