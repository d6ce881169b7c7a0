import type { Bytes } from '@k3s-daas/core';
import { malformed, readCbor, type CborFields, type CborItem } from './cbor-reader.ts';
import { bytesOrNull, map, text, unsigned } from './cbor-writer.ts';
import { checkRequest, NsmError, type AttestationRequest } from './nsm.ts';

// The messages of the NSM device: CBOR as serde writes the enums `Request` and `Response` of AWS's crate
// aws-nitro-enclaves-nsm-api 0.5.2 (src/api/mod.rs). test/vectors/ holds what that crate itself makes of them.

/** NSM_RESPONSE_MAX_SIZE of the crate's src/driver/mod.rs; the kernel's driver has the same. */
export const RESPONSE_BYTES_MAX = 0x3000;

/** The requests that an enclave of ours makes; it never extends or locks a PCR. */
export type NsmRequest =
  | { readonly kind: 'DescribeNSM' }
  | { readonly kind: 'DescribePCR'; readonly index: number }
  | { readonly kind: 'GetRandom' }
  | ({ readonly kind: 'Attestation' } & AttestationRequest);

const ERROR_NAMES = [
  'Success',
  'InvalidArgument',
  'InvalidIndex',
  'InvalidResponse',
  'ReadOnlyIndex',
  'InvalidOperation',
  'BufferTooSmall',
  'InputTooLarge',
  'InternalError',
] as const;
const DIGESTS = ['SHA256', 'SHA384', 'SHA512'] as const;

/** `ErrorCode` of the crate. */
export type NsmErrorName = (typeof ERROR_NAMES)[number];

export type NsmResponse =
  | {
      readonly kind: 'DescribeNSM';
      readonly versionMajor: number;
      readonly versionMinor: number;
      readonly versionPatch: number;
      readonly moduleId: string;
      readonly maxPcrs: number;
      /** Those that nobody can change any more. */
      readonly lockedPcrs: readonly number[];
      readonly digest: (typeof DIGESTS)[number];
    }
  | { readonly kind: 'DescribePCR'; readonly lock: boolean; readonly data: Bytes }
  | { readonly kind: 'Attestation'; readonly document: Bytes }
  | { readonly kind: 'GetRandom'; readonly random: Bytes }
  | { readonly kind: 'Error'; readonly error: NsmErrorName };

/** The CBOR of a request, at most 4096 bytes. Throws `NsmError` for what an NSM would refuse. */
export function encodeRequest(request: NsmRequest): Bytes {
  switch (request.kind) {
    case 'DescribeNSM':
    case 'GetRandom':
      return text(request.kind);
    case 'DescribePCR':
      checkU16(request.index);
      return map([[text(request.kind), map([[text('index'), unsigned(request.index)]])]]);
    case 'Attestation': {
      checkRequest(request);
      const fields = map([
        [text('user_data'), bytesOrNull(request.userData ?? null)],
        [text('nonce'), bytesOrNull(request.nonce ?? null)],
        [text('public_key'), bytesOrNull(request.publicKey ?? null)],
      ]);
      return map([[text(request.kind), fields]]);
    }
  }
}

/**
 * Reads a response. Members that we do not know are passed over, as the crate does: a minor version of the NSM may
 * add some. Throws `NSM_RESPONSE_MALFORMED` for everything that is not one of the five variants.
 */
export function decodeResponse(bytes: Bytes): NsmResponse {
  if (bytes.length > RESPONSE_BYTES_MAX)
    throw malformed(`${bytes.length} bytes are over ${RESPONSE_BYTES_MAX}`);
  const item = readCbor(bytes);
  const [entry, second] = item instanceof Map ? [...(item as CborFields)] : [];
  if (entry === undefined || second !== undefined) throw malformed('it is not a map of one variant');
  const [kind, value] = entry;
  if (kind === 'Error') return { kind, error: oneOf(value, ERROR_NAMES, 'Error') };
  if (!(value instanceof Map)) throw malformed(`${shown(kind)} holds no fields`);
  const fields = value as CborFields;
  switch (kind) {
    case 'DescribeNSM':
      return {
        kind,
        versionMajor: u16(fields, 'version_major'),
        versionMinor: u16(fields, 'version_minor'),
        versionPatch: u16(fields, 'version_patch'),
        moduleId: moduleId(fields),
        maxPcrs: u16(fields, 'max_pcrs'),
        lockedPcrs: lockedPcrs(fields),
        digest: oneOf(fields.get('digest'), DIGESTS, 'digest'),
      };
    case 'DescribePCR': {
      const lock = fields.get('lock');
      if (typeof lock !== 'boolean') throw malformed('lock is not a boolean');
      return { kind, lock, data: byteString(fields, 'data') };
    }
    case 'Attestation':
      return { kind, document: byteString(fields, 'document') };
    case 'GetRandom':
      return { kind, random: byteString(fields, 'random') };
    default:
      throw malformed(`${shown(kind)} answers no request of ours`);
  }
}

function moduleId(fields: CborFields): string {
  const value = fields.get('module_id');
  if (typeof value === 'string' && value !== '') return value;
  throw malformed('module_id is not a text');
}

function lockedPcrs(fields: CborFields): readonly number[] {
  const value = fields.get('locked_pcrs');
  if (!Array.isArray(value)) throw malformed('locked_pcrs is not a list');
  const indices = (value as readonly CborItem[]).map((index) => checkedU16(index, 'a member of locked_pcrs'));
  if (new Set(indices).size !== indices.length) throw malformed('locked_pcrs repeats an index');
  return indices;
}

function u16(fields: CborFields, name: string): number {
  return checkedU16(fields.get(name), name);
}

function checkedU16(value: CborItem | undefined, name: string): number {
  if (typeof value === 'number' && value <= 0xffff) return value;
  throw malformed(`${name} is not an integer of 16 bits`);
}

function byteString(fields: CborFields, name: string): Bytes {
  const value = fields.get(name);
  if (value instanceof Uint8Array && value.length > 0) return value;
  throw malformed(`${name} is not a byte string with content`);
}

function oneOf<Name extends string>(
  value: CborItem | undefined,
  names: readonly Name[],
  field: string,
): Name {
  const found = names.find((name) => name === value);
  if (found !== undefined) return found;
  throw malformed(`${field} is none of ${names.join(', ')}`);
}

/** What a stranger wrote, fit for a log. */
function shown(value: string): string {
  return JSON.stringify(value.slice(0, 64));
}

function checkU16(index: number): void {
  if (Number.isInteger(index) && index >= 0 && index <= 0xffff) return;
  throw new NsmError('NSM_PCRS', `${index} is not the index of a PCR`, 'Ask for an index of 16 bits.');
}
