import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';

import { bcs } from '@mysten/sui/bcs';
import { requestSuiFromFaucetV2 } from '@mysten/sui/faucet';
import { GrpcTypes, SuiGrpcClient } from '@mysten/sui/grpc';
import { Transaction } from '@mysten/sui/transactions';
import { fromBase64 } from '@mysten/sui/utils';
import fc from 'fast-check';
import t from 'tap';

import { serveLedger } from './index.ts';
import { createWorld, snapshot } from './testdata/world.ts';

const SEED = 20_261_121;

function frame(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

interface Reply {
  readonly status: number;
  readonly grpcStatus: string | undefined;
  readonly message: string;
}

async function post(url: string, path: string, body: Uint8Array | string, type: string): Promise<Reply> {
  const response = await fetch(`${url}/${path}`, {
    method: 'POST',
    body: Buffer.from(body),
    headers: { 'content-type': type },
  });
  const raw = Buffer.from(await response.arrayBuffer());
  // In text format each frame is padded base64 of its own.
  const parts = raw.toString('latin1').match(/[^=]+=*/g) ?? [];
  const bytes = type.includes('text') ? Buffer.concat(parts.map((part) => Buffer.from(part, 'base64'))) : raw;
  const text = bytes.toString('latin1');
  return {
    status: response.status,
    grpcStatus: /grpc-status:(\d+)/.exec(text)?.[1],
    message: decodeURIComponent(/grpc-message:(.*)\r\n/.exec(text)?.[1] ?? ''),
  };
}

const BINARY = 'application/grpc-web+proto';
const TEXT = 'application/grpc-web-text+proto';
const INFO = 'sui.rpc.v2.LedgerService/GetServiceInfo';
const EXECUTE = 'sui.rpc.v2.TransactionExecutionService/ExecuteTransaction';

void t.test(
  'frames: both formats are served, everything malformed is refused without a change',
  async (t) => {
    await using world = await createWorld();
    const { url } = world;
    const before = snapshot(world);
    const empty = frame(new Uint8Array());
    t.match(await post(url, INFO, empty, BINARY), { status: 200, grpcStatus: '0' });
    t.match(await post(url, INFO, empty.toString('base64'), TEXT), { status: 200, grpcStatus: '0' });
    const two = Buffer.concat([empty, empty]);
    const INTERNAL = '13';
    const OUT_OF_RANGE = '11';
    // Codes and texts of a tonic server: tonic/src/codec/decode.rs, tonic-web/src/call.rs.
    const table: [string, Uint8Array | string, string, string, RegExp | string][] = [
      ['two messages: the first counts', two, BINARY, '0', ''],
      ['two in base64, each padded', empty.toString('base64').repeat(2), TEXT, '0', ''],
      ['nothing', new Uint8Array(), BINARY, INTERNAL, 'Missing request message.'],
      ['nothing in base64', '', TEXT, INTERNAL, 'Missing request message.'],
      ['half a header', new Uint8Array(3), BINARY, INTERNAL, 'Unexpected EOF decoding stream.'],
      ['cut short', frame(new Uint8Array(4), 0, 9), BINARY, INTERNAL, 'Unexpected EOF decoding stream.'],
      ['a good message, then half', Buffer.concat([empty, empty.subarray(2)]), BINARY, INTERNAL, /EOF/],
      ['compressed', frame(new Uint8Array(1), 1), BINARY, INTERNAL, /compressed-flag but no grpc-encoding/],
      ['flag 2', frame(new Uint8Array(1), 2), BINARY, INTERNAL, /invalid compression flag: 2 /],
      ['a trailer', frame(new Uint8Array(1), 0x80), BINARY, INTERNAL, /invalid compression flag: 128 /],
      [
        'says 4 GiB',
        frame(new Uint8Array(9), 0, 0xffff_ffff),
        BINARY,
        OUT_OF_RANGE,
        /found 4294967295 bytes/,
      ],
      [
        'says 4 MiB and 1',
        frame(new Uint8Array(), 0, 4_194_305),
        BINARY,
        OUT_OF_RANGE,
        /limit is: 4194304 bytes/,
      ],
      ['is 5 MiB', frame(new Uint8Array(5 << 20)), BINARY, OUT_OF_RANGE, /found 5242880 bytes/],
      ['is 6 MiB of base64', 'AAB'.repeat(2 << 20), TEXT, OUT_OF_RANGE, /too large/],
      ['not base64', '!!!!', TEXT, INTERNAL, /^tonic-web: /],
      ['half of base64', 'AAA', TEXT, INTERNAL, 'tonic-web: malformed base64 request'],
      [
        'not protobuf',
        frame(Buffer.from('ffffffffffff', 'hex')),
        BINARY,
        INTERNAL,
        /^failed to decode Protobuf message/,
      ],
    ];
    for (const [name, body, type, grpcStatus, message] of table) {
      t.match(await post(url, INFO, body, type), { status: 200, grpcStatus, message }, name);
    }
    for (const path of ['sui.rpc.v2.LedgerService/Nothing', 'x', '', '%00', '..%2f..%2fetc']) {
      t.match(
        await post(url, path, empty, BINARY),
        { status: 200, grpcStatus: '12', message: /not implemented/ },
        path,
      );
    }
    const compressed = await fetch(`${url}/${INFO}`, {
      method: 'POST',
      body: new Uint8Array(frame(new Uint8Array(1), 1)),
      headers: { 'content-type': BINARY, 'grpc-encoding': 'gzip' },
    });
    t.match(
      await compressed.text(),
      /grpc-status:12\r\ngrpc-message:Content%20is%20compressed%20with%20%60gzip%60/,
    );
    for (const type of ['application/json', 'application/grpc', `${BINARY}; charset=utf-8`, '']) {
      t.equal((await post(url, INFO, empty, type)).status, 400, `content type ${type}`);
    }
    for (const method of ['GET', 'PUT', 'DELETE', 'HEAD', 'OPTIONS']) {
      const headers = { 'content-type': BINARY };
      t.equal((await fetch(`${url}/${INFO}`, { method, headers })).status, 405, method);
    }
    t.equal((await fetch(url)).status, 400);
    t.strictSame(snapshot(world), before);

    const client = new SuiGrpcClient({ network: 'localnet', baseUrl: url, format: 'binary' });
    t.equal((await client.core.getChainIdentifier()).chainIdentifier, world.ledger.chainId);
    t.equal(
      (await client.listEvents({ filter: { sender: world.address } })).events.length,
      0,
      'a stream in binary',
    );
  },
);

void t.test('transactions: mutated bytes and signatures never change the state', async (t) => {
  await using world = await createWorld();
  const { url, client, user, address } = world;
  const tx = new Transaction();
  tx.setSender(address);
  tx.transferObjects([tx.splitCoins(tx.gas, [1])], address);
  const bytes = await tx.build({ client });
  const { signature } = await user.signTransaction(bytes);
  const send = (transaction: Uint8Array, signed: Uint8Array): Promise<Reply> => {
    const request = GrpcTypes.ExecuteTransactionRequest.create({
      transaction: { bcs: { value: transaction } },
      signatures: [{ bcs: { value: signed }, signature: { oneofKind: undefined } }],
    });
    return post(url, EXECUTE, frame(GrpcTypes.ExecuteTransactionRequest.toBinary(request)), BINARY);
  };
  const before = snapshot(world);
  const signed = fromBase64(signature);
  const flip = (source: Uint8Array, at: number, by: number): Uint8Array => {
    const copy = Uint8Array.from(source);
    copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ by;
    return copy;
  };
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (at, by, inSignature) => {
        const reply = await send(
          inSignature ? bytes : flip(bytes, at, by),
          inSignature ? flip(signed, at, by) : signed,
        );
        if (reply.grpcStatus === '0') throw new Error(`accepted: ${reply.message}`);
      },
    ),
    { seed: SEED, numRuns: 60 },
  );
  t.match(
    await send(Buffer.concat([bytes, Buffer.alloc(1)]), signed),
    { grpcStatus: '3' },
    'a byte too many',
  );
  t.match(await send(bytes.subarray(0, -1), signed), { grpcStatus: '3' }, 'a byte too few');
  t.match(await send(new Uint8Array(200_000), signed), { grpcStatus: '3', message: /larger than/ });
  t.strictSame(snapshot(world), before, 'nothing happened');
  const data = bcs.TransactionData.parse(bytes);
  const again = bcs.TransactionData.serialize(data, { maxSize: 1 << 20 }).toBytes();
  t.match(await send(again, signed), { grpcStatus: '0' }, 'the very same bytes are executed');
});

void t.test('faucet and a prompt end', async (t) => {
  await using world = await createWorld();
  const { url, client, ledger } = world;
  const to = `0x${'ab'.repeat(32)}`;
  const headers = { 'content-type': 'application/json' };
  const faucet = (body: unknown) =>
    fetch(`${url}/faucet`, { method: 'POST', headers, body: JSON.stringify(body) });
  t.equal((await faucet({ address: to, mist: '5000000000' })).status, 200);
  t.equal((await faucet({ address: to, mist: 7 })).status, 200);
  t.equal((await client.getBalance({ owner: to })).balance.balance, '5000000007');
  for (const bad of [
    {},
    { address: 'x', mist: 1 },
    { address: to, mist: 1.5 },
    { address: to, mist: '-1' },
    { address: to, mist: '0' },
  ]) {
    t.equal((await faucet(bad)).status, 400, JSON.stringify(bad));
  }
  const second = await serveLedger(ledger);
  const { port, hostname } = new URL(second.url);
  const hanging = connect(Number(port), hostname);
  hanging.on('error', () => undefined);
  hanging.write('POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n');
  const idle = httpRequest(`${second.url}/${INFO}`, { method: 'POST', headers: { 'content-length': '10' } });
  idle.on('error', () => undefined);
  idle.flushHeaders();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const start = performance.now();
  await second.close();
  // Within a second on a quiet machine; else when their time is over, after 30 s.
  t.ok(performance.now() - start < 10_000, 'closes promptly although requests hang');
  hanging.destroy();
});

void t.test('a page of another origin may call', async (t) => {
  await using world = await createWorld();
  const { url } = world;
  const origin = 'https://wallet.example';
  // What a browser sends before SuiGrpcClient's first call (Fetch standard, CORS-preflight fetch).
  const wanted =
    'content-type,x-grpc-web,x-sui-client-protocol-version,x-user-agent,grpc-timeout,authorization';
  const preflight = await fetch(`${url}/${INFO}`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': wanted,
      'access-control-request-private-network': 'true',
    },
  });
  t.equal(preflight.status, 204);
  const allowed = (name: string): string => preflight.headers.get(`access-control-allow-${name}`) ?? '';
  t.equal(allowed('origin'), '*');
  t.equal(allowed('credentials'), '', 'no cookies: "*" would not do with them');
  t.match(allowed('methods'), 'POST');
  t.strictSame(allowed('headers').split(','), wanted.split(','));
  t.equal(allowed('private-network'), 'true');
  const seen: Headers[] = [];
  // A browser hides from scripts every header of an answer that is neither safelisted nor exposed.
  const browser: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    seen.push(new Headers(headers));
    headers.set('origin', origin);
    const response = await fetch(input, { ...init, headers });
    if (response.headers.get('access-control-allow-origin') !== '*') throw new TypeError('Failed to fetch');
    return response;
  };
  for (const format of ['text', 'binary'] as const) {
    const client = new SuiGrpcClient({ network: 'localnet', baseUrl: url, format, fetch: browser });
    t.equal((await client.core.getChainIdentifier()).chainIdentifier, world.ledger.chainId, format);
    await t.rejects(client.core.getTransaction({ digest: 'x' }), /not found/i, 'so do refusals');
  }
  const asked = new Set(wanted.split(','));
  for (const name of seen.flatMap((headers) => [...headers.keys()]))
    t.ok(asked.has(name) || name === 'accept', `the client's header ${name} was among those asked for`);
  const answer = await fetch(`${url}/x`, { method: 'POST', headers: { origin, 'content-type': BINARY } });
  t.match(answer.headers.get('access-control-expose-headers'), /grpc-status, grpc-message/);
  const plain = await fetch(`${url}/x`, { method: 'POST', headers: { 'content-type': BINARY } });
  t.equal(plain.headers.get('access-control-allow-origin'), null, 'nothing for who is no page');
  const ask = (path: string, from: string) =>
    fetch(`${url}${path}`, {
      method: 'OPTIONS',
      headers: { origin: from, 'access-control-request-method': 'POST' },
    });
  t.equal((await ask('/v2/gas', origin)).status, 403, 'the faucet is for pages of this machine');
  t.equal((await ask('/v2/gas', 'http://localhost:5173')).status, 204);
  const given = await fetch(`${url}/v2/gas`, {
    method: 'POST',
    headers: { origin: 'http://localhost:5173', 'content-type': 'application/json' },
    body: JSON.stringify({ FixedAmountRequest: { recipient: world.address } }),
  });
  t.equal(given.headers.get('access-control-allow-origin'), '*');
  const before = (await world.client.getBalance({ owner: world.address })).balance.balance;
  const sent = await requestSuiFromFaucetV2({ host: url, recipient: world.address });
  const after = (await world.client.getBalance({ owner: world.address })).balance.balance;
  t.equal(
    BigInt(after) - BigInt(before),
    BigInt(sent.coins_sent?.[0]?.amount ?? 0),
    "the SDK's own faucet call",
  );
});

void t.test('limits: slow requests, many connections, deadlines', async (t) => {
  await using world = await createWorld();
  const limits = { headersMs: 200, requestMs: 2_500 };
  const server = await serveLedger(world.ledger, { limits });
  t.teardown(() => server.close());
  const { port, hostname } = new URL(server.url);
  const open = async (text: string, to = Number(port)) => {
    const socket = connect(to, hostname);
    socket.on('error', () => undefined);
    socket.write(text);
    const received: Buffer[] = [];
    socket.on('data', (data) => received.push(data));
    const start = performance.now();
    // Not events.once: what was written into a connection that is refused may be answered with a reset first.
    await new Promise((resolve) => socket.once('close', resolve));
    return { ms: performance.now() - start, text: Buffer.concat(received).toString('latin1') };
  };
  const head = `POST /${INFO} HTTP/1.1\r\nhost: x\r\n`;
  const [headers, body] = await Promise.all([
    open(`${head}x-slow: `),
    open(`${head}content-type: ${BINARY}\r\ncontent-length: 9\r\n\r\n`),
  ]);
  t.match(headers.text, /^HTTP\/1.1 408 /, 'headers that do not come to an end');
  t.match(body.text, /^HTTP\/1.1 408 /, 'a body that does not come');
  t.ok(headers.ms < body.ms && body.ms >= 2_400, `${headers.ms} and ${body.ms} ms: each in its own time`);
  t.match((await open(`GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).text, /^HTTP\/1.1 431 /);
  t.match((await open('nonsense\r\n\r\n')).text, /^HTTP\/1.1 400 /);

  // Where idle connections live longer than a busy machine takes for four of them.
  const full = await serveLedger(world.ledger, { limits: { connectionsMax: 3 } });
  t.teardown(() => full.close());
  const fullPort = Number(new URL(full.url).port);
  const idle = await Promise.all(
    [1, 2, 3].map(async () => {
      const socket = connect(fullPort, hostname);
      await once(socket, 'connect');
      return socket;
    }),
  );
  t.match(await open(head, fullPort), { text: '' }, 'the connection too many is closed without a word');
  for (const socket of idle) socket.destroy();

  const client = new SuiGrpcClient({ network: 'localnet', baseUrl: world.url });
  const call = client.subscriptionService.subscribeCheckpoints({}, { timeout: 100 });
  await t.rejects(call.status, { code: 'DEADLINE_EXCEEDED', message: 'Timeout expired' });
  await call.headers;
});
