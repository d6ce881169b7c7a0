import {
  ANNOTATION_PREFIX,
  SEALED_ANNOTATIONS,
  SEALED_LABEL,
  SEALED_SIGNATURE_KEY,
  type Bytes,
} from '@k3s-daas/core';
import { z } from 'zod';

import { identityOfSecret, valueRefusals, type SealRules } from './check.ts';
import { SealedError } from './errors.ts';
import { parseSealedValue, type SealedValue } from './parse.ts';
import { isOwnerSignature, OWNER_SIGNATURES } from './signature.ts';

/** The types whose values can be sealed: the API server asks nothing of their content. */
export const SEALABLE_TYPES = ['Opaque', 'kubernetes.io/tls'] as const;

/**
 * Values by key as JSON has them, base64. No z.record: that passes over a key `__proto__`, which is a good one to
 * Kubernetes and would then be looked at by nobody.
 */
export const secretDataSchema = z
  .custom<Readonly<Record<string, string>>>(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every((each) => typeof each === 'string'),
    'expected texts by key',
  )
  .nullish()
  .transform((data): ReadonlyMap<string, string> => new Map(Object.entries(data ?? {})));

/** What there is of a Secret. Its values may be plain text. */
export interface SecretContent {
  readonly name: string;
  readonly namespace: string;
  readonly type: string;
  readonly data: ReadonlyMap<string, Bytes>;
}

type StringMap = Readonly<Record<string, string>> | null | undefined;

/** Labels and annotations. */
export interface SecretMarks {
  readonly name: string;
  readonly labels?: StringMap;
  readonly annotations?: StringMap;
}

/** One thing that was looked at, and everything that is wrong with it. */
export interface SecretCheck {
  readonly what: string;
  readonly refusals: readonly SealedError[];
}

/** What is sealed in a Secret, and what came of each check, in the order in which admission refuses. */
export interface SecretReading {
  /** Those that parse, by key. */
  readonly values: ReadonlyMap<string, SealedValue>;
  readonly signature: Bytes | null;
  readonly checks: readonly SecretCheck[];
}

/**
 * The rules for a sealed Secret, all but its marks: its type, ciphertext in every value, for this cluster, this place and one
 * identity, and of the owner's signature the form. No refusal holds any part of a value.
 */
export function readSealedSecret(secret: SecretContent, rules: SealRules): SecretReading {
  const { name, namespace, data } = secret;
  const values = new Map<string, SealedValue>();
  const plain: string[] = [];
  const keys: SecretCheck[] = [];
  for (const [key, bytes] of data) {
    if (key === SEALED_SIGNATURE_KEY) continue;
    const value = parsedOrRefused(bytes);
    if (!(value instanceof SealedError)) {
      values.set(key, value);
      keys.push({
        what: `key ${key}`,
        refusals: [...valueRefusals(value, rules, { namespace, secret: name, key })],
      });
    } else if (value.code === 'SEALED_MALFORMED') plain.push(key);
    else keys.push({ what: `key ${key}`, refusals: [value] });
  }
  const signature = data.get(SEALED_SIGNATURE_KEY) ?? null;
  const where = `Secret ${namespace}/${name}`;
  const checks = [
    { what: 'type', refusals: typeRefusals(secret.type, where) },
    { what: 'values', refusals: plainRefusals(data, plain, keys.length, where) },
    ...(signature === null
      ? []
      : [{ what: 'form of the signature', refusals: formRefusals(signature, where) }]),
    ...keys,
    ...(values.size === 0 ? [] : [{ what: 'one identity', refusals: identityRefusals(values) }]),
  ];
  return { values, signature, checks };
}

/** A value, or why it is none: SEALED_MALFORMED for what does not even look sealed. */
function parsedOrRefused(bytes: Bytes): SealedValue | SealedError {
  try {
    return parseSealedValue(bytes);
  } catch (error) {
    if (error instanceof SealedError) return error;
    throw error;
  }
}

function typeRefusals(type: string, where: string): SealedError[] {
  if (SEALABLE_TYPES.some((each) => each === type)) return [];
  const why = `${where} is of type ${type}, and only ${SEALABLE_TYPES.join(' and ')} can be sealed`;
  return [new SealedError('SECRET_TYPE_WRONG', why)];
}

function plainRefusals(
  data: ReadonlyMap<string, Bytes>,
  plain: readonly string[],
  sealed: number,
  where: string,
): SealedError[] {
  if (data.size === 0) return [new SealedError('SECRET_EMPTY', `${where} has no values`)];
  if (plain.length === 0 && sealed > 0) return [];
  const keys = plain.slice(0, 8).join(', ');
  if (sealed > 0) {
    const why = `${where} holds sealed values, but ${keys} not: the bytes are not the one form of what Seal encrypts to`;
    return [new SealedError('SECRET_PARTLY_SEALED', why)];
  }
  const why = plain.length === 0 ? 'it holds a signature and nothing that it signs' : `plain is ${keys}`;
  return [new SealedError('SECRET_NOT_SEALED', `${where} is not sealed: ${why}`)];
}

/** Whether the owner signed, running pods ask the chain; here the key must only be no place for anything else. */
function formRefusals(signature: Bytes, where: string): SealedError[] {
  if (isOwnerSignature(signature)) return [];
  const why = `${where}: ${SEALED_SIGNATURE_KEY} holds no ${OWNER_SIGNATURES} (${signature.length} bytes)`;
  return [new SealedError('SECRET_SIGNATURE_MALFORMED', why)];
}

function identityRefusals(values: ReadonlyMap<string, SealedValue>): SealedError[] {
  try {
    identityOfSecret(values);
    return [];
  } catch (error) {
    if (error instanceof SealedError) return [error];
    throw error;
  }
}

/** People and tools read the marks, the ciphertext counts: both must say the same. */
export function checkMarks(marks: SecretMarks, values: ReadonlyMap<string, SealedValue>): SecretCheck {
  return { what: 'label and annotations', refusals: [...markRefusals(marks, values)] };
}

function* markRefusals(
  { name, labels, annotations }: SecretMarks,
  values: ReadonlyMap<string, SealedValue>,
): Generator<SealedError> {
  const wrong = (why: string): SealedError => new SealedError('SECRET_MARKS_WRONG', `Secret ${name}: ${why}`);
  if (labels?.[SEALED_LABEL] !== 'true')
    yield wrong(`the label ${SEALED_LABEL} is "${labels?.[SEALED_LABEL] ?? ''}" instead of "true"`);
  const truths = [...values.values()].map(truthOf);
  for (const [key, text] of Object.entries(annotations ?? {})) {
    if (!key.startsWith(ANNOTATION_PREFIX)) continue;
    const said = key === SEALED_ANNOTATIONS.keyServers ? sorted(text.split(',')) : text;
    const other = truths.find((truth) => truth.get(key) !== said);
    if (other === undefined) continue;
    const expected = other.get(key);
    yield wrong(
      expected === undefined
        ? `nothing of ours is called ${key}`
        : `the annotation ${key} is "${text}", and the ciphertext says "${expected}"`,
    );
  }
}

/** What the annotations of one value's Secret say, if they say it. */
function truthOf({ identity, threshold, services }: SealedValue): ReadonlyMap<string, string> {
  return new Map([
    [SEALED_ANNOTATIONS.policy, identity.policy],
    [SEALED_ANNOTATIONS.version, identity.version.toString()],
    [SEALED_ANNOTATIONS.serviceAccount, identity.serviceAccount],
    [SEALED_ANNOTATIONS.threshold, threshold.toString()],
    [SEALED_ANNOTATIONS.keyServers, sorted(services.map(({ objectId }) => objectId))],
  ]);
}

/** Key servers are a set. */
function sorted(ids: readonly string[]): string {
  return [...ids].sort().join(',');
}
