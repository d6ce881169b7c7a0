import {
  fromBase64,
  SEALED_SIGNATURE_BYTES_MAX,
  sealedVersionMessage,
  toBase64,
  type Bytes,
  type SealedVersion,
  type SuiId,
} from '@k3s-daas/core';
import type { Account } from '@k3s-daas/sui-client';
import type { ClientWithCoreApi } from '@mysten/sui/client';
import { verifyPersonalMessageSignature } from '@mysten/sui/verify';

/**
 * The policy owner's signature of one version of a Secret, a Sui personal message over core sealedVersionMessage.
 * @returns Sui's serialized signature: flag, signature, public key.
 */
export async function signSealedVersion(account: Account, version: SealedVersion): Promise<Bytes> {
  const { signature } = await account.signPersonalMessage(sealedVersionMessage(version));
  return fromBase64(signature);
}

/**
 * Whether `owner` signed this version.
 * @param client asked only for what no machine can verify alone (zkLogin); such signatures are wrong without it.
 */
export async function verifySealedVersion(
  owner: SuiId,
  version: SealedVersion,
  signature: Bytes,
  client?: ClientWithCoreApi,
): Promise<boolean> {
  if (signature.length > SEALED_SIGNATURE_BYTES_MAX) return false;
  try {
    await verifyPersonalMessageSignature(sealedVersionMessage(version), toBase64(signature), {
      address: owner,
      ...(client !== undefined && { client }),
    });
    return true;
  } catch {
    return false;
  }
}
