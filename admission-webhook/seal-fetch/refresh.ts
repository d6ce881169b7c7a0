import { equalBytes, SEALED_SIGNATURE_KEY, sha256, type Bytes } from '@k3s-daas/core';
import { verifySealedVersion } from '@k3s-daas/seal';

import { readPolicyOwner } from './chain.ts';
import { checkValues, readVolume, type SealedSet } from './ciphertext.ts';
import { FetchError } from './errors.ts';
import { openAndWrite, withinBudget, type Opened, type World } from './fetch-secrets.ts';
import { isAborted } from './retry.ts';
import { keysInUse } from './secrets.ts';
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
  const { plan, places, nodes } = world;
  const { secret, policy } = current;
  const files = await readVolume(places.ciphertext(secret));
  if (isUnchanged(current, files)) return null;
  const signature = files.get(SEALED_SIGNATURE_KEY);
  files.delete(SEALED_SIGNATURE_KEY);
  if (files.size === 0) throw refused(secret, 'it holds no value');
  const found = checkValues(plan, secret, files, subject);
  if (found.policy !== policy) throw refused(secret, `it is of policy ${found.policy}, not ${policy}`);
  if (found.version <= current.version)
    throw refused(secret, `it is version ${found.version}, in use is ${current.version}`);
  const missing = [...keysInUse(plan, secret)].find((key) => !found.values.has(key));
  if (missing !== undefined) throw refused(secret, `its key ${missing}, which the pod uses, is gone`);
  if (signature === undefined) throw refused(secret, `it has no ${SEALED_SIGNATURE_KEY}`);
  const owner = await readPolicyOwner(nodes, plan, policy);
  const digests = new Map([...files].map(([key, bytes]) => [key, sha256(bytes)]));
  const { namespace } = subject;
  const version = { cluster: plan.cluster, policy, namespace, secret, version: found.version, digests };
  if (!(await verifySealedVersion(owner, version, signature)))
    throw refused(secret, `its signature is not that of the policy’s owner ${owner}`);
  return found;
}

function isUnchanged({ values }: SealedSet, files: ReadonlyMap<string, Bytes>): boolean {
  return [...values].every(([key, { bytes }]) => equalBytes(files.get(key) ?? new Uint8Array(), bytes));
}

function refused(secret: string, why: string): FetchError {
  return new FetchError('ROTATION_REFUSED', `the new content of Secret ${secret} is not taken: ${why}`);
}
