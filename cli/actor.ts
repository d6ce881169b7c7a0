import { accountFromSecret, addressOf, listOwned, type Actor } from '@k3s-daas/sui-client';

import { isSuiId } from '@k3s-daas/core';

import { readText } from './files.ts';
import { CliError } from './errors.ts';
import type { Reader } from './reader.ts';

/** Whoever signs this person's transactions: `--key FILE`, or `client.suiKeyFile` of the configuration. */
export async function openActor(reader: Reader, keyFile: string | undefined): Promise<Actor> {
  const { client, chain, configuration, path } = reader;
  const file = keyFile ?? (client.suiKeyFile === undefined ? undefined : path(client.suiKeyFile));
  if (file === undefined) {
    throw new CliError(
      'USAGE',
      'no key to sign with',
      'give --key FILE with a suiprivkey… text, or set client.suiKeyFile',
    );
  }
  const secret = (await readText(file)).trim();
  try {
    return {
      client: chain.client,
      signer: accountFromSecret(secret),
      packageId: configuration.cluster.package,
    };
  } catch (cause) {
    throw new CliError('USAGE', `${file} holds no Sui key`, 'it is one line: suiprivkey1…', { cause });
  }
}

/** The ClusterCap of a cluster that this person owns. @throws CliError NOT_FOUND */
export async function findCap(actor: Actor, cluster: string): Promise<string> {
  const address = addressOf(actor.signer);
  const caps = await listOwned(actor.client, actor.packageId, address, 'cap');
  const cap = caps.find((owned) => owned.cluster === cluster);
  if (cap === undefined) {
    throw new CliError(
      'NOT_FOUND',
      `${address} owns no ClusterCap of ${cluster}`,
      'sign as the owner of the cluster',
    );
  }
  return cap.id;
}

export function requireId(text: string, what: string): string {
  if (isSuiId(text)) return text;
  throw new CliError('USAGE', `${what} is not 0x and 64 lower-case hex digits`, 'give the full id');
}

/** A positive amount of MIST. */
export function parseMist(text: string): bigint {
  if (/^[1-9]\d{0,18}$/.test(text)) return BigInt(text);
  throw new CliError('USAGE', `${text} is not an amount`, 'give MIST as a whole number above zero');
}
