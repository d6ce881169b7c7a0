import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import t from 'tap';

import { BenchError, type BenchErrorCode } from '../errors.ts';
import { runCommand, type Bench } from './command.ts';
import { choices, flag, helpOf, parseOptions, whole, wholes, words } from './options.ts';
import { inParallel, inRounds, timesOf, turns } from './rounds.ts';

const OPTIONS = {
  rounds: whole({ usual: 10, quick: 2, min: 2, max: 100 }, ''),
  sizes: wholes({ usual: '5,10', quick: '1', min: 1, max: 50 }, 'one after the other'),
  parts: choices(['first', 'second', 'third']),
  only: words('subjects'),
  keep: flag('the logs'),
};
const DESCRIBED = { script: 'bench:some', summary: 'Measures something.', options: OPTIONS };

void t.test('options: usual, quick, given', (t) => {
  const parse = (...args: string[]) => parseOptions(DESCRIBED, args, '/results');
  const all = ['first', 'second', 'third'];
  const usual = { rounds: 10, sizes: [5, 10], parts: all, only: [''], keep: false };
  t.same(parse(), { values: usual, out: '/results', json: false });
  const quick = { ...usual, rounds: 2, sizes: [1] };
  t.same(parse('--quick', '--json'), { values: quick, out: null, json: true });
  const given = parse(
    '--quick',
    '--rounds',
    '7',
    '--out',
    '/here',
    '--parts',
    'third, first,third',
    '--keep',
  );
  t.match(given, { values: { rounds: 7, sizes: [1], parts: ['first', 'third'], keep: true }, out: '/here' });
  t.equal(parse('--out', '-')?.out, null);
  t.equal(parse('--help', '--rounds', '1'), null);
  t.equal(parse('-h'), null);
  const refusals: [string[], RegExp][] = [
    [['--rounds', '1'], /--rounds 1: .*2/],
    [['--rounds', '101'], /--rounds 101: .*100/],
    [['--rounds', '2.5'], /--rounds/],
    [['--rounds', 'x'], /--rounds/],
    [['--sizes', '5,51'], /--sizes 5,51: .*50/],
    [['--parts', 'fourth'], /--parts fourth: .*first/],
    [['--out', ''], /--out/],
    [['--speed', '1'], /speed/],
    [['leftover'], /leftover/],
  ];
  for (const [args, message] of refusals)
    t.throws(() => parse(...args), { code: 'USAGE', message }, args.join(' '));
  t.end();
});

void t.test('the help has every option, from the same declaration', (t) => {
  t.equal(
    helpOf(DESCRIBED),
    `npm run bench:some -- [options]

Measures something.

  --rounds 10             2 to 100; quick: 2
  --sizes 5,10            one after the other; 1 to 50; quick: 1
  --parts LIST            of first, second, third; all
  --only WORDS            subjects
  --keep                  the logs
  --out bench/results     folder of the results; \`-\`: no files
  --quick                 does it work? No files unless --out
  --json                  JSON on standard output instead of the tables
  --help
`,
  );
  t.end();
});

/** A bench that measures nothing, and what it says. */
function some(more: Partial<Bench<typeof OPTIONS>> = {}) {
  const said = { out: '', err: '' };
  const measure: Bench<typeof OPTIONS>['measure'] = ({ rounds }, progress) => {
    progress('measuring');
    return Promise.resolve({
      title: 'Something',
      rounds,
      notes: 'By hand.',
      sections: ['## Figures', '', 'none'],
      json: { samples: [{ ms: 1.23456789 }, { ms: Number.NaN }], empty: [], bound: Infinity },
      run: { workers: 3 },
    });
  };
  const run = (...args: string[]): Promise<number> =>
    runCommand({ ...DESCRIBED, measure, ...more }, args, {
      out: (text) => (said.out += text),
      err: (text) => (said.err += text),
    });
  return { run, said };
}

void t.test('measures, prints, writes', async (t) => {
  const out = t.testdir();
  const { run, said } = some();
  t.equal(await run('--rounds', '4', '--out', join(out, 'new')), 0);
  t.match(
    said.out,
    /^# Something\n\n`npm run bench:some -- --rounds 4 --out .*`, commit .* 4 rounds\. .* By hand\.\n\n/,
  );
  t.match(said.out, /load average before: [\d., ]+, after: [\d., ]+\. By hand/);
  t.ok(said.out.endsWith('\n\n## Figures\n\nnone\n'), 'empty sections are left out');
  t.match(said.err, /^measuring\nwritten: .*some-latest\.json, .*some-latest\.md\n$/);
  t.same(readdirSync(join(out, 'new')).sort(), ['some-latest.json', 'some-latest.md']);
  t.equal(readFileSync(join(out, 'new/some-latest.md'), 'utf8'), said.out);
  t.match(JSON.parse(readFileSync(join(out, 'new/some-latest.json'), 'utf8')), {
    format: 'k3s-daas-bench-some/1',
    run: { command: /^npm run bench:some -- --rounds 4/, rounds: 4, workers: 3, machine: { cores: Number } },
    samples: [{ ms: 1.234568 }, { ms: null }],
    empty: [],
    bound: '+Inf',
  });
});

void t.test('quick writes nothing; JSON in place of Markdown; help', async (t) => {
  const { run, said } = some();
  t.equal(await run('--quick', '--json'), 0);
  t.match(JSON.parse(said.out), { format: 'k3s-daas-bench-some/1', run: { rounds: 2 } });
  t.equal(said.err, 'measuring\n');
  const help = some();
  t.equal(await help.run('--help'), 0);
  t.equal(help.said.out, helpOf(DESCRIBED));
  t.equal(help.said.err, '');
});

void t.test('exit codes', async (t) => {
  const refused = some();
  t.equal(await refused.run('--nope'), 2);
  t.match(refused.said.err, /^USAGE: .*nope.*npm run bench:some -- --help/s);
  t.equal(refused.said.out, '');
  const failures: [BenchErrorCode, number][] = [
    ['IMPOSSIBLE', 69],
    ['INTERRUPTED', 130],
    ['NOT_READY', 1],
  ];
  for (const [code, expected] of failures) {
    const { run, said } = some({ measure: () => Promise.reject(new BenchError(code, 'why', 'what to do')) });
    t.equal(await run('--quick'), expected, code);
    t.equal(said.err, `${code}: why (what to do)\n`);
  }
  await t.rejects(some({ measure: () => Promise.reject(new TypeError('a bug')) }).run('--quick'), TypeError);
  const broken = { title: '', rounds: 1, notes: '', sections: [], json: {}, isBroken: true };
  t.equal(await some({ measure: () => Promise.resolve(broken) }).run('--quick'), 1, 'figures, but not all');
  const away = some({ elsewhere: (args) => Promise.resolve(args.length === 1 ? 7 : null) });
  t.equal(await away.run('--quick'), 7);
  t.equal(away.said.out, '', 'measured elsewhere');
  t.equal(await away.run('--quick', '--json'), 0, 'measured here');
});

void t.test('rounds', async (t) => {
  const subjects = ['stock', 'nothing', 'ours'];
  t.same(
    [-1, 0, 1, 3].map((round) => turns(subjects, round).join(' ')),
    ['stock nothing ours', 'stock nothing ours', 'nothing ours stock', 'stock nothing ours'],
  );
  const said: string[] = [];
  const seen: number[] = [];
  const measure = (round: number): Promise<string> => {
    seen.push(round);
    return Promise.resolve(`of ${round}`);
  };
  t.same(await inRounds({ rounds: 3 }, (line) => said.push(line), measure), ['of 0', 'of 1', 'of 2']);
  t.same(seen, [-1, 0, 1, 2]);
  t.match(said, [/^warming up$/, /^round 1 of 3/, /^round 2 of 3/, /^round 3 of 3/]);
  t.equal((await inRounds({ rounds: 9, seconds: 0 }, () => undefined, measure)).length, 2, 'two at least');
  const ms = await timesOf(['a', 'b'], (each) => seen.push(each.length));
  t.equal(ms.length, 2);
  t.ok(ms.every((each) => each >= 0));
});

void t.test('so many at a time, each once, and none after a failure', async (t) => {
  let now = 0;
  let most = 0;
  const done: number[] = [];
  const work = async (item: number): Promise<void> => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    now -= 1;
    if (item === 13) throw new RangeError('unlucky');
    done.push(item);
  };
  await inParallel([1, 2, 3, 4, 5], 2, work);
  t.same(done, [1, 2, 3, 4, 5]);
  t.equal(most, 2);
  await t.rejects(inParallel([13, 14, 15, 16], 2, work), RangeError);
  await new Promise(setImmediate);
  t.same(done.slice(5), [14], 'what had begun');
});
