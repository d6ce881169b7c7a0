// Worker of throughput.ts: verifies for as long as it is told, one document after the other.

import { parentPort, workerData } from 'node:worker_threads';

import { subjectsOf } from './subjects.ts';
import type { World } from './world.ts';

const WARM_UP = 20;

const subjects = subjectsOf(workerData as World).filter(({ onAllCores }) => onAllCores);
for (const { verify } of subjects) {
  for (let index = 0; index < WARM_UP; index += 1) await verify(index);
}

async function perSecond(name: string, ms: number): Promise<number> {
  const subject = subjects.find((each) => each.name === name);
  if (subject === undefined) throw new RangeError(`no subject ${name}`);
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < ms) {
    const outcome = subject.verify(done);
    // Waiting costs a turn of the loop: only for those that make one wait.
    if (outcome instanceof Promise) await outcome;
    done += 1;
  }
  return (done * 1000) / (performance.now() - started);
}

parentPort?.on('message', ({ name, ms }: { name: string; ms: number }) => {
  void perSecond(name, ms).then((rate) => parentPort?.postMessage(rate));
});
parentPort?.postMessage('ready');
