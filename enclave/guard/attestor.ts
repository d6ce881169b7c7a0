import { X509Certificate } from 'node:crypto';

import {
  AttestationError,
  verifyAttestation,
  type AttestationPolicy,
  type VerificationTime,
  type VerifiedAttestation,
} from '@k3s-daas/attestation';
import type { Bytes } from '@k3s-daas/core';

import type { EnclaveClock } from './enclave-clock.ts';
import { nsmFailed, type NsmCaller, type NsmQueue, type TimedDocument } from './nsm-queue.ts';

/** The document that is served to everybody: without a nonce, renewed all the time. */
export interface StandingDocument {
  readonly document: Bytes;
  /** When it was made, by the NSM. */
  readonly timestampMs: number;
  /** The last millisecond of its leaf certificate. */
  readonly leafEndMs: number;
  /** When it was asked for, by the monotonic clock. */
  readonly askedMs: number;
  /** By how many ms its time put our clock forward. */
  readonly correctionMs: number;
}

export interface AttestorOptions {
  readonly queue: NsmQueue;
  readonly clock: EnclaveClock;
  readonly trustAnchor: Bytes;
  /** PCRs of this boot's first document: they do not change while it lives. */
  readonly pcrs: AttestationPolicy['pcrs'];
  /** The decision key, and the hash that binds all three keys to the cluster. */
  readonly publicKey: Bytes;
  readonly userData: Bytes;
}

/** A document of our own is milliseconds old when it is verified. */
const AGE_MS_MAX = 10_000;

/** Makes the documents of this boot, and believes none of its own before it has verified it as a stranger would. */
export class Attestor {
  readonly #options: AttestorOptions;
  #standing: StandingDocument | null = null;

  constructor(options: AttestorOptions) {
    this.#options = options;
  }

  get standing(): StandingDocument | null {
    return this.#standing;
  }

  /** A new standing document; its time recalibrates the clock. @throws EnclaveError NSM_FAILED */
  async renew(): Promise<StandingDocument> {
    const { queue, clock, publicKey, userData } = this.#options;
    const timed = await queue.attest({ publicKey, userData }, 'guard');
    // By its own time: that time is the trusted one, and puts our clock right.
    const { timestampMs, certificate } = this.#verify(timed, { mode: 'replay' });
    const before = this.#standing?.timestampMs ?? 0;
    if (timestampMs < before) throw nsmFailed(`its time went back by ${before - timestampMs} ms`);
    const correctionMs = clock.calibrate({ ...timed, timestampMs });
    this.#verify(timed, { mode: 'live', nowMs: clock.now(), ageMsMax: AGE_MS_MAX });
    // X.509 times are whole seconds, and the last one counts (RFC 5280, section 4.1.2.5).
    const leafEndMs = new X509Certificate(certificate).validToDate.getTime() + 999;
    const { document, askedMs } = timed;
    this.#standing = { document, timestampMs, leafEndMs, askedMs, correctionMs };
    return this.#standing;
  }

  /** A document with the nonce of another. @throws EnclaveError NSM_FAILED, RATE_LIMITED */
  async fresh(nonce: Bytes, caller: Exclude<NsmCaller, 'guard'>): Promise<Bytes> {
    const { queue, publicKey, userData } = this.#options;
    const { document } = await queue.attest({ publicKey, userData, nonce }, caller);
    return document;
  }

  #verify({ document }: TimedDocument, time: VerificationTime): VerifiedAttestation {
    const { trustAnchor, pcrs, publicKey, userData } = this.#options;
    try {
      return verifyAttestation(document, { trustAnchor, time, policy: { pcrs, publicKey, userData } });
    } catch (cause) {
      if (!(cause instanceof AttestationError)) throw cause;
      throw nsmFailed(`its document is refused: ${cause.code}: ${cause.message}`, cause);
    }
  }
}
