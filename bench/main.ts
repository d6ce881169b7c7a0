import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { consoleProgress } from '@k3s-daas/cli';
import { ensureControlPlane } from '@k3s-daas/control-plane';
import { describeError, systemClock } from '@k3s-daas/core';

import { BenchError } from './errors.ts';
import { currentCommit, describeMachine } from './machine.ts';
import { HELP, parseOptions, type BenchOptions } from './options.ts';
import { writeReport } from './report/write.ts';
import { runBench } from './run.ts';

const RESULTS = fileURLToPath(new URL('results', import.meta.url));
const INTERRUPTED = 130;
const USAGE = 2;

async function main(args: readonly string[]): Promise<number> {
  const quick = join(tmpdir(), 'k3s-daas-bench-quick');
  let bench: BenchOptions | null;
  try {
    bench = parseOptions(args, { results: RESULTS, quick });
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    return USAGE;
  }
  if (bench === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stop.abort(new BenchError('INTERRUPTED', `stopped by ${signal}`, 'start again'));
    });
  }
  const dir = await mkdtemp(join(tmpdir(), 'k3s-daas-bench-'));
  let keep = bench.keep;
  try {
    const broken = await measure(bench, args, dir, stop.signal);
    keep ||= broken;
    return broken ? 1 : 0;
  } catch (error) {
    // What was under way failed because of the abort; its reason says more.
    process.stderr.write(`${describeError(stop.signal.aborted ? stop.signal.reason : error)}\n`);
    keep ||= !stop.signal.aborted;
    return stop.signal.aborted ? INTERRUPTED : 1;
  } finally {
    if (keep) process.stderr.write(`the logs are in ${dir}\n`);
    else await rm(dir, { recursive: true, force: true });
  }
}

/** @returns whether something broke. */
async function measure(
  bench: BenchOptions,
  args: readonly string[],
  dir: string,
  signal: AbortSignal,
): Promise<boolean> {
  const progress = consoleProgress(systemClock, (text) => process.stderr.write(text));
  const started = new Date(systemClock.now());
  const binaries = await ensureControlPlane({
    progress: ({ message }) => {
      progress.note(message);
    },
  });
  const machine = describeMachine(binaries);
  const commit = await currentCommit();
  const outcome = await runBench({ bench, binaries, dir, progress, signal });
  if (outcome.turns.length === 0) return true;
  const seconds = Math.round((systemClock.now() - started.getTime()) / 1000);
  const command = ['npm run bench', ...(args.length === 0 ? [] : ['--', ...args])].join(' ');
  const run = { command, commit, machine, started: started.toISOString(), seconds, options: bench };
  const { markdown, files } = await writeReport(run, outcome);
  process.stdout.write(markdown);
  progress.note(`written: ${files.join(', ')}`);
  return outcome.broken;
}

process.exitCode = await main(process.argv.slice(2));
