import t from 'tap';

import { webhookConfigSchema } from '../config.ts';
import { Denied, lookupFailed, type DenialCode } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import { review } from '../review.ts';
import { MemoryChain, MemoryFacts, sealSettings } from '../test/world.ts';

const config = webhookConfigSchema.parse({
  allowedClients: ['kube-apiserver-webhook'],
  receiptLifetimeMs: 10_000,
  stakeSnapshotAgeMsMax: 30_000,
  seal: sealSettings,
});

const AUDIENCE = 'k3s-daas.io/broker';
const UID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const kubelet = (node: string): AdmissionRequest['user'] => ({
  name: `system:node:${node}`,
  groups: ['system:nodes', 'system:authenticated'],
});
const bound = { kind: 'Pod', apiVersion: 'v1', name: 'web', uid: UID };

interface Change {
  readonly user?: AdmissionRequest['user'];
  readonly namespace?: string;
  readonly audiences?: unknown;
  readonly boundObjectRef?: unknown;
}

async function verdict(change: Change = {}, facts = onN1()): Promise<string> {
  const { audiences = [AUDIENCE], boundObjectRef = bound, user = kubelet('n1'), namespace = 'shop' } = change;
  const request: AdmissionRequest = {
    uid: 'r1',
    resource: { group: '', version: 'v1', resource: 'serviceaccounts' },
    subResource: 'token',
    operation: 'CREATE',
    name: 'default',
    namespace,
    user,
    object: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences, boundObjectRef },
    },
    oldObject: null,
  };
  try {
    await review(request, { chain: new MemoryChain(), clock: { now: () => 0 }, config, facts });
    return 'allowed';
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    return error.code;
  }
}

function onN1(): MemoryFacts {
  const facts = new MemoryFacts();
  facts.pods.set('shop/web', { uid: UID, nodeName: 'n1', sealed: true });
  facts.pods.set('shop/plain', { uid: UID, nodeName: 'n1', sealed: false });
  facts.pods.set('kube-system/web', { uid: UID, nodeName: 'n1', sealed: false });
  return facts;
}

void t.test('tokens for the broker', async (t) => {
  const cases: readonly (readonly [string, DenialCode | 'allowed', Change])[] = [
    ['by the kubelet of the pod’s node', 'allowed', {}],
    [
      'for a pod without sealed secrets',
      'TOKEN_NOT_FOR_POD',
      { boundObjectRef: { ...bound, name: 'plain' } },
    ],
    ['for one in an exempt namespace', 'TOKEN_NOT_FOR_POD', { namespace: 'kube-system' }],
    ['by another node', 'TOKEN_NOT_FOR_POD', { user: kubelet('n2') }],
    [
      'by another node in an exempt namespace',
      'TOKEN_NOT_FOR_POD',
      { user: kubelet('n2'), namespace: 'kube-system' },
    ],
    ['by an admin', 'TOKEN_NOT_BY_NODE', { user: { name: 'admin', groups: ['system:masters'] } }],
    [
      'by an admin in an exempt namespace',
      'TOKEN_NOT_BY_NODE',
      { user: { name: 'admin', groups: ['system:masters'] }, namespace: 'kube-system' },
    ],
    ['by a user of a node’s name', 'TOKEN_NOT_BY_NODE', { user: { name: 'system:node:n1', groups: [] } }],
    [
      'by a user of the nodes’ group',
      'TOKEN_NOT_BY_NODE',
      { user: { name: 'n1', groups: ['system:nodes'] } },
    ],
    ['by a node without a name', 'TOKEN_NOT_BY_NODE', { user: kubelet('') }],
    [
      'by the service account itself',
      'TOKEN_NOT_BY_NODE',
      { user: { name: 'system:serviceaccount:shop:default', groups: [] } },
    ],
    ['bound to nothing', 'TOKEN_NOT_FOR_POD', { boundObjectRef: null }],
    [
      'bound to a Secret of the pod’s name',
      'TOKEN_NOT_FOR_POD',
      { boundObjectRef: { ...bound, kind: 'Secret' } },
    ],
    ['bound to the node', 'TOKEN_NOT_FOR_POD', { boundObjectRef: { ...bound, kind: 'Node', name: 'n1' } }],
    ['bound without a UID', 'TOKEN_NOT_FOR_POD', { boundObjectRef: { ...bound, uid: '' } }],
    [
      'bound to an earlier pod of the name',
      'TOKEN_NOT_FOR_POD',
      { boundObjectRef: { ...bound, uid: 'other' } },
    ],
    ['bound to a pod that is not there', 'TOKEN_NOT_FOR_POD', { boundObjectRef: { ...bound, name: 'gone' } }],
    ['for a pod of another namespace', 'TOKEN_NOT_FOR_POD', { namespace: 'bank' }],
    [
      'with one more audience',
      'TOKEN_AUDIENCES_MIXED',
      { audiences: [AUDIENCE, 'https://kubernetes.default.svc'] },
    ],
    ['with it as the second', 'TOKEN_AUDIENCES_MIXED', { audiences: ['x', AUDIENCE] }],
    ['twice', 'TOKEN_AUDIENCES_MIXED', { audiences: [AUDIENCE, AUDIENCE] }],
    ['of another audience, by anyone', 'allowed', { audiences: ['vault'], user: { name: 'x', groups: [] } }],
    [
      'of an audience that contains it',
      'allowed',
      { audiences: [`${AUDIENCE}/x`], user: { name: 'x', groups: [] } },
    ],
    ['of none', 'allowed', { audiences: null, user: { name: 'x', groups: [] } }],
    ['of what is no list', 'OBJECT_MALFORMED', { audiences: AUDIENCE }],
  ];
  for (const [name, expected, change] of cases) t.equal(await verdict(change), expected, name);

  const pending = new MemoryFacts();
  pending.pods.set('shop/web', { uid: UID, nodeName: '', sealed: true });
  t.equal(await verdict({}, pending), 'TOKEN_NOT_FOR_POD', 'not bound yet');
  t.equal(await verdict({ user: kubelet('') }, pending), 'TOKEN_NOT_BY_NODE', 'nor by a node without a name');
  const silent = onN1();
  silent.failure = lookupFailed('no answer');
  t.equal(await verdict({}, silent), 'LOOKUP_FAILED');
});
