import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { median } from '../statistics.ts';
import { messageOf, startChild } from '../frame/children.ts';
import type { Progress } from '../frame/command.ts';
import type { Delays, RestartMessage, RestartTask } from './restart-child.ts';

interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly bufferBytes: number;
}

export interface RestartSample {
  readonly transactions: number;
  readonly objects: number;
  readonly journalBytes: number;
  readonly snapshotBytes: number;
  /** Opening from a snapshot; medians. */
  readonly openMs: number;
  readonly openCpuMs: number;
  readonly firstQueryMs: number;
  /** Opening by running the whole journal again. */
  readonly replayMs: number;
  readonly snapshotMs: number;
  readonly memory: {
    readonly afterBuild: Memory;
    readonly afterReplay: Memory;
    readonly fromSnapshot: Memory;
  };
  /** Delays of the event loop under load, without and during a snapshot. */
  readonly load: { readonly without: Delays; readonly during: Delays };
}

async function run(task: RestartTask): Promise<RestartMessage> {
  const child = startChild(new URL('restart-child.ts', import.meta.url), task, ['--expose-gc']);
  return (await messageOf(child)) as RestartMessage;
}

const memoryOf = ({ rssBytes, heapBytes, bufferBytes }: RestartMessage) => ({
  rssBytes,
  heapBytes,
  bufferBytes,
});

/**
 * How long a journaled ledger takes to be ready again, from a snapshot and by running its whole journal, what the
 * snapshot costs a ledger that is busy, and the memory of each. Every start is a process of its own.
 */
export async function measureRestart(
  transactions: number,
  rounds: number,
  progress: Progress,
): Promise<RestartSample> {
  const dir = await mkdtemp(join(tmpdir(), 'daas-restart-'));
  try {
    const journal = join(dir, 'ledger.journal');
    progress(`restart: executing ${transactions} transactions`);
    const built = await run({ journal, task: 'build', transactions });
    const journalBytes = (await stat(journal)).size;
    progress('restart: running the journal again, then taking snapshots');
    const replayed = await run({ journal, task: 'snapshot', transactions });
    const starts: RestartMessage[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const start = await run({ journal, task: 'open', transactions });
      progress(`round ${round + 1}: from the snapshot: ${start.openMs.toFixed(0)} ms`);
      starts.push(start);
    }
    const [first = replayed] = starts;
    const { snapshot, loaded } = replayed;
    if (snapshot === undefined || loaded === undefined) throw new Error('no snapshot was taken');
    return {
      transactions,
      objects: first.objects,
      journalBytes,
      snapshotBytes: snapshot.bytes,
      openMs: median(starts.map(({ openMs }) => openMs)),
      openCpuMs: median(starts.map(({ cpuMs }) => cpuMs)),
      firstQueryMs: median(starts.map(({ firstQueryMs }) => firstQueryMs)),
      replayMs: replayed.openMs,
      snapshotMs: snapshot.ms,
      memory: { afterBuild: memoryOf(built), afterReplay: memoryOf(replayed), fromSnapshot: memoryOf(first) },
      load: { without: loaded.without, during: loaded.during },
    };
  } finally {
    await rm(dir, { recursive: true });
  }
}
