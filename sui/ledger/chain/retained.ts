import { BlockWriter, hashKey, PackedBlock } from './packed.ts';

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
/** The newest are asked for most, and may still be taken back. */
const UNPACKED_ITEMS = 1_024;

/**
 * Finds packed items by the hash of their keys in 8 bytes an item: the keys themselves, in a map, would take half as
 * much memory as the items and most of the time it takes to load a snapshot.
 */
class HashIndex {
  /** Number of an item minus #base, plus one; 0 is free. */
  #slots = new Uint32Array(0);
  #base = 0;
  #used = 0;

  /** Numbers of the items that may have the key, and of some that do not. */
  *candidates(key: string): Generator<number> {
    if (this.#slots.length === 0) return;
    const mask = this.#slots.length - 1;
    for (let i = mix(hashKey(key)) & mask; ; i = (i + 1) & mask) {
      const slot = this.#slots[i];
      if (slot === undefined || slot === 0) return;
      yield this.#base + slot - 1;
    }
  }

  /** Adds the items of the last of `runs`, or begins anew with those of all of them if it is full. */
  add(runs: readonly Run[], added: readonly Run[], parts: number): void {
    const count = added.reduce((sum, run) => sum + run.count, 0);
    if ((this.#used + count) * 2 <= this.#slots.length) {
      for (const run of added) this.#insert(run, parts);
      return;
    }
    const all = runs.reduce((sum, run) => sum + run.count, 0);
    // Room for as much again, at most half full.
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(all, 1) * 3)));
    this.#base = runs[0]?.first ?? 0;
    this.#used = 0;
    for (const run of runs) this.#insert(run, parts);
  }

  #insert({ first, count, block }: Run, parts: number): void {
    const mask = this.#slots.length - 1;
    for (let index = 0; index < count; index += 1) {
      let i = mix(block.keyHash(index * parts)) & mask;
      while (this.#slots[i] !== 0) i = (i + 1) & mask;
      this.#slots[i] = first + index - this.#base + 1;
    }
    this.#used += count;
  }
}

/** Spreads a hash over its low bits, which choose the slot. */
function mix(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
}

/**
 * A list whose items have running numbers and whose oldest items are dropped. All but the newest are packed, in which
 * form a transaction takes a tenth of the memory, and are parsed each time somebody asks.
 */
export class Retained<T> {
  readonly #lengthMax: number;
  readonly #codec: Codec<T>;
  /** Of the items that are not packed. */
  readonly #numbers = new Map<string, number>();
  readonly #packed = new HashIndex();
  readonly #writer = new BlockWriter();
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
    if (number !== undefined) return this.#at(number);
    for (const candidate of this.#packed.candidates(key)) {
      const run = candidate < this.#first ? undefined : this.#runOf(candidate);
      if (run !== undefined && this.#packedKey(run, candidate) === key) return this.#at(candidate);
    }
    return undefined;
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

  /** Packs the oldest items, except those that are not final: `pop` may come to them, and to those after them. */
  compact(isFinal: (item: T) => boolean): void {
    while (this.#next - Math.max(this.#first, this.#itemsFirst) >= UNPACKED_ITEMS + RUN_ITEMS) {
      const last = this.#items[RUN_ITEMS - 1];
      if (last === undefined || !isFinal(last)) return;
      this.adopt([packRun(this.#writer, this.#items.slice(0, RUN_ITEMS), this.#itemsFirst, this.#codec)]);
    }
  }

  /** Keeps `runs`, which `packRuns` made of the items of a view, in the place of these items. */
  adopt(made: readonly Run[]): void {
    // Since the view the oldest items may have been packed here too, or dropped.
    const runs = made.filter(({ first }) => first >= this.#itemsFirst);
    if (runs[0]?.first !== this.#itemsFirst) return;
    const count = runs.reduce((sum, run) => sum + run.count, 0);
    const { key, parts } = this.#codec;
    if (key !== undefined) for (const item of this.#items.slice(0, count)) this.#numbers.delete(key(item));
    this.#items = this.#items.slice(count);
    this.#itemsFirst += count;
    this.#runs.push(...runs);
    if (key !== undefined) this.#packed.add(this.#runs, runs, parts);
  }

  /** In place of what is here: what a view held. */
  restore(first: number, runs: readonly Run[]): void {
    this.#first = first;
    this.#runs = [...runs];
    this.#items = [];
    this.#numbers.clear();
    const last = runs.at(-1);
    this.#itemsFirst = last === undefined ? first : last.first + last.count;
    if (this.#codec.key !== undefined) this.#packed.add(runs, runs, this.#codec.parts);
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

  #packedKey(run: Run, number: number): string {
    return run.block.get((number - run.first) * this.#codec.parts) as string;
  }

  #drop(): void {
    const number = this.#first;
    const { key } = this.#codec;
    const item = this.#items[number - this.#itemsFirst];
    if (key !== undefined && item !== undefined) this.#numbers.delete(key(item));
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
  const writer = new BlockWriter();
  for (let start = 0; start < items.length; start += RUN_ITEMS)
    yield packRun(writer, items.slice(start, start + RUN_ITEMS), itemsFirst + start, codec);
}

function packRun<T>(writer: BlockWriter, items: readonly T[], first: number, codec: Codec<T>): Run {
  for (const item of items) for (const value of codec.pack(item)) writer.add(value);
  return { first, count: items.length, block: new PackedBlock(writer.finish()) };
}
