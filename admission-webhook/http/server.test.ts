import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, TLSSocket, type PeerCertificate } from 'node:tls';
import { gzipSync } from 'node:zlib';

import { createAuthority, type Authority } from '@k3s-daas/control-plane';
import { pino } from 'pino';
import t from 'tap';

import { lookupFailed } from '../denied.ts';
import { healthy, MemoryChain, MemoryFacts, sealSettings } from '../test/world.ts';
import { decodeReview } from './decode.ts';
import { serveWebhook, type Webhook, type WebhookTls } from './server.ts';
import { followTlsFiles } from './tls-files.ts';

const API_CLIENT = 'kube-apiserver-webhook';
const NOW = Date.UTC(2026, 10, 21);

t.setTimeout(300_000);
let ca: Authority;
let otherCa: Authority;
let agent: Agent;
let client: RequestOptions;

t.before(async () => {
  ca = await createAuthority('webhook-ca');
  otherCa = await createAuthority('other-ca');
  client = await clientOf(ca, API_CLIENT);
  agent = new Agent({ keepAlive: true });
});
t.teardown(() => {
  agent.destroy();
});

async function clientOf(
  authority: Authority,
  commonName: string,
  usages: ('client' | 'server')[] = ['client'],
): Promise<RequestOptions> {
  const { certPem, keyPem } = await authority.issue({ commonName, usages, days: 1 });
  return { cert: certPem, key: keyPem };
}

async function tlsOf(authority: Authority, clientCaPem = authority.certPem): Promise<WebhookTls> {
  const { certPem, keyPem } = await authority.issue({
    commonName: 'webhook',
    usages: ['server'],
    ips: ['127.0.0.1'],
    days: 1,
  });
  return { certPem, keyPem, clientCaPem };
}

async function serve(chain = freshChain(), drainMs = 0, facts = new MemoryFacts()): Promise<Webhook> {
  return serveWebhook({
    chain,
    clock: { now: () => NOW },
    config: {
      allowedClients: [API_CLIENT],
      receiptLifetimeMs: 10_000,
      stakeSnapshotAgeMsMax: 30_000,
      drainMs,
      lookupMsMax: 200,
      seal: sealSettings,
    },
    facts,
    tls: await tlsOf(ca),
    host: '127.0.0.1',
    port: 0,
    log: pino({ level: 'silent' }),
  });
}

function freshChain(): MemoryChain {
  const chain = new MemoryChain();
  chain.set(healthy, NOW);
  return chain;
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly connection: string | undefined;
  readonly peer: PeerCertificate;
}

async function send(
  port: number,
  body: string | Buffer | undefined,
  options: RequestOptions = {},
): Promise<Reply> {
  const req = request({
    host: '127.0.0.1',
    port,
    path: '/validate',
    method: 'POST',
    ca: ca.certPem + otherCa.certPem,
    ...client,
    ...options,
    headers: {
      'content-type': 'application/json',
      ...(options.headers as Record<string, string> | undefined),
    },
  });
  // The server may answer and close before it has read everything.
  req.on('error', () => undefined);
  req.end(body);
  const [res] = (await once(req, 'response')) as [IncomingMessage];
  if (!(res.socket instanceof TLSSocket)) throw new Error('no TLS');
  const peer = res.socket.getPeerCertificate();
  return { status: res.statusCode ?? 0, connection: res.headers.connection, peer, body: await text(res) };
}

/** As kube-apiserver 1.36.3 sends it (apiserver pkg/admission/plugin/webhook/request), shortened in the pod. */
function reviewOf(more: object = {}, request: object = {}): string {
  return JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      resource: { group: '', version: 'v1', resource: 'pods' },
      requestKind: { group: '', version: 'v1', kind: 'Pod' },
      requestResource: { group: '', version: 'v1', resource: 'pods' },
      name: 'web',
      namespace: 'shop',
      operation: 'CREATE',
      userInfo: { username: 'tenant', groups: ['system:authenticated'] },
      object: {
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: { name: 'web', namespace: 'shop', creationTimestamp: null },
        spec: { schedulerName: 'k3s-daas-scheduler', containers: [] },
        status: {},
      },
      oldObject: null,
      dryRun: false,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
      ...request,
    },
    ...more,
  });
}

const foreignPod = { object: { metadata: { name: 'web' }, spec: { schedulerName: 'default-scheduler' } } };

void t.test('the AdmissionReview contract', async (t) => {
  const webhook = await serve();
  t.teardown(() => webhook.close());
  const allowed = await send(webhook.port, reviewOf());
  t.equal(allowed.status, 200);
  t.same(JSON.parse(allowed.body), {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true },
  });
  const denied = await send(webhook.port, reviewOf({}, foreignPod));
  t.equal(denied.status, 200, 'a denial is an answer');
  t.same(JSON.parse(denied.body), {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
      allowed: false,
      status: {
        status: 'Failure',
        code: 403,
        reason: 'Forbidden',
        message:
          'POD_SCHEDULER_WRONG: spec.schedulerName is "default-scheduler", and only k3s-daas-scheduler places pods here; ' +
          'set spec.schedulerName: k3s-daas-scheduler in the pod or its template',
      },
    },
  });
  const padded = reviewOf({}, { options: { padding: 'x'.repeat(9 * 1024 * 1024) } });
  t.equal((await send(webhook.port, padded)).status, 200, '9 MiB');
  const metrics = await send(webhook.port, undefined, { path: '/metrics', method: 'GET' });
  t.match(metrics.body, /daas_admission_reviews_total\{subject="CREATE pods",code="POD_SCHEDULER_WRONG"\} 1/);
  t.match(metrics.body, /daas_admission_snapshot_age_seconds 0/);
});

void t.test('mutation', async (t) => {
  const facts = new MemoryFacts();
  const webhook = await serve(freshChain(), 0, facts);
  t.teardown(() => webhook.close());
  const mutate = async (request: object): Promise<Record<string, unknown>> => {
    const { status, body } = await send(webhook.port, reviewOf({}, request), { path: '/mutate' });
    t.equal(status, 200);
    return (JSON.parse(body) as { response: Record<string, unknown> }).response;
  };
  const uid = '705ab4f5-6393-11e8-b7cc-42010a800002';
  t.same(await mutate({}), { uid, allowed: true }, 'nothing to do: neither patch nor type');
  const { patch, ...rest } = await mutate({
    object: { metadata: { name: 'web' }, spec: { containers: [] } },
  });
  t.same(rest, { uid, allowed: true, patchType: 'JSONPatch' });
  t.same(JSON.parse(Buffer.from(String(patch), 'base64').toString()), [
    { op: 'add', path: '/spec/schedulerName', value: 'k3s-daas-scheduler' },
  ]);

  const optional = { secretKeyRef: { name: 'gone', key: 'k', optional: true } };
  const container = { name: 'c', image: 'i', env: [{ name: 'X', valueFrom: optional }] };
  const object = {
    metadata: { name: 'web' },
    spec: { schedulerName: 'k3s-daas-scheduler', containers: [container] },
  };
  const dropped = await mutate({ object });
  t.equal(dropped['allowed'], true);
  t.match(dropped['warnings'], [/gone/], 'what is left out is said');
  const required = {
    ...object,
    spec: { ...object.spec, volumes: [{ name: 'v', secret: { secretName: 'gone' } }] },
  };
  const refused = await mutate({ object: required });
  t.match(refused, { uid, allowed: false, status: { code: 403, message: /^SECRET_NOT_FOUND: / } });
  t.notOk('patch' in refused);
  t.match(
    await mutate({ operation: 'DELETE' }),
    { allowed: false, status: { message: /^REVIEW_UNEXPECTED/ } },
    'a patch on DELETE would be an error',
  );
  const system = { namespace: 'kube-system', object: { spec: {} } };
  t.same(await mutate(system), { uid, allowed: true }, 'exempt');
  const { body } = await send(webhook.port, undefined, { path: '/metrics', method: 'GET' });
  t.match(body, /daas_admission_reviews_total\{subject="mutate CREATE pods",code="SECRET_NOT_FOUND"\} 1/);
});

void t.test(
  'a review does not wait long for the cluster, and is not allowed for want of an answer',
  async (t) => {
    const facts = new MemoryFacts();
    const webhook = await serve(freshChain(), 0, facts);
    t.teardown(() => webhook.close());
    const volume = { name: 'v', secret: { secretName: 'db' } };
    const spec = { schedulerName: 'k3s-daas-scheduler', containers: [], volumes: [volume] };
    const review = reviewOf({}, { object: { metadata: { name: 'web' }, spec } });
    const exec = reviewOf({}, { operation: 'CONNECT', subResource: 'exec', object: {} });
    const unanswered = /"allowed":false.*"code":503.*"reason":"ServiceUnavailable".*LOOKUP_FAILED/;
    facts.failure = 'hangs';
    const began = performance.now();
    const replies = await Promise.all([
      send(webhook.port, reviewOf()),
      send(webhook.port, review, { path: '/mutate' }),
      send(webhook.port, exec),
    ]);
    for (const { status, body } of replies) {
      t.equal(status, 200, 'an answer, not a timeout');
      t.match(body, unanswered);
    }
    const took = performance.now() - began;
    // The API server gives up after 5 s.
    t.ok(took > 150 && took < 4_500, `${took} ms`);
    facts.failure = lookupFailed('the API server says 429');
    t.match((await send(webhook.port, reviewOf())).body, unanswered);
    facts.failure = new Error('a defect');
    t.match(
      await send(webhook.port, reviewOf()),
      { status: 500, body: /^REVIEW_FAILED/ },
      'any non-200 denies',
    );
  },
);

void t.test('only the API server may call', async (t) => {
  const webhook = await serve();
  t.teardown(() => webhook.close());
  const nobody = { cert: undefined, key: undefined };
  const cases: readonly (readonly [string, RequestOptions, number])[] = [
    ['its certificate', {}, 200],
    ['none', nobody, 401],
    ['another name', await clientOf(ca, 'somebody'), 401],
    ['the name from another authority', await clientOf(otherCa, API_CLIENT), 401],
    ['a server certificate of that name', await clientOf(ca, API_CLIENT, ['server']), 401],
    ['a name that contains it', await clientOf(ca, `${API_CLIENT},CN=x`), 401],
    ['a name in a header', { ...nobody, headers: { 'x-remote-user': API_CLIENT } }, 401],
  ];
  for (const [name, options, status] of cases)
    t.equal((await send(webhook.port, reviewOf(), options)).status, status, name);
  const { body } = await send(webhook.port, reviewOf(), nobody);
  t.match(body, /^CLIENT_UNKNOWN: .*admission-control-config-file/);
  for (const path of ['/livez', '/readyz', '/metrics']) {
    t.equal(
      (await send(webhook.port, undefined, { ...nobody, path, method: 'GET' })).status,
      200,
      `${path} is open`,
    );
    t.equal((await send(webhook.port, reviewOf(), { ...nobody, path })).status, 401, `POST ${path} is not`);
  }
  for (const path of ['/validate/', '//validate', '/VALIDATE', '/livez/../validate', '/mutate']) {
    t.equal((await send(webhook.port, reviewOf({}, foreignPod), { ...nobody, path })).status, 401, path);
  }
  t.equal((await send(webhook.port, reviewOf(), { path: '/mutated' })).status, 404);
});

void t.test('bodies', async (t) => {
  const webhook = await serve();
  t.teardown(() => webhook.close());
  const nested = (depth: number): string =>
    reviewOf({}, { options: JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as unknown });
  const bad = (patch: object): string => reviewOf({}, patch);
  const cases: readonly (readonly [string, string | Buffer, number, RegExp, RequestOptions?])[] = [
    ['text', reviewOf(), 415, /^CONTENT_TYPE_WRONG/, { headers: { 'content-type': 'text/plain' } }],
    ['yaml', reviewOf(), 415, /^CONTENT_TYPE_WRONG/, { headers: { 'content-type': 'application/yaml' } }],
    ['gzip', gzipSync(reviewOf()), 415, /REVIEW_FAILED/, { headers: { 'content-encoding': 'gzip' } }],
    ['empty', '', 400, /^JSON_MALFORMED/],
    ['not JSON', '{', 400, /^JSON_MALFORMED/],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400, /^JSON_MALFORMED/],
    ['nested 126 deep in a request that is 2 deep', nested(126), 200, /"allowed":true/],
    ['nested deeper', nested(127), 400, /^JSON_TOO_DEEP/],
    ['nested very deep', '['.repeat(1_000_000), 400, /^JSON_TOO_DEEP/],
    [
      'brackets in strings are no nesting',
      bad({ options: { a: '[{'.repeat(500), '\\"[': '\\' } }),
      200,
      /"allowed":true/,
    ],
    [
      'nor after a quote in a string',
      bad({ options: { a: `"${'['.repeat(500)}`, b: '\\' } }),
      200,
      /"allowed":true/,
    ],
    ['a key twice', '{"a":1,"b":{"a":1,"c":[{"d":1},{"d":1}]},"a":2}', 400, /^JSON_DUPLICATE_KEY.*"a" twice/],
    ['twice deeper', bad({ object: {} }).replace('{}', '{"spec":{"x":1,"y":[{}],"x":2}}'), 400, /"x" twice/],
    [
      'twice, of which one is escaped',
      bad({}).replace('"namespace":"shop"', '"namespace":"shop","namesp\\u0061ce":"kube-system"'),
      400,
      /^JSON_DUPLICATE_KEY.*"namespace" twice/,
    ],
    [
      '__proto__ twice',
      bad({}).replace('"spec":{', '"__proto__":{},"spec":{"__proto__":1,"__proto__":2,'),
      400,
      /"__proto__" twice/,
    ],
    [
      'the same text as key and value',
      bad({ options: { a: 'a', b: ['a', 'a', 'b'], c: { a: 'c' } } }),
      200,
      /"allowed":true/,
    ],
    ['more than 16 MiB', bad({ options: 'x'.repeat(16 * 1024 * 1024) }), 413, /^BODY_TOO_LARGE/],
    ['v1beta1', reviewOf({ apiVersion: 'admission.k8s.io/v1beta1' }), 400, /^REVIEW_MALFORMED.*apiVersion/],
    ['another kind', reviewOf({ kind: 'Pod' }), 400, /^REVIEW_MALFORMED.*kind/],
    ['no request', reviewOf({ request: undefined }), 400, /^REVIEW_MALFORMED.*request/],
    ['no uid', bad({ uid: '' }), 400, /^REVIEW_MALFORMED.*uid/],
    ['no resource', bad({ resource: {} }), 400, /^REVIEW_MALFORMED.*resource/],
    ['unknown operation', bad({ operation: 'READ' }), 400, /^REVIEW_MALFORMED.*operation/],
    ['no user', bad({ userInfo: null }), 400, /^REVIEW_MALFORMED.*userInfo/],
    ['object is no pod', bad({ object: { spec: 1 } }), 200, /"code":400.*OBJECT_MALFORMED/],
    // JSON.parse makes an own property of it, and no prototype.
    [
      '__proto__',
      reviewOf({}, foreignPod).replace(
        '"spec":{',
        '"__proto__":{"spec":{"schedulerName":"k3s-daas-scheduler"}},"spec":{',
      ),
      200,
      /POD_SCHEDULER_WRONG/,
    ],
    [
      'no spec, but a prototype with one',
      bad({ object: {} }).replace(
        '"object":{}',
        '"object":{"__proto__":{"metadata":{},"spec":{"schedulerName":"k3s-daas-scheduler"}}}',
      ),
      200,
      /OBJECT_MALFORMED/,
    ],
    [
      'exempt by a prototype',
      bad({ ...foreignPod, namespace: undefined }).replace(
        '"request":{',
        '"request":{"__proto__":{"namespace":"kube-system"},',
      ),
      200,
      /POD_SCHEDULER_WRONG/,
    ],
  ];
  for (const [name, body, status, expected, options] of cases) {
    const reply = await send(webhook.port, body, options);
    t.equal(reply.status, status, name);
    t.match(reply.body, expected, name);
  }
  t.equal(decodeReview(Buffer.from(reviewOf())).user.name, 'tenant');
});

void t.test('a body that does not come does not hold others', async (t) => {
  const webhook = await serve();
  t.teardown(() => webhook.close());
  const slowly = async (path: string): Promise<string> => {
    const slow = connect({
      host: '127.0.0.1',
      port: webhook.port,
      ca: ca.certPem,
      ...(client as { cert: string; key: string }),
    });
    await once(slow, 'secureConnect');
    slow.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    );
    return text(slow);
  };
  const began = performance.now();
  const answers = ['/validate', '/mutate'].map(slowly);
  t.equal((await send(webhook.port, reviewOf())).status, 200);
  for (const answer of await Promise.all(answers)) t.match(answer, /^HTTP\/1\.1 408/, 'given up on');
  t.ok(performance.now() - began < 20_000);
});

void t.test(
  'readiness follows the chain and the watches, reviews of pods do not wait for them',
  async (t) => {
    const chain = new MemoryChain();
    const facts = new MemoryFacts();
    const webhook = await serve(chain, 0, facts);
    t.teardown(() => webhook.close());
    const ready = (): Promise<Reply> => send(webhook.port, undefined, { path: '/readyz', method: 'GET' });
    const first = await ready();
    t.equal(first.status, 503);
    t.match(first.body, /^SNAPSHOT_MISSING/);
    t.equal((await send(webhook.port, reviewOf())).status, 200);
    chain.set(healthy, NOW);
    t.equal((await ready()).status, 200);
    facts.news = 'nothing was heard of secrets for 60000 ms';
    t.match(await ready(), { status: 503, body: /^LOOKUP_FAILED.*nothing was heard of secrets/ });
    facts.news = null;
    chain.set(healthy, NOW - 30_001);
    t.match((await ready()).body, /^SNAPSHOT_STALE/);
  },
);

void t.test('certificates change without a dropped call', async (t) => {
  const webhook = await serve();
  t.teardown(() => webhook.close());
  const before = await send(webhook.port, reviewOf(), { agent });
  t.equal(before.status, 200);
  t.equal(before.connection, 'keep-alive');
  const newClient = await clientOf(otherCa, API_CLIENT);
  webhook.setTls(await tlsOf(otherCa, otherCa.certPem));
  const old = await send(webhook.port, reviewOf(), { agent });
  t.equal(old.status, 200, 'the open connection gets its answer');
  t.equal(old.connection, 'close', 'and ends with it, so that the old authority counts no longer');
  t.equal((await send(webhook.port, reviewOf(), { agent })).status, 401, 'old client on a new connection');
  const fresh = await send(webhook.port, reviewOf(), newClient);
  t.equal(fresh.status, 200, 'new client');
  t.equal(fresh.peer.issuer.CN, 'other-ca', 'new server certificate');
  t.throws(() => {
    webhook.setTls({ certPem: 'x', keyPem: 'x', clientCaPem: 'x' });
  }, 'a broken certificate is refused');
  const whole = await tlsOf(otherCa, otherCa.certPem);
  for (const part of ['certPem', 'keyPem', 'clientCaPem'] as const)
    t.throws(() => {
      webhook.setTls({ ...whole, [part]: '' });
    }, `a file that is being written: ${part}`);
  t.equal((await send(webhook.port, reviewOf(), newClient)).status, 200, 'and changes nothing');
});

void t.test('certificate files are followed', async (t) => {
  const webhook = await serve();
  t.teardown(() => webhook.close());
  const dir = t.testdir();
  const files = {
    certFile: join(dir, 'tls.crt'),
    keyFile: join(dir, 'tls.key'),
    clientCaFile: join(dir, 'ca.crt'),
  };
  const issuer = async (options?: RequestOptions): Promise<string> => {
    const { status, peer } = await send(webhook.port, reviewOf(), options);
    return `${status} ${peer.issuer.CN}`;
  };
  const tls = await tlsOf(ca);
  const stop = followTlsFiles({ webhook, files, tls, log: pino({ level: 'silent' }), everyMs: 10 });
  t.teardown(stop);
  const next = await tlsOf(otherCa, ca.certPem + otherCa.certPem);
  for (const empty of Object.values(files)) await writeFile(empty, '');
  await sleep(50);
  t.equal(await issuer(), '200 webhook-ca', 'files that are being written are not taken');
  await writeFile(files.certFile, next.certPem);
  await writeFile(files.keyFile, tls.keyPem);
  await writeFile(files.clientCaFile, next.clientCaPem);
  await sleep(50);
  t.equal(await issuer(), '200 webhook-ca', 'certificate and key that do not belong together are not taken');
  await writeFile(files.keyFile, next.keyPem);
  for (let tries = 0; tries < 1_000 && (await issuer()) !== '200 other-ca'; tries++) await sleep(10);
  t.equal(await issuer(), '200 other-ca', 'taken when they do');
  t.equal(await issuer(await clientOf(otherCa, API_CLIENT)), '200 other-ca', 'both client authorities count');
});

void t.test('draining', async (t) => {
  // Time enough for two calls, one of them over a new connection, on a machine with much else to do.
  const webhook = await serve(freshChain(), 3_000);
  const open = await send(webhook.port, reviewOf(), { agent });
  t.equal(open.status, 200);
  const closing = webhook.close();
  const ready = await send(webhook.port, undefined, { path: '/readyz', method: 'GET' });
  t.match([ready.status, ready.body], [503, /^DRAINING/]);
  const last = await send(webhook.port, reviewOf(), { agent });
  t.match([last.status, last.connection], [200, 'close'], 'still answers, and says goodbye');
  await closing;
  await t.rejects(send(webhook.port, reviewOf()), 'closed');
});
