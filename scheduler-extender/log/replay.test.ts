import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';

import {
  encodeDecisionMessage,
  namesDigest,
  policySchema,
  sha256,
  type Bytes,
  type Decision,
  type SuiId,
} from '@k3s-daas/core';

import { idOf, World } from '../decision/test/world.ts';
import { openDecisionLog } from './log.ts';
import { encodeInputs, type DecisionInputs, type RecordBody } from './record.ts';
import { replayLog, type Replay } from './replay.ts';
import { parseDecision } from './state.ts';
import { MemoryDisk } from './test/memory-file-system.ts';

interface Forgery {
  decision?: (decision: Decision, inputs: DecisionInputs) => Partial<Decision>;
  inputs?: (inputs: DecisionInputs) => Partial<DecisionInputs>;
  body?: (body: RecordBody) => RecordBody;
  recordMsLater?: number;
}

/** A log of seven bound pods by ten operators; the last decision has seen lags that differ. */
async function honest(): Promise<World> {
  const world = new World({ operators: 10, nodesEach: 2 });
  const engine = await world.start();
  for (let at = 0; at < 7; at += 1) {
    world.addPod(`p${at}`, 1_000n + 500n * BigInt(at));
    await world.place(engine, `p${at}`);
  }
  await engine.close();
  return world;
}

/** What a host that holds the enclave's key would write: the same log, its last decision changed and signed again. */
async function forge(world: World, forgery: Forgery): Promise<Bytes> {
  const source = await openDecisionLog({
    path: '/log',
    fileSystem: new MemoryDisk(world.disk.bytes.slice()),
  });
  const disk = new MemoryDisk();
  const forged = await openDecisionLog({ path: '/forged', fileSystem: disk });
  const last = 7n;
  for await (const { record } of source.read()) {
    let { body } = record;
    if (body.$kind === 'decision') {
      const parsed = parseDecision(body.decision);
      if (parsed.decision.sequence === last) {
        const inputs = { ...parsed.inputs, ...forgery.inputs?.(parsed.inputs) };
        const encoded = encodeInputs(inputs);
        const honestly = { ...parsed.decision, previous: forged.head, inputDigest: sha256(encoded) };
        const decision = { ...honestly, ...forgery.decision?.(honestly, inputs) };
        const message = encodeDecisionMessage(BigInt(parsed.timestampMs), decision);
        body = {
          $kind: 'decision',
          decision: { message, signature: world.signer.sign(message), inputs: encoded },
        };
        body = forgery.body?.(body) ?? body;
      }
    }
    const later = body.$kind === 'decision' ? (forgery.recordMsLater ?? 0) : 0;
    await forged.append(body, Number(record.timestampMs) + later).durable;
  }
  return disk.bytes;
}

const codes = ({ violations }: Replay): string[] => [...new Set(violations.map(({ code }) => code))];

void t.test('an honest log has no violations, and its figures are those of the engine', async (t) => {
  const world = await honest();
  const replay = await replayLog(world.disk.bytes, { policy: world.policy });
  t.same(replay.violations, []);
  t.equal(replay.decisions.length, 7);
  t.equal(replay.tornBytes, 0);
  t.ok(
    replay.decisions.every(
      ({ state, shortlist, decision }) => state === 'bound' && shortlist.includes(decision.node),
    ),
  );
  t.equal(
    replay.lags.reduce((sum, { lag }) => sum + lag, 0n),
    0n,
  );
  const folder = mkdtempSync(join(tmpdir(), 'daas-replay-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'log');
  writeFileSync(path, world.disk.bytes.subarray(0, -10));
  const torn = await replayLog(path, { policy: world.policy });
  t.same(torn.violations, [], 'a log that is being written may end in half a record');
  t.ok(torn.tornBytes > 0);
  t.equal(torn.records, replay.records - 1n);
  const same = await replayLog(await forge(world, {}), { policy: world.policy });
  t.same(same.lagDigest, replay.lagDigest, 'the forger, when honest, writes the same log');
  t.same(same.head, replay.head);
});

void t.test('every lie in the last decision is found, though it is signed and chained', async (t) => {
  const world = await honest();
  const swap = ([first = 0, second = 0, ...rest]: Iterable<number>): number[] => [second, first, ...rest];
  const other = (text: string): Bytes => sha256(new TextEncoder().encode(text));
  const lies: [string, string, Forgery][] = [
    ['a score', 'SCORES_WRONG', { inputs: ({ scores }) => ({ scores: scores.map((score) => score ^ 1) }) }],
    ['a missing score', 'SCORES_WRONG', { inputs: ({ scores }) => ({ scores: scores.subarray(1) }) }],
    ['the order', 'SHORTLIST_WRONG', { inputs: ({ shortlist }) => ({ shortlist: swap(shortlist) }) }],
    [
      'a node left out',
      'SHORTLIST_WRONG',
      { inputs: ({ shortlist }) => ({ shortlist: shortlist.slice(1) }) },
    ],
    ['another digest', 'SHORTLIST_WRONG', { decision: () => ({ feasibleDigest: namesDigest(['n0-0']) }) }],
    ['a cheap pod', 'COST_WRONG', { inputs: ({ cost }) => ({ cost: cost - 1n }) }],
    ['a small pod', 'COST_WRONG', { inputs: () => ({ cpuMilli: 1n, memoryBytes: 1n }) }],
    [
      'a lag',
      'LAGS_WRONG',
      {
        inputs: ({ operators }) => ({
          operators: operators.map((each) => ({ ...each, lag: each.lag + 1n })),
        }),
      },
    ],
    [
      'an operator not weighed',
      'OPERATORS_WRONG',
      {
        inputs: ({ operators, shortlist }) => ({
          operators: operators.filter((_, at) => at !== notOf(operators, shortlist)),
        }),
      },
    ],
    ['an earlier moment', 'LAGS_WRONG', { inputs: () => ({ basis: 0n }) }],
    ['a later moment', 'BASIS_WRONG', { inputs: () => ({ basis: 1_000_000n }) }],
    [
      'another node',
      'NODE_WRONG',
      {
        decision: (_, { shortlist }) => ({
          node: world.names.find((_name, at) => !shortlist.includes(at)) ?? '',
        }),
      },
    ],
    ['another machine', 'NODE_WRONG', { decision: () => ({ nodeUid: 'another' }) }],
    ['the kind', 'LOG_CONTRADICTS_ITSELF', { decision: () => ({ kind: 1 }) }],
    ['another policy', 'POLICY_WRONG', { decision: () => ({ policyDigest: other('policy') }) }],
    ['other inputs', 'INPUTS_WRONG', { decision: () => ({ inputDigest: other('inputs') }) }],
    ['offered and not', 'INPUTS_WRONG', { inputs: ({ offered }) => ({ notOffered: offered }) }],
    ['another record', 'PREVIOUS_WRONG', { decision: () => ({ previous: other('previous') }) }],
    ['a long life', 'TIME_WRONG', { decision: ({ notAfterMs }) => ({ notAfterMs: notAfterMs + 1n }) }],
    ['logged later', 'TIME_WRONG', { recordMsLater: 1 }],
    ['another session', 'SESSION_WRONG', { decision: () => ({ session: idOf('session', 9) }) }],
    ['another term', 'SESSION_WRONG', { decision: () => ({ term: 9n }) }],
    ['a skipped sequence', 'LOG_CONTRADICTS_ITSELF', { decision: () => ({ sequence: 8n }) }],
    ['a used sequence', 'LOG_CONTRADICTS_ITSELF', { decision: () => ({ sequence: 6n }) }],
    ['a signature', 'SIGNATURE_WRONG', { body: (body) => broken(body) }],
  ];
  for (const [what, expected, forgery] of lies) {
    const replay = await replayLog(await forge(world, forgery), { policy: world.policy });
    t.ok(codes(replay).includes(expected), `${what}: ${codes(replay).join(' ')}`);
  }
});

/** Place of an operator that is none of the shortlist's: with nodes n<operator>-<0|1> in this order in the table. */
function notOf(operators: DecisionInputs['operators'], shortlist: readonly number[]): number {
  return operators.findIndex(({ operator }) => !shortlist.some((node) => node >> 1 === operator));
}

function broken(body: RecordBody): RecordBody {
  if (body.$kind !== 'decision') return body;
  const signature = body.decision.signature.slice();
  signature[0] = (signature[0] ?? 0) ^ 1;
  return { ...body, decision: { ...body.decision, signature } };
}

void t.test('keys and policy come from outside the log', async (t) => {
  const world = await honest();
  const { policy } = world;
  const keys = (session: SuiId, key: Bytes): ReadonlyMap<SuiId, Bytes> => new Map([[session, key]]);
  const own = world.signer.publicKey;
  const known = await replayLog(world.disk.bytes, { policy, sessionKeys: keys(idOf('session', 0), own) });
  t.same(known.violations, []);
  const foreign = await replayLog(world.disk.bytes, {
    policy,
    sessionKeys: keys(idOf('session', 0), sha256(own)),
  });
  t.same(codes(foreign).sort(), ['SESSION_WRONG', 'SIGNATURE_WRONG']);
  const unknown = await replayLog(world.disk.bytes, { policy, sessionKeys: new Map() });
  t.same(codes(unknown).sort(), ['SESSION_KEY_UNKNOWN', 'SIGNATURE_WRONG']);
  const harder = policySchema.parse({ capacity: { cpuMilli: '1000', memoryBytes: '1000' } });
  t.ok(codes(await replayLog(world.disk.bytes, { policy: harder })).includes('POLICY_WRONG'));
});

void t.test('what cannot be read, and what happened too early', async (t) => {
  const world = await honest();
  const damaged = world.disk.bytes.slice();
  damaged[500] = (damaged[500] ?? 0) ^ 1;
  const replay = await replayLog(damaged, { policy: world.policy });
  t.same(codes(replay), ['LOG_CORRUPT']);

  const late = new World();
  let engine = await late.start();
  late.addPod('a');
  late.fault = () => ({ kind: 'unknown', message: 'lost' });
  await late.place(engine, 'a');
  await engine.close();
  const log = await openDecisionLog({ path: '/log', fileSystem: late.disk });
  await log.append({ $kind: 'outcome', outcome: { sequence: 1n, result: 2, code: '' } }, late.nowMs + 9_999)
    .durable;
  await log.close();
  engine = await late.start();
  t.same(codes(await replayLog(late.disk.bytes, { policy: late.policy })), ['REVERSED_EARLY']);
  await engine.close();
});
