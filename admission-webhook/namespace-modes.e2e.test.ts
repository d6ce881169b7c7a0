/** The label that says what a namespace asks of its workloads, on a real API server: who may write it, by every route. */
import { setTimeout as sleep } from 'node:timers/promises';

import { SECRETS_MODE_LABEL } from '@k3s-daas/core';
import t from 'tap';

import { admin, Cluster, type Answer, type ApiCall } from './test/cluster.ts';

t.setTimeout(600_000);
const cluster = await Cluster.start({ controllerManager: false, kwok: false, scheduler: false });
t.teardown(() => cluster.stop());

const NAMESPACES = '/api/v1/namespaces';
const MERGE = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY = 'application/apply-patch+yaml';
/** All rights within its namespace, and all on namespaces themselves. */
const tenant = { user: 'tenant' };
/** May do just what the policy asks for, beside writing namespaces. */
const officer = { user: 'officer' };

async function prepare(): Promise<void> {
  const role = (name: string, rules: readonly object[]): object => ({ metadata: { name }, rules });
  const grant = (name: string, kind: string, user: string): object => ({
    metadata: { name: `${name}-${user}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    kind,
  });
  const namespaces = ['namespaces', 'namespaces/status', 'namespaces/finalize'];
  const post = async (path: string, body: object): Promise<void> => {
    const { status, text } = await cluster.call({ ...admin, method: 'POST', path, body });
    if (status !== 201) throw new Error(`${path}: ${text}`);
  };
  // As a namespace is that nobody has said anything of.
  await cluster.call({
    ...admin,
    method: 'PATCH',
    path: `${NAMESPACES}/shop`,
    type: MERGE,
    body: mode(null),
  });
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await post(
    `${rbac}/clusterroles`,
    role('writes-namespaces', [{ apiGroups: [''], resources: namespaces, verbs: ['*'] }]),
  );
  await post(
    `${rbac}/clusterroles`,
    role('sets-modes', [
      { apiGroups: ['k3s-daas.io'], resources: ['namespaces'], verbs: ['set-secrets-mode'] },
    ]),
  );
  for (const user of ['tenant', 'officer'])
    await post(`${rbac}/clusterrolebindings`, grant('writes-namespaces', 'ClusterRoleBinding', user));
  await post(`${rbac}/clusterrolebindings`, grant('sets-modes', 'ClusterRoleBinding', 'officer'));
  for (const name of ['cluster-admin', 'sets-modes'])
    await post(`${rbac}/namespaces/shop/rolebindings`, grant(name, 'RoleBinding', 'tenant'));
}

const mode = (value: string | null): object => ({ metadata: { labels: { [SECRETS_MODE_LABEL]: value } } });

async function namespace(name = 'shop'): Promise<Record<string, unknown> & { metadata: { labels: object } }> {
  const { json } = await cluster.call({ ...admin, method: 'GET', path: `${NAMESPACES}/${name}` });
  return json as Record<string, unknown> & { metadata: { labels: object } };
}

async function labelOf(name = 'shop'): Promise<unknown> {
  return (await namespace(name)).metadata.labels[SECRETS_MODE_LABEL as never];
}

/** Every way of writing the label onto namespace shop, `value` null to take it away. */
async function routes(value: string | null): Promise<readonly Omit<ApiCall, 'user' | 'groups'>[]> {
  const pointer = `/metadata/labels/${SECRETS_MODE_LABEL.replace('/', '~1')}`;
  const now = await namespace();
  const labels = { ...now.metadata.labels, [SECRETS_MODE_LABEL]: value };
  if (value === null) Reflect.deleteProperty(labels, SECRETS_MODE_LABEL);
  const whole = { ...now, metadata: { ...now.metadata, labels, resourceVersion: undefined } };
  const apply = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } };
  const operation = value === null ? { op: 'remove', path: pointer } : { op: 'add', path: pointer, value };
  return ['', '/status', '/finalize'].flatMap((sub) => {
    const path = `${NAMESPACES}/shop${sub}`;
    const put: Omit<ApiCall, 'user'> = { method: 'PUT', path, body: whole };
    // The finalize subresource takes PUT only.
    if (sub === '/finalize') return [put];
    return [
      put,
      { method: 'PATCH' as const, path, type: MERGE, body: mode(value) },
      { method: 'PATCH' as const, path, type: 'application/strategic-merge-patch+json', body: mode(value) },
      { method: 'PATCH' as const, path, type: JSON_PATCH, body: [operation] },
      ...(value === null
        ? []
        : [
            { method: 'PATCH' as const, path: `${path}?fieldManager=x&force=true`, type: APPLY, body: apply },
          ]),
    ];
  });
}

const nameOf = ({ method, path, type = '' }: Omit<ApiCall, 'user'>): string =>
  `${method} ${path.slice(NAMESPACES.length)} ${type}`;

function forbidden({ status, text }: Answer): boolean {
  return status === 403 && text.includes('NAMESPACE_MODE_FORBIDDEN');
}

async function untilGuarded(): Promise<void> {
  const path = `${NAMESPACES}?dryRun=All`;
  const probe = async (person: Pick<ApiCall, 'user' | 'groups'>, value?: string): Promise<Answer> => {
    const labels = value === undefined ? {} : { [SECRETS_MODE_LABEL]: value };
    return cluster.call({ ...person, method: 'POST', path, body: { metadata: { name: 'probe', labels } } });
  };
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    const isInForce = (await probe(admin, 'wrong')).text.includes('NAMESPACE_MODE_WRONG');
    // The API server learns of rights by a watch as well.
    const mayWrite = (await probe(tenant)).status === 201;
    const maySet = (await probe(officer, 'references')).status === 201;
    if (isInForce && mayWrite && maySet) return;
    await sleep(100);
  }
  throw new Error('policy and rights were not in force within a minute');
}

await prepare();
await untilGuarded();

void t.test('a tenant with all rights in its namespace and on namespaces', async (t) => {
  for (const call of await routes('references')) {
    const answer = await cluster.call({ ...tenant, ...call });
    t.ok(forbidden(answer), `sets it by ${nameOf(call)}`, { answer: answer.text });
    t.equal(await labelOf(), undefined, 'and it is not there');
  }
  const created = await cluster.call({
    ...tenant,
    method: 'POST',
    path: NAMESPACES,
    body: { metadata: { name: 'mine', labels: { [SECRETS_MODE_LABEL]: 'references' } } },
  });
  t.ok(forbidden(created), `creates another with it`, { answer: created.text });
  const generated = await cluster.call({
    ...tenant,
    method: 'POST',
    path: NAMESPACES,
    body: { metadata: { generateName: 'mine-', labels: { [SECRETS_MODE_LABEL]: 'references' } } },
  });
  t.ok(forbidden(generated), `creates one of a generated name`, { answer: generated.text });
  const own = await cluster.call({
    ...tenant,
    method: 'PATCH',
    path: `${NAMESPACES}/shop`,
    type: MERGE,
    body: { metadata: { labels: { team: 'blue' } } },
  });
  t.equal(own.status, 200, 'control: any other label');
});

void t.test('an administrator, and who was given the verb', async (t) => {
  for (const person of [admin, officer]) {
    for (const call of await routes('references')) {
      const answer = await cluster.call({ ...person, ...call });
      t.equal(answer.status, 200, `${person.user} sets it by ${nameOf(call)}`, { answer: answer.text });
      t.equal(await labelOf(), 'references', nameOf(call));
      const [, away] = await routes(null);
      if (away === undefined) throw new Error('no route');
      t.equal((await cluster.call({ ...admin, ...away })).status, 200);
      t.equal(await labelOf(), undefined, 'and it is not there');
    }
  }
  for (const value of ['off', '', 'References', 'reference']) {
    const { status, text } = await cluster.call({
      ...admin,
      method: 'PATCH',
      path: `${NAMESPACES}/shop`,
      type: MERGE,
      body: mode(value),
    });
    t.match([status, text], [422, /NAMESPACE_MODE_WRONG/], `"${value}" is no mode`);
  }
});

void t.test('what is set, the tenant neither takes away nor changes', async (t) => {
  await cluster.call({
    ...admin,
    method: 'PATCH',
    path: `${NAMESPACES}/shop`,
    type: MERGE,
    body: mode('required'),
  });
  for (const value of [null, 'references']) {
    for (const call of await routes(value)) {
      const answer = await cluster.call({ ...tenant, ...call });
      t.ok(forbidden(answer), `${value === null ? 'removes' : 'changes'} it by ${nameOf(call)}`, {
        answer: answer.text,
      });
      t.equal(await labelOf(), 'required', 'and it stays');
    }
  }
});
