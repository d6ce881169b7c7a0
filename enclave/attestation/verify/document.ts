import type { Bytes } from '@k3s-daas/core';
import { decodeCbor, type CborMap, type CborValue } from './cbor.ts';
import { AttestationError, type AttestationErrorCode } from './errors.ts';

/** Limits of AWS's attestation_process.md, section 3.1; `cabundle` entries as Sui's verifier limits them. */
const PCRS_MAX = 32;
const PCR_INDEX_MAX = 31;
const PCR_SIZES = [32, 48, 64];
const CERTIFICATE_BYTES_MAX = 1024;
const CABUNDLE_MAX = 10;
const PUBLIC_KEY_BYTES_MAX = 1024;
const USER_DATA_BYTES_MAX = 512;
const NONCE_BYTES_MAX = 512;
/** The last time a JavaScript Date can hold (year 275760). */
const TIME_MS_MAX = 8.64e15;

const FIELDS = new Set([
  'module_id',
  'digest',
  'timestamp',
  'pcrs',
  'certificate',
  'cabundle',
  'public_key',
  'user_data',
  'nonce',
]);

/** An attestation document as AWS defines it, every field in range; what it says is not yet believed. */
export interface AttestationDocument {
  readonly moduleId: string;
  readonly digest: 'SHA384';
  /** When the NSM made it, milliseconds since 1970. */
  readonly timestampMs: number;
  /** By index, 0 to 31; 32, 48 or 64 bytes each. */
  readonly pcrs: ReadonlyMap<number, Bytes>;
  /** Leaf certificate, DER. */
  readonly certificate: Bytes;
  /** DER, the root first, the issuer of the leaf last. */
  readonly cabundle: readonly Bytes[];
  readonly publicKey: Bytes | null;
  readonly userData: Bytes | null;
  readonly nonce: Bytes | null;
}

/** Parses the payload of the COSE_Sign1 by AWS's rules. */
export function parseDocument(payload: Bytes): AttestationDocument {
  const map = decodeCbor(payload, { rootMapMayBeIndefinite: true });
  if (!(map instanceof Map)) throw new AttestationError('DOCUMENT_SHAPE', 'the payload is not a map');
  for (const key of map.keys()) {
    if (typeof key !== 'string') throw new AttestationError('DOCUMENT_SHAPE', 'a field name is not text');
    if (!FIELDS.has(key)) throw new AttestationError('DOCUMENT_FIELD_UNKNOWN', `unknown field ${show(key)}`);
  }
  return {
    moduleId: moduleId(mandatory(map, 'module_id')),
    digest: digest(mandatory(map, 'digest')),
    timestampMs: timestamp(mandatory(map, 'timestamp')),
    pcrs: pcrs(mandatory(map, 'pcrs')),
    certificate: sized(mandatory(map, 'certificate'), 1, CERTIFICATE_BYTES_MAX, 'DOCUMENT_CERTIFICATE'),
    cabundle: cabundle(mandatory(map, 'cabundle')),
    publicKey: optional(map, 'public_key', 1, PUBLIC_KEY_BYTES_MAX, 'DOCUMENT_PUBLIC_KEY'),
    userData: optional(map, 'user_data', 0, USER_DATA_BYTES_MAX, 'DOCUMENT_USER_DATA'),
    nonce: optional(map, 'nonce', 0, NONCE_BYTES_MAX, 'DOCUMENT_NONCE'),
  };
}

function mandatory(map: CborMap, field: string): CborValue {
  const value = map.get(field);
  if (value === undefined) throw new AttestationError('DOCUMENT_FIELD_MISSING', `field ${field} is missing`);
  return value;
}

function moduleId(value: CborValue): string {
  if (typeof value === 'string' && value.length > 0) return value;
  throw new AttestationError('DOCUMENT_MODULE_ID', 'module_id is not a non-empty text');
}

function digest(value: CborValue): 'SHA384' {
  if (value === 'SHA384') return value;
  throw new AttestationError('DOCUMENT_DIGEST', 'digest is not SHA384');
}

function timestamp(value: CborValue): number {
  const milliseconds = typeof value === 'bigint' ? Number(value) : value;
  if (typeof milliseconds === 'number' && isTime(milliseconds)) return milliseconds;
  throw new AttestationError('DOCUMENT_TIMESTAMP', 'timestamp is not a positive number of milliseconds');
}

/** Whole milliseconds since 1970. NaN compares false with everything, so it must not get past this. */
export function isTime(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms > 0 && ms <= TIME_MS_MAX;
}

function pcrs(value: CborValue): ReadonlyMap<number, Bytes> {
  if (!(value instanceof Map) || value.size === 0 || value.size > PCRS_MAX) {
    throw new AttestationError('DOCUMENT_PCRS', `pcrs is not a map of 1 to ${PCRS_MAX} entries`);
  }
  const result = new Map<number, Bytes>();
  for (const [index, pcr] of value) {
    if (typeof index !== 'number' || index < 0 || index > PCR_INDEX_MAX) {
      throw new AttestationError('DOCUMENT_PCR_INDEX', `PCR index ${show(String(index))} is not 0 to 31`);
    }
    if (!(pcr instanceof Uint8Array) || !PCR_SIZES.includes(pcr.length)) {
      throw new AttestationError('DOCUMENT_PCR_SIZE', `PCR${index} is not 32, 48 or 64 bytes`);
    }
    result.set(index, pcr);
  }
  return result;
}

function cabundle(value: CborValue): readonly Bytes[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > CABUNDLE_MAX) {
    throw new AttestationError('DOCUMENT_CABUNDLE', `cabundle is not an array of 1 to ${CABUNDLE_MAX}`);
  }
  return value.map((entry) => sized(entry, 1, CERTIFICATE_BYTES_MAX, 'DOCUMENT_CABUNDLE'));
}

function optional(
  map: CborMap,
  field: string,
  min: number,
  max: number,
  code: AttestationErrorCode,
): Bytes | null {
  const value = map.get(field) ?? null;
  return value === null ? null : sized(value, min, max, code);
}

function sized(value: CborValue, min: number, max: number, code: AttestationErrorCode): Bytes {
  if (value instanceof Uint8Array && value.length >= min && value.length <= max) return value;
  throw new AttestationError(code, `expected a byte string of ${min} to ${max} bytes`);
}

/** Untrusted text in a message: short, and quoted so that control characters stay visible. */
function show(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
