import type { Clock } from './ports.ts';

/** `amount` at once, and so much again within `periodMs`. */
export interface Rate {
  readonly amount: number;
  readonly periodMs: number;
}

const KEYS_MAX = 20_000;

/** Token buckets by key, refilled steadily. The keys unseen for longest are forgotten first. */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #clock: Pick<Clock, 'now'>;
  /** In order of last use. */
  readonly #buckets = new Map<string, { readonly tokens: number; readonly atMs: number }>();

  /** @param clock any that counts milliseconds, a monotonic one, too */
  constructor(rate: Rate, clock: Pick<Clock, 'now'>) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** How long until `amount` is there, ms; 0 if it is, or if the bucket is full and never holds so much. */
  waitMs(key: string, amount = 1): number {
    return this.#wait(this.#tokens(key), amount);
  }

  /**
   * Takes it if it is there; a refusal costs nothing, else who keeps asking would never be let in.
   *
   * @returns 0, or how long until it will be there, ms
   */
  take(key: string, amount = 1): number {
    const tokens = this.#tokens(key);
    const waitMs = this.#wait(tokens, amount);
    this.#put(key, waitMs > 0 ? tokens : tokens - amount);
    return waitMs;
  }

  /** Takes it, there or not: what is owed is paid back first. */
  charge(key: string, amount: number): void {
    this.#put(key, this.#tokens(key) - amount);
  }

  #wait(tokens: number, amount: number): number {
    const missing = Math.min(amount, this.#rate.amount) - tokens;
    return missing <= 0 ? 0 : Math.ceil((missing * this.#rate.periodMs) / this.#rate.amount);
  }

  #tokens(key: string): number {
    const { amount, periodMs } = this.#rate;
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return amount;
    // A clock that is set back refills nothing.
    const elapsedMs = Math.max(0, this.#clock.now() - bucket.atMs);
    return Math.min(amount, bucket.tokens + (elapsedMs * amount) / periodMs);
  }

  #put(key: string, tokens: number): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens, atMs: this.#clock.now() });
    if (this.#buckets.size <= KEYS_MAX) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
