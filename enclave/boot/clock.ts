import { verifyAttestation } from '@k3s-daas/attestation';
import type { Bytes, Clock } from '@k3s-daas/core';

import { EnclaveError } from '../errors.ts';
import type { OpenedNsm } from './nsm.ts';

/** The host feeds this clock; the NSM's time is the trusted one. */
const APART_MS_MAX = 10_000;

/** Refuses to boot when the host's clock and the NSM's time in a fresh document are apart. */
export function checkClock(document: Bytes, { nsm, trustAnchor }: OpenedNsm, clock: Clock): void {
  const { pcrs } = nsm.describe();
  const { timestampMs } = verifyAttestation(document, {
    trustAnchor,
    // By the document's own time: our clock is what is in question.
    time: { mode: 'replay' },
    policy: { pcrs: { 0: pcrOf(pcrs, 0), 1: pcrOf(pcrs, 1), 2: pcrOf(pcrs, 2) } },
  });
  const apartMs = Math.abs(clock.now() - timestampMs);
  if (apartMs <= APART_MS_MAX) return;
  throw new EnclaveError(
    'CLOCK_APART',
    `this machine's clock is ${apartMs} ms from the NSM's time`,
    'set the clock of the host',
  );
}

function pcrOf(pcrs: ReadonlyMap<number, Bytes>, index: number): Bytes {
  const pcr = pcrs.get(index);
  if (pcr !== undefined) return pcr;
  throw new EnclaveError(
    'PCR_MISSING',
    `the NSM states no PCR${index}`,
    'run in an enclave that is measured',
  );
}
