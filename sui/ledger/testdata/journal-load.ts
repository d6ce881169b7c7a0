// Child process of journal.test.ts and snapshot.test.ts, with the path of a journal and perhaps the bytes between
// snapshots: loads a journaled ledger until it is killed, and tells on standard output what was
// acknowledged, a line at a time: the chain id, digests of transactions, ids of faucet coins.

import { writeSync } from 'node:fs';

import { compileFramework } from '@k3s-daas/move';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Transaction } from '@mysten/sui/transactions';
import { fromBase64 } from '@mysten/sui/utils';

import { openLedger } from '../index.ts';

const WRITERS = 6;

const { ledger } = await openLedger({
  framework: await compileFramework(),
  journal: process.argv[2] ?? '',
  emptyCheckpointMs: 5,
  snapshotBytes: process.argv[3] === undefined ? undefined : Number(process.argv[3]),
  verifyAttestation: () => {
    throw new Error('no attestation is trusted here');
  },
});
const signer = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(1));
const address = signer.toSuiAddress();

function tell(kind: string, value: string): void {
  writeSync(1, `${kind} ${value}\n`);
}

async function writeForever(): Promise<never> {
  const { id } = ledger.faucet(address, 1_000_000_000_000n);
  await ledger.settled();
  tell('coin', id);
  for (;;) {
    const coin = ledger.objects.get(id);
    if (coin === undefined) throw new Error('the coin is gone');
    const tx = new Transaction();
    tx.setSender(address);
    tx.setGasPrice(1_000);
    tx.setGasBudget(5_000_000);
    tx.setExpiration({ None: true });
    tx.setGasPayment([{ objectId: id, version: coin.version.toString(), digest: coin.digest }]);
    tx.transferObjects([tx.splitCoins(tx.gas, [1])], address);
    const { bytes, signature } = await signer.signTransaction(await tx.build());
    const { transaction } = await ledger.executeTransaction(fromBase64(bytes), [signature]);
    tell('transaction', transaction.digest);
  }
}

tell('chain', ledger.chainId);
await Promise.all(Array.from({ length: WRITERS }, writeForever));
