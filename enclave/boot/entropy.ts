import { readFile, writeFile } from 'node:fs/promises';

import type { Bytes } from '@k3s-daas/core';

import { EnclaveError } from '../errors.ts';
import type { Nsm } from '../nsm/index.ts';

const RNG_CURRENT = '/sys/class/misc/hw_random/rng_current';
const NSM_RNG = 'nsm-hwrng';

export interface EntropyOptions {
  readonly nsm: Nsm;
  /** Reads a file of the kernel. */
  readonly readText?: (path: string) => Promise<string>;
  /** Mixes bytes into the kernel's pool. */
  readonly mix?: (bytes: Bytes) => Promise<void>;
}

/**
 * The first step of the boot, before any key is made. An enclave has no disk, no interrupts of its own and a host
 * that chooses its clock, so nothing but the NSM gives its kernel entropy: without `nsm-hwrng` as the current
 * generator its keys may be guessable, and this throws `ENTROPY_SOURCE`. The NSM's own random bytes are mixed in
 * besides; the kernel counts no entropy for them, so that they can only help. A development NSM vouches for nothing:
 * there the kernel's generator is taken as it is, and `source` says so.
 */
export async function checkEntropy(options: EntropyOptions): Promise<{ readonly source: string }> {
  const { nsm, readText = (path: string) => readFile(path, 'utf8'), mix = mixIntoKernel } = options;
  if (nsm.kind === 'development') return { source: 'kernel CSPRNG (development NSM)' };
  const current = await readText(RNG_CURRENT).catch((cause: unknown) => {
    throw entropyError(`${RNG_CURRENT} cannot be read`, cause);
  });
  const source = current.trim();
  if (source !== NSM_RNG) {
    throw entropyError(`the kernel takes its entropy from ${JSON.stringify(source.slice(0, 64))}`);
  }
  const bytes = await nsm.random();
  await mix(bytes).catch((cause: unknown) => {
    throw entropyError('random bytes of the NSM could not be mixed into the kernel’s pool', cause);
  });
  return { source: `${NSM_RNG}, with ${bytes.length} bytes of NSM GetRandom` };
}

async function mixIntoKernel(bytes: Bytes): Promise<void> {
  await writeFile('/dev/urandom', bytes, { flag: 'r+' });
}

function entropyError(problem: string, cause?: unknown): EnclaveError {
  return new EnclaveError(
    'ENTROPY_SOURCE',
    problem,
    `Run a kernel with CONFIG_NSM and CONFIG_HW_RANDOM whose ${RNG_CURRENT} reads ${NSM_RNG}.`,
    { cause },
  );
}
