// Child process of main.ts: a chain with a policy, and real requests for keys of each of its versions.

import { recoverSecrets, rotateSecrets } from '@k3s-daas/sui-client';
import { openValues, sealValues } from '@k3s-daas/seal/sealed';

import { createDaasWorld } from '../../sui/seal/testdata/daas-world.ts';

const { identities } = JSON.parse(process.argv[2] ?? '{}') as { identities: number };
const world = await createDaasWorld({ servers: 1, threshold: 1 });
const { actor, cluster, config, servers, chain, keyServerPackage } = world;
const policy = await world.policy('bench');
const { grants } = await recoverSecrets(actor, cluster, [policy]);

/** What SealClient sends, caught on its way out: every signature and point in it is true. */
const bodies: string[] = [];
const catching: typeof fetch = (input, init) => {
  if (typeof init?.body === 'string') bodies.push(init.body);
  return fetch(input, init);
};
for (let version = 1n; version <= BigInt(identities); version += 1n) {
  if (version > 1n) await rotateSecrets(actor, { cluster, policy });
  const identity = { policy, cluster, namespace: 'bench', serviceAccount: 'api', version };
  const values = new Map([['key', new Uint8Array(32)]]);
  const options = {
    client: actor.client,
    account: actor.signer,
    packageId: actor.packageId,
    approval: { kind: 'recovery', cluster, grants },
    fetch: catching,
  } as const;
  await openValues(options, await sealValues(config, { identity, secret: 'bench', values }));
}
process.send?.({
  url: chain.url,
  chainId: config.chainId,
  packageId: actor.packageId,
  keyServerPackage,
  objectId: servers[0]?.objectId,
  secret: servers[0]?.secret,
  bodies,
});
