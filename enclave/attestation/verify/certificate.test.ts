/** What one certificate says, read strictly (RFC 5280, X.690), and the same as two other readers say. */
import 'reflect-metadata'; // @peculiar/x509 refuses to load without it
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { toHex } from '@k3s-daas/core';
import fc from 'fast-check';
import t from 'tap';
import { awsNitroRootG1, verifyDocument } from '../index.ts';
import { readCertificate, type Certificate } from './certificate.ts';
import { DerError, readDer } from './der.ts';
import { AttestationError } from './errors.ts';
import { readExtensions } from './extensions.ts';
import { basicConstraints, der, keyUsage, replaceField, type CertificateSpec } from './test/authority.ts';
import { readValidity } from './validity.ts';
import { changed, checkCases, Fixture, LEAF, ROOT, ZONE, type Case } from './test/fixture.ts';

type Equal = (found: unknown, wanted: unknown, message: string) => unknown;
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');
const utc = (text: string): Buffer => der(0x17, ascii(text));
const generalized = (text: string): Buffer => der(0x18, ascii(text));
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const KEY_USAGE = '2.5.29.15';
const BASIC_CONSTRAINTS = '2.5.29.19';
const [KEY_USAGE_ID, BASIC_CONSTRAINTS_ID] = ['06 03 55 1d 0f', '06 03 55 1d 13'] as const;
const readExtension = (id: string, value: string): unknown =>
  readExtensions(readDer(der(0xa3, der(0x30, der(0x30, hex(id), der(4, hex(value)))))));
const raw = (oid: string, value: string): x509.Extension => new x509.Extension(oid, true, hex(value));

/** Our walk must refuse it alone, and not because OpenSSL would. */
function checkAlone(t: { equal: Equal }, expect: Case['expect'], name: string, read: () => unknown): void {
  let outcome = 'read';
  try {
    read();
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    outcome = 'refused';
  }
  t.equal(outcome, expect === 'CERTIFICATE_DER' ? 'refused' : 'read', `alone: ${name}`);
}

// The leaf of the test authority is verified on 1 January 2030, a second after midnight.
const BEFORE = utc('291231235957Z');
const AFTER = utc('300101030000Z');

void t.test('validity: RFC 5280 section 4.1.2.5', async (t) => {
  const field = (expect: Case['expect'], name: string, value: Buffer): Promise<Case> => {
    checkAlone(t, expect, name, () => readValidity(readDer(value)));
    return changed(expect, name, LEAF, { patch: (tbs) => replaceField(tbs, 4, value) });
  };
  const validity = (expect: Case['expect'], name: string, ...times: readonly Buffer[]): Promise<Case> =>
    field(expect, name, der(0x30, ...times));
  const bad = (name: string, notAfter: Buffer): Promise<Case> =>
    validity('CERTIFICATE_DER', name, BEFORE, notAfter);
  const cases = [
    validity('accepted', 'UTCTime with seconds', BEFORE, AFTER),
    validity('accepted', 'UTCTime of 2049', BEFORE, utc('491231235959Z')),
    validity('accepted', 'UTCTime 99 is 1999', utc('991231235959Z'), AFTER),
    validity('CERTIFICATE_EXPIRED', 'UTCTime 50 is 1950', BEFORE, utc('501231235959Z')),
    validity('accepted', 'GeneralizedTime of 2050', BEFORE, generalized('20500101000000Z')),
    validity('accepted', 'no expiry, 9999', BEFORE, generalized('99991231235959Z')),
    validity('accepted', '29 February of a leap year', BEFORE, utc('320229000000Z')),
    bad('GeneralizedTime of 2030', generalized('20300101030000Z')),
    bad('GeneralizedTime of 2049', generalized('20491231235959Z')),
    bad('GeneralizedTime with a fraction', generalized('20500101000000.5Z')),
    bad('GeneralizedTime without seconds', generalized('205001010000Z')),
    bad('GeneralizedTime with an offset', generalized('20500101000000+0000')),
    bad('UTCTime in the form of GeneralizedTime', utc('20500101000000Z')),
    bad('UTCTime without seconds', utc('3001010300Z')),
    bad('UTCTime with an offset', utc('300101030000+0000')),
    bad('UTCTime without Z', utc('300101030000')),
    bad('UTCTime with a small z', utc('300101030000z')),
    bad('UTCTime with a space for a digit', utc('30 101030000Z')),
    bad('month 13', utc('301301030000Z')),
    bad('month 0', utc('300001030000Z')),
    bad('31 April', utc('300431030000Z')),
    bad('day 0', utc('300400030000Z')),
    bad('29 February of another year', utc('310229030000Z')),
    bad('24 hours', utc('300401240000Z')),
    bad('60 minutes', utc('300401036000Z')),
    bad('a leap second', utc('301231235960Z')),
    bad('a PrintableString', der(0x13, ascii('300101030000Z'))),
    bad('a PrintableString in the form of GeneralizedTime', der(0x13, ascii('20300101030000Z'))),
    validity('CERTIFICATE_DER', 'one time', BEFORE),
    validity('CERTIFICATE_DER', 'three times', BEFORE, AFTER, AFTER),
    field('CERTIFICATE_DER', 'a set of two times', der(0x31, BEFORE, AFTER)),
  ];
  checkCases(t, await Promise.all(cases), []);
});

void t.test('keyUsage: a named bit list (RFC 5280 section 4.2.1.3, X.690 section 11.2.2)', async (t) => {
  const usage = (expect: Case['expect'], name: string, value: string): Promise<Case> => {
    checkAlone(t, expect, name, () => readExtension(KEY_USAGE_ID, value));
    return changed(expect, name, LEAF, { extensions: [basicConstraints(false), raw(KEY_USAGE, value)] });
  };
  const bad = (name: string, value: string): Promise<Case> => usage('CERTIFICATE_DER', name, value);
  const cases = [
    usage('accepted', 'digitalSignature', '03 02 07 80'),
    usage('accepted', 'digitalSignature and decipherOnly, bit 8', '03 03 07 80 80'),
    usage('LEAF_KEY_USAGE', 'keyCertSign besides, by the bit', '03 02 02 84'),
    bad('trailing zero bits in the byte', '03 02 00 80'),
    bad('one trailing zero bit', '03 02 06 80'),
    bad('a trailing zero byte', '03 03 00 80 00'),
    bad('no bits', '03 01 00'),
    bad('no bits in a byte', '03 02 07 00'),
    bad('no count of unused bits', '03 00'),
    bad('a one among the unused bits', '03 02 07 81'),
    bad('8 unused bits', '03 02 08 80'),
    bad('unused bits of nothing', '03 01 07'),
    bad('a tenth bit', '03 03 06 80 40'),
    bad('an octet string of the same bytes', '04 02 07 80'),
    bad('in pieces (BER)', '23 04 03 02 07 80'),
    bad('a byte after it', '03 02 07 80 00'),
    bad('empty', ''),
  ];
  checkCases(t, await Promise.all(cases), []);
});

void t.test(
  'basicConstraints: defaults are left out (RFC 5280 section 4.2.1.9, X.690 section 11.5)',
  async (t) => {
    const constraints = (expect: Case['expect'], name: string, value: string): Promise<Case> => {
      checkAlone(t, expect, name, () => readExtension(BASIC_CONSTRAINTS_ID, value));
      const extensions = [raw(BASIC_CONSTRAINTS, value), keyUsage('keyCertSign')];
      return changed(expect, name, ZONE, { extensions });
    };
    const bad = (name: string, value: string): Promise<Case> => constraints('CERTIFICATE_DER', name, value);
    const cases = [
      constraints('accepted', 'a CA', '30 03 01 01 ff'),
      constraints('accepted', 'pathLen 1', '30 06 01 01 ff 02 01 01'),
      constraints('accepted', 'pathLen 128', '30 07 01 01 ff 02 02 00 80'),
      constraints('CERTIFICATE_BASIC_CONSTRAINTS', 'nothing, which is no CA', '30 00'),
      bad('cA FALSE written out', '30 03 01 01 00'),
      bad('cA 01', '30 03 01 01 01'),
      bad('cA of two bytes', '30 04 01 02 ff ff'),
      bad('a negative pathLen', '30 06 01 01 ff 02 01 ff'),
      bad('a padded pathLen', '30 07 01 01 ff 02 02 00 01'),
      bad('a pathLen of five bytes', '30 0a 01 01 ff 02 05 01 00 00 00 00'),
      bad('pathLen before cA', '30 06 02 01 01 01 01 ff'),
      bad('a third field', '30 08 01 01 ff 02 01 01 05 00'),
      bad('an octet string for cA', '30 03 04 01 ff'),
      bad('a set', '31 03 01 01 ff'),
      bad('a byte after it', '30 03 01 01 ff 00'),
      changed('CERTIFICATE_DER', 'cA FALSE written out', LEAF, {
        extensions: [raw(BASIC_CONSTRAINTS, '30 03 01 01 00'), keyUsage('digitalSignature')],
      }),
    ];
    checkCases(t, await Promise.all(cases), []);
  },
);

void t.test('extensions: RFC 5280 section 4.2', async (t) => {
  const critical = hex('01 01 ff');
  const one = (oid: string, ...rest: readonly Buffer[]): Buffer => der(0x30, hex(oid), ...rest);
  const usage = one('06 03 55 1d 0f', critical, der(4, hex('03 02 07 80')));
  const harmless = (...rest: readonly Buffer[]): Buffer => one('06 03 2a 03 04', ...rest);
  const tagged = (expect: Case['expect'], name: string, value: Buffer): Promise<Case> => {
    if (expect !== 'CERTIFICATE_EXTENSION') checkAlone(t, expect, name, () => readExtensions(readDer(value)));
    return changed(expect, name, LEAF, { patch: (tbs) => replaceField(tbs, 7, value) });
  };
  const extensions = (expect: Case['expect'], name: string, ...list: readonly Buffer[]): Promise<Case> =>
    tagged(expect, name, der(0xa3, der(0x30, ...list)));
  const bad = (name: string, ...list: readonly Buffer[]): Promise<Case> =>
    extensions('CERTIFICATE_DER', name, ...list);
  const value = der(4, hex('05 00'));
  const keyId = (expect: Case['expect'], name: string, oid: string, content: string): Promise<Case> =>
    extensions(expect, name, usage, one(oid, der(4, hex(content))));
  const [SUBJECT_KEY_ID, AUTHORITY_KEY_ID] = ['06 03 55 1d 0e', '06 03 55 1d 23'] as const;
  const cases = [
    extensions('accepted', 'keyUsage alone', usage),
    extensions('accepted', 'a harmless one', usage, harmless(value)),
    extensions('CERTIFICATE_EXTENSION', 'a critical unknown one', usage, harmless(critical, value)),
    extensions('CERTIFICATE_EXTENSION', 'keyUsage twice', usage, usage),
    extensions('CERTIFICATE_EXTENSION', 'an unknown one twice', usage, harmless(value), harmless(value)),
    bad('critical FALSE written out', usage, harmless(hex('01 01 00'), value)),
    bad('critical as a number', usage, harmless(hex('02 01 01'), value)),
    bad('critical twice', usage, harmless(critical, critical, value)),
    bad('without a value', usage, harmless()),
    bad('a value of another type', usage, harmless(hex('03 01 00'))),
    bad('a padded object identifier', usage, one('06 04 2a 80 03 04', value)),
    bad('an unfinished object identifier', usage, one('06 02 2a 83', value)),
    bad('another type for the identifier', usage, one('02 01 05', value)),
    bad('an empty list'),
    tagged('CERTIFICATE_DER', 'two lists', der(0xa3, der(0x30, usage), der(0x30, usage))),
    tagged('CERTIFICATE_DER', 'a set of extensions', der(0xa3, der(0x31, usage))),
    keyId('accepted', 'a subject key identifier', SUBJECT_KEY_ID, '04 02 01 02'),
    keyId('CERTIFICATE_DER', 'a subject key identifier of another type', SUBJECT_KEY_ID, '30 00'),
    keyId('accepted', 'an authority key identifier without fields', AUTHORITY_KEY_ID, '30 00'),
    keyId('CERTIFICATE_DER', 'an authority key identifier of another type', AUTHORITY_KEY_ID, '04 00'),
  ];
  checkCases(t, await Promise.all(cases), []);
});

void t.test('fields under another tag: our walk refuses them before OpenSSL sees them', async (t) => {
  const name = der(0x31, der(0x31, der(0x30, hex('06 03 55 04 03'), der(0x0c, ascii('leaf')))));
  const specs: Record<string, Partial<CertificateSpec>> = {
    'serial number': { patch: (tbs) => replaceField(tbs, 1, der(0x0a, hex('01'))) },
    issuer: { patch: (tbs) => replaceField(tbs, 3, name) },
    subject: { patch: (tbs) => replaceField(tbs, 5, name) },
    extensions: { patch: (tbs) => replaceField(tbs, 7, der(0xa2, der(0x30, der(0x30)))) },
    signature: { finish: (bytes) => retagSignature(bytes) },
  };
  for (const [field, change] of Object.entries(specs)) {
    const { chain } = await Fixture.make((levels) => {
      Object.assign(levels[LEAF], change);
      return undefined;
    });
    const error = refusal(() => readCertificate(chain.leaf, 'test'));
    t.equal(error?.code, 'CERTIFICATE_DER', field);
    t.match(error?.message, /not X\.509 version 3$/, `${field}: by our walk`);
  }
});

/** The signature is the last element of a certificate: BIT STRING becomes OCTET STRING. */
function retagSignature(certificate: Buffer): Buffer {
  const at = certificate.lastIndexOf(hex('06 08 2a 86 48 ce 3d 04 03 03')) + 10;
  if (certificate[at] !== 0x03) throw new TypeError('the signature is elsewhere');
  return Buffer.concat([certificate.subarray(0, at), Buffer.of(0x04), certificate.subarray(at + 1)]);
}

void t.test('the AWS root, as AWS describes it', (t) => {
  const root = readCertificate(awsNitroRootG1, 'root');
  t.equal(new Date(root.notBeforeMs).toISOString(), '2019-10-28T13:28:05.000Z');
  t.equal(new Date(root.notAfterMs).toISOString(), '2049-10-28T14:28:05.000Z');
  t.strictSame(root.basicConstraints, { critical: true, ca: true, pathLength: undefined });
  t.strictSame(root.keyUsage, { digitalSignature: true, keyCertSign: true });
  t.end();
});

/** @peculiar/x509 as a second reader: what the verifier used of it before it read certificates itself. */
function byPeculiar(bytes: Uint8Array): Record<string, unknown> {
  const parsed = new x509.X509Certificate(Uint8Array.from(bytes));
  const constraints = parsed.getExtension(x509.BasicConstraintsExtension);
  const usages = parsed.getExtension(x509.KeyUsagesExtension)?.usages;
  return {
    notBeforeMs: parsed.notBefore.getTime(),
    notAfterMs: parsed.notAfter.getTime(),
    subject: toHex(new Uint8Array(parsed.subjectName.toArrayBuffer())),
    issuer: toHex(new Uint8Array(parsed.issuerName.toArrayBuffer())),
    constraints:
      constraints === null
        ? null
        : [constraints.critical, constraints.ca, constraints.pathLength ?? 'unlimited'],
    usage:
      usages === undefined
        ? null
        : [
            (usages & x509.KeyUsageFlags.digitalSignature) !== 0,
            (usages & x509.KeyUsageFlags.keyCertSign) !== 0,
          ],
    subjectKeyId: parsed.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId ?? null,
    authorityKeyId: parsed.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId ?? null,
    key: toHex(new Uint8Array(parsed.publicKey.rawData)),
  };
}

function byUs(certificate: Certificate): Record<string, unknown> {
  const { basicConstraints: constraints, keyUsage: usage, subjectKeyId, authorityKeyId } = certificate;
  return {
    notBeforeMs: certificate.notBeforeMs,
    notAfterMs: certificate.notAfterMs,
    subject: toHex(certificate.subject),
    issuer: toHex(certificate.issuer),
    constraints:
      constraints === undefined
        ? null
        : [constraints.critical, constraints.ca, constraints.pathLength ?? 'unlimited'],
    usage: usage === undefined ? null : [usage.digitalSignature, usage.keyCertSign],
    subjectKeyId: subjectKeyId === undefined ? null : toHex(subjectKeyId),
    authorityKeyId: authorityKeyId === undefined ? null : toHex(authorityKeyId),
    key: certificate.publicKey.export({ format: 'der', type: 'spki' }).toString('hex'),
  };
}

const folder = join(import.meta.dirname, '../../../../shared/attestation-vectors');
const absent = existsSync(folder) ? false : `no real documents at ${folder}`;

void t.test(
  'every certificate of a real document reads the same to @peculiar/x509',
  { skip: absent },
  (t) => {
    const file = '01-prod-2025-11-10-pcr16-indefinite.bin';
    const { certificate, cabundle } = verifyDocument(new Uint8Array(readFileSync(join(folder, file))), {
      trustAnchor: awsNitroRootG1,
      nowMs: 1762795210812,
    });
    for (const [index, bytes] of [...cabundle, certificate].entries()) {
      t.strictSame(byUs(readCertificate(bytes, 'test')), byPeculiar(bytes), `certificate ${index}`);
    }
    t.end();
  },
);

void t.test('whatever certificate we accept reads the same to @peculiar/x509', async (t) => {
  const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
  const identified: Partial<CertificateSpec> = {
    extensions: [
      basicConstraints(true, 3),
      keyUsage('keyCertSign', 'cRLSign'),
      new x509.SubjectKeyIdentifierExtension('11'.repeat(20)),
      new x509.AuthorityKeyIdentifierExtension('22'.repeat(20)),
    ],
  };
  const { chain } = await Fixture.make((specs) => {
    Object.assign(specs[ROOT], identified);
    return undefined;
  });
  const sources = [...chain.cabundle, chain.leaf];
  let accepted = 0;
  for (const source of sources) {
    t.strictSame(byUs(readCertificate(source, 'test')), byPeculiar(source));
  }
  fc.assert(
    fc.property(fc.constantFrom(...sources), fc.noBias(fc.nat()), fc.nat(7), (source, place, bit) => {
      const at = place % source.length;
      const mutant = source.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte));
      const read = tryRead(mutant);
      if (read === undefined) return;
      accepted++;
      assert.deepEqual(byUs(read), byPeculiar(mutant));
    }),
    { seed, numRuns: 1_500 },
  );
  t.ok(accepted > 200, `${accepted} of 1500 mutants are still certificates (seed ${seed})`);
});

function tryRead(bytes: Uint8Array): Certificate | undefined {
  let read: Certificate | undefined;
  refusal(() => (read = readCertificate(bytes, 'test')));
  return read;
}

function refusal(read: () => unknown): AttestationError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof AttestationError) return error;
    throw error;
  }
}
