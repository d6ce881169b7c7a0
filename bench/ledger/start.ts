import { grpcClient } from '@k3s-daas/ledger/workload';
import { compileFramework } from '@k3s-daas/move';

import { endChild, messageOf, startChild } from './children.ts';

export interface StartSample {
  readonly round: number;
  /** From starting the process to its first answer. */
  readonly readyMs: number;
  /** Node itself and loading the modules; in the child's own clock, as are the two below. */
  readonly importMs: number;
  readonly frameworkMs: number;
  /** createLedger and serveLedger. */
  readonly createAndListenMs: number;
}

interface Told {
  readonly url: string;
  readonly importedMs: number;
  readonly compiledMs: number;
  readonly createdMs: number;
  readonly servedMs: number;
}

/** From starting a process to the first answered GetServiceInfo, the framework's bytecode being in the cache. */
export async function measureStart(rounds: number, progress: (text: string) => void): Promise<StartSample[]> {
  await compileFramework();
  const samples: StartSample[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const start = performance.now();
    const child = startChild('start-server.ts', {});
    try {
      const told = (await messageOf(child)) as Told;
      await grpcClient(told.url).ledgerService.getServiceInfo({}).response;
      const readyMs = performance.now() - start;
      progress(`round ${round + 1}: start to ready: ${readyMs.toFixed(0)} ms`);
      if (round < 0) continue;
      samples.push({
        round,
        readyMs,
        importMs: told.importedMs,
        frameworkMs: told.compiledMs - told.importedMs,
        createAndListenMs: told.servedMs - told.compiledMs,
      });
    } finally {
      await endChild(child);
    }
  }
  return samples;
}
