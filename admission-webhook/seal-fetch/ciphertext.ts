import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';

import { describeError, sha256, toHex, type Bytes, type FetchPlan } from '@k3s-daas/core';
import {
  checkSealedValue,
  identityOfSecret,
  parseSealedValue,
  SEALED_BYTES_MAX,
  type SealedValue,
  type SealRules,
} from '@k3s-daas/seal/sealed';

import { FetchError } from './errors.ts';

export type PlannedSecret = FetchPlan['secrets'][number];

/** A Secret whose ciphertext has been found to be what it should. */
export interface SealedSet {
  readonly secret: string;
  readonly policy: string;
  readonly version: bigint;
  /** By key. */
  readonly values: ReadonlyMap<string, SealedValue>;
}

/** Where the pod runs: its token says so. */
export interface Subject {
  readonly namespace: string;
  readonly serviceAccount: string;
}

const NO_FOLLOW = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const KEYS_MAX = 512;

/**
 * The keys of a Secret's volume, or those of them that are asked for, all of one version: the folder that the
 * kubelet's `..data` led to when it was looked at.
 * @throws FetchError CIPHERTEXT_MISSING
 */
export async function readVolume(folder: string, keys?: readonly string[]): Promise<Map<string, Bytes>> {
  const read = new Map<string, Bytes>();
  try {
    const version = await realpath(join(folder, '..data'));
    const wanted = keys ?? (await readdir(version)).filter((name) => !name.startsWith('..'));
    if (wanted.length > KEYS_MAX) throw new Error(`it has more than ${KEYS_MAX} keys`);
    for (const key of wanted) read.set(key, await readFileOnly(join(version, key)));
  } catch (cause) {
    throw new FetchError('CIPHERTEXT_MISSING', `${folder} cannot be read: ${describeError(cause)}`, {
      cause,
    });
  }
  return read;
}

async function readFileOnly(path: string): Promise<Bytes> {
  const file = await open(path, NO_FOLLOW);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(`${path} is not a file`);
    if (stat.size > SEALED_BYTES_MAX) throw new Error(`${path} has more than ${SEALED_BYTES_MAX} bytes`);
    return new Uint8Array(await file.readFile());
  } finally {
    await file.close();
  }
}

/**
 * The Secret as it was admitted, and nothing else: digests, then every rule that holds without opening it.
 * @throws FetchError CIPHERTEXT_CHANGED, SECRET_VERSION_WRONG; SealedError
 */
export function checkPlanned(
  plan: FetchPlan,
  planned: PlannedSecret,
  found: ReadonlyMap<string, Bytes>,
  subject: Subject,
): SealedSet {
  const bytes = new Map<string, Bytes>();
  for (const { key, sha256: pinned } of planned.keys) {
    const value = found.get(key);
    if (value === undefined)
      throw new FetchError('CIPHERTEXT_MISSING', `the Secret ${planned.name} has no key ${key}`);
    if (toHex(sha256(value)) !== pinned)
      throw new FetchError('CIPHERTEXT_CHANGED', `${planned.name}/${key} is not what was admitted`);
    bytes.set(key, value);
  }
  const set = checkValues(plan, planned.name, bytes, subject);
  if (set.policy !== planned.policy || set.version !== BigInt(planned.version))
    throw new FetchError(
      'SECRET_VERSION_WRONG',
      `${planned.name} is version ${set.version} of policy ${set.policy}, planned is ${planned.version} of ${planned.policy}`,
    );
  return set;
}

/** Values that are valid in their place, for this pod, and of one identity. @throws SealedError, FetchError */
export function checkValues(
  plan: FetchPlan,
  secret: string,
  bytes: ReadonlyMap<string, Bytes>,
  { namespace, serviceAccount }: Subject,
): SealedSet {
  const values = new Map<string, SealedValue>();
  for (const [key, value] of bytes) {
    const sealed = parseSealedValue(value);
    checkSealedValue(sealed, rulesOf(plan), { namespace, secret, key });
    values.set(key, sealed);
  }
  const identity = identityOfSecret(values);
  if (identity.serviceAccount !== serviceAccount)
    throw new FetchError(
      'SECRET_VERSION_WRONG',
      `${secret} is sealed for service account ${identity.serviceAccount}, the pod’s is ${serviceAccount}`,
      { remedy: 'seal it for the service account of the pod, or run the pod under that one' },
    );
  return { secret, policy: identity.policy, version: identity.version, values };
}

function rulesOf(plan: FetchPlan): SealRules {
  return {
    cluster: plan.cluster,
    packageId: plan.package,
    keyServers: new Map(plan.keyServers.map(({ objectId, weight }) => [objectId, weight])),
    threshold: plan.threshold,
  };
}
