import { CodedError, type Bytes } from '@k3s-daas/core';

/** Limits of an NSM attestation request (aws-nitro-enclaves-nsm-api, docs/attestation_process.md). */
const USER_DATA_BYTES_MAX = 512;
const NONCE_BYTES_MAX = 512;
const PUBLIC_KEY_BYTES_MAX = 1024;

export interface AttestationRequest {
  /** At most 512 bytes. */
  readonly userData?: Bytes;
  /** At most 512 bytes. */
  readonly nonce?: Bytes;
  /** 1 to 1024 bytes. */
  readonly publicKey?: Bytes;
}

export interface NsmDescription {
  /** As in the documents it makes. */
  readonly moduleId: string;
  /** By index, 48 bytes each; only those that are locked, so that nobody in the enclave can change them. */
  readonly pcrs: ReadonlyMap<number, Bytes>;
}

/**
 * The Nitro Secure Module: the only thing that can state what runs in this enclave. `kind` says which trust anchor
 * its documents lead to; no check may be switched by it. A device serialises requests, so never attest per decision.
 */
export interface Nsm {
  readonly kind: 'device' | 'development';
  describe(): NsmDescription;
  /** An attestation document: untagged COSE_Sign1, at most 12288 bytes. Throws `NsmError`. */
  attest(request: AttestationRequest): Promise<Bytes>;
  /** 256 random bytes of the NSM's own generator (GetRandom). Throws `NsmError`. */
  random(): Promise<Bytes>;
}

/** What AWS's NSM gives for one GetRandom. */
export const RANDOM_BYTES = 256;

export type NsmErrorCode =
  | 'NSM_USER_DATA_SIZE'
  | 'NSM_NONCE_SIZE'
  | 'NSM_PUBLIC_KEY_SIZE'
  | 'NSM_MODULE_ID'
  | 'NSM_PCRS'
  | 'NSM_AUTHORITY'
  | 'NSM_DEVICE_MISSING'
  | 'NSM_PROGRAM_FAILED'
  | 'NSM_TIMEOUT'
  | 'NSM_RESPONSE_MALFORMED'
  | 'NSM_REFUSED'
  | 'NSM_VERSION'
  | 'MEASURE_FILE';

export class NsmError extends CodedError<NsmErrorCode> {}

/** Refuses what a real NSM refuses, so that development does not accept more. */
export function checkRequest(request: AttestationRequest): void {
  checkSize(request.userData, 0, USER_DATA_BYTES_MAX, 'NSM_USER_DATA_SIZE', 'user_data');
  checkSize(request.nonce, 0, NONCE_BYTES_MAX, 'NSM_NONCE_SIZE', 'nonce');
  checkSize(request.publicKey, 1, PUBLIC_KEY_BYTES_MAX, 'NSM_PUBLIC_KEY_SIZE', 'public_key');
}

function checkSize(
  value: Bytes | undefined,
  min: number,
  max: number,
  code: NsmErrorCode,
  field: string,
): void {
  if (value === undefined || (value.length >= min && value.length <= max)) return;
  throw new NsmError(
    code,
    `${field} has ${value.length} bytes, the NSM takes ${min} to ${max}`,
    `Put a hash of the data into ${field} and hand over the data itself by other means.`,
  );
}
