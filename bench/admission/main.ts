import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

import { describeError, systemClock } from '@k3s-daas/core';

import { currentCommit, describeMachine } from '../machine.ts';
import { measure } from './measure.ts';
import { HELP, parseOptions, type AdmissionBenchOptions } from './options.ts';
import {
  admissionJson,
  admissionMarkdown,
  figuresOf,
  writeAdmissionReport,
  type AdmissionRun,
} from './report.ts';
import { reviewsOf } from './reviews.ts';
import { startWorld } from './world.ts';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));
const USAGE = 2;

async function main(args: readonly string[]): Promise<number> {
  let options: AdmissionBenchOptions | null;
  try {
    options = parseOptions(args, RESULTS);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    return USAGE;
  }
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const progress = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  const started = new Date(systemClock.now());
  const commit = await currentCommit();
  const load = loadavg().map((each) => Math.round(each * 100) / 100);
  const world = await startWorld();
  try {
    const machine = { ...describeMachine(world.binaries), loadAverage: load };
    const reviews = await reviewsOf(world.api);
    const measured = await measure(world, reviews, options, progress);
    const figures = figuresOf(measured, new Map(reviews.map(({ name, body }) => [name, body.length])));
    const { rounds, calls, throughputMs, connections, pods } = options;
    const run: AdmissionRun = {
      command: ['npm run bench:admission', ...(args.length === 0 ? [] : ['--', ...args])].join(' '),
      commit,
      machine,
      loadAverageAfter: loadavg().map((each) => Math.round(each * 100) / 100),
      started: started.toISOString(),
      seconds: Math.round((systemClock.now() - started.getTime()) / 1000),
      limits: { rounds, calls, throughputMs, connections, pods },
    };
    process.stdout.write(
      options.json ? admissionJson(run, figures, measured) : admissionMarkdown(run, figures),
    );
    if (options.out !== null) {
      const files = await writeAdmissionReport(options.out, run, figures, measured);
      progress(`written: ${files.join(', ')}`);
    }
  } finally {
    world.api.close();
    await world.end();
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
