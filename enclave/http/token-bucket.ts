/** Lets `capacity` through at once and `perSecond` in the long run. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perMs: number;
  readonly #monotonic: () => number;
  #tokens: number;
  #atMs: number;

  constructor(options: { capacity: number; perSecond: number; monotonic: () => number }) {
    this.#capacity = options.capacity;
    this.#perMs = options.perSecond / 1_000;
    this.#monotonic = options.monotonic;
    this.#tokens = options.capacity;
    this.#atMs = options.monotonic();
  }

  /** Takes tokens, all or none. @returns 0, or how many ms until there will be enough */
  take(tokens = 1): number {
    const nowMs = this.#monotonic();
    this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    if (this.#tokens < tokens) return (tokens - this.#tokens) / this.#perMs;
    this.#tokens -= tokens;
    return 0;
  }
}
