/**
 * The threat model as a table of attacks on one real installation, each with the real credential that its attacker has
 * stolen or was given. An attack counts as refused if it met exactly the expected refusal, and placements, marks, guards,
 * objects on chain and the enclave's signatures are the same before and after.
 */
import { SECRETS_MODE_LABEL } from '@k3s-daas/core';
import { topUp } from '@k3s-daas/sui-client';
import t from 'tap';

import { attempts, type Attempts, type Tally } from './attempts.ts';
import { authorChanges, authorCreates, authorRights, PATCHES } from './author.ts';
import { silentChain } from './chain.ts';
import { realReceipts, revocation, signedReceipts } from './enclave.ts';
import { bootstrapPort } from './host.ts';
import { nodeJoins, nodeReaches, slashedNode } from './node-root.ts';
import { extenderPort, stolenSchedulerAtApi, stolenSchedulerAtEnclave } from './scheduler.ts';
import { registrations, rejoining, stakes } from './staker.ts';
import { admin, alice, APP, OTHER, until, World } from './world.ts';

t.setTimeout(1_200_000);
const tally: Tally = { attacks: 0, refused: 0 };
const world = await World.start((text) => {
  t.comment(text);
});
t.teardown(() => world.stop());
await prepare();

type Family = (attempts: Attempts, world: World) => Promise<void>;

const family = (name: string, run: Family, chainAnswers = true): Promise<unknown> =>
  t.test(name, async (t) => {
    await run(attempts(t, world, tally, chainAnswers), world);
  });

await family('a stolen scheduler, at the API server', stolenSchedulerAtApi);
await family('a stolen scheduler, at the enclave', stolenSchedulerAtEnclave);
await family('whoever reaches the ports of enclave and webhook', extenderPort);
await family("whoever reaches the enclave's bootstrap port", bootstrapPort);
await family('an author of workloads creates pods', authorCreates);
await family('an author of workloads changes pods', authorChanges);
await family('an author of workloads, and rights', authorRights);
await family('root on a node: joining', nodeJoins);
await family('root on a slashed node', slashedNode);
await family('root on a node: other nodes, pods, certificates', nodeReaches);
await family('a staker', stakes);
await family('a registrar', registrations);
await family("the enclave's stolen identity, with receipts of the enclave", realReceipts);
await family("the enclave's stolen identity, with receipts of a registered key", signedReceipts);
await family('a revoked session', revocation);
await family('an owner who leaves and comes back', rejoining);
await family('a chain that falls silent', silentChain, false);

t.comment(`${tally.attacks} attacks, ${tally.refused} refused`);

/** The pods of these families are about placement and have no secrets; sealed.e2e.test.ts is about those that have. */
async function prepare(): Promise<void> {
  await world.must('/api/v1/namespaces/default', {
    method: 'PATCH',
    type: PATCHES.merge,
    body: { metadata: { labels: { [SECRETS_MODE_LABEL]: 'references' } } },
  });
  for (const name of [APP, OTHER]) {
    const metadata = { name, labels: { [SECRETS_MODE_LABEL]: 'references' } };
    await world.must('/api/v1/namespaces', { method: 'POST', body: { metadata } });
    await until(`the service account of ${name}`, async () => {
      const path = `/api/v1/namespaces/${name}/serviceaccounts/default`;
      const { status } = await world.api(admin, path, {
        method: 'GET',
      });
      return status === 200 ? true : undefined;
    });
  }
  await world.must(`/apis/rbac.authorization.k8s.io/v1/namespaces/${APP}/rolebindings`, {
    method: 'POST',
    body: {
      metadata: { name: 'alice' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: alice.user }],
    },
  });
  const nodes = { a: 2_000n, b: 1_500n, c: 1_200n, falling: 2_000n };
  await Promise.all(Object.entries(nodes).map(([name, stake]) => world.join(name, stake)));
  // A change on chain has the stake controller look at all nodes at once, instead of within 30 s.
  const { owner, position } = world.node('c');
  await topUp(owner, { cluster: world.stack.world.owned.cluster, position, amount: 1n });
  // Its word comes after all labels of the controller manager's: from here on nothing changes by itself.
  for (const name of Object.keys(nodes)) await world.nodeState(name, 'ELIGIBLE');
}
