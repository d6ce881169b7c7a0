import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { consoleProgress } from '@k3s-daas/cli';
import { ensureControlPlane, type ChildExit } from '@k3s-daas/control-plane';
import { describeError, systemClock } from '@k3s-daas/core';

import { BenchError } from './errors.ts';
import { currentCommit, describeMachine } from './machine.ts';
import { HELP, parseOptions, type BenchOptions } from './options.ts';
import { writeReport } from './report/write.ts';
import { runBench } from './run.ts';

const RESULTS = fileURLToPath(new URL('results', import.meta.url));
const INTERRUPTED = 130;

async function main(args: readonly string[]): Promise<number> {
  const quick = join(tmpdir(), 'k3s-daas-bench-quick');
  const bench = parseOptions(args, { results: RESULTS, quick });
  if (bench === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const stop = new AbortController();
  const ended: ChildExit[] = [];
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stop.abort(new BenchError('INTERRUPTED', `stopped by ${signal}`, 'start again'));
    });
  }
  const onExit = (exit: ChildExit): void => {
    ended.push(exit);
    stop.abort(processEnded(exit));
  };
  const dir = await mkdtemp(join(tmpdir(), 'k3s-daas-bench-'));
  const remove = async (): Promise<void> => {
    if (bench.keep) process.stderr.write(`the logs are in ${dir}\n`);
    else await rm(dir, { recursive: true, force: true });
  };
  try {
    await measure(bench, args, dir, stop.signal, onExit);
    await remove();
    return 0;
  } catch (error) {
    // What was under way failed because of the abort; its reason says more.
    const reason: unknown = stop.signal.aborted ? stop.signal.reason : error;
    process.stderr.write(`${describeError(reason)}\n`);
    if (ended.length === 0 && stop.signal.aborted) {
      await remove();
      return INTERRUPTED;
    }
    process.stderr.write(`the logs are in ${dir}\n`);
    return 1;
  }
}

async function measure(
  bench: BenchOptions,
  args: readonly string[],
  dir: string,
  signal: AbortSignal,
  onExit: (exit: ChildExit) => void,
): Promise<void> {
  const progress = consoleProgress(systemClock, (text) => process.stderr.write(text));
  const started = new Date(systemClock.now());
  const binaries = await ensureControlPlane({
    progress: ({ message }) => {
      progress.note(message);
    },
  });
  const machine = describeMachine(binaries);
  const commit = await currentCommit();
  const outcome = await runBench({ bench, binaries, dir, progress, signal, onExit });
  const seconds = Math.round((systemClock.now() - started.getTime()) / 1000);
  const command = ['npm run bench', ...(args.length === 0 ? [] : ['--', ...args])].join(' ');
  const run = { command, commit, machine, started: started.toISOString(), seconds, options: bench };
  const { markdown, files } = await writeReport(run, outcome);
  process.stdout.write(markdown);
  progress.note(`written: ${files.join(', ')}`);
}

function processEnded({ name, code, signal, lastLines }: ChildExit): BenchError {
  return new BenchError(
    'PROCESS_ENDED',
    `${name} ended (${String(code ?? signal)}) while it was needed:\n${lastLines}`,
    'its last lines say why',
  );
}

process.exitCode = await main(process.argv.slice(2));
