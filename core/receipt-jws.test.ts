import { createHmac, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

import * as jose from 'jose';
import nodeJose from 'node-jose';
import t from 'tap';
import { z } from 'zod';

import {
  ed25519FromSeed,
  encodeReceipt,
  encodeReceiptJws,
  FormatError,
  fromHex,
  parseReceiptJws,
  RECEIPT_JWS_TYPE,
  utf8,
  verifyReceiptJws,
  type Receipt,
} from './index.ts';

// The receipt is that of core/vectors/decision.json, made by a program that shares no code with the project.
const hex = z.string().transform((text) => fromHex(text));
const vector = z
  .object({
    seeds: z.object({ decision: hex, other: hex }),
    decision: z.record(z.string(), z.union([z.string(), z.number()])),
    timestampMs: z.string(),
    messages: z.object({ bind: z.object({ message: hex, signature: hex }) }),
  })
  .parse(JSON.parse(readFileSync(new URL('vectors/decision.json', import.meta.url), 'utf8')));
const signer = ed25519FromSeed(vector.seeds.decision);
const stranger = ed25519FromSeed(vector.seeds.other);
const receipt: Receipt = vector.messages.bind;
const genuine = encodeReceiptJws(receipt, signer);
const [HEADER = '', PAYLOAD = '', SIGNATURE = ''] = genuine.split('.');

const decode = (part: string): string => Buffer.from(part, 'base64url').toString('utf8');
const encode = (text: string): string => Buffer.from(text).toString('base64url');
const changed = (part: string, change: Record<string, unknown>): string =>
  encode(JSON.stringify({ ...(JSON.parse(decode(part)) as object), ...change }));
const resigned = (header: string, payload: string, by = signer): string =>
  `${header}.${payload}.${Buffer.from(by.sign(utf8(`${header}.${payload}`))).toString('base64url')}`;

const publicKey: KeyObject = createPublicKey({
  key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(signer.publicKey).toString('base64url') },
  format: 'jwk',
});

void t.test('a receipt as JWS says what the receipt says, in the words of jose', async (t) => {
  const { payload, protectedHeader } = await jose.compactVerify(genuine, publicKey, {
    algorithms: ['Ed25519'],
  });
  t.strictSame(protectedHeader, {
    alg: 'Ed25519',
    kid: String(vector.decision['session']),
    typ: RECEIPT_JWS_TYPE,
  });
  const claims = JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>;
  const decision = Object.fromEntries(
    Object.entries(vector.decision).map(([name, value]) => [name, name === 'kind' ? value : String(value)]),
  );
  t.strictSame(claims, { decision, receipt: encodeReceipt(receipt), timestampMs: vector.timestampMs });

  const own = verifyReceiptJws(genuine, signer.publicKey);
  t.strictSame(own.receipt, receipt);
  t.equal(own.message.payload.podUid, vector.decision['podUid']);
  t.equal(encodeReceiptJws(receipt, signer), genuine, 'the same text each time');
  t.equal(genuine.charCodeAt(0), 0x65, 'the signed text begins with a letter, a message with its intent (1)');
  t.equal(receipt.message[0], 1);
});

type Verdict = 'accepted' | 'refused';
interface Row {
  readonly name: string;
  readonly text: string;
  readonly ours:
    'accepted' | 'JWS_MALFORMED' | 'JWS_SIGNATURE_WRONG' | 'RECEIPT_MALFORMED' | 'BCS_NOT_CANONICAL';
  readonly jose: Verdict;
  /** Why jose and we differ; absent where we agree. */
  readonly because?: string;
}

const STRICTER =
  'jose checks a signature; that the JSON is the canonical one of the receipt inside is our rule';
const otherMessage = new Uint8Array(receipt.message);
otherMessage.set([7], 3);
const altered = { message: otherMessage, signature: receipt.signature };
const hmac = (header: string): string =>
  createHmac('sha256', publicKey.export({ format: 'pem', type: 'spki' }))
    .update(`${header}.${PAYLOAD}`)
    .digest('base64url');
const HS256 = encode('{"alg":"HS256"}');
/** The last of 86 characters carries 2 bits: another one with the same two is the same 64 bytes. */
const SLACK = `${SIGNATURE.slice(0, -1)}${SIGNATURE.endsWith('A') ? 'B' : String.fromCharCode(SIGNATURE.charCodeAt(85) + 1)}`;

const ROWS: readonly Row[] = [
  { name: 'the genuine one', text: genuine, ours: 'accepted', jose: 'accepted' },
  {
    name: 'a bit of the signature',
    text: `${HEADER}.${PAYLOAD}.${SIGNATURE.startsWith('A') ? 'B' : 'A'}${SIGNATURE.slice(1)}`,
    ours: 'JWS_SIGNATURE_WRONG',
    jose: 'refused',
  },
  {
    name: 'signed by a stranger',
    text: resigned(HEADER, PAYLOAD, stranger),
    ours: 'JWS_SIGNATURE_WRONG',
    jose: 'refused',
  },
  {
    name: 'another node in the JSON, signature kept',
    text: `${HEADER}.${changed(PAYLOAD, { decision: { node: 'mine' } })}.${SIGNATURE}`,
    ours: 'JWS_MALFORMED',
    jose: 'refused',
  },
  {
    name: 'another node in the JSON, signed',
    text: resigned(HEADER, changed(PAYLOAD, { decision: { node: 'mine' } })),
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: STRICTER,
  },
  {
    name: 'a receipt inside that its key did not sign',
    text: encodeReceiptJws(altered, signer),
    ours: 'JWS_SIGNATURE_WRONG',
    jose: 'accepted',
    because: 'jose knows nothing of the signature inside',
  },
  {
    name: 'no receipt inside',
    text: resigned(HEADER, encode('{}')),
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: STRICTER,
  },
  {
    name: 'a member twice',
    text: resigned(HEADER, encode(decode(PAYLOAD).replace('"receipt":', '"receipt":"","receipt":'))),
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: STRICTER,
  },
  {
    name: 'white space in the JSON',
    text: resigned(HEADER, encode(`${decode(PAYLOAD)} `)),
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: STRICTER,
  },
  {
    name: 'alg none',
    text: `${changed(HEADER, { alg: 'none' })}.${PAYLOAD}.`,
    ours: 'JWS_MALFORMED',
    jose: 'refused',
  },
  {
    name: 'HS256 with the public key as the secret',
    text: `${HS256}.${PAYLOAD}.${hmac(HS256)}`,
    ours: 'JWS_MALFORMED',
    jose: 'refused',
  },
  {
    name: 'alg EdDSA, the name that RFC 9864 replaces',
    text: resigned(changed(HEADER, { alg: 'EdDSA' }), PAYLOAD),
    ours: 'JWS_MALFORMED',
    jose: 'refused',
  },
  {
    name: 'the session of somebody else as kid',
    text: resigned(changed(HEADER, { kid: `0x${'00'.repeat(32)}` }), PAYLOAD),
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: STRICTER,
  },
  {
    name: 'a key of its own in the header',
    text: resigned(changed(HEADER, { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AA' } }), PAYLOAD),
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: 'jose ignores jwk where it was given a key; we take no header but ours',
  },
  {
    name: 'a critical extension nobody knows',
    text: resigned(changed(HEADER, { crit: ['x'], x: 1 }), PAYLOAD),
    ours: 'JWS_MALFORMED',
    jose: 'refused',
  },
  {
    name: 'an unencoded payload (RFC 7797)',
    text: resigned(changed(HEADER, { b64: false, crit: ['b64'] }), PAYLOAD),
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: 'jose implements RFC 7797; the text has no dot, so both readings of it are signed alike',
  },
  {
    name: 'padding',
    text: `${genuine}==`,
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: 'lenient base64url',
  },
  {
    name: 'other slack bits in the last character',
    text: `${HEADER}.${PAYLOAD}.${SLACK}`,
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: 'lenient base64url',
  },
  {
    name: 'a line feed after it',
    text: `${genuine}\n`,
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: 'lenient base64url',
  },
  { name: 'a fourth part', text: `${genuine}.`, ours: 'JWS_MALFORMED', jose: 'refused' },
  { name: 'two parts', text: `${HEADER}.${PAYLOAD}`, ours: 'JWS_MALFORMED', jose: 'refused' },
  { name: 'nothing', text: '', ours: 'JWS_MALFORMED', jose: 'refused' },
  {
    name: 'a payload that is not JSON',
    text: resigned(HEADER, encode('{')),
    ours: 'JWS_MALFORMED',
    jose: 'accepted',
    because: STRICTER,
  },
  {
    name: 'a receipt that is no base64',
    text: resigned(HEADER, encode('{"receipt":"*"}')),
    ours: 'RECEIPT_MALFORMED',
    jose: 'accepted',
    because: STRICTER,
  },
  {
    name: 'a receipt of other bytes',
    text: resigned(HEADER, encode('{"receipt":"AAAA"}')),
    ours: 'BCS_NOT_CANONICAL',
    jose: 'accepted',
    because: STRICTER,
  },
  {
    name: 'beyond the size',
    text: `${HEADER}.${PAYLOAD}.${'A'.repeat(30_000)}`,
    ours: 'JWS_MALFORMED',
    jose: 'refused',
  },
];

void t.test('differential: ours, jose 6, node-jose 2', async (t) => {
  for (const row of ROWS) {
    t.equal(ourVerdict(row.text), row.ours, `ours: ${row.name}`);
    const theirs = await joseVerdict(row.text);
    t.equal(theirs, row.jose, `jose: ${row.name}`);
    const agree = (row.ours === 'accepted') === (theirs === 'accepted');
    t.equal(row.because === undefined, agree, `each disagreement has its reason: ${row.name}`);
    t.not(
      row.ours === 'accepted' && theirs === 'refused',
      true,
      `we take nothing that jose refuses: ${row.name}`,
    );
    t.equal(await nodeJoseVerdict(row.text), 'refused', `node-jose: ${row.name}`);
  }
});

void t.test('node-jose 2.2.0 has no Ed25519: the known disagreement', async (t) => {
  const jwk = publicKey.export({ format: 'jwk' });
  await t.rejects(nodeJose.JWK.asKey(jwk as object), /unsupported key type/, 'it does not take the key');
  // The same header (but for alg and kid) and payload under ES256: it reads what we write.
  const key = await nodeJose.JWK.createKey('EC', 'P-256', { alg: 'ES256' });
  const fields = { alg: 'ES256', typ: RECEIPT_JWS_TYPE };
  const signed: unknown = await nodeJose.JWS.createSign({ format: 'compact', fields }, key)
    .update(Buffer.from(decode(PAYLOAD)))
    .final();
  const text = String(signed);
  t.equal(text.split('.')[1], PAYLOAD, 'both write the payload as the same text');
  const { payload } = await nodeJose.JWS.createVerify(key).verify(text);
  t.equal(payload.toString('base64url'), PAYLOAD);
  t.equal(ourVerdict(text), 'JWS_MALFORMED', 'and we take no other algorithm');
  t.end();
});

void t.test('every single-character change of the genuine text is refused', (t) => {
  const alphabet = ['A', 'B', '-', '_', '.', '='];
  let tried = 0;
  for (let at = 0; at < genuine.length; at += 3) {
    for (const letter of alphabet) {
      if (genuine[at] === letter) continue;
      const text = `${genuine.slice(0, at)}${letter}${genuine.slice(at + 1)}`;
      tried++;
      if (ourVerdict(text) === 'accepted') t.fail(`accepted with ${letter} at ${at}`);
    }
  }
  t.ok(tried > 1_000, `${tried} texts`);
  t.throws(() => parseReceiptJws(`${genuine}A`), { code: 'JWS_MALFORMED' });
  t.throws(
    () => parseReceiptJws('.'.repeat(30_000)),
    { message: /more than/ },
    'long texts are not even split',
  );
  t.end();
});

function ourVerdict(text: string): string {
  try {
    verifyReceiptJws(text, signer.publicKey);
    return 'accepted';
  } catch (error) {
    if (error instanceof FormatError) return error.code;
    throw error;
  }
}

async function joseVerdict(text: string): Promise<Verdict> {
  try {
    await jose.compactVerify(text, publicKey, { algorithms: ['Ed25519'] });
    return 'accepted';
  } catch {
    return 'refused';
  }
}

async function nodeJoseVerdict(text: string): Promise<Verdict> {
  const jwk = publicKey.export({ format: 'jwk' });
  try {
    await nodeJose.JWS.createVerify(await nodeJose.JWK.asKey(jwk)).verify(text);
    return 'accepted';
  } catch {
    return 'refused';
  }
}
