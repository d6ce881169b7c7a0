import t from 'tap';
import { awsNitroRootG1 } from '../index.ts';
import {
  basicConstraints,
  extension,
  keyUsage,
  replaceOnce,
  sequence,
  T0,
  type CertificateSpec,
} from './test/authority.ts';
import { array, bytes, nothing } from './test/encoder.ts';
import { changed, checkCases, Fixture, INSTANCE, LEAF, NOW, ROOT, ZONE, type Case } from './test/fixture.ts';
import * as x509 from '@peculiar/x509';

const HOUR = 3_600_000;
const ca = (): x509.Extension[] => [basicConstraints(true), keyUsage('keyCertSign')];
const LEVELS = ['root', 'zone', 'instance', 'leaf'];

void t.test('form of a certificate', async (t) => {
  const cases: Case[] = [];
  for (const level of [ZONE, LEAF] as const) {
    const der = (name: string, change: Partial<CertificateSpec>): Promise<Case> =>
      changed('CERTIFICATE_DER', name, level, change);
    cases.push(
      await der('a byte after it', { finish: (c) => Buffer.concat([c, Buffer.of(0)]) }),
      await der('a byte short', { finish: (c) => c.subarray(0, -1) }),
      await der('not a certificate', { finish: () => Buffer.from('3003020101', 'hex') }),
      await der('zeros', { finish: () => Buffer.alloc(600) }),
      await der('PEM', {
        finish: (c) => Buffer.from(new x509.X509Certificate(Uint8Array.from(c)).toString('pem')),
      }),
      await der('length in three bytes (BER)', {
        finish: (c) => Buffer.concat([Buffer.of(0x30, 0x83, 0), c.subarray(2)]),
      }),
      await der('indefinite length (BER)', {
        finish: (c) => Buffer.concat([Buffer.of(0x30, 0x80), c.subarray(4), Buffer.of(0, 0)]),
      }),
      await der('set instead of sequence', {
        finish: (c) => Buffer.concat([Buffer.of(0x31), c.subarray(1)]),
      }),
      await der('signed: version 2', {
        patch: (tbs) => replaceOnce(tbs, 'a0 03 02 01 02', 'a0 03 02 01 01'),
      }),
      await der('signed: serial number under another tag', {
        patch: (tbs) => replaceOnce(tbs, 'a0 03 02 01 02 02', 'a0 03 02 01 02 0a'),
      }),
      await der('signed: version under another tag', {
        patch: (tbs) => replaceOnce(tbs, 'a0 03 02 01 02', 'a1 03 02 01 02'),
      }),
      await der('signed: boolean 01', {
        patch: (tbs) => replaceOnce(tbs, '06 03 55 1d 0f 01 01 ff', '06 03 55 1d 0f 01 01 01'),
      }),
      await der('signed: extensions under another tag', {
        patch: extensionsUnderAnotherTag,
      }),
      await der('signed: an extra field in the TBSCertificate', {
        patch: (tbs) => sequence(Buffer.concat([tbs.subarray(4), Buffer.from('a4020500', 'hex')])),
      }),
      await changed('CERTIFICATE_ALGORITHM', 'ecdsa-with-SHA256', level, { hash: 'SHA-256' }),
      await changed('CERTIFICATE_ALGORITHM', 'SHA384 inside, SHA256 outside', level, {
        finish: (c) => {
          const at = c.lastIndexOf(Buffer.from('06082a8648ce3d040303', 'hex'));
          return Buffer.concat([c.subarray(0, at + 9), Buffer.of(2), c.subarray(at + 10)]);
        },
      }),
      await changed('CERTIFICATE_ALGORITHM', 'signed: SHA256 inside, SHA384 outside', level, {
        patch: (tbs) => replaceOnce(tbs, '06 08 2a 86 48 ce 3d 04 03 03', '06 08 2a 86 48 ce 3d 04 03 02'),
      }),
      await changed('CERTIFICATE_KEY', 'curve under another name', level, {
        patch: (tbs) => replaceOnce(tbs, '06 05 2b 81 04 00 22', '06 05 2b 81 04 00 23'),
      }),
      await changed('CERTIFICATE_KEY', 'compressed point', level, {
        patch: (tbs) => replaceOnce(tbs, '03 62 00 04', '03 62 00 06'),
      }),
      await changed('CERTIFICATE_DER', 'point off the curve', level, {
        patch: (tbs) => {
          const at = tbs.indexOf(Buffer.from('03620004', 'hex')) + 4;
          return Buffer.concat([tbs.subarray(0, at), Buffer.alloc(96, 1), tbs.subarray(at + 96)]);
        },
      }),
      await changed('accepted', 'unknown extension, not critical', level, {
        extensions: [...extensionsOf(level), extension('1.2.3.4', false)],
      }),
      await changed('CERTIFICATE_EXTENSION', 'unknown critical extension', level, {
        extensions: [...extensionsOf(level), extension('1.2.3.4', true)],
      }),
      await changed('CERTIFICATE_EXTENSION', 'critical name constraints', level, {
        extensions: [...extensionsOf(level), extension('2.5.29.30', true)],
      }),
      await changed('CERTIFICATE_EXTENSION', 'an extension twice', level, {
        extensions: [...extensionsOf(level), extension('1.2.3.4', false), extension('1.2.3.4', false)],
      }),
    );
  }
  cases.push(
    await changed('CERTIFICATE_DER', 'signed: boolean 01 inside basicConstraints', ZONE, {
      patch: (tbs) => replaceOnce(tbs, '30 06 01 01 ff', '30 06 01 01 01'),
    }),
  );
  checkCases(t, cases, [
    'CERTIFICATE_DER',
    'CERTIFICATE_ALGORITHM',
    'CERTIFICATE_KEY',
    'CERTIFICATE_EXTENSION',
  ]);
});

/** [3] becomes [2]; basicConstraints is the first extension, three heads of two bytes further in. */
function extensionsUnderAnotherTag(tbs: Buffer): Buffer {
  const at = tbs.indexOf(Buffer.from('0603551d13', 'hex')) - 6;
  if (tbs[at] !== 0xa3) throw new TypeError('the extensions are elsewhere');
  return Buffer.concat([tbs.subarray(0, at), Buffer.of(0xa2), tbs.subarray(at + 1)]);
}

function extensionsOf(level: 1 | 3): x509.Extension[] {
  return level === LEAF ? [basicConstraints(false), keyUsage('digitalSignature')] : ca();
}

void t.test('a P-256 key anywhere', async (t) => {
  const standard = await Fixture.make();
  for (const level of [ROOT, ZONE, INSTANCE, LEAF]) {
    const other = await Fixture.make((specs) => {
      specs[level].curve = 'P-256';
      return undefined;
    });
    // Its certificates, signed by a P-384 leaf key where its own would give 64 bytes.
    const { chain } = other;
    const mixed = new Fixture({ ...chain, leafKey: level === LEAF ? standard.chain.leafKey : chain.leafKey });
    checkCases(
      t,
      [
        {
          expect: 'CERTIFICATE_KEY',
          name: LEVELS[level] ?? '',
          bytes: mixed.document(),
          options: mixed.options(),
        },
      ],
      [],
    );
  }
});

void t.test('what the certificates allow', async (t) => {
  const cases: Case[] = [];
  for (const level of [ROOT, ZONE, INSTANCE] as const) {
    const usage = keyUsage('keyCertSign');
    cases.push(
      await changed('CERTIFICATE_BASIC_CONSTRAINTS', 'no basicConstraints', level, { extensions: [usage] }),
      await changed('CERTIFICATE_BASIC_CONSTRAINTS', 'not critical', level, {
        extensions: [basicConstraints(true, undefined, false), usage],
      }),
      await changed('CERTIFICATE_BASIC_CONSTRAINTS', 'not a CA', level, {
        extensions: [basicConstraints(false), usage],
      }),
      await changed('CERTIFICATE_KEY_USAGE', 'no keyUsage', level, { extensions: [basicConstraints(true)] }),
      await changed('CERTIFICATE_KEY_USAGE', 'without keyCertSign', level, {
        extensions: [basicConstraints(true), keyUsage('digitalSignature', 'cRLSign')],
      }),
    );
  }
  cases.push(
    await changed('CERTIFICATE_PATH_LENGTH', 'pathLen 1 above two', ROOT, {
      extensions: [basicConstraints(true, 1), keyUsage('keyCertSign')],
    }),
    await changed('accepted', 'pathLen 2 above two', ROOT, {
      extensions: [basicConstraints(true, 2), keyUsage('keyCertSign')],
    }),
    await changed('CERTIFICATE_PATH_LENGTH', 'pathLen 0 above one', ZONE, {
      extensions: [basicConstraints(true, 0), keyUsage('keyCertSign')],
    }),
    await changed('LEAF_IS_CA', 'cA', LEAF, {
      extensions: [basicConstraints(true), keyUsage('digitalSignature')],
    }),
    await changed('LEAF_IS_CA', 'no cA but a pathLen', LEAF, {
      extensions: [
        new x509.Extension('2.5.29.19', true, Buffer.from('3003020100', 'hex')),
        keyUsage('digitalSignature'),
      ],
    }),
    await changed('accepted', 'no basicConstraints', LEAF, { extensions: [keyUsage('digitalSignature')] }),
    await changed('LEAF_KEY_USAGE', 'no keyUsage', LEAF, { extensions: [basicConstraints(false)] }),
    await changed('LEAF_KEY_USAGE', 'without digitalSignature', LEAF, {
      extensions: [basicConstraints(false), keyUsage('keyAgreement')],
    }),
    await changed('LEAF_KEY_USAGE', 'keyCertSign besides', LEAF, {
      extensions: [basicConstraints(false), keyUsage('digitalSignature', 'keyCertSign')],
    }),
  );
  checkCases(t, cases, [
    'CERTIFICATE_BASIC_CONSTRAINTS',
    'CERTIFICATE_KEY_USAGE',
    'CERTIFICATE_PATH_LENGTH',
    'LEAF_',
  ]);
});

void t.test('as large as AWS allows', async (t) => {
  const of = (name: string, fixture: Fixture, expect: Case['expect'] = 'accepted'): Case => ({
    expect,
    name,
    bytes: fixture.document(),
    options: fixture.options(),
  });
  const authorities = (count: number): Promise<Fixture> =>
    Fixture.make(([root, zone, , leaf]) => {
      const below = Array.from({ length: count - 1 }, (_, i) => ({
        ...zone,
        subject: `CN=ca${i}.test`,
        extensions: ca(),
      }));
      return [root, ...below, leaf];
    });
  const cases = [
    of('ten authorities', await authorities(10)),
    of('eleven authorities', await authorities(11), 'DOCUMENT_CABUNDLE'),
  ];
  for (const level of [ZONE, LEAF] as const)
    for (const [size, expect] of [
      [1024, 'accepted'],
      [1025, level === LEAF ? 'DOCUMENT_CERTIFICATE' : 'DOCUMENT_CABUNDLE'],
    ] as const)
      cases.push(
        of(`${LEVELS[level] ?? ''}: a certificate of ${size} bytes`, await sized(level, size), expect),
      );
  checkCases(t, cases, []);
});

/** A chain with a certificate of this many bytes. Its signature takes 102 to 104 of them, so it is made until it fits. */
async function sized(level: typeof ZONE | typeof LEAF, size: number): Promise<Fixture> {
  let padding = size >> 1;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    let found = 0;
    const fixture = await Fixture.make((specs) => {
      specs[level].extensions.push(new x509.Extension('1.2.3.4', false, new Uint8Array(padding)));
      specs[level].finish = (certificate) => {
        found = certificate.length;
        return certificate;
      };
      return undefined;
    });
    if (found === size) return fixture;
    if (Math.abs(found - size) > 2) padding += size - found;
  }
  throw new RangeError('no such certificate');
}

void t.test('two readers that do not read the same', async (t) => {
  // OpenSSL reads every extension that it knows, and takes a certificate with a malformed one for no CA; our walk reads
  // only what it uses, and ignores the others unless they are critical (RFC 5280 section 4.2).
  const malformedAltName = new x509.Extension('2.5.29.17', false, Buffer.from('0500', 'hex'));
  // An authority key identifier that names the issuer by a serial number (section 4.2.1.1), which is not the issuer's.
  const anotherSerial = new x509.Extension('2.5.29.35', false, Buffer.from('3003820101', 'hex'));
  checkCases(
    t,
    [
      await changed('CERTIFICATE_DER', 'an alternative name that is none', ZONE, {
        extensions: [...ca(), malformedAltName],
      }),
      await changed('CERTIFICATE_ISSUER', 'the serial number of another issuer', LEAF, {
        extensions: [basicConstraints(false), keyUsage('digitalSignature'), anotherSerial],
      }),
    ],
    [],
  );
});

void t.test('who issued whom', async (t) => {
  const standard = await Fixture.make();
  const stranger = await Fixture.make();
  const { root, cabundle, leaf } = standard.chain;
  const [, zone, instance] = cabundle;
  if (zone === undefined || instance === undefined) throw new TypeError('no intermediates');
  const bundle = (expect: Case['expect'], name: string, ...entries: Uint8Array[]): Case => ({
    expect,
    name,
    bytes: standard.with('cabundle', array(...entries.map((entry) => bytes(entry)))),
    options: standard.options(),
  });
  const anchored = (name: string, trustAnchor: Uint8Array): Case => ({
    expect: 'ROOT_MISMATCH',
    name,
    bytes: standard.document(),
    options: standard.options({ trustAnchor }),
  });
  const loose = await Fixture.make((specs) => {
    for (const level of [ZONE, INSTANCE] as const) specs[level].extensions = ca();
    return undefined;
  });
  const [looseRoot, ...looseRest] = loose.chain.cabundle.map((entry) => bytes(entry));
  const reversed = loose.with('cabundle', array(looseRoot ?? nothing, ...looseRest.reverse()));
  const direct = await Fixture.make(([first, , , last]) => [first, last]);
  const cases: Case[] = [
    bundle('accepted', 'as issued', root, zone, instance),
    {
      expect: 'accepted',
      name: 'a leaf issued by the root',
      bytes: direct.document(),
      options: direct.options(),
    },
    bundle('CERTIFICATE_ISSUER', 'an intermediate missing', root, instance),
    bundle('CERTIFICATE_ISSUER', 'the issuer of the leaf missing', root, zone),
    bundle('CERTIFICATE_PATH_LENGTH', 'out of order', root, instance, zone),
    {
      expect: 'CERTIFICATE_ISSUER',
      name: 'out of order, without path lengths',
      bytes: reversed,
      options: loose.options(),
    },
    bundle('CERTIFICATE_ISSUER', 'the root alone', root),
    bundle('CERTIFICATE_PATH_LENGTH', 'the leaf in the bundle as well', root, zone, instance, leaf),
    bundle('ROOT_MISMATCH', 'the root last', zone, instance, root),
    bundle('ROOT_MISMATCH', 'a stranger first, the root last', ...stranger.chain.cabundle, root),
    bundle(
      'CERTIFICATE_SIGNATURE',
      'a stranger of the same name',
      root,
      zone,
      stranger.chain.cabundle[2] ?? root,
    ),
    anchored('another root of the same name', stranger.chain.root),
    anchored('the AWS root', awsNitroRootG1),
    anchored('no trust anchor', new Uint8Array()),
    anchored('an intermediate', zone),
    await changed('CERTIFICATE_ISSUER', 'another name for the issuer', LEAF, { issuer: 'CN=zone.test' }),
    await changed('CERTIFICATE_ISSUER', 'another name for the issuer', ZONE, { issuer: 'CN=ROOT.test' }),
    await changed('CERTIFICATE_ISSUER', 'a root that is not self-issued', ROOT, { issuer: 'CN=other.test' }),
    ...(await Promise.all(
      ([ROOT, ZONE, INSTANCE, LEAF] as const).map((level) =>
        changed('CERTIFICATE_SIGNATURE', 'signed by a stranger', level, { forged: true }),
      ),
    )),
  ];
  // A leaf whose key identifier names another issuer key.
  const subjectKey = new x509.SubjectKeyIdentifierExtension('11'.repeat(20));
  const authorityKey = (id: string): x509.Extension =>
    new x509.AuthorityKeyIdentifierExtension(id.repeat(20));
  for (const [expect, id] of [
    ['accepted', '11'],
    ['CERTIFICATE_ISSUER', '22'],
  ] as const) {
    const fixture = await Fixture.make((specs) => {
      specs[INSTANCE].extensions.push(subjectKey);
      specs[LEAF].extensions.push(authorityKey(id));
      return undefined;
    });
    cases.push({
      expect,
      name: `key identifier ${id}`,
      bytes: fixture.document(),
      options: fixture.options(),
    });
  }
  checkCases(t, cases, ['CERTIFICATE_ISSUER', 'CERTIFICATE_SIGNATURE', 'ROOT_']);
});

void t.test('validity, whole seconds, both ends inclusive', async (t) => {
  const standard = await Fixture.make();
  const at = (expect: Case['expect'], name: string, nowMs: number): Case => ({
    expect,
    name,
    bytes: standard.document(),
    options: standard.options({ time: { mode: 'live', nowMs, ageMsMax: 10 * HOUR } }),
  });
  const alone = (name: string, nowMs: number): Case => at('CERTIFICATE_NOT_YET_VALID', name, nowMs);
  checkCases(
    t,
    [
      at('accepted', 'first second', T0 - 3_000),
      alone('before the first second', T0 - 3_001),
      at('accepted', 'last second', T0 + 3 * HOUR + 999),
      at('CERTIFICATE_EXPIRED', 'after the last second', T0 + 3 * HOUR + 1_000),
      at('CERTIFICATE_EXPIRED', 'a day later', T0 + 24 * HOUR),
      ...(await Promise.all(
        ([ROOT, ZONE, INSTANCE] as const).flatMap((level) => [
          changed('CERTIFICATE_EXPIRED', 'expired', level, { notAfterMs: NOW - 1_000 }),
          changed('CERTIFICATE_NOT_YET_VALID', 'not yet valid', level, { notBeforeMs: NOW + 1_000 }),
        ]),
      )),
    ],
    ['CERTIFICATE_NOT_YET_VALID', 'CERTIFICATE_EXPIRED'],
  );
});
