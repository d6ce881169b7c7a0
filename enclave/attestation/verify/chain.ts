import { equalBytes, type Bytes } from '@k3s-daas/core';
import { readCertificate, type Certificate } from './certificate.ts';
import type { AttestationDocument } from './document.ts';
import { AttestationError } from './errors.ts';

const LEAF_NAME = 'leaf certificate';

export interface CertificateChain {
  /** The root first, the issuer of the leaf last; at least one. */
  readonly authorities: readonly Certificate[];
  readonly leaf: Certificate;
}

/**
 * The root must be the trust anchor byte for byte. It costs nothing and comes before any certificate is parsed, so
 * that OpenSSL and asn1js see only documents that at least name our root.
 */
export function checkRoot(document: AttestationDocument, trustAnchor: Bytes): void {
  const root = document.cabundle[0];
  if (root === undefined || !equalBytes(root, trustAnchor)) {
    throw new AttestationError('ROOT_MISMATCH', 'the first certificate of cabundle is not the trust anchor');
  }
}

export function readLeaf(document: AttestationDocument): Certificate {
  return readCertificate(document.certificate, LEAF_NAME);
}

export function readAuthorities(document: AttestationDocument): Certificate[] {
  return document.cabundle.map((der, index) => readCertificate(der, nameOf(index)));
}

/**
 * AWS's rules (attestation_process.md, section 3.2.3) and RFC 5280 section 6.1, after `checkRoot`: every
 * certificate is valid at `atMs`, issued and signed by the one before it, every authority may sign certificates and
 * is not further from the leaf than it allows, and the leaf may only sign. AWS switches CRLs off: none is fetched.
 */
export function verifyChain({ authorities, leaf }: CertificateChain, atMs: number): void {
  for (const [index, authority] of authorities.entries()) {
    const name = nameOf(index);
    checkValidity(authority, atMs, name);
    checkAuthority(authority, authorities.length - 1 - index, name);
    // The root is its own issuer: Sui verifies that signature too.
    checkIssued(authority, authorities[Math.max(0, index - 1)], name);
  }
  checkValidity(leaf, atMs, LEAF_NAME);
  checkLeaf(leaf);
  checkIssued(leaf, authorities.at(-1), LEAF_NAME);
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

function checkIssued(certificate: Certificate, issuer: Certificate | undefined, name: string): void {
  // checkIssued also compares the key identifiers where both certificates have them.
  if (
    issuer === undefined ||
    !equalBytes(certificate.issuer, issuer.subject) ||
    !certificate.node.checkIssued(issuer.node)
  ) {
    throw new AttestationError('CERTIFICATE_ISSUER', `the ${name} was not issued by the one before it`);
  }
  if (!certificate.node.verify(issuer.publicKey)) {
    throw new AttestationError('CERTIFICATE_SIGNATURE', `the signature on the ${name} does not verify`);
  }
}

function nameOf(index: number): string {
  return index === 0 ? 'root certificate' : `intermediate certificate ${index}`;
}
