import { toBase64 } from '@k3s-daas/core';
import { stringify } from 'yaml';

import { openOnline, publishedConfig, type SecretOptions } from './world.ts';

/** `daas secret config`: what others seal by, without a network; verified with the chain and every key server. */
export async function printSealConfig(options: SecretOptions): Promise<void> {
  const config = await publishedConfig(await openOnline(options.config));
  const published = {
    ...config,
    keyServers: config.keyServers.map(({ publicKey, proof, ...server }) => ({
      ...server,
      publicKey: toBase64(publicKey),
      proof: toBase64(proof),
    })),
  };
  process.stdout.write(
    options.json === true ? `${JSON.stringify(published)}\n` : stringify(published, { lineWidth: 0 }),
  );
}
