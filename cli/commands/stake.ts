import Table from 'cli-table3';

import { isSuiId } from '@k3s-daas/core';
import { accountFromSecret, addressOf, listOwned, slash, type Actor } from '@k3s-daas/sui-client';

import { readText } from '../configuration.ts';
import { CliError } from '../errors.ts';
import { print, type Output } from '../output.ts';
import { openReader, type Reader } from '../reader.ts';
import { readSnapshot } from '../snapshot.ts';

const ROLES = ['user', 'node', 'admin'];

/** The positions behind nodes, or those of one owner among them. */
export async function listStakes(
  output: Output,
  configFile: string | undefined,
  owner: string | undefined,
): Promise<void> {
  if (owner !== undefined) requireId(owner, '--owner');
  const snapshot = await readSnapshot(await openReader(configFile));
  const stakes = [...snapshot.stakes.values()].filter(
    (stake) => owner === undefined || stake.owner === owner,
  );
  print(output, { checkpoint: snapshot.checkpoint, stakes }, () => {
    const table = new Table({
      head: ['position', 'owner', 'role', 'active', 'unbonding'],
      style: { head: [], border: [] },
    });
    for (const stake of stakes) {
      const role = ROLES[stake.role] ?? String(stake.role);
      table.push([
        stake.id,
        `${stake.owner.slice(0, 10)}…`,
        role,
        String(stake.active),
        String(stake.unbonding),
      ]);
    }
    return stakes.length === 0 ? 'no stake' : table.toString();
  });
}

/** Takes from a position into the cluster's treasury; the signer must own the ClusterCap. */
export async function slashStake(
  output: Output,
  configFile: string | undefined,
  args: { readonly position: string; readonly mist: string; readonly reason: string },
): Promise<void> {
  requireId(args.position, 'the position');
  if (!/^[1-9]\d{0,18}$/.test(args.mist)) {
    throw new CliError('USAGE', `${args.mist} is not an amount`, 'give MIST as a whole number above zero');
  }
  const reader = await openReader(configFile);
  const actor = await openActor(reader);
  const { id: cluster } = reader.configuration.cluster;
  const owned = { cluster, cap: await findCap(actor, cluster) };
  const { position, reason } = args;
  const { digest } = await slash(actor, owned, { position, amount: BigInt(args.mist), reason });
  print(
    output,
    { digest, position, amount: args.mist },
    () => `slashed ${args.mist} MIST of ${position} (${digest})`,
  );
}

async function openActor({ client, chain, configuration, path }: Reader): Promise<Actor> {
  if (client.suiKeyFile === undefined) {
    throw new CliError(
      'USAGE',
      'client.suiKeyFile is not set',
      'name a file with a suiprivkey… text in daas.yaml',
    );
  }
  const signer = accountFromSecret((await readText(path(client.suiKeyFile))).trim());
  return { client: chain.client, signer, packageId: configuration.cluster.package };
}

async function findCap(actor: Actor, cluster: string): Promise<string> {
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

function requireId(text: string, what: string): void {
  if (isSuiId(text)) return;
  throw new CliError('USAGE', `${what} is not 0x and 64 lower-case hex digits`, 'give the full id');
}
