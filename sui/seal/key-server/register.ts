import type { Bytes, SuiId } from '@k3s-daas/core';
import { addressOf, createdOne, execute, type Actor } from '@k3s-daas/sui-client';
import { Transaction } from '@mysten/sui/transactions';

/** Seal's only type of key: Boneh-Franklin over BLS12-381. */
const KEY_TYPE = 0;

/**
 * Registers a key server of ours (key_server.move): its object goes to the signer, who may give it another URL later.
 * `packageId` of the actor is that of `seal_key_server`.
 * @returns the object's id, by which secrets are sealed to it.
 * @throws ChainError
 */
export async function registerKeyServer(
  { client, signer, packageId, gas }: Actor,
  server: { readonly name: string; readonly url: string; readonly publicKey: Bytes },
): Promise<SuiId> {
  const tx = new Transaction();
  const created = tx.moveCall({
    target: `${packageId}::key_server::register`,
    arguments: [
      tx.pure.string(server.name),
      tx.pure.string(server.url),
      tx.pure.u8(KEY_TYPE),
      tx.pure.vector('u8', server.publicKey),
    ],
  });
  tx.transferObjects([created], addressOf(signer));
  const executed = await execute(client, tx, signer, null, gas === undefined ? {} : { gas });
  return createdOne(executed, `${packageId}::key_server::KeyServer`);
}

/** Gives a key server that the signer owns another address; its key stays. @throws ChainError */
export async function updateKeyServerUrl(
  { client, signer, packageId, gas }: Actor,
  objectId: SuiId,
  url: string,
): Promise<{ readonly digest: string }> {
  const tx = new Transaction();
  tx.moveCall({
    target: `${packageId}::key_server::update_url`,
    arguments: [tx.object(objectId), tx.pure.string(url)],
  });
  const { digest } = await execute(client, tx, signer, null, gas === undefined ? {} : { gas });
  return { digest };
}
