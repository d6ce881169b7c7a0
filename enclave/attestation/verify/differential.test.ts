/**
 * The COSE layer against cose-js 0.9.0 and @auth0/cose 1.0.2. Where all three know better, they agree; each known
 * disagreement is a row below with its reason, in every one of which we are the one that refuses. Any other fails.
 *
 *   ATTESTATION_DIFFERENTIAL=20000 FUZZ_SEED=7 node enclave/attestation/verify/differential.test.ts
 */
import { X509Certificate, type KeyObject } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { parseCoseSign1, verifyCoseSignature } from './cose.ts';
import {
  array,
  bytes,
  coseOf,
  head,
  join,
  nothing,
  raw,
  signedParts,
  type CoseParts,
} from './test/encoder.ts';
import { twinOf } from './test/ecdsa.ts';
import { outcome } from './test/fixture.ts';
import { judge } from './test/judge.ts';
import { verifyWithAuth0, verifyWithCoseJs, type Verdict } from './test/libraries.ts';
import { mutateHeader, UNPROTECTED, wireMutators, type Source } from './test/mutators.ts';
import { Random } from './test/random.ts';
import { generatedSources, realAbsent, realSources } from './test/sources.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
const MUTANTS = Number(process.env['ATTESTATION_DIFFERENTIAL'] ?? 250);
const HOURS_MAX = 4;
const HEADERS_SHARE = 0.1;

const LIBRARIES = { 'cose-js': verifyWithCoseJs, '@auth0/cose': verifyWithAuth0 } as const;
type Library = keyof typeof LIBRARIES;
const NAMES = Object.keys(LIBRARIES) as Library[];

const sources = [...(await generatedSources()), ...realSources()];
const keys = new Map(
  sources.map((source) => {
    const { certificate } = judge(source.bytes).document;
    return [source, new X509Certificate(certificate as Buffer).publicKey];
  }),
);

/** Our COSE layer alone, as the libraries have no other. */
const ours = (document: Uint8Array, key: KeyObject): string =>
  outcome(() => {
    verifyCoseSignature(parseCoseSign1(document), key);
  });

function keyOf(source: Source): KeyObject {
  const key = keys.get(source);
  if (key === undefined) throw new RangeError(`no key of ${source.name}`);
  return key;
}

// cose-js takes 17 ms for a signature on a quiet machine; the runner has a bound of its own (TAP_TIMEOUT).
t.setTimeout(HOURS_MAX * 3_600_000);

void t.test('valid documents: all three accept', async (t) => {
  for (const source of sources) {
    const twin = coseOf({ ...source.parts, signature: twinOf(source.parts.signature) });
    const forms = { 'as it is': source.bytes, 'with s replaced by n − s': twin };
    for (const [form, document] of Object.entries(forms)) {
      for (const [tag, sent] of [
        ['', document],
        [', tag 18', join(raw('d2'), document)],
      ] as const) {
        const name = `${source.name}, ${form}${tag}`;
        t.equal(ours(sent, keyOf(source)), 'accepted', `ours: ${name}`);
        for (const library of NAMES) {
          const verdict = await LIBRARIES[library](sent, keyOf(source));
          t.ok(returned(verdict, source), `${library}: ${name}`);
        }
      }
    }
  }
});

void t.test('cose-js takes what has no tag for COSE_Sign unless told otherwise', (t) => {
  const COSE_SIGN_TAG = 98;
  const [first] = sources as [Source];
  t.notOk(verifyWithCoseJs(first.bytes, keyOf(first), COSE_SIGN_TAG).accepted, 'untagged, as AWS sends it');
  t.ok(verifyWithCoseJs(join(raw('d2'), first.bytes), keyOf(first), COSE_SIGN_TAG).accepted, 'with tag 18');
  t.end();
});

/** Whether a verdict is that this payload was signed. */
function returned(verdict: Verdict, { parts }: Source): boolean {
  return verdict.accepted && Buffer.compare(verdict.payload, parts.payload) === 0;
}

interface Row {
  readonly name: string;
  readonly document: Uint8Array;
  readonly ours: string;
  readonly accepting: readonly Library[];
  readonly reason: string;
}

const [source] = sources as [Source];
const { parts } = source;
const r = parts.signature.slice(0, 48);
const s = parts.signature.slice(48);
const both = NAMES;
const onlyCoseJs: readonly Library[] = ['cose-js'];
const onlyAuth0: readonly Library[] = ['@auth0/cose'];
/** The valid document with something replaced, under the signature it has. */
const sent = (change: Partial<CoseParts>): Uint8Array => coseOf({ ...parts, ...change });
/** Signed with another protected header, by the key of the leaf. */
const signedWith = (protectedHeader: Uint8Array, unprotectedHeader = raw('a0')): Uint8Array => {
  if (source.leafKey === undefined) throw new RangeError('the first document is not ours');
  return coseOf({ ...signedParts(parts.payload, source.leafKey, protectedHeader), unprotectedHeader });
};
const outer = (...items: readonly Uint8Array[]): Uint8Array => join(...items);
const [protectedItem, payloadItem, signatureItem] = [
  bytes(parts.protectedHeader),
  bytes(parts.payload),
  bytes(parts.signature),
];

const READ_LENIENTLY =
  'its decoder takes every well-formed encoding; RFC 9052 asks for no canonical one outside of Sig_structure';
const UNPROTECTED_IGNORED = 'nothing that is not signed is looked at, and AWS sends nothing there';
const HEADER_REENCODED = 'cose-js decodes the protected header and encodes it again before it verifies';
const ALGORITHM_FALLBACK = 'takes alg from the unprotected header if the protected one has none';

const ROWS: readonly Row[] = [
  {
    name: 'r and s padded to 49 bytes',
    document: sent({ signature: join(raw('00'), r, raw('00'), s) }),
    ours: 'COSE_SIGNATURE_SIZE',
    accepting: onlyCoseJs,
    reason: 'elliptic takes both halves as numbers of any length; RFC 9053 section 2.1 fixes 48 bytes each',
  },
  {
    name: 'protected header not in shortest form, signed in shortest form',
    document: sent({ protectedHeader: raw('a1 18 01 38 22') }),
    ours: 'COSE_PROTECTED_HEADER',
    accepting: onlyCoseJs,
    reason: HEADER_REENCODED,
  },
  {
    name: 'protected header of indefinite length, signed in shortest form',
    document: sent({ protectedHeader: raw('bf 01 38 22 ff') }),
    ours: 'COSE_PROTECTED_HEADER',
    accepting: onlyCoseJs,
    reason: HEADER_REENCODED,
  },
  {
    name: 'alg twice in the protected header, signed with one',
    document: sent({ protectedHeader: raw('a2 01 26 01 38 22') }),
    ours: 'COSE_PROTECTED_HEADER',
    accepting: onlyCoseJs,
    reason: `${HEADER_REENCODED}, and of two keys the last one wins`,
  },
  {
    name: 'protected header not in shortest form, signed as such',
    document: signedWith(raw('a1 18 01 38 22')),
    ours: 'COSE_PROTECTED_HEADER',
    accepting: onlyAuth0,
    reason: '@auth0/cose verifies the received header, as RFC 9052 section 4.4 says; AWS never writes it so',
  },
  {
    name: 'a key id in the protected header, signed as such',
    document: signedWith(raw('a2 01 38 22 04 41 00')),
    ours: 'COSE_PROTECTED_HEADER',
    accepting: both,
    reason: 'valid COSE; AWS allows alg alone',
  },
  {
    name: 'alg in the unprotected header only, signed with an empty protected one',
    document: signedWith(new Uint8Array(), raw('a1 01 38 22')),
    ours: 'COSE_PROTECTED_HEADER',
    accepting: both,
    reason: `each ${ALGORITHM_FALLBACK}`,
  },
  {
    name: 'a critical header that nobody knows, signed as such',
    document: signedWith(raw('a3 01 38 22 02 81 18 63 18 63 00')),
    ours: 'COSE_PROTECTED_HEADER',
    accepting: both,
    reason: 'neither library implements crit (RFC 9052 section 3.1)',
  },
  {
    name: 'an unknown label in the unprotected header',
    document: sent({ unprotectedHeader: raw('a1 18 63 61 78') }),
    ours: 'COSE_UNPROTECTED_HEADER',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'another alg in the unprotected header',
    document: sent({ unprotectedHeader: raw('a1 01 26') }),
    ours: 'COSE_UNPROTECTED_HEADER',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'an unprotected header that is no map',
    document: sent({ unprotectedHeader: raw('80') }),
    ours: 'COSE_UNPROTECTED_HEADER',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'a label twice in the unprotected header',
    document: sent({ unprotectedHeader: raw('a2 04 41 00 04 41 01') }),
    ours: 'CBOR_DUPLICATE_KEY',
    accepting: both,
    reason: `${UNPROTECTED_IGNORED}; of two keys the last one wins`,
  },
  {
    name: 'deep nesting in the unprotected header',
    document: sent({ unprotectedHeader: raw('a1 04 81 81 81 00') }),
    ours: 'CBOR_DEPTH',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'a byte string as label in the unprotected header',
    document: sent({ unprotectedHeader: raw('a1 41 00 00') }),
    ours: 'CBOR_KEY',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'true in the unprotected header',
    document: sent({ unprotectedHeader: raw('a1 04 f5') }),
    ours: 'CBOR_TYPE',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'text that is not UTF-8 in the unprotected header',
    document: sent({ unprotectedHeader: raw('a1 04 62 c0 80') }),
    ours: 'CBOR_UTF8',
    accepting: onlyAuth0,
    reason: 'cbor-x replaces invalid UTF-8, `cbor` refuses it',
  },
  {
    name: '40 labels in the unprotected header',
    document: sent({
      unprotectedHeader: join(
        raw('b8 28'),
        ...Array.from({ length: 40 }, (_, i) => join(head(0, i), nothing)),
      ),
    }),
    ours: 'CBOR_ITEM_COUNT',
    accepting: both,
    reason: UNPROTECTED_IGNORED,
  },
  {
    name: 'outer array of indefinite length',
    document: outer(raw('9f'), coseOf(parts).slice(1), raw('ff')),
    ours: 'CBOR_INDEFINITE',
    accepting: both,
    reason: READ_LENIENTLY,
  },
  {
    name: 'payload in chunks',
    document: outer(
      raw('84'),
      protectedItem,
      raw('a0 5f'),
      bytes(parts.payload.slice(0, 99)),
      bytes(parts.payload.slice(99)),
      raw('ff'),
      signatureItem,
    ),
    ours: 'CBOR_INDEFINITE',
    accepting: onlyCoseJs,
    reason: `${READ_LENIENTLY}; cbor-x knows no chunks`,
  },
  {
    name: 'outer array length in 1 byte',
    document: outer(raw('98 04'), coseOf(parts).slice(1)),
    ours: 'CBOR_NOT_MINIMAL',
    accepting: both,
    reason: READ_LENIENTLY,
  },
  {
    name: 'tag 18 in 8 bytes',
    document: outer(raw('db 0000000000000012'), source.bytes),
    ours: 'CBOR_NOT_MINIMAL',
    accepting: both,
    reason: READ_LENIENTLY,
  },
  {
    name: 'tag 55799 (self-described CBOR)',
    document: outer(raw('d9 d9f7'), source.bytes),
    ours: 'CBOR_TAG',
    accepting: onlyAuth0,
    reason: 'cbor-x drops this tag; RFC 9052 section 2 knows tag 18 for COSE_Sign1',
  },
  {
    name: 'payload under tag 64 (typed array)',
    document: outer(raw('84'), protectedItem, raw('a0 d8 40'), payloadItem, signatureItem),
    ours: 'CBOR_TAG',
    accepting: onlyAuth0,
    reason: 'cbor-x reads tag 64 as the bytes below it',
  },
  {
    name: 'a fifth element',
    document: outer(raw('85'), coseOf(parts).slice(1), nothing),
    ours: 'COSE_SHAPE',
    accepting: onlyAuth0,
    reason: '@auth0/cose passes the elements to a constructor of four parameters without counting them',
  },
  {
    name: 'a payload of 16385 bytes, signed',
    document: coseOf(signedParts(new Uint8Array(16_385), source.leafKey as KeyObject)),
    ours: 'COSE_PAYLOAD_SIZE',
    accepting: both,
    reason: "AWS's limit; COSE has none",
  },
];

void t.test('known disagreements', async (t) => {
  for (const { name, document, ours: code, accepting, reason } of ROWS) {
    t.equal(ours(document, keyOf(source)), code, `we refuse: ${name}`);
    for (const library of NAMES) {
      const { accepted } = await LIBRARIES[library](document, keyOf(source));
      const verdict = accepting.includes(library) ? 'accepts' : 'refuses';
      t.equal(accepted ? 'accepts' : 'refuses', verdict, `${library} ${verdict}: ${name} (${reason})`);
    }
  }
});

/** `library CODE`: where a library may accept what we refuse with that code. */
const KNOWN = new Set(
  ROWS.flatMap(({ ours: code, accepting }) => accepting.map((name) => `${name} ${code}`)),
);

function mutantOf(random: Random): { source: Source; mutator: string; document: Uint8Array } {
  if (random.chance(HEADERS_SHARE)) {
    const own = random.pick(sources.filter(({ leafKey }) => leafKey !== undefined));
    if (own.leafKey === undefined) throw new RangeError('no key');
    const signed = signedParts(own.parts.payload, own.leafKey, mutateHeader(random));
    const document = coseOf({ ...signed, unprotectedHeader: random.pick(UNPROTECTED) });
    return { source: own, mutator: 'headers, signed as mutated', document };
  }
  const picked = random.pick(sources);
  const mutator = random.pick(Object.keys(wireMutators));
  return { source: picked, mutator, document: wireMutators[mutator]?.(random, picked, sources) ?? array() };
}

void t.test(`${MUTANTS} mutants, seed ${SEED}`, async (t) => {
  t.setTimeout(HOURS_MAX * 3_600_000);
  const unknown: string[] = [];
  const disagreements = new Map<string, number>();
  const verdicts = { accepted: 0, refused: 0 };
  for (let index = 0; index < MUTANTS; index++) {
    const { source: of, mutator, document } = mutantOf(new Random(SEED, index));
    const mine = ours(document, keyOf(of));
    verdicts[mine === 'accepted' ? 'accepted' : 'refused']++;
    for (const library of NAMES) {
      const verdict = await LIBRARIES[library](document, keyOf(of));
      if (verdict.accepted === (mine === 'accepted')) continue;
      const kind = `${library} ${mine}`;
      disagreements.set(kind, (disagreements.get(kind) ?? 0) + 1);
      // What a library accepts must at least be what was signed, or it is broken and no oracle.
      if (KNOWN.has(kind) && returned(verdict, of)) continue;
      unknown.push(`${kind} (${mutator} of ${of.name}): ${Buffer.from(document).toString('hex')}`);
    }
    if (index % 100 === 0) await setImmediate();
  }
  for (const [kind, times] of [...disagreements].sort()) t.comment(`${kind}: ${times}`);
  t.comment(`accepted by us ${verdicts.accepted}, refused ${verdicts.refused}`);
  t.strictSame(unknown, [], 'no other disagreement');
});

void t.test('documents of AWS', { skip: realAbsent }, (t) => {
  t.equal(realSources().length, 3, 'are among those above');
  t.end();
});
