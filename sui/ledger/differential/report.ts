import { compare, testSource, type Case, type Disagreement } from './compare.ts';
import { caseOf, type Sequence, type Step } from './generate-sequences.ts';
import { HEAD, type Round } from './round.ts';

const SHRINK_ROUNDS_MAX = 12;
const REPORTED_MAX = 3;

/**
 * Drops steps as long as what remains still fails: each round asks the real VM about the sequence without each one of
 * its steps. `remake` plays steps in the ledger's VM.
 */
async function shrink(
  dir: string,
  steps: readonly Step[],
  remake: (name: string, steps: readonly Step[]) => Case,
): Promise<Case> {
  let rest = steps;
  for (let round = 0; round < SHRINK_ROUNDS_MAX && rest.length > 1; round += 1) {
    const shorter = rest.map((_, i) => rest.filter((_step, k) => k !== i));
    const failed = await compare(
      dir,
      HEAD,
      shorter.map((list, i) => remake(`without_${i}`, list)),
    );
    // The earliest steps set the scene for most others: drop a late one first.
    const index = failed.map(({ test }) => Number(test.name.split('_').at(-1))).sort((a, b) => b - a)[0];
    const next = index === undefined ? undefined : shorter[index];
    if (next === undefined) break;
    rest = next;
  }
  return remake('reproduction', rest);
}

function find(round: Round, { test }: Disagreement): Sequence | undefined {
  return round.sequences.find((sequence) => sequence.test === test);
}

/** The first disagreements in words, each with the smallest Move test found that shows it. */
export async function describe(round: Round, disagreements: readonly Disagreement[]): Promise<string> {
  const parts = [`seed ${round.seed}: ${disagreements.length} disagreements`];
  for (const one of disagreements.slice(0, REPORTED_MAX)) {
    const { test, row, report } = one;
    const sequence = find(round, one);
    const smallest =
      sequence === undefined
        ? test
        : await shrink(round.scratch.dir, sequence.steps, (name, steps) => caseOf(round.loader, name, steps));
    parts.push(
      `${test.name}: ${row === null ? 'it ends differently' : `${row.kind} ${row.expression}`}`,
      report,
      testSource(smallest),
    );
  }
  return parts.join('\n\n');
}
