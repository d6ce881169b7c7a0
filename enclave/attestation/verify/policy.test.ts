import t from 'tap';
import {
  awsNitroRootG1,
  AWS_NITRO_ROOT_G1_SHA256,
  isAwsNitroRootG1,
  verifyAttestation,
  verifyDocument,
} from '../index.ts';
import { T0 } from './test/authority.ts';
import { bytes, map, nothing, uint } from './test/encoder.ts';
import {
  checkCases,
  Fixture,
  NONCE,
  NOW,
  outcome,
  pcr,
  PUBLIC_KEY,
  USER_DATA,
  type Case,
  type Options,
} from './test/fixture.ts';

const fixture = await Fixture.make();
const standard = fixture.document();
const row = (expect: Case['expect'], name: string, change: Partial<Options>, document = standard): Case => ({
  expect,
  name,
  bytes: document,
  options: fixture.options(change),
});
const pcrs = { 0: pcr(1), 1: pcr(2), 2: pcr(3) };
const pcrMap = (...entries: [number, Uint8Array][]): Uint8Array =>
  fixture.with('pcrs', map(...entries.map(([index, value]) => [uint(index), bytes(value)] as const)));

void t.test('time', (t) => {
  const live = (nowMs: number, ageMsMax = 60_000): Partial<Options> => ({
    time: { mode: 'live', nowMs, ageMsMax },
  });
  const dated = (ms: number): Uint8Array => fixture.with('timestamp', uint(ms));
  checkCases(
    t,
    [
      row('accepted', 'as old as allowed', live(T0 + 60_000)),
      row('TIME_TOO_OLD', 'a millisecond older', live(T0 + 60_001)),
      row('accepted', 'ahead of this clock as far as allowed', live(NOW), dated(NOW + 5_000)),
      row('TIME_IN_FUTURE', 'a millisecond further', live(NOW), dated(NOW + 5_001)),
      row('TIME_OUTSIDE_LEAF', 'dated before its leaf', live(NOW, 1e9), dated(T0 - 3_001)),
      row('TIME_OUTSIDE_LEAF', 'dated after its leaf', live(NOW), dated(T0 + 4 * 3_600_000)),
      ...[NaN, Infinity, -1, 0, 1.5, 8.64e15 + 1].map((ms) => row('TIME_INVALID', `now ${ms}`, live(ms))),
      ...[NaN, Infinity, -1, 1.5].map((ms) => row('TIME_INVALID', `age ${ms}`, live(NOW, ms))),
      row('TIME_INVALID', 'no such mode', { time: { mode: 'none' } as unknown as Options['time'] }),
      row('accepted', 'replay at the time of the document', { time: { mode: 'replay' } }),
      row(
        'CERTIFICATE_EXPIRED',
        'replay, dated after its leaf',
        { time: { mode: 'replay' } },
        dated(T0 + 4 * 3_600_000),
      ),
    ],
    ['TIME_'],
  );
  t.throws(() => verifyDocument(standard, { trustAnchor: fixture.chain.root, nowMs: NaN }), {
    code: 'TIME_INVALID',
  });
  t.end();
});

void t.test('what the caller expects', (t) => {
  const policy = (extra: object): Partial<Options> => ({ policy: { pcrs, ...extra } });
  const invalid = (name: string, value: unknown): Case =>
    row('POLICY_INVALID', name, { policy: value as Options['policy'] });
  const without = (field: string): Uint8Array => fixture.with(field, nothing);
  checkCases(
    t,
    [
      row('accepted', 'everything', policy({ nonce: NONCE, userData: USER_DATA, publicKey: PUBLIC_KEY })),
      row('accepted', 'one more PCR', { policy: { pcrs: { ...pcrs, 4: pcr(5) } } }),
      row('accepted', 'a PCR that must be zero', { policy: { pcrs: { ...pcrs, 3: pcr(0) } } }),
      row('POLICY_PCR', 'one more PCR, another value', { policy: { pcrs: { ...pcrs, 4: pcr(6) } } }),
      row('POLICY_PCR', 'one more PCR, absent', { policy: { pcrs: { ...pcrs, 8: pcr(0) } } }),
      ...[0, 1, 2].map((i) =>
        row('POLICY_PCR', `another PCR${i}`, { policy: { pcrs: { ...pcrs, [i]: pcr(9) } } }),
      ),
      row(
        'POLICY_PCR',
        'a PCR of 64 bytes',
        {},
        pcrMap([0, new Uint8Array(64).fill(1)], [1, pcr(2)], [2, pcr(3)]),
      ),
      ...[0, 1, 2].map((i) => {
        const values = [1, 2, 3].map((fill, index): [number, Uint8Array] => [
          index,
          pcr(index === i ? 0 : fill),
        ]);
        return row('POLICY_DEBUG', `PCR${i} zero, PCR4 not`, {}, pcrMap(...values, [4, pcr(5)]));
      }),
      ...[0, 1, 2].map((i) => {
        const values = [1, 2, 3].map((fill, index): [number, Uint8Array] => [
          index === i ? 7 : index,
          pcr(fill),
        ]);
        return row('POLICY_PCR', `PCR${i} left out (sparse map)`, {}, pcrMap(...values));
      }),
      row('POLICY_NONCE', 'another', policy({ nonce: PUBLIC_KEY })),
      row('POLICY_NONCE', 'absent', policy({ nonce: NONCE }), without('nonce')),
      row('POLICY_NONCE', 'null is not empty', policy({ nonce: new Uint8Array() }), without('nonce')),
      row('POLICY_USER_DATA', 'another', policy({ userData: NONCE })),
      row('POLICY_USER_DATA', 'absent', policy({ userData: USER_DATA }), without('user_data')),
      row('POLICY_PUBLIC_KEY', 'another', policy({ publicKey: NONCE })),
      row('POLICY_PUBLIC_KEY', 'absent', policy({ publicKey: PUBLIC_KEY }), without('public_key')),
      invalid('no PCRs', { pcrs: {} }),
      invalid('no PCR2', { pcrs: { 0: pcr(1), 1: pcr(2) } }),
      invalid('a zero PCR1', { pcrs: { ...pcrs, 1: pcr(0) } }),
      invalid('PCR0 of 32 bytes', { pcrs: { ...pcrs, 0: new Uint8Array(32).fill(1) } }),
      invalid('an undefined PCR', { pcrs: { ...pcrs, 2: undefined } }),
      invalid('a PCR beyond 31', { pcrs: { ...pcrs, 32: pcr(1) } }),
      invalid('a PCR without a number', { pcrs: { ...pcrs, PCR3: pcr(1) } }),
      invalid('an undefined nonce', { pcrs, nonce: undefined }),
      invalid('user data as text', { pcrs, userData: 'x' }),
    ],
    ['POLICY_'],
  );
  t.end();
});

void t.test('PCRs are found by index, not by position (Nautilus enclave.move)', (t) => {
  const permuted = pcrMap([2, pcr(3)], [0, pcr(1)], [1, pcr(2)]);
  t.equal(
    outcome(() => verifyAttestation(permuted, fixture.options())),
    'accepted',
  );
  const swapped = pcrMap([1, pcr(1)], [0, pcr(2)], [2, pcr(3)]);
  t.equal(
    outcome(() => verifyAttestation(swapped, fixture.options())),
    'POLICY_PCR',
  );
  t.end();
});

void t.test('the result says what was checked, and owns its bytes', (t) => {
  const input = standard.slice();
  const options = fixture.options({ policy: { pcrs, nonce: NONCE } });
  const result = verifyAttestation(input, options);
  input.fill(0);
  t.strictSame(
    result.checked.map(({ rule }) => rule),
    [
      'structure',
      'signature',
      'root',
      'chain',
      'validity',
      'timestamp',
      'age',
      'debug',
      'pcr0',
      'pcr1',
      'pcr2',
      'nonce',
    ],
  );
  t.strictSame(result.pcrs.get(4), pcr(5));
  t.strictSame([result.publicKey, result.userData, result.nonce], [PUBLIC_KEY, USER_DATA, NONCE]);
  t.equal(result.timestampMs, T0);
  t.equal(result.cabundle.length, 3);
  const replayed = verifyAttestation(standard, { ...options, time: { mode: 'replay' } });
  t.notOk(
    replayed.checked.some(({ rule }) => rule === 'age'),
    'a replay does not claim an age',
  );
  const document = verifyDocument(standard, { trustAnchor: fixture.chain.root, nowMs: NOW });
  t.notOk('checked' in document, 'verifyDocument claims nothing');
  t.end();
});

void t.test('the AWS root', (t) => {
  t.equal(AWS_NITRO_ROOT_G1_SHA256, '641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b');
  t.ok(isAwsNitroRootG1(awsNitroRootG1));
  t.notOk(isAwsNitroRootG1(fixture.chain.root));
  t.end();
});
