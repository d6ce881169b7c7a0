import { createHash } from 'node:crypto';

import { fromBase58, toBase58 } from '@mysten/sui/utils';
import { blake2b } from '@noble/hashes/blake2.js';
import * as fc from 'fast-check';
import t from 'tap';

import { digestBytes, digestText } from './base58.ts';
import { blake2b256 } from './blake2b.ts';

const SEED = 20_261_121;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

void t.test('BLAKE2b of 32 bytes', (t) => {
  // b2sum -l 256 of coreutils
  t.equal(
    hex(blake2b256(Buffer.from('abc'))),
    'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319',
  );
  t.equal(hex(blake2b256()), '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8');
  const pattern = (length: number): Uint8Array =>
    Uint8Array.from({ length }, (_, i) => (i * 167 + 13) & 0xff);
  for (const length of [1, 63, 64, 127, 128, 129, 255, 256, 257, 1_000, 65_535, 65_536, 300_000]) {
    const bytes = pattern(length);
    t.equal(hex(blake2b256(bytes)), hex(blake2b(bytes, { dkLen: 32 })), `${length} bytes`);
  }
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (parts) => {
      const whole = Buffer.concat(parts);
      return hex(blake2b256(...parts)) === hex(blake2b(whole, { dkLen: 32 }));
    }),
    { seed: SEED },
  );
  // It is not the first half of the 64-byte variant.
  t.not(
    hex(blake2b256(Buffer.from('abc'))),
    createHash('blake2b512').update('abc').digest('hex').slice(0, 64),
  );
  t.end();
});

void t.test('base58 of digests', (t) => {
  // An array first, so that zeros in front are common.
  const digests = fc
    .tuple(fc.nat({ max: 32 }), fc.uint8Array({ minLength: 32, maxLength: 32 }))
    .map(([zeros, bytes]) => bytes.map((byte, i) => (i < zeros ? 0 : byte)));
  fc.assert(
    fc.property(digests, (bytes) => {
      const text = toBase58(bytes);
      t.ok(digestText(bytes) === text && hex(digestBytes(text)) === hex(bytes), text);
    }),
    { seed: SEED, numRuns: 300 },
  );
  const full = toBase58(new Uint8Array(32).fill(255));
  t.equal(digestText(new Uint8Array(32).fill(255)), full);
  const accepted = (text: string): boolean => {
    try {
      digestBytes(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from('1123zJK0Ol')), minLength: 28, maxLength: 46 }),
      (text) => {
        let expected: boolean;
        try {
          expected = fromBase58(text).length === 32;
        } catch {
          expected = false;
        }
        return accepted(text) === expected;
      },
    ),
    { seed: SEED, numRuns: 2_000 },
  );
  for (const wrong of [
    '',
    '1',
    `1${full}`,
    `${full.slice(0, -1)}0`,
    '1'.repeat(31),
    '1'.repeat(33),
    'z'.repeat(44),
  ])
    t.notOk(accepted(wrong), `refused: ${wrong}`);
  t.ok(accepted('1'.repeat(32)));
  t.end();
});
