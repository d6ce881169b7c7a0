import t from 'tap';
import { DOCUMENT_BYTES_MAX, verifyAttestation } from '../index.ts';
import { T0 } from './test/authority.ts';
import {
  array,
  bytes,
  coseOf,
  head,
  indefiniteMap,
  join,
  map,
  nothing,
  payloadOf,
  raw,
  signedParts,
  text,
  uint,
} from './test/encoder.ts';
import { checkCases, Fixture, outcome, pcr, type Case } from './test/fixture.ts';

const fixture = await Fixture.make();
const options = fixture.options();
const row = (expect: Case['expect'], name: string, document: Uint8Array): Case => ({
  expect,
  name,
  bytes: document,
  options,
});
const zeros = (length: number): Uint8Array => new Uint8Array(length);
const standard = fixture.document();

void t.test('structural rules of CBOR', (t) => {
  const field = (name: string, item: Uint8Array): Uint8Array => fixture.with(name, item);
  const pairs = (count: number) => Array.from({ length: count }, (_, i) => [uint(i), bytes(pcr(i))] as const);
  checkCases(
    t,
    [
      row('accepted', 'indefinite payload map, as AWS since 2025', standard),
      row('accepted', 'definite payload map, as AWS before', fixture.document(undefined, map)),
      row('accepted', 'with tag 18', join(raw('d2'), standard)),
      row('CBOR_TAG', 'with tag 18 twice', join(raw('d2 d2'), standard)),
      row('CBOR_NOT_MINIMAL', 'with tag 18 in two bytes', join(raw('d8 12'), standard)),
      row('CBOR_TAG', 'with tag 98 (COSE_Sign)', join(raw('d8 62'), standard)),
      row('CBOR_TAG', 'self-described CBOR', join(raw('d9 d9f7'), standard)),
      row('CBOR_TAG', 'tag in the payload', field('nonce', join(raw('d8 40'), bytes(zeros(4))))),
      row(
        'CBOR_TAG',
        'tag 18 on the payload map',
        fixture.signed(join(raw('d2'), payloadOf(fixture.fields()))),
      ),
      row('CBOR_TRUNCATED', 'one byte short', standard.slice(0, -1)),
      row(
        'CBOR_TRUNCATED',
        'payload without its break',
        fixture.signed(payloadOf(fixture.fields()).slice(0, -1)),
      ),
      row('CBOR_TRUNCATED', 'a byte string of 2^63 bytes', raw('5b7fffffffffffffff')),
      row('CBOR_TRUNCATED', 'a text of 2^64-1 bytes', raw('7bffffffffffffffff')),
      row('CBOR_TRAILING_BYTES', 'a byte after the document', join(standard, raw('00'))),
      row('CBOR_TRAILING_BYTES', 'the document twice', join(standard, standard)),
      row('CBOR_TRAILING_BYTES', 'framing before the document', join(raw('00 00 11 c9'), standard)),
      row(
        'CBOR_TRAILING_BYTES',
        'signed: a byte after the map',
        fixture.signed(join(payloadOf(fixture.fields()), nothing)),
      ),
      row(
        'CBOR_DUPLICATE_KEY',
        'nonce twice',
        fixture.signed(join(payloadOf(fixture.fields()).slice(0, -1), text('nonce'), nothing, raw('ff'))),
      ),
      row(
        'CBOR_DUPLICATE_KEY',
        'PCR0 twice, the last one good',
        field('pcrs', map([uint(0), bytes(pcr(9))], ...pairs(3))),
      ),
      row(
        'CBOR_DUPLICATE_KEY',
        'a header label twice',
        fixture.parts(() => ({ unprotectedHeader: raw('a2 01 38 22 01 38 22') })),
      ),
      row(
        'CBOR_NOT_MINIMAL',
        'PCR0 twice, as 00 and as 18 00',
        field('pcrs', map([uint(0, 1), bytes(pcr(9))], ...pairs(3))),
      ),
      row('CBOR_NOT_MINIMAL', 'nonce length in 2 bytes', field('nonce', bytes(zeros(16), 2))),
      row('CBOR_NOT_MINIMAL', 'integer 23 in 1 byte', field('timestamp', uint(23, 1))),
      row('CBOR_NOT_MINIMAL', 'integer 255 in 2 bytes', field('timestamp', uint(255, 2))),
      row('CBOR_NOT_MINIMAL', 'integer 65535 in 4 bytes', field('timestamp', uint(65_535, 4))),
      row('CBOR_NOT_MINIMAL', 'integer 2^32-1 in 8 bytes', field('timestamp', uint(4_294_967_295, 8))),
      row('CBOR_NOT_MINIMAL', 'outer array length in 1 byte', join(raw('98 04'), standard.slice(1))),
      row('CBOR_NOT_MINIMAL', 'protected header length in 1 byte', join(raw('84 58 04'), standard.slice(2))),
      row('CBOR_INDEFINITE', 'a map instead of the outer array', raw('bf ff')),
      row('CBOR_INDEFINITE', 'outer array', join(raw('9f'), standard.slice(1), raw('ff'))),
      row(
        'CBOR_INDEFINITE',
        'unprotected header',
        fixture.parts(() => ({ unprotectedHeader: raw('bf ff') })),
      ),
      row('CBOR_INDEFINITE', 'byte string', field('nonce', raw('5f 41 01 41 02 ff'))),
      row('CBOR_INDEFINITE', 'text string', field('module_id', raw('7f 61 69 ff'))),
      row(
        'CBOR_INDEFINITE',
        'cabundle',
        field('cabundle', join(raw('9f'), ...fixture.chain.cabundle.map((c) => bytes(c)), raw('ff'))),
      ),
      row('CBOR_INDEFINITE', 'pcrs', field('pcrs', indefiniteMap(...pairs(3)))),
      row('CBOR_ITEM_COUNT', '33 PCRs', field('pcrs', map(...pairs(33)))),
      row('CBOR_ITEM_COUNT', '33 fields in the indefinite map', fixture.signed(indefiniteMap(...pairs(33)))),
      row('CBOR_ITEM_COUNT', 'an array of 2^32-1', field('cabundle', raw('9a ffffffff'))),
      row('CBOR_ITEM_COUNT', 'a map of 2^63', field('pcrs', raw('bb 7fffffffffffffff'))),
      row('CBOR_DEPTH', 'arrays in arrays', field('nonce', array(array(array(nothing))))),
      row('CBOR_DEPTH', '16000 arrays', fixture.signed(zeros(16_000).fill(0x81))),
      row('CBOR_TYPE', 'float', field('timestamp', raw('fb 4277 48ab 0000 0000'))),
      row('CBOR_TYPE', 'undefined', field('nonce', raw('f7'))),
      row('CBOR_TYPE', 'true', field('nonce', raw('f5'))),
      row('CBOR_TYPE', 'null in two bytes', field('nonce', raw('f8 16'))),
      row('CBOR_TYPE', 'reserved head', field('nonce', raw('1c'))),
      row('CBOR_TYPE', 'indefinite integer', field('nonce', raw('1f'))),
      row('CBOR_TYPE', 'break as a value', field('nonce', raw('ff'))),
      row('CBOR_KEY', 'byte string as field name', fixture.signed(indefiniteMap([bytes(zeros(1)), nothing]))),
      row('CBOR_KEY', 'null as PCR index', field('pcrs', map([nothing, bytes(pcr(1))]))),
      row('CBOR_UTF8', 'stray continuation byte', field('module_id', raw('62 69 80'))),
      row('CBOR_UTF8', 'overlong NUL', field('module_id', raw('62 c0 80'))),
      row('CBOR_UTF8', 'surrogate', field('module_id', raw('63 ed a0 80'))),
    ],
    ['CBOR_'],
  );
  const prefixes = Array.from({ length: standard.length - 1 }, (_, index) => standard.slice(0, index + 1));
  const outcomes = new Set(prefixes.map((prefix) => outcome(() => verifyAttestation(prefix, options))));
  t.strictSame(
    [...outcomes],
    ['CBOR_TRUNCATED'],
    'every proper prefix of a document is refused as truncated',
  );
  t.end();
});

void t.test('COSE_Sign1', (t) => {
  const { leafKey } = fixture.chain;
  const payload = payloadOf(fixture.fields());
  const withHeader = (protectedHeader: Uint8Array): Uint8Array =>
    coseOf(signedParts(payload, leafKey, protectedHeader));
  const parts = fixture.parts.bind(fixture);
  const good = signedParts(payload, leafKey);
  const flip = (source: Uint8Array, index: number): Uint8Array =>
    source.map((byte, at) => (at === index ? byte ^ 1 : byte));
  checkCases(
    t,
    [
      row(
        'accepted',
        'the signature with the other s, which ECDSA allows',
        parts((p) => ({ signature: otherS(p.signature) })),
      ),
      row('DOCUMENT_SIZE', 'empty', zeros(0)),
      row('DOCUMENT_SIZE', 'one byte too many', zeros(DOCUMENT_BYTES_MAX + 1)),
      row('COSE_SHAPE', 'array of three', join(raw('83'), coseOf(good).slice(1, -98))),
      row('COSE_SHAPE', 'array of five', join(raw('85'), coseOf(good).slice(1), nothing)),
      row('COSE_SHAPE', 'a map', map([uint(1), nothing])),
      row('COSE_SHAPE', 'just the payload', bytes(payload)),
      row(
        'COSE_SHAPE',
        'detached payload',
        array(bytes(good.protectedHeader), raw('a0'), nothing, bytes(good.signature)),
      ),
      row(
        'COSE_SHAPE',
        'payload as text',
        array(bytes(good.protectedHeader), raw('a0'), text('payload'), bytes(good.signature)),
      ),
      row(
        'COSE_SHAPE',
        'no signature',
        array(bytes(good.protectedHeader), raw('a0'), bytes(payload), nothing),
      ),
      row('COSE_PROTECTED_HEADER', 'ES256, signed as such', withHeader(raw('a1 01 26'))),
      row('COSE_PROTECTED_HEADER', 'ES512, signed as such', withHeader(raw('a1 01 38 23'))),
      row('COSE_PROTECTED_HEADER', 'empty', withHeader(zeros(0))),
      row('COSE_PROTECTED_HEADER', 'empty map', withHeader(raw('a0'))),
      row('COSE_PROTECTED_HEADER', 'not in shortest form', withHeader(raw('a1 18 01 38 22'))),
      row('COSE_PROTECTED_HEADER', 'indefinite', withHeader(raw('bf 01 38 22 ff'))),
      row('COSE_PROTECTED_HEADER', 'a key id besides', withHeader(raw('a2 01 38 22 04 41 00'))),
      row('COSE_PROTECTED_HEADER', 'bytes after the map', withHeader(raw('a1 01 38 22 00'))),
      row(
        'COSE_PROTECTED_HEADER',
        'a map instead of its bytes',
        array(raw('a1 01 38 22'), raw('a0'), bytes(payload), bytes(good.signature)),
      ),
      row(
        'COSE_UNPROTECTED_HEADER',
        'a key id',
        parts(() => ({ unprotectedHeader: raw('a1 04 41 00') })),
      ),
      row(
        'COSE_UNPROTECTED_HEADER',
        'the same algorithm again',
        parts(() => ({ unprotectedHeader: raw('a1 01 38 22') })),
      ),
      row(
        'COSE_UNPROTECTED_HEADER',
        'null',
        parts(() => ({ unprotectedHeader: nothing })),
      ),
      row(
        'COSE_UNPROTECTED_HEADER',
        'bytes of an empty map',
        parts(() => ({ unprotectedHeader: bytes(raw('a0')) })),
      ),
      row('COSE_PAYLOAD_SIZE', 'empty', fixture.signed(zeros(0))),
      row('COSE_PAYLOAD_SIZE', '16385 bytes', fixture.signed(zeros(16_385))),
      row('DOCUMENT_SHAPE', '16384 bytes', fixture.signed(bytes(zeros(16_381)))),
      row(
        'COSE_SIGNATURE_SIZE',
        '95 bytes',
        parts((p) => ({ signature: p.signature.slice(1) })),
      ),
      row(
        'COSE_SIGNATURE_SIZE',
        'r and s padded to 49 bytes',
        parts(({ signature: s }) => ({ signature: join(raw('00'), s.slice(0, 48), raw('00'), s.slice(48)) })),
      ),
      row(
        'COSE_SIGNATURE_SIZE',
        'empty',
        parts(() => ({ signature: zeros(0) })),
      ),
      row(
        'COSE_SIGNATURE',
        'zeros, as QEMU signs',
        parts(() => ({ signature: zeros(96) })),
      ),
      row(
        'COSE_SIGNATURE',
        'ones',
        parts(() => ({ signature: zeros(96).fill(0xff) })),
      ),
      row(
        'COSE_SIGNATURE',
        'a bit of r',
        parts((p) => ({ signature: flip(p.signature, 40) })),
      ),
      row(
        'COSE_SIGNATURE',
        'a bit of s',
        parts((p) => ({ signature: flip(p.signature, 90) })),
      ),
      row(
        'COSE_SIGNATURE',
        'a bit of PCR0',
        parts((p) => ({ payload: flip(p.payload, Buffer.from(p.payload).indexOf(pcr(1))) })),
      ),
      row(
        'COSE_SIGNATURE',
        'a payload that another document had',
        parts(() => ({ payload: payloadOf(fixture.fields().set('nonce', nothing)) })),
      ),
      row(
        'COSE_SIGNATURE',
        'signed with an empty protected header',
        parts(() => ({ signature: signedParts(payload, leafKey, zeros(0)).signature })),
      ),
    ],
    ['COSE_', 'DOCUMENT_SIZE'],
  );
  t.end();
});

/** (r, n - s): the other valid signature. n is the order of P-384 (FIPS 186-4, D.1.2.4). */
function otherS(signature: Uint8Array): Uint8Array {
  const n =
    39402006196394479212279040100143613805079739270465446667946905279627659399113263569398956308152294913554433653942643n;
  const s = BigInt(`0x${Buffer.from(signature.slice(48)).toString('hex')}`);
  return join(signature.slice(0, 48), raw((n - s).toString(16).padStart(96, '0')));
}

void t.test('fields of the document', (t) => {
  const bad = (code: Case['expect'], field: string, items: Record<string, Uint8Array>): Case[] =>
    Object.entries(items).map(([name, item]) => row(code, `${field} ${name}`, fixture.with(field, item)));
  const pcrsWith = (key: Uint8Array, value: Uint8Array): Uint8Array =>
    fixture.with(
      'pcrs',
      map(...[1, 2, 3].map((fill, i) => [uint(i), bytes(pcr(fill))] as const), [key, value]),
    );
  const missing = ['module_id', 'digest', 'timestamp', 'pcrs', 'certificate', 'cabundle'];
  checkCases(
    t,
    [
      row('DOCUMENT_SHAPE', 'an array', fixture.signed(array(nothing))),
      row('DOCUMENT_SHAPE', 'a number', fixture.signed(uint(1))),
      row('DOCUMENT_SHAPE', 'null', fixture.signed(nothing)),
      row('DOCUMENT_SHAPE', 'a field without a name', fixture.signed(indefiniteMap([uint(1), nothing]))),
      ...missing.map((field) =>
        row(
          'DOCUMENT_FIELD_MISSING',
          field,
          fixture.document((fields) => fields.delete(field)),
        ),
      ),
      row(
        'accepted',
        'no optional fields',
        fixture.document((f) => ['public_key', 'user_data', 'nonce'].map((k) => f.delete(k))),
      ),
      row(
        'accepted',
        'null optional fields',
        fixture.document((f) => ['public_key', 'user_data', 'nonce'].map((k) => f.set(k, nothing))),
      ),
      row('DOCUMENT_FIELD_UNKNOWN', 'one more', fixture.with('debug', nothing)),
      row('DOCUMENT_FIELD_UNKNOWN', '__proto__', fixture.with('__proto__', map())),
      ...bad('DOCUMENT_MODULE_ID', 'module_id', { empty: text(''), bytes: bytes(raw('69')), null: nothing }),
      ...bad('DOCUMENT_DIGEST', 'digest', {
        other: text('SHA256'),
        'lower case': text('sha384'),
        bytes: bytes(raw('53')),
      }),
      ...bad('DOCUMENT_TIMESTAMP', 'timestamp', {
        zero: uint(0),
        negative: raw('20'),
        text: text(String(T0)),
        'beyond dates': uint(8_640_000_000_000_001n),
        '2^53': uint(2n ** 53n),
        '2^64-1': uint(2n ** 64n - 1n),
      }),
      ...bad('DOCUMENT_PCRS', 'pcrs', { empty: map(), array: array(bytes(pcr(1))), null: nothing }),
      row(
        'accepted',
        '32 PCRs',
        fixture.with(
          'pcrs',
          map(...Array.from({ length: 32 }, (_, i) => [uint(i), bytes(pcr(i + 1))] as const)),
        ),
      ),
      row('accepted', 'PCR31', pcrsWith(uint(31), bytes(pcr(1)))),
      row('DOCUMENT_PCR_INDEX', '32', pcrsWith(uint(32), bytes(pcr(1)))),
      row('DOCUMENT_PCR_INDEX', '-1', pcrsWith(raw('20'), bytes(pcr(1)))),
      row('DOCUMENT_PCR_INDEX', 'text', pcrsWith(text('3'), bytes(pcr(1)))),
      row('DOCUMENT_PCR_INDEX', '2^32', pcrsWith(uint(2n ** 32n), bytes(pcr(1)))),
      ...[32, 48, 64].map((size) =>
        row('accepted', `PCR of ${size} bytes`, pcrsWith(uint(9), bytes(zeros(size)))),
      ),
      ...[0, 31, 47, 49, 65].map((size) =>
        row('DOCUMENT_PCR_SIZE', `${size}`, pcrsWith(uint(9), bytes(zeros(size)))),
      ),
      row('DOCUMENT_PCR_SIZE', 'null', pcrsWith(uint(9), nothing)),
      ...bad('DOCUMENT_CERTIFICATE', 'certificate', {
        absent: nothing,
        empty: bytes(zeros(0)),
        large: bytes(zeros(1025)),
        text: text('x'),
      }),
      ...bad('DOCUMENT_CABUNDLE', 'cabundle', {
        empty: array(),
        'of 11': array(...Array.from({ length: 11 }, () => bytes(fixture.chain.root))),
        'with an empty entry': array(bytes(fixture.chain.root), bytes(zeros(0))),
        'with a large entry': array(bytes(fixture.chain.root), bytes(zeros(1025))),
        'with a null entry': array(bytes(fixture.chain.root), nothing),
        bytes: bytes(fixture.chain.root),
      }),
      row('accepted', 'public_key of 1024', fixture.with('public_key', bytes(zeros(1024)))),
      ...bad('DOCUMENT_PUBLIC_KEY', 'public_key', {
        large: bytes(zeros(1025)),
        empty: bytes(zeros(0)),
        text: text('k'),
      }),
      row('accepted', 'user_data of 512', fixture.with('user_data', bytes(zeros(512)))),
      row('accepted', 'user_data of 0', fixture.with('user_data', bytes(zeros(0)))),
      ...bad('DOCUMENT_USER_DATA', 'user_data', {
        large: bytes(zeros(513)),
        text: text('u'),
        number: uint(1),
      }),
      row('accepted', 'nonce of 512', fixture.with('nonce', bytes(zeros(512)))),
      ...bad('DOCUMENT_NONCE', 'nonce', { large: bytes(zeros(513)), text: text('n'), array: array() }),
      row('DOCUMENT_SIZE', 'empty', zeros(0)),
    ],
    ['DOCUMENT_'],
  );
  t.equal(
    head(0, 24).length,
    2,
    'the test encoder writes shortest form by itself (RFC 8949 appendix A: 24 is 1818)',
  );
  t.end();
});
