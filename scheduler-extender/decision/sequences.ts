import type { LogState } from '../log/state.ts';
import type { Journal } from './journal.ts';

const BLOCK = 1024n;

/**
 * Sequence numbers, reserved in blocks in the log before the first of a block is used: after a crash the next one
 * lies beyond the block, so that none is ever used twice, whatever was signed before the crash.
 */
export class Sequences {
  readonly #journal: Journal;
  readonly #state: LogState;
  #next: bigint;
  #usableUpTo: bigint;
  #reserving: Promise<void> | null = null;

  constructor(journal: Journal, state: LogState) {
    this.#journal = journal;
    this.#state = state;
    this.#usableUpTo = state.reservedUpTo;
    this.#next = state.reservedUpTo + 1n;
  }

  /** Resolves when take() may be called, in the same turn. @throws ExtenderError LOG_WRITE_FAILED */
  async ready(): Promise<void> {
    while (this.#next > this.#usableUpTo) await this.#reserve();
    // Ahead of need, so that a bind hardly ever waits for a second fsync; a failure shows when it is needed.
    if (this.#usableUpTo - this.#next < BLOCK / 4n) this.#reserve().catch(() => undefined);
  }

  take(): bigint {
    if (this.#next > this.#usableUpTo) throw new RangeError('ready() must come before take()');
    const sequence = this.#next;
    this.#next += 1n;
    return sequence;
  }

  #reserve(): Promise<void> {
    this.#reserving ??= this.#reserveBlock().finally(() => {
      this.#reserving = null;
    });
    return this.#reserving;
  }

  async #reserveBlock(): Promise<void> {
    const upTo = this.#state.reservedUpTo + BLOCK;
    await this.#journal.append({ $kind: 'reservation', reservation: { upTo } }).durable;
    this.#usableUpTo = upTo;
  }
}
