// Transactions that come at the same time: their signatures are verified in threads, which end in any order.

import t from 'tap';

import { createLedger, LedgerError } from './index.ts';
import {
  addStake,
  createReplayable,
  publishWorkload,
  replayTransaction,
  signMany,
  type SignedTransaction,
} from './testdata/workload.ts';
import { worldOptions } from './testdata/world.ts';

const COUNT = 60;

const isForged = (index: number): boolean => index % 7 === 3;

function forged({ bytes, signature }: SignedTransaction): SignedTransaction {
  const changed = Buffer.from(signature, 'base64');
  changed[20] = (changed[20] ?? 0) ^ 1;
  return { bytes, signature: changed.toString('base64') };
}

void t.test('transactions that come together are executed in the order in which they came', async (t) => {
  const options = {
    ...(await worldOptions()),
    clock: { startMs: 1_700_000_000_000 },
    seed: new Uint8Array(32),
  };
  const ledger = createLedger(options);
  t.teardown(() => {
    ledger.close();
  });
  const workload = await publishWorkload(ledger);
  const signed = await signMany(ledger, COUNT, (tx) => {
    addStake(ledger, workload, tx);
  });
  const before = ledger.history.transactions.next;
  const sent = signed.map((one, index) => (isForged(index) ? forged(one) : one));
  const results = await Promise.allSettled(
    // The last is the first one again.
    [...sent, ...sent.slice(0, 1)].map(({ bytes, signature }) =>
      ledger.executeTransaction(bytes, [signature]),
    ),
  );
  const refused = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ index, result }] : [],
  );
  t.strictSame(
    refused.map(({ index }) => index),
    sent.flatMap((_, index) => (isForged(index) ? [index] : [])),
    'each forged one is refused, no other',
  );
  for (const { result } of refused)
    t.ok(result.reason instanceof LedgerError && result.reason.code === 'SIGNATURE_INVALID');
  const executed = [...ledger.history.transactions.between(before - 1n, null, false)];
  const whole = signed.filter((_, index) => !isForged(index));
  t.strictSame(
    executed.map(({ transaction }) => transaction.bytes),
    whole.map(({ bytes }) => bytes),
    'order of arrival',
  );
  const [first] = results;
  const last = results.at(-1);
  t.ok(first?.status === 'fulfilled' && last?.status === 'fulfilled');
  if (first?.status === 'fulfilled' && last?.status === 'fulfilled')
    t.equal(last.value.sequence, first.value.sequence, 'the same bytes again are not executed again');

  // One by one on another ledger of the same genesis.
  const other = createReplayable(options);
  const again = await publishWorkload(other);
  const same = await signMany(other, COUNT, (tx) => {
    addStake(other, again, tx);
  });
  for (const [index, one] of same.entries()) if (!isForged(index)) replayTransaction(other, one);
  t.equal(other.checkpoints.latest.digest, ledger.checkpoints.latest.digest, 'the same chain');
});
