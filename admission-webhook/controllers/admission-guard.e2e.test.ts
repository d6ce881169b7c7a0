/** What becomes of the registrations is told: on a real API server, with each way of opening the gate. */
import { KubeConfig } from '@kubernetes/client-node';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseAllDocuments } from 'yaml';

import { admin, Cluster } from '../test/cluster.ts';
import { startAdmissionGuard, type AdmissionGuard } from './admission-guard.ts';

t.setTimeout(600_000);
const GROUP = '/apis/admissionregistration.k8s.io/v1';
const WEBHOOK = `${GROUP}/validatingwebhookconfigurations/k3s-daas`;
const BINDING = `${GROUP}/validatingadmissionpolicybindings/k3s-daas-namespace-modes`;
const POLICY = `${GROUP}/validatingadmissionpolicies/k3s-daas-namespace-modes`;

const cluster = await Cluster.start({ controllerManager: false, kwok: false, scheduler: false });
const guard = await start();
t.teardown(async () => {
  await guard.close();
  await cluster.stop();
});

interface Registration {
  readonly webhooks: readonly {
    readonly clientConfig: { readonly url: string; readonly caBundle: string };
  }[];
}

async function start(): Promise<AdmissionGuard> {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(await cluster.controlPlane.kubeconfig({ commonName: 'k3s-daas:controller' }));
  const overlay = await readFile(join(cluster.dir, 'overlay', 'webhooks.patch.yaml'), 'utf8');
  const [patch] = parseAllDocuments(overlay).map((document) => document.toJS() as Registration);
  const { url = '', caBundle = '' } = patch?.webhooks[0]?.clientConfig ?? {};
  return startAdmissionGuard({
    kubeConfig,
    site: {
      webhookUrl: new URL('validate', url).href,
      webhookCaPem: Buffer.from(caBundle, 'base64').toString(),
      controlPlaneNodes: ['cp-1'],
    },
    log: cluster.log,
    registry: cluster.registry,
    // The rounds of this test are asked for.
    intervalMs: 3_600_000,
  });
}

interface Event {
  readonly reason: string;
  readonly message: string;
  readonly type: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

/** Events since the last call. */
let told = 0;
async function news(): Promise<readonly string[]> {
  const path = '/api/v1/namespaces/kube-system/events';
  const { json } = await cluster.call({ ...admin, method: 'GET', path });
  const all = (
    json as unknown as { items: (Event & { metadata: { resourceVersion: string } })[] }
  ).items.sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion));
  const since = all.slice(told);
  told = all.length;
  return since.map(({ type, reason, message, involvedObject: { kind } }) =>
    [type, reason, kind, message].join(' | '),
  );
}

async function metric(kind: string, name = 'k3s-daas'): Promise<string | undefined> {
  const text = await cluster.registry.metrics();
  const line = `daas_admission_configuration_intact{kind="${kind}",name="${name}"} `;
  return text
    .split('\n')
    .find((each) => each.startsWith(line))
    ?.slice(line.length);
}

async function write(method: 'PATCH' | 'DELETE' | 'POST', path: string, body?: unknown): Promise<void> {
  const type = method === 'PATCH' ? 'application/json-patch+json' : 'application/json';
  const { status, text } = await cluster.call({
    ...admin,
    method,
    path,
    type,
    ...(body === undefined ? {} : { body }),
  });
  if (status >= 300) throw new Error(`${method} ${path}: ${text}`);
}

/** The object as it was, made anew. */
async function copyOf(path: string): Promise<() => Promise<void>> {
  const { json } = await cluster.call({ ...admin, method: 'GET', path });
  const { name } = json['metadata'] as { name: string };
  return () => write('POST', path.slice(0, path.lastIndexOf('/')), { ...json, metadata: { name } });
}

void t.test('what was applied is intact', async (t) => {
  t.equal(await guard.check(), 'intact');
  t.same(await news(), []);
  t.equal(await metric('ValidatingWebhookConfiguration'), '1');
  for (const kind of ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'])
    t.equal(await metric(kind, 'k3s-daas-namespace-modes'), '1');
});

const weakened: readonly (readonly [string, object, object, RegExp])[] = [
  [
    'its failure is ignored',
    { op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' },
    { op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Fail' },
    /: failurePolicy$/,
  ],
  [
    'it may not take long',
    { op: 'replace', path: '/webhooks/0/timeoutSeconds', value: 1 },
    { op: 'replace', path: '/webhooks/0/timeoutSeconds', value: 5 },
    /: timeoutSeconds$/,
  ],
  [
    'a label opts out',
    { op: 'replace', path: '/webhooks/0/objectSelector', value: { matchLabels: { audited: 'yes' } } },
    { op: 'replace', path: '/webhooks/0/objectSelector', value: {} },
    /: objectSelector$/,
  ],
  [
    'a condition leaves things out',
    { op: 'add', path: '/webhooks/0/matchConditions', value: [{ name: 'x', expression: 'false' }] },
    { op: 'remove', path: '/webhooks/0/matchConditions' },
    /: matchConditions$/,
  ],
];

void t.test('a registration that is weakened, and mended', async (t) => {
  for (const [name, change, back, message] of weakened) {
    await write('PATCH', WEBHOOK, [change]);
    t.equal(await guard.check(), 'alarm', name);
    t.equal(await guard.check(), 'alarm', 'and stays so');
    const events = await news();
    t.equal(events.length, 1, 'it is told once');
    t.match(events[0], /^Warning \| AdmissionConfigurationAltered \| ValidatingWebhookConfiguration \| /);
    t.match(events[0], message);
    t.equal(await metric('ValidatingWebhookConfiguration'), '0');
    await write('PATCH', WEBHOOK, [back]);
    t.equal(await guard.check(), 'intact');
    t.match(await news(), [/^Normal \| AdmissionConfigurationRestored/]);
    t.equal(await metric('ValidatingWebhookConfiguration'), '1');
  }
});

void t.test('entries that go, come, or point elsewhere', async (t) => {
  const { json } = await cluster.call({ ...admin, method: 'GET', path: WEBHOOK });
  const entries = json['webhooks'] as readonly (Registration['webhooks'][number] & { name: string })[];
  const [first, ...rest] = entries;
  if (first === undefined) throw new Error('no entry');
  const set = (value: unknown): Promise<void> =>
    write('PATCH', WEBHOOK, [{ op: 'replace', path: '/webhooks', value }]);
  const foreign = Buffer.from(cluster.controlPlane.caPem);
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['one is gone', rest, / is gone$/],
    ['one is added', [...entries, { ...first, name: 'other.k3s-daas.io' }], /other\.k3s-daas\.io is added$/],
    [
      'one asks another address',
      [{ ...first, clientConfig: { ...first.clientConfig, url: 'https://127.0.0.1:1/validate' } }, ...rest],
      /: clientConfig$/,
    ],
    [
      'one trusts another authority',
      [{ ...first, clientConfig: { ...first.clientConfig, caBundle: foreign.toString('base64') } }, ...rest],
      /: clientConfig\.caBundle$/,
    ],
    ['one has no rules', [{ ...first, rules: [] }, ...rest], /: rules$/],
  ];
  for (const [name, value, message] of cases) {
    await set(value);
    t.equal(await guard.check(), 'alarm', name);
    t.match(await news(), [message]);
    await set(entries);
    t.equal(await guard.check(), 'intact');
    await news();
  }
});

void t.test('what is deleted, and what was put back unseen', async (t) => {
  for (const path of [WEBHOOK, BINDING, POLICY]) {
    const restore = await copyOf(path);
    await write('DELETE', path);
    t.equal(await guard.check(), 'alarm', path);
    t.match(await news(), [/^Warning \| AdmissionConfigurationMissing \| .*it is gone$/]);
    await restore();
    t.equal(await guard.check(), 'intact');
    await news();
    await write('DELETE', path);
    await restore();
    t.equal(await guard.check(), 'intact', 'it is the same again');
    t.match(await news(), [/^Warning \| AdmissionConfigurationWritten/], 'but that it was gone is told');
  }
  await write('PATCH', BINDING, [{ op: 'replace', path: '/spec/validationActions', value: ['Audit'] }]);
  t.equal(await guard.check(), 'alarm', 'a policy that only looks on');
  t.match(await news(), [/spec\.validationActions$/]);
  await write('PATCH', POLICY, [{ op: 'replace', path: '/spec/failurePolicy', value: 'Ignore' }]);
  await guard.check();
  t.match(await news(), [/spec\.failurePolicy$/]);
});

void t.test('mutating webhooks of others', async (t) => {
  const webhook = (name: string, more: object): object => ({
    name: `${name}.example.com`,
    admissionReviewVersions: ['v1'],
    clientConfig: { url: 'https://127.0.0.1:1/' },
    failurePolicy: 'Ignore',
    sideEffects: 'None',
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    ...more,
  });
  const only = (value: string): object => ({ matchLabels: { 'kubernetes.io/metadata.name': value } });
  const rule = { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['*'] };
  await write('POST', `${GROUP}/mutatingwebhookconfigurations`, {
    metadata: { name: 'mesh' },
    webhooks: [
      webhook('inject', {}),
      webhook('system', { namespaceSelector: only('kube-system') }),
      webhook('app', { namespaceSelector: only('app') }),
      webhook('workloads', { rules: [rule] }),
    ],
  });
  await guard.check();
  const events = await news();
  t.same(
    events.map((event) => /\| ForeignMutatingAdmission \| \S+ \| (\S+) may/.exec(event)?.[1]).sort(),
    ['app.example.com', 'inject.example.com'],
    'those that meet pods of guarded namespaces',
  );
  await guard.check();
  t.same(await news(), [], 'once');
  t.match(await cluster.registry.metrics(), /^daas_admission_foreign_mutators 2$/m);
});
