import { toBase64, type Bytes, type SuiId } from '@k3s-daas/core';
import type { ClientWithCoreApi } from '@mysten/sui/client';
import { Transaction } from '@mysten/sui/transactions';
import { normalizeStructTag } from '@mysten/sui/utils';

import { addressOf, type Account } from './accounts.ts';
import { ChainError, executionFailed, toChainError } from './errors.ts';
import { createdOne, execute, type Executed } from './execute.ts';

/**
 * What becomes of the right to upgrade: `immutable` gives it up for good, `keep` gives the UpgradeCap to the signer, and a
 * timelock gives it to them in a `Timelock` of the published package `k3s_daas_upgrades`.
 */
export type UpgradePolicy = 'immutable' | 'keep' | Timelock;

export interface Timelock {
  /** Id of `k3s_daas_upgrades` on this chain. */
  readonly timelock: SuiId;
  /** From announcement to upgrade; a day to a year. */
  readonly delayMs: bigint;
}

/** What the compiler gives of a package. */
export interface PackageCode {
  readonly modules: readonly Bytes[];
  /** Ids of the packages that it links against. */
  readonly dependencies: readonly SuiId[];
}

export interface Published extends Executed {
  readonly packageId: SuiId;
  /** The UpgradeCap or Timelock that the signer owns now; null if the package is immutable. */
  readonly upgradeCap: SuiId | null;
}

const UPGRADE_CAP = normalizeStructTag('0x2::package::UpgradeCap');
/** `max_tx_gas` of Sui's protocol: no transaction may cost more. */
const BUDGET_MAX_MIST = 50_000_000_000n;
/** What a budget leaves room for beyond the estimate, as the SDK does it: 1,000 units of computation. */
const BUDGET_UNITS_SPARE = 1_000n;

/** The transaction that publishes a package and gives its UpgradeCap up, or to `owner`. */
export function publishTransaction(code: PackageCode, policy: UpgradePolicy, owner: SuiId): Transaction {
  const tx = new Transaction();
  const cap = tx.publish({ modules: code.modules.map(toBase64), dependencies: [...code.dependencies] });
  if (policy === 'immutable') {
    tx.moveCall({ target: '0x2::package::make_immutable', arguments: [cap] });
  } else if (policy === 'keep') {
    tx.transferObjects([cap], owner);
  } else {
    const target = `${policy.timelock}::timelock::lock` as const;
    tx.transferObjects([tx.moveCall({ target, arguments: [cap, tx.pure.u64(policy.delayMs)] })], owner);
  }
  return tx;
}

/** What a publication costs, in MIST. */
export interface PublishEstimate {
  /** Computation and storage, less what is given back. */
  readonly cost: bigint;
  /** What the sender must hold: a budget above the cost. */
  readonly budget: bigint;
}

/**
 * Has the node try it, with a coin that does not exist as gas: the sender may be poor still.
 * @throws ChainError TRANSACTION_FAILED if the node would not publish it, CHAIN_…
 */
export async function estimatePublish(
  client: ClientWithCoreApi,
  sender: SuiId,
  code: PackageCode,
  policy: UpgradePolicy,
): Promise<PublishEstimate> {
  const tx = publishTransaction(code, policy, sender);
  tx.setSender(sender);
  // Without a payment and without gas selection a node takes a coin that does not exist.
  tx.setGasBudget(BUDGET_MAX_MIST);
  try {
    const { referenceGasPrice } = await client.core.getReferenceGasPrice();
    tx.setGasPrice(BigInt(referenceGasPrice));
    const result = await client.core.simulateTransaction({
      transaction: tx,
      include: { effects: true },
    });
    if (result.$kind === 'FailedTransaction') {
      const { error } = result.FailedTransaction.status;
      if (error !== null) throw executionFailed(error);
      throw new ChainError('TRANSACTION_FAILED', 'the publication fails without a reason');
    }
    const { computationCost, storageCost, storageRebate } = result.Transaction.effects.gasUsed;
    const computation = BigInt(computationCost) + BUDGET_UNITS_SPARE * BigInt(referenceGasPrice);
    const storage = BigInt(storageCost) - BigInt(storageRebate);
    return {
      cost: BigInt(computationCost) + storage,
      budget: computation + (storage > 0n ? storage : 0n),
    };
  } catch (error) {
    throw toChainError(error);
  }
}

/** Publishes for real and waits for the checkpoint that holds it. @throws ChainError as `execute` */
export async function publishCode(
  { client, signer }: { readonly client: ClientWithCoreApi; readonly signer: Account },
  code: PackageCode,
  policy: UpgradePolicy,
): Promise<Published> {
  const executed = await execute(client, publishTransaction(code, policy, addressOf(signer)), signer);
  const { packageId, digest } = executed;
  if (packageId === null) throw new ChainError('CHAIN_MALFORMED', `${digest} names no published package`);
  if (policy === 'immutable') return { ...executed, packageId, upgradeCap: null };
  const type = policy === 'keep' ? UPGRADE_CAP : normalizeStructTag(`${policy.timelock}::timelock::Timelock`);
  return { ...executed, packageId, upgradeCap: createdOne(executed, type) };
}
