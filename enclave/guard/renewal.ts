import { describeError, type Clock } from '@k3s-daas/core';
import type { Logger } from 'pino';

import type { HostTime } from '../time.ts';
import type { Attestor, StandingDocument } from './attestor.ts';

const INTERVAL_MS_MAX = 600_000;
/** An NSM keeps its leaf certificate almost to the end: close to it, ask often, and as it ends, to see the new one soon. */
const INTERVAL_MS_MIN = 10_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;
/** A correction beyond this is no drift. */
const CORRECTION_MS_MAX = 2_000;

export interface RenewalOptions {
  readonly attestor: Pick<Attestor, 'renew'>;
  readonly clock: Clock;
  readonly time: HostTime;
  readonly log: Logger;
}

/** Renews the standing document for as long as the process lives. */
export class Renewal {
  readonly #options: RenewalOptions;
  #cancel: () => void = () => undefined;
  #running: Promise<void> | null = null;
  #again = false;
  #closed = false;
  #failures = 0;
  /** Why the last attempt failed; null after one that did not. */
  failure: string | null = null;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  start(standing: StandingDocument): void {
    this.#schedule(this.#intervalMs(standing));
  }

  /** Renews now; if an attempt is under way, once more after it, since that one was asked for before. */
  soon(): void {
    if (this.#running !== null) this.#again = true;
    else this.#schedule(0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#running;
  }

  #schedule(ms: number): void {
    this.#cancel();
    if (this.#closed) return;
    this.#cancel = this.#options.time.after(ms, () => {
      this.#running = this.#attempt().then((nextMs) => {
        this.#running = null;
        const again = this.#again;
        this.#again = false;
        this.#schedule(again ? 0 : nextMs);
      });
    });
  }

  /** @returns when to try next, ms from now */
  async #attempt(): Promise<number> {
    const { attestor, log } = this.#options;
    try {
      const standing = await attestor.renew();
      const { correctionMs } = standing;
      if (this.failure !== null) log.info({ failures: this.#failures }, 'attested again');
      if (Math.abs(correctionMs) > CORRECTION_MS_MAX) log.warn({ correctionMs }, 'clock recalibrated');
      else log.debug({ correctionMs }, 'attestation renewed');
      this.failure = null;
      this.#failures = 0;
      return this.#intervalMs(standing);
    } catch (error) {
      const reason = error instanceof Error ? error.message : describeError(error);
      // An outage is one line, not one for each attempt.
      if (this.failure !== reason) log.warn({ err: error }, 'attestation not renewed');
      this.failure = reason;
      this.#failures += 1;
      return Math.min(RETRY_MS_MIN * 2 ** Math.min(this.#failures - 1, 10), RETRY_MS_MAX);
    }
  }

  #intervalMs({ leafEndMs }: StandingDocument): number {
    const leftMs = leafEndMs - this.#options.clock.now();
    const intervalMs = Math.max(INTERVAL_MS_MIN, Math.min(INTERVAL_MS_MAX, leftMs / 2));
    return Math.max(RETRY_MS_MIN, Math.min(intervalMs, leftMs + 1));
  }
}
