import { equalBytes, sha256, type Bytes } from '@k3s-daas/core';
import { readCertificate, type Certificate } from './certificate.ts';
import type { AttestationDocument } from './document.ts';
import { AttestationError } from './errors.ts';

const LEAF_NAME = 'leaf certificate';
const ROOT_NAME = 'root certificate';
/** A process knows one trust anchor, a test a few. */
const TRUST_ANCHORS_MAX = 4;
const CHAINS_MAX = 64;

export interface CertificateChain {
  /** The root first, the issuer of the leaf last; at least one. */
  readonly authorities: readonly Certificate[];
  readonly leaf: Certificate;
}

/**
 * Chains whose signatures verified, so that further documents of the same boot spare them: a leaf lives three hours
 * and signs many documents. Everything else about a chain (root, validity, AWS's profile) is checked again each
 * time. The chain that was longest not asked for leaves when it is full.
 */
export class ChainCache {
  readonly #chainsMax: number;
  readonly #chains = new Map<string, CertificateChain>();

  constructor({ chainsMax = CHAINS_MAX }: { readonly chainsMax?: number } = {}) {
    if (!Number.isSafeInteger(chainsMax) || chainsMax < 1) {
      throw new RangeError('a chain cache holds at least one chain');
    }
    this.#chainsMax = chainsMax;
  }

  get size(): number {
    return this.#chains.size;
  }

  /** The verified chain of exactly these certificates. */
  get(document: AttestationDocument): CertificateChain | undefined {
    const key = keyOf(document);
    const chain = this.#chains.get(key);
    if (chain === undefined) return undefined;
    this.#chains.delete(key);
    this.#chains.set(key, chain);
    return chain;
  }

  /** Only for a chain that has just been verified. */
  add(chain: CertificateChain): void {
    const { authorities, leaf } = chain;
    this.#chains.set(keyOf({ cabundle: authorities.map(({ der }) => der), certificate: leaf.der }), chain);
    const [oldest] = this.#chains.keys();
    if (this.#chains.size > this.#chainsMax && oldest !== undefined) this.#chains.delete(oldest);
  }
}

/** SHA-256 over each certificate behind its length, so that no two chains share a key. */
function keyOf({ cabundle, certificate }: Pick<AttestationDocument, 'cabundle' | 'certificate'>): string {
  const parts = [certificate, ...cabundle].flatMap((der) => [
    new Uint8Array([der.length >> 8, der.length & 0xff]),
    der,
  ]);
  return Buffer.from(sha256(...parts)).toString('latin1');
}

/**
 * The root must be the trust anchor byte for byte. It costs nothing and comes before any certificate is parsed, so
 * that OpenSSL sees only documents that at least name our root.
 */
export function checkRoot(document: AttestationDocument, trustAnchor: Bytes): void {
  const root = document.cabundle[0];
  if (root === undefined || !equalBytes(root, trustAnchor)) {
    throw new AttestationError('ROOT_MISMATCH', 'the first certificate of cabundle is not the trust anchor');
  }
}

/** Parses the certificates of a document whose root is the trust anchor. */
export function readChain(document: AttestationDocument): CertificateChain {
  const [root, ...intermediates] = document.cabundle;
  if (root === undefined) throw new AttestationError('DOCUMENT_CABUNDLE', 'cabundle is empty');
  return {
    leaf: readCertificate(document.certificate, LEAF_NAME),
    authorities: [
      readTrustAnchor(root),
      ...intermediates.map((der, index) => readCertificate(der, nameOf(index + 1))),
    ],
  };
}

/** Trust anchors that were parsed and whose own signature verified; they come from configuration, not documents. */
const trustAnchors: Certificate[] = [];

/** The root is its own issuer: Sui verifies that signature too, we do so once per trust anchor. */
function readTrustAnchor(der: Bytes): Certificate {
  const known = trustAnchors.find((root) => equalBytes(root.der, der));
  if (known !== undefined) return known;
  const root = readCertificate(der, ROOT_NAME);
  checkSignature(root, root, ROOT_NAME);
  trustAnchors.push(root);
  if (trustAnchors.length > TRUST_ANCHORS_MAX) trustAnchors.shift();
  return root;
}

/**
 * What needs no signature of AWS's rules (attestation_process.md, section 3.2.3) and RFC 5280 section 6.1: every
 * certificate is valid at `atMs` and names the one before it as its issuer, every authority may sign certificates
 * and is not further from the leaf than it allows, and the leaf may only sign. AWS switches CRLs off: none is fetched.
 */
export function checkProfile({ authorities, leaf }: CertificateChain, atMs: number): void {
  for (const [index, authority] of authorities.entries()) {
    const name = nameOf(index);
    checkValidity(authority, atMs, name);
    checkAuthority(authority, authorities.length - 1 - index, name);
    checkIssuer(authority, authorities[Math.max(0, index - 1)], name);
  }
  checkValidity(leaf, atMs, LEAF_NAME);
  checkLeaf(leaf);
  checkIssuer(leaf, authorities.at(-1), LEAF_NAME);
}

/** Every certificate is signed by the one before it; `readTrustAnchor` has checked that the root signed itself. */
export function verifyChainSignatures({ authorities, leaf }: CertificateChain): void {
  for (const [index, authority] of authorities.entries()) {
    if (index > 0) checkSignature(authority, authorities[index - 1], nameOf(index));
  }
  checkSignature(leaf, authorities.at(-1), LEAF_NAME);
}

/** X.509 times are whole seconds and both ends are inclusive (RFC 5280 section 4.1.2.5). */
export function checkValidity(certificate: Certificate, atMs: number, name: string): void {
  const atSecondMs = Math.floor(atMs / 1000) * 1000;
  if (atSecondMs < certificate.notBeforeMs) {
    throw new AttestationError('CERTIFICATE_NOT_YET_VALID', `the ${name} ${span(certificate, atMs)}`);
  }
  if (atSecondMs > certificate.notAfterMs) {
    throw new AttestationError('CERTIFICATE_EXPIRED', `the ${name} ${span(certificate, atMs)}`);
  }
}

function span(certificate: Certificate, atMs: number): string {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return `is valid from ${iso(certificate.notBeforeMs)} to ${iso(certificate.notAfterMs)}, not at ${iso(atMs)}`;
}

function checkAuthority(authority: Certificate, authoritiesBelow: number, name: string): void {
  const constraints = authority.basicConstraints;
  if (constraints?.critical !== true || !constraints.ca) {
    throw new AttestationError(
      'CERTIFICATE_BASIC_CONSTRAINTS',
      `the ${name} is not critically marked as a CA`,
    );
  }
  if (authority.keyUsage?.keyCertSign !== true) {
    throw new AttestationError('CERTIFICATE_KEY_USAGE', `the ${name} lacks keyCertSign`);
  }
  if (constraints.pathLength !== undefined && authoritiesBelow > constraints.pathLength) {
    throw new AttestationError(
      'CERTIFICATE_PATH_LENGTH',
      `the ${name} allows ${constraints.pathLength} authorities below it, the chain has ${authoritiesBelow}`,
    );
  }
}

function checkLeaf(leaf: Certificate): void {
  if (leaf.basicConstraints?.ca === true || leaf.basicConstraints?.pathLength !== undefined) {
    throw new AttestationError('LEAF_IS_CA', 'the leaf certificate is marked as a CA');
  }
  if (leaf.keyUsage?.digitalSignature !== true || leaf.keyUsage.keyCertSign) {
    throw new AttestationError('LEAF_KEY_USAGE', 'the leaf certificate is not for signatures only');
  }
}

/** By name and, where both certificates have them, by key identifier; OpenSSL must see it the same way. */
function checkIssuer(certificate: Certificate, issuer: Certificate | undefined, name: string): void {
  const { authorityKeyId } = certificate;
  const subjectKeyId = issuer?.subjectKeyId;
  const sameKeyId =
    authorityKeyId === undefined || subjectKeyId === undefined || equalBytes(authorityKeyId, subjectKeyId);
  if (
    issuer === undefined ||
    !equalBytes(certificate.issuer, issuer.subject) ||
    !sameKeyId ||
    !certificate.node.checkIssued(issuer.node)
  ) {
    throw new AttestationError('CERTIFICATE_ISSUER', `the ${name} was not issued by the one before it`);
  }
}

function checkSignature(certificate: Certificate, issuer: Certificate | undefined, name: string): void {
  if (issuer === undefined || !certificate.node.verify(issuer.publicKey)) {
    throw new AttestationError('CERTIFICATE_SIGNATURE', `the signature on the ${name} does not verify`);
  }
}

function nameOf(index: number): string {
  return index === 0 ? ROOT_NAME : `intermediate certificate ${index}`;
}
