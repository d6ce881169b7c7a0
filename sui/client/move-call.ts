import { bcs } from '@mysten/bcs';
import type { Transaction, TransactionArgument, TransactionResult } from '@mysten/sui/transactions';
import type { Bytes, SuiId } from '@k3s-daas/core';

/** An object, by id or as the result of an earlier command of the same transaction. */
export type ObjectInput = SuiId | TransactionArgument;

export const CLOCK = '0x6';

/** Adds a call of `entry` of the package. */
export function call(
  tx: Transaction,
  packageId: SuiId,
  entry: `${string}::${string}`,
  args: TransactionArgument[],
): TransactionResult {
  return tx.moveCall({ target: `${packageId}::${entry}`, arguments: args });
}

export function object(tx: Transaction, input: ObjectInput): TransactionArgument {
  return typeof input === 'string' ? tx.object(input) : input;
}

/** A `vector<u8>`. */
export function bytes(tx: Transaction, value: Bytes): TransactionArgument {
  return tx.pure(bcs.byteVector().serialize(value));
}
