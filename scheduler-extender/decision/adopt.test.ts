/** Adoption: which running pods a live session stands for, what it writes, and what an auditor makes of that. */
import t from 'tap';

import {
  DecisionKind,
  decodeDecisionMessage,
  encodeDecisionMessage,
  encodeReceipt,
  namesDigest,
  parseReceipt,
  receiptBytes,
  receiptDigest,
  sha256,
  utf8,
  verifyEd25519,
  verifyReceiptJws,
  type Decision,
} from '@k3s-daas/core';

import type { Engine } from '../engine.ts';
import { openDecisionLog } from '../log/log.ts';
import { replayLog } from '../log/replay.ts';
import { LogState, parseDecision, type ParsedDecision } from '../log/state.ts';
import { MemoryDisk } from '../log/test/memory-file-system.ts';
import { idOf, World } from './test/world.ts';

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );

/** A pod that session 0 has placed, and that session 1 finds running. */
async function restarted(): Promise<{ world: World; engine: Engine; node: string }> {
  const world = new World();
  const first = await world.start();
  world.addPod('a');
  const outcome = await world.place(first, 'a');
  if (!outcome.bound) throw new Error(outcome.message);
  await first.close();
  world.newSession(1);
  const engine = await world.crash();
  return { world, engine, node: world.pod('a').nodeName };
}

void t.test('a pod of this session has the receipt that placed it, and nothing is written', async (t) => {
  const world = new World();
  const engine = await world.start();
  world.addPod('a');
  await world.place(engine, 'a');
  const records = engine.status().records;
  const { receipt, decision } = await engine.adopt(world.pod('a'));
  t.equal(encodeReceipt(receipt), world.pod('a').receipt);
  t.equal(decision.kind, DecisionKind.bind);
  t.equal(engine.status().records, records);
  await engine.close();
});

void t.test('a bind whose answer was lost is settled by what the pod shows', async (t) => {
  const world = new World();
  const engine = await world.start();
  world.addPod('a');
  world.fault = () => ({ applied: { kind: 'unknown', message: 'lost' } });
  world.readFails = true;
  await world.place(engine, 'a');
  t.equal(engine.status().unsettled, 1);
  t.equal(await codeOf(engine.adopt({ ...world.pod('a'), receipt: '' })), 'RECEIPT_UNKNOWN');
  t.equal(await codeOf(engine.adopt({ ...world.pod('a'), nodeName: '' })), 'RECEIPT_UNKNOWN');
  const { decision } = await engine.adopt(world.pod('a'));
  t.equal(decision.kind, DecisionKind.bind);
  t.equal(engine.status().unsettled, 0);
  await engine.close();
});

void t.test('a pod of an earlier session is adopted once per session and term', async (t) => {
  const { world, engine, node } = await restarted();
  const lags = engine.lags();
  const placed = decodeDecisionMessage(parseReceiptText(world.pod('a').receipt).message).payload;
  const before = world.signed.length;
  const adopted = await Promise.all([engine.adopt(world.pod('a')), engine.adopt(world.pod('a'))]);
  t.equal(world.signed.length, before + 1, 'two calls at once, one signature');
  const [{ receipt, decision }, again] = adopted;
  t.same(again, { receipt, decision });
  t.ok(verifyEd25519(world.signer.publicKey, receipt.message, receipt.signature));
  t.match(decision, {
    ...world.identity,
    kind: 1,
    podUid: 'a',
    namespace: 'shop',
    pod: 'pod-a',
    serviceAccount: 'default',
    serviceAccountUid: 'sa-uid-1',
    node,
    nodeUid: `uid-of-${node}`,
    stake: placed.stake,
    notAfterMs: BigInt(world.nowMs),
    checkpoint: 77n,
  });
  t.same(decision.podSpecDigest, placed.podSpecDigest);
  t.same(decision.nodeKeyHash, sha256(sha256(utf8(`key of ${node}`))));
  t.same(decision.inputDigest, receiptDigest(parseReceiptText(world.pod('a').receipt)));
  t.same(decision.feasibleDigest, namesDigest([node]));
  t.ok(decision.sequence > placed.sequence);
  t.same(engine.lags(), lags, 'costs nothing');
  t.match(engine.explain('a'), { state: 'bound', node, sequence: placed.sequence });
  t.same(verifyReceiptJws(engine.exportReceipt('a') ?? '', world.signer.publicKey).receipt, receipt);
  t.match(await engine.bind(world.request('a', node)), { bound: true, receipt: world.pod('a').receipt });

  // Another boot of the same session, then another term of it, then another session.
  await engine.close();
  let next = await world.crash();
  t.same(await next.adopt(world.pod('a')), { receipt, decision }, 'replayed from the log');
  if (world.identity !== null) world.identity = { ...world.identity, term: world.identity.term + 1n };
  const term = await next.adopt(world.pod('a'));
  t.equal(term.decision.term, decision.term + 1n);
  t.same(
    term.decision.inputDigest,
    decision.inputDigest,
    'from the receipt that placed it, not from an adoption',
  );
  await next.close();
  world.newSession(2);
  next = await world.crash();
  t.equal((await next.adopt(world.pod('a'))).decision.session, idOf('session', 2));

  // Placing goes on after it, by the same lags.
  world.addPod('b');
  world.advance(world.policy.receiptLifetimeMs);
  t.match(await world.place(next, 'b'), { bound: true });
  const status = next.status();
  await next.close();
  const replay = await replayLog(world.disk.bytes, { policy: world.policy, sessionKeys: keysOf(world) });
  t.same(replay.violations, []);
  t.equal(replay.records, status.records);
  t.same(
    replay.adoptions.map((each) => [each.placing, each.decision.session, each.decision.term]),
    [
      [1n, idOf('session', 1), 2n],
      [1n, idOf('session', 1), 3n],
      [1n, idOf('session', 2), 4n],
    ],
  );
  t.same(
    (await replayLog(world.disk.bytes, { policy: world.policy })).violations,
    [],
    'by its own keys, too',
  );
});

void t.test('what is not as it was when the pod was placed is not adopted', async (t) => {
  const another = sha256(utf8('another'));
  const refusals: [string, string, (world: World, node: string) => void][] = [
    ['another spec', 'POD_CHANGED', (world) => void world.changePod('a', { specDigest: another })],
    ['another service account', 'POD_CHANGED', (world) => void world.changePod('a', { serviceAccount: 'x' })],
    ['another name', 'POD_CHANGED', (world) => void world.changePod('a', { name: 'x' })],
    ['another namespace', 'POD_CHANGED', (world) => void world.changePod('a', { namespace: 'x' })],
    ['another node', 'POD_CHANGED', (world) => void world.changePod('a', { nodeName: 'n3-1' })],
    ['deleting', 'POD_CHANGED', (world) => void world.changePod('a', { deleting: true })],
    ['succeeded', 'POD_CHANGED', (world) => void world.changePod('a', { phase: 'Succeeded' })],
    ['failed', 'POD_CHANGED', (world) => void world.changePod('a', { phase: 'Failed' })],
    ['another annotation', 'RECEIPT_FOREIGN', (world) => void world.changePod('a', { receipt: 'AAAA' })],
    ['another pod', 'RECEIPT_UNKNOWN', (world) => void world.changePod('a', { uid: 'b' })],
    [
      'a slashed stake',
      'NODE_INELIGIBLE',
      (world, node) => {
        world.setStake(node, 999n);
      },
    ],
    [
      'a jailed node',
      'NODE_INELIGIBLE',
      (world, node) => {
        world.setClaim(node, { jailed: true });
      },
    ],
    [
      'another key',
      'NODE_INELIGIBLE',
      (world, node) => {
        world.setClaim(node, { nodeKey: another });
      },
    ],
    [
      'another stake',
      'NODE_INELIGIBLE',
      (world, node) => {
        world.addNode(node, 9, 5_000n);
      },
    ],
    [
      'another machine',
      'NODE_UNKNOWN',
      (world, node) => void world.nodes.set(node, { name: node, uid: 'x' }),
    ],
    [
      'a session that the chain does not have',
      'RECEIPT_FOREIGN',
      (world) => {
        world.setSession(idOf('session', 0), null);
      },
    ],
    [
      'a session with another key on chain',
      'RECEIPT_FOREIGN',
      (world) => {
        world.setSession(idOf('session', 0), { decisionKey: another });
      },
    ],
    ['no identity', 'ENCLAVE_NOT_ACTIVE', (world) => void (world.identity = null)],
    ['a chain that is silent', 'SNAPSHOT_STALE', (world) => void (world.chainAgeMs = 31_000)],
    ['a cache that is behind', 'CACHE_NOT_SYNCED', (world) => void (world.synced = false)],
    ['a full disk', 'LOG_WRITE_FAILED', (world) => void (world.disk.capacity = world.disk.bytes.length)],
  ];
  for (const [what, expected, change] of refusals) {
    const { world, engine, node } = await restarted();
    change(world, node);
    const before = engine.status();
    t.equal(await codeOf(engine.adopt(world.pod('a'))), expected, what);
    t.match(engine.status(), { lastSequence: before.lastSequence, unsettled: 0 }, `${what}: no trace`);
    await engine.close();
    t.equal(await codeOf(engine.adopt(world.pod('a'))), 'SHUTTING_DOWN');
  }
  // The same refusals hold for a receipt of the live session.
  const world = new World();
  const engine = await world.start();
  world.addPod('a');
  await world.place(engine, 'a');
  world.setStake(world.pod('a').nodeName, 999n);
  t.equal(await codeOf(engine.adopt(world.pod('a'))), 'NODE_INELIGIBLE');
  await engine.close();
});

void t.test(
  'an adoption that could not be written never was; the next one takes another sequence',
  async (t) => {
    const { world, engine } = await restarted();
    const bytes = world.disk.bytes.length;
    world.disk.capacity = bytes;
    t.equal(await codeOf(engine.adopt(world.pod('a'))), 'LOG_WRITE_FAILED');
    t.equal(world.disk.bytes.length, bytes);
    world.disk.capacity = Infinity;
    const { decision } = await engine.adopt(world.pod('a'));
    const signed = world.signed.map((message) => decodeDecisionMessage(message).payload);
    t.equal(signed.filter(({ sequence }) => sequence === decision.sequence).length, 1);
    await engine.close();
    t.same((await replayLog(world.disk.bytes, { policy: world.policy })).violations, []);
  },
);

void t.test('nobody is shown an adoption that is not on the disk', async (t) => {
  const { world, engine } = await restarted();
  // Reserves sequences, so that only the adoption itself is left to write.
  world.addPod('b');
  world.advance(world.policy.receiptLifetimeMs);
  await world.place(engine, 'b');
  world.disk.capacity = world.disk.bytes.length;
  const calls = [engine.adopt(world.pod('a')), engine.adopt(world.pod('a'))];
  t.same(await Promise.all(calls.map(codeOf)), ['LOG_WRITE_FAILED', 'LOG_WRITE_FAILED']);
  await engine.close();
});

void t.test('a pod whose bind has no end yet cannot be adopted', async (t) => {
  const { world, engine } = await restarted();
  await engine.adopt(world.pod('a'));
  await engine.close();
  const log = await openDecisionLog({ path: '/log', fileSystem: world.disk });
  const state = new LogState(world.policy.lagMax);
  for await (const { record } of log.read()) {
    if (record.body.$kind === 'outcome') continue;
    if (record.body.$kind === 'adoption') t.throws(() => state.apply(record.body), /while it is being bound/);
    else state.apply(record.body);
  }
  await log.close();
});

void t.test('after a crash at any byte of an adoption the pod is adopted, and the log replays', async (t) => {
  const { world, engine } = await restarted();
  const before = world.disk.bytes.length;
  const { decision } = await engine.adopt(world.pod('a'));
  await engine.close();
  const whole = world.disk.bytes.slice();
  const cuts = Array.from({ length: Math.ceil((whole.length - before) / 97) }, (_, at) => before + 97 * at);
  for (const length of [...cuts, whole.length - 1, whole.length]) {
    const next = await world.crash(whole.slice(0, length));
    const again = await next.adopt(world.pod('a'));
    t.ok(again.decision.sequence >= decision.sequence, `sequence after ${length} bytes`);
    if (length === whole.length) t.equal(again.decision.sequence, decision.sequence, 'it was whole');
    await next.close();
    const { violations, adoptions } = await replayLog(world.disk.bytes, { policy: world.policy });
    t.same(violations, [], `${length} bytes`);
    t.equal(adoptions.length, 1);
  }
});

void t.test('pods that run are remembered beyond those that are gone', async (t) => {
  const world = new World();
  const engine = await world.start();
  for (const uid of ['old', 'gone']) {
    world.addPod(uid);
    await world.place(engine, uid);
  }
  await engine.close();
  const state = new LogState(world.policy.lagMax, (podUid) => podUid !== 'old');
  const log = await openDecisionLog({ path: '/log', fileSystem: world.disk });
  let pattern: ParsedDecision | undefined;
  for await (const { record } of log.read()) {
    if (record.body.$kind === 'decision') pattern = parseDecision(record.body.decision);
    state.apply(record.body);
  }
  await log.close();
  if (pattern === undefined) throw new Error('no decision');
  const empty = { message: new Uint8Array(), signature: new Uint8Array(64), inputs: new Uint8Array() };
  state.apply({ $kind: 'reservation', reservation: { upTo: 20_000n } });
  for (let at = 0; at < 16_384; at += 1) {
    const sequence = state.lastSequence + 1n;
    const decision = { ...pattern.decision, sequence, podUid: `p${at}` };
    state.apply({ $kind: 'decision', decision: empty }, { ...pattern, decision });
    state.apply({ $kind: 'outcome', outcome: { sequence, result: 0, code: '' } });
  }
  t.equal(state.bound.size, 16_384);
  t.ok(state.bound.has('old'), 'it still runs');
  t.notOk(state.bound.has('gone'));
  t.notOk(state.bound.has('p0'));
  t.ok(state.bound.has('p1'));
});

void t.test('an auditor finds every lie in an adoption', async (t) => {
  const { world, engine } = await restarted();
  await engine.adopt(world.pod('a'));
  await engine.close();
  const other = sha256(utf8('other'));
  const strangers = receiptBytes(await strangersReceipt());
  // By a key of the cluster, as if session 1 had placed a pod in an earlier term; the log says nothing of it.
  const { payload } = decodeDecisionMessage(parseReceiptText(world.pod('a').receipt).message);
  const invented = (podUid: string): Uint8Array => {
    const decision = { ...payload, podUid, sequence: 999n, session: idOf('session', 1) };
    const message = encodeDecisionMessage(1n, decision);
    return receiptBytes({ message, signature: world.signer.sign(message) });
  };
  const lies: [string, readonly string[], Lie][] = [
    [
      'another receipt of the pod',
      ['ADOPTION_WRONG', 'INPUTS_WRONG', 'LOG_CONTRADICTS_ITSELF'],
      { placing: invented('a') },
    ],
    [
      'a pod that the log has not placed',
      ['ADOPTION_WRONG'],
      { placing: invented('x'), decision: { podUid: 'x', inputDigest: sha256(invented('x')) } },
    ],
    ['both times', ['TIME_WRONG'], { decision: { notAfterMs: BigInt(world.nowMs) + 1n }, laterMs: 1 }],
    ['nothing', [], {}],
    ['the node', ['ADOPTION_WRONG'], { decision: { node: 'n3-1' } }],
    ['the stake', ['ADOPTION_WRONG'], { decision: { stake: idOf('stake', 99) } }],
    ['the spec', ['ADOPTION_WRONG'], { decision: { podSpecDigest: other } }],
    ['the service account', ['ADOPTION_WRONG'], { decision: { serviceAccountUid: 'x' } }],
    ['the node key', ['ADOPTION_WRONG'], { decision: { nodeKeyHash: other } }],
    ['the cluster', ['SESSION_WRONG', 'ADOPTION_WRONG'], { decision: { cluster: idOf('cluster', 9) } }],
    ['the term', ['SESSION_WRONG'], { decision: { term: 9n } }],
    ['the record before', ['PREVIOUS_WRONG'], { decision: { previous: other } }],
    ['the expiry', ['TIME_WRONG'], { decision: { notAfterMs: BigInt(world.nowMs) + 10_000n } }],
    ['the time', ['TIME_WRONG'], { laterMs: 1 }],
    ['the policy', ['POLICY_WRONG'], { decision: { policyDigest: other } }],
    ['the inputs', ['INPUTS_WRONG'], { decision: { inputDigest: other } }],
    ['the shortlist', ['SHORTLIST_WRONG'], { decision: { feasibleDigest: other } }],
    ['the signature', ['SIGNATURE_WRONG'], { signature: new Uint8Array(64) }],
    ['twice', ['ADOPTION_WRONG'], { times: 2 }],
    ['the kind', ['LOG_CONTRADICTS_ITSELF'], { decision: { kind: 0 } }],
    ['the pod', ['LOG_CONTRADICTS_ITSELF'], { decision: { podUid: 'x' } }],
    ['the sequence', ['LOG_CONTRADICTS_ITSELF'], { decision: { sequence: 1n } }],
    ['a receipt of elsewhere', ['LOG_CONTRADICTS_ITSELF'], { placing: strangers }],
    [
      'a receipt of elsewhere, for a pod that the log does not know',
      ['INPUTS_WRONG', 'ADOPTION_WRONG', 'SIGNATURE_WRONG'],
      { placing: strangers, decision: { podUid: 'stranger', pod: 'pod-stranger' }, loose: true },
    ],
  ];
  for (const [what, expected, lie] of lies) {
    const { violations } = await replayLog(await retold(world, lie), {
      policy: world.policy,
      sessionKeys: keysOf(world),
    });
    const codes = [...new Set(violations.map(({ code }) => code))];
    if (lie.loose === true)
      t.ok(
        expected.every((code) => codes.includes(code as never)),
        what,
        { codes },
      );
    else t.same(codes.sort(), [...expected].sort(), what);
  }
});

interface Lie {
  readonly decision?: Partial<Decision>;
  readonly signature?: Uint8Array;
  readonly placing?: Uint8Array;
  readonly laterMs?: number;
  readonly times?: number;
  /** Other violations may come with the expected ones. */
  readonly loose?: boolean;
}

/** The same log, its adoption changed and signed again by the session's own key. */
async function retold(world: World, lie: Lie): Promise<Uint8Array> {
  const source = await openDecisionLog({
    path: '/log',
    fileSystem: new MemoryDisk(world.disk.bytes.slice()),
  });
  const disk = new MemoryDisk();
  const log = await openDecisionLog({ path: '/retold', fileSystem: disk });
  for await (const { record } of source.read()) {
    const { body } = record;
    if (body.$kind !== 'adoption') {
      await log.append(body, Number(record.timestampMs)).durable;
      continue;
    }
    const { timestampMs, payload } = decodeDecisionMessage(body.adoption.message);
    for (let time = 0; time < (lie.times ?? 1); time += 1) {
      const sequence = payload.sequence + BigInt(time);
      const message = encodeDecisionMessage(timestampMs, {
        ...payload,
        previous: log.head,
        sequence,
        ...lie.decision,
      });
      const signature = lie.signature ?? world.signer.sign(message);
      const adoption = { message, signature, placing: lie.placing ?? body.adoption.placing };
      await log.append({ $kind: 'adoption', adoption }, Number(record.timestampMs) + (lie.laterMs ?? 0))
        .durable;
    }
  }
  await log.close();
  await source.close();
  return disk.bytes;
}

/** A receipt by a key that is no session's, for a pod of its own. */
async function strangersReceipt(): Promise<{ message: Uint8Array; signature: Uint8Array }> {
  const world = new World();
  world.newSession(77);
  const engine = await world.start();
  world.addPod('stranger');
  await world.place(engine, 'stranger');
  await engine.close();
  return parseReceiptText(world.pod('stranger').receipt);
}

function parseReceiptText(text: string): { message: Uint8Array; signature: Uint8Array } {
  return parseReceipt(new Uint8Array(Buffer.from(text, 'base64')));
}

function keysOf(world: World): Map<string, Uint8Array> {
  return new Map([...world.sessions.values()].map(({ id, decisionKey }) => [id, decisionKey]));
}
