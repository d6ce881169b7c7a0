import { bcs } from '@mysten/sui/bcs';
import { toBase64 } from '@mysten/sui/utils';
import { ed25519 } from '@noble/curves/ed25519.js';

import { KeyServerError } from './errors.ts';
import type { Certificate, FetchKeyBody } from './request.ts';

const TTL_MIN_MAX = 30;
const MINUTE_MS = 60_000;

/** What a session key signs. */
const SignedRequest = bcs.struct('SignedRequest', {
  ptb: bcs.byteVector(),
  encKey: bcs.byteVector(),
  encVerificationKey: bcs.byteVector(),
});

/** Whether `signature` (Sui's serialized form) over a personal message is the user's. */
export type VerifyUser = (message: Uint8Array, signature: string, user: string) => Promise<boolean>;

/** The text that a user signs to let a session key ask for keys of a package. */
function personalMessage(
  packageId: string,
  { ttl_min, creation_time, session_vk }: Pick<Certificate, 'ttl_min' | 'creation_time' | 'session_vk'>,
): Uint8Array {
  const from = new Date(creation_time).toISOString().slice(0, 19).replace('T', ' ');
  return new TextEncoder().encode(
    `Accessing keys of package ${packageId} for ${ttl_min} mins from ${from} UTC, session key ${toBase64(session_vk)}`,
  );
}

/** Checks that a session may ask now: lifetime, then the user's signature, then the session's own. Throws KeyServerError. */
export async function checkCertificate(
  { certificate, ptb, enc_key, enc_verification_key, request_signature }: FetchKeyBody,
  packageId: string,
  nowMs: number,
  verifyUser: VerifyUser,
): Promise<void> {
  const { user, session_vk, creation_time, ttl_min, signature } = certificate;
  const ageMs = nowMs - creation_time;
  if (ttl_min > TTL_MIN_MAX || ageMs < 0 || ageMs > ttl_min * MINUTE_MS)
    throw new KeyServerError('InvalidCertificate', 'Invalid certificate time or ttl');
  if (!(await verifyUser(personalMessage(packageId, certificate), signature, user)))
    throw new KeyServerError('InvalidSignature', 'Invalid user signature');
  const message = SignedRequest.serialize({
    ptb,
    encKey: enc_key.encoded,
    encVerificationKey: enc_verification_key.encoded,
  }).toBytes();
  if (!isSignedBy(session_vk, request_signature, message))
    throw new KeyServerError('InvalidSessionSignature', 'Invalid session key signature');
}

function isSignedBy(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  try {
    // RFC 8032 as fastcrypto has it: no malleable encodings.
    return ed25519.verify(signature, message, key, { zip215: false });
  } catch {
    return false;
  }
}
