import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { toHex, type SuiId } from '@k3s-daas/core';
import { compilePackage } from '@k3s-daas/move';
import { generateMasterKey, MasterKey, registerKeyServer } from '@k3s-daas/seal/registering';
import { publishPackage, type Actor } from '@k3s-daas/sui-client';

import { writeWhole } from './files.ts';
import type { Parts } from './parts.ts';
import type { InstallationState } from './state.ts';

const PACKAGE_DIR = fileURLToPath(new URL('../../sui/move/seal_key_server', import.meta.url));

/** Three, of which two must agree: the embedded installation opens its secrets with any one of them down. */
export const KEY_SERVER_NAMES = ['one', 'two', 'three'] as const;
export type KeyServerName = (typeof KEY_SERVER_NAMES)[number];

/** Of the relay's books, relative to the installation's folder. */
export const RELAY_STATE = join('relay', 'books');

/** Relative to the installation's folder. */
export const masterKeyFile = (name: KeyServerName): string => join('key-servers', `${name}.key`);

export type SealWorld = InstallationState['chain']['seal'];

/** Makes the key servers' master keys, publishes their package and registers them under the URLs they will have. */
export async function createSealWorld(options: {
  readonly dir: string;
  readonly host: string;
  readonly ports: readonly [number, number, number];
  readonly operator: Pick<Actor, 'client' | 'signer'>;
}): Promise<SealWorld> {
  const { dir, host, ports, operator } = options;
  const compiled = await compilePackage({ dir: PACKAGE_DIR });
  const { packageId } = await publishPackage(operator, compiled.modules, compiled.dependencies);
  const register = async (name: KeyServerName, port: number): Promise<SuiId> => {
    const secret = generateMasterKey((length) => new Uint8Array(randomBytes(length)));
    await writeWhole(join(dir, masterKeyFile(name)), `${toHex(secret)}\n`);
    const { publicKey } = new MasterKey(secret);
    return registerKeyServer({ ...operator, packageId }, { name, url: `http://${host}:${port}`, publicKey });
  };
  // One after the other: they are paid with the same coin.
  const one = await register('one', ports[0]);
  const two = await register('two', ports[1]);
  const three = await register('three', ports[2]);
  return { packageId, keyServers: [one, two, three] };
}

/** The key servers and the relay. They read the chain and nothing else, so they need not wait for each other. */
export async function startSealParts(parts: Parts, configFile: string): Promise<void> {
  const config = ['--config', configFile];
  await Promise.all([
    ...KEY_SERVER_NAMES.map((name) =>
      parts.start('key-server', ['--name', name, ...config], `key-server-${name}`),
    ),
    parts.start('relay', config),
  ]);
}
