import type { Bytes, SuiId } from '@k3s-daas/core';
import type { SuiClientTypes } from '@mysten/sui/client';

import type { Chain } from './client.ts';
import { decodeEvent, decodeObject, type Decoded } from './decode.ts';
import { ChainError, toChainError } from './errors.ts';

// What `daas chain inspect` shows, of any Sui node. Every function throws ChainError.

export interface StatusView {
  readonly chainId: string;
  /** What the node calls its network. */
  readonly network: string;
  readonly server: string;
  readonly epoch: bigint;
  readonly checkpoint: bigint;
  readonly checkpointMin: bigint;
  readonly timestampMs: number;
  readonly gasPrice: bigint;
}

export interface CheckpointView {
  readonly sequence: bigint;
  readonly digest: string;
  readonly epoch: bigint;
  readonly timestampMs: number;
  readonly previousDigest: string | null;
  /** Of all the chain up to this checkpoint. */
  readonly totalTransactions: bigint;
  readonly transactions: readonly string[];
}

export interface EventView extends Decoded {
  readonly type: string;
  readonly sender: string;
  readonly transaction: string;
  readonly checkpoint: string | null;
}

export interface ObjectView extends Decoded {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
  readonly owner: string;
  readonly type: string;
  readonly previousTransaction: string | null;
}

export interface TransactionView {
  readonly digest: string;
  readonly sender: string;
  readonly success: boolean;
  /** Why it failed; null if it did not. */
  readonly error: string | null;
  readonly checkpoint: string | null;
  readonly timestampMs: number | null;
  readonly epoch: string | null;
  readonly gas: SuiClientTypes.GasCostSummary;
  /** One line per command. */
  readonly commands: readonly string[];
  readonly changes: readonly { readonly change: string; readonly id: string; readonly type: string }[];
  readonly balances: readonly { readonly address: string; readonly coin: string; readonly amount: string }[];
  readonly events: readonly EventView[];
}

export interface PackageView {
  readonly id: string;
  readonly version: string;
  readonly digest: string;
  /** Id of the first version, which types are named after. */
  readonly originalId: string;
  readonly publishedBy: string | null;
  readonly modules: readonly { readonly name: string; readonly bytes: number }[];
  readonly dependencies: readonly { readonly original: string; readonly upgraded: string }[];
}

async function answer<T>(response: Promise<T>): Promise<T> {
  try {
    return await response;
  } catch (error) {
    throw toChainError(error);
  }
}

function given<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined)
    throw new ChainError('CHAIN_MALFORMED', `the node gave no ${what}`);
  return value;
}

function milliseconds(
  timestamp: { readonly seconds: bigint; readonly nanos: number } | undefined,
  what: string,
): number {
  const { seconds, nanos } = given(timestamp, what);
  return Number(seconds) * 1_000 + Math.floor(nanos / 1e6);
}

export async function inspectStatus({ client }: Chain): Promise<StatusView> {
  const info = await answer(client.ledgerService.getServiceInfo({}).response);
  const { referenceGasPrice } = await answer(client.core.getReferenceGasPrice());
  return {
    chainId: given(info.chainId, 'chain id'),
    network: info.chain ?? '',
    server: info.server ?? '',
    epoch: given(info.epoch, 'epoch'),
    checkpoint: given(info.checkpointHeight, 'checkpoint height'),
    checkpointMin: info.lowestAvailableCheckpoint ?? 0n,
    timestampMs: milliseconds(info.timestamp, 'time'),
    gasPrice: BigInt(referenceGasPrice),
  };
}

/** @param which sequence number or digest; the newest if null. */
export async function inspectCheckpoint(
  { client }: Chain,
  which: bigint | string | null,
): Promise<CheckpointView> {
  const checkpointId =
    which === null
      ? ({ oneofKind: undefined } as const)
      : typeof which === 'bigint'
        ? ({ oneofKind: 'sequenceNumber', sequenceNumber: which } as const)
        : ({ oneofKind: 'digest', digest: which } as const);
  const readMask = { paths: ['sequence_number', 'digest', 'summary', 'contents'] };
  const { checkpoint } = await answer(
    client.ledgerService.getCheckpoint({ checkpointId, readMask }).response,
  );
  const { sequenceNumber, digest, summary, contents } = given(checkpoint, 'checkpoint');
  return {
    sequence: given(sequenceNumber, 'sequence number'),
    digest: given(digest, 'digest'),
    epoch: given(summary?.epoch, 'epoch'),
    timestampMs: milliseconds(summary?.timestamp, 'time'),
    previousDigest: summary?.previousDigest ?? null,
    totalTransactions: summary?.totalNetworkTransactions ?? 0n,
    transactions: (contents?.transactions ?? []).map(({ transaction }) => transaction ?? ''),
  };
}

export async function inspectObject({ client }: Chain, id: SuiId): Promise<ObjectView> {
  const include = { content: true, previousTransaction: true } as const;
  const { object } = await answer(client.core.getObject({ objectId: id, include }));
  return objectView(object);
}

/** Objects that an address owns, at most `limit`, of one Move type if given. */
export async function inspectOwned(
  { client }: Chain,
  owner: SuiId,
  limit: number,
  type?: string,
): Promise<{ readonly objects: readonly ObjectView[]; readonly more: boolean }> {
  const objects: ObjectView[] = [];
  let cursor: string | null = null;
  do {
    const include = { content: true, previousTransaction: true } as const;
    const page: SuiClientTypes.ListOwnedObjectsResponse<typeof include> = await answer(
      client.core.listOwnedObjects({
        owner,
        include,
        limit: limit - objects.length,
        cursor,
        ...(type && { type }),
      }),
    );
    objects.push(...page.objects.map(objectView));
    cursor = page.hasNextPage ? page.cursor : null;
  } while (cursor !== null && objects.length < limit);
  return { objects: objects.slice(0, limit), more: cursor !== null };
}

export async function inspectBalances(
  { client }: Chain,
  owner: SuiId,
): Promise<readonly { readonly coin: string; readonly balance: bigint }[]> {
  const { balances } = await answer(client.core.listBalances({ owner }));
  return balances.map(({ coinType, balance }) => ({ coin: coinType, balance: BigInt(balance) }));
}

export async function inspectPackage({ client }: Chain, id: SuiId): Promise<PackageView> {
  const readMask = { paths: ['object_id', 'version', 'digest', 'previous_transaction', 'package'] };
  const { object } = await answer(client.ledgerService.getObject({ objectId: id, readMask }).response);
  const found = object?.package;
  if (found === undefined) throw new ChainError('OBJECT_MISSING', `${id} is no package`);
  return {
    id: given(object?.objectId, 'object id'),
    version: String(given(object?.version, 'version')),
    digest: given(object?.digest, 'digest'),
    originalId: found.originalId ?? id,
    publishedBy: object?.previousTransaction ?? null,
    modules: found.modules.map(({ name, contents }) => ({ name: name ?? '', bytes: contents?.length ?? 0 })),
    dependencies: found.linkage.map(({ originalId, upgradedId }) => ({
      original: originalId ?? '',
      upgraded: upgradedId ?? '',
    })),
  };
}

/** Events in the order of the chain, or the newest first. */
export async function inspectEvents(
  { client }: Chain,
  options: {
    readonly type?: string;
    readonly module?: string;
    readonly sender?: SuiId;
    readonly limit: number;
    readonly newestFirst?: boolean;
  },
): Promise<{ readonly events: readonly EventView[]; readonly more: boolean }> {
  const { type, module, sender, limit, newestFirst } = options;
  const filter: SuiClientTypes.EventFilter | undefined =
    type !== undefined
      ? { eventType: type }
      : module !== undefined
        ? { emitModule: module }
        : sender !== undefined
          ? { sender }
          : undefined;
  const events: EventView[] = [];
  let cursor: string | null = null;
  let more = true;
  while (more && events.length < limit) {
    const page: SuiClientTypes.ListEventsResponse = await answer(
      client.core.listEvents({
        limit: limit - events.length,
        order: newestFirst === true ? 'descending' : 'ascending',
        ...(filter && { filter }),
        ...(cursor !== null && (newestFirst === true ? { before: cursor } : { after: cursor })),
      }),
    );
    for (const event of page.events) {
      events.push(eventView(event, event.transactionDigest, event.checkpoint));
    }
    more = page.hasNextPage && page.endCursor !== null && page.endCursor !== cursor;
    cursor = page.endCursor;
  }
  return { events, more };
}

export async function inspectTransaction({ client }: Chain, digest: string): Promise<TransactionView> {
  const include = {
    effects: true,
    events: true,
    objectTypes: true,
    balanceChanges: true,
    transaction: true,
  } as const;
  const result = await answer(client.core.getTransaction({ digest, include }));
  const found = result.Transaction ?? result.FailedTransaction;
  const { effects, objectTypes, transaction, status } = found;
  return {
    digest: found.digest,
    sender: transaction.sender ?? '',
    success: status.success,
    error: status.error?.message ?? null,
    checkpoint: found.checkpoint,
    timestampMs: found.timestampMs,
    epoch: found.epoch,
    gas: effects.gasUsed,
    commands: transaction.commands.map(describeCommand),
    changes: effects.changedObjects.map((change) => ({
      change: describeChange(change),
      id: change.objectId,
      type: objectTypes[change.objectId] ?? '',
    })),
    balances: found.balanceChanges.map(({ address, coinType, amount }) => ({
      address,
      coin: coinType,
      amount,
    })),
    events: found.events.map((event) => eventView(event, found.digest, found.checkpoint)),
  };
}

function eventView(
  {
    eventType,
    sender,
    bcs,
  }: { readonly eventType: string; readonly sender: string; readonly bcs: Uint8Array },
  transaction: string,
  checkpoint: string | null,
): EventView {
  return {
    type: eventType,
    sender,
    transaction,
    checkpoint,
    ...decodeEvent(eventType, new Uint8Array(bcs)),
  };
}

function objectView(
  object: SuiClientTypes.Object<{ readonly content: true; readonly previousTransaction: true }>,
): ObjectView {
  const { objectId, version, digest, owner, type, previousTransaction } = object;
  // A package has no contents.
  const content = (object.content as Bytes | undefined) ?? new Uint8Array();
  return {
    id: objectId,
    version,
    digest,
    owner: describeOwner(owner),
    type,
    previousTransaction,
    ...decodeObject(type, content),
  };
}

export function describeOwner(owner: SuiClientTypes.ObjectOwner): string {
  switch (owner.$kind) {
    case 'AddressOwner':
      return owner.AddressOwner;
    case 'ObjectOwner':
      return `object ${owner.ObjectOwner}`;
    case 'Shared':
      return `shared since version ${owner.Shared.initialSharedVersion}`;
    case 'ConsensusAddressOwner':
      return `${owner.ConsensusAddressOwner.owner} (by consensus)`;
    case 'Immutable':
      return 'immutable';
    case 'Unknown':
      return 'unknown';
  }
}

function describeChange(change: SuiClientTypes.ChangedObject): string {
  const { inputState, outputState, idOperation } = change;
  if (outputState === 'PackageWrite') return 'published';
  if (outputState === 'AccumulatorWriteV1') return 'accumulated';
  if (idOperation === 'Created') return 'created';
  if (idOperation === 'Deleted') return 'deleted';
  if (inputState === 'DoesNotExist') return 'unwrapped';
  return outputState === 'DoesNotExist' ? 'wrapped' : 'changed';
}

type Command = SuiClientTypes.TransactionData['commands'][number];

function describeCommand(command: Command): string {
  if ('MoveCall' in command) {
    const { package: id, module, function: name } = command.MoveCall;
    return `call ${id}::${module}::${name}`;
  }
  if ('TransferObjects' in command) return `transfer ${command.TransferObjects.objects.length} objects`;
  if ('SplitCoins' in command) return `split a coin into ${command.SplitCoins.amounts.length}`;
  if ('MergeCoins' in command) return `merge ${command.MergeCoins.sources.length} coins into one`;
  if ('MakeMoveVec' in command) return `make a vector of ${command.MakeMoveVec.elements.length}`;
  if ('Publish' in command) return `publish ${command.Publish.modules.length} modules`;
  if ('Upgrade' in command)
    return `upgrade ${command.Upgrade.package} to ${command.Upgrade.modules.length} modules`;
  return Object.keys(command).join(' ');
}
