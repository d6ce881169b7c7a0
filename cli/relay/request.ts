import {
  fromBase64,
  isSuiId,
  RELEASE_MESSAGE_BYTES_MAX,
  type Bytes,
  type Receipt,
  type SuiId,
} from '@k3s-daas/core';
import { z } from 'zod';

import { RelayError } from './errors.ts';

/** Of one request. A transaction of Sui has 128 KiB at most, and holds those of several. */
export const BODY_BYTES_MAX = 64 << 10;
const RELEASES_MAX = 16;
const SIGNATURE_BYTES = 64;

const bytes = (least: number, most: number) =>
  z
    .base64()
    .max(Math.ceil(most / 3) * 4)
    .transform((text) => fromBase64(text))
    .refine(({ length }) => length >= least && length <= most, `expected ${least} to ${most} bytes`);
/** Of a release: no receipt is as large as the largest of those. */
const signed = {
  message: bytes(1, RELEASE_MESSAGE_BYTES_MAX),
  signature: bytes(SIGNATURE_BYTES, SIGNATURE_BYTES),
};

const bodySchema = z.strictObject({
  receipt: z.strictObject(signed),
  releases: z
    .array(z.strictObject({ policy: z.string().refine(isSuiId), ...signed }))
    .min(1)
    .max(RELEASES_MAX)
    .refine((all) => new Set(all.map(({ policy }) => policy)).size === all.length, 'a policy is named twice'),
});

/** What a pod sends: nothing of it is believed yet. */
export interface AccessBody {
  readonly receipt: Receipt;
  readonly releases: readonly {
    readonly policy: SuiId;
    readonly message: Bytes;
    readonly signature: Bytes;
  }[];
}

/** @throws RelayError MALFORMED */
export function parseBody(text: string): AccessBody {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RelayError('MALFORMED', 'the body is not JSON', { cause });
  }
  const body = bodySchema.safeParse(value);
  if (body.success) return body.data;
  throw new RelayError('MALFORMED', z.prettifyError(body.error).slice(0, 1_000));
}
