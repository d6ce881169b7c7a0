/** Numbers from a seed, the same on every machine. Mutant 7 of a seed does not depend on the mutants before it. */
export class Random {
  #state: number;

  constructor(seed: number, index: number) {
    this.#state = (Math.imul(seed | 0, 0x9e37_79b1) ^ Math.imul((index | 0) + 1, 0x85eb_ca6b)) | 0;
    // Neighbouring indices begin close together; two rounds put them apart.
    this.#next();
    this.#next();
  }

  /** Mulberry32 by Tommy Ettinger (public domain): 32 bits, plenty for choosing mutations. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** From 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor((this.#next() / 0x1_0000_0000) * Math.max(1, limit));
  }

  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  chance(share: number): boolean {
    return this.#next() < share * 0x1_0000_0000;
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[this.below(list.length)];
    if (list.length === 0) throw new RangeError('nothing to pick from');
    return picked as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}
