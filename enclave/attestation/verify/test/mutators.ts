/** Ways to spoil a document, each by name. All choices come from `Random`, so a seed and an index name a mutant. */
import type { KeyObject } from 'node:crypto';
import type { AttestationPolicy } from '../../index.ts';
import { encodeTree, nodesOf, NULL, parseTree, type Node } from './cbor-tree.ts';
import { P384_ORDER, fromNumber, toNumber, twinOf } from './ecdsa.ts';
import { array, bytes as byteString, coseOf, head, join, raw, type CoseParts } from './encoder.ts';
import type { Random } from './random.ts';

/** A valid document and all that it takes to verify it. */
export interface Source {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly parts: CoseParts;
  readonly trustAnchor: Uint8Array;
  readonly nowMs: number;
  readonly policy: AttestationPolicy;
  /** Where we are the authority: mutants can be signed as mutated. */
  readonly leafKey?: KeyObject;
}

type BytesMutator = (random: Random, bytes: Uint8Array, others: readonly Uint8Array[]) => Uint8Array;
type WireMutator = (random: Random, source: Source, sources: readonly Source[]) => Uint8Array;

/** Bytes that mean something to CBOR or DER: heads, null, break, open lengths. */
const MEANINGFUL = [
  0x00, 0x01, 0x02, 0x03, 0x04, 0x18, 0x1b, 0x30, 0x40, 0x58, 0x5f, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xd2, 0xf6,
  0xff,
];

function splice(
  source: Uint8Array,
  at: number,
  remove: number,
  insert: Uint8Array = new Uint8Array(),
): Uint8Array {
  return join(source.slice(0, at), insert, source.slice(at + remove));
}

/** Without any idea of what the bytes are. */
export const byteMutators: Readonly<Record<string, BytesMutator>> = {
  'flip a bit': (random, source) => {
    const at = random.below(source.length);
    return splice(source, at, 1, Uint8Array.of((source[at] ?? 0) ^ (1 << random.below(8))));
  },
  'set a byte': (random, source) => {
    const value = random.chance(0.5) ? random.pick(MEANINGFUL) : random.below(256);
    return splice(source, random.below(source.length), 1, Uint8Array.of(value));
  },
  'insert bytes': (random, source) => {
    const content = random.chance(0.5)
      ? random.bytes(random.between(1, 8))
      : Uint8Array.of(random.pick(MEANINGFUL));
    return splice(source, random.below(source.length + 1), 0, content);
  },
  'delete bytes': (random, source) => splice(source, random.below(source.length), random.between(1, 64)),
  'repeat bytes': (random, source) => {
    const at = random.below(source.length);
    return splice(source, at, 0, source.slice(at, at + random.between(1, 64)));
  },
  truncate: (random, source) => source.slice(0, random.below(source.length)),
  'splice two documents': (random, source, others) => {
    const other = random.pick(others);
    const at = random.below(source.length);
    const shift = random.chance(0.5) ? 0 : random.between(-64, 64);
    return join(source.slice(0, at), other.slice(Math.max(0, at + shift)));
  },
  'several at once': (random, source, others) => {
    const names = ['flip a bit', 'set a byte', 'insert bytes', 'delete bytes', 'repeat bytes'];
    let mutant = source;
    for (let left = random.between(2, 4); left > 0; left--) {
      mutant = byteMutators[random.pick(names)]?.(random, mutant, others) ?? mutant;
    }
    return mutant;
  },
};

/** Other forms of the same values: what a lenient decoder reads as if nothing had happened. */
export function reencode(random: Random, root: Node): void {
  const node = random.pick(nodesOf(root));
  switch (node.kind) {
    case 'integer':
      node.width = widthAbove(random, node.value);
      return;
    case 'string':
      if (random.chance(0.5)) node.indefinite = true;
      else node.width = widthAbove(random, BigInt(node.content.length));
      return;
    case 'array':
      if (random.chance(0.5)) node.indefinite = true;
      else node.width = widthAbove(random, BigInt(node.items.length));
      return;
    case 'map':
      if (random.chance(0.5)) node.indefinite = node.indefinite !== true;
      else {
        delete node.indefinite;
        node.width = widthAbove(random, BigInt(node.entries.length));
      }
      return;
    case 'tag':
      node.width = widthAbove(random, node.tag);
      return;
    case 'raw':
      // null in two bytes, undefined, a half float that is zero.
      node.bytes = random.pick([raw('f816'), raw('f7'), raw('f90000')]);
  }
}

/** More bytes than the value needs, or eight. */
function widthAbove(random: Random, value: bigint): 1 | 2 | 4 | 8 {
  const least = value < 24n ? 1n : value < 256n ? 256n : value < 65_536n ? 65_536n : 2n ** 32n;
  const wider = ([1, 2, 4, 8] as const).filter((size) => 1n << BigInt(8 * size) > least);
  return random.pick(wider);
}

/** Repeats, drops, moves or adds an entry of a map or array. */
export function rearrange(random: Random, root: Node): void {
  const node = random.pick(nodesOf(root).filter(({ kind }) => kind === 'map' || kind === 'array'));
  if (node.kind === 'map') node.entries = rearranged(random, node.entries, [integer(40), NULL]);
  if (node.kind === 'array') node.items = rearranged(random, node.items, NULL);
}

function rearranged<T>(random: Random, list: readonly T[], another: T): T[] {
  const [from, to] = [random.below(list.length), random.below(list.length)];
  const without = list.toSpliced(from, 1);
  const moved = list.slice(from, from + 1);
  switch (random.below(6)) {
    case 0:
      return list.toSpliced(to, 0, ...moved);
    case 1:
      return without;
    case 2:
      return list.toReversed();
    case 3:
      return list.concat(Array.from({ length: 40 }, () => another));
    case 4:
      return list.toSpliced(to, 0, another);
    default:
      return without.toSpliced(to, 0, ...moved);
  }
}

function integer(value: number): Node {
  return { kind: 'integer', major: 0, value: BigInt(value) };
}

/** Outer array as a tree whose payload is a byte string, as it is sent. */
function coseTree(source: Source): Node {
  const tree = parseTree(source.bytes);
  return tree.kind === 'tag' ? tree.item : tree;
}

/** Changes the payload's tree and sends it under the old signature. */
function inPayload(change: (random: Random, root: Node) => void): WireMutator {
  return (random, source) => {
    const payload = parseTree(source.parts.payload);
    change(random, payload);
    return coseOf({ ...source.parts, payload: encodeTree(payload) });
  };
}

function inCose(change: (random: Random, root: Node) => void): WireMutator {
  return (random, source) => {
    const tree = coseTree(source);
    change(random, tree);
    return encodeTree(tree);
  };
}

/** Another value for r or s, or another form of the signature. */
function mutateSignature(random: Random, signature: Uint8Array, other: Uint8Array): Uint8Array {
  const [r, s] = [signature.slice(0, 48), signature.slice(48)];
  const special = [
    0n,
    1n,
    2n,
    P384_ORDER,
    P384_ORDER - 1n,
    P384_ORDER + 1n,
    (1n << 384n) - 1n,
    toNumber(r) + P384_ORDER,
    toNumber(s) + P384_ORDER,
    P384_ORDER - toNumber(r),
    P384_ORDER - toNumber(s),
    toNumber(other.slice(0, 48)),
    toNumber(other.slice(48)),
  ].map((value) => fromNumber(value));
  const derInteger = (value: Uint8Array): Uint8Array => join(raw('0231 00'), value);
  return random.pick([
    () => twinOf(signature),
    () => join(s, r),
    () => join(random.pick(special), s),
    () => join(r, random.pick(special)),
    () => join(random.pick(special), random.pick(special)),
    () => join(raw('00'), r, raw('00'), s),
    () => join(r, s, raw('00')),
    () => join(raw('00'), r, s),
    () => signature.slice(random.below(2), 95 + random.below(2)),
    () => signature.slice(0, random.below(96)),
    () => signature.slice().reverse(),
    () => join(r.slice().reverse(), s.slice().reverse()),
    () => join(raw('3066'), derInteger(r), derInteger(s)),
    () => other,
    () => random.bytes(96),
    () => splice(signature, random.below(96), 1, random.bytes(1)),
  ])();
}

/** Mutants under a signature that was made over something else, or over the very same bytes. */
export const wireMutators: Readonly<Record<string, WireMutator>> = {
  ...Object.fromEntries(
    Object.entries(byteMutators).map(([name, mutate]): [string, WireMutator] => [
      name,
      (random, source, sources) =>
        mutate(
          random,
          source.bytes,
          sources.map(({ bytes }) => bytes),
        ),
    ]),
  ),
  'payload re-encoded': inPayload(reencode),
  'payload rearranged': inPayload(rearrange),
  'envelope re-encoded': inCose(reencode),
  'envelope rearranged': inCose(rearrange),
  signature: (random, source, sources) => {
    const signature = mutateSignature(random, source.parts.signature, random.pick(sources).parts.signature);
    return coseOf({ ...source.parts, signature });
  },
  'parts of another document': (random, source, sources) => {
    const { payload, signature } = random.pick(sources).parts;
    return coseOf({ ...source.parts, ...random.pick([{ payload }, { signature }]) });
  },
  headers: (random, source) =>
    coseOf({
      ...source.parts,
      protectedHeader: random.chance(0.5) ? mutateHeader(random) : source.parts.protectedHeader,
      unprotectedHeader: random.pick(UNPROTECTED),
    }),
  tags: (random, { bytes }) => {
    const tag = random.pick([18, 18, 17, 19, 98, 24, 55799, 2 ** 32, 0, 61]);
    const tagged = join(random.chance(0.3) ? head(6, tag, 8) : head(6, tag), bytes);
    return random.chance(0.2) ? join(raw('d2'), tagged) : tagged;
  },
  framing: (random, source) => {
    const noise = random.bytes(random.between(1, 8));
    return random.pick([
      () => join(noise, source.bytes),
      () => join(source.bytes, noise),
      () => byteString(source.bytes),
      () => array(source.bytes),
      () => join(source.bytes, source.bytes),
    ])();
  },
};

const PROTECTED = ['', 'a0', 'a10126', 'a1013823', 'a1180138 22', 'bf013822ff', 'a2013822044100'].concat([
  'a20138220138 22',
  'a101382200',
  'a10139 0022',
  'a1613138 22',
  'a10127',
  'a1013822',
]);
export const UNPROTECTED = ['a0', 'a1013822', 'a104 4100', 'bfff', 'b800', 'f6', '41a0', '80', '00'].map(raw);

/** Contents of a protected header, most of which say ES384 in one way or another. */
export function mutateHeader(random: Random): Uint8Array {
  return raw(random.pick(PROTECTED));
}
