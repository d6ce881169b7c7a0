import { randomBytes } from 'node:crypto';

import { fromHex, sha256, toBase64, toHex, utf8, type SuiId } from '@k3s-daas/core';

import { generateMasterKey, MasterKey } from '../index.ts';
import { parseSealConfig, type SealConfig } from '../sealed/index.ts';

/** An id that is the same in each run. */
export const idOf = (name: string): SuiId => `0x${toHex(sha256(utf8(name)))}`;

/** Key servers that nobody serves, with true keys and proofs: enough to seal to, without a chain. */
export function offlineSealConfig(
  options: {
    readonly cluster?: SuiId;
    readonly packageId?: SuiId;
    readonly weights?: readonly number[];
    readonly threshold?: number;
  } = {},
): SealConfig {
  const { weights = [1, 1, 1], threshold = 2 } = options;
  return parseSealConfig({
    apiVersion: 'k3s-daas.io/v1alpha1',
    kind: 'SealConfiguration',
    cluster: options.cluster ?? idOf('cluster'),
    package: options.packageId ?? idOf('package'),
    chainId: '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S',
    threshold,
    keyServers: weights.map((weight, index) => {
      const objectId = idOf(`key server ${index}`);
      const key = new MasterKey(generateMasterKey((length) => new Uint8Array(randomBytes(length))));
      return {
        objectId,
        weight,
        name: `server-${index}`,
        publicKey: toBase64(key.publicKey),
        proof: toBase64(key.provePossession(fromHex(objectId.slice(2)))),
      };
    }),
  });
}
