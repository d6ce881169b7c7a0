import { isValidSuiAddress, normalizeSuiAddress } from '@mysten/sui/utils';
import { z } from 'zod';

import { assertG2, parseG1 } from './crypto.ts';
import { KeyServerError } from './errors.ts';

/** Transactions have up to 128 KiB, in base64, with some room for the rest. */
export const BODY_BYTES_MAX = 180 * 1024;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Base64 of `bytes` bytes, or of any number. */
function base64(bytes?: number) {
  return z
    .string()
    .regex(BASE64)
    .transform((text) => new Uint8Array(Buffer.from(text, 'base64')))
    .refine((value) => bytes === undefined || value.length === bytes);
}

function point<T>(bytes: number, parse: (value: Uint8Array) => T) {
  return base64(bytes).transform((encoded, context) => {
    try {
      return { encoded, point: parse(encoded) };
    } catch {
      context.addIssue({ code: 'custom', message: 'not a point of the curve' });
      return z.NEVER;
    }
  });
}

const Certificate = z.strictObject({
  user: z
    .string()
    .max(66)
    .refine(isValidSuiAddress)
    .transform((text) => normalizeSuiAddress(text)),
  /** Ed25519 public key of the session. */
  session_vk: base64(32),
  /** ms since 1970. */
  creation_time: z.int().nonnegative(),
  ttl_min: z.int().min(0).max(0xffff),
  /** Sui's serialized signature of the personal message. */
  signature: z.string().max(16_384).regex(BASE64),
  mvr_name: z.string().max(256).nullish(),
});

const FetchKeyBody = z.strictObject({
  /** BCS of the programmable transaction, without the byte of its kind. */
  ptb: base64(),
  /** ElGamal public key in G1, and the same in G2. */
  enc_key: point(48, parseG1),
  enc_verification_key: point(96, assertG2),
  request_signature: base64(64),
  certificate: Certificate,
});

export type FetchKeyBody = z.infer<typeof FetchKeyBody>;
export type Certificate = z.infer<typeof Certificate>;

/** Reads the body of `/v1/fetch_key`. Throws KeyServerError InvalidRequest that names the field. */
export function parseFetchKey(text: string): FetchKeyBody {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new KeyServerError('InvalidRequest', 'The body is not JSON.', { cause });
  }
  const { data, error } = FetchKeyBody.safeParse(json);
  if (data !== undefined) return data;
  const field = error.issues[0]?.path.join('.') ?? '';
  throw new KeyServerError(
    'InvalidRequest',
    `The field ${field === '' ? 'at the top' : field} is not as it should be.`,
  );
}
