import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

import { describeError, systemClock } from '@k3s-daas/core';

import { realAbsent } from '../../enclave/attestation/verify/test/sources.ts';
import { currentCommit, describeHost } from '../machine.ts';
import { measure } from './measure.ts';
import { HELP, parseOptions, type AttestationBenchOptions } from './options.ts';
import {
  attestationJson,
  attestationMarkdown,
  figuresOf,
  writeAttestationReport,
  type AttestationRun,
} from './report.ts';
import { subjectsOf } from './subjects.ts';
import { Workers } from './throughput.ts';
import { makeWorld } from './world.ts';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));
const USAGE = 2;
const DOCUMENTS = 16;

async function main(args: readonly string[]): Promise<number> {
  let options: AttestationBenchOptions | null;
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
  const machine = describeHost();
  const commit = await currentCommit();
  if (realAbsent !== false) progress(realAbsent);
  const world = await makeWorld(DOCUMENTS);
  const subjects = subjectsOf(world);
  const workers = await Workers.start(world);
  try {
    const measured = await measure(subjects, workers, options, progress);
    const figures = figuresOf(measured, new Map(subjects.map(({ name, group }) => [name, group])));
    const run: AttestationRun = {
      command: ['npm run bench:attestation', ...(args.length === 0 ? [] : ['--', ...args])].join(' '),
      commit,
      machine,
      loadAverageAfter: loadavg().map((load) => Math.round(load * 100) / 100),
      started: started.toISOString(),
      seconds: Math.round((systemClock.now() - started.getTime()) / 1000),
      rounds: measured.rounds,
      workers: workers.count,
    };
    process.stdout.write(options.json ? attestationJson(run, figures) : attestationMarkdown(run, figures));
    if (options.out !== null) {
      const files = await writeAttestationReport(options.out, run, figures);
      progress(`written: ${files.join(', ')}`);
    }
  } finally {
    await workers.end();
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
