import type { Clock, Configuration, EnclaveConfiguration } from '@k3s-daas/core';
import { connectChain, watchChain, type ChainWatcher } from '@k3s-daas/sui-client';
import type { Logger } from 'pino';

import type { Nsm } from '../nsm/index.ts';
import { hostTime, type HostTime } from '../time.ts';
import { checkEntropy } from './entropy.ts';
import { openNsm, type OpenedNsm } from './nsm.ts';

export interface EnclaveOptions {
  readonly configuration: Configuration;
  readonly enclave: EnclaveConfiguration;
  /** Resolves a path of the configuration. */
  readonly path: (relative: string) => string;
  /** Folder whose sources are measured into the development PCRs. */
  readonly repository: string;
  /** The machine's wall clock. Decisions use the NSM's time instead. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends a boot that waits. */
  readonly signal: AbortSignal;
}

/** What the boot finds outside of the process, in the order in which it needs it. */
export interface EnclaveWorld {
  readonly time: HostTime;
  readonly openNsm: () => Promise<OpenedNsm>;
  readonly checkEntropy: (nsm: Nsm) => Promise<{ readonly source: string }>;
  /** A watcher that was not started yet. */
  readonly watchChain: (clock: Clock) => ChainWatcher;
}

/** The world that the configuration names. */
export function hostWorld(options: EnclaveOptions): EnclaveWorld {
  const { configuration, log } = options;
  const { chain, cluster } = configuration;
  return {
    time: hostTime(options.clock),
    openNsm: () => openNsm(options),
    checkEntropy: (nsm) => checkEntropy({ nsm }),
    watchChain: (clock) =>
      watchChain({
        chain: connectChain({ url: chain.url, chainId: cluster.chainId }),
        packageId: cluster.package,
        clusterId: cluster.id,
        clock,
        log,
        pollMs: chain.pollMs,
      }),
  };
}
