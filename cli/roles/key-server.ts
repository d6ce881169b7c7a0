import { randomBytes } from 'node:crypto';

import { systemClock, toHex, type KeyServerConfiguration } from '@k3s-daas/core';
import {
  chainChecks,
  firstPackageId,
  readKeyServer,
  serveKeyServer,
  suiChain,
  type MasterKey,
} from '@k3s-daas/seal';
import { connectChain, type Chain } from '@k3s-daas/sui-client';

import { loadConfiguration, type LoadedConfiguration } from '../configuration.ts';
import { CliError } from '../errors.ts';
import { readMasterKey } from '../key-server/master-key.ts';
import { partLogger } from './log.ts';
import type { RunningPart } from './role.ts';

/** The section of one key server. @throws CliError USAGE */
function keyServerSection({ configuration }: LoadedConfiguration, name: string): KeyServerConfiguration {
  const section = configuration.keyServers?.[name];
  if (section !== undefined) return section;
  const known = Object.keys(configuration.keyServers ?? {}).join(', ');
  throw new CliError(
    'USAGE',
    `the configuration has no key server ${name}`,
    known === '' ? 'add it to keyServers; docs/configuration.md shows one' : `it has ${known}`,
  );
}

/** One of Seal's key servers, until it is closed. */
export async function startKeyServer(configFile: string | undefined, name: string): Promise<RunningPart> {
  const loaded = await loadConfiguration(configFile);
  const { configuration, path } = loaded;
  const section = keyServerSection(loaded, name);
  const { objectId, stalenessPackage, stalenessMsMax, requestsPerClientAndMinuteMax } = section;
  const log = partLogger(`key-server-${name}`);
  const masterKey = await readMasterKey(section.masterKey, path);
  const chain = connectChain({ url: configuration.chain.url, chainId: configuration.cluster.chainId });
  await chain.info();
  await requireRegistered(chain, section, masterKey);
  const packages = await firstVersions(chain, section.packages ?? [configuration.cluster.package]);
  const server = await serveKeyServer({
    objectId,
    masterKey,
    packages,
    chain: suiChain(chain.client),
    clock: systemClock,
    random: (length) => new Uint8Array(randomBytes(length)),
    stalenessPackage,
    stalenessMsMax,
    requestsPerClientAndMinuteMax,
    readiness: chainChecks({
      chain,
      objectId,
      publicKey: masterKey.publicKey,
      stalenessMsMax,
      clock: systemClock,
    }),
    host: section.listen.host,
    port: section.listen.port,
    onFailure: (error) => {
      log.error({ err: error }, 'a request failed by this side');
    },
  });
  log.info({ url: server.url, objectId, packages: [...packages] }, 'serving keys');
  return {
    ready: { name, url: server.url, objectId, publicKey: toHex(masterKey.publicKey) },
    close: () => server.close(),
  };
}

/** Everything would be refused by clients otherwise, without a word here. */
async function requireRegistered(
  chain: Chain,
  { objectId }: KeyServerConfiguration,
  { publicKey }: MasterKey,
): Promise<void> {
  const registered = await readKeyServer(chain.client, objectId);
  if (toHex(registered.publicKey) === toHex(publicKey)) return;
  throw new CliError(
    'KEY_UNUSABLE',
    `the chain has another public key for key server ${objectId} than this master key gives`,
    'use the master key that it was registered with, or register another object: daas key-server register',
  );
}

async function firstVersions(chain: Chain, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    ids.map(async (id) => {
      const first = await firstPackageId(chain.client, id);
      if (first === null)
        throw new CliError(
          'NOT_FOUND',
          `there is no package ${id} on this chain`,
          'correct packages of the key server',
        );
      return first;
    }),
  );
  return new Set(found);
}
