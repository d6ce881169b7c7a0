import { parseFetchPlan } from '@k3s-daas/core';
import t from 'tap';

import { Denied } from '../denied.ts';
import { checkPodCreate, mutatePod } from '../checks/pods.ts';
import { applyPatch, digestOf, IMAGE, MemoryFacts, request, sealed, settings } from '../test/sealed-world.ts';

const facts = new MemoryFacts([
  sealed('db', ['user', 'password']),
  sealed('web-tls', ['tls.crt', 'tls.key']),
  sealed('other', ['a', 'b']),
  sealed('foreign', ['a'], { serviceAccount: 'api' }),
  sealed('odd', ['__proto__', 'constructor', 'a.b-c_d']),
]);
const rules = { facts, seal: settings };

interface TestPod {
  metadata: Record<string, unknown>;
  spec: Record<string, unknown>;
}

/** A pod as the API server hands it to webhooks: defaults are filled in. */
function pod(spec: object, metadata: object = {}): TestPod {
  return {
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    spec: {
      serviceAccountName: 'default',
      schedulerName: 'default-scheduler',
      restartPolicy: 'Always',
      securityContext: {},
      containers: [container()],
      ...spec,
    },
  };
}
const container = (more: object = {}): object => ({ name: 'app', image: 'example.com/app:1', ...more });
const secretEnv = (name: string, secret: string, key: string, more: object = {}): object => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key, ...more } },
});
const fileEnv = (name: string, key: string): object => ({
  name,
  valueFrom: { fileKeyRef: { volumeName: 'seal-env', path: 'env', key, optional: false } },
});
const memory = (name: string): object => ({ name, emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } });

interface Mutated extends TestPod {
  readonly warnings: readonly string[];
  readonly plan: Record<string, unknown>;
  readonly initContainers: readonly Record<string, unknown>[];
}

async function mutated(before: TestPod): Promise<Mutated> {
  const { patch, warnings } = await mutatePod(request('CREATE', 'pods', before), rules);
  const after = applyPatch(before, patch);
  const initContainers = (after.spec['initContainers'] ?? []) as Record<string, unknown>[];
  const env = initContainers[0]?.['env'] as { value: string }[] | undefined;
  const plan = JSON.parse(env?.[0]?.value ?? '{}') as Record<string, unknown>;
  return { ...after, warnings, plan, initContainers };
}

async function codeOf(before: TestPod): Promise<string> {
  try {
    await mutatePod(request('CREATE', 'pods', before), rules);
    return 'allowed';
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    return error.message === '' || error.remedy === '' ? `${error.code} without a reason` : error.code;
  }
}

void t.test('what a pod becomes', async (t) => {
  const before = pod({
    containers: [
      container({
        env: [secretEnv('PASSWORD', 'db', 'password')],
        volumeMounts: [
          { name: 'certs', mountPath: '/certs' },
          { name: 'data', mountPath: '/data' },
        ],
      }),
    ],
    volumes: [
      { name: 'certs', secret: { secretName: 'web-tls', defaultMode: 0o400 } },
      { name: 'data', emptyDir: {} },
    ],
  });
  const { spec, plan } = await mutated(before);
  t.strictSame(spec, {
    ...before.spec,
    schedulerName: 'k3s-daas-scheduler',
    initContainers: [
      {
        name: 'seal-fetch',
        image: IMAGE,
        command: ['/usr/bin/seal-fetch', 'run'],
        env: [{ name: 'DAAS_PLAN', value: (spec as never)['initContainers'][0]['env'][0]['value'] }],
        resources: {
          limits: { cpu: '1', memory: '256Mi', 'ephemeral-storage': '64Mi' },
          requests: { cpu: '100m', memory: '128Mi', 'ephemeral-storage': '64Mi' },
        },
        volumeMounts: [
          { name: 'seal-token', readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
          { name: 'seal-in-0', readOnly: true, mountPath: '/daas/in/db' },
          { name: 'seal-in-1', readOnly: true, mountPath: '/daas/in/web-tls' },
          { name: 'certs', mountPath: '/daas/out/certs' },
          { name: 'seal-env', mountPath: '/daas/env' },
        ],
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'FallbackToLogsOnError',
        imagePullPolicy: 'IfNotPresent',
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          privileged: false,
          readOnlyRootFilesystem: true,
          runAsGroup: 65_532,
          runAsNonRoot: true,
          runAsUser: 65_532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
      },
    ],
    containers: [
      container({
        env: [fileEnv('PASSWORD', 'V0')],
        volumeMounts: [
          { name: 'certs', mountPath: '/certs', readOnly: true },
          { name: 'data', mountPath: '/data' },
        ],
      }),
    ],
    volumes: [
      memory('certs'),
      { name: 'data', emptyDir: {} },
      {
        name: 'seal-token',
        projected: {
          defaultMode: 0o644,
          sources: [
            {
              serviceAccountToken: { audience: 'k3s-daas.io/broker', expirationSeconds: 600, path: 'token' },
            },
          ],
        },
      },
      memory('seal-env'),
      { name: 'seal-in-0', secret: { secretName: 'db', defaultMode: 0o444 } },
      { name: 'seal-in-1', secret: { secretName: 'web-tls', defaultMode: 0o444 } },
    ],
  });
  const pinned = (secret: string, key: string): object => ({ key, sha256: digestOf(secret, key) });
  const policy = `0x${'0f'.repeat(32)}`;
  const { image, ...header } = settings;
  t.ok(image);
  t.strictSame(plan, {
    ...header,
    refreshSeconds: 0,
    secrets: [
      { name: 'db', policy, version: '1', keys: [pinned('db', 'password')] },
      {
        name: 'web-tls',
        policy,
        version: '1',
        keys: [pinned('web-tls', 'tls.crt'), pinned('web-tls', 'tls.key')],
      },
    ],
    files: [
      { volume: 'certs', path: 'tls.crt', mode: 0o400, secret: 'web-tls', key: 'tls.crt' },
      { volume: 'certs', path: 'tls.key', mode: 0o400, secret: 'web-tls', key: 'tls.key' },
    ],
    env: [{ name: 'V0', secret: 'db', key: 'password' }],
  });
});

void t.test('nothing is touched where nothing is referenced', async (t) => {
  const plain = { containers: [container({ env: [{ name: 'A', value: 'b' }] })], volumes: [memory('v')] };
  const scheduler = [{ op: 'add', path: '/spec/schedulerName', value: 'k3s-daas-scheduler' }];
  const patchOf = async (spec: object, metadata: object = {}): Promise<unknown> =>
    (await mutatePod(request('CREATE', 'pods', pod(spec, metadata)), rules)).patch;
  t.strictSame(await patchOf(plain), scheduler);
  t.strictSame(await patchOf({ ...plain, schedulerName: '' }), scheduler);
  t.strictSame(await patchOf({ ...plain, schedulerName: undefined }), scheduler);
  t.strictSame(await patchOf({ ...plain, schedulerName: 'k3s-daas-scheduler' }), []);
  t.strictSame(await patchOf({ ...plain, schedulerName: 'mine' }), [], 'refused later, not rewritten');
  const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } };
  t.strictSame(await patchOf({ volumes: [{ name: 'v', secret: { secretName: 'db' } }] }, mirror), []);
  const secrets = { volumes: [{ name: 'v', secret: { secretName: 'db' } }] };
  const markers = { annotations: { 'seal.k3s-daas.io/injected': 'true' }, labels: { 'seal-fetch': 'done' } };
  t.strictSame(await patchOf(secrets, markers), await patchOf(secrets), 'no marker is believed');
});

void t.test('the environment keeps its order', async (t) => {
  const { spec, warnings } = await mutated(
    pod({
      initContainers: [container({ name: 'init', envFrom: [{ secretRef: { name: 'other' } }] })],
      containers: [
        container({
          envFrom: [
            { configMapRef: { name: 'settings' } },
            { prefix: 'DB_', secretRef: { name: 'db' } },
            { secretRef: { name: 'other' } },
            { prefix: '', configMapRef: { name: 'late' } },
          ],
          env: [
            { name: 'URL', value: 'postgres://$(DB_user)@db' },
            { name: 'DB_user', value: 'overridden' },
            { name: 'DB_password', value: 'overridden, and never seen' },
            { name: 'a', valueFrom: { configMapKeyRef: { name: 'x', key: 'y', optional: true } } },
            secretEnv('AGAIN', 'db', 'user'),
          ],
        }),
      ],
    }),
  );
  const [init] = (spec['initContainers'] as Record<string, unknown>[]).slice(1);
  t.strictSame(init?.['env'], [fileEnv('a', 'V0'), fileEnv('b', 'V1')]);
  t.notOk(Object.hasOwn(init ?? {}, 'envFrom'));
  const [app] = spec['containers'] as Record<string, unknown>[];
  t.strictSame(app?.['envFrom'], [
    { configMapRef: { name: 'settings' } },
    { prefix: '', configMapRef: { name: 'late' } },
  ]);
  t.strictSame(app?.['env'], [
    fileEnv('DB_user', 'V2'),
    fileEnv('a', 'V0'),
    fileEnv('b', 'V1'),
    { name: 'URL', value: 'postgres://$(DB_user)@db' },
    { name: 'DB_user', value: 'overridden' },
    { name: 'DB_password', value: 'overridden, and never seen' },
    { name: 'a', valueFrom: { configMapKeyRef: { name: 'x', key: 'y', optional: true } } },
    fileEnv('AGAIN', 'V2'),
  ]);
  t.equal(warnings.length, 1);
  t.match(warnings[0], /envFrom\[3\] comes after a Secret/);
  const overriding = await mutated(
    pod({
      containers: [
        container({
          envFrom: [{ prefix: 'K', secretRef: { name: 'odd' } }, { secretRef: { name: 'odd' } }],
        }),
      ],
    }),
  );
  t.strictSame((overriding.spec['containers'] as Record<string, unknown>[])[0]?.['env'], [
    fileEnv('K__proto__', 'V0'),
    fileEnv('Ka.b-c_d', 'V1'),
    fileEnv('Kconstructor', 'V2'),
    fileEnv('__proto__', 'V0'),
    fileEnv('a.b-c_d', 'V1'),
    fileEnv('constructor', 'V2'),
  ]);
});

void t.test('volumes keep paths and modes', async (t) => {
  const volumes = [
    {
      name: 'picked',
      secret: {
        secretName: 'web-tls',
        defaultMode: 0o440,
        items: [
          { key: 'tls.crt', path: 'pki/cert.pem' },
          { key: 'tls.key', path: 'pki/key.pem', mode: 0o400 },
        ],
      },
    },
    {
      name: 'both',
      projected: {
        defaultMode: 0o600,
        sources: [
          { secret: { name: 'other' } },
          { secret: { name: 'db', items: [{ key: 'user', path: 'a' }] } },
        ],
      },
    },
    { name: 'bare', secret: { secretName: 'other' } },
  ];
  const files = async (securityContext: object): Promise<unknown> =>
    ((await mutated(pod({ volumes, securityContext }))).plan['files'] as Record<string, unknown>[]).map(
      (file) => ['volume', 'path', 'mode', 'secret', 'key'].map((member) => file[member]),
    );
  t.strictSame(await files({}), [
    ['picked', 'pki/cert.pem', 0o440, 'web-tls', 'tls.crt'],
    ['picked', 'pki/key.pem', 0o400, 'web-tls', 'tls.key'],
    ['both', 'a', 0o600, 'db', 'user'],
    ['both', 'b', 0o600, 'other', 'b'],
    ['bare', 'a', 0o644, 'other', 'a'],
    ['bare', 'b', 0o644, 'other', 'b'],
  ]);
  t.strictSame(
    ((await files({ fsGroup: 2000 })) as unknown[][]).map((file) => file[2]),
    [0o440, 0o440, 0o640, 0o640, 0o644, 0o644],
    'the group may read, as a kubelet grants it',
  );
});

void t.test('the plan comes to seal-fetch as it was checked', async (t) => {
  const path = 'a$$b/$(KUBERNETES_SERVICE_HOST)/$c$';
  const before = pod({
    volumes: [{ name: 'v', secret: { secretName: 'db', items: [{ key: 'user', path }] } }],
  });
  const { spec, metadata, initContainers } = await mutated(before);
  const [variable] = initContainers[0]?.['env'] as { value: string }[];
  // Expand of k8s.io/kubernetes/third_party/forked/golang/expansion, with a Service's variable.
  const expanded = (variable?.value ?? '').replace(
    /\$(\$|\(([^)]*)\))/g,
    (all, one: string, name?: string) =>
      one === '$' ? '$' : name === 'KUBERNETES_SERVICE_HOST' ? '10.0.0.1' : all,
  );
  t.equal(parseFetchPlan(expanded).files[0]?.path, path);
  const again = { metadata, spec };
  t.strictSame((await mutatePod(request('CREATE', 'pods', again), rules)).patch, []);
  t.strictSame(await checkPodCreate(request('CREATE', 'pods', again), rules), []);
  const undoubled = JSON.parse(JSON.stringify(again).replaceAll('$$', '$')) as typeof again;
  await t.rejects(checkPodCreate(request('CREATE', 'pods', undoubled), rules), { code: 'SEAL_FETCH_FORGED' });
});

void t.test('seal-fetch fits the pod', async (t) => {
  const volumes = [{ name: 'v', secret: { secretName: 'db' } }];
  const fetch = async (spec: object, metadata: object = {}): Promise<Record<string, unknown>> =>
    (await mutated(pod({ volumes, ...spec }, metadata))).initContainers[0] ?? {};
  const users = async (securityContext: object): Promise<unknown[]> => {
    const { runAsUser, runAsGroup } = (await fetch({ securityContext }))['securityContext'] as Record<
      string,
      unknown
    >;
    return [runAsUser, runAsGroup];
  };
  t.strictSame(await users({ runAsUser: 1000, runAsGroup: 3000 }), [1000, 3000]);
  t.strictSame(await users({ runAsUser: 0, runAsGroup: 0 }), [65_532, 65_532], 'never root');

  const requests = async (...resources: object[]): Promise<unknown> => {
    const containers = resources.map((each, i) => container({ name: `c${i}`, resources: each }));
    const { limits, requests } = (await fetch({ containers }))['resources'] as Record<string, unknown>;
    return JSON.stringify(limits) === JSON.stringify(requests) ? limits : 'burstable';
  };
  const same = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } };
  const guaranteed = { cpu: '500m', memory: '256Mi', 'ephemeral-storage': '64Mi' };
  t.strictSame(await requests(same, { limits: same.limits }), guaranteed, 'a pod keeps its class');
  t.equal(await requests(same, {}), 'burstable');
  t.equal(await requests({ ...same, requests: { cpu: '500m', memory: '1Gi' } }), 'burstable');

  const refresh = (seconds: string): object => ({
    annotations: { 'seal.k3s-daas.io/refresh-seconds': seconds },
  });
  const sidecar = await fetch({}, refresh('30'));
  t.equal(sidecar['restartPolicy'], 'Always');
  t.strictSame(sidecar['startupProbe'], {
    exec: { command: ['/usr/bin/seal-fetch', 'ready'] },
    failureThreshold: 300,
    periodSeconds: 1,
    successThreshold: 1,
    timeoutSeconds: 5,
  });
  t.equal((await mutated(pod({ volumes }, refresh('86400')))).plan['refreshSeconds'], 86_400);
  t.equal((await mutated(pod({ volumes }, refresh('5')))).plan['refreshSeconds'], 5);
  for (const wrong of ['', '0', '4', '86401', '-5', '5.0', '1e3', ' 5', '99999999'])
    t.equal(await codeOf(pod({ volumes }, refresh(wrong))), 'REFRESH_MALFORMED', `"${wrong}"`);
});

void t.test('optional references to what is missing are left out, and said', async (t) => {
  const { spec, plan, warnings } = await mutated(
    pod({
      containers: [
        container({
          envFrom: [{ secretRef: { name: 'gone', optional: true } }],
          env: [
            secretEnv('A', 'gone', 'x', { optional: true }),
            secretEnv('B', 'db', 'gone', { optional: true }),
            secretEnv('C', 'db', 'user', { optional: true }),
          ],
          volumeMounts: [{ name: 'maybe', mountPath: '/maybe' }],
        }),
      ],
      volumes: [
        { name: 'maybe', secret: { secretName: 'gone', optional: true } },
        {
          name: 'some',
          projected: {
            sources: [
              {
                secret: {
                  name: 'db',
                  optional: true,
                  items: [
                    { key: 'user', path: 'u' },
                    { key: 'gone', path: 'g' },
                  ],
                },
              },
            ],
          },
        },
      ],
    }),
  );
  t.strictSame(spec['containers'], [
    container({
      env: [fileEnv('C', 'V0')],
      volumeMounts: [{ name: 'maybe', mountPath: '/maybe', readOnly: true }],
    }),
  ]);
  t.strictSame((spec['volumes'] as unknown[]).slice(0, 2), [memory('maybe'), memory('some')]);
  t.equal((plan['files'] as unknown[]).length, 1);
  t.equal(warnings.length, 5);
  for (const warning of warnings) t.match(warning, /^spec\.(containers|volumes)\[\d\].*optional/);
  const none = await mutated(
    pod({ containers: [container({ env: [secretEnv('A', 'gone', 'x', { optional: true })] })] }),
  );
  t.strictSame(none.spec['containers'], [container()], 'without anything to fetch there is no seal-fetch');
  t.notOk(Object.hasOwn(none.spec, 'initContainers'));
});

void t.test('what cannot be rewritten is refused', async (t) => {
  const volume = (...volumes: object[]): TestPod => pod({ volumes });
  const env = (...env: object[]): TestPod => pod({ containers: [container({ env })] });
  const item = (path: string): object => ({
    name: 'v',
    secret: { secretName: 'db', items: [{ key: 'user', path }] },
  });
  const many = Array.from({ length: 33 }, (_, i) => secretEnv(`A${i}`, `s${i}`, 'k'));
  const cases: readonly (readonly [string, TestPod])[] = [
    ['SECRET_NOT_FOUND', env(secretEnv('A', 'gone', 'x'))],
    ['SECRET_NOT_FOUND', volume({ name: 'v', secret: { secretName: 'gone' } })],
    ['SECRET_KEY_NOT_FOUND', env(secretEnv('A', 'db', 'x'))],
    ['SECRET_KEY_NOT_FOUND', env(secretEnv('A', 'db', 'toString'))],
    ['SECRET_KEY_NOT_FOUND', env({ name: 'A', valueFrom: { secretKeyRef: { name: 'db' } } })],
    ['SEALED_SERVICE_ACCOUNT_WRONG', env(secretEnv('A', 'foreign', 'a'))],
    ['SECRET_NAME_WRONG', env(secretEnv('A', '../kube-system/x', 'a'))],
    ['SECRET_NAME_WRONG', env({ name: 'A', valueFrom: { secretKeyRef: { key: 'a' } } })],
    ['SECRET_NAME_WRONG', volume({ name: 'v', secret: {} })],
    ['SEALED_PLAN_TOO_LARGE', env(...many)],
    ['OBJECT_MALFORMED', env({ ...secretEnv('A', 'db', 'user'), value: 'both' })],
    [
      'OBJECT_MALFORMED',
      env({
        name: 'A',
        valueFrom: { secretKeyRef: { name: 'db', key: 'user' }, fieldRef: { fieldPath: 'x' } },
      }),
    ],
    ['OBJECT_MALFORMED', volume({ name: 'v', secret: { secretName: 'db' }, emptyDir: {} })],
    [
      'OBJECT_MALFORMED',
      pod({
        containers: [container({ envFrom: [{ secretRef: { name: 'db' }, configMapRef: { name: 'c' } }] })],
      }),
    ],
    [
      'PROJECTED_VOLUME_MIXED',
      volume({
        name: 'v',
        projected: { sources: [{ secret: { name: 'db' } }, { configMap: { name: 'c' } }] },
      }),
    ],
    [
      'PROJECTED_VOLUME_MIXED',
      volume({ name: 'v', projected: { sources: [{ secret: { name: 'db' }, downwardAPI: {} }] } }),
    ],
    ['SECRET_PATH_WRONG', volume(item('../x'))],
    ['SECRET_PATH_WRONG', volume(item('a/../x'))],
    ['SECRET_PATH_WRONG', volume(item('/etc/x'))],
    ['SECRET_PATH_WRONG', volume(item(''))],
    ['SECRET_PATH_WRONG', volume(item('..data'))],
    ['SECRET_PATH_WRONG', volume(item('a'.repeat(1025)))],
    [
      'SECRET_PATH_WRONG',
      volume({
        name: 'v',
        secret: {
          secretName: 'db',
          items: [
            { key: 'user', path: 'a' },
            { key: 'password', path: 'a/b' },
          ],
        },
      }),
    ],
    ['IMAGE_PULL_SECRETS_REFUSED', pod({ imagePullSecrets: [{ name: 'registry' }] })],
    [
      'SECRET_REFERENCE_REFUSED',
      volume({ name: 'v', csi: { driver: 'd', nodePublishSecretRef: { name: 'db' } } }),
    ],
    ['REFERENCE_UNKNOWN', volume({ name: 'v', vault: { path: 'x' } })],
    ['OBJECT_MALFORMED', pod({ containers: 'none' })],
    [
      'POD_SHARES_PROCESSES',
      { ...pod({ shareProcessNamespace: true, volumes: [{ name: 'v', secret: { secretName: 'db' } }] }) },
    ],
    [
      'SEALED_OS_WRONG',
      pod({ os: { name: 'windows' }, volumes: [{ name: 'v', secret: { secretName: 'db' } }] }),
    ],
    ['allowed', pod({ os: { name: 'windows' } })],
    [
      'BROKER_TOKEN_FORGED',
      volume({
        name: 'mine',
        projected: { sources: [{ serviceAccountToken: { audience: 'k3s-daas.io/broker', path: 't' } }] },
      }),
    ],
  ];
  for (const [code, before] of cases)
    t.equal(await codeOf(before), code, JSON.stringify(before.spec).slice(0, 150));
  const wide = sealed(
    'wide',
    Array.from({ length: 257 }, (_, i) => `k${i}`),
  );
  facts.set(wide, sealed('full', [...wide.keys.keys()].slice(0, 256)));
  t.equal(await codeOf(volume({ name: 'v', secret: { secretName: 'wide' } })), 'SEALED_PLAN_TOO_LARGE');
  t.equal(await codeOf(volume({ name: 'v', secret: { secretName: 'full' } })), 'allowed');
  const files = (count: number, path: (i: number) => string): TestPod =>
    volume({
      name: 'v',
      secret: {
        secretName: 'db',
        items: Array.from({ length: count }, (_, i) => ({ key: 'user', path: path(i) })),
      },
    });
  t.equal(await codeOf(files(513, String)), 'SEALED_PLAN_TOO_LARGE');
  t.equal(await codeOf(files(512, String)), 'allowed');
  t.equal(await codeOf(files(300, (i) => `${'long'.repeat(50)}${i}`)), 'SEALED_PLAN_TOO_LARGE', '64 KiB');
  const keys = Array.from({ length: 171 }, (_, i) => `k${i}`);
  facts.set(sealed('e0', keys), sealed('e1', keys), sealed('e2', keys));
  const variables = ['e0', 'e1', 'e2'].flatMap((name) =>
    keys.map((key) => secretEnv(`${name}${key}`, name, key)),
  );
  t.equal(await codeOf(env(...variables)), 'SEALED_PLAN_TOO_LARGE', '513 variables');
  t.equal(await codeOf(env(...variables.slice(1))), 'SEALED_PLAN_TOO_LARGE', '512 of them are 64 KiB');
  t.equal(await codeOf(env(...variables.slice(200))), 'allowed');
  const policies = Array.from({ length: 17 }, (_, i) =>
    sealed(`p${i}`, ['k'], { policy: `0x${i.toString(16).padStart(64, '0')}` }),
  );
  facts.set(...policies);
  const ofPolicies = policies.map(({ name }) => secretEnv(name, name, 'k'));
  t.equal(await codeOf(env(...ofPolicies)), 'SEALED_PLAN_TOO_LARGE', 'the broker answers for 16 policies');
  t.equal(await codeOf(env(...ofPolicies.slice(1))), 'allowed');
});

void t.test('what another webhook did in between is taken in', async (t) => {
  const before = pod({
    containers: [container({ env: [secretEnv('A', 'db', 'user')] })],
    volumes: [{ name: 'certs', secret: { secretName: 'web-tls' } }],
  });
  const { spec, metadata } = await mutated(before);
  const injected = { metadata, spec };
  t.strictSame(
    (await mutatePod(request('CREATE', 'pods', injected), rules)).patch,
    [],
    'a second time: nothing',
  );

  const more = structuredClone(injected);
  const list = (name: string): object[] => more.spec[name] as object[];
  list('initContainers').unshift(container({ name: 'mesh-init', env: [secretEnv('M', 'other', 'a')] }));
  list('containers').push(container({ name: 'mesh', envFrom: [{ secretRef: { name: 'db' } }] }));
  list('volumes').unshift({
    name: 'mesh',
    secret: { secretName: 'db', items: [{ key: 'password', path: 'p' }] },
  });
  const fetch = list('initContainers')[1] as Record<string, unknown>;
  fetch['resources'] = {};
  (fetch['env'] as object[]).push({ name: 'HTTP_PROXY', value: 'http://elsewhere' });
  const merged = await mutated(more);
  t.strictSame(
    merged.initContainers.map((each) => each['name']),
    ['seal-fetch', 'mesh-init'],
    'first again, and as it must be',
  );
  t.equal((merged.initContainers[0]?.['env'] as unknown[]).length, 1);
  t.strictSame(merged.plan['env'], [
    { name: 'V0', secret: 'other', key: 'a' },
    { name: 'V1', secret: 'db', key: 'user' },
    { name: 'V2', secret: 'db', key: 'password' },
  ]);
  t.strictSame(
    (merged.spec['containers'] as unknown[])[0],
    container({ env: [fileEnv('A', 'V1')] }),
    'renumbered',
  );
  t.strictSame(
    (merged.plan['files'] as Record<string, unknown>[]).map(
      ({ volume, path }) => `${String(volume)}/${String(path)}`,
    ),
    ['mesh/p', 'certs/tls.crt', 'certs/tls.key'],
  );
  const again = { metadata: merged.metadata, spec: merged.spec };
  t.strictSame((await mutatePod(request('CREATE', 'pods', again), rules)).patch, []);
  t.strictSame(await checkPodCreate(request('CREATE', 'pods', again), rules), []);

  const rotated = new MemoryFacts([
    sealed('db', ['user', 'password'], { version: 2n }),
    sealed('web-tls', ['tls.crt', 'tls.key']),
  ]);
  const { patch } = await mutatePod(request('CREATE', 'pods', injected), { facts: rotated, seal: settings });
  t.match(JSON.stringify(patch), digestOf('db', 'user', 2n), 'digests are looked up again, never believed');
});

void t.test('what calls itself seal-fetch', async (t) => {
  const fetch = (env: object[]): object => container({ name: 'seal-fetch', env });
  const { spec, metadata } = await mutated(
    pod({ containers: [container({ env: [secretEnv('A', 'db', 'user')] })] }),
  );
  const planned = (change: object): object => {
    const plan = JSON.parse(
      ((spec as never)['initContainers'][0]['env'][0] as { value: string }).value,
    ) as object;
    return fetch([{ name: 'DAAS_PLAN', value: JSON.stringify({ ...plan, ...change }) }]);
  };
  const cases: readonly (readonly [string, object])[] = [
    ['a container', { containers: [fetch([])] }],
    ['an ephemeral container', { ephemeralContainers: [fetch([])] }],
    ['an init container without a plan', { initContainers: [fetch([])] }],
    ['a plan that is none', { initContainers: [fetch([{ name: 'DAAS_PLAN', value: '{}' }])] }],
    ['two', { initContainers: [planned({}), planned({})] }],
    ['a plan in another form', { initContainers: [planned({ more: 1 })] }],
    ['volume seal-token', { volumes: [memory('seal-token')] }],
    ['volume seal-env', { volumes: [memory('seal-env')] }],
    ['volume seal-in-7', { volumes: [{ name: 'seal-in-7', secret: { secretName: 'db' } }] }],
    [
      'a mount of a volume that is not there yet',
      {
        containers: [
          container({
            env: [secretEnv('A', 'db', 'user')],
            volumeMounts: [{ name: 'seal-token', mountPath: '/t' }],
          }),
        ],
      },
    ],
    [
      'a variable of no plan',
      {
        containers: [
          container({ env: [fileEnv('A', 'V0')] }),
          container({ name: 'b', env: [secretEnv('A', 'db', 'user')] }),
        ],
      },
    ],
    [
      'a variable that is not in the plan',
      { ...spec, containers: [container({ env: [fileEnv('A', 'V1')] })] },
    ],
    [
      'files in a volume that is not there',
      {
        ...spec,
        initContainers: [
          planned({ files: [{ volume: 'nowhere', path: 'x', mode: 0o444, secret: 'db', key: 'user' }] }),
        ],
      },
    ],
  ];
  for (const [what, change] of cases) {
    const code = await codeOf({ metadata, spec: { ...pod({}).spec, ...change } });
    t.equal(code, 'SEAL_FETCH_FORGED', what);
  }
});
