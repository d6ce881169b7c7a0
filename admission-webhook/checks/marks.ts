import { ANNOTATION_PREFIX } from '@k3s-daas/core';
import { z } from 'zod';

import { Denied } from '../denied.ts';

/** Marks are the labels, annotations and taints under `k3s-daas.io/`: only the parts of this project write them. */

const stringMap = z.record(z.string(), z.string()).nullish();

/** The metadata that the checks read; all else is dropped. */
export const metadataSchema = z.object({
  name: z.string().default(''),
  namespace: z.string().default(''),
  uid: z.string().default(''),
  labels: stringMap,
  annotations: stringMap,
  ownerReferences: z.array(z.unknown()).nullish(),
});

export type Metadata = z.infer<typeof metadataSchema>;

/** @throws Denied OBJECT_MALFORMED unless the object has the shape that the API server sends. */
export function parseObject<T>(schema: z.ZodType<T>, object: unknown, what: string): T {
  const result = schema.safeParse(object);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join('.') ?? '';
  throw new Denied(
    'OBJECT_MALFORMED',
    `the ${what} in the review does not have the shape of one (at "${where}")`,
    'check that the webhook configuration is the one of manifests/ and the API server a supported version',
    400,
  );
}

type StringMap = Readonly<Record<string, string>> | null | undefined;

/** Names of our labels and annotations, e.g. `annotation k3s-daas.io/receipt`. */
export function marksOf(metadata: Metadata): string[] {
  return changedMarks({ ...metadata, labels: null, annotations: null }, metadata);
}

/** Names of our labels and annotations that were added, removed or given another value. */
export function changedMarks(old: Metadata, now: Metadata): string[] {
  return [
    ...changedKeys(old.labels, now.labels).map((key) => `label ${key}`),
    ...changedKeys(old.annotations, now.annotations).map((key) => `annotation ${key}`),
  ];
}

function changedKeys(old: StringMap, now: StringMap): string[] {
  const before = new Map(Object.entries(old ?? {}));
  const after = new Map(Object.entries(now ?? {}));
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => key.startsWith(ANNOTATION_PREFIX) && before.get(key) !== after.get(key))
    .sort();
}
