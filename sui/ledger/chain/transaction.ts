import { bcs } from '@mysten/sui/bcs';

import { typedDigest } from './digests.ts';
import { LedgerError } from './errors.ts';
import { checkLimits } from './limits.ts';
import { quickParse } from './parse.ts';
import type { ProgrammableTransaction, TransactionData } from './transaction-data.ts';

export type * from './transaction-data.ts';

export interface ParsedTransaction {
  readonly data: TransactionData;
  readonly program: ProgrammableTransaction;
  readonly bytes: Uint8Array;
  /** base58 */
  readonly digest: string;
}

/** As in Sui's protocol config. */
const TRANSACTION_BYTES_MAX = 128 * 1024;

/** Parses the BCS of a TransactionData; refuses bytes that are not its canonical form. */
export function parseTransaction(bytes: Uint8Array): ParsedTransaction {
  if (bytes.length > TRANSACTION_BYTES_MAX) {
    throw new LedgerError(
      'TRANSACTION_MALFORMED',
      `The transaction is larger than ${TRANSACTION_BYTES_MAX} bytes.`,
    );
  }
  const quick = quickParse(bytes);
  if (quick !== null) {
    const transaction = describeTransaction(quick, bytes);
    checkLimits(transaction.program);
    return transaction;
  }
  try {
    const transaction = describeTransaction(bcs.TransactionData.parse(bytes).V1);
    if (!Buffer.from(transaction.bytes).equals(bytes)) {
      throw new LedgerError('TRANSACTION_MALFORMED', 'The transaction is not in its canonical BCS form.');
    }
    return transaction;
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    const message = 'The transaction is not a TransactionData in BCS.';
    throw new LedgerError('TRANSACTION_MALFORMED', message, { cause });
  }
}

/** A transaction that `parseTransaction` accepted once: its bytes are known to be canonical. */
export function restoreTransaction(bytes: Uint8Array, digest?: string): ParsedTransaction {
  return describeTransaction(quickParse(bytes) ?? bcs.TransactionData.parse(bytes).V1, bytes, digest);
}

/** Completes transaction data with bytes and digest, unless they are known. */
export function describeTransaction(
  data: TransactionData,
  known?: Uint8Array,
  knownDigest?: string,
): ParsedTransaction {
  const { kind } = data;
  if (kind.$kind !== 'ProgrammableTransaction') {
    throw new LedgerError('UNSUPPORTED', `Transactions of kind ${kind.$kind} are not accepted.`);
  }
  const program = kind.ProgrammableTransaction;
  // Bytes that are known were checked when they came.
  if (known === undefined) checkLimits(program);
  const bytes = known ?? serialize(data);
  return { data, program, bytes, digest: knownDigest ?? typedDigest('TransactionData', bytes) };
}

/** The schema reads some of what it refuses to write, such as digests of another length. */
function serialize(data: TransactionData): Uint8Array {
  try {
    return bcs.TransactionData.serialize({ V1: data }, { maxSize: 1 << 20 }).toBytes();
  } catch (cause) {
    throw new LedgerError('TRANSACTION_MALFORMED', 'The transaction has no BCS.', { cause });
  }
}
