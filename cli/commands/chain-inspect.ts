import {
  inspectBalances,
  inspectCheckpoint,
  inspectEvents,
  inspectObject,
  inspectOwned,
  inspectPackage,
  inspectStatus,
  inspectTransaction,
  type Chain,
  type Decoded,
  type EventView,
} from '@k3s-daas/sui-client';

import { connectTarget, resolveTarget, type TargetOptions } from '../chain-target.ts';
import { CliError } from '../errors.ts';
import { print, type Output } from '../output.ts';
import { keyValues, mistText, requireAddress, short, table, time } from '../render.ts';

const DEADLINE_MS = 15_000;
const DIGEST = /^[1-9A-HJ-NP-Za-km-z]{32,44}$/;
const SUI = /^0x0*2::sui::SUI$/;

async function open(options: TargetOptions): Promise<Chain & { readonly network: string }> {
  const target = await resolveTarget(options);
  const { chain } = await connectTarget(target, DEADLINE_MS);
  return { ...chain, network: target.network };
}

export async function status(output: Output, options: TargetOptions): Promise<void> {
  const chain = await open(options);
  const view = { url: chain.url, ...(await inspectStatus(chain)) };
  print(output, view, () =>
    keyValues([
      ['url', view.url],
      ['chain id', view.chainId],
      ['network', view.network],
      ['server', view.server],
      ['epoch', view.epoch],
      ['checkpoint', `${view.checkpoint} (kept from ${view.checkpointMin})`],
      ['time', time(view.timestampMs)],
      ['gas price', `${view.gasPrice} MIST`],
    ]),
  );
}

/** @param which sequence number or digest; the newest unless given. */
export async function checkpoint(
  output: Output,
  which: string | undefined,
  options: TargetOptions,
): Promise<void> {
  const view = await inspectCheckpoint(await open(options), parseCheckpoint(which));
  print(output, view, () =>
    [
      keyValues([
        ['checkpoint', view.sequence],
        ['digest', view.digest],
        ['previous', view.previousDigest],
        ['epoch', view.epoch],
        ['time', time(view.timestampMs)],
        ['transactions', `${view.transactions.length} (${view.totalTransactions} up to here)`],
      ]),
      ...view.transactions.map((digest) => `  ${digest}`),
    ].join('\n'),
  );
}

function parseCheckpoint(which: string | undefined): bigint | string | null {
  if (which === undefined) return null;
  if (/^\d{1,19}$/.test(which)) return BigInt(which);
  if (DIGEST.test(which)) return which;
  throw new CliError('USAGE', `${which} is no checkpoint`, 'give its number or its digest');
}

export async function transaction(output: Output, digest: string, options: TargetOptions): Promise<void> {
  if (!DIGEST.test(digest))
    throw new CliError('USAGE', `${digest} is no digest of a transaction`, 'it is 32 bytes in base58');
  const view = await inspectTransaction(await open(options), digest);
  print(output, view, () => {
    const { computationCost, storageCost, storageRebate } = view.gas;
    const parts = [
      keyValues([
        ['transaction', view.digest],
        ['status', view.success ? 'success' : `failed: ${view.error ?? 'no reason'}`],
        ['sender', view.sender],
        ['checkpoint', view.checkpoint],
        ['time', view.timestampMs === null ? null : time(view.timestampMs)],
        ['gas', `${computationCost} computation + ${storageCost} storage - ${storageRebate} rebate MIST`],
      ]),
      ...view.commands.map((command, index) => `  ${index}  ${short(command)}`),
      table(
        ['objects', 'id', 'type'],
        view.changes.map(({ change, id, type }) => [change, id, short(type)]),
      ),
    ];
    if (view.balances.length > 0) {
      const rows = view.balances.map(({ address, coin, amount }) => [address, short(coin), amount]);
      parts.push(table(['balance of', 'coin', 'change'], rows));
    }
    return [...parts, ...view.events.map(describeEvent)].join('\n');
  });
}

export async function object(output: Output, id: string, options: TargetOptions): Promise<void> {
  const view = await inspectObject(await open(options), requireAddress(id));
  print(output, view, () =>
    [
      keyValues([
        ['object', view.id],
        ['type', view.type],
        ['owner', view.owner],
        ['version', view.version],
        ['digest', view.digest],
        ['changed by', view.previousTransaction],
      ]),
      contents(view),
    ].join('\n'),
  );
}

export async function packageOf(output: Output, id: string, options: TargetOptions): Promise<void> {
  const view = await inspectPackage(await open(options), requireAddress(id));
  print(output, view, () => {
    const bytes = view.modules.reduce((sum, module) => sum + module.bytes, 0);
    return [
      keyValues([
        ['package', view.id],
        ['version', view.version],
        ['first version', view.originalId],
        ['digest', view.digest],
        ['published by', view.publishedBy],
        ['links', view.dependencies.map(({ upgraded }) => short(upgraded)).join(', ') || null],
      ]),
      table(
        ['module', 'bytes'],
        [...view.modules.map(({ name, bytes: size }) => [name, size]), ['all', bytes]],
      ),
    ].join('\n');
  });
}

export async function events(
  output: Output,
  options: TargetOptions & {
    readonly type?: string;
    readonly module?: string;
    readonly sender?: string;
    readonly limit: number;
    readonly newest?: boolean;
  },
): Promise<void> {
  const { type, module, sender, limit, newest } = options;
  if ([type, module, sender].filter((one) => one !== undefined).length > 1)
    throw new CliError('USAGE', 'events are chosen by one thing', 'give one of --type, --module, --sender');
  const { events: found, more } = await inspectEvents(await open(options), {
    limit,
    ...(type !== undefined && { type }),
    ...(module !== undefined && { module }),
    ...(sender !== undefined && { sender: requireAddress(sender) }),
    ...(newest !== undefined && { newestFirst: newest }),
  });
  print(output, { events: found, more }, () => {
    if (found.length === 0) return 'no events';
    const tail = more ? [`there are more; --limit N shows them`] : [];
    return [...found.map(describeEvent), ...tail].join('\n');
  });
}

export async function owned(
  output: Output,
  owner: string,
  options: TargetOptions & { readonly type?: string; readonly limit: number },
): Promise<void> {
  const view = await inspectOwned(await open(options), requireAddress(owner), options.limit, options.type);
  print(output, view, () => {
    if (view.objects.length === 0) return 'it owns nothing';
    const rows = view.objects.map(({ id, version, type }) => [id, version, short(type)]);
    return `${table(['object', 'version', 'type'], rows)}${view.more ? '\nthere are more; --limit N shows them' : ''}`;
  });
}

export async function balance(output: Output, address: string, options: TargetOptions): Promise<void> {
  const owner = requireAddress(address);
  const balances = await inspectBalances(await open(options), owner);
  print(output, { address: owner, balances }, () => {
    if (balances.length === 0) return 'it has no coins';
    const rows = balances.map(({ coin, balance: amount }) => [
      short(coin),
      amount,
      SUI.test(coin) ? mistText(amount) : '',
    ]);
    return table(['coin', 'balance', ''], rows);
  });
}

function describeEvent(event: EventView): string {
  return `event ${short(event.type)} by ${short(event.sender)} in ${event.transaction}\n${contents(event)}`;
}

function contents({ fields, bcs }: Decoded): string {
  const entries =
    fields === null ? ([['bcs', bcs.length === 0 ? '–' : bcs]] as const) : Object.entries(fields);
  return keyValues(entries.map(([key, value]) => [`  ${key}`, value]));
}
