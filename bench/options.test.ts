import t from 'tap';

import { needsOurs, parseOptions, turns } from './options.ts';

const FOLDERS = { results: '/results', quick: '/quick' };

void t.test('defaults, quick, overrides', (t) => {
  const options = parseOptions([], FOLDERS);
  t.match(options, {
    nodes: [500, 1000, 5000],
    rounds: 5,
    pods: 500,
    k: 64,
    subjects: ['stock', 'nothing', 'ours', 'ours-unguarded'],
    out: '/results',
  });
  t.match(parseOptions(['--quick'], FOLDERS), { nodes: [50], rounds: 2, out: '/quick' });
  t.match(parseOptions(['--quick', '--out', '/here', '--nodes', '7, 8'], FOLDERS), {
    nodes: [7, 8],
    out: '/here',
  });
  t.equal(parseOptions(['--help'], FOLDERS), null);
  const some = parseOptions(['--subjects', 'nothing,stock,nothing'], FOLDERS);
  t.same(some?.subjects, ['stock', 'nothing'], 'in one order, each once');
  t.end();
});

void t.test('what is wrong is named', (t) => {
  const refusals: [string[], RegExp][] = [
    [['--subjects', 'theirs'], /theirs|subjects/],
    [['--rounds', '0'], /rounds/],
    [['--nodes', '10,x'], /nodes/],
    [['--pods', '1.5'], /pods/],
    [['--speed', '1'], /speed/],
    [['leftover'], /leftover/],
  ];
  for (const [args, message] of refusals)
    t.throws(() => parseOptions(args, FOLDERS), { code: 'USAGE', message }, args.join(' '));
  t.end();
});

void t.test('turns rotate', (t) => {
  const subjects = ['stock', 'nothing', 'ours'] as const;
  t.same(turns(subjects, 0), ['stock', 'nothing', 'ours']);
  t.same(turns(subjects, 1), ['nothing', 'ours', 'stock']);
  t.same(turns(subjects, 3), ['stock', 'nothing', 'ours']);
  t.equal(needsOurs({ subjects: ['stock', 'nothing'] }), false);
  t.equal(needsOurs({ subjects: ['stock', 'ours-unguarded'] }), true);
  t.end();
});
