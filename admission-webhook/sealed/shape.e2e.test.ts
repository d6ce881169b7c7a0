/** What the API server makes of an injected pod: its defaults, its own plugins, and its Pod Security admission. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { fetchResourcesSchema } from '@k3s-daas/core';
import { ensureControlPlane, startControlPlane, type ControlPlane } from '@k3s-daas/control-plane';
import t from 'tap';
import { parse } from 'yaml';

import { mutatePod } from '../checks/pods.ts';
import { Denied } from '../denied.ts';
import { applyPatch, MemoryFacts, request, sealed, settings } from '../test/sealed-world.ts';
import { podSchema } from './pod.ts';
import { checkShape } from './shape.ts';

t.setTimeout(600_000);
const facts = new MemoryFacts([sealed('db', ['user', 'password']), sealed('test', ['a'])]);
const rules = { facts, seal: settings };

interface Pod {
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
  readonly spec: Record<string, unknown>;
}

let dir: string;
let controlPlane: ControlPlane;
let ask: (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<{ status: number; body: unknown }>;
t.before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'daas-shape-'));
  controlPlane = await startControlPlane({
    binaries: await ensureControlPlane(),
    dir,
    scheduler: false,
    kwok: false,
    // It rewrites every container, ours as well, and the shape must still be believed.
    flags: { apiServer: ['--enable-admission-plugins=AlwaysPullImages'] },
  });
  const { certPem, keyPem } = await controlPlane.issueClient({
    commonName: 'test-admin',
    organizations: ['system:masters'],
  });
  const agent = new Agent({ keepAlive: true, ca: controlPlane.caPem, cert: certPem, key: keyPem });
  t.teardown(() => {
    agent.destroy();
  });
  ask = (method, path, body) =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const call = httpsRequest(
        `${controlPlane.apiServerUrl}${path}`,
        { method, agent, headers, timeout: 20_000 },
        (answer) => {
          text(answer).then((json) => {
            resolve({ status: answer.statusCode ?? 0, body: JSON.parse(json) });
          }, reject);
        },
      );
      call.once('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  for (const [name, level] of [
    ['open', 'privileged'],
    ['baseline', 'baseline'],
    ['restricted', 'restricted'],
  ] as const) {
    const labels = { 'pod-security.kubernetes.io/enforce': level };
    await ask('POST', '/api/v1/namespaces', { metadata: { name, labels } });
    await untilThere(`/api/v1/namespaces/${name}/serviceaccounts/default`);
  }
});
t.teardown(async () => {
  await controlPlane.stop();
  await rm(dir, { recursive: true, force: true });
});

async function untilThere(path: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if ((await ask('GET', path)).status === 200) return;
    await sleep(50);
  }
  throw new Error(`${path} did not come to be`);
}

const dryRun = (namespace: string, pod: Pod): ReturnType<typeof ask> =>
  ask('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: pod.metadata.name, annotations: pod.metadata.annotations },
    spec: pod.spec,
  });

/** The pod as a webhook sees it, rewritten. */
async function injected(pod: Pod, by = rules, namespace = 'open'): Promise<Pod> {
  const { status, body } = await dryRun(namespace, pod);
  if (status !== 201) throw new Error(JSON.stringify(body));
  const seen = body as Pod;
  return applyPatch(seen, (await mutatePod(request('CREATE', 'pods', seen), by)).patch);
}

/** Whether Pod Security admission lets the pod in; anything else that the API server has against it as it says it. */
async function verdict(level: string, pod: Pod): Promise<string> {
  const { status, body } = await dryRun(level, pod);
  if (status === 201) return 'allowed';
  const { message = '' } = body as { message?: string };
  return /violates PodSecurity "(\w+):/.exec(message)?.[1] ?? `${status} ${message}`;
}

async function shapeOf(body: unknown, by = rules): Promise<string> {
  try {
    await checkShape(podSchema.parse(body), { namespace: 'shop', ...by });
    return 'allowed';
  } catch (error) {
    if (error instanceof Denied) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const secretVolume = { name: 'daas-test', secret: { secretName: 'db' } };
const secretEnv = { name: 'DAAS_TEST', valueFrom: { secretKeyRef: { name: 'db', key: 'user' } } };

/** The pod with a volume of Secrets, mounted by and a variable for each container. */
function withSecret(pod: Pod): Pod {
  const list = (name: string): Record<string, unknown>[] =>
    (pod.spec[name] as Record<string, unknown>[] | undefined) ?? [];
  const each = (container: Record<string, unknown>): Record<string, unknown> => ({
    ...container,
    env: [secretEnv],
    volumeMounts: [{ name: 'daas-test', mountPath: '/daas-test' }],
  });
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: list('containers').map(each),
      initContainers: list('initContainers').map(each),
      volumes: [...list('volumes'), secretVolume],
    },
  };
}

void t.test('the API server fills nothing in that was left out', async (t) => {
  const limits = [
    {
      type: 'Container',
      default: { cpu: '300m', memory: '300Mi', 'ephemeral-storage': '1Gi' },
      defaultRequest: { cpu: '30m', memory: '30Mi', 'ephemeral-storage': '30Mi' },
    },
  ];
  const limitRange = { metadata: { name: 'limits' }, spec: { limits } };
  t.equal((await ask('POST', '/api/v1/namespaces/open/limitranges', limitRange)).status, 201);
  const bare: Pod = {
    metadata: { name: 'bare' },
    spec: { containers: [{ name: 'c', image: 'example.com/i:1' }] },
  };
  const refreshing = {
    ...bare,
    metadata: { name: 'r', annotations: { 'seal.k3s-daas.io/refresh-seconds': '30' } },
  };
  const guaranteed = {
    ...bare,
    spec: {
      securityContext: { runAsUser: 1000, fsGroup: 2000 },
      automountServiceAccountToken: false,
      containers: [
        { name: 'c', image: 'example.com/i:1', resources: { limits: { cpu: '1', memory: '1Gi' } } },
      ],
    },
  };
  for (const pod of [bare, refreshing, guaranteed]) {
    const { status, body } = await dryRun('open', await injected(withSecret(pod)));
    t.equal(status, 201, status === 201 ? pod.metadata.name : JSON.stringify(body));
    const stored = body as { spec: { initContainers: { name: string; imagePullPolicy: string }[] } };
    const [first] = stored.spec.initContainers;
    t.equal(first?.name, 'seal-fetch');
    t.equal(first?.imagePullPolicy, 'Always', 'the plugin AlwaysPullImages was there');
    t.equal(await shapeOf(body), 'allowed', pod.metadata.name);
    const again = await mutatePod(request('CREATE', 'pods', body), rules);
    t.strictSame(again.patch, [], 'what was stored is at rest');
  }
});

/** Stored as it was made, believed, and at rest; else what the API server says. */
async function settled(namespace: string, pod: Pod, by = rules): Promise<string> {
  const { status, body } = await dryRun(namespace, pod);
  if (status !== 201) return (body as { message: string }).message;
  const shape = await shapeOf(body, by);
  if (shape !== 'allowed') return shape;
  const { patch } = await mutatePod(request('CREATE', 'pods', body), by);
  return patch.length === 0 ? 'allowed' : `not at rest: ${JSON.stringify(patch)}`;
}

const annotations = { 'seal.k3s-daas.io/refresh-seconds': '30' };
const withResources = (name: string, resources: object, whole?: object, more: object = {}): Pod =>
  withSecret({
    metadata: { name, ...more },
    spec: {
      containers: [{ name: 'c', image: 'example.com/i:1', resources }],
      ...(whole === undefined ? {} : { resources: whole }),
    },
  });

void t.test('a LimitRange that asks for less', async (t) => {
  const limits = [
    {
      type: 'Container',
      max: { cpu: '500m', memory: '200Mi' },
      min: { cpu: '50m', memory: '50Mi' },
      maxLimitRequestRatio: { cpu: '5', memory: '1' },
    },
  ];
  await ask('POST', '/api/v1/namespaces', { metadata: { name: 'tight' } });
  await untilThere('/api/v1/namespaces/tight/serviceaccounts/default');
  const range = { metadata: { name: 'limits' }, spec: { limits } };
  t.equal((await ask('POST', '/api/v1/namespaces/tight/limitranges', range)).status, 201);
  const resources = { requests: { cpu: '100m', memory: '100Mi' }, limits: { cpu: '200m', memory: '100Mi' } };
  const pods = [
    withResources('tight', resources),
    withResources('tight', resources, undefined, { annotations }),
  ];
  const given = {
    requests: { cpu: '0.1', memory: '0.1Gi' },
    limits: { cpu: '500m', memory: '200Mi' },
  };
  t.notOk(fetchResourcesSchema.safeParse(given).success, 'no fractions');
  // Written as nobody would: the API server writes back 100m, 1Gi.
  const fetchResources = fetchResourcesSchema.parse({
    requests: { cpu: '100m', memory: '200Mi', 'ephemeral-storage': '1024Mi' },
    limits: { cpu: '500m', memory: '200Mi', 'ephemeral-storage': '1Gi' },
  });
  const fitting = { ...rules, seal: { ...settings, fetchResources } };
  for (const pod of pods) {
    t.match(
      await settled('tight', await injected(pod)),
      /maximum cpu usage per Container is 500m, but limit is 1/,
    );
    t.equal(await settled('tight', await injected(pod, fitting), fitting), 'allowed');
    t.match(await shapeOf(await injected(pod, fitting)), /^SEAL_FETCH_FORGED/, 'of other settings');
  }
  const wide = {
    type: 'Container',
    max: { cpu: '2', memory: '1Gi' },
    maxLimitRequestRatio: { cpu: '10', memory: '2', 'ephemeral-storage': '1' },
  };
  await ask('POST', '/api/v1/namespaces', { metadata: { name: 'common' } });
  await untilThere('/api/v1/namespaces/common/serviceaccounts/default');
  const common = { metadata: { name: 'limits' }, spec: { limits: [wide] } };
  t.equal((await ask('POST', '/api/v1/namespaces/common/limitranges', common)).status, 201);
  const own = {
    requests: { cpu: '100m', memory: '100Mi', 'ephemeral-storage': '1Mi' },
    limits: { cpu: '200m', memory: '100Mi', 'ephemeral-storage': '1Mi' },
  };
  t.equal(await settled('common', await injected(withResources('c', own))), 'allowed', 'common ratios');
});

void t.test('resources of the pod as a whole', async (t) => {
  const small = { requests: { cpu: '10m', memory: '20Mi' } };
  const wholes: readonly (readonly [string, object, object])[] = [
    ['limits only', {}, { limits: { cpu: '200m', memory: '150Mi' } }],
    ['limits, and requests of containers', small, { limits: { cpu: '200m', memory: '150Mi' } }],
    ['requests as much as the containers', small, { requests: { cpu: '10m', memory: '20Mi' } }],
    [
      'as class Guaranteed',
      {},
      { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
    ],
    ['of one kind', small, { requests: { cpu: '10m' }, limits: { cpu: '0.25' } }],
    ['containers of class Guaranteed', { limits: { cpu: '1', memory: '1Gi' } }, { requests: { cpu: '1' } }],
  ];
  for (const [name, resources, whole] of wholes)
    for (const more of [{}, { annotations }]) {
      const what = `${name}, ${'annotations' in more ? 'refreshing' : 'once'}`;
      // In a namespace whose LimitRange fills nothing in: that breaks such pods by itself.
      const pod = await injected(withResources('w', resources, whole, more), rules, 'baseline');
      t.equal(await settled('baseline', pod), 'allowed', what);
    }
  const tiny = withResources('tiny', {}, { limits: { memory: '127Mi' } });
  await t.rejects(injected(tiny, rules, 'baseline'), {
    code: 'SEALED_RESOURCES_TOO_SMALL',
    message: /127Mi .* 128Mi/,
  });
});

// The fixtures of Pod Security admission itself, where the module cache of Go has them.
const GOPATH = process.env['GOPATH'] ?? join(homedir(), 'go');
const FIXTURES = join(GOPATH, 'pkg/mod/k8s.io/pod-security-admission@v0.36.3/test/testdata');

function fixtures(level: string, outcome: 'pass' | 'fail'): Pod[] {
  const [newest = ''] = readdirSync(join(FIXTURES, level)).sort(
    (a, b) => Number(b.slice('v1.'.length)) - Number(a.slice('v1.'.length)),
  );
  const folder = join(FIXTURES, level, newest, outcome);
  return readdirSync(folder).map((file) => {
    const { metadata, spec } = parse(readFileSync(join(folder, file), 'utf8')) as Pod;
    // Their own tests rename them as well: a name has no underscores.
    return { spec, metadata: { ...metadata, name: metadata.name.replaceAll('_', '-') } };
  });
}

const skip = existsSync(FIXTURES)
  ? false
  : `${FIXTURES} is not there (go mod download in bench/control-plane)`;
void t.test('Pod Security says of a pod what it said before', { skip }, async (t) => {
  const started = performance.now();
  const seen = { allowed: 0, refused: 0, closed: 0 };
  for (const level of ['restricted', 'baseline'])
    for (const outcome of ['pass', 'fail'] as const)
      for (const fixture of fixtures(level, outcome)) {
        const plain = withSecret(fixture);
        // Some are invalid by themselves today (procMount asks for a user namespace), and no pod comes of them.
        if ((await dryRun('open', plain)).status === 422) {
          seen.closed++;
          continue;
        }
        const before = await verdict(level, plain);
        const name = `${level} ${outcome} ${fixture.metadata.name}`;
        const after = await injected(plain).catch((error: unknown) => {
          if (error instanceof Denied) return error;
          throw error;
        });
        if (after instanceof Denied) {
          t.match(after.code, /^(SEALED_OS_WRONG|SECRET_REFERENCE_REFUSED|PROJECTED_VOLUME_MIXED)$/, name);
          seen.closed++;
          continue;
        }
        const now = await verdict(level, after);
        // A container of the Windows host cannot stand beside one of Linux, which the API server says first.
        if (!name.includes('windowshostprocess') || now === 'allowed') t.equal(now, before, name);
        seen[before === 'allowed' ? 'allowed' : 'refused']++;
        t.equal(await shapeOf(after), 'allowed', `${name}: the shape`);
      }
  t.ok(seen.allowed >= 30, `${seen.allowed} are let in, ${seen.closed} are invalid or cannot be sealed`);
  t.ok(seen.refused >= 100, `${seen.refused} are refused`);
  t.comment(`${Math.round(performance.now() - started)} ms`);
});
