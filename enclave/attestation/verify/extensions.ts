import { toHex, type Bytes } from '@k3s-daas/core';
import {
  DER_BIT_STRING,
  DER_BOOLEAN,
  DER_INTEGER,
  DER_OCTET_STRING,
  DER_OID,
  DER_SEQUENCE,
  DerError,
  readDer,
  type DerElement,
} from './der.ts';

/** Object identifiers of RFC 5280 section 4.2.1, id-ce (2.5.29) and a number. */
const KEY_USAGE = '551d0f';
const BASIC_CONSTRAINTS = '551d13';
const SUBJECT_KEY_ID = '551d0e';
const AUTHORITY_KEY_ID = '551d23';
const UNDERSTOOD = new Set([KEY_USAGE, BASIC_CONSTRAINTS]);
/** keyIdentifier, [0] of AuthorityKeyIdentifier. */
const KEY_IDENTIFIER_TAG = 0x80;
const KEY_USAGE_BITS = 9;
/** No chain is longer; a pathLen beyond it would only be a way to overflow a number. */
const PATH_LENGTH_BYTES_MAX = 4;

export interface BasicConstraints {
  readonly critical: boolean;
  readonly ca: boolean;
  readonly pathLength: number | undefined;
}

export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
}

/** What a verifier of this profile needs of a certificate's extensions. */
export interface Extensions {
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: KeyUsage | undefined;
  readonly subjectKeyId: Bytes | undefined;
  readonly authorityKeyId: Bytes | undefined;
}

/** RFC 5280 section 4.2 forbids it: the same extension twice, or a critical one that is not understood. */
export class ExtensionError extends Error {}

interface Extension {
  readonly critical: boolean;
  /** Content of the OCTET STRING. */
  readonly value: Bytes;
}

/** Reads `[3] EXPLICIT SEQUENCE OF Extension`. @throws DerError, ExtensionError */
export function readExtensions(tagged: DerElement): Extensions {
  const [list, ...more] = tagged.children;
  if (list?.tag !== DER_SEQUENCE || more.length > 0 || list.children.length === 0) {
    throw new DerError('extensions are not a list of at least one');
  }
  const found = new Map<string, Extension>();
  for (const element of list.children) {
    const { id, ...extension } = readExtension(element);
    if (found.has(id)) throw new ExtensionError(`repeats the extension ${id}`);
    found.set(id, extension);
  }
  for (const [id, { critical }] of found) {
    if (critical && !UNDERSTOOD.has(id)) throw new ExtensionError(`has the unknown critical extension ${id}`);
  }
  return {
    basicConstraints: whenPresent(found.get(BASIC_CONSTRAINTS), readBasicConstraints),
    keyUsage: whenPresent(found.get(KEY_USAGE), readKeyUsage),
    subjectKeyId: whenPresent(found.get(SUBJECT_KEY_ID), readSubjectKeyId),
    authorityKeyId: whenPresent(found.get(AUTHORITY_KEY_ID), readAuthorityKeyId),
  };
}

function whenPresent<T>(extension: Extension | undefined, read: (extension: Extension) => T): T | undefined {
  return extension === undefined ? undefined : read(extension);
}

/** SEQUENCE { extnID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }. */
function readExtension(element: DerElement): Extension & { id: string } {
  const parts = element.tag === DER_SEQUENCE ? element.children : [];
  const [id] = parts;
  const value = parts.at(-1);
  if (parts.length < 2 || parts.length > 3 || id?.tag !== DER_OID || value?.tag !== DER_OCTET_STRING) {
    throw new DerError('an extension has another form');
  }
  const critical = parts.length === 3 && readDefaultFalse(parts[1]);
  return { id: toHex(id.content), critical, value: value.content };
}

/** A BOOLEAN DEFAULT FALSE is there only when it is true (X.690 section 11.5). */
function readDefaultFalse(element: DerElement | undefined): true {
  if (element?.tag === DER_BOOLEAN && element.content[0] === 0xff) return true;
  throw new DerError('a default value is encoded, or a flag is not a boolean');
}

/** SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }, RFC 5280 section 4.2.1.9. */
function readBasicConstraints({ critical, value }: Extension): BasicConstraints {
  const { tag, children } = readDer(value);
  if (tag !== DER_SEQUENCE) throw new DerError('basicConstraints is not a sequence');
  const rest = [...children];
  const ca = rest[0]?.tag === DER_BOOLEAN && readDefaultFalse(rest.shift());
  const pathLength = rest[0]?.tag === DER_INTEGER ? readPathLength(rest.shift()?.content) : undefined;
  if (rest.length > 0) throw new DerError('basicConstraints has other fields');
  return { critical, ca, pathLength };
}

function readPathLength(content: Bytes = new Uint8Array()): number {
  if (content.length > PATH_LENGTH_BYTES_MAX || (content[0] ?? 0) >= 0x80) {
    throw new DerError('pathLenConstraint is negative or beyond any chain');
  }
  return content.reduce((sum, byte) => sum * 256 + byte, 0);
}

/**
 * KeyUsage of RFC 5280 section 4.2.1.3: bits 0 to 8, at least one of them set. It is a named bit list, so that DER
 * leaves trailing zero bits out (X.690 section 11.2.2).
 */
function readKeyUsage({ value }: Extension): KeyUsage {
  const { tag, content } = readDer(value);
  if (tag !== DER_BIT_STRING) throw new DerError('keyUsage is not a bit string');
  const [unused = 0, first = 0] = content;
  const bits = (content.length - 1) * 8 - unused;
  const last = content.at(-1) ?? 0;
  // Without any bit, `last` is the count of unused bits, which is zero.
  if (bits > KEY_USAGE_BITS || ((last >> unused) & 1) === 0) {
    throw new DerError('keyUsage is empty, has unknown bits or ends with a zero bit');
  }
  return { digitalSignature: (first & 0x80) !== 0, keyCertSign: (first & 0x04) !== 0 };
}

function readSubjectKeyId({ value }: Extension): Bytes {
  const { tag, content } = readDer(value);
  if (tag !== DER_OCTET_STRING) throw new DerError('subjectKeyIdentifier is not an octet string');
  return content;
}

/** Its other fields, issuer and serial number, are compared by OpenSSL where they are there. */
function readAuthorityKeyId({ value }: Extension): Bytes | undefined {
  const { tag, children } = readDer(value);
  if (tag !== DER_SEQUENCE) throw new DerError('authorityKeyIdentifier is not a sequence');
  return children.find((child) => child.tag === KEY_IDENTIFIER_TAG)?.content;
}
