/**
 * The limits of a policy, each from both sides, with the real broker, relay and key servers: at the request, which charges a
 * use, and at the key servers, for whoever has a grant already. Exact edges are in the Move tests.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { utf8, type SuiId } from '@k3s-daas/core';
import { sealValues } from '@k3s-daas/seal';
import { setPolicyTerms, type PolicyTerms } from '@k3s-daas/sui-client';
import t from 'tap';

import { fetchSecrets, openAndWrite } from './fetch-secrets.ts';
import { furnish, planOf, worldIn } from './test/pod.ts';
import {
  client,
  clock,
  closeWorld,
  cluster,
  createPolicy,
  funded,
  node,
  packageId,
  sealConfig,
  slashNode,
  SUBJECT,
  termsOf,
} from './test/world.ts';
import { readToken } from './token.ts';

t.setTimeout(600_000);
t.teardown(closeWorld);

const owner = funded();
let pods = 0;

async function secretUnder(policy: SuiId) {
  const identity = { policy, cluster, ...SUBJECT, version: 1n };
  const plain = new Map([['password', utf8('correct horse')]]);
  return {
    name: 'db',
    policy,
    version: 1n,
    values: await sealValues(sealConfig, { identity, secret: 'db', values: plain }),
  };
}
type Secret = Awaited<ReturnType<typeof secretUnder>>;

/** Opens in a new pod. @returns what opens there again, with the grants that it has. */
async function openIn(secret: Secret, uid = `limits-${(pods += 1)}`): Promise<() => Promise<void>> {
  const root = t.testdir();
  const plan = planOf([secret]);
  furnish(root, uid, plan, [secret]);
  const world = worldIn(root, plan);
  const { sets, access } = await fetchSecrets(world);
  return async () => openAndWrite(world, access, await readToken(world.places.token), sets);
}

/** When time jumps, the relay's view of the chain is old until its next look. */
async function openOnFreshChain(secret: Secret): Promise<() => Promise<void>> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    try {
      return await openIn(secret);
    } catch (error) {
      const isStale = error instanceof Error && 'code' in error && error.code === 'RELAY_BUSY';
      if (!isStale || performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}

const change = (policy: SuiId, changed: Partial<PolicyTerms>) =>
  setPolicyTerms({ client, signer: owner, packageId }, { cluster, policy }, termsOf(changed));
const atRequest = { code: 'POLICY_REFUSED' };
const atKeyServers = { code: 'OPEN_REFUSED' };

await t.test('allowed nodes: by stake and key together', async (t) => {
  const policy = await createPolicy(owner, { nodes: [node] });
  const secret = await secretUnder(policy);
  const again = await openIn(secret);
  await again();
  for (const other of [
    { ...node, nodeKey: new Uint8Array(32).fill(9) },
    { ...node, stake: cluster },
  ]) {
    await change(policy, { nodes: [other] });
    await t.rejects(openIn(secret), { ...atRequest, message: /ENodeNotAllowed/ });
  }
  await t.rejects(again(), atKeyServers, 'nor with a grant from before');
  await change(policy, { nodes: [{ ...node, stake: cluster }, node] });
  await openIn(secret);
});

await t.test('uses: the one pod more is refused, and restarts of the others drain nothing', async (t) => {
  const policy = await createPolicy(owner, { usesMax: 2n, renewalsMax: 2n });
  const secret = await secretUnder(policy);
  await openIn(secret, 'first');
  await openIn(secret, 'second');
  await t.rejects(openIn(secret, 'third'), { ...atRequest, message: /EUsesExhausted/ });
  for (let restart = 1; restart <= 2; restart += 1) await openIn(secret, 'first');
  await t.rejects(
    openIn(secret, 'first'),
    { ...atRequest, message: /ERenewalsExhausted/ },
    'a CrashLoop ends',
  );
  await openIn(secret, 'second');
  await change(policy, { usesMax: 3n });
  await openIn(secret, 'third');
});

// After those that the slashed stake would keep from their own limit.
await t.test('stake: a slash closes at once what asks for more than is left', async (t) => {
  const [asks, modest] = [await createPolicy(owner), await createPolicy(owner, { stakeMin: 1_000n })];
  const [secret, other] = [await secretUnder(asks), await secretUnder(modest)];
  const [again, otherAgain] = [await openIn(secret), await openIn(other)];
  await slashNode(500n);
  await t.rejects(again(), atKeyServers, 'also for who has a grant');
  await t.rejects(openIn(secret), { ...atRequest, message: /EStakeTooSmall/ });
  await otherAgain();
  await openIn(other);
});

// Last, since no chain's clock goes back.
await t.test('time window: by the chain’s clock', async (t) => {
  const end = BigInt(clock.now()) + 120_000n;
  const policy = await createPolicy(owner, { stakeMin: 1_000n, notAfterMs: end });
  const secret = await secretUnder(policy);
  const again = await openOnFreshChain(secret);
  clock.aheadMs = 90_000;
  await again();
  clock.aheadMs = 130_000;
  await t.rejects(again(), atKeyServers, 'after the end');
  await t.rejects(openOnFreshChain(secret), { ...atRequest, message: /EOutsideWindow/ });
  await change(policy, {
    stakeMin: 1_000n,
    notBeforeMs: BigInt(clock.now()) + 60_000n,
    notAfterMs: end + 600_000n,
  });
  await t.rejects(
    openOnFreshChain(secret),
    { ...atRequest, message: /EOutsideWindow/ },
    'before the beginning',
  );
  clock.aheadMs = 200_000;
  await openOnFreshChain(secret);
});
