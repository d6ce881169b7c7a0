import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { describeError } from '@k3s-daas/core';
import { z } from 'zod';

import { BenchError } from '../errors.ts';
import { currentCommit, describeHost } from '../machine.ts';
import { median } from '../statistics.ts';
import { messageOf, startChild } from './children.ts';
import type { RestartMessage, RestartTask } from './restart-child.ts';

const HELP = `node bench/ledger/restart.ts [options]

Measures how long a journaled ledger takes to be ready again, by running its whole journal and from a snapshot, what the
snapshot costs a ledger that is busy, and the memory of each. Every start is a process of its own.

  --transactions 100000   simple transactions in the journal
  --rounds 5              starts from the snapshot; the figure is the median
  --json                  JSON on standard output instead of lines
  --help
`;

const whole = (min: number, max: number) => z.coerce.number<string>().int().min(min).max(max);
const schema = z.object({
  transactions: whole(10, 1_000_000),
  rounds: whole(1, 100),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof schema>;

function parseOptions(args: readonly string[]): Options | null {
  try {
    const { values } = parseArgs({
      args: args.filter((arg) => arg !== '--'),
      options: {
        transactions: { type: 'string', default: '100000' },
        rounds: { type: 'string', default: '5' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    return values.help === true ? null : schema.parse(values);
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : describeError(cause);
    throw new BenchError('USAGE', why, 'see --help', { cause });
  }
}

async function run(task: RestartTask): Promise<RestartMessage> {
  const child = startChild('restart-child.ts', task, ['--expose-gc']);
  return (await messageOf(child)) as RestartMessage;
}

const memoryOf = ({ rssBytes, heapBytes, bufferBytes }: RestartMessage) => ({
  rssBytes,
  heapBytes,
  bufferBytes,
});

async function measureRestart({ transactions, rounds }: Options, progress: (text: string) => void) {
  const dir = await mkdtemp(join(tmpdir(), 'daas-restart-'));
  try {
    const journal = join(dir, 'ledger.journal');
    progress(`executing ${transactions} transactions`);
    const built = await run({ journal, task: 'build', transactions });
    const journalBytes = (await stat(journal)).size;
    progress('running the journal again, then taking snapshots');
    const replayed = await run({ journal, task: 'snapshot', transactions });
    const starts: RestartMessage[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const start = await run({ journal, task: 'open', transactions });
      progress(`from the snapshot: ${start.openMs.toFixed(0)} ms`);
      starts.push(start);
    }
    const [first = replayed] = starts;
    const { snapshot, loaded } = replayed;
    return {
      transactions,
      objects: first.objects,
      journalBytes,
      snapshotBytes: snapshot?.bytes,
      openMs: median(starts.map(({ openMs }) => openMs)),
      openCpuMs: median(starts.map(({ cpuMs }) => cpuMs)),
      firstQueryMs: median(starts.map(({ firstQueryMs }) => firstQueryMs)),
      changesAfterSnapshot: first.replayed,
      replayMs: replayed.openMs,
      replayMsPerTransaction: replayed.openMs / transactions,
      snapshotMs: snapshot?.ms,
      memory: { afterBuild: memoryOf(built), afterReplay: memoryOf(replayed), fromSnapshot: memoryOf(first) },
      heapBytesAfterSnapshot: snapshot?.heapBytes,
      load: loaded,
    };
  } finally {
    await rm(dir, { recursive: true });
  }
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(HELP);
  } else {
    const figures = await measureRestart(options, (text) => process.stderr.write(`${text}\n`));
    const report = { commit: await currentCommit(), machine: describeHost(), ...figures };
    if (options.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    else
      for (const [name, value] of Object.entries(figures))
        process.stdout.write(`${name}: ${JSON.stringify(value)}\n`);
  }
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = error instanceof BenchError && error.code === 'USAGE' ? 2 : 1;
}
