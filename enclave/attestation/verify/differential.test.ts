/**
 * The COSE layer against cose-js 0.9.0 and @auth0/cose 1.0.2. All three accept what is valid. Each known
 * disagreement is a row of test/disagreements.ts with its reason: we refuse, the library accepts. Any other fails.
 *
 *   ATTESTATION_DIFFERENTIAL=20000 FUZZ_SEED=7 node enclave/attestation/verify/differential.test.ts
 */
import { X509Certificate, type KeyObject } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { parseCoseSign1, verifyCoseSignature } from './cose.ts';
import { DISAGREEMENTS, ingredientsOf } from './test/disagreements.ts';
import { array, coseOf, join, raw, signedParts } from './test/encoder.ts';
import { twinOf } from './test/ecdsa.ts';
import { outcome } from './test/fixture.ts';
import { judge } from './test/judge.ts';
import { LIBRARIES, verifyWithCoseJs, type Library, type Verdict } from './test/libraries.ts';
import { mutateHeader, UNPROTECTED, wireMutators, type Source } from './test/mutators.ts';
import { placesOf } from './test/places.ts';
import { Random } from './test/random.ts';
import { generatedSources, realAbsent, realSources } from './test/sources.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
const MUTANTS = Number(process.env['ATTESTATION_DIFFERENTIAL'] ?? 250);
const HOURS_MAX = 4;
const HEADERS_SHARE = 0.1;

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

void t.test('known disagreements', async (t) => {
  const [first] = sources as [Source];
  const ingredients = ingredientsOf(first);
  for (const { name, document: make, code, accepting, reason } of DISAGREEMENTS) {
    const document = make(ingredients);
    t.equal(ours(document, keyOf(first)), code, `we refuse: ${name}`);
    for (const library of NAMES) {
      const { accepted } = await LIBRARIES[library](document, keyOf(first));
      const verdict = accepting.includes(library) ? 'accepts' : 'refuses';
      t.equal(accepted ? 'accepts' : 'refuses', verdict, `${library} ${verdict}: ${name} (${reason})`);
    }
  }
});

/** `library place`, and `library CODE at place`: where in a document a library may accept what we refuse, and as what. */
const KNOWN = new Set(
  DISAGREEMENTS.flatMap(({ code, accepting, document }) => {
    const [first] = sources as [Source];
    const places = placesOf(document(ingredientsOf(first)), first);
    return accepting.flatMap((library) =>
      places.flatMap((place) => [`${library} ${place}`, `${library} ${code} at ${place}`]),
    );
  }),
);

/** Ours is the code of one place; the library must be known to accept what is at each of the others, too. */
function isKnown(library: Library, code: string, places: readonly string[]): boolean {
  return (
    places.some((place) => KNOWN.has(`${library} ${code} at ${place}`)) &&
    places.every((place) => KNOWN.has(`${library} ${place}`))
  );
}

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
      const places = placesOf(document, of);
      const kind = `${library} ${mine} at ${places.join(', ')}`;
      disagreements.set(kind, (disagreements.get(kind) ?? 0) + 1);
      // What a library accepts must at least be what was signed, or it is broken and no oracle.
      if (isKnown(library, mine, places) && returned(verdict, of)) continue;
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
