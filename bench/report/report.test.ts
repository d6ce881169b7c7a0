import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import t from 'tap';

import type { Measured } from '../cluster/readings.ts';
import type { BenchOptions, Subject } from '../options.ts';
import { cpuSecondsOf } from '../proc.ts';
import type { Histogram } from '../prometheus.ts';
import type { Turn } from '../scenarios/turn.ts';
import { reportOf } from './markdown.ts';
import { jsonOf, markdownOf, writeReport, type Run } from './run.ts';
import { summarizeTurns } from './summary.ts';
import { number, percent, table } from './table.ts';

/** All observations at once in the bucket up to `bound` seconds. */
function histogram(count: number, bound: number, sum: number): Histogram {
  return { bounds: [bound, Infinity], counts: [count, count], sum, count };
}

function measured(more: Partial<Measured> = {}): Measured {
  return { apiServer: {}, scheduler: {}, attempts: {}, verbs: {}, cpu: {}, nothingCalls: {}, ...more };
}

/** A turn in which `pods` are bound evenly within one second. */
function turn(subject: Subject, round: number, pods: number, more: Partial<Measured> = {}): Turn {
  const boundMs = Array.from({ length: pods + 1 }, (_, at) => 500 + (at * 1000) / pods);
  const drain = { boundMs, watchRestarts: 0, measured: measured(more) };
  const paced = {
    latencyMs: [10, 30],
    createMs: [4, 6],
    watchRestarts: 0,
    measured: measured({ attempts: { error: 1 } }),
  };
  return { nodes: 500, round, subject, loadAverage: 0.1, drain, paced };
}

const TURNS = [
  turn('ours', 1, 100, {
    verbs: { bind: histogram(10, 0.01, 0.08) },
    apiServer: { 'POST pods/binding': histogram(10, 0.005, 0.02) },
    attempts: { scheduled: 100, error: 2, unschedulable: 1 },
    cpu: { enclave: 0.202 },
  }),
  turn('stock', 1, 200),
  turn('stock', 2, 400),
  turn('nothing', 1, 125, { nothingCalls: { filter: [1, 3] } }),
  turn('ours', 2, 300, { cpu: { enclave: 0.301 } }),
  turn('nothing', 2, 300, { nothingCalls: { filter: [2] } }),
];

void t.test('summaries by size and subject, ratios within rounds', (t) => {
  const [stock, nothing, ours, ...rest] = summarizeTurns(TURNS);
  t.equal(rest.length, 0);
  t.match(stock, { subject: 'stock', rate: { median: 300, min: 200, max: 400 } });
  t.match(ours, {
    subject: 'ours',
    rate: { count: 2, median: 200 },
    // 100/200 and 300/400; 100/125 and 300/300.
    rateToStock: { min: 0.5, max: 0.75, median: 0.625 },
    rateToNothing: { min: 0.8, max: 1, median: 0.9 },
    paced: { latency: { count: 4, mean: 20, p50: 20 }, create: { mean: 5 }, failedAttempts: 2 },
    failedAttempts: 3,
  });
  t.same(nothing?.verbs['filter'], { count: 3, mean: 2, p50: 2, p99: 2.98 });
  t.equal(ours?.verbs['bind']?.mean, 8);
  t.equal(ours?.bindingShare, 0.25, '2 of 8 ms');
  t.equal(ours?.cpu['enclave'], 1.5, 'median of 2 and 1 CPU seconds per 1,000 pods');
  t.equal(summarizeTurns([turn('ours', 1, 10)])[0]?.rateToStock, null);
  t.end();
});

void t.test('numbers and tables', (t) => {
  t.same([1234.5, 99.94, 0.456, 0, -3].map(number), ['1235', '99.9', '0.46', '0.00', '-3.00']);
  t.same([Number.NaN, null, undefined, Infinity].map(number), ['–', '–', '–', '–']);
  t.equal(percent(0.254), '25 %');
  t.equal(percent(Number.NaN), '–');
  t.equal(table(['', 'n'], [['a', '1']]), '|  | n |\n| --- | ---: |\n| a | 1 |');
  t.end();
});

const OPTIONS: BenchOptions = {
  nodes: [500],
  rounds: 2,
  pods: 100,
  paced: 2,
  rate: 20,
  subjects: ['stock', 'nothing', 'ours'],
  k: 64,
  operators: 50,
  keep: false,
};

const RUN: Run = {
  command: 'npm run bench',
  commit: { id: 'abc1234', dirty: true },
  machine: {
    cpu: 'Some CPU',
    cores: 2,
    memoryGib: 8,
    kernel: 'Linux 6',
    node: 'v24',
    kubernetes: '1.36.3',
    etcd: '3.6.8',
    loadAverage: [0.1, 0.2, 0.3],
  },
  loadAverageAfter: [1, 0.5, 0.4],
  started: '2026-01-02T03:04:05.678Z',
  seconds: 61,
  rounds: 2,
};

const FAILURES = [{ nodes: 500, what: 'round 2 of 2, ours', why: '3 of 100 pods were bound' }];
const REPORT = reportOf({ turns: TURNS, failures: FAILURES, broken: false }, OPTIONS, {
  kubernetes: '1.36.3',
  etcd: '3.6.8',
});

void t.test('the Markdown names command, commit, machine, load, and every subject', (t) => {
  const text = markdownOf(RUN, REPORT);
  for (const part of [
    '# Bench\n\n`npm run bench`, commit abc1234 with changed files, 2026-01-02T03:04 UTC, 61 s, 2 rounds.',
    'Some CPU, 2 cores, 8 GiB, Linux 6, Node v24, Kubernetes 1.36.3, etcd 3.6.8;',
    'load average before: 0.1, 0.2, 0.3, after: 1, 0.5, 0.4.',
    '100 pods a drain; 2 pods at 20/s; K = 64; 50 operators',
    '| stock kube-scheduler | 500 | 300 | 200–400 | 1 |',
    '| ours | 500 | 200 | 100–300 | 0.63 (0.50–0.75) | 0.90 (0.80–1.00) |',
    '3 of 100 pods were bound',
  ])
    t.ok(text.includes(part), part);
  t.notOk(/NaN|undefined|Infinity/.test(text));
  // As many cells in each row as in its header.
  for (const block of text.split('\n\n').filter((part) => part.startsWith('|'))) {
    t.equal(
      new Set(
        block
          .trim()
          .split('\n')
          .map((line) => line.split('|').length),
      ).size,
      1,
      block.slice(0, 40),
    );
  }
  t.end();
});

void t.test('each aim says whether it was met, at its edge, too', (t) => {
  const aims = [
    { what: 'quick', atMost: 3, measured: 3 },
    { what: 'slow', atMost: 3, measured: 3.1 },
    { what: 'many', atLeast: 2_000, measured: 2_000 },
    { what: 'few', atLeast: 2_000, measured: 1_999 },
    { what: 'not measured', atMost: 3, measured: Number.NaN },
  ];
  const text = markdownOf(RUN, { ...REPORT, aims });
  for (const row of [
    '| quick | ≤ 3.00 | 3.00 | yes |',
    '| slow | ≤ 3.00 | 3.10 | **no** |',
    '| many | ≥ 2000 | 2000 | yes |',
    '| few | ≥ 2000 | 1999 | **no** |',
    '| not measured | ≤ 3.00 | – | **no** |',
  ])
    t.ok(text.includes(row), row);
  const { aims: told } = JSON.parse(jsonOf('bench', RUN, { ...REPORT, aims })) as {
    aims: { met: boolean }[];
  };
  t.same(
    told.map(({ met }) => met),
    [true, false, true, false, false],
  );
  t.end();
});

void t.test('files: by date and commit, and latest, with every sample', async (t) => {
  const out = t.testdir();
  await writeReport(out, { script: 'bench', keeps: true }, RUN, REPORT);
  const names = ['2026-01-02T0304-abc1234.json', '2026-01-02T0304-abc1234.md', 'latest.json', 'latest.md'];
  t.same(readdirSync(out).sort(), names);
  const value = JSON.parse(readFileSync(join(out, 'latest.json'), 'utf8')) as {
    format: string;
    run: unknown;
    turns: { drain: { boundMs: number[]; measured: { verbs: Record<string, { bounds: unknown[] }> } } }[];
  };
  t.equal(value.format, 'k3s-daas-bench/1');
  t.same(value.run, RUN);
  t.equal(value.turns.length, TURNS.length);
  t.equal(value.turns[0]?.drain.boundMs.length, 101);
  t.same(value.turns[0]?.drain.measured.verbs['bind']?.bounds, [0.01, '+Inf']);
});

void t.test('CPU time from /proc, whatever the program calls itself', (t) => {
  // proc(5): utime and stime are fields 14 and 15, the state is the third.
  const rest = 'S 1 2 3 0 -1 4194304 1 2 3 4 150 25 0 0 20 0 1 0 100 1 1';
  t.equal(cpuSecondsOf(`42 (node) ${rest}`), 1.75);
  t.equal(cpuSecondsOf(`42 (a) b (c)) ${rest}`), 1.75);
  t.end();
});
