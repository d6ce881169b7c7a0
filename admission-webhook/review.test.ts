import t from 'tap';

import { decodeReceipt, ed25519FromSeed, encodeReceipt, Intent, type Decision } from '@k3s-daas/core';

import { webhookConfigSchema } from './config.ts';
import { Denied, type DenialCode } from './denied.ts';
import type { AdmissionRequest } from './http/decode.ts';
import { review } from './review.ts';
import {
  claim,
  decide,
  enclaveKey,
  healthy,
  id,
  MemoryChain,
  MemoryFacts,
  sealSettings,
  session,
  sign,
  stake,
  STAKE_1,
  STAKE_2,
  strangerKey,
  type WorldState,
} from './test/world.ts';

const NOW = Date.UTC(2026, 10, 21);
const UID = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const config = webhookConfigSchema.parse({
  controlPlaneNodes: ['cp-1'],
  allowedClients: ['kube-apiserver-webhook'],
  receiptLifetimeMs: 10_000,
  stakeSnapshotAgeMsMax: 30_000,
  seal: sealSettings,
});

type User = AdmissionRequest['user'];
const enclave: User = { name: 'k3s-daas:enclave', groups: ['system:authenticated'] };
const controller: User = { name: 'k3s-daas:controller', groups: ['system:authenticated'] };
const admin: User = { name: 'daas-admin', groups: ['system:masters', 'system:authenticated'] };
const tenant: User = { name: 'tenant', groups: ['system:authenticated'] };
const kubelet = (node: string): User => ({
  name: `system:node:${node}`,
  groups: ['system:nodes', 'system:authenticated'],
});

interface Case {
  readonly operation: AdmissionRequest['operation'];
  /** `pods/binding` and the like. */
  readonly on: string;
  readonly user: User;
  readonly object?: unknown;
  readonly oldObject?: unknown;
  readonly namespace?: string;
  readonly name?: string;
}

interface Chain {
  readonly state?: WorldState;
  readonly ageMs?: number;
  readonly missing?: boolean;
}

/** The denial's code, or `allowed`. */
async function verdict(
  test: Case,
  { state = healthy, ageMs = 0, missing = false }: Chain = {},
): Promise<string> {
  const chain = new MemoryChain();
  if (!missing) chain.set(state, NOW - ageMs);
  const [resource = '', subResource = ''] = test.on.split('/');
  const { operation, user, object = null, oldObject = null, name = 'web' } = test;
  const namespace = test.namespace ?? (resource === 'nodes' ? '' : 'shop');
  const request = {
    uid: 'r1',
    resource: { group: '', version: 'v1', resource },
    subResource,
    operation,
    name,
    namespace,
    user,
    object,
    oldObject,
  };
  try {
    await review(request, { chain, clock: { now: () => NOW }, config, facts: new MemoryFacts() });
    return 'allowed';
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    return error.message === '' || error.remedy === '' ? `${error.code} without a reason` : error.code;
  }
}

type Expected = DenialCode | 'allowed';

interface BindingChange {
  readonly user?: User;
  readonly decision?: Partial<Decision>;
  readonly madeMs?: number;
  readonly receipt?: string;
  readonly metadata?: object;
  readonly target?: object;
  readonly name?: string;
  readonly namespace?: string;
  readonly key?: typeof strangerKey;
}

function binding(change: BindingChange = {}): Case {
  const placement = { podUid: UID, namespace: 'shop', pod: 'web', node: 'n1' };
  const made = NOW + (change.madeMs ?? -50);
  const receipt = change.receipt ?? sign(decide(placement, made, change.decision), made, change.key);
  return {
    operation: 'CREATE',
    on: 'pods/binding',
    user: change.user ?? enclave,
    name: change.name ?? 'web',
    namespace: change.namespace ?? 'shop',
    object: {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: {
        name: 'web',
        namespace: 'shop',
        uid: UID,
        annotations: { 'k3s-daas.io/receipt': receipt },
        creationTimestamp: null,
        ...change.metadata,
      },
      target: change.target ?? { kind: 'Node', name: 'n1' },
    },
  };
}

const goodReceipt = sign(decide({ podUid: UID, namespace: 'shop', pod: 'web', node: 'n1' }, NOW), NOW);

/** The same bytes with one changed: `at` counts from the start of the signed message. */
function altered(at: number): string {
  const bytes = Buffer.from(goodReceipt, 'base64');
  const length = bytes.length;
  const index = at < 0 ? length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return bytes.toString('base64');
}

void t.test('bindings', async (t) => {
  const cases: readonly (readonly [string, Expected, Case, Chain?])[] = [
    ['a good receipt binds', 'allowed', binding()],
    [
      'topology labels, which the API server adds, are fine',
      'allowed',
      binding({ metadata: { labels: { 'topology.kubernetes.io/zone': 'z1' } } }),
    ],
    [
      "target may name the decided node's uid",
      'allowed',
      binding({ target: { kind: 'Node', name: 'n1', uid: '0f8fad5b-d9cb-469f-a165-70867728950e' } }),
    ],
    ['the cluster admin may not', 'BINDING_NOT_BY_ENCLAVE', binding({ user: admin })],
    [
      'the scheduler may not',
      'BINDING_NOT_BY_ENCLAVE',
      binding({ user: { name: 'k3s-daas:scheduler', groups: [] } }),
    ],
    [
      'a user whose name only starts like it',
      'BINDING_NOT_BY_ENCLAVE',
      binding({ user: { name: 'k3s-daas:enclave2', groups: [] } }),
    ],
    ['no uid', 'BINDING_UID_MISSING', binding({ metadata: { uid: undefined } })],
    ['target is no node', 'BINDING_TARGET_WRONG', binding({ target: { kind: 'Pod', name: 'n1' } })],
    ['target without kind', 'BINDING_TARGET_WRONG', binding({ target: { name: 'n1' } })],
    ['no annotations', 'BINDING_ANNOTATIONS_WRONG', binding({ metadata: { annotations: undefined } })],
    [
      'one annotation too many',
      'BINDING_ANNOTATIONS_WRONG',
      binding({ metadata: { annotations: { 'k3s-daas.io/receipt': goodReceipt, more: '' } } }),
    ],
    [
      'another annotation instead',
      'BINDING_ANNOTATIONS_WRONG',
      binding({ metadata: { annotations: { 'k3s-daas.io/receipts': goodReceipt } } }),
    ],
    ['a label of its own', 'BINDING_LABELS_WRONG', binding({ metadata: { labels: { app: 'other' } } })],
    ['receipt is not base64', 'RECEIPT_MALFORMED', binding({ receipt: `${goodReceipt} ` })],
    [
      'receipt with bytes left over',
      'RECEIPT_MALFORMED',
      binding({
        receipt: Buffer.concat([Buffer.from(goodReceipt, 'base64'), Buffer.from([0])]).toString('base64'),
      }),
    ],
    ['receipt longer than any', 'RECEIPT_MALFORMED', binding({ receipt: 'A'.repeat(8_192) })],
    ['empty receipt', 'RECEIPT_MALFORMED', binding({ receipt: '' })],
    ['one bit of the signature', 'RECEIPT_SIGNATURE_WRONG', binding({ receipt: altered(-1) })],
    ['signed by another key', 'RECEIPT_SIGNATURE_WRONG', binding({ key: strangerKey })],
    [
      'signed with the all-zero seed',
      'RECEIPT_SIGNATURE_WRONG',
      binding({ key: ed25519FromSeed(new Uint8Array(32)) }),
    ],
    ['adopts instead of binding', 'RECEIPT_KIND_WRONG', binding({ decision: { kind: 1 } })],
    ['of another cluster', 'RECEIPT_CLUSTER_WRONG', binding({ decision: { cluster: id('c2') } })],
    [
      'under another policy',
      'RECEIPT_POLICY_WRONG',
      binding({ decision: { policyDigest: new Uint8Array(32) } }),
    ],
    ['of another session', 'RECEIPT_SESSION_WRONG', binding({ decision: { session: id('5f') } })],
    ['of another config version', 'RECEIPT_SESSION_WRONG', binding({ decision: { configVersion: 2n } })],
    ['of an earlier term', 'RECEIPT_TERM_WRONG', binding({ decision: { term: 2n } })],
    ['of a later term', 'RECEIPT_TERM_WRONG', binding({ decision: { term: 4n } })],
    ['on its last millisecond', 'allowed', binding({ madeMs: -10_000 })],
    ['one millisecond late', 'RECEIPT_EXPIRED', binding({ madeMs: -10_001 })],
    [
      'lives longer than the policy allows',
      'RECEIPT_LIFETIME_WRONG',
      binding({ decision: { notAfterMs: BigInt(NOW) + 9_951n } }),
    ],
    [
      'ends before it begins',
      'RECEIPT_LIFETIME_WRONG',
      binding({ decision: { notAfterMs: BigInt(NOW) - 51n } }),
    ],
    ['made in the future, within the skew', 'allowed', binding({ madeMs: 5_000 })],
    ['made in the future', 'RECEIPT_LIFETIME_WRONG', binding({ madeMs: 5_001 })],
    [
      'for another pod uid',
      'RECEIPT_POD_WRONG',
      binding({ metadata: { uid: '3f2504e0-4f89-41d3-9a0c-0305e82c3302' } }),
    ],
    ['for another pod name', 'RECEIPT_POD_WRONG', binding({ decision: { pod: 'web2' } })],
    ['for another namespace', 'RECEIPT_POD_WRONG', binding({ decision: { namespace: 'shop2' } })],
    ['whose name is not that of its URL', 'RECEIPT_POD_WRONG', binding({ metadata: { name: 'web2' } })],
    [
      'whose namespace is not that of its URL',
      'RECEIPT_POD_WRONG',
      binding({ metadata: { namespace: 'shop2' } }),
    ],
    ['posted at the URL of another pod', 'RECEIPT_POD_WRONG', binding({ name: 'web2' })],
    ['posted in another namespace', 'RECEIPT_POD_WRONG', binding({ namespace: 'shop2' })],
    ['to another node', 'RECEIPT_NODE_WRONG', binding({ target: { kind: 'Node', name: 'n2' } })],
    [
      'to another node of that name',
      'RECEIPT_NODE_WRONG',
      binding({ target: { kind: 'Node', name: 'n1', uid: UID } }),
    ],
    [
      'to a node that is not claimed',
      'NODE_NOT_CLAIMED',
      binding({ decision: { node: 'n3' }, target: { kind: 'Node', name: 'n3' } }),
    ],
    ['decided on another stake', 'RECEIPT_STAKE_WRONG', binding({ decision: { stake: STAKE_2 } })],
    [
      'decided on another key of the node',
      'RECEIPT_STAKE_WRONG',
      binding(),
      { state: { ...healthy, claims: [claim('n1', STAKE_1, { nodeKey: new Uint8Array(32) })] } },
    ],
    [
      'stake slashed meanwhile',
      'STAKE_TOO_SMALL',
      binding(),
      { state: { ...healthy, stakes: [stake(STAKE_1, { active: 999n })] } },
    ],
    ['stake withdrawn meanwhile', 'STAKE_MISSING', binding(), { state: { ...healthy, stakes: [] } }],
    [
      'node jailed meanwhile',
      'NODE_JAILED',
      binding(),
      { state: { ...healthy, claims: [claim('n1', STAKE_1, { jailed: true })] } },
    ],
    [
      'stake of a user',
      'STAKE_ROLE_WRONG',
      binding(),
      { state: { ...healthy, stakes: [stake(STAKE_1, { role: 0 })] } },
    ],
    [
      'stake of somebody else',
      'STAKE_FOREIGN',
      binding(),
      { state: { ...healthy, stakes: [stake(STAKE_1, { owner: id('0f') })] } },
    ],
    [
      'session revoked',
      'ENCLAVE_REVOKED',
      binding(),
      { state: { ...healthy, sessions: [{ ...session, revoked: true }] } },
    ],
    ['session unknown', 'ENCLAVE_NOT_ACTIVE', binding(), { state: { ...healthy, sessions: [] } }],
    [
      'no active session',
      'ENCLAVE_NOT_ACTIVE',
      binding(),
      { state: { ...healthy, cluster: { ...healthy.cluster, active: null } } },
    ],
    [
      'a registered session that is not the active one',
      'RECEIPT_SESSION_WRONG',
      binding(),
      {
        state: {
          ...healthy,
          cluster: { ...healthy.cluster, active: { session: id('5d'), term: 3n } },
          sessions: [session, { ...session, id: id('5d'), decisionKey: strangerKey.publicKey }],
        },
      },
    ],
    ['chain not read yet', 'SNAPSHOT_MISSING', binding(), { missing: true }],
    ['snapshot as old as allowed', 'allowed', binding(), { ageMs: 30_000 }],
    ['snapshot too old', 'SNAPSHOT_STALE', binding(), { ageMs: 30_001 }],
    ['snapshot from the future', 'SNAPSHOT_STALE', binding(), { ageMs: -30_001 }],
    ['the legacy resource, whoever asks', 'BINDING_LEGACY', { ...binding(), on: 'bindings' }],
    [
      'exempt namespaces need neither receipt nor chain',
      'allowed',
      { ...binding({ user: tenant }), namespace: 'kube-system' },
      { missing: true },
    ],
    ['an object that is no Binding', 'OBJECT_MALFORMED', { ...binding(), object: { metadata: [] } }],
    ['no object', 'OBJECT_MALFORMED', { ...binding(), object: null }],
  ];
  for (const [name, expected, test, chain] of cases) t.equal(await verdict(test, chain), expected, name);

  const bytes = Buffer.from(goodReceipt, 'base64');
  const accepted: number[] = [];
  for (const at of bytes.keys())
    if ((await verdict(binding({ receipt: altered(at) }))) === 'allowed') accepted.push(at);
  t.same(accepted, [], `no receipt with one bit of any of its ${bytes.length} bytes changed`);

  // A release (intent 2) signed by the same key is not a decision: the first byte of what is signed tells them apart.
  const message = Uint8Array.from(decodeReceipt(goodReceipt).message);
  message[0] = Intent.release;
  const release = encodeReceipt({ message, signature: enclaveKey.sign(message) });
  t.equal(await verdict(binding({ receipt: release })), 'RECEIPT_MALFORMED', 'another intent');
});

interface PodParts {
  readonly metadata?: object;
  readonly spec?: object;
}

const pod = ({ metadata = {}, spec = {} }: PodParts = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: UID, ...metadata },
  spec: { schedulerName: 'k3s-daas-scheduler', containers: [{ name: 'c', image: 'i' }], ...spec },
});
const created = (parts?: PodParts, user = tenant): Case => ({
  operation: 'CREATE',
  on: 'pods',
  user,
  object: pod(parts),
});
const updated = (old: PodParts, now: PodParts, user = tenant, on = 'pods'): Case => ({
  operation: 'UPDATE',
  on,
  user,
  oldObject: pod(old),
  object: pod(now),
});

// What the DaemonSet controller adds (pkg/controller/daemon/util/daemonset_util.go, 1.36.3).
const daemonTolerations = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

void t.test('pods', async (t) => {
  const bound = {
    metadata: { annotations: { 'k3s-daas.io/receipt': 'r', own: '1' } },
    spec: { nodeName: 'n1' },
  };
  const everything = { spec: { tolerations: [{ operator: 'Exists' }] } };
  const mirror = {
    metadata: { annotations: { 'kubernetes.io/config.mirror': 'abc' } },
    spec: { nodeName: 'n1' },
  };
  const cases: readonly (readonly [string, Expected, Case])[] = [
    ['an ordinary pod', 'allowed', created()],
    [
      'marks of others',
      'allowed',
      created({ metadata: { labels: { app: 'web' }, annotations: { 'example.com/k3s-daas.io': 'x' } } }),
    ],
    ['the tolerations of a DaemonSet', 'allowed', created({ spec: { tolerations: daemonTolerations } })],
    ['preset node', 'POD_NODE_PRESET', created({ spec: { nodeName: 'n1' } })],
    ['preset node, by an admin', 'POD_NODE_PRESET', created({ spec: { nodeName: 'n1' } }, admin)],
    ['preset node, by the enclave', 'POD_NODE_PRESET', created({ spec: { nodeName: 'n1' } }, enclave)],
    ['mirror pod of the node itself', 'POD_MIRROR', created(mirror, kubelet('n1'))],
    ['mirror pod for another node', 'POD_MIRROR', created(mirror, kubelet('n2'))],
    ['mirror pod by a tenant', 'POD_MIRROR', created(mirror)],
    [
      'mirror annotation with an empty value',
      'POD_MIRROR',
      created({ metadata: { annotations: { 'kubernetes.io/config.mirror': '' } } }),
    ],
    [
      'forged receipt',
      'POD_MARKS_FORGED',
      created({ metadata: { annotations: { 'k3s-daas.io/receipt': goodReceipt } } }),
    ],
    ['forged label', 'POD_MARKS_FORGED', created({ metadata: { labels: { 'k3s-daas.io/anything': '' } } })],
    ['default scheduler', 'POD_SCHEDULER_WRONG', created({ spec: { schedulerName: 'default-scheduler' } })],
    [
      'scheduler of a similar name',
      'POD_SCHEDULER_WRONG',
      created({ spec: { schedulerName: 'k3s-daas-scheduler-2' } }),
    ],
    ['no scheduler name', 'POD_SCHEDULER_WRONG', created({ spec: { schedulerName: undefined } })],
    ['tolerates everything', 'POD_TOLERATES_EVERYTHING', created(everything)],
    [
      'tolerates every NoExecute',
      'POD_TOLERATES_EVERYTHING',
      created({
        spec: {
          tolerations: [
            ...daemonTolerations,
            { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 },
          ],
        },
      }),
    ],
    [
      'tolerates the taint',
      'POD_TOLERATES_UNSTAKED',
      created({ spec: { tolerations: [{ key: 'k3s-daas.io/unstaked', operator: 'Exists' }] } }),
    ],
    [
      'tolerates a taint of ours to come',
      'POD_TOLERATES_UNSTAKED',
      created({ spec: { tolerations: [{ key: 'k3s-daas.io/x', operator: 'Equal', value: '' }] } }),
    ],
    ['no object', 'OBJECT_MALFORMED', { operation: 'CREATE', on: 'pods', user: tenant }],
    [
      'in an exempt namespace anything goes',
      'allowed',
      { ...created({ ...mirror, ...everything }), namespace: 'kube-system' },
    ],

    [
      'update of a bound pod',
      'allowed',
      updated(bound, { ...bound, metadata: { ...bound.metadata, labels: { app: 'x' }, finalizers: [] } }),
    ],
    [
      'receipt taken over unchanged, other annotation changed',
      'allowed',
      updated(bound, { ...bound, metadata: { annotations: { 'k3s-daas.io/receipt': 'r', own: '2' } } }),
    ],
    [
      'receipt changed',
      'POD_MARKS_CHANGED',
      updated(bound, { ...bound, metadata: { annotations: { 'k3s-daas.io/receipt': 's', own: '1' } } }),
    ],
    ['receipt removed', 'POD_MARKS_CHANGED', updated(bound, { ...bound, metadata: {} })],
    [
      'receipt added',
      'POD_MARKS_CHANGED',
      updated({}, { metadata: { annotations: { 'k3s-daas.io/receipt': goodReceipt } } }),
    ],
    [
      'receipt added by the enclave',
      'POD_MARKS_CHANGED',
      updated({}, { metadata: { annotations: { 'k3s-daas.io/receipt': goodReceipt } } }, enclave),
    ],
    [
      'label of ours added by an admin',
      'POD_MARKS_CHANGED',
      updated({}, { metadata: { labels: { 'k3s-daas.io/a': '' } } }, admin),
    ],
    ['toleration added: everything', 'POD_TOLERATES_EVERYTHING', updated({}, everything)],
    [
      'toleration added: ours',
      'POD_TOLERATES_UNSTAKED',
      updated(
        {},
        { spec: { tolerations: [{ key: 'k3s-daas.io/unstaked', operator: 'Exists', effect: 'NoExecute' }] } },
      ),
    ],
    [
      'toleration added: somebody else’s',
      'allowed',
      updated({}, { spec: { tolerations: [{ key: 'gpu', operator: 'Exists' }] } }),
    ],
    [
      'toleration of before stays',
      'allowed',
      updated(everything, { ...everything, metadata: { finalizers: [] } }),
    ],
    [
      'toleration of before grows',
      'POD_TOLERATES_EVERYTHING',
      updated({ spec: { tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }] } }, everything),
    ],
    ['no old object', 'OBJECT_MALFORMED', { ...updated({}, {}), oldObject: null }],

    [
      'status: other metadata',
      'allowed',
      updated(
        bound,
        { ...bound, metadata: { annotations: { 'k3s-daas.io/receipt': 'r' } } },
        kubelet('n1'),
        'pods/status',
      ),
    ],
    [
      'status: receipt swapped by the kubelet',
      'POD_MARKS_CHANGED',
      updated(
        bound,
        { ...bound, metadata: { annotations: { 'k3s-daas.io/receipt': 's' } } },
        kubelet('n1'),
        'pods/status',
      ),
    ],
    [
      'status: receipt added',
      'POD_MARKS_CHANGED',
      updated({}, { metadata: { annotations: { 'k3s-daas.io/receipt': 's' } } }, admin, 'pods/status'),
    ],

    ['a rule without a check', 'REVIEW_UNEXPECTED', { ...created(), operation: 'DELETE' }],
    ['a subresource without a check', 'REVIEW_UNEXPECTED', { ...created(), on: 'pods/resize' }],
  ];
  for (const [name, expected, test] of cases) {
    t.equal(await verdict(test), expected, name);
    t.equal(await verdict(test, { missing: true }), expected, `${name} (without a chain)`);
  }
});

interface NodeParts {
  readonly name?: string;
  readonly labels?: object;
  readonly annotations?: object;
  readonly ownerReferences?: readonly object[];
  readonly taints?: readonly object[];
}

const node = ({ name = 'n1', taints, ...metadata }: NodeParts = {}): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: UID, ...metadata },
  spec: taints === undefined ? {} : { taints },
});
const joined = (parts: NodeParts = {}, user = kubelet(parts.name ?? 'n1')): Case => ({
  operation: 'CREATE',
  on: 'nodes',
  user,
  object: node(parts),
});
const changed = (old: NodeParts, now: NodeParts, user: User, on = 'nodes'): Case => ({
  operation: 'UPDATE',
  on,
  user,
  oldObject: node(old),
  object: node(now),
});

void t.test('nodes', async (t) => {
  const unstaked = [
    { key: 'k3s-daas.io/unstaked', effect: 'NoSchedule' },
    { key: 'k3s-daas.io/unstaked', effect: 'NoExecute', timeAdded: '2026-11-21T00:00:00Z' },
  ];
  const state = (value: string): object => ({ annotations: { 'k3s-daas.io/stake-state': value } });
  const poor: Chain = { state: { ...healthy, stakes: [stake(STAKE_1, { active: 1n })] } };
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: UID };
  const cases: readonly (readonly [string, Expected, Case, Chain?])[] = [
    ['a staked node registers itself', 'allowed', joined()],
    [
      'with taints of its own',
      'allowed',
      joined({ taints: [{ key: 'gpu', value: 'x', effect: 'NoSchedule' }] }),
    ],
    ['without a claim', 'NODE_NOT_CLAIMED', joined({ name: 'n3' })],
    ['with too little stake', 'STAKE_TOO_SMALL', joined(), poor],
    [
      'jailed',
      'NODE_JAILED',
      joined(),
      { state: { ...healthy, claims: [claim('n1', STAKE_1, { jailed: true })] } },
    ],
    ['by another node', 'NODE_NOT_SELF', joined({}, kubelet('n2'))],
    ['by an admin', 'NODE_NOT_SELF', joined({}, admin)],
    ['by kwok or a controller', 'NODE_NOT_SELF', joined({}, { name: 'kwok', groups: ['system:masters'] })],
    [
      'by a user of that name who is no node',
      'NODE_NOT_SELF',
      joined({}, { name: 'system:node:n1', groups: ['system:authenticated'] }),
    ],
    ['without a name', 'NODE_NOT_SELF', joined({ name: '' }, kubelet(''))],
    ['chain not read yet', 'SNAPSHOT_MISSING', joined(), { missing: true }],
    ['snapshot too old', 'SNAPSHOT_STALE', joined(), { ageMs: 30_001 }],
    ['brings our label', 'NODE_MARKS_FORGED', joined({ labels: { 'k3s-daas.io/tier': 'gold' } })],
    ['brings our annotation', 'NODE_MARKS_FORGED', joined(state('ELIGIBLE'))],
    ['brings our taint', 'NODE_MARKS_FORGED', joined({ taints: unstaked })],
    ['owned', 'NODE_OWNED', joined({ ownerReferences: [owner] })],
    ['control plane by itself, no chain', 'allowed', joined({ name: 'cp-1' }), { missing: true }],
    ['control plane by an admin, no chain', 'allowed', joined({ name: 'cp-1' }, admin), { missing: true }],
    ['control-plane name by another node', 'NODE_NAME_RESERVED', joined({ name: 'cp-1' }, kubelet('n1'))],
    ['a name that only starts like it', 'NODE_NOT_CLAIMED', joined({ name: 'cp-10' })],

    [
      'ordinary update by anyone, no chain',
      'allowed',
      changed({ labels: { a: '1' } }, { labels: { a: '2' } }, tenant),
      { missing: true },
    ],
    [
      'taints of others, by the controller manager, no chain',
      'allowed',
      changed(
        { taints: unstaked },
        { taints: [...unstaked, { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }] },
        { name: 'system:kube-controller-manager', groups: [] },
      ),
      { missing: true },
    ],
    [
      'the controller taints, no chain',
      'allowed',
      changed({}, { taints: unstaked, ...state('STAKE_MISSING') }, controller),
      { missing: true },
    ],
    [
      'the controller lifts the taint of a staked node',
      'allowed',
      changed({ taints: unstaked }, state('ELIGIBLE'), controller),
    ],
    [
      'the controller lifts it without stake',
      'STAKE_TOO_SMALL',
      changed({ taints: unstaked }, {}, controller),
      poor,
    ],
    [
      'the controller lifts half of it without stake',
      'STAKE_TOO_SMALL',
      changed({ taints: unstaked }, { taints: unstaked.slice(0, 1) }, controller),
      poor,
    ],
    [
      'the controller lifts it on old news',
      'SNAPSHOT_STALE',
      changed({ taints: unstaked }, {}, controller),
      { ageMs: 30_001 },
    ],
    [
      'the controller refreshes the taint',
      'allowed',
      changed({ taints: unstaked.slice(0, 1) }, { taints: unstaked }, controller),
      poor,
    ],
    [
      'an admin lifts the taint of a staked node',
      'NODE_MARKS_CHANGED',
      changed({ taints: unstaked }, {}, admin),
    ],
    ['the kubelet lifts the taint', 'NODE_MARKS_CHANGED', changed({ taints: unstaked }, {}, kubelet('n1'))],
    [
      'an admin weakens the taint',
      'NODE_MARKS_CHANGED',
      changed(
        { taints: unstaked },
        { taints: [unstaked[0] ?? {}, { key: 'k3s-daas.io/unstaked', effect: 'PreferNoSchedule' }] },
        admin,
      ),
    ],
    [
      'an admin gives the taint a value',
      'NODE_MARKS_CHANGED',
      changed({ taints: unstaked }, { taints: unstaked.map((taint) => ({ ...taint, value: 'x' })) }, admin),
    ],
    ['an admin taints', 'NODE_MARKS_CHANGED', changed({}, { taints: unstaked }, admin)],
    [
      'the kubelet changes the state',
      'NODE_MARKS_CHANGED',
      changed(state('STAKE_MISSING'), state('ELIGIBLE'), kubelet('n1')),
    ],
    [
      'the enclave changes the state',
      'NODE_MARKS_CHANGED',
      changed(state('STAKE_MISSING'), state('ELIGIBLE'), enclave),
    ],
    [
      'label of ours by an admin',
      'NODE_MARKS_CHANGED',
      changed({}, { labels: { 'k3s-daas.io/tier': 'gold' } }, admin),
    ],
    ['owner added by an admin', 'NODE_OWNED', changed({}, { ownerReferences: [owner] }, admin)],
    [
      'owner swapped',
      'NODE_OWNED',
      changed({ ownerReferences: [owner] }, { ownerReferences: [{ ...owner, uid: 'y' }] }, admin),
    ],
    [
      'owner of before stays',
      'allowed',
      changed({ ownerReferences: [owner] }, { ownerReferences: [owner], labels: { a: '1' } }, admin),
    ],
    ['owner removed', 'allowed', changed({ ownerReferences: [owner] }, {}, admin)],
    [
      'control plane mended by an admin, no chain',
      'allowed',
      changed({ name: 'cp-1', taints: unstaked }, { name: 'cp-1' }, admin),
      { missing: true },
    ],
    [
      'control plane mended by the controller, no chain',
      'allowed',
      changed({ name: 'cp-1', taints: unstaked }, { name: 'cp-1' }, controller),
      { missing: true },
    ],
    [
      'control plane by a tenant',
      'NODE_MARKS_CHANGED',
      changed({ name: 'cp-1', taints: unstaked }, { name: 'cp-1' }, tenant),
    ],

    [
      'status: other metadata',
      'allowed',
      changed({}, { labels: { a: '1' } }, kubelet('n1'), 'nodes/status'),
      { missing: true },
    ],
    [
      'status: our annotation by the kubelet',
      'NODE_MARKS_CHANGED',
      changed(state('STAKE_MISSING'), state('ELIGIBLE'), kubelet('n1'), 'nodes/status'),
    ],
    [
      'status: our annotation, even by the controller',
      'NODE_MARKS_CHANGED',
      changed({}, state('ELIGIBLE'), controller, 'nodes/status'),
    ],
    [
      'status: our label',
      'NODE_MARKS_CHANGED',
      changed({}, { labels: { 'k3s-daas.io/tier': '' } }, kubelet('n1'), 'nodes/status'),
    ],
    [
      'status: owner added',
      'NODE_OWNED',
      changed({}, { ownerReferences: [owner] }, kubelet('n1'), 'nodes/status'),
    ],
  ];
  for (const [name, expected, test, chain] of cases) t.equal(await verdict(test, chain), expected, name);
});
