import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';

import { createAuthority, type Authority } from '@k3s-daas/control-plane';
import fc from 'fast-check';
import { pino } from 'pino';
import t from 'tap';

import { binder } from './binder.ts';
import { kubeClient, type KubeClient } from './client.ts';
import { KubeError } from './errors.ts';
import { lines } from './lines.ts';
import { kubeView } from './view.ts';
import { watchList, type WatchLimits, type WatchedList } from './watch-list.ts';

type Answer = (response: ServerResponse, request: IncomingMessage, body: string) => void;

/** An HTTPS server that answers each request with the next scripted answer of its path; the last one repeats. */
interface Scripted {
  readonly url: string;
  readonly requests: { readonly method: string; readonly url: string; readonly body: string }[];
  readonly clients: string[];
  script(path: string, ...answers: Answer[]): void;
  close(): Promise<void>;
}

async function scripted(ca: Authority): Promise<Scripted> {
  const { certPem: cert, keyPem: key } = await ca.issue({
    commonName: 'api',
    usages: ['server'],
    ips: ['127.0.0.1'],
    days: 1,
  });
  const answers = new Map<string, Answer[]>();
  const requests: Scripted['requests'] = [];
  const clients: string[] = [];
  const tls = { cert, key, ca: ca.certPem, requestCert: true, rejectUnauthorized: true };
  const server: Server = createServer(tls, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const url = request.url ?? '';
      requests.push({ method: request.method ?? '', url, body });
      if (request.socket instanceof TLSSocket) clients.push(request.socket.getPeerCertificate().subject.CN);
      const queue = answers.get(url.split('?')[0] ?? '') ?? [];
      const answer = queue.length > 1 ? queue.shift() : queue[0];
      if (answer === undefined) response.writeHead(404).end('{}');
      else answer(response, request, body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    clients,
    script: (path, ...list) => answers.set(path, list),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const QUICK: Partial<WatchLimits> = { backoffMsMin: 5, backoffMsMax: 20 };
const silent = pino({ enabled: false });
const clock = { now: () => Date.now() };

const event = (type: string, object: unknown): string => `${JSON.stringify({ type, object })}\n`;
const thing = (name: string, uid: string, resourceVersion: string): object => ({
  metadata: { name, namespace: 'a', uid, resourceVersion },
});
const end = (resourceVersion: string): string =>
  event('BOOKMARK', { metadata: { resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } } });
const bookmark = (resourceVersion: string): string => event('BOOKMARK', { metadata: { resourceVersion } });

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const ca = await createAuthority('test CA');
const certificate = await ca.issue({ commonName: 'k3s-daas:enclave', usages: ['client'], days: 1 });
const client = (server: Scripted, deadlineMs = 60_000): KubeClient =>
  kubeClient({
    server: server.url,
    ca: ca.certPem,
    cert: () => certificate.certPem,
    key: certificate.keyPem,
    deadlineMs,
  });

interface Item {
  readonly uid: string;
  readonly version: string;
}

const watchOf = (kube: KubeClient, limits: Partial<WatchLimits> = QUICK): WatchedList<Item> =>
  watchList<Item>({
    client: kube,
    path: '/things',
    key: ({ name }) => name,
    project: (object, { uid, resourceVersion }) => {
      if ((object as { broken?: boolean }).broken === true) throw new Error('broken');
      return { uid, version: resourceVersion };
    },
    clock,
    random: () => 0.5,
    log: silent,
    limits,
  });

void t.test('a watch', async (t) => {
  const server = await scripted(ca);
  const kube = client(server);
  t.teardown(async () => {
    kube.close();
    await server.close();
  });
  const queryOf = (i: number): URLSearchParams =>
    new URLSearchParams(server.requests[i]?.url.split('?')[1] ?? '');

  await t.test('is synced at the bookmark, resumes where it was, relists after 410', async (t) => {
    server.requests.length = 0;
    let finish = (): void => undefined;
    server.script(
      '/things',
      (response) => {
        response.write(event('ADDED', thing('one', 'u1', '5')) + event('ADDED', thing('two', 'u2', '3')));
        // An event that arrives in pieces, cut inside a character of two bytes.
        const line = Buffer.from(
          event('ADDED', {
            metadata: { name: 'drei', uid: 'u3', resourceVersion: '9', labels: { x: 'ü'.repeat(9) } },
          }),
        );
        const cut = line.indexOf(Buffer.from('ü')) + 1;
        response.write(line.subarray(0, cut));
        finish = () => {
          response.write(line.subarray(cut));
          response.write(
            end('10') +
              event('MODIFIED', thing('one', 'u1', '11')) +
              event('MODIFIED', thing('one', 'u1', '11')),
          );
          response.write(event('DELETED', thing('two', 'u2', '12')) + bookmark('20'));
          // The connection breaks in the middle of a line: half an event is none.
          response.write(event('ADDED', thing('half', 'u9', '21')).slice(0, 30), () => response.destroy());
        };
      },
      (response) => {
        // Deleted while disconnected: the resumed watch tells. An old life of a name does not end the new one.
        response.write(
          event('DELETED', thing('drei', 'u3', '22')) + event('ADDED', thing('drei', 'u4', '23')),
        );
        response.write(event('DELETED', thing('drei', 'u3', '24')));
        response.end(
          event('ERROR', {
            kind: 'Status',
            code: 410,
            reason: 'Expired',
            message: 'too old resource version',
          }),
        );
      },
      (response) => {
        // `one` went while nobody looked.
        response.write(event('ADDED', thing('drei', 'u4', '23')) + end('30'));
        response.end();
      },
      (response) => {
        response.writeHead(410).end(JSON.stringify({ kind: 'Status', code: 410, message: 'gone' }));
      },
      (response) => {
        response.write(event('ADDED', thing('last', 'u7', '31')) + end('40'));
      },
    );
    const watch = watchOf(kube);
    t.teardown(() => watch.close());
    await until('first objects', () => watch.items.size === 2);
    t.equal(watch.status().synced, false, 'not before the bookmark');
    t.equal(watch.status().connected, false);
    finish();
    await until('the whole script', () => watch.items.has('last') && watch.status().connected);
    t.same([...watch.items.keys()], ['last']);
    t.equal(watch.status().lists, 3);
    t.match(watch.status(), { synced: true, lagMs: 0, objects: 1, refused: 0, lastError: null });

    t.same(Object.fromEntries(queryOf(0)), {
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: '450',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
    });
    t.equal(queryOf(1).get('resourceVersion'), '20', 'resumes from the last bookmark');
    t.notOk(queryOf(1).has('sendInitialEvents'));
    t.equal(queryOf(2).get('sendInitialEvents'), 'true', 'lists after an ERROR event');
    t.equal(queryOf(3).get('resourceVersion'), '30');
    t.equal(queryOf(4).get('sendInitialEvents'), 'true', 'lists after status 410');
  });

  await t.test('version grows with the set of objects, not with their changes', async (t) => {
    let send: (text: string) => void = () => undefined;
    server.script('/things', (response) => {
      response.write(event('ADDED', thing('one', 'u1', '1')) + end('2'));
      send = (text) => response.write(text);
    });
    const watch = watchOf(kube);
    t.teardown(() => watch.close());
    const seen = async (line: string, version: string): Promise<number> => {
      send(line);
      await until(line, () => watch.items.get('one')?.version === version);
      return watch.version;
    };
    await until('sync', () => watch.status().synced);
    const before = watch.version;
    t.equal(await seen(event('MODIFIED', thing('one', 'u1', '3')), '3'), before);
    t.equal(await seen(event('ADDED', thing('one', 'u2', '4')), '4'), before + 1, 'another UID');
    send(event('DELETED', thing('one', 'u1', '5')) + event('ADDED', thing('mark', 'm', '6')));
    await until('the mark', () => watch.items.has('mark'));
    t.same(
      watch.items.get('one'),
      { uid: 'u2', version: '4' },
      'the end of an old life is not the end of the new one',
    );
    send(event('DELETED', thing('mark', 'm', '7')) + event('DELETED', thing('one', 'u2', '8')));
    await until('deletion', () => watch.items.size === 0);
    t.equal(watch.version, before + 4);
  });

  await t.test('a list that breaks off is begun again: its objects come in any order', async (t) => {
    server.requests.length = 0;
    server.script(
      '/things',
      (response) => {
        response.write(event('ADDED', thing('one', 'u1', '9')), () => response.destroy());
      },
      (response) => response.write(event('ADDED', thing('two', 'u2', '3')) + end('10')),
    );
    const watch = watchOf(kube);
    t.teardown(() => watch.close());
    await until('sync', () => watch.status().synced);
    t.equal(queryOf(1).get('sendInitialEvents'), 'true');
    t.notOk(queryOf(1).has('resourceVersion'));
    t.same([...watch.items.keys()], ['two']);
  });

  await t.test('an object that cannot be projected is left out, and its older facts too', async (t) => {
    server.script('/things', (response) => {
      response.write(
        event('ADDED', thing('good', 'u1', '1')) + event('ADDED', thing('bad', 'u2', '1')) + end('2'),
      );
      response.write(event('MODIFIED', { ...thing('bad', 'u2', '3'), broken: true }));
    });
    const watch = watchOf(kube);
    t.teardown(() => watch.close());
    await until('refusal', () => watch.status().refused === 1);
    t.same([...watch.items.keys()], ['good']);
    t.equal(watch.status().connected, true, 'and the watch goes on');
  });

  for (const [name, bad] of [
    ['no JSON', '{"type":"ADDED","object":\n'],
    ['an event of an unknown type', event('SURPRISE', thing('x', 'u', '1'))],
    ['an object without uid', event('ADDED', { metadata: { name: 'x', resourceVersion: '1' } })],
    ['a line beyond the limit', event('ADDED', { ...thing('x', 'u', '1'), fill: 'x'.repeat(5_000) })],
    ['endless without a line end', 'x'.repeat(5_000)],
  ] as const) {
    await t.test(`lists again after ${name}`, async (t) => {
      server.requests.length = 0;
      server.script(
        '/things',
        (response) => {
          response.write(event('ADDED', thing('one', 'u1', '1')) + end('2') + bad);
        },
        (response) => {
          response.write(event('ADDED', thing('two', 'u2', '1')) + end('3'));
        },
      );
      const watch = watchOf(kube, { ...QUICK, lineBytesMax: 4_096 });
      t.teardown(() => watch.close());
      await until('the second list', () => watch.status().lists === 2);
      t.same([...watch.items.keys()], ['two']);
      t.equal(queryOf(1).get('sendInitialEvents'), 'true');
    });
  }

  await t.test('silence ends a session; failures in a row lead to a new list', async (t) => {
    server.requests.length = 0;
    const refuse: Answer = (response) => response.writeHead(500).end('{"message":"etcd is away"}');
    server.script(
      '/things',
      (response) => response.write(event('ADDED', thing('one', 'u1', '1')) + end('7')),
      (response) => response.write(bookmark('8')),
      refuse,
      refuse,
      (response) => response.write(end('9')),
    );
    // Long enough for what was sent to be there on a busy machine, and a pause in which the error is seen.
    const watch = watchOf(kube, { backoffMsMin: 50, backoffMsMax: 100, idleMsMax: 2_000 });
    t.teardown(() => watch.close());
    await until('an error', () => watch.status().lastError !== null);
    t.match(watch.status().lastError, /^KUBE_TIMEOUT/);
    t.equal(watch.status().synced, true, 'the view stays');
    await until('the second list', () => watch.status().lists === 2);
    t.equal(queryOf(1).get('resourceVersion'), '7');
    t.equal(queryOf(2).get('resourceVersion'), '8');
    t.ok(server.requests.findIndex((_, i) => i > 0 && queryOf(i).has('sendInitialEvents')) <= 4);
    t.equal(watch.items.size, 0, 'what the new list does not name is gone');
  });

  await t.test('ends when closed, whatever it is doing', async (t) => {
    server.script('/things', () => undefined);
    const waiting = watchOf(kube);
    await until('a request', () => server.requests.length > 0);
    await waiting.close();
    t.equal(waiting.status().connected, false);
    const nowhere = kubeClient({
      server: 'https://127.0.0.1:1',
      ca: ca.certPem,
      cert: () => certificate.certPem,
      key: certificate.keyPem,
    });
    const pausing = watchOf(nowhere, { backoffMsMin: 60_000, backoffMsMax: 60_000 });
    await until('a failure', () => pausing.status().lastError !== null);
    t.match(pausing.status(), {
      synced: false,
      lagMs: null,
      lastEventAgeMs: null,
      lastError: /KUBE_UNREACHABLE/,
    });
    await pausing.close();
  });
});

const podJson = (name: string, uid: string, resourceVersion: string, extra: object = {}): object => ({
  metadata: {
    name,
    namespace: 'team',
    uid,
    resourceVersion,
    annotations: { 'k3s-daas.io/receipt': 'r', big: 'b' },
  },
  spec: {
    schedulerName: 'k3s-daas-scheduler',
    serviceAccountName: 'runner',
    containers: [{ name: 'c', resources: { requests: { cpu: '250m', memory: '1Gi' } } }],
    ...extra,
  },
  status: { phase: 'Pending' },
});

void t.test('the view', async (t) => {
  const server = await scripted(ca);
  const kube = client(server);
  let now = 1_000_000;
  let lose = (): void => undefined;
  const once_: Answer = (response) => {
    response.write(
      event('ADDED', podJson('p', 'pod-1', '5')) +
        event('ADDED', { metadata: { name: 'q', namespace: 'team', uid: 'pod-2', resourceVersion: '6' } }) +
        end('10'),
    );
    lose = () => response.destroy();
  };
  server.script('/api/v1/pods', once_, (response) => response.writeHead(503).end('{}'));
  server.script('/api/v1/nodes', (response) => {
    response.write(
      event('ADDED', { metadata: { name: 'n1', uid: 'node-1', resourceVersion: '1' }, status: {} }) +
        end('10'),
    );
  });
  server.script('/api/v1/serviceaccounts', (response) => {
    response.write(
      event('ADDED', {
        metadata: { name: 'runner', namespace: 'team', uid: 'sa-1', resourceVersion: '1' },
      }) + end('10'),
    );
  });
  const view = kubeView({
    client: kube,
    clock: { now: () => now },
    random: Math.random,
    log: silent,
    limits: QUICK,
    lagMsMax: 2_000,
  });
  t.teardown(async () => {
    await view.close();
    kube.close();
    await server.close();
  });
  t.equal(view.synced, false);
  await until('sync', () => view.synced);
  t.match(view.pod('pod-1'), {
    name: 'p',
    namespace: 'team',
    resourceVersion: '5',
    serviceAccount: 'runner',
    requests: { cpuMilli: 250n, memoryBytes: 1n << 30n },
    receipt: 'r',
  });
  t.equal(view.pod('pod-2'), undefined, 'a pod without a spec is left out');
  t.equal([...view.pods()].length, 1);
  t.same(view.node('n1'), { name: 'n1', uid: 'node-1' });
  t.same([...view.nodes()], [{ name: 'n1', uid: 'node-1' }]);
  t.equal(view.nodesVersion, 1);
  t.equal(view.serviceAccountUid('team', 'runner'), 'sa-1');
  t.equal(view.serviceAccountUid('other', 'runner'), undefined);
  t.same(
    view.resources().map(({ path, refused }) => [path, refused]),
    [
      ['/api/v1/pods', 1],
      ['/api/v1/nodes', 0],
      ['/api/v1/serviceaccounts', 0],
    ],
  );

  lose();
  await until('disconnection', () => view.resources()[0]?.connected === false);
  now += 2_000;
  t.equal(view.synced, true, 'a short gap is tolerated');
  now += 1;
  t.equal(view.synced, false, 'a view that was cut off for too long is no view');
  t.equal(view.resources()[0]?.lagMs, 2_001);
  t.ok(view.pod('pod-1'), 'and keeps what it knew');
});

void t.test('the binder', async (t) => {
  const server = await scripted(ca);
  const kube = client(server);
  const impatient = client(server, 400);
  const bind = binder(kube);
  t.teardown(async () => {
    kube.close();
    impatient.close();
    await server.close();
  });
  const path = '/api/v1/namespaces/team/pods/p/binding';
  const request = {
    namespace: 'team',
    pod: 'p',
    podUid: 'pod-1',
    resourceVersion: '5',
    node: 'n1',
    receipt: 'cmVjZWlwdA==',
  };

  server.script(path, (response) => response.writeHead(201).end('{"kind":"Status","status":"Success"}'));
  t.same(await bind.bind(request), { kind: 'bound' });
  t.same(JSON.parse(server.requests[0]?.body ?? ''), {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: {
      name: 'p',
      namespace: 'team',
      uid: 'pod-1',
      resourceVersion: '5',
      annotations: { 'k3s-daas.io/receipt': 'cmVjZWlwdA==' },
    },
    target: { apiVersion: 'v1', kind: 'Node', name: 'n1' },
  });
  t.equal(server.clients[0], 'k3s-daas:enclave');

  for (const [status, kind] of [
    [200, 'bound'],
    [409, 'conflict'],
    [400, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'refused'],
    [422, 'refused'],
    [302, 'unknown'],
    [408, 'unknown'],
    [429, 'unknown'],
    [500, 'unknown'],
    [503, 'unknown'],
    [504, 'unknown'],
  ] as const) {
    server.script(path, (response) => response.writeHead(status).end('{"message":"because"}'));
    const result = await bind.bind(request);
    t.equal(result.kind, kind, `status ${status}`);
    if (result.kind !== 'bound') t.match(result.message, /because$/);
  }
  for (const [name, answer] of [
    ['a reset', (response: ServerResponse) => response.destroy()],
    ['silence', () => undefined],
    [
      'half a body',
      (response: ServerResponse) => response.writeHead(201, { 'content-length': 90 }).write('{'),
    ],
    ['no JSON', (response: ServerResponse) => response.writeHead(201).end('<html>')],
  ] as const) {
    server.script(path, answer);
    t.equal((await binder(impatient).bind(request)).kind, 'unknown', name);
  }
  const asked = server.requests.length;
  t.equal((await bind.bind({ ...request, podUid: '' })).kind, 'refused', 'no precondition, no binding');
  t.equal((await bind.bind({ ...request, resourceVersion: '' })).kind, 'refused');
  t.equal(server.requests.length, asked, 'and nothing is sent');

  server.script('/api/v1/namespaces/team/pods/..%2Fx/binding', (response) =>
    response.writeHead(201).end('{}'),
  );
  t.same(await bind.bind({ ...request, pod: '../x' }), { kind: 'bound' }, 'names are encoded');

  const pod = '/api/v1/namespaces/team/pods/p';
  server.script(pod, (response) => response.end(JSON.stringify(podJson('p', 'pod-1', '7'))));
  t.match(await bind.read('team', 'p', 'pod-1'), { uid: 'pod-1', resourceVersion: '7', nodeName: '' });
  t.equal(await bind.read('team', 'p', 'pod-2'), null, 'another UID is another pod');
  server.script(pod, (response) => response.writeHead(404).end('{}'));
  t.equal(await bind.read('team', 'p', 'pod-1'), null);
  server.script(pod, (response) => response.writeHead(500).end('{"message":"no"}'));
  await t.rejects(bind.read('team', 'p', 'pod-1'), { code: 'KUBE_STATUS' });
});

void t.test('the client', async (t) => {
  const server = await scripted(ca);
  t.teardown(() => server.close());
  server.script('/x', (response) => response.end('{"a":1}'));

  const publicKey = createPublicKey(certificate.keyPem).export({ format: 'pem', type: 'spki' }).toString();
  const renewed = await ca.issueFor(publicKey, {
    commonName: 'k3s-daas:renewed',
    usages: ['client'],
    days: 1,
  });
  let { certPem } = certificate;
  const kube = kubeClient({
    server: server.url,
    ca: ca.certPem,
    cert: () => certPem,
    key: certificate.keyPem,
  });
  t.teardown(() => {
    kube.close();
  });
  t.same(await kube.request({ method: 'GET', path: '/x' }), { status: 200, body: { a: 1 } });
  certPem = renewed.certPem;
  await kube.request({ method: 'GET', path: '/x' });
  t.same(server.clients, ['k3s-daas:enclave', 'k3s-daas:renewed'], 'a new certificate is used at once');

  const other = await createAuthority('other CA');
  const stranger = kubeClient({
    server: server.url,
    ca: other.certPem,
    cert: () => certificate.certPem,
    key: certificate.keyPem,
  });
  await t.rejects(stranger.request({ method: 'GET', path: '/x' }), { code: 'KUBE_UNREACHABLE' });

  server.script('/x', (response) => response.end('x'.repeat(9 << 20)));
  await t.rejects(kube.request({ method: 'GET', path: '/x' }), { code: 'KUBE_RESPONSE_MALFORMED' });

  for (const url of ['http://127.0.0.1', 'https://h/path', 'https://u@h', 'https://h?x', 'nonsense'])
    t.throws(
      () => kubeClient({ server: url, ca: '', cert: () => '', key: '' }),
      { code: 'KUBE_SERVER_INVALID' },
      url,
    );
});

void t.test('lines', async (t) => {
  const all = async (chunks: (string | Buffer)[], max: number): Promise<string[]> => {
    const found: string[] = [];
    async function* source(): AsyncGenerator<Buffer> {
      for (const chunk of chunks) {
        await Promise.resolve();
        yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      }
    }
    for await (const line of lines(source(), max)) found.push(line);
    return found;
  };
  t.same(await all(['a\nb', 'c\n\n', 'd'], 8), ['a', 'bc'], 'what has no line end is dropped');
  t.same(await all(['12345678\n'], 8), ['12345678'], 'the limit is inclusive');
  await t.rejects(all(['123456789\n'], 8), KubeError);
  await t.rejects(all(['12345', '6789'], 8), KubeError, 'before the line ends');
  await t.rejects(all(['12345', '6789\n'], 8), KubeError);

  // However the network cuts a stream, its lines are the same: also inside a character of several bytes.
  const seed = 20260101;
  const text = fc.array(fc.string({ unit: fc.constantFrom('a', 'ü', '😀', '"') }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(200), { maxLength: 12 }), async (wanted, cuts) => {
      const bytes = Buffer.from(wanted.map((line) => `${line}\n`).join(''));
      const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
      const found = await all(
        at.slice(1).map((to, i) => bytes.subarray(at[i], to)),
        1_000,
      );
      return JSON.stringify(found) === JSON.stringify(wanted.filter((line) => line !== ''));
    }),
    { seed, numRuns: 300 },
  );
  t.pass(`any chunking, seed ${seed}`);
});
