import { CodedError } from '@k3s-daas/core';
import { z } from 'zod';

/** The API limits a request to 3 MiB; a review carries object and oldObject, and JSON escapes. */
export const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** A Node or Pod nests about 20 deep; JSON.parse recurses and must not meet thousands. */
const JSON_DEPTH_MAX = 128;

export type ReviewErrorCode = 'JSON_MALFORMED' | 'JSON_TOO_DEEP' | 'JSON_DUPLICATE_KEY' | 'REVIEW_MALFORMED';

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
export function decodeReview(body: Buffer): AdmissionRequest {
  requirePlain(body);
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
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPENING_LIST = 0x5b;
const OPENING_OBJECT = 0x7b;
const CLOSING_LIST = 0x5d;
const CLOSING_OBJECT = 0x7d;

/**
 * One pass over the bytes before anything recurses over them: nesting is bounded, and no object has a key twice, of
 * which two parsers would each believe another one. In UTF-8 no part of a longer character looks like these bytes.
 * What is no JSON at all is left to the parser.
 */
function requirePlain(body: Buffer): void {
  /** The keys of each open object; null for a list. */
  const open: (Set<string> | null)[] = [];
  let keyNext = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] ?? 0;
    switch (byte) {
      case QUOTE: {
        const end = endOfString(body, at);
        const keys = open.at(-1);
        if (keyNext && keys !== null && keys !== undefined) requireNew(keys, body.subarray(at, end + 1));
        keyNext = false;
        at = end;
        break;
      }
      case OPENING_OBJECT:
      case OPENING_LIST:
        keyNext = byte === OPENING_OBJECT;
        open.push(keyNext ? new Set() : null);
        if (open.length > JSON_DEPTH_MAX)
          throw new ReviewError('JSON_TOO_DEEP', `the JSON nests deeper than ${JSON_DEPTH_MAX}`);
        break;
      case CLOSING_OBJECT:
      case CLOSING_LIST:
        open.pop();
        keyNext = false;
        break;
      case COMMA:
        keyNext = true;
        break;
      default:
    }
  }
}

/** Position of the quote that ends the string which begins at `start`; the last byte if none does. */
function endOfString(body: Buffer, start: number): number {
  for (let at = start + 1; at < body.length; at++) {
    if (body[at] === BACKSLASH) at++;
    else if (body[at] === QUOTE) return at;
  }
  return body.length - 1;
}

function requireNew(keys: Set<string>, quoted: Buffer): void {
  const key = unquoted(quoted);
  if (keys.has(key))
    throw new ReviewError('JSON_DUPLICATE_KEY', `a JSON object has ${JSON.stringify(key)} twice`);
  keys.add(key);
}

function unquoted(quoted: Buffer): string {
  const text = quoted.toString('utf8', 1, quoted.length - 1);
  if (!text.includes('\\')) return text;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}
