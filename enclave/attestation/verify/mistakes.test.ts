/**
 * Mistakes that verifiers of others made, each with the document that they accept (or the good one they refuse) and
 * what it is here. Who made it stands in the name.
 */
import t from 'tap';
import { AttestationError, verifyAttestation, verifyDocument } from '../index.ts';
import { basicConstraints, keyUsage, replaceOnce, T0 } from './test/authority.ts';
import {
  array,
  bytes,
  coseOf,
  join,
  map,
  nothing,
  payloadOf,
  raw,
  signedParts,
  text,
  uint,
} from './test/encoder.ts';
import {
  changed,
  checkCases,
  Fixture,
  INSTANCE,
  LEAF,
  NONCE,
  NOW,
  outcome,
  pcr,
  ROOT,
  ZONE,
  type Case,
  type Options,
} from './test/fixture.ts';

const HOUR = 3_600_000;
const fixture = await Fixture.make();
const standard = fixture.document();
const { chain } = fixture;
const payload = payloadOf(fixture.fields());
const pcrs = { 0: pcr(1), 1: pcr(2), 2: pcr(3) };

const row = (
  expect: Case['expect'],
  name: string,
  document = standard,
  change: Partial<Options> = {},
): Case => ({
  expect,
  name,
  bytes: document,
  options: fixture.options(change),
});
const pcrMap = (...entries: [number, Uint8Array][]): Uint8Array =>
  map(...entries.map(([index, value]) => [uint(index), bytes(value)] as const));
const bundle = (...entries: readonly Uint8Array[]): Uint8Array =>
  fixture.with('cabundle', array(...entries.map((entry) => bytes(entry))));

void t.test('nothing verified: fail-open stubs, signatures and leaves that are skipped', async (t) => {
  const stranger = await Fixture.make();
  const [root, ...rest] = chain.cabundle;
  const unsigned = new Uint8Array(96);
  checkCases(
    t,
    [
      row('accepted', 'the document all of these are made from'),
      row(
        'COSE_SIGNATURE',
        'no cryptographic check at all: a signature of zeros (as QEMU’s nitro-enclave machine signs)',
        fixture.parts(() => ({ signature: unsigned })),
      ),
      row(
        'COSE_SIGNATURE',
        'no cryptographic check at all: claims changed after signing',
        fixture.parts(({ payload: signed }) => ({
          payload: Uint8Array.from(replaceOnce(Buffer.from(signed), 'aa'.repeat(32), 'ab'.repeat(32))),
        })),
      ),
      row(
        'DOCUMENT_FIELD_MISSING',
        'the leaf skipped when it is absent',
        fixture.document((fields) => fields.delete('certificate')),
      ),
      row('DOCUMENT_CERTIFICATE', 'the leaf skipped when it is null', fixture.with('certificate', nothing)),
      row(
        'CERTIFICATE_SIGNATURE',
        'the leaf not checked against the bundle: a stranger’s leaf under our bundle',
        new Fixture({ ...chain, leaf: stranger.chain.leaf, leafKey: stranger.chain.leafKey }).document(),
      ),
      row(
        'CERTIFICATE_ISSUER',
        'the bundle not walked: the leaf straight under the root',
        bundle(root ?? new Uint8Array()),
      ),
      row('DOCUMENT_CABUNDLE', 'an empty bundle is an empty loop', fixture.with('cabundle', array())),
      row('ROOT_MISMATCH', 'root taken from the wrong end of cabundle', bundle(...rest, root ?? unsigned)),
      row(
        'ROOT_MISMATCH',
        'root only somewhere in cabundle, a stranger’s in front',
        bundle(stranger.chain.root, ...chain.cabundle),
      ),
      row('ROOT_MISMATCH', 'no root configured, any root taken', standard, { trustAnchor: new Uint8Array() }),
      row('ROOT_MISMATCH', 'root compared by name: another root of the same name', stranger.document()),
    ],
    [],
  );
  for (const bad of [
    new Uint8Array(),
    raw('00'),
    raw('f6'),
    raw('84 40 a0 40 40'),
    text('AttestationDocument'),
  ]) {
    t.throws(() => verifyAttestation(bad, fixture.options()), AttestationError, 'a stub that says yes');
  }
});

void t.test('PCRs: left to the caller, or to luck', (t) => {
  const unchecked = (name: string, policy: unknown): Case =>
    row('POLICY_INVALID', name, standard, { policy: policy as Options['policy'] });
  const good: [number, Uint8Array][] = [
    [0, pcr(1)],
    [1, pcr(2)],
    [2, pcr(3)],
  ];
  const withPcrs = (...entries: [number, Uint8Array][]): Uint8Array =>
    fixture.with('pcrs', pcrMap(...entries));
  checkCases(
    t,
    [
      unchecked('PCR check optional (marlinprotocol Oyster SDK): no PCRs given', { pcrs: {} }),
      unchecked('PCR check optional (marlinprotocol Oyster SDK): undefined PCRs', {
        pcrs: { 0: undefined, 1: undefined, 2: undefined },
      }),
      unchecked('PCR check optional (tkhq/sdk#1437): PCR0 alone', { pcrs: { 0: pcr(1) } }),
      row('POLICY_PCR', 'PCR check commented out (marlinprotocol Oyster SDK)', standard, {
        policy: { pcrs: { ...pcrs, 0: pcr(9) } },
      }),
      row(
        'CBOR_DUPLICATE_KEY',
        'pcrs twice, the last one wins (base/nitro-validator#36)',
        fixture.signed(join(payload.slice(0, -1), text('pcrs'), pcrMap(...good), raw('ff'))),
      ),
      row(
        'CBOR_DUPLICATE_KEY',
        'PCR0 twice, the last one wins (base/nitro-validator#36)',
        withPcrs([0, pcr(9)], ...good),
      ),
      row('accepted', 'a sparse map that has the three', withPcrs(...good, [31, pcr(4)])),
      row(
        'POLICY_PCR',
        'a sparse map without PCR1, the rest moved up',
        withPcrs([0, pcr(1)], [2, pcr(2)], [3, pcr(3)]),
      ),
      row(
        'accepted',
        'PCRs by position (Nautilus enclave.move): another order, the right index',
        withPcrs([2, pcr(3)], [0, pcr(1)], [1, pcr(2)]),
      ),
      row(
        'POLICY_PCR',
        'PCRs by position (Nautilus enclave.move): the right order, another index',
        withPcrs([4, pcr(1)], [5, pcr(2)], [6, pcr(3)]),
      ),
      row(
        'POLICY_DEBUG',
        'debug enclave accepted: PCR0, 1 and 2 zero, PCR3 and PCR4 not (Sui, dstack documents)',
        withPcrs([0, pcr(0)], [1, pcr(0)], [2, pcr(0)], [3, pcr(4)], [4, pcr(5)]),
      ),
      row(
        'POLICY_DEBUG',
        '“all PCRs zero” as the sign of debug mode: one is enough',
        withPcrs([0, pcr(1)], [1, pcr(2)], [2, pcr(0)]),
      ),
      unchecked('a policy that asks for a debug enclave', { pcrs: { 0: pcr(0), 1: pcr(0), 2: pcr(0) } }),
    ],
    [],
  );
  t.end();
});

void t.test('COSE: which bytes, which algorithm, which end', (t) => {
  const good = signedParts(payload, chain.leafKey);
  const { signature: s } = good;
  const as = (protectedHeader: Uint8Array, unprotectedHeader = raw('a0')): Uint8Array =>
    coseOf({ ...signedParts(payload, chain.leafKey, protectedHeader), unprotectedHeader });
  checkCases(
    t,
    [
      row(
        'COSE_PROTECTED_HEADER',
        'algorithm read from the unprotected header (cose-js)',
        as(raw(''), raw('a1 01 38 22')),
      ),
      row('COSE_UNPROTECTED_HEADER', 'algorithm in both headers', as(raw('a1 01 38 22'), raw('a1 01 38 22'))),
      row(
        'COSE_PROTECTED_HEADER',
        'protected header re-encoded before the check (cose-js)',
        as(raw('a1 18 01 38 22')),
      ),
      row(
        'CBOR_NOT_MINIMAL',
        'unprotected header re-encoded: an empty map in two bytes',
        as(raw('a1 01 38 22'), raw('b8 00')),
      ),
      row(
        'COSE_UNPROTECTED_HEADER',
        'unprotected header ignored: unsigned bytes ride along',
        as(raw('a1 01 38 22'), raw('a1 18 63 44 de ad be ef')),
      ),
      row(
        'COSE_SIGNATURE_SIZE',
        'r and s padded to 98 bytes (cose-js)',
        coseOf({ ...good, signature: join(raw('00'), s.slice(0, 48), raw('00'), s.slice(48)) }),
      ),
      row('accepted', 'tag 18 is optional: without'),
      row('accepted', 'tag 18 is optional: with (cose-js wants it)', join(raw('d2'), standard)),
      row('CBOR_TRAILING_BYTES', 'trailing bytes (Sui’s verifier)', join(standard, raw('00'))),
      row(
        'CBOR_TRAILING_BYTES',
        'trailing bytes behind the payload map, signed',
        fixture.signed(join(payload, raw('00'))),
      ),
      row('CBOR_TRAILING_BYTES', 'framing in front (dstack)', join(raw('00 00 11 c9'), standard)),
      row('accepted', 'indefinite payload map refused, which AWS sends since November 2025'),
      row('accepted', 'definite payload map, which AWS sent before', fixture.document(undefined, map)),
      row(
        'CBOR_INDEFINITE',
        'indefinite strings let in with the map',
        fixture.with('nonce', raw('5f 41 01 41 02 ff')),
      ),
      row('CBOR_UTF8', 'invalid UTF-8 replaced (cbor-x)', fixture.with('module_id', raw('62 69 ff'))),
      row(
        'CBOR_NOT_MINIMAL',
        'keys that collapse when decoded (cbor-x)',
        fixture.with('pcrs', map([uint(0), bytes(pcr(1))], [uint(0, 1), bytes(pcr(9))])),
      ),
      row(
        'CBOR_DEPTH',
        'nesting that overflows the stack (cbor-x)',
        fixture.signed(new Uint8Array(16_000).fill(0x81)),
      ),
      row(
        'DOCUMENT_USER_DATA',
        'user_data of 513 bytes: the CDDL says 1024, the text and Sui 512',
        fixture.with('user_data', bytes(new Uint8Array(513))),
      ),
      row('DOCUMENT_NONCE', 'nonce of 513 bytes', fixture.with('nonce', bytes(new Uint8Array(513)))),
    ],
    [],
  );
  t.end();
});

void t.test('ASN.1: tags substituted, flags unread', async (t) => {
  const usage = keyUsage('keyCertSign', 'cRLSign');
  const cases: Case[] = [];
  for (const level of [ZONE, LEAF] as const) {
    const patched = (name: string, from: string, to: string): Promise<Case> =>
      changed('CERTIFICATE_DER', name, level, { patch: (tbs) => replaceOnce(tbs, from, to) });
    cases.push(
      await patched(
        'ASN.1 tag substitution (base/nitro-validator#51): version',
        'a0 03 02 01 02',
        'a1 03 02 01 02',
      ),
      await patched(
        'ASN.1 tag substitution (base/nitro-validator#51): boolean',
        '55 1d 0f 01 01 ff',
        '55 1d 0f 02 01 ff',
      ),
      await patched(
        'ASN.1 tag substitution (base/nitro-validator#51): bit string',
        '04 04 03 02',
        '04 04 04 02',
      ),
      await patched(
        'ASN.1 tag substitution (base/nitro-validator#51): key usage value',
        '04 04 03 02',
        '03 04 03 02',
      ),
      await changed(
        'CERTIFICATE_ALGORITHM',
        'ASN.1 tag substitution (base/nitro-validator#51): algorithm',
        level,
        {
          patch: (tbs) =>
            replaceOnce(tbs, '30 0a 06 08 2a 86 48 ce 3d 04 03 03', '31 0a 06 08 2a 86 48 ce 3d 04 03 03'),
        },
      ),
      await changed(
        'CERTIFICATE_DER',
        'ASN.1 tag substitution (base/nitro-validator#51): certificate',
        level,
        {
          finish: (certificate) => Buffer.concat([Buffer.of(0x31), certificate.subarray(1)]),
        },
      ),
      await changed('CERTIFICATE_DER', 'trailing bytes behind a certificate', level, {
        finish: (certificate) => Buffer.concat([certificate, Buffer.of(0)]),
      }),
    );
  }
  cases.push(
    await changed('CERTIFICATE_KEY_USAGE', 'keyUsage unread (node:crypto shows none)', INSTANCE, {
      extensions: [basicConstraints(true, 0), keyUsage('digitalSignature')],
    }),
    await changed('CERTIFICATE_PATH_LENGTH', 'pathLen unread (node:crypto shows none)', ZONE, {
      extensions: [basicConstraints(true, 0), usage],
    }),
    await changed('CERTIFICATE_BASIC_CONSTRAINTS', 'basicConstraints not critical', ZONE, {
      extensions: [basicConstraints(true, 1, false), usage],
    }),
    await changed('LEAF_KEY_USAGE', 'keyUsage of the leaf unread', LEAF, {
      extensions: [basicConstraints(false), keyUsage('keyAgreement')],
    }),
    await changed('CERTIFICATE_SIGNATURE', 'the root’s own signature unread', ROOT, { forged: true }),
  );
  checkCases(t, cases, []);
});

void t.test('time: documents outlive their leaf', (t) => {
  const live = (nowMs: number, ageMsMax: number): Partial<Options> => ({
    time: { mode: 'live', nowMs, ageMsMax },
  });
  const days = (count: number): number => T0 + count * 24 * HOUR;
  checkCases(
    t,
    [
      row(
        'CERTIFICATE_EXPIRED',
        'document aged past its leaf (sp1-tee#22: four days)',
        standard,
        live(days(4), 1e12),
      ),
      row('CERTIFICATE_EXPIRED', 'a day later, whatever age is allowed', standard, live(days(1), 1e12)),
      row(
        'TIME_TOO_OLD',
        'no age check (Sui, Nautilus): within the leaf, but old',
        standard,
        live(T0 + 2 * HOUR, 300_000),
      ),
      row('accepted', 'the same within the age', standard, live(T0 + 2 * HOUR, 2 * HOUR)),
      row(
        'TIME_IN_FUTURE',
        'dated ahead of the clock',
        fixture.with('timestamp', uint(NOW + 60_000)),
        live(NOW, 300_000),
      ),
      row(
        'TIME_OUTSIDE_LEAF',
        'validity by our clock, the document’s time unread',
        fixture.with('timestamp', uint(T0 - HOUR)),
        live(NOW, 1e12),
      ),
      row('POLICY_NONCE', 'no replay protection (Nautilus): an answer to another’s question', standard, {
        policy: { pcrs, nonce: new Uint8Array(16).fill(1) },
      }),
      row('accepted', 'an answer to our question', standard, { policy: { pcrs, nonce: NONCE } }),
    ],
    [],
  );
  t.equal(
    outcome(() => verifyDocument(standard, { trustAnchor: chain.root, nowMs: days(4) })),
    'CERTIFICATE_EXPIRED',
    'verifyDocument neither: certificates at the clock’s time, as Sui',
  );
  t.end();
});
