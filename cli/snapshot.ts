import { systemClock, type ChainSnapshot } from '@k3s-daas/core';
import { watchChain } from '@k3s-daas/sui-client';
import pino from 'pino';

import { CliError } from './errors.ts';
import type { Reader } from './reader.ts';

const WAIT_MS_MAX = 15_000;

/** The chain as it stands now: the first snapshot of a watcher that is stopped again. */
export async function readSnapshot({ chain, configuration }: Reader): Promise<ChainSnapshot> {
  const watcher = watchChain({
    chain,
    packageId: configuration.cluster.package,
    clusterId: configuration.cluster.id,
    clock: systemClock,
    log: pino({ level: 'silent' }),
  });
  watcher.start();
  const timer = setTimeout(() => void watcher.stop(), WAIT_MS_MAX);
  try {
    await watcher.synced;
  } catch (cause) {
    const last = watcher.status().lastError;
    const why = last === null ? 'no answer' : `${last.code}: ${last.message}`;
    throw new CliError(
      'REQUEST_FAILED',
      `the chain cannot be read: ${why}`,
      last?.remedy ?? 'is it running?',
      { cause },
    );
  } finally {
    clearTimeout(timer);
    await watcher.stop();
  }
  const snapshot = watcher.current();
  if (snapshot === null) throw new CliError('REQUEST_FAILED', 'the chain gave no snapshot', 'try again');
  return snapshot;
}
