/**
 * Mutation fuzzing of the verifier. A quick sample in `npm test`; a million mutants in `npm run test:deep`.
 *
 *   ATTESTATION_MUTANTS=1000000 FUZZ_SEED=7 node enclave/attestation/verify/fuzz.test.ts
 *   ATTESTATION_MUTANT=123456   node …      only that mutant of the seed
 *
 * Seed and index decide every mutation. Mutants of AWS's documents are the same bytes each time; those of the test
 * authority are not, since its keys and ECDSA's nonces are fresh, so a failure prints the mutant in hexadecimal.
 *
 * What is required of each:
 * - Refused with an `AttestationError` of a known code, or accepted; never another error, never a slow answer.
 * - Accepted under a signature made before the mutation exactly if it is one of four byte strings. ECDSA does not say
 *   which of (r, s) and (r, n − s) the signer made, and anybody can compute one from the other: both verify (high s is
 *   allowed, as by AWS). COSE's tag 18 is optional. So original and twin, each with and without the tag; what is signed
 *   is the same in all four.
 * - Accepted with a payload that the leaf key signed as mutated: another decoder reads the same fields, noble finds the
 *   signature valid over the same Sig_structure, and each certificate is the authority's own or its twin (r, n − s).
 * - A verifier with a warm cache of chains says what one without says.
 */
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import {
  AttestationError,
  attestationErrorCodes,
  ChainCache,
  verifyAttestation,
  verifyDocument,
  type AttestationDocument,
} from '../index.ts';
import { coseOf, signedParts } from './test/encoder.ts';
import { wireMutators, type Source } from './test/mutators.ts';
import { isFormOf, objectionsTo, same, type Mutant } from './test/objections.ts';
import { Random } from './test/random.ts';
import { signedMutators } from './test/signed-mutators.ts';
import { generatedSources, realAbsent, realSources } from './test/sources.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
const MUTANTS = Number(process.env['ATTESTATION_MUTANTS'] ?? 4_000);
const ONLY = process.env['ATTESTATION_MUTANT'];
/** The worst valid document takes 5 ms. An input that takes longer than this is measured again before it fails. */
const ONE_MS_MAX = 250;
const MEASURED_AGAIN = 5;
/** Mutants whose signature is made after the mutation; they cost several times as much as the others. */
const SIGNED_SHARE = 0.12;
/** Mutants whose verdict is compared between a verifier with and one without a cache. */
const COMPARED_SHARE = 0.1;
const SLOWEST = 5;
const FAILURES_MAX = 5;
const SLICE = 500;
const HOURS_MAX = 4;
const PROGRESS = 100_000;
/** Codes that a run of this size must reach. */
const CODES_MIN = MUTANTS >= 100_000 ? 45 : 35;

type EntryPoint = (bytes: Uint8Array, source: Source) => AttestationDocument;

/** Smaller than the number of chains that verify (twins included), so that chains leave it and come back. */
const chains = new ChainCache({ chainsMax: 4 });

const entryPoints: Readonly<Record<string, EntryPoint>> = {
  verifyDocument: (bytes, { trustAnchor, nowMs }) => verifyDocument(bytes, { trustAnchor, nowMs }),
  'verifyAttestation, live': (bytes, { trustAnchor, nowMs, policy }) =>
    verifyAttestation(bytes, { trustAnchor, policy, time: { mode: 'live', nowMs, ageMsMax: 60_000 } }),
  'verifyAttestation, replay': (bytes, { trustAnchor, policy }) =>
    verifyAttestation(bytes, { trustAnchor, policy, time: { mode: 'replay' } }),
};
const cachedEntryPoints: typeof entryPoints = {
  verifyDocument: (bytes, { trustAnchor, nowMs }) => verifyDocument(bytes, { trustAnchor, nowMs, chains }),
  'verifyAttestation, live': (bytes, { trustAnchor, nowMs, policy }) => {
    const time = { mode: 'live', nowMs, ageMsMax: 60_000 } as const;
    return verifyAttestation(bytes, { trustAnchor, policy, time, chains });
  },
  'verifyAttestation, replay': (bytes, { trustAnchor, policy }) =>
    verifyAttestation(bytes, { trustAnchor, policy, time: { mode: 'replay' }, chains }),
};

class Campaign {
  readonly outcomes = new Map<string, number>();
  readonly mutators = new Map<string, { made: number; accepted: number }>();
  readonly slowest: { readonly ms: number; readonly againMs: number; readonly mutant: Mutant }[] = [];
  readonly failures: string[] = [];

  examine(mutant: Mutant, name: string, entry: EntryPoint): void {
    const started = performance.now();
    const { outcome, document, trouble } = run(() => entry(mutant.bytes, mutant.source));
    this.#time(performance.now() - started, mutant, entry);
    if (trouble !== undefined) this.#fail(mutant, name, trouble);
    count(this.outcomes, outcome);
    const seen = this.mutators.get(mutant.mutator) ?? { made: 0, accepted: 0 };
    this.mutators.set(mutant.mutator, seen);
    seen.made++;
    if (document !== undefined) seen.accepted++;
    for (const objection of objectionsTo(mutant, document, name)) this.#fail(mutant, name, objection);
  }

  compare(mutant: Mutant, name: string, cached: EntryPoint, entry: EntryPoint): void {
    const [one, two] = [cached, entry].map(
      (verify) => run(() => verify(mutant.bytes, mutant.source)).outcome,
    );
    if (one !== two) this.#fail(mutant, name, `${String(one)} with and ${String(two)} without a cache`);
  }

  #time(ms: number, mutant: Mutant, entry: EntryPoint): void {
    if (ms <= (this.slowest.at(-1)?.ms ?? 0) && this.slowest.length === SLOWEST) return;
    // The clock also counts the time that others had the core; the least CPU time of several runs is the input's own.
    const againMs = Math.min(
      ...Array.from({ length: MEASURED_AGAIN }, () => {
        const before = process.cpuUsage();
        run(() => entry(mutant.bytes, mutant.source));
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      }),
    );
    if (ms > ONE_MS_MAX && againMs > ONE_MS_MAX) this.#fail(mutant, 'time', `takes ${againMs} ms of CPU`);
    this.slowest.push({ ms, againMs, mutant });
    this.slowest.sort((a, b) => b.ms - a.ms).splice(SLOWEST);
  }

  #fail({ index, mutator, source, bytes }: Mutant, name: string, why: string): void {
    this.failures.push(
      `${why}: mutant ${index} of seed ${SEED} (${mutator} of ${source.name}), ${name} at ${source.nowMs}\n` +
        `  trust anchor ${Buffer.from(source.trustAnchor).toString('hex')}\n` +
        `  mutant ${Buffer.from(bytes).toString('hex')}`,
    );
  }
}

interface Run {
  readonly outcome: string;
  readonly document?: AttestationDocument;
  readonly trouble?: string;
}

function run(verify: () => AttestationDocument): Run {
  try {
    return { outcome: 'accepted', document: verify() };
  } catch (error) {
    if (!(error instanceof AttestationError)) return { outcome: 'crash', trouble: `threw ${String(error)}` };
    const known = attestationErrorCodes.includes(error.code);
    return known ? { outcome: error.code } : { outcome: 'crash', trouble: `unknown code ${error.code}` };
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const WIRE = Object.keys(wireMutators);
const SIGNED = Object.keys(signedMutators);

/** Mutates until something has changed: what is left as it was, or is another valid document, is no mutant. */
function makeMutant(index: number, random: Random, sources: readonly Source[]): Mutant {
  for (;;) {
    const signedAsMutated = random.chance(SIGNED_SHARE);
    const mutator = random.pick(signedAsMutated ? SIGNED : WIRE);
    const source = random.pick(sources.filter(({ leafKey }) => !signedAsMutated || leafKey !== undefined));
    const common = { index, mutator, source, signedAsMutated };
    if (signedAsMutated) {
      const payload = signedMutators[mutator]?.(random, source);
      if (payload === undefined || source.leafKey === undefined || same(payload, source.parts.payload))
        continue;
      const honest = signedParts(payload, source.leafKey);
      return { ...common, bytes: coseOf(honest), honest };
    }
    const bytes = wireMutators[mutator]?.(random, source, sources);
    if (bytes === undefined || same(bytes, source.bytes)) continue;
    // A splice in what two documents have in common is the other one, signed and valid.
    if (sources.some((other) => other !== source && isFormOf(other, bytes))) continue;
    return { ...common, bytes, honest: source.parts };
  }
}

// A million takes ten minutes of a quiet core; the runner has a bound of its own (TAP_TIMEOUT).
t.setTimeout(HOURS_MAX * 3_600_000);

void t.test(`${MUTANTS} mutants, seed ${SEED}`, async (t) => {
  t.setTimeout(HOURS_MAX * 3_600_000);
  const sources = [...(await generatedSources()), ...realSources()];
  const campaign = new Campaign();
  const started = performance.now();
  const [first, last] = ONLY === undefined ? [0, MUTANTS] : [Number(ONLY), Number(ONLY) + 1];
  for (let index = first; index < last && campaign.failures.length < FAILURES_MAX; index++) {
    const random = new Random(SEED, index);
    const mutant = makeMutant(index, random, sources);
    const name = random.pick(Object.keys(entryPoints));
    const [entry, cached] = [entryPoints[name], cachedEntryPoints[name]];
    if (entry === undefined || cached === undefined) throw new RangeError('no such entry point');
    campaign.examine(mutant, name, random.chance(0.5) ? entry : cached);
    if (random.chance(COMPARED_SHARE)) campaign.compare(mutant, name, cached, entry);
    if (index % SLICE === 0) await setImmediate();
    if (index > 0 && index % PROGRESS === 0) t.comment(`${index} after ${seconds(started)}`);
  }
  for (const { ms, againMs, mutant } of campaign.slowest) {
    t.comment(
      `slow: ${ms.toFixed(1)} ms, again ${againMs.toFixed(1)} ms of CPU: ${mutant.index}, ${mutant.mutator}`,
    );
  }
  for (const [mutator, { made, accepted }] of [...campaign.mutators].sort()) {
    t.comment(`${mutator}: ${made}, accepted ${accepted}`);
  }
  const outcomes = [...campaign.outcomes].sort(([, a], [, b]) => b - a);
  for (const [code, times] of outcomes) t.comment(`${code}: ${times}`);
  const examined = outcomes.reduce((sum, [, times]) => sum + times, 0);
  t.comment(`${examined} mutants of ${sources.length} documents, seed ${SEED}, ${seconds(started)}`);
  t.equal(examined, last - first, 'as many mutants as asked for');
  t.strictSame(campaign.failures, [], 'every mutant is refused by a rule, or is what was signed');
  if (ONLY === undefined) {
    t.equal(campaign.mutators.size, WIRE.length + SIGNED.length, 'every mutator was used');
    t.ok(
      campaign.outcomes.size > CODES_MIN,
      `${campaign.outcomes.size - 1} codes, at least ${CODES_MIN} wanted`,
    );
  }
});

void t.test('mutants of documents of AWS', { skip: realAbsent }, (t) => {
  t.equal(realSources().length, 3, 'are among those above');
  t.end();
});

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
