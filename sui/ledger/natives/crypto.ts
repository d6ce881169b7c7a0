import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256, sha3_256 } from '@noble/hashes/sha3.js';

import { NativeAbort } from '../vm/failure.ts';
import type { Native } from '../vm/native.ts';
import type { Value } from '../vm/values.ts';
import { arg, moveBytes } from './arguments.ts';
import { bls12381, p256, secp256k1 } from './curves.ts';
import { verifyEd25519 } from './ed25519.ts';

/** sui::ecdsa_k1 and sui::ecdsa_r1. */
const E_FAIL_TO_RECOVER = 0n;
const E_INVALID_SIGNATURE = 1n;
const E_INVALID_PUBKEY = 2n;

const MIN_SIG_DST = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_';
const MIN_PK_DST = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_';

/** A verification that throws on malformed input answers false, as fastcrypto's do. */
function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

/** The hash functions of sui::ecdsa_*: 0 is keccak256, 1 is SHA-256. */
function ecdsaHash(selector: Value | undefined): (message: Uint8Array) => Uint8Array {
  return arg.u8(selector) === 0 ? keccak_256 : sha256;
}

/** High-s signatures are refused on both curves, as Sui asks of its own signatures (docs, Signatures). */
function ecdsaVerify(curve: typeof secp256k1 | typeof p256): Native {
  return (_context, _types, [signature, key, message, hash]) => {
    const digest = ecdsaHash(hash)(arg.bytes(message));
    return holds(() =>
      curve().verify(arg.bytes(signature), digest, arg.bytes(key), {
        prehash: false,
        lowS: true,
      }),
    );
  };
}

/** 65 bytes r ‖ s ‖ recovery id → compressed public key. */
function ecdsaRecover(curve: typeof secp256k1 | typeof p256): Native {
  return (_context, _types, [signature, message, hash]) => {
    const bytes = arg.bytes(signature);
    if (bytes.length !== 65) throw new NativeAbort(E_INVALID_SIGNATURE);
    const digest = ecdsaHash(hash)(arg.bytes(message));
    try {
      const parsed = curve()
        .Signature.fromBytes(bytes.subarray(0, 64), 'compact')
        .addRecoveryBit(bytes[64] ?? 0);
      return moveBytes(parsed.recoverPublicKey(digest).toBytes(true));
    } catch {
      throw new NativeAbort(E_FAIL_TO_RECOVER);
    }
  };
}

/** Cryptographic natives of `0x2`, by `module::function`. */
export const cryptoNatives: Readonly<Record<string, Native>> = {
  'hash::keccak256': (_context, _types, [data]) => moveBytes(keccak_256(arg.bytes(data))),
  'hmac::hmac_sha3_256': (_context, _types, [key, message]) =>
    moveBytes(hmac(sha3_256, arg.bytes(key), arg.bytes(message))),
  'ed25519::ed25519_verify': (_context, _types, [signature, key, message]) =>
    verifyEd25519(arg.bytes(signature), arg.bytes(message), arg.bytes(key)),
  'ecdsa_k1::secp256k1_verify': ecdsaVerify(secp256k1),
  'ecdsa_k1::secp256k1_ecrecover': ecdsaRecover(secp256k1),
  'ecdsa_k1::decompress_pubkey': (_context, _types, [key]) => {
    const bytes = arg.bytes(key);
    if (bytes.length !== 33) throw new NativeAbort(E_INVALID_PUBKEY);
    try {
      return moveBytes(secp256k1().Point.fromBytes(bytes).toBytes(false));
    } catch {
      throw new NativeAbort(E_INVALID_PUBKEY);
    }
  },
  'ecdsa_r1::secp256r1_verify': ecdsaVerify(p256),
  'ecdsa_r1::secp256r1_ecrecover': ecdsaRecover(p256),
  'bls12381::bls12381_min_sig_verify': (_context, _types, [signature, key, message]) =>
    holds(() => {
      const { shortSignatures: bls } = bls12381();
      return bls.verify(arg.bytes(signature), bls.hash(arg.bytes(message), MIN_SIG_DST), arg.bytes(key));
    }),
  'bls12381::bls12381_min_pk_verify': (_context, _types, [signature, key, message]) =>
    holds(() => {
      const { longSignatures: bls } = bls12381();
      return bls.verify(arg.bytes(signature), bls.hash(arg.bytes(message), MIN_PK_DST), arg.bytes(key));
    }),
};
