import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyAttestation } from '@k3s-daas/attestation';
import { systemClock, utf8, type Bytes } from '@k3s-daas/core';
import t from 'tap';
import { createDevelopmentAuthority, developmentNsm, deviceNsm, type Nsm } from './index.ts';
import type { NsmRequest, NsmResponse } from './protocol.ts';
import { answerWith, decodeRequest, encodeResponse, serveDriver, type DriverAnswer } from './test/server.ts';

/** A true character device, whose ioctl answer-ioctl.c takes over. */
const CHARACTER_DEVICE = '/dev/null';
const TIMEOUT_MS = 10_000;
const FLAGS = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wshadow', '-Werror'];

const dir = mkdtempSync(join(tmpdir(), 'daas-nsm-'));
t.teardown(() => {
  rmSync(dir, { recursive: true, force: true });
});
const skip =
  process.platform !== 'linux' || spawnSync('gcc', ['--version']).error !== undefined
    ? 'needs Linux and gcc, to build nsm-request.c'
    : false;
const program = join(dir, 'nsm-request');
const interposer = join(dir, 'answer-ioctl.so');
if (skip === false) {
  execFileSync('gcc', [...FLAGS, '-o', program, join(import.meta.dirname, 'device/nsm-request.c')]);
  const source = join(import.meta.dirname, 'test/answer-ioctl.c');
  execFileSync('gcc', [
    '-std=c11',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-shared',
    '-fPIC',
    '-o',
    interposer,
    source,
  ]);
}

/** An executable script in `dir`. */
function script(name: string, ...lines: readonly string[]): string {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
  return path;
}

const pcr = (fill: number): Bytes => new Uint8Array(48).fill(fill);
const authority = await createDevelopmentAuthority({ clock: systemClock });
const behind = await developmentNsm({
  authority,
  pcrs: new Map([1, 2, 3].map((fill, index) => [index, pcr(fill)])),
  clock: systemClock,
  moduleId: 'i-0123456789abcdef0-enc01',
});

type Handler = (
  request: NsmRequest,
  answer: () => Promise<NsmResponse>,
) => Promise<DriverAnswer | NsmResponse | null>;
let sockets = 0;

/** nsm-request in front of the development NSM; `handle` may answer in its place, `lines` go before the program. */
async function driver(t: Tap, handle: Handler = (_request, answer) => answer(), ...lines: readonly string[]) {
  const path = join(dir, `${sockets++}.sock`);
  const seen: string[] = [];
  const served = await serveDriver(path, async (encoded) => {
    const request = decodeRequest(encoded);
    seen.push(request.kind);
    const answer = await handle(request, () => answerWith(behind, request));
    return answer !== null && 'kind' in answer ? { response: encodeResponse(answer) } : answer;
  });
  t.teardown(() => served.close());
  const preloaded = script(
    `preloaded-${sockets}`,
    ...lines,
    `NSM_SOCKET='${path}' LD_PRELOAD='${interposer}' exec '${program}' "$@"`,
  );
  const open = (timeoutMs = TIMEOUT_MS): Promise<Nsm> =>
    deviceNsm({ devicePath: CHARACTER_DEVICE, program: preloaded, timeoutMs });
  return { open, seen, served };
}

type Tap = Pick<typeof t, 'teardown'>;

void t.test('through program, driver and protocol it is the same NSM', { skip }, async (t) => {
  const { open, seen } = await driver(t);
  const nsm = await open();
  t.equal(nsm.kind, 'device');
  t.strictSame(nsm.describe(), behind.describe());
  t.strictSame(seen, ['DescribeNSM', ...Array.from({ length: 16 }, () => 'DescribePCR')]);
  nsm.describe().pcrs.get(0)?.fill(0);
  t.strictSame(nsm.describe().pcrs.get(0), pcr(1), 'the description is a copy');

  const nonce = new Uint8Array(512).fill(5);
  const attesting = nsm.attest({ userData: pcr(7), nonce, publicKey: new Uint8Array(1024).fill(9) });
  nonce.fill(0);
  const verified = verifyAttestation(await attesting, {
    trustAnchor: authority.rootCertificateDer,
    time: { mode: 'live', nowMs: Date.now(), ageMsMax: 60_000 },
    policy: { pcrs: { 0: pcr(1), 1: pcr(2), 2: pcr(3) }, userData: pcr(7) },
  });
  t.strictSame(verified.nonce, new Uint8Array(512).fill(5), 'the request was copied at the call');
  t.strictSame(verified.publicKey, new Uint8Array(1024).fill(9));

  const [first, second] = [await nsm.random(), await nsm.random()];
  t.equal(first.length, 256);
  t.notSame(first, second);
  await t.rejects(nsm.attest({ nonce: new Uint8Array(513) }), { code: 'NSM_NONCE_SIZE' });
});

void t.test(
  'it asks one thing at a time, and one that fails does not hold up the next',
  { skip },
  async (t) => {
    let most = 0;
    const { open, served } = await driver(t, async (request, answer) => {
      most = Math.max(most, served.open());
      if (request.kind === 'Attestation' && request.nonce === undefined)
        return { kind: 'Error', error: 'InternalError' };
      return answer();
    });
    const nsm = await open();
    const refused = t.rejects(nsm.attest({}), { code: 'NSM_REFUSED' });
    const all = await Promise.all([1, 2, 3, 4].map((fill) => nsm.attest({ nonce: new Uint8Array([fill]) })));
    await refused;
    t.equal(new Set(all.map((document) => Buffer.from(document).toString('hex'))).size, 4);
    t.equal(most, 1);
  },
);

void t.test('what the NSM or its driver answers wrongly is refused by code', { skip }, async (t) => {
  const random = (length: number): NsmResponse => ({ kind: 'GetRandom', random: new Uint8Array(length) });
  const whole = encodeResponse(random(256));
  const cases: [string, DriverAnswer | NsmResponse, string, RegExp][] = [
    [
      'an error',
      { kind: 'Error', error: 'InputTooLarge' },
      'NSM_REFUSED',
      /refused GetRandom: InputTooLarge/,
    ],
    [
      'another variant',
      { kind: 'Attestation', document: pcr(1) },
      'NSM_RESPONSE_MALFORMED',
      /with Attestation/,
    ],
    ['too little entropy', random(255), 'NSM_RESPONSE_MALFORMED', /255 bytes, not 256/],
    ['a cut answer', { response: whole, stated: whole.length - 1 }, 'NSM_RESPONSE_MALFORMED', /ends inside/],
    [
      'more than the answer',
      { response: whole, stated: whole.length + 1 },
      'NSM_RESPONSE_MALFORMED',
      /1 bytes follow/,
    ],
    ['an empty answer', { response: whole, stated: 0 }, 'NSM_RESPONSE_MALFORMED', /impossible length/],
    [
      'an oversize answer',
      { response: whole, stated: 0x3001 },
      'NSM_RESPONSE_MALFORMED',
      /impossible length/,
    ],
    [
      'the buffer unchanged',
      { response: new Uint8Array(0), stated: 0x3000 },
      'NSM_RESPONSE_MALFORMED',
      /12287 bytes follow/,
    ],
    ['nonsense', { response: utf8('nonsense') }, 'NSM_RESPONSE_MALFORMED', /cannot be read/],
    [
      'an errno of the driver',
      { response: whole, errno: 90 },
      'NSM_PROGRAM_FAILED',
      /ended with 71: .*too long/,
    ],
  ];
  let given: DriverAnswer | NsmResponse | null = null;
  const { open } = await driver(t, (_request, answer) =>
    given === null ? answer() : Promise.resolve(given),
  );
  const nsm = await open();
  for (const [name, wrong, code, message] of cases) {
    given = wrong;
    await t.rejects(nsm.random(), { code, message }, name);
  }
});

void t.test('an NSM of another kind is not opened', { skip }, async (t) => {
  const change = (kind: NsmResponse['kind'], fields: object): Handler => {
    return async (_request, answer) => {
      const response = await answer();
      return response.kind === kind ? { ...response, ...fields } : response;
    };
  };
  const cases: [string, Handler, string][] = [
    ['version 2', change('DescribeNSM', { versionMajor: 2 }), 'NSM_VERSION'],
    ['another digest', change('DescribeNSM', { digest: 'SHA512' }), 'NSM_PCRS'],
    [
      '33 locked PCRs',
      change('DescribeNSM', { lockedPcrs: Array.from({ length: 33 }, (_, i) => i) }),
      'NSM_PCRS',
    ],
    ['a locked PCR that is not locked', change('DescribePCR', { lock: false }), 'NSM_PCRS'],
    ['a PCR of 32 bytes', change('DescribePCR', { data: new Uint8Array(32) }), 'NSM_PCRS'],
    ['a PCR that it does not have', change('DescribeNSM', { lockedPcrs: [16] }), 'NSM_REFUSED'],
    ['a refusal', () => Promise.resolve({ kind: 'Error', error: 'InvalidOperation' }), 'NSM_REFUSED'],
  ];
  for (const [name, handle, code] of cases) {
    const { open } = await driver(t, handle);
    await t.rejects(open(), { code }, name);
  }
  const { open } = await driver(t, change('DescribeNSM', { lockedPcrs: [0, 1, 2] }));
  t.strictSame([...(await open()).describe().pcrs.keys()], [0, 1, 2], 'only what is locked is described');
});

void t.test('a request that hangs ends in time, and the next one is served', { skip }, async (t) => {
  let hang = true;
  const { open, served } = await driver(t, (_request, answer) => (hang ? Promise.resolve(null) : answer()));
  await t.rejects(open(300), { code: 'NSM_TIMEOUT' });
  for (let tries = 0; served.open() > 0 && tries < 500; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.equal(served.open(), 0, 'the process is gone');
  hang = false;
  t.equal((await (await open()).random()).length, 256);
});

void t.test('while a process cannot be ended, no second one is started', { skip }, async (t) => {
  const flag = join(dir, 'hang');
  const started = join(dir, 'started');
  // What SIGKILL does not end, as a request that hangs in the kernel: here a child that holds its output open.
  const hanging = `if [ -e '${flag}' ]; then sleep 3 & exec sleep 20; fi`;
  const { open, seen } = await driver(t, undefined, `echo x >> '${started}'`, hanging);
  const nsm = await open(1_500);
  writeFileSync(flag, '');
  const three = [nsm.random(), nsm.random(), nsm.random()];
  for (const asked of three) await t.rejects(asked, { code: 'NSM_TIMEOUT' });
  const starts = (): number => readFileSync(started, 'utf8').length / 2;
  t.equal(starts(), seen.length + 1, 'one of the three was started');
  rmSync(flag);
  let random: Bytes | undefined;
  for (let tries = 0; random === undefined && tries < 20; tries++) {
    random = await nsm.random().catch(() => undefined);
  }
  t.equal(random?.length, 256, 'it recovers when the process is gone');
  t.equal(
    seen.filter((kind) => kind === 'GetRandom').length,
    1,
    'what nobody waits for any more is not started',
  );
});

void t.test('a device that is none is refused by code', { skip }, async (t) => {
  const file = join(dir, 'file');
  writeFileSync(file, '');
  for (const devicePath of [join(dir, 'absent'), file, dir]) {
    await t.rejects(deviceNsm({ devicePath, program }), { code: 'NSM_DEVICE_MISSING' }, devicePath);
  }
  await t.rejects(deviceNsm({ devicePath: CHARACTER_DEVICE, program }), {
    code: 'NSM_PROGRAM_FAILED',
    message: /ended with 71: .*ioctl/,
  });
});

void t.test('a program that is none is refused by code, and told nothing', async (t) => {
  const open = (program: string): Promise<Nsm> => deviceNsm({ devicePath: CHARACTER_DEVICE, program });
  const plain = join(dir, 'plain');
  writeFileSync(plain, 'text');
  const failed: [string, string, RegExp][] = [
    ['absent', join(dir, 'absent'), /cannot be run/],
    ['not executable', plain, /cannot be run/],
    ['no path', 'a\0b', /cannot be run/],
    ['killed', script('killed', 'kill -9 $$'), /ended with SIGKILL/],
    ['silent', script('silent', 'exit 3'), /ended with 3: ""/],
    ['talkative', script('talkative', 'exec yes >&2'), /ended with/],
    ['quoting', script('quoting', "printf 'a\\nb' >&2; exit 70"), /ended with 70: "a\\nb"/],
  ];
  for (const [name, program, message] of failed) {
    await t.rejects(open(program), { code: 'NSM_PROGRAM_FAILED', message }, name);
  }
  const endless = script('endless', 'exec yes');
  await t.rejects(open(endless), { code: 'NSM_RESPONSE_MALFORMED', message: /over 12288 bytes/ });
  const mute = script('mute', 'exec true');
  await t.rejects(open(mute), { code: 'NSM_RESPONSE_MALFORMED', message: /ends inside/ });

  const environment = join(dir, 'environment');
  process.env['NSM_TEST_SECRET'] = 'secret';
  await t.rejects(open(script('told', `tr '\\0' '\\n' < /proc/$$/environ > '${environment}'; exit 1`)));
  delete process.env['NSM_TEST_SECRET'];
  // Under tap it is not empty: tap puts its own variables into every process.
  t.notMatch(readFileSync(environment, 'utf8'), /^(NSM_TEST_SECRET|PATH|HOME|PWD)=/m);
});

void t.test('nsm-request itself refuses what is no request', { skip }, (t) => {
  const run = (input: Bytes, ...args: string[]): [number | null, string] => {
    const { status, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
    return [status, stderr];
  };
  t.match(run(utf8('x')), [64, /usage/]);
  t.match(run(utf8('x'), CHARACTER_DEVICE, 'more'), [64, /usage/]);
  t.match(run(new Uint8Array(), CHARACTER_DEVICE), [65, /1 to 4096/]);
  t.match(run(new Uint8Array(4097), CHARACTER_DEVICE), [65, /1 to 4096/]);
  t.match(
    run(new Uint8Array(4096), CHARACTER_DEVICE),
    [71, /ioctl/],
    'the longest request reaches the driver',
  );
  t.end();
});
