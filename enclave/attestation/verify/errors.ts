import { CodedError } from '@k3s-daas/core';

/**
 * One remedy per rule; the keys are the closed set of codes. A document either passes every rule or fails with
 * exactly one of these.
 */
const REMEDIES = {
  DOCUMENT_SIZE: 'Send the attestation document itself, as the NSM returned it.',
  CBOR_TRUNCATED: 'Send the whole document, without framing or base64 damage.',
  CBOR_TRAILING_BYTES: 'Send the document alone, with nothing after its last byte.',
  CBOR_DUPLICATE_KEY: 'Refuse the document: a map with a repeated key has no single meaning.',
  CBOR_TAG: 'Only the outer COSE_Sign1 tag 18 is allowed.',
  CBOR_DEPTH: 'Refuse the document: nothing in an attestation nests this deep.',
  CBOR_ITEM_COUNT: 'Refuse the document: nothing in an attestation has this many entries.',
  CBOR_NOT_MINIMAL: 'Encode every integer and length in its shortest form (RFC 8949 section 4.2.1).',
  CBOR_INDEFINITE: 'Only the payload map may have indefinite length.',
  CBOR_TYPE: 'Use only integers, byte strings, text strings, arrays, maps and null.',
  CBOR_KEY: 'Use only integers and text strings as map keys.',
  CBOR_UTF8: 'Text strings must be valid UTF-8 (RFC 8949 section 3.1).',
  COSE_SHAPE: 'Send an array of four: protected, unprotected, payload, signature (RFC 9052 section 4.2).',
  COSE_PROTECTED_HEADER: 'The protected header must be exactly {1: -35} (ES384), bytes a1013822.',
  COSE_UNPROTECTED_HEADER: 'The unprotected header must be the empty map.',
  COSE_PAYLOAD_SIZE: 'The payload must have 1 to 16384 bytes.',
  COSE_SIGNATURE_SIZE: 'The signature must be raw r and s, 96 bytes in all.',
  COSE_SIGNATURE:
    'Ask the enclave for a new document; this one was altered or not signed by its certificate.',
  DOCUMENT_SHAPE: 'The payload must be one CBOR map with text keys.',
  DOCUMENT_FIELD_MISSING: 'The document must have every field that AWS lists as mandatory.',
  DOCUMENT_FIELD_UNKNOWN: 'The document may have only the fields that AWS lists.',
  DOCUMENT_MODULE_ID: 'module_id must be a non-empty text string.',
  DOCUMENT_DIGEST: 'digest must be "SHA384".',
  DOCUMENT_TIMESTAMP: 'timestamp must be a positive number of milliseconds.',
  DOCUMENT_PCRS: 'pcrs must be a map of 1 to 32 entries.',
  DOCUMENT_PCR_INDEX: 'A PCR index must be an integer from 0 to 31.',
  DOCUMENT_PCR_SIZE: 'A PCR must be a byte string of 32, 48 or 64 bytes.',
  DOCUMENT_CERTIFICATE: 'certificate must be a byte string of 1 to 1024 bytes.',
  DOCUMENT_CABUNDLE: 'cabundle must hold 1 to 10 byte strings of 1 to 1024 bytes, the root first.',
  DOCUMENT_PUBLIC_KEY: 'public_key must be null or a byte string of 1 to 1024 bytes.',
  DOCUMENT_USER_DATA: 'user_data must be null or a byte string of at most 512 bytes.',
  DOCUMENT_NONCE: 'nonce must be null or a byte string of at most 512 bytes.',
  CERTIFICATE_DER: 'Certificates must be strict DER X.509 version 3, without trailing bytes.',
  CERTIFICATE_ALGORITHM: 'Certificates must be signed with ecdsa-with-SHA384.',
  CERTIFICATE_KEY: 'Certificates must hold an uncompressed P-384 key.',
  CERTIFICATE_EXTENSION: 'Extensions must be unique, and critical ones understood.',
  CERTIFICATE_NOT_YET_VALID: 'Check the clock; the certificate is not valid yet.',
  CERTIFICATE_EXPIRED: 'Ask the enclave for a new document; a leaf certificate lives three hours.',
  CERTIFICATE_BASIC_CONSTRAINTS: 'Every certificate of cabundle must have critical basicConstraints with cA.',
  CERTIFICATE_KEY_USAGE: 'Every certificate of cabundle must have keyCertSign.',
  CERTIFICATE_PATH_LENGTH: 'The chain is longer than a certificate in it allows.',
  CERTIFICATE_ISSUER: 'cabundle must run from the root to the issuer of the leaf, each issuing the next.',
  CERTIFICATE_SIGNATURE: 'Refuse the document: a certificate is not signed by the one before it.',
  LEAF_IS_CA: 'The leaf certificate must not be a CA.',
  LEAF_KEY_USAGE: 'The leaf certificate must have digitalSignature and not keyCertSign.',
  ROOT_MISMATCH: 'Configure the trust anchor of the world the enclave runs in (AWS root G1 in production).',
  TIME_INVALID: 'Pass whole milliseconds since 1970 as the time of verification.',
  TIME_OUTSIDE_LEAF: 'Ask the enclave for a new document; this one is not dated within its leaf certificate.',
  TIME_IN_FUTURE: 'Check the clock of this machine; the document is dated after it.',
  TIME_TOO_OLD: 'Ask the enclave for a new document.',
  POLICY_INVALID:
    'Give PCR0, PCR1 and PCR2 as 48 bytes each that are not all zero, and the rest as byte strings.',
  POLICY_DEBUG: 'Start the enclave without debug mode; in debug mode the PCRs are zero.',
  POLICY_PCR: 'Run the enclave image whose measurements were published.',
  POLICY_NONCE: 'Ask for a new document with the nonce of this request.',
  POLICY_USER_DATA: 'The document must bind the expected user data.',
  POLICY_PUBLIC_KEY: 'The document must bind the expected public key.',
} as const;

export type AttestationErrorCode = keyof typeof REMEDIES;

/** Every code, for tests and documentation. */
export const attestationErrorCodes = Object.keys(REMEDIES) as AttestationErrorCode[];

/** The only error this package throws at a document: `code` names the rule that failed. */
export class AttestationError extends CodedError<AttestationErrorCode> {
  constructor(code: AttestationErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, REMEDIES[code], options);
  }
}
