import Table from 'cli-table3';

import { addressOf, requestUnbond, slash, stake, topUp, withdraw } from '@k3s-daas/sui-client';

import { findCap, openActor, parseMist, requireId } from '../actor.ts';
import { CliError } from '../errors.ts';
import { print, type Output } from '../output.ts';
import { openReader } from '../reader.ts';
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
    for (const { id, owner: holder, role, active, unbonding } of stakes) {
      table.push([
        id,
        `${holder.slice(0, 10)}…`,
        ROLES[role] ?? String(role),
        String(active),
        String(unbonding),
      ]);
    }
    return stakes.length === 0 ? 'no stake' : table.toString();
  });
}

interface Signed {
  readonly key?: string;
}

/** Stakes MIST from the signer's coins; prints the new position. */
export async function createStake(
  output: Output,
  configFile: string | undefined,
  args: Signed & { readonly mist: string; readonly role: string },
): Promise<void> {
  const role = ROLES.indexOf(args.role);
  if (role < 0) throw new CliError('USAGE', `${args.role} is no role`, `choose one of ${ROLES.join(', ')}`);
  const reader = await openReader(configFile);
  const actor = await openActor(reader, args.key);
  const amount = parseMist(args.mist);
  const { digest, position } = await stake(actor, { cluster: reader.configuration.cluster.id, role, amount });
  print(
    output,
    { digest, position, owner: addressOf(actor.signer) },
    () => `staked ${amount} MIST: position ${position}`,
  );
}

export async function topUpStake(
  output: Output,
  configFile: string | undefined,
  args: Signed & { readonly position: string; readonly mist: string },
): Promise<void> {
  const position = requireId(args.position, 'the position');
  const amount = parseMist(args.mist);
  const reader = await openReader(configFile);
  const actor = await openActor(reader, args.key);
  const { id: cluster } = reader.configuration.cluster;
  const { digest } = await topUp(actor, { cluster, position, amount });
  print(output, { digest, position }, () => `added ${amount} MIST to ${position} (${digest})`);
}

/** Begins to unbond; the amount can be withdrawn after the cluster's delay. */
export async function unbondStake(
  output: Output,
  configFile: string | undefined,
  args: Signed & { readonly position: string; readonly mist: string },
): Promise<void> {
  const position = requireId(args.position, 'the position');
  const amount = parseMist(args.mist);
  const reader = await openReader(configFile);
  const actor = await openActor(reader, args.key);
  const { digest } = await requestUnbond(actor, {
    cluster: reader.configuration.cluster.id,
    position,
    amount,
  });
  print(output, { digest, position }, () => `${amount} MIST of ${position} are unbonding (${digest})`);
}

/** Pays out what has finished unbonding. */
export async function withdrawStake(
  output: Output,
  configFile: string | undefined,
  args: Signed & { readonly position: string },
): Promise<void> {
  const position = requireId(args.position, 'the position');
  const reader = await openReader(configFile);
  const actor = await openActor(reader, args.key);
  const { digest } = await withdraw(actor, { cluster: reader.configuration.cluster.id, position });
  print(output, { digest, position }, () => `withdrew from ${position} (${digest})`);
}

/** Takes from a position into the cluster's treasury; the signer must own the ClusterCap. */
export async function slashStake(
  output: Output,
  configFile: string | undefined,
  args: Signed & { readonly position: string; readonly mist: string; readonly reason: string },
): Promise<void> {
  const position = requireId(args.position, 'the position');
  const amount = parseMist(args.mist);
  const reader = await openReader(configFile);
  const actor = await openActor(reader, args.key);
  const { id: cluster } = reader.configuration.cluster;
  const owned = { cluster, cap: await findCap(actor, cluster) };
  const { digest } = await slash(actor, owned, { position, amount, reason: args.reason });
  print(output, { digest, position }, () => `slashed up to ${amount} MIST of ${position} (${digest})`);
}
