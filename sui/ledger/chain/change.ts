import { AttestationFault, type AttestationFaultReason } from '../natives/nitro.ts';
import type { AttestationVerifier, VerifiedAttestation } from '../vm/native.ts';
import type { Address } from '../vm/types.ts';
import type { LedgerError } from './errors.ts';

/** What a call of the attestation native was told, in the order of the calls. */
export type AttestationResult =
  | { readonly kind: 'verified'; readonly document: VerifiedAttestation }
  | { readonly kind: 'refused'; readonly reason: AttestationFaultReason };

/**
 * Everything that changes a chain after its genesis. With the time at which it ran, which the Clock object shows, a
 * change has all that its execution depends on besides the chain itself.
 */
export type Change =
  | {
      readonly kind: 'transaction';
      readonly timestampMs: bigint;
      readonly bytes: Uint8Array;
      readonly signatures: readonly string[];
      readonly attestations: readonly AttestationResult[];
    }
  | { readonly kind: 'grant'; readonly timestampMs: bigint; readonly address: Address; readonly mist: bigint }
  | { readonly kind: 'epoch'; readonly timestampMs: bigint }
  | { readonly kind: 'empty'; readonly timestampMs: bigint };

/** What becomes of an appended change: exactly one is called, `undo` for the newest change first. */
export interface ChangeFate {
  readonly settled: () => void;
  readonly undo: () => void;
}

/** Where changes are made durable, in order. */
export interface ChangeSink {
  /** Why no more changes are taken. */
  readonly failure: LedgerError | null;
  /** Takes a change and the checkpoint it ended with. Throws LedgerError and then calls neither. */
  append(change: Change, checkpointDigest: string, fate: ChangeFate): void;
  /** Resolves once everything appended so far is settled; rejects if some of it was undone. */
  settled(): Promise<void>;
}

/** A verifier that notes what the given one says. */
export function recordAttestations(inner: AttestationVerifier): {
  readonly verify: AttestationVerifier;
  readonly results: readonly AttestationResult[];
} {
  const results: AttestationResult[] = [];
  const verify: AttestationVerifier = (bytes, clockMs) => {
    try {
      const document = inner(bytes, clockMs);
      results.push({ kind: 'verified', document });
      return document;
    } catch (error) {
      results.push({ kind: 'refused', reason: error instanceof AttestationFault ? error.reason : 'verify' });
      throw error;
    }
  };
  return { verify, results };
}

/**
 * A verifier that repeats what was noted. The word of then counts, not that of today's verifier and trust anchor: it
 * is part of the chain.
 */
export function replayAttestations(results: readonly AttestationResult[]): AttestationVerifier {
  let next = 0;
  return () => {
    const result = results[next];
    next += 1;
    if (result?.kind === 'verified') return result.document;
    throw new AttestationFault(result?.reason ?? 'verify', 'as recorded');
  };
}
