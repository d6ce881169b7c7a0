/** Family 11: a webhook that has just started and may read nothing knows the mode of no namespace. */
import { rows, type Family } from './cases.ts';
import { admin, APP, LOOSE, plainPod, sealedPod, tenant, until, type SealedWorld } from './world.ts';

const RIGHTS = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/k3s-daas:webhook';
const webhook = { user: 'k3s-daas:webhook' };

export const unreadModes: Family = {
  name: 'the mode of a namespace cannot be read',
  async prepare(world) {
    await world.must(RIGHTS, { method: 'DELETE' });
    await until('the rights of the webhook to be gone', async () => {
      const verdict = await world.attempt(webhook, '/api/v1/namespaces', { method: 'GET' });
      return verdict === 'RBAC: list namespaces' ? true : undefined;
    });
    // One that runs believes what its watch told it for 45 s more.
    await world.restartWebhook();
    const pod =
      (namespace: string, by = tenant) =>
      () =>
        world.create(by, `/api/v1/namespaces/${namespace}/pods`, plainPod(world.name('unread')));
    const template = (namespace: string) => () =>
      world.create(tenant, `/apis/apps/v1/namespaces/${namespace}/deployments`, {
        metadata: { name: world.name('unread') },
        spec: {
          selector: { matchLabels: { a: 'b' } },
          template: {
            metadata: { labels: { a: 'b' } },
            spec: { containers: [{ name: 'main', image: 'i' }] },
          },
        },
      });
    const FAILED = 'LOOKUP_FAILED';
    return {
      controls: [
        {
          name: 'a pod of an exempt namespace',
          act: () =>
            world.create(admin, '/api/v1/namespaces/kube-system/pods?dryRun=All', {
              ...plainPod('system'),
              spec: { containers: [{ name: 'c', image: 'i' }] },
            }),
        },
      ],
      attacks: rows('unread mode', [
        ['a pod without secrets', FAILED, pod(APP)],
        ['a pod without secrets, by an administrator', FAILED, pod(APP, admin)],
        ['a pod without secrets, where only references count', FAILED, pod(LOOSE)],
        ['a pod without secrets, in a namespace that nobody labelled', FAILED, pod('default', admin)],
        ['a template without secrets', FAILED, template(APP)],
        ['a template without secrets, where only references count', FAILED, template(LOOSE)],
      ]),
      recovered: recovered(world),
    };
  },
  restore: (world) => world.register(),
};

/** By itself: nothing is started anew. */
function recovered(world: SealedWorld): { name: string; act: () => Promise<string> }[] {
  const dry = (namespace: string, body: object) => () =>
    world.create(tenant, `/api/v1/namespaces/${namespace}/pods?dryRun=All`, body);
  return [
    { name: 'a pod without secrets, where only references count', act: dry(LOOSE, plainPod('again')) },
    { name: 'a pod with a sealed secret', act: dry(APP, sealedPod('again')) },
    {
      name: 'a pod without secrets is refused for what it is',
      act: async () =>
        (await dry(APP, plainPod('again'))()) === 'SECRETS_REQUIRED' ? 'accepted' : 'another word',
    },
  ];
}
