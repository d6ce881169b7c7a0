/** `daas attestation`, run as a person runs it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';

import { AWS_NITRO_ROOT_G1_SHA256, DOCUMENT_BYTES_MAX, verifyDocument } from '@k3s-daas/attestation';
import { systemClock, toHex } from '@k3s-daas/core';
import { createDevelopmentAuthority, developmentNsm } from '@k3s-daas/enclave';

import { derToPem } from './stack/files.ts';

const LAUNCHER = join(import.meta.dirname, 'bin/daas.js');
const dir = mkdtempSync(join(tmpdir(), 'daas-attestation-'));
t.teardown(() => {
  rmSync(dir, { recursive: true, force: true });
});

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function daas(args: readonly string[], stdin?: Uint8Array): Promise<Ran> {
  const child = spawn(process.execPath, [LAUNCHER, 'attestation', ...args], { cwd: dir });
  child.stdin.end(stdin);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}

function write(name: string, content: string | Uint8Array): string {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
}

const pcr = (fill: number): Uint8Array => new Uint8Array(48).fill(fill);
const [NONCE, USER_DATA, PUBLIC_KEY] = [pcr(7).slice(0, 16), pcr(8).slice(0, 32), pcr(9).slice(0, 32)];
const authority = await createDevelopmentAuthority({ clock: systemClock });
const nsm = await developmentNsm({
  authority,
  pcrs: new Map([0, 1, 2, 3, 4].map((index) => [index, pcr(index + 1)])),
  clock: systemClock,
  moduleId: 'i-test-enc1',
});
const document = await nsm.attest({ nonce: NONCE, userData: USER_DATA, publicKey: PUBLIC_KEY });
const file = write('document.bin', document);
const root = ['--root', write('root.pem', derToPem(authority.rootCertificateDer))];
const expected = ['--pcr0', toHex(pcr(1)), '--pcr1', toHex(pcr(2)), '--pcr2', toHex(pcr(3))];
const verify = (...more: string[]): Promise<Ran> => daas(['verify', file, ...expected, ...root, ...more]);

void t.test('verify says what it checked', async (t) => {
  const bound = ['--nonce', toHex(NONCE), '--user-data', toHex(USER_DATA), '--public-key', toHex(PUBLIC_KEY)];
  const good = await verify(...bound, '--pcr', `3=${toHex(pcr(4))}`, '--pcr', `4=${toHex(pcr(5))}`, '--json');
  t.equal(good.code, 0, good.out + good.err);
  const answer = JSON.parse(good.out) as { checked: { rule: string; found: string }[] };
  t.match(answer, {
    verified: true,
    moduleId: 'i-test-enc1',
    pcrs: { 0: toHex(pcr(1)) },
    nonce: toHex(NONCE),
    publicKey: toHex(PUBLIC_KEY),
    userData: toHex(USER_DATA),
  });
  t.strictSame(
    answer.checked.map(({ rule }) => rule),
    [
      ...['structure', 'signature', 'root', 'chain', 'validity', 'timestamp', 'age', 'debug'],
      ...['pcr0', 'pcr1', 'pcr2', 'pcr3', 'pcr4', 'nonce', 'user_data', 'public_key'],
    ],
  );
  const text = await verify('--at', 'document');
  t.equal(text.code, 0);
  t.match(text.out, /^verified\n✓ structure: /);
  t.match(text.out, /\n✓ root: the trust anchor byte for byte, SHA-256 [0-9a-f]{64}\n/);
  t.match(text.out, `\n✓ pcr2: ${toHex(pcr(3))}`);
  t.notMatch(text.out, /✓ (?:age|nonce)/, 'and claims nothing that it did not check');
});

void t.test('verify refuses by code, and exits with 1', async (t) => {
  const refused = async (code: string, ...args: string[]): Promise<void> => {
    const ran = await verify(...args, '--json');
    t.equal(ran.code, 1, `${code}: exit code`);
    t.match(JSON.parse(ran.out), { error: { code, message: /./, remedy: /./ } }, code);
  };
  await Promise.all([
    refused('POLICY_PCR', '--pcr0', toHex(pcr(9))),
    refused('POLICY_PCR', '--pcr', `3=${toHex(pcr(9))}`),
    refused('POLICY_PCR', '--pcr', `31=${toHex(pcr(9))}`),
    refused('POLICY_NONCE', '--nonce', toHex(USER_DATA)),
    refused('POLICY_USER_DATA', '--user-data', ''),
    refused('POLICY_PUBLIC_KEY', '--public-key', toHex(USER_DATA)),
    refused('POLICY_INVALID', '--pcr0', toHex(pcr(0))),
  ]);
  t.match(await daas(['verify', file, ...expected]), { code: 1, err: /^ROOT_MISMATCH: / }, 'the AWS root');
  t.match(
    await daas(['verify', write('cut.bin', document.slice(0, -1)), ...expected, ...root]),
    { code: 1, out: '', err: /^CBOR_TRUNCATED: / },
    'a cut document, in text',
  );
  t.match(await daas(['verify', join(dir, 'absent'), ...expected]), { code: 1, err: /^FILE_UNREADABLE: / });
  t.match(
    await daas(['verify', write('large', new Uint8Array(4 * DOCUMENT_BYTES_MAX)), ...expected, ...root]),
    { code: 1, err: /^DOCUMENT_SIZE: / },
  );
});

void t.test('verify asks to be asked properly, and exits with 2', async (t) => {
  const wrong = async (...args: string[]): Promise<void> => {
    const { code, out } = await verify(...args);
    t.strictSame([code, out], [2, ''], args.join(' ').slice(0, 60));
  };
  await Promise.all([
    wrong('--pcr0', 'zz'),
    wrong('--pcr', `3=${'0'.repeat(95)}`),
    wrong('--pcr', `0=${toHex(pcr(1))}`),
    wrong('--pcr', `32=${toHex(pcr(1))}`),
    wrong('--pcr', toHex(pcr(1))),
    wrong('--pcr', `3=${toHex(pcr(4))}`, '--pcr', `3=${toHex(pcr(4))}`),
    wrong('--nonce', 'abc'),
    wrong('--user-data', '0x00'),
    wrong('--at', 'yesterday'),
    wrong('--age-max', '1e3'),
    wrong('--age-max', '-1'),
    wrong('--encoding', 'guess'),
    wrong('--root', file),
  ]);
  t.match(
    await daas(['verify', file, ...expected.slice(2)]),
    { code: 2, err: /--pcr0/ },
    'PCRs are not optional',
  );
});

void t.test('standard input and encodings', async (t) => {
  const base64 = Buffer.from(document).toString('base64');
  const from = (encoding: string, content: string | Uint8Array): Promise<Ran> =>
    daas(['verify', '-', ...expected, ...root, '--encoding', encoding], Buffer.from(content));
  t.match(await from('raw', document), { code: 0 });
  t.match(await from('base64', base64.replaceAll(/.{64}/g, '$&\n')), { code: 0 });
  t.match(await from('hex', `${toHex(document)}\n`), { code: 0 });
  t.match(await from('raw', base64), { code: 1, err: /^(?:CBOR|COSE|DOCUMENT)_/ }, 'nothing is guessed');
  t.match(await from('base64', base64.slice(0, -1)), { code: 1, err: /is not base64/ });
  t.match(await from('hex', base64), { code: 1, err: /is not hex/ });
  t.match(await from('raw', ''), { code: 1, err: /^DOCUMENT_SIZE/ });
});

void t.test('show says first that nothing is verified, and then everything', async (t) => {
  const { code, out } = await daas(['show', file]);
  t.equal(code, 0);
  t.match(out, /^NOTHING below is verified/);
  for (const part of [
    /form: \d+ bytes, the form of an AWS Nitro attestation document/,
    /module_id: i-test-enc1/,
    /timestamp: 20\d\d-\d\d-\d\dT/,
    `PCR0 (enclave image): ${toHex(pcr(1))}`,
    `PCR4 (instance id): ${toHex(pcr(5))}`,
    `public_key: 32 bytes ${toHex(PUBLIC_KEY)}`,
    `user_data: 32 bytes ${toHex(USER_DATA)}`,
    `nonce: 16 bytes ${toHex(NONCE)}`,
    / {2}root: .*\n {4}issued by .*\n {4}valid from 20.* to 20.*\n {4}SHA-256 [0-9a-f]{64}\n/,
    / {2}leaf: /,
    /root: not the AWS Nitro Enclaves root G1/,
  ]) {
    t.match(out, part);
  }
  t.notMatch(out, /debug mode/);
  const json = JSON.parse((await daas(['show', '-', '--json'], document)).out) as Record<string, unknown>;
  t.match(json, { verified: false, refusal: null, moduleId: 'i-test-enc1', pcrs: { 2: toHex(pcr(3)) } });
});

void t.test('show reads what does not verify, as far as it can be read', async (t) => {
  const show = (bytes: Uint8Array): Promise<Ran> => daas(['show', '-'], bytes);
  // module_id with an escape sequence: the form allows any text.
  const hostile = Buffer.from(document);
  hostile.write('\u001b[2Jenc1\u202e', hostile.indexOf('i-test-enc1'));
  const shown = await show(hostile);
  t.match(shown.out, /module_id: \\u\{1b\}\[2Jenc1\\u\{202e\}/);
  t.notMatch(shown.out, '\u001b');
  const forged = document.slice();
  forged.fill(0, -96);
  t.match((await show(forged)).out, /module_id: i-test-enc1/, 'a bad signature');
  const unsized = Buffer.from(document);
  unsized.write('SHA385', unsized.indexOf('SHA384'));
  const refused = await show(unsized);
  t.match(
    refused.out,
    /not the form .* DOCUMENT_DIGEST: .*\nmodule_id: i-test-enc1/s,
    'a field out of order',
  );
  for (const [name, bytes] of Object.entries({
    nothing: new Uint8Array(),
    'a cut document': document.slice(0, 2_000),
    'a byte in front': Buffer.concat([Buffer.of(0), document]),
    text: Buffer.from('attestation'),
    'an empty map': Buffer.of(0xa0),
  })) {
    const { code, out } = await show(bytes);
    t.equal(code, 0, name);
    t.match(
      out,
      /^NOTHING below is verified.*not the form .*[A-Z]+_[A-Z]+: .*\npayload: unreadable\n$/s,
      name,
    );
  }
});

const folder = join(import.meta.dirname, '../../shared/attestation-vectors');
const absent = existsSync(folder) ? false : `no real documents at ${folder}`;

void t.test('documents of AWS', { skip: absent }, async (t) => {
  const real = join(folder, '01-prod-2025-11-10-pcr16-indefinite.bin');
  // As they stand in the file behind `pcrs`.
  const pcrs = [
    [
      '--pcr0',
      '3aa0e6e6ed7d8301655fced7e6ddcc443a3e57bf62f070caa6becf337069e859c0f03d68136440ff1cab8adefd20634c',
    ],
    [
      '--pcr1',
      'b0d319fa64f9c2c9d7e9187bc21001ddacfab4077e737957fa1b8b97cc993bed43a79019aebfd40ee5f6f213147909f8',
    ],
    [
      '--pcr2',
      'fdb2295dc5d9b67a653ed5f3ead5fc8166ec3cae1de1c7c6f31c3b43b2eb26ab5d063f414f3d2b93163426805dfe057e',
    ],
  ].flat();
  const then = await daas(['verify', real, ...pcrs, '--at', 'document']);
  t.equal(then.code, 0, then.err);
  t.match(then.out, `SHA-256 ${AWS_NITRO_ROOT_G1_SHA256}`);
  t.match(await daas(['verify', real, ...pcrs]), { code: 1, err: /^CERTIFICATE_EXPIRED: / }, 'today');
  t.match((await daas(['show', real])).out, /root: the bytes of AWS Nitro Enclaves root G1/);
  const debug = join(folder, 'negative/debug-2024-11-14-sui.bin');
  t.match((await daas(['show', debug])).out, /PCR0 \(enclave image\): zero, 48 bytes.*debug mode/s);
  t.match(await daas(['verify', debug, ...pcrs, '--at', 'document']), { code: 1, err: /^POLICY_DEBUG: / });
  const framed = await daas(['show', join(folder, 'negative/framed-bytes-dstack.bin')]);
  t.match(framed.out, /CBOR_TRAILING_BYTES: .*payload: unreadable/s);
});

void t.test('the document these tests use is a good one', (t) => {
  const trustAnchor = authority.rootCertificateDer;
  t.ok(verifyDocument(document, { trustAnchor, nowMs: Date.now() }));
  t.end();
});
