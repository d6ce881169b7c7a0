import 'reflect-metadata'; // @peculiar/x509 refuses to load without it
import { X509Certificate, type KeyObject } from 'node:crypto';
import { equalBytes, fromHex, type Bytes } from '@k3s-daas/core';
import * as x509 from '@peculiar/x509';
import { DER_BIT_STRING, DER_INTEGER, DER_SEQUENCE, derChildren, readDer, type DerElement } from './der.ts';
import { AttestationError } from './errors.ts';

const VERSION_3 = fromHex('a003020102');
/** AlgorithmIdentifier ecdsa-with-SHA384, parameters absent (RFC 5758 section 3.2). */
const ECDSA_WITH_SHA384 = fromHex('300a06082a8648ce3d040303');
/** SubjectPublicKeyInfo up to the point: id-ecPublicKey, named curve secp384r1, uncompressed (RFC 5480). */
const P384_PREFIX = fromHex('3076301006072a8648ce3d020106052b8104002203620004');
const P384_SPKI_BYTES = 120;
const EXTENSIONS_TAG = 0xa3;

const OID_KEY_USAGE = '2.5.29.15';
const OID_BASIC_CONSTRAINTS = '2.5.29.19';

/** One certificate, parsed and in AWS's profile; its place in a chain is not yet checked. */
export interface Certificate {
  readonly der: Bytes;
  /** Name as encoded; names are compared by bytes, which is stricter than RFC 5280 section 7.1. */
  readonly subject: Bytes;
  readonly issuer: Bytes;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: { readonly digitalSignature: boolean; readonly keyCertSign: boolean } | undefined;
  readonly publicKey: KeyObject;
  /** node:crypto's view, used for signatures. */
  readonly node: X509Certificate;
}

interface BasicConstraints {
  readonly critical: boolean;
  readonly ca: boolean;
  readonly pathLength: number | undefined;
}

/**
 * Parses a certificate of the AWS profile: strict DER, version 3, ecdsa-with-SHA384, P-384. Three readers look at
 * it (own DER walk, OpenSSL, @peculiar/x509) and must agree on what is used from more than one of them.
 * `name` says which certificate it is in messages.
 */
export function readCertificate(der: Bytes, name: string): Certificate {
  try {
    const fields = checkStructure(der, name);
    const node = new X509Certificate(der);
    const parsed = new x509.X509Certificate(new Uint8Array(der));
    const basicConstraints = readBasicConstraints(parsed);
    const keyUsage = readKeyUsage(parsed);
    agree(node, parsed, { basicConstraints, keyUsage, publicKey: fields.publicKey });
    checkExtensions(parsed, name);
    return {
      der,
      subject: fields.subject,
      issuer: fields.issuer,
      notBeforeMs: parsed.notBefore.getTime(),
      notAfterMs: parsed.notAfter.getTime(),
      basicConstraints,
      keyUsage,
      publicKey: node.publicKey,
      node,
    };
  } catch (error) {
    if (error instanceof AttestationError) throw error;
    // OpenSSL and asn1js throw errors of many kinds at malformed input; all mean the same here.
    throw new AttestationError('CERTIFICATE_DER', `the ${name} is not a DER X.509 certificate`, {
      cause: error,
    });
  }
}

/** Certificate and TBSCertificate of RFC 5280 section 4.1, each field under its own tag and in its place. */
function checkStructure(der: Bytes, name: string): { issuer: Bytes; subject: Bytes; publicKey: Bytes } {
  const [tbs, outerAlgorithm, signature] = sequenceOf(readDer(der), 3, name);
  const [version, serial, algorithm, issuer, validity, subject, publicKey, extensions] = sequenceOf(
    tbs,
    8,
    name,
  );
  const wellFormed =
    equalBytes(version.encoded, VERSION_3) &&
    serial.tag === DER_INTEGER &&
    issuer.tag === DER_SEQUENCE &&
    validity.tag === DER_SEQUENCE &&
    subject.tag === DER_SEQUENCE &&
    extensions.tag === EXTENSIONS_TAG &&
    signature.tag === DER_BIT_STRING;
  if (!wellFormed) throw new AttestationError('CERTIFICATE_DER', `the ${name} is not X.509 version 3`);
  if (![algorithm, outerAlgorithm].every((element) => equalBytes(element.encoded, ECDSA_WITH_SHA384))) {
    throw new AttestationError('CERTIFICATE_ALGORITHM', `the ${name} is not signed with ecdsa-with-SHA384`);
  }
  const spki = publicKey.encoded;
  if (spki.length !== P384_SPKI_BYTES || !equalBytes(spki.subarray(0, P384_PREFIX.length), P384_PREFIX)) {
    throw new AttestationError('CERTIFICATE_KEY', `the ${name} does not hold a P-384 key`);
  }
  return { issuer: issuer.encoded, subject: subject.encoded, publicKey: spki };
}

function sequenceOf(element: DerElement, count: 3, name: string): [DerElement, DerElement, DerElement];
function sequenceOf(
  element: DerElement,
  count: 8,
  name: string,
): [DerElement, DerElement, DerElement, DerElement, DerElement, DerElement, DerElement, DerElement];
function sequenceOf(element: DerElement, count: number, name: string): DerElement[] {
  const children = element.tag === DER_SEQUENCE ? derChildren(element) : [];
  if (children.length === count) return children;
  throw new AttestationError('CERTIFICATE_DER', `the ${name} is not an X.509 certificate with extensions`);
}

function agree(
  node: X509Certificate,
  parsed: x509.X509Certificate,
  read: Pick<Certificate, 'basicConstraints' | 'keyUsage'> & { publicKey: Bytes },
): void {
  // OpenSSL calls a certificate a CA if basicConstraints says so and keyUsage, where present, does not object.
  const isCa = (read.basicConstraints?.ca ?? false) && (read.keyUsage?.keyCertSign ?? true);
  const same =
    node.validFromDate.getTime() === parsed.notBefore.getTime() &&
    node.validToDate.getTime() === parsed.notAfter.getTime() &&
    node.ca === isCa &&
    equalBytes(new Uint8Array(node.publicKey.export({ format: 'der', type: 'spki' })), read.publicKey) &&
    equalBytes(new Uint8Array(parsed.publicKey.rawData), read.publicKey);
  if (!same) throw new TypeError('two readers of the certificate disagree');
}

/** RFC 5280 section 4.2: one instance of an extension; a critical one that is not understood refuses it. */
function checkExtensions(parsed: x509.X509Certificate, name: string): void {
  const seen = new Set<string>();
  for (const { type, critical } of parsed.extensions) {
    if (seen.has(type)) throw new AttestationError('CERTIFICATE_EXTENSION', `the ${name} repeats ${type}`);
    seen.add(type);
    if (critical && type !== OID_KEY_USAGE && type !== OID_BASIC_CONSTRAINTS) {
      throw new AttestationError('CERTIFICATE_EXTENSION', `the ${name} has the unknown critical ${type}`);
    }
  }
}

function readBasicConstraints(parsed: x509.X509Certificate): BasicConstraints | undefined {
  const extension = parsed.getExtension(x509.BasicConstraintsExtension);
  if (extension === null) return undefined;
  readDer(new Uint8Array(extension.value));
  return { critical: extension.critical, ca: extension.ca, pathLength: extension.pathLength };
}

function readKeyUsage(parsed: x509.X509Certificate): Certificate['keyUsage'] {
  const extension = parsed.getExtension(x509.KeyUsagesExtension);
  if (extension === null) return undefined;
  readDer(new Uint8Array(extension.value));
  return {
    digitalSignature: (extension.usages & x509.KeyUsageFlags.digitalSignature) !== 0,
    keyCertSign: (extension.usages & x509.KeyUsageFlags.keyCertSign) !== 0,
  };
}
