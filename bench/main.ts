import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { consoleProgress } from '@k3s-daas/cli';
import { ensureControlPlane } from '@k3s-daas/control-plane';
import { systemClock } from '@k3s-daas/core';

import { BenchError } from './errors.ts';
import { runCommand, type Progress } from './frame/command.ts';
import { versionsOf } from './machine.ts';
import { OPTIONS, type BenchOptions } from './options.ts';
import { reportOf } from './report/markdown.ts';
import type { Report } from './report/run.ts';
import { runBench } from './run.ts';

const summary = `Measures pods bound per second and the time from create to bound with (a) the stock kube-scheduler, (b) the same with a
do-nothing extender, (c) the same with ours, on the real control plane, interleaved.`;

/** Leaves the folder of the clusters where something broke. */
async function measure(bench: BenchOptions, progress: Progress): Promise<Report> {
  const { signal } = interruption();
  const dir = await mkdtemp(join(tmpdir(), 'k3s-daas-bench-'));
  let { keep } = bench;
  try {
    const steps = consoleProgress(systemClock, (text) => process.stderr.write(text));
    const binaries = await ensureControlPlane({
      progress: ({ message }) => {
        steps.note(message);
      },
    });
    const outcome = await runBench({ bench, binaries, dir, progress: steps, signal });
    keep ||= outcome.broken;
    if (outcome.turns.length === 0)
      throw new BenchError('NOT_READY', 'no turn gave figures', 'the lines above say why');
    return reportOf(outcome, bench, versionsOf(binaries));
  } catch (error) {
    // What was under way failed because of the abort; its reason says more.
    signal.throwIfAborted();
    keep = true;
    throw error;
  } finally {
    if (keep) progress(`the logs are in ${dir}`);
    else await rm(dir, { recursive: true, force: true });
  }
}

function interruption(): AbortController {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stop.abort(new BenchError('INTERRUPTED', `stopped by ${signal}`, 'start again'));
    });
  }
  return stop;
}

process.exitCode = await runCommand(
  { script: 'bench', summary, options: OPTIONS, measure, keeps: true },
  process.argv.slice(2),
);
