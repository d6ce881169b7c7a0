/** Pods of which each differs from a common one in a single point that a broken check would let pass. */
import t from 'tap';

import { checkEphemeralContainers, checkPodUpdate, mutatePod } from '../checks/pods.ts';
import { Denied } from '../denied.ts';
import { applyPatch, MemoryFacts, request, sealed, settings } from '../test/sealed-world.ts';

const facts = new MemoryFacts([sealed('db', ['user', 'password'])]);
const rules = { facts, seal: settings };

interface TestPod {
  metadata: Record<string, unknown>;
  spec: Record<string, unknown>;
}

function pod(container: object, spec: object = {}): TestPod {
  return {
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      serviceAccountName: 'default',
      schedulerName: 'default-scheduler',
      containers: [{ name: 'app', image: 'example.com/app:1', ...container }],
      ...spec,
    },
  };
}

async function mutated(before: TestPod): Promise<TestPod> {
  return applyPatch(before, (await mutatePod(request('CREATE', 'pods', before), rules)).patch);
}

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'accepted';
  } catch (error) {
    if (error instanceof Denied) return error.code;
    throw error;
  }
}

const password = { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } };
const files = { volumes: [{ name: 'files', secret: { secretName: 'db' } }] };
const mounted = { volumeMounts: [{ name: 'files', mountPath: '/etc/db', readOnly: true }] };
const NOT_SEALED = pod({});

void t.test('a pod that has files and no variables gets no volume for variables', async (t) => {
  const { spec } = await mutated(pod(mounted, files));
  const [fetch] = spec['initContainers'] as { volumeMounts: { name: string; mountPath: string }[] }[];
  t.same((spec['volumes'] as { name: string }[]).map(({ name }) => name).sort(), [
    'files',
    'seal-in-0',
    'seal-token',
  ]);
  t.same(fetch?.volumeMounts.map(({ name }) => name).sort(), ['files', 'seal-in-0', 'seal-token']);
});

void t.test('of all variables of a Secret, one that env overrides for sure is not opened', async (t) => {
  const envFrom = [{ secretRef: { name: 'db' } }];
  const planned = async (own: object): Promise<readonly string[]> => {
    const { spec } = await mutated(pod({ envFrom, env: [{ name: 'user', ...own }] }));
    const [fetch] = spec['initContainers'] as { env: { value: string }[] }[];
    const plan = JSON.parse(fetch?.env[0]?.value ?? '') as { secrets: { keys: unknown[] }[] };
    return plan.secrets.flatMap(({ keys }) => keys.map((key) => (key as { key: string }).key));
  };
  const configMapKeyRef = { name: 'c', key: 'user' };
  t.same(await planned({ value: 'me' }), ['password']);
  t.same(await planned({ valueFrom: { configMapKeyRef } }), ['password']);
  t.same(await planned({ valueFrom: { configMapKeyRef: { ...configMapKeyRef, optional: false } } }), [
    'password',
  ]);
  t.same(
    await planned({ valueFrom: { configMapKeyRef: { ...configMapKeyRef, optional: true } } }),
    ['password', 'user'],
    'one that may be absent overrides nothing',
  );
});

void t.test('a volume with two sources is left for the API server to refuse', async (t) => {
  const projected = { sources: [{ secret: { name: 'db' } }] };
  t.equal(await codeOf(() => mutated(pod(mounted, { volumes: [{ name: 'files', projected }] }))), 'accepted');
  const both = { volumes: [{ name: 'files', projected, emptyDir: {} }] };
  t.equal(await codeOf(() => mutated(pod(mounted, both))), 'OBJECT_MALFORMED');
});

void t.test('an earlier plan that writes to a volume which is gone is no plan', async (t) => {
  const honest = await mutated(pod({ ...mounted, env: [password] }, files));
  t.equal(await codeOf(() => mutated(honest)), 'accepted');
  const volumes = (honest.spec['volumes'] as { name: string }[]).filter(({ name }) => name !== 'files');
  const containers = [{ name: 'app', image: 'example.com/app:1' }];
  t.equal(
    await codeOf(() => mutated({ ...honest, spec: { ...honest.spec, volumes, containers } })),
    'SEAL_FETCH_FORGED',
  );
});

void t.test('a pod is sealed if it was, or would be', async (t) => {
  const honest = await mutated(pod({ env: [password] }));
  const placed = (spec: object): TestPod => ({ ...honest, spec: { ...spec, nodeName: 'n1' } });
  const [was, is] = [placed(honest.spec), placed(NOT_SEALED.spec)];
  const update = (old: TestPod, now: TestPod) => () => {
    checkPodUpdate(request('UPDATE', 'pods', now, old));
  };
  t.equal(await codeOf(update(is, is)), 'accepted');
  t.equal(await codeOf(update(was, is)), 'POD_IMAGE_CHANGED', 'seal-fetch is taken away');
  t.equal(await codeOf(update(is, was)), 'POD_IMAGE_CHANGED', 'seal-fetch is added');
  const join = (old: TestPod, now: TestPod) => () => {
    const ephemeralContainers = [{ name: 'debug', image: 'example.com/debug:1' }];
    checkEphemeralContainers(
      request(
        'UPDATE',
        'pods/ephemeralcontainers',
        { ...now, spec: { ...now.spec, ephemeralContainers } },
        old,
      ),
    );
  };
  t.equal(await codeOf(join(is, is)), 'accepted');
  t.equal(await codeOf(join(was, is)), 'POD_EPHEMERAL_CONTAINERS');
  t.equal(await codeOf(join(is, was)), 'POD_EPHEMERAL_CONTAINERS');
});
