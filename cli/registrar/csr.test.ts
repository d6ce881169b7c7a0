import { generateKeyPairSync } from 'node:crypto';

import t from 'tap';

import { clientCertificateFromCsr, createAuthority } from '@k3s-daas/control-plane';
import { makeKeys } from '../../enclave/boot/keys.ts';
import type { ApiAnswer, ApiCaller } from '../kube-api.ts';
import { checkRequest, requestName } from './csr.ts';
import { checkCertificate, kubernetesIssuer } from './kubernetes.ts';
import { pemOf, requestFor, tlv } from './test/requests.ts';

const clock = { now: () => Date.now() };
const refused = { code: 'CSR_REFUSED' };
const { signal } = new AbortController();

void t.test('the request of a real boot is taken, in one canonical form', async (t) => {
  for (let boot = 0; boot < 20; boot += 1) {
    const { tls } = await makeKeys({ host: '127.0.0.1', clock });
    const { pem, keyHash } = checkRequest(tls.csrPem, tls.keyHash);
    t.same(keyHash, tls.keyHash);
    t.equal(checkRequest(pem.replaceAll('\n', '\r\n'), tls.keyHash).pem, pem);
  }
  const { pem, keyHash } = requestFor();
  t.equal(checkRequest(pem, keyHash).pem, pem, 'and one built by hand');
});

void t.test('any other request is refused', (t) => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { pem, keyHash } = requestFor({ pair });
  const attributes = (hex: string): Buffer => Buffer.from(hex, 'hex');
  const cases: readonly (readonly [string, string])[] = [
    ['another user', requestFor({ pair, name: 'system:admin' }).pem],
    ['a user of the same length', requestFor({ pair, name: 'k3s-daas:Enclave' }).pem],
    ['an organization', requestFor({ pair, organization: 'system:masters' }).pem],
    ['the name as another string type', requestFor({ pair, stringTag: 0x0c }).pem],
    ['an attribute', requestFor({ pair, attributes: attributes('a00b3009060355040a31020c00') }).pem],
    ['something else in their place', requestFor({ pair, attributes: attributes('0500') }).pem],
    ['no attributes field', requestFor({ pair, attributes: Buffer.alloc(0) }).pem],
    ['another version', requestFor({ pair, version: 1 }).pem],
    ['signed by another key', requestFor({ pair, signer: stranger }).pem],
    ['P-384', requestFor({ pair: generateKeyPairSync('ec', { namedCurve: 'P-384' }) }).pem],
    ['two requests', pem + pem],
    ['text before', `x${pem}`],
    ['text after', `${pem}x`],
    ['a certificate', pem.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE')],
    ['nothing', ''],
    ['no DER', pemOf(Buffer.from('nonsense'))],
    ['bytes after it', pemOf(Buffer.concat([derOf(pem), Buffer.from([0])]))],
    ['a length in long form', pemOf(Buffer.concat([Buffer.from([0x30, 0x82, 0]), derOf(pem).subarray(2)]))],
    ['too large', pemOf(Buffer.alloc(4_096, 0x30))],
  ];
  for (const [what, text] of cases) t.throws(() => checkRequest(text, keyHash), refused, what);
  t.throws(() => checkRequest(requestFor({ pair: stranger }).pem, keyHash), {
    code: 'CSR_REFUSED',
    message: /not the TLS key/,
  });
  // Every byte of it, one bit.
  const der = derOf(pem);
  for (let at = 0; at < der.length; at += 1) {
    const bent = Buffer.from(der);
    bent[at] = (bent[at] ?? 0) ^ 1;
    t.throws(() => checkRequest(pemOf(bent), keyHash), refused, `byte ${at}`);
  }
  t.equal(tlv(0x30, Buffer.alloc(0x80)).length, 0x83);
  t.end();
});

void t.test('a certificate is handed over only if it is the one asked for', async (t) => {
  const ca = await createAuthority('test', { days: 30 });
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { pem, keyHash } = requestFor({ pair });
  const publicKey = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const subject = { commonName: 'k3s-daas:enclave' };
  const good = (await clientCertificateFromCsr(ca, pem, { ...subject, days: 7 })).certPem;
  const { notBeforeMs, notAfterMs } = checkCertificate(good, keyHash);
  t.ok(notAfterMs - notBeforeMs >= 7 * 86_400_000);
  const wrong = { code: 'CERTIFICATE_REFUSED' };
  const admin = await clientCertificateFromCsr(ca, pem, { commonName: 'admin' });
  t.throws(() => checkCertificate(admin.certPem, keyHash), wrong);
  const grouped = await clientCertificateFromCsr(ca, pem, { ...subject, organizations: ['system:nodes'] });
  t.throws(() => checkCertificate(grouped.certPem, keyHash), wrong);
  t.throws(() => checkCertificate(good, new Uint8Array(32)), wrong, 'another key');
  const server = await ca.issueFor(publicKey, { ...subject, usages: ['client', 'server'], days: 1 });
  t.throws(() => checkCertificate(server.certPem, keyHash), wrong, 'also for servers');
  const named = await ca.issueFor(publicKey, {
    ...subject,
    usages: ['client'],
    hosts: ['a.example'],
    days: 1,
  });
  t.throws(() => checkCertificate(named.certPem, keyHash), wrong, 'with another name');
  t.throws(() => checkCertificate(ca.certPem, keyHash), wrong);
  t.throws(() => checkCertificate('nonsense', keyHash), wrong);
});

/** An API server that keeps one request, and lies where it is told to. */
function fakeApi(lies: {
  readonly onCreate?: (spec: Record<string, unknown>) => Record<string, unknown>;
  readonly uidAfter?: string;
  readonly certificate: string;
  readonly conditions?: readonly object[];
}): { api: ApiCaller; calls: string[] } {
  const calls: string[] = [];
  const answer = (status: number, body: unknown): Promise<ApiAnswer> =>
    Promise.resolve({ status, body, text: JSON.stringify(body) });
  let kept: Record<string, unknown> = {};
  const api: ApiCaller = (method, path, body) => {
    calls.push(`${method} ${path.split('/').slice(5).join('/')}`);
    if (method === 'POST') {
      const { metadata, spec } = body as { metadata: object; spec: Record<string, unknown> };
      kept = {
        metadata: { ...metadata, uid: 'u1', resourceVersion: '1' },
        spec: lies.onCreate?.(spec) ?? spec,
      };
      return answer(201, kept);
    }
    if (method === 'PUT') return answer(200, kept);
    const status = {
      certificate: Buffer.from(lies.certificate).toString('base64'),
      conditions: lies.conditions,
    };
    const metadata = { ...(kept['metadata'] as object), uid: lies.uidAfter ?? 'u1' };
    return answer(200, { ...kept, metadata, status });
  };
  return { api, calls };
}

void t.test(
  'an API server that holds another request, or signs another, gets no approval and no certificate',
  async (t) => {
    const ca = await createAuthority('test', { days: 30 });
    const { pem, keyHash } = requestFor();
    const request = checkRequest(pem, keyHash);
    const commonName = 'k3s-daas:enclave';
    const certificate = (await clientCertificateFromCsr(ca, pem, { commonName })).certPem;
    const honest = fakeApi({ certificate });
    await kubernetesIssuer(honest.api)(request, signal);
    const name = requestName(request);
    t.same(honest.calls, ['POST ', `PUT ${name}/approval`, `GET ${name}`, `DELETE ${name}`]);

    const swaps: readonly ((spec: Record<string, unknown>) => Record<string, unknown>)[] = [
      (spec) => ({ ...spec, request: Buffer.from(requestFor({ name: 'admin' }).pem).toString('base64') }),
      (spec) => ({ ...spec, request: Buffer.from(requestFor().pem).toString('base64') }),
      (spec) => ({ ...spec, signerName: 'kubernetes.io/kubelet-serving' }),
      (spec) => ({ ...spec, usages: ['client auth', 'server auth'] }),
    ];
    for (const onCreate of swaps) {
      const lying = fakeApi({ certificate, onCreate });
      await t.rejects(kubernetesIssuer(lying.api)(request, signal), { code: 'KUBERNETES_REFUSED' });
      t.notOk(
        lying.calls.some((call) => call.startsWith('PUT')),
        'nothing is approved',
      );
    }
    const replaced = fakeApi({ certificate, uidAfter: 'u2' });
    await t.rejects(kubernetesIssuer(replaced.api)(request, signal), { code: 'KUBERNETES_REFUSED' });
    const denied = fakeApi({ certificate, conditions: [{ type: 'Denied', message: 'no' }] });
    await t.rejects(kubernetesIssuer(denied.api)(request, signal), { message: /was Denied: no/ });
    const other = (await clientCertificateFromCsr(ca, requestFor().pem, { commonName })).certPem;
    const foreign = fakeApi({ certificate: other });
    await t.rejects(kubernetesIssuer(foreign.api)(request, signal), { code: 'CERTIFICATE_REFUSED' });
  },
);

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
}
