import type { Receipt, SuiId } from '@k3s-daas/core';
import type { ClientWithCoreApi, SuiClientTypes } from '@mysten/sui/client';
import { Transaction } from '@mysten/sui/transactions';

import { executionFailed, toChainError, ChainError } from './errors.ts';
import { execute, type Executed, type ExecuteOptions } from './execute.ts';
import { parseObject } from './layouts.ts';
import { readOne } from './reads.ts';
import { requestAccessMany, type Placement, type SignedRelease } from './seal-calls.ts';
import {
  accessGrantBcs,
  policyBcs,
  sealTypes,
  type AccessGrantRecord,
  type PolicyRecord,
} from './seal-layouts.ts';
import type { Actor } from './transactions.ts';

/** What one pod shows: its receipt and a release for each policy. Every release is one command. */
export interface AccessRequest {
  readonly placement: Placement;
  readonly receipt: Receipt;
  readonly releases: readonly (SignedRelease & { readonly policy: SuiId })[];
}

/** A grant, and the transaction that made it, base58. */
export interface HeldGrant extends AccessGrantRecord {
  readonly transaction: string | null;
}

const GRANTS_MAX = 1_000;

/** @throws ChainError OBJECT_MISSING, OBJECT_MALFORMED, CHAIN_… */
export function readPolicy(client: ClientWithCoreApi, packageId: SuiId, id: SuiId): Promise<PolicyRecord> {
  return readOne(client, id, { type: sealTypes(packageId).policy, layout: policyBcs });
}

/** Grants that an address holds, also those that have ended; at most 1,000. @throws ChainError */
export async function listGrants(
  client: ClientWithCoreApi,
  packageId: SuiId,
  recipient: SuiId,
): Promise<HeldGrant[]> {
  const include = { content: true, previousTransaction: true } as const;
  const { accessGrant: type } = sealTypes(packageId);
  const found: HeldGrant[] = [];
  let cursor: string | null = null;
  try {
    do {
      const page: SuiClientTypes.ListOwnedObjectsResponse<typeof include> =
        await client.core.listOwnedObjects({ owner: recipient, type, cursor, include });
      for (const { objectId, content, previousTransaction } of page.objects)
        found.push({ ...parseObject(accessGrantBcs, objectId, content), transaction: previousTransaction });
      cursor = page.hasNextPage && page.objects.length > 0 ? page.cursor : null;
    } while (cursor !== null && found.length < GRANTS_MAX);
  } catch (error) {
    throw toChainError(error);
  }
  return found;
}

/**
 * Asks for every release in one transaction: either all of them bring a grant or none does.
 * @throws ChainError TRANSACTION_FAILED with the command that failed, counted over all releases; without a digest if
 *   that was foreseen and nothing was sent.
 */
export function requestGrants(
  actor: Actor,
  requests: readonly AccessRequest[],
  options: Pick<ExecuteOptions, 'waitMs'> = {},
): Promise<Executed> {
  const { client, signer, packageId, gas } = actor;
  const tx = accessTransaction(packageId, requests);
  return execute(client, tx, signer, packageId, { ...options, ...(gas && { gas }) });
}

/** Whether a request would be granted now, by simulation: it costs nothing. @throws ChainError as requestGrants. */
export async function simulateGrants(
  { client, packageId }: Pick<Actor, 'client' | 'packageId'>,
  request: AccessRequest,
): Promise<void> {
  const tx = accessTransaction(packageId, [request]);
  // Whoever sends it, it is the same.
  tx.setSender(`0x${'0'.repeat(64)}`);
  try {
    const result = await client.core.simulateTransaction({ transaction: tx, include: { effects: true } });
    if (result.$kind === 'Transaction') return;
    const { error } = result.FailedTransaction.status;
    throw error === null
      ? new ChainError('TRANSACTION_FAILED', 'the simulation failed without a reason')
      : executionFailed(error);
  } catch (error) {
    throw toChainError(error);
  }
}

function accessTransaction(packageId: SuiId, requests: readonly AccessRequest[]): Transaction {
  const tx = new Transaction();
  for (const { placement, receipt, releases } of requests)
    requestAccessMany(tx, packageId, placement, receipt, releases);
  return tx;
}
