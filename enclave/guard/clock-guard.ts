import type { Clock } from '@k3s-daas/core';

import type { HostTime } from '../time.ts';
import type { GuardReason } from './reason.ts';

/** How far the host's clock may be from the NSM's time. TLS checks certificates by the host's clock. */
export const APART_MS_MAX = 10_000;
const JUMP_MS_MAX = 2_000;

export interface ClockGuardOptions {
  /** The NSM's time. */
  readonly clock: Clock;
  readonly time: HostTime;
  /** When the standing document was asked for, by the monotonic clock. */
  readonly attestedMs: () => number;
  /** Asks for a new document. */
  readonly attest: () => void;
}

/** Watches the wall clock, which the host sets, against the monotonic clock and the NSM's time. */
export class ClockGuard {
  readonly #options: ClockGuardOptions;
  /** Wall clock less monotonic clock: constant, unless somebody sets the wall clock, or stops the machine. */
  #differenceMs: number;
  #jump: { readonly byMs: number; readonly seenMs: number } | null = null;

  constructor(options: ClockGuardOptions) {
    this.#options = options;
    this.#differenceMs = difference(options.time);
  }

  /** To be called once a second. */
  tick(): void {
    const { time, attest } = this.#options;
    const differenceMs = difference(time);
    const byMs = Math.round(differenceMs - this.#differenceMs);
    this.#differenceMs = differenceMs;
    if (Math.abs(byMs) <= JUMP_MS_MAX) return;
    this.#jump = { byMs, seenMs: time.monotonic() };
    attest();
  }

  reasons(): GuardReason[] {
    const { clock, time, attestedMs } = this.#options;
    const reasons: GuardReason[] = [];
    if (this.#jump !== null && attestedMs() >= this.#jump.seenMs) this.#jump = null;
    if (this.#jump !== null) {
      const message = `this machine's clock jumped by ${this.#jump.byMs} ms; the NSM has not confirmed the time yet`;
      reasons.push({ code: 'CLOCK_JUMPED', message });
    }
    const apartMs = time.clock.now() - clock.now();
    if (Math.abs(apartMs) > APART_MS_MAX)
      reasons.push({ code: 'CLOCK_APART', message: describeApart(apartMs) });
    return reasons;
  }
}

export function describeApart(apartMs: number): string {
  return `this machine's clock is ${apartMs} ms ahead of the NSM's time; allowed are ${APART_MS_MAX} either way`;
}

function difference(time: HostTime): number {
  return time.clock.now() - time.monotonic();
}
