import t from 'tap';

import { Denied } from '../denied.ts';
import { applyPatch, MemoryFacts, request, sealed, settings } from '../test/sealed-world.ts';
import { checkConnect, checkNodeProxy } from './connect.ts';
import { checkPodCreate, mutatePod, type PodRules } from './pods.ts';
import { checkTemplate } from './templates.ts';

const facts = new MemoryFacts([
  sealed('db', ['user', 'password']),
  sealed('foreign', ['a'], { serviceAccount: 'api' }),
]);
const rules: PodRules = { facts, seal: settings };
const relaxed: PodRules = {
  facts: Object.assign(new MemoryFacts(), { namespaceMode: 'references' }),
  seal: settings,
};

const secretEnv = (secret: string, key: string, more: object = {}): object => ({
  name: 'A',
  valueFrom: { secretKeyRef: { name: secret, key, ...more } },
});
const container = (more: object = {}): object => ({ name: 'app', image: 'i', ...more });
const spec = (more: object = {}): object => ({ containers: [container()], ...more });
const withSecret = spec({ containers: [container({ env: [secretEnv('db', 'user')] })] });

/** An object of each kind that has a template, with this one in it. */
const KINDS: Readonly<Record<string, (template: unknown) => object>> = {
  'deployments.apps': (template) => ({ spec: { replicas: 1, template } }),
  'statefulsets.apps': (template) => ({ spec: { template, volumeClaimTemplates: [] } }),
  'daemonsets.apps': (template) => ({ spec: { template } }),
  'replicasets.apps': (template) => ({ spec: { template } }),
  'jobs.batch': (template) => ({ spec: { template } }),
  'cronjobs.batch': (template) => ({ spec: { jobTemplate: { spec: { template } } } }),
  replicationcontrollers: (template) => ({ spec: { template } }),
  podtemplates: (template) => ({ template }),
};

async function verdict(act: () => Promise<unknown>): Promise<string> {
  try {
    const warnings = await act();
    return Array.isArray(warnings) && warnings.length > 0 ? `warned: ${String(warnings[0])}` : 'allowed';
  } catch (error) {
    if (error instanceof Denied) return `${error.code}: ${error.message}; ${error.remedy}`;
    throw error;
  }
}

interface TemplateCase {
  readonly kind?: string;
  readonly by?: PodRules;
  readonly metadata?: object | null;
}

const template = (
  podSpec: unknown,
  { kind = 'deployments.apps', by = rules, metadata = {} }: TemplateCase = {},
): Promise<string> =>
  verdict(() => checkTemplate(request('CREATE', kind, KINDS[kind]?.({ metadata, spec: podSpec })), by));

void t.test('each kind of workload is looked into', async (t) => {
  for (const kind of Object.keys(KINDS)) {
    t.match(await template(spec(), { kind }), /^SECRETS_REQUIRED: /, kind);
    t.equal(await template(withSecret, { kind }), 'allowed', kind);
    t.equal(await template(spec(), { kind, by: relaxed }), 'allowed', kind);
  }
  const none = (kind: string, object: unknown): Promise<string> =>
    verdict(() => checkTemplate(request('CREATE', kind, object), rules));
  t.equal(await none('replicationcontrollers', { spec: {} }), 'allowed', 'nothing to make pods from');
  t.match(await none('deployments.apps', { spec: null }), /^OBJECT_MALFORMED/);
  t.match(
    await none('deployments.apps', { spec: { template: { spec: { containers: 1 } } } }),
    /^OBJECT_MALFORMED/,
  );
  t.match(await none('rollouts.argoproj.io', { spec: { template: {} } }), /^REVIEW_UNEXPECTED/);
  t.equal(await template(withSecret, { metadata: null }), 'allowed', 'no metadata');
});

void t.test('the words are those that the pod would get', async (t) => {
  const wrong: readonly (readonly [string, object, object?])[] = [
    ['POD_SCHEDULER_WRONG', { schedulerName: 'mine' }],
    ['POD_NODE_PRESET', { nodeName: 'n1' }],
    ['POD_MARKS_FORGED', {}, { labels: { 'k3s-daas.io/x': 'y' } }],
    ['POD_MIRROR', {}, { annotations: { 'kubernetes.io/config.mirror': 'x' } }],
    ['POD_TOLERATES_EVERYTHING', { tolerations: [{ operator: 'Exists' }] }],
    ['POD_REACHES_HOST', { hostPID: true }],
    ['POD_REACHES_HOST', { containers: [container({ securityContext: { privileged: true } })] }],
    ['POD_REACHES_HOST', { volumes: [{ name: 'v', hostPath: { path: '/' } }] }],
    ['POD_SHARES_PROCESSES', { shareProcessNamespace: true }],
    ['IMAGE_PULL_SECRETS_REFUSED', { imagePullSecrets: [{ name: 'x' }] }],
    ['SECRET_REFERENCE_REFUSED', { volumes: [{ name: 'v', azureFile: { secretName: 'x' } }] }],
    ['REFERENCE_UNKNOWN', { volumes: [{ name: 'v', vault: {} }] }],
    ['SECRET_KEY_NOT_FOUND', { containers: [container({ env: [secretEnv('db', 'x')] })] }],
    ['SEALED_SERVICE_ACCOUNT_WRONG', { containers: [container({ env: [secretEnv('foreign', 'a')] })] }],
    ['SEAL_FETCH_FORGED', { containers: [container({ name: 'seal-fetch' })] }],
    [
      'BROKER_TOKEN_FORGED',
      {
        volumes: [
          {
            name: 'v',
            projected: { sources: [{ serviceAccountToken: { audience: 'k3s-daas.io/broker', path: 't' } }] },
          },
        ],
      },
    ],
    ['REFRESH_MALFORMED', {}, { annotations: { 'seal.k3s-daas.io/refresh-seconds': 'soon' } }],
  ];
  for (const [code, change, metadata = {}] of wrong) {
    const podSpec = { ...withSecret, ...change };
    const said = await template(podSpec, { metadata });
    const pod = { metadata, spec: { schedulerName: 'k3s-daas-scheduler', ...podSpec } };
    t.equal(said.split(':')[0], code, code);
    t.equal(said, await asPod(pod), `${code}: the same words`);
  }
  const nothing = { metadata: {}, spec: { schedulerName: 'k3s-daas-scheduler', ...spec() } };
  t.equal(await template(spec()), await asPod(nothing));
});

/** What comes of a pod: mutated, then validated. */
function asPod(pod: object): Promise<string> {
  return verdict(async () => {
    const { patch } = await mutatePod(request('CREATE', 'pods', pod), rules);
    return checkPodCreate(request('CREATE', 'pods', applyPatch(pod, patch)), rules);
  });
}

void t.test('what may be otherwise than in a pod', async (t) => {
  for (const schedulerName of ['', 'default-scheduler', 'k3s-daas-scheduler', undefined])
    t.equal(await template({ ...withSecret, schedulerName }), 'allowed', String(schedulerName));
  const missing = spec({ containers: [container({ env: [secretEnv('later', 'x')] })] });
  t.match(await template(missing), /^warned: .*Secret later is not there yet; pods are refused until it is$/);
  t.match(await template(missing, { by: relaxed }), /^warned: /);
  const optional = spec({ containers: [container({ env: [secretEnv('later', 'x', { optional: true })] })] });
  t.match(await template(optional), /^warned: .*optional/);
  // Whoever copies the spec of a running pod into a template gets the same pod again.
  const running = { metadata: {}, spec: withSecret };
  const { patch } = await mutatePod(request('CREATE', 'pods', running), rules);
  t.equal(await template(applyPatch(running, patch).spec), 'allowed');
});

void t.test('UPDATE of a template', async (t) => {
  const update = (kind: string, old: unknown, now: unknown): Promise<string> => {
    const of = KINDS[kind];
    return verdict(() =>
      checkTemplate(request('UPDATE', kind, of?.({ spec: now }), of?.({ spec: old })), rules),
    );
  };
  for (const kind of Object.keys(KINDS)) {
    t.equal(await update(kind, spec(), spec()), 'allowed', `${kind}: as it was before the webhook came`);
    t.match(await update(kind, withSecret, spec()), /^SECRETS_REQUIRED/, kind);
    t.equal(await update(kind, spec(), withSecret), 'allowed', kind);
    t.match(
      await update(kind, spec({ hostPID: true }), spec({ hostPID: true, hostIPC: true })),
      /^POD_REACHES_HOST/,
    );
  }
});

void t.test('CONNECT', async (t) => {
  const pods = new MemoryFacts();
  pods.pods.set('shop/web', { uid: 'u', nodeName: 'n1', sealed: true });
  pods.pods.set('shop/plain', { uid: 'u', nodeName: 'n1', sealed: false });
  const connect = (name: string, subResource: string): Promise<string> =>
    verdict(async () => {
      await checkConnect({ ...request('CONNECT', `pods/${subResource}`, {}), name }, { facts: pods });
    });
  for (const subResource of ['exec', 'attach', 'portforward', 'proxy']) {
    t.match(
      await connect('web', subResource),
      new RegExp(`^POD_CONNECT_REFUSED: ${subResource} into shop/web`),
    );
    t.equal(await connect('plain', subResource), 'allowed');
    t.match(await connect('gone', subResource), /^POD_NOT_FOUND/);
  }
  // From port_split.go: the API server takes a scheme and a port out of the name, for proxies.
  for (const [before, after] of [
    ['', ':8080'],
    ['', ':metrics'],
    ['', ':'],
    ['http:', ':8080'],
    ['https:', ':'],
    [':', ':'],
  ] as const) {
    t.match(
      await connect(`${before}web${after}`, 'proxy'),
      /^POD_CONNECT_REFUSED: proxy into shop\/.*web:/,
      `${before}web${after}`,
    );
    t.equal(await connect(`${before}plain${after}`, 'proxy'), 'allowed', `${before}plain${after}`);
    t.match(await connect(`${before}gone${after}`, 'proxy'), /^POD_NOT_FOUND/);
    t.match(await connect(`${before}plain${after}`, 'exec'), /^POD_NOT_FOUND/, 'of no other connection');
  }
  for (const name of ['web:plain:web:plain', 'plain:web:80', ':plain', ''])
    t.not(await connect(name, 'proxy'), 'allowed', name);
  const failing = Object.assign(new MemoryFacts(), {
    pod: () => Promise.reject(new Denied('LOOKUP_FAILED', 'no answer', 'wait', 503)),
  });
  t.match(
    await verdict(() => checkConnect(request('CONNECT', 'pods/exec', {}), { facts: failing })),
    /^LOOKUP_FAILED/,
  );

  const proxy = (object: unknown): Promise<string> =>
    verdict(() => {
      checkNodeProxy({ ...request('CONNECT', 'nodes/proxy', object), name: 'n1', namespace: '' });
      return Promise.resolve();
    });
  for (const path of [
    'metrics',
    '/metrics',
    '/metrics/cadvisor',
    'stats/summary',
    'healthz',
    'pods',
    '/pods/',
    'spec',
  ])
    t.equal(await proxy({ path }), 'allowed', path);
  for (const path of [
    '',
    '/',
    'exec/shop/web/app',
    'run/shop/web/app',
    'attach/shop/web/app',
    'portForward/shop/web',
    'checkpoint/shop/web/app',
    'containerLogs/shop/web/app',
    'logs/',
    'debug/pprof/heap',
    'configz',
    'metrics/../exec/shop/web/app',
    'metrics/%2e%2e/exec',
    'metrics?x=/exec',
    'pods/exec',
    'METRICS',
  ])
    t.match(await proxy({ path }), /^NODE_PROXY_REFUSED/, path);
  t.match(await proxy({}), /^NODE_PROXY_REFUSED/);
  t.match(await proxy({ path: 1 }), /^OBJECT_MALFORMED/);
  t.match(await proxy(null), /^OBJECT_MALFORMED/);
});
