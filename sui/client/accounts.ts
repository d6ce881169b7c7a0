import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import type { Signer } from '@mysten/sui/cryptography';
import type { Bytes, SuiId } from '@k3s-daas/core';

/** A Sui address that can sign transactions. Any signer of @mysten/sui is one. */
export type Account = Signer;

export function generateAccount(): Account & { getSecretKey(): string } {
  return new Ed25519Keypair();
}

/** From a 32-byte Ed25519 seed. */
export function accountFromSeed(seed: Bytes): Account & { getSecretKey(): string } {
  return Ed25519Keypair.fromSecretKey(seed);
}

/** From the bech32 text `suiprivkey1…` that `sui keytool export` and getSecretKey() give. */
export function accountFromSecret(secret: string): Account & { getSecretKey(): string } {
  return Ed25519Keypair.fromSecretKey(secret);
}

export function addressOf(account: Account): SuiId {
  return account.toSuiAddress();
}
