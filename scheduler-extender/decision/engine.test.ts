import t from 'tap';

import { decodeDecisionMessage, decodeReceipt, verifyEd25519 } from '@k3s-daas/core';

import type { Engine } from '../engine.ts';
import { World } from './test/world.ts';

/** Filters the pod and binds it to the fairest node. */
export async function place(engine: Engine, world: World, uid: string): ReturnType<Engine['bind']> {
  const [node = ''] = engine.filter(world.pod(uid), world.names).names;
  return engine.bind(world.request(uid, node));
}

void t.test('a pod is filtered, scored, decided, signed, logged and bound', async (t) => {
  const world = new World();
  const engine = await world.start();
  const pod = world.addPod('a');
  const outcome = engine.filter(pod, world.names);
  t.equal(outcome.names.length, 4);
  t.same(outcome.rejected, []);
  t.ok(
    engine
      .prioritize('a', world.names)
      .every(({ score }) => Number.isInteger(score) && score >= 0 && score <= 10),
  );
  const result = await engine.bind(world.request('a', outcome.names[0] ?? ''));
  if (!result.bound) throw new Error(result.message);
  t.equal(result.sequence, 1n);
  const receipt = decodeReceipt(world.pod('a').receipt);
  t.ok(verifyEd25519(world.signer.publicKey, receipt.message, receipt.signature));
  t.equal(decodeDecisionMessage(receipt.message).payload.node, outcome.names[0]);
  t.equal(
    engine.lags().reduce((sum, { lag }) => sum + lag, 0n),
    0n,
  );
  t.equal(engine.explain('a')?.state, 'bound');
  t.same(engine.status().unsettled, 0);
  await engine.close();
});
