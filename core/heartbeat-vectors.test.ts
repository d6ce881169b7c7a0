import { readFileSync } from 'node:fs';

import t from 'tap';
import { z } from 'zod';

import { concatBytes, ed25519FromSeed, fromHex, toHex, verifyEd25519, type Bytes } from './index.ts';

// Made by vectors/heartbeat.py, which shares no code with the project.
const hex = z.string().transform((text) => fromHex(text.replace(/^0x/, '')));
const heartbeat = z.object({
  cluster: hex,
  stake: hex,
  node: z.string(),
  timestampMs: z.string().transform((text) => BigInt(text)),
  message: z.string(),
  signature: z.string(),
});
const schema = z.object({
  heartbeats: z.record(z.string(), heartbeat),
  otherKeySignature: z.string(),
});
const seeds = z.object({ seeds: z.object({ node: hex, other: hex }) });

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

const vectors = schema.parse(JSON.parse(read('./vectors/heartbeat.json')));
const { node, other } = seeds.parse(JSON.parse(read('./vectors/decision.json'))).seeds;

/** BCS by hand: ids as they are, a text behind its length, a u64 little-endian (docs/formats.md). */
function message(parts: z.infer<typeof heartbeat>): Bytes {
  const name = new TextEncoder().encode(parts.node);
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, parts.timestampMs, true);
  const domain = new TextEncoder().encode('k3s-daas/heartbeat/v1');
  return concatBytes(domain, parts.cluster, parts.stake, new Uint8Array([name.length]), name, time);
}

void t.test('heartbeats: messages and signatures', (t) => {
  const signer = ed25519FromSeed(node);
  t.equal(Object.keys(vectors.heartbeats).length, 7);
  for (const [name, parts] of Object.entries(vectors.heartbeats)) {
    t.equal(toHex(message(parts)), parts.message, `message ${name}`);
    // Ed25519 is deterministic (RFC 8032): the same seed signs the same bytes alike everywhere.
    t.equal(toHex(signer.sign(message(parts))), parts.signature, `signature ${name}`);
  }
  const first = vectors.heartbeats['first'];
  if (first === undefined) throw new Error('the vectors lack the heartbeat "first"');
  const otherKey = ed25519FromSeed(other);
  t.equal(toHex(otherKey.sign(message(first))), vectors.otherKeySignature);
  t.notOk(verifyEd25519(signer.publicKey, message(first), fromHex(vectors.otherKeySignature)));
  t.end();
});

// The Move tests embed the same bytes; a function's name is the path of its value.
void t.test('the Move vectors equal these', (t) => {
  const expected = new Map<string, string>();
  for (const [name, { message, signature }] of Object.entries(vectors.heartbeats)) {
    const path = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    expected.set(`heartbeats_${path}_message`, message);
    expected.set(`heartbeats_${path}_signature`, signature);
  }
  expected.set('other_key_signature', vectors.otherKeySignature);
  const source = read('../sui/move/daas/tests/heartbeat_vectors.move');
  const found = [...source.matchAll(/public fun (\w+)\(\): vector<u8> \{\s*x"([0-9a-f]*)"\s*\}/g)];
  t.strictSame(new Map(found.map(([, name = '', bytes = '']) => [name, bytes])), expected);
  t.equal(found.length, source.match(/\bfun\b/g)?.length, 'every function of the file was read');
  t.end();
});
