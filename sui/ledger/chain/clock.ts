import type { Clock } from '@k3s-daas/core';

import { LedgerError } from './errors.ts';

/** A clock that stands still until it is moved: `createLedger({ clock: { startMs } })`. */
export interface ManualClock {
  readonly startMs: number;
}

/** The ledger's time in ms: follows a source, or is moved by hand. Never runs backwards. */
export class LedgerClock {
  readonly #source: Clock | null;
  readonly #onMove: () => void;
  #nowMs: bigint;

  constructor(clock: Clock | ManualClock, onMove: () => void) {
    this.#source = 'now' in clock ? clock : null;
    this.#nowMs = BigInt(Math.trunc('now' in clock ? clock.now() : clock.startMs));
    this.#onMove = onMove;
  }

  get isManual(): boolean {
    return this.#source === null;
  }

  now(): bigint {
    if (this.#source !== null) {
      const nowMs = BigInt(Math.trunc(this.#source.now()));
      if (nowMs > this.#nowMs) this.#nowMs = nowMs;
    }
    return this.#nowMs;
  }

  /** Time is at least `ms`: that of a chain which is continued. */
  resume(ms: bigint): void {
    if (ms > this.#nowMs) this.#nowMs = ms;
  }

  /** Moves a manual clock forward to `ms` since 1970 and commits a checkpoint, so that reads see the new time. */
  set(ms: number | bigint): void {
    if (this.#source !== null)
      throw new LedgerError('CLOCK_NOT_MANUAL', 'The ledger follows a clock that cannot be set.');
    const next = BigInt(ms);
    if (next < this.#nowMs)
      throw new LedgerError('INPUT_INVALID', `The clock cannot go back from ${this.#nowMs} to ${next}.`);
    this.#nowMs = next;
    this.#onMove();
  }

  /** Moves a manual clock forward by `ms`. */
  advance(ms: number | bigint): void {
    this.set(this.#nowMs + BigInt(ms));
  }
}
