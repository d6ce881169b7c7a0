/**
 * A CBOR and COSE writer for tests. It shares nothing with the verifier and, unlike an honest encoder, can write
 * every form that the verifier must refuse. Items are plain byte arrays in hexadecimal order of RFC 8949.
 */
import { sign, type KeyObject } from 'node:crypto';

export type Item = Uint8Array;

export const raw = (hex: string): Item => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
export const join = (...items: readonly Item[]): Item => Uint8Array.from(Buffer.concat(items));

/** `width`: bytes of the argument; the shortest unless given. */
export function head(major: number, argument: number | bigint, width?: 0 | 1 | 2 | 4 | 8): Item {
  const value = BigInt(argument);
  const shortest = value < 24n ? 0 : value < 256n ? 1 : value < 65_536n ? 2 : value < 4_294_967_296n ? 4 : 8;
  const size = width ?? shortest;
  if (size === 0) return Uint8Array.of((major << 5) | Number(value));
  const digits = value.toString(16).padStart(size * 2, '0');
  return join(Uint8Array.of((major << 5) | { 1: 24, 2: 25, 4: 26, 8: 27 }[size]), raw(digits));
}

export const uint = (value: number | bigint, width?: 0 | 1 | 2 | 4 | 8): Item => head(0, value, width);
export const bytes = (value: Uint8Array, width?: 0 | 1 | 2 | 4 | 8): Item =>
  join(head(2, value.length, width), value);
export const text = (value: string): Item => {
  const encoded = new TextEncoder().encode(value);
  return join(head(3, encoded.length), encoded);
};
export const array = (...items: readonly Item[]): Item => join(head(4, items.length), ...items);
export const map = (...pairs: readonly (readonly [Item, Item])[]): Item =>
  join(head(5, pairs.length), ...pairs.flat());
export const indefiniteMap = (...pairs: readonly (readonly [Item, Item])[]): Item =>
  join(raw('bf'), ...pairs.flat(), raw('ff'));
export const nothing = raw('f6');

/** The fields of a document by name, in AWS's order, each already encoded. */
export type Fields = Map<string, Item>;

export interface DocumentValues {
  readonly moduleId: string;
  readonly timestampMs: number;
  readonly pcrs: readonly (readonly [number, Uint8Array])[];
  readonly certificate: Uint8Array;
  readonly cabundle: readonly Uint8Array[];
  readonly publicKey?: Uint8Array;
  readonly userData?: Uint8Array;
  readonly nonce?: Uint8Array;
}

export function fieldsOf(values: DocumentValues): Fields {
  const optional = (value?: Uint8Array): Item => (value === undefined ? nothing : bytes(value));
  return new Map([
    ['module_id', text(values.moduleId)],
    ['digest', text('SHA384')],
    ['timestamp', uint(values.timestampMs)],
    ['pcrs', map(...values.pcrs.map(([index, pcr]) => [uint(index), bytes(pcr)] as const))],
    ['certificate', bytes(values.certificate)],
    ['cabundle', array(...values.cabundle.map((entry) => bytes(entry)))],
    ['public_key', optional(values.publicKey)],
    ['user_data', optional(values.userData)],
    ['nonce', optional(values.nonce)],
  ]);
}

export function payloadOf(fields: Fields, container = indefiniteMap): Item {
  return container(...[...fields].map(([name, value]) => [text(name), value] as const));
}

export interface CoseParts {
  /** Content of the protected header's byte string, as sent and as signed. */
  readonly protectedHeader: Uint8Array;
  readonly unprotectedHeader: Item;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** Signs with ES384 in the COSE form, r and s of 48 bytes each, over RFC 9052's Sig_structure. */
export function signedParts(
  payload: Uint8Array,
  key: KeyObject,
  protectedHeader: Uint8Array = raw('a1 01 38 22'),
): CoseParts {
  const message = array(text('Signature1'), bytes(protectedHeader), raw('40'), bytes(payload));
  const signature = Uint8Array.from(sign('sha384', message, { key, dsaEncoding: 'ieee-p1363' }));
  return { protectedHeader, unprotectedHeader: raw('a0'), payload, signature };
}

export function coseOf(parts: CoseParts): Item {
  return array(
    bytes(parts.protectedHeader),
    parts.unprotectedHeader,
    bytes(parts.payload),
    bytes(parts.signature),
  );
}
