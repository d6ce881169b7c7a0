// Child process of grpc.ts: serves a ledger on which the transactions it names are valid.

import { createLedger, serveLedger } from '@k3s-daas/ledger';
import { addStake, publishWorkload, signMany } from '@k3s-daas/ledger/workload';

import { ledgerOptions } from './in-process.ts';

const { transactions } = JSON.parse(process.argv[2] ?? '{}') as { transactions: number };
const ledger = createLedger(await ledgerOptions());
const workload = await publishWorkload(ledger);
const signed = await signMany(ledger, transactions, (tx) => {
  addStake(ledger, workload, tx);
});
const { url } = await serveLedger(ledger);
process.send?.({ url, signed });
