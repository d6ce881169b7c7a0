/**
 * A second opinion on an accepted document, with nobody's code but the verifier's left out: `cbor` (the decoder of
 * cose-js) reads it, noble's P-384 verifies it, and the Sig_structure is written by the test encoder.
 */
import { createRequire } from 'node:module';
import type { AttestationDocument } from '../../index.ts';
import { encodeTree, nodesOf, parseTree, type Node } from './cbor-tree.ts';
import { array, bytes, raw, text } from './encoder.ts';

export interface Judgement {
  /** What was signed: RFC 9052 section 4.4, over the parts as `cbor` reads them. */
  readonly sigStructure: Uint8Array;
  /** Whether the leaf certificate's key made the signature. Either s is valid: ECDSA does not say which. */
  readonly signatureValid: boolean;
  /** The payload's fields as `cbor` reads them. */
  readonly document: Readonly<Record<string, unknown>>;
}

interface CborPackage {
  decodeFirstSync(bytes: Buffer, options: { preventDuplicateKeys: boolean }): unknown;
}

interface NobleCurves {
  readonly p384: {
    verify(signature: Uint8Array, message: Uint8Array, key: Uint8Array, options: { lowS: boolean }): boolean;
  };
}

const require = createRequire(import.meta.url);
const cbor = createRequire(require.resolve('cose-js'))('cbor') as CborPackage;
// The ledger's dependency: the verifier's own closure, which is measured, must not grow by its judge.
const ledger = new URL('../../../../sui/ledger/package.json', import.meta.url);
const { p384 } = createRequire(ledger)('@noble/curves/nist.js') as NobleCurves;
/** SubjectPublicKeyInfo of an uncompressed P-384 key up to the 97 bytes of its point (RFC 5480). */
const SPKI = raw('3076301006072a8648ce3d020106052b81040022036200');

/** @throws at what `cbor` refuses, repeated keys among it. */
export function judge(document: Uint8Array): Judgement {
  const options = { preventDuplicateKeys: true };
  const decoded = cbor.decodeFirstSync(Buffer.from(document), options);
  const parts = Array.isArray(decoded) ? decoded : (decoded as { value: unknown[] }).value;
  const [protectedHeader, , payload, signature] = parts as [Buffer, unknown, Buffer, Buffer];
  const fields = cbor.decodeFirstSync(payload, options) as Record<string, unknown>;
  const sigStructure = array(text('Signature1'), bytes(protectedHeader), raw('40'), bytes(payload));
  return {
    sigStructure,
    signatureValid: verifies(fields['certificate'] as Buffer, sigStructure, signature),
    document: fields,
  };
}

/** Whether the payload's map is the one thing of indefinite length and every head the shortest. */
export function inOneForm(payload: Uint8Array): boolean {
  const root = parseTree(payload);
  const isOpen = (node: Node): boolean =>
    (node.kind === 'map' || node.kind === 'array') && node.indefinite === true;
  const below = nodesOf(root).slice(1);
  return Buffer.compare(encodeTree(root), payload) === 0 && !below.some(isOpen);
}

function verifies(certificate: Buffer, message: Uint8Array, signature: Uint8Array): boolean {
  const at = certificate.indexOf(SPKI);
  if (at === -1 || signature.length !== 96) return false;
  const point = Uint8Array.from(certificate.subarray(at + SPKI.length, at + SPKI.length + 97));
  return p384.verify(Uint8Array.from(signature), message, point, { lowS: false });
}

/** Fields of a document in one form, to compare what two readers found in it. */
export function plainFields(document: AttestationDocument): unknown {
  return {
    module_id: document.moduleId,
    digest: document.digest,
    timestamp: document.timestampMs,
    pcrs: [...document.pcrs].map(([index, pcr]) => [index, hex(pcr)]),
    certificate: hex(document.certificate),
    cabundle: document.cabundle.map(hex),
    public_key: hex(document.publicKey),
    user_data: hex(document.userData),
    nonce: hex(document.nonce),
  };
}

/** The same of a map as `cbor` returns it: field names as sent, absent fields undefined. */
export function plainMap(map: Judgement['document']): unknown {
  const pcrs = map['pcrs'] as ReadonlyMap<number, Uint8Array>;
  return {
    module_id: map['module_id'],
    digest: map['digest'],
    timestamp: Number(map['timestamp']),
    pcrs: [...pcrs].map(([index, pcr]) => [index, hex(pcr)]),
    certificate: hex(map['certificate']),
    cabundle: (map['cabundle'] as unknown[]).map(hex),
    public_key: hex(map['public_key']),
    user_data: hex(map['user_data']),
    nonce: hex(map['nonce']),
  };
}

function hex(value: unknown): string | null {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : null;
}
