/**
 * What cose-js 0.9.0 and @auth0/cose 1.0.2 accept and we refuse, each with its reason. There is nothing that we accept
 * and one of them refuses.
 */
import { bytes, coseOf, head, join, nothing, raw, signedParts, type CoseParts } from './encoder.ts';
import { LIBRARIES, type Library } from './libraries.ts';
import type { Source } from './mutators.ts';

export interface Disagreement {
  readonly name: string;
  readonly document: (of: Ingredients) => Uint8Array;
  /** Ours. */
  readonly code: string;
  readonly accepting: readonly Library[];
  readonly reason: string;
}

/** A valid document and ways to change it. */
export interface Ingredients {
  readonly source: Source;
  readonly r: Uint8Array;
  readonly s: Uint8Array;
  readonly protectedItem: Uint8Array;
  readonly payloadItem: Uint8Array;
  readonly signatureItem: Uint8Array;
  /** With something replaced, under the signature it has. */
  readonly sent: (change: Partial<CoseParts>) => Uint8Array;
  /** With another protected header, signed so by the key of the leaf. */
  readonly signedWith: (protectedHeader: Uint8Array, unprotectedHeader?: Uint8Array) => Uint8Array;
  /** Another payload, signed. */
  readonly signed: (payload: Uint8Array) => Uint8Array;
}

/** @param source one whose leaf key is ours. */
export function ingredientsOf(source: Source): Ingredients {
  const { parts, leafKey } = source;
  if (leafKey === undefined) throw new RangeError('not a document of the test authority');
  return {
    source,
    r: parts.signature.slice(0, 48),
    s: parts.signature.slice(48),
    protectedItem: bytes(parts.protectedHeader),
    payloadItem: bytes(parts.payload),
    signatureItem: bytes(parts.signature),
    sent: (change) => coseOf({ ...parts, ...change }),
    signedWith: (protectedHeader, unprotectedHeader = raw('a0')) =>
      coseOf({ ...signedParts(parts.payload, leafKey, protectedHeader), unprotectedHeader }),
    signed: (payload) => coseOf(signedParts(payload, leafKey)),
  };
}

/** With one of the byte strings written in another way, under the signature it has. */
function sentWith(
  { source: { parts } }: Ingredients,
  name: 'protected header' | 'payload' | 'signature',
  write: (content: Uint8Array) => Uint8Array,
): Uint8Array {
  const item = (each: string, content: Uint8Array): Uint8Array =>
    each === name ? write(content) : bytes(content);
  return join(
    raw('84'),
    item('protected header', parts.protectedHeader),
    parts.unprotectedHeader,
    item('payload', parts.payload),
    item('signature', parts.signature),
  );
}

const both = Object.keys(LIBRARIES) as Library[];
const onlyCoseJs: readonly Library[] = ['cose-js'];
const onlyAuth0: readonly Library[] = ['@auth0/cose'];

const READ_LENIENTLY =
  'its decoder takes every well-formed encoding; RFC 9052 asks for no canonical one outside of Sig_structure';
const UNPROTECTED_IGNORED = 'nothing that is not signed is looked at, and AWS sends nothing there';
const HEADER_REENCODED = 'cose-js decodes the protected header and encodes it again before it verifies';
const ALGORITHM_FALLBACK = 'takes alg from the unprotected header if the protected one has none';

export const DISAGREEMENTS: readonly Disagreement[] = [
  {
    name: 'r and s padded to 49 bytes',
    document: (of) => of.sent({ signature: join(raw('00'), of.r, raw('00'), of.s) }),
    code: 'COSE_SIGNATURE_SIZE',
    accepting: onlyCoseJs,
    reason: 'elliptic takes both halves as numbers of any length; RFC 9053 section 2.1 fixes 48 bytes each',
  },
  {
    name: 'protected header not in shortest form, signed in shortest form',
    document: (of) => of.sent({ protectedHeader: raw('a1 18 01 38 22') }),
    code: 'COSE_PROTECTED_HEADER',
    accepting: onlyCoseJs,
    reason: HEADER_REENCODED,
  },
  {
    name: 'protected header of indefinite length, signed in shortest form',
    document: (of) => of.sent({ protectedHeader: raw('bf 01 38 22 ff') }),
    code: 'COSE_PROTECTED_HEADER',
    accepting: onlyCoseJs,
    reason: HEADER_REENCODED,
  },
  {
    name: 'alg twice in the protected header, signed with one',
    document: (of) => of.sent({ protectedHeader: raw('a2 01 26 01 38 22') }),
    code: 'COSE_PROTECTED_HEADER',
    accepting: onlyCoseJs,
    reason: `${HEADER_REENCODED}, and of two keys the last one wins`,
  },
  {
    name: 'protected header not in shortest form, signed as such',
    document: (of) => of.signedWith(raw('a1 18 01 38 22')),
    code: 'COSE_PROTECTED_HEADER',
    accepting: onlyAuth0,
    reason: '@auth0/cose verifies the received header, as RFC 9052 section 4.4 says; AWS never writes it so',
  },
  {
    name: 'a key id in the protected header, signed as such',
    document: (of) => of.signedWith(raw('a2 01 38 22 04 41 00')),
    code: 'COSE_PROTECTED_HEADER',
    accepting: both,
    reason: 'valid COSE; AWS allows alg alone',
  },
  {
    name: 'alg in the unprotected header only, signed with an empty protected one',
    document: (of) => of.signedWith(new Uint8Array(), raw('a1 01 38 22')),
    code: 'COSE_PROTECTED_HEADER',
    accepting: both,
    reason: `each ${ALGORITHM_FALLBACK}`,
  },
  {
    name: 'a critical header that nobody knows, signed as such',
    document: (of) => of.signedWith(raw('a3 01 38 22 02 81 18 63 18 63 00')),
    code: 'COSE_PROTECTED_HEADER',
    accepting: both,
    reason: 'neither library implements crit (RFC 9052 section 3.1)',
  },
  {
    name: 'an unknown label in the unprotected header',
    document: (of) => of.sent({ unprotectedHeader: raw('a1 18 63 61 78') }),
    code: 'COSE_UNPROTECTED_HEADER',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'another alg in the unprotected header',
    document: (of) => of.sent({ unprotectedHeader: raw('a1 01 26') }),
    code: 'COSE_UNPROTECTED_HEADER',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'an unprotected header that is no map',
    document: (of) => of.sent({ unprotectedHeader: raw('80') }),
    code: 'COSE_UNPROTECTED_HEADER',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'a label twice in the unprotected header',
    document: (of) => of.sent({ unprotectedHeader: raw('a2 04 41 00 04 41 01') }),
    code: 'CBOR_DUPLICATE_KEY',
    accepting: both,
    reason: `${UNPROTECTED_IGNORED}; of two keys the last one wins`,
  },
  {
    name: 'deep nesting in the unprotected header',
    document: (of) => of.sent({ unprotectedHeader: raw('a1 04 81 81 81 00') }),
    code: 'CBOR_DEPTH',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'a byte string as label in the unprotected header',
    document: (of) => of.sent({ unprotectedHeader: raw('a1 41 00 00') }),
    code: 'CBOR_KEY',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'true in the unprotected header',
    document: (of) => of.sent({ unprotectedHeader: raw('a1 04 f5') }),
    code: 'CBOR_TYPE',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'text that is not UTF-8 in the unprotected header',
    document: (of) => of.sent({ unprotectedHeader: raw('a1 04 62 c0 80') }),
    code: 'CBOR_UTF8',
    accepting: onlyAuth0,
    reason: 'cbor-x replaces invalid UTF-8, `cbor` refuses it',
  },
  {
    name: '40 labels in the unprotected header',
    document: (of) =>
      of.sent({
        unprotectedHeader: join(
          raw('b8 28'),
          ...Array.from({ length: 40 }, (_, i) => join(head(0, i), nothing)),
        ),
      }),
    code: 'CBOR_ITEM_COUNT',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'outer array of indefinite length',
    document: (of) => join(raw('9f'), coseOf(of.source.parts).slice(1), raw('ff')),
    code: 'CBOR_INDEFINITE',
    accepting: both,
    reason: READ_LENIENTLY,
  },
  ...(['protected header', 'payload', 'signature'] as const).map((name) => ({
    name: `${name} in chunks`,
    document: (of: Ingredients) =>
      sentWith(of, name, (content) =>
        join(raw('5f'), bytes(content.slice(0, 2)), bytes(content.slice(2)), raw('ff')),
      ),
    code: 'CBOR_INDEFINITE',
    accepting: onlyCoseJs,
    reason: `${READ_LENIENTLY}; cbor-x knows no chunks`,
  })),
  ...(['protected header', 'payload', 'signature'] as const).map((name) => ({
    name: `length of the ${name} in 8 bytes`,
    document: (of: Ingredients) => sentWith(of, name, (content) => bytes(content, 8)),
    code: 'CBOR_NOT_MINIMAL',
    accepting: both,
    reason: READ_LENIENTLY,
  })),
  {
    name: 'unprotected header of indefinite length',
    document: (of) => of.sent({ unprotectedHeader: raw('bf ff') }),
    code: 'CBOR_INDEFINITE',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'length of the unprotected header in 1 byte',
    document: (of) => of.sent({ unprotectedHeader: raw('b8 00') }),
    code: 'CBOR_NOT_MINIMAL',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'outer array length in 1 byte',
    document: (of) => join(raw('98 04'), coseOf(of.source.parts).slice(1)),
    code: 'CBOR_NOT_MINIMAL',
    accepting: both,
    reason: READ_LENIENTLY,
  },
  {
    name: 'tag 18 in 8 bytes',
    document: (of) => join(raw('db 0000000000000012'), of.source.bytes),
    code: 'CBOR_NOT_MINIMAL',
    accepting: both,
    reason: READ_LENIENTLY,
  },
  {
    name: 'tag 55799 (self-described CBOR)',
    document: (of) => join(raw('d9 d9f7'), of.source.bytes),
    code: 'CBOR_TAG',
    accepting: onlyAuth0,
    reason: 'cbor-x drops this tag; RFC 9052 section 2 knows tag 18 for COSE_Sign1',
  },
  {
    name: 'tag 55799 in 8 bytes',
    document: (of) => join(raw('db 000000000000d9f7'), of.source.bytes),
    code: 'CBOR_NOT_MINIMAL',
    accepting: onlyAuth0,
    reason: `${READ_LENIENTLY}; cbor-x drops this tag`,
  },
  {
    name: 'tag 55799 below tag 18',
    document: (of) => join(raw('d2 d9 d9f7'), of.source.bytes),
    code: 'CBOR_TAG',
    accepting: onlyAuth0,
    reason: 'cbor-x drops this tag wherever it is; RFC 8949 section 3.4.6 has it around everything',
  },
  {
    name: 'tag 55799 in 8 bytes below tag 18',
    document: (of) => join(raw('d2 db 000000000000d9f7'), of.source.bytes),
    code: 'CBOR_NOT_MINIMAL',
    accepting: onlyAuth0,
    reason: `${READ_LENIENTLY}; cbor-x drops this tag`,
  },
  {
    name: 'payload under tag 64 (typed array)',
    document: (of) => join(raw('84'), of.protectedItem, raw('a0 d8 40'), of.payloadItem, of.signatureItem),
    code: 'CBOR_TAG',
    accepting: onlyAuth0,
    reason: 'cbor-x reads tag 64 as the bytes below it',
  },
  {
    name: 'a fifth element',
    document: (of) => join(raw('85'), coseOf(of.source.parts).slice(1), nothing),
    code: 'COSE_SHAPE',
    accepting: onlyAuth0,
    reason: '@auth0/cose passes the elements to a constructor of four parameters without counting them',
  },
  {
    name: '40 more elements',
    document: (of) => {
      const more = Array.from({ length: 40 }, () => nothing);
      return join(raw('98 2c'), coseOf(of.source.parts).slice(1), ...more);
    },
    code: 'CBOR_ITEM_COUNT',
    accepting: onlyAuth0,
    reason: '@auth0/cose does not count them',
  },
  {
    name: 'a payload of 16385 bytes, signed',
    document: (of) => of.signed(new Uint8Array(16_385)),
    code: 'COSE_PAYLOAD_SIZE',
    accepting: both,
    reason: "AWS's limit; COSE has none",
  },
];
