import t, { type Test } from 'tap';
import { nodeEligibility, snapshotDigest, type ChainSnapshot, type Clock } from '@k3s-daas/core';

import { connectChain, snapshotAgeMs, watchChain, type ChainWatcher, type WatchOptions } from './index.ts';
import { CLUSTER, events, FakeCluster, id, PACKAGE } from './test/fake-cluster.ts';
import { FakeNode } from './test/fake-node.ts';

interface Rig {
  readonly node: FakeNode;
  readonly cluster: FakeCluster;
  readonly watcher: ChainWatcher;
  readonly clock: Clock & { ms: number };
  readonly lines: string[];
  readonly snapshot: () => ChainSnapshot;
}

/** A watched fake cluster with nodes a and b and a registered session s. */
async function rig(test: Test, options: Partial<WatchOptions> = {}): Promise<Rig> {
  const node = new FakeNode();
  const cluster = new FakeCluster(node);
  for (const name of ['a', 'b']) {
    cluster.position(name);
    cluster.claim(name);
    node.advance([events.claimed(name)]);
  }
  cluster.session('s');
  node.advance([events.registered('s')]);
  const clock = { ms: node.timeMs + 400, now: () => clock.ms };
  const lines: string[] = [];
  const log = {
    info: (_: object, line: string) => lines.push(line),
    warn: (_: object, line: string) => lines.push(line),
  };
  const chain = connectChain({
    url: 'http://fake.invalid',
    fetch: node.fetch,
    attemptsMax: 1,
    random: () => 0,
  });
  const watcher = watchChain({
    chain,
    packageId: PACKAGE,
    clusterId: CLUSTER,
    clock,
    log,
    pollMs: 2,
    backoffMsMax: 4,
    random: () => 0,
    ...options,
  });
  test.teardown(() => watcher.stop());
  watcher.start();
  await watcher.synced;
  const snapshot = (): ChainSnapshot => {
    const now = watcher.current();
    if (now === null) throw new Error('not synced');
    return now;
  };
  return { node, cluster, watcher, clock, lines, snapshot };
}

/** Waits, without a fixed sleep, until a condition holds. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the condition never held');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

await t.test('the first snapshot holds claims, their stakes, and sessions', async (t) => {
  const { node, watcher, snapshot, clock } = await rig(t);
  const first = snapshot();
  t.equal(first.checkpoint, node.checkpoint);
  t.equal(first.checkpointTimestampMs, node.timeMs);
  t.equal(snapshotAgeMs(first, clock), 400);
  t.strictSame([...first.claims.keys()].sort(), ['a', 'b']);
  t.equal(first.stakes.get(id('position a'))?.active, 1_000n);
  t.equal(first.sessions.get(id('session s'))?.revoked, false);
  t.strictSame(first.digest, snapshotDigest(first));
  t.ok(nodeEligibility(first, 'a').eligible);
  t.match(watcher.status(), { running: true, failures: 0, lastError: null, resyncs: 1 });
});

await t.test('checkpoints without events move the age, call nobody, and cost no object reads', async (t) => {
  const { node, watcher, snapshot } = await rig(t);
  const { digest } = snapshot();
  let called = 0;
  watcher.onChange(() => (called += 1));
  node.calls.length = 0;
  node.advance();
  node.advance();
  await until(() => snapshot().checkpoint === node.checkpoint);
  t.equal(snapshot().checkpointTimestampMs, node.timeMs);
  t.equal(snapshot().digest, digest, 'the very same digest, not computed again');
  t.equal(called, 0);
  t.notOk(node.calls.includes('BatchGetObjects'));
  const polls = watcher.status().polls;
  node.calls.length = 0;
  await until(() => watcher.status().polls >= polls + 3);
  t.ok(
    node.calls.every((call) => call === 'GetServiceInfo'),
    'an idle chain is asked for its height only',
  );
});

await t.test('events change exactly what they touch', async (t) => {
  const { node, cluster, watcher, snapshot } = await rig(t);
  const seen: ChainSnapshot[] = [];
  const unsubscribe = watcher.onChange((next) => seen.push(next));
  watcher.onChange(() => {
    throw new Error('a listener that fails');
  });
  const before = snapshot();

  cluster.position('a', { active: 400n });
  node.advance([events.slashed('a', 600n)]);
  await until(() => seen.length === 1);
  t.match(nodeEligibility(snapshot(), 'a'), {
    eligible: false,
    reason: { code: 'STAKE_TOO_SMALL', active: 400n },
  });
  t.equal(before.stakes.get(id('position a'))?.active, 1_000n, 'an old snapshot never changes');

  cluster.claim('b', { jailed: true });
  node.advance([events.jailed('b')]);
  await until(() => seen.length === 2);
  t.match(nodeEligibility(snapshot(), 'b'), { reason: { code: 'NODE_JAILED' } });

  cluster.remove(cluster.claim('a'));
  cluster.position('c');
  cluster.claim('c');
  node.advance([events.left('a'), events.claimed('c')]);
  await until(() => seen.length === 3);
  t.strictSame([...snapshot().claims.keys()].sort(), ['b', 'c']);
  t.strictSame([...snapshot().stakes.keys()].sort(), [id('position b'), id('position c')].sort());

  cluster.session('s2');
  const active = { session: id('session s2'), term: 1n, configVersion: 1n };
  cluster.cluster({ active, term: 1n });
  node.advance([events.registered('s2'), events.activated('s2', 1n)]);
  await until(() => seen.length === 4);
  t.strictSame(snapshot().cluster.active, { session: id('session s2'), term: 1n });
  t.equal(snapshot().sessions.size, 2);

  unsubscribe();
  t.equal(watcher.status().failures, 0, 'a failing listener does not stop the watcher');
  for (const next of seen) t.strictSame(next.digest, snapshotDigest(next));
});

await t.test('an event of another version of the package makes it read everything', async (t) => {
  const { node, cluster, watcher, snapshot } = await rig(t);
  cluster.position('a', { active: 5n }); // no event that is known tells of it
  node.advance([events.unheardOf()]);
  await until(() => watcher.status().resyncs === 2);
  t.equal(snapshot().stakes.get(id('position a'))?.active, 5n);
});

await t.test('after a long absence it reads everything instead of all that happened', async (t) => {
  const { node, cluster, watcher, snapshot, clock } = await rig(t);
  node.outage = new TypeError('fetch failed');
  await until(() => watcher.status().failures > 0);
  cluster.position('a', { active: 5n });
  for (let count = 0; count < 400; count += 1) node.advance([events.slashed('a', 1n)]); // 134 pages of the fake
  clock.ms = node.timeMs;
  node.outage = null;
  await until(() => snapshot().checkpoint === node.checkpoint);
  t.equal(watcher.status().resyncs, 2);
  t.equal(snapshot().stakes.get(id('position a'))?.active, 5n);
  t.match(watcher.status(), { divergences: 0, inexact: 0, failures: 0 });
});

await t.test('events that the node has dropped are made up for by reading everything', async (t) => {
  const { node, cluster, watcher, snapshot } = await rig(t);
  node.outage = new TypeError('fetch failed');
  await until(() => watcher.status().failures > 0);
  cluster.position('a', { active: 5n });
  node.advance([events.slashed('a', 1n)]);
  node.events.pop();
  node.advance();
  node.advance();
  node.checkpointMin = node.checkpoint;
  node.outage = null;
  await until(() => snapshot().checkpoint === node.checkpoint);
  t.equal(snapshot().stakes.get(id('position a'))?.active, 5n);
  t.equal(snapshot().sessions.size, 1, 'sessions known before are kept');
});

await t.test('a claim whose object comes later than its event is asked for until it comes', async (t) => {
  const { node, cluster, snapshot } = await rig(t);
  cluster.position('c');
  node.advance([events.claimed('c')]);
  await until(() => snapshot().checkpoint === node.checkpoint);
  t.notOk(snapshot().claims.has('c'));
  cluster.claim('c');
  node.advance();
  await until(() => snapshot().claims.has('c'));
  t.ok(nodeEligibility(snapshot(), 'c').eligible);
});

await t.test('a resync mends what events did not tell, and counts it', async (t) => {
  const { node, cluster, watcher, snapshot, clock, lines } = await rig(t, { resyncMs: 10_000 });
  cluster.position('a', { active: 1n });
  node.advance();
  await until(() => snapshot().checkpoint === node.checkpoint);
  t.equal(snapshot().stakes.get(id('position a'))?.active, 1_000n);
  clock.ms += 10_000;
  await until(() => watcher.status().resyncs === 2);
  t.equal(snapshot().stakes.get(id('position a'))?.active, 1n);
  t.equal(watcher.status().divergences, 1);
  t.ok(lines.includes('snapshot diverged and was replaced'));
  clock.ms += 10_000;
  await until(() => watcher.status().resyncs === 3);
  t.equal(watcher.status().divergences, 1, 'the next one agrees');
});

await t.test('an outage ages the snapshot and is survived', async (t) => {
  const { node, watcher, snapshot, clock, lines } = await rig(t);
  const held = snapshot();
  node.outage = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
  await until(() => watcher.status().failures >= 3);
  clock.ms += 60_000;
  t.equal(watcher.status().lastError?.code, 'CHAIN_UNREACHABLE');
  t.match(watcher.status().lastError?.message, /ECONNREFUSED/);
  t.equal(snapshot(), held);
  t.equal(snapshotAgeMs(held, clock), 60_400);
  node.outage = null;
  node.advance();
  await until(() => snapshot() !== held);
  t.equal(watcher.status().failures, 0);
  t.equal(lines.filter((line) => line === 'chain not followed').length, 1, 'an outage is one line');
  t.ok(lines.includes('chain followed again'));
});

const lies: Record<string, { code: string; tell: (node: FakeNode, cluster: FakeCluster) => void }> = {
  'an older checkpoint': { code: 'SNAPSHOT_REGRESSED', tell: (node) => void (node.checkpoint -= 2n) },
  'another chain': {
    code: 'CHAIN_FOREIGN',
    tell: (node) => void (node.chainId = '11111111111111111111111111111111'),
  },
  'a time that goes back': {
    code: 'SNAPSHOT_REGRESSED',
    tell: (node) => {
      node.advance();
      node.timeMs -= 10_000;
    },
  },
  'a time far ahead': {
    code: 'SNAPSHOT_FUTURE',
    tell: (node) => {
      node.advance();
      node.timeMs += 3_600_000;
    },
  },
  'an object as it was before': {
    code: 'SNAPSHOT_REGRESSED',
    tell: (node) => {
      const position = node.objects.get(id('position a'));
      if (position !== undefined) position.version -= 1n;
      node.advance([events.slashed('a', 1n)]);
    },
  },
  'an object of another type': {
    code: 'OBJECT_MALFORMED',
    tell: (node) => {
      const position = node.objects.get(id('position a'));
      if (position !== undefined) position.type = `${id('evil')}::staking::Position`;
      node.advance([events.slashed('a', 1n)]);
    },
  },
  'the claim of another node under a name': {
    code: 'OBJECT_MALFORMED',
    tell: (node, cluster) => {
      cluster.claim('b', {}, 'a');
      node.advance([events.jailed('a')]);
    },
  },
  'another object than was asked for': {
    code: 'OBJECT_MALFORMED',
    tell: (node) => {
      const b = node.objects.get(id('position b'));
      if (b !== undefined) node.objects.set(id('position a'), { ...b, version: 99n });
      node.advance([events.slashed('a', 1n)]);
    },
  },
};

for (const [lie, { code, tell }] of Object.entries(lies)) {
  await t.test(`refuses ${lie}`, async (t) => {
    const { node, cluster, watcher, snapshot } = await rig(t);
    const held = snapshot();
    tell(node, cluster);
    await until(() => watcher.status().failures >= 2);
    t.equal(watcher.status().lastError?.code, code);
    t.equal(snapshot(), held, 'the old snapshot stays, and so ages out');
  });
}

await t.test('another history is noticed after a reconnect, even when it is longer', async (t) => {
  const { node, watcher, snapshot } = await rig(t);
  const held = snapshot();
  node.outage = new TypeError('fetch failed');
  await until(() => watcher.status().failures >= 1);
  node.history = 'other ';
  for (let blocks = 0; blocks < 5; blocks += 1) node.advance();
  node.outage = null;
  await until(() => watcher.status().lastError?.code === 'SNAPSHOT_FORKED');
  t.equal(snapshot(), held);
});

await t.test('a resync cannot show an object older than it was', async (t) => {
  const { node, watcher, snapshot, clock } = await rig(t, { resyncMs: 10_000 });
  const position = node.objects.get(id('position a'));
  if (position !== undefined) position.version -= 1n;
  clock.ms += 10_000;
  await until(() => watcher.status().failures >= 1);
  t.equal(watcher.status().lastError?.code, 'SNAPSHOT_REGRESSED');
  t.equal(snapshot().stakes.get(id('position a'))?.active, 1_000n);
});

await t.test('events that never stop do not starve the snapshot', async (t) => {
  const { node, snapshot } = await rig(t);
  const list = node.handlers['ListEvents'];
  node.handlers['ListEvents'] = (request) => {
    node.advance([events.slashed('a', 1n)]);
    return list?.(request) ?? [];
  };
  const from = snapshot().checkpoint;
  node.advance();
  await until(() => snapshot().checkpoint > from + 20n);
  t.pass('it moved on');
});

await t.test('a lagging event index does not make the snapshot look newer', async (t) => {
  const { node, snapshot, watcher } = await rig(t);
  const list = node.handlers['ListEvents'];
  const indexed = node.checkpoint;
  node.handlers['ListEvents'] = (request) => {
    const now = node.checkpoint;
    node.checkpoint = indexed;
    const frames = list?.(request) ?? [];
    node.checkpoint = now;
    return frames;
  };
  const { calls } = node;
  node.advance();
  node.advance();
  const before = calls.filter((call) => call === 'ListEvents').length;
  await until(() => calls.filter((call) => call === 'ListEvents').length > before + 2);
  t.equal(snapshot().checkpoint, indexed);
  t.equal(watcher.status().failures, 0);
  node.history = 'other ';
  await until(() => watcher.status().lastError?.code === 'SNAPSHOT_FORKED');
});

await t.test('what belongs to another cluster counts for nothing here', async (t) => {
  const { node, cluster, snapshot } = await rig(t);
  cluster.position('a', { cluster: id('other cluster') });
  cluster.session('x', { cluster: id('other cluster') });
  node.advance([events.slashed('a', 1n), events.registered('x')]);
  await until(() => snapshot().checkpoint === node.checkpoint);
  t.match(nodeEligibility(snapshot(), 'a'), { eligible: false, reason: { code: 'STAKE_MISSING' } });
  t.notOk(snapshot().sessions.has(id('session x')));

  const { digest } = snapshot();
  const foreign = events.slashed('b', 1n);
  foreign.content.set(new Uint8Array(32)); // the cluster's id comes first
  cluster.position('b', { active: 1n });
  node.advance([foreign]);
  await until(() => snapshot().checkpoint === node.checkpoint);
  t.strictSame(snapshot().digest, digest, 'its events are passed over');
});

await t.test('stopped before the first snapshot', async (t) => {
  const node = new FakeNode();
  node.outage = new TypeError('fetch failed');
  const chain = connectChain({ url: 'http://fake.invalid', fetch: node.fetch, attemptsMax: 1 });
  const log = { info: () => undefined, warn: () => undefined };
  const clock = { now: () => node.timeMs };
  const watcher = watchChain({ chain, packageId: PACKAGE, clusterId: CLUSTER, clock, log, pollMs: 2 });
  watcher.start();
  await until(() => watcher.status().failures > 0);
  t.equal(watcher.current(), null);
  await watcher.stop();
  await t.rejects(watcher.synced, { code: 'SNAPSHOT_STOPPED' });
  t.equal(watcher.status().running, false);
});
