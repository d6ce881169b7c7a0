import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { SimulationError } from '@mysten/sui/client';
import { RpcError } from '@mysten/sui/grpc';
import t from 'tap';
import { fromHex } from '@k3s-daas/core';

import { boundedFetch, type Fetch } from './bounded-fetch.ts';
import {
  ABORT_CODES,
  accountFromSeed,
  addressOf,
  capBcs,
  claimFieldBcs,
  claimFieldId,
  ChainError,
  clusterBcs,
  clusterFieldBcs,
  connectChain,
  moveTypes,
  parseEvent,
  parseObject,
  positionBcs,
  readChainId,
  readClaim,
  readCluster,
  readObjects,
  sessionBcs,
  shapes,
  slotBcs,
  toChainError,
  type Chain,
} from './index.ts';
import { CLUSTER, FakeCluster, id, PACKAGE } from './test/fake-cluster.ts';
import { FakeNode } from './test/fake-node.ts';

const hex = (byte: string, count: number): string => byte.repeat(count);
const A = `0x${hex('aa', 32)}`;
const B = `0x${hex('bb', 32)}`;
const C = `0x${hex('cc', 32)}`;
const RFC8032_ADDRESS = '0x304af458e90e97c841685b8cbbc59b909f3e2cf150df590ada4c81452c29737d';
const coded = (error: unknown): never => {
  throw toChainError(error);
};
const fill = (byte: number, count: number): Uint8Array<ArrayBuffer> => new Uint8Array(count).fill(byte);

await t.test('layouts read the bytes that the Move structs have, written out by hand', (t) => {
  const u64 = (byte: string): string => `${byte}00000000000000`;
  t.strictSame(parseObject(clusterBcs, A, fromHex(hex('aa', 32) + hex('bb', 32) + u64('01'))), {
    id: A,
    inner: { id: B, version: 1n },
  });
  const inner =
    hex('aa', 32) + // id of the field
    u64('01') + // its key, the version
    '20' +
    hex('01', 32) + // config_digest
    '20' +
    hex('02', 32) + // policy_digest
    u64('03') + // config_version
    '01' +
    u64('03') +
    ('30' + hex('04', 48)) +
    ('30' + hex('05', 48)) +
    ('30' + hex('06', 48)) + // configs
    '01' +
    hex('bb', 32) +
    u64('07') +
    u64('03') + // active
    u64('07') + // term
    ['0a', '0b', '0c', '0d', '0e', '0f', '10', '11'].map(u64).join('') + // stakes
    '60ea000000000000' + // document_age_ms_max = 60,000
    ['12', '13'].map(u64).join('') + // bond_min, anchor_window_ms
    ['14', '15', '16', '17', '18', '19'].map(u64).join('') + // votes
    '01' + // governed
    hex('cc', 32) +
    u64('02') + // claims
    hex('dd', 32) +
    u64('02') + // claimed_stakes
    hex('ee', 32) +
    u64('01') + // reserved
    '01' +
    '0474656d70' +
    u64('1a') +
    '02' +
    '0161' +
    '026263' +
    u64('1b') + // tiers
    u64('1c') + // active_total
    u64('1d') + // unbonding_total
    u64('09'); // treasury
  t.strictSame(parseObject(clusterFieldBcs, A, fromHex(inner)), {
    id: A,
    key: 1n,
    value: {
      configDigest: fill(1, 32),
      policyDigest: fill(2, 32),
      configVersion: 3n,
      configs: [{ key: 3n, value: { pcr0: fill(4, 48), pcr1: fill(5, 48), pcr2: fill(6, 48) } }],
      active: { session: B, term: 7n, configVersion: 3n },
      term: 7n,
      parameters: {
        stakes: {
          userMin: 10n,
          nodeMin: 11n,
          adminMin: 12n,
          mistPerCpu: 13n,
          mistPerGib: 14n,
          userUnbondingMs: 15n,
          nodeUnbondingMs: 16n,
          adminUnbondingMs: 17n,
        },
        enclaves: { documentAgeMsMax: 60_000n, bondMin: 18n, anchorWindowMs: 19n },
        votes: {
          votingMs: 20n,
          timelockMs: 21n,
          executionMs: 22n,
          quorumBps: 23n,
          electorateMin: 24n,
          deposit: 25n,
        },
      },
      governed: true,
      claims: { id: C, size: 2n },
      claimedStakes: { id: `0x${hex('dd', 32)}`, size: 2n },
      reserved: { id: `0x${hex('ee', 32)}`, size: 1n },
      tiers: [{ key: 'temp', value: { stakeMin: 26n, groups: ['a', 'bc'], epochsMax: 27n } }],
      activeTotal: 28n,
      unbondingTotal: 29n,
      treasury: 9n,
    },
  });
  const position =
    hex('aa', 32) +
    hex('bb', 32) +
    hex('cc', 32) +
    '01' + // role
    'e803000000000000' + // active
    u64('05') + // unbonding
    u64('06') + // unbonding_until_ms
    u64('07') + // increased_ms
    u64('08') + // rewards
    '01' +
    '0161' + // node
    u64('09') + // heartbeat_ms
    '01' +
    hex('dd', 32) +
    u64('0a') + // pass
    u64('0b') + // voting_until_ms
    u64('0c'); // freezes
  t.strictSame(parseObject(positionBcs, A, fromHex(position)), {
    id: A,
    cluster: B,
    owner: C,
    role: 1,
    active: 1_000n,
    unbonding: 5n,
    unbondingUntilMs: 6n,
    increasedMs: 7n,
    rewards: 8n,
    node: 'a',
    heartbeatMs: 9n,
    pass: { pass: `0x${hex('dd', 32)}`, stakeMin: 10n },
    votingUntilMs: 11n,
    freezes: 12n,
  });
  const claim =
    hex('aa', 32) +
    '026e31' +
    '026e31' +
    hex('bb', 32) +
    hex('cc', 32) +
    '20' +
    hex('01', 32) +
    '20' +
    hex('02', 32) +
    u64('03') +
    u64('04') +
    u64('05') +
    '01' +
    u64('06') +
    u64('07');
  t.strictSame(parseObject(claimFieldBcs, A, fromHex(claim)), {
    id: A,
    key: 'n1',
    value: {
      node: 'n1',
      stake: B,
      owner: C,
      nodeKey: fill(1, 32),
      csrKeyHash: fill(2, 32),
      cpuMilli: 3n,
      memoryMib: 4n,
      required: 5n,
      jailed: true,
      claimedMs: 6n,
      certificateUntilMs: 7n,
    },
  });
  const session =
    hex('aa', 32) +
    hex('bb', 32) +
    u64('01') +
    '20' +
    hex('01', 32) +
    '20' +
    hex('02', 32) +
    '20' +
    hex('03', 32) +
    u64('04') +
    u64('05') +
    '01' + // revoked
    u64('06') + // ended_ms
    (u64('07') + '20' + hex('08', 32) + u64('09')) + // head
    hex('cc', 32) + // sponsor
    u64('0a') + // bond
    u64('0b'); // bond_held_ms
  t.match(parseObject(sessionBcs, A, fromHex(session)), {
    id: A,
    cluster: B,
    tlsKeyHash: fill(3, 32),
    revoked: true,
    endedMs: 6n,
    head: { size: 7n, root: fill(8, 32), lastSequence: 9n },
    sponsor: C,
    bond: 10n,
    bondHeldMs: 11n,
  });
  t.strictSame(parseObject(slotBcs, A, fromHex(hex('aa', 32) + hex('bb', 32) + u64('01') + u64('02'))), {
    id: A,
    cluster: B,
    configVersion: 1n,
    expiresMs: 2n,
  });
  t.strictSame(parseObject(capBcs, A, fromHex(hex('aa', 32) + hex('bb', 32))), { id: A, cluster: B });

  for (const [name, bytes] of [
    ['one byte more', `${position}00`],
    ['one byte less', position.slice(2)],
    ['an option tag of 2', position.replace('010161', '020161')],
    ['a length in two bytes', position.replace('010161', '01810061')],
    ['text that is not UTF-8', position.replace('010161', '0101ff')],
  ] as const) {
    t.throws(() => parseObject(positionBcs, A, fromHex(bytes)), { code: 'OBJECT_MALFORMED' }, name);
  }
  t.throws(() => parseObject(sessionBcs, A, fromHex(session.replace(`01${u64('06')}`, `02${u64('06')}`))), {
    code: 'OBJECT_MALFORMED',
  });
  const short = inner.replace('30' + hex('04', 48), '2f' + hex('04', 47));
  t.throws(
    () => parseObject(clusterFieldBcs, A, fromHex(short)),
    { code: 'OBJECT_MALFORMED' },
    'a PCR of 47 bytes',
  );
  t.end();
});

await t.test('events are told apart by package and name, and parsed strictly', (t) => {
  const slashed = fromHex(`${hex('aa', 32)}${hex('bb', 32)}0500000000000000027878`);
  const expected = { kind: 'staking::Slashed', cluster: A, position: B, amount: 5n, reason: 'xx' };
  t.strictSame(parseEvent('0x5', `0x${'0'.repeat(63)}5::staking::Slashed`, slashed), expected);
  t.strictSame(parseEvent(`0x${'0'.repeat(63)}5`, '0x5::staking::Slashed', slashed), expected);
  t.equal(parseEvent('0x5', '0x6::staking::Slashed', slashed), null, 'another package');
  t.equal(parseEvent('0x5', '0x5::nodes::Slashed', slashed), null, 'another module');
  t.equal(parseEvent('0x5', '0x5::staking::toString', slashed), null);
  t.throws(() => parseEvent('0x5', '0x5::staking::Slashed', slashed.subarray(1)), {
    code: 'OBJECT_MALFORMED',
  });
  t.end();
});

await t.test('type names and ids of table fields', (t) => {
  const types = moveTypes('0x5');
  const five = `0x${'0'.repeat(63)}5`;
  t.equal(types.position, `${five}::staking::Position`);
  const std = (n: string): string => `0x${'0'.repeat(63)}${n}`;
  const key = `${std('1')}::string::String`;
  t.equal(types.claimField, `${std('2')}::dynamic_field::Field<${key},${five}::cluster::NodeClaim>`);
  t.match(claimFieldId(A, 'n1'), /^0x[0-9a-f]{64}$/);
  t.not(claimFieldId(A, 'n1'), claimFieldId(A, 'n2'));
  // RFC 8032 section 7.1, test 1: the seed; its address is blake2b-256(0x00 ‖ public key), computed with Python's hashlib.
  const seed = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60');
  t.equal(addressOf(accountFromSeed(seed)), RFC8032_ADDRESS);
  t.end();
});

const sources = new URL('../move/daas/sources/', import.meta.url);
await t.test(
  'abort names are those of the Move sources',
  { skip: !existsSync(sources) && 'no Move sources' },
  (t) => {
    const declared: Record<string, Record<string, bigint>> = {};
    for (const file of readdirSync(sources).filter((name) => name.endsWith('.move'))) {
      const text = readFileSync(new URL(file, sources), 'utf8');
      const module = /^module k3s_daas::(\w+);$/m.exec(text)?.[1] ?? '';
      const codes = [...text.matchAll(/^const (E[A-Z][a-z]\w*): u64 = (\d+);$/gm)];
      if (codes.length > 0)
        declared[module] = Object.fromEntries(codes.map(([, name = '', code = '']) => [name, BigInt(code)]));
      t.equal(
        codes.length,
        (text.match(/^const E[A-Z][a-z]/gm) ?? []).length,
        `every constant of ${module} is read`,
      );
    }
    t.strictSame(ABORT_CODES, declared);
    t.end();
  },
);

await t.test(
  'events have the fields of the Move sources',
  { skip: !existsSync(sources) && 'no Move sources' },
  (t) => {
    // Both are read as text: a BCS type does not tell its fields.
    const camel = (name: string): string =>
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    const ours = readFileSync(new URL('./events.ts', import.meta.url), 'utf8');
    const known = new Map<string, string[]>();
    for (const [, kind = '', body = ''] of ours.matchAll(
      /'(\w+::\w+)': bcs\.struct\('\w+', \{([\s\S]*?)\}\),\n/g,
    )) {
      known.set(
        kind,
        [...body.matchAll(/(\w+): (?:bcs\.|[a-z])/g)].map(([, name = '']) => name),
      );
    }
    for (const file of readdirSync(sources).filter((name) => name.endsWith('.move'))) {
      const text = readFileSync(new URL(file, sources), 'utf8');
      const module = /^module k3s_daas::(\w+);$/m.exec(text)?.[1] ?? '';
      const emitted = new Set([...text.matchAll(/event::emit\((\w+) \{/g)].map(([, name = '']) => name));
      for (const name of emitted) {
        const body = new RegExp(`struct ${name} has copy, drop \\{([^}]*)\\}`).exec(text)?.[1] ?? '';
        const fields = [...body.matchAll(/^ {4}(\w+):/gm)].map(([, field = '']) => camel(field));
        t.ok(fields.length > 0, `${module}::${name} was read`);
        t.strictSame(known.get(`${module}::${name}`), fields, `${module}::${name}`);
        known.delete(`${module}::${name}`);
      }
    }
    t.strictSame([...known.keys()], [], 'no event that Move does not emit');
    t.end();
  },
);

await t.test('errors of the SDK become coded ones', (t) => {
  const abort = (packageId: string, module: string, abortCode: string): ChainError =>
    toChainError(
      new SimulationError('Transaction resolution failed', {
        executionError: {
          $kind: 'MoveAbort',
          message: 'MoveAbort in 1st command',
          MoveAbort: { abortCode, location: { package: packageId, module, functionName: 'stake' } },
        },
      }),
    );
  t.match(abort(A, 'staking', '3'), {
    code: 'TRANSACTION_FAILED',
    message: 'Move aborted with staking::EBelowMinimum (code 3) in staking::stake',
    abort: { packageId: A, module: 'staking', code: 3n, name: 'staking::EBelowMinimum', function: 'stake' },
  });
  t.equal(abort(A, 'staking', '999').abort?.name, null, 'a code that the module does not declare');
  t.equal(abort(A, 'constructor', '0').abort?.name, null);
  t.equal(
    abort(`0x${'0'.repeat(63)}2`, 'staking', '3').abort?.name,
    null,
    "the framework's modules are not ours",
  );
  t.equal(toChainError(new RpcError('x', 'UNAVAILABLE')).code, 'CHAIN_UNREACHABLE');
  t.equal(toChainError(new RpcError('x', 'DEADLINE_EXCEEDED')).code, 'CHAIN_TIMEOUT');
  t.equal(toChainError(new RpcError('x', 'INVALID_ARGUMENT')).code, 'CHAIN_REFUSED');
  t.equal(
    toChainError(new SimulationError('x', { cause: new RpcError('x', 'UNAVAILABLE') })).code,
    'CHAIN_UNREACHABLE',
  );
  t.equal(toChainError('text').code, 'CHAIN_REFUSED');
  const own = new ChainError('CHAIN_FOREIGN', 'x');
  t.equal(toChainError(new Error('outer', { cause: own })), own);
  t.end();
});

await t.test('fetch: deadline, retries of reads only, size limit', async (t) => {
  let calls = 0;
  const scripted =
    (...answers: ((signal: AbortSignal) => Promise<Response>)[]): Fetch =>
    (_, init) =>
      (answers[calls++] ?? answers.at(-1) ?? fail)(init?.signal ?? new AbortController().signal);
  const fail = (): Promise<Response> =>
    Promise.reject(new TypeError('fetch failed', { cause: new Error('ECONNRESET') }));
  const ok = (): Promise<Response> => Promise.resolve(new Response('fine'));
  const status =
    (code: number, headers = {}) =>
    () =>
      Promise.resolve(new Response('no', { status: code, headers }));
  const hang = (signal: AbortSignal): Promise<Response> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(new DOMException('aborted', 'AbortError'));
      });
    });
  const stall = (): Promise<Response> =>
    Promise.resolve(new Response(new ReadableStream({ pull: () => undefined })));
  const run = async (fetch: Fetch, method = 'GetServiceInfo', init: RequestInit = {}): Promise<string> => {
    calls = 0;
    const limits = { deadlineMs: 150, attemptsMax: 3, responseBytesMax: 8, random: () => 0 };
    const response = await boundedFetch({ ...limits, fetch })(`http://x/sui.rpc.v2.S/${method}`, init);
    return `${response.status} ${await response.text()}`;
  };
  t.equal(await run(scripted(fail, status(503), ok)), '200 fine');
  t.equal(calls, 3);
  t.equal(await run(scripted(status(200, { 'grpc-status': '14' }), ok)), '200 fine');
  t.equal(await run(scripted(status(429))), '429 no', 'after the last attempt the answer stands as it is');
  t.equal(calls, 3);
  t.equal(await run(scripted(status(400), ok)), '400 no', 'a refusal is not tried again');
  await t.rejects(run(scripted(fail)), { code: 'UNAVAILABLE', cause: { code: 'CHAIN_UNREACHABLE' } });
  t.equal(calls, 3);
  await t.rejects(run(scripted(fail, ok), 'ExecuteTransaction'), { code: 'UNAVAILABLE' });
  t.equal(calls, 1, 'a transaction is sent once');
  await t.rejects(run(scripted(hang)), { code: 'DEADLINE_EXCEEDED', cause: { code: 'CHAIN_TIMEOUT' } });
  t.equal(calls, 1);
  await t.rejects(run(scripted(() => Promise.resolve(new Response('nine bytes')))), {
    code: 'RESOURCE_EXHAUSTED',
  });
  const aborted = AbortSignal.abort(new Error('the caller left'));
  await t.rejects(run(scripted(fail), 'GetServiceInfo', { signal: aborted }), /fetch failed/);
  t.equal(calls, 1, 'a call that the caller gave up is not tried again');
  t.ok(
    await boundedFetch({ fetch: stall, deadlineMs: 1, attemptsMax: 1, responseBytesMax: 8, random: () => 0 })(
      'x/SubscribeEvents',
    ),
  );
});

await t.test('a server that accepts and says nothing is a timeout, over a real socket', async (t) => {
  const server = createServer((_, response) => void response.writeHead(200).write('x'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  await t.rejects(connectChain({ url, deadlineMs: 100 }).info(), { code: 'CHAIN_TIMEOUT' });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await t.rejects(connectChain({ url, deadlineMs: 20_000 }).info(), {
    code: 'CHAIN_UNREACHABLE',
    message: /ECONNREFUSED/,
  });
});

await t.test('nothing is asked of a node before it said that it serves the configured chain', async (t) => {
  const node = new FakeNode();
  new FakeCluster(node);
  const { chainId } = node;
  const connect = (): Chain =>
    connectChain({ url: 'http://fake.invalid', fetch: node.fetch, attemptsMax: 1, chainId });
  const read = (chain: Chain): Promise<unknown> => readCluster(chain.client, PACKAGE, CLUSTER);
  const foreign = { code: 'CHAIN_FOREIGN', message: new RegExp(`expected ${chainId}`) };
  const calls = (): string[] => node.calls.splice(0);

  const chain = connect();
  node.chainId = '11111111111111111111111111111111';
  for (const attempt of ['at first', 'and again'])
    await t.rejects(read(chain).catch(coded), foreign, attempt);
  t.strictSame(calls(), ['GetServiceInfo', 'GetServiceInfo'], 'it heard nothing of what was wanted');
  const { client } = chain;
  await t.rejects(client.core.getReferenceGasPrice().catch(coded), foreign, 'by the SDK as well');
  await t.rejects(
    client.core.executeTransaction({ transaction: new Uint8Array(1), signatures: [] }).catch(coded),
    foreign,
    'least of all a transaction',
  );
  t.strictSame(calls(), ['GetServiceInfo', 'GetServiceInfo']);

  node.outage = new Error('away');
  await t.rejects(read(chain).catch(coded), { code: 'CHAIN_UNREACHABLE' });
  node.outage = null;
  node.chainId = chainId;
  calls();
  await Promise.all([read(chain), read(chain), read(chain)]);
  await read(chain);
  t.strictSame(
    calls().filter((call) => call === 'GetServiceInfo'),
    ['GetServiceInfo'],
    'once',
  );

  node.chainId = '11111111111111111111111111111111';
  await t.rejects(chain.info(), foreign, 'another node behind the same address');
  await t.rejects(read(chain).catch(coded), foreign, 'after which nothing is believed');
  node.chainId = chainId;
  await read(chain);

  const told = connect();
  calls();
  await told.info();
  await read(told);
  t.equal(calls().filter((call) => call === 'GetServiceInfo').length, 1, 'who asked has asked');
});

await t.test('reads are typed, and chain and objects are checked', async (t) => {
  const node = new FakeNode();
  const cluster = new FakeCluster(node);
  const chain = connectChain({ url: 'http://fake.invalid', fetch: node.fetch, attemptsMax: 1 });
  t.equal((await readCluster(chain.client, PACKAGE, CLUSTER)).id, CLUSTER);
  t.equal(await readChainId(chain.client), node.chainId);
  await t.rejects(readCluster(chain.client, PACKAGE, A), { code: 'OBJECT_MISSING' });
  await t.rejects(
    readCluster(chain.client, B, CLUSTER),
    { code: 'OBJECT_MALFORMED' },
    'a cluster of another package',
  );
  const names = Array.from({ length: 120 }, (_, index) => `n${index}`);
  const ids = names.map((name) => cluster.position(name));
  node.calls.length = 0;
  const found = await readObjects(chain.client, [...ids, A], shapes.position(PACKAGE));
  t.strictSame([...found.keys()].sort(), [...ids].sort(), 'a missing object is left out');
  t.equal(node.calls.length, 3, 'fifty at a time');
  t.equal(found.get(id('position n7'))?.value.node, 'n7');

  const table = await readCluster(chain.client, PACKAGE, CLUSTER);
  cluster.claim('n1');
  t.equal((await readClaim(chain.client, PACKAGE, table, 'n1'))?.stake, id('position n1'));
  t.equal(await readClaim(chain.client, PACKAGE, table, 'nobody'), null);
  cluster.claim('n2', {}, 'n1');
  const swapped = readClaim(chain.client, PACKAGE, table, 'n1');
  await t.rejects(swapped, { code: 'OBJECT_MALFORMED' }, 'the claim of another node under a name');

  await chain.info();
  node.chainId = '11111111111111111111111111111111';
  await t.rejects(chain.info(), { code: 'CHAIN_FOREIGN' }, 'the first answer fixed the chain');
  t.equal(await readChainId(chain.client), node.chainId, 'never from a cache');
  node.chainId = 'not base58 at all 0OIl';
  await t.rejects(chain.info(), { code: 'CHAIN_MALFORMED' });
  const other = connectChain({ url: 'http://fake.invalid', fetch: node.fetch, attemptsMax: 1, chainId: 'x' });
  node.chainId = '11111111111111111111111111111111';
  await t.rejects(other.info(), { code: 'CHAIN_FOREIGN' });
  node.handlers['GetServiceInfo'] = () => [{}];
  await t.rejects(chain.info(), { code: 'CHAIN_MALFORMED' });
  node.handlers['GetCheckpoint'] = () => [{ checkpoint: { sequenceNumber: 3n, transactions: [] } }];
  await t.rejects(chain.checkpoint(4n), { code: 'CHAIN_MALFORMED' });
});
