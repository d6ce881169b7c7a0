/** Registrations that the API server reads from files: nothing that the API offers takes them away (KEP 5793, alpha in 1.36). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { SECRETS_MODE_LABEL } from '@k3s-daas/core';
import t from 'tap';
import { parseAllDocuments } from 'yaml';

import { renderAdmissionConfiguration, renderStaticManifests } from './index.ts';
import { admin, Cluster } from './test/cluster.ts';

t.setTimeout(600_000);
const GROUP = '/apis/admissionregistration.k8s.io/v1';
const NAMES = {
  validatingwebhookconfigurations: ['k3s-daas'],
  mutatingwebhookconfigurations: ['k3s-daas'],
  validatingadmissionpolicybindings: ['k3s-daas-namespace-modes', 'k3s-daas-registrar'],
  validatingadmissionpolicies: ['k3s-daas-namespace-modes', 'k3s-daas-registrar'],
} as const;

const cluster = await Cluster.start({ controllerManager: false, kwok: false, scheduler: false });
t.teardown(() => cluster.stop());

interface Patch {
  readonly webhooks: readonly {
    readonly clientConfig: { readonly url: string; readonly caBundle: string };
  }[];
}

/** Restarts the API server with the same registrations as files, and takes those of the API away. */
async function moveToFiles(): Promise<void> {
  const overlay = await readFile(join(cluster.dir, 'overlay', 'webhooks.patch.yaml'), 'utf8');
  const [patch] = parseAllDocuments(overlay).map((document) => document.toJS() as Patch);
  const { url = '', caBundle = '' } = patch?.webhooks[0]?.clientConfig ?? {};
  const webhookUrl = new URL('validate', url).href;
  const pair = await readFile(join(cluster.dir, 'admission', 'webhook-client.pem'), 'utf8');
  const staticManifests = await renderStaticManifests({
    dir: join(cluster.dir, 'static'),
    webhookUrl,
    webhookCaPem: Buffer.from(caBundle, 'base64').toString(),
    controlPlaneNodes: ['cp-1'],
  });
  const configuration = await renderAdmissionConfiguration({
    dir: join(cluster.dir, 'static-admission'),
    webhookUrl,
    cert: pair,
    key: '',
    staticManifests,
  });
  for (const [kind, names] of Object.entries(NAMES))
    await cluster.controlPlane.kubectl(['delete', '--ignore-not-found', kind, ...names]);
  // The API server is told by its watches.
  const deadline = performance.now() + 60_000;
  for (let got = await tryPod(); got !== 201; got = await tryPod()) {
    if (performance.now() > deadline) throw new Error(`without any registration the pod is let in: ${got}`);
    await sleep(100);
  }
  await cluster.controlPlane.restartApiServer([
    `--admission-control-config-file=${configuration}`,
    '--feature-gates=ManifestBasedAdmissionControlConfig=true',
  ]);
}

async function tryPod(): Promise<number | string> {
  const body = {
    metadata: { name: 'probe' },
    spec: { schedulerName: 'mine', containers: [{ name: 'c', image: 'i' }] },
  };
  const path = '/api/v1/namespaces/shop/pods?dryRun=All';
  const { status, text } = await cluster.call({ ...admin, method: 'POST', path, body });
  return /denied the request: ([A-Z_]+): /.exec(text)?.[1] ?? status;
}

await moveToFiles();

void t.test('the webhook is asked though the API has no registration', async (t) => {
  for (const kind of Object.keys(NAMES)) {
    const { json } = await cluster.call({ ...admin, method: 'GET', path: `${GROUP}/${kind}` });
    t.same(json['items'], [], `no ${kind}`);
  }
  t.equal(await tryPod(), 'POD_SCHEDULER_WRONG');
  const path = '/api/v1/namespaces?dryRun=All';
  const body = { metadata: { name: 'x', labels: { [SECRETS_MODE_LABEL]: 'off' } } };
  const { text } = await cluster.call({ ...admin, method: 'POST', path, body });
  t.match(text, /NAMESPACE_MODE_WRONG/, 'and the policy is in force');
});

void t.test('an administrator neither reads, changes nor removes them, nor takes their names', async (t) => {
  for (const [kind, names] of Object.entries(NAMES)) {
    for (const name of names) {
      const file = `${name}.static.k8s.io`;
      const path = `${GROUP}/${kind}/${file}`;
      for (const method of ['GET', 'DELETE'] as const)
        t.equal((await cluster.call({ ...admin, method, path })).status, 404, `${method} ${kind} ${file}`);
      const type = 'application/merge-patch+json';
      const patched = await cluster.call({ ...admin, method: 'PATCH', path, type, body: { webhooks: [] } });
      t.equal(patched.status, 404, `PATCH ${kind} ${file}`);
      const apiVersion = 'admissionregistration.k8s.io/v1';
      const spec = kind.startsWith('validatingadmissionpol') ? { spec: specOf(kind) } : {};
      const made = await cluster.call({
        ...admin,
        method: 'POST',
        path: `${GROUP}/${kind}`,
        body: { apiVersion, metadata: { name: file }, ...spec },
      });
      t.match([made.status, made.text], [422, /reserved for static/], `POST ${kind} ${file}`);
    }
  }
  const all = `${GROUP}/validatingwebhookconfigurations`;
  t.equal((await cluster.call({ ...admin, method: 'DELETE', path: all })).status, 200, 'all are deleted');
  await sleep(1_500);
  t.equal(await tryPod(), 'POD_SCHEDULER_WRONG', 'the webhook is asked all the same');
});

/** The least that is valid. */
function specOf(kind: string): object {
  if (kind.endsWith('bindings')) return { policyName: 'x', validationActions: ['Deny'] };
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['events'] };
  return { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: 'true' }] };
}
