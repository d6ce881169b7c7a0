/** Deterministic numbers (Knuth's MMIX generator), so that a seed names a whole run. */
export class Random {
  #state: bigint;

  constructor(seed: bigint) {
    this.#state = seed & 0xffffffffffffffffn;
    // Neighbouring seeds begin alike.
    for (let i = 0; i < 8; i += 1) this.#next();
  }

  #next(): bigint {
    this.#state = (this.#state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return this.#state >> 32n;
  }

  /** From 0 to `bound` - 1; `bound` below 2^32. */
  below(bound: number): number {
    return Number((this.#next() * BigInt(bound)) >> 32n);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** Of `width` bits, with the edges more often than chance has them. */
  integer(width: number): bigint {
    let value = 0n;
    for (let bits = 0; bits < width; bits += 32) value = (value << 32n) | this.#next();
    const max = (1n << BigInt(width)) - 1n;
    value &= max;
    const power = 1n << (value % BigInt(width));
    const edges = [max, max - 1n, 0n, 1n, value & 7n, power, max >> BigInt(width / 2)];
    return edges[this.below(12)] ?? value;
  }
}

/** For choices that mean to end well: what is likelier than not always is, so nothing goes wrong on purpose. */
export class CarefulRandom extends Random {
  override chance(percent: number): boolean {
    return percent >= 50;
  }
}
