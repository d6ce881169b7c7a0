import type { Clock } from '@k3s-daas/core';

export interface Rate {
  /** At once, and so much again within `periodMs`. */
  readonly amount: number;
  readonly periodMs: number;
}

const KEYS_MAX = 20_000;

/** Token buckets by key, refilled steadily. The keys unseen for longest are forgotten first. */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #clock: Clock;
  /** In order of last use. */
  readonly #buckets = new Map<string, { readonly tokens: number; readonly atMs: number }>();

  constructor(rate: Rate, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** How long until `amount` is there, ms; 0 if it is, or if the bucket is full and never holds so much. */
  waitMs(key: string, amount: number): number {
    const missing = Math.min(amount, this.#rate.amount) - this.#tokens(key);
    return missing <= 0 ? 0 : Math.ceil((missing * this.#rate.periodMs) / this.#rate.amount);
  }

  /** Takes it, there or not: what is owed is paid back first. */
  take(key: string, amount: number): void {
    const tokens = this.#tokens(key) - amount;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens, atMs: this.#clock.now() });
    if (this.#buckets.size <= KEYS_MAX) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }

  #tokens(key: string): number {
    const { amount, periodMs } = this.#rate;
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return amount;
    // A clock that is set back refills nothing.
    const elapsedMs = Math.max(0, this.#clock.now() - bucket.atMs);
    return Math.min(amount, bucket.tokens + (elapsedMs * amount) / periodMs);
  }
}

/** What one client has to itself: an IPv4 address, or the /64 of an IPv6 one. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail = ''] = plain.split('::');
  const left = head.split(':').filter((part) => part !== '');
  const right = tail.split(':').filter((part) => part !== '');
  const zeros = plain.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0;
  return [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':');
}
