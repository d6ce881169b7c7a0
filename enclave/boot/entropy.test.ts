import { readFileSync } from 'node:fs';

import { systemClock, type Bytes } from '@k3s-daas/core';
import t from 'tap';

import { createDevelopmentAuthority, developmentNsm, NsmError, type Nsm } from '../nsm/index.ts';
import { checkEntropy } from './entropy.ts';

const authority = await createDevelopmentAuthority({ clock: systemClock });
const development = await developmentNsm({
  authority,
  pcrs: new Map(),
  clock: systemClock,
  moduleId: 'i-test-enc1',
});
const random = new Uint8Array(256).map((_, index) => index);
const device = (answer: () => Promise<Bytes> = () => Promise.resolve(random)): Nsm => ({
  kind: 'device',
  describe: () => development.describe(),
  attest: (request) => development.attest(request),
  random: answer,
});

/** A kernel whose rng_current reads `current`. */
function kernel(current: string | Error) {
  const mixed: Bytes[] = [];
  const read: string[] = [];
  return {
    mixed,
    read,
    readText: (path: string): Promise<string> => {
      read.push(path);
      return current instanceof Error ? Promise.reject(current) : Promise.resolve(current);
    },
    mix: (bytes: Bytes): Promise<void> => {
      mixed.push(bytes);
      return Promise.resolve();
    },
  };
}

void t.test('on a device the kernel must take its entropy from the NSM', async (t) => {
  const good = kernel('nsm-hwrng\n');
  const { source } = await checkEntropy({ nsm: device(), ...good });
  t.equal(source, 'nsm-hwrng, with 256 bytes of NSM GetRandom');
  t.strictSame(good.read, ['/sys/class/misc/hw_random/rng_current']);
  t.strictSame(good.mixed, [random]);

  for (const current of [
    'none\n',
    'virtio_rng.0\n',
    'tpm-rng-0',
    '',
    'nsm-hwrng-2',
    'x nsm-hwrng',
    'NSM-HWRNG',
  ]) {
    const bad = kernel(current);
    await t.rejects(
      checkEntropy({ nsm: device(), ...bad }),
      { code: 'ENTROPY_SOURCE' },
      JSON.stringify(current),
    );
    t.strictSame(bad.mixed, []);
  }
  await t.rejects(checkEntropy({ nsm: device(), ...kernel(new Error('ENOENT')) }), {
    code: 'ENTROPY_SOURCE',
    message: /cannot be read/,
  });
});

void t.test('without the NSM’s own bytes in the kernel’s pool there is no boot', async (t) => {
  const refusal = new NsmError('NSM_REFUSED', 'no', 'none');
  const failing = device(() => Promise.reject(refusal));
  await t.rejects(checkEntropy({ nsm: failing, ...kernel('nsm-hwrng') }), { code: 'NSM_REFUSED' });
  const mix = (): Promise<void> => Promise.reject(new Error('EROFS'));
  await t.rejects(checkEntropy({ nsm: device(), ...kernel('nsm-hwrng'), mix }), { code: 'ENTROPY_SOURCE' });
});

void t.test('a development NSM vouches for no entropy, and it is said', async (t) => {
  const untouched = kernel(new Error('not to be read'));
  const { source } = await checkEntropy({ nsm: development, ...untouched });
  t.match(source, /kernel CSPRNG.*development/);
  t.strictSame([untouched.read, untouched.mixed], [[], []]);
});

void t.test('the real pool takes the bytes', { skip: process.platform !== 'linux' }, async (t) => {
  const { readText } = kernel('nsm-hwrng');
  await checkEntropy({ nsm: device(), readText });
  t.ok(Number(readFileSync('/proc/sys/kernel/random/entropy_avail', 'utf8')) > 0);
});
