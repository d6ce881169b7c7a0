import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

import { describeError, systemClock } from '@k3s-daas/core';

import { endChild, messageOf, startChild } from '../ledger/children.ts';
import { currentCommit, describeHost } from '../machine.ts';
import { measureBare, measureRate, measureSerial, type Sample } from './measure.ts';
import { HELP, parseOptions, type KeyServerBenchOptions } from './options.ts';
import {
  figuresOf,
  keyServerJson,
  keyServerMarkdown,
  writeKeyServerReport,
  type KeyServerRun,
} from './report.ts';
import type { ServerOptions } from './server.ts';

const RESULTS = fileURLToPath(new URL('../results', import.meta.url));
const USAGE = 2;

const progress = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

async function main(args: readonly string[]): Promise<number> {
  let options: KeyServerBenchOptions | null;
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
  const samples = await measure(options);
  const figures = figuresOf(samples);
  const run: KeyServerRun = {
    command: ['npm run bench:key-server', ...(args.length === 0 ? [] : ['--', ...args])].join(' '),
    commit,
    machine,
    loadAverageAfter: loadavg().map((load) => Math.round(load * 100) / 100),
    started: started.toISOString(),
    seconds: Math.round((systemClock.now() - started.getTime()) / 1000),
    rounds: options.rounds,
  };
  process.stdout.write(options.json ? keyServerJson(run, figures, samples) : keyServerMarkdown(run, figures));
  if (options.out !== null) {
    const files = await writeKeyServerReport(options.out, run, figures, samples);
    progress(`written: ${files.join(', ')}`);
  }
  return 0;
}

/** Chain, key server and this process: each round a key server that has seen nothing, after one that is not recorded. */
async function measure({ rounds, calls }: KeyServerBenchOptions): Promise<Sample[]> {
  progress('a chain, a policy and its versions');
  const chain = startChild('../key-server/chain.ts', { identities: calls });
  const world = (await messageOf(chain)) as Omit<ServerOptions, 'secret'> & {
    readonly secret: Uint8Array;
    readonly bodies: readonly string[];
  };
  const { bodies, secret, ...rest } = world;
  const server = startChild('../key-server/server.ts', { ...rest, secret: [...secret] });
  const samples: Sample[] = [];
  try {
    for (let round = -1; round < rounds; round += 1) {
      progress(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`);
      const recorded = await oneRound(server, bodies, calls, round);
      if (round >= 0) samples.push(...recorded);
    }
  } finally {
    await endChild(server);
    await endChild(chain);
  }
  return samples;
}

async function oneRound(
  server: ReturnType<typeof startChild>,
  bodies: readonly string[],
  calls: number,
  round: number,
): Promise<Sample[]> {
  const fresh = async (): Promise<string> => {
    const told = messageOf(server);
    server.send('serve');
    return (await told) as string;
  };
  const bare = measureBare(calls, round);
  const newRate = await measureRate(await fresh(), bodies);
  const url = await fresh();
  const newMs = await measureSerial(url, bodies);
  const knownMs = await measureSerial(url, bodies);
  const knownRate = await measureRate(url, bodies);
  return [
    bare,
    { subject: 'new identity', round, ms: newMs, perSecond: newRate },
    { subject: 'known identity', round, ms: knownMs, perSecond: knownRate },
  ];
}

process.exitCode = await main(process.argv.slice(2));
