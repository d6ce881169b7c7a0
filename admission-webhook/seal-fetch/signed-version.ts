import { SEALED_SIGNATURE_KEY, sha256, type Bytes, type FetchPlan } from '@k3s-daas/core';
import { verifySealedVersion } from '@k3s-daas/seal/sealed';

import { readPolicyOwner } from './chain.ts';
import { checkValues, type SealedSet } from './ciphertext.ts';
import { FetchError } from './errors.ts';
import type { FullNodes } from './majority.ts';
import { keysInUse } from './secrets.ts';
import type { PodToken } from './token.ts';

interface Surroundings extends FullNodes {
  readonly plan: FetchPlan;
}

/**
 * The content of a Secret that is not the one the pod was admitted or runs with: taken if it is a greater version of the
 * same policy, signed by the policy's owner. Anyone can encrypt, so ciphertext alone does not say who made it.
 * @param content of the Secret's volume, by key.
 * @throws FetchError ROTATION_REFUSED, CHAIN_DISAGREES; SealedError; ChainError
 */
export async function signedVersion(
  { plan, nodes, log }: Surroundings,
  { secret, policy, version: current }: Pick<SealedSet, 'secret' | 'policy' | 'version'>,
  content: ReadonlyMap<string, Bytes>,
  subject: PodToken,
): Promise<SealedSet> {
  const files = new Map(content);
  const signature = files.get(SEALED_SIGNATURE_KEY);
  files.delete(SEALED_SIGNATURE_KEY);
  if (files.size === 0) throw refused(secret, 'it holds no value');
  const found = checkValues(plan, secret, files, subject);
  if (found.policy !== policy) throw refused(secret, `it is of policy ${found.policy}, not ${policy}`);
  if (found.version <= current) throw refused(secret, `it is version ${found.version}, in use is ${current}`);
  const missing = [...keysInUse(plan, secret)].find((key) => !found.values.has(key));
  if (missing !== undefined) throw refused(secret, `its key ${missing}, which the pod uses, is gone`);
  if (signature === undefined) throw refused(secret, `it has no ${SEALED_SIGNATURE_KEY}`);
  const owner = await readPolicyOwner({ nodes, log }, plan, policy);
  const digests = new Map([...files].map(([key, bytes]) => [key, sha256(bytes)]));
  const { namespace } = subject;
  const version = { cluster: plan.cluster, policy, namespace, secret, version: found.version, digests };
  if (!(await verifySealedVersion(owner, version, signature)))
    throw refused(secret, `its signature is not that of the policy’s owner ${owner}`);
  return found;
}

function refused(secret: string, why: string): FetchError {
  return new FetchError('ROTATION_REFUSED', `the new content of Secret ${secret} is not taken: ${why}`);
}
