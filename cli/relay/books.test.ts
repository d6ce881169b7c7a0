import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import t from 'tap';

import { ChainError, type Actor, type Executed } from '@k3s-daas/sui-client';

import { Books, RELAY_BOOKS } from './books.ts';
import type { RelayError } from './errors.ts';
import { readStateFile } from '../state-file.ts';

const SEED = 20_261_121;
const DAY_MS = 86_400_000;
const CLUSTER = `0x${'11'.repeat(32)}`;
const ADDRESS = `0x${'22'.repeat(32)}`;
t.setTimeout(600_000);

const dir = await mkdtemp(join(tmpdir(), 'daas-relay-books-'));
t.teardown(() => rm(dir, { recursive: true, force: true }));
let files = 0;

const clock = { ms: 1_763_700_000_000, now: () => clock.ms };
const budget = {
  requestsPerAddressAndMinuteMax: 1,
  requestsPerNamespaceAndMinuteMax: 1,
  gasMistPerTransactionMax: 10n,
  gasMistPerDayMax: 100n,
  gasMistPerNamespaceAndDayMax: 100n,
};

const newFile = (): string => join(dir, `books-${(files += 1)}.json`);
const open = (file = newFile()): Promise<Books> =>
  Books.open({
    file,
    cluster: CLUSTER,
    address: ADDRESS,
    budget,
    clock,
    newState: false,
    hasHistory: () => Promise.resolve(false),
  });

/** A chain that knows what the test says it knows. */
function actorOf(known: ReadonlyMap<string, bigint> = new Map()): Actor {
  const getTransaction = ({ digest }: { digest: string }) => {
    const mist = known.get(digest);
    if (mist === undefined) return Promise.reject(new ChainError('OBJECT_MISSING', 'no such transaction'));
    const gasUsed = { computationCost: mist.toString(), storageCost: '0', storageRebate: '0' };
    return Promise.resolve({ $kind: 'Transaction', Transaction: { effects: { gasUsed } } });
  };
  return { client: { core: { getTransaction } }, signer: null, packageId: CLUSTER } as unknown as Actor;
}

let sent = 0;

const executed = (gasMist: bigint): Executed => ({
  digest: 'd',
  checkpoint: null,
  gasMist,
  events: [],
  created: [],
  packageId: null,
});

/** One transaction that is sent and costs so much, or fails in a way. */
async function spend(
  books: Books,
  outcome: bigint | Error,
  known?: ReadonlyMap<string, bigint>,
): Promise<void> {
  await books.spend(actorOf(known), async ({ gas }) => {
    if (gas?.mistMax !== 10n) throw new Error('the gas budget is what the books count');
    await gas.beforeSend?.(`digest-${(sent += 1)}`);
    if (typeof outcome === 'bigint') return executed(outcome);
    throw outcome;
  });
}

const code = (wanted: string) => (error: unknown) => {
  t.match(error, { code: wanted });
  return error as RelayError;
};

await t.test('what is spent counts for a day, and no longer', async (t) => {
  const file = newFile();
  const books = await open(file);
  await spend(books, 4n);
  t.equal(books.left, 96n);
  await spend(books, -3n);
  t.equal(books.left, 96n, 'a refund is no budget');
  await spend(books, 1_000n);
  t.equal(books.left, 86n, 'no transaction costs more than its gas budget, whatever a node says');
  t.equal((await open(file)).left, 86n, 'it is on disk');
  clock.ms += DAY_MS;
  t.equal(books.left, 86n, 'ten minutes count until the last of them is a day ago');
  clock.ms += 600_000;
  t.equal(books.left, 100n);
  clock.ms -= DAY_MS;
  t.equal(books.left, 86n);
});

await t.test('a transaction that failed, was refused, or is not known', async (t) => {
  const file = newFile();
  const books = await open(file);
  const failed = new ChainError('TRANSACTION_FAILED', 'it ran', { digest: 'x', gasMist: 2n });
  await t.rejects(spend(books, failed), { code: 'TRANSACTION_FAILED' });
  t.equal(books.left, 98n);
  await t.rejects(spend(books, new ChainError('CHAIN_REFUSED', 'a stale coin')), { code: 'CHAIN_REFUSED' });
  t.equal(books.left, 98n, 'it did not run');
  const foreseen = new ChainError('TRANSACTION_FAILED', 'not sent');
  await t.rejects(
    books.spend(actorOf(), () => Promise.reject(foreseen)),
    { code: 'TRANSACTION_FAILED' },
  );
  t.equal(books.left, 98n);

  await t.rejects(spend(books, new ChainError('TRANSACTION_UNKNOWN', 'lost')), {
    code: 'TRANSACTION_UNKNOWN',
  });
  t.equal(books.left, 88n, 'its whole gas budget');
  const waiting = code('CHAIN_UNAVAILABLE')(await spend(books, 1n).catch((error: unknown) => error));
  t.equal(waiting.retryAfterMs, 60_000);
  const digest = `digest-${sent}`;
  const after = await open(file);
  t.equal(after.left, 88n, 'over a restart, too');
  await spend(after, 1n, new Map([[digest, 5n]]));
  t.equal(after.left, 92n, 'its cost, once the chain shows it, and that of the next');

  await t.rejects(spend(after, new ChainError('TRANSACTION_UNKNOWN', 'lost')));
  clock.ms += 60_000;
  await spend(after, 1n);
  t.equal(after.left, 81n, 'what never came counts with its whole gas budget');
});

await t.test('nothing is sent that does not fit, or that cannot be written down', async (t) => {
  const books = await open();
  for (let i = 0; i < 11; i += 1) await spend(books, 9n);
  const full = code('BUDGET_EXHAUSTED')(await spend(books, 1n).catch((error: unknown) => error));
  t.equal(books.left, 1n);
  t.ok((full.retryAfterMs ?? 0) > DAY_MS - 600_000 && (full.retryAfterMs ?? 0) <= DAY_MS + 600_000);

  const folder = await mkdtemp(join(dir, 'gone-'));
  const kept = await open(join(folder, 'books.json'));
  await rm(folder, { recursive: true });
  await writeFile(folder, 'a file in the place of the folder');
  let ran = false;
  const refused = await kept
    .spend(actorOf(), async ({ gas }) => {
      await gas?.beforeSend?.('digest');
      ran = true;
      return executed(1n);
    })
    .catch((error: unknown) => error);
  t.match(refused, { code: 'BOOKS_UNWRITABLE' });
  t.notOk(ran, 'it is not sent');
});

await t.test('no 24 hours hold more than the budget, whatever happens when', async (t) => {
  const step = fc.record({
    waitMs: fc.integer({ min: 0, max: 4 * 3_600_000 }),
    cost: fc.bigInt({ min: 0n, max: 10n }),
    lost: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60 }), async (steps) => {
      const books = await open();
      const spent: { atMs: number; mist: bigint }[] = [];
      for (const { waitMs, cost, lost } of steps) {
        clock.ms += waitMs;
        const outcome = lost ? new ChainError('TRANSACTION_UNKNOWN', 'lost') : cost;
        try {
          await spend(books, outcome);
          spent.push({ atMs: clock.ms, mist: cost });
        } catch (error) {
          if (error instanceof ChainError) spent.push({ atMs: clock.ms, mist: 10n });
        }
      }
      for (const { atMs } of spent) {
        const within = spent.filter((one) => one.atMs >= atMs && one.atMs < atMs + DAY_MS);
        if (within.reduce((sum, { mist }) => sum + mist, 0n) > budget.gasMistPerDayMax) return false;
      }
      return true;
    }),
    { seed: SEED, numRuns: 15 },
  );
  t.pass(`seed ${SEED}`);
});

await t.test('the file is small, whatever was spent', async (t) => {
  const file = newFile();
  const books = await open(file);
  for (let i = 0; i < 30; i += 1) {
    await spend(books, 0n);
    clock.ms += 3_600_000;
  }
  const state = await readStateFile(file, RELAY_BOOKS);
  t.ok(state !== null && state.spent.length <= 26, 'what does not count is left out');
  t.equal(state?.open, null);
});
