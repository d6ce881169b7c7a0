import fc from 'fast-check';
import t from 'tap';
import { snapshotDigest, toHex, type ChainSnapshot } from '@k3s-daas/core';

import {
  claimFieldBcs,
  claimOf,
  clusterFieldBcs,
  clusterState,
  connectChain,
  moveTypes,
  positionBcs,
  sessionBcs,
  sessionOf,
  stakeOf,
  watchChain,
} from './index.ts';
import { CLUSTER, events, FakeCluster, id, PACKAGE } from './test/fake-cluster.ts';
import { FakeNode } from './test/fake-node.ts';

// The chain goes on while the watcher reads it, between any two of its requests. Whatever the order, a snapshot must be
// the chain's state at the very checkpoint it names.

const SEED = 20_261_121;
const NAMES = ['a', 'b', 'c', 'd'];
const TYPES = moveTypes(PACKAGE);

interface Step {
  /** Requests of the watcher that pass before it. */
  readonly after: number;
  readonly kind: 'claim' | 'leave' | 'slash' | 'jail' | 'activate' | 'nothing';
  readonly node: string;
  readonly amount: bigint;
}

const steps = fc.array(
  fc.record<Step>({
    after: fc.integer({ min: 0, max: 12 }),
    kind: fc.constantFrom('claim', 'claim', 'leave', 'slash', 'jail', 'activate', 'nothing'),
    node: fc.constantFrom(...NAMES),
    amount: fc.bigInt({ min: 0n, max: 2_000n }),
  }),
  { minLength: 5, maxLength: 40 },
);

/** One step of the chain: one checkpoint, applied to objects and events at once as a transaction is. */
function apply(node: FakeNode, cluster: FakeCluster, claimed: Set<string>, step: Step, turn: number): void {
  const { kind, node: name, amount } = step;
  if (kind === 'claim' && !claimed.has(name)) {
    cluster.position(name, { active: amount });
    cluster.claim(name);
    claimed.add(name);
    node.advance([events.claimed(name)]);
  } else if (kind === 'leave' && claimed.delete(name)) {
    cluster.remove(cluster.claim(name));
    cluster.position(name, { node: null });
    node.advance([events.left(name)]);
  } else if (kind === 'slash' && claimed.has(name)) {
    cluster.position(name, { active: amount });
    node.advance([events.slashed(name, 1n)]);
  } else if (kind === 'jail' && claimed.has(name)) {
    cluster.claim(name, { jailed: amount % 2n === 0n });
    node.advance([events.jailed(name)]);
  } else if (kind === 'activate') {
    const session = `s${turn}`;
    cluster.session(session);
    const active = { session: id(`session ${session}`), term: BigInt(turn), configVersion: 1n };
    cluster.cluster({ active, term: BigInt(turn) });
    node.advance([events.registered(session), events.activated(session, BigInt(turn))]);
  } else node.advance();
}

/** The digest of what the node holds, by a plain walk over its objects. */
function truth(node: FakeNode): string {
  const all = [...node.objects.values()];
  const of = (type: string) => all.filter((object) => object.type === type).map((object) => object.content);
  const cluster = of(TYPES.clusterField).map((content) =>
    clusterState({ id: CLUSTER, ...clusterFieldBcs.parse(content).value }),
  )[0];
  if (cluster === undefined) throw new Error('the fake holds no cluster');
  const claims = of(TYPES.claimField).map((content) => claimOf(claimFieldBcs.parse(content).value));
  const backing = new Set(claims.map((claim) => claim.stake));
  const stakes = of(TYPES.position).map((content) => stakeOf(positionBcs.parse(content)));
  const sessions = of(TYPES.session).map((content) => sessionOf(sessionBcs.parse(content)));
  const digest = snapshotDigest({
    cluster,
    claims: new Map(claims.map((claim) => [claim.node, claim])),
    stakes: new Map(stakes.filter((stake) => backing.has(stake.id)).map((stake) => [stake.id, stake])),
    sessions: new Map(sessions.map((session) => [session.id, session])),
  });
  return toHex(digest);
}

async function simulate(script: readonly Step[], resyncMs: number): Promise<void> {
  const node = new FakeNode();
  const cluster = new FakeCluster(node);
  const claimed = new Set<string>();
  const history = new Map<bigint, string>([[node.checkpoint, truth(node)]]);
  const pending = [...script];
  let requests = 0;
  let turn = 0;
  node.meanwhile = () => {
    requests += 1;
    const next = pending[0];
    if (next === undefined || requests <= next.after) return;
    pending.shift();
    requests = 0;
    apply(node, cluster, claimed, next, (turn += 1));
    history.set(node.checkpoint, truth(node));
  };
  const chain = connectChain({ url: 'http://fake.invalid', fetch: node.fetch, attemptsMax: 1 });
  let now = node.timeMs;
  const clock = { now: () => (now += 1) }; // each look at the clock takes a millisecond, so resyncs come by themselves
  const log = { info: () => undefined, warn: () => undefined };
  const options = { chain, packageId: PACKAGE, clusterId: CLUSTER, clock, log, pollMs: 0, resyncMs };
  const watcher = watchChain({ ...options, futureMsMax: 60_000 });
  let inexact = 0;
  const told = new Set<ChainSnapshot>();
  const check = (snapshot: ChainSnapshot): void => {
    if (told.has(snapshot)) return;
    told.add(snapshot);
    const busy = watcher.status().inexact > inexact;
    inexact = watcher.status().inexact;
    checkSnapshot(snapshot, history, busy);
  };
  const failures: unknown[] = [];
  watcher.onChange((snapshot) => {
    try {
      check(snapshot);
    } catch (error) {
      failures.push(error);
    }
  });
  watcher.start();
  try {
    while (pending.length > 0 || watcher.current()?.checkpoint !== node.checkpoint) {
      const { lastError } = watcher.status();
      if (lastError !== null) throw lastError;
      await new Promise((resolve) => setImmediate(resolve));
      const snapshot = watcher.current();
      if (snapshot !== null) check(snapshot);
    }
    if (failures.length > 0) throw failures[0];
    if (watcher.status().divergences > 0) throw new Error('a resync found the incremental state wrong');
  } finally {
    await watcher.stop();
  }
}

function checkSnapshot(snapshot: ChainSnapshot, history: ReadonlyMap<bigint, string>, busy: boolean): void {
  const said = toHex(snapshot.digest);
  if (said !== toHex(snapshotDigest(snapshot))) throw new Error('the digest is not that of the content');
  if (!busy && said !== history.get(snapshot.checkpoint)) {
    throw new Error(`the snapshot is not the state at checkpoint ${snapshot.checkpoint}`);
  }
  checked[busy ? 'busy' : 'exact'] += 1;
}

const checked = { exact: 0, busy: 0 };

for (const [name, resyncMs] of [
  ['followed by events', 1e9],
  ['with a resync every few polls', 5],
] as const) {
  await t.test(`snapshots are exact while the chain goes on, ${name}`, async (t) => {
    t.comment(`seed ${SEED}`);
    const property = fc.asyncProperty(steps, (script) => simulate(script, resyncMs));
    await fc.assert(property, { seed: SEED, numRuns: 40 });
    t.comment(checked);
    t.ok(checked.exact > 10 * checked.busy, 'most snapshots were exact ones');
  });
}
