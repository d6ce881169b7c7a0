import type { Progress } from './command.ts';

/** All of them, each round beginning with another one, so that none always follows the same one. */
export function turns<T>(all: readonly T[], round: number): T[] {
  const at = Math.max(round, 0) % all.length;
  return [...all.slice(at), ...all.slice(0, at)];
}

const ROUNDS_MIN = 2;

/**
 * What each round gave, after a round −1 that warms up and is not kept. On a shared machine neighbours in time compare
 * best, so every round measures everything.
 * @param seconds no round begins after them, but two there are.
 */
export async function inRounds<T>(
  { rounds, seconds = Infinity }: { readonly rounds: number; readonly seconds?: number },
  progress: Progress,
  measure: (round: number) => Promise<T>,
): Promise<T[]> {
  const began = performance.now();
  const results: T[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const elapsed = (performance.now() - began) / 1000;
    if (round >= ROUNDS_MIN && elapsed > seconds) break;
    progress(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}, ${elapsed.toFixed(0)} s`);
    const result = await measure(round);
    if (round >= 0) results.push(result);
  }
  return results;
}

/** How long each of the calls took, one after the other, ms. */
export async function timesOf<T>(of: Iterable<T>, call: (each: T) => unknown): Promise<number[]> {
  const ms: number[] = [];
  for (const each of of) {
    const began = performance.now();
    await call(each);
    ms.push(performance.now() - began);
  }
  return ms;
}

/** Runs `work` for all items, `width` at a time, and ends at the first failure. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  // A lane that fails closes it for the others too.
  const queue = (function* () {
    yield* items;
  })();
  const lane = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
