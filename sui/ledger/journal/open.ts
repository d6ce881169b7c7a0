import { randomBytes } from 'node:crypto';

import { concatBytes, equalBytes, toHex } from '@k3s-daas/core';

import type { Checkpoint } from '../chain/checkpoints.ts';
import { LedgerError } from '../chain/errors.ts';
import { DEFAULT_LIMITS, Ledger, type LedgerOptions } from '../chain/ledger.ts';
import { localDisk, type Disk, type JournalFile } from './file.ts';
import { corrupt, encodeFrame, MAGIC, scanFrames, type Frame } from './frame.ts';
import { decodeGenesis, digestFramework, encodeGenesis, type GenesisRecord } from './record.ts';
import { diverged, incomplete, replayJournal, type Replayed, type Source } from './replay.ts';
import { inFile, listCompanions, openSegment, type Companion } from './segments.ts';
import { readSnapshot } from './snapshot-file.ts';
import { Snapshots, type SnapshotOptions, type SnapshotResult } from './snapshots.ts';
import { JournalWriter } from './writer.ts';

export interface JournaledLedgerOptions extends LedgerOptions {
  /** Path of the journal; created with its folder if it is missing. Files beside it begin with its name. */
  readonly journal: string;
  /** Bytes of changes after which a snapshot is taken; 2 MiB unless given, `Infinity` for never. */
  readonly snapshotBytes?: number | undefined;
  /** Hears of every snapshot that was taken unasked, or why it was not. */
  readonly onSnapshot?: ((outcome: SnapshotResult | LedgerError) => void) | undefined;
}

export interface JournaledLedger {
  readonly ledger: Ledger;
  /** Changes that were run again: those since the snapshot, if there is one. */
  readonly replayed: number;
  /** Bytes of incomplete records at the end, which opening has cut off; 0 after an orderly end. */
  readonly tornBytes: number;
  /** Number of the checkpoint whose snapshot the ledger began with. */
  readonly restored: bigint | null;
  /** Snapshots that were passed over, an older one or the whole journal replayed instead. */
  readonly bypassed: readonly LedgerError[];
  /** Takes a snapshot of what is now, and drops the journal before the snapshot before it. */
  readonly snapshot: (options?: SnapshotOptions) => Promise<SnapshotResult>;
  /** Closes the ledger; resolves once all of it is in the journal and the lock is free. */
  readonly close: () => Promise<void>;
}

/** A file without a whole genesis that is longer was once the journal of a chain. */
const GENESIS_BYTES_MAX = 64 << 10;
/** About 5,000 simple transactions, which take a second to run again. */
const SNAPSHOT_BYTES = 2 << 20;

/**
 * Continues the chain of a journal, or begins one. `seed` and `limits` are the journal's, which refuses others.
 * @throws LedgerError JOURNAL_LOCKED, JOURNAL_CORRUPT, JOURNAL_INCOMPLETE (files are missing), JOURNAL_MISMATCH
 * (another framework, seed, limits or format), JOURNAL_DIVERGED (this VM does not come to the same chain),
 * JOURNAL_UNREADABLE, GENESIS_INVALID; SNAPSHOT_CORRUPT, SNAPSHOT_MISMATCH if the journal does not go back far enough to
 * do without the snapshot
 */
export async function openLedger(options: JournaledLedgerOptions): Promise<JournaledLedger> {
  return await openLedgerOn(localDisk, options);
}

/** `openLedger` on a disk of one's own. */
export async function openLedgerOn(disk: Disk, options: JournaledLedgerOptions): Promise<JournaledLedger> {
  const file = await orUnreadable(() => disk.openLocked(options.journal));
  try {
    return await orUnreadable(() => load(disk, file, options));
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A chain that is up to date with its journal. */
interface Loaded extends Replayed {
  readonly ledger: Ledger;
  readonly genesis: GenesisRecord;
  readonly genesisBytes: number;
  readonly restored: Checkpoint | null;
  readonly bypassed: readonly LedgerError[];
}

async function load(
  disk: Disk,
  file: JournalFile,
  options: JournaledLedgerOptions,
): Promise<JournaledLedger> {
  const { ledger, tail, bytes, genesis, genesisBytes, ...loaded } = await loadChain(disk, file, options);
  // The first file keeps its lock, and stays open, when others have taken over.
  const isFirst = tail.file === file;
  const segment = isFirst ? { ...tail, file: { ...file, close: () => Promise.resolve() } } : tail;
  const writer = new JournalWriter(segment, (written) => {
    snapshots.onWritten(written);
  });
  const snapshots = new Snapshots({
    disk,
    journal: options.journal,
    file,
    genesis,
    genesisBytes,
    ledger,
    writer,
    everyBytes: options.snapshotBytes ?? SNAPSHOT_BYTES,
    report: options.onSnapshot ?? (() => undefined),
    restored: loaded.restored,
    replayedBytes: bytes,
  });
  ledger.start(writer);
  return {
    ledger,
    replayed: loaded.changes,
    tornBytes: loaded.tornBytes,
    restored: loaded.restored?.sequence ?? null,
    bypassed: loaded.bypassed,
    snapshot: (asked) => snapshots.take(asked),
    async close() {
      ledger.close();
      await snapshots.close();
      await writer.close();
      await file.close();
    },
  };
}

async function loadChain(disk: Disk, file: JournalFile, options: JournaledLedgerOptions): Promise<Loaded> {
  const { journal } = options;
  const frames = scanFrames(file);
  const first = await frames.next();
  const { companions, unfinished } = await listCompanions(disk, journal);
  for (const path of unfinished) await disk.remove(path);
  if (first.done === true) {
    if (companions.length > 0) throw incomplete('its first file is missing');
    return await begin(file, options);
  }
  const genesis = readGenesis(first.value);
  checkSame(genesis, options);
  const genesisBytes = MAGIC.length + encodeFrame(first.value.record).length;
  const segments = companions.filter(({ kind }) => kind === 'segment');
  const bypassed: LedgerError[] = [];
  for (const snapshot of companions.filter(({ kind }) => kind === 'snapshot').reverse()) {
    const later = segments.filter(({ sequence }) => sequence >= snapshot.sequence);
    const ledger = await orBypassed(snapshot, bypassed, () =>
      restoreSnapshot(disk, snapshot, later[0], genesis, options),
    );
    if (ledger === null) continue;
    const restored = ledger.checkpoints.latest;
    const replayed = await replayJournal(disk, ledger, null, later);
    return { ...replayed, ledger, genesis, genesisBytes, restored, bypassed };
  }
  const ledger = restoreGenesis(genesis, options, first.value.offset);
  const source: Source = { file, base: null, frames };
  const replayed = await orTheSnapshots(bypassed, () => replayJournal(disk, ledger, source, segments));
  return { ...replayed, ledger, genesis, genesisBytes, restored: null, bypassed };
}

/** A new chain. Nobody has heard of what a file may hold that has no whole genesis. */
async function begin(file: JournalFile, options: LedgerOptions): Promise<Loaded> {
  const size = await file.size();
  if (size > GENESIS_BYTES_MAX) throw corrupt(0, 'it holds no genesis, but more than an unfinished one');
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
  const tail = { file, bytes: content.length, base: null };
  const genesisBytes = content.length;
  return {
    ...{ ledger, genesis, genesisBytes, tail, tornBytes: size },
    ...{ changes: 0, bytes: 0, restored: null, bypassed: [] },
  };
}

function readGenesis({ offset, record }: Frame): GenesisRecord {
  try {
    return decodeGenesis(record);
  } catch (cause) {
    throw corrupt(offset, 'the genesis record cannot be read', cause);
  }
}

function restoreGenesis(genesis: GenesisRecord, options: LedgerOptions, offset: number): Ledger {
  const { seed, limits, timestampMs, chainId } = genesis;
  const ledger = new Ledger({ ...options, seed, limits }, timestampMs);
  if (ledger.chainId !== chainId) throw diverged(offset, `genesis has chain id ${ledger.chainId}`);
  return ledger;
}

/** The chain of a snapshot, which must be that of the journal and stand where the segment after it begins. */
async function restoreSnapshot(
  disk: Disk,
  { path, sequence }: Companion,
  next: Companion | undefined,
  genesis: GenesisRecord,
  options: LedgerOptions,
): Promise<Ledger> {
  const file = await disk.open(path);
  const snapshot = await readSnapshot(file).finally(() => file.close());
  const { checkpoint } = snapshot.chain;
  if (!equalBytes(encodeGenesis(snapshot.genesis), encodeGenesis(genesis)))
    throw new LedgerError('SNAPSHOT_MISMATCH', 'The snapshot is of another chain.');
  if (checkpoint.sequence !== sequence)
    throw new LedgerError('SNAPSHOT_MISMATCH', `The snapshot is of checkpoint ${checkpoint.sequence}.`);
  if (next?.sequence === sequence) {
    const { file: segment, base } = await openSegment(disk, next);
    await segment.close();
    if (base.digest !== checkpoint.digest)
      throw new LedgerError(
        'SNAPSHOT_MISMATCH',
        `The snapshot is of checkpoint ${checkpoint.digest}, the journal has ${base.digest} there.`,
      );
  }
  const ledger = restoreGenesis(genesis, options, MAGIC.length);
  try {
    ledger.restore(snapshot.chain);
  } catch (cause) {
    throw new LedgerError('SNAPSHOT_CORRUPT', 'The snapshot is damaged: its chain cannot be loaded.', {
      cause,
    });
  }
  return ledger;
}

/** A snapshot that cannot be used is noted and passed over: what it stands for may be in the journal. */
async function orBypassed<T>(
  { path }: Companion,
  bypassed: LedgerError[],
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LedgerError) || !error.code.startsWith('SNAPSHOT_')) throw error;
    bypassed.push(inFile(path, error) as LedgerError);
    return null;
  }
}

/** If the journal does not go back far enough to do without the snapshots, what is wrong with them is the error. */
async function orTheSnapshots<T>(bypassed: readonly LedgerError[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const [newest] = bypassed;
    if (newest === undefined || !(error instanceof LedgerError) || error.code !== 'JOURNAL_INCOMPLETE')
      throw error;
    throw new LedgerError(newest.code, `${newest.message} ${error.message}`, { cause: newest });
  }
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

/** Errors of the file system get a code of this layer. */
export async function orUnreadable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause;
    throw new LedgerError('JOURNAL_UNREADABLE', `The journal cannot be opened: ${cause.message}.`, { cause });
  }
}
