import { readFileSync } from 'node:fs';

import t from 'tap';
import { z } from 'zod';

import {
  consistencyProof,
  decodeAnchorMessage,
  ed25519FromSeed,
  emptyRoot,
  encodeAnchorMessage,
  FormatError,
  fromHex,
  inclusionProof,
  leafHash,
  merkleRoot,
  toHex,
  verifyEd25519,
  type Anchor,
} from './index.ts';

// Made by vectors/anchor.py, which shares no code with the project.
const hex = z.string().transform((text) => fromHex(text));
const signed = z.object({ message: hex, signature: hex });
const schema = z.object({
  timestampMs: z.string().transform((text) => BigInt(text)),
  records: z.array(hex),
  roots: z.object({ empty: hex, three: hex, eight: hex, forked: hex }),
  consistency: z.record(z.string(), z.array(hex)),
  inclusion: z.record(z.string(), z.array(hex)),
  anchors: z.record(z.string(), signed),
});
const knownSchema = z.object({
  seeds: z.object({ log: hex }),
  ids: z.object({ cluster: z.string(), otherCluster: z.string(), session: z.string() }),
});

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

const json: unknown = JSON.parse(read('./vectors/anchor.json'));
const vectors = schema.parse(json);
const { seeds, ids } = knownSchema.parse(JSON.parse(read('./vectors/decision.json')));
const { timestampMs, roots } = vectors;

const first: Anchor = {
  cluster: ids.cluster,
  session: ids.session,
  size: 3n,
  root: roots.three,
  previousRoot: roots.empty,
  lastSequence: 2n,
};
const second: Anchor = {
  ...first,
  size: 8n,
  root: roots.eight,
  previousRoot: roots.three,
  lastSequence: 6n,
};

function vector(name: string): z.infer<typeof signed> {
  const found = vectors.anchors[name];
  if (found === undefined) throw new Error(`the vectors lack the anchor ${name}`);
  return found;
}

void t.test('anchors are encoded and signed as the vectors are', (t) => {
  const signer = ed25519FromSeed(seeds.log);
  const cases: readonly (readonly [string, Anchor])[] = [
    ['first', first],
    ['second', second],
    ['forked', { ...second, root: roots.forked }],
    ['otherCluster', { ...first, cluster: ids.otherCluster }],
    ['largest', { ...first, size: 2n ** 64n - 1n, lastSequence: 2n ** 64n - 1n }],
  ];
  for (const [name, anchor] of cases) {
    const { message, signature } = vector(name);
    t.equal(toHex(encodeAnchorMessage(timestampMs, anchor)), toHex(message), name);
    t.strictSame(decodeAnchorMessage(message), { intent: 3, timestampMs, payload: anchor });
    t.equal(toHex(signer.sign(message)), toHex(signature), 'Ed25519 is deterministic');
  }
  const { message, signature } = vector('otherKey');
  t.notOk(verifyEd25519(signer.publicKey, message, signature));
  t.end();
});

void t.test('an anchor has one form', (t) => {
  const codes: Record<string, string> = {};
  for (const name of ['otherIntent', 'longer', 'shorter', 'shortRoot', 'longPreviousRoot']) {
    try {
      decodeAnchorMessage(vector(name).message);
      codes[name] = 'ok';
    } catch (error) {
      codes[name] = error instanceof FormatError ? error.code : String(error);
    }
  }
  t.strictSame(codes, {
    otherIntent: 'INTENT_WRONG',
    longer: 'BCS_NOT_CANONICAL',
    shorter: 'BCS_MALFORMED',
    shortRoot: 'LENGTH_WRONG',
    longPreviousRoot: 'LENGTH_WRONG',
  });
  t.end();
});

void t.test('roots and proofs over the records', (t) => {
  const leaves = vectors.records.map((record) => leafHash(record));
  t.strictSame(merkleRoot(leaves), roots.eight);
  t.strictSame(merkleRoot(leaves.slice(0, 3)), roots.three);
  t.strictSame(emptyRoot(), roots.empty);
  t.strictSame(consistencyProof(leaves, 3n, 8n), vectors.consistency['threeToEight']);
  t.strictSame(inclusionProof(leaves, 2n, 8n), vectors.inclusion['record2Of8']);
  t.strictSame(inclusionProof(leaves, 2n, 3n), vectors.inclusion['record2Of3']);
  t.end();
});

// The Move tests embed the same bytes; a function's name is the path of its value.
void t.test('the Move vectors equal these', (t) => {
  const source = read('../sui/move/daas/tests/anchor_vectors.move');
  const inMove = new Map<string, string>();
  for (const [, name = '', body = ''] of source.matchAll(/public fun (\w+)\(\): [^{]+\{([^}]*)\}/g)) {
    inMove.set(name, [...body.matchAll(/x"([0-9a-f]*)"/g)].map(([, bytes]) => bytes).join());
  }
  t.equal(inMove.size, source.match(/\bfun\b/g)?.length, 'every function was read');
  const { records, roots, consistency, inclusion, anchors, decisions } = z
    .record(z.string(), z.unknown())
    .parse(json);
  const sections = { records, roots, consistency, inclusion, anchors, decisions };
  t.strictSame(inMove, new Map(flatten([], sections)));
  t.end();
});

function flatten(path: readonly string[], value: unknown): [string, string][] {
  const name = path.join('_').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (typeof value === 'string') return [[name, value]];
  if (Array.isArray(value)) return [[name, value.join()]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => flatten([...path, key], inner));
}
