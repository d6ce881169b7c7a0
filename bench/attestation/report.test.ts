import t from 'tap';

import type { Measured } from './measure.ts';
import { parseOptions } from './options.ts';
import { attestationJson, attestationMarkdown, figuresOf, type AttestationRun } from './report.ts';

const RUN: AttestationRun = {
  command: 'npm run bench:attestation',
  commit: { id: 'abc1234', dirty: false },
  machine: { cpu: 'CPU', cores: 2, memoryGib: 8, kernel: 'Linux', node: 'v24', loadAverage: [0.1, 0.2, 0.3] },
  loadAverageAfter: [1, 0.5, 0.4],
  started: '2030-01-01T00:00:00.000Z',
  seconds: 30,
  rounds: 2,
  workers: 2,
};

void t.test('ratios are taken within a round', (t) => {
  // The machine was half as fast in the second round: 2 and 4 against 1 and 2 are a ratio of 2 in both.
  const measured: Measured = {
    latencies: [
      { subject: 'floor', round: 0, ms: [1, 1, 1], cpuMs: 1 },
      { subject: 'ours', round: 0, ms: [2, 2, 2], cpuMs: 3 },
      { subject: 'floor', round: 1, ms: [2, 2, 2], cpuMs: 1 },
      { subject: 'ours', round: 1, ms: [4, 4, 40], cpuMs: 5 },
    ],
    rates: [
      { subject: 'node:crypto alone', round: 0, perSecond: 100 },
      { subject: 'ours', round: 0, perSecond: 80 },
      { subject: 'node:crypto alone', round: 1, perSecond: 50 },
      { subject: 'ours', round: 1, perSecond: 40 },
    ],
    rounds: 2,
  };
  const figures = figuresOf(
    measured,
    new Map([
      ['floor', 'document'],
      ['ours', 'document'],
    ]),
  );
  const [floor, ours] = figures.latency;
  t.match(floor, { p50Ms: 1.5, minMs: 1, cpuMs: 1, ratio: { median: 1, count: 2 } });
  // Sorted 2 2 2 4 4 40: the middle is 3; rank 4.95 of 5 lies 0.95 of the way from 4 to 40.
  t.match(ours, { p50Ms: 3, minMs: 2, cpuMs: 4, ratio: { median: 2, min: 2, max: 2 }, calls: 6 });
  t.equal(ours?.p99Ms.toFixed(6), '38.200000');
  t.match(figures.throughput[1], { subject: 'ours', perSecond: { median: 60 }, ratio: { median: 0.8 } });

  const markdown = attestationMarkdown(RUN, figures);
  t.match(markdown, '| floor | 1.50 | 2.00 | 1.00 | 1.00 | 1.00 | 1.00 – 1.00 | 6 |');
  t.match(markdown, '| ours | 3.00 | 38.2 | 2.00 | 4.00 | 2.00 | 2.00 – 2.00 | 6 |');
  t.match(markdown, '| ours | 60.0 | 40.0 – 80.0 | 0.80 |');
  t.match(markdown, 'load average before: 0.1, 0.2, 0.3, after: 1, 0.5, 0.4');
  t.match(JSON.parse(attestationJson(RUN, figures)), { format: 'k3s-daas-bench-attestation/1', run: RUN });
  t.end();
});

void t.test('options', (t) => {
  const defaults = parseOptions([], '/results');
  t.match(defaults, { rounds: 12, calls: 50, throughputMs: 500, seconds: 45, out: '/results', json: false });
  t.match(parseOptions(['--quick', '--json'], '/results'), { rounds: 2, out: null, json: true });
  t.match(parseOptions(['--out', '-', '--calls', '7'], '/results'), { out: null, calls: 7 });
  t.equal(parseOptions(['--help'], '/results'), null);
  const refusals: [string[], RegExp][] = [
    [['--rounds', '1'], /rounds/],
    [['--calls', 'x'], /calls/],
    [['--speed', '1'], /speed/],
    [['leftover'], /leftover/],
  ];
  for (const [args, message] of refusals)
    t.throws(() => parseOptions(args, '/results'), { code: 'USAGE', message }, args.join(' '));
  t.end();
});
