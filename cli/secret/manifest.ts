import { createPrivateKey, X509Certificate } from 'node:crypto';

import {
  fromBase64,
  SEALED_ANNOTATIONS,
  SEALED_LABEL,
  SEALED_SIGNATURE_KEY,
  toBase64,
  utf8,
  type Bytes,
} from '@k3s-daas/core';
import { identityOfSecret, SEALABLE_TYPES, secretDataSchema, type SealedValue } from '@k3s-daas/seal/sealed';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';

import { CliError } from '../errors.ts';
import { requireKey, SECRET_BYTES_MAX } from './sources.ts';

export type SecretType = (typeof SEALABLE_TYPES)[number];

/** A Secret before it is sealed. */
export interface PlainSecret {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly type: SecretType;
  readonly immutable: boolean | undefined;
  readonly values: ReadonlyMap<string, Bytes>;
}

/** A Secret as a manifest says it, its values decoded and not yet looked at: they may be plain text. */
export interface SealedSecret {
  readonly name: string;
  readonly namespace: string;
  readonly type: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly data: ReadonlyMap<string, Bytes>;
}

/** The annotation in which `kubectl apply` keeps the whole manifest, plaintext and all. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
export const MANIFEST_BYTES_MAX = 4 << 20;

const text = z.record(z.string(), z.string()).nullish();
const secretSchema = z.looseObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata: z.looseObject({
    name: z
      .string()
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'expected a DNS subdomain'),
    namespace: z.string().max(63).optional(),
    labels: text,
    annotations: text,
  }),
  type: z.string().default('Opaque'),
  immutable: z.boolean().optional(),
  data: secretDataSchema,
  stringData: secretDataSchema,
});

/** The one Secret in a text of YAML or JSON. @throws CliError SECRET_MALFORMED */
function parseSecret(content: string): z.infer<typeof secretSchema> {
  let documents: unknown[];
  try {
    documents = parseAllDocuments(content)
      .map((document) => {
        const [error] = document.errors;
        if (error !== undefined) throw error;
        return document.toJS({ maxAliasCount: 0 }) as unknown;
      })
      .filter((document) => document !== null);
  } catch {
    // The parser's message quotes the line, which may be a secret.
    throw malformed('it is not YAML');
  }
  if (documents.length !== 1) throw malformed(`it holds ${documents.length} documents, not one Secret`);
  const parsed = secretSchema.safeParse(documents[0]);
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw malformed(`it is no Secret of v1: ${fields.join('; ')}`);
  }
  return parsed.data;
}

/** Reads an ordinary Secret manifest, as `kubectl create secret … --dry-run=client -o yaml` prints it. */
export function parsePlainSecret(content: string): PlainSecret {
  const { metadata, type, immutable, data, stringData } = parseSecret(content);
  const values = new Map<string, Bytes>();
  for (const [key, value] of data) {
    requireKey(key);
    values.set(key, decodeData(key, value));
  }
  // As the API server does: stringData wins.
  for (const [key, value] of stringData) {
    requireKey(key);
    values.set(key, utf8(value));
  }
  const annotations = { ...metadata.annotations };
  Reflect.deleteProperty(annotations, LAST_APPLIED);
  const { name, namespace, labels } = metadata;
  if (labels?.[SEALED_LABEL] !== undefined)
    throw malformed('it is sealed already; `daas secret inspect` shows it');
  return { name, namespace, labels: labels ?? {}, annotations, type: requireType(type), immutable, values };
}

/** @throws CliError SECRET_MALFORMED */
export function parseSealedSecret(content: string): SealedSecret {
  const { metadata, type, data, stringData } = parseSecret(content);
  const { name, namespace, annotations, labels } = metadata;
  if (namespace === undefined) throw malformed('it names no namespace');
  if (stringData.size > 0) throw malformed('it has stringData, which is plaintext');
  const decoded = new Map<string, Bytes>();
  for (const [key, value] of data) {
    if (key !== SEALED_SIGNATURE_KEY) requireKey(key);
    decoded.set(key, decodeData(key, value));
  }
  return { name, namespace, type, annotations: annotations ?? {}, labels: labels ?? {}, data: decoded };
}

function decodeData(key: string, value: string): Bytes {
  try {
    // kubectl wraps long lines of JSON and YAML nowhere, but people do.
    return fromBase64(value.replace(/\s/g, ''));
  } catch (cause) {
    throw malformed(`data.${key} is not base64`, cause);
  }
}

export function requireType(type: string): SecretType {
  const known = SEALABLE_TYPES.find((each) => each === type);
  if (known !== undefined) return known;
  throw new CliError(
    'USAGE',
    `secrets of type ${type} cannot be sealed`,
    `seal ${SEALABLE_TYPES.join(' or ')}; imagePullSecrets are not sealed yet`,
  );
}

/** What Kubernetes asks of a Secret, before it is sealed and nobody can tell any more. @throws CliError USAGE */
export function requireContent({ type, values }: Pick<PlainSecret, 'type' | 'values'>): void {
  if (values.size === 0)
    throw new CliError(
      'USAGE',
      'there is nothing to seal',
      'give --from-literal, --from-file or --from-env-file, or a Secret on standard input',
    );
  if (type !== 'kubernetes.io/tls') return;
  const [certificate, key] = [values.get('tls.crt'), values.get('tls.key')];
  if (certificate === undefined || key === undefined)
    throw new CliError('USAGE', 'a TLS secret has tls.crt and tls.key', 'give --cert and --key');
  if (!isKeyOf(certificate, key))
    throw new CliError(
      'USAGE',
      'the key is not the certificate’s',
      'give the key that the certificate is of',
    );
}

function isKeyOf(certificate: Bytes, key: Bytes): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(Buffer.from(key)));
  } catch (cause) {
    throw new CliError('USAGE', 'the certificate or its key is not PEM', 'give both as PEM', { cause });
  }
}

/** The manifest of a sealed Secret. Annotations are for people; what counts is in the ciphertext. */
export function sealedManifest(
  plain: PlainSecret,
  sealed: ReadonlyMap<string, SealedValue>,
  signature: Bytes | null,
): object {
  const identity = identityOfSecret(sealed);
  const [first] = sealed.values();
  const data: [string, string][] = [...sealed].map(([key, { bytes }]) => [key, toBase64(bytes)]);
  if (signature !== null) data.push([SEALED_SIGNATURE_KEY, toBase64(signature)]);
  const size = [...sealed.values()].reduce((sum, { bytes }) => sum + bytes.length, signature?.length ?? 0);
  if (size > SECRET_BYTES_MAX)
    throw new CliError(
      'USAGE',
      `the sealed values have ${size} bytes`,
      'a Secret holds 1,048,576; use several',
    );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: plain.name,
      namespace: identity.namespace,
      labels: { ...plain.labels, [SEALED_LABEL]: 'true' },
      annotations: {
        ...plain.annotations,
        [SEALED_ANNOTATIONS.policy]: identity.policy,
        [SEALED_ANNOTATIONS.version]: identity.version.toString(),
        [SEALED_ANNOTATIONS.serviceAccount]: identity.serviceAccount,
        [SEALED_ANNOTATIONS.threshold]: String(first?.threshold ?? 0),
        [SEALED_ANNOTATIONS.keyServers]: (first?.services ?? []).map(({ objectId }) => objectId).join(','),
      },
    },
    type: plain.type,
    ...(plain.immutable !== undefined && { immutable: plain.immutable }),
    data: Object.fromEntries(data.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))),
  };
}

export function renderManifest(manifest: object, format: 'yaml' | 'json'): string {
  return format === 'json' ? `${JSON.stringify(manifest, null, 2)}\n` : stringify(manifest, { lineWidth: 0 });
}

function malformed(why: string, cause?: unknown): CliError {
  return new CliError(
    'SECRET_MALFORMED',
    `the manifest is not used: ${why}`,
    'give one Secret, as `kubectl create secret … --dry-run=client -o yaml` or `daas secret seal` prints it',
    { cause },
  );
}
