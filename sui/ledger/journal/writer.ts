import { concatBytes, type Bytes } from '@k3s-daas/core';

import type { Change, ChangeFate, ChangeSink } from '../chain/change.ts';
import { LedgerError } from '../chain/errors.ts';
import type { JournalFile } from './file.ts';
import { encodeFrame } from './frame.ts';
import { encodeChange } from './record.ts';

interface Pending extends ChangeFate {
  readonly frame: Bytes;
  readonly sync: boolean;
}

/**
 * Appends changes to the journal. While one write runs, the changes that come meanwhile wait for the next, which they
 * share, and its fsync with it. A batch of nothing but empty checkpoints is written without one: kill -9 leaves them,
 * a power cut may take the newest, and nobody was told of a transaction in them.
 */
export class JournalWriter implements ChangeSink {
  readonly #file: JournalFile;
  /** Everything before this offset is settled. */
  #settledBytes: number;
  #pending: Pending[] = [];
  /** Of the batch that #pending will be. */
  #next: PromiseWithResolvers<undefined> | null = null;
  /** Settles with the newest change. */
  #tail: Promise<unknown> = Promise.resolve();
  #flushing: Promise<void> | null = null;
  #failure: LedgerError | null = null;

  constructor(file: JournalFile, bytes: number) {
    this.#file = file;
    this.#settledBytes = bytes;
  }

  get failure(): LedgerError | null {
    return this.#failure;
  }

  append(change: Change, checkpointDigest: string, fate: ChangeFate): void {
    if (this.#failure !== null) throw this.#failure;
    const frame = encodeFrame(encodeChange({ change, checkpointDigest }));
    this.#pending.push({ ...fate, frame, sync: change.kind !== 'empty' });
    if (this.#next === null) {
      this.#next = Promise.withResolvers<undefined>();
      this.#tail = this.#next.promise;
      // Whoever needs the change waits for it; a failure shows in all that come later.
      this.#tail.catch(() => undefined);
    }
    this.#flushing ??= this.#flush();
  }

  async settled(): Promise<void> {
    await this.#tail;
  }

  /** Settles what is under way, takes no more, then lets go of file and lock. */
  async close(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
    this.#failure ??= new LedgerError('JOURNAL_WRITE_FAILED', 'The journal is closed.');
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    // Lets the caller append what belongs together before the first write begins.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      const settled = this.#next;
      this.#pending = [];
      this.#next = null;
      try {
        await this.#write(batch);
      } catch (cause) {
        await this.#fail(batch, [settled, this.#next], cause);
        break;
      }
      for (const one of batch) one.settled();
      settled?.resolve(undefined);
    }
    this.#flushing = null;
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const bytes = concatBytes(...batch.map(({ frame }) => frame));
    await this.#file.write(this.#settledBytes, bytes);
    if (batch.some(({ sync }) => sync)) await this.#file.sync();
    this.#settledBytes += bytes.length;
  }

  /** In one go, before anything else runs: no more changes, and those under way are taken back, newest first. */
  async #fail(
    batch: readonly Pending[],
    waiting: readonly (PromiseWithResolvers<undefined> | null)[],
    cause: unknown,
  ): Promise<void> {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The journal cannot be written (${reason}); the ledger accepts no more changes until it is reopened.`;
    const failure = new LedgerError('JOURNAL_WRITE_FAILED', message, { cause });
    this.#failure = failure;
    for (const { undo } of [...batch, ...this.#pending].reverse()) undo();
    this.#pending = [];
    this.#next = null;
    this.#tail = Promise.resolve();
    for (const one of waiting) one?.reject(failure);
    // If this fails as well, a change that was refused may be found, whole, when the journal is opened again.
    await this.#file.truncate(this.#settledBytes).catch(() => undefined);
  }
}
