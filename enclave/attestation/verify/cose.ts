import { verify, type KeyObject } from 'node:crypto';
import { concatBytes, equalBytes, utf8, type Bytes } from '@k3s-daas/core';
import { decodeCbor } from './cbor.ts';
import { AttestationError } from './errors.ts';

/** AWS: the payload has 1 to 2^14 bytes (attestation_process.md, section 3.2.2.2). */
const PAYLOAD_BYTES_MAX = 16_384;
/** tag, array head, protected (5), unprotected (1), payload head (3), signature head (2) and signature (96). */
export const DOCUMENT_BYTES_MAX = 1 + 1 + 5 + 1 + 3 + PAYLOAD_BYTES_MAX + 2 + 96;
const SIGNATURE_BYTES = 96;
const COSE_SIGN1_TAG = 0xd2;
/** {1: -35}: alg ES384. Under shortest-form CBOR this is its only encoding. */
const PROTECTED_ES384 = new Uint8Array([0xa1, 0x01, 0x38, 0x22]);

export interface CoseSign1 {
  /** The received bytes of the protected header, as they were signed. */
  readonly protectedHeader: Bytes;
  /** The received bytes of the payload, as they were signed. */
  readonly payload: Bytes;
  /** r and s, 48 bytes each. */
  readonly signature: Bytes;
}

/** Parses an AWS COSE_Sign1 (RFC 9052 section 4.2), with or without tag 18. The result owns its bytes. */
export function parseCoseSign1(received: Bytes): CoseSign1 {
  if (received.length === 0 || received.length > DOCUMENT_BYTES_MAX) {
    throw new AttestationError(
      'DOCUMENT_SIZE',
      `a document has 1 to ${DOCUMENT_BYTES_MAX} bytes, not ${received.length}`,
    );
  }
  // A private copy: the caller cannot change under us what was checked.
  const bytes = new Uint8Array(received);
  const untagged = bytes[0] === COSE_SIGN1_TAG ? bytes.subarray(1) : bytes;
  const parts = decodeCbor(untagged, { rootMapMayBeIndefinite: false });
  if (!Array.isArray(parts) || parts.length !== 4) {
    throw new AttestationError('COSE_SHAPE', 'the document is not an array of four');
  }
  const [protectedHeader, unprotectedHeader, payload, signature] = parts;
  if (!(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) {
    throw new AttestationError('COSE_SHAPE', 'payload and signature must be byte strings');
  }
  if (!(protectedHeader instanceof Uint8Array) || !equalBytes(protectedHeader, PROTECTED_ES384)) {
    throw new AttestationError('COSE_PROTECTED_HEADER', 'the protected header is not {1: -35}');
  }
  if (!(unprotectedHeader instanceof Map) || unprotectedHeader.size !== 0) {
    throw new AttestationError('COSE_UNPROTECTED_HEADER', 'the unprotected header is not empty');
  }
  if (payload.length === 0 || payload.length > PAYLOAD_BYTES_MAX) {
    throw new AttestationError('COSE_PAYLOAD_SIZE', `the payload has ${payload.length} bytes`);
  }
  if (signature.length !== SIGNATURE_BYTES) {
    throw new AttestationError('COSE_SIGNATURE_SIZE', `the signature has ${signature.length} bytes`);
  }
  return { protectedHeader, payload, signature };
}

/** Sig_structure of RFC 9052 section 4.4: ["Signature1", protected, external_aad = h'', payload]. */
export function sigStructure(protectedHeader: Bytes, payload: Bytes): Bytes {
  return concatBytes(
    new Uint8Array([0x84, 0x6a]),
    utf8('Signature1'),
    byteStringHead(protectedHeader.length),
    protectedHeader,
    byteStringHead(0),
    byteStringHead(payload.length),
    payload,
  );
}

/** ES384 over the received bytes. `key` is the P-384 key of the leaf certificate. High s is allowed, as by AWS. */
export function verifyCoseSignature(cose: CoseSign1, key: KeyObject): void {
  const message = sigStructure(cose.protectedHeader, cose.payload);
  if (!verify('sha384', message, { key, dsaEncoding: 'ieee-p1363' }, cose.signature)) {
    throw new AttestationError('COSE_SIGNATURE', 'the signature is not by the key of the leaf certificate');
  }
}

function byteStringHead(length: number): Bytes {
  if (length < 24) return new Uint8Array([0x40 | length]);
  if (length < 0x100) return new Uint8Array([0x58, length]);
  return new Uint8Array([0x59, length >> 8, length & 0xff]);
}
