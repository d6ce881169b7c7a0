import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

import type { World } from './world.ts';

/** A worker for each core, each with the same documents. */
export class Workers {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  static async start(world: World): Promise<Workers> {
    const count = availableParallelism();
    const workers = Array.from(
      { length: count },
      () => new Worker(new URL('worker.ts', import.meta.url), { workerData: world }),
    );
    await Promise.all(workers.map(async (worker) => once(worker, 'message')));
    return new Workers(workers);
  }

  get count(): number {
    return this.#workers.length;
  }

  /** Verifications a second of all workers together. */
  async measure(name: string, ms: number): Promise<number> {
    const rates = this.#workers.map(async (worker) => {
      const answer = once(worker, 'message') as Promise<[number]>;
      worker.postMessage({ name, ms });
      const [rate] = await answer;
      return rate;
    });
    return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0);
  }

  async end(): Promise<void> {
    await Promise.all(this.#workers.map(async (worker) => worker.terminate()));
  }
}
