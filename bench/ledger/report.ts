import type { Report } from '../report/run.ts';
import { number, section } from '../report/table.ts';
import { byRound, median, pairedRatio, summarize } from '../statistics.ts';
import type { GrpcSample } from './grpc.ts';
import type { Sample } from './measure.ts';
import type { MemorySample } from './memory.ts';
import type { RestartSample } from './restart.ts';
import type { StartSample } from './start.ts';

const MEBIBYTE = 2 ** 20;

interface Figures {
  readonly inProcess: readonly Sample[];
  readonly grpc: readonly GrpcSample[];
  readonly start: readonly StartSample[];
  readonly memory: MemorySample | null;
  readonly restart: RestartSample | null;
}

export function reportOf(figures: Figures, rounds: number): Report {
  return {
    title: 'Embedded ledger',
    rounds,
    notes: [
      'Medians of the rounds. CPU is that of the whole process, compiler and garbage collector included; on a shared',
      'machine it tells more than the clock does.',
    ].join(' '),
    sections: [
      inProcessTable(figures.inProcess),
      grpcTable(figures.grpc),
      startTable(figures.start),
      memoryTable(figures.memory),
      restartTable(figures.restart),
    ],
    json: { ...figures },
  };
}

function inProcessTable(samples: readonly Sample[]): string {
  const bySubject = Map.groupBy(samples, ({ subject }) => subject);
  const rates = (of: readonly Sample[]) => byRound(of, ({ perSecond }) => perSecond);
  const [floor = []] = bySubject.values();
  const rows = [...bySubject].map(([name, of]) => {
    const { median: rate, min, max } = summarize(of.map(({ perSecond }) => perSecond));
    const unit = of[0]?.unit ?? '';
    const cpu = median(of.map(({ cpuUs }) => cpuUs));
    const ratio = unit === 'tx/s' ? number(pairedRatio(rates(of), rates(floor)).median) : '';
    return [name, `${rounded(rate)} ${unit}`, `${rounded(min)} – ${rounded(max)}`, number(cpu), ratio];
  });
  return section('In process', '', ['', 'median', 'range', 'CPU µs each', '÷ first row'], rows);
}

function rounded(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en');
}

function grpcTable(samples: readonly GrpcSample[]): string {
  const rows = [...Map.groupBy(samples, ({ width }) => width)].map(([width, of]) => [
    `${width} in flight`,
    rounded(median(of.map(({ perSecond }) => perSecond))),
    number(median(of.map(({ p50Ms }) => p50Ms))),
    number(median(of.map(({ p99Ms }) => p99Ms))),
  ]);
  const head = 'Signed stake transactions, unmodified SuiGrpcClient in another process.';
  return section('Over gRPC-web', head, ['', 'tx/s', 'p50 ms', 'p99 ms'], rows);
}

function startTable(samples: readonly StartSample[]): string {
  if (samples.length === 0) return '';
  const column = (compileCache: boolean, pick: (sample: StartSample) => number): string => {
    const of = samples.filter((sample) => sample.compileCache === compileCache).map(pick);
    const { median: middle, min, max } = summarize(of);
    return `${middle.toFixed(0)} (${min.toFixed(0)} – ${max.toFixed(0)})`;
  };
  const row = (name: string, pick: (sample: StartSample) => number): string[] => [
    name,
    column(false, pick),
    column(true, pick),
  ];
  const rows = [
    row('process start to first answer', ({ readyMs }) => readyMs),
    row('of that: Node and modules', ({ importMs }) => importMs),
    row('of that: framework from the cache', ({ frameworkMs }) => frameworkMs),
    row('of that: createLedger and listen', ({ createAndListenMs }) => createAndListenMs),
    row('CPU of the process until it listens', ({ cpuMs }) => cpuMs),
  ];
  return section('Start, ms', '', ['', 'plain', "with Node's compile cache"], rows);
}

function mib(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(0);
}

function memoryTable(sample: MemorySample | null): string {
  if (sample === null) return '';
  const { transactions, objects, before, after } = sample;
  const rows = [
    ['before', mib(before.rssBytes), mib(before.heapBytes), mib(before.externalBytes)],
    ['after', mib(after.rssBytes), mib(after.heapBytes), mib(after.externalBytes)],
  ];
  const each =
    (after.heapBytes + after.externalBytes - before.heapBytes - before.externalBytes) / transactions;
  const head = `${transactions} stake transactions, ${objects} objects then: ${(each / 1024).toFixed(1)} KiB a transaction.`;
  return section('Memory, MiB', head, ['', 'RSS', 'heap', 'external'], rows);
}

function restartTable(sample: RestartSample | null): string {
  if (sample === null) return '';
  const { transactions, objects, memory, load } = sample;
  const size = ({ rssBytes, heapBytes, bufferBytes }: typeof memory.afterBuild): string[] =>
    [rssBytes, heapBytes, bufferBytes].map(mib);
  const rows = [
    ['from the snapshot', `${sample.openMs.toFixed(0)} ms`, ...size(memory.fromSnapshot)],
    ['by running the journal again', `${sample.replayMs.toFixed(0)} ms`, ...size(memory.afterReplay)],
    ['not at all: the process that wrote it', '', ...size(memory.afterBuild)],
  ];
  const delays = ({ p99Ms, maxMs, perSecond }: typeof load.without): string =>
    `${rounded(perSecond)} tx/s, delays of the event loop ${p99Ms.toFixed(0)} ms (99 %), ${maxMs.toFixed(0)} ms (longest)`;
  const lines = [
    `${rounded(transactions)} simple transactions, ${rounded(objects)} objects; journal ${mib(sample.journalBytes)} MiB,`,
    `snapshot ${mib(sample.snapshotBytes)} MiB in ${sample.snapshotMs.toFixed(0)} ms.`,
    `Under load: ${delays(load.without)}; while a snapshot is taken: ${delays(load.during)}.`,
  ];
  const head = ['', 'time to open', 'RSS MiB', 'heap', 'buffers'];
  return section('Restart', lines.join(' '), head, rows);
}
