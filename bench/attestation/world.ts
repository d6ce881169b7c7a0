import type { AttestationPolicy } from '../../enclave/attestation/index.ts';
import { pcr, NOW } from '../../enclave/attestation/verify/test/fixture.ts';
import {
  array,
  bytes,
  coseOf,
  payloadOf,
  raw,
  signedParts,
  text,
} from '../../enclave/attestation/verify/test/encoder.ts';
import { awsShapedFixture } from '../../enclave/attestation/verify/test/sources.ts';

/** One document, also taken apart: what verifies with `node:crypto` alone should not have to read CBOR. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly sigStructure: Uint8Array;
  readonly signature: Uint8Array;
  readonly policy: AttestationPolicy;
}

/** What is verified. Plain data, so that it can be sent to a worker. */
export interface World {
  /** The root first, the leaf last; five, as AWS has it, P-384 throughout. */
  readonly certificates: readonly Uint8Array[];
  readonly trustAnchor: Uint8Array;
  /** Time of verification, ms since 1970. */
  readonly nowMs: number;
  readonly samples: readonly Sample[];
}

/** A chain of the real shape, and documents that differ in their nonce, so that no two calls in a row see the same. */
export async function makeWorld(documents: number): Promise<World> {
  const fixture = await awsShapedFixture();
  const { root, cabundle, leaf, leafKey } = fixture.chain;
  const samples = Array.from({ length: documents }, (_, index): Sample => {
    const nonce = new Uint8Array(16).fill(index);
    const payload = payloadOf(fixture.fields().set('nonce', bytes(nonce)));
    const parts = signedParts(payload, leafKey);
    return {
      bytes: coseOf(parts),
      sigStructure: array(text('Signature1'), bytes(parts.protectedHeader), raw('40'), bytes(payload)),
      signature: parts.signature,
      policy: { pcrs: { 0: pcr(1), 1: pcr(2), 2: pcr(3) }, nonce },
    };
  });
  return { certificates: [...cabundle, leaf], trustAnchor: root, nowMs: NOW, samples };
}
