import { fileURLToPath } from 'node:url';

import { describeError, systemClock } from '@k3s-daas/core';

import { currentCommit, describeHost } from '../machine.ts';
import { measureGrpc } from './grpc.ts';
import { inProcessSubjects } from './in-process.ts';
import { measure } from './measure.ts';
import { measureMemory } from './memory.ts';
import { HELP, parseOptions, type LedgerBenchOptions } from './options.ts';
import { ledgerJson, ledgerMarkdown, writeLedgerReport, type LedgerFigures } from './report.ts';
import { measureRestart } from './restart.ts';
import { measureStart } from './start.ts';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));
const USAGE = 2;

async function main(args: readonly string[]): Promise<number> {
  let options: LedgerBenchOptions | null;
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
  const started = new Date(systemClock.now());
  const machine = describeHost();
  const commit = await currentCommit();
  const figures = await figuresOf(options, (text) => process.stderr.write(`${text}\n`));
  const seconds = Math.round((systemClock.now() - started.getTime()) / 1000);
  const command = ['npm run bench:ledger', ...(args.length === 0 ? [] : ['--', ...args])].join(' ');
  const run = { command, commit, machine, started: started.toISOString(), seconds };
  process.stdout.write(options.json ? ledgerJson(run, figures) : ledgerMarkdown(run, figures));
  if (options.out !== null) {
    const files = await writeLedgerReport(options.out, run, figures);
    process.stderr.write(`written: ${files.join(', ')}\n`);
  }
  return 0;
}

async function figuresOf(
  { parts, rounds, transactions, calls, memory, restart, only }: LedgerBenchOptions,
  progress: (text: string) => void,
): Promise<LedgerFigures> {
  return {
    inProcess: parts.includes('process')
      ? await measure(await inProcessSubjects(transactions, only), rounds, progress)
      : [],
    grpc: parts.includes('grpc') ? await measureGrpc(rounds, calls, progress) : [],
    start: parts.includes('start') ? await measureStart(rounds, progress) : [],
    memory: parts.includes('memory') ? await measureMemory(memory, progress) : null,
    restart: parts.includes('restart') ? await measureRestart(restart, rounds, progress) : null,
  };
}

process.exitCode = await main(process.argv.slice(2));
