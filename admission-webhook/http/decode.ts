import { CodedError } from '@k3s-daas/core';
import { z } from 'zod';

/** The API limits a request to 3 MiB; a review carries object and oldObject, and JSON escapes. */
export const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** A Node or Pod nests about 20 deep; JSON.parse recurses and must not meet thousands. */
const JSON_DEPTH_MAX = 128;

export type ReviewErrorCode = 'JSON_MALFORMED' | 'JSON_TOO_DEEP' | 'REVIEW_MALFORMED';

/** A body that is no AdmissionReview v1. Answered with 400, on which the API server denies. */
export class ReviewError extends CodedError<ReviewErrorCode> {
  constructor(code: ReviewErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, 'send an AdmissionReview of admission.k8s.io/v1, as kube-apiserver does', options);
  }
}

/** The part of an AdmissionReview request that the checks read. Empty strings for what is absent. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string };
  readonly subResource: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly name: string;
  readonly namespace: string;
  readonly user: { readonly name: string; readonly groups: readonly string[] };
  /** Untrusted JSON; each check parses what it reads. */
  readonly object: unknown;
  readonly oldObject: unknown;
}

const text = z.string().max(1024);
const reviewSchema = z.object({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.object({
    uid: text.min(1),
    resource: z.object({ group: text, version: text, resource: text.min(1) }),
    subResource: text.default(''),
    operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
    name: text.default(''),
    namespace: text.default(''),
    userInfo: z.object({ username: text.default(''), groups: z.array(text).nullish() }),
    object: z.unknown(),
    oldObject: z.unknown(),
  }),
});

/** @throws ReviewError */
export function decodeReview(body: Uint8Array): AdmissionRequest {
  requireDepth(body);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new ReviewError('JSON_MALFORMED', 'the body is not JSON in UTF-8', { cause });
  }
  const result = reviewSchema.safeParse(json);
  if (!result.success) {
    const where = result.error.issues[0]?.path.join('.') ?? '';
    throw new ReviewError('REVIEW_MALFORMED', `not an AdmissionReview: wrong or missing "${where}"`);
  }
  const { userInfo, object, oldObject, ...rest } = result.data.request;
  const user = { name: userInfo.username, groups: userInfo.groups ?? [] };
  return { ...rest, user, object, oldObject };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/** One pass over the bytes before anything recurses over them. In UTF-8 no part of a longer character looks like these. */
function requireDepth(body: Uint8Array): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i] ?? 0;
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (OPENING.has(byte)) {
      if (++depth > JSON_DEPTH_MAX)
        throw new ReviewError('JSON_TOO_DEEP', `the JSON nests deeper than ${JSON_DEPTH_MAX}`);
    } else if (CLOSING.has(byte)) depth--;
  }
}
