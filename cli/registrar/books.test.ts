import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import t from 'tap';

import type { Actor } from '@k3s-daas/sui-client';

import type { Budget } from './budget.ts';
import { remaining, requireBond, requireRoom } from './budget.ts';
import { Books } from './books.ts';
import { emptyState, lockState, readState, writeState, type Expense } from './state.ts';

const dir = mkdtempSync(join(tmpdir(), 'daas-books-'));
t.teardown(() => {
  rmSync(dir, { recursive: true, force: true });
});
const CLUSTER = `0x${'11'.repeat(32)}`;
const ADDRESS = `0x${'22'.repeat(32)}`;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1_800_000_000_000;
const budget: Budget = {
  registrationsPerHourMax: 3,
  gasMistPerTransactionMax: 100n,
  gasMistPerDayMax: 1_000n,
  bondMistOutMax: 50n,
};
let number = 0;
const expense = (agoMs: number, mist = 10n, kind: Expense['kind'] = 'register'): Expense => ({
  kind,
  atMs: NOW - agoMs,
  boot: null,
  digest: `digest-${(number += 1)}`,
  mist: mist.toString(),
  outcome: 'done',
});

void t.test('the budget counts transactions of an hour and gas of a day', (t) => {
  const none = { expenses: [] };
  t.doesNotThrow(() => {
    requireRoom(none, budget, 'register', NOW);
  });
  const three = { expenses: [expense(HOUR - 1), expense(2_000), expense(1_000)] };
  t.throws(
    () => {
      requireRoom(three, budget, 'register', NOW);
    },
    { code: 'BUDGET_EXHAUSTED', retryAtMs: NOW + 1, message: /at 2027-01-15T08:00:00\.001Z/ },
    'the oldest of three leaves the hour in a millisecond',
  );
  t.doesNotThrow(() => {
    requireRoom(three, budget, 'grant', NOW);
  }, 'each kind has its own count');
  const old = { expenses: [expense(HOUR), expense(2_000), expense(1_000)] };
  t.doesNotThrow(() => {
    requireRoom(old, budget, 'register', NOW);
  });

  // 900 spent: a transaction of at most 100 fits exactly, and tidying, which leaves room for a registration, does not.
  const spent = { expenses: [expense(DAY - 5, 450n, 'grant'), expense(3 * HOUR, 450n)] };
  t.doesNotThrow(() => {
    requireRoom(spent, budget, 'register', NOW);
  });
  for (const kind of ['end', 'reclaim'] as const) {
    t.throws(
      () => {
        requireRoom(spent, budget, kind, NOW);
      },
      { code: 'BUDGET_EXHAUSTED', retryAtMs: NOW + 5 },
    );
  }
  const more = { expenses: [...spent.expenses, expense(2 * HOUR, 1n)] };
  t.throws(
    () => {
      requireRoom(more, budget, 'register', NOW);
    },
    { code: 'BUDGET_EXHAUSTED', retryAtMs: NOW + 5 },
  );
  t.throws(
    () => {
      requireRoom({ expenses: [expense(-DAY, 950n)] }, budget, 'register', NOW);
    },
    { code: 'BUDGET_EXHAUSTED' },
    'a clock that was set back does not empty the books',
  );
  const bonds = { expenses: [], registrations: [], bonds: [{ session: CLUSTER, mist: '30' }] };
  t.doesNotThrow(() => {
    requireBond(bonds, budget, 20n);
  });
  t.throws(
    () => {
      requireBond(bonds, budget, 21n);
    },
    { code: 'BUDGET_EXHAUSTED' },
  );
  t.throws(
    () => {
      requireBond({ expenses: [], registrations: [], bonds: [] }, budget, 51n);
    },
    { code: 'BOND_TOO_HIGH' },
  );
  for (const outcome of ['open', 'failed', 'done'] as const) {
    const unanswered = { ...bonds, expenses: [{ ...expense(1_000), outcome }] };
    t.throws(
      () => {
        requireBond(unanswered, budget, 20n);
      },
      { code: 'BUDGET_EXHAUSTED' },
      `a registration without a session, ${outcome} by the node's word, may have put one down`,
    );
    const [{ atMs, digest }] = unanswered.expenses as [Expense];
    const noted = { atMs, digest, session: CLUSTER, term: '1', boot: 'ab'.repeat(32) };
    t.doesNotThrow(() => {
      requireBond({ ...unanswered, registrations: [noted] }, budget, 20n);
    }, 'whose bond is noted');
  }
  t.same(remaining({ ...bonds, ...more }, budget, NOW), {
    registrationsThisHour: 3,
    gasMistToday: 99n,
    bondMist: 20n,
  });
  t.end();
});

void t.test('whatever is asked for and when, no window ever holds more than the budget', (t) => {
  const seed = Number(process.env['FC_SEED'] ?? 20_261_121);
  const step = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 10 * HOUR })),
    kind: fc.constantFrom('grant', 'register', 'end', 'reclaim'),
    mist: fc.bigInt({ min: 0n, max: budget.gasMistPerTransactionMax }),
  });
  const property = fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    let now = NOW;
    const expenses: Expense[] = [];
    for (const { afterMs, kind, mist } of steps) {
      now += afterMs;
      try {
        requireRoom({ expenses }, budget, kind, now);
      } catch {
        continue;
      }
      expenses.push({ ...expense(NOW - now, mist, kind) });
    }
    return expenses.every(({ atMs: end }) => {
      const day = expenses.filter(({ atMs }) => atMs > end - DAY && atMs <= end);
      const hour = day.filter(({ atMs, kind }) => atMs > end - HOUR && kind === 'register');
      return day.reduce((sum, { mist }) => sum + BigInt(mist), 0n) <= 1_000n && hour.length <= 3;
    });
  });
  fc.assert(property, { seed, numRuns: 300 });
  t.pass(`seed ${seed}`);
  t.end();
});

const options = (file: string) => ({
  file,
  cluster: CLUSTER,
  address: ADDRESS,
  budget,
  clock: { now: () => NOW },
  newState: false,
  hasHistory: () => Promise.resolve(false),
});

void t.test('books are kept, and lost or broken ones are not taken for empty ones', async (t) => {
  const file = join(dir, 'kept', 'books');
  const books = await Books.open(options(file));
  await books.change((state) => ({ ...state, expenses: [expense(DAY + 1), expense(1_000)] }));
  t.equal(
    (await Books.open(options(file))).state.expenses.length,
    1,
    'what is older than a day is forgotten',
  );
  await t.rejects(Books.open({ ...options(file), cluster: ADDRESS }), { code: 'STATE_FOREIGN' });
  await t.rejects(Books.open({ ...options(file), address: CLUSTER }), { code: 'STATE_FOREIGN' });
  await t.rejects(Books.open({ ...options(file), newState: true }), { code: 'STATE_EXISTS' });

  const whole = readFileSync(file);
  // Each byte changed, and each length that a torn write could leave.
  for (let at = 0; at < whole.length; at += 7) {
    const bent = Buffer.from(whole);
    bent[at] = (bent[at] ?? 0) ^ 1;
    writeFileSync(file, bent);
    await t.rejects(readState(file), { code: 'STATE_CORRUPT' }, `byte ${at}`);
    writeFileSync(file, whole.subarray(0, at));
    await t.rejects(readState(file), { code: 'STATE_CORRUPT' }, `${at} bytes`);
  }
  await t.rejects(Books.open(options(file)), { code: 'STATE_CORRUPT' });
  await t.rejects(Books.open({ ...options(file), newState: true }), { code: 'STATE_CORRUPT' });
  const other = JSON.stringify({ ...emptyState(CLUSTER, ADDRESS), version: 2 });
  writeFileSync(file, `${createHash('sha256').update(other).digest('hex')}\n${other}\n`);
  await t.rejects(readState(file), { code: 'STATE_CORRUPT' }, 'of another version');

  const lost = { ...options(join(dir, 'lost')), hasHistory: () => Promise.resolve(true) };
  await t.rejects(Books.open(lost), { code: 'STATE_MISSING', remedy: /--new-state/ });
  t.same((await Books.open({ ...lost, newState: true })).state.expenses, []);
  await Books.open(lost);
  const nowhere = options(join(file, 'below-a-file'));
  await t.rejects(writeState(nowhere.file, emptyState(CLUSTER, ADDRESS)), { code: 'STATE_UNWRITABLE' });
});

void t.test('what a boot loop or a lying node puts into the books does not spoil them', async (t) => {
  const file = join(dir, 'spoilt');
  const books = await Books.open(options(file));
  for (let boot = 0; boot < 3; boot += 1) {
    const loop = Array.from({ length: 500 }, (_, index) => ({
      tlsKeyHash: createHash('sha256').update(`${boot} ${index}`).digest('hex'),
      renewAtMs: NOW + 1,
      notAfterMs: NOW + 7 * DAY,
    }));
    await books.change((state) => ({ ...state, certificates: [...state.certificates, ...loop] }));
  }
  const newest = createHash('sha256').update('2 499').digest('hex');
  t.equal((await Books.open(options(file))).state.certificates.at(-1)?.tlsKeyHash, newest);

  // A cost that no transaction can have would close the books for a day.
  const actor = {} as Actor;
  await books.spend('register', null, actor, async ({ gas }) => {
    await gas?.beforeSend?.('digest-of-it');
    return {
      digest: 'digest-of-it',
      gasMist: 2n ** 64n,
      checkpoint: 1n,
      events: [],
      created: [],
      packageId: null,
    };
  });
  t.match(books.state.expenses, [{ outcome: 'done', mist: '100' }]);
});

void t.test('one registrar keeps the books, and kill -9 leaves them free', async (t) => {
  const file = join(dir, 'locked');
  const program = `
    import { lockState } from ${JSON.stringify(join(import.meta.dirname, 'state.ts'))};
    await lockState(${JSON.stringify(file)});
    console.log('locked');
    setInterval(() => undefined, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await t.rejects(lockState(file), { code: 'STATE_LOCKED' });
  const gone = once(holder, 'exit');
  holder.kill('SIGKILL');
  await gone;
  const unlock = await lockState(file);
  await t.rejects(lockState(file), { code: 'STATE_LOCKED' });
  await unlock();
  await (
    await lockState(file)
  )();
});
