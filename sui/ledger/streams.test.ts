import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { bcs } from '@mysten/sui/bcs';
import { GrpcTypes, SuiGrpcClient } from '@mysten/sui/grpc';
import t from 'tap';

import { serveLedger, type Ledger } from './index.ts';
import type { Checkpoint } from './chain/checkpoints.ts';
import { createWorld, type World } from './testdata/world.ts';

const Counted = bcs.struct('Counted', { counter: bcs.Address, value: bcs.u64() });
const { ASCENDING, DESCENDING } = GrpcTypes.Ordering;
const { CHECKPOINT_BOUND, CURSOR_BOUND, ITEM_LIMIT, LEDGER_TIP } = GrpcTypes.QueryEndReason;

function add(world: World, by: number) {
  return world.run((tx) => {
    const target = `${world.packageId}::counter::add`;
    tx.moveCall({ target, arguments: [tx.object(world.counterId), tx.pure.u64(by), tx.object.clock()] });
  });
}

/** How many listeners for checkpoints a ledger has, seen from outside: by what `onCheckpoint` was told. */
function countListeners(ledger: Ledger): () => number {
  let count = 0;
  const original = ledger.onCheckpoint.bind(ledger);
  ledger.onCheckpoint = (listener: (checkpoint: Checkpoint) => void) => {
    count += 1;
    let live = true;
    const stop = original(listener);
    return () => {
      if (live) count -= 1;
      live = false;
      stop();
    };
  };
  return () => count;
}

async function until(test: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!test()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come about`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function take<T>(responses: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of responses) if (taken.push(item) === count) break;
  return taken;
}

const eventFilter = (...literals: GrpcTypes.EventLiteral[]) => ({ terms: [{ literals }] });
const ofType = (eventType: string, negated = false): GrpcTypes.EventLiteral => ({
  negated,
  predicate: { oneofKind: 'eventType', eventType: { eventType } },
});
const txFilter = (predicate: GrpcTypes.TransactionLiteral['predicate'], negated = false) => ({
  terms: [{ literals: [{ negated, predicate }] }],
});

for (const format of ['text', 'binary'] as const) {
  void t.test(`subscriptions (${format}): from now on, filtered, masked, resumable by lists`, async (t) => {
    await using world = await createWorld();
    const { ledger, url } = world;
    const client = new SuiGrpcClient({ network: 'localnet', baseUrl: url, format });
    const { subscriptionService: subscribe, ledgerService } = client;
    const abort = new AbortController();
    const options = { abort: abort.signal };
    const eventType = `${world.packageId}::counter::Counted`;
    const calls = {
      all: subscribe.subscribeCheckpoints({}, options),
      changed: subscribe.subscribeCheckpoints(
        {
          filter: txFilter({ oneofKind: 'affectedObject', affectedObject: { objectId: world.counterId } }),
          readMask: { paths: ['digest', 'contents', 'transactions.digest'] },
        },
        options,
      ),
      transactions: subscribe.subscribeTransactions(
        {
          filter: txFilter({ oneofKind: 'eventType', eventType: { eventType } }),
          readMask: { paths: ['digest', 'effects.status', 'events'] },
        },
        options,
      ),
      events: subscribe.subscribeEvents({ filter: eventFilter(ofType(eventType)) }, options),
      others: subscribe.subscribeEvents({ filter: eventFilter(ofType(eventType, true)) }, options),
    };
    for (const call of Object.values(calls)) await call.headers;
    const first = ledger.checkpoints.latest.sequence + 1n;
    const others = calls.others.responses[Symbol.asyncIterator]().next();
    ledger.commitEmptyCheckpoint();
    const done = [await add(world, 5), await add(world, 6)].map((result) => result.Transaction?.digest ?? '');
    // Steps of the chain's time without a match move the cursor on.
    ledger.clock.advance(6_000);

    const all = await take(calls.all.responses, 4);
    t.strictSame(
      all.map(({ cursor }) => cursor),
      [first, first + 1n, first + 2n, first + 3n],
      'every checkpoint, in order',
    );
    for (const { cursor, checkpoint } of all) {
      t.equal(checkpoint?.digest, ledger.checkpoints.get(cursor ?? -1n)?.digest);
      t.equal(checkpoint?.summary, undefined, 'no more than the default mask');
    }
    const changed = await take(calls.changed.responses, 3);
    t.strictSame(
      changed.map(({ checkpoint }) => checkpoint?.transactions.map(({ digest }) => digest)),
      [[done[0]], [done[1]], undefined],
    );
    t.equal(changed[0]?.checkpoint?.contents?.transactions[0]?.transaction, done[0]);
    t.equal(changed[0]?.checkpoint?.sequenceNumber, undefined, 'masked');
    t.equal(changed[2]?.cursor, first + 3n, 'how far it is, without a match');
    const transactions = await take(calls.transactions.responses, 2);
    t.strictSame(
      transactions.map(({ transaction }) => [transaction?.digest, transaction?.effects?.status?.success]),
      done.map((digest) => [digest, true]),
    );
    t.equal(transactions[0]?.transaction?.events?.events.length, 1);
    t.equal(transactions[0]?.transaction?.effects?.epoch, undefined, 'masked');
    const events = await take(calls.events.responses, 2);
    t.strictSame(
      events.map(({ event }) => Counted.parse(event?.contents?.value ?? new Uint8Array()).value),
      ['5', '11'],
    );
    t.match(events[1]?.event, { transactionDigest: done[1], eventIndex: 0, checkpoint: first + 2n });
    t.equal(events[1]?.watermark?.checkpoint, first + 2n);
    const progress = (await others).value as GrpcTypes.SubscribeEventsResponse;
    t.equal(progress.event, undefined);
    t.equal(progress.watermark?.checkpoint, first + 3n);

    // The watermark of a subscription is where a list goes on.
    await add(world, 7);
    const rest = ledgerService.listEvents({
      options: { after: events[0]?.watermark?.cursor ?? new Uint8Array(), ordering: ASCENDING },
      filter: eventFilter(ofType(eventType)),
      readMask: { paths: ['contents', 'checkpoint'] },
    });
    const frames = await take(rest.responses, 99);
    t.strictSame(
      frames.map(
        ({ event }) => event?.contents && Counted.parse(event.contents.value ?? new Uint8Array()).value,
      ),
      ['11', '18', undefined],
    );
    abort.abort();
  });
}

void t.test('lists: ranges, cursors, reasons', async (t) => {
  await using world = await createWorld();
  const { ledger, client } = world;
  const { ledgerService } = client;
  const start = ledger.checkpoints.latest.sequence + 1n;
  for (const by of [1, 2, 3, 4]) await add(world, by);
  ledger.commitEmptyCheckpoint();
  const tip = ledger.checkpoints.latest.sequence;
  type Options = NonNullable<GrpcTypes.ListTransactionsRequest['options']>;
  const list = async (
    request: Partial<GrpcTypes.ListTransactionsRequest>,
    options: Partial<Options> = {},
  ) => {
    const call = ledgerService.listTransactions({
      readMask: { paths: ['checkpoint'] },
      ...request,
      options: { ordering: ASCENDING, ...options },
    });
    const frames = await take(call.responses, 99);
    return {
      found: frames.flatMap(({ transaction }) => (transaction === undefined ? [] : [transaction.checkpoint])),
      cursors: frames.map(({ watermark }) => watermark?.cursor ?? new Uint8Array()),
      covered: frames.at(-1)?.watermark?.checkpoint,
      reason: frames.at(-1)?.end?.reason,
      ends: frames.filter(({ end }) => end !== undefined).length,
    };
  };
  const range = { startCheckpoint: start, endCheckpoint: start + 3n };
  const inRange = await list(range);
  t.match(inRange, { found: [start, start + 1n, start + 2n], reason: CHECKPOINT_BOUND, covered: start + 2n });
  t.match(await list(range, { ordering: DESCENDING }), {
    found: [start + 2n, start + 1n, start],
    reason: CHECKPOINT_BOUND,
    covered: start,
  });
  t.match(await list({ startCheckpoint: start }), { reason: LEDGER_TIP, covered: tip, ends: 1 });
  const two = await list({ startCheckpoint: start }, { limit: 2 });
  t.match(two, { found: [start, start + 1n], reason: ITEM_LIMIT, covered: start, ends: 1 });
  t.equal(two.cursors.length, 2, 'the last item carries the end');
  const [first, second] = two.cursors;
  t.match(await list({ startCheckpoint: start }, { after: second ?? new Uint8Array() }), {
    found: [start + 2n, start + 3n],
    reason: LEDGER_TIP,
  });
  t.match(
    await list({}, { after: first ?? new Uint8Array(), before: inRange.cursors[2] ?? new Uint8Array() }),
    {
      found: [start + 1n],
      reason: CURSOR_BOUND,
    },
  );
  const past = await list({}, { after: (await list({})).cursors.at(-1) ?? new Uint8Array() });
  t.match(past, { found: [], reason: LEDGER_TIP });
  t.match(await list({ ...range, endCheckpoint: tip + 1n }), { reason: CHECKPOINT_BOUND, covered: tip });
  t.match(await list({ ...range, endCheckpoint: tip + 2n }), { reason: LEDGER_TIP, covered: tip });
  t.match(await list({ startCheckpoint: tip + 10n }), { found: [], reason: LEDGER_TIP });

  const checkpoints = ledgerService.listCheckpoints({
    startCheckpoint: start + 2n,
    filter: txFilter({ oneofKind: 'sender', sender: { address: world.address } }),
    readMask: { paths: ['sequence_number', 'summary.timestamp'] },
  });
  const listed = (await take(checkpoints.responses, 99)).map(({ checkpoint }) => checkpoint?.sequenceNumber);
  t.strictSame(listed, [start + 2n, start + 3n, undefined], 'no empty checkpoints');
  const newest = ledgerService.listCheckpoints({ options: { ordering: DESCENDING, limit: 1 } });
  t.equal((await take(newest.responses, 9))[0]?.checkpoint?.sequenceNumber, tip);

  const predicates: [GrpcTypes.TransactionLiteral['predicate'], number][] = [
    [{ oneofKind: 'sender', sender: { address: world.address } }, 5],
    [{ oneofKind: 'sender', sender: { address: '0x1' } }, 0],
    [{ oneofKind: 'affectedAddress', affectedAddress: { address: world.address } }, 5],
    [{ oneofKind: 'affectedObject', affectedObject: { objectId: world.counterId } }, 5],
    [{ oneofKind: 'moveCall', moveCall: { function: world.packageId } }, 4],
    [{ oneofKind: 'moveCall', moveCall: { function: `${world.packageId}::counter` } }, 4],
    [{ oneofKind: 'moveCall', moveCall: { function: `${world.packageId}::count` } }, 0],
    [{ oneofKind: 'moveCall', moveCall: { function: `${world.packageId}::counter::add` } }, 4],
    [{ oneofKind: 'emitModule', emitModule: { module: world.packageId } }, 4],
    [{ oneofKind: 'emitModule', emitModule: { module: `${world.packageId}::counter` } }, 4],
    [{ oneofKind: 'eventType', eventType: { eventType: `${world.packageId}::counter::Counted` } }, 4],
    [{ oneofKind: 'packageWrite', packageWrite: {} }, 1],
  ];
  const total = (await list({})).found.length;
  for (const [predicate, count] of predicates) {
    const name = JSON.stringify(predicate).slice(0, 60);
    t.equal((await list({ filter: txFilter(predicate) })).found.length, count, name);
    t.equal((await list({ filter: txFilter(predicate, true) })).found.length, total - count, `not ${name}`);
  }
  const refused: [Partial<GrpcTypes.ListTransactionsRequest>, string, RegExp][] = [
    [{ filter: txFilter({ oneofKind: undefined }) }, 'INVALID_ARGUMENT', /no predicate/],
    [{ filter: { terms: [{ literals: [] }] } }, 'INVALID_ARGUMENT', /no literals/],
    [
      { filter: txFilter({ oneofKind: 'sender', sender: { address: 'x' } }) },
      'INVALID_ARGUMENT',
      /not an address/,
    ],
    [
      { filter: txFilter({ oneofKind: 'moveCall', moveCall: { function: '0x2::a::b::c' } }) },
      'INVALID_ARGUMENT',
      /Move path/,
    ],
    [
      { filter: txFilter({ oneofKind: 'eventStreamHead', eventStreamHead: {} }) },
      'UNIMPLEMENTED',
      /eventStreamHead/,
    ],
    [
      { readMask: { paths: ['digest', 'effects.nothing'] } },
      'INVALID_ARGUMENT',
      /invalid read_mask path: effects.nothing/,
    ],
    [{ startCheckpoint: 3n, endCheckpoint: 2n }, 'INVALID_ARGUMENT', /before start_checkpoint/],
  ];
  for (const [request, code, message] of refused)
    await t.rejects(list(request), { code, message }, String(message));
  await t.rejects(list({}, { after: new Uint8Array(3) }), {
    code: 'INVALID_ARGUMENT',
    message: 'invalid cursor',
  });
});

/** A subscriber that does not read: a socket that asked for checkpoints and is paused. */
async function deafSubscriber(url: string): Promise<Socket> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  const head = 'POST /sui.rpc.v2.SubscriptionService/SubscribeCheckpoints HTTP/1.1\r\nhost: x\r\n';
  const mask = GrpcTypes.SubscribeCheckpointsRequest.toBinary({ readMask: { paths: ['*'] } });
  const body = Buffer.concat([Buffer.from([0, 0, 0, 0, mask.length]), mask]);
  socket.write(`${head}content-type: application/grpc-web+proto\r\ncontent-length: ${body.length}\r\n\r\n`);
  socket.write(body);
  await once(socket, 'readable');
  return socket;
}

void t.test('a slow subscriber is cut off, and nobody leaves a listener behind', async (t) => {
  await using world = await createWorld();
  const { ledger } = world;
  const listeners = countListeners(ledger);
  const limits = { backlogMax: 50, subscriptionsMax: 3, stallMs: 300 };
  const server = await serveLedger(ledger, { limits });
  t.teardown(() => server.close());
  const client = new SuiGrpcClient({ network: 'localnet', baseUrl: server.url });
  const { subscriptionService: subscribe } = client;

  const slow = subscribe.subscribeCheckpoints({});
  await slow.headers;
  // All at once, before the stream can take any.
  for (let i = 0; i < 60; i += 1) ledger.commitEmptyCheckpoint();
  t.equal(listeners(), 0, 'from there on nothing is kept for it');
  let seen = 0;
  const read = (async () => {
    for await (const frame of slow.responses) if (frame.checkpoint !== undefined) seen += 1;
  })();
  await t.rejects(read, { code: 'RESOURCE_EXHAUSTED', message: /too slow/ });
  t.equal(seen, 50, 'what was kept comes first');

  const deaf = await deafSubscriber(server.url);
  await until(() => listeners() === 1, 'the deaf subscription');
  const closed = once(deaf, 'close');
  // Fills the socket's buffers, a turn of the event loop at a time, until the server has to wait.
  for (let i = 0; i < 60 && listeners() > 0; i += 1) {
    for (let k = 0; k < 400; k += 1) {
      if (k % 40 === 39) await new Promise((resolve) => setImmediate(resolve));
      ledger.commitEmptyCheckpoint();
    }
  }
  await until(() => listeners() === 0, 'the end of the deaf subscription');
  await new Promise((resolve) => setTimeout(resolve, 400));
  deaf.resume();
  await closed;
  t.pass('its connection is closed, too');

  const abort = new AbortController();
  const leaving = [0, 1, 2].map(() => subscribe.subscribeEvents({}, { abort: abort.signal }));
  for (const call of leaving) await call.headers;
  t.equal(listeners(), 3);
  const fourth = subscribe.subscribeTransactions({});
  await t.rejects(fourth.status, { code: 'RESOURCE_EXHAUSTED', message: /more than 3 subscriptions/ });
  abort.abort();
  await until(() => listeners() === 0, 'the end of subscriptions whose clients left');

  const staying = [subscribe.subscribeEvents({}), subscribe.subscribeCheckpoints({})];
  for (const call of staying) await call.headers;
  t.equal(listeners(), 2);
  const start = performance.now();
  await server.close();
  t.ok(performance.now() - start < 10_000, 'the server stops, though they stay');
  for (const call of staying) t.equal((await call.status).code, 'OK', 'and ends streams in order');
  t.equal(listeners(), 0);
});
