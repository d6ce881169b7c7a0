import { X509Certificate, type KeyObject } from 'node:crypto';
import { equalBytes, fromHex, type Bytes } from '@k3s-daas/core';
import { DER_BIT_STRING, DER_INTEGER, DER_SEQUENCE, DerError, readDer, type DerElement } from './der.ts';
import { AttestationError } from './errors.ts';
import { ExtensionError, readExtensions, type Extensions } from './extensions.ts';
import { readValidity, type Validity } from './validity.ts';

const VERSION_3 = fromHex('a003020102');
/** AlgorithmIdentifier ecdsa-with-SHA384, parameters absent (RFC 5758 section 3.2). */
const ECDSA_WITH_SHA384 = fromHex('300a06082a8648ce3d040303');
/** SubjectPublicKeyInfo up to the point: id-ecPublicKey, named curve secp384r1, uncompressed (RFC 5480). */
const P384_PREFIX = fromHex('3076301006072a8648ce3d020106052b8104002203620004');
const P384_SPKI_BYTES = 120;
const COORDINATE_BYTES = 48;
const EXTENSIONS_TAG = 0xa3;

/** One certificate, parsed and in AWS's profile; its place in a chain is not yet checked. */
export interface Certificate extends Validity, Extensions {
  readonly der: Bytes;
  /** Name as encoded; names are compared by bytes, which is stricter than RFC 5280 section 7.1. */
  readonly subject: Bytes;
  readonly issuer: Bytes;
  /** OpenSSL's view: it checks that the key is on the curve, and signatures. */
  readonly publicKey: KeyObject;
  readonly node: X509Certificate;
}

/**
 * Parses a certificate of the AWS profile: strict DER, version 3, ecdsa-with-SHA384, P-384. Our walk reads
 * everything that is used; OpenSSL reads it too, and the two must agree on what both read. The result owns its
 * bytes. `name` says which certificate it is in messages.
 */
export function readCertificate(received: Bytes, name: string): Certificate {
  const der = new Uint8Array(received);
  try {
    const { publicKey, ...fields } = readFields(der, name);
    const node = new X509Certificate(der);
    agree(node, { ...fields, publicKey });
    return { ...fields, der, publicKey: node.publicKey, node };
  } catch (error) {
    if (error instanceof AttestationError) throw error;
    if (error instanceof ExtensionError) {
      throw new AttestationError('CERTIFICATE_EXTENSION', `the ${name} ${error.message}`, { cause: error });
    }
    // OpenSSL throws errors of many kinds at malformed input; all mean the same here.
    const why = error instanceof DerError ? `: ${error.message}` : '';
    throw new AttestationError('CERTIFICATE_DER', `the ${name} is not a DER X.509 certificate${why}`, {
      cause: error,
    });
  }
}

type Fields = Pick<Certificate, 'subject' | 'issuer'> & Validity & Extensions & { readonly publicKey: Bytes };

/** Certificate and TBSCertificate of RFC 5280 section 4.1, each field under its own tag and in its place. */
function readFields(der: Bytes, name: string): Fields {
  const [tbs, outerAlgorithm, signature] = sequenceOf(readDer(der), 3);
  const [version, serial, algorithm, issuer, validity, subject, publicKey, extensions] = sequenceOf(tbs, 8);
  const wellFormed =
    equalBytes(version.encoded, VERSION_3) &&
    serial.tag === DER_INTEGER &&
    issuer.tag === DER_SEQUENCE &&
    subject.tag === DER_SEQUENCE &&
    extensions.tag === EXTENSIONS_TAG &&
    signature.tag === DER_BIT_STRING;
  if (!wellFormed) throw new DerError('not X.509 version 3');
  if (![algorithm, outerAlgorithm].every((element) => equalBytes(element.encoded, ECDSA_WITH_SHA384))) {
    throw new AttestationError('CERTIFICATE_ALGORITHM', `the ${name} is not signed with ecdsa-with-SHA384`);
  }
  const spki = publicKey.encoded;
  if (spki.length !== P384_SPKI_BYTES || !equalBytes(spki.subarray(0, P384_PREFIX.length), P384_PREFIX)) {
    throw new AttestationError('CERTIFICATE_KEY', `the ${name} does not hold a P-384 key`);
  }
  return {
    issuer: issuer.encoded,
    subject: subject.encoded,
    publicKey: spki,
    ...readValidity(validity),
    ...readExtensions(extensions),
  };
}

function sequenceOf(element: DerElement, count: 3): [DerElement, DerElement, DerElement];
function sequenceOf(
  element: DerElement,
  count: 8,
): [DerElement, DerElement, DerElement, DerElement, DerElement, DerElement, DerElement, DerElement];
function sequenceOf(element: DerElement, count: number): readonly DerElement[] {
  if (element.tag === DER_SEQUENCE && element.children.length === count) return element.children;
  throw new DerError('not a certificate with extensions');
}

/** A disagreement is a defect of one of the readers, or bytes made to be read in two ways. */
function agree(node: X509Certificate, read: Fields): void {
  // OpenSSL calls a certificate a CA if basicConstraints says so and keyUsage, where present, does not object.
  const isCa = (read.basicConstraints?.ca ?? false) && (read.keyUsage?.keyCertSign ?? true);
  const { x = '', y = '' } = node.publicKey.export({ format: 'jwk' });
  const point = read.publicKey.subarray(P384_PREFIX.length);
  const base64url = (coordinate: Bytes): string => Buffer.from(coordinate).toString('base64url');
  const same =
    node.validFromDate.getTime() === read.notBeforeMs &&
    node.validToDate.getTime() === read.notAfterMs &&
    node.ca === isCa &&
    x === base64url(point.subarray(0, COORDINATE_BYTES)) &&
    y === base64url(point.subarray(COORDINATE_BYTES));
  if (!same) throw new DerError('two readers of the certificate disagree');
}
