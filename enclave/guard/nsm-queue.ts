import { CodedError, describeError, type Bytes } from '@k3s-daas/core';

import { EnclaveError, RateLimited } from '../errors.ts';
import type { AttestationRequest, Nsm } from '../nsm/index.ts';
import type { HostTime } from '../time.ts';

/** On whose behalf the NSM is asked: our own renewals, a registrar, or anybody. The first in this order goes first. */
const CALLERS = ['guard', 'slot', 'nonce'] as const;
export type NsmCaller = (typeof CALLERS)[number];

/** A document, and when it was asked for and came, by the monotonic clock. */
export interface TimedDocument {
  readonly document: Bytes;
  readonly askedMs: number;
  readonly answeredMs: number;
}

interface Job {
  readonly request: AttestationRequest;
  readonly resolve: (document: TimedDocument) => void;
  readonly reject: (error: Error) => void;
}

/** An NSM answers within milliseconds. The round trip is also what its time may be off by, twice over. */
export const ANSWER_MS_MAX = 5_000;
const WAITING_MAX = 32;

/**
 * The one way to the NSM. It serialises requests, so ours must never stand behind a crowd: one call at a time, and the
 * next is one of ours if any waits. A renewal waits for at most one call that a stranger caused.
 */
export class NsmQueue {
  readonly #nsm: Nsm;
  readonly #time: HostTime;
  readonly #waiting: Record<NsmCaller, Job[]> = { guard: [], slot: [], nonce: [] };
  #busy = false;

  constructor(nsm: Nsm, time: HostTime) {
    this.#nsm = nsm;
    this.#time = time;
  }

  /** @throws EnclaveError NSM_FAILED; RateLimited when too many wait */
  attest(request: AttestationRequest, caller: NsmCaller): Promise<TimedDocument> {
    const waiting = this.#waiting[caller];
    if (waiting.length >= WAITING_MAX) {
      return Promise.reject(new RateLimited('too many documents are waited for', ANSWER_MS_MAX));
    }
    return new Promise((resolve, reject) => {
      waiting.push({ request, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#busy) return;
    const caller = CALLERS.find((each) => this.#waiting[each].length > 0);
    const job = caller === undefined ? undefined : this.#waiting[caller].shift();
    if (job === undefined) return;
    this.#busy = true;
    void this.#ask(job.request)
      .then(job.resolve, job.reject)
      .finally(() => {
        this.#busy = false;
        this.#next();
      });
  }

  async #ask(request: AttestationRequest): Promise<TimedDocument> {
    const askedMs = this.#time.monotonic();
    const late = Promise.withResolvers<never>();
    const cancel = this.#time.after(ANSWER_MS_MAX, () => {
      late.reject(nsmFailed(`no answer within ${ANSWER_MS_MAX} ms`));
    });
    try {
      const document = await Promise.race([this.#nsm.attest(request), late.promise]);
      return { document, askedMs, answeredMs: this.#time.monotonic() };
    } catch (cause) {
      throw nsmFailed(
        cause instanceof CodedError ? `${String(cause.code)}: ${cause.message}` : describeError(cause),
        cause,
      );
    } finally {
      cancel();
    }
  }
}

/** The NSM, or what it said, is no good now. */
export function nsmFailed(why: string, cause?: unknown): EnclaveError {
  if (cause instanceof EnclaveError && cause.code === 'NSM_FAILED') return cause;
  return new EnclaveError(
    'NSM_FAILED',
    `the NSM gives no document: ${why}`,
    'nothing: it is asked again; if this stays, restart the enclave on another host',
    { cause },
  );
}
