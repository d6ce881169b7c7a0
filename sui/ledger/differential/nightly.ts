/*
 * node sui/ledger/differential/nightly.ts [first seed]
 *
 * Compares until it is stopped (SIGINT or SIGTERM): new programs and sequences each round, each round in a process of
 * its own, because a panic of the WASM compiler leaves it unusable. Ends with a summary, and with status 1 when
 * something differed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { MoveError } from '@k3s-daas/move';

import { childRound, type Outcome } from './child.ts';
import { describe } from './report.ts';
import { counts, judge, makeRound } from './round.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const SIZE = { sequences: 40, programs: 40 };

async function playRound(seed: bigint): Promise<Outcome> {
  try {
    const round = await makeRound(seed, SIZE);
    try {
      const found = await judge(round);
      if (found.length > 0) print(await describe(round, found));
      const { all = 0, ...kinds } = counts(round);
      print(`seed ${seed}: ${all} comparisons ${JSON.stringify(kinds)}, ${found.length} differ`);
      return { compared: all, disagreements: found.length, uncompiled: false };
    } finally {
      await round.scratch.remove();
    }
  } catch (error) {
    if (!(error instanceof MoveError && error.code === 'COMPILE_FAILED')) throw error;
    print(`seed ${seed}: ${error.message.slice(0, 2_000)}`);
    return { compared: 0, disagreements: 0, uncompiled: true };
  }
}

async function untilStopped(first: bigint): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      stop.abort();
    });
  const folder = await mkdtemp(join(tmpdir(), 'daas-nightly-'));
  const sum = { rounds: 0, compared: 0, disagreements: 0, uncompiled: 0, broken: 0 };
  const stopped = (): boolean => stop.signal.aborted;
  for (let seed = first; !stopped(); seed += 1n) {
    const outcome = await childRound(seed, folder, stop.signal);
    if (outcome === null) {
      if (!stopped()) sum.broken += 1;
      continue;
    }
    sum.rounds += 1;
    sum.compared += outcome.compared;
    sum.disagreements += outcome.disagreements;
    sum.uncompiled += outcome.uncompiled ? 1 : 0;
  }
  print(
    `${sum.rounds} rounds from seed ${first}: ${sum.compared} comparisons, ${sum.disagreements} differ; ` +
      `${sum.uncompiled} rounds did not compile, ${sum.broken} broke off`,
  );
  await rm(folder, { recursive: true, force: true });
  process.exitCode = sum.disagreements > 0 || sum.broken > 0 ? 1 : 0;
}

const [mode, number] = process.argv.slice(2);
if (mode === '--round') {
  const outcome = await playRound(BigInt(number ?? '0'));
  process.send?.(outcome);
  process.disconnect();
} else {
  await untilStopped(mode === undefined ? BigInt(Date.now()) : BigInt(mode));
}
