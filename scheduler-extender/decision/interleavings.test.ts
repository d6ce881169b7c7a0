import fc from 'fast-check';
import t from 'tap';

import { decodeDecisionMessage, decodeReceipt } from '@k3s-daas/core';

import type { Engine } from '../engine.ts';
import { replayLog } from '../log/replay.ts';
import { World } from './test/world.ts';

// Random histories: calls, crashes, lost answers, full disks, clocks that jump. After each step the four promises are
// checked against what the API server got and against a replay of the disk.

const SEED = Number(process.env['FC_SEED'] ?? 20_261_121);
const RUNS = Number(process.env['FC_RUNS'] ?? 40);

type Step =
  | { readonly kind: 'filter'; readonly pod: number; readonly from: number; readonly count: number }
  | {
      readonly kind: 'bind';
      readonly pods: readonly number[];
      readonly rank: number;
      readonly filter: boolean;
    }
  | { readonly kind: 'answers'; readonly answer: Answer }
  | { readonly kind: 'clock'; readonly ms: number }
  | {
      readonly kind: 'crash';
      readonly midway: readonly number[];
      readonly turns: number;
      readonly kept: number;
    }
  | { readonly kind: 'disk'; readonly room: number | null; readonly failSync: boolean }
  | { readonly kind: 'stake'; readonly node: number; readonly active: bigint }
  | { readonly kind: 'remove'; readonly pod: number }
  | { readonly kind: 'touch'; readonly pod: number }
  | { readonly kind: 'reconcile'; readonly readFails: boolean };

const ANSWERS = ['honest', 'refused', 'conflict', 'lost before', 'lost after', 'late'] as const;
type Answer = (typeof ANSWERS)[number];
const PODS = 12;

const podNumber = fc.nat(PODS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('filter' as const),
      pod: podNumber,
      from: fc.nat(9),
      count: fc.integer({ min: 1, max: 10 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('bind' as const),
      pods: fc.array(podNumber, { minLength: 1, maxLength: 6 }),
      rank: fc.nat(3),
      filter: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('answers' as const), answer: fc.constantFrom(...ANSWERS) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      ms: fc.constantFrom(1, 4_000, 9_999, 10_000, 25_000, -15_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      midway: fc.array(podNumber, { maxLength: 4 }),
      turns: fc.nat(24),
      kept: fc.nat(100),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('disk' as const),
      room: fc.option(fc.nat(3_000)),
      failSync: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('stake' as const),
      node: fc.nat(9),
      active: fc.constantFrom(0n, 1_000n, 5_000n),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), pod: podNumber }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('touch' as const), pod: podNumber }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reconcile' as const), readFails: fc.boolean() }) },
);

/** What the histories have been through, so that a test that exercises nothing shows. */
const seen = { open: 0, failed: 0, bound: 0, reversed: 0 };
const refusals = new Map<string, number>();

class Run {
  readonly world = new World({ operators: 5, nodesEach: 2, policy: { lagMax: '30000000' } });
  engine!: Engine;

  async start(): Promise<void> {
    this.engine = await this.world.start();
    for (let pod = 0; pod < PODS; pod += 1) this.world.addPod(String(pod), 500n * BigInt(1 + (pod % 4)));
  }

  async do(step: Step): Promise<void> {
    const { world } = this;
    switch (step.kind) {
      case 'filter': {
        const pod = world.pods.get(String(step.pod));
        const names = [...world.names, ...world.names].slice(step.from, step.from + step.count);
        if (pod !== undefined) ignoring(() => this.engine.filter(pod, names));
        return;
      }
      case 'bind':
        // kube-scheduler filters before each bind; that it does not is the rarer case.
        for (const number of step.filter ? step.pods : []) {
          const pod = world.pods.get(String(number));
          if (pod !== undefined) ignoring(() => this.engine.filter(pod, world.names));
        }
        await Promise.all(step.pods.map((pod) => this.bind(pod, step.rank)));
        return;
      case 'answers':
        this.answer(step.answer);
        return;
      case 'clock':
        world.advance(step.ms);
        return;
      case 'crash': {
        // Some binds are under way when the power goes, at an arbitrary point of each.
        for (const pod of step.midway) void this.bind(pod, 0);
        for (let turn = 0; turn < step.turns; turn += 1) await Promise.resolve();
        const { bytes, synced } = world.disk;
        const kept = synced + Math.floor(((bytes.length - synced) * step.kept) / 100);
        this.engine = await world.crash(bytes.subarray(0, kept));
        return;
      }
      case 'disk':
        world.disk.capacity =
          step.room === null ? Number.POSITIVE_INFINITY : world.disk.bytes.length + step.room;
        world.disk.failSync = step.failSync && step.room === null;
        return;
      case 'stake':
        world.setStake(world.names[step.node] ?? '', step.active);
        return;
      case 'remove':
        if (world.pods.size > 3) world.pods.delete(String(step.pod));
        return;
      case 'touch':
        if (world.pods.has(String(step.pod))) world.changePod(String(step.pod), { nominatedNode: 'n0-0' });
        return;
      case 'reconcile':
        world.readFails = step.readFails;
        await this.engine.reconcile().catch(() => undefined);
        world.readFails = false;
    }
  }

  async bind(pod: number, rank: number): Promise<void> {
    const shortlist = this.engine.explain(String(pod))?.shortlist ?? [];
    const node = shortlist[rank % Math.max(1, shortlist.length)]?.node ?? 'n0-0';
    const result = await this.engine.bind(this.world.request(String(pod), node));
    if (result.bound) equal(this.world.pods.get(String(pod))?.nodeName ?? node, node, 'bound where asked');
    else refusals.set(result.code, (refusals.get(result.code) ?? 0) + 1);
  }

  answer(answer: Answer): void {
    const { world } = this;
    const lost = { kind: 'unknown' as const, message: 'timed out' };
    world.fault = {
      honest: null,
      refused: () => ({ kind: 'refused' as const, status: 403, message: 'denied' }),
      conflict: () => ({ kind: 'conflict' as const, message: 'modified' }),
      'lost before': () => lost,
      'lost after': () => ({ applied: lost }),
      late: (request: (typeof world.late)[number]) => {
        world.late.push(request);
        return lost;
      },
    }[answer];
  }

  /** The promises, by what left the process and what is on the disk. */
  async check(): Promise<void> {
    const { world, engine } = this;
    const lags = engine.lags();
    equal(
      lags.reduce((sum, { lag }) => sum + lag, 0n),
      0n,
      'the lags add up',
    );
    const receipts = [...new Set(world.posted.map(({ receipt }) => receipt))].map((receipt) =>
      decodeDecisionMessage(decodeReceipt(receipt).message),
    );
    equal(
      new Set(receipts.map(({ payload }) => payload.sequence)).size,
      receipts.length,
      'a sequence is used once',
    );
    const inForce = new Map<string, bigint>();
    for (const { payload, timestampMs } of receipts.toSorted((a, b) =>
      Number(a.payload.sequence - b.payload.sequence),
    )) {
      equal(
        timestampMs >= (inForce.get(payload.podUid) ?? 0n),
        true,
        `one receipt in force for ${payload.podUid}`,
      );
      inForce.set(payload.podUid, payload.notAfterMs);
    }
    const replay = await replayLog(world.disk.bytes, { policy: world.policy });
    equal(JSON.stringify(replay.violations, bigints), '[]', 'the replay finds nothing wrong');
    equal(replay.records, engine.status().records, 'the replay has every record');
    const live = lags
      .filter(({ offers }) => offers > 0n)
      .map(({ operator, lag, entitled, delivered, offers }) => [operator, lag, entitled, delivered, offers]);
    const again = replay.lags.map(({ operator, lag, entitled, delivered, offers }) => [
      operator,
      lag,
      entitled,
      delivered,
      offers,
    ]);
    equal(JSON.stringify(again, bigints), JSON.stringify(live, bigints), 'the replay is the live state');
    equal(
      replay.decisions.filter(({ state }) => state === 'open' || state === 'failed').length,
      engine.status().unsettled,
      'unsettled',
    );
  }

  /** Once all is well again, the log says of each pod what the API server says. */
  async finish(): Promise<void> {
    const { world } = this;
    world.fault = null;
    world.disk.capacity = Number.POSITIVE_INFINITY;
    world.disk.failSync = false;
    world.advance(100_000);
    await this.engine.reconcile();
    await this.check();
    equal(this.engine.status().unsettled, 0, 'everything is settled');
    const replay = await replayLog(world.disk.bytes, { policy: world.policy });
    for (const { state } of replay.decisions) seen[state] += 1;
    const bound = replay.decisions.filter(({ state }) => state === 'bound').map(({ receipt }) => receipt);
    const placed = [...world.pods.values()]
      .filter(({ nodeName }) => nodeName !== '')
      .map(({ receipt }) => receipt);
    equal(
      placed.every((receipt) => bound.includes(receipt)),
      true,
      'a bound pod is bound in the log',
    );
    const alive = replay.decisions.filter(
      ({ state, decision }) => state === 'bound' && world.pods.has(decision.podUid),
    );
    equal(alive.length, placed.length, 'and no other');
    await this.engine.close();
  }
}

const bigints = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

function equal<T>(found: T, wanted: T, what: string): void {
  if (found !== wanted) throw new Error(`${what}: found ${String(found)}, wanted ${String(wanted)}`);
}

function ignoring(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

void t.test('random histories keep the promises', async (t) => {
  const property = fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async (steps) => {
    const run = new Run();
    await run.start();
    for (const each of steps) {
      await run.do(each);
      await run.check();
    }
    await run.finish();
  });
  await t.resolves(fc.assert(property, { seed: SEED, numRuns: RUNS }), `seed ${SEED}, ${RUNS} runs`);
  t.comment(JSON.stringify({ ...seen, ...Object.fromEntries(refusals) }));
  t.ok(seen.bound > RUNS && seen.reversed > RUNS / 4, 'many decisions were bound, and many reversed');
  for (const code of ['RECEIPT_LIVE', 'LOG_WRITE_FAILED', 'BINDING_UNKNOWN', 'BINDING_REFUSED']) {
    t.ok(refusals.has(code), `some binds ended in ${code}`);
  }
});
