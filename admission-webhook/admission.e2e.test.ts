import { setTimeout as sleep } from 'node:timers/promises';

import t from 'tap';

import { admin, Cluster, kubelet, type Answer, type ApiCall } from './test/cluster.ts';
import { claim, decide, healthy, sign, stake, STAKE_1, STAKE_2, strangerKey } from './test/world.ts';

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY = 'application/apply-patch+yaml';
const enclave = { user: 'k3s-daas:enclave' };
const SHOP = '/api/v1/namespaces/shop';

t.setTimeout(600_000);
let cluster: Cluster;
t.before(async () => {
  // Neither controller manager nor scheduler: what is refused or let in here is the API server's own doing.
  cluster = await Cluster.start({ controllerManager: false, scheduler: false, kwok: false });
});
t.teardown(() => cluster.stop());

/** Sends and says what came of it: a status below 300, or the code of the denial, or the message. */
async function outcome(call: ApiCall): Promise<string> {
  const { status, json, text } = await cluster.call(call);
  if (status < 300) return 'ok';
  const message = typeof json['message'] === 'string' ? json['message'] : text;
  const denied = /^admission webhook "[a-z-]+\.k3s-daas\.io" denied the request: ([A-Z_]+): .+; .+$/.exec(
    message,
  );
  return denied?.[1] ?? `${status} ${message}`;
}

const podBody = (name: string, more: { metadata?: object; spec?: object } = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...more.metadata },
  spec: {
    schedulerName: 'k3s-daas-scheduler',
    containers: [{ name: 'c', image: 'example.com/i:1' }],
    ...more.spec,
  },
});

async function get(path: string): Promise<Record<string, unknown>> {
  const { status, json, text } = await cluster.call({ ...admin, method: 'GET', path });
  if (status !== 200) throw new Error(text);
  return json;
}

interface Meta {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly annotations?: Record<string, string>;
  readonly labels?: Record<string, string>;
}

async function metaOf(path: string): Promise<Meta> {
  return (await get(path))['metadata'] as Meta;
}

function bindingBody(name: string, uid: string, node: string, receipt: string, more: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace: 'shop', uid, annotations: { 'k3s-daas.io/receipt': receipt } },
    target: { kind: 'Node', name: node },
    ...more,
  };
}

function receiptFor(pod: string, podUid: string, node = 'n1'): string {
  const now = Date.now();
  return sign(decide({ podUid, namespace: 'shop', pod, node }, now), now);
}

const post = (path: string, body: unknown, as: Pick<ApiCall, 'user' | 'groups'>): ApiCall => ({
  ...as,
  method: 'POST',
  path,
  body,
});
const patch = (path: string, type: string, body: unknown, as: Pick<ApiCall, 'user' | 'groups'>): ApiCall => ({
  ...as,
  method: 'PATCH',
  path,
  type,
  body,
});

void t.test('nodes join with a stake, as themselves', async (t) => {
  cluster.setChain();
  const node = (name: string, more: object = {}, spec: object = {}): object => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, ...more },
    spec,
  });
  const join = (
    name: string,
    as: Pick<ApiCall, 'user' | 'groups'>,
    more: object = {},
    spec: object = {},
  ): Promise<string> => outcome(post('/api/v1/nodes', node(name, more, spec), as));

  t.equal(await join('n3', kubelet('n3')), 'NODE_NOT_CLAIMED');
  t.equal(await join('n1', admin), 'NODE_NOT_SELF');
  t.equal(
    await join('cp-1', { user: 'kwok', groups: ['system:masters'] }),
    'ok',
    'an admin makes the control-plane node',
  );
  t.equal(
    await join('n1', kubelet('n1'), { annotations: { 'k3s-daas.io/stake-state': 'ELIGIBLE' } }),
    'NODE_MARKS_FORGED',
  );
  const taint = { key: 'k3s-daas.io/unstaked', effect: 'NoSchedule' };
  t.equal(await join('n1', kubelet('n1'), {}, { taints: [taint] }), 'NODE_MARKS_FORGED');
  const owner = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'x',
    uid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  };
  t.equal(await join('n1', kubelet('n1'), { ownerReferences: [owner] }), 'NODE_OWNED');
  cluster.setChain({ ...healthy, stakes: [stake(STAKE_1, { active: 999n }), stake(STAKE_2)] });
  t.equal(await join('n1', kubelet('n1')), 'STAKE_TOO_SMALL');
  cluster.setChain(healthy, 60_000);
  const stale = await cluster.call(post('/api/v1/nodes', node('n1'), kubelet('n1')));
  t.equal(stale.status, 503, 'worth trying again');
  t.match(stale.json['message'], /SNAPSHOT_STALE/);
  cluster.setChain();
  t.equal(await join('n1', kubelet('n1')), 'ok');
  t.equal(await join('n2', kubelet('n2')), 'ok');
});

void t.test('nodes keep their marks', async (t) => {
  cluster.setChain();
  const path = '/api/v1/nodes/n1';
  const taints = ['NoSchedule', 'NoExecute'].map((effect) => ({ key: 'k3s-daas.io/unstaked', effect }));
  const marks = {
    metadata: { annotations: { 'k3s-daas.io/stake-state': 'STAKE_MISSING' } },
    spec: { taints },
  };
  const controller = { user: 'k3s-daas:controller' };
  t.equal(await outcome(patch(path, MERGE, marks, admin)), 'NODE_MARKS_CHANGED', 'not even an admin');
  t.equal(await outcome(patch(path, MERGE, marks, controller)), 'ok');

  const lifted = { spec: { taints: null } };
  for (const type of [MERGE, STRATEGIC]) {
    t.equal(await outcome(patch(path, type, lifted, admin)), 'NODE_MARKS_CHANGED', `${type} lifts the taint`);
  }
  const remove = [{ op: 'remove', path: '/spec/taints/0' }];
  t.equal(await outcome(patch(path, JSON_PATCH, remove, admin)), 'NODE_MARKS_CHANGED', 'JSON patch');
  const whole = await get(path);
  t.equal(
    await outcome({ ...admin, method: 'PUT', path, body: { ...whole, spec: {} } }),
    'NODE_MARKS_CHANGED',
    'PUT',
  );
  const applied = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1', annotations: { 'k3s-daas.io/stake-state': 'ELIGIBLE' } },
  };
  const force = `${path}?fieldManager=x&force=true`;
  t.equal(await outcome(patch(force, APPLY, applied, admin)), 'NODE_MARKS_CHANGED', 'server-side apply');

  // The status subresource persists metadata: NodeRestriction guards neither our annotation nor owners there.
  const status = `${path}/status`;
  const forged = { metadata: { annotations: { 'k3s-daas.io/stake-state': 'ELIGIBLE' } } };
  for (const type of [MERGE, STRATEGIC]) {
    t.equal(
      await outcome(patch(status, type, forged, kubelet('n1'))),
      'NODE_MARKS_CHANGED',
      `status by ${type}`,
    );
  }
  const replaced = [
    { op: 'replace', path: '/metadata/annotations/k3s-daas.io~1stake-state', value: 'ELIGIBLE' },
  ];
  t.equal(
    await outcome(patch(status, JSON_PATCH, replaced, kubelet('n1'))),
    'NODE_MARKS_CHANGED',
    'status by JSON patch',
  );
  t.equal(
    await outcome(patch(`${status}?fieldManager=x&force=true`, APPLY, applied, kubelet('n1'))),
    'NODE_MARKS_CHANGED',
    'status by apply',
  );
  const put = { ...whole, metadata: { ...(whole['metadata'] as object), annotations: {} } };
  t.equal(
    await outcome({ ...kubelet('n1'), method: 'PUT', path: status, body: put }),
    'NODE_MARKS_CHANGED',
    'status by PUT',
  );
  const owner = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'x',
    uid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  };
  const owned = { metadata: { ownerReferences: [owner] } };
  // CVE-2025-5187: NodeRestriction of 1.36 stops kubelets, and nobody else.
  t.match(
    await outcome(patch(status, MERGE, owned, kubelet('n1'))),
    /^403 .*not allowed to modify ownerReferences/,
  );
  t.equal(await outcome(patch(status, MERGE, owned, admin)), 'NODE_OWNED', 'through the status');
  t.equal(await outcome(patch(path, MERGE, owned, admin)), 'NODE_OWNED');

  const calls = async (): Promise<string> =>
    (await cluster.registry.metrics()).match(/subject="UPDATE nodes\/status".*/g)?.join() ?? '';
  const before = await calls();
  const heartbeat = {
    status: { conditions: [{ type: 'Ready', status: 'True', reason: 'x', message: 'x' }] },
  };
  t.equal(await outcome(patch(status, STRATEGIC, heartbeat, kubelet('n1'))), 'ok');
  t.equal(await calls(), before, 'a heartbeat does not reach the webhook');
  t.equal(
    await outcome(patch(status, MERGE, { metadata: { labels: { zone: 'a' } } }, kubelet('n1'))),
    'ok',
    'other metadata',
  );
  t.not(await calls(), before, 'a change of metadata does');

  cluster.setChain({ ...healthy, stakes: [stake(STAKE_2)] });
  t.equal(
    await outcome(patch(path, MERGE, lifted, controller)),
    'STAKE_MISSING',
    'the controller is bound by the chain',
  );
  cluster.setChain();
  t.equal(await outcome(patch(path, MERGE, lifted, controller)), 'ok');
});

void t.test('pods cannot pass by the scheduler', async (t) => {
  cluster.setChain();
  const create = (
    name: string,
    more: { metadata?: object; spec?: object } = {},
    as: Pick<ApiCall, 'user' | 'groups'> = admin,
  ): Promise<string> => outcome(post(`${SHOP}/pods`, podBody(name, more), as));
  t.equal(await create('p1', { spec: { nodeName: 'n1' } }), 'POD_NODE_PRESET');
  t.equal(await create('p1', { spec: { schedulerName: 'other-scheduler' } }), 'POD_SCHEDULER_WRONG');
  t.equal(
    await create('p1', { metadata: { annotations: { 'k3s-daas.io/receipt': 'x' } } }),
    'POD_MARKS_FORGED',
  );
  t.equal(await create('p1', { metadata: { labels: { 'k3s-daas.io/x': 'x' } } }), 'POD_MARKS_FORGED');
  t.equal(
    await create('p1', { spec: { tolerations: [{ operator: 'Exists' }] } }),
    'POD_TOLERATES_EVERYTHING',
  );
  t.equal(
    await create('p1', { spec: { tolerations: [{ key: 'k3s-daas.io/unstaked', operator: 'Exists' }] } }),
    'POD_TOLERATES_UNSTAKED',
  );
  const { uid } = await metaOf('/api/v1/nodes/n1');
  const mirror = {
    metadata: {
      annotations: { 'kubernetes.io/config.mirror': 'abc' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid, controller: true }],
    },
    spec: { nodeName: 'n1' },
  };
  t.equal(await create('p1', mirror, kubelet('n1')), 'POD_MIRROR', 'not even by its own node');
  const applied = patch(
    `${SHOP}/pods/p1?fieldManager=x`,
    APPLY,
    podBody('p1', { spec: { nodeName: 'n1' } }),
    admin,
  );
  t.equal(await outcome(applied), 'POD_NODE_PRESET', 'create by server-side apply');
  t.equal(
    await outcome(
      post(
        '/api/v1/namespaces/kube-system/pods',
        podBody('sys', { spec: { nodeName: 'n1', schedulerName: 'x' } }),
        admin,
      ),
    ),
    'ok',
    'kube-system is exempt',
  );
  const unset = { metadata: { name: 'p2' }, spec: { containers: [{ name: 'c', image: 'example.com/i:1' }] } };
  const { json } = await cluster.call(post(`${SHOP}/pods`, unset, admin));
  t.match(json['spec'], { schedulerName: 'k3s-daas-scheduler' }, 'a pod that names no scheduler gets ours');
});

void t.test('bindings need the receipt of the live enclave', async (t) => {
  cluster.setChain();
  t.equal(await outcome(post(`${SHOP}/pods`, podBody('web'), admin)), 'ok');
  const { uid } = await metaOf(`${SHOP}/pods/web`);
  const bind = (body: object, as: Pick<ApiCall, 'user' | 'groups'> = enclave): Promise<string> =>
    outcome(post(`${SHOP}/pods/web/binding`, body, as));
  // Each of this moment: a receipt lives for ten seconds, and all of these calls may take longer.
  const signed = (change: Parameters<typeof decide>[2], key?: typeof strangerKey, at = Date.now()): string =>
    sign(decide({ podUid: uid, namespace: 'shop', pod: 'web', node: 'n1' }, at, change), at, key);

  t.equal(
    await bind(bindingBody('web', uid, 'n1', signed({})), admin),
    'BINDING_NOT_BY_ENCLAVE',
    'a good receipt in the wrong hands',
  );
  t.match(
    await bind(bindingBody('web', uid, 'n1', signed({})), { user: 'k3s-daas:scheduler' }),
    /403 .*cannot create resource "pods\/binding"/,
  );
  t.equal(
    await outcome(post(`${SHOP}/bindings`, bindingBody('web', uid, 'n1', signed({})), admin)),
    'BINDING_LEGACY',
  );
  t.match(
    await outcome(post(`${SHOP}/bindings`, bindingBody('web', uid, 'n1', signed({})), enclave)),
    /403 .*cannot create resource "bindings"/,
  );
  const bare = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'web' },
    target: { kind: 'Node', name: 'n1' },
  };
  t.equal(await bind(bare), 'BINDING_UID_MISSING');
  t.equal(await bind({ ...bare, metadata: { name: 'web', uid } }), 'BINDING_ANNOTATIONS_WRONG');
  const annotations = { 'k3s-daas.io/receipt': signed({}), own: 'x' };
  t.equal(await bind({ ...bare, metadata: { name: 'web', uid, annotations } }), 'BINDING_ANNOTATIONS_WRONG');
  const labels = { app: 'x' };
  t.equal(
    await bind({
      ...bare,
      metadata: { name: 'web', uid, labels, annotations: { 'k3s-daas.io/receipt': signed({}) } },
    }),
    'BINDING_LABELS_WRONG',
  );
  t.equal(await bind(bindingBody('web', uid, 'n1', 'AAAA')), 'RECEIPT_MALFORMED');
  t.equal(await bind(bindingBody('web', uid, 'n1', signed({}, strangerKey))), 'RECEIPT_SIGNATURE_WRONG');
  t.equal(await bind(bindingBody('web', uid, 'n1', signed({ term: 2n }))), 'RECEIPT_TERM_WRONG');
  t.equal(await bind(bindingBody('web', uid, 'n1', signed({ kind: 1 }))), 'RECEIPT_KIND_WRONG');
  t.equal(
    await bind(bindingBody('web', uid, 'n1', signed({}, undefined, Date.now() - 10_001))),
    'RECEIPT_EXPIRED',
  );
  t.equal(
    await bind(bindingBody('web', uid, 'n1', signed({ notAfterMs: BigInt(Date.now()) + 3_600_000n }))),
    'RECEIPT_LIFETIME_WRONG',
  );
  t.equal(await bind(bindingBody('web', uid, 'n2', signed({}))), 'RECEIPT_NODE_WRONG');
  t.equal(await bind(bindingBody('web', uid, 'n1', signed({ pod: 'web2' }))), 'RECEIPT_POD_WRONG');
  t.equal(await bind(bindingBody('web', uid, 'n1', signed({ stake: STAKE_2 }))), 'RECEIPT_STAKE_WRONG');
  cluster.setChain({ ...healthy, claims: [claim('n1', STAKE_1, { jailed: true })] });
  t.equal(await bind(bindingBody('web', uid, 'n1', signed({}))), 'NODE_JAILED');
  cluster.setChain(healthy, 31_000);
  t.equal(await bind(bindingBody('web', uid, 'n1', signed({}))), 'SNAPSHOT_STALE');
  cluster.setChain();
  const pod = await get(`${SHOP}/pods/web`);
  t.notOk((pod['spec'] as { nodeName?: string }).nodeName, 'still not bound');
});

void t.test('a good binding is accepted, once, and its receipt stays', async (t) => {
  cluster.setChain();
  t.equal(
    await outcome(
      patch(
        '/api/v1/nodes/n1',
        MERGE,
        { metadata: { labels: { 'topology.kubernetes.io/zone': 'z1' } } },
        admin,
      ),
    ),
    'ok',
  );
  const { uid } = await metaOf(`${SHOP}/pods/web`);
  const receipt = receiptFor('web', uid);
  const body = bindingBody('web', uid, 'n1', receipt);
  t.equal(await outcome(post(`${SHOP}/pods/web/binding?dryRun=All`, body, enclave)), 'ok', 'dry run');
  t.equal(await outcome(post(`${SHOP}/pods/web/binding`, body, enclave)), 'ok');
  const pod = await get(`${SHOP}/pods/web`);
  t.equal((pod['spec'] as { nodeName: string }).nodeName, 'n1');
  const meta = pod['metadata'] as Meta;
  t.same(meta.annotations, { 'k3s-daas.io/receipt': receipt }, 'copied onto the pod in the same write');
  t.match(meta.labels, { 'topology.kubernetes.io/zone': 'z1' }, "the API server's own labels pass");
  t.match(await outcome(post(`${SHOP}/pods/web/binding`, body, enclave)), /^409 /, 'a second time');

  await t.test('by every way of writing', async (t) => {
    const path = `${SHOP}/pods/web`;
    const other = receiptFor('web', uid);
    const mark = { metadata: { annotations: { 'k3s-daas.io/receipt': other } } };
    const gone = { metadata: { annotations: { 'k3s-daas.io/receipt': null } } };
    const replace = [{ op: 'replace', path: '/metadata/annotations/k3s-daas.io~1receipt', value: other }];
    const apply = podBody('web', mark);
    const bare = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', annotations: { 'k3s-daas.io/receipt': other } },
    };
    for (const [where, as] of [
      [path, admin],
      [`${path}/status`, admin],
      [`${path}/status`, kubelet('n1')],
    ] as const) {
      for (const type of [MERGE, STRATEGIC]) {
        t.equal(
          await outcome(patch(where, type, mark, as)),
          'POD_MARKS_CHANGED',
          `${where} ${type} swap by ${as.user}`,
        );
        t.equal(
          await outcome(patch(where, type, gone, as)),
          'POD_MARKS_CHANGED',
          `${where} ${type} removal by ${as.user}`,
        );
      }
      t.equal(
        await outcome(patch(where, JSON_PATCH, replace, as)),
        'POD_MARKS_CHANGED',
        `${where} JSON patch by ${as.user}`,
      );
      const applied = where === path ? apply : bare;
      t.equal(
        await outcome(patch(`${where}?fieldManager=x&force=true`, APPLY, applied, as)),
        'POD_MARKS_CHANGED',
        `${where} apply by ${as.user}`,
      );
      const whole = await get(path);
      const put = { ...whole, metadata: { ...(whole['metadata'] as object), annotations: {} } };
      t.equal(
        await outcome({ ...as, method: 'PUT', path: where, body: put }),
        'POD_MARKS_CHANGED',
        `${where} PUT by ${as.user}`,
      );
    }
    t.equal((await metaOf(path)).annotations?.['k3s-daas.io/receipt'], receipt);

    // These two subresources reset all metadata before admission, so that nothing needs to be asked about them.
    const debug = { ...mark, spec: { ephemeralContainers: [{ name: 'd', image: 'example.com/i:1' }] } };
    t.equal(await outcome(patch(`${path}/ephemeralcontainers`, STRATEGIC, debug, admin)), 'ok');
    const resize = {
      ...mark,
      spec: { containers: [{ name: 'c', resources: { requests: { cpu: '10m' } } }] },
    };
    await cluster.call(patch(`${path}/resize`, STRATEGIC, resize, admin));
    t.equal(
      (await metaOf(path)).annotations?.['k3s-daas.io/receipt'],
      receipt,
      'untouched by ephemeralcontainers and resize',
    );

    t.equal(
      await outcome(
        patch(
          path,
          JSON_PATCH,
          [{ op: 'add', path: '/spec/tolerations/-', value: { operator: 'Exists' } }],
          admin,
        ),
      ),
      'POD_TOLERATES_EVERYTHING',
    );
    t.equal(
      await outcome(patch(path, MERGE, { metadata: { labels: { app: 'x' } } }, admin)),
      'ok',
      'ordinary updates pass',
    );
    const condition = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
    t.equal(
      await outcome(patch(`${path}/status`, STRATEGIC, condition, kubelet('n1'))),
      'ok',
      'ordinary status passes',
    );
  });

  await t.test('a pod that comes again under the name needs a receipt of its own', async (t) => {
    t.equal(
      await outcome({ ...admin, method: 'DELETE', path: `${SHOP}/pods/web?gracePeriodSeconds=0` }),
      'ok',
    );
    t.equal(await outcome(post(`${SHOP}/pods`, podBody('web'), admin)), 'ok');
    const again = await metaOf(`${SHOP}/pods/web`);
    t.equal(
      await outcome(post(`${SHOP}/pods/web/binding`, bindingBody('web', again.uid, 'n1', receipt), enclave)),
      'RECEIPT_POD_WRONG',
    );
    t.match(
      await outcome(post(`${SHOP}/pods/web/binding`, body, enclave)),
      /^409 .*UID/,
      'the old UID is a precondition',
    );
  });
});

void t.test('rights', async (t) => {
  const may = async (user: string, verb: string, what: string, group = ''): Promise<boolean> => {
    const [resource, subresource = ''] = what.split('/');
    const spec = {
      user,
      resourceAttributes: {
        verb,
        group,
        resource,
        subresource,
        namespace: resource === 'nodes' ? '' : 'shop',
      },
    };
    const { json } = await cluster.call(
      post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec }, admin),
    );
    return (json['status'] as { allowed: boolean }).allowed;
  };
  const table: readonly (readonly [string, string, string, boolean, string?])[] = [
    ['k3s-daas:enclave', 'create', 'pods/binding', true],
    ['k3s-daas:enclave', 'create', 'tokenreviews', true, 'authentication.k8s.io'],
    ['k3s-daas:enclave', 'watch', 'pods', true],
    ['k3s-daas:enclave', 'list', 'nodes', true],
    ['k3s-daas:enclave', 'get', 'serviceaccounts', true],
    ['k3s-daas:enclave', 'create', 'bindings', false],
    ['k3s-daas:enclave', 'get', 'secrets', false],
    ['k3s-daas:enclave', 'create', 'pods', false],
    ['k3s-daas:enclave', 'patch', 'pods', false],
    ['k3s-daas:enclave', 'patch', 'nodes', false],
    ['k3s-daas:enclave', 'create', 'serviceaccounts/token', false],
    ['k3s-daas:scheduler', 'create', 'pods/binding', false],
    ['k3s-daas:scheduler', 'create', 'bindings', false],
    ['k3s-daas:scheduler', 'delete', 'pods', true],
    ['k3s-daas:scheduler', 'patch', 'pods/status', true],
    ['k3s-daas:scheduler', 'patch', 'pods', false],
    ['k3s-daas:scheduler', 'get', 'secrets', false],
    ['k3s-daas:scheduler', 'update', 'persistentvolumeclaims', true],
    ['k3s-daas:scheduler', 'create', 'events', true, 'events.k8s.io'],
    ['k3s-daas:controller', 'patch', 'nodes', true],
    ['k3s-daas:controller', 'delete', 'pods', true],
    ['k3s-daas:controller', 'delete', 'nodes', false],
    ['k3s-daas:controller', 'create', 'pods', false],
    ['k3s-daas:controller', 'create', 'pods/binding', false],
    ['k3s-daas:controller', 'get', 'secrets', false],
    ['k3s-daas:webhook', 'watch', 'secrets', true],
    ['k3s-daas:webhook', 'get', 'secrets', true],
    ['k3s-daas:webhook', 'watch', 'namespaces', true],
    ['k3s-daas:webhook', 'get', 'pods', true],
    ['k3s-daas:webhook', 'list', 'pods', false],
    ['k3s-daas:webhook', 'create', 'secrets', false],
    ['k3s-daas:webhook', 'patch', 'secrets', false],
    ['k3s-daas:webhook', 'update', 'namespaces', false],
    ['k3s-daas:webhook', 'set-secrets-mode', 'namespaces', false, 'k3s-daas.io'],
    ['k3s-daas:webhook', 'create', 'pods/exec', false],
    ['k3s-daas:webhook', 'create', 'serviceaccounts/token', false],
  ];
  for (const [user, verb, what, expected, group] of table) {
    t.equal(await may(user, verb, what, group), expected, `${user} ${verb} ${what}: ${expected}`);
  }
});

void t.test('both certificates and their authority change under load', async (t) => {
  cluster.setChain();
  const outcomes = new Map<string, number>();
  const rotating = new AbortController();
  const creating = (async () => {
    for (let i = 0; !rotating.signal.aborted; i++) {
      const result = await outcome(post(`${SHOP}/pods?dryRun=All`, podBody(`r${i}`), admin));
      outcomes.set(result, (outcomes.get(result) ?? 0) + 1);
    }
  })();
  await cluster.rotate();
  // On a busy machine they have not been many yet; those to come are of the new certificates alone.
  while ((outcomes.get('ok') ?? 0) <= 50 && outcomes.size <= 1) await sleep(50);
  rotating.abort();
  await creating;
  t.comment(`${outcomes.get('ok') ?? 0} calls`);
  t.ok((outcomes.get('ok') ?? 0) > 50);
  outcomes.delete('ok');
  t.comment([...outcomes].join('; '));
  // kube-apiserver closes all its connections when its own certificate file changes, calls in flight included
  // (client-go transport/cert_rotation.go). Nothing else fails.
  for (const failure of outcomes.keys())
    t.match(failure, /failed calling webhook.*(closed network connection|EOF|reset)/);
  t.ok([...outcomes.values()].reduce((sum, count) => sum + count, 0) <= 1, 'at most the one call in flight');
});

void t.test('without the webhook nothing unchecked gets in, and the control plane lives', async (t) => {
  cluster.setChain();
  const port = await cluster.stopWebhook();
  const failed = /^500 .*failed calling webhook/;
  t.match(await outcome(post(`${SHOP}/pods`, podBody('late'), admin)), failed);
  const { uid } = await metaOf(`${SHOP}/pods/web`);
  t.match(
    await outcome(
      post(`${SHOP}/pods/web/binding`, bindingBody('web', uid, 'n1', receiptFor('web', uid)), enclave),
    ),
    failed,
  );
  t.match(await outcome(post(`${SHOP}/bindings`, bindingBody('web', uid, 'n1', 'x'), admin)), failed);
  t.match(await outcome(post('/api/v1/nodes', { metadata: { name: 'n9' } }, kubelet('n9'))), failed);
  t.match(
    await outcome(patch('/api/v1/nodes/n1', MERGE, { metadata: { labels: { a: 'b' } } }, admin)),
    failed,
  );
  t.match(
    await outcome(
      patch('/api/v1/nodes/n1/status', MERGE, { metadata: { labels: { a: 'b' } } }, kubelet('n1')),
    ),
    failed,
  );

  t.equal(
    await outcome(post('/api/v1/namespaces/kube-system/pods', podBody('sys2'), admin)),
    'ok',
    'kube-system',
  );
  const heartbeat = {
    status: { conditions: [{ type: 'Ready', status: 'False', reason: 'y', message: 'y' }] },
  };
  t.equal(
    await outcome(patch('/api/v1/nodes/n1/status', STRATEGIC, heartbeat, kubelet('n1'))),
    'ok',
    'heartbeat',
  );
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'n1' }, spec: {} };
  t.equal(
    await outcome(
      post('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', lease, kubelet('n1')),
    ),
    'ok',
    'lease',
  );
  const event = {
    metadata: { name: 'e1' },
    involvedObject: { kind: 'Pod', name: 'web', namespace: 'shop' },
    reason: 'x',
    message: 'x',
    type: 'Normal',
  };
  t.equal(await outcome(post(`${SHOP}/events`, event, admin)), 'ok', 'event');
  t.equal(await outcome({ ...admin, method: 'DELETE', path: '/api/v1/nodes/cp-1' }), 'ok');
  t.equal(
    await outcome(post('/api/v1/nodes', { metadata: { name: 'cp-1' } }, kubelet('cp-1'))),
    'ok',
    'the control-plane node comes back by itself',
  );
  t.match(
    await outcome(post('/api/v1/nodes', { metadata: { name: 'cp-1' } }, kubelet('n1'))),
    /^(403|500) /,
    'nobody else under its name',
  );

  await cluster.startWebhook(port);
  t.equal(
    await untilOk(() => outcome(post(`${SHOP}/pods`, podBody('late'), admin))),
    'ok',
    'and all is well when it is back',
  );
});

/** The API server's connections to a webhook that went away may fail once more, each. */
async function untilOk(attempt: () => Promise<string>): Promise<string> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const outcome = await attempt();
    if (!outcome.startsWith('500 ') || performance.now() > deadline) return outcome;
    await sleep(100);
  }
}

void t.test('messages reach the person at kubectl', async (t) => {
  const answer: Answer = await cluster.call(
    post(`${SHOP}/pods`, podBody('x', { spec: { schedulerName: 'other-scheduler' } }), admin),
  );
  t.equal(answer.status, 403);
  t.equal(
    answer.json['message'],
    'admission webhook "pods.k3s-daas.io" denied the request: POD_SCHEDULER_WRONG: spec.schedulerName is ' +
      '"other-scheduler", and only k3s-daas-scheduler places pods here; set spec.schedulerName: k3s-daas-scheduler ' +
      'in the pod or its template',
  );
  t.equal(answer.json['reason'], 'Forbidden');
});
