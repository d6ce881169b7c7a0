import { sign, type KeyObject } from 'node:crypto';
import { concatBytes, utf8, type Bytes } from '@k3s-daas/core';

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

const NULL = new Uint8Array([0xf6]);
/** {1: -35}: alg ES384. */
const PROTECTED = new Uint8Array([0xa1, 0x01, 0x38, 0x22]);
const EMPTY_MAP = new Uint8Array([0xa0]);

/** The payload as AWS writes it since November 2025: an indefinite map in this order, absent options as null. */
export function writePayload(fields: DocumentFields): Bytes {
  const entries: [string, Bytes][] = [
    ['module_id', text(fields.moduleId)],
    ['digest', text('SHA384')],
    ['timestamp', unsigned(fields.timestampMs)],
    ['pcrs', pcrMap(fields.pcrs)],
    ['certificate', bytes(fields.certificate)],
    ['cabundle', concatBytes(head(0x80, fields.cabundle.length), ...fields.cabundle.map(bytes))],
    ['public_key', bytesOrNull(fields.publicKey)],
    ['user_data', bytesOrNull(fields.userData)],
    ['nonce', bytesOrNull(fields.nonce)],
  ];
  return concatBytes(
    new Uint8Array([0xbf]),
    ...entries.flatMap(([name, value]) => [text(name), value]),
    new Uint8Array([0xff]),
  );
}

/** Untagged COSE_Sign1 (RFC 9052 section 4.2) with ES384 by `key`, a P-384 private key. */
export function writeCoseSign1(payload: Bytes, key: KeyObject): Bytes {
  const protectedHeader = bytes(PROTECTED);
  const toBeSigned = concatBytes(
    head(0x80, 4),
    text('Signature1'),
    protectedHeader,
    bytes(new Uint8Array()),
    bytes(payload),
  );
  const signature = sign('sha384', toBeSigned, { key, dsaEncoding: 'ieee-p1363' });
  return concatBytes(
    head(0x80, 4),
    protectedHeader,
    EMPTY_MAP,
    bytes(payload),
    bytes(new Uint8Array(signature)),
  );
}

function pcrMap(pcrs: ReadonlyMap<number, Bytes>): Bytes {
  const entries = [...pcrs].sort(([a], [b]) => a - b);
  return concatBytes(head(0xa0, entries.length), ...entries.flatMap(([i, pcr]) => [unsigned(i), bytes(pcr)]));
}

function bytesOrNull(value: Bytes | null): Bytes {
  return value === null ? NULL : bytes(value);
}

function bytes(value: Bytes): Bytes {
  return concatBytes(head(0x40, value.length), value);
}

function text(value: string): Bytes {
  const encoded = utf8(value);
  return concatBytes(head(0x60, encoded.length), encoded);
}

function unsigned(value: number): Bytes {
  return head(0x00, value);
}

/** Initial byte and argument in shortest form (RFC 8949 section 3). */
function head(major: number, argument: number): Bytes {
  if (argument < 24) return new Uint8Array([major | argument]);
  const size = argument <= 0xff ? 1 : argument <= 0xffff ? 2 : argument <= 0xffff_ffff ? 4 : 8;
  const buffer = Buffer.alloc(9);
  buffer.writeBigUInt64BE(BigInt(argument), 1);
  const start = 9 - size;
  buffer[start - 1] = major | (24 + Math.log2(size));
  return new Uint8Array(buffer.subarray(start - 1));
}
