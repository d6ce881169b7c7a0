import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { grpcClient } from '@k3s-daas/ledger/workload';
import { compileFramework } from '@k3s-daas/move';

import { endChild, messageOf, startChild } from '../frame/children.ts';
import type { Progress } from '../frame/command.ts';
import { inRounds } from '../frame/rounds.ts';

export interface StartSample {
  readonly round: number;
  /** Whether Node's compile cache was on (`module.enableCompileCache`, NODE_COMPILE_CACHE). */
  readonly compileCache: boolean;
  /** From starting the process to its first answer. */
  readonly readyMs: number;
  /** Node itself and loading the modules; in the child's own clock, as are the two below. */
  readonly importMs: number;
  readonly frameworkMs: number;
  /** createLedger and serveLedger. */
  readonly createAndListenMs: number;
  /** CPU time of the child until it listened. */
  readonly cpuMs: number;
}

interface Told {
  readonly url: string;
  readonly importedMs: number;
  readonly compiledMs: number;
  readonly servedMs: number;
  readonly cpuMs: number;
}

/**
 * From starting a process to the first answered GetServiceInfo, the framework's bytecode being in the cache; by turns
 * without and with Node's compile cache.
 */
export async function measureStart(rounds: number, progress: Progress): Promise<StartSample[]> {
  await compileFramework();
  const cacheDir = await mkdtemp(join(tmpdir(), 'k3s-daas-bench-compile-cache-'));
  try {
    const samples = await inRounds({ rounds }, progress, async (round) => {
      const plain = await startOnce(round, null);
      const cached = await startOnce(round, cacheDir);
      progress(`  start to ready: ${plain.readyMs.toFixed(0)} and ${cached.readyMs.toFixed(0)} ms`);
      return [plain, cached];
    });
    return samples.flat();
  } finally {
    await rm(cacheDir, { recursive: true });
  }
}

async function startOnce(round: number, cacheDir: string | null): Promise<StartSample> {
  const start = performance.now();
  const child = startChild(
    new URL('start-server.ts', import.meta.url),
    {},
    [],
    cacheDir === null ? {} : { NODE_COMPILE_CACHE: cacheDir },
  );
  try {
    const told = (await messageOf(child)) as Told;
    await grpcClient(told.url).ledgerService.getServiceInfo({}).response;
    return {
      round,
      compileCache: cacheDir !== null,
      readyMs: performance.now() - start,
      importMs: told.importedMs,
      frameworkMs: told.compiledMs - told.importedMs,
      createAndListenMs: told.servedMs - told.compiledMs,
      cpuMs: told.cpuMs,
    };
  } finally {
    // Asked to end and not killed, it writes what it compiled into the cache.
    await endChild(child);
  }
}
