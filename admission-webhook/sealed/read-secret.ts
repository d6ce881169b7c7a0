import { SEALED_SIGNATURE_KEY, fromBase64, toHex, type Bytes, type SealIdentity } from '@k3s-daas/core';
import {
  checkSealedValue,
  identityOfSecret,
  parseSealedValue,
  SealedError,
  type SealedValue,
  type SealRules,
} from '@k3s-daas/seal/sealed';
import { z } from 'zod';

import { metadataSchema, parseObject } from '../checks/marks.ts';
import type { SealSettings } from '../config.ts';
import { Denied } from '../denied.ts';
import type { SealedSecret } from './facts.ts';

/** The types whose values can be sealed: the API server asks nothing of their content. */
const SEALABLE_TYPES: readonly string[] = ['Opaque', 'kubernetes.io/tls'];

/**
 * Values by key, base64. No z.record: that passes over a key `__proto__`, which is a good one to Kubernetes and would
 * then be looked at by nobody.
 */
const dataSchema = z
  .custom<Readonly<Record<string, string>>>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every((each) => typeof each === 'string'),
  )
  .nullish()
  .transform((data): ReadonlyMap<string, string> => new Map(Object.entries(data ?? {})));

const secretSchema = z.object({
  metadata: metadataSchema,
  type: z.string().default('Opaque'),
  data: dataSchema,
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
  const { name } = secret.metadata;
  const where = `Secret ${namespace}/${name}`;
  requireSealableType(secret, where);
  const values = parseValues(secret, where);
  try {
    for (const [key, value] of values) checkSealedValue(value, rules, { namespace, secret: name, key });
    return { identity: identityOfSecret(values), values };
  } catch (error) {
    throw asDenied(error);
  }
}

/** What is remembered of a sealed Secret: no ciphertext, only its digests. @throws Denied as readSealedValues does. */
export function sealedSecretOf(secret: RawSecret, namespace: string, rules: SealRules): SealedSecret {
  const { identity, values } = readSealedValues(secret, namespace, rules);
  const { policy, serviceAccount, version } = identity;
  const keys = new Map([...values].map(([key, { digest }]) => [key, toHex(digest)]));
  return { namespace, name: secret.metadata.name, policy, serviceAccount, version, keys };
}

function requireSealableType({ type }: RawSecret, where: string): void {
  if (SEALABLE_TYPES.includes(type)) return;
  throw new Denied(
    'SECRET_TYPE_WRONG',
    `${where} is of type ${type}, and only ${SEALABLE_TYPES.join(' and ')} can be sealed`,
    'seal the values with `daas secret seal` into a Secret of type Opaque',
  );
}

/** Parses each value but the owner's signature. */
function parseValues({ data }: RawSecret, where: string): ReadonlyMap<string, SealedValue> {
  if (data.size === 0) {
    throw new Denied(
      'SECRET_EMPTY',
      `${where} has no values`,
      'create it with its sealed values: `daas secret seal`',
    );
  }
  const values = new Map<string, SealedValue>();
  const plain: string[] = [];
  for (const [key, base64] of data) {
    const bytes = bytesOf(base64);
    if (key === SEALED_SIGNATURE_KEY) {
      requireSignature(bytes, where);
      continue;
    }
    const value = parseOrPlain(bytes);
    if (value === null) plain.push(key);
    else values.set(key, value);
  }
  if (plain.length > 0 || values.size === 0) throw notSealed(where, plain, values.size);
  return values;
}

/** Null for what does not even look sealed. @throws Denied for what does and is not right. */
function parseOrPlain(bytes: Bytes): SealedValue | null {
  try {
    return parseSealedValue(bytes);
  } catch (error) {
    if (error instanceof SealedError && error.code === 'SEALED_MALFORMED') return null;
    throw asDenied(error);
  }
}

function notSealed(where: string, plain: readonly string[], sealed: number): Denied {
  const remedy = 'seal it with `daas secret seal`, and delete what was stored of the plain text';
  const keys = plain.slice(0, 8).join(', ');
  if (sealed > 0) {
    return new Denied(
      'SECRET_PARTLY_SEALED',
      `${where} holds sealed values, but ${keys} not: the bytes are not the one form of what Seal encrypts to`,
      remedy,
    );
  }
  const why = plain.length === 0 ? 'it holds a signature and nothing that it signs' : `plain is ${keys}`;
  return new Denied('SECRET_NOT_SEALED', `${where} is not sealed: ${why}`, remedy);
}

/**
 * Length of Sui's serialized signatures, by their first byte: flag, signature, public key. MultiSig, zkLogin and passkey
 * have no fixed length, so that anything could hide in one, and are left out.
 */
const SIGNATURE_BYTES: Readonly<Record<number, number>> = { 0: 97, 1: 98, 2: 98 };

/**
 * Whether the owner signed, running pods ask the chain; here the key must only be no place for anything else. A pod
 * cannot reference it.
 */
function requireSignature(bytes: Bytes, where: string): void {
  const [flag = 0xff] = bytes;
  const fits = bytes.length === SIGNATURE_BYTES[flag];
  if (fits) return;
  throw new Denied(
    'SECRET_SIGNATURE_MALFORMED',
    `${where}: ${SEALED_SIGNATURE_KEY} holds no serialized Sui signature by an Ed25519, secp256k1 or secp256r1 key (${bytes.length} bytes)`,
    'write the Secret with `daas secret rotate` by such a key; signatures by several keys, zkLogin and passkeys are not taken: leave the key out, and new pods take the values without it',
  );
}

function bytesOf(base64: string): Bytes {
  try {
    return fromBase64(base64);
  } catch {
    throw new Denied('OBJECT_MALFORMED', 'a value of the Secret is not base64', 'send it as base64', 400);
  }
}

function asDenied(error: unknown): unknown {
  if (!(error instanceof SealedError)) return error;
  return new Denied(error.code, error.message, error.remedy);
}
