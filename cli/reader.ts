import { z } from 'zod';

import type { ClientConfiguration } from '@k3s-daas/core';
import { connectChain, readCluster, readSession, type Chain, type ClusterRecord } from '@k3s-daas/sui-client';

import { loadConfiguration, type LoadedConfiguration } from './configuration.ts';
import { EnclaveClient } from './enclave-client.ts';
import { CliError } from './errors.ts';
import { getObject } from './kube-api.ts';

/** What the commands of a person read from: chain, API server, enclave. */
export interface Reader extends LoadedConfiguration {
  readonly client: ClientConfiguration;
  readonly chain: Chain;
}

export async function openReader(configFile: string | undefined): Promise<Reader> {
  const loaded = await loadConfiguration(configFile);
  const { client, chain, cluster } = loaded.configuration;
  if (client === undefined) {
    throw new CliError(
      'USAGE',
      'the configuration has no section "client"',
      'add it; docs/configuration.md shows one',
    );
  }
  return { ...loaded, client, chain: connectChain({ url: chain.url, chainId: cluster.chainId }) };
}

export function currentCluster({ chain, configuration }: Reader): Promise<ClusterRecord> {
  return readCluster(chain.client, configuration.cluster.package, configuration.cluster.id);
}

/** The live enclave, whose TLS key must be the one that the chain's active session has. */
export async function openEnclave(reader: Reader): Promise<EnclaveClient> {
  const { active } = await currentCluster(reader);
  if (active === null) {
    throw new CliError('NOT_FOUND', 'no enclave is active on chain', 'start one and register it');
  }
  const { configuration, chain, client, path } = reader;
  const session = await readSession(chain.client, configuration.cluster.package, active.session);
  return EnclaveClient.connect(client, path, session.tlsKeyHash);
}

const podSchema = z.object({
  metadata: z.object({
    uid: z.string(),
    namespace: z.string(),
    name: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.looseObject({ nodeName: z.string().default(''), serviceAccountName: z.string().default('') }),
});

export type PodObject = z.infer<typeof podSchema> & {
  /** The spec as the API server sent it, every field of it. */
  readonly rawSpec: object;
};

export async function readPod(reader: Reader, namespace: string, name: string): Promise<PodObject> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
  const object = await getObject(reader.path(reader.client.kubeconfig), path);
  const pod = podSchema.parse(object);
  return { ...pod, rawSpec: (object as { spec: object }).spec };
}
