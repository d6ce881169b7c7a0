import { toHex } from '@k3s-daas/core';
import { registerKeyServer, updateKeyServerUrl } from '@k3s-daas/seal/registering';

import { openActor, requireId } from '../actor.ts';
import { CliError } from '../errors.ts';
import { userPath } from '../files.ts';
import { print, type Output } from '../output.ts';
import { openReader } from '../reader.ts';
import { createMasterKeyFile, readMasterKey } from './master-key.ts';

export async function newMasterKey(output: Output, file: string): Promise<void> {
  const { publicKey } = await createMasterKeyFile(userPath(file));
  print(output, { file, publicKey }, () => `${file}: public key ${toHex(publicKey)}`);
}

/** Publishes name, URL and public key; the object's id goes into daas.yaml and every sealed value. */
export async function registerOnChain(
  output: Output,
  configFile: string | undefined,
  args: {
    readonly name: string;
    readonly package: string;
    readonly url: string;
    readonly masterKey: string;
    readonly key?: string;
  },
): Promise<void> {
  const packageId = requireId(args.package, '--package');
  const url = requireUrl(args.url);
  const { publicKey } = await readMasterKey({ kind: 'file', file: args.masterKey }, userPath);
  const reader = await openReader(configFile);
  const actor = { ...(await openActor(reader, args.key)), packageId };
  const objectId = await registerKeyServer(actor, { name: args.name, url, publicKey });
  print(
    output,
    { objectId, name: args.name, url, publicKey },
    () => `${args.name} is ${objectId}, at ${url}`,
  );
}

export async function moveOnChain(
  output: Output,
  configFile: string | undefined,
  args: { readonly object: string; readonly url: string; readonly package: string; readonly key?: string },
): Promise<void> {
  const packageId = requireId(args.package, '--package');
  const objectId = requireId(args.object, 'the object');
  const url = requireUrl(args.url);
  const reader = await openReader(configFile);
  const actor = { ...(await openActor(reader, args.key)), packageId };
  const { digest } = await updateKeyServerUrl(actor, objectId, url);
  print(output, { digest, objectId, url }, () => `${objectId} is at ${url} (${digest})`);
}

export function requireOption(value: string | undefined, option: string): string {
  if (value !== undefined) return value;
  throw new CliError('USAGE', `${option} is missing`, `give ${option}; --help shows how`);
}

function requireUrl(text: string): string {
  if (URL.canParse(text) && /^https?:\/\/./.test(text)) return text.replace(/\/$/, '');
  throw new CliError('USAGE', `${text} is no URL`, 'it begins with https:// or http://');
}
