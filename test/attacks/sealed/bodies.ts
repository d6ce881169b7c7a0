/** Family 10: the webhook is called by others than the API server, and with bodies that are none. */
import { connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';

import { codeOf, refusedByTls, send, type Call, type Credentials } from '../http.ts';
import { rows, type Family } from './cases.ts';
import { admin, APP, plainPod, sealedPod, tenant, type SealedWorld } from './world.ts';

const review = (change: object = {}, request: object = {}): object => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'r1',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    name: 'x',
    namespace: APP,
    operation: 'CREATE',
    userInfo: { username: 'tenant', groups: [] },
    object: sealedPod('x'),
    oldObject: null,
    dryRun: false,
    options: null,
    ...request,
  },
  ...change,
});

export const bodies: Family = {
  name: 'calls that are no reviews',
  async prepare(world) {
    const apiServer = await world.authority.issue({
      commonName: 'k3s-daas:api-server',
      usages: ['client'],
      days: 1,
    });
    const stranger = await world.authority.issue({ commonName: 'stranger', usages: ['client'], days: 1 });
    const clusterUser = await world.credentials({ user: 'k3s-daas:api-server' });
    const call =
      (by: Credentials, body: unknown, more: Partial<Call> = {}, path = '/validate') =>
      async () =>
        refusedByTls(async () =>
          codeOf(
            await send(`${world.webhookUrl}${path}`, world.authority.certPem, by, {
              method: 'POST',
              body,
              ...more,
            }),
          ),
        );
    const nested = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
    const deep = JSON.stringify(review()).replace('"dryRun":', `"nested":${nested},"dryRun":`);
    const twice = JSON.stringify(review()).replace(
      '"operation":"CREATE"',
      '"operation":"DELETE","operation":"CREATE"',
    );
    const body = (text: unknown, more: Partial<Call> = {}, path?: string) =>
      call(apiServer, text, more, path);
    return {
      controls: [{ name: 'a review by the API server', act: body(review()) }],
      attacks: rows('call', [
        ['without a certificate', 'CLIENT_UNKNOWN', call({}, review())],
        ["with a stranger's certificate", 'CLIENT_UNKNOWN', call(stranger, review())],
        [
          "with the API server's name, of the cluster's authority",
          'CLIENT_UNKNOWN',
          call(clusterUser, review()),
        ],
        ['by TLS 1.2', 'TLS', call(apiServer, review(), { maxVersion: 'TLSv1.2' })],
        ['to mutate, without a certificate', 'CLIENT_UNKNOWN', call({}, review(), {}, '/mutate')],
        ['of text', 'CONTENT_TYPE_WRONG', body('x', { type: 'text/plain' })],
        ['of protobuf', 'CONTENT_TYPE_WRONG', body('x', { type: 'application/vnd.kubernetes.protobuf' })],
        ['of compressed JSON', 'CONTENT_TYPE_WRONG|415', compressed(body)],
        ['of no JSON', 'JSON_MALFORMED', body('{')],
        ['of no review', 'REVIEW_MALFORMED', body({})],
        ['of an older review', 'REVIEW_MALFORMED', body(review({ apiVersion: 'admission.k8s.io/v1beta1' }))],
        ['of a review without a request', 'REVIEW_MALFORMED', body({ ...review(), request: null })],
        ['that nests deep', 'JSON_TOO_DEEP', body(deep)],
        ['with a key twice', 'JSON_DUPLICATE_KEY', body(twice)],
        [
          'with a key twice, in another spelling',
          'JSON_DUPLICATE_KEY',
          body(twice.replace('"operation":"C', '"\\u006fperation":"C')),
        ],
        ['that is too large', 'BODY_TOO_LARGE', body(`{"x":"${'x'.repeat(17 * 1024 * 1024)}"}`)],
        ['to another path', 'ROUTE_UNKNOWN', body(review(), {}, '/admit')],
        [
          'that changes nodes',
          'REVIEW_UNEXPECTED',
          judged(world, apiServer, '/mutate', { resource: { group: '', version: 'v1', resource: 'nodes' } }),
        ],
        [
          'about what nobody asked',
          'REVIEW_UNEXPECTED',
          judged(world, apiServer, '/validate', { resource: { group: 'x', version: 'v1', resource: 'y' } }),
        ],
        [
          'about a pod that is none',
          'OBJECT_MALFORMED',
          judged(world, apiServer, '/validate', { object: { metadata: {}, spec: [] } }),
        ],
        [
          'about a pod with __proto__',
          'SECRETS_REQUIRED',
          judged(world, apiServer, '/validate', { object: polluted() }),
        ],
        ['about nothing', 'OBJECT_MALFORMED', judged(world, apiServer, '/validate', { object: null })],
        ['that never ends', 'closed', () => slow(world, apiServer)],
      ]),
    };
  },
};

/** The answer of a review, which is 200 also if it denies. */
export function judged(
  world: SealedWorld,
  by: Credentials,
  path: string,
  request: object,
): () => Promise<string> {
  return async () => {
    const call: Call = { method: 'POST', body: typeof request === 'string' ? request : review({}, request) };
    const { text } = await send(`${world.webhookUrl}${path}`, world.authority.certPem, by, call);
    const denied = /"message":"([A-Z_]+): /.exec(text);
    return denied?.[1] ?? 'accepted';
  };
}

/** A pod whose prototype would say that it has what it lacks. */
function polluted(): object {
  const text = JSON.stringify(plainPod('x')).replace(
    '"spec":{',
    '"spec":{"__proto__":{"initContainers":[]},',
  );
  return JSON.parse(text) as object;
}

const compressed = (body: (text: unknown, more?: Partial<Call>) => () => Promise<string>) => async () => {
  const verdict = await body('x', { headers: { 'content-encoding': 'gzip' } })();
  return verdict === 'CONTENT_TYPE_WRONG' || verdict === 'REVIEW_FAILED' ? 'CONTENT_TYPE_WRONG|415' : verdict;
};

/** A body that comes byte by byte holds a connection for 15 s at most. */
async function slow(world: SealedWorld, { certPem, keyPem }: Credentials): Promise<string> {
  const socket = connect({
    host: '127.0.0.1',
    port: Number(new URL(world.webhookUrl).port),
    ca: world.authority.certPem,
    cert: certPem,
    key: keyPem,
  });
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => {
      resolve('closed');
    });
  });
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(
    'POST /validate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{',
  );
  const drip = setInterval(() => socket.write(' '), 500);
  const verdict = await Promise.race([closed, sleep(25_000, 'still open', { ref: false })]);
  clearInterval(drip);
  socket.destroy();
  return verdict;
}

/** Families 11 and 13: the webhook is down, and whoever would take its registration away. */
export const outage: Family = {
  name: 'the webhook is down',
  async prepare(world) {
    await world.stopWebhook();
    const DOWN = '500 InternalError';
    const create =
      (path: string, body: object, by = tenant) =>
      () =>
        world.create(by, path, body);
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    return {
      controls: [
        {
          name: 'a pod of an exempt namespace',
          act: create(
            '/api/v1/namespaces/kube-system/pods?dryRun=All',
            { ...plainPod('system'), spec: { containers: [{ name: 'c', image: 'i' }] } },
            admin,
          ),
        },
      ],
      attacks: rows('down', [
        ['a pod', DOWN, create(`/api/v1/namespaces/${APP}/pods`, plainPod('down'))],
        [
          'a plain Secret',
          DOWN,
          create(`/api/v1/namespaces/${APP}/secrets`, { metadata: { name: 'down' }, stringData: { a: 'b' } }),
        ],
        [
          'a template',
          DOWN,
          create(`/apis/apps/v1/namespaces/${APP}/deployments`, {
            metadata: { name: 'down' },
            spec: { selector: { matchLabels: { a: 'b' } }, template },
          }),
        ],
        [
          'a token for the broker',
          DOWN,
          create(`/api/v1/namespaces/${APP}/serviceaccounts/api/token`, {
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'TokenRequest',
            spec: { audiences: ['k3s-daas.io/broker'] },
          }),
        ],
        [
          'exec',
          DOWN,
          () =>
            world.attempt(admin, `/api/v1/namespaces/${APP}/pods/x/exec?command=id&stdout=true`, {
              method: 'POST',
            }),
        ],
        [
          'a looser namespace',
          'NAMESPACE_MODE_FORBIDDEN',
          create('/api/v1/namespaces', {
            metadata: { name: 'down', labels: { 'k3s-daas.io/secrets': 'references' } },
          }),
        ],
      ]),
    };
  },
  restore: (world) => world.startWebhook(),
};
