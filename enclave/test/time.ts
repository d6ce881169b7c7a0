import { performance } from 'node:perf_hooks';

import type { Clock } from '@k3s-daas/core';

import type { HostTime } from '../time.ts';

interface Timer {
  readonly atMs: number;
  readonly work: () => void;
}

const POLL_MS = 3;

/**
 * Three clocks that a test moves: true time (the NSM's), the host's wall clock, and the monotonic clock, by which timers
 * fire. They also go on with real time, until the test holds them. Whole milliseconds: sums of fractions would make a
 * timer of 240 s fire a hair after the test has moved time by 240 s.
 */
export class TestTime implements HostTime {
  #trueShiftMs = 0;
  #hostShiftMs = 0;
  #monotonicShiftMs = 0;
  readonly #timers = new Set<Timer>();
  readonly #poll = setInterval(() => {
    this.#fire();
  }, POLL_MS);

  readonly #startMs = Date.now() - Math.floor(performance.now());
  #heldMs: number | null = null;

  readonly nsmClock: Clock = { now: () => this.#startMs + this.#realMs + this.#trueShiftMs };
  readonly clock: Clock = { now: () => this.#startMs + this.#realMs + this.#hostShiftMs };

  monotonic(): number {
    return this.#realMs + this.#monotonicShiftMs;
  }

  /** From now on time goes by only as the test says. */
  hold(): void {
    this.#heldMs ??= this.#realMs;
  }

  /** It goes on by itself again, from where it is. */
  release(): void {
    if (this.#heldMs === null) return;
    this.advance(this.#heldMs - Math.floor(performance.now()));
    this.#heldMs = null;
  }

  get #realMs(): number {
    return this.#heldMs ?? Math.floor(performance.now());
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
