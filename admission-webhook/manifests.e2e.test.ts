import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { createAuthority, ensureControlPlane, kubectl, startControlPlane } from '@k3s-daas/control-plane';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';

import { renderAdmissionConfiguration, renderOverlay, renderSchedulerConfig } from './index.ts';

t.setTimeout(600_000);
const CA = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
const CA_BASE64 = 'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=';

interface Entry {
  readonly name: string;
  readonly failurePolicy: string;
  readonly matchPolicy: string;
  readonly reinvocationPolicy?: string;
  readonly sideEffects: string;
  readonly timeoutSeconds: number;
  readonly clientConfig: { readonly url: string; readonly caBundle?: string };
  readonly namespaceSelector?: {
    readonly matchExpressions: readonly { readonly values: readonly string[] }[];
  };
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
  readonly rules: readonly {
    readonly operations: readonly string[];
    readonly resources: readonly string[];
  }[];
}

type Kind = 'ValidatingWebhookConfiguration' | 'MutatingWebhookConfiguration';

async function entriesOf(
  dir: string,
  wanted: Kind = 'ValidatingWebhookConfiguration',
): Promise<readonly Entry[]> {
  const binaries = await ensureControlPlane();
  // `kubectl kustomize` asks no server.
  const text = await kubectl(['kustomize', dir], {
    kubectl: binaries.kubectl,
    kubeconfig: join(t.testdirName, 'none'),
  });
  const documents = parseAllDocuments(text).map(
    (document) => document.toJS() as { kind: string; webhooks: readonly Entry[] },
  );
  t.ok(
    documents.some(({ kind }) => kind === 'ClusterRole'),
    'the base comes with it',
  );
  return documents.find(({ kind }) => kind === wanted)?.webhooks ?? [];
}

void t.test('kubectl takes the overlay', async (t) => {
  const dir = join(t.testdir(), 'overlay');
  await renderOverlay({ dir, webhookUrl: 'https://127.0.0.1:9443/validate', webhookCaPem: CA });
  const entries = await entriesOf(dir);
  const gates = entries.flatMap(({ rules }) =>
    rules.flatMap(({ operations, resources }) => resources.map((r) => `${r} ${operations.join()}`)),
  );
  t.same(gates.sort(), [
    'bindings CREATE',
    'cronjobs CREATE,UPDATE',
    'daemonsets CREATE,UPDATE',
    'deployments CREATE,UPDATE',
    'jobs CREATE,UPDATE',
    'nodes CREATE,UPDATE',
    'nodes/proxy CONNECT',
    'nodes/status UPDATE',
    'pods CREATE,UPDATE',
    'pods/attach CONNECT',
    'pods/binding CREATE',
    'pods/ephemeralcontainers UPDATE',
    'pods/exec CONNECT',
    'pods/portforward CONNECT',
    'pods/proxy CONNECT',
    'pods/resize UPDATE',
    'pods/status UPDATE',
    'podtemplates CREATE,UPDATE',
    'replicasets CREATE,UPDATE',
    'replicationcontrollers CREATE,UPDATE',
    'secrets CREATE,UPDATE',
    'serviceaccounts/token CREATE',
    'statefulsets CREATE,UPDATE',
  ]);
  const mutating = await entriesOf(dir, 'MutatingWebhookConfiguration');
  t.match(mutating, [
    {
      name: 'pods-mutate.k3s-daas.io',
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      reinvocationPolicy: 'IfNeeded',
      sideEffects: 'None',
      timeoutSeconds: 5,
      clientConfig: { url: 'https://127.0.0.1:9443/mutate', caBundle: CA_BASE64 },
      namespaceSelector: {
        matchExpressions: [{ values: ['kube-system', 'kube-public', 'kube-node-lease'] }],
      },
      rules: [{ operations: ['CREATE'], resources: ['pods'] }],
    },
  ]);
  t.equal(mutating.length, 1);
  for (const entry of entries) {
    const { failurePolicy, matchPolicy, sideEffects, timeoutSeconds, clientConfig } = entry;
    t.same(
      { failurePolicy, matchPolicy, sideEffects, timeoutSeconds, clientConfig },
      {
        failurePolicy: 'Fail',
        matchPolicy: 'Equivalent',
        sideEffects: 'None',
        timeoutSeconds: 5,
        clientConfig: { url: 'https://127.0.0.1:9443/validate', caBundle: CA_BASE64 },
      },
      entry.name,
    );
  }
  const exempt = entries.filter(({ namespaceSelector }) => namespaceSelector !== undefined);
  for (const { namespaceSelector } of exempt) {
    t.same(namespaceSelector?.matchExpressions[0]?.values, ['kube-system', 'kube-public', 'kube-node-lease']);
  }
  t.equal(exempt.length, 6);
  t.same(
    entries.filter(({ matchConditions }) => matchConditions !== undefined).map(({ name }) => name),
    ['tokens.k3s-daas.io', 'pods-status.k3s-daas.io', 'nodes-status.k3s-daas.io'],
  );
});

void t.test('the overlay exempts what it is told to', async (t) => {
  const dir = join(t.testdir(), 'a', 'b');
  const options = { dir, webhookUrl: 'https://[::1]:9443/validate', webhookCaPem: CA };
  await renderOverlay({
    ...options,
    exemptNamespaces: ['kube-system', 'istio-system'],
    controlPlaneNodes: ['cp-1', 'cp-2.local'],
  });
  const entries = await entriesOf(dir);
  const conditions = (name: string): readonly string[] | undefined =>
    entries.find((entry) => entry.name === name)?.matchConditions?.map((condition) => condition.name);
  t.same(conditions('nodes.k3s-daas.io'), ['not-own-control-plane-node']);
  t.same(
    conditions('nodes-status.k3s-daas.io'),
    ['metadata-changed', 'not-own-control-plane-node'],
    "the base's condition stays",
  );
  t.same(conditions('pods-status.k3s-daas.io'), ['metadata-changed']);
  t.same(conditions('tokens.k3s-daas.io'), ['for-the-broker'], 'tokens are asked about in every namespace');
  t.same(entries[0]?.namespaceSelector?.matchExpressions[0]?.values, ['kube-system', 'istio-system']);
  for (const bad of ["x' || true || '", 'UPPER', '', 'a..b/c']) {
    await t.rejects(
      renderOverlay({ ...options, controlPlaneNodes: [bad] }),
      { code: 'NAME_WRONG' },
      `name ${bad}`,
    );
    await t.rejects(
      renderOverlay({ ...options, exemptNamespaces: [bad] }),
      { code: 'NAME_WRONG' },
      `namespace ${bad}`,
    );
  }
  for (const bad of ['http://127.0.0.1/validate', '127.0.0.1:9443', 'https://x/validate?a=b', '']) {
    await t.rejects(renderOverlay({ ...options, webhookUrl: bad }), { code: 'URL_WRONG' }, `url ${bad}`);
  }
});

void t.test('the base alone denies: its webhook has no address', async (t) => {
  const entries = await entriesOf(resolve(import.meta.dirname, '../manifests/base'));
  t.equal(entries.length, 9);
  for (const { clientConfig, failurePolicy } of entries) {
    t.match(clientConfig.url, /^https:\/\/[a-z]+\.invalid\//);
    t.equal(failurePolicy, 'Fail');
  }
});

void t.test('admission configuration', async (t) => {
  const dir = join(t.testdir(), 'admission');
  const file = await renderAdmissionConfiguration({
    dir,
    webhookUrl: 'https://admission.example/validate',
    cert: 'C',
    key: 'K',
  });
  t.equal((await stat(join(dir, 'webhook-client.pem'))).mode & 0o777, 0o600, 'the key is private');
  const kubeconfig = parse(await readFile(join(dir, 'webhook-client.kubeconfig'), 'utf8')) as {
    users: { name: string }[];
  };
  t.equal(kubeconfig.users[0]?.name, 'admission.example:443', 'as kube-apiserver looks it up');
  t.match(await readFile(file, 'utf8'), /kind: AdmissionConfiguration/);
});

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not happen within a minute');
    await sleep(50);
  }
}

void t.test('the real kube-scheduler runs with the configuration and the rights', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'daas-manifests-'));
  const scheduler = {
    kubeconfig: 'x',
    extenderUrl: 'http://127.0.0.1:1',
    extenderCaPem: CA,
    clientCertFile: 'c',
    clientKeyFile: 'k',
  };
  await t.rejects(renderSchedulerConfig(scheduler), { code: 'URL_WRONG' });
  await t.rejects(
    renderSchedulerConfig({ ...scheduler, extenderUrl: 'https://127.0.0.1:1', extenderCaPem: '' }),
    { code: 'CA_MISSING' },
  );

  // An extender that keeps nodes from every pod, over mutual TLS, and notes who asks for what.
  const ca = await createAuthority('extender-ca');
  const serving = await ca.issue({ commonName: 'extender', usages: ['server'], ips: ['127.0.0.1'], days: 1 });
  const clientPair = await ca.issue({ commonName: 'k3s-daas:scheduler', usages: ['client'], days: 1 });
  const asked: string[] = [];
  const server = createServer(
    { cert: serving.certPem, key: serving.keyPem, ca: ca.certPem, requestCert: true },
    (req, res) => {
      void json(req).then((body) => {
        const { NodeNames, Nodes } = body as { NodeNames: string[] | null; Nodes: unknown };
        asked.push(
          `${req.url ?? ''} ${(NodeNames ?? []).join()} ${Nodes === null ? 'names only' : 'whole nodes'}`,
        );
        const FailedNodes = Object.fromEntries((NodeNames ?? []).map((name) => [name, 'no']));
        res.setHeader('content-type', 'application/json').end(JSON.stringify({ NodeNames: [], FailedNodes }));
      });
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;

  await writeFile(join(dir, 'c.crt'), clientPair.certPem);
  await writeFile(join(dir, 'c.key'), clientPair.keyPem);
  const plane = await startControlPlane({
    binaries: await ensureControlPlane(),
    dir: join(dir, 'cp'),
    scheduler: false,
    kwok: false,
    controllerManager: false,
  });
  t.teardown(async () => {
    await plane.stop();
    await rm(dir, { recursive: true });
  });
  // RBAC only: the webhook of the overlay is not there, and node and pod of this test must get in.
  await plane.kubectl(['apply', '-f', resolve(import.meta.dirname, '../manifests/base/rbac.yaml')]);
  const kubeconfig = await plane.kubeconfig({ commonName: 'k3s-daas:scheduler' });
  const config = await renderSchedulerConfig({
    kubeconfig,
    extenderUrl: `https://127.0.0.1:${port}/scheduler/`,
    extenderCaPem: ca.certPem,
    clientCertFile: join(dir, 'c.crt'),
    clientKeyFile: join(dir, 'c.key'),
    weight: 3,
  });
  t.match(parse(config), {
    percentageOfNodesToScore: 0,
    leaderElection: { leaderElect: false },
    extenders: [
      {
        weight: 3,
        ignorable: false,
        nodeCacheCapable: true,
        enableHTTPS: true,
        tlsConfig: { insecure: false },
      },
    ],
  });
  await writeFile(join(dir, 'scheduler.yaml'), config);
  await plane.startScheduler({
    name: 'k3s-daas-scheduler',
    kubeconfig,
    configFile: join(dir, 'scheduler.yaml'),
  });
  const status = {
    conditions: [{ type: 'Ready', status: 'True' }],
    allocatable: { cpu: '4', memory: '8Gi', pods: '10' },
    capacity: { cpu: '4', memory: '8Gi', pods: '10' },
  };
  await plane.kubectl(['create', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' }, status }),
  });
  const spec = { schedulerName: 'k3s-daas-scheduler', containers: [{ name: 'c', image: 'i' }] };
  await plane.kubectl(['create', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec }),
  });
  await plane.kubectl(['wait', '--for=condition=PodScheduled=False', 'pod/web', '--timeout=60s']);
  // It may have looked at the pod before it knew of the node; it looks again when it does.
  await until(() => asked.length > 0);
  t.equal(asked[0], '/scheduler/filter n1 names only', 'the extender is asked, over mutual TLS, with names');
  await until(async () =>
    /FailedScheduling/.test(await plane.kubectl(['get', 'events', '-o', 'jsonpath={.items[*].reason}'])),
  );
  t.pass('and its user may write events');
  const log = await readFile(join(dir, 'cp', 'logs', 'k3s-daas-scheduler.log'), 'utf8');
  t.notMatch(log, /forbidden/i, 'nothing that it lists or watches is forbidden to it');
});
