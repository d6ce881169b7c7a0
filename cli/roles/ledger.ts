import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { AttestationError, verifyDocument } from '@k3s-daas/attestation';
import { systemClock, type Bytes } from '@k3s-daas/core';
import {
  AttestationFault,
  createLedger,
  openLedger,
  restoreLedger,
  serveLedger,
  type AttestationVerifier,
  type JournaledLedger,
  type LedgerOptions as ChainOptions,
  type RestoredJournal,
} from '@k3s-daas/ledger';
import { compileFramework } from '@k3s-daas/move';

import { readText } from '../files.ts';
import type { RunningPart } from './role.ts';

export interface LedgerOptions {
  readonly host: string;
  readonly port: number;
  /** PEM of the certificate that attestation documents must lead to. */
  readonly trustAnchor: string;
  /** Folder whose chain is continued, or begun; without it the chain lives in memory. */
  readonly dataDir?: string | undefined;
}

/** Name of the journal in the data folder. */
const JOURNAL = 'ledger.journal';

/** The embedded Sui ledger, whose attestation native is this project's own verifier. */
export async function startLedger(options: LedgerOptions): Promise<RunningPart> {
  const trustAnchor = new Uint8Array(new X509Certificate(await readText(options.trustAnchor)).raw);
  const framework = await compileFramework();
  const chain = { framework, clock: systemClock, verifyAttestation: attestationVerifier(trustAnchor) };
  const { ledger, replayed, tornBytes, close } = await openChain(chain, options.dataDir);
  try {
    const server = await serveLedger(ledger, { host: options.host, port: options.port });
    return {
      ready: { url: server.url, chainId: ledger.chainId, replayed, tornBytes },
      async close() {
        await server.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A chain, in memory or of a folder. */
export interface OpenChain extends Pick<
  JournaledLedger,
  'ledger' | 'replayed' | 'tornBytes' | 'restored' | 'bypassed' | 'close'
> {
  /** Null in memory. */
  readonly snapshot: JournaledLedger['snapshot'] | null;
}

/** The chain of a folder, or a new one in memory. @throws LedgerError JOURNAL_…, SNAPSHOT_… */
export async function openChain(options: ChainOptions, dataDir: string | undefined): Promise<OpenChain> {
  if (dataDir !== undefined) return await openLedger({ ...options, journal: join(dataDir, JOURNAL) });
  const ledger = createLedger(options);
  const close = (): Promise<void> => {
    ledger.close();
    return Promise.resolve();
  };
  return { ledger, replayed: 0, tornBytes: 0, restored: null, bypassed: [], snapshot: null, close };
}

/** Begins a new folder from a snapshot. @throws LedgerError SNAPSHOT_…, JOURNAL_MISMATCH where there is a chain */
export async function restoreChain(snapshot: string, dataDir: string): Promise<RestoredJournal> {
  await mkdir(dataDir, { recursive: true });
  return await restoreLedger({ snapshot, journal: join(dataDir, JOURNAL) });
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
      // As Sui's native: what it cannot read, and what it reads and does not believe.
      const malformed = /^(CBOR|COSE|DOCUMENT)_/.test(cause.code) && cause.code !== 'COSE_SIGNATURE';
      throw new AttestationFault(malformed ? 'parse' : 'verify', cause.message, { cause });
    }
  };
}
