import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, utf8 } from '@k3s-daas/core';
import t from 'tap';
import {
  AWS_NITRO_ROOT_G1_PEM,
  awsNitroRootG1,
  verifyAttestation,
  verifyDocument,
  type AttestationErrorCode,
} from '../index.ts';
import { Fixture, outcome, type Options } from './test/fixture.ts';

interface Positive {
  readonly file: string;
  readonly timestampMs: number;
  /** PCR0, 1 and 2 as they stand in the file behind `pcrs`: 48 bytes after 00 58 30, 01 58 30 and 02 58 30. */
  readonly pcrs: readonly [string, string, string];
}

const POSITIVE: readonly Positive[] = [
  {
    file: '01-prod-2025-11-10-pcr16-indefinite.bin',
    timestampMs: 1762795210812,
    pcrs: [
      '3aa0e6e6ed7d8301655fced7e6ddcc443a3e57bf62f070caa6becf337069e859c0f03d68136440ff1cab8adefd20634c',
      'b0d319fa64f9c2c9d7e9187bc21001ddacfab4077e737957fa1b8b97cc993bed43a79019aebfd40ee5f6f213147909f8',
      'fdb2295dc5d9b67a653ed5f3ead5fc8166ec3cae1de1c7c6f31c3b43b2eb26ab5d063f414f3d2b93163426805dfe057e',
    ],
  },
  {
    file: '02-prod-2026-01-03-indefinite.bin',
    timestampMs: 1767472867402,
    pcrs: [
      '4b8d4cf2a99e05ce1b5bddaf9d21cb446eb0e606c5bebd1ebf02b473a22165f7b68b0bb0d1ac5a90f0311e493522cfab',
      '0343b056cd8485ca7890ddd833476d78460aed2aa161548e4e26bedf321726696257d623e8805f3f605946b3d8b0c6aa',
      '16efcc1d6952c5b9737eb2ab1751a08412835c5125818bfb55f6367cb3cdca49b13d2a5b6d771de9db1578242e328c6d',
    ],
  },
  {
    file: '03-prod-2022-11-09-nonce-userdata.bin',
    timestampMs: 1668034320696,
    pcrs: [
      '22f9e1c949208da55eb01b9b9fc88f87454f77ba133f0d82320b509621c92482152a99d0a12335b97178c02d6f977d01',
      'bcdf05fefccaa8e55bf2c8d6dee9e79bbff31e34bf28a99aa19e6b29c37ee80b214a414b7607236edf26fcb78654e63f',
      '00943ea859140fed74e1025fe41aedb38780eae5656b3f9ef9b4b0e6111350315544db3efcda05725108f72b2ab141f7',
    ],
  },
];

const NEGATIVE: readonly { file: string; code: AttestationErrorCode }[] = [
  { file: 'badsig-veracruz.bin', code: 'COSE_SIGNATURE' },
  { file: 'corrupt-cbor-base-raw.bin', code: 'CBOR_DEPTH' },
  { file: 'debug-2024-11-14-sui.bin', code: 'POLICY_DEBUG' },
  { file: 'debug-2025-12-25-dstack-indefinite.bin', code: 'POLICY_DEBUG' },
  { file: 'framed-bytes-dstack.bin', code: 'CBOR_TRAILING_BYTES' },
  { file: 'wrong-root-selfsigned-oyster.bin', code: 'ROOT_MISMATCH' },
  { file: 'wrong-root-selfsigned-pcr16-oyster.bin', code: 'ROOT_MISMATCH' },
];

const folder = join(import.meta.dirname, '../../../../shared/attestation-vectors');
const absent = existsSync(folder) ? false : `no real documents at ${folder}`;
const load = (file: string): Uint8Array => new Uint8Array(readFileSync(join(folder, file)));
const DAY = 24 * 3_600_000;

function optionsFor(pcrs: readonly [string, string, string], time: Options['time']): Options {
  const [zero, one, two] = pcrs.map(fromHex) as [Uint8Array, Uint8Array, Uint8Array];
  return { trustAnchor: awsNitroRootG1, time, policy: { pcrs: { 0: zero, 1: one, 2: two } } };
}

void t.test('documents of AWS', { skip: absent }, async (t) => {
  const { root: stranger } = (await Fixture.make()).chain;
  t.equal(load('aws-nitro-root-G1.pem').toString(), utf8(AWS_NITRO_ROOT_G1_PEM).toString(), 'the AWS root');
  for (const { file, timestampMs, pcrs } of POSITIVE) {
    const bytes = load(file);
    const live = (nowMs: number): Options => optionsFor(pcrs, { mode: 'live', nowMs, ageMsMax: 3_600_000 });
    const result = verifyAttestation(bytes, optionsFor(pcrs, { mode: 'replay' }));
    t.equal(result.timestampMs, timestampMs, `${file}: replay`);
    t.equal(
      outcome(() => verifyAttestation(bytes, live(timestampMs + 60_000))),
      'accepted',
      `${file}: live, then`,
    );
    t.equal(
      outcome(() => verifyAttestation(bytes, live(timestampMs + DAY))),
      'CERTIFICATE_EXPIRED',
      `${file}: live, a day later`,
    );
    t.equal(
      outcome(() => verifyAttestation(bytes, live(timestampMs + 2 * 3_600_000))),
      'TIME_TOO_OLD',
      `${file}: live, two hours later`,
    );
    t.equal(
      outcome(() => verifyDocument(bytes, { trustAnchor: awsNitroRootG1, nowMs: timestampMs })),
      'accepted',
      `${file}: alone`,
    );
    t.equal(
      outcome(() => verifyDocument(bytes, { trustAnchor: awsNitroRootG1, nowMs: timestampMs + DAY })),
      'CERTIFICATE_EXPIRED',
    );
    t.equal(
      outcome(() => verifyAttestation(bytes, { ...live(timestampMs), trustAnchor: stranger })),
      'ROOT_MISMATCH',
      `${file}: another root`,
    );
    const flipped = bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1);
    t.equal(
      outcome(() => verifyAttestation(flipped, live(timestampMs))),
      'COSE_SIGNATURE',
      `${file}: another signature`,
    );
    t.equal(
      outcome(() => verifyAttestation(Buffer.concat([bytes, Buffer.of(0)]), live(timestampMs))),
      'CBOR_TRAILING_BYTES',
      `${file}: a byte behind it`,
    );
    const [zero, one] = pcrs;
    const wrong = optionsFor([zero, one, zero], { mode: 'replay' });
    t.equal(
      outcome(() => verifyAttestation(bytes, wrong)),
      'POLICY_PCR',
      `${file}: another PCR2`,
    );
  }
  const [first, , third] = POSITIVE.map(({ file, pcrs }) =>
    verifyAttestation(load(file), optionsFor(pcrs, { mode: 'replay' })),
  );
  t.equal(first?.pcrs.size, 17, '01 has PCR0 to PCR16');
  t.equal(first?.publicKey?.length, 32);
  t.equal(first?.userData?.length, 0, 'empty user data is not null');
  t.equal(first?.nonce, null);
  t.equal(third?.nonce?.length, 32);
  t.end();
});

void t.test('documents that look like AWS', { skip: absent }, (t) => {
  // Any PCRs: none of these may get as far as the comparison.
  const pcrs = POSITIVE[0]?.pcrs ?? (['', '', ''] as const);
  for (const { file, code } of NEGATIVE) {
    const bytes = load(`negative/${file}`);
    t.equal(
      outcome(() => verifyAttestation(bytes, optionsFor(pcrs, { mode: 'replay' }))),
      code,
      file,
    );
  }
  for (const file of NEGATIVE.map((row) => row.file).filter((name) => name.startsWith('debug'))) {
    const bytes = load(`negative/${file}`);
    const at = Buffer.from(bytes).indexOf('timestamp') + 'timestamp'.length + 1;
    const nowMs = Number(Buffer.from(bytes).readBigUInt64BE(at));
    const { pcrs: found } = verifyDocument(bytes, { trustAnchor: awsNitroRootG1, nowMs });
    t.notOk(
      found.get(4)?.every((byte) => byte === 0),
      `${file}: genuine, and PCR4 is not zero`,
    );
  }
  t.end();
});
