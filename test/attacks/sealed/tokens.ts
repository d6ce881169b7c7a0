/** Families 4 and 14: the token by which a pod shows the broker who it is, in the hands of somebody else. */
import { judged } from './bodies.ts';
import { rows, type Family } from './cases.ts';
import {
  admin,
  APP,
  kubelet,
  LOOSE,
  OTHER,
  plainPod,
  sealedPod,
  tenant,
  until,
  type Person,
  type Pod,
} from './world.ts';

const BROKER = 'k3s-daas.io/broker';

export const tokens: Family = {
  name: "tokens for the enclave's broker",
  async prepare(world) {
    const pod = await world.bind(await world.createPod(sealedPod('holder')));
    const waiting = await world.createPod(sealedPod('waiting'));
    const plain = await world.bind(await world.createPod(plainPod('without'), LOOSE));
    const ask =
      (by: Person, boundObjectRef?: object, audiences: readonly string[] = [BROKER], namespace = APP) =>
      () =>
        world.create(by, `/api/v1/namespaces/${namespace}/serviceaccounts/api/token`, {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { audiences, ...(boundObjectRef === undefined ? {} : { boundObjectRef }) },
        });
    const bound = ({ metadata: { name, uid } }: Pod, change: object = {}): object => ({
      apiVersion: 'v1',
      kind: 'Pod',
      name,
      uid,
      ...change,
    });
    const nodeAdmin = (node: string): Person => ({
      user: `system:node:${node}`,
      groups: ['system:nodes', 'system:masters'],
    });
    const apiServer = await world.authority.issue({
      commonName: 'k3s-daas:api-server',
      usages: ['client'],
      days: 1,
    });
    const alone = (
      node: string,
      boundObjectRef?: object,
      audiences: readonly string[] = [BROKER],
      namespace = APP,
    ) =>
      judged(world, apiServer, '/validate', {
        resource: { group: '', version: 'v1', resource: 'serviceaccounts' },
        subResource: 'token',
        name: 'api',
        namespace,
        userInfo: { username: `system:node:${node}`, groups: ['system:nodes'] },
        object: { spec: { audiences, ...(boundObjectRef === undefined ? {} : { boundObjectRef }) } },
      });
    const uid = '0f8fad5b-d9cb-469f-a165-70867728950e';
    await until('the API server to know by its watches where the pods are', async () => {
      const asked = [ask(kubelet('n1'), bound(pod)), ask(nodeAdmin('n1'), bound(plain), [BROKER], LOOSE)];
      const [own, other] = await Promise.all(asked.map((each) => each()));
      // Then it is the webhook that is asked.
      return own === 'accepted' && !/^(NodeRestriction$|40)/.test(other ?? '') ? true : undefined;
    });
    return {
      controls: [
        { name: 'the kubelet of its node', act: ask(kubelet('n1'), bound(pod)) },
        { name: 'a token for somebody else', act: ask(tenant, bound(pod), ['vault']) },
      ],
      attacks: rows('token', [
        ['by a tenant', 'TOKEN_NOT_BY_NODE', ask(tenant, bound(pod))],
        ['by a tenant, bound to nothing', 'TOKEN_NOT_BY_NODE', ask(tenant)],
        ['by a tenant, in another namespace', 'TOKEN_NOT_BY_NODE', ask(tenant, undefined, [BROKER], OTHER)],
        ['by an administrator', 'TOKEN_NOT_BY_NODE', ask(admin, bound(pod))],
        [
          'by an administrator named like the node',
          'TOKEN_NOT_BY_NODE',
          ask({ user: 'system:node:n1', groups: ['system:masters'] }, bound(pod)),
        ],
        [
          'by an administrator in the group of nodes',
          'TOKEN_NOT_BY_NODE',
          ask({ user: 'sealed-admin', groups: ['system:masters', 'system:nodes'] }, bound(pod)),
        ],
        // Two layers: NodeRestriction of the API server knows nodes and their pods, too.
        ['by another node that is an administrator', 'NodeRestriction', ask(nodeAdmin('n2'), bound(pod))],
        ['by another node', 'RBAC: create serviceaccounts/token', ask(kubelet('n2'), bound(pod))],
        ['of a pod that is not placed', 'NodeRestriction', ask(nodeAdmin('n1'), bound(waiting))],
        ['of an earlier pod of the same name', '403 Forbidden', ask(nodeAdmin('n1'), bound(pod, { uid }))],
        ['bound to no pod', 'NodeRestriction', ask(nodeAdmin('n1'))],
        ['for two audiences', 'NodeRestriction', ask(kubelet('n1'), bound(pod), [BROKER, 'api'])],
        // The same where that plugin is off: what the webhook says by itself.
        ['by another node, without NodeRestriction', 'TOKEN_NOT_FOR_POD', alone('n2', bound(pod))],
        [
          'of a pod that is not placed, without NodeRestriction',
          'TOKEN_NOT_FOR_POD',
          alone('n1', bound(waiting)),
        ],
        ['of an earlier pod, without NodeRestriction', 'TOKEN_NOT_FOR_POD', alone('n1', bound(pod, { uid }))],
        ['of no pod, without NodeRestriction', 'TOKEN_NOT_FOR_POD', alone('n1')],
        [
          'of a Secret, without NodeRestriction',
          'TOKEN_NOT_FOR_POD',
          alone('n1', bound(pod, { kind: 'Secret' })),
        ],
        [
          'for two audiences, without NodeRestriction',
          'TOKEN_AUDIENCES_MIXED',
          alone('n1', bound(pod), [BROKER, 'api']),
        ],
        [
          'for a pod without sealed secrets',
          'TOKEN_NOT_FOR_POD',
          ask(nodeAdmin('n1'), bound(plain), [BROKER], LOOSE),
        ],
        [
          'for a pod without sealed secrets, without NodeRestriction',
          'TOKEN_NOT_FOR_POD',
          alone('n1', bound(plain), [BROKER], LOOSE),
        ],
        [
          'in an exempt namespace',
          'TOKEN_NOT_BY_NODE',
          () =>
            world.create(admin, '/api/v1/namespaces/kube-system/serviceaccounts/default/token', {
              apiVersion: 'authentication.k8s.io/v1',
              kind: 'TokenRequest',
              spec: { audiences: [BROKER] },
            }),
        ],
      ]),
    };
  },
};
