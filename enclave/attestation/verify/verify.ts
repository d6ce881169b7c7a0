import type { Bytes } from '@k3s-daas/core';
import {
  checkProfile,
  checkRoot,
  checkValidity,
  readChain,
  verifyChainSignatures,
  type CertificateChain,
  type ChainCache,
} from './chain.ts';
import type { Checked } from './checked.ts';
import { parseCoseSign1, verifyCoseSignature, type CoseSign1 } from './cose.ts';
import { isTime, parseDocument, type AttestationDocument } from './document.ts';
import { AttestationError } from './errors.ts';
import { checkPolicy, readPolicy, type AttestationPolicy } from './policy.ts';

/** A document may be this far ahead of the verifier's clock; AWS's leaf starts three seconds before it. */
export const TIMESTAMP_AHEAD_MS_MAX = 5_000;

/**
 * `live`: certificates are valid now and the document is at most `ageMsMax` old. Give a nonce in the policy where
 * the document was asked for, or an old document within that age passes as a new one.
 * `replay`: certificates were valid when the document was made; for audits, never for admitting anything.
 */
export type VerificationTime =
  { readonly mode: 'live'; readonly nowMs: number; readonly ageMsMax: number } | { readonly mode: 'replay' };

export interface VerifiedAttestation extends AttestationDocument {
  /** Each thing that was checked, in order. What is not listed was not checked. */
  readonly checked: readonly Checked[];
}

/** What a document must lead to, and where chains that were verified before are kept. */
export interface Trust {
  /** DER of the root certificate. */
  readonly trustAnchor: Bytes;
  /** Spares the signatures of certificates that verified before; without it every one is verified. */
  readonly chains?: ChainCache;
}

/**
 * Verifies an AWS Nitro attestation document against a trust anchor, a time and the caller's policy; PCR0, PCR1 and
 * PCR2 are not optional. Throws `AttestationError` with the code of the first rule that fails: the caller's own
 * mistakes come before the document's, what is cheap to refuse before what is dear, and what a document claims is
 * compared only once its signature has verified. ECDSA allows two signatures per document: never use a document's own
 * bytes or hash as an identity.
 */
export function verifyAttestation(
  bytes: Bytes,
  options: Trust & { readonly time: VerificationTime; readonly policy: AttestationPolicy },
): VerifiedAttestation {
  const expectations = readPolicy(options.policy);
  const time = readTime(options.time);
  const { cose, document } = parseAttestation(bytes);
  const atMs = time.mode === 'live' ? time.nowMs : document.timestampMs;
  const chain = verifySignatures(cose, document, { ...options, atMs });
  const checked = [
    ...describeSignatures(bytes, chain, atMs),
    ...checkAge(document, chain, time),
    ...checkPolicy(document, expectations),
  ];
  return { ...document, checked };
}

/**
 * The part a chain's native function does (Sui: `load_nitro_attestation`): structure, signature, certificates at
 * `nowMs`, trust anchor. No PCR, debug, nonce or age rule: whoever calls this must apply them.
 */
export function verifyDocument(
  bytes: Bytes,
  { nowMs, ...trust }: Trust & { readonly nowMs: number },
): AttestationDocument {
  checkTime(nowMs);
  const { cose, document } = parseAttestation(bytes);
  verifySignatures(cose, document, { ...trust, atMs: nowMs });
  return document;
}

/** Size cap, strict structure, decoding, every field in AWS's limits. Nothing of it is believed yet. */
function parseAttestation(bytes: Bytes): { cose: CoseSign1; document: AttestationDocument } {
  const cose = parseCoseSign1(bytes);
  return { cose, document: parseDocument(cose.payload) };
}

/** Trust anchor by bytes, certificates by AWS's profile, then the payload's signature and those of the chain. */
function verifySignatures(
  cose: CoseSign1,
  document: AttestationDocument,
  { trustAnchor, chains, atMs }: Trust & { readonly atMs: number },
): CertificateChain {
  checkRoot(document, trustAnchor);
  const known = chains?.get(document);
  const chain = known ?? readChain(document);
  checkProfile(chain, atMs);
  verifyCoseSignature(cose, chain.leaf.publicKey);
  if (known === undefined) {
    verifyChainSignatures(chain);
    chains?.add(chain);
  }
  return chain;
}

function checkTime(ms: number): void {
  if (!isTime(ms)) throw new AttestationError('TIME_INVALID', `${ms} is not a time in milliseconds`);
}

/** A mode that is neither must not fall into the weaker one, and NaN must not pass as a bound. */
function readTime(time: VerificationTime): VerificationTime {
  switch (time.mode) {
    case 'live':
      checkTime(time.nowMs);
      if (Number.isSafeInteger(time.ageMsMax) && time.ageMsMax >= 0) return time;
      throw new AttestationError('TIME_INVALID', `${time.ageMsMax} is not an age in milliseconds`);
    case 'replay':
      return time;
    default:
      throw new AttestationError('TIME_INVALID', 'the mode is neither live nor replay');
  }
}

function checkAge(document: AttestationDocument, chain: CertificateChain, time: VerificationTime): Checked[] {
  const { timestampMs } = document;
  try {
    checkValidity(chain.leaf, timestampMs, 'leaf certificate');
  } catch (cause) {
    throw new AttestationError('TIME_OUTSIDE_LEAF', 'the document is dated outside its leaf certificate', {
      cause,
    });
  }
  const dated: Checked = {
    rule: 'timestamp',
    found: `${new Date(timestampMs).toISOString()}, within the leaf certificate`,
  };
  if (time.mode === 'replay') return [dated];
  const ageMs = time.nowMs - timestampMs;
  if (ageMs < -TIMESTAMP_AHEAD_MS_MAX) {
    throw new AttestationError('TIME_IN_FUTURE', `the document is dated ${-ageMs} ms ahead of this clock`);
  }
  if (ageMs > time.ageMsMax) {
    throw new AttestationError(
      'TIME_TOO_OLD',
      `the document is ${ageMs} ms old, at most ${time.ageMsMax} allowed`,
    );
  }
  return [dated, { rule: 'age', found: `${ageMs} ms of at most ${time.ageMsMax}` }];
}

function describeSignatures(bytes: Bytes, { authorities }: CertificateChain, atMs: number): Checked[] {
  const fingerprint = authorities[0]?.node.fingerprint256.replaceAll(':', '').toLowerCase() ?? '';
  return [
    {
      rule: 'structure',
      found: `${bytes.length} bytes of strict CBOR, COSE_Sign1 with alg ES384, every field in AWS's limits`,
    },
    { rule: 'signature', found: 'ES384 over the received payload, by the key of the leaf certificate' },
    { rule: 'root', found: `the trust anchor byte for byte, SHA-256 ${fingerprint}` },
    {
      rule: 'chain',
      found: `${authorities.length} authorities and the leaf, each issued and signed by the one before it`,
    },
    { rule: 'validity', found: `every certificate at ${new Date(atMs).toISOString()}` },
  ];
}
