/** Mutants whose payload the leaf key signed as mutated: only the rules behind the signature can refuse them. */
import { encodeTree, nodesOf, NULL, parseTree, type Node } from './cbor-tree.ts';
import { elementsOf, encodeDer, parseDer } from './der-tree.ts';
import { certificateTwinOf } from './ecdsa.ts';
import { raw } from './encoder.ts';
import { byteMutators, reencode, rearrange, type Source } from './mutators.ts';
import type { Random } from './random.ts';

/** Returns the payload to be signed. */
type PayloadMutator = (random: Random, source: Source) => Uint8Array;

/** Lengths at and beside every limit of AWS's page. */
const LENGTHS = [0, 1, 31, 32, 33, 47, 48, 49, 63, 64, 65, 512, 513, 1024, 1025, 16_000];
const INTEGERS = [0n, 1n, 23n, 31n, 32n, 255n, 2n ** 32n, 8_640_000_000_000_000n, 8_640_000_000_000_001n];
const TEXTS = ['', '80', 'c080', 'eda080', 'f4908080', '00', '5348413338 34', '536861333834'].map(raw);
const FIELDS = ['module_id', 'digest', 'timestamp', 'pcrs', 'certificate', 'cabundle'].concat([
  'public_key',
  'user_data',
  'nonce',
  'debug',
  '__proto__',
  'constructor',
]);
const ITEMS: readonly Node[] = [
  NULL,
  { kind: 'raw', bytes: raw('f5') },
  { kind: 'raw', bytes: raw('fb7ff8000000000000') },
  { kind: 'raw', bytes: raw('1c') },
  { kind: 'raw', bytes: raw('ff') },
  { kind: 'integer', major: 1, value: 0n },
  { kind: 'string', major: 2, content: new Uint8Array() },
  { kind: 'string', major: 3, content: raw('61') },
  { kind: 'array', items: [] },
  { kind: 'map', entries: [] },
  { kind: 'array', items: [{ kind: 'array', items: [{ kind: 'array', items: [] }] }] },
  { kind: 'tag', tag: 0n, item: NULL },
  { kind: 'tag', tag: 64n, item: { kind: 'string', major: 2, content: new Uint8Array(48) } },
];

function textOf(node: Node | undefined): string {
  return node?.kind === 'string' ? Buffer.from(node.content).toString() : '';
}

function entryOf(root: Node, field: string): [Node, Node] {
  const entry = root.kind === 'map' ? root.entries.find(([key]) => textOf(key) === field) : undefined;
  if (entry === undefined) throw new RangeError(`no field ${field}`);
  return entry;
}

/** Another value in the same form. */
function changeValue(random: Random, node: Node): void {
  switch (node.kind) {
    case 'integer':
      node.value = random.chance(0.7)
        ? random.pick(INTEGERS)
        : BigInt.asUintN(64, node.value + BigInt(random.between(-4_000_000, 14_000_000)));
      if (random.chance(0.1)) node.major = 1;
      return;
    case 'string':
      if (node.major === 3) {
        node.content = random.chance(0.3)
          ? random.pick(TEXTS)
          : raw(Buffer.from(random.pick(FIELDS)).toString('hex'));
      } else if (random.chance(0.5)) node.content = resized(random, node.content);
      else if (node.content.length > 0) {
        node.content = byteMutators['flip a bit']?.(random, node.content, []) ?? node.content;
      }
      return;
    case 'array':
      node.items = random.chance(0.5) ? [] : node.items.concat(node.items);
      return;
    case 'map':
      node.entries = random.chance(0.3) ? [] : node.entries.slice(random.below(node.entries.length));
      return;
    case 'tag':
      node.tag += 1n;
      return;
    case 'raw':
      node.bytes = encodeTree({ kind: 'string', major: 2, content: random.bytes(random.pick(LENGTHS)) });
  }
}

function resized(random: Random, content: Uint8Array): Uint8Array {
  const result = new Uint8Array(random.pick(LENGTHS));
  if (random.chance(0.8)) result.set(content.subarray(0, result.length));
  return result;
}

/** A value of another type in the place of one. */
function changeType(random: Random, root: Node): void {
  const item = structuredClone(random.pick(ITEMS));
  if (root.kind !== 'map') return;
  const [, value] = random.pick(root.entries);
  const inside = random.chance(0.5) ? nodesOf(value) : [value];
  const target = random.pick(inside);
  const wrapped: Node = random.chance(0.3) ? { kind: 'tag', tag: 24n, item: structuredClone(target) } : item;
  for (const key of Object.keys(target)) Reflect.deleteProperty(target, key);
  Object.assign(target, wrapped);
}

function onTree(change: (random: Random, root: Node) => void): PayloadMutator {
  return (random, { parts }) => {
    const root = parseTree(parts.payload);
    change(random, root);
    return encodeTree(root);
  };
}

/** Certificates of the document: cabundle, then the leaf. */
function certificatesOf(root: Node): (Node & { kind: 'string' })[] {
  const bundle = entryOf(root, 'cabundle')[1];
  const nodes = [...(bundle.kind === 'array' ? bundle.items : []), entryOf(root, 'certificate')[1]];
  return nodes.filter((node) => node.kind === 'string');
}

function mutateDer(random: Random, certificate: Uint8Array): Uint8Array {
  const root = parseDer(certificate);
  const kind = random.below(7);
  const moves = kind >= 2 && kind <= 4;
  const element = random.pick(elementsOf(root).filter(({ children }) => !moves || children !== undefined));
  const siblings = element.children ?? [];
  switch (kind) {
    case 0:
      element.longLength = true;
      break;
    case 1:
      element.tag = random.pick([
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x18, 0x30, 0x31, 0xa3,
      ]);
      break;
    case 2:
      siblings.splice(random.below(siblings.length), 1);
      break;
    case 3:
      siblings.splice(0, 0, ...siblings.slice(random.below(siblings.length)));
      break;
    case 4:
      siblings.reverse();
      break;
    case 5:
      element.children = undefined;
      element.content = byteMutators['several at once']?.(random, element.content, []) ?? element.content;
      break;
    default: {
      const donor = random.pick(elementsOf(parseDer(certificate)));
      Object.assign(element, { tag: donor.tag, content: donor.content, children: donor.children });
    }
  }
  return encodeDer(root);
}

export const signedMutators: Readonly<Record<string, PayloadMutator>> = {
  'signed: payload bytes': (random, { parts }) =>
    byteMutators[random.pick(Object.keys(byteMutators))]?.(random, parts.payload, [parts.payload]) ??
    parts.payload,
  'signed: payload re-encoded': onTree(reencode),
  'signed: payload rearranged': onTree(rearrange),
  'signed: a value': onTree((random, root) => {
    if (root.kind !== 'map') return;
    const [key, value] = random.pick(root.entries);
    changeValue(random, random.chance(0.1) ? key : random.pick(nodesOf(value)));
  }),
  'signed: a type': onTree(changeType),
  'signed: certificate bytes': onTree((random, root) => {
    const certificates = certificatesOf(root);
    const target = random.pick(certificates);
    const others = certificates.map(({ content }) => content);
    target.content =
      byteMutators[random.pick(Object.keys(byteMutators))]?.(random, target.content, others) ??
      target.content;
  }),
  'signed: certificate DER': onTree((random, root) => {
    const target = random.pick(certificatesOf(root));
    target.content = mutateDer(random, target.content);
  }),
  'signed: certificate order': onTree((random, root) => {
    const certificates = certificatesOf(root);
    const [one, other] = [random.pick(certificates), random.pick(certificates)];
    [one.content, other.content] = random.chance(0.7)
      ? [other.content, one.content]
      : [other.content, other.content];
  }),
  'signed: certificate twin': onTree((random, root) => {
    for (const certificate of certificatesOf(root).slice(1)) {
      if (random.chance(0.5)) certificate.content = certificateTwinOf(certificate.content);
    }
  }),
};
