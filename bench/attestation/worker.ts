// Worker of throughput.ts: verifies for as long as it is told, one document after the other.

import { parentPort, workerData } from 'node:worker_threads';

import { verifications, type ThroughputName } from './verifications.ts';
import type { World } from './world.ts';

const WARM_UP = 20;

const subjects = verifications(workerData as World);
for (const verify of Object.values(subjects)) {
  for (let index = 0; index < WARM_UP; index += 1) verify(index);
}
parentPort?.on('message', ({ name, ms }: { name: ThroughputName; ms: number }) => {
  const verify = subjects[name];
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < ms) {
    verify(done);
    done += 1;
  }
  parentPort?.postMessage((done * 1000) / (performance.now() - started));
});
parentPort?.postMessage('ready');
