import { EncryptedObject } from '@mysten/seal';
import {
  decodeSealAad,
  decodeSealIdentity,
  equalBytes,
  fromHex,
  sha256,
  type Bytes,
  type SealAad,
  type SealIdentity,
  type SuiId,
} from '@k3s-daas/core';

import { SealedError, type SealedErrorCode } from './errors.ts';

/** Bytes of one value: the API server takes no Secret that is larger. */
export const SEALED_BYTES_MAX = 1 << 20;
const VERSION = 0;

/** One share of a value's key for each unit of weight. */
export interface SealedService {
  readonly objectId: SuiId;
  /** How many shares the server holds. */
  readonly weight: number;
}

/** What one value's ciphertext says of itself; whether it opens, only opening tells. */
export interface SealedValue {
  /** First version of the Move package whose policies guard it. */
  readonly packageId: SuiId;
  readonly identity: SealIdentity;
  readonly aad: SealAad;
  /** Weight of key servers that must agree. */
  readonly threshold: number;
  /** In order of first mention. */
  readonly services: readonly SealedService[];
  /** SHA-256 of `bytes`. */
  readonly digest: Bytes;
  readonly bytes: Bytes;
}

type Encrypted = ReturnType<typeof EncryptedObject.parse>;

/**
 * Reads one value of a sealed Secret (docs/formats.md, "Sealed value"): BCS of Seal's EncryptedObject, in the only form
 * that says it, with AES-256-GCM, an identity and an aad of ours, and consistent shares.
 * @throws SealedError
 */
export function parseSealedValue(bytes: Bytes): SealedValue {
  if (bytes.length > SEALED_BYTES_MAX)
    throw new SealedError('SEALED_TOO_LARGE', `a value of ${bytes.length} bytes, of ${SEALED_BYTES_MAX}`);
  const object = parseObject(bytes);
  if (object.version !== VERSION)
    throw new SealedError('SEALED_VERSION_UNKNOWN', `version ${object.version} of an encrypted object`);
  const cipher = object.ciphertext.Aes256Gcm;
  if (cipher === undefined)
    throw new SealedError('SEALED_SCHEME_UNKNOWN', `the cipher is ${object.ciphertext.$kind}`);
  const identity = decoded('SEALED_IDENTITY_MALFORMED', () => decodeSealIdentity(fromHex(object.id)));
  const aad = decoded('SEALED_AAD_MALFORMED', () => decodeSealAad(new Uint8Array(cipher.aad ?? [])));
  return {
    packageId: object.packageId,
    identity,
    aad,
    threshold: checkedThreshold(object),
    services: servicesOf(object),
    digest: sha256(bytes),
    bytes,
  };
}

function parseObject(bytes: Bytes): Encrypted {
  let object: Encrypted;
  let again: Bytes;
  try {
    object = EncryptedObject.parse(bytes);
    again = EncryptedObject.serialize(object).toBytes();
  } catch (cause) {
    throw new SealedError('SEALED_MALFORMED', 'the bytes are not what Seal encrypts to', { cause });
  }
  // One value has one form, so that its digest names it.
  if (!equalBytes(again, bytes))
    throw new SealedError(
      'SEALED_MALFORMED',
      'the bytes are not the canonical form of what Seal encrypts to',
    );
  return object;
}

function decoded<T>(code: SealedErrorCode, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new SealedError(code, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** A share's index is where its polynomial was evaluated: at 0 it would be the secret, and twice the same counts once. */
function servicesOf({ services, encryptedShares }: Encrypted): SealedService[] {
  const shares = encryptedShares.BonehFranklinBLS12381.encryptedShares.length;
  if (shares !== services.length)
    throw new SealedError('SEALED_SHARES_WRONG', `${shares} shares for ${services.length} places`);
  const indices = services.map(([, index]) => index);
  if (indices.includes(0) || new Set(indices).size !== indices.length)
    throw new SealedError('SEALED_SHARES_WRONG', 'the indices of the shares are not distinct and positive');
  const weights = new Map<SuiId, number>();
  for (const [objectId] of services) weights.set(objectId, (weights.get(objectId) ?? 0) + 1);
  return [...weights].map(([objectId, weight]) => ({ objectId, weight }));
}

function checkedThreshold({ threshold, services }: Encrypted): number {
  if (threshold < 1 || threshold > services.length)
    throw new SealedError('SEALED_THRESHOLD_WRONG', `threshold ${threshold} of ${services.length} shares`);
  return threshold;
}
