import fc from 'fast-check';
import t from 'tap';

import { median, pairedRatio, quantile, ratePerSecond, summarize } from './statistics.ts';

void t.test('quantile agrees with numpy.percentile', (t) => {
  // numpy.percentile([15, 20, 35, 40, 50], [0, 5, 30, 40, 50, 99, 100])
  const samples = [40, 15, 50, 20, 35];
  const expected: [number, number][] = [
    [0, 15],
    [0.05, 16],
    [0.3, 23],
    [0.4, 29],
    [0.5, 35],
    [0.99, 49.6],
    [1, 50],
  ];
  for (const [q, value] of expected) t.ok(Math.abs(quantile(samples, q) - value) < 1e-9, `${q}`);
  t.equal(quantile([7], 0.99), 7);
  t.ok(Number.isNaN(quantile([], 0.5)));
  t.same(samples, [40, 15, 50, 20, 35], 'the samples stay as they are');
  t.end();
});

void t.test('median and summary', (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.same(summarize([5, 1, 3]), { count: 3, median: 3, min: 1, max: 5 });
  t.end();
});

void t.test('ratios are taken round by round', (t) => {
  const values = new Map([
    [1, 50],
    [2, 90],
    [3, 10],
    [9, 1],
  ]);
  const bases = new Map([
    [1, 100],
    [2, 100],
    [3, 10],
    [4, 7],
  ]);
  // Rounds 1 to 3: 0.5, 0.9 and 1. The ratio of the medians would be 0.3.
  t.same(pairedRatio(values, bases), { count: 3, median: 0.9, min: 0.5, max: 1 });
  t.equal(pairedRatio(values, new Map()).count, 0);
  t.end();
});

void t.test('rate from the first to the last event', (t) => {
  t.equal(ratePerSecond([1000, 1500, 2000]), 2, 'two intervals in one second');
  t.equal(ratePerSecond([2000, 1000, 1500]), 2, 'in any order');
  t.ok(Number.isNaN(ratePerSecond([5])));
  t.ok(Number.isNaN(ratePerSecond([])));
  t.end();
});

void t.test('quantiles grow with q and stay among the samples', (t) => {
  const numbers = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });
  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(numbers, unit, unit, (samples, a, b) => {
      const low = quantile(samples, Math.min(a, b));
      const high = quantile(samples, Math.max(a, b));
      return low <= high + 1e-6 && low >= Math.min(...samples) - 1e-6 && high <= Math.max(...samples) + 1e-6;
    }),
    { seed: 20260101 },
  );
  t.pass('fast-check, seed 20260101');
  t.end();
});
