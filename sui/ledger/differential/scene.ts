import { ed25519 } from '@noble/curves/ed25519.js';

import type { Value } from '../vm/values.ts';
import { KINDS, type Kind } from './kinds.ts';
import type { Random } from './random.ts';

export interface KeyPair {
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
}

function keyPair(byte: number): KeyPair {
  const secret = new Uint8Array(32).fill(byte);
  return { secret, publicKey: ed25519.getPublicKey(secret) };
}

/** Keys of nodes, and of the enclaves that sign decisions and logs. */
const KEYS = {
  nodes: [keyPair(1), keyPair(2)],
  decisions: [keyPair(3), keyPair(4)],
  logs: [keyPair(5), keyPair(6)],
};
const ALL_KEYS = Object.values(KEYS).flat();

export function keyOf(publicKey: Uint8Array): KeyPair | undefined {
  return ALL_KEYS.find((pair) => Buffer.compare(pair.publicKey, publicKey) === 0);
}

/** Before the vectors of objects: sender, hint, epoch, clock. */
const FIELDS_BEFORE = 4;
const MAX = 0xffffffffffffffffn;
const HORIZON_MS = 400_000n;
const FAR_HORIZON_MS = 9n * 86_400_000n;
const AMOUNTS = [50n, 100n, 700n, 1_000n, 1_500n, 2_000n, 2_800n, 5_000n];
export const START_MS = 1_763_700_000_000n;

/** The world as choices are made from it: the values of the ledger's VM, read by the order of their fields. */
export class Scene {
  readonly random: Random;
  readonly keys = KEYS;
  readonly #world: readonly Value[];
  readonly #numbers: bigint[] = [];
  now: bigint;

  constructor(random: Random, world: Value, now: bigint) {
    this.random = random;
    this.#world = world as Value[];
    this.now = now;
    this.#collect(world);
  }

  #collect(value: Value): void {
    if (typeof value === 'bigint') this.#numbers.push(value);
    else if (Array.isArray(value)) for (const item of value) this.#collect(item);
  }

  /** Objects of a kind, each as the list of its fields. */
  objects(kind: Kind): readonly (readonly Value[])[] {
    return this.#world[FIELDS_BEFORE + KINDS.indexOf(kind)] as Value[][];
  }

  /** The place of some object, mostly of the first cluster; rarely one that nothing has. */
  index(kind: Kind): number {
    const { length } = this.objects(kind);
    if (length === 0 || this.random.chance(1)) return length;
    return kind === 'cluster' || kind === 'cap'
      ? this.random.chance(90)
        ? 0
        : 1
      : this.random.below(length);
  }

  idOf(kind: Kind, index: number): string {
    // Every object of the driver begins with its UID { id: ID { bytes } }, which `Value` does not say.
    const object = this.objects(kind)[index];
    return object === undefined ? `0x${'0'.repeat(64)}` : (object as unknown as [[[string]]])[0][0][0];
  }

  /** Names that positions hold. */
  nodeNames(): string[] {
    return this.objects('position').flatMap((_, i) => this.nodeName(i) ?? []);
  }

  nodeName(position: number): string | null {
    const option = this.objects('position')[position]?.[9] as [[[number[]]]] | undefined;
    const name = option?.[0][0]?.[0];
    return name === undefined ? null : Buffer.from(name).toString();
  }

  /** The place of the cluster that an object names in its second field; null where it names none of the world's. */
  clusterOf(kind: Kind, index: number): number | null {
    const named = (this.objects(kind)[index]?.[1] as [string] | undefined)?.[0];
    const found = this.objects('cluster').findIndex((_, i) => this.idOf('cluster', i) === named);
    return found < 0 ? null : found;
  }

  /** An amount: what somebody has or must have, or next to it; rarely an edge of u64. */
  amount(): bigint {
    const { random } = this;
    if (random.chance(4)) return random.pick([0n, 1n, MAX, MAX - 1n]);
    const known = this.#numbers.filter((n) => n > 0n && n < 1_000_000n);
    const base = random.chance(60) ? random.pick(AMOUNTS) : random.pick(known);
    return random.chance(75) ? base : base + random.pick([1n, -1n]);
  }

  /** A moment: one that the world knows of, or next to it; rarely an edge of u64. */
  time(): bigint {
    const { random, now } = this;
    if (random.chance(3)) return random.pick([0n, MAX]);
    if (random.chance(50)) return now + BigInt(random.pick([0, 1, -1, 10_000, 10_001, -300_000, -300_001]));
    const known = this.#numbers.filter((n) => n >= START_MS && n < now + HORIZON_MS);
    const base = known.length > 0 && random.chance(50) ? random.pick(known) : now + 60_000n;
    return random.chance(60) ? base : base + random.pick([1n, -1n]);
  }

  /** When the next transaction is: soon (in so many of a hundred), or around a moment that the world waits for. */
  next(soon: number): bigint {
    const { random, now } = this;
    if (random.chance(soon)) return now + BigInt(random.below(4));
    if (random.chance(1)) return now - 1n;
    const horizon = random.chance(80) ? HORIZON_MS : FAR_HORIZON_MS;
    const ahead = this.#numbers.filter((n) => n > now && n < now + horizon);
    if (ahead.length > 0 && random.chance(60)) return random.pick(ahead) + random.pick([0n, 0n, 1n, -1n]);
    return now + random.pick([1_000n, 10_000n, 20_000n, 30_000n, 29_999n, 86_400_000n]);
  }

  config(): bigint {
    return this.random.chance(85) ? BigInt(1 + this.random.below(2)) : this.random.pick([0n, 3n, 17n, MAX]);
  }

  term(): bigint {
    return this.random.chance(90) ? BigInt(this.random.below(3)) : MAX;
  }
}
