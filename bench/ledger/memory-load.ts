// Child process of memory.ts, run with --expose-gc: executes transactions and tells what memory the ledger then holds.

import { memoryUsage } from 'node:process';

import { createLedger } from '@k3s-daas/ledger';
import { addStake, publishWorkload, signMany } from '@k3s-daas/ledger/workload';

import { ledgerOptions } from './in-process.ts';

const BLOCK = 1_000;

function collected(): {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
} {
  // Twice: finalizers of the first run free more.
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed, external } = memoryUsage();
  return { rssBytes: rss, heapBytes: heapUsed, externalBytes: external };
}

const { transactions } = JSON.parse(process.argv[2] ?? '{}') as { transactions: number };
const ledger = createLedger(await ledgerOptions());
const workload = await publishWorkload(ledger);
const before = collected();
for (let done = 0; done < transactions; done += BLOCK) {
  const signed = await signMany(ledger, Math.min(BLOCK, transactions - done), (tx) => {
    addStake(ledger, workload, tx);
  });
  for (const { bytes, signature } of signed) await ledger.executeTransaction(bytes, [signature]);
}
process.send?.({ transactions, before, after: collected(), objects: ledger.objects.size });
ledger.close();
