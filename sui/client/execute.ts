import type { ClientWithCoreApi, SuiClientTypes } from '@mysten/sui/client';
import { TransactionDataBuilder, type Transaction } from '@mysten/sui/transactions';
import { isSuiId, type SuiId } from '@k3s-daas/core';

import type { Account } from './accounts.ts';
import { ChainError, executionFailed, toChainError } from './errors.ts';
import { parseEvent, type ChainEvent } from './events.ts';

export interface Executed {
  /** Base58. */
  readonly digest: string;
  /** The checkpoint that holds the transaction; null if the node did not say. */
  readonly checkpoint: bigint | null;
  /** What the sender paid, MIST; negative when storage was given back. */
  readonly gasMist: bigint;
  /** Events of the package, in order. */
  readonly events: readonly ChainEvent[];
  readonly created: readonly { readonly id: SuiId; readonly type: string }[];
  /** The published package, if the transaction published one. */
  readonly packageId: SuiId | null;
}

/** What a transaction may cost at most, and who hears of it before it is sent. */
export interface GasTerms {
  /** The transaction's gas budget. No node, however it answers, makes the sender pay more. */
  readonly mistMax: bigint;
  /** Told the digest when all is signed; the transaction is sent if it resolves, and not if it rejects. */
  readonly beforeSend?: (digest: string) => Promise<void>;
}

export interface ExecuteOptions {
  /** How long to look for the transaction after it was sent. */
  readonly waitMs?: number;
  readonly gas?: GasTerms;
}

const INCLUDE = { effects: true, events: true, objectTypes: true } as const;
type Included = SuiClientTypes.Transaction<typeof INCLUDE>;

const WAIT_MS = 15_000;
const WAIT_SCHEDULE_MS = [0, 20, 60, 150, 300, 600, 1_000, 1_500, 2_500];

/**
 * Signs, executes and waits until a checkpoint holds the transaction, so that reads of the same node see it.
 * @param packageId whose events are parsed; null for none.
 * @throws ChainError TRANSACTION_FAILED with the named Move abort, and the gas if it was sent; TRANSACTION_UNKNOWN with its digest if the node
 *   stopped answering after it was sent; CHAIN_… if it was never sent.
 */
export async function execute(
  client: ClientWithCoreApi,
  tx: Transaction,
  signer: Account,
  packageId: SuiId | null = null,
  { waitMs = WAIT_MS, gas }: ExecuteOptions = {},
): Promise<Executed> {
  if (gas !== undefined) tx.setGasBudget(gas.mistMax);
  const bytes = await build(client, tx, signer);
  const digest = TransactionDataBuilder.getDigestFromBytes(bytes);
  const { signature } = await signer.signTransaction(bytes);
  await gas?.beforeSend?.(digest);
  let result: SuiClientTypes.TransactionResult<typeof INCLUDE>;
  try {
    result = await client.core.executeTransaction({
      transaction: bytes,
      signatures: [signature],
      include: INCLUDE,
    });
  } catch (error) {
    const failure = toChainError(error);
    if (failure.code !== 'CHAIN_TIMEOUT' && failure.code !== 'CHAIN_UNREACHABLE') throw failure;
    result = await settled(client, digest, waitMs, failure);
  }
  if (result.$kind === 'FailedTransaction') throw failed(result.FailedTransaction);
  if (result.Transaction.digest !== digest) {
    throw new ChainError(
      'CHAIN_MALFORMED',
      `sent ${digest}, the node answered for ${result.Transaction.digest}`,
      {
        digest,
      },
    );
  }
  const confirmed = await settled(client, digest, waitMs, null);
  return summarise(result.Transaction, confirmed.Transaction?.checkpoint ?? null, packageId);
}

async function build(
  client: ClientWithCoreApi,
  tx: Transaction,
  signer: Account,
): Promise<Uint8Array<ArrayBuffer>> {
  tx.setSenderIfNotSet(signer.toSuiAddress());
  try {
    return await tx.build({ client });
  } catch (error) {
    throw toChainError(error);
  }
}

async function settled(
  client: ClientWithCoreApi,
  digest: string,
  waitMs: number,
  sendFailure: ChainError | null,
): Promise<SuiClientTypes.TransactionResult<typeof INCLUDE>> {
  try {
    return await client.core.waitForTransaction({
      digest,
      include: INCLUDE,
      timeout: waitMs,
      pollSchedule: WAIT_SCHEDULE_MS,
    });
  } catch (error) {
    const cause = sendFailure ?? error;
    throw new ChainError(
      'TRANSACTION_UNKNOWN',
      `transaction ${digest} was sent and not seen within ${waitMs} ms`,
      {
        cause,
        digest,
      },
    );
  }
}

function failed({ status, digest, effects }: Included): ChainError {
  const details = { digest, gasMist: gasMistOf(effects) };
  if (status.error !== null) return executionFailed(status.error, details);
  return new ChainError('TRANSACTION_FAILED', `transaction ${digest} failed without a reason`, details);
}

function gasMistOf({ gasUsed }: Included['effects']): bigint {
  return BigInt(gasUsed.computationCost) + BigInt(gasUsed.storageCost) - BigInt(gasUsed.storageRebate);
}

/**
 * What a transaction cost its sender, MIST, whether it failed or not; null if the node does not know the digest.
 * @throws ChainError
 */
export async function readGasMist(client: ClientWithCoreApi, digest: string): Promise<bigint | null> {
  try {
    const result = await client.core.getTransaction({ digest, include: { effects: true } });
    const { effects } = result.$kind === 'Transaction' ? result.Transaction : result.FailedTransaction;
    return gasMistOf(effects);
  } catch (error) {
    const failure = toChainError(error);
    if (failure.code === 'OBJECT_MISSING') return null;
    throw failure;
  }
}

function summarise(transaction: Included, checkpoint: string | null, packageId: SuiId | null): Executed {
  const { digest, effects, events, objectTypes } = transaction;
  const created: { id: SuiId; type: string }[] = [];
  let published: SuiId | null = null;
  for (const change of effects.changedObjects) {
    if (!isSuiId(change.objectId))
      throw new ChainError('CHAIN_MALFORMED', `${change.objectId} is not an object id`);
    if (change.outputState === 'PackageWrite') published = change.objectId;
    else if (change.idOperation === 'Created' && change.outputState === 'ObjectWrite') {
      created.push({ id: change.objectId, type: objectTypes[change.objectId] ?? '' });
    }
  }
  const parsed =
    packageId === null ? [] : events.map(({ eventType, bcs }) => parseEvent(packageId, eventType, bcs));
  return {
    digest,
    checkpoint: checkpoint === null ? null : BigInt(checkpoint),
    gasMist: gasMistOf(effects),
    events: parsed.filter((event) => event !== null),
    created,
    packageId: published,
  };
}

/** The one object of a type that a transaction made. @throws ChainError OBJECT_MISSING */
export function createdOne(executed: Executed, type: string): SuiId {
  const [found, ...others] = executed.created.filter((object) => object.type === type);
  if (found === undefined || others.length > 0) {
    throw new ChainError('OBJECT_MISSING', `${executed.digest} made ${found ? 'several' : 'no'} ${type}`);
  }
  return found.id;
}
