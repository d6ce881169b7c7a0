import { readFileSync } from 'node:fs';

import t from 'tap';
import { z } from 'zod';

import {
  concatBytes,
  decodeDecisionMessage,
  decodeReleaseMessage,
  decodeSealIdentity,
  ed25519FromSeed,
  encodeReleaseMessage,
  encodeSealIdentity,
  FormatError,
  fromHex,
  Intent,
  receiptDigest,
  RELEASE_IMAGES_MAX,
  RELEASE_MESSAGE_BYTES_MAX,
  toHex,
  verifyEd25519,
  type Bytes,
  type Release,
  type SealIdentity,
} from './index.ts';

// Made by core/vectors/release.py, which shares no code with the project.
const hex = z.string().transform((text) => fromHex(text));
const u64 = z.string().transform((text) => BigInt(text));
const release = z.object({
  timestampMs: u64,
  cluster: z.string(),
  session: z.string(),
  receiptDigest: hex,
  podUid: z.string(),
  policy: z.string(),
  recipient: z.string(),
  imageDigests: z.array(hex),
  notAfterMs: u64,
});
const schema = z.object({
  ids: z.object({ policy: z.string(), otherPolicy: z.string() }),
  receipts: z.record(
    z.string(),
    z.object({
      change: z.record(z.string(), z.union([z.string(), z.number()])),
      message: hex,
      signature: hex,
      digest: z.string(),
    }),
  ),
  releases: z.record(
    z.string(),
    z.object({ release: release.optional(), message: hex, signature: hex, outcome: z.string() }),
  ),
  otherKeySignature: hex,
  claimByOtherKey: hex,
  identities: z.record(
    z.string(),
    z.object({
      policy: z.string(),
      cluster: z.string(),
      namespace: z.string(),
      serviceAccount: z.string(),
      version: u64,
      bytes: hex,
      outcome: z.string(),
    }),
  ),
});

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

const json: unknown = JSON.parse(read('./vectors/release.json'));
const vectors = schema.parse(json);
const known = z
  .object({
    seeds: z.object({ decision: hex, other: hex }),
    claims: z.object({ first: z.object({ message: hex }) }),
  })
  .parse(JSON.parse(read('./vectors/decision.json')));
const signer = ed25519FromSeed(known.seeds.decision);
const other = ed25519FromSeed(known.seeds.other);
const bind = vectors.releases['bind'];
if (bind?.release === undefined) throw new Error('the vectors lack the release "bind"');
const { timestampMs: bindMs, ...bindRelease } = bind.release;
const { version1 } = vectors.identities;
if (version1 === undefined) throw new Error('the vectors lack the identity "version1"');

/** Byte arrays as hex, so that comparisons and their failures are readable. */
function plain({ receiptDigest, imageDigests, ...rest }: Release): Record<string, unknown> {
  return {
    ...rest,
    receiptDigest: toHex(receiptDigest),
    imageDigests: imageDigests.map((image) => toHex(image)),
  };
}

/** The code of the FormatError that `act` throws, or `ok`; anything else that is thrown is a failure of the test. */
function outcome(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
}

void t.test('the largest release fits what is said of it, and one input of a transaction', (t) => {
  const imageDigests = Array.from({ length: RELEASE_IMAGES_MAX }, () => new Uint8Array(32));
  const largest = encodeReleaseMessage(bindMs, { ...bindRelease, podUid: 'u'.repeat(253), imageDigests });
  t.ok(largest.length <= RELEASE_MESSAGE_BYTES_MAX, `${largest.length} bytes`);
  // max_pure_argument_size of Sui's protocol configuration.
  t.ok(RELEASE_MESSAGE_BYTES_MAX < 16_384);
  t.end();
});

void t.test('receipts: decisions, signatures, digests', (t) => {
  for (const [name, { change, message, signature, digest }] of Object.entries(vectors.receipts)) {
    t.equal(toHex(signer.sign(message)), toHex(signature), `signature ${name}`);
    t.equal(toHex(receiptDigest({ message, signature })), digest, `digest ${name}`);
    const decision = Object.fromEntries(
      Object.entries(decodeDecisionMessage(message).payload).map(([field, value]: [string, unknown]) => [
        field,
        value instanceof Uint8Array ? toHex(value) : typeof value === 'bigint' ? String(value) : value,
      ]),
    );
    t.match(decision, change, name);
  }
  t.end();
});

void t.test('releases: messages, signatures, outcomes', (t) => {
  for (const [name, vector] of Object.entries(vectors.releases)) {
    // Ed25519 is deterministic (RFC 8032): the same seed signs the same bytes alike everywhere.
    t.equal(toHex(signer.sign(vector.message)), toHex(vector.signature), `signature ${name}`);
    t.equal(
      outcome(() => decodeReleaseMessage(vector.message)),
      vector.outcome,
      `outcome ${name}`,
    );
    t.equal(
      vector.release !== undefined,
      vector.outcome === 'ok',
      `${name} has fields exactly if it is good`,
    );
    if (vector.release === undefined) continue;
    const { timestampMs, ...release } = vector.release;
    t.equal(toHex(encodeReleaseMessage(timestampMs, release)), toHex(vector.message), `message ${name}`);
    const decoded = decodeReleaseMessage(vector.message);
    t.equal(decoded.intent, Intent.release);
    t.equal(decoded.timestampMs, timestampMs);
    t.strictSame(plain(decoded.payload), plain(release), `fields ${name}`);
  }
  t.equal(toHex(other.sign(bind.message)), toHex(vectors.otherKeySignature));
  t.notOk(verifyEd25519(signer.publicKey, bind.message, vectors.otherKeySignature));
  t.equal(toHex(other.sign(known.claims.first.message)), toHex(vectors.claimByOtherKey));
  t.equal(vectors.releases['manyImages']?.release?.imageDigests.length, 130, 'a length of two bytes');
  t.end();
});

void t.test('identities: bytes and outcomes', (t) => {
  for (const [name, { bytes, outcome: expected, ...identity }] of Object.entries(vectors.identities)) {
    t.equal(
      outcome(() => decodeSealIdentity(bytes)),
      expected,
      `outcome ${name}`,
    );
    if (expected !== 'ok') continue;
    t.equal(toHex(encodeSealIdentity(identity)), toHex(bytes), `bytes ${name}`);
    t.strictSame(decodeSealIdentity(bytes), identity, `fields ${name}`);
  }
  t.end();
});

// Whatever decodes is the one form of what it says: signed and compared bytes are never two forms of a thing.
void t.test('strict: every changed byte fails or is another value, in canonical form', (t) => {
  const again = {
    release: (bytes: Bytes): Bytes => {
      const { timestampMs, payload } = decodeReleaseMessage(bytes);
      return encodeReleaseMessage(timestampMs, payload);
    },
    identity: (bytes: Bytes): Bytes => encodeSealIdentity(decodeSealIdentity(bytes)),
  };
  for (const [name, bytes] of [
    ['release', bind.message],
    ['release', vectors.releases['twoImages']?.message ?? new Uint8Array()],
    ['identity', version1.bytes],
  ] as const) {
    let decoded = 0;
    for (let index = 0; index < bytes.length; index++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = bytes.slice();
        changed[index] = (changed[index] ?? 0) ^ flip;
        outcome(() => {
          if (toHex(again[name](changed)) !== toHex(changed)) t.fail(`${name}: byte ${index}`);
          decoded++;
        });
      }
      t.not(
        outcome(() => again[name](bytes.subarray(0, index))),
        'ok',
        `${name}: cut at ${index}`,
      );
    }
    t.ok(decoded > bytes.length, `${name}: most changed bytes are other values`);
    t.equal(
      outcome(() => again[name](concatBytes(bytes, new Uint8Array(1)))),
      'BCS_NOT_CANONICAL',
      `${name}: a byte more`,
    );
  }
  t.end();
});

void t.test('what cannot be encoded', (t) => {
  const encode = (change: Partial<Release>) => () =>
    encodeReleaseMessage(bindMs, { ...bindRelease, ...change });
  t.equal(outcome(encode({ cluster: '0x1' })), 'ID_MALFORMED');
  t.equal(outcome(encode({ recipient: bindRelease.recipient.toUpperCase() })), 'ID_MALFORMED');
  t.equal(outcome(encode({ receiptDigest: new Uint8Array(31) })), 'LENGTH_WRONG');
  t.equal(outcome(encode({ imageDigests: [new Uint8Array(33)] })), 'LENGTH_WRONG');
  t.throws(encode({ notAfterMs: 1n << 64n }));
  const identify = (change: Partial<SealIdentity>) => () => encodeSealIdentity({ ...version1, ...change });
  t.equal(outcome(identify({ policy: '0x1' })), 'ID_MALFORMED');
  t.throws(identify({ version: -1n }));
  t.end();
});

// The Move tests embed the same bytes; a function's name is the path of its value.
void t.test('the Move vectors equal these', (t) => {
  const source = read('../sui/move/daas/tests/release_vectors.move');
  const found = [...source.matchAll(/public fun (\w+)\(\): vector<u8> \{\s*x"([0-9a-f]*)"\s*\}/g)];
  const inMove = new Map(found.map(([, name = '', bytes = '']) => [name, bytes]));
  t.equal(inMove.size, source.match(/\bfun\b/g)?.length, 'every function of the file was read');
  t.equal(inMove.size, source.match(/x"/g)?.length, 'every literal of the file was read');
  const inJson = new Map(flatten([], json));
  const compared = [...inMove].map(
    ([name, bytes]) =>
      [name, inJson.get(name.replace(/^(identities_.*)/, '$1_bytes')) ?? inJson.get(name), bytes] as const,
  );
  for (const [name, expected, bytes] of compared) t.equal(bytes, expected?.replace(/^0x/, ''), name);
  for (const name of Object.keys(vectors.receipts))
    t.ok(inMove.has(snakeCase(`receipts_${name}_message`)), name);
  for (const name of Object.keys(vectors.releases))
    t.ok(inMove.has(snakeCase(`releases_${name}_message`)), name);
  for (const name of Object.keys(vectors.identities)) t.ok(inMove.has(snakeCase(`identities_${name}`)), name);
  t.end();
});

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function flatten(path: readonly string[], value: unknown): [string, string][] {
  if (typeof value === 'string') return [[snakeCase(path.join('_')), value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => flatten([...path, key], inner));
}
