import { bls12_381 } from '@noble/curves/bls12-381.js';
import { bytesToNumberBE, concatBytes } from '@noble/curves/utils.js';

// Boneh-Franklin identity-based encryption over BLS12-381 as Seal defines it (crates/crypto/src/{ibe,elgamal}.rs):
// compositions of noble-curves, verified against SealClient by seal.e2e.test.ts.

const { G1, G2, fields, shortSignatures } = bls12_381;
const Fr = fields.Fr;
const encoder = new TextEncoder();
const DST = encoder.encode('SUI-SEAL-IBE-BLS12381-00');
const DST_POP = encoder.encode('SUI-SEAL-IBE-BLS12381-POP-00');
/** Bytes of randomness for one scalar: 64 more bits than the order, so that the bias is negligible. */
const SEED_BYTES = 48;

type G1Point = typeof G1.Point.BASE;

/** Fills a new array of that length with bytes nobody can guess. */
export type RandomBytes = (length: number) => Uint8Array;

/** Keys of identities that are kept. A deployment's pods all ask for the same one. */
const EXTRACTED_MAX = 4_096;

/** The secret of a key server. Nothing here ever shows it. */
export class MasterKey {
  readonly #scalar: bigint;
  /** In order of last use. The scalar beside it gives every one of these anyway, so keeping them risks nothing more. */
  readonly #extracted = new Map<string, G1Point>();
  /** Compressed point of G2, 96 bytes. */
  readonly publicKey: Uint8Array;

  /** `bytes`: a scalar of 32 bytes, big-endian, in 1 … order - 1. Throws RangeError for anything else. */
  constructor(bytes: Uint8Array) {
    const scalar = bytes.length === Fr.BYTES ? bytesToNumberBE(bytes) : 0n;
    if (scalar === 0n || scalar >= Fr.ORDER) throw new RangeError('a master key is a scalar of 32 bytes');
    this.#scalar = scalar;
    this.publicKey = G2.Point.BASE.multiply(scalar).toBytes();
  }

  /**
   * The secret key of an identity: hash to G1, times the master key. A pure function, so what it gave before it gives
   * again; whether it may be given to somebody is decided before, each time.
   */
  extract(identity: Uint8Array): { readonly key: G1Point; readonly cached: boolean } {
    const name = Buffer.from(identity).toString('base64');
    const known = this.#extracted.get(name);
    const key =
      known ??
      G1.Point.fromAffine(G1.hashToCurve(concatBytes(DST, identity)).toAffine()).multiply(this.#scalar);
    this.#extracted.delete(name);
    this.#extracted.set(name, key);
    if (this.#extracted.size > EXTRACTED_MAX) {
      const [oldest] = this.#extracted.keys();
      if (oldest !== undefined) this.#extracted.delete(oldest);
    }
    return { key, cached: known !== undefined };
  }

  /** Signature that proves to a client that whoever answers for `objectId` (32 bytes) holds the key. 48 bytes. */
  provePossession(objectId: Uint8Array): Uint8Array {
    const message = shortSignatures.hash(concatBytes(DST_POP, this.publicKey, objectId));
    return shortSignatures.sign(message, Fr.toBytes(this.#scalar)).toBytes();
  }
}

/** A new master key of 32 bytes. */
export function generateMasterKey(random: RandomBytes): Uint8Array {
  return bls12_381.utils.randomSecretKey(random(SEED_BYTES));
}

/** A compressed point of G1 in the right subgroup, not infinity. Throws for anything else. */
export function parseG1(bytes: Uint8Array): G1Point {
  const point = G1.Point.fromBytes(bytes);
  point.assertValidity();
  if (point.is0()) throw new RangeError('the point is infinity');
  return point;
}

/** Checks a compressed point of G2 like `parseG1`. */
export function assertG2(bytes: Uint8Array): void {
  const point = G2.Point.fromBytes(bytes);
  point.assertValidity();
  if (point.is0()) throw new RangeError('the point is infinity');
}

/** ElGamal: `secret` for the holder of the secret key behind `key`. Two compressed points of G1. */
export function encryptTo(key: G1Point, secret: G1Point, random: RandomBytes): [Uint8Array, Uint8Array] {
  const r = bytesToNumberBE(generateMasterKey(random));
  return [G1.Point.BASE.multiply(r).toBytes(), secret.add(key.multiply(r)).toBytes()];
}
