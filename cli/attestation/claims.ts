import { X509Certificate } from 'node:crypto';

import {
  AttestationError,
  decodeCbor,
  isAwsNitroRootG1,
  parseCoseSign1,
  parseDocument,
} from '@k3s-daas/attestation';
import { toHex, type Bytes } from '@k3s-daas/core';

/** What bytes claim, read as far as they can be read. Nothing of it is verified. */
export interface Claims {
  readonly bytes: number;
  /** The first rule of form that the bytes break; null if they have the form of a document. */
  readonly refusal: { readonly code: string; readonly message: string } | null;
  /** Whether there is a payload to read from. Without one all below is empty. */
  readonly readable: boolean;
  readonly moduleId: string | null;
  readonly timestampMs: number | null;
  /** By index; hex. */
  readonly pcrs: Readonly<Record<number, string>>;
  /** Hex; null where there are no such bytes. */
  readonly publicKey: string | null;
  readonly userData: string | null;
  readonly nonce: string | null;
  /** The root first, the leaf last, as the document orders them. */
  readonly certificates: readonly ClaimedCertificate[];
}

export interface ClaimedCertificate {
  readonly place: 'root' | 'intermediate' | 'leaf';
  /** Null where the bytes are no certificate. */
  readonly certificate: {
    readonly subject: string;
    readonly issuer: string;
    readonly notBefore: string;
    readonly notAfter: string;
    readonly sha256: string;
  } | null;
  /** Whether the bytes are those of AWS's root; that it signed anything is not checked. */
  readonly awsNitroRootG1: boolean;
}

type Fields = ReadonlyMap<unknown, unknown>;

/** Reads what a document claims. Never throws at bytes. */
export function readClaims(bytes: Bytes): Claims {
  const fields = readFields(bytes);
  const hex = (value: unknown): string | null => (value instanceof Uint8Array ? toHex(value) : null);
  const moduleId = fields.get('module_id');
  const timestamp = fields.get('timestamp');
  return {
    bytes: bytes.length,
    refusal: readRefusal(bytes),
    readable: fields.size > 0,
    moduleId: typeof moduleId === 'string' ? moduleId : null,
    timestampMs: typeof timestamp === 'bigint' || typeof timestamp === 'number' ? Number(timestamp) : null,
    pcrs: readPcrs(fields.get('pcrs')),
    publicKey: hex(fields.get('public_key')),
    userData: hex(fields.get('user_data')),
    nonce: hex(fields.get('nonce')),
    certificates: readCertificates(fields),
  };
}

function readRefusal(bytes: Bytes): Claims['refusal'] {
  const error = attempt(() => parseDocument(parseCoseSign1(bytes).payload));
  return error instanceof AttestationError ? error.toJSON() : null;
}

/** The payload's map, behind whatever headers and signature. */
function readFields(bytes: Bytes): Fields {
  const cose = attempt(() =>
    decodeCbor(bytes[0] === 0xd2 ? bytes.subarray(1) : bytes, { rootMapMayBeIndefinite: false }),
  );
  const payload: unknown = Array.isArray(cose) ? cose[2] : undefined;
  if (!(payload instanceof Uint8Array)) return new Map();
  const fields = attempt(() => decodeCbor(payload, { rootMapMayBeIndefinite: true }));
  return fields instanceof Map ? fields : new Map();
}

function attempt<T>(read: () => T): T | AttestationError {
  try {
    return read();
  } catch (error) {
    if (error instanceof AttestationError) return error;
    throw error;
  }
}

function readPcrs(value: unknown): Record<number, string> {
  const entries = value instanceof Map ? [...(value as Fields)] : [];
  return Object.fromEntries(
    entries.flatMap(([index, pcr]) =>
      typeof index === 'number' && pcr instanceof Uint8Array ? [[index, toHex(pcr)]] : [],
    ),
  );
}

function readCertificates(fields: Fields): ClaimedCertificate[] {
  const cabundle = fields.get('cabundle');
  const authorities = Array.isArray(cabundle) ? (cabundle as unknown[]) : [];
  const leaf = fields.get('certificate');
  return [
    ...authorities.map((der, index) => readCertificate(index === 0 ? 'root' : 'intermediate', der)),
    ...(leaf === undefined ? [] : [readCertificate('leaf', leaf)]),
  ];
}

function readCertificate(place: ClaimedCertificate['place'], der: unknown): ClaimedCertificate {
  if (!(der instanceof Uint8Array)) return { place, certificate: null, awsNitroRootG1: false };
  let certificate: ClaimedCertificate['certificate'] = null;
  try {
    const { subject, issuer, validFromDate, validToDate, fingerprint256 } = new X509Certificate(der);
    certificate = {
      subject,
      issuer,
      notBefore: validFromDate.toISOString(),
      notAfter: validToDate.toISOString(),
      sha256: fingerprint256.replaceAll(':', '').toLowerCase(),
    };
  } catch {
    // OpenSSL throws errors of many kinds, and Date at times it cannot hold: to a reader all mean "no certificate".
  }
  return { place, certificate, awsNitroRootG1: isAwsNitroRootG1(der) };
}
