import { fileURLToPath } from 'node:url';

import { describeError, systemClock } from '@k3s-daas/core';

import { BenchError, type BenchErrorCode } from '../errors.ts';
import { currentCommit, describeHost, loadAverage } from '../machine.ts';
import { jsonOf, markdownOf, writeReport, type Report, type Run } from '../report/run.ts';
import { helpOf, parseOptions, type Described, type Options, type Values } from './options.ts';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));
const EXIT_CODES: Partial<Record<BenchErrorCode, number>> = { USAGE: 2, IMPOSSIBLE: 69, INTERRUPTED: 130 };
const FAILED = 1;

export type Progress = (line: string) => void;

/** What a bench consists of. */
export interface Bench<O extends Options> extends Described<O> {
  readonly measure: (values: Values<O>, progress: Progress) => Promise<Report>;
  /** Whether results stay under date and commit too, not only as the latest. */
  readonly keeps?: boolean;
  /** Where the bench needs surroundings of its own: runs the command there. @returns its exit code; null: go on here. */
  readonly elsewhere?: (args: readonly string[], progress: Progress) => Promise<number | null>;
}

/** Standard output and standard error. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const terminal: Terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
};

/** @returns the exit code. An error that is none of the bench's own is thrown: its stack says more. */
export async function runCommand<O extends Options>(
  bench: Bench<O>,
  args: readonly string[],
  to: Terminal = terminal,
): Promise<number> {
  try {
    return await command(bench, args, to);
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    to.err(`${describeError(error)}\n`);
    return EXIT_CODES[error.code] ?? FAILED;
  }
}

/** options → measure → print → write */
async function command<O extends Options>(
  bench: Bench<O>,
  args: readonly string[],
  to: Terminal,
): Promise<number> {
  const chosen = parseOptions(bench, args, RESULTS);
  if (chosen === null) {
    to.out(helpOf(bench));
    return 0;
  }
  const progress: Progress = (line) => {
    to.err(`${line}\n`);
  };
  const elsewhere = await bench.elsewhere?.(args, progress);
  if (typeof elsewhere === 'number') return elsewhere;
  const { run, report } = await measured(bench, chosen.values, args, progress);
  to.out(chosen.json ? jsonOf(bench.script, run, report) : markdownOf(run, report));
  if (chosen.out !== null) {
    const files = await writeReport(chosen.out, bench, run, report);
    progress(`written: ${files.join(', ')}`);
  }
  return report.isBroken === true ? FAILED : 0;
}

async function measured<O extends Options>(
  { script, measure }: Bench<O>,
  values: Values<O>,
  args: readonly string[],
  progress: Progress,
): Promise<{ readonly run: Run; readonly report: Report }> {
  const started = new Date(systemClock.now());
  const host = describeHost();
  const commit = await currentCommit();
  const report = await measure(values, progress);
  const run: Run = {
    command: [`npm run ${script}`, ...(args.length === 0 ? [] : ['--', ...args])].join(' '),
    commit,
    machine: { ...host, ...report.versions },
    loadAverageAfter: loadAverage(),
    started: started.toISOString(),
    seconds: Math.round((systemClock.now() - started.getTime()) / 1000),
    rounds: report.rounds,
    ...report.run,
  };
  return { run, report };
}
