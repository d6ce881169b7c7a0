import { isIPv6 } from 'node:net';

import { TokenBucket } from '../http/token-bucket.ts';

/** A bucket for each key; the keys that were not used for the longest are forgotten first. */
export class Rates {
  readonly #limits: {
    readonly capacity: number;
    readonly perSecond: number;
    readonly monotonic: () => number;
  };
  readonly #keysMax: number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(options: {
    readonly capacity: number;
    readonly perSecond: number;
    readonly keysMax: number;
    readonly monotonic: () => number;
  }) {
    const { keysMax, ...limits } = options;
    this.#keysMax = keysMax;
    this.#limits = limits;
  }

  /** Takes tokens of one key. @returns 0, or how many ms until there will be enough */
  take(key: string, tokens = 1): number {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(this.#limits);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#keysMax) break;
      this.#buckets.delete(oldest);
    }
    // Who asks for more than there can ever be waits until the bucket is full, not for ever.
    return bucket.take(Math.min(tokens, this.#limits.capacity));
  }
}

/** Who is at the other end: an IPv4 address, or the /64 of an IPv6 one, all of which one host may have. */
export function remoteOf(address: string | undefined): string {
  if (address === undefined) return '';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = ''] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  return [...groups, '0', '0', '0', '0'].slice(0, 4).join(':');
}
