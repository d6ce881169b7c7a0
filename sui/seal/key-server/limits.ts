import type { Clock } from '@k3s-daas/core';

import { KeyServerError } from './errors.ts';

/** Clients that are remembered; the ones unseen for longest are forgotten first. */
const CLIENTS_MAX = 20_000;
const MINUTE_MS = 60_000;

/**
 * Token buckets: each client may ask `perMinuteMax` times a minute, in one burst if it likes. Clients are told apart by
 * remote address and, once its signature was seen, by the user's address: whoever asks in another's name costs him
 * nothing.
 */
export class ClientLimits {
  readonly #perMinuteMax: number;
  readonly #clock: Clock;
  /** In order of last use. */
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(perMinuteMax: number, clock: Clock) {
    this.#perMinuteMax = perMinuteMax;
    this.#clock = clock;
  }

  /** @throws KeyServerError TooManyRequests, with the seconds after which it is worth trying again. */
  take(kind: 'address' | 'user', client: string): void {
    const name = `${kind} ${kind === 'address' ? network(client) : client}`;
    const now = this.#clock.now();
    const bucket = this.#buckets.get(name) ?? { tokens: this.#perMinuteMax, at: now };
    const gained = (Math.max(0, now - bucket.at) * this.#perMinuteMax) / MINUTE_MS;
    const tokens = Math.min(this.#perMinuteMax, bucket.tokens + gained);
    this.#buckets.delete(name);
    // A refusal costs nothing, else who keeps asking would never be let in.
    this.#buckets.set(name, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > CLIENTS_MAX) this.#forgetOldest();
    if (tokens >= 1) return;
    const seconds = Math.ceil(((1 - tokens) * MINUTE_MS) / this.#perMinuteMax / 1_000);
    throw new KeyServerError('TooManyRequests', `Too many requests of this ${kind}`, {
      retryAfterSeconds: Math.max(1, seconds),
    });
  }

  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}

/** An IPv4 address, or the /64 of an IPv6 one, which its holder can change within at will. */
function network(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4).join(':');
}
