import { bcs } from '@mysten/sui/bcs';

import { typedDigest } from './digests.ts';
import { LedgerError } from './errors.ts';
import { checkLimits } from './limits.ts';
import { quickParse } from './parse.ts';

/** TransactionData version 1 in the JSON shape of @mysten/sui's BCS schemas. */
export type TransactionData = Extract<typeof bcs.TransactionData.$inferType, { $kind: 'V1' }>['V1'];
export type ProgrammableTransaction = Extract<
  TransactionData['kind'],
  { $kind: 'ProgrammableTransaction' }
>['ProgrammableTransaction'];
export type Command = ProgrammableTransaction['commands'][number];
export type CallArg = ProgrammableTransaction['inputs'][number];
export type Argument = Extract<Command, { $kind: 'TransferObjects' }>['TransferObjects']['address'];
export type ObjectRef = TransactionData['gasData']['payment'][number];

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
  let data: TransactionData;
  try {
    data = bcs.TransactionData.parse(bytes).V1;
  } catch (cause) {
    throw new LedgerError('TRANSACTION_MALFORMED', 'The transaction is not a TransactionData in BCS.', {
      cause,
    });
  }
  const transaction = describeTransaction(data);
  if (!Buffer.from(transaction.bytes).equals(bytes)) {
    throw new LedgerError('TRANSACTION_MALFORMED', 'The transaction is not in its canonical BCS form.');
  }
  return transaction;
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
  const bytes = known ?? bcs.TransactionData.serialize({ V1: data }, { maxSize: 1 << 20 }).toBytes();
  return { data, program, bytes, digest: knownDigest ?? typedDigest('TransactionData', bytes) };
}
