import t from 'tap';

import { measureBare, type Sample } from './measure.ts';
import { reportOf } from './report.ts';

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
  const { json, sections } = reportOf(samples, 2);
  t.match(json, {
    figures: [
      { subject: 'bare', ratio: { median: 1 }, rateRatio: { median: 1 }, calls: 6 },
      { subject: 'new identity', ratio: { min: 3, max: 3 }, rateRatio: { min: 0.5, max: 0.5 } },
      { subject: 'known identity', ratio: { median: 2 }, perSecond: { median: 112.5 } },
    ],
    samples,
  });
  t.match(sections[0], /\| key server, an identity it has \| 15\.0 \|/);
  t.end();
});

void t.test('the bare computation', async (t) => {
  t.equal((await measureBare(2, 0)).ms.length, 2);
});
