import { readFileSync } from 'node:fs';

import t from 'tap';
import { z } from 'zod';

import {
  configDigest,
  concatBytes,
  decodeDecisionMessage,
  decodeReceipt,
  DecisionKind,
  ed25519FromSeed,
  encodeDecisionMessage,
  encodeReceipt,
  enclaveUserData,
  FormatError,
  fromHex,
  Intent,
  namesDigest,
  nodeClaimMessage,
  RECEIPT_CHARACTERS_MAX,
  receiptDigest,
  toHex,
  verifyEd25519,
  type Bytes,
  type Decision,
} from './index.ts';

// Made by a program that shares no code with the project; `about` in the file says how.
const hex = z.string().transform((text) => fromHex(text));
const u64 = z.string().transform((text) => BigInt(text));
const claim = z.object({
  cluster: z.string(),
  stake: z.string(),
  node: z.string(),
  csrKeyHash: hex,
  message: z.string(),
  proof: hex,
});
const vectorSchema = z.object({
  seeds: z.object({ decision: hex, other: hex, node: hex, log: hex }),
  keys: z.object({ decision: hex, other: hex, node: hex, log: hex }),
  ids: z.object({ cluster: z.string() }),
  config: z.object({
    apiServerCaDigest: hex,
    chainId: z.string(),
    packageId: z.string(),
    policyDigest: hex,
    digest: hex,
  }),
  enclave: z.object({ tlsKeyHash: hex, userData: z.string() }),
  claims: z.record(z.string(), claim),
  timestampMs: u64,
  decision: z.object({
    cluster: z.string(),
    session: z.string(),
    term: u64,
    configVersion: u64,
    sequence: u64,
    previous: hex,
    kind: z.number(),
    podUid: z.string(),
    namespace: z.string(),
    pod: z.string(),
    serviceAccount: z.string(),
    serviceAccountUid: z.string(),
    podSpecDigest: hex,
    node: z.string(),
    nodeUid: z.string(),
    nodeKeyHash: hex,
    stake: z.string(),
    notAfterMs: u64,
    policyDigest: hex,
    checkpoint: u64,
    checkpointDigest: hex,
    snapshotDigest: hex,
    inputDigest: hex,
    feasibleDigest: hex,
  }),
  messages: z.record(z.string(), z.object({ message: hex, signature: hex, outcome: z.string() })),
  otherKeySignature: hex,
  receipt: z.object({ base64: z.string(), digest: z.string() }),
  names: z.object({ list: z.array(z.string()), digest: z.string() }),
});
const json: unknown = JSON.parse(readFileSync(new URL('./vectors/decision.json', import.meta.url), 'utf8'));
const vectors = vectorSchema.parse(json);
const bind = vectors.messages['bind'];
if (bind === undefined) throw new Error('the vectors lack the message "bind"');
const receipt = { message: bind.message, signature: bind.signature };

/** The value with every byte array as hex, so that comparisons and their failures are readable. */
function plain(decision: Decision): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(decision).map(([name, value]: [string, unknown]) => [
      name,
      value instanceof Uint8Array ? toHex(value) : value,
    ]),
  );
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

function without(bytes: Bytes, index: number): Bytes {
  return concatBytes(bytes.subarray(0, index), bytes.subarray(index + 1));
}

void t.test('vectors: digests and messages', (t) => {
  t.equal(toHex(configDigest(vectors.config)), toHex(vectors.config.digest));
  const identity = {
    cluster: vectors.ids.cluster,
    configDigest: vectors.config.digest,
    decisionKey: vectors.keys.decision,
    logKey: vectors.keys.log,
    tlsKeyHash: vectors.enclave.tlsKeyHash,
  };
  t.equal(toHex(enclaveUserData(identity)), vectors.enclave.userData);
  for (const name of ['configDigest', 'decisionKey', 'logKey', 'tlsKeyHash'] as const) {
    t.equal(
      outcome(() => enclaveUserData({ ...identity, [name]: new Uint8Array(31) })),
      'LENGTH_WRONG',
      `user data with a short ${name}`,
    );
  }
  t.equal(Object.keys(vectors.claims).length, 4);
  for (const [name, claim] of Object.entries(vectors.claims)) {
    t.equal(toHex(nodeClaimMessage(claim)), claim.message, `claim ${name}`);
    t.ok(verifyEd25519(vectors.keys.node, fromHex(claim.message), claim.proof), `proof ${name}`);
  }
  t.equal(toHex(namesDigest(vectors.names.list)), vectors.names.digest);
  t.not(toHex(namesDigest(vectors.names.list.toReversed())), vectors.names.digest, 'the order counts');
  t.end();
});

void t.test('vectors: decision, signature, receipt', (t) => {
  t.equal(toHex(encodeDecisionMessage(vectors.timestampMs, vectors.decision)), toHex(bind.message));
  const decoded = decodeDecisionMessage(bind.message);
  t.equal(decoded.intent, Intent.decision);
  t.equal(decoded.timestampMs, vectors.timestampMs);
  t.same(plain(decoded.payload), plain(vectors.decision));
  for (const name of ['decision', 'other', 'node', 'log'] as const) {
    t.equal(toHex(ed25519FromSeed(vectors.seeds[name]).publicKey), toHex(vectors.keys[name]), `key ${name}`);
  }
  // Ed25519 is deterministic (RFC 8032): the same seed signs the same bytes alike everywhere.
  const signer = ed25519FromSeed(vectors.seeds.decision);
  for (const [name, { message, signature }] of Object.entries(vectors.messages)) {
    t.equal(toHex(signer.sign(message)), toHex(signature), `signature ${name}`);
    t.ok(verifyEd25519(vectors.keys.decision, message, signature), `verification ${name}`);
  }
  t.notOk(verifyEd25519(vectors.keys.decision, bind.message, vectors.otherKeySignature));
  t.equal(encodeReceipt(receipt), vectors.receipt.base64);
  t.equal(toHex(receiptDigest(receipt)), vectors.receipt.digest);
  const parsed = decodeReceipt(vectors.receipt.base64);
  t.equal(toHex(parsed.message), toHex(receipt.message));
  t.equal(toHex(parsed.signature), toHex(receipt.signature));
  t.end();
});

void t.test('each message of the vectors has its outcome', (t) => {
  for (const [name, { message, outcome: expected }] of Object.entries(vectors.messages)) {
    t.equal(
      outcome(() => decodeDecisionMessage(message)),
      expected,
      name,
    );
  }
  const adopted = vectors.messages['adopt'];
  t.equal(adopted && decodeDecisionMessage(adopted.message).payload.kind, DecisionKind.adopt);
  const long = vectors.messages['longNames'];
  t.equal(long && decodeDecisionMessage(long.message).payload.node.length, 253);
  t.end();
});

// Whatever decodes is the one form of what it says: signed, logged and compared bytes are never two forms of a thing.
void t.test('strict: every changed byte fails or is another decision, in canonical form', (t) => {
  const { message } = bind;
  let decoded = 0;
  for (let index = 0; index < message.length; index++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const changed = message.slice();
      changed[index] = (changed[index] ?? 0) ^ flip;
      const result = outcome(() => {
        const { timestampMs, payload } = decodeDecisionMessage(changed);
        if (toHex(encodeDecisionMessage(timestampMs, payload)) !== toHex(changed)) t.fail(`byte ${index}`);
        decoded++;
      });
      if (index === 0) t.equal(result, 'INTENT_WRONG', 'the first byte is the intent');
    }
    t.not(
      outcome(() => decodeDecisionMessage(without(message, index))),
      'ok',
      `without byte ${index}`,
    );
    t.not(
      outcome(() => decodeDecisionMessage(message.subarray(0, index))),
      'ok',
      `cut at ${index}`,
    );
  }
  t.ok(decoded > message.length, 'most changed bytes are other values');
  t.equal(
    outcome(() => decodeDecisionMessage(concatBytes(message, new Uint8Array(1)))),
    'BCS_NOT_CANONICAL',
  );
  t.end();
});

void t.test('what cannot be encoded', (t) => {
  const encode = (change: Partial<Decision>) => () =>
    encodeDecisionMessage(1n, { ...vectors.decision, ...change });
  t.equal(outcome(encode({ cluster: '0x1' })), 'ID_MALFORMED');
  t.equal(outcome(encode({ stake: `0x${vectors.decision.stake.slice(2).toUpperCase()}` })), 'ID_MALFORMED');
  t.equal(outcome(encode({ previous: new Uint8Array(33) })), 'LENGTH_WRONG');
  t.equal(outcome(encode({ inputDigest: new Uint8Array() })), 'LENGTH_WRONG');
  t.throws(encode({ term: 1n << 64n }));
  t.throws(encode({ term: -1n }));
  t.throws(encode({ kind: 256 }));
  t.end();
});

void t.test('receipts: one text for one receipt', (t) => {
  const text = vectors.receipt.base64;
  t.ok(text.endsWith('='), 'a vector with padding');
  const broken = {
    'without padding': text.replace(/=+$/, ''),
    'more padding': `${text}=`,
    'base64url alphabet': text.replaceAll('+', '-').replaceAll('/', '_'),
    'line end': `${text}\n`,
    'space inside': `${text.slice(0, 8)} ${text.slice(8)}`,
    'bits left over': nonCanonicalTail(text),
  };
  for (const [name, value] of Object.entries(broken)) {
    t.not(value, text, `${name} is another text`);
    t.equal(
      outcome(() => decodeReceipt(value)),
      'RECEIPT_MALFORMED',
      name,
    );
  }
  t.equal(
    outcome(() => decodeReceipt('')),
    'BCS_MALFORMED',
  );
  t.equal(
    outcome(() => decodeReceipt('A'.repeat(RECEIPT_CHARACTERS_MAX + 4))),
    'RECEIPT_MALFORMED',
  );
  const short = encodeReceipt({ message: receipt.message, signature: receipt.signature.subarray(0, 63) });
  t.equal(
    outcome(() => decodeReceipt(short)),
    'RECEIPT_MALFORMED',
    'a signature of 63 bytes',
  );
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  const base64 = (part: Bytes): string => Buffer.from(part).toString('base64');
  for (let length = 0; length < bytes.length; length++) {
    t.not(
      outcome(() => decodeReceipt(base64(bytes.subarray(0, length)))),
      'ok',
      `cut at ${length}`,
    );
  }
  t.equal(
    outcome(() => decodeReceipt(base64(concatBytes(bytes, new Uint8Array(1))))),
    'BCS_NOT_CANONICAL',
    'a byte more',
  );
  // 564 = 0xb4 0x04 in ULEB128; the same number in three bytes.
  t.same([...bytes.subarray(0, 2)], [0xb4, 0x04]);
  const longer = concatBytes(new Uint8Array([0xb4, 0x84, 0x00]), bytes.subarray(2));
  t.equal(
    outcome(() => decodeReceipt(base64(longer))),
    'BCS_MALFORMED',
    'a longer length',
  );
  t.end();
});

/** Same bytes, but a bit set that the padding leaves unused. */
function nonCanonicalTail(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const last = text.replace(/=+$/, '').length - 1;
  const value = alphabet.indexOf(text.charAt(last));
  return text.slice(0, last) + alphabet.charAt(value ^ 1) + text.slice(last + 1);
}

// The Move tests embed the same bytes; a function's name is the path of its value.
void t.test('the Move vectors equal these', (t) => {
  const source = readFileSync(new URL('../sui/move/daas/tests/vectors.move', import.meta.url), 'utf8');
  const inMove = new Map<string, string>();
  for (const [, name = '', bytes = ''] of source.matchAll(
    /public fun (\w+)\(\): vector<u8> \{\s*x"([0-9a-f]*)"\s*\}/g,
  )) {
    inMove.set(name, bytes);
  }
  t.equal(inMove.size, source.match(/\bfun\b/g)?.length, 'every function of the file was read');
  t.equal(inMove.size, source.match(/x"/g)?.length, 'every literal of the file was read');
  const inJson = new Map(flatten([], json));
  for (const [name, bytes] of inMove) t.equal(bytes, inJson.get(name)?.replace(/^0x/, ''), name);
  for (const name of Object.keys(vectors.messages)) {
    const path = snakeCase(`messages_${name}`);
    t.ok(inMove.has(`${path}_message`) && inMove.has(`${path}_signature`), `Move has ${name}`);
  }
  for (const name of Object.keys(vectors.claims)) {
    const path = snakeCase(`claims_${name}`);
    t.ok(inMove.has(`${path}_message`) && inMove.has(`${path}_proof`), `Move has ${name}`);
  }
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
