import t from 'tap';

import type { Measured } from './measure.ts';
import { reportOf } from './report.ts';

const LIMITS = { rounds: 2, calls: 3, throughput: 100, connections: 4, pods: 3 };

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
  const versions = { kubernetes: '1.36.3', etcd: '3.6.8' };
  const { json, run, sections } = reportOf(measured, new Map([['a', 4_000]]), LIMITS, versions);
  t.match(json, {
    reviews: [{ subject: 'a', bytes: 4_000, calls: 6, p50Ms: 2, perSecond: { median: 2_000, min: 1_000 } }],
    creates: [
      { subject: 'without webhooks', addedP99Ms: { median: 0, max: 0 } },
      { subject: 'plain pod', addedP99Ms: { median: 1, max: 1 } },
      { subject: 'sealed pod', addedP99Ms: { median: 5, max: 5 } },
    ],
    measured,
  });
  t.same(run, { limits: { rounds: 2, calls: 3, throughputMs: 100, connections: 4, pods: 3 } });
  const [reviews = '', creates = ''] = sections;
  t.match(reviews, 'on 4 connections');
  t.match(reviews, '| a | 2.00 | 3.00 | 2000 | 1000 – 3000 | 0.60 | 4000 | 6 |');
  t.match(creates, '| sealed pod | 16.0 | 25.0 | 5.00 | 5.00 | 5.00 – 5.00 | 6 |');
  t.end();
});
