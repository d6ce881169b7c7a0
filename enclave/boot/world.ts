import type { Clock, Configuration, EnclaveConfiguration } from '@k3s-daas/core';
import { connectChain, findSlots, watchChain, type ChainWatcher } from '@k3s-daas/sui-client';
import type { Logger } from 'pino';

import type { FindSlots } from '../http/slots.ts';
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
  readonly findSlots: FindSlots;
}

/** The world that the configuration names. */
export function hostWorld(options: EnclaveOptions): EnclaveWorld {
  const { configuration, log } = options;
  const { chain: node, cluster } = configuration;
  const chain = connectChain({ url: node.url, chainId: cluster.chainId });
  return {
    time: hostTime(options.clock),
    openNsm: () => openNsm(options),
    checkEntropy: (nsm) => checkEntropy({ nsm }),
    watchChain: (clock) =>
      watchChain({
        chain,
        packageId: cluster.package,
        clusterId: cluster.id,
        clock,
        log,
        pollMs: node.pollMs,
      }),
    findSlots: (ids) => findSlots(chain.client, cluster.package, ids),
  };
}
