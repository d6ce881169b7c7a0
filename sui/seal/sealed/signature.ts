import {
  fromBase64,
  sealedVersionMessage,
  toBase64,
  type Bytes,
  type SealedVersion,
  type SuiId,
} from '@k3s-daas/core';
import type { Account } from '@k3s-daas/sui-client';
import { verifyPersonalMessageSignature } from '@mysten/sui/verify';

/**
 * Length of Sui's serialized signatures, by their first byte: flag, signature, public key. MultiSig, zkLogin and passkey
 * have no fixed length, so that anything could hide in one, and are left out.
 */
const BYTES_BY_FLAG: Readonly<Record<number, number>> = { 0: 97, 1: 98, 2: 98 };
export const OWNER_SIGNATURES = 'serialized Sui signature by an Ed25519, secp256k1 or secp256r1 key';

/** Whether bytes have the form of a signature that a policy's owner can make of a version. */
export function isOwnerSignature(bytes: Bytes): boolean {
  const [flag = 0xff] = bytes;
  return bytes.length === BYTES_BY_FLAG[flag];
}

/**
 * The policy owner's signature of one version of a Secret, a Sui personal message over core sealedVersionMessage.
 * @returns Sui's serialized signature: flag, signature, public key.
 */
export async function signSealedVersion(account: Account, version: SealedVersion): Promise<Bytes> {
  const { signature } = await account.signPersonalMessage(sealedVersionMessage(version));
  return fromBase64(signature);
}

/** Whether `owner` signed this version. */
export async function verifySealedVersion(
  owner: SuiId,
  version: SealedVersion,
  signature: Bytes,
): Promise<boolean> {
  if (!isOwnerSignature(signature)) return false;
  try {
    await verifyPersonalMessageSignature(sealedVersionMessage(version), toBase64(signature), {
      address: owner,
    });
    return true;
  } catch {
    return false;
  }
}
