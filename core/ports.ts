import type { Bytes } from './bytes.ts';

/** Time source; injected everywhere so that tests and replays decide what time it is. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** An Ed25519 key that can only sign; the private half never leaves its owner. */
export interface Signer {
  /** Raw public key, 32 bytes. */
  readonly publicKey: Bytes;
  /** Signature, 64 bytes (RFC 8032). */
  sign(message: Bytes): Bytes;
}
