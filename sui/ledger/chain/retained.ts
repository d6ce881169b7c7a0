import { BlockWriter, PackedBlock } from './packed.ts';

/** How items of a list become plain values and come back: an item is `parts` values that are read one by one. */
export interface Codec<T> {
  readonly parts: number;
  pack(item: T): readonly unknown[];
  /** `part(i)` reads the i-th value, anew for each call: parts that may never be asked for are left for later. */
  unpack(part: (index: number) => unknown, sequence: bigint): T;
  /** Name by which `find` finds the item; part 0 of a packed one. */
  readonly key?: (item: T) => string;
}

/** Consecutive items in packed form. */
export interface Run {
  readonly first: number;
  readonly count: number;
  readonly block: PackedBlock;
}

/** What a list held at one moment; nothing in it changes later. */
export interface RetainedView<T> {
  /** Number of the oldest item; the first run may begin with older ones. */
  readonly first: number;
  readonly runs: readonly Run[];
  /** The items after the runs, and the number of the first; some of them may be older than `first`. */
  readonly items: readonly T[];
  readonly itemsFirst: number;
}

/** Small enough that packing one run (2 ms) delays nobody. */
const RUN_ITEMS = 256;
const TRIM_ITEMS = 4_096;

/**
 * A list whose items have running numbers and whose oldest items are dropped. Those that a snapshot has packed stay in
 * that form, in which a transaction takes a tenth of the memory, and are parsed each time somebody asks.
 */
export class Retained<T> {
  readonly #lengthMax: number;
  readonly #codec: Codec<T>;
  readonly #numbers = new Map<string, number>();
  #first = 0;
  #runs: Run[] = [];
  #items: T[] = [];
  /** Number of the first of #items. */
  #itemsFirst = 0;

  constructor(lengthMax: number, codec: Codec<T>) {
    this.#lengthMax = lengthMax;
    this.#codec = codec;
  }

  /** Number of the oldest item. */
  get first(): bigint {
    return BigInt(this.#first);
  }

  /** The number the next item gets. */
  get next(): bigint {
    return BigInt(this.#next);
  }

  get #next(): number {
    return this.#itemsFirst + this.#items.length;
  }

  append(item: T): void {
    const key = this.#codec.key?.(item);
    if (key !== undefined) this.#numbers.set(key, this.#next);
    this.#items.push(item);
    while (this.#next - this.#first > this.#lengthMax) this.#drop();
  }

  /** Takes the newest item back, if it is kept and not packed. */
  pop(): T | undefined {
    const item = this.#items.pop();
    if (item === undefined) return undefined;
    const key = this.#codec.key?.(item);
    if (key !== undefined) this.#numbers.delete(key);
    this.#first = Math.min(this.#first, this.#next);
    return item;
  }

  at(sequence: bigint): T | undefined {
    return sequence < this.first || sequence >= this.next ? undefined : this.#at(Number(sequence));
  }

  find(key: string): T | undefined {
    const number = this.#numbers.get(key);
    return number === undefined ? undefined : this.#at(number);
  }

  /** Items with a number above `after` and below `before`, in the order asked for. */
  *between(after: bigint | null, before: bigint | null, descending: boolean): Generator<T> {
    const low = after === null || after < this.first ? this.#first : Number(after) + 1;
    const high = before === null || before > this.next ? this.#next : Number(before);
    for (let left = high - low, step = 0; step < left; step += 1) {
      const item = this.#at(descending ? high - 1 - step : low + step);
      if (item !== undefined) yield item;
    }
  }

  view(): RetainedView<T> {
    const [runs, items] = [[...this.#runs], [...this.#items]];
    return { first: this.#first, runs, items, itemsFirst: this.#itemsFirst };
  }

  /** Keeps `runs`, which `packRuns` made of the items of a view, in the place of these items. */
  adopt(runs: readonly Run[]): void {
    // The oldest items may have been dropped since; then those packed are too few to be worth the trouble.
    if (runs[0]?.first !== this.#itemsFirst) return;
    const count = runs.reduce((sum, run) => sum + run.count, 0);
    this.#items = this.#items.slice(count);
    this.#itemsFirst += count;
    this.#runs.push(...runs);
  }

  /** Fills an empty list with what a view held. */
  restore(first: number, runs: readonly Run[]): void {
    this.#first = first;
    this.#runs = [...runs];
    const last = runs.at(-1);
    this.#itemsFirst = last === undefined ? first : last.first + last.count;
    if (this.#codec.key === undefined) return;
    for (const run of runs) {
      for (let i = Math.max(0, first - run.first); i < run.count; i += 1)
        this.#numbers.set(this.#packedKey(run, i), run.first + i);
    }
  }

  #at(number: number): T | undefined {
    if (number >= this.#itemsFirst) return this.#items[number - this.#itemsFirst];
    const run = this.#runOf(number);
    if (run === undefined) return undefined;
    const { parts } = this.#codec;
    const start = (number - run.first) * parts;
    return this.#codec.unpack((part) => run.block.get(start + part), BigInt(number));
  }

  #runOf(number: number): Run | undefined {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle];
      if (run === undefined) return undefined;
      if (number < run.first) high = middle - 1;
      else if (number >= run.first + run.count) low = middle + 1;
      else return run;
    }
    return undefined;
  }

  #packedKey(run: Run, index: number): string {
    return run.block.get(index * this.#codec.parts) as string;
  }

  #drop(): void {
    const number = this.#first;
    const { key } = this.#codec;
    if (key !== undefined) {
      const run = number < this.#itemsFirst ? this.#runOf(number) : undefined;
      const item = this.#items[number - this.#itemsFirst];
      if (run !== undefined) this.#numbers.delete(this.#packedKey(run, number - run.first));
      else if (item !== undefined) this.#numbers.delete(key(item));
    }
    this.#first += 1;
    const [oldest] = this.#runs;
    if (oldest !== undefined && oldest.first + oldest.count <= this.#first) this.#runs.shift();
    const dead = this.#first - this.#itemsFirst;
    if (dead < TRIM_ITEMS || dead * 2 < this.#items.length) return;
    this.#items = this.#items.slice(dead);
    this.#itemsFirst = this.#first;
  }
}

/** Packs the items of a view that are in no run yet, run by run. */
export function* packRuns<T>({ items, itemsFirst }: RetainedView<T>, codec: Codec<T>): Generator<Run> {
  for (let start = 0; start < items.length; start += RUN_ITEMS) {
    const part = items.slice(start, start + RUN_ITEMS);
    const writer = new BlockWriter();
    for (const item of part) for (const value of codec.pack(item)) writer.add(value);
    yield { first: itemsFirst + start, count: part.length, block: new PackedBlock(writer.finish()) };
  }
}
