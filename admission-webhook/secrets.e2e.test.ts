/** Sealed Secrets, the pods that use them, and tokens for the broker, on a real kube-apiserver. */
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

import { fromBase64, parseFetchPlan, sha256, toBase64, toHex, utf8 } from '@k3s-daas/core';
import t from 'tap';

import { admin, Cluster, kubelet, type Answer, type ApiCall } from './test/cluster.ts';
import { sealedSecret, type SecretObject } from './test/sealing.ts';
import { decide, sealSettings, sign } from './test/world.ts';

const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY = 'application/apply-patch+yaml';
const SHOP = '/api/v1/namespaces/shop';
const AUDIENCE = 'k3s-daas.io/broker';

t.setTimeout(600_000);
let cluster: Cluster;
t.before(async () => {
  cluster = await Cluster.start({ controllerManager: false, scheduler: false, kwok: false });
});
t.teardown(() => cluster.stop());

type As = Pick<ApiCall, 'user' | 'groups'>;

const post = (path: string, body: unknown, as: As = admin): Promise<Answer> =>
  cluster.call({ ...as, method: 'POST', path, body });
const patch = (path: string, type: string, body: unknown): Promise<Answer> =>
  cluster.call({ ...admin, method: 'PATCH', path, type, body });
const get = (path: string): Promise<Answer> => cluster.call({ ...admin, method: 'GET', path });

/** `ok`, or the code of the denial, or the message. */
async function outcome(answer: Promise<Answer>): Promise<string> {
  const { status, json, text } = await answer;
  if (status < 300) return 'ok';
  const message = typeof json['message'] === 'string' ? json['message'] : text;
  const denied = /denied the request: ([A-Z_]+): .+; .+$/.exec(message);
  return denied?.[1] ?? `${status} ${message}`;
}

/** What comes of it in the end: the API server knows many things by watches, and so a moment late. */
async function settled(attempt: () => Promise<string>, holds: (got: string) => boolean): Promise<string> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const got = await attempt();
    if (holds(got) || performance.now() > deadline) return got;
    await sleep(20);
  }
}

const base64 = (text: string): string => toBase64(utf8(text));

function plainSecret(name: string, more: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    type: 'Opaque',
    data: { password: base64('hunter2') },
    ...more,
  };
}

/** A pod that uses key `password` of a Secret as a variable. */
function podOf(name: string, secret: string | null): object {
  const ref = { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: secret, key: 'password' } } };
  const container = { name: 'c', image: 'example.com/i:1', ...(secret === null ? {} : { env: [ref] }) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { serviceAccountName: 'default', containers: [container] },
  };
}

interface PodObject {
  readonly metadata: { readonly uid: string };
  readonly spec: {
    readonly schedulerName: string;
    readonly nodeName?: string;
    readonly initContainers?: readonly {
      readonly name: string;
      readonly image: string;
      readonly env: readonly { readonly value: string }[];
    }[];
    readonly containers: readonly { readonly env?: readonly object[] }[];
  };
}

const podFrom = ({ json }: Answer): PodObject => json as unknown as PodObject;
const planOf = ({ spec }: PodObject): ReturnType<typeof parseFetchPlan> =>
  parseFetchPlan(spec.initContainers?.[0]?.env[0]?.value ?? '');
const digestOf = ({ data }: SecretObject): string => toHex(sha256(fromBase64(data['password'] ?? '')));

void t.test('no plain text gets into a Secret, whichever way it is written', async (t) => {
  const good = await sealedSecret();
  const create = (body: unknown): Promise<string> => outcome(post(`${SHOP}/secrets`, body));
  t.equal(await create(plainSecret('db')), 'SECRET_NOT_SEALED');
  t.equal(
    await create({ ...plainSecret('db'), data: undefined, stringData: { a: 'b' } }),
    'SECRET_NOT_SEALED',
    'stringData',
  );
  t.equal(await create({ ...good, stringData: { a: 'b' } }), 'SECRET_PARTLY_SEALED', 'stringData beside it');
  t.equal(
    await create({ ...good, stringData: { password: 'b' } }),
    'SECRET_NOT_SEALED',
    'stringData over it',
  );
  t.equal(
    await create({ ...good, metadata: { ...good.metadata, name: undefined, generateName: 'db-' } }),
    'SEALED_PLACE_WRONG',
  );
  t.equal(
    await create(
      JSON.parse(JSON.stringify(good).replace('"data":{', '"data":{"__proto__":"eA==",')) as object,
    ),
    'SECRET_PARTLY_SEALED',
    '__proto__',
  );
  t.equal(await create(plainSecret('db', { type: 'kubernetes.io/basic-auth' })), 'SECRET_TYPE_WRONG');
  t.equal(await outcome(post(`${SHOP}/secrets?dryRun=All`, good)), 'ok', 'dry run');
  t.equal(await create(good), 'ok');
  const path = `${SHOP}/secrets/db`;
  const plain = { data: { password: base64('hunter2') } };
  for (const type of [MERGE, STRATEGIC]) {
    t.equal(await outcome(patch(path, type, plain)), 'SECRET_NOT_SEALED', type);
    t.equal(
      await outcome(patch(path, type, { stringData: { b: 'c' } })),
      'SECRET_PARTLY_SEALED',
      `${type}, stringData`,
    );
    t.equal(
      await outcome(patch(path, type, { metadata: { labels: null } })),
      'SECRET_MARKS_WRONG',
      `${type}, label`,
    );
    t.equal(
      await outcome(patch(path, type, { metadata: { annotations: { 'k3s-daas.io/version': '9' } } })),
      'SECRET_MARKS_WRONG',
      `${type}, annotation`,
    );
  }
  const add = [{ op: 'add', path: '/data/b', value: base64('c') }];
  t.equal(await outcome(patch(path, JSON_PATCH, add)), 'SECRET_PARTLY_SEALED', JSON_PATCH);
  const applied = plainSecret('db');
  t.equal(
    await outcome(patch(`${path}?fieldManager=x&force=true`, APPLY, applied)),
    'SECRET_NOT_SEALED',
    APPLY,
  );
  t.equal(
    await outcome(patch(`${SHOP}/secrets/db9?fieldManager=x`, APPLY, plainSecret('db9'))),
    'SECRET_NOT_SEALED',
    'created by server-side apply',
  );
  t.equal(
    await outcome(cluster.call({ ...admin, method: 'PUT', path, body: applied })),
    'SECRET_NOT_SEALED',
    'PUT',
  );
  t.equal(
    await outcome(patch(path, MERGE, { metadata: { finalizers: ['example.com/x'] } })),
    'ok',
    'a finalizer',
  );
  t.equal(
    await outcome(patch(path, MERGE, { metadata: { finalizers: null, labels: { app: 'x' } } })),
    'ok',
    'a label',
  );
  t.equal(await outcome(patch(path, MERGE, { immutable: true })), 'ok', 'immutable');
  t.same((await get(path)).json['data'], good.data, 'what is stored is what was sealed');

  await cluster.createNamespace('bank', 'references');
  const copy = { ...good, metadata: { ...good.metadata, namespace: 'bank' } };
  t.equal(await outcome(post('/api/v1/namespaces/bank/secrets', copy)), 'SEALED_NAMESPACE_WRONG', 'copied');
  const system = '/api/v1/namespaces/kube-system/secrets';
  t.equal(await outcome(post(system, plainSecret('own'))), 'ok', 'kube-system keeps its own');
  const { text } = await post(`${SHOP}/secrets`, plainSecret('db'));
  t.notMatch(text, /hunter2|aHVudGVyMg/, 'the denial does not repeat the value');
});

void t.test('what machines keep', async (t) => {
  const tokens = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'robot', annotations: { 'kubernetes.io/service-account.name': 'default' } },
    type: 'kubernetes.io/service-account-token',
  };
  const filled = { token: base64('jwt'), namespace: base64('shop') };
  t.equal(await outcome(post(`${SHOP}/secrets`, { ...tokens, data: filled })), 'SECRET_TYPE_WRONG');
  t.equal(await outcome(post(`${SHOP}/secrets`, tokens)), 'ok');
  const path = `${SHOP}/secrets/robot`;
  t.equal(await outcome(patch(path, MERGE, { data: filled })), 'SECRET_TYPE_WRONG');
  const { json } = await get(path);
  const put = {
    user: 'system:kube-controller-manager',
    method: 'PUT',
    path,
    body: { ...json, data: filled },
  } as const;
  t.equal(await outcome(cluster.call(put)), 'ok', 'the token controller');
  const release = (name: string): object =>
    plainSecret(name, {
      type: 'helm.sh/release.v1',
      data: { release: base64(gzipSync('{}').toString('base64')) },
    });
  t.equal(await outcome(post(`${SHOP}/secrets`, release('sh.helm.release.v1.web.v1'))), 'ok');
  t.equal(await outcome(post(`${SHOP}/secrets`, release('web'))), 'SECRET_TYPE_WRONG');
  for (const name of ['robot', 'sh.helm.release.v1.web.v1']) {
    const code = await outcome(post(`${SHOP}/pods`, podOf('thief', name)));
    t.match(code, /^SECRET_TYPE_WRONG$/, `and no pod may use ${name}`);
  }
});

void t.test('Secret and pod applied together', async (t) => {
  const secret = await sealedSecret({ name: 'app' });
  const input = [secret, podOf('app', 'app')].map((object) => JSON.stringify(object)).join('\n---\n');
  await cluster.controlPlane.kubectl(['apply', '-n', 'shop', '-f', '-'], { input });
  const pod = podFrom(await get(`${SHOP}/pods/app`));
  t.equal(pod.spec.schedulerName, 'k3s-daas-scheduler');
  t.match(pod.spec.initContainers, [{ name: 'seal-fetch', image: sealSettings.image }]);
  const key = [{ key: 'password', sha256: digestOf(secret) }];
  t.match(planOf(pod).secrets, [{ name: 'app', version: '1', keys: key }], 'its ciphertext is pinned');
  const fileKeyRef = { volumeName: 'seal-env', path: 'env', key: 'V0' };
  t.match(pod.spec.containers[0]?.env, [{ name: 'PASSWORD', valueFrom: { fileKeyRef } }]);
  t.notMatch(JSON.stringify(pod.spec), /secretKeyRef|hunter2/);

  for (let version = 2n; version < 8n; version++) {
    const next = await sealedSecret({ name: 'app', version });
    const { json } = await get(`${SHOP}/secrets/app`);
    const { resourceVersion } = json['metadata'] as { resourceVersion: string };
    const body = { ...next, metadata: { ...next.metadata, resourceVersion } };
    const put = cluster.call({ ...admin, method: 'PUT', path: `${SHOP}/secrets/app`, body });
    t.equal(await outcome(put), 'ok');
    const after = podFrom(await post(`${SHOP}/pods?dryRun=All`, podOf('app2', 'app')));
    t.equal(
      planOf(after).secrets[0]?.keys[0]?.sha256,
      digestOf(next),
      `version ${version}, right after it was written`,
    );
  }
  t.equal(await outcome(post(`${SHOP}/pods`, podOf('x', 'missing'))), 'SECRET_NOT_FOUND');
});

void t.test('modes', async (t) => {
  await cluster.createNamespace('strict');
  const strict = '/api/v1/namespaces/strict';
  t.equal(
    await outcome(post(`${strict}/pods`, podOf('plain', null))),
    'SECRETS_REQUIRED',
    'without a label, at once',
  );
  t.equal(await outcome(post(`${strict}/secrets`, await sealedSecret({ namespace: 'strict' }))), 'ok');
  t.equal(await outcome(post(`${strict}/pods`, podOf('sealed', 'db'))), 'ok');
  const label = (value: string | null): object => ({
    metadata: { labels: { 'k3s-daas.io/secrets': value } },
  });
  const becomes = async (expected: string): Promise<string> => {
    const asked = (): Promise<string> => outcome(post(`${strict}/pods?dryRun=All`, podOf('plain', null)));
    return settled(asked, (got) => got === expected);
  };
  t.equal(await outcome(patch(strict, MERGE, label('references'))), 'ok');
  t.equal(await becomes('ok'), 'ok', 'references');
  t.equal(
    await outcome(post(`${strict}/secrets`, plainSecret('p'))),
    'SECRET_NOT_SEALED',
    'Secrets are sealed all the same',
  );
  t.equal(await outcome(patch(strict, MERGE, label('required'))), 'ok');
  t.equal(await becomes('SECRETS_REQUIRED'), 'SECRETS_REQUIRED', 'required');
});

void t.test('tokens for the broker', async (t) => {
  cluster.setChain();
  for (const name of ['n1', 'n2']) await post('/api/v1/nodes', { metadata: { name } }, kubelet(name));
  t.equal(await outcome(post(`${SHOP}/serviceaccounts`, { metadata: { name: 'default' } })), 'ok');
  t.equal(await outcome(post(`${SHOP}/secrets`, await sealedSecret({ name: 'tok' }))), 'ok');
  t.equal(await outcome(post(`${SHOP}/pods`, podOf('tok', 'tok'))), 'ok');
  const { uid } = podFrom(await get(`${SHOP}/pods/tok`)).metadata;
  const ask = (
    as: As,
    podUid = uid,
    audiences: readonly string[] = [AUDIENCE],
    namespace = SHOP,
  ): Promise<string> =>
    outcome(
      post(
        `${namespace}/serviceaccounts/default/token`,
        { spec: { audiences, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'tok', uid: podUid } } },
        as,
      ),
    );
  t.equal(await ask(admin), 'TOKEN_NOT_BY_NODE', 'an administrator');
  t.equal(
    await outcome(post(`${SHOP}/serviceaccounts/default/token`, { spec: { audiences: [AUDIENCE] } })),
    'TOKEN_NOT_BY_NODE',
    'unbound',
  );
  const everyone = { user: 'system:node:n1', groups: ['system:masters'] };
  t.equal(await ask(everyone), 'TOKEN_NOT_BY_NODE', 'a name without the group');
  const both = { user: 'system:node:n1', groups: ['system:nodes', 'system:masters'] };
  // NodeRestriction is asked before webhooks, where it is switched on, and says the same of kubelets. It knows pods by
  // a watch, a moment later than they are there.
  const refused = /^TOKEN_NOT_FOR_POD$|^403 .*node requested token/;
  t.match(
    await settled(
      () => ask(both),
      (got) => !got.startsWith('404 '),
    ),
    refused,
    'the pod is bound to no node yet',
  );

  const now = Date.now();
  const receipt = sign(decide({ podUid: uid, namespace: 'shop', pod: 'tok', node: 'n1' }, now), now);
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'tok', namespace: 'shop', uid, annotations: { 'k3s-daas.io/receipt': receipt } },
    target: { kind: 'Node', name: 'n1' },
  };
  t.equal(await outcome(post(`${SHOP}/pods/tok/binding`, binding, { user: 'k3s-daas:enclave' })), 'ok');
  t.equal(
    await settled(
      () => ask(both),
      (got) => got === 'ok',
    ),
    'ok',
    'its own kubelet',
  );
  const other = { user: 'system:node:n2', groups: ['system:nodes', 'system:masters'] };
  t.match(await ask(other), refused, 'another node, with all rights');
  t.match(await ask(both, uid, [AUDIENCE, 'x']), /^TOKEN_AUDIENCES_MIXED$|^403 .*audience/, 'two audiences');
  const system = '/api/v1/namespaces/kube-system';
  await post(`${system}/serviceaccounts`, { metadata: { name: 'default' } });
  t.equal(
    await outcome(post(`${system}/serviceaccounts/default/token`, { spec: { audiences: [AUDIENCE] } })),
    'TOKEN_NOT_BY_NODE',
    'in kube-system too',
  );

  const calls = async (): Promise<number> =>
    [
      ...(await cluster.registry.metrics()).matchAll(
        /^daas_admission_reviews_total\{subject="CREATE serviceaccounts\/token".* (\d+)$/gm,
      ),
    ]
      .map(([, count]) => Number(count))
      .reduce((sum, count) => sum + count, 0);
  const before = await calls();
  t.ok(before >= 5);
  for (const audiences of [['vault'], [], undefined, [`${AUDIENCE}2`]])
    t.equal(
      await outcome(post(`${SHOP}/serviceaccounts/default/token`, { spec: { audiences } })),
      'ok',
      `audiences ${String(audiences)}`,
    );
  t.equal(await calls(), before, 'ordinary tokens do not wait for the webhook');
});

void t.test('nobody enters a sealed pod', async (t) => {
  const connection = (path: string, method: 'GET' | 'POST' = 'POST'): Promise<string> =>
    outcome(cluster.call({ ...admin, method, path }));
  t.equal(await connection(`${SHOP}/pods/tok/exec?command=sh&container=c`), 'POD_CONNECT_REFUSED', 'exec');
  t.equal(
    await connection(`${SHOP}/pods/tok/exec?command=sh`, 'GET'),
    'POD_CONNECT_REFUSED',
    'exec by GET, as WebSockets do',
  );
  t.equal(await connection(`${SHOP}/pods/tok/attach`), 'POD_CONNECT_REFUSED', 'attach');
  t.equal(await connection(`${SHOP}/pods/tok/portforward?ports=80`), 'POD_CONNECT_REFUSED', 'portforward');
  t.equal(await connection(`${SHOP}/pods/tok/proxy/`, 'GET'), 'POD_CONNECT_REFUSED', 'proxy');
  t.equal(await connection(`${SHOP}/pods/none/exec?command=sh`), 'POD_NOT_FOUND');
  t.equal(
    await connection('/api/v1/nodes/n1/proxy/run/shop/tok/c?cmd=sh'),
    'NODE_PROXY_REFUSED',
    'through the kubelet',
  );
  t.equal(await outcome(post(`${SHOP}/pods`, podOf('open', null))), 'ok');
  t.notMatch(
    await connection(`${SHOP}/pods/open/exec?command=sh&container=c`),
    /^[A-Z_]+$/,
    'another pod: not our business',
  );
  for (const [sealed, plain] of [
    ['tok:8080', 'open:8080'],
    ['http:tok:8080', 'http:open:8080'],
    ['https:tok:web', 'https:open:web'],
    [':tok:', ':open:'],
  ] as const) {
    t.equal(await connection(`${SHOP}/pods/${sealed}/proxy/`, 'GET'), 'POD_CONNECT_REFUSED', sealed);
    t.match(
      await connection(`${SHOP}/pods/${plain}/proxy/`, 'GET'),
      /^\d+ (?!.*webhook).*(address|no endpoints|host|pod)/,
      `${plain}: the API server looks for its address`,
    );
  }

  const debug = { spec: { ephemeralContainers: [{ name: 'd', image: 'example.com/i:1' }] } };
  t.equal(
    await outcome(patch(`${SHOP}/pods/tok/ephemeralcontainers`, STRATEGIC, debug)),
    'POD_EPHEMERAL_CONTAINERS',
  );
  const image = { spec: { containers: [{ name: 'c', image: 'example.com/evil:1' }] } };
  t.match(await outcome(patch(`${SHOP}/pods/tok`, STRATEGIC, image)), /^[A-Z_]+$/, 'its image stays');
  t.equal(await outcome(patch(`${SHOP}/pods/open`, STRATEGIC, image)), 'ok', 'another pod’s may change');
});

void t.test('templates get the verdict early', async (t) => {
  const labels = { app: 'web' };
  const deployment = (secret: string): object => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: (podOf('x', secret) as PodObject).spec },
    },
  });
  const path = '/apis/apps/v1/namespaces/shop/deployments';
  t.match(await outcome(post(path, deployment('robot'))), /^SECRET_TYPE_WRONG$/, 'the same words');
  const warned = await post(path, deployment('later'));
  t.equal(warned.status, 201, 'a Secret that is missing yet');
  t.equal(
    await outcome(patch(`${path}/web`, MERGE, { spec: { replicas: 1 } })),
    'ok',
    'scaling asks nothing',
  );
});

void t.test('without the webhook nothing is written that it would not see', async (t) => {
  const port = await cluster.stopWebhook();
  const failed = /^500 .*failed calling webhook/;
  t.match(await outcome(post(`${SHOP}/secrets`, await sealedSecret({ name: 'late' }))), failed);
  t.match(
    await outcome(post(`${SHOP}/serviceaccounts/default/token`, { spec: { audiences: [AUDIENCE] } })),
    failed,
  );
  t.match(
    await outcome(cluster.call({ ...admin, method: 'POST', path: `${SHOP}/pods/tok/exec?command=sh` })),
    failed,
  );
  t.equal(
    await outcome(post(`${SHOP}/serviceaccounts/default/token`, { spec: {} })),
    'ok',
    'ordinary tokens',
  );
  t.equal(
    await outcome(post('/api/v1/namespaces/kube-system/secrets', plainSecret('own2'))),
    'ok',
    'kube-system',
  );
  await cluster.startWebhook(port);
});
