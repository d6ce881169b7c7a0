import { X509Certificate } from 'node:crypto';

import { verifyDocument } from '@k3s-daas/attestation';
import { systemClock } from '@k3s-daas/core';
import { createLedger, serveLedger } from '@k3s-daas/ledger';
import { compileFramework } from '@k3s-daas/move';

import { readText } from '../configuration.ts';
import type { RunningPart } from './role.ts';

export interface LedgerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM of the certificate that attestation documents must lead to. */
  readonly trustAnchor: string;
}

/** The embedded Sui ledger, with the attestation native of this project's own verifier. */
export async function startLedger(options: LedgerOptions): Promise<RunningPart> {
  const anchor = new Uint8Array(new X509Certificate(await readText(options.trustAnchor)).raw);
  const framework = await compileFramework({});
  const ledger = await createLedger({
    framework,
    clock: systemClock,
    verifyAttestation: (document, clockMs) =>
      verifyDocument(document, { trustAnchor: anchor, nowMs: Number(clockMs) }),
  });
  const server = await serveLedger(ledger, { host: options.host, port: options.port });
  return { ready: { url: server.url, chainId: ledger.chainId }, close: () => server.close() };
}
