/** A chain endpoint that lies by silence: what is known ages, and nothing is believed beyond the policy's age. */
import { setTimeout as sleep } from 'node:timers/promises';

import { nodeManifest } from '@k3s-daas/control-plane';

import type { Attempts } from './attempts.ts';
import { PATCHES } from './author.ts';
import { activateTwin, tryTwin } from './enclave.ts';
import { filterCode } from './scheduler.ts';
import { kubelet, STALE_MS, until, type World } from './world.ts';

export async function silentChain({ attack, control }: Attempts, world: World): Promise<void> {
  const ledger = world.stack.parts.processes().find((part) => part.name === 'ledger');
  if (ledger === undefined) throw new RangeError('there is no ledger');
  const { name } = await world.join('late', 1_000n);
  await world.must('/api/v1/nodes/late', { method: 'DELETE' });
  const twin = await activateTwin(world);
  const join = () =>
    world.attempt(kubelet('late'), '/api/v1/nodes', {
      method: 'POST',
      body: nodeManifest({ name, cpu: '4', memory: '8Gi', pods: '110' }),
    });
  process.kill(ledger.pid, 'SIGSTOP');
  try {
    await sleep(STALE_MS + 1_500);
    await attack('silent chain: a good receipt', 'SNAPSHOT_STALE', () => tryTwin(world, twin, { query: '' }));
    await attack('silent chain: a good receipt, dry run', 'SNAPSHOT_STALE', () => tryTwin(world, twin));
    await attack('silent chain: a node joins', 'SNAPSHOT_STALE', join);
    await attack('silent chain: a filter call', 'SNAPSHOT_STALE', () =>
      filterCode(world, twin.victim, ['a']),
    );
    await attack('silent chain: a mark on a node', 'NODE_MARKS_CHANGED', () =>
      world.attempt(kubelet('a'), '/api/v1/nodes/a', {
        method: 'PATCH',
        type: PATCHES.merge,
        body: { metadata: { annotations: { 'k3s-daas.io/stake-state': 'ELIGIBLE!' } } },
      }),
    );
  } finally {
    process.kill(ledger.pid, 'SIGCONT');
  }
  await control('the same receipt when the chain speaks again', () =>
    until('the snapshot to be fresh', async () => {
      const verdict = await tryTwin(world, twin);
      return verdict === 'SNAPSHOT_STALE' ? undefined : verdict;
    }),
  );
}
