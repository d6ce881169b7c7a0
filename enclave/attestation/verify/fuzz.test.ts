import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { awsNitroRootG1, verifyAttestation, verifyDocument } from '../index.ts';
import { T0 } from './test/authority.ts';
import { array, bytes, coseOf, join as concat, map, payloadOf, raw, signedParts } from './test/encoder.ts';
import { Fixture, NOW, outcome } from './test/fixture.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
const MUTANTS = Number(process.env['FUZZ_MUTANTS'] ?? 1_500);
/** Generous, for a shared machine: a hang or a quadratic walk takes far longer. */
const ONE_MS_MAX = 2_000;

const fixture = await Fixture.make();
const { root, leafKey, leaf } = fixture.chain;

type Mutation =
  | { kind: 'flip'; at: number; bit: number }
  | { kind: 'set'; at: number; value: number }
  | { kind: 'delete'; at: number; length: number }
  | { kind: 'insert'; at: number; content: Uint8Array }
  | { kind: 'repeat'; at: number; length: number }
  | { kind: 'cut'; at: number };

/** Without fast-check's bias to small numbers, which would spend most mutants on the first bytes. */
const position = fc.noBias(fc.nat(0xff_ffff));
/** Bytes that mean something to CBOR and DER: heads, null, break, indefinite forms. */
const meaningful = fc.constantFrom(
  0x00,
  0x18,
  0x1b,
  0x30,
  0x40,
  0x58,
  0x5f,
  0x7f,
  0x80,
  0x9f,
  0xa0,
  0xbf,
  0xd2,
  0xf6,
  0xff,
);
const byte = fc.oneof(meaningful, fc.nat(255));
const length = fc.integer({ min: 1, max: 64 });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: position, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('set' as const), at: position, value: byte }),
  fc.record({ kind: fc.constant('delete' as const), at: position, length }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: position,
    content: fc.uint8Array({ minLength: 1, maxLength: 8 }),
  }),
  fc.record({ kind: fc.constant('repeat' as const), at: position, length }),
  fc.record({ kind: fc.constant('cut' as const), at: position }),
);
const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });

function mutate(source: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  return changes.reduce((current, change) => {
    const at = change.at % Math.max(1, current.length);
    const [before, after] = [current.slice(0, at), current.slice(at)];
    switch (change.kind) {
      case 'flip':
        return concat(before, Uint8Array.of((after[0] ?? 0) ^ (1 << change.bit)), after.slice(1));
      case 'set':
        return concat(before, Uint8Array.of(change.value), after.slice(1));
      case 'delete':
        return concat(before, after.slice(change.length));
      case 'insert':
        return concat(before, change.content, after);
      case 'repeat':
        return concat(before, after.slice(0, change.length), after);
      case 'cut':
        return before;
    }
  }, source);
}

/** Runs a property over mutants; returns how often each outcome came, or throws with seed and counterexample. */
function fuzz(check: (changes: readonly Mutation[]) => string): Map<string, number> {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(mutations, (changes) => {
      const started = performance.now();
      const result = check(changes);
      const took = performance.now() - started;
      if (took > ONE_MS_MAX) throw new TypeError(`took ${took} ms`);
      seen.set(result, (seen.get(result) ?? 0) + 1);
    }),
    { seed: SEED, numRuns: MUTANTS },
  );
  return seen;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

void t.test('mutants of a document', (t) => {
  const original = fixture.document();
  const payload = payloadOf(fixture.fields());
  const seen = fuzz((changes) => {
    const mutant = mutate(original, changes);
    const result = outcome(() => verifyAttestation(mutant, fixture.options()));
    if (result === 'accepted' && !Buffer.from(mutant).includes(Buffer.from(payload)))
      throw new TypeError('accepted other bytes');
    return result;
  });
  t.ok((seen.get('COSE_SIGNATURE') ?? 0) > 0, `mutants reach the signature (seed ${SEED}: ${show(seen)})`);
  t.ok(seen.size > 10, 'and fail at many rules');
  t.end();
});

void t.test('mutants of the payload, signed by the leaf key', (t) => {
  const original = payloadOf(fixture.fields());
  const cbor = cborPackage();
  const seen = fuzz((changes) => {
    const mutant = mutate(original, changes);
    const document = coseOf(signedParts(mutant, leafKey));
    const options = { trustAnchor: root, nowMs: NOW };
    const result = outcome(() => verifyDocument(document, options));
    if (result === 'accepted') {
      // What was read must be what another decoder reads.
      const read = verifyDocument(document, options);
      const other = cbor.decodeFirstSync(Buffer.from(mutant)) as Record<string, unknown>;
      t.strictSame(
        {
          ...read,
          pcrs: [...read.pcrs].map(([i, pcr]) => [i, hex(pcr)]),
          certificate: hex(read.certificate),
          cabundle: read.cabundle.map(hex),
          publicKey: hex(read.publicKey),
          userData: hex(read.userData),
          nonce: hex(read.nonce),
        },
        {
          moduleId: other['module_id'],
          digest: 'SHA384',
          timestampMs: Number(other['timestamp']),
          pcrs: [...(other['pcrs'] as Map<number, Uint8Array>)].map(([i, pcr]) => [i, hex(pcr)]),
          certificate: hex(leaf),
          cabundle: fixture.chain.cabundle.map(hex),
          publicKey: hex((other['public_key'] ?? null) as Uint8Array | null),
          userData: hex((other['user_data'] ?? null) as Uint8Array | null),
          nonce: hex((other['nonce'] ?? null) as Uint8Array | null),
        },
        'another decoder reads the same',
      );
    }
    return result;
  });
  t.ok((seen.get('accepted') ?? 0) > 0, `some mutants are valid documents (seed ${SEED}: ${show(seen)})`);
  t.end();
});

void t.test('mutants of a certificate, in a document signed by the leaf key', (t) => {
  const seen = fuzz((changes) => {
    const entries = fixture.chain.cabundle.slice(1).concat(leaf);
    const which = (changes.at(-1)?.at ?? 0) % entries.length;
    const mutants = entries.map((entry, index) => (index === which ? mutate(entry, changes) : entry));
    const document = fixture.document((fields) => {
      fields.set('cabundle', array(bytes(root), ...mutants.slice(0, -1).map((entry) => bytes(entry))));
      fields.set('certificate', bytes(mutants.at(-1) ?? root));
    });
    const result = outcome(() => verifyDocument(document, { trustAnchor: root, nowMs: NOW }));
    const unchanged = mutants.every((entry, index) => same(entry, entries[index] ?? root));
    if (result === 'accepted' && !unchanged) throw new TypeError('accepted a changed certificate');
    return result;
  });
  t.ok(
    (seen.get('CERTIFICATE_SIGNATURE') ?? 0) > 0,
    `mutants reach the signatures (seed ${SEED}: ${show(seen)})`,
  );
  t.end();
});

const folder = join(import.meta.dirname, '../../../../shared/attestation-vectors');
const FILES = [
  '01-prod-2025-11-10-pcr16-indefinite.bin',
  '02-prod-2026-01-03-indefinite.bin',
  '03-prod-2022-11-09-nonce-userdata.bin',
];
const absent = existsSync(folder) ? false : `no real documents at ${folder}`;

void t.test('mutants of a document of AWS', { skip: absent }, (t) => {
  const original = new Uint8Array(readFileSync(join(folder, FILES[0] ?? '')));
  const payload = original.slice(10, -98);
  const nowMs = 1762795210812;
  t.equal(
    outcome(() => verifyDocument(original, { trustAnchor: awsNitroRootG1, nowMs })),
    'accepted',
  );
  const seen = fuzz((changes) => {
    const mutant = mutate(original, changes);
    const result = outcome(() => verifyDocument(mutant, { trustAnchor: awsNitroRootG1, nowMs }));
    if (result === 'accepted' && !Buffer.from(mutant).includes(Buffer.from(payload)))
      throw new TypeError('accepted other bytes');
    return result;
  });
  t.ok((seen.get('COSE_SIGNATURE') ?? 0) > 0, `mutants reach the signature (seed ${SEED}: ${show(seen)})`);
  t.end();
});

void t.test('cose-js agrees on valid documents, and on what it does not', (t) => {
  const payload = payloadOf(fixture.fields());
  const good = signedParts(payload, leafKey);
  const standard = coseOf(good);
  const real = absent === false ? FILES.map((file) => new Uint8Array(readFileSync(join(folder, file)))) : [];
  t.equal(coseJs(standard, leaf), 'accepted', 'a test document');
  t.equal(coseJs(fixture.document(undefined, map), leaf), 'accepted', 'with a definite map');
  for (const [index, document] of real.entries()) {
    const at = Buffer.from(document).indexOf('timestamp') + 'timestamp'.length + 1;
    const nowMs = Number(Buffer.from(document).readBigUInt64BE(at));
    const { certificate } = verifyDocument(document, { trustAnchor: awsNitroRootG1, nowMs });
    t.equal(coseJs(document, certificate), 'accepted', FILES[index] ?? '');
  }
  const flipped = standard.slice();
  flipped[200] = (flipped[200] ?? 0) ^ 1;
  t.equal(coseJs(flipped, leaf), 'refused', 'both refuse a changed payload');

  // Known disagreements: cose-js is the lenient one in each.
  const s = good.signature;
  const lenient: Record<string, [document: Uint8Array, code: string]> = {
    'r and s padded to 49 bytes': [
      coseOf({ ...good, signature: concat(raw('00'), s.slice(0, 48), raw('00'), s.slice(48)) }),
      'COSE_SIGNATURE_SIZE',
    ],
    'algorithm from the unprotected header': [
      coseOf({ ...signedParts(payload, leafKey, new Uint8Array()), unprotectedHeader: raw('a1 01 38 22') }),
      'COSE_PROTECTED_HEADER',
    ],
    'junk in the unprotected header': [
      coseOf({ ...good, unprotectedHeader: raw('a1 18 63 61 78') }),
      'COSE_UNPROTECTED_HEADER',
    ],
    'protected header not in shortest form, re-encoded before the check': [
      coseOf({ ...good, protectedHeader: raw('a1 18 01 38 22') }),
      'COSE_PROTECTED_HEADER',
    ],
  };
  for (const [name, [document, code]] of Object.entries(lenient)) {
    t.equal(coseJs(document, leaf), 'accepted', `cose-js accepts: ${name}`);
    t.equal(
      outcome(() => verifyDocument(document, { trustAnchor: root, nowMs: T0 })),
      code,
      `we refuse: ${name}`,
    );
  }
  t.end();
});

/** cose-js has no types; elliptic's coordinates come from the certificate. */
function coseJs(document: Uint8Array, certificate: Uint8Array): 'accepted' | 'refused' {
  const cose = createRequire(import.meta.url)('cose-js') as {
    sign: {
      Sign1Tag: number;
      verifySync(
        bytes: Buffer,
        verifier: { key: { x: Buffer; y: Buffer } },
        options: { defaultType: number },
      ): Buffer;
    };
  };
  const { x = '', y = '' } = new X509Certificate(certificate).publicKey.export({ format: 'jwk' });
  const key = { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
  try {
    cose.sign.verifySync(Buffer.from(document), { key }, { defaultType: cose.sign.Sign1Tag });
    return 'accepted';
  } catch {
    return 'refused';
  }
}

/** The decoder under cose-js: another author's reading of RFC 8949. */
function cborPackage(): { decodeFirstSync(bytes: Buffer): unknown } {
  const require = createRequire(import.meta.url);
  return createRequire(require.resolve('cose-js'))('cbor') as { decodeFirstSync(bytes: Buffer): unknown };
}

function hex(value: Uint8Array | null): string | null {
  return value === null ? null : Buffer.from(value).toString('hex');
}

function show(seen: ReadonlyMap<string, number>): string {
  return [...seen].map(([code, times]) => `${code} ${times}`).join(', ');
}
