/** The certificate flow against a real control plane with the rights and the policy of manifests/base. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import t from 'tap';

import { ensureControlPlane, startControlPlane } from '@k3s-daas/control-plane';
import { apiCaller } from '../kube-api.ts';
import { checkRequest, requestName } from './csr.ts';
import { kubernetesIssuer } from './kubernetes.ts';
import { requestFor } from './test/requests.ts';

const PATH = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const MANIFEST = join(import.meta.dirname, '../../manifests/base/registrar.yaml');

const dir = mkdtempSync(join(tmpdir(), 'daas-registrar-'));
const plane = await startControlPlane({
  binaries: await ensureControlPlane(),
  dir,
  kwok: false,
  scheduler: false,
});
t.teardown(async () => {
  await plane.stop();
  rmSync(dir, { recursive: true, force: true });
});
await plane.kubectl(['apply', '-f', MANIFEST]);
const api = apiCaller(await plane.kubeconfig({ commonName: 'k3s-daas:registrar' }));
const admin = apiCaller(plane.adminKubeconfig);
const { signal } = new AbortController();

/** A request object as the issuer makes it, with whatever is changed in its spec. */
const object = (name: string, pem: string, spec: object = {}): object => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: { name },
  spec: {
    request: Buffer.from(pem).toString('base64'),
    signerName: 'kubernetes.io/kube-apiserver-client',
    usages: ['client auth', 'digital signature'],
    expirationSeconds: 604_800,
    ...spec,
  },
});
const approval = (created: unknown): object => ({
  ...(created as object),
  status: { conditions: [{ type: 'Approved', status: 'True', reason: 'Test', message: 'test' }] },
});

/** The policy takes effect a moment after it is applied. */
async function untilGuarded(): Promise<void> {
  const { pem } = requestFor({ name: 'system:kube-controller-manager' });
  for (let turn = 0; turn < 200; turn += 1) {
    const { status } = await api('POST', `${PATH}?dryRun=All`, object('probe', pem));
    if (status === 422 || status === 403) return;
    await sleep(100);
  }
  throw new Error('the policy is not enforced');
}
await untilGuarded();
t.comment(
  await plane.kubectl(['get', 'validatingadmissionpolicy', 'k3s-daas-registrar', '-o', 'jsonpath={.status}']),
);

await t.test('the registrar’s user has the certificate issued, again and again', async (t) => {
  const { pem, keyHash } = requestFor();
  const request = checkRequest(pem, keyHash);
  const issue = kubernetesIssuer(api);
  const first = await issue(request, signal);
  t.ok(first.notAfterMs - first.notBeforeMs > 6 * 86_400_000, 'for about a week');
  const kubeconfig = plane.adminKubeconfig;
  t.match(await plane.kubectl(['get', 'csr', '-o', 'name'], { kubeconfig }), /^$/, 'and nothing is left');
  await issue(request, signal);

  // As after a crash between creation and approval, or as somebody else would put it there.
  const other = requestFor();
  await admin('POST', PATH, object(requestName(request), other.pem));
  const replaced = await issue(request, signal);
  t.ok(replaced.notAfterMs > Date.now());
});

await t.test('the registrar’s user can have nothing else issued', async (t) => {
  const good = requestFor().pem;
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const refusals: readonly (readonly [string, string, object?])[] = [
    ['another user', requestFor({ name: 'system:kube-scheduler' }).pem],
    ['a user of the same length', requestFor({ name: 'k3s-daas:registr' }).pem],
    ['a group', requestFor({ organization: 'system:nodes' }).pem],
    ['an extension', requestFor({ attributes: Buffer.from('a00b3009060355040a31020c00', 'hex') }).pem],
    ['another kind of key', requestFor({ pair: p384 }).pem],
    ['two requests', `${requestFor({ name: 'system:kube-scheduler' }).pem}${good}`],
    ['text before', `x\n${good}`],
    ['another signer', good, { signerName: 'kubernetes.io/kube-apiserver-client-kubelet' }],
    ['another usage', good, { usages: ['client auth', 'server auth'] }],
    ['a longer life', good, { expirationSeconds: 604_801 }],
    ['no end', good, { expirationSeconds: undefined }],
  ];
  for (const [what, pem, spec] of refusals) {
    const { status, text } = await api('POST', `${PATH}?dryRun=All`, object('bad', pem, spec));
    t.ok(status === 422 || status === 403 || status === 400, `${what}: ${status}`);
    t.match(text, /k3s-daas-registrar|PEM block type|usages/, what);
  }
  const taken = await api('POST', `${PATH}?dryRun=All`, object('good', good));
  t.equal(taken.status, 201, taken.text.slice(0, 1500));

  // What somebody else asked for is not approved by it either.
  const scheduler = requestFor({ name: 'system:kube-scheduler' }).pem;
  const created = await admin('POST', PATH, object('foreign', scheduler));
  t.equal(created.status, 201);
  const approved = await api('PUT', `${PATH}/foreign/approval`, approval(created.body));
  t.match(approved.text, /ValidatingAdmissionPolicy 'k3s-daas-registrar'.*denied/);
  const kubelet = { signerName: 'kubernetes.io/kube-apiserver-client-kubelet' };
  const node = await admin('POST', PATH, object('node', good, kubelet));
  const asNode = await api('PUT', `${PATH}/node/approval`, approval(node.body));
  t.match(asNode.text, /may not approve|not permitted to approve|forbidden/i);
  t.equal((await api('GET', '/api/v1/pods')).status, 403);
  t.equal((await api('GET', PATH)).status, 403, 'nor does it list requests');
  const mallory = kubernetesIssuer(apiCaller(await plane.kubeconfig({ commonName: 'mallory' })));
  const wanted = requestFor();
  await t.rejects(mallory(checkRequest(wanted.pem, wanted.keyHash), signal), { code: 'KUBERNETES_REFUSED' });
});
