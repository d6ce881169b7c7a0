import { basename } from 'node:path';

import type { Checkpoint } from '../chain/checkpoints.ts';
import { LedgerError } from '../chain/errors.ts';
import type { Ledger } from '../chain/ledger.ts';
import { writeAtomically, type Disk, type JournalFile } from './file.ts';
import { encodeFrame } from './frame.ts';
import { encodeContinued, type GenesisRecord } from './record.ts';
import { companionPath, continueSegment, listCompanions, type OpenSegment } from './segments.ts';
import { writeSnapshot } from './snapshot-file.ts';
import type { JournalWriter } from './writer.ts';

export interface SnapshotResult {
  readonly path: string;
  /** Number of the checkpoint that the snapshot is of. */
  readonly sequence: bigint;
  readonly bytes: number;
  readonly ms: number;
}

export interface SnapshotOptions {
  /** A file for a copy of its own, which `restoreLedger` begins a journal from; it must not exist. */
  readonly to?: string | undefined;
}

type Place = Pick<Checkpoint, 'sequence' | 'digest'>;

/** A snapshot that is this much larger than the journal since then is not worth taking yet. */
const WORTH_RATIO = 64;
/** At the end a snapshot is worth more than the 50 ms that it takes to run this much again. */
const CLOSING_BYTES = 64 << 10;

/**
 * Takes snapshots of a chain and drops what they make needless. The newest two are kept, with the journal from the
 * first of them on: a snapshot that turns out to be damaged costs a longer replay, not the chain.
 */
export class Snapshots {
  readonly #disk: Disk;
  readonly #journal: string;
  readonly #file: JournalFile;
  readonly #genesis: GenesisRecord;
  readonly #genesisBytes: number;
  readonly #ledger: Ledger;
  readonly #writer: JournalWriter;
  readonly #everyBytes: number;
  readonly #report: (outcome: SnapshotResult | LedgerError) => void;
  /** Where the newest two are that are known to be whole, in order. */
  #kept: readonly Place[];
  #keptBytes = 0;
  #bytesSince: number;
  #running: Promise<unknown> = Promise.resolve();
  #isWaiting = false;

  constructor(parts: {
    readonly disk: Disk;
    readonly journal: string;
    /** The journal's first file, and how long it is up to the end of the genesis. */
    readonly file: JournalFile;
    readonly genesis: GenesisRecord;
    readonly genesisBytes: number;
    readonly ledger: Ledger;
    readonly writer: JournalWriter;
    /** Bytes of changes after which a snapshot is taken. */
    readonly everyBytes: number;
    /** Hears of the snapshots that nobody asked for. */
    readonly report: (outcome: SnapshotResult | LedgerError) => void;
    /** Where the snapshot is that the ledger began with, and bytes that were replayed after it. */
    readonly restored: Place | null;
    readonly replayedBytes: number;
  }) {
    this.#disk = parts.disk;
    this.#journal = parts.journal;
    this.#file = parts.file;
    this.#genesis = parts.genesis;
    this.#genesisBytes = parts.genesisBytes;
    this.#ledger = parts.ledger;
    this.#writer = parts.writer;
    this.#everyBytes = parts.everyBytes;
    this.#report = parts.report;
    this.#kept = parts.restored === null ? [] : [parts.restored];
    this.#bytesSince = parts.replayedBytes;
  }

  /** Counts what was written and takes a snapshot when it is time. */
  onWritten(bytes: number): void {
    this.#bytesSince += bytes;
    if (this.#isWaiting || this.#bytesSince < Math.max(this.#everyBytes, this.#keptBytes / WORTH_RATIO))
      return;
    this.#isWaiting = true;
    void this.#takeUnasked().finally(() => (this.#isWaiting = false));
  }

  /** @throws LedgerError SNAPSHOT_FAILED: the chain goes on as before; JOURNAL_WRITE_FAILED */
  async take({ to }: SnapshotOptions = {}): Promise<SnapshotResult> {
    const run = this.#running.then(() => (to === undefined ? this.#take() : this.#copy(to)));
    this.#running = run.catch(() => undefined);
    try {
      return await run;
    } catch (cause) {
      if (cause instanceof LedgerError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new LedgerError('SNAPSHOT_FAILED', `The snapshot cannot be written: ${reason}.`, { cause });
    }
  }

  /** Waits for what is under way, and takes a last one if there is much to run again without it. */
  async close(): Promise<void> {
    await this.#running;
    const isWorth =
      Number.isFinite(this.#everyBytes) && this.#bytesSince >= Math.min(this.#everyBytes, CLOSING_BYTES);
    if (isWorth && this.#writer.failure === null) await this.#takeUnasked();
  }

  async #takeUnasked(): Promise<void> {
    try {
      this.#report(await this.take());
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      this.#report(error);
    }
  }

  async #take(): Promise<SnapshotResult> {
    const startedMs = performance.now();
    const view = this.#ledger.view();
    const { sequence, digest } = view.checkpoint;
    // In one go with the view, so that the segment stands after the very checkpoint that the snapshot is of.
    const cut = this.#writer.cut((old) => this.#begin(old, view.checkpoint));
    // If it fails, the next try comes after another stretch of the journal.
    this.#bytesSince = 0;
    await cut;
    const path = companionPath(this.#journal, 'snapshot', sequence);
    const { bytes, runs } = await writeAtomically(this.#disk, path, (file) =>
      writeSnapshot(file, this.#genesis, view),
    );
    this.#ledger.adopt(runs);
    this.#kept = [...this.#kept.filter((one) => one.sequence !== sequence), { sequence, digest }].slice(-2);
    this.#keptBytes = bytes;
    // What cannot be removed now is found again after the next snapshot.
    await this.#dropNeedless().catch(() => undefined);
    return { path, sequence, bytes, ms: performance.now() - startedMs };
  }

  async #copy(to: string): Promise<SnapshotResult> {
    const startedMs = performance.now();
    if (await this.#disk.exists(to))
      throw new LedgerError('SNAPSHOT_FAILED', `There is a file ${basename(to)} already.`);
    const view = this.#ledger.view();
    await this.#writer.settled();
    const { bytes, runs } = await writeAtomically(this.#disk, to, (file) =>
      writeSnapshot(file, this.#genesis, view),
    );
    this.#ledger.adopt(runs);
    return { path: to, sequence: view.checkpoint.sequence, bytes, ms: performance.now() - startedMs };
  }

  async #begin(old: OpenSegment, { sequence, digest }: Place): Promise<OpenSegment> {
    if (old.base?.sequence === sequence) return old;
    const base = { chainId: this.#ledger.chainId, sequence, digest };
    const next = await continueSegment(this.#disk, this.#journal, old, base);
    if (old.file !== this.#file) await old.file.close();
    return next;
  }

  async #dropNeedless(): Promise<void> {
    const [oldest, newest] = this.#kept;
    if (oldest === undefined || newest === undefined) return;
    const { companions } = await listCompanions(this.#disk, this.#journal);
    for (const { kind, sequence, path } of companions) {
      const isNeeded =
        kind === 'snapshot'
          ? this.#kept.some((one) => one.sequence === sequence)
          : sequence >= oldest.sequence;
      if (!isNeeded) await this.#disk.remove(path);
    }
    // The first file stays, with the genesis: it is what the lock is on.
    const end = encodeFrame(encodeContinued(oldest));
    const length = this.#genesisBytes + end.length;
    if ((await this.#file.size()) <= length) return;
    await this.#file.write(this.#genesisBytes, end);
    await this.#file.sync();
    await this.#file.truncate(length);
    await this.#file.sync();
  }
}
