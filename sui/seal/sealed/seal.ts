import { DemType, SealClient } from '@mysten/seal';
import { encodeSealAad, encodeSealIdentity, toHex, type Bytes, type SealIdentity } from '@k3s-daas/core';

import { checkSealedValue } from './check.ts';
import { rulesOf, SealConfigError, type SealConfig } from './config.ts';
import { parseSealedValue, type SealedValue } from './parse.ts';
import { recordedChain, recordedProofs } from './recorded-chain.ts';

export interface SealRequest {
  readonly identity: SealIdentity;
  /** Name of the Secret. */
  readonly secret: string;
  /** Plaintexts by key. */
  readonly values: ReadonlyMap<string, Bytes>;
  /** At least the cluster's, which it is unless given. */
  readonly threshold?: number | undefined;
}

/**
 * Seals the values of one Secret under one identity, with the unmodified SealClient and without a network: the
 * configuration says what the chain would. What comes out is checked as admission will check it.
 * @throws SealConfigError SEAL_CONFIG_KEY_SERVER_UNTRUSTED if a proof in the configuration is not the key's;
 *   SealedError SEALED_TOO_LARGE, SEALED_THRESHOLD_LOW, SEALED_CLUSTER_WRONG
 */
export async function sealValues(
  config: SealConfig,
  { identity, secret, values, threshold = config.threshold }: SealRequest,
): Promise<Map<string, SealedValue>> {
  const seal = new SealClient({
    suiClient: recordedChain(config),
    serverConfigs: config.keyServers.map(({ objectId, weight }) => ({ objectId, weight })),
    verifyKeyServers: true,
    fetch: recordedProofs(config),
  });
  await verified(seal);
  const id = toHex(encodeSealIdentity(identity));
  const rules = rulesOf(config);
  const sealOne = async ([key, data]: [string, Bytes]): Promise<[string, SealedValue]> => {
    const { encryptedObject } = await seal.encrypt({
      threshold,
      packageId: config.package,
      id,
      data,
      demType: DemType.AesGcm256,
      aad: encodeSealAad({ secret, key }),
    });
    const value = parseSealedValue(encryptedObject);
    checkSealedValue(value, rules, { namespace: identity.namespace, secret, key });
    return [key, value];
  };
  return new Map(await Promise.all([...values].map(sealOne)));
}

async function verified(seal: SealClient): Promise<void> {
  try {
    await seal.getKeyServers();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SealConfigError('SEAL_CONFIG_KEY_SERVER_UNTRUSTED', why, { cause });
  }
}
