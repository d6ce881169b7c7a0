import { verifyDocument } from '@k3s-daas/attestation';
import type { Bytes, Clock } from '@k3s-daas/core';

import { EnclaveError } from '../errors.ts';

/** The host feeds this clock; the NSM's time is the trusted one. */
const APART_MS_MAX = 10_000;

/** Refuses to boot when the host's clock and the NSM's time in a fresh document are apart. */
export function checkClock(document: Bytes, trustAnchor: Bytes, clock: Clock): void {
  const { timestampMs } = verifyDocument(document, { trustAnchor, nowMs: clock.now() });
  const apartMs = Math.abs(clock.now() - timestampMs);
  if (apartMs <= APART_MS_MAX) return;
  throw new EnclaveError(
    'CLOCK_APART',
    `this machine's clock is ${apartMs} ms from the NSM's time`,
    'set the clock of the host',
  );
}
