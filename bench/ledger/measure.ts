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

/**
 * All subjects in turn, `rounds` times, each round beginning with another one, after one round that is not recorded.
 * On a shared machine neighbours in time compare best.
 */
export async function measure(
  subjects: readonly Subject[],
  rounds: number,
  progress: (text: string) => void,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const at = Math.max(round, 0) % subjects.length;
    for (const subject of [...subjects.slice(at), ...subjects.slice(0, at)]) {
      const sample = await measureOnce(subject, round);
      progress(`round ${round + 1}: ${subject.name}: ${sample.perSecond.toFixed(0)} ${subject.unit}`);
      if (round >= 0) samples.push(sample);
    }
  }
  return samples;
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

/** Does `work` for each item, `width` of them at a time. */
export async function inFlight<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
