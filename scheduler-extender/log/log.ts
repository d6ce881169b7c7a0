import { concatBytes, type Bytes } from '@k3s-daas/core';

import { ExtenderError } from '../errors.ts';
import { nodeFileSystem, type LogFile, type LogFileSystem } from './file.ts';
import { corrupt, encodeFrame, MAGIC, scanFrames } from './frame.ts';
import {
  decodeRecord,
  encodeRecord,
  GENESIS,
  recordHash,
  type LogRecord,
  type RecordBody,
} from './record.ts';

/** A record as it lies in the log. */
export interface LogEntry {
  /** Count of the record, from 0. */
  readonly position: bigint;
  /** Where its frame begins in the file. */
  readonly offset: number;
  readonly hash: Bytes;
  readonly record: LogRecord;
}

export interface Appended {
  readonly entry: LogEntry;
  /** Resolves once the record is on the disk. @throws ExtenderError LOG_WRITE_FAILED: it is not, and never will be */
  readonly durable: Promise<void>;
}

interface Pending {
  readonly frame: Bytes;
  readonly hash: Bytes;
  readonly rolledBack: () => void;
  readonly resolve: () => void;
  readonly reject: (error: ExtenderError) => void;
}

/**
 * Append-only hash-chained log of decisions, one writer. Appends join the chain at once, in call order, and become
 * durable together: while one fsync runs, the appends that come meanwhile wait for the next, which they share.
 */
export class DecisionLog {
  /** Bytes of an incomplete last record that opening has cut off; 0 after an orderly end. */
  readonly tornBytes: number;
  readonly #file: LogFile;
  readonly #release: () => Promise<void>;
  #durableHead: Bytes;
  #durableRecords: bigint;
  #durableBytes: number;
  #head: Bytes;
  #records: bigint;
  #bytes: number;
  #pending: Pending[] = [];
  #flushing: Promise<void> | null = null;
  /** Something beyond #durableBytes may be in the file. */
  #unclean = false;
  #closed = false;

  constructor(file: LogFile, release: () => Promise<void>, found: Found) {
    this.#file = file;
    this.#release = release;
    this.tornBytes = found.tornBytes;
    this.#durableHead = this.#head = found.head;
    this.#durableRecords = this.#records = found.records;
    this.#durableBytes = this.#bytes = found.bytes;
  }

  /** Hash of the last record, durable or not; 32 zero bytes in an empty log. */
  get head(): Bytes {
    return this.#head;
  }

  /** Number of records, durable or not. */
  get records(): bigint {
    return this.#records;
  }

  /**
   * Adds a record to the chain. If it cannot be written, it and all that follow it are taken off the chain in one
   * go: `rolledBack` is called for each of them, last one first, before anything else runs.
   * @throws ExtenderError SHUTTING_DOWN after close()
   */
  append(body: RecordBody, timestampMs: number, rolledBack: () => void = () => undefined): Appended {
    if (this.#closed)
      throw new ExtenderError('SHUTTING_DOWN', 'the decision log is closed', 'try again later');
    const record: LogRecord = { previous: this.#head, timestampMs: BigInt(timestampMs), body };
    const bytes = encodeRecord(record);
    const hash = recordHash(bytes);
    const frame = encodeFrame(bytes, hash);
    const entry: LogEntry = { position: this.#records, offset: this.#bytes, hash, record };
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    // Whoever needs the record awaits it; for the others a failure shows in the records that follow.
    promise.catch(() => undefined);
    this.#pending.push({
      frame,
      hash,
      rolledBack,
      reject,
      resolve: () => {
        resolve(undefined);
      },
    });
    this.#head = hash;
    this.#records += 1n;
    this.#bytes += frame.length;
    this.#flushing ??= this.#flush();
    return { entry, durable: promise };
  }

  /** Resolves once everything appended so far is durable, or has failed. */
  async settled(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
  }

  /** All durable records, from the first. @throws ExtenderError LOG_CORRUPT */
  async *read(): AsyncGenerator<LogEntry> {
    yield* readEntries(limited(this.#file, this.#durableBytes));
  }

  /** Waits for what is under way, then lets go of file and lock. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.settled();
    await this.#file.close();
    await this.#release();
  }

  async #flush(): Promise<void> {
    // Lets the caller append what belongs together before the first write begins.
    await Promise.resolve();
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      try {
        await this.#write(concatBytes(...batch.map(({ frame }) => frame)));
      } catch (cause) {
        this.#rollBack(batch, cause);
        await this.#clean();
        continue;
      }
      this.#durableRecords += BigInt(batch.length);
      this.#durableHead = batch.at(-1)?.hash ?? this.#durableHead;
      for (const { resolve } of batch) resolve();
    }
    this.#flushing = null;
  }

  async #write(bytes: Bytes): Promise<void> {
    if (this.#unclean) await this.#file.truncate(this.#durableBytes);
    this.#unclean = true;
    await this.#file.write(this.#durableBytes, bytes);
    await this.#file.sync();
    this.#durableBytes += bytes.length;
    this.#unclean = false;
  }

  /** Synchronous, so that nobody ever sees a chain that is half taken back. */
  #rollBack(batch: readonly Pending[], cause: unknown): void {
    const lost = [...batch, ...this.#pending];
    this.#pending = [];
    this.#head = this.#durableHead;
    this.#records = this.#durableRecords;
    this.#bytes = this.#durableBytes;
    const error = new ExtenderError(
      'LOG_WRITE_FAILED',
      `${lost.length} records could not be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      'make room on the disk of the decision log; binding goes on by itself',
      { cause },
    );
    for (const { rolledBack, reject } of lost.toReversed()) {
      rolledBack();
      reject(error);
    }
  }

  /** Takes half-written bytes off the file; if even that fails, the next write does it first. */
  async #clean(): Promise<void> {
    try {
      await this.#file.truncate(this.#durableBytes);
      await this.#file.sync();
      this.#unclean = false;
    } catch {
      this.#unclean = true;
    }
  }
}

interface Found {
  readonly head: Bytes;
  readonly records: bigint;
  readonly bytes: number;
  readonly tornBytes: number;
}

/**
 * Opens the log at `path` as its only writer, checks every hash of it, and cuts off a record that a crash left
 * incomplete (nobody had been told that it was written).
 * @throws ExtenderError LOG_LOCKED; LOG_CORRUPT, naming the offset: then nothing has been changed
 */
export async function openDecisionLog(options: {
  readonly path: string;
  readonly fileSystem?: LogFileSystem;
}): Promise<DecisionLog> {
  const { path, fileSystem = nodeFileSystem } = options;
  const release = await fileSystem.lock(path);
  try {
    const file = await fileSystem.open(path);
    try {
      return new DecisionLog(file, release, await recover(file));
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (error) {
    await release();
    throw error;
  }
}

async function recover(file: LogFile): Promise<Found> {
  const frames = scanFrames(file);
  let head = GENESIS;
  let records = 0n;
  let next = await frames.next();
  while (next.done !== true) {
    head = next.value.hash;
    records += 1n;
    next = await frames.next();
  }
  const whole = next.value;
  const size = await file.size();
  if (whole === 0) {
    await file.truncate(0);
    await file.write(0, MAGIC);
    await file.sync();
    return { head, records, bytes: MAGIC.length, tornBytes: size };
  }
  if (whole < size) {
    await file.truncate(whole);
    await file.sync();
  }
  return { head, records, bytes: whole, tornBytes: size - whole };
}

/** The records of a log, parsed. Returns the offset up to which it is whole. @throws ExtenderError LOG_CORRUPT */
export async function* readEntries(file: Pick<LogFile, 'size' | 'read'>): AsyncGenerator<LogEntry, number> {
  const frames = scanFrames(file);
  for (let position = 0n; ; position += 1n) {
    const next = await frames.next();
    if (next.done === true) return next.value;
    const { offset, hash, record } = next.value;
    let parsed: LogRecord;
    try {
      parsed = decodeRecord(record);
    } catch (cause) {
      throw corrupt(offset, 'a record is not in the format of this version', cause);
    }
    yield { position, offset, hash, record: parsed };
  }
}

function limited(file: LogFile, size: number): Pick<LogFile, 'size' | 'read'> {
  return { size: () => Promise.resolve(size), read: (offset, length) => file.read(offset, length) };
}
