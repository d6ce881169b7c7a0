import t from 'tap';

import { measureBare, type Sample } from './measure.ts';
import { parseOptions } from './options.ts';
import { figuresOf, keyServerMarkdown, type KeyServerRun } from './report.ts';

const RUN: KeyServerRun = {
  command: 'npm run bench:key-server',
  commit: { id: 'abc1234', dirty: true },
  machine: { cpu: 'CPU', cores: 2, memoryGib: 8, kernel: 'Linux', node: 'v24', loadAverage: [0.1, 0.2, 0.3] },
  loadAverageAfter: [1, 0.5, 0.4],
  started: '2030-01-01T00:00:00.000Z',
  seconds: 30,
  rounds: 2,
};

void t.test('ratios are taken within a round', (t) => {
  // The machine was half as fast in the second round.
  const samples: Sample[] = [
    { subject: 'bare', round: 0, ms: [5, 5, 5], perSecond: 200 },
    { subject: 'new identity', round: 0, ms: [15, 15, 15], perSecond: 100 },
    { subject: 'known identity', round: 0, ms: [10, 10, 10], perSecond: 150 },
    { subject: 'bare', round: 1, ms: [10, 10, 10], perSecond: 100 },
    { subject: 'new identity', round: 1, ms: [30, 30, 90], perSecond: 50 },
    { subject: 'known identity', round: 1, ms: [20, 20, 20], perSecond: 75 },
  ];
  const figures = figuresOf(samples);
  t.match(figures, [
    { subject: 'bare', ratio: { median: 1 }, rateRatio: { median: 1 }, calls: 6 },
    { subject: 'new identity', ratio: { min: 3, max: 3 }, rateRatio: { min: 0.5, max: 0.5 } },
    { subject: 'known identity', ratio: { median: 2 }, perSecond: { median: 112.5 } },
  ]);
  const text = keyServerMarkdown(RUN, figures);
  t.match(text, /commit abc1234 with changed files/);
  t.match(text, /\| key server, an identity it has \| 15\.0 \|/);
  t.end();
});

void t.test('options', (t) => {
  t.match(parseOptions([], '/results'), { rounds: 7, calls: 60, out: '/results', json: false });
  t.match(parseOptions(['--quick', '--calls', '20'], '/results'), { rounds: 2, calls: 20, out: null });
  t.equal(parseOptions(['--help'], ''), null);
  for (const args of [['--rounds', '1'], ['--calls', 'x'], ['--what'], ['more']])
    t.throws(() => parseOptions(args, ''), { code: 'USAGE' }, args.join(' '));
  t.equal(measureBare(2, 0).ms.length, 2);
  t.end();
});
