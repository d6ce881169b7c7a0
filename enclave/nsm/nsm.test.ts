import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AttestationError,
  awsNitroRootG1,
  verifyAttestation,
  verifyDocument,
  type VerifiedAttestation,
} from '@k3s-daas/attestation';
import { fromHex, toHex } from '@k3s-daas/core';
import t from 'tap';
import {
  createDevelopmentAuthority,
  developmentNsm,
  measureEnclave,
  measureTree,
  NsmError,
} from './index.ts';

const T0 = Date.parse('2030-01-01T00:00:00.789Z');
const HOUR = 3_600_000;
const repoRoot = join(import.meta.dirname, '../..');
const pcr = (fill: number): Uint8Array => new Uint8Array(48).fill(fill);
const pcrs = new Map([1, 2, 3].map((fill, index) => [index, pcr(fill)]));

function fakeClock(startMs: number): { nowMs: number; now(): number } {
  return {
    nowMs: startMs,
    now() {
      return this.nowMs;
    },
  };
}

async function world() {
  const clock = fakeClock(T0);
  const authority = await createDevelopmentAuthority({ clock });
  const nsm = await developmentNsm({ authority, pcrs, clock, moduleId: 'i-0123456789abcdef0-enc01' });
  const check = (document: Uint8Array, trustAnchor = authority.rootCertificateDer): VerifiedAttestation =>
    verifyAttestation(document, {
      trustAnchor,
      time: { mode: 'live', nowMs: clock.nowMs, ageMsMax: 1_000 },
      policy: { pcrs: { 0: pcr(1), 1: pcr(2), 2: pcr(3) } },
    });
  return { clock, authority, nsm, check };
}

void t.test('its documents pass every rule under its own root, and none under the AWS root', async (t) => {
  const { nsm, check } = await world();
  const request = { userData: pcr(7), nonce: new Uint8Array(512), publicKey: new Uint8Array(32).fill(9) };
  const document = await nsm.attest(request);
  const verified = check(document);
  t.equal(verified.moduleId, 'i-0123456789abcdef0-enc01');
  t.equal(verified.timestampMs, T0);
  t.strictSame(
    [verified.userData, verified.nonce, verified.publicKey],
    [request.userData, request.nonce, request.publicKey],
  );
  t.strictSame(
    [...verified.pcrs.keys()],
    Array.from({ length: 16 }, (_, index) => index),
  );
  t.strictSame(verified.pcrs.get(15), pcr(0));
  t.strictSame(nsm.describe().pcrs, verified.pcrs);
  t.equal(nsm.kind, 'development');
  t.throws(() => check(document, awsNitroRootG1), { code: 'ROOT_MISMATCH' });
  const other = await createDevelopmentAuthority({ clock: fakeClock(T0) });
  t.throws(() => check(document, other.rootCertificateDer), { code: 'ROOT_MISMATCH' });
  nsm.describe().pcrs.get(0)?.fill(0);
  t.strictSame(check(await nsm.attest({})).pcrs.get(0), pcr(1), 'the description is a copy');
});

void t.test('the bytes are those of AWS today', async (t) => {
  const { nsm } = await world();
  const document = await nsm.attest({});
  // Start of a real document of November 2025 up to the payload's length, and what follows it.
  t.match(toHex(document), /^8444a1013822a059[0-9a-f]{4}bf696d6f64756c655f6964/);
  t.equal(
    toHex(document.subarray(-99, -96)),
    'ff5860',
    'break of the payload map, then 96 bytes of signature',
  );
  const require = createRequire(import.meta.url);
  const cbor = createRequire(require.resolve('cose-js'))('cbor') as {
    decodeFirstSync(bytes: Buffer): unknown;
  };
  const [, unprotected, payload] = cbor.decodeFirstSync(Buffer.from(document)) as [Buffer, object, Buffer];
  t.strictSame(unprotected, {});
  const map = cbor.decodeFirstSync(payload) as Record<string, unknown>;
  t.strictSame(Object.keys(map), [
    'module_id',
    'digest',
    'timestamp',
    'pcrs',
    'certificate',
    'cabundle',
    'public_key',
    'user_data',
    'nonce',
  ]);
  t.strictSame([map['public_key'], map['user_data'], map['nonce']], [null, null, null]);
  const empty = await nsm.attest({ userData: new Uint8Array() });
  t.match(toHex(empty), /69757365725f6461746140/, 'empty user data is an empty byte string, not null');
});

void t.test('certificates have the lives of those of AWS and are re-made before they end', async (t) => {
  const { clock, nsm, check } = await world();
  const firstDocument = await nsm.attest({});
  const first = check(firstDocument);
  const lives = [...first.cabundle, first.certificate].map((der) => {
    const { validFromDate, validToDate } = new X509Certificate(der);
    return (validToDate.getTime() - validFromDate.getTime()) / 1_000;
  });
  const day = 86_400;
  t.strictSame(lives.slice(1), [20 * day + 3_600, 5 * day + 20 * 3_600, day, 3 * 3_600 + 3]);
  const again = check(await nsm.attest({}));
  t.strictSame(again.certificate, first.certificate, 'a fresh leaf is kept');
  clock.nowMs += HOUR;
  t.strictSame(check(await nsm.attest({})).certificate, first.certificate);
  clock.nowMs += HOUR;
  const renewed = check(await nsm.attest({}));
  t.notSame(renewed.certificate, first.certificate, 'past half of its life the leaf is re-made');
  t.strictSame(renewed.cabundle, first.cabundle, 'and only the leaf');
  clock.nowMs += 2 * HOUR;
  t.throws(
    () => check(firstDocument),
    { code: 'CERTIFICATE_EXPIRED' },
    'an old document is refused like a real one',
  );

  // A month and a half in uneven steps: whoever gets a document can verify it for at least another hour.
  const trustAnchor = first.cabundle[0] ?? pcr(0);
  for (let step = 0; step < 120; step++) {
    clock.nowMs += (step % 3) * 4 * HOUR + 17 * 60_000;
    const document = await nsm.attest({});
    check(document);
    verifyDocument(document, { trustAnchor, nowMs: clock.nowMs + HOUR });
  }
  clock.nowMs = T0 + HOUR;
  t.ok(check(await nsm.attest({})), 'a clock that was set back is no trouble');
});

void t.test('requests and settings that a real NSM would refuse', async (t) => {
  const { nsm, authority, clock } = await world();
  const tooLong: [string, object][] = [
    ['NSM_USER_DATA_SIZE', { userData: new Uint8Array(513) }],
    ['NSM_NONCE_SIZE', { nonce: new Uint8Array(513) }],
    ['NSM_PUBLIC_KEY_SIZE', { publicKey: new Uint8Array(1025) }],
    ['NSM_PUBLIC_KEY_SIZE', { publicKey: new Uint8Array() }],
  ];
  for (const [code, request] of tooLong) await t.rejects(nsm.attest(request), { code });
  const largest = await nsm.attest({
    userData: new Uint8Array(512),
    nonce: new Uint8Array(512),
    publicKey: new Uint8Array(1024),
  });
  t.ok(largest.length <= 12_288, 'the largest document fits an NSM response');

  const settings = { authority, pcrs, clock, moduleId: 'i-1' };
  for (const moduleId of ['', 'a'.repeat(41), 'a,CN=b', 'a b', 'ä']) {
    await t.rejects(
      developmentNsm({ ...settings, moduleId }),
      { code: 'NSM_MODULE_ID' },
      JSON.stringify(moduleId),
    );
  }
  for (const [index, value] of [
    [16, pcr(1)],
    [-1, pcr(1)],
    [0.5, pcr(1)],
    [0, new Uint8Array(32)],
  ] as const) {
    await t.rejects(developmentNsm({ ...settings, pcrs: new Map([[index, value]]) }), { code: 'NSM_PCRS' });
  }
  const stranger = await createDevelopmentAuthority({ clock });
  const mixed = { ...authority, rootKeyPkcs8: stranger.rootKeyPkcs8 };
  await t.rejects(developmentNsm({ ...settings, authority: mixed }), { code: 'NSM_AUTHORITY' });
  const empty = { ...authority, rootCertificateDer: new Uint8Array() };
  await t.rejects(developmentNsm({ ...settings, authority: empty }), NsmError);
});

void t.test('without PCRs it is taken for a debug enclave', async (t) => {
  const { authority, clock, check } = await world();
  const nsm = await developmentNsm({ authority, pcrs: new Map(), clock, moduleId: 'debug' });
  const document = await nsm.attest({});
  t.throws(() => check(document), new AttestationError('POLICY_DEBUG', 'PCR0 is zero: a debug enclave'));
});

void t.test('requests at the same time, and buffers that are used again', async (t) => {
  const { nsm, check } = await world();
  const nonce = new Uint8Array(4);
  const documents = [0, 1, 2, 3].map((fill) => nsm.attest({ nonce: nonce.fill(fill) }));
  const verified = (await Promise.all(documents)).map((document) => check(document));
  t.strictSame(
    verified.map((document) => toHex(document.nonce ?? nonce)),
    ['00000000', '01010101', '02020202', '03030303'],
  );
  t.equal(
    new Set(verified.map((document) => toHex(document.certificate))).size,
    1,
    'one leaf for all of them',
  );
});

void t.test('measurement of the sources', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'daas-measure-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const write = (path: string, content: string): void => {
    const full = join(folder, 'one', path);
    mkdirSync(join(full, '..'), { recursive: true });
    writeFileSync(full, content);
  };
  const measure = (copy = 'one'): string => toHex(measureTree(join(folder, copy), ['core', 'enclave']));
  write('core/a.ts', 'export const a = 1;\n');
  write('enclave/deep/b.ts', '');
  write('enclave/package.json', '{}');
  const original = measure();

  // By hand: domain, then length of the path, path and digest of the content, in order of the paths.
  const sha384 = (content: string): Buffer => createHash('sha384').update(content).digest();
  const hash = createHash('sha384').update('k3s-daas/measure/tree/v1\0');
  hash.update(fromHex('00000009')).update('core/a.ts').update(sha384('export const a = 1;\n'));
  hash.update(fromHex('00000011')).update('enclave/deep/b.ts').update(sha384(''));
  hash.update(fromHex('00000014')).update('enclave/package.json').update(sha384('{}'));
  t.equal(original, hash.digest('hex'));

  cpSync(join(folder, 'one'), join(folder, 'elsewhere'), { recursive: true });
  t.equal(measure('elsewhere'), original, 'does not depend on the path of the checkout');
  t.equal(
    toHex(measureTree(join(folder, 'one'), ['enclave', 'core', 'core'])),
    original,
    'nor on the order of roots',
  );
  for (const path of [
    'core/a.test.ts',
    'core/README.md',
    'enclave/node_modules/x/index.ts',
    'enclave/.cache/x.ts',
  ]) {
    write(path, 'not measured');
    t.equal(measure(), original, `${path} is not measured`);
  }
  write('core/a.ts', 'export const a = 2;\n');
  t.not(measure(), original, 'a changed file is');
  write('core/a.ts', 'export const a = 1;\n');
  write('enclave/c.ts', '');
  t.not(measure(), original, 'an added file is');
  rmSync(join(folder, 'one/enclave/c.ts'));
  t.equal(measure(), original);
  symlinkSync('/tmp', join(folder, 'one/core/link'));
  t.throws(() => measure(), { code: 'MEASURE_FILE' }, 'a link is refused');
  t.throws(() => measureTree(folder, ['absent']), { code: 'MEASURE_FILE' });
  t.end();
});

void t.test('measurement of this repository', (t) => {
  const measured = measureEnclave(repoRoot);
  t.strictSame([...measured.keys()], [0, 1, 2]);
  for (const [index, value] of measured)
    t.ok(value.length === 48 && value.some((byte) => byte !== 0), `PCR${index}`);
  const script = `import('${join(import.meta.dirname, 'measure.ts')}').then((m) =>
    process.stdout.write(Buffer.from(m.measureEnclave('${repoRoot}').get(1)).toString('hex')))`;
  const elsewhere = execFileSync(process.execPath, ['-e', script], { cwd: tmpdir(), encoding: 'utf8' });
  t.equal(elsewhere, toHex(measured.get(1) ?? pcr(0)), 'the same from another working directory and process');
  t.end();
});
