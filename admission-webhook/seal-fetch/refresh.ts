import { equalBytes, type Bytes } from '@k3s-daas/core';

import { readVolume, type SealedSet } from './ciphertext.ts';
import { openAndWrite, withinBudget, type Opened, type World } from './fetch-secrets.ts';
import { isAborted } from './retry.ts';
import { signedVersion } from './signed-version.ts';
import { readToken, type PodToken } from './token.ts';

const SPREAD = 0.1;

/** Looks for new versions again and again, until the pod ends. A failure keeps the files as they are. */
export async function keepFresh(world: World, opened: Opened): Promise<void> {
  const { plan, random, sleep, signal, log } = world;
  let { sets } = opened;
  for (;;) {
    await sleep(plan.refreshSeconds * 1_000 * (1 - SPREAD + 2 * SPREAD * random()), signal);
    if (isAborted(signal)) return;
    try {
      sets = await refresh(world, { ...opened, sets });
    } catch (error) {
      if (isAborted(signal)) return;
      log.failed(error, null);
    }
  }
}

/**
 * Takes the versions that the owners have published since, all files of the plan anew.
 * @returns what the pod runs with from now on.
 * @throws CodedError; nothing was written then, or volumes that were written hold the new version whole.
 */
export async function refresh(world: World, { sets, access }: Opened): Promise<readonly SealedSet[]> {
  const token = await readToken(world.places.token);
  const found: SealedSet[] = [];
  for (const current of sets) found.push((await newVersion(world, current, token)) ?? current);
  if (found.every((set, index) => set === sets[index])) return sets;
  await withinBudget(world, async () => {
    await openAndWrite(world, access, await readToken(world.places.token), found);
  });
  for (const { secret, version } of found.filter((set) => !sets.includes(set)))
    world.log.info(`${secret} is now version ${version}`);
  return found;
}

/** The version in the volume, if it is another than the current one and its owner has signed it; null if unchanged. */
async function newVersion(world: World, current: SealedSet, subject: PodToken): Promise<SealedSet | null> {
  const files = await readVolume(world.places.ciphertext(current.secret));
  return isUnchanged(current, files) ? null : await signedVersion(world, current, files, subject);
}

function isUnchanged({ values }: SealedSet, files: ReadonlyMap<string, Bytes>): boolean {
  return [...values].every(([key, { bytes }]) => equalBytes(files.get(key) ?? new Uint8Array(), bytes));
}
