/** The certificate that the proxy shows the enclave: renewed on disk, ended, refused. The enclave's side is the real one. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import type { KeyedCertificatePem } from '@k3s-daas/control-plane';
import {
  serveExtender,
  type Engine,
  type ExtenderServer,
  type WatchedKubeView,
} from '@k3s-daas/scheduler-extender';
import { pino } from 'pino';
import t, { type Test } from 'tap';

import type { Pauses } from './link.ts';
import {
  attestationOf,
  boot,
  ca,
  call,
  clock,
  Extender,
  FakeChain,
  nonceOf,
  putClient,
  scheduler,
  sendJson,
  serveAttestation,
  startProxy,
  strangerCa,
  until as within,
  type Answer,
  type Identity,
  type Proxy,
} from './test/world.ts';

t.setTimeout(120_000);

/** A machine that is busy with much else takes its time. */
const until = (what: string, holds: () => boolean | Promise<boolean>): Promise<void> =>
  within(what, holds, 30_000);
const DAY_MS = 86_400_000;
const BIND = '/scheduler/bind';
const UID = '7d1f0a52-6c1e-4a43-9d0b-6a0f6b0f3c11';
const BINDING = JSON.stringify({ PodName: 'web', PodNamespace: 'shop', PodUID: UID, Node: 'n1' });
const issue = (days: number, from = ca): Promise<KeyedCertificatePem> =>
  from.issue({ commonName: 'k3s-daas:scheduler', usages: ['client'], days });

interface World {
  readonly identity: Identity;
  readonly extender: ExtenderServer;
  readonly proxy: Proxy;
  /** Documents asked for. */
  readonly asked: () => number;
  /** Nodes that pods were bound to. */
  readonly bound: string[];
  /** Requests that the enclave refused for the proxy's certificate. */
  readonly refusals: () => number;
  /** By how much the enclave's clock is ahead of TLS's, ms. */
  aheadMs: number;
  bindMs: number;
}

async function world(t: Test, pauses: Partial<Pauses> = {}, waitMs = 20_000): Promise<World> {
  putClient(scheduler);
  const identity = boot();
  const here = { aheadMs: 0, bindMs: 0 };
  const bound: string[] = [];
  let asked = 0;
  const bootstrap = await serveAttestation((request, response) => {
    asked += 1;
    void attestationOf(identity, nonceOf(request)).then((reply) => {
      sendJson(response, reply);
    });
  });
  const refused: string[] = [];
  const lines = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (chunk.includes('CLIENT_CERTIFICATE_')) refused.push(chunk.toString());
      done();
    },
  });
  const extender = await serveExtender({
    engine: {
      lags: () => [],
      bind: async ({ node }: { node: string }) => {
        bound.push(node);
        await sleep(here.bindMs);
        return { bound: true, sequence: 1n, receipt: 'r' };
      },
    } as unknown as Engine,
    kube: { resources: () => [] } as unknown as WatchedKubeView,
    chain: { current: () => null, onChange: () => () => undefined },
    identity: () => null,
    stakeSnapshotAgeMsMax: 30_000,
    tls: { cert: identity.tls.certPem, key: identity.tls.keyPem, clientCa: ca.certPem },
    allowedClients: ['k3s-daas:scheduler'],
    allowedReaders: [],
    host: '127.0.0.1',
    port: 0,
    clock: { now: () => Date.now() + here.aheadMs },
    log: pino(lines),
  });
  const proxy = await startProxy({
    chain: new FakeChain(identity.session),
    bootstrapUrl: bootstrap.url,
    enclavePort: extender.port,
    pauses: { probe: 60_000, ...pauses },
    limits: { waitMs },
  });
  t.teardown(async () => {
    await proxy.close();
    await extender.close();
    await bootstrap.close();
  });
  await until('ready', async () => (await proxy.ready()).status === 200);
  return Object.assign(here, {
    identity,
    extender,
    proxy,
    bound,
    refusals: () => refused.length,
    asked: () => asked,
  });
}

const lags = (w: World): Promise<Answer> => call(w.proxy.port, '/api/v1/lags');
const bind = (w: World): Promise<Answer> =>
  call(w.proxy.port, BIND, { body: BINDING, headers: { 'content-type': 'application/json' } });

const told = (w: World, what: string): number => w.proxy.log().filter(({ msg }) => msg === what).length;
const RENEWED = 'client certificate renewed';
const BROKEN = 'client certificate on disk cannot be used';

void t.test('what is renewed on disk is used before the old certificate ends', async (t) => {
  const w = await world(t, { probe: 50 });
  t.equal((await lags(w)).status, 200);
  w.bindMs = 300;
  const binding = bind(w);
  await until('it is under way', () => w.bound.length === 1);
  putClient(await issue(30));
  await until('it is seen', () => told(w, RENEWED) === 1);
  t.equal((await lags(w)).status, 200);
  t.same(JSON.parse((await binding).text), { Error: '' }, 'what was under way came to its end');
  // Long after the end of the first one.
  w.aheadMs = 10 * DAY_MS;
  const crowd = await Promise.all([1, 2, 3].map(() => lags(w)));
  t.same(
    crowd.map(({ status }) => status),
    [200, 200, 200],
  );
  await sleep(120);
  t.equal((await w.proxy.ready()).status, 200);
  t.equal(w.refusals(), 0, 'no connection of before was used');
  t.equal(w.asked(), 1, 'the enclave is the same: it is not attested anew');
});

void t.test('files that are half-written leave the certificate at hand in use', async (t) => {
  const w = await world(t, { probe: 50 });
  const next = await issue(30);
  const broken = [
    { certPem: next.certPem, keyPem: scheduler.keyPem },
    { certPem: next.certPem.slice(0, 200), keyPem: next.keyPem },
    { certPem: '', keyPem: '' },
  ];
  for (const [index, half] of broken.entries()) {
    putClient(half);
    await until('it is seen', () => told(w, BROKEN) > index);
    const crowd = await Promise.all([1, 2, 3].map(() => lags(w)));
    t.same(
      crowd.map(({ status }) => status),
      [200, 200, 200],
      'new connections, too',
    );
  }
  await sleep(200);
  t.equal(told(w, BROKEN), 3, 'a line for each, not for each look');
  t.equal((await w.proxy.ready()).status, 200);
  putClient(next);
  await until('the whole one is seen', () => told(w, RENEWED) === 1);
  w.aheadMs = 2 * DAY_MS;
  t.equal((await lags(w)).status, 200);
  t.equal(w.refusals(), 0);
});

void t.test('refused for its old certificate, a request goes over a new connection, once', async (t) => {
  const w = await world(t);
  t.equal((await lags(w)).status, 200);
  putClient(await issue(30));
  w.aheadMs = 2 * DAY_MS;
  const crowd = await Promise.all([bind(w), lags(w), lags(w), bind(w)]);
  t.same(
    crowd.map(({ status }) => status),
    [200, 200, 200, 200],
  );
  t.same(
    [crowd[0], crowd[3]].map((answer) => JSON.parse(answer.text) as unknown),
    [{ Error: '' }, { Error: '' }],
  );
  t.ok(w.refusals() > 0);
  t.equal(w.bound.length, 2, 'each bind was carried out once');
  t.equal(w.asked(), 1);
  t.equal((await w.proxy.ready()).status, 200);
});

void t.test('a request that was refused waits for a certificate, as it would for an enclave', async (t) => {
  const w = await world(t);
  w.aheadMs = 2 * DAY_MS;
  const waiting = bind(w);
  await until('it is refused', () => w.refusals() > 0);
  await sleep(100);
  putClient(await issue(30));
  t.same(JSON.parse((await waiting).text), { Error: '' });
  t.equal(w.bound.length, 1);
});

void t.test("the enclave's client CA changes: connections are made anew", async (t) => {
  const w = await world(t);
  t.equal((await lags(w)).status, 200);
  const { certPem: cert, keyPem: key } = w.identity.tls;
  w.extender.setTls({ cert, key, clientCa: `${ca.certPem}${strangerCa.certPem}` });
  t.equal((await lags(w)).status, 200);
  putClient(await issue(1, strangerCa));
  w.extender.setTls({ cert, key, clientCa: strangerCa.certPem });
  t.equal((await lags(w)).status, 200);
  t.equal(w.asked(), 1);
});

void t.test('a certificate that has ended takes readiness away, until there is another', async (t) => {
  const w = await world(t, { probe: 50 }, 300);
  w.aheadMs = 2 * DAY_MS;
  await until('unready', async () => (await w.proxy.ready()).status === 503);
  const { reasons } = (await w.proxy.ready()).json;
  t.match(reasons, [
    { code: 'ENCLAVE_REFUSES', message: /CLIENT_CERTIFICATE_EXPIRED/, remedy: /clientCertFile/ },
  ]);
  const refused = await bind(w);
  t.equal(refused.status, 200);
  t.match(JSON.parse(refused.text), { code: 'ENCLAVE_REFUSES', Error: /CLIENT_CERTIFICATE_EXPIRED/ });
  t.equal((await lags(w)).status, 503, 'not the 403: the caller’s own certificate is fine');
  t.same(w.bound, []);
  await sleep(500);
  t.equal(w.asked(), 1, 'the enclave need not be attested for it');
  putClient(await issue(30));
  await until('ready', async () => (await w.proxy.ready()).status === 200);
  t.same(JSON.parse((await bind(w)).text), { Error: '' });
});

void t.test('a certificate of a few seconds, by everybody’s real clock', async (t) => {
  const w = await world(t, { probe: 50 });
  const short = await issue(6_000 / DAY_MS);
  const endMs = new X509Certificate(short.certPem).validToDate.getTime();
  putClient(short);
  await until('it is seen', () => told(w, RENEWED) === 1);
  await sleep(endMs + 1_100 - Date.now());
  await until('unready', async () => (await w.proxy.ready()).status === 503);
  t.match((await w.proxy.ready()).json.reasons, [{ code: 'CERTIFICATE_UNUSABLE', message: /ended at/ }]);
  putClient(await issue(1));
  await until('ready', async () => (await w.proxy.ready()).status === 200);
  t.equal((await lags(w)).status, 200);
});

void t.test('an enclave whose probe is answered with another status is not used', async (t) => {
  const identity = boot();
  putClient(scheduler);
  const bootstrap = await serveAttestation(
    (request, response) =>
      void attestationOf(identity, nonceOf(request)).then((reply) => {
        sendJson(response, reply);
      }),
  );
  const extender = await new Extender('ill', identity.tls).listen();
  extender.livez = 503;
  const proxy = await startProxy({
    chain: new FakeChain(identity.session),
    bootstrapUrl: bootstrap.url,
    enclavePort: extender.port,
    pauses: { probe: 50 },
    limits: { waitMs: 100 },
  });
  t.teardown(async () => {
    await proxy.close();
    await extender.close();
    await bootstrap.close();
  });
  await until('it is asked', async () => (await proxy.ready()).json.reasons[0]?.code === 'ENCLAVE_REFUSES');
  t.match((await proxy.ready()).json.reasons, [{ message: /503/ }]);
  extender.livez = 200;
  await until('ready', async () => (await proxy.ready()).status === 200);
  extender.livez = 500;
  await until('unready', async () => (await proxy.ready()).status === 503);
  t.match((await proxy.ready()).json.reasons, [{ code: 'ENCLAVE_REFUSES', message: /500/ }]);
  t.same(extender.seen, [], 'and nothing was forwarded');
});

void t.test('extender and proxy end a connection whose certificate has ended', async (t) => {
  const w = await world(t);
  const { certPem: cert, keyPem: key } = await issue(6_000 / DAY_MS);
  const endMs = new X509Certificate(cert).validToDate.getTime();
  const asker = (port: number, trusted: string): (() => Promise<object>) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, cert, key, ca: trusted });
    t.teardown(() => {
      agent.destroy();
    });
    return async () => {
      const outgoing = httpsRequest({ host: '127.0.0.1', port, path: '/api/v1/lags', agent }).end();
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      const { code = '' } = JSON.parse(await text(response)) as { code?: string };
      return { status: response.statusCode, connection: response.headers.connection, code };
    };
  };
  const askers = [asker(w.proxy.port, ca.certPem), asker(w.extender.port, w.identity.tls.certPem)];
  for (const ask of askers) t.same(await ask(), { status: 200, connection: 'keep-alive', code: '' });
  await sleep(Math.max(0, endMs + 50 - clock.now()));
  const refused = { status: 403, connection: 'close', code: 'CLIENT_CERTIFICATE_EXPIRED' };
  for (const ask of askers) t.same(await ask(), refused);
});
