import { LedgerError } from '../chain/errors.ts';
import type { Ledger } from '../chain/ledger.ts';
import type { Disk, JournalFile } from './file.ts';
import { corrupt, type Frame } from './frame.ts';
import { decodeChange, type Base } from './record.ts';
import { inFile, openSegment, type Companion, type OpenSegment } from './segments.ts';

/** A file with changes, read up to the first of them. */
export interface Source {
  readonly file: JournalFile;
  /** Null for the journal's first file, which stands after the genesis and stays open. */
  readonly base: Base | null;
  readonly frames: AsyncGenerator<Frame, number>;
}

export interface Replayed {
  /** The file that takes what comes next. */
  readonly tail: OpenSegment;
  readonly changes: number;
  /** Bytes that the changes took. */
  readonly bytes: number;
  /** Bytes cut off at the end. */
  readonly tornBytes: number;
}

/**
 * Brings a ledger from where it is to the end of its journal, by the changes of its first file, unless a snapshot
 * stands for them, and those of the segments, in order. What was torn off at the end of the last file is cut off.
 * @throws LedgerError JOURNAL_CORRUPT, JOURNAL_DIVERGED, JOURNAL_INCOMPLETE, JOURNAL_MISMATCH
 */
export async function replayJournal(
  disk: Disk,
  ledger: Ledger,
  first: Source | null,
  segments: readonly Companion[],
): Promise<Replayed> {
  const replay = new Replay(ledger);
  try {
    if (first !== null) await replay.run(first);
    for (const companion of segments) {
      const segment = await openSegment(disk, companion);
      try {
        if (await follows(ledger, segment)) await replay.run(segment);
        else await segment.file.close();
      } catch (error) {
        await segment.file.close();
        throw inFile(companion.path, error);
      }
    }
    return await replay.finish();
  } catch (error) {
    await replay.close();
    throw error;
  }
}

class Replay {
  readonly #ledger: Ledger;
  #last: Source | null = null;
  /** Where the last file ends, as far as it is whole, and the segment that is to follow it. */
  #end = 0;
  #continued: bigint | null = null;
  #changes = 0;
  #bytes = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  async run(source: Source): Promise<void> {
    const { frames } = source;
    this.#continued = null;
    for (let next = await frames.next(); ; next = await frames.next()) {
      if (next.done === true) {
        this.#end = next.value;
        break;
      }
      this.#end = next.value.offset;
      this.#continued = replayChange(this.#ledger, next.value);
      if (this.#continued !== null) break;
      this.#changes += 1;
      this.#bytes += next.value.record.length;
    }
    await this.close();
    this.#last = source;
  }

  async finish(): Promise<Replayed> {
    const last = this.#last;
    if (last === null || this.#continued !== null) {
      const { sequence } = this.#ledger.checkpoints.latest;
      throw incomplete(`what comes after checkpoint ${this.#continued ?? sequence} is missing`);
    }
    const size = await last.file.size();
    if (this.#end < size) {
      await last.file.truncate(this.#end);
      await last.file.sync();
    }
    const tail = { file: last.file, bytes: this.#end, base: last.base };
    return { tail, changes: this.#changes, bytes: this.#bytes, tornBytes: size - this.#end };
  }

  /** Closes the last file, unless it is the journal's first. */
  async close(): Promise<void> {
    if (this.#last !== null && this.#last.base !== null) await this.#last.file.close();
    this.#last = null;
  }
}

/** Whether the segment goes on from where the ledger is. One that was given up before it held anything does not. */
async function follows(ledger: Ledger, { base, frames }: Source): Promise<boolean> {
  const { latest } = ledger.checkpoints;
  if (base === null || base.chainId !== ledger.chainId)
    throw new LedgerError('JOURNAL_MISMATCH', 'The segment is of another chain.');
  if (base.sequence > latest.sequence)
    throw incomplete(`what comes after checkpoint ${latest.sequence}, up to ${base.sequence}, is missing`);
  if (base.sequence < latest.sequence) {
    const next = await frames.next();
    if (next.done === true) return false;
    throw corrupt(next.value.offset, `the journal has other changes after checkpoint ${base.sequence}`);
  }
  if (base.digest !== latest.digest)
    throw new LedgerError(
      'JOURNAL_DIVERGED',
      `It stands after checkpoint ${base.digest}, and number ${base.sequence} is now ${latest.digest}.`,
    );
  return true;
}

/** Runs a change again. Returns the number of the checkpoint after which another file goes on, if this one ends. */
function replayChange(ledger: Ledger, { offset, record }: Frame): bigint | null {
  let read: ReturnType<typeof decodeChange>;
  try {
    read = decodeChange(record);
  } catch (cause) {
    throw corrupt(offset, 'a record cannot be read', cause);
  }
  if (typeof read === 'bigint') return read;
  let digest: string;
  try {
    digest = ledger.replay(read.change);
  } catch (cause) {
    throw diverged(offset, 'a change that was executed is refused', cause);
  }
  if (digest !== read.checkpointDigest)
    throw diverged(offset, `checkpoint ${read.checkpointDigest} is now ${digest}`);
  return null;
}

export function diverged(offset: number, why: string, cause?: unknown): LedgerError {
  return new LedgerError('JOURNAL_DIVERGED', `Replay differs from the journal at byte ${offset}: ${why}.`, {
    cause,
  });
}

export function incomplete(what: string): LedgerError {
  return new LedgerError('JOURNAL_INCOMPLETE', `The journal is not complete: ${what}.`);
}
