// Child process of restart.ts, run with --expose-gc: opens a journaled ledger, does one thing with it, and tells what it
// measured.

import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { cpuUsage, memoryUsage } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

import { openLedger, type JournaledLedger, type Ledger } from '@k3s-daas/ledger';
import { gasCoin, prepareTransaction, workloadAddress } from '@k3s-daas/ledger/workload';

import { ledgerOptions } from './in-process.ts';

export interface RestartTask {
  readonly journal: string;
  /** `build`: executes transactions; `open`: nothing; `snapshot`: takes some, one of them under load. */
  readonly task: 'build' | 'open' | 'snapshot';
  readonly transactions: number;
}

export interface Delays {
  readonly ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly perSecond: number;
}

export interface RestartMessage {
  readonly openMs: number;
  /** Of all threads. */
  readonly cpuMs: number;
  readonly replayed: number;
  readonly restored: boolean;
  readonly transactions: number;
  readonly objects: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly bufferBytes: number;
  /** From the ledger being open to the first transaction of its history being read, parsed. */
  readonly firstQueryMs: number;
  readonly snapshot?: { readonly bytes: number; readonly ms: number; readonly heapBytes: number };
  readonly loaded?: { readonly without: Delays; readonly during: Delays; readonly snapshotMs: number };
}

const WRITERS = 16;
/** That a coin pays for. */
const PER_COIN = 900;
const LOAD_MS = 3_000;

/** Splits one MIST off, again and again, until `isDone`; resolves with the number of transactions. */
async function load(ledger: Ledger, isDone: (executed: number) => boolean): Promise<number> {
  let executed = 0;
  const signWith = await prepareTransaction((tx) => {
    tx.transferObjects([tx.splitCoins(tx.gas, [1])], workloadAddress);
  });
  const writer = async (): Promise<void> => {
    while (!isDone(executed)) {
      let coin = gasCoin(ledger);
      for (let i = 0; i < PER_COIN && !isDone(executed); i += 1) {
        executed += 1;
        const { bytes, signature } = signWith(coin);
        const { effects } = await ledger.executeTransaction(bytes, [signature]);
        if (!effects.status.success) throw new Error(effects.status.message);
        const { version = 0n, digest = '' } = ledger.objects.get(coin.objectId) ?? {};
        coin = { ...coin, version: version.toString(), digest };
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return executed;
}

async function delaysUnderLoad(ledger: Ledger, work: () => Promise<unknown>): Promise<Delays> {
  const histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: 1 });
  let isDone = false;
  const started = performance.now();
  histogram.enable();
  const loading = load(ledger, () => isDone);
  await work();
  const ms = performance.now() - started;
  histogram.disable();
  isDone = true;
  const perSecond = ((await loading) * 1000) / ms;
  return { ms, p99Ms: histogram.percentile(99) / 1e6, maxMs: histogram.max / 1e6, perSecond };
}

async function snapshots({ ledger, snapshot }: JournaledLedger): Promise<Partial<RestartMessage>> {
  const first = await snapshot();
  globalThis.gc?.();
  const taken = { bytes: first.bytes, ms: first.ms, heapBytes: memoryUsage().heapUsed };
  const without = await delaysUnderLoad(ledger, () => delay(LOAD_MS));
  let snapshotMs = 0;
  const during = await delaysUnderLoad(ledger, async () => {
    snapshotMs = (await snapshot()).ms;
  });
  // As after an orderly end: what the load did is not left to run again.
  await snapshot();
  return { snapshot: taken, loaded: { without, during, snapshotMs } };
}

const { journal, task, transactions } = JSON.parse(process.argv[2] ?? '{}') as RestartTask;
const options = await ledgerOptions();
const cpuBefore = cpuUsage();
const startedMs = performance.now();
// Snapshots only when this asks for them; the clock stands still, so nothing else is written either.
const opened = await openLedger({ ...options, journal, snapshotBytes: Number.POSITIVE_INFINITY });
const openMs = performance.now() - startedMs;
const { user, system } = cpuUsage(cpuBefore);
const { ledger } = opened;
const queryMs = performance.now();
for (const { effects } of ledger.history.transactions.between(null, null, false)) {
  if (effects.digest !== '') break;
}
const firstQueryMs = performance.now() - queryMs;
if (task === 'build') await load(ledger, (executed) => executed >= transactions);
globalThis.gc?.();
globalThis.gc?.();
const memory = memoryUsage();
const message: RestartMessage = {
  openMs,
  cpuMs: (user + system) / 1000,
  replayed: opened.replayed,
  restored: opened.restored !== null,
  transactions: Number(ledger.history.transactions.next),
  objects: ledger.objects.size,
  rssBytes: memory.rss,
  heapBytes: memory.heapUsed,
  bufferBytes: memory.arrayBuffers,
  firstQueryMs,
  ...(task === 'snapshot' ? await snapshots(opened) : {}),
};
await opened.close();
process.send?.(message);
