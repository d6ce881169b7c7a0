import { request } from 'node:http';

import { requestSuiFromFaucetV2 } from '@mysten/sui/faucet';
import t from 'tap';

import { createLedger, serveLedger } from './index.ts';
import { CHAIN_START_MS, createWorld, worldOptions } from './testdata/world.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const ADDRESS = `0x${'ab'.repeat(32)}`;

interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string } & Record<string, unknown>;
}

/** As any program could ask: `fetch` would not let us choose the Host header. */
function post(url: string, body: unknown, headers: Record<string, string> = JSON_TYPE): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', headers });
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      let text = '';
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
      incoming.on('end', () => {
        const isJson = incoming.headers['content-type'] === 'application/json';
        resolve({
          status: incoming.statusCode ?? 0,
          body: isJson ? (JSON.parse(text) as Answer['body']) : { text },
        });
      });
    });
    outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
}

void t.test('admin routes are served when asked for, and on loopback only', async (t) => {
  await using world = await createWorld();
  const plain = await post(`${world.url}/admin/status`, {});
  t.equal(plain.status, 400, 'without the option it is a path like any other');
  await t.rejects(serveLedger(world.ledger, { host: '0.0.0.0', admin: {} }), { code: 'ADMIN_NOT_LOCAL' });
  await t.rejects(serveLedger(world.ledger, { host: '127.evil.example', admin: {} }), {
    code: 'ADMIN_NOT_LOCAL',
  });
});

void t.test('clock, epoch, status, snapshot', async (t) => {
  await using world = await createWorld();
  const { ledger } = world;
  const report = { path: '/data/one.snapshot', bytes: 5, ms: 1 };
  const server = await serveLedger(ledger, { admin: { snapshot: () => Promise.resolve(report) } });
  const admin = (name: string, body: unknown = {}) => post(`${server.url}/admin/${name}`, body);

  t.match(await admin('status'), {
    status: 200,
    body: { chainId: ledger.chainId, epoch: '0', manual: true, nowMs: `${CHAIN_START_MS}`, snapshots: true },
  });
  const before = ledger.checkpoints.latest.sequence;
  t.match(await admin('clock'), { status: 200, body: { nowMs: `${CHAIN_START_MS}` } });
  t.equal(ledger.checkpoints.latest.sequence, before, 'showing changes nothing');
  t.match(await admin('clock', { advanceMs: '1500' }), { body: { nowMs: `${CHAIN_START_MS + 1_500}` } });
  t.match(await admin('clock', { setMs: CHAIN_START_MS + 5_000 }), {
    status: 200,
    body: { nowMs: `${CHAIN_START_MS + 5_000}`, checkpoint: `${before + 2n}` },
  });
  t.equal(ledger.checkpoints.latest.timestampMs, BigInt(CHAIN_START_MS + 5_000));
  t.match(await admin('epoch'), {
    status: 200,
    body: { epoch: '1', epochStartMs: `${CHAIN_START_MS + 5_000}` },
  });
  t.strictSame((await admin('snapshot')).body, report);

  const kept = ledger.checkpoints.latest.digest;
  for (const bad of [
    { setMs: CHAIN_START_MS },
    { setMs: -1 },
    { setMs: 1.5 },
    { setMs: '9'.repeat(20) },
    { advanceMs: '9'.repeat(21) },
    { advanceMs: 1, setMs: 1 },
    { advance: 1 },
    [],
    null,
    'no JSON {',
  ]) {
    t.match(await admin('clock', bad), {
      status: 400,
      body: { code: /^(INPUT_INVALID|REQUEST_MALFORMED)$/ },
    });
  }
  t.equal(ledger.checkpoints.latest.digest, kept, 'nothing moved');
  await server.close();

  const running = createLedger(await worldOptions({ clock: { now: () => CHAIN_START_MS } }));
  const other = await serveLedger(running, { admin: {} });
  t.match(await post(`${other.url}/admin/clock`, {}), { status: 200, body: { manual: false } });
  t.match(await post(`${other.url}/admin/clock`, { advanceMs: 1 }), {
    status: 409,
    body: { code: 'CLOCK_NOT_MANUAL', remedy: /clock/ },
  });
  t.match(await post(`${other.url}/admin/snapshot`, {}), {
    status: 409,
    body: { code: 'SNAPSHOT_UNAVAILABLE', remedy: /--data-dir/ },
  });
  await other.close();
  running.close();
});

void t.test('what a web page could send is refused, and changes nothing', async (t) => {
  await using world = await createWorld();
  const { ledger } = world;
  const server = await serveLedger(ledger, { admin: {} });
  const { port } = new URL(server.url);
  const state = () => [
    ledger.clock.now(),
    ledger.epoch,
    ledger.objects.size,
    ledger.checkpoints.latest.digest,
  ];
  const before = state();
  const faucet = { address: ADDRESS, mist: '1' };
  const calls: [string, unknown][] = [
    ['admin/clock', { advanceMs: 1 }],
    ['admin/epoch', {}],
    ['admin/snapshot', {}],
    ['admin/status', {}],
    ['faucet', faucet],
    ['v2/gas', { FixedAmountRequest: { recipient: ADDRESS } }],
  ];
  for (const [path, body] of calls) {
    const refused = async (headers: Record<string, string>, why: string): Promise<void> => {
      const { status, body: answer } = await post(`${server.url}/${path}`, body, headers);
      t.match({ status, answer }, { status: 403, answer: { code: 'REQUEST_FOREIGN' } }, `${path}: ${why}`);
    };
    await refused({ ...JSON_TYPE, host: 'rebound.example' }, 'DNS rebinding');
    await refused({ ...JSON_TYPE, host: `rebound.example:${port}` }, 'DNS rebinding, with port');
    await refused({ ...JSON_TYPE, host: '127.0.0.1.rebound.example' }, 'a name that looks like loopback');
    await refused({ ...JSON_TYPE, host: 'localhost.rebound.example' }, 'a name that begins with localhost');
    await refused({ ...JSON_TYPE, origin: 'https://page.example' }, 'another origin');
    await refused({ ...JSON_TYPE, origin: 'null' }, 'a sandboxed frame or a file');
    await refused(
      { ...JSON_TYPE, origin: 'http://localhost.page.example' },
      'an origin that begins with localhost',
    );
    await refused({ 'content-type': 'text/plain' }, 'a form, text/plain');
    await refused({ 'content-type': 'application/x-www-form-urlencoded' }, 'a form');
    await refused({}, 'no content-type');
    const preflight = await fetch(`${server.url}/${path}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://page.example', 'access-control-request-method': 'POST' },
    });
    if (path.startsWith('admin'))
      t.equal(preflight.headers.get('access-control-allow-origin'), null, `${path}: no CORS`);
  }
  t.strictSame(state(), before);

  const local = { ...JSON_TYPE, origin: 'http://localhost:5173' };
  t.equal((await post(`${server.url}/faucet`, faucet, local)).status, 200, 'a dApp under development');
  t.equal((await post(`${server.url}/admin/epoch`, {}, local)).status, 403, 'which does not steer the chain');
  t.equal(
    (await post(`${server.url}/faucet`, faucet, { ...JSON_TYPE, host: `localhost:${port}` })).status,
    200,
  );
  t.equal((await post(`${server.url}/faucet`, faucet, { ...JSON_TYPE, host: `[::1]:${port}` })).status, 200);
  await server.close();
});

void t.test("the faucet of Sui's SDK", async (t) => {
  await using world = await createWorld();
  const answer = await requestSuiFromFaucetV2({ host: world.url, recipient: ADDRESS });
  t.equal(answer.status, 'Success');
  const [coin] = answer.coins_sent ?? [];
  t.equal(coin?.amount, 10_000_000_000);
  t.equal((await world.client.getBalance({ owner: ADDRESS })).balance.balance, '10000000000');
  t.match((await world.client.getObject({ objectId: coin?.id ?? '' })).object.owner.AddressOwner, ADDRESS);
});
