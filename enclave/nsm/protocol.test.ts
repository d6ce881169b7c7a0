import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, toHex, utf8 } from '@k3s-daas/core';
import fc from 'fast-check';
import t from 'tap';
import { NsmError } from './index.ts';
import { decodeResponse, encodeRequest, type NsmRequest, type NsmResponse } from './protocol.ts';
import { decodeRequest, encodeResponse } from './test/server.ts';

const SEED = Number(process.env['FC_SEED'] ?? 20_260_105);
const RUNS = Number(process.env['FC_RUNS'] ?? 2_000);

/** Made by AWS's crate: test/vectors/README.md. */
interface Vector {
  readonly kind: string;
  readonly cbor: string;
  readonly [field: string]: unknown;
}
const vectors = JSON.parse(readFileSync(join(import.meta.dirname, 'test/vectors/vectors.json'), 'utf8')) as {
  readonly requests: readonly Vector[];
  readonly responses: readonly Vector[];
  readonly foreign: readonly Vector[];
};

const BYTES = new Set(['userData', 'nonce', 'publicKey', 'data', 'document', 'random']);

/** The vector as our types have it: bytes for hex, absent for null. */
function meant({ cbor: _cbor, ...fields }: Vector): object {
  const entries = Object.entries(fields).flatMap(([name, value]) => {
    if (value === null) return [];
    return [[name, BYTES.has(name) ? fromHex(value as string) : value] as const];
  });
  return Object.fromEntries(entries);
}

/** CBOR put together by hand; everything here is shorter than 24 bytes or members. */
const txt = (value: string): string => (0x60 + value.length).toString(16) + toHex(utf8(value));
const bin = (hex: string): string => (0x40 + hex.length / 2).toString(16) + hex;
const obj = (...members: readonly string[]): string =>
  (0xa0 + members.length / 2).toString(16) + members.join('');
const random = (value: string, ...more: readonly string[]): string =>
  obj(txt('GetRandom'), obj(txt('random'), value, ...more));

function refused(hex: string): string {
  try {
    decodeResponse(fromHex(hex));
    return 'accepted';
  } catch (error) {
    if (error instanceof NsmError) return `${error.code} ${error.message}`;
    throw error;
  }
}

void t.test('requests and responses are those of AWS’s crate, both ways', (t) => {
  for (const vector of vectors.requests) {
    const request = meant(vector) as NsmRequest;
    t.equal(toHex(encodeRequest(request)), vector.cbor, `request ${vector.kind}`);
    t.strictSame(decodeRequest(fromHex(vector.cbor)), request);
  }
  for (const vector of vectors.responses) {
    const response = meant(vector) as NsmResponse;
    t.strictSame(decodeResponse(fromHex(vector.cbor)), response, `response ${vector.kind}`);
    t.equal(toHex(encodeResponse(response)), vector.cbor);
  }
  for (const { kind, cbor } of vectors.foreign) t.match(refused(cbor), /^NSM_RESPONSE_MALFORMED/, kind);
  t.end();
});

void t.test('a request that an NSM would refuse is not made', (t) => {
  const attestation = (fields: object) => () => encodeRequest({ kind: 'Attestation', ...fields });
  t.throws(attestation({ userData: new Uint8Array(513) }), { code: 'NSM_USER_DATA_SIZE' });
  t.throws(attestation({ nonce: new Uint8Array(513) }), { code: 'NSM_NONCE_SIZE' });
  t.throws(attestation({ publicKey: new Uint8Array(1025) }), { code: 'NSM_PUBLIC_KEY_SIZE' });
  t.throws(attestation({ publicKey: new Uint8Array() }), { code: 'NSM_PUBLIC_KEY_SIZE' });
  for (const index of [-1, 0.5, 65_536, Number.NaN]) {
    t.throws(() => encodeRequest({ kind: 'DescribePCR', index }), { code: 'NSM_PCRS' });
  }
  t.end();
});

void t.test('CBOR with more than one reading is refused', (t) => {
  t.equal(refused(random(bin('01'))), 'accepted');
  const key = txt('random');
  const cases: [string, string, RegExp][] = [
    ['nothing', '', /ends inside/],
    ['trailing bytes', `${random(bin('01'))}00`, /1 bytes follow/],
    ['a cut byte string', random('4201'), /ends inside/],
    ['a length of 2^64 - 1', random('5bffffffffffffffff'), /above 2\^53/],
    ['a length not in shortest form', random('580101'), /not in shortest form/],
    ['a map head not in shortest form', `b801${txt('GetRandom')}${obj(key, bin('01'))}`, /shortest form/],
    ['an integer not in shortest form', random(bin('01'), txt('new'), '1817'), /shortest form/],
    ['a reserved head', random('5c'), /reserved/],
    ['a tag', random(`c0${bin('01')}`), /of no type/],
    ['a negative integer', random(bin('01'), txt('new'), '20'), /of no type/],
    ['a float', random(bin('01'), txt('new'), 'f93c00'), /of no type/],
    ['undefined', random(bin('01'), txt('new'), 'f7'), /of no type/],
    ['a break without a beginning', random(bin('01'), txt('new'), 'ff'), /of no type/],
    ['an indefinite byte string', random('5f4101ff'), /indefinite/],
    ['an indefinite text', `a17f${txt('GetRandom')}ff${obj(key, bin('01'))}`, /indefinite/],
    ['an indefinite integer', random(bin('01'), txt('new'), '1f'), /indefinite/],
    ['an endless map', 'bf', /ends inside/],
    ['a repeated key', random(bin('01'), key, bin('02')), /repeated/],
    ['a repeated variant', obj(txt('Error'), txt('Success'), txt('Error'), txt('Success')), /repeated/],
    ['a key that is no text', obj('01', bin('01')), /not text/],
    ['text that is not UTF-8', `a162c328${obj(key, bin('01'))}`, /not UTF-8/],
    ['too many levels', random(bin('01'), txt('new'), '81818101'), /deeper/],
    ['too many members', random(bin('01'), txt('new'), `9841${'00'.repeat(65)}`), /over 64/],
    ['too many members, indefinite', random(bin('01'), txt('new'), `9f${'00'.repeat(65)}ff`), /over 64/],
  ];
  for (const [name, hex, why] of cases) {
    const verdict = refused(hex);
    t.match(verdict, /^NSM_RESPONSE_MALFORMED/, name);
    t.match(verdict, why, name);
  }
  t.match(refused('00'.repeat(0x3001)), /over 12288/);
  t.end();
});

void t.test('what AWS may change without notice is still read', (t) => {
  const expected = { kind: 'GetRandom', random: new Uint8Array([7]) };
  const key = txt('random');
  const variants = {
    'indefinite maps': `bf${txt('GetRandom')}bf${key}${bin('07')}ffff`,
    'a new member': random(bin('07'), txt('new'), '83f5f600'),
    'a new member before': obj(txt('GetRandom'), obj(txt('new'), obj(txt('a'), '00'), key, bin('07'))),
  };
  for (const [name, hex] of Object.entries(variants))
    t.strictSame(decodeResponse(fromHex(hex)), expected, name);
  t.end();
});

void t.test('a response of another meaning is refused', (t) => {
  const described = (change: object): string =>
    toHex(
      encodeResponse({
        kind: 'DescribeNSM',
        versionMajor: 1,
        versionMinor: 0,
        versionPatch: 0,
        moduleId: 'i-1-enc1',
        maxPcrs: 32,
        lockedPcrs: [0],
        digest: 'SHA384',
        ...change,
      }),
    );
  const pcr = (...members: readonly string[]): string => obj(txt('DescribePCR'), obj(...members));
  t.equal(refused(described({})), 'accepted');
  const cases: [string, string, RegExp][] = [
    ['no variant', 'a0', /one variant/],
    ['no map', txt('GetRandom'), /one variant/],
    ['two variants', obj(txt('Error'), txt('Success'), txt('GetRandom'), obj()), /one variant/],
    ['an unknown variant', obj(txt('Sealed'), obj()), /"Sealed" answers no request/],
    ['a variant without fields', obj(txt('GetRandom'), bin('01')), /holds no fields/],
    ['an unknown error', obj(txt('Error'), txt('Nonsense')), /Error is none of/],
    ['an error by number', obj(txt('Error'), '01'), /Error is none of/],
    ['a missing field', obj(txt('GetRandom'), obj()), /random is not a byte string/],
    ['no random bytes', random('40'), /with content/],
    ['random numbers', random('820102'), /random is not a byte string/],
    ['a document as text', obj(txt('Attestation'), obj(txt('document'), txt('x'))), /document is not/],
    ['lock as a number', pcr(txt('lock'), '01', txt('data'), bin('01')), /lock is not/],
    ['no data', pcr(txt('lock'), 'f5'), /data is not/],
    ['a version over 16 bits', described({ versionMajor: 65_536 }), /version_major/],
    ['max_pcrs over 16 bits', described({ maxPcrs: 65_536 }), /max_pcrs/],
    ['an index over 16 bits', described({ lockedPcrs: [65_536] }), /member of locked_pcrs/],
    ['an index twice', described({ lockedPcrs: [1, 1] }), /repeats/],
    ['no module id', described({ moduleId: '' }), /module_id/],
    ['another digest', described({ digest: 'MD5' }), /digest is none of/],
  ];
  for (const [name, hex, why] of cases) {
    const verdict = refused(hex);
    t.match(verdict, /^NSM_RESPONSE_MALFORMED/, name);
    t.match(verdict, why, name);
  }
  t.end();
});

void t.test('no bytes break the decoder', (t) => {
  for (const { cbor } of vectors.responses.filter(({ cbor }) => cbor.length < 1_000)) {
    for (let cut = 0; cut < cbor.length; cut += 2) {
      t.match(refused(cbor.slice(0, cut)), /^NSM_RESPONSE_MALFORMED/, `cut to ${cut / 2} bytes`);
    }
  }
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
  const mutant = fc
    .tuple(fc.constantFrom(...vectors.responses), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([{ cbor }, changes]) => {
      const bytes = fromHex(cbor);
      for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
      return toHex(bytes);
    });
  fc.assert(
    fc.property(mutant, (hex) => {
      const verdict = refused(hex);
      if (verdict !== 'accepted') return verdict.startsWith('NSM_RESPONSE_MALFORMED');
      // Every response has one encoding, but for members that we pass over and indefinite lengths.
      const again = toHex(encodeResponse(decodeResponse(fromHex(hex))));
      return again.length <= hex.length;
    }),
    { seed: SEED, numRuns: RUNS },
  );
  t.pass(`seed ${SEED}, ${RUNS} mutants`);
  t.end();
});
