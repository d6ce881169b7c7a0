import t from 'tap';

import {
  decodeDecisionMessage,
  decodeReceipt,
  namesDigest,
  sha256,
  utf8,
  verifyEd25519,
  verifyReceiptJws,
} from '@k3s-daas/core';

import type { BindOutcome, Engine } from '../engine.ts';
import { openDecisionLog } from '../log/log.ts';
import { replayLog } from '../log/replay.ts';
import { idOf, World } from './test/world.ts';

const code = (outcome: BindOutcome): string => (outcome.bound ? 'bound' : outcome.code);
const sum = (engine: Engine): bigint => engine.lags().reduce((total, { lag }) => total + lag, 0n);
const decisionOf = (receipt: string) => decodeDecisionMessage(decodeReceipt(receipt).message).payload;

void t.test('a pod is filtered, scored, decided, signed, logged and bound', async (t) => {
  const world = new World();
  const engine = await world.start();
  const pod = world.addPod('a');
  const outcome = engine.filter(pod, world.names);
  t.equal(outcome.names.length, 4);
  t.same(outcome.rejected, []);
  t.ok(
    engine
      .prioritize('a', world.names)
      .every(({ score }) => Number.isInteger(score) && score >= 0 && score <= 10),
  );
  const node = outcome.names[0] ?? '';
  const result = await engine.bind(world.request('a', node));
  if (!result.bound) throw new Error(result.message);
  t.equal(result.sequence, 1n);
  t.equal(result.receipt, world.pod('a').receipt);
  const receipt = decodeReceipt(result.receipt);
  t.ok(verifyEd25519(world.signer.publicKey, receipt.message, receipt.signature));
  const snapshot = world.snapshot();
  t.match(decisionOf(result.receipt), {
    ...world.identity,
    kind: 0,
    podUid: 'a',
    namespace: 'shop',
    pod: 'pod-a',
    serviceAccount: 'default',
    serviceAccountUid: 'sa-uid-1',
    node,
    nodeUid: `uid-of-${node}`,
    stake: snapshot.claims.get(node)?.stake,
    notAfterMs: BigInt(world.nowMs) + 10_000n,
    checkpoint: 77n,
  });
  t.same(decisionOf(result.receipt).nodeKeyHash, sha256(sha256(utf8(`key of ${node}`))));
  t.same(decisionOf(result.receipt).feasibleDigest, namesDigest(outcome.names));
  t.same(decisionOf(result.receipt).snapshotDigest, snapshot.digest);
  t.equal(sum(engine), 0n);
  t.match(engine.explain('a'), { state: 'bound', node, sequence: 1n, offered: 8, shortlist: { length: 4 } });
  t.same(verifyReceiptJws(engine.exportReceipt('a') ?? '', world.signer.publicKey).receipt, receipt);
  t.equal(engine.exportReceipt('nobody'), null);
  t.match(engine.status(), { lastSequence: 1n, unsettled: 0 });
  t.equal(engine.explain('b'), null);

  // 1 core of 100: a cost of 10⁷; by stakes 1:2:3:4 its operators are owed 1, 2, 3 and 4 million.
  const owed = engine.lags().map(({ operator, entitled }) => [operator, entitled] as const);
  t.same(
    new Map(owed),
    new Map([0, 1, 2, 3].map((at) => [idOf('operator', at), 1_000_000n * BigInt(at + 1)])),
  );
  await engine.close();
  t.equal(code(await engine.bind(world.request('a', node))), 'SHUTTING_DOWN');
  t.throws(() => engine.filter(pod, world.names), { code: 'SHUTTING_DOWN' });
});

void t.test('filter fails closed and names what is missing', async (t) => {
  const world = new World();
  const engine = await world.start();
  const pod = world.addPod('a');
  const filter = (): unknown => engine.filter(pod, world.names);
  t.throws(() => engine.filter(pod, []), { code: 'CANDIDATES_EMPTY' });
  t.throws(() => engine.filter({ ...pod, schedulerName: 'default-scheduler' }, world.names), {
    code: 'POD_FOREIGN_SCHEDULER',
  });
  t.throws(() => engine.filter({ ...pod, nodeName: 'n0-0' }, world.names), { code: 'POD_ALREADY_BOUND' });
  t.throws(
    () =>
      engine.filter(
        pod,
        Array.from({ length: 16_385 }, (_, at) => `x${at}`),
      ),
    { code: 'REQUEST_MALFORMED' },
  );
  world.synced = false;
  t.throws(filter, { code: 'CACHE_NOT_SYNCED' });
  world.synced = true;
  world.noSnapshot = true;
  t.throws(filter, { code: 'SNAPSHOT_MISSING' });
  world.noSnapshot = false;
  world.chainAgeMs = 30_001;
  t.throws(filter, { code: 'SNAPSHOT_STALE' });
  world.chainAgeMs = -30_001;
  t.throws(filter, { code: 'SNAPSHOT_STALE' }, 'a clock that is behind the chain is as wrong');
  world.chainAgeMs = 30_000;
  t.doesNotThrow(filter, 'recovers by itself');
  const { identity } = world;
  world.identity = null;
  t.throws(filter, { code: 'ENCLAVE_NOT_ACTIVE' });
  if (identity !== null) world.identity = { ...identity, cluster: idOf('cluster', 1) };
  t.throws(filter, { code: 'ENCLAVE_NOT_ACTIVE' });
  world.identity = identity;
  t.throws(() => engine.prioritize('never filtered', ['n0-0']), { code: 'POD_UNKNOWN' });
  await engine.close();
});

void t.test(
  'nodes without a live stake, unknown ones and those beyond the fairest K are left out',
  async (t) => {
    const world = new World({ operators: 5 });
    const engine = await world.start();
    const pod = world.addPod('a');
    world.setStake('n0-0', 999n);
    world.claims.delete('n1-0');
    world.addNode('n9', 9, 5_000n);
    const names = [...world.names, 'stranger'];
    const { names: shortlist, rejected } = engine.filter(pod, names);
    t.same(
      rejected.map(({ node, code, unresolvable }) => [node, code, unresolvable]),
      [
        ['n0-0', 'STAKE_TOO_SMALL', true],
        ['n1-0', 'NODE_NOT_CLAIMED', true],
        ['stranger', 'NODE_UNKNOWN', false],
      ],
    );
    t.match(rejected[0]?.message, /1 MIST are missing/);
    t.equal(shortlist.length, 4);
    t.same(
      [...engine.eligibleForPreemption(pod, names)].sort(),
      names.filter((name) => !['n0-0', 'n1-0', 'stranger'].includes(name)).sort(),
    );
    t.same(engine.eligibleForPreemption(pod, []), []);

    const before = engine.status();
    const dry = engine.dryRun(world.addPod('dry'), names);
    t.equal(dry.outcome.rejected.filter((each) => each.code === 'NODE_NOT_AMONG_THE_FAIREST').length, 9 - 4);
    t.same(engine.status(), before);
    t.equal(engine.explain('dry'), null, 'a dry run leaves nothing behind');
    t.equal(world.disk.bytes.length, 'k3s-daas/log/v1\n'.length, 'nor does filtering write anything');
    t.match(engine.explain('a'), { state: 'filtered', node: null, offered: 12 });

    const outside = names.find((name) => !shortlist.includes(name)) ?? '';
    t.equal(code(await engine.bind(world.request('a', outside))), 'NODE_NOT_IN_SHORTLIST');
    t.equal(world.posted.length, 0);
    await engine.close();
  },
);

void t.test('a cache that is behind kube-scheduler costs one GET and no failed attempt', async (t) => {
  const world = new World();
  const engine = await world.start();
  const pod = world.addPod('a');
  const [node = ''] = engine.filter(pod, world.names).names;
  world.hidden.add('a');
  t.match(await engine.bind(world.request('a', node)), { bound: true });
  t.equal(world.posted.length, 1);
  await engine.close();
});

void t.test('bind checks again what may have changed since the filter call', async (t) => {
  const refusals: Record<string, (world: World, node: string) => void> = {
    POD_UNKNOWN: (world) => void world.pods.delete('a'),
    POD_CHANGED: (world) => void world.changePod('a', { specDigest: sha256(utf8('another')) }),
    POD_ALREADY_BOUND: (world) => void world.changePod('a', { nodeName: 'n0-0' }),
    NODE_INELIGIBLE: (world, node) => {
      world.setStake(node, 1n);
    },
    NODE_UNKNOWN: (world, node) => void world.nodes.set(node, { name: node, uid: 'another machine' }),
    SERVICE_ACCOUNT_UNKNOWN: (world) => {
      world.serviceAccounts.clear();
    },
    SNAPSHOT_STALE: (world) => {
      world.chainAgeMs = 31_000;
    },
    ENCLAVE_NOT_ACTIVE: (world) => {
      world.identity = null;
    },
    CACHE_NOT_SYNCED: (world) => {
      world.synced = false;
    },
    LOG_WRITE_FAILED: (world) => {
      world.disk.capacity = 0;
    },
  };
  for (const [expected, change] of Object.entries(refusals)) {
    const world = new World();
    const engine = await world.start();
    const [node = ''] = engine.filter(world.addPod('a'), world.names).names;
    change(world, node);
    t.equal(code(await engine.bind(world.request('a', node))), expected);
    t.equal(world.posted.length, 0, 'nothing was posted');
    t.equal(engine.status().unsettled, 0, 'and nothing is owed');
    await engine.close();
  }
  const world = new World();
  const engine = await world.start();
  const [node = ''] = engine.filter(world.addPod('a'), world.names).names;
  t.equal(code(await engine.bind({ ...world.request('a', node), namespace: 'other' })), 'POD_UNKNOWN');
  const claim = world.claims.get(node);
  world.addNode(node, 77, 9_000n);
  t.equal(
    code(await engine.bind(world.request('a', node))),
    'NODE_INELIGIBLE',
    'another stake took the name over',
  );
  t.ok(claim);
  await engine.close();
});

void t.test('a bind is idempotent by pod UID', async (t) => {
  const world = new World();
  const engine = await world.start();
  world.addPod('a');
  const { names } = engine.filter(world.pod('a'), world.names);
  const [node = '', other = ''] = names;
  const both = await Promise.all([
    engine.bind(world.request('a', node)),
    engine.bind(world.request('a', node)),
  ]);
  t.same(both[0], both[1], 'two calls at once get one receipt');
  t.equal(world.posted.length, 1);
  t.equal(code(await engine.bind(world.request('a', other))), 'POD_ALREADY_BOUND');
  t.equal(engine.status().lastSequence, 1n);

  // The answer is lost: the retry posts the same bytes, another node has to wait for the expiry.
  world.addPod('b');
  engine.filter(world.pod('b'), world.names);
  const shortlist = engine.explain('b')?.shortlist.map((each) => each.node) ?? [];
  const request = world.request('b', shortlist[0] ?? '');
  world.fault = () => ({ kind: 'unknown', message: 'timed out' });
  t.equal(code(await engine.bind(request)), 'BINDING_UNKNOWN');
  t.equal(engine.explain('b')?.state, 'decided');
  t.equal(code(await engine.bind(world.request('b', shortlist[1] ?? ''))), 'RECEIPT_LIVE');
  world.fault = null;
  t.equal(code(await engine.bind(request)), 'bound');
  t.equal(new Set(world.posted.slice(1).map(({ receipt }) => receipt)).size, 1, 'byte-identical');

  // The binding happened, its answer was lost, and so was the GET's.
  world.addPod('c');
  world.fault = () => ({ applied: { kind: 'unknown', message: 'reset' } });
  world.readFails = true;
  t.equal(code(await world.place(engine, 'c')), 'BINDING_UNKNOWN');
  world.readFails = false;
  const posts = world.posted.length;
  t.equal(code(await engine.bind(world.request('c', world.pod('c').nodeName))), 'bound');
  t.equal(world.posted.length, posts, 'what is bound is not posted again');
  await engine.close();
});

void t.test('fifty binds at once share few fsyncs and get fifty sequences', async (t) => {
  const world = new World({ operators: 10, nodesEach: 3 });
  const engine = await world.start();
  const uids = Array.from({ length: 50 }, (_, at) => `p${at}`);
  const requests = uids.map((uid) => {
    const [node = ''] = engine.filter(world.addPod(uid), world.names).names;
    return world.request(uid, node);
  });
  const outcomes = await Promise.all(requests.map((request) => engine.bind(request)));
  t.ok(outcomes.every(({ bound }) => bound));
  t.equal(new Set(outcomes.map((each) => (each.bound ? each.sequence : 0n))).size, 50);
  t.equal(engine.status().lastSequence, 50n);
  t.ok(world.disk.syncs < 30, `${world.disk.syncs} fsyncs`);
  t.equal(sum(engine), 0n);
  const replay = await replayLog(world.disk.bytes, {
    policy: world.policy,
    sessionKeys: new Map([[idOf('session', 0), world.signer.publicKey]]),
  });
  t.same(replay.violations, []);
  t.ok(replay.decisions.every(({ state }) => state === 'bound'));
  await engine.close();
});

void t.test('409: nominatedNodeName moves the version, and the same receipt is posted again', async (t) => {
  const world = new World();
  const engine = await world.start();
  const pod = world.addPod('a');
  const [node = ''] = engine.filter(pod, world.names).names;
  world.changePod('a', { nominatedNode: node });
  world.staleCache.set('a', pod);
  t.equal(code(await engine.bind(world.request('a', node))), 'bound');
  t.equal(world.posted.length, 2);
  t.equal(world.posted[0]?.receipt, world.posted[1]?.receipt);
  t.not(world.posted[0]?.resourceVersion, world.posted[1]?.resourceVersion);

  const changed = world.addPod('b');
  const [second = ''] = engine.filter(changed, world.names).names;
  world.changePod('b', { specDigest: sha256(utf8('patched')) });
  world.staleCache.set('b', changed);
  t.equal(code(await engine.bind(world.request('b', second))), 'POD_CHANGED');

  const taken = world.addPod('c');
  const [third = ''] = engine.filter(taken, world.names).names;
  world.changePod('c', { nodeName: 'n0-0' });
  world.staleCache.set('c', taken);
  t.equal(code(await engine.bind(world.request('c', third))), 'POD_ALREADY_BOUND');

  world.addPod('d');
  world.fault = () => ({ kind: 'conflict', message: 'modified' });
  for (let attempt = 0; attempt < 4; attempt += 1) {
    t.equal(code(await world.place(engine, 'd')), 'BINDING_CONFLICT');
    world.advance(10_000);
  }
  world.fault = null;
  t.equal(
    engine.filter(world.pod('d'), world.names).rejected.length,
    0,
    'conflicts are not failures of a node',
  );
  await engine.close();
});

void t.test(
  'after three refused binds a node is left out for that pod; lags come back after expiry and a GET',
  async (t) => {
    const world = new World({ operators: 2, nodesEach: 1 });
    let engine = await world.start();
    world.addPod('a');
    const blank = engine.lags().map(({ lag }) => lag);
    world.fault = () => ({ kind: 'refused', status: 403, message: 'denied' });
    const { names } = engine.filter(world.pod('a'), world.names);
    const request = world.request('a', names[0] ?? '');
    t.equal(code(await engine.bind(request)), 'BINDING_REFUSED');
    t.equal(engine.explain('a')?.state, 'failed');
    t.not(engine.status().maxLag, 0n, 'the charge stands while the receipt is in force');
    await engine.reconcile();
    t.equal(engine.status().unsettled, 1);
    world.advance(10_000);
    world.readFails = true;
    await t.rejects(engine.reconcile(), { code: 'BINDING_UNKNOWN' }, 'no reversal without a GET');
    t.equal(engine.status().unsettled, 1);
    world.readFails = false;
    await engine.reconcile();
    t.same(
      engine.lags().map(({ lag }) => lag),
      blank,
    );
    for (let attempt = 0; attempt < 2; attempt += 1) {
      engine.filter(world.pod('a'), world.names);
      t.equal(code(await engine.bind(request)), 'BINDING_REFUSED');
      world.advance(10_000);
    }
    await engine.reconcile();
    engine = await world.crash();
    const filtered = engine.filter(world.pod('a'), world.names);
    t.same(
      filtered.rejected.map((each) => each.code),
      ['NODE_LEFT_OUT_AFTER_FAILURES'],
      'remembered after a restart',
    );
    t.equal(filtered.names.includes(request.node), false);
    world.pods.delete('a');
    await engine.reconcile();
    world.addPod('a');
    t.equal(engine.filter(world.pod('a'), world.names).rejected.length, 0, 'forgotten with the pod');
    await engine.close();
  },
);

void t.test(
  'a restart rebuilds ledger, receipts and sequences, and binds only after a receipt lifetime',
  async (t) => {
    const world = new World();
    let engine = await world.start();
    for (const uid of ['a', 'b', 'c', 'd']) world.addPod(uid);
    t.equal(code(await world.place(engine, 'a')), 'bound');
    world.fault = () => ({ applied: { kind: 'unknown', message: 'reset' } });
    world.readFails = true;
    await world.place(engine, 'b');
    world.fault = () => ({ kind: 'unknown', message: 'reset' });
    await world.place(engine, 'c');
    world.fault = null;
    world.readFails = false;
    const lags = engine.lags();
    engine = await world.crash();
    t.same(engine.lags(), lags);
    t.equal(engine.status().unsettled, 2);
    t.match(engine.explain('a'), { state: 'bound', sequence: 1n }, 'explains what it did before');
    t.equal(code(await world.place(engine, 'd')), 'RECEIPT_LIVE', 'not yet');
    await engine.reconcile();
    t.equal(engine.status().unsettled, 1, 'b is bound; the receipt of c is in force');
    world.advance(9_999);
    t.equal(code(await world.place(engine, 'd')), 'RECEIPT_LIVE');
    world.advance(1);
    await engine.reconcile();
    t.equal(engine.status().unsettled, 0);
    if (world.identity !== null)
      world.identity = { ...world.identity, session: idOf('session', 1), term: 2n };
    t.equal(engine.exportReceipt('a'), null, 'another session: the key that signed it is gone');
    const outcome = await world.place(engine, 'd');
    t.equal(outcome.bound && outcome.sequence, 1025n, 'beyond the block that was reserved');
    await engine.close();
    const replay = await replayLog(world.disk.bytes, { policy: world.policy });
    t.same(replay.violations, []);
    t.same(
      replay.sessions.map(({ session, previousSession }) => [session, previousSession]),
      [
        [idOf('session', 0), null],
        [idOf('session', 1), idOf('session', 0)],
      ],
    );
    t.same(
      replay.decisions.map(({ state }) => state),
      ['bound', 'bound', 'reversed', 'bound'],
    );
  },
);

void t.test('charges made under an earlier policy stay as they were made', async (t) => {
  const world = new World({ policy: { lagMax: '1000000' } });
  let engine = await world.start();
  for (const uid of ['a', 'b', 'c']) {
    world.addPod(uid);
    await world.place(engine, uid);
  }
  const lags = engine.lags();
  t.ok(
    lags.some(({ delivered }) => delivered % 10_000_000n !== 0n),
    'the cap was at work',
  );
  world.policy = { ...world.policy, lagMax: 1_000_000_000n };
  engine = await world.crash();
  t.same(engine.lags(), lags);
  world.advance(10_000);
  world.addPod('d');
  t.equal(code(await world.place(engine, 'd')), 'bound');
  const replay = await replayLog(world.disk.bytes, { policy: world.policy });
  t.same([...new Set(replay.violations.map((each) => each.code))], ['POLICY_WRONG']);
  t.same(
    new Map(replay.lags.map(({ operator, lag }) => [operator, lag])),
    new Map(engine.lags().map(({ operator, lag }) => [operator, lag])),
  );
  await engine.close();
});

void t.test('a clock that goes back does not put a second receipt in force', async (t) => {
  const world = new World();
  const engine = await world.start();
  world.addPod('a');
  world.fault = () => ({ kind: 'unknown', message: 'timed out' });
  await world.place(engine, 'a');
  world.advance(10_000);
  await engine.reconcile();
  t.equal(engine.status().unsettled, 0);
  world.fault = null;
  world.advance(-1);
  t.equal(code(await world.place(engine, 'a')), 'RECEIPT_LIVE');
  world.advance(1);
  t.equal(code(await world.place(engine, 'a')), 'bound');
  await engine.close();
});

void t.test(
  'a full disk stops binding without a trace, and binding goes on when there is room',
  async (t) => {
    const world = new World();
    const engine = await world.start();
    for (const uid of ['a', 'b', 'c']) world.addPod(uid);
    t.equal(code(await world.place(engine, 'a')), 'bound');
    await engine.reconcile();
    const before = { lags: engine.lags(), bytes: world.disk.bytes };
    world.disk.capacity = before.bytes.length + 100;
    t.equal(code(await world.place(engine, 'b')), 'LOG_WRITE_FAILED');
    t.same(engine.lags(), before.lags);
    t.same(world.disk.bytes, before.bytes, 'nothing half-written remains');
    t.equal(world.posted.length, 1);
    world.disk.capacity = Number.POSITIVE_INFINITY;
    const outcome = await world.place(engine, 'b');
    t.equal(outcome.bound && outcome.sequence, 3n, 'sequence 2 was signed, and is burnt');
    const replay = await replayLog(world.disk.bytes, { policy: world.policy });
    t.same(replay.violations, []);
    await engine.close();
  },
);

void t.test('a log that contradicts itself does not start', async (t) => {
  const world = new World();
  const log = await openDecisionLog({ path: '/log', fileSystem: world.disk });
  await log.append({ $kind: 'outcome', outcome: { sequence: 5n, result: 0, code: '' } }, 1).durable;
  await log.close();
  await t.rejects(world.start(), { code: 'LOG_CORRUPT', message: /byte 16/ });
});
