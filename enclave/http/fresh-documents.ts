import { fromHex, TokenBuckets, type Bytes } from '@k3s-daas/core';

import { EnclaveError, RateLimited } from '../errors.ts';

type Caller = 'nonce' | 'slot';

export interface FreshDocumentsOptions {
  /** Asks the NSM for a document with this nonce. */
  readonly attest: (nonce: Bytes, caller: Caller) => Promise<Bytes>;
  readonly monotonic: () => number;
}

interface Entry {
  readonly document: Promise<Bytes>;
  /** Infinity while the NSM is asked. */
  untilMs: number;
}

/** For so long the same nonce gets the same bytes. */
const LIFE_MS = 5_000;
/** More than the buckets let into one life. */
const ENTRIES_MAX = 256;
/**
 * An NSM needs some 100 ms for a document (nsm/device.ts): at most 30 % of its time goes to strangers. Slots have a bucket of
 * their own, and only what the chain knows as a slot gets there, so that who floods with nonces or with invented slots keeps no
 * registrar from registering. One network uses up a quarter of the nonces, so that it takes several to keep out the others.
 */
const LIMITS = {
  nonce: { amount: 10, periodMs: 5_000 },
  network: { amount: 4, periodMs: 8_000 },
  slot: { amount: 5, periodMs: 5_000 },
};

/** Documents with a nonce that somebody else chose: one NSM call for one nonce, and not too many of them. */
export class FreshDocuments {
  readonly #options: FreshDocumentsOptions;
  readonly #buckets: Readonly<Record<keyof typeof LIMITS, TokenBuckets>>;
  readonly #entries = new Map<string, Entry>();

  constructor(options: FreshDocumentsOptions) {
    this.#options = options;
    const time = { now: options.monotonic };
    this.#buckets = {
      nonce: new TokenBuckets(LIMITS.nonce, time),
      network: new TokenBuckets(LIMITS.network, time),
      slot: new TokenBuckets(LIMITS.slot, time),
    };
  }

  /**
   * @param hex lower-case
   * @param network who asks; null if that cannot be told, or does not matter
   * @throws EnclaveError RATE_LIMITED, NSM_FAILED
   */
  get(hex: string, caller: Caller, network: string | null = null): Promise<Bytes> {
    this.#forgetOld();
    const known = this.#entries.get(hex);
    if (known !== undefined) return known.document;
    const waitMs = this.#take(caller, network);
    if (waitMs > 0) return Promise.reject(new RateLimited('the NSM is asked too often', waitMs));
    const document = this.#options.attest(fromHex(hex), caller);
    const entry: Entry = { document, untilMs: Infinity };
    this.#entries.set(hex, entry);
    document.then(
      () => {
        entry.untilMs = this.#options.monotonic() + LIFE_MS;
      },
      () => {
        this.#entries.delete(hex);
      },
    );
    return document;
  }

  /** From both buckets or from none. @returns 0, or how long until there is enough, ms */
  #take(caller: Caller, network: string | null): number {
    const buckets = this.#buckets;
    const networkMs = network === null ? 0 : buckets.network.waitMs(network);
    if (networkMs > 0) return networkMs;
    const waitMs = buckets[caller].take(caller);
    if (waitMs === 0 && network !== null) buckets.network.take(network);
    return waitMs;
  }

  #forgetOld(): void {
    const nowMs = this.#options.monotonic();
    for (const [hex, { untilMs }] of this.#entries) {
      if (untilMs <= nowMs || this.#entries.size >= ENTRIES_MAX) this.#entries.delete(hex);
    }
  }
}

/** 16 to 64 bytes as hex, but not 32: that is the form of a slot, and a stranger gets no document for a slot. */
export function parseNonce(value: unknown): string {
  if (typeof value === 'string' && /^(?:[0-9a-f]{2}){16,64}$/i.test(value) && value.length !== 64) {
    return value.toLowerCase();
  }
  throw new EnclaveError(
    'NONCE_MALFORMED',
    'nonce is not 16 to 64 bytes of hex other than 32 bytes',
    'send e.g. 24 random bytes as 48 hex digits, and either nonce or slot',
  );
}

/** The id of a slot on chain, without its 0x. */
export function parseSlot(value: unknown): string {
  if (typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value)) return value.slice(2);
  throw new EnclaveError(
    'SLOT_MALFORMED',
    'slot is not an object id',
    'send 0x and 64 lower-case hex digits',
  );
}
