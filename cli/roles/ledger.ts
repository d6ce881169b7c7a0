import { X509Certificate } from 'node:crypto';

import { AttestationError, verifyDocument } from '@k3s-daas/attestation';
import { systemClock, type Bytes } from '@k3s-daas/core';
import { AttestationFault, createLedger, serveLedger, type AttestationVerifier } from '@k3s-daas/ledger';
import { compileFramework } from '@k3s-daas/move';

import { readText } from '../configuration.ts';
import type { RunningPart } from './role.ts';

export interface LedgerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM of the certificate that attestation documents must lead to. */
  readonly trustAnchor: string;
}

/** The embedded Sui ledger, whose attestation native is this project's own verifier. */
export async function startLedger(options: LedgerOptions): Promise<RunningPart> {
  const trustAnchor = new Uint8Array(new X509Certificate(await readText(options.trustAnchor)).raw);
  const framework = await compileFramework();
  const ledger = createLedger({
    framework,
    clock: systemClock,
    verifyAttestation: attestationVerifier(trustAnchor),
  });
  const server = await serveLedger(ledger, { host: options.host, port: options.port });
  return {
    ready: { url: server.url, chainId: ledger.chainId },
    async close() {
      await server.close();
      ledger.close();
    },
  };
}

/** The project's verifier in the form of Sui's native: the chain's clock, no policy; Move applies that. */
export function attestationVerifier(trustAnchor: Bytes): AttestationVerifier {
  return (document, clockMs) => {
    try {
      const verified = verifyDocument(document, { trustAnchor, nowMs: Number(clockMs) });
      const pcrs = [...verified.pcrs].map(([index, value]) => ({ index, value }));
      const { publicKey, userData, nonce } = verified;
      return {
        ...verified,
        pcrs,
        publicKey: publicKey ?? undefined,
        userData: userData ?? undefined,
        nonce: nonce ?? undefined,
      };
    } catch (cause) {
      if (!(cause instanceof AttestationError)) throw cause;
      const malformed = /^(CBOR|COSE|DOCUMENT)_/.test(cause.code);
      throw new AttestationFault(malformed ? 'parse' : 'verify', cause.message, { cause });
    }
  };
}
