import { concatBytes, type Bytes } from '@k3s-daas/core';

import type { Change, ChangeFate, ChangeSink } from '../chain/change.ts';
import { LedgerError } from '../chain/errors.ts';
import { encodeFrame } from './frame.ts';
import { encodeChange } from './record.ts';
import type { OpenSegment } from './segments.ts';

interface Pending extends ChangeFate {
  readonly frame: Bytes;
  readonly sync: boolean;
}

/** Changes that are written together. */
interface Batch {
  readonly kind: 'batch';
  readonly changes: Pending[];
  readonly settled: PromiseWithResolvers<undefined>;
}

/** Between two batches: the second goes to another file. */
interface Cut {
  readonly kind: 'cut';
  readonly begin: (old: OpenSegment) => Promise<OpenSegment>;
  readonly settled: PromiseWithResolvers<undefined>;
}

/**
 * Appends changes to the journal. While one write runs, the changes that come meanwhile wait for the next, which they
 * share, and its fsync with it. A batch of nothing but empty checkpoints is written without one: kill -9 leaves them,
 * a power cut may take the newest, and nobody was told of a transaction in them.
 */
export class JournalWriter implements ChangeSink {
  readonly #onWritten: (bytes: number) => void;
  /** Everything before its length is settled. */
  #segment: OpenSegment;
  readonly #queue: (Batch | Cut)[] = [];
  /** Settles with the newest change. */
  #tail: Promise<unknown> = Promise.resolve();
  #flushing: Promise<void> | null = null;
  #failure: LedgerError | null = null;

  /** `onWritten` hears of the bytes of every batch. */
  constructor(segment: OpenSegment, onWritten: (bytes: number) => void) {
    this.#segment = segment;
    this.#onWritten = onWritten;
  }

  get failure(): LedgerError | null {
    return this.#failure;
  }

  append(change: Change, checkpointDigest: string, fate: ChangeFate): void {
    if (this.#failure !== null) throw this.#failure;
    const frame = encodeFrame(encodeChange({ change, checkpointDigest }));
    let batch = this.#queue.at(-1);
    if (batch?.kind !== 'batch') {
      batch = { kind: 'batch', changes: [], settled: promiseWithResolvers() };
      this.#queue.push(batch);
      this.#tail = batch.settled.promise;
    }
    batch.changes.push({ ...fate, frame, sync: change.kind !== 'empty' });
    this.#flushing ??= this.#flush();
  }

  async settled(): Promise<void> {
    await this.#tail;
  }

  /**
   * What is appended from now on goes to the segment that `begin` makes, once everything before is on the disk.
   * Rejects if that does not come about: the journal then goes on where it is, or has failed.
   */
  async cut(begin: Cut['begin']): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const settled = promiseWithResolvers();
    this.#queue.push({ kind: 'cut', begin, settled });
    this.#flushing ??= this.#flush();
    await settled.promise;
  }

  /** Settles what is under way, takes no more, then lets go of the file. */
  async close(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
    this.#failure ??= new LedgerError('JOURNAL_WRITE_FAILED', 'The journal is closed.');
    await this.#segment.file.close();
  }

  async #flush(): Promise<void> {
    // Lets the caller append what belongs together before the first write begins.
    await Promise.resolve();
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (next.kind === 'cut') await this.#cut(next);
      else await this.#settle(next);
    }
    this.#flushing = null;
  }

  async #settle(batch: Batch): Promise<void> {
    const bytes = concatBytes(...batch.changes.map(({ frame }) => frame));
    try {
      await this.#segment.file.write(this.#segment.bytes, bytes);
      if (batch.changes.some(({ sync }) => sync)) await this.#segment.file.sync();
    } catch (cause) {
      await this.#fail(batch, cause);
      return;
    }
    this.#segment = { ...this.#segment, bytes: this.#segment.bytes + bytes.length };
    for (const one of batch.changes) one.settled();
    batch.settled.resolve(undefined);
    this.#onWritten(bytes.length);
  }

  async #cut({ begin, settled }: Cut): Promise<void> {
    const old = this.#segment;
    try {
      // Empty checkpoints at the end may not be on the disk yet, and the segment stands after them.
      await old.file.sync();
      this.#segment = await begin(old);
    } catch (cause) {
      settled.reject(cause);
      return;
    }
    settled.resolve(undefined);
  }

  /** In one go, before anything else runs: no more changes, and those under way are taken back, newest first. */
  async #fail(batch: Batch, cause: unknown): Promise<void> {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The journal cannot be written (${reason}); the ledger accepts no more changes until it is reopened.`;
    const failure = new LedgerError('JOURNAL_WRITE_FAILED', message, { cause });
    this.#failure = failure;
    const waiting = [batch, ...this.#queue.splice(0)];
    const changes = waiting.flatMap((one) => (one.kind === 'batch' ? one.changes : []));
    for (const { undo } of changes.reverse()) undo();
    this.#tail = Promise.resolve();
    for (const { settled } of waiting) settled.reject(failure);
    // If this fails as well, a change that was refused may be found, whole, when the journal is opened again.
    await this.#segment.file.truncate(this.#segment.bytes).catch(() => undefined);
  }
}

/** Whoever needs the outcome waits for it; a failure shows in all that come later. */
function promiseWithResolvers(): PromiseWithResolvers<undefined> {
  const made = Promise.withResolvers<undefined>();
  made.promise.catch(() => undefined);
  return made;
}
