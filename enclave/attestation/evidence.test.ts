import { EVIDENCE_FORMATS, sha256, toHex } from '@k3s-daas/core';
import t from 'tap';
import {
  AWS_NITRO,
  ChainCache,
  EvidenceError,
  verifyEvidence,
  type Evidence,
  type EvidencePolicy,
  type VerifiedEvidence,
} from './index.ts';
import { T0 } from './verify/test/authority.ts';
import { Fixture, NONCE, NOW, pcr, PUBLIC_KEY, USER_DATA } from './verify/test/fixture.ts';

const fixture = await Fixture.make();
const document = fixture.document();
const measurements = { pcr0: pcr(1), pcr1: pcr(2), pcr2: pcr(3) };
const accepted = { trustAnchor: fixture.chain.root, measurements };
const POLICY: EvidencePolicy = { formats: { [AWS_NITRO]: accepted } };
const chains = new ChainCache();

function verify(change: Partial<Evidence> = {}, policy = POLICY): VerifiedEvidence {
  const evidence = { format: AWS_NITRO, bytes: document, ...change };
  return verifyEvidence(evidence, { policy, time: { mode: 'live', nowMs: NOW, ageMsMax: 60_000 }, chains });
}

void t.test('evidence of a known and accepted format', (t) => {
  const verified = verify({}, { ...POLICY, nonce: NONCE, userData: USER_DATA, publicKey: PUBLIC_KEY });
  t.equal(verified.format, 'aws-nitro');
  t.equal(verified.timestampMs, T0);
  t.strictSame([...verified.measurements.keys()], ['pcr0', 'pcr1', 'pcr2', 'pcr3', 'pcr4']);
  t.strictSame(verified.measurements.get('pcr4'), pcr(5), 'also a register that nobody asked about');
  t.strictSame([verified.publicKey, verified.userData, verified.nonce], [PUBLIC_KEY, USER_DATA, NONCE]);
  t.strictSame(
    verified.checked.map(({ rule }) => rule),
    [
      ...['structure', 'signature', 'root', 'chain', 'validity', 'timestamp', 'age', 'debug'],
      ...['pcr0', 'pcr1', 'pcr2', 'nonce', 'user_data', 'public_key'],
    ],
  );
  const found = new Map(verified.checked.map((check) => [check.rule, check.found]));
  t.equal(found.get('pcr1'), '02'.repeat(48));
  t.match(found.get('root'), toHex(sha256(fixture.chain.root)));
  t.equal(chains.size, 1, 'the cache is handed on');
  t.end();
});

void t.test('formats: code says what is understood, the policy what is accepted', (t) => {
  t.strictSame(EVIDENCE_FORMATS, ['aws-nitro']);
  const unknown = ['intel-tdx', 'sev-snp', '', 'AWS-NITRO', '__proto__', 'constructor', 'x'.repeat(10_000)];
  for (const format of unknown) {
    const everything = {
      formats: Object.fromEntries([[format, accepted], ...Object.entries(POLICY.formats)]),
    };
    for (const policy of [POLICY, everything]) {
      const error = refusal(() => verify({ format }, policy));
      t.equal(error?.code, 'EVIDENCE_FORMAT_UNKNOWN', format.slice(0, 20));
      t.ok(error?.message.includes(JSON.stringify(format.slice(0, 64))), 'refused by name');
      t.ok((error?.message.length ?? 0) < 150, 'and briefly');
    }
  }
  for (const formats of [{}, { 'intel-tdx': accepted }, Object.create({ [AWS_NITRO]: accepted }) as object]) {
    const error = refusal(() => verify({}, { formats: formats as EvidencePolicy['formats'] }));
    t.equal(error?.code, 'EVIDENCE_FORMAT_NOT_ACCEPTED', 'known, but not accepted');
    t.match(error?.message, /"aws-nitro"/, 'refused by name');
  }
  t.end();
});

void t.test('what is accepted of a format is its own', async (t) => {
  const { root } = (await Fixture.make()).chain;
  const refuses = (code: string, name: string, policy: EvidencePolicy): unknown =>
    t.throws(() => verify({}, policy), { code }, name);
  const of = (change: object): EvidencePolicy => ({ formats: { [AWS_NITRO]: { ...accepted, ...change } } });
  refuses('ROOT_MISMATCH', 'another trust anchor', of({ trustAnchor: root }));
  refuses('ROOT_MISMATCH', 'the trust anchor of another format', {
    formats: { [AWS_NITRO]: { ...accepted, trustAnchor: root }, 'intel-tdx': accepted },
  });
  refuses('POLICY_PCR', 'another register', of({ measurements: { ...measurements, pcr2: pcr(9) } }));
  refuses('POLICY_PCR', 'an absent register', of({ measurements: { ...measurements, pcr31: pcr(9) } }));
  refuses('POLICY_INVALID', 'no registers', of({ measurements: {} }));
  refuses('POLICY_INVALID', 'not all that the format asks for', of({ measurements: { pcr0: pcr(1) } }));
  for (const register of ['mrtd', 'PCR3', 'pcr03', 'pcr', 'pcr32', 'pcr-1', 'pcr3 ', '3']) {
    const more = { ...measurements, [register]: pcr(4) };
    refuses('POLICY_INVALID', `a register that Nitro does not have: ${register}`, of({ measurements: more }));
  }
  refuses('POLICY_NONCE', 'another nonce', { ...POLICY, nonce: PUBLIC_KEY });
  refuses('POLICY_USER_DATA', 'other user data', { ...POLICY, userData: NONCE });
  refuses('POLICY_PUBLIC_KEY', 'another public key', { ...POLICY, publicKey: NONCE });
  t.throws(
    () => verify({ bytes: new Uint8Array(3) }),
    { code: 'CBOR_TRAILING_BYTES' },
    'the format is not guessed from bytes',
  );
});

function refusal(verify: () => unknown): EvidenceError | undefined {
  try {
    verify();
    return undefined;
  } catch (error) {
    if (error instanceof EvidenceError) return error;
    throw error;
  }
}
