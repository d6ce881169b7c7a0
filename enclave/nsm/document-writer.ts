import { sign, type KeyObject } from 'node:crypto';
import type { Bytes } from '@k3s-daas/core';
import { array, bytes, bytesOrNull, indefiniteMap, map, text, unsigned } from './cbor-writer.ts';

// Written against RFC 8949 and 9052 on its own: it shares no code with the verifier, so that a misreading of the
// format on one side shows as a failure instead of cancelling out.

export interface DocumentFields {
  readonly moduleId: string;
  readonly timestampMs: number;
  readonly pcrs: ReadonlyMap<number, Bytes>;
  readonly certificate: Bytes;
  readonly cabundle: readonly Bytes[];
  readonly publicKey: Bytes | null;
  readonly userData: Bytes | null;
  readonly nonce: Bytes | null;
}

/** {1: -35}: alg ES384. */
const PROTECTED = new Uint8Array([0xa1, 0x01, 0x38, 0x22]);

/** The payload as AWS writes it since November 2025: an indefinite map in this order, absent options as null. */
export function writePayload(fields: DocumentFields): Bytes {
  const pcrs = [...fields.pcrs].sort(([a], [b]) => a - b);
  return indefiniteMap([
    [text('module_id'), text(fields.moduleId)],
    [text('digest'), text('SHA384')],
    [text('timestamp'), unsigned(fields.timestampMs)],
    [text('pcrs'), map(pcrs.map(([index, pcr]) => [unsigned(index), bytes(pcr)]))],
    [text('certificate'), bytes(fields.certificate)],
    [text('cabundle'), array(fields.cabundle.map(bytes))],
    [text('public_key'), bytesOrNull(fields.publicKey)],
    [text('user_data'), bytesOrNull(fields.userData)],
    [text('nonce'), bytesOrNull(fields.nonce)],
  ]);
}

/** Untagged COSE_Sign1 (RFC 9052 section 4.2) with ES384 by `key`, a P-384 private key. */
export function writeCoseSign1(payload: Bytes, key: KeyObject): Bytes {
  const protectedHeader = bytes(PROTECTED);
  const toBeSigned = array([text('Signature1'), protectedHeader, bytes(new Uint8Array()), bytes(payload)]);
  const signature = sign('sha384', toBeSigned, { key, dsaEncoding: 'ieee-p1363' });
  return array([protectedHeader, map([]), bytes(payload), bytes(new Uint8Array(signature))]);
}
