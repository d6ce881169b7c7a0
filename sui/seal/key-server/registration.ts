import { SealClient } from '@mysten/seal';
import { equalBytes, toHex, type Bytes, type Clock, type SuiId } from '@k3s-daas/core';
import { toChainError, type Chain } from '@k3s-daas/sui-client';
import type { ClientWithCoreApi } from '@mysten/sui/client';

import { KeyServerError } from './errors.ts';
import type { HealthCheck } from './health.ts';

/** A key server as the chain has it. */
export interface KeyServerRecord {
  readonly objectId: SuiId;
  readonly name: string;
  readonly url: string;
  readonly publicKey: Bytes;
}

/**
 * What the chain says of an independent key server, read as its clients read it. That the server holds the key, only the
 * server can prove.
 * @throws ChainError, or SealClient's own error if the object is no such key server
 */
export async function readKeyServer(client: ClientWithCoreApi, objectId: SuiId): Promise<KeyServerRecord> {
  const seal = new SealClient({ suiClient: client, serverConfigs: [{ objectId, weight: 1 }] });
  let found: Awaited<ReturnType<SealClient['getKeyServers']>>;
  try {
    found = await seal.getKeyServers();
  } catch (error) {
    throw toChainError(error);
  }
  const server = found.get(objectId);
  if (server === undefined) throw new KeyServerError('InvalidServiceId', `${objectId} is no key server`);
  const { name, url, pk } = server;
  return { objectId, name, url, publicKey: new Uint8Array(pk) };
}

/** What a key server needs to be of use: a node that is not behind, and an object on chain with its own key. */
export function chainChecks(options: {
  readonly chain: Chain;
  readonly objectId: SuiId;
  readonly publicKey: Bytes;
  readonly stalenessMsMax: number;
  readonly clock: Clock;
}): readonly HealthCheck[] {
  const { chain, objectId, publicKey, stalenessMsMax, clock } = options;
  return [
    {
      name: 'chain',
      run: async () => {
        const { checkpoint } = await chain.info();
        const { timestampMs } = await chain.checkpoint(checkpoint);
        const apartMs = Math.abs(clock.now() - timestampMs);
        if (apartMs > stalenessMsMax)
          throw new KeyServerError(
            'Failure',
            `the chain's newest checkpoint and this clock are ${apartMs} ms apart, of ${stalenessMsMax}`,
          );
      },
    },
    {
      name: 'registration',
      run: async () => {
        const onChain = await readKeyServer(chain.client, objectId);
        if (!equalBytes(onChain.publicKey, publicKey))
          throw new KeyServerError(
            'Failure',
            `${objectId} has the key ${toHex(onChain.publicKey).slice(0, 16)}…, this server another one`,
          );
      },
    },
  ];
}
