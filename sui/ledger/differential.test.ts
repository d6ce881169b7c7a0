import t from 'tap';

import { childRound } from './differential/child.ts';
import { VERDICTS, verdicts } from './differential/generate-arithmetic.ts';
import { flips, noticed } from './differential/flips.ts';
import { describe } from './differential/report.ts';
import { counts, judge, makeRound } from './differential/round.ts';
import { parseType } from './vm/types.ts';

/*
 * The ledger's VM runs generated calls; what it answers becomes Move unit tests, which then run in the real Move VM: its
 * WASM build in the compiler package, whose runner runs nothing but tests and lets values out through assertions only.
 * A value that differs fails its assertion there, an error that differs fails as an expected failure, which names the
 * abort code and the module.
 *
 * Both VMs run one source: our packages, a driver (testdata/differential/driver.move.template) with a function for each
 * action, and random programs. Only tests may make clocks, coins and transactions, and the compiler's test mode makes
 * no bytecode that could be loaded elsewhere, so for the ledger's VM `#[test_only]` is left out before compiling
 * (`compilePackage`, `testOnly`): the same functions, line for line. What the runner's natives for tests do, the ledger
 * does in differential/vm.ts.
 *
 * DIFFERENTIAL_SEQUENCES=n compares that many sequences, differential/nightly.ts as many as the night has time for.
 */

const SEED = 20_261_121n;
const SIZE = { sequences: 24, programs: 24 };
/** As many as a round of nightly.ts has. */
const SEQUENCES_PER_ROUND = 40;
const wanted = Number(process.env['DIFFERENTIAL_SEQUENCES'] ?? SIZE.sequences);

const ROUND_MS = 300_000;
const rounds = Math.max(0, Math.ceil((wanted - SIZE.sequences) / SEQUENCES_PER_ROUND));
t.setTimeout((1 + rounds) * ROUND_MS);

void t.test('the ledger’s VM and the real Move VM agree', { timeout: ROUND_MS }, async (t) => {
  t.comment(`seed ${SEED}`);
  const round = await makeRound(SEED, SIZE);
  t.teardown(() => round.scratch.remove());
  t.strictSame(verdicts(round.loader), VERDICTS);
  const wrong = flips(round);
  const found = await judge(
    round,
    wrong.map(({ test }) => test),
  );
  const ours = new Set(round.cases);
  const differ = found.filter(({ test }) => ours.has(test));
  if (differ.length > 0) t.comment(await describe(round, differ));
  t.strictSame(
    differ.map(({ test }) => test.name),
    [],
  );
  const made = counts(round);
  t.comment(`comparisons: ${JSON.stringify(made)}`);
  t.comment(`${round.stops.size} ways to fail seen, ${round.successes.size} actions ended well`);
  t.ok(
    (made['all'] ?? 0) >= 1_000 && (made['packages'] ?? 0) >= 600 && (made['arithmetic'] ?? 0) >= 400,
    'enough',
  );
  t.ok(round.stops.size >= 60 && round.successes.size >= 45, 'sequences reach far');

  // The comparison itself must notice each kind of difference, and where it is.
  for (const flip of wrong) t.ok(noticed(flip, found), `a wrong ${flip.what} is noticed`);
  t.equal(found.length, differ.length + wrong.length);
});

void t.test('more of the same, each round in a process of its own', { skip: rounds === 0 }, async (t) => {
  const folder = t.testdir();
  const { signal } = new AbortController();
  let compared = 0;
  for (let i = 1; i <= rounds; i += 1) {
    const outcome = await childRound(SEED + BigInt(i), folder, signal);
    t.equal(outcome?.disagreements, 0, `seed ${SEED + BigInt(i)}`);
    // Some generated programs are too much for the compiler; that round then compares nothing, and says so.
    if (outcome?.uncompiled === true) t.comment(`seed ${SEED + BigInt(i)}: the compiler gave up`);
    compared += outcome?.compared ?? 0;
  }
  t.comment(`comparisons: ${compared} in ${rounds} rounds`);
  t.ok(compared > 1_000 * rounds, 'most rounds compared');
});

void t.test('types print and parse', (t) => {
  const key = parseType('vector<0x2::table::Table<u64, 0x1::option::Option<address>>>').key;
  t.equal(parseType(key).key, key);
  for (const bad of [
    '',
    'u65',
    'vector<>',
    'vector<u8',
    '0x2::a',
    '0x2::a::B<u8>>',
    '0xg::a::B',
    '0x2::a b::C!',
  ]) {
    t.throws(() => parseType(bad), SyntaxError, bad);
  }
  t.end();
});
