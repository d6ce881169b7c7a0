import type { Clock } from '@k3s-daas/core';
import {
  addressOf,
  connectChain,
  inspectEvents,
  readBalance,
  toChainError,
  watchChain,
  type Actor,
  type Chain,
} from '@k3s-daas/sui-client';
import type { Logger } from 'pino';

import { loadConfiguration } from '../configuration.ts';
import { CliError } from '../errors.ts';
import { lockStateFile } from '../state-file.ts';
import { readKeyFile } from '../sui-key.ts';
import { Books, RELAY_BOOKS } from './books.ts';
import { RelayMetrics } from './metrics.ts';
import { Relay } from './relay.ts';
import { serveRelay } from './serve.ts';

export interface OpenRelay {
  readonly url: string;
  /** Who pays. */
  readonly address: string;
  close(): Promise<void>;
}

const BALANCE_MS = 60_000;
const HISTORY_EVENTS = 200;

/** A relay of the configuration, which holds its books until it is closed. @throws CodedError */
export async function openRelay(
  configFile: string | undefined,
  options: { readonly newState: boolean; readonly log: Logger; readonly clock: Clock },
): Promise<OpenRelay> {
  const { log, clock, newState } = options;
  const { configuration, path } = await loadConfiguration(configFile);
  const { cluster, chain: node, policy, relay: section } = configuration;
  if (section === undefined) {
    throw new CliError(
      'USAGE',
      'the configuration has no section "relay"',
      'add it; docs/configuration.md shows one',
    );
  }
  const { budget, listen } = section;
  const signer = await readKeyFile(path(section.suiKeyFile), undefined);
  const chain = connectChain({ url: node.url, chainId: cluster.chainId });
  const actor: Actor = { client: chain.client, signer, packageId: cluster.package };
  const address = addressOf(signer);
  const file = path(section.stateFile);
  const unlock = await lockStateFile(file, RELAY_BOOKS.part);
  const watcher = watchChain({
    chain,
    packageId: cluster.package,
    clusterId: cluster.id,
    clock,
    log,
    pollMs: node.pollMs,
  });
  try {
    const hasHistory = () => hasPaid(chain, actor, address);
    const books = await Books.open({
      file,
      cluster: cluster.id,
      address,
      budget,
      clock,
      newState,
      hasHistory,
    });
    const metrics = new RelayMetrics();
    const balance = followBalance(actor, address, log);
    const relay = new Relay({
      relay: section,
      actor,
      view: watcher,
      chainAgeMsMax: policy.stakeSnapshotAgeMsMax,
      books,
      clock,
      log,
      metrics,
    });
    const gauges = () => ({ left: books.left, balance: balance.mist() });
    const server = await serveRelay({ ...listen, relay, budget, metrics, gauges, clock, log });
    watcher.start();
    return {
      url: server.url,
      address,
      async close() {
        balance.stop();
        await server.close();
        await watcher.stop();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** Whether this address has sent one of the package's newest grants. */
async function hasPaid(chain: Chain, { packageId }: Actor, address: string): Promise<boolean> {
  const type = `${packageId}::seal_policy::AccessGranted`;
  const { events } = await inspectEvents(chain, { type, limit: HISTORY_EVENTS, newestFirst: true });
  return events.some(({ sender }) => sender === address);
}

/** What the paying address has, now and then: an operator wants to hear of it before it is empty. */
function followBalance(actor: Actor, address: string, log: Pick<Logger, 'warn'>) {
  let mist: bigint | null = null;
  const read = (): void => {
    readBalance(actor.client, address).then(
      (balance) => {
        mist = balance;
      },
      (error: unknown) => {
        log.warn({ code: toChainError(error).code }, 'balance not read');
      },
    );
  };
  read();
  const timer = setInterval(read, BALANCE_MS);
  timer.unref();
  return {
    mist: () => mist,
    stop: () => {
      clearInterval(timer);
    },
  };
}
