import { fromBase64, toHex, type Bytes, type SealIdentity } from '@k3s-daas/core';
import {
  identityOfSecret,
  readSealedSecret,
  secretDataSchema,
  type SealedError,
  type SealedValue,
  type SealRules,
  type SecretCheck,
} from '@k3s-daas/seal/sealed';
import { z } from 'zod';

import { metadataSchema, parseObject } from '../checks/marks.ts';
import type { SealSettings } from '../config.ts';
import { Denied } from '../denied.ts';
import type { SealedSecret } from './facts.ts';

const secretSchema = z.object({
  metadata: metadataSchema,
  type: z.string().default('Opaque'),
  data: secretDataSchema,
});

/** A Secret as the API server shows it. Holds what may be plain text: not to be kept. */
export type RawSecret = z.infer<typeof secretSchema>;

/** @throws Denied OBJECT_MALFORMED */
export function parseSecret(object: unknown): RawSecret {
  return parseObject<RawSecret>(secretSchema, object, 'Secret');
}

export function sealRulesOf({ cluster, package: packageId, keyServers, threshold }: SealSettings): SealRules {
  const weights = new Map(keyServers.map(({ objectId, weight }) => [objectId, weight]));
  return { cluster, packageId, keyServers: weights, threshold };
}

/** The values of a Secret that is sealed in full, by key, and their one identity. */
export interface OpenedEnvelope {
  readonly identity: SealIdentity;
  readonly values: ReadonlyMap<string, SealedValue>;
}

/**
 * Checks every value of a Secret: ciphertext for this cluster, this place and one identity, and nothing else.
 *
 * @param namespace of the request; the object itself may leave it out.
 * @throws Denied with the code of the first thing wrong. No message holds any part of a value.
 */
export function readSealedValues(secret: RawSecret, namespace: string, rules: SealRules): OpenedEnvelope {
  const { type, metadata } = secret;
  const data = new Map([...secret.data].map(([key, base64]) => [key, bytesOf(base64)]));
  const { values, checks } = readSealedSecret({ name: metadata.name, namespace, type, data }, rules);
  requireAll(checks);
  return { identity: identityOfSecret(values), values };
}

/** @throws Denied with the first refusal of all checks. */
export function requireAll(checks: readonly SecretCheck[]): void {
  const [refusal] = checks.flatMap(({ refusals }) => refusals);
  if (refusal !== undefined) throw asDenied(refusal);
}

/** What is remembered of a sealed Secret: no ciphertext, only its digests. @throws Denied as readSealedValues does. */
export function sealedSecretOf(secret: RawSecret, namespace: string, rules: SealRules): SealedSecret {
  const { identity, values } = readSealedValues(secret, namespace, rules);
  const { policy, serviceAccount, version } = identity;
  const keys = new Map([...values].map(([key, { digest }]) => [key, toHex(digest)]));
  return { namespace, name: secret.metadata.name, policy, serviceAccount, version, keys };
}

function bytesOf(base64: string): Bytes {
  try {
    return fromBase64(base64);
  } catch {
    throw new Denied('OBJECT_MALFORMED', 'a value of the Secret is not base64', 'send it as base64', 400);
  }
}

export function asDenied({ code, message, remedy }: SealedError): Denied {
  return new Denied(code, message, remedy);
}
