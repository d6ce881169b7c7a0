import t from 'tap';

import type { Measured } from './measure.ts';
import { reportOf } from './report.ts';

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
      { subject: 'floor', round: 0, perSecond: 100 },
      { subject: 'ours', round: 0, perSecond: 80 },
      { subject: 'floor', round: 1, perSecond: 50 },
      { subject: 'ours', round: 1, perSecond: 40 },
    ],
    rounds: 2,
  };
  const groups = new Map([
    ['floor', 'document'],
    ['ours', 'document'],
  ]);
  const { json, sections, run, aims } = reportOf(measured, groups, 2);
  t.match(json, {
    latency: [
      { p50Ms: 1.5, minMs: 1, cpuMs: 1, ratio: { median: 1, count: 2 } },
      // Sorted 2 2 2 4 4 40: the middle is 3; rank 4.95 of 5 lies 0.95 of the way from 4 to 40.
      { p50Ms: 3, minMs: 2, cpuMs: 4, ratio: { median: 2, min: 2, max: 2 }, calls: 6 },
    ],
    throughput: [{}, { subject: 'ours', perSecond: { median: 60 }, ratio: { median: 0.8 } }],
  });
  t.same(run, { workers: 2 });
  t.match(aims, [
    { what: 'ours, every check, p50, ms', atMost: 3 },
    { what: 'ours, every check, chain cached, p50, ms', atMost: 0.5 },
  ]);
  const [document = '', signature, throughput = ''] = sections;
  t.match(document, '| floor | 1.50 | 2.00 | 1.00 | 1.00 | 1.00 | 1.00 – 1.00 | 6 |');
  t.match(document, '| ours | 3.00 | 38.2 | 2.00 | 4.00 | 2.00 | 2.00 – 2.00 | 6 |');
  t.equal(signature, '', 'no subject of that group');
  t.match(throughput, '| ours | 60.0 | 40.0 – 80.0 | 0.80 |');
  t.end();
});
