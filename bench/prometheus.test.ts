import t from 'tap';

import {
  histogramDelta,
  histogramMean,
  histogramOf,
  histogramQuantile,
  histogramSum,
  parseMetrics,
  valueOf,
} from './prometheus.ts';

const TEXT = `# HELP rpc_seconds Time.
# TYPE rpc_seconds histogram
rpc_seconds_bucket{verb="filter",le="0.1"} 10
rpc_seconds_bucket{verb="filter",le="0.5"} 30
rpc_seconds_bucket{verb="filter",le="+Inf"} 40
rpc_seconds_sum{verb="filter"} 20
rpc_seconds_count{verb="filter"} 40
rpc_seconds_bucket{verb="bind",le="0.1"} 1
rpc_seconds_bucket{verb="bind",le="0.5"} 1
rpc_seconds_bucket{verb="bind",le="+Inf"} 1
rpc_seconds_sum{verb="bind"} 0.05
rpc_seconds_count{verb="bind"} 1
attempts_total{result="scheduled",reason="a \\"quoted\\", {braced}\\nvalue"} 7 1700000000000
attempts_total{result="error",reason=""} 1e3
up 1
age +Inf
other_metric{broken 1
`;

void t.test('parses names, labels with escapes, values and timestamps', (t) => {
  const samples = parseMetrics(TEXT, ['attempts_', 'up', 'age']);
  t.same(samples, [
    {
      name: 'attempts_total',
      labels: { result: 'scheduled', reason: 'a "quoted", {braced}\nvalue' },
      value: 7,
    },
    { name: 'attempts_total', labels: { result: 'error', reason: '' }, value: 1000 },
    { name: 'up', labels: {}, value: 1 },
    { name: 'age', labels: {}, value: Infinity },
  ]);
  t.equal(valueOf(samples, 'attempts_total'), 1007);
  t.equal(valueOf(samples, 'attempts_total', { result: 'scheduled' }), 7);
  t.equal(valueOf(samples, 'missing'), 0);
  t.throws(() => parseMetrics(TEXT, ['other_']), { code: 'METRICS_MALFORMED' });
  t.end();
});

void t.test('histograms by labels, added up where labels are left out', (t) => {
  const samples = parseMetrics(TEXT, ['rpc_']);
  const filter = histogramOf(samples, 'rpc_seconds', { verb: 'filter' });
  t.same(filter, { bounds: [0.1, 0.5, Infinity], counts: [10, 30, 40], sum: 20, count: 40 });
  t.same(histogramOf(samples, 'rpc_seconds').counts, [11, 31, 41]);
  t.same(histogramOf(samples, 'nothing'), { bounds: [], counts: [], sum: 0, count: 0 });
  // A label that a series does not have counts as empty, as in PromQL.
  t.equal(histogramOf(samples, 'rpc_seconds', { verb: 'bind', status: '' }).count, 1);
  t.end();
});

void t.test('quantiles as histogram_quantile has them', (t) => {
  const filter = histogramOf(parseMetrics(TEXT, ['rpc_']), 'rpc_seconds', { verb: 'filter' });
  t.equal(histogramQuantile(filter, 0.125), 0.05, 'halfway through the first bucket');
  // Rank 20: 10 of the 20 observations between 0.1 and 0.5.
  t.ok(Math.abs(histogramQuantile(filter, 0.5) - 0.3) < 1e-12);
  t.equal(histogramQuantile(filter, 0.99), 0.5, 'beyond the last finite bound: that bound');
  t.equal(histogramMean(filter), 0.5);
  const empty = histogramOf([], 'x');
  t.ok(Number.isNaN(histogramQuantile(empty, 0.5)));
  t.ok(Number.isNaN(histogramMean(empty)));
  t.end();
});

void t.test('delta and sum', (t) => {
  const before = { bounds: [1, 2, Infinity], counts: [1, 2, 3], sum: 5, count: 3 };
  const after = { bounds: [1, 2, Infinity], counts: [4, 6, 10], sum: 25, count: 10 };
  const delta = { bounds: [1, 2, Infinity], counts: [3, 4, 7], sum: 20, count: 7 };
  t.same(histogramDelta(before, after), delta);
  t.same(histogramDelta(after, before), before, 'a restart begins at zero');
  t.same(histogramDelta(histogramOf([], 'x'), after), after);
  t.same(histogramSum([before, delta]), after);
  t.same(histogramSum([]), { bounds: [], counts: [], sum: 0, count: 0 });
  t.end();
});
