import t from 'tap';

import type { Measured } from './measure.ts';
import { parseOptions } from './options.ts';
import { admissionJson, admissionMarkdown, figuresOf, type AdmissionRun } from './report.ts';

const RUN: AdmissionRun = {
  command: 'npm run bench:admission',
  commit: { id: 'abc1234', dirty: false },
  machine: {
    cpu: 'CPU',
    cores: 2,
    memoryGib: 8,
    kernel: 'Linux',
    node: 'v24',
    kubernetes: '1.36.3',
    etcd: '3.6.8',
    loadAverage: [0.1, 0.2, 0.3],
  },
  loadAverageAfter: [1, 0.5, 0.4],
  started: '2030-01-01T00:00:00.000Z',
  seconds: 30,
  limits: { rounds: 2, calls: 3, throughputMs: 100, connections: 4, pods: 3 },
};

void t.test('what webhooks add is taken within a round', (t) => {
  // The machine was slower in the second round; each time the sealed pod took 5 ms more at most, the plain one 1 ms.
  const measured: Measured = {
    reviews: [
      { subject: 'a', round: 0, ms: [1, 1, 1] },
      { subject: 'a', round: 1, ms: [3, 3, 3] },
    ],
    rates: [
      { subject: 'a', round: 0, perSecond: 1_000, cpuMs: 0.5 },
      { subject: 'a', round: 1, perSecond: 3_000, cpuMs: 0.7 },
    ],
    creates: [
      { subject: 'without webhooks', round: 0, ms: [2, 2, 2] },
      { subject: 'plain pod', round: 0, ms: [3, 3, 3] },
      { subject: 'sealed pod', round: 0, ms: [7, 7, 7] },
      { subject: 'without webhooks', round: 1, ms: [20, 20, 20] },
      { subject: 'plain pod', round: 1, ms: [21, 21, 21] },
      { subject: 'sealed pod', round: 1, ms: [25, 25, 25] },
    ],
    rounds: 2,
  };
  const figures = figuresOf(measured, new Map([['a', 4_000]]));
  t.match(figures.reviews, [
    { subject: 'a', bytes: 4_000, calls: 6, p50Ms: 2, p99Ms: 3, perSecond: { median: 2_000, min: 1_000 } },
  ]);
  t.match(
    figures.creates.map(({ subject, addedP99Ms }) => [subject, addedP99Ms.median, addedP99Ms.max]),
    [
      ['without webhooks', 0, 0],
      ['plain pod', 1, 1],
      ['sealed pod', 5, 5],
    ],
  );
  const markdown = admissionMarkdown(RUN, figures);
  t.match(markdown, '| a | 2.00 | 3.00 | 2000 | 1000 – 3000 | 0.60 | 4000 | 6 |');
  t.match(markdown, '| sealed pod | 16.0 | 25.0 | 5.00 | 5.00 | 5.00 – 5.00 | 6 |');
  t.match(markdown, 'load average before: 0.1, 0.2, 0.3, after: 1, 0.5, 0.4');
  t.match(JSON.parse(admissionJson(RUN, figures, measured)), {
    format: 'k3s-daas-bench-admission/1',
    run: RUN,
  });
  t.end();
});

void t.test('options', (t) => {
  t.match(parseOptions([], '/results'), {
    rounds: 10,
    calls: 500,
    pods: 200,
    throughputMs: 1_000,
    out: '/results',
  });
  t.match(parseOptions(['--quick'], '/results'), { rounds: 2, out: null });
  t.equal(parseOptions(['--help'], '/results'), null);
  for (const wrong of [['--rounds', '1'], ['--pods', 'x'], ['--nope']])
    t.throws(() => parseOptions(wrong, '/results'), { code: 'USAGE' }, wrong.join(' '));
  t.end();
});
