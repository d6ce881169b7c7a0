import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t, { type Test } from 'tap';
import { stringify } from 'yaml';

import { addressOf } from '@k3s-daas/sui-client';

import { startRelay } from '../roles/relay.ts';
import { RelayError } from './errors.ts';
import { RelayMetrics } from './metrics.ts';
import type { AccessAnswer } from './relay.ts';
import type { RELAY_LIMITS } from './serve.ts';
import { serveRelay } from './serve.ts';
import { bodyOf, chain, closeWorld, funded, packageId, Scene, url } from './test/world.ts';

t.teardown(closeWorld);
t.setTimeout(600_000);

const SLOW = { timeout: 180_000 };
const log = { info: () => undefined, warn: () => undefined };
const scene = await Scene.create();

interface Behind {
  access?: () => Promise<AccessAnswer>;
  ready?: () => void;
}

/** The listener alone, before something that the test steers. */
async function listen(
  t: Test,
  behind: Behind = {},
  limits: Partial<typeof RELAY_LIMITS> = {},
  perAddress = 1_000,
) {
  const answer: AccessAnswer = { grants: [], transaction: 'digest' };
  const clock = { ms: 0, now: () => clock.ms };
  const server = await serveRelay({
    relay: {
      access: () => behind.access?.() ?? Promise.resolve(answer),
      requireReady: () => behind.ready?.(),
      idle: () => Promise.resolve(),
      waiting: 3,
    },
    host: '127.0.0.1',
    port: 0,
    budget: { requestsPerAddressAndMinuteMax: perAddress },
    metrics: new RelayMetrics(),
    gauges: () => ({ left: 7n, balance: 9n }),
    clock,
    log,
    limits,
  });
  t.teardown(() => server.close());
  const post = async (body: string, path = '/api/v1/access') => {
    const response = await fetch(server.url + path, { method: 'POST', body });
    return { status: response.status, ...((await response.json()) as object) };
  };
  const get = async (path: string) => {
    const response = await fetch(server.url + path);
    return { status: response.status, text: await response.text() };
  };
  return { server, post, get, clock };
}

const good = JSON.stringify(bodyOf(scene.ask([`0x${'22'.repeat(32)}`])));

await t.test('routes, bodies and health', SLOW, async (t) => {
  const behind: Behind = {};
  const { server, post, get } = await listen(t, behind);
  t.strictSame(await post(good), { status: 200, grants: [], transaction: 'digest' });
  t.match(await post('x'.repeat(65_537)), { status: 413, code: 'BODY_TOO_LARGE' });
  t.match(await post('"'), { status: 400, code: 'MALFORMED' });
  t.match(await post(good, '/api/v1/other'), { status: 404, code: 'ROUTE_UNKNOWN' });
  t.match(await post(good, '/livez'), { status: 405, code: 'METHOD_NOT_ALLOWED' });
  t.match(await get('/api/v1/access'), { status: 405, text: /METHOD_NOT_ALLOWED/ });
  t.match(await get('//'), { status: 404 });
  t.match(await get('/livez'), { status: 200 });
  t.match(await get('/readyz'), { status: 200 });
  behind.ready = () => {
    throw new RelayError('CHAIN_STALE', 'old');
  };
  t.match(await get('/readyz'), { status: 503, text: /CHAIN_STALE/ });
  t.match(await get('/livez'), { status: 200 });
  behind.access = () => Promise.reject(new RelayError('POLICY_REFUSED', 'no', { abort: 'ENodeGone' }));
  t.match(await post(good), { status: 403, code: 'POLICY_REFUSED', abort: 'ENodeGone' });
  behind.access = () => Promise.reject(new Error('secret detail'));
  t.strictSame(await post(good), {
    status: 500,
    code: 'INTERNAL',
    message: 'the relay failed',
    remedy: 'see the log of the relay',
  });
  const { text } = await get('/metrics');
  for (const line of [
    'daas_relay_requests_total{outcome="granted"} 1',
    'daas_relay_requests_total{outcome="POLICY_REFUSED"} 1',
    'daas_relay_requests_total{outcome="BODY_TOO_LARGE"} 1',
    'daas_relay_requests_waiting 3',
    'daas_relay_budget_left_mist 7',
    'daas_relay_balance_mist 9',
  ])
    t.ok(text.split('\n').includes(line), line);
  await server.close();
  await t.rejects(fetch(`${server.url}/livez`), 'it does not listen any more');
});

await t.test('limits of one request, of one address, and of all at a time', SLOW, async (t) => {
  await t.test('a body that does not come', SLOW, async (t) => {
    const { server } = await listen(t, {}, { bodyMs: 500 });
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write('POST /api/v1/access HTTP/1.1\r\nhost: relay\r\ncontent-length: 100\r\n\r\n{');
    const [first] = (await once(socket, 'data')) as [Buffer];
    t.match(first.toString(), /^HTTP\/1\.1 408/);
    socket.destroy();
  });

  await t.test('an answer that takes too long', async (t) => {
    const late = Promise.withResolvers<AccessAnswer>();
    const { post } = await listen(t, { access: () => late.promise }, { answerMs: 50 });
    t.match(await post(good), { status: 503, code: 'CHAIN_UNAVAILABLE' });
    late.resolve({ grants: [], transaction: '' });
  });

  await t.test('too many at a time', async (t) => {
    const late = Promise.withResolvers<AccessAnswer>();
    const both = Promise.withResolvers<undefined>();
    let calls = 0;
    const access = () => {
      calls += 1;
      if (calls === 2) both.resolve(undefined);
      return late.promise;
    };
    const { post } = await listen(t, { access }, { underWayMax: 2 });
    const begun = [post(good), post(good)];
    await both.promise;
    t.match(await post(good), { status: 503, code: 'RELAY_BUSY' });
    late.resolve({ grants: [], transaction: 'digest' });
    t.strictSame(
      (await Promise.all(begun)).map(({ status }) => status),
      [200, 200],
    );
    t.match(await post(good), { status: 200 });
  });

  await t.test('bodies that do not come keep nobody out, and one address not all connections', async (t) => {
    const { server, post } = await listen(t, {}, { underWayMax: 1, connectionsPerAddressMax: 4 });
    const port = Number(new URL(server.url).port);
    const idle = await Promise.all(
      [1, 2].map(async () => {
        const socket = connect(port, '127.0.0.1');
        await once(socket, 'connect');
        socket.write('POST /api/v1/access HTTP/1.1\r\nhost: relay\r\ncontent-length: 100\r\n\r\n{');
        return socket;
      }),
    );
    t.match(await post(good), { status: 200 }, 'beside two that hold their bodies back');
    // That of `fetch` stays open, so this is the fourth.
    const fourth = connect(port, '127.0.0.1');
    await once(fourth, 'connect');
    const fifth = connect(port, '127.0.0.1').resume();
    fifth.on('error', () => undefined);
    await once(fifth, 'close');
    t.equal(fourth.destroyed, false);
    for (const socket of [...idle, fourth]) socket.destroy();
    const answered = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write('GET /livez HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n');
        });
        socket.on('data', () => {
          resolve(true);
        });
        for (const event of ['error', 'close'])
          socket.on(event, () => {
            resolve(false);
          });
      });
    while (!(await answered())) await new Promise((resolve) => setTimeout(resolve, 20));
    t.pass('those that ended count no more');
  });

  await t.test('one address', async (t) => {
    const { post, clock, get } = await listen(t, {}, {}, 2);
    t.match(await post('{'), { status: 400 });
    t.match(await post(good), { status: 200 });
    t.match(await post(good), { status: 429, code: 'RATE_EXCEEDED' });
    t.match(await get('/livez'), { status: 200 });
    clock.ms += 30_000;
    t.match(await post(good), { status: 200 });
    t.match(await post(good), { status: 429 });
  });
});

await t.test('the part itself, from a configuration', SLOW, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'daas-relay-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  // It logs for whoever runs it, which is not who reads a test.
  const level = process.env['DAAS_LOG_LEVEL'];
  process.env['DAAS_LOG_LEVEL'] = 'silent';
  t.teardown(() => {
    if (level === undefined) delete process.env['DAAS_LOG_LEVEL'];
    else process.env['DAAS_LOG_LEVEL'] = level;
  });
  const file = join(dir, 'daas.yaml');
  const account = await funded();
  await writeFile(join(dir, 'key'), `${account.getSecretKey()}\n`, { mode: 0o600 });
  const configuration = {
    apiVersion: 'k3s-daas.io/v1alpha1',
    kind: 'DaaSConfiguration',
    cluster: { id: scene.cluster, package: packageId, chainId: (await chain.info()).chainId },
    chain: { network: 'embedded', url, pollMs: 50 },
    kubernetes: { server: 'https://127.0.0.1', caFile: 'ca.crt' },
    policy: { capacity: { cpuMilli: '1', memoryBytes: '1' } },
    attestation: { root: { kind: 'development', certificateFile: 'root.crt' } },
  };
  const relay = { listen: { host: '127.0.0.1', port: 0 }, suiKeyFile: 'key', stateFile: 'state/relay.json' };
  await writeFile(file, stringify(configuration));
  await t.rejects(startRelay(file), { code: 'USAGE', message: /section "relay"/ });
  await writeFile(file, stringify({ ...configuration, relay }));
  const part = await startRelay(file);
  t.match(part.ready, { address: addressOf(account), url: /^http:\/\/127\.0\.0\.1:\d+$/ });
  const base = String(part.ready['url']);
  while ((await fetch(`${base}/readyz`)).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 50));
  await t.rejects(startRelay(file), { code: 'STATE_LOCKED' });
  const body = JSON.stringify(bodyOf(scene.ask([await scene.policy()])));
  const response = await fetch(`${base}/api/v1/access`, { method: 'POST', body });
  t.match(await response.json(), { grants: [{ grant: /^0x/ }] });
  t.match(await (await fetch(`${base}/metrics`)).text(), /daas_relay_grants_total 1\n/);
  await part.close();

  await rm(join(dir, 'state'), { recursive: true });
  await t.rejects(
    startRelay(file),
    { code: 'STATE_MISSING', remedy: /--new-state/ },
    'lost books are not empty',
  );
  const again = await startRelay(file, { newState: true });
  await again.close();
  await t.rejects(startRelay(file, { newState: true }), { code: 'STATE_EXISTS' });
});
