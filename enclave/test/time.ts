import { performance } from 'node:perf_hooks';

import type { Clock } from '@k3s-daas/core';

import type { HostTime } from '../time.ts';

interface Timer {
  readonly atMs: number;
  readonly work: () => void;
}

const POLL_MS = 3;

/**
 * Three clocks that a test moves, each on top of the real one: true time (the NSM's), the host's wall clock, and the
 * monotonic clock, by which timers fire.
 */
export class TestTime implements HostTime {
  #trueShiftMs = 0;
  #hostShiftMs = 0;
  #monotonicShiftMs = 0;
  readonly #timers = new Set<Timer>();
  readonly #poll = setInterval(() => {
    this.#fire();
  }, POLL_MS);

  readonly nsmClock: Clock = { now: () => Date.now() + this.#trueShiftMs };
  readonly clock: Clock = { now: () => Date.now() + this.#hostShiftMs };

  monotonic(): number {
    return performance.now() + this.#monotonicShiftMs;
  }

  after(ms: number, work: () => void): () => void {
    const timer = { atMs: this.monotonic() + ms, work };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Time goes by. */
  advance(ms: number): void {
    this.#trueShiftMs += ms;
    this.#hostShiftMs += ms;
    this.#monotonicShiftMs += ms;
  }

  /** Somebody sets the host's clock. */
  setHost(byMs: number): void {
    this.#hostShiftMs += byMs;
  }

  /** The machine stands still, and its wall clock is put right afterwards. */
  freeze(ms: number): void {
    this.#trueShiftMs += ms;
    this.#hostShiftMs += ms;
  }

  close(): void {
    clearInterval(this.#poll);
    this.#timers.clear();
  }

  #fire(): void {
    const nowMs = this.monotonic();
    for (const timer of [...this.#timers]) {
      if (timer.atMs > nowMs || !this.#timers.delete(timer)) continue;
      timer.work();
    }
  }
}
