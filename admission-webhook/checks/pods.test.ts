import type { FetchPlan } from '@k3s-daas/core';
import fc from 'fast-check';
import t from 'tap';

import { Denied } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import { isSealedSpec, sealFetchContainer } from '../sealed/container.ts';
import type { SealedSecret } from '../sealed/facts.ts';
import { podSpecSchema } from '../sealed/pod.ts';
import { applyPatch, digestOf, MemoryFacts, request, sealed, settings } from '../test/sealed-world.ts';
import {
  checkEphemeralContainers,
  checkPodCreate,
  checkPodStatus,
  checkPodUpdate,
  mutatePod,
  type PodRules,
} from './pods.ts';

const SEED = 20_261_121;
const RUNS = Number(process.env['FC_RUNS'] ?? 150);

type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
interface TestPod {
  metadata: { [member: string]: Json };
  spec: { [member: string]: Json };
}

const facts = new MemoryFacts([
  sealed('db', ['user', 'password']),
  sealed('web-tls', ['tls.crt', 'tls.key']),
  sealed('other', ['a', 'b']),
  sealed('foreign', ['a'], { serviceAccount: 'api' }),
]);
const rules: PodRules = { facts, seal: settings };
const references: PodRules = {
  facts: Object.assign(new MemoryFacts(), { namespaceMode: 'references' }),
  seal: settings,
};

const container = (more: object = {}): Json => ({ name: 'app', image: 'example.com/app:1', ...more });
function pod(spec: object = {}, metadata: object = {}): TestPod {
  return {
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    spec: {
      serviceAccountName: 'default',
      schedulerName: 'k3s-daas-scheduler',
      securityContext: {},
      containers: [container()],
      ...spec,
    },
  };
}

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'allowed';
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    return error.message === '' || error.remedy === '' ? `${error.code} without a reason` : error.code;
  }
}

const created = (object: TestPod, by: PodRules = rules): Promise<string> =>
  codeOf(() => checkPodCreate(request('CREATE', 'pods', object), by));

async function mutated(before: TestPod, by: PodRules = rules): Promise<TestPod> {
  return applyPatch(before, (await mutatePod(request('CREATE', 'pods', before), by)).patch);
}

/** A pod with each kind of reference, a second container, and what a ServiceAccount plugin adds. */
const full = pod({
  initContainers: [
    container({
      name: 'init',
      env: [{ name: 'I', valueFrom: { secretKeyRef: { name: 'db', key: 'user' } } }],
    }),
  ],
  containers: [
    container({
      envFrom: [{ secretRef: { name: 'other' } }],
      env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }],
      volumeMounts: [
        { name: 'certs', mountPath: '/certs' },
        {
          name: 'kube-api-access-x',
          mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
          readOnly: true,
        },
      ],
    }),
    container({ name: 'second', volumeMounts: [{ name: 'certs', mountPath: '/certs', subPath: 'tls.crt' }] }),
  ],
  volumes: [
    { name: 'certs', secret: { secretName: 'web-tls', defaultMode: 0o400 } },
    {
      name: 'mixed',
      projected: { sources: [{ secret: { name: 'db', items: [{ key: 'user', path: 'u' }] } }] },
    },
    {
      name: 'kube-api-access-x',
      projected: { sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } }] },
    },
    { name: 'data', emptyDir: {} },
  ],
});

/** What stands at a path such as `spec.volumes.0.name`. */
function at(object: unknown, path: string): Json {
  let value = object as Json;
  for (const part of path.split('.')) value = (value as { [member: string]: Json })[part] ?? null;
  return value;
}

/** A copy with another value at a path; undefined removes it. */
function withValue(object: TestPod, path: string, value: unknown): TestPod {
  const copy = structuredClone(object);
  const parts = path.split('.');
  const last = parts.pop() ?? '';
  const parent = parts.reduce<unknown>((here, part) => (here as Record<string, unknown>)[part], copy);
  if (value === undefined && !Array.isArray(parent)) Reflect.deleteProperty(parent as object, last);
  else if (value === undefined) (parent as unknown[]).splice(Number(last), 1);
  else (parent as Record<string, unknown>)[last] = value;
  return copy;
}

const append = (object: TestPod, path: string, ...values: object[]): TestPod =>
  withValue(object, path, [...(at(object, path) as Json[]), ...(values as Json[])]);

/** A copy whose plan was changed, in its canonical form again. */
function withPlan(object: TestPod, change: (plan: FetchPlan) => void): TestPod {
  const plan = JSON.parse(textOf(object)) as FetchPlan;
  change(plan);
  return withValue(object, PLAN, canonical(plan));
}

const PLAN = 'spec.initContainers.0.env.0.value';
const textOf = (object: TestPod): string => at(object, PLAN) as string;

const canonical = (value: unknown): string => {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical((value as Record<string, unknown>)[name] ?? null)}`).join(',')}}`;
};

void t.test('CREATE: a pod that was rewritten passes, and no other shape of it', async (t) => {
  const good = await mutated(full);
  t.equal(await created(good), 'allowed');
  t.equal(await created(await mutated(pod({ volumes: full.spec['volumes'] ?? [] }))), 'allowed');

  const volume = (name: string): string =>
    `spec.volumes.${(at(good, 'spec.volumes') as { name: string }[]).findIndex((each) => each.name === name)}`;
  const brokerToken = {
    name: 'mine',
    projected: { sources: [{ serviceAccountToken: { audience: 'k3s-daas.io/broker', path: 't' } }] },
  };
  const secretEnv = { name: 'X', valueFrom: { secretKeyRef: { name: 'db', key: 'user' } } };
  const fileEnv = (path: string, key: string): object => ({
    name: 'X',
    valueFrom: { fileKeyRef: { volumeName: 'seal-env', path, key, optional: false } },
  });
  const mount = (name: string, more: object = {}): object => ({ name, mountPath: '/x', ...more });
  const planned = (change: (plan: FetchPlan) => void): TestPod => withPlan(good, change);
  const cases: readonly (readonly [code: string, what: string, changed: TestPod])[] = [
    ['SECRET_NOT_INJECTED', 'not rewritten', full],
    ['SECRET_NOT_INJECTED', 'a reference more', append(good, 'spec.containers.0.env', secretEnv)],
    [
      'SECRET_NOT_INJECTED',
      'envFrom in an init container',
      withValue(good, 'spec.initContainers.1.envFrom', [{ secretRef: { name: 'db' } }]),
    ],
    [
      'SECRET_NOT_INJECTED',
      'a volume of ciphertext more',
      append(good, 'spec.volumes', { name: 'v', secret: { secretName: 'db' } }),
    ],
    [
      'SECRET_NOT_INJECTED',
      'a projection more',
      append(good, 'spec.volumes', { name: 'v', projected: { sources: [{ secret: { name: 'db' } }] } }),
    ],
    [
      'IMAGE_PULL_SECRETS_REFUSED',
      'imagePullSecrets of the service account',
      withValue(good, 'spec.imagePullSecrets', [{ name: 'registry' }]),
    ],
    [
      'SECRET_REFERENCE_REFUSED',
      'a storage driver',
      append(good, 'spec.volumes', { name: 'v', azureFile: { secretName: 'db', shareName: 's' } }),
    ],
    [
      'SECRET_REFERENCE_REFUSED',
      'an ephemeral container',
      withValue(good, 'spec.ephemeralContainers', [{ name: 'e', env: [secretEnv] }]),
    ],
    ['REFERENCE_UNKNOWN', 'an unknown volume', append(good, 'spec.volumes', { name: 'v', vault: {} })],
    [
      'SEAL_FETCH_FORGED',
      'second in line',
      withValue(good, 'spec.initContainers', [...(at(good, 'spec.initContainers') as Json[])].reverse()),
    ],
    ['SEAL_FETCH_FORGED', 'gone', withValue(good, 'spec.initContainers.0', undefined)],
    ['SEAL_FETCH_FORGED', 'another image', withValue(good, 'spec.initContainers.0.image', 'evil@sha256:00')],
    ['SEAL_FETCH_FORGED', 'another command', withValue(good, 'spec.initContainers.0.command', ['/bin/sh'])],
    ['SEAL_FETCH_FORGED', 'arguments', withValue(good, 'spec.initContainers.0.args', ['--insecure'])],
    [
      'SEAL_FETCH_FORGED',
      'a variable more',
      append(good, 'spec.initContainers.0.env', { name: 'NODE_OPTIONS', value: '--require=/x' }),
    ],
    [
      'SEAL_FETCH_FORGED',
      'envFrom',
      withValue(good, 'spec.initContainers.0.envFrom', [{ configMapRef: { name: 'x' } }]),
    ],
    ['SEAL_FETCH_FORGED', 'a mount more', append(good, 'spec.initContainers.0.volumeMounts', mount('data'))],
    ['SEAL_FETCH_FORGED', 'root', withValue(good, 'spec.initContainers.0.securityContext.runAsUser', 0)],
    ['SEAL_FETCH_FORGED', 'a lifecycle hook', withValue(good, 'spec.initContainers.0.lifecycle', {})],
    ['SEAL_FETCH_FORGED', 'a terminal', withValue(good, 'spec.initContainers.0.tty', true)],
    ['SEAL_FETCH_FORGED', 'never pulled', withValue(good, 'spec.initContainers.0.imagePullPolicy', 'Never')],
    ['allowed', 'AlwaysPullImages', withValue(good, 'spec.initContainers.0.imagePullPolicy', 'Always')],
    [
      'SEAL_FETCH_FORGED',
      'of a container',
      append(good, 'spec.containers', at(good, 'spec.initContainers.0') as object),
    ],
    [
      'SEAL_FETCH_FORGED',
      'a plan in another form',
      withValue(good, 'spec.initContainers.0.env.0.value', `${textOf(good)} `),
    ],
    [
      'SEAL_FETCH_FORGED',
      'the token for longer',
      withValue(
        good,
        `${volume('seal-token')}.projected.sources.0.serviceAccountToken.expirationSeconds`,
        86_400,
      ),
    ],
    [
      'SEAL_FETCH_FORGED',
      'another Secret mounted',
      withValue(good, `${volume('seal-in-0')}.secret.secretName`, 'other'),
    ],
    [
      'SEAL_FETCH_FORGED',
      'opened onto a disk',
      withValue(good, `${volume('certs')}.emptyDir`, { sizeLimit: '64Mi' }),
    ],
    [
      'SEAL_FETCH_FORGED',
      'opened into a claim',
      withValue(good, volume('certs'), { name: 'certs', persistentVolumeClaim: { claimName: 'c' } }),
    ],
    ['SEAL_FETCH_FORGED', 'variables onto a disk', withValue(good, `${volume('seal-env')}.emptyDir`, {})],
    [
      'SEAL_FETCH_FORGED',
      'a volume of ours more',
      append(good, 'spec.volumes', { name: 'seal-in-9', secret: { secretName: 'db', defaultMode: 0o444 } }),
    ],
    ['BROKER_TOKEN_FORGED', "another container's token", append(good, 'spec.volumes', brokerToken)],
    ['BROKER_TOKEN_FORGED', 'a token without secrets', pod({ volumes: [brokerToken] })],
    [
      'SEAL_FETCH_FORGED',
      'the token in another container',
      append(good, 'spec.containers.0.volumeMounts', mount('seal-token', { readOnly: true })),
    ],
    [
      'SEAL_FETCH_FORGED',
      'the variables in another container',
      append(good, 'spec.containers.0.volumeMounts', mount('seal-env', { readOnly: true })),
    ],
    [
      'SEAL_FETCH_FORGED',
      'ciphertext in an init container',
      withValue(good, 'spec.initContainers.1.volumeMounts', [mount('seal-in-0', { readOnly: true })]),
    ],
    [
      'SEALED_MOUNT_WRONG',
      'written by a container',
      withValue(good, 'spec.containers.0.volumeMounts.0.readOnly', false),
    ],
    [
      'SEALED_MOUNT_WRONG',
      'written by an init container',
      withValue(good, 'spec.initContainers.1.volumeMounts', [mount('certs')]),
    ],
    [
      'SEALED_MOUNT_WRONG',
      'propagated',
      withValue(good, 'spec.containers.0.volumeMounts.0.mountPropagation', 'HostToContainer'),
    ],
    [
      'allowed',
      'not propagated, said aloud',
      withValue(good, 'spec.containers.0.volumeMounts.0.mountPropagation', 'None'),
    ],
    [
      'SEAL_FETCH_FORGED',
      'a variable of no plan',
      withValue(good, 'spec.containers.1.env', [fileEnv('env', 'V9')]),
    ],
    [
      'SEAL_FETCH_FORGED',
      'another file',
      withValue(good, 'spec.containers.1.env', [fileEnv('x/../env', 'V0')]),
    ],
    ['allowed', 'a variable once more', withValue(good, 'spec.containers.1.env', [fileEnv('env', 'V0')])],
    ['SEAL_FETCH_FORGED', 'a variable nobody reads', withValue(good, 'spec.initContainers.1.env', [])],
    ['POD_SHARES_PROCESSES', 'shared processes', withValue(good, 'spec.shareProcessNamespace', true)],
    ['SEALED_SERVICE_ACCOUNT_WRONG', 'another account', withValue(good, 'spec.serviceAccountName', 'api')],
    [
      'SEALED_PLAN_WRONG',
      'a refresh that is not in the plan',
      withValue(good, 'metadata.annotations', { 'seal.k3s-daas.io/refresh-seconds': '60' }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'another broker',
      planned((plan) => {
        Object.assign(plan, { broker: 'https://evil.example/' });
      }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'another relay',
      planned((plan) => {
        Object.assign(plan, { relay: 'https://evil.example/' });
      }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'another chain',
      planned((plan) => {
        Object.assign(plan, { chain: { chainId: 'x', urls: ['https://evil.example/'] } });
      }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'fewer key servers',
      planned((plan) => {
        Object.assign(plan, { keyServers: settings.keyServers.slice(0, 1) });
      }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'a lower threshold',
      planned((plan) => {
        Object.assign(plan, { threshold: 1 });
      }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'another package',
      planned((plan) => {
        Object.assign(plan, { package: settings.cluster });
      }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'another cluster',
      planned((plan) => {
        Object.assign(plan, { cluster: settings.package });
      }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'another policy',
      planned((plan) => {
        Object.assign(plan.secrets[0] ?? {}, { policy: settings.cluster });
      }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'another version',
      planned((plan) => {
        Object.assign(plan.secrets[0] ?? {}, { version: '2' });
      }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'another ciphertext',
      planned((plan) => {
        Object.assign(plan.secrets[0]?.keys[0] ?? {}, { sha256: digestOf('db', 'x') });
      }),
    ],
    [
      'SEALED_PLAN_WRONG',
      'a key for nobody',
      planned((plan) => {
        plan.files.splice(0, 1);
      }),
    ],
    [
      'SEAL_FETCH_FORGED',
      'variables out of order',
      planned((plan) => {
        Object.assign(plan.env[0] ?? {}, { name: 'V7' });
      }),
    ],
    [
      'SEAL_FETCH_FORGED',
      'variables in another order',
      planned((plan) => {
        plan.env.reverse();
      }),
    ],
    [
      'SEAL_FETCH_FORGED',
      'files among the variables',
      planned((plan) => {
        Object.assign(plan.files[0] ?? {}, { volume: 'seal-env' });
      }),
    ],
  ];
  for (const [code, what, changed] of cases) t.equal(await created(changed), code, what);
});

void t.test(
  'CREATE: a plan that agrees with its container, and takes a volume of ours for files',
  async (t) => {
    const good = await mutated(full);
    const plan = JSON.parse(textOf(good)) as FetchPlan;
    const moved = { ...plan, files: plan.files.map((file) => ({ ...file, volume: 'seal-env' })) };
    const remade = (files: FetchPlan['files']): TestPod =>
      withValue(
        good,
        'spec.initContainers.0',
        sealFetchContainer({ ...plan, files }, settings, podSpecSchema.parse(good.spec)),
      );
    t.equal(await created(remade(plan.files)), 'allowed', 'made by hand, and the same');
    t.equal(await created(remade(moved.files)), 'SEAL_FETCH_FORGED');
  },
);

void t.test('CREATE: the Secret as it is now', async (t) => {
  const now = new MemoryFacts([sealed('db', ['user', 'password'])]);
  const by = { facts: now, seal: settings };
  const good = await mutated(pod({ volumes: [{ name: 'v', secret: { secretName: 'db' } }] }), by);
  const after = (...secrets: readonly SealedSecret[]): Promise<string> => {
    now.secrets.clear();
    now.set(...secrets);
    return created(good, by);
  };
  t.equal(await after(sealed('db', ['user', 'password'])), 'allowed');
  t.equal(await after(sealed('db', ['user', 'password', 'more'])), 'allowed', 'a key that nobody opens');
  t.equal(await after(sealed('db', ['user', 'password'], { version: 2n })), 'SEALED_PLAN_WRONG');
  t.equal(await after(sealed('db', ['user'])), 'SEALED_PLAN_WRONG');
  t.equal(await after(), 'SECRET_NOT_FOUND');
  t.equal(
    await after(sealed('db', ['user', 'password'], { serviceAccount: 'x' })),
    'SEALED_SERVICE_ACCOUNT_WRONG',
  );
  now.secrets.set('shop/db', new Denied('SECRET_NOT_SEALED', 'plain', 'seal it'));
  t.equal(await created(good, by), 'SECRET_NOT_SEALED');
  now.secrets.set('shop/db', new Denied('LOOKUP_FAILED', 'no answer', 'wait', 503));
  t.equal(await created(good, by), 'LOOKUP_FAILED');
});

void t.test('CREATE: what a namespace asks', async (t) => {
  t.equal(await created(pod()), 'SECRETS_REQUIRED');
  t.equal(await created(pod(), references), 'allowed');
  t.equal(await created(pod({ schedulerName: 'default-scheduler' }), references), 'POD_SCHEDULER_WRONG');
  t.equal(await created(pod({ schedulerName: undefined }), references), 'POD_SCHEDULER_WRONG');
  t.equal(
    await created(pod({ shareProcessNamespace: true }), references),
    'allowed',
    'nothing is opened there',
  );
  t.equal(
    await created(pod({ volumes: [{ name: 'v', secret: { secretName: 'db' } }] }), references),
    'SECRET_NOT_INJECTED',
  );
  t.equal(
    await created(pod({ volumes: [{ name: 'seal-env', emptyDir: {} }] }), references),
    'SEAL_FETCH_FORGED',
  );
  const failing = {
    facts: Object.assign(new MemoryFacts(), {
      mode: () => Promise.reject(new Denied('LOOKUP_FAILED', 'no answer', 'wait', 503)),
    }),
    seal: settings,
  };
  t.equal(await created(pod(), failing), 'LOOKUP_FAILED');
});

void t.test('CREATE: no pod reaches the memory of others', async (t) => {
  const security = (securityContext: object): TestPod =>
    pod({ containers: [container({ securityContext })] });
  const refused: readonly TestPod[] = [
    pod({ hostPID: true }),
    pod({ hostIPC: true }),
    pod({ hostNetwork: true }),
    pod({ volumes: [{ name: 'v', hostPath: { path: '/' } }] }),
    security({ privileged: true }),
    security({ procMount: 'Unmasked' }),
    security({ windowsOptions: { hostProcess: true } }),
    security({ seLinuxOptions: { type: 'spc_t' } }),
    pod({ securityContext: { seLinuxOptions: { type: 'spc_t' } } }),
    pod({ securityContext: { windowsOptions: { hostProcess: true } } }),
    pod({ initContainers: [container({ name: 'i', securityContext: { privileged: true } })] }),
    pod({ ephemeralContainers: [container({ name: 'e', securityContext: { privileged: true } })] }),
    ...['ALL', 'SYS_ADMIN', 'SYS_PTRACE', 'SYS_MODULE', 'SYS_RAWIO', 'DAC_READ_SEARCH', 'BPF', 'PERFMON'].map(
      (each) => security({ capabilities: { add: ['CHOWN', each] } }),
    ),
    security({ capabilities: { add: ['sys_admin'] } }),
    security({ capabilities: { add: ['CAP_SYS_ADMIN'] } }),
  ];
  for (const each of refused)
    t.equal(await created(each, references), 'POD_REACHES_HOST', JSON.stringify(each.spec));
  const allowed: readonly TestPod[] = [
    pod({ hostNetwork: false, hostPID: false, hostIPC: false }),
    security({
      privileged: false,
      procMount: 'Default',
      seLinuxOptions: { type: 'container_t', level: 's0' },
    }),
    security({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'NET_ADMIN'] } }),
    security({ capabilities: { drop: ['SYS_ADMIN'] } }),
  ];
  for (const each of allowed) t.equal(await created(each, references), 'allowed', JSON.stringify(each.spec));
});

void t.test('UPDATE: what opens secrets stays what was placed', async (t) => {
  const sealedPod = await mutated(full);
  const bound = withValue(sealedPod, 'spec.nodeName', 'n1');
  const update = (old: TestPod, now: TestPod, on = 'pods'): Promise<string> =>
    codeOf(() => {
      checkPodUpdate(request('UPDATE', on, now, old));
    });
  const image = (of: TestPod, path: string): TestPod => withValue(of, `${path}.image`, 'example.com/app:2');
  const cases: readonly (readonly [string, string, TestPod, TestPod])[] = [
    ['allowed', 'nothing', bound, bound],
    ['allowed', 'a label', bound, withValue(bound, 'metadata.labels', { a: 'b' })],
    ['POD_IMAGE_CHANGED', 'an image', bound, image(bound, 'spec.containers.0')],
    ['POD_IMAGE_CHANGED', 'the second image', bound, image(bound, 'spec.containers.1')],
    ['POD_IMAGE_CHANGED', 'an image of init', bound, image(bound, 'spec.initContainers.1')],
    ['POD_IMAGE_CHANGED', 'the image of seal-fetch', bound, image(bound, 'spec.initContainers.0')],
    ['allowed', 'an image before the binding', sealedPod, image(sealedPod, 'spec.containers.0')],
    [
      'POD_IMAGE_CHANGED',
      'seal-fetch before the binding',
      sealedPod,
      image(sealedPod, 'spec.initContainers.0'),
    ],
    [
      'allowed',
      'an image of a pod without secrets',
      pod({ nodeName: 'n1' }),
      image(pod({ nodeName: 'n1' }), 'spec.containers.0'),
    ],
    [
      'POD_MARKS_CHANGED',
      'the receipt',
      bound,
      withValue(bound, 'metadata.annotations', { 'k3s-daas.io/receipt': 'x' }),
    ],
    [
      'POD_TOLERATES_EVERYTHING',
      'a toleration',
      bound,
      withValue(bound, 'spec.tolerations', [{ operator: 'Exists' }]),
    ],
  ];
  for (const [code, what, old, now] of cases) t.equal(await update(old, now), code, what);

  // What the API server lets be changed of a bound pod, and every other digest than the receipt's.
  const gpu = { key: 'gpu', operator: 'Exists', effect: 'NoExecute' };
  const tolerant = withValue(bound, 'spec.tolerations', [{ ...gpu, tolerationSeconds: 300 }]);
  const changes: readonly (readonly [string, TestPod, TestPod])[] = [
    ['a deadline', bound, withValue(bound, 'spec.activeDeadlineSeconds', 60)],
    ['a toleration more', bound, withValue(bound, 'spec.tolerations', [gpu])],
    [
      'longer tolerated',
      tolerant,
      withValue(bound, 'spec.tolerations', [{ ...gpu, tolerationSeconds: 301 }]),
    ],
    ['the time to end in', bound, withValue(bound, 'spec.terminationGracePeriodSeconds', 1)],
    ['a field that no version knows', bound, withValue(bound, 'spec.later', true)],
  ];
  for (const [what, old, now] of changes) {
    t.equal(await update(old, now), 'POD_SPEC_CHANGED', what);
    t.equal(await update(old, now, 'pods/resize'), 'POD_SPEC_CHANGED', `${what}, by resize`);
    const unbound = (of: TestPod): TestPod => withValue(of, 'spec.nodeName', undefined);
    t.equal(await update(unbound(old), unbound(now)), 'allowed', `${what}, before the binding`);
  }
  const plain = pod({ nodeName: 'n1' });
  t.equal(
    await update(plain, withValue(plain, 'spec.activeDeadlineSeconds', 60)),
    'allowed',
    'a pod without secrets',
  );
  const marked = withValue(withValue(bound, 'metadata.annotations', { a: 'b' }), 'metadata.finalizers', [
    'a/b',
  ]);
  t.equal(await update(bound, marked), 'allowed', 'metadata');
  const moved = withValue(bound, 'spec', Object.fromEntries(Object.entries(bound.spec).reverse()));
  t.equal(await update(bound, moved), 'allowed', 'the same in another order');

  const sized = (resources: object): TestPod => withValue(bound, 'spec.containers.0.resources', resources);
  const size = { requests: { cpu: '500m', memory: '1Gi' }, limits: { cpu: '1', memory: '2Gi' } };
  const resizes: readonly (readonly [string, object, object])[] = [
    ['allowed', size, size],
    [
      'POD_SPEC_CHANGED',
      size,
      { requests: { cpu: '0.5', memory: '1024Mi' }, limits: { cpu: '1000m', memory: '2048Mi' } },
    ],
    [
      'POD_SPEC_CHANGED',
      size,
      { requests: { cpu: '250m', memory: '1Gi' }, limits: { cpu: '900m', memory: '1Gi' } },
    ],
    ['POD_SPEC_CHANGED', size, { ...size, requests: { memory: '1Gi' } }],
    ['POD_SPEC_CHANGED', { requests: size.requests }, size],
    ['POD_GROWN', size, { ...size, requests: { cpu: '501m', memory: '1Gi' } }],
    ['POD_GROWN', size, { ...size, requests: { cpu: '500m', memory: '1025Mi' } }],
    ['POD_GROWN', size, { ...size, limits: { cpu: '1.001', memory: '2Gi' } }],
    ['POD_GROWN', size, { ...size, limits: { cpu: '1' } }],
    ['POD_GROWN', size, { requests: size.requests }],
    ['POD_GROWN', { limits: size.limits }, size],
    ['POD_GROWN', size, { ...size, requests: { cpu: 'much', memory: '1Gi' } }],
  ];
  for (const [code, old, now] of resizes) {
    t.equal(await update(sized(old), sized(now), 'pods/resize'), code, JSON.stringify(now));
    const unbound = (of: object): TestPod => withValue(sized(of), 'spec.nodeName', undefined);
    t.equal(await update(unbound(old), unbound(now), 'pods/resize'), 'allowed', 'before the binding');
  }
  const whole = (cpu: string): TestPod => withValue(bound, 'spec.resources', { requests: { cpu } });
  t.equal(await update(whole('1'), whole('2'), 'pods/resize'), 'POD_GROWN', 'resources of the pod itself');
  t.equal(await update(whole('2'), whole('1'), 'pods/resize'), 'POD_SPEC_CHANGED');

  const status = (now: TestPod): Promise<string> =>
    codeOf(() => {
      checkPodStatus(request('UPDATE', 'pods/status', now, bound));
    });
  t.equal(await status(withValue(bound, 'metadata.labels', { a: 'b' })), 'allowed');
  t.equal(await status(withValue(bound, 'metadata.labels', { 'k3s-daas.io/x': 'b' })), 'POD_MARKS_CHANGED');
});

void t.test('ephemeral containers', async (t) => {
  const add = (old: TestPod, more: object, by = (now: TestPod): TestPod => now): Promise<string> =>
    codeOf(() => {
      const now = by(withValue(old, 'spec.ephemeralContainers', [container({ name: 'debug', ...more })]));
      checkEphemeralContainers(request('UPDATE', 'pods/ephemeralcontainers', now, old));
    });
  t.equal(await add(await mutated(full), {}), 'POD_EPHEMERAL_CONTAINERS');
  t.equal(
    await add(pod({ volumes: [{ name: 'seal-token', emptyDir: {} }] }), {}),
    'POD_EPHEMERAL_CONTAINERS',
  );
  t.equal(await add(pod(), {}), 'allowed');
  t.equal(await add(pod(), { envFrom: [{ secretRef: { name: 'db' } }] }), 'SECRET_REFERENCE_REFUSED');
  t.equal(
    await add(pod(), { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'db', key: 'user' } } }] }),
    'SECRET_REFERENCE_REFUSED',
  );
  t.equal(await add(pod(), { securityContext: { privileged: true } }), 'POD_REACHES_HOST');
  t.equal(
    await add(pod(), { securityContext: { capabilities: { add: ['SYS_PTRACE'] } } }),
    'POD_REACHES_HOST',
  );
  const old = pod({ volumes: [{ name: 'v', hostPath: { path: '/' } }] });
  t.equal(await add(old, {}), 'allowed', 'what the pod has been given before is not judged again');
  t.equal(
    await add(pod(), {}, (now) => withValue(now, 'metadata.labels', { 'k3s-daas.io/x': 'y' })),
    'POD_MARKS_CHANGED',
  );
  t.equal(isSealedSpec(podSpecSchema.parse((await mutated(full)).spec)), true);
  t.equal(isSealedSpec(podSpecSchema.parse(full.spec)), false);
});

// ---- properties

const SECRETS: Readonly<Record<string, readonly string[]>> = {
  db: ['user', 'password'],
  'web-tls': ['tls.crt', 'tls.key'],
  other: ['a', 'b'],
};
const secretName = fc.constantFrom(...Object.keys(SECRETS), 'missing');
const reference = fc.record({ name: secretName, at: fc.nat(3) }).map(({ name, at: n }) => ({
  name,
  key: SECRETS[name]?.[n] ?? 'none',
  optional: SECRETS[name]?.[n] === undefined,
}));
const variable = fc.oneof(
  fc.record({
    name: fc.constantFrom('A', 'B', 'user', 'tls.key'),
    value: fc.constantFrom('x', '$(A)', '$(user)'),
  }),
  fc.record({
    name: fc.constantFrom('A', 'B', 'C', 'password'),
    valueFrom: fc.record({ secretKeyRef: reference }),
  }),
);
const fromSource = fc.oneof(
  fc.record({ configMapRef: fc.record({ name: fc.constant('cm') }) }),
  fc.record(
    { prefix: fc.constantFrom('P_', ''), secretRef: secretName.map((name) => ({ name, optional: true })) },
    { requiredKeys: ['secretRef'] },
  ),
);
const volumeNames = ['v0', 'v1', 'v2'];
const mounts = fc.uniqueArray(
  fc.record(
    {
      name: fc.constantFrom(...volumeNames),
      mountPath: fc.constantFrom('/a', '/b', '/c'),
      readOnly: fc.boolean(),
    },
    { requiredKeys: ['name', 'mountPath'] },
  ),
  { selector: (each) => each.mountPath, maxLength: 3 },
);
const anyContainer = (name: string): fc.Arbitrary<object> =>
  fc.record(
    {
      name: fc.constant(name),
      image: fc.constant('i'),
      env: fc.array(variable, { maxLength: 4 }),
      envFrom: fc.array(fromSource, { maxLength: 3 }),
      volumeMounts: mounts,
    },
    { requiredKeys: ['name', 'image'] },
  );
const source = fc.oneof(
  secretName.map((name) => ({ secret: { secretName: name, optional: true } })),
  fc.record({
    secret: fc.record({
      secretName: fc.constant('db'),
      defaultMode: fc.constantFrom(0o400, 0o644),
      items: fc.constantFrom([{ key: 'user', path: 'u' }], [{ key: 'user', path: 'd/u', mode: 0o600 }]),
    }),
  }),
  secretName.map((name) => ({
    projected: {
      defaultMode: 0o644,
      sources: [{ secret: { name, optional: true } }, { secret: { name: 'other' } }],
    },
  })),
  fc.constant({ emptyDir: {} }),
  fc.constant({ configMap: { name: 'cm' } }),
);
const anyPod = fc
  .record({
    inits: fc.array(anyContainer('i'), { maxLength: 2 }),
    containers: fc.array(anyContainer('c'), { minLength: 1, maxLength: 3 }),
    sources: fc.tuple(source, source, source),
    fsGroup: fc.boolean(),
    refresh: fc.constantFrom(undefined, '30'),
  })
  .map(({ inits, containers, sources, fsGroup, refresh }): TestPod =>
    pod(
      {
        initContainers: inits.map((each, i) => ({ ...each, name: `i${i}` })),
        containers: containers.map((each, i) => ({ ...each, name: `c${i}` })),
        volumes: sources.map((each, i) => ({ name: `v${i}`, ...each })),
        securityContext: fsGroup ? { fsGroup: 2000 } : {},
      },
      refresh === undefined ? {} : { annotations: { 'seal.k3s-daas.io/refresh-seconds': refresh } },
    ),
  );

const hasPlan = ({ spec }: TestPod): boolean =>
  (spec['initContainers'] as { name: string }[]).some(({ name }) => name === 'seal-fetch');

void t.test('properties', async (t) => {
  const inReferences = {
    facts: Object.assign(new MemoryFacts(), { namespaceMode: 'references' }),
    seal: settings,
  };
  for (const secret of facts.secrets.values())
    if (!(secret instanceof Denied)) inReferences.facts.set(secret);
  let withSecrets = 0;
  await fc.assert(
    fc.asyncProperty(anyPod, async (before) => {
      const untouched = structuredClone(before);
      const once = await mutated(before, inReferences);
      // The mutation leaves its input alone, comes to rest at once, and gives what the validation lets in.
      if (canonical(before) !== canonical(untouched)) throw new Error('the input was changed');
      const { patch } = await mutatePod(request('CREATE', 'pods', once), inReferences);
      if (patch.length > 0) throw new Error(`not at rest: ${JSON.stringify(patch)}`);
      const verdict = await created(once, inReferences);
      if (verdict !== 'allowed') throw new Error(verdict);
      if (hasPlan(once)) withSecrets++;
      // Everything else of the pod stays as it was.
      for (const member of Object.keys(before.spec))
        if (!['initContainers', 'containers', 'volumes'].includes(member))
          if (canonical(before.spec[member] ?? null) !== canonical(once.spec[member] ?? null))
            throw new Error(member);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  t.ok(withSecrets > RUNS / 4, `seed ${SEED}: ${withSecrets} of ${RUNS} pods have secrets`);
});

/** Every value below an object, by path: leaves, and each list and object itself. */
function paths(value: Json, path: string): string[] {
  if (value === null || typeof value !== 'object') return [path];
  const inner = Object.entries(value).flatMap(([member, each]) => paths(each, `${path}.${member}`));
  return path.includes('.') ? [path, ...inner] : inner;
}

const OTHER_VALUES: readonly Json[] = ['x', 'seal-env', '', 0, 1, true, false, [], {}];

void t.test('any change of one part of what was injected is refused', async (t) => {
  const good = await mutated(full);
  const volumes = at(good, 'spec.volumes') as { name: string }[];
  const ours = [
    ...paths(at(good, 'spec.initContainers.0'), 'spec.initContainers.0'),
    ...volumes.flatMap((volume, i) =>
      volume.name === 'data' || volume.name.startsWith('kube-')
        ? []
        : paths(volume as unknown as Json, `spec.volumes.${i}`),
    ),
  ];
  let changes = 0;
  const allowed: string[] = [];
  for (const path of ours) {
    for (const value of [undefined, ...OTHER_VALUES]) {
      const changed = withValue(good, path, value);
      if (canonical(changed) === canonical(good)) continue;
      changes++;
      let verdict: string;
      try {
        verdict = await created(changed);
      } catch (error) {
        verdict = `defect: ${String(error)}`;
      }
      if (verdict === 'allowed' || verdict.startsWith('defect'))
        allowed.push(`${path} = ${JSON.stringify(value)}: ${verdict}`);
    }
  }
  t.strictSame(allowed, []);
  t.ok(changes > 500, `${changes} changes`);
  // Each character of the plan counts, except where the pod's author could have asked for just that.
  const plan = textOf(good);
  const free = /"(mode|path|volume|key|secret)":("[^"]*"|\d+)/g;
  const chosen = new Set<number>();
  const filesAt = plan.indexOf('"files"');
  const filesEnd = plan.indexOf('"keyServers"');
  for (const match of plan.matchAll(free))
    if (match.index > filesAt && match.index < filesEnd)
      for (let i = match.index; i < match.index + match[0].length; i++) chosen.add(i);
  for (let i = 0; i < plan.length; i++) {
    if (chosen.has(i)) continue;
    const other = plan[i] === '1' ? '2' : '1';
    const text = `${plan.slice(0, i)}${other}${plan.slice(i + 1)}`;
    const verdict = await created(withValue(good, PLAN, text));
    if (verdict === 'allowed') t.fail(`${i}: ${plan.slice(Math.max(0, i - 20), i + 20)}`);
  }
});

void t.test('a review is not what one waits for', async (t) => {
  const before = pod({ containers: full.spec['containers'] ?? [], volumes: full.spec['volumes'] ?? [] });
  const after = await mutated(before);
  const lookUps = facts.lookUps;
  await checkPodCreate(request('CREATE', 'pods', after), rules);
  t.equal(facts.lookUps - lookUps, 3, 'each Secret is looked up once');
  const samples: number[] = [];
  const review: AdmissionRequest = request('CREATE', 'pods', after);
  for (let i = 0; i < 300; i++) {
    const start = performance.now();
    await checkPodCreate(review, rules);
    samples.push(performance.now() - start);
  }
  const median = samples.sort((a, b) => a - b)[150] ?? Infinity;
  t.ok(median < 20, `median ${median.toFixed(3)} ms; bench/ has the figures`);
});
