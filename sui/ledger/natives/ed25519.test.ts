import { createPublicKey, verify } from 'node:crypto';

import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import * as fc from 'fast-check';
import t from 'tap';

import { verifyEd25519, verifyEd25519InThread } from './ed25519.ts';

const SEED = 20_261_121;
const MESSAGE = Buffer.from('Zcash');
const { Point } = ed25519;
const L = Point.Fn.ORDER;

const byZip215 = (signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean => {
  try {
    return ed25519.verify(signature, message, key, { zip215: true });
  } catch {
    return false;
  }
};

const byOpenssl = (signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean => {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]);
  return verify(null, message, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature);
};

const numberBytes = (value: bigint): Buffer =>
  Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);

/** All encodings of the eight points of small order, six of which are not canonical (ZIP-215, test vectors). */
const SMALL_ORDER = [
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  `${'00'.repeat(31)}80`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(31)}`,
  `ed${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(31)}`,
  `ee${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(31)}`,
].map((text) => Buffer.from(text, 'hex'));

void t.test('points of small order: ZIP-215 accepts all 196 pairs, whatever OpenSSL says', async (t) => {
  let refusedByOpenssl = 0;
  for (const key of SMALL_ORDER) {
    for (const r of SMALL_ORDER) {
      const signature = Buffer.concat([r, Buffer.alloc(32)]);
      if (!verifyEd25519(signature, MESSAGE, key)) t.fail(`${key.toString('hex')} ${r.toString('hex')}`);
      if (!(await verifyEd25519InThread(signature, MESSAGE, key)))
        t.fail(`in a thread: ${key.toString('hex')}`);
      if (!byOpenssl(signature, MESSAGE, key)) refusedByOpenssl += 1;
    }
  }
  t.ok(refusedByOpenssl > 50, `OpenSSL alone refuses ${refusedByOpenssl}`);
});

/** A signature whose key and R have a part of small order added; it holds with the cofactor, and mostly only so. */
function mixedOrder(keyPart: number, rPart: number): { key: Buffer; signature: Buffer; s: bigint } {
  const torsion = (i: number) => Point.fromHex(SMALL_ORDER[i]?.toString('hex') ?? '', true);
  const [a, r] = [123_456_789n, 987_654_321n];
  const key = Buffer.from(Point.BASE.multiply(a).add(torsion(keyPart)).toBytes());
  const commitment = Buffer.from(Point.BASE.multiply(r).add(torsion(rPart)).toBytes());
  const k = numberOf(sha512(Buffer.concat([commitment, key, MESSAGE]))) % L;
  const s = (r + k * a) % L;
  return { key, signature: Buffer.concat([commitment, numberBytes(s)]), s };
}

void t.test('points of mixed order, and S beyond L', (t) => {
  let refusedByOpenssl = 0;
  for (let keyPart = 0; keyPart < 8; keyPart += 1) {
    for (let rPart = 0; rPart < 8; rPart += 1) {
      const { key, signature, s } = mixedOrder(keyPart, rPart);
      if (!verifyEd25519(signature, MESSAGE, key)) t.fail(`refused: ${keyPart} ${rPart}`);
      if (!byOpenssl(signature, MESSAGE, key)) refusedByOpenssl += 1;
      const large = Buffer.concat([signature.subarray(0, 32), numberBytes(s + L)]);
      if (verifyEd25519(large, MESSAGE, key)) t.fail(`S + L accepted: ${keyPart} ${rPart}`);
      if (verifyEd25519(signature, Buffer.from('zcash'), key)) t.fail(`another message: ${keyPart} ${rPart}`);
    }
  }
  t.ok(refusedByOpenssl > 30, `OpenSSL alone refuses ${refusedByOpenssl} of 64`);
  t.end();
});

void t.test('in a thread what does not hold is refused, too', async (t) => {
  const { key, signature } = mixedOrder(0, 0);
  t.ok(await verifyEd25519InThread(signature, MESSAGE, key));
  t.notOk(await verifyEd25519InThread(signature, Buffer.from('zcash'), key), 'another message');
  t.notOk(await verifyEd25519InThread(signature, MESSAGE, Buffer.alloc(32, 2)), 'no point');
  t.notOk(await verifyEd25519InThread(signature.subarray(1), MESSAGE, key), 'a short signature');
});

void t.test('random bytes, signatures changed in a bit: the verdict is that of ZIP-215', (t) => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const cases = fc.record({
    seed: bytes(32),
    message: fc.uint8Array({ maxLength: 80 }),
    bit: fc.nat({ max: 96 * 8 - 1 }),
    how: fc.constantFrom('whole', 'changed', 'random'),
    noise: bytes(96),
  });
  const seen = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(cases, ({ seed, message, bit, how, noise }) => {
      const whole = Buffer.concat([ed25519.sign(message, seed), ed25519.getPublicKey(seed)]);
      if (how === 'changed') whole[bit >> 3] = (whole[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const both = how === 'random' ? noise : whole;
      const [signature, key] = [both.subarray(0, 64), both.subarray(64)];
      const verdict = verifyEd25519(signature, message, key);
      seen[verdict ? 'accepted' : 'refused'] += 1;
      return verdict === byZip215(signature, message, key);
    }),
    { seed: SEED, numRuns: Number(process.env['FC_RUNS'] ?? 300) },
  );
  t.ok(seen.accepted > 50 && seen.refused > 50, JSON.stringify(seen));
  t.notOk(verifyEd25519(new Uint8Array(63), MESSAGE, new Uint8Array(32)), 'a short signature');
  t.notOk(verifyEd25519(new Uint8Array(64), MESSAGE, new Uint8Array(33)), 'a long key');
  t.end();
});
