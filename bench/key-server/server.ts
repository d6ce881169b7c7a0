// Child process of main.ts: a key server, and a new one without kept keys each time that it is told to.

import { randomBytes } from 'node:crypto';

import { systemClock } from '@k3s-daas/core';
import { MasterKey, serveKeyServer, suiChain, type KeyServer } from '@k3s-daas/seal';
import { connectChain } from '@k3s-daas/sui-client';

export interface ServerOptions {
  readonly url: string;
  readonly chainId: string;
  readonly packageId: string;
  readonly keyServerPackage: string;
  readonly objectId: string;
  /** Of the master key. */
  readonly secret: readonly number[];
}

const { url, chainId, ...options } = JSON.parse(process.argv[2] ?? '{}') as ServerOptions;
const { client } = connectChain({ url, chainId });
let server: KeyServer | null = null;
process.on('message', () => {
  void serve();
});

async function serve(): Promise<void> {
  await server?.close();
  server = await serveKeyServer({
    objectId: options.objectId,
    masterKey: new MasterKey(Uint8Array.from(options.secret)),
    packages: new Set([options.packageId]),
    chain: suiChain(client),
    clock: systemClock,
    random: (length) => new Uint8Array(randomBytes(length)),
    stalenessPackage: options.keyServerPackage,
    stalenessMsMax: 120_000,
    requestsPerClientAndMinuteMax: 1_000_000,
  });
  process.send?.(server.url);
}
