import { randomBytes } from 'node:crypto';

import { concatBytes, equalBytes, toHex } from '@k3s-daas/core';

import { LedgerError } from '../chain/errors.ts';
import { DEFAULT_LIMITS, Ledger, type LedgerOptions } from '../chain/ledger.ts';
import { openFile, type JournalFile, type OpenFile } from './file.ts';
import { corrupt, encodeFrame, MAGIC, scanFrames, type Frame } from './frame.ts';
import { decodeChange, decodeGenesis, digestFramework, encodeGenesis, type GenesisRecord } from './record.ts';
import { JournalWriter } from './writer.ts';

export interface JournaledLedgerOptions extends LedgerOptions {
  /** Path of the journal; created with its folder if it is missing. */
  readonly journal: string;
}

export interface JournaledLedger {
  readonly ledger: Ledger;
  /** Changes that were found in the journal. */
  readonly replayed: number;
  /** Bytes of incomplete records at the end, which opening has cut off; 0 after an orderly end. */
  readonly tornBytes: number;
  /** Closes the ledger; resolves once all of it is in the journal and the lock is free. */
  readonly close: () => Promise<void>;
}

/** A file without a whole genesis that is longer was once the journal of a chain. */
const GENESIS_BYTES_MAX = 64 << 10;

/**
 * Continues the chain of a journal, or begins one. `seed` and `limits` are the journal's, which refuses others.
 * @throws LedgerError JOURNAL_LOCKED, JOURNAL_CORRUPT, JOURNAL_MISMATCH (another framework, seed, limits or format),
 * JOURNAL_DIVERGED (this VM does not come to the same chain), JOURNAL_UNREADABLE, GENESIS_INVALID
 */
export async function openLedger(options: JournaledLedgerOptions): Promise<JournaledLedger> {
  return await openLedgerOn(openFile, options);
}

/** `openLedger` on a disk of one's own. */
export async function openLedgerOn(
  openJournal: OpenFile,
  options: JournaledLedgerOptions,
): Promise<JournaledLedger> {
  const file = await orUnreadable(() => openJournal(options.journal));
  try {
    return await orUnreadable(() => load(file, options));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function load(file: JournalFile, options: LedgerOptions): Promise<JournaledLedger> {
  const size = await file.size();
  const frames = scanFrames(file);
  const first = await frames.next();
  let bytes: number;
  let ledger: Ledger;
  let replayed = 0;
  if (first.done === true) {
    if (size > GENESIS_BYTES_MAX) throw corrupt(0, 'it holds no genesis, but more than an unfinished one');
    ({ ledger, bytes } = await begin(file, options));
  } else {
    ledger = restoreGenesis(first.value, options);
    let next = await frames.next();
    for (; next.done !== true; next = await frames.next()) {
      replay(ledger, next.value);
      replayed += 1;
    }
    bytes = next.value;
    if (bytes < size) {
      await file.truncate(bytes);
      await file.sync();
    }
  }
  const tornBytes = first.done === true ? size : size - bytes;
  const writer = new JournalWriter(file, bytes);
  ledger.start(writer);
  const close = async (): Promise<void> => {
    ledger.close();
    await writer.close();
  };
  return { ledger, replayed, tornBytes, close };
}

/** A new chain. Nobody has heard of what a file may hold that has no whole genesis. */
async function begin(
  file: JournalFile,
  options: LedgerOptions,
): Promise<{ readonly ledger: Ledger; readonly bytes: number }> {
  const seed = options.seed ?? new Uint8Array(randomBytes(32));
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const ledger = new Ledger({ ...options, seed, limits });
  const { timestampMs } = ledger.checkpoints.latest;
  const frameworkDigest = digestFramework(options.framework);
  const genesis = { seed, timestampMs, limits, frameworkDigest, chainId: ledger.chainId };
  const content = concatBytes(MAGIC, encodeFrame(encodeGenesis(genesis)));
  await file.truncate(0);
  await file.write(0, content);
  await file.sync();
  return { ledger, bytes: content.length };
}

function restoreGenesis({ offset, record }: Frame, options: LedgerOptions): Ledger {
  let genesis: GenesisRecord;
  try {
    genesis = decodeGenesis(record);
  } catch (cause) {
    throw corrupt(offset, 'the genesis record cannot be read', cause);
  }
  checkSame(genesis, options);
  const { seed, limits, timestampMs, chainId } = genesis;
  const ledger = new Ledger({ ...options, seed, limits }, timestampMs);
  if (ledger.chainId !== chainId) throw diverged(offset, `genesis has chain id ${ledger.chainId}`);
  return ledger;
}

function checkSame({ seed, limits, frameworkDigest }: GenesisRecord, options: LedgerOptions): void {
  const digest = digestFramework(options.framework);
  if (!equalBytes(digest, frameworkDigest)) {
    throw new LedgerError(
      'JOURNAL_MISMATCH',
      `The journal was made with framework ${toHex(frameworkDigest)}, not ${toHex(digest)}.`,
    );
  }
  if (options.seed !== undefined && !equalBytes(new Uint8Array(options.seed), seed))
    throw new LedgerError('JOURNAL_MISMATCH', 'The journal was made with another seed.');
  const wanted = { ...limits, ...options.limits };
  if (wanted.stepsMax !== limits.stepsMax || wanted.callDepthMax !== limits.callDepthMax)
    throw new LedgerError('JOURNAL_MISMATCH', 'The journal was made with other limits.');
}

function replay(ledger: Ledger, { offset, record }: Frame): void {
  let read: ReturnType<typeof decodeChange>;
  try {
    read = decodeChange(record);
  } catch (cause) {
    throw corrupt(offset, 'a record cannot be read', cause);
  }
  let digest: string;
  try {
    digest = ledger.replay(read.change);
  } catch (cause) {
    throw diverged(offset, 'a change that was executed is refused', cause);
  }
  if (digest !== read.checkpointDigest)
    throw diverged(offset, `checkpoint ${read.checkpointDigest} is now ${digest}`);
}

function diverged(offset: number, why: string, cause?: unknown): LedgerError {
  return new LedgerError('JOURNAL_DIVERGED', `Replay differs from the journal at byte ${offset}: ${why}.`, {
    cause,
  });
}

/** Errors of the file system get a code of this layer. */
async function orUnreadable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause;
    throw new LedgerError('JOURNAL_UNREADABLE', `The journal cannot be opened: ${cause.message}.`, { cause });
  }
}
