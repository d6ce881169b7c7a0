import { CodedError } from '@k3s-daas/core';

export type LedgerErrorCode =
  | 'TRANSACTION_MALFORMED'
  | 'SIGNATURE_INVALID'
  | 'INPUT_INVALID'
  | 'OBJECT_NOT_FOUND'
  | 'OBJECT_VERSION_CONFLICT'
  | 'OBJECT_NOT_OWNED'
  | 'GAS_INVALID'
  | 'GAS_INSUFFICIENT'
  | 'TRANSACTION_EXPIRED'
  | 'UNSUPPORTED'
  | 'NOT_FOUND'
  | 'CLOCK_NOT_MANUAL'
  | 'REQUEST_FOREIGN'
  | 'REQUEST_MALFORMED'
  | 'ADMIN_NOT_LOCAL'
  | 'SNAPSHOT_UNAVAILABLE'
  | 'GENESIS_INVALID'
  | 'JOURNAL_LOCKED'
  | 'JOURNAL_CORRUPT'
  | 'JOURNAL_INCOMPLETE'
  | 'JOURNAL_MISMATCH'
  | 'JOURNAL_DIVERGED'
  | 'JOURNAL_UNREADABLE'
  | 'JOURNAL_WRITE_FAILED'
  | 'SNAPSHOT_CORRUPT'
  | 'SNAPSHOT_MISMATCH'
  | 'SNAPSHOT_FAILED';

const REMEDIES: Readonly<Record<LedgerErrorCode, string>> = {
  TRANSACTION_MALFORMED: 'Build the transaction with @mysten/sui.',
  SIGNATURE_INVALID: 'Sign the very bytes sent, as sender and as gas owner.',
  INPUT_INVALID: 'Rebuild the transaction.',
  OBJECT_NOT_FOUND: 'Check the object id; the object may have been deleted or wrapped.',
  OBJECT_VERSION_CONFLICT: 'Read the object again and rebuild the transaction.',
  OBJECT_NOT_OWNED: 'Sign as the owner of the object.',
  GAS_INVALID: 'Pay with SUI coins of the gas owner.',
  GAS_INSUFFICIENT: 'Fund the gas owner (POST /faucet) or raise the budget.',
  TRANSACTION_EXPIRED: 'Rebuild the transaction.',
  UNSUPPORTED: 'See the limits in sui/ledger/README.md.',
  NOT_FOUND: 'Check the digest or number; old history is dropped.',
  CLOCK_NOT_MANUAL: 'Create the ledger with a manual clock.',
  REQUEST_FOREIGN: 'Call it from a program on this machine, as JSON: daas chain does.',
  REQUEST_MALFORMED: 'Send what the message asks for.',
  ADMIN_NOT_LOCAL: 'Listen on 127.0.0.1, or leave the admin routes out.',
  SNAPSHOT_UNAVAILABLE: 'Start the ledger with --data-dir.',
  GENESIS_INVALID: 'Give the framework modules that @k3s-daas/move compiles.',
  JOURNAL_LOCKED: 'End the other process, or give this ledger a journal of its own.',
  JOURNAL_CORRUPT:
    'Restore the journal from a copy, or begin a new chain with another file; never cut it by hand.',
  JOURNAL_INCOMPLETE:
    'Put the missing files back beside the journal, or restore a copy of a snapshot to a new place.',
  JOURNAL_MISMATCH: 'Open it with what it was made with, or begin a new chain with another file.',
  JOURNAL_DIVERGED:
    'Open it with the version of the ledger that wrote it, or begin a new chain with another file.',
  JOURNAL_UNREADABLE: 'Check that the folder exists, is writable and has space.',
  JOURNAL_WRITE_FAILED:
    'Make room on the disk and start the ledger again; then look the transaction up by its digest.',
  SNAPSHOT_CORRUPT: 'Use another copy of the snapshot.',
  SNAPSHOT_MISMATCH: 'Use a snapshot of this very chain, made by this version of the ledger.',
  SNAPSHOT_FAILED: 'Make room on the disk; the chain itself goes on, and the next snapshot is tried later.',
};

/**
 * A request the ledger refuses: no gas is charged, no state changes. JOURNAL_* come from opening a journal, except
 * JOURNAL_WRITE_FAILED: the disk did not take a change, which was taken back, and no others are accepted from then on.
 */
export class LedgerError extends CodedError<LedgerErrorCode> {
  constructor(code: LedgerErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, REMEDIES[code], options);
  }
}
