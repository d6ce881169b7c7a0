import { endChild, messageOf, startChild } from '../frame/children.ts';
import type { Progress } from '../frame/command.ts';

interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
}

export interface MemorySample {
  readonly transactions: number;
  /** Objects at the end. */
  readonly objects: number;
  /** After a garbage collection: with the package published, and after the transactions. */
  readonly before: Memory;
  readonly after: Memory;
}

/** Memory of a process whose ledger has executed that many stake transactions. Once: it hardly varies. */
export async function measureMemory(transactions: number, progress: Progress): Promise<MemorySample> {
  progress(`memory: executing ${transactions} transactions`);
  const child = startChild(new URL('memory-load.ts', import.meta.url), { transactions }, ['--expose-gc']);
  try {
    return (await messageOf(child)) as MemorySample;
  } finally {
    await endChild(child);
  }
}
