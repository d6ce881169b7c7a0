import { createHash, createPublicKey, verify } from 'node:crypto';

import { ENCLAVE_USER, equalBytes, sha256, toBase64, type Bytes } from '@k3s-daas/core';

import { RegistrarError } from './errors.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

// The one request that is signed, byte by byte (RFC 2986): version 0, the subject CN=k3s-daas:enclave as
// PrintableString, a P-256 key, no attributes, ecdsa-with-SHA256. There is nothing to parse, and so nothing to
// misread: an organisation (a group of Kubernetes), a second name or an extension would be other bytes.
const NAME = Buffer.from(ENCLAVE_USER, 'ascii');
const SUBJECT = nested(0x30, nested(0x31, nested(0x30, hex('0603550403'), nested(0x13, NAME))));
const KEY_HEADER = hex('3059301306072a8648ce3d020106082a8648ce3d03010703420004');
const KEY_BYTES = KEY_HEADER.length + 64;
const BEFORE_KEY = Buffer.concat([hex('020100'), SUBJECT]);
const NO_ATTRIBUTES = hex('a000');
const INFO_BYTES = BEFORE_KEY.length + KEY_BYTES + NO_ATTRIBUTES.length;
const INFO_HEADER = Buffer.from([0x30, INFO_BYTES]);
const ALGORITHM = hex('300a06082a8648ce3d040302');
const PEM =
  /^-----BEGIN CERTIFICATE REQUEST-----\s+([A-Za-z0-9+/=\s]{1,1024})-----END CERTIFICATE REQUEST-----\s*$/;

/** A request that was found to be for exactly the enclave's user and the attested key. */
export interface CheckedRequest {
  /** In one canonical form: 64 columns, as the admission policy in manifests/base/registrar.yaml expects it. */
  readonly pem: string;
  /** SHA-256 of the key's SubjectPublicKeyInfo: the attested one. */
  readonly keyHash: Bytes;
}

/**
 * Takes a certificate request only if it is for CN=k3s-daas:enclave, without organizations, extensions or other names,
 * for the TLS key that the session on chain has, and signed by that key.
 * @throws RegistrarError CSR_REFUSED
 */
export function checkRequest(pem: string, tlsKeyHash: Bytes): CheckedRequest {
  const body = PEM.exec(pem)?.[1]?.replace(/\s/g, '') ?? '';
  const der = Buffer.from(body, 'base64');
  if (body === '' || der.toString('base64') !== body) throw refused('it is not one PEM request');
  const [outer, content] = header(der);
  if (outer !== 0x30) throw refused('it is not a request');
  const info = content.subarray(0, INFO_HEADER.length + INFO_BYTES);
  const [start, key, attributes] = split(info.subarray(INFO_HEADER.length), [BEFORE_KEY.length, KEY_BYTES]);
  if (!info.subarray(0, INFO_HEADER.length).equals(INFO_HEADER) || !start.equals(BEFORE_KEY)) {
    throw refused(`it is not for exactly CN=${ENCLAVE_USER} and a P-256 key, without attributes`);
  }
  if (!key.subarray(0, KEY_HEADER.length).equals(KEY_HEADER)) throw refused('its key is not a P-256 key');
  if (!attributes.equals(NO_ATTRIBUTES)) throw refused('it asks for attributes or extensions');
  const [algorithm, bits] = split(content.subarray(info.length), [ALGORITHM.length]);
  const [tag, signature] = header(bits);
  if (!algorithm.equals(ALGORITHM) || tag !== 0x03 || signature[0] !== 0) {
    throw refused('it is not signed with ECDSA and SHA-256');
  }
  if (!equalBytes(sha256(key), tlsKeyHash)) {
    throw refused('its key is not the TLS key that the enclave’s session has on chain');
  }
  const publicKey = publicKeyOf(key);
  if (publicKey === null || !verify('sha256', info, publicKey, signature.subarray(1))) {
    throw refused('it is not signed by the key that it holds');
  }
  const lines = toBase64(der).replace(/.{64}(?=.)/g, '$&\n');
  const canonical = `-----BEGIN CERTIFICATE REQUEST-----\n${lines}\n-----END CERTIFICATE REQUEST-----\n`;
  return { pem: canonical, keyHash: tlsKeyHash };
}

/** Names a request by its key, so that a second attempt finds the first. */
export function requestName({ keyHash }: CheckedRequest): string {
  return `k3s-daas-enclave-${createHash('sha256').update(keyHash).digest('hex').slice(0, 32)}`;
}

/** Tag and content of the element that fills `bytes` (X.690, lengths below 256 in shortest form). */
function header(bytes: Buffer): [tag: number | undefined, content: Buffer] {
  const long = bytes[1] === 0x81;
  const length = (long ? bytes[2] : bytes[1]) ?? -1;
  const content = bytes.subarray(long ? 3 : 2);
  if (content.length !== length || long !== length >= 0x80) throw refused('a length in it is wrong');
  return [bytes[0], content];
}

function split(bytes: Buffer, [first = 0, second]: readonly number[]): [Buffer, Buffer, Buffer] {
  const end = first + (second ?? bytes.length);
  return [bytes.subarray(0, first), bytes.subarray(first, end), bytes.subarray(end)];
}

function publicKeyOf(spki: Buffer): ReturnType<typeof createPublicKey> | null {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' });
  } catch {
    return null;
  }
}

function nested(tag: number, ...content: readonly Buffer[]): Buffer {
  const whole = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, whole.length]), whole]);
}

function refused(why: string): RegistrarError {
  return new RegistrarError(
    'CSR_REFUSED',
    `the enclave's certificate request is not signed: ${why}`,
    'the enclave serves the right one at /api/v1/tee/attestation; distrust what answers there',
  );
}
