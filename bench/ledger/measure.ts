import type { Progress } from '../frame/command.ts';
import { inRounds, turns } from '../frame/rounds.ts';

/** Something that is done `count` times in a round. */
export interface Subject {
  readonly name: string;
  readonly unit: string;
  /** What one round does. */
  readonly count: number;
  /** Sets up a round; what it returns is measured. */
  readonly prepare: () => Promise<() => Promise<void>>;
}

/** One round of one subject. */
export interface Sample {
  readonly subject: string;
  readonly unit: string;
  readonly round: number;
  readonly perSecond: number;
  /** CPU time of the whole process (compiler and garbage collector included) for one, µs. */
  readonly cpuUs: number;
}

/** All subjects in turn, `rounds` times. */
export async function measure(
  subjects: readonly Subject[],
  rounds: number,
  progress: Progress,
): Promise<Sample[]> {
  const samples = await inRounds({ rounds }, progress, async (round) => {
    const recorded: Sample[] = [];
    for (const subject of turns(subjects, round)) {
      const sample = await measureOnce(subject, round);
      progress(`  ${subject.name}: ${sample.perSecond.toFixed(0)} ${subject.unit}`);
      recorded.push(sample);
    }
    return recorded;
  });
  return samples.flat();
}

async function measureOnce({ name, unit, count, prepare }: Subject, round: number): Promise<Sample> {
  const run = await prepare();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await run();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { subject: name, unit, round, perSecond: (count * 1000) / ms, cpuUs: (user + system) / count };
}
