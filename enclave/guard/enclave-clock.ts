import type { Clock } from '@k3s-daas/core';

/** One statement of the NSM about the time, and when it was asked for and came, by the monotonic clock. All in ms. */
export interface NsmReading {
  readonly timestampMs: number;
  readonly askedMs: number;
  readonly answeredMs: number;
}

/**
 * The time that decisions use (ADR 0011): what the NSM said last, plus what has gone by since on the monotonic clock.
 * The host can set the wall clock; it cannot step this one. Off by half of the NSM's round trip at most, and by the
 * drift of one renewal interval.
 */
export class EnclaveClock implements Clock {
  readonly #monotonic: () => number;
  #offsetMs: number;

  constructor(monotonic: () => number, reading: NsmReading) {
    this.#monotonic = monotonic;
    this.#offsetMs = offsetOf(reading);
  }

  /** Whole milliseconds since 1970. */
  now(): number {
    return Math.floor(this.#monotonic() + this.#offsetMs);
  }

  /** Takes over a newer reading. @returns by how many ms the clock was put forward */
  calibrate(reading: NsmReading): number {
    const before = this.#offsetMs;
    this.#offsetMs = offsetOf(reading);
    return Math.round(this.#offsetMs - before);
  }
}

function offsetOf({ timestampMs, askedMs, answeredMs }: NsmReading): number {
  return timestampMs - (askedMs + answeredMs) / 2;
}
