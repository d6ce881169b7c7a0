import type { Versions } from '../machine.ts';
import type { BenchOptions, Subject } from '../options.ts';
import type { Failure, Outcome } from '../run.ts';
import type { Summary } from '../statistics.ts';
import type { Report } from './run.ts';
import { summarizeTurns, type SubjectSummary, type Timing } from './summary.ts';
import { number, percent, section } from './table.ts';

const NAMES: Readonly<Record<Subject, string>> = {
  stock: 'stock kube-scheduler',
  nothing: 'do-nothing extender',
  ours: 'ours',
  'ours-unguarded': 'ours, no webhook',
};

/** bench/README.md says how each figure comes about. */
export function reportOf(
  { turns, failures, broken }: Outcome,
  options: BenchOptions,
  versions: Versions,
): Report {
  const { rounds, pods, paced: pacedPods, rate, k, operators } = options;
  const summaries = summarizeTurns(turns);
  return {
    title: 'Bench',
    rounds,
    notes: `Interleaved; ${pods} pods a drain; ${pacedPods} pods at ${rate}/s; K = ${k}; ${operators} operators.`,
    sections: [
      throughput(summaries),
      paced(summaries, options),
      verbs(summaries),
      scheduler(summaries),
      binding(summaries),
      cpu(summaries),
      failed(failures),
    ],
    json: { failures, summaries, turns },
    run: { options },
    versions,
    isBroken: broken,
  };
}

function throughput(summaries: readonly SubjectSummary[]): string {
  const rows = summaries.map(({ nodes, subject, rate, rateToStock, rateToNothing }) => [
    NAMES[subject],
    String(nodes),
    number(rate.median),
    `${number(rate.min)}–${number(rate.max)}`,
    ratio(rateToStock),
    ratio(rateToNothing),
  ]);
  const header = ['', 'nodes', 'pods/s', 'min–max', '÷ stock', '÷ do-nothing'];
  return section(
    'Throughput',
    'Drain: median of the rounds; ratios are medians of the ratios within a round.',
    header,
    rows,
  );
}

function ratio(summary: Summary | null): string {
  if (summary === null || summary.count === 0) return '–';
  return summary.min === 1 && summary.max === 1
    ? '1'
    : `${number(summary.median)} (${number(summary.min)}–${number(summary.max)})`;
}

function paced(summaries: readonly SubjectSummary[], { rate }: BenchOptions): string {
  const rows = summaries.flatMap(({ nodes, subject, paced }) =>
    paced === null
      ? []
      : [
          [
            NAMES[subject],
            String(nodes),
            String(paced.latency.count),
            number(paced.latency.p50),
            number(paced.latency.p99),
            number(paced.create.p50),
            number(paced.create.p99),
            String(paced.failedAttempts),
          ],
        ],
  );
  const header = ['ms', 'nodes', 'pods', 'bound p50', 'p99', 'of it create p50', 'p99', 'failed attempts'];
  return section('Create to bound', `${rate} pods a second; all rounds together.`, header, rows);
}

const VERBS = ['filter', 'prioritize', 'bind'] as const;

function verbs(summaries: readonly SubjectSummary[]): string {
  const rows = summaries.flatMap(({ nodes, subject, verbs, paced }) =>
    VERBS.flatMap((verb) => {
      const drain = verbs[verb];
      if (drain === undefined) return [];
      const steady = paced?.verbs[verb];
      return [[`${NAMES[subject]}: ${verb}`, String(nodes), ...timing(drain), ...timing(steady)]];
    }),
  );
  const header = ['ms', 'nodes', 'drain mean', 'p50', 'p99', 'paced mean', 'p50', 'p99'];
  const text =
    'As the extender sees them. Ours come from its histogram: p50 and p99 are interpolated in buckets of ' +
    '0.5, 1, 2.5, 5, 10 … ms; those of the do-nothing extender are exact.';
  return section('Verbs', text, header, rows);
}

function timing(value: Timing | undefined): string[] {
  return [number(value?.mean), number(value?.p50), number(value?.p99)];
}

function scheduler(summaries: readonly SubjectSummary[]): string {
  const stock = new Map(
    summaries
      .filter(({ subject }) => subject === 'stock')
      .map((one) => [one.nodes, one.scheduler['algorithm']?.mean ?? Number.NaN]),
  );
  const rows = summaries.map(({ nodes, subject, scheduler, failedAttempts }) => {
    const algorithm = scheduler['algorithm'];
    const base = stock.get(nodes) ?? Number.NaN;
    return [
      NAMES[subject],
      String(nodes),
      ...timing(algorithm),
      number((algorithm?.mean ?? Number.NaN) - base),
      ...timing(scheduler['attempt']),
      String(failedAttempts),
    ];
  });
  const header = [
    'ms',
    'nodes',
    'algorithm mean',
    'p50',
    'p99',
    'mean − stock',
    'attempt mean',
    'p50',
    'p99',
    'failed',
  ];
  const text =
    'Drain, by its own metrics. Algorithm: filter and score with the calls of the extender, one pod after the other; ' +
    'attempt: with the binding.';
  return section('As kube-scheduler sees it', text, header, rows);
}

function binding(summaries: readonly SubjectSummary[]): string {
  const rows = summaries.map(({ nodes, subject, apiServer, verbs, bindingShare }) => [
    NAMES[subject],
    String(nodes),
    ...timing(apiServer['POST pods/binding']),
    number(apiServer['webhook: bindings']?.mean),
    number(verbs['bind']?.mean),
    percent(bindingShare),
  ]);
  const header = [
    'ms',
    'nodes',
    'POST binding mean',
    'p50',
    'p99',
    'of it webhook',
    'bind verb mean',
    'POST’s share',
  ];
  return section('Binding', 'Drain, by the metrics of kube-apiserver.', header, rows);
}

function cpu(summaries: readonly SubjectSummary[]): string {
  const rows = summaries.map(({ nodes, subject, cpu }) => {
    const scheduler = Object.entries(cpu)
      .filter(([name]) => name.includes('scheduler') || name.startsWith('bench-'))
      .reduce((sum, [, seconds]) => sum + seconds, 0);
    return [
      NAMES[subject],
      String(nodes),
      ...['kube-apiserver', 'etcd'].map((name) => number(cpu[name])),
      number(scheduler),
      number(subject === 'nothing' ? cpu['nothing'] : cpu['enclave']),
      number(cpu['webhook']),
      number(cpu['bench']),
    ];
  });
  const header = [
    'CPU s',
    'nodes',
    'kube-apiserver',
    'etcd',
    'kube-scheduler',
    'extender',
    'webhook',
    'bench',
  ];
  const text = 'Per 1,000 pods of a drain, the start of kube-scheduler included; median of the rounds.';
  return section('CPU', text, header, rows);
}

/** The whole of it, with the last lines of a log, is in the JSON. */
const WHY_CHARACTERS_MAX = 300;

function failed(failures: readonly Failure[]): string {
  if (failures.length === 0) return '';
  const lines = failures.map(
    ({ nodes, what, why }) =>
      `- ${nodes} nodes, ${what}: ${why.replaceAll('\n', ' ').slice(0, WHY_CHARACTERS_MAX)}`,
  );
  return ['## Without figures', '', ...lines].join('\n');
}
