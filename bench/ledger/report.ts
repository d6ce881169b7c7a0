import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { median, pairedRatio, summarize } from '../statistics.ts';
import { number, table } from '../report/table.ts';
import type { Host, Commit } from '../machine.ts';
import type { GrpcSample } from './grpc.ts';
import type { Sample } from './measure.ts';
import type { MemorySample } from './memory.ts';
import type { RestartSample } from './restart.ts';
import type { StartSample } from './start.ts';

const FORMAT = 'k3s-daas-bench-ledger/1';
const MEBIBYTE = 2 ** 20;

export interface LedgerRun {
  readonly command: string;
  readonly commit: Commit;
  readonly machine: Host;
  readonly started: string;
  readonly seconds: number;
}

export interface LedgerFigures {
  readonly inProcess: readonly Sample[];
  readonly grpc: readonly GrpcSample[];
  readonly start: readonly StartSample[];
  readonly memory: MemorySample | null;
  readonly restart: RestartSample | null;
}

export function ledgerJson(run: LedgerRun, figures: LedgerFigures): string {
  return `${JSON.stringify({ format: FORMAT, run, ...figures }, null, 1)}\n`;
}

export function ledgerMarkdown(
  { command, commit, machine, started, seconds }: LedgerRun,
  f: LedgerFigures,
): string {
  const facts = [
    `\`${command}\`, commit ${commit.id}${commit.dirty ? ' with changed files' : ''}, ${started.slice(0, 16)} UTC, ${seconds} s.`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.kernel}, Node ${machine.node};`,
    `load average before: ${machine.loadAverage.join(', ')}.`,
    'Medians of the rounds. CPU is that of the whole process, compiler and garbage collector included; on a shared',
    'machine it tells more than the clock does.',
  ].join(' ');
  const parts = [
    '# Embedded ledger',
    facts,
    inProcessTable(f.inProcess),
    grpcTable(f.grpc),
    startTable(f.start),
    memoryTable(f.memory),
    restartTable(f.restart),
  ];
  return `${parts.filter((text) => text !== '').join('\n\n')}\n`;
}

function inProcessTable(samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const bySubject = Map.groupBy(samples, ({ subject }) => subject);
  const rates = (of: readonly Sample[]): Map<number, number> =>
    new Map(of.map(({ round, perSecond }) => [round, perSecond]));
  const [floor = []] = bySubject.values();
  const rows = [...bySubject].map(([name, of]) => {
    const { median: rate, min, max } = summarize(of.map(({ perSecond }) => perSecond));
    const unit = of[0]?.unit ?? '';
    const cpu = median(of.map(({ cpuUs }) => cpuUs));
    const ratio = unit === 'tx/s' ? number(pairedRatio(rates(of), rates(floor)).median) : '';
    return [name, `${rounded(rate)} ${unit}`, `${rounded(min)} – ${rounded(max)}`, number(cpu), ratio];
  });
  return `## In process\n\n${table(['', 'median', 'range', 'CPU µs each', `÷ first row`], rows)}`;
}

function rounded(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en');
}

function grpcTable(samples: readonly GrpcSample[]): string {
  if (samples.length === 0) return '';
  const rows = [...Map.groupBy(samples, ({ width }) => width)].map(([width, of]) => [
    `${width} in flight`,
    rounded(median(of.map(({ perSecond }) => perSecond))),
    number(median(of.map(({ p50Ms }) => p50Ms))),
    number(median(of.map(({ p99Ms }) => p99Ms))),
  ]);
  const head = 'Signed stake transactions, unmodified SuiGrpcClient in another process.';
  return `## Over gRPC-web\n\n${head}\n\n${table(['', 'tx/s', 'p50 ms', 'p99 ms'], rows)}`;
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
  return `## Start, ms\n\n${table(['', 'plain', "with Node's compile cache"], rows)}`;
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
  return `## Memory, MiB\n\n${head}\n\n${table(['', 'RSS', 'heap', 'external'], rows)}`;
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
  return `## Restart\n\n${lines.join(' ')}\n\n${table(head, rows)}`;
}

/** Writes ledger-latest.md and .json. */
export async function writeLedgerReport(
  folder: string,
  run: LedgerRun,
  figures: LedgerFigures,
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const files = [join(folder, 'ledger-latest.md'), join(folder, 'ledger-latest.json')] as const;
  await writeFile(files[0], ledgerMarkdown(run, figures));
  await writeFile(files[1], ledgerJson(run, figures));
  return files;
}
