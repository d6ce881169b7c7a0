import { verifyAttestation, type AttestationPolicy } from '@k3s-daas/attestation';
import type { Bytes } from '@k3s-daas/core';

import { EnclaveError } from '../errors.ts';
import { APART_MS_MAX, describeApart } from '../guard/clock-guard.ts';
import { EnclaveClock } from '../guard/enclave-clock.ts';
import type { NsmQueue } from '../guard/nsm-queue.ts';
import type { HostTime } from '../time.ts';
import type { OpenedNsm } from './nsm.ts';

const PCR_BYTES = 48;
/** PCR16 and above are the enclave's own to extend; those below are locked when it starts. */
const LOCKED_PCRS = 16;

/** What the first document of a boot says: the time, and what is measured. */
export interface FirstDocument {
  readonly clock: EnclaveClock;
  /** Every locked PCR, to be found in each later document. */
  readonly pcrs: AttestationPolicy['pcrs'];
}

/**
 * Takes the time from a first document, verified by its own time: our clock is what is in question.
 * @throws EnclaveError CLOCK_APART when the host's clock differs, NSM_FAILED; AttestationError
 */
export async function readFirstDocument(
  queue: NsmQueue,
  { nsm, trustAnchor }: OpenedNsm,
  time: HostTime,
): Promise<FirstDocument> {
  const stated = nsm.describe().pcrs;
  const timed = await queue.attest({}, 'guard');
  const { timestampMs, pcrs } = verifyAttestation(timed.document, {
    trustAnchor,
    time: { mode: 'replay' },
    policy: { pcrs: { 0: pcrOf(stated, 0), 1: pcrOf(stated, 1), 2: pcrOf(stated, 2) } },
  });
  const clock = new EnclaveClock(() => time.monotonic(), { ...timed, timestampMs });
  const apartMs = time.clock.now() - clock.now();
  if (Math.abs(apartMs) > APART_MS_MAX) {
    throw new EnclaveError('CLOCK_APART', describeApart(apartMs), 'set the clock of the host');
  }
  const locked = [...pcrs].filter(([index, pcr]) => index < LOCKED_PCRS && pcr.length === PCR_BYTES);
  return {
    clock,
    pcrs: { ...Object.fromEntries(locked), 0: pcrOf(pcrs, 0), 1: pcrOf(pcrs, 1), 2: pcrOf(pcrs, 2) },
  };
}

function pcrOf(pcrs: ReadonlyMap<number, Bytes>, index: number): Bytes {
  const pcr = pcrs.get(index);
  if (pcr?.some((byte) => byte !== 0) === true) return pcr;
  throw new EnclaveError(
    'PCR_MISSING',
    `the NSM states PCR${index} as ${pcr === undefined ? 'none' : 'zero'}`,
    'run in an enclave that is measured, and not in debug mode',
  );
}
