import { dirname, resolve } from 'node:path';

import { readSession } from '@k3s-daas/sui-client';
import { z } from 'zod';

import { loadConfiguration } from '../configuration.ts';
import { EnclaveClient } from '../enclave-client.ts';
import { CliError } from '../errors.ts';
import type { Stack } from '../stack/stack.ts';

const integer = z.string().regex(/^-?\d+$/);
const healthReply = z.object({ engine: z.object({ records: integer, maxLag: integer }) });
const lagsReply = z.object({
  lags: z.array(
    z.object({
      operator: z.string(),
      lag: integer,
      stake: integer,
      entitled: integer,
      delivered: integer,
      offers: integer,
    }),
  ),
});

export type Lags = {
  readonly logRecords: number;
  readonly maxLag: string;
  readonly lags: z.infer<typeof lagsReply>['lags'];
};

/** Asks the live enclave, whose TLS key is pinned to the one registered on chain. */
export interface EnclaveReader {
  lags(): Promise<Lags>;
}

export async function connectReader(stack: Stack): Promise<EnclaveReader> {
  const { configuration } = await loadConfiguration(stack.configFile);
  if (configuration.client === undefined)
    throw new CliError('USAGE', 'no client section', 'add one to daas.yaml');
  const { tlsKeyHash } = await readSession(
    stack.world.chain.client,
    stack.world.packageId,
    stack.enclave.session,
  );
  const folder = dirname(stack.configFile);
  const client = await EnclaveClient.connect(
    configuration.client,
    (path) => resolve(folder, path),
    tlsKeyHash,
  );
  return {
    async lags() {
      const { lags } = lagsReply.parse(await client.request('GET', '/api/v1/lags'));
      const { engine } = healthReply.parse(await client.request('GET', '/api/v1/health'));
      return { logRecords: Number(engine.records), maxLag: engine.maxLag, lags };
    },
  };
}
