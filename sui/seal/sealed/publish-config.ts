import { SealClient } from '@mysten/seal';
import { toBase64, type SuiId } from '@k3s-daas/core';
import { readChainId, toChainError } from '@k3s-daas/sui-client';
import type { ClientWithCoreApi } from '@mysten/sui/client';
import { z } from 'zod';

import { parseSealConfig, SealConfigError, type SealConfig } from './config.ts';

const KEY_SERVER_MS = 10_000;
const proofSchema = z.looseObject({ service_id: z.string(), pop: z.string() });

/** What is published of a cluster, and the chain that knows the rest. */
export interface PublishedCluster {
  readonly client: ClientWithCoreApi;
  readonly cluster: SuiId;
  /** First version of the Move package. */
  readonly packageId: SuiId;
  readonly keyServers: readonly { readonly objectId: SuiId; readonly weight: number }[];
  readonly threshold: number;
  /** For key servers only. */
  readonly fetch?: typeof fetch | undefined;
}

/**
 * Asks the chain and every key server for all that sealing needs, verified by the unmodified SealClient; with it,
 * sealValues needs no network any more.
 * @throws SealConfigError, ChainError
 */
export async function readSealConfig(published: PublishedCluster): Promise<SealConfig> {
  const { client, cluster, packageId, keyServers, threshold } = published;
  await requireFirstVersion(client, packageId);
  const proofs = new Map<string, string>();
  const seal = new SealClient({
    suiClient: client,
    serverConfigs: keyServers.map(({ objectId, weight }) => ({ objectId, weight })),
    verifyKeyServers: true,
    timeout: KEY_SERVER_MS,
    fetch: keepingProofs(published.fetch ?? fetch, proofs),
  });
  let found: Awaited<ReturnType<SealClient['getKeyServers']>>;
  try {
    found = await seal.getKeyServers();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SealConfigError('SEAL_CONFIG_KEY_SERVER_UNTRUSTED', `a key server was not verified: ${why}`, {
      cause,
    });
  }
  return parseSealConfig({
    apiVersion: 'k3s-daas.io/v1alpha1',
    kind: 'SealConfiguration',
    cluster,
    package: packageId,
    chainId: await readChainId(client),
    threshold,
    keyServers: keyServers.map(({ objectId, weight }) => {
      const server = found.get(objectId);
      const proof = proofs.get(objectId);
      if (server?.serverType !== 'Independent' || proof === undefined)
        throw new SealConfigError(
          'SEAL_CONFIG_KEY_SERVER_MISSING',
          `${objectId} is no independent key server`,
        );
      return { objectId, weight, name: server.name, publicKey: toBase64(server.pk), proof };
    }),
  });
}

async function requireFirstVersion(client: ClientWithCoreApi, packageId: SuiId): Promise<void> {
  let version: string;
  try {
    version = (await client.core.getObject({ objectId: packageId })).object.version;
  } catch (error) {
    throw toChainError(error);
  }
  if (version !== '1')
    throw new SealConfigError('SEAL_CONFIG_PACKAGE_WRONG', `${packageId} is version ${version} of a package`);
}

/** A fetch that keeps what key servers answer to `/v1/service`, before SealClient verifies it. */
function keepingProofs(inner: typeof fetch, proofs: Map<string, string>): typeof fetch {
  return async (input, init) => {
    const response = await inner(input, init);
    const parsed = proofSchema.safeParse(
      await response
        .clone()
        .json()
        .catch(() => null),
    );
    if (parsed.success) proofs.set(parsed.data.service_id, parsed.data.pop);
    return response;
  };
}
