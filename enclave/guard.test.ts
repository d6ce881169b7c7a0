/** What takes readiness away after the boot, and what gives it back: seen on both listeners, with time as tests set it. */
import { X509Certificate } from 'node:crypto';

import pino from 'pino';
import t, { type Test } from 'tap';

import { parseCoseSign1, parseDocument, verifyAttestation } from '@k3s-daas/attestation';
import { fromBase64, type Bytes } from '@k3s-daas/core';

import type { StandingDocument } from './guard/attestor.ts';
import { Guard } from './guard/guard.ts';
import { nsmFailed } from './guard/nsm-queue.ts';
import { Renewal } from './guard/renewal.ts';
import type { AttestationReply } from './http/bootstrap.ts';
import type { AttestationRequest } from './nsm/index.ts';
import { TestTime } from './test/time.ts';
import {
  arrivals,
  eventually,
  PCRS,
  ROOT,
  TestEnclave,
  testNsm,
  type NsmHabits,
  type SnapshotChange,
} from './test/world.ts';

t.setTimeout(600_000);

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const ATTESTATION = '/api/v1/tee/attestation';

interface Ready {
  readonly enclave: TestEnclave;
  readonly reply: AttestationReply;
  /** Codes on both listeners, with a chain that is fresh. */
  codes(): Promise<string[]>;
  shows(codes: readonly string[], what: string): Promise<void>;
}

async function ready(t: Test, nsm: NsmHabits = {}): Promise<Ready> {
  const enclave = await TestEnclave.prepare({ nsm });
  t.teardown(() => enclave.close());
  await enclave.runToReady();
  enclave.time.hold();
  const reply = await enclave.attested();
  const codes = async (): Promise<string[]> => {
    enclave.register(reply);
    const plain = await enclave.reasons();
    const { reasons } = (await enclave.tls('/readyz')) as { reasons: { code: string }[] };
    t.same(
      reasons.map(({ code }) => code),
      plain,
      'both listeners say the same',
    );
    // No decision while there is a reason, and decisions when there is none.
    t.equal(await enclave.refusal(), plain.length === 0 ? '' : 'ENCLAVE_NOT_ACTIVE');
    // No release either: without a reason the broker asks the API server about the token, with one nobody.
    const { status, code, message } = await enclave.release();
    t.equal(`${status} ${code}`, plain.length === 0 ? '401 TOKEN_REFUSED' : '503 NOT_READY');
    for (const reason of plain) t.ok(message.includes(reason), `the broker says ${reason}`);
    return plain;
  };
  return {
    enclave,
    reply,
    codes,
    async shows(expected, what) {
      const wanted = expected.join();
      await eventually(`${what}: ${wanted}`, async () => {
        enclave.register(reply);
        return (await enclave.reasons()).join() === wanted;
      });
      t.same(await codes(), expected, what);
    },
  };
}

/** Within what a round trip to the NSM and whole milliseconds make. */
async function decidesByTrueTime(enclave: TestEnclave): Promise<boolean> {
  return Math.abs((await enclave.decisionTimeMs()) - enclave.time.nsmClock.now()) < 500;
}

/** The standing document, after it was verified as a stranger would. */
async function standing({ enclave, reply }: Ready): Promise<{ document: string; timestampMs: number }> {
  const { document } = (await enclave.get(ATTESTATION)).json as unknown as AttestationReply;
  const { timestampMs, nonce, publicKey } = verifyAttestation(fromBase64(document), {
    trustAnchor: ROOT,
    time: { mode: 'live', nowMs: enclave.time.nsmClock.now(), ageMsMax: 11 * MINUTE_MS },
    policy: { pcrs: PCRS, publicKey: new Uint8Array(Buffer.from(reply.decisionKey, 'hex')) },
  });
  if (nonce !== null || publicKey === null) throw new Error('a standing document has no nonce');
  return { document, timestampMs };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 60));

void t.test('the standing document is renewed every ten minutes', async (t) => {
  const world = await ready(t);
  const { enclave } = world;
  const first = await standing(world);
  t.equal(enclave.nsm.calls.length, 2, 'one for the time, one to serve');
  enclave.time.advance(9 * MINUTE_MS + 50 * SECOND_MS);
  await settle();
  t.equal(enclave.nsm.calls.length, 2);
  enclave.time.advance(11 * SECOND_MS);
  await eventually('the renewal', () => enclave.nsm.calls.length === 3);
  await eventually('the new document', async () => (await standing(world)).document !== first.document);
  t.ok((await standing(world)).timestampMs - first.timestampMs >= 10 * MINUTE_MS);
  t.same(await world.codes(), []);
  enclave.time.advance(10 * MINUTE_MS + SECOND_MS);
  await eventually('the next', () => enclave.nsm.calls.length === 4);
});

void t.test('an NSM that fails takes readiness away at once, and gives it back', async (t) => {
  const world = await ready(t);
  const { enclave } = world;
  const first = await standing(world);
  const { calls } = enclave.nsm;
  enclave.nsm.before = () => Promise.reject(new Error('EIO'));
  enclave.time.advance(10 * MINUTE_MS + SECOND_MS);
  await world.shows(['NSM_FAILED'], 'it fails');
  t.match((await enclave.get('/readyz')).text, /EIO/);
  t.equal((await enclave.get('/livez')).status, 200);
  t.equal((await standing(world)).document, first.document, 'the old document is still served');

  const delays: number[] = [];
  for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
    const before = calls.length;
    enclave.time.advance(seconds * SECOND_MS - 1);
    await settle();
    if (calls.length === before) delays.push(seconds);
    enclave.time.advance(1);
    await eventually(`attempt after ${seconds} s`, () => calls.length === before + 1);
    await settle();
  }
  t.same(delays, [1, 2, 4, 8, 16, 32, 60, 60], 'patience grows, up to a minute');
  const lines = enclave.logged.split('\n').filter((line) => line.includes('attestation not renewed'));
  t.equal(lines.length, 1, 'one line for the outage');

  enclave.nsm.before = () => undefined;
  enclave.time.advance(MINUTE_MS + SECOND_MS);
  await world.shows([], 'it is back');
  t.not((await standing(world)).document, first.document);
  t.match(enclave.logged, /guard objects: no decision is signed/);
  enclave.time.advance(SECOND_MS);
  await eventually('a word in the log', () => enclave.logged.includes('guard satisfied: decisions go on'));
});

void t.test('an NSM that fails a stranger is asked by us at once', async (t) => {
  const world = await ready(t);
  const { enclave } = world;
  const { calls } = enclave.nsm;
  const before = calls.length;
  enclave.nsm.before = () => Promise.reject(new Error('EIO'));
  t.equal((await enclave.get(`${ATTESTATION}?nonce=${'ab'.repeat(20)}`)).status, 503);
  await world.shows(['NSM_FAILED'], 'no ten minutes later');
  t.equal(calls.length, before + 2, 'the stranger’s, and ours');
  t.equal(calls.at(-1)?.nonce, undefined);
  for (const byte of ['01', '02', '03', '04'])
    t.equal((await enclave.get(`${ATTESTATION}?nonce=${byte.repeat(20)}`)).status, 503);
  await settle();
  t.equal(calls.length, before + 6, 'strangers do not hasten what has its own patience');
  enclave.nsm.before = () => undefined;
  enclave.time.advance(SECOND_MS + 1);
  await world.shows([], 'it is back');
  const { length } = calls;
  enclave.nsm.before = ({ nonce }) => (nonce === undefined ? undefined : Promise.reject(new Error('once')));
  t.equal((await enclave.get(`${ATTESTATION}?nonce=${'cd'.repeat(20)}`)).status, 503);
  await eventually('asked', () => calls.length === length + 2);
  await settle();
  t.same(await world.codes(), [], 'a single failure that ours does not share takes nothing away');
});

void t.test('an NSM that does not answer is one that fails', async (t) => {
  const world = await ready(t);
  const { enclave } = world;
  enclave.nsm.before = () => new Promise(() => undefined);
  enclave.time.advance(10 * MINUTE_MS + SECOND_MS);
  await eventually('the call', () => enclave.nsm.calls.length === 3);
  t.same(await world.codes(), []);
  enclave.time.advance(5 * SECOND_MS + 1);
  await world.shows(['NSM_FAILED'], 'silence');
});

interface Forgery extends AttestationRequest {
  readonly pcrs?: Record<number, Bytes>;
  readonly agoMs?: number;
}

void t.test('a renewed document that we would not believe is not served', async (t) => {
  for (const [what, pattern, forge] of [
    ['another image', /POLICY_PCR: PCR2/, { pcrs: { ...PCRS, 2: new Uint8Array(48).fill(7) } }],
    ['another key', /POLICY_PUBLIC_KEY/, { publicKey: new Uint8Array(32) }],
    ['other user data', /POLICY_USER_DATA/, { userData: new Uint8Array(32) }],
    ['an earlier time', /its time went back by \d+ ms/, { agoMs: 30 * MINUTE_MS }],
  ] as const) {
    await t.test(what, async (t) => {
      const world = await ready(t);
      const { enclave } = world;
      const first = await standing(world);
      const { pcrs, agoMs, ...fields }: Forgery = forge;
      const past = new TestTime();
      t.teardown(() => {
        past.close();
      });
      past.advance(agoMs === undefined ? 11 * MINUTE_MS : -agoMs);
      const other = await testNsm(past, pcrs);
      enclave.nsm.mangle = (_document, request) => other.attest({ ...request, ...fields });
      enclave.time.advance(10 * MINUTE_MS + SECOND_MS);
      await world.shows(['NSM_FAILED'], what);
      t.match((await enclave.get('/readyz')).text, pattern);
      t.equal((await standing(world)).document, first.document);
      enclave.nsm.mangle = (document) => document;
      enclave.time.advance(SECOND_MS + 1);
      await world.shows([], 'a true one');
    });
  }
});

void t.test('a wall clock that jumps: no decision until the NSM has said what time it is', async (t) => {
  const world = await ready(t);
  const { enclave } = world;
  const { calls } = enclave.nsm;
  for (const byMs of [5_000, -5_000]) {
    const gate = Promise.withResolvers<undefined>();
    enclave.nsm.before = () => gate.promise;
    const before = calls.length;
    enclave.time.setHost(byMs);
    enclave.time.advance(SECOND_MS);
    await world.shows(['CLOCK_JUMPED'], `by ${byMs} ms`);
    t.match((await enclave.get('/readyz')).text, new RegExp(`jumped by ${byMs} ms`));
    await eventually('the NSM is asked at once', () => calls.length === before + 1);
    t.ok(await decidesByTrueTime(enclave), 'decisions keep true time');
    gate.resolve(undefined);
    await world.shows([], 'confirmed');
  }
  const before = calls.length;
  enclave.time.setHost(1_500);
  enclave.time.advance(SECOND_MS);
  await settle();
  t.same(await world.codes(), [], 'a small step is corrected in peace');
  t.equal(calls.length, before);
});

void t.test('a document that was asked for before the jump confirms nothing', async (t) => {
  const world = await ready(t);
  const { enclave } = world;
  const gates = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  enclave.nsm.before = () => gates[enclave.nsm.calls.length - 3]?.promise;
  enclave.time.advance(10 * MINUTE_MS + SECOND_MS);
  await eventually('a renewal under way', () => enclave.nsm.calls.length === 3);
  enclave.time.setHost(5_000);
  enclave.time.advance(SECOND_MS);
  await world.shows(['CLOCK_JUMPED'], 'jumped');
  gates[0]?.resolve(undefined);
  await eventually('another one is asked for', () => enclave.nsm.calls.length === 4);
  await settle();
  t.same(await world.codes(), ['CLOCK_JUMPED'], 'not by the first');
  gates[1]?.resolve(undefined);
  await world.shows([], 'by the second');
});

void t.test("a wall clock apart from the NSM's time, jumped or crept, until it is put right", async (t) => {
  const world = await ready(t);
  const { enclave } = world;
  const jump = async (byMs: number, codes: readonly string[], what: string): Promise<void> => {
    const asked = enclave.nsm.calls.length;
    enclave.time.setHost(byMs);
    enclave.time.advance(SECOND_MS);
    await eventually('the jump is noticed', () => enclave.nsm.calls.length > asked);
    await world.shows(codes, what);
  };
  await jump(60_000, ['CLOCK_APART'], 'apart, once the NSM has answered');
  t.ok(await decidesByTrueTime(enclave));
  await jump(-60_000, [], 'put right');

  const calls = enclave.nsm.calls.length;
  for (let step = 0; step < 8; step += 1) {
    enclave.time.setHost(-1_500);
    enclave.time.advance(SECOND_MS + 10);
    await settle();
    const expected = step < 6 ? '' : 'CLOCK_APART';
    t.equal((await enclave.reasons()).join(), expected, `${(step + 1) * -1_500} ms in small steps`);
  }
  t.equal(enclave.nsm.calls.length, calls, 'no step was a jump');
  await jump(12_000, [], 'put right again');
});

void t.test('a machine that stood still: decisions go on only with the NSM’s time', async (t) => {
  const world = await ready(t);
  const { enclave } = world;
  const gate = Promise.withResolvers<undefined>();
  enclave.nsm.before = () => gate.promise;
  enclave.time.freeze(60 * MINUTE_MS);
  enclave.time.advance(SECOND_MS);
  await eventually('noticed', async () => (await enclave.reasons()).includes('CLOCK_JUMPED'));
  t.equal(await enclave.refusal(), 'ENCLAVE_NOT_ACTIVE', 'though by our clock the chain is fresh');
  gate.resolve(undefined);
  await world.shows([], 'recalibrated');
  t.ok(await decidesByTrueTime(enclave));
  t.match(enclave.logged, /"correctionMs":3[56]\d{5},"msg":"clock recalibrated"/);
});

void t.test('an attestation near the end of its leaf, and past it', async (t) => {
  const world = await ready(t);
  const { enclave } = world;
  enclave.nsm.before = () => Promise.reject(new Error('EIO'));
  // The leaf of a development NSM lives 3 h from 3 s before it was made.
  enclave.time.advance(178 * MINUTE_MS);
  await world.shows(['NSM_FAILED'], 'two minutes left');
  enclave.time.advance(MINUTE_MS + 5 * SECOND_MS);
  await world.shows(['NSM_FAILED', 'ATTESTATION_EXPIRING'], 'less than one');
  t.equal((await enclave.get(ATTESTATION)).status, 200);
  enclave.time.advance(MINUTE_MS);
  const ended = await enclave.get(ATTESTATION);
  t.equal(ended.status, 503, 'nobody is served what nobody can believe');
  t.match(ended.json, { code: 'NSM_FAILED' });
  enclave.nsm.before = () => undefined;
  enclave.time.advance(MINUTE_MS);
  await world.shows([], 'renewed');
});

void t.test('an NSM that keeps its leaf to the last second: decisions never stop', async (t) => {
  const world = await ready(t, { leafLeftMsMin: 1 - SECOND_MS });
  const { enclave } = world;
  const leafEnd = async (): Promise<number> => {
    const { document } = await standing(world);
    const { certificate } = parseDocument(parseCoseSign1(fromBase64(document)).payload);
    return new X509Certificate(certificate).validToDate.getTime() + SECOND_MS - 1;
  };
  const endMs = await leafEnd();
  const leftMs = (): number => endMs - enclave.time.nsmClock.now();
  const goOn = async (ms: number): Promise<void> => {
    const before = enclave.nsm.calls.length;
    enclave.time.advance(ms);
    await settle();
    enclave.register(world.reply);
    const { length } = enclave.nsm.calls;
    t.same(await enclave.reasons(), [], `${leftMs()} ms left, ${length - before} renewals`);
  };
  while (leftMs() > 2 * MINUTE_MS) await goOn(Math.min(10 * MINUTE_MS, leftMs() - 2 * MINUTE_MS));
  for (const whatever of [90, 60, 59, 45, 30, 20, 10, 5, 2, 1]) await goOn(leftMs() - whatever * SECOND_MS);
  t.equal(await leafEnd(), endMs, 'still the old leaf, though it was renewed all the time');
  t.same(await world.codes(), []);

  const asked = enclave.nsm.calls.length;
  const gate = Promise.withResolvers<undefined>();
  enclave.nsm.before = () => gate.promise;
  enclave.time.advance(leftMs() + SECOND_MS);
  await eventually('a document is asked for as the leaf ends', () => enclave.nsm.calls.length > asked);
  t.same(await world.codes(), [], 'and not a decision is missed until it comes');
  gate.resolve(undefined);
  await eventually('the new leaf', async () => {
    const { status } = await enclave.get(ATTESTATION);
    return status === 200 && (await leafEnd()) > endMs + 2 * 60 * MINUTE_MS;
  });
  t.same(await world.codes(), []);
  t.notMatch(enclave.logged, /guard objects/, 'nor was there any objection in between');
});

void t.test('a leaf that is about to end, and one that has ended', async (t) => {
  const time = new TestTime();
  t.teardown(() => {
    time.close();
  });
  time.hold();
  const endMs = time.nsmClock.now() + 60 * MINUTE_MS;
  const attestor = scripted(time, () => endMs - time.nsmClock.now());
  await attestor.renew();
  const guard = new Guard({ attestor, clock: time.nsmClock, time, log });
  t.teardown(() => guard.close());
  const codes = (): string[] => guard.reasons().map(({ code }) => code);
  const leave = async (ms: number): Promise<string[]> => {
    time.advance(endMs - time.nsmClock.now() - ms);
    await settle();
    return codes();
  };
  t.same(await leave(61 * SECOND_MS), [], 'not yet near');
  t.same(await leave(30 * SECOND_MS), [], 'renewals succeed: there is nothing to say');
  const renew = attestor.renew.bind(attestor);
  attestor.renew = () => Promise.reject(nsmFailed('EIO'));
  t.same(
    await leave(15 * SECOND_MS),
    ['NSM_FAILED', 'ATTESTATION_EXPIRING'],
    'they fail, and it is about to end',
  );
  attestor.renew = renew;
  t.same(await leave(10 * SECOND_MS), [], 'they succeed again');
  const { promise, resolve } = Promise.withResolvers<StandingDocument>();
  attestor.renew = () => promise;
  t.same(await leave(0), [], 'in its last millisecond');
  t.same(await leave(-5 * SECOND_MS), [], 'the NSM has five seconds to answer');
  t.same(await leave(-5 * SECOND_MS - 1), ['ATTESTATION_EXPIRING'], 'it has ended, and nobody has a new one');
  resolve(attestor.make());
});

void t.test('what the chain says against a session', async (t) => {
  const other = `0x${'55'.repeat(32)}`;
  const zero = new Uint8Array(32);
  const cases: [string[], SnapshotChange, { final: boolean }][] = [
    [['SESSION_SUPERSEDED'], { cluster: { active: { session: other, term: 8n } } }, { final: false }],
    [['SESSION_SUPERSEDED'], { session: { decisionKey: zero } }, { final: false }],
    [['SESSION_SUPERSEDED'], { session: { logKey: zero } }, { final: false }],
    [['SESSION_SUPERSEDED'], { session: { tlsKeyHash: zero } }, { final: false }],
    [['CONFIG_DIGEST_DIFFERS'], { cluster: { configDigest: zero } }, { final: false }],
    [['CONFIG_DIGEST_DIFFERS'], { cluster: { policyDigest: zero } }, { final: false }],
    [['CONFIG_RETIRED'], { cluster: { active: null } }, { final: false }],
    [['SESSION_REVOKED'], { session: { revoked: true }, cluster: { active: null } }, { final: true }],
    [['SESSION_REVOKED'], { session: { revoked: true } }, { final: true }],
  ];
  for (const [codes, change, { final }] of cases) {
    await t.test(`${codes.join()}${final ? ', for good' : ''}`, async (t) => {
      const { enclave, reply } = await ready(t);
      t.same(await enclave.reasons(), []);
      enclave.register(reply, change);
      t.same(await enclave.reasons(), codes, 'at once');
      const { reasons } = (await enclave.tls('/readyz')) as { reasons: { code: string }[] };
      t.same(
        reasons.map(({ code }) => code),
        codes,
      );
      t.equal(await enclave.refusal(), 'ENCLAVE_NOT_ACTIVE');
      const live = await enclave.get('/livez');
      t.equal(live.status, final ? 503 : 200);
      if (final) t.match(live.json, { code: codes[0], message: /./ });
      // The same session active again under a new term: ADR 0001.
      enclave.register(reply, { cluster: { active: { session: `0x${'22'.repeat(32)}`, term: 9n } } });
      t.same(await enclave.reasons(), final ? codes : []);
      t.equal(await enclave.refusal(), final ? 'ENCLAVE_NOT_ACTIVE' : '');
      t.equal((await enclave.get('/livez')).status, final ? 503 : 200);
    });
  }
});

void t.test('when the session that had taken our place ends, ours may be activated again', async (t) => {
  const { enclave, reply } = await ready(t);
  enclave.register(reply, { cluster: { active: { session: `0x${'55'.repeat(32)}`, term: 8n } } });
  t.same(await enclave.reasons(), ['SESSION_SUPERSEDED']);
  enclave.register(reply, { cluster: { active: null } });
  t.same(await enclave.reasons(), ['SESSION_SUPERSEDED'], 'not our config that was retired');
  t.match((await enclave.get('/readyz')).text, /no session is active since 0x5555/);
  t.equal((await enclave.get('/livez')).status, 200);
  enclave.register(reply, { cluster: { active: { session: `0x${'22'.repeat(32)}`, term: 9n } } });
  t.same(await enclave.reasons(), []);
  t.equal(await enclave.refusal(), '');
});

void t.test('a flood of nonces does not delay the renewal', async (t) => {
  const world = await ready(t);
  const { enclave } = world;
  const { calls } = enclave.nsm;
  const gate = Promise.withResolvers<undefined>();
  enclave.nsm.before = () => gate.promise;
  const answered = calls.length;
  const arrived = arrivals(40);
  const asked = Array.from({ length: 40 }, (_, i) =>
    enclave.get(`${ATTESTATION}?nonce=${i.toString(16).padStart(2, '0').repeat(20)}`),
  );
  await arrived;
  await eventually('the flood', () => calls.length > answered);
  const before = calls.length;
  enclave.time.advance(10 * MINUTE_MS + SECOND_MS);
  enclave.nsm.before = () => new Promise((resolve) => setTimeout(resolve, 30));
  gate.resolve(undefined);
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  const own = calls.findIndex((request, i) => i >= before && request.nonce === undefined);
  t.ok(own >= before && own <= before + 1, `the renewal is call ${own}, due at ${before}`);
  t.ok(calls.length > own + 5, 'while many strangers waited');
  const of = (status: number): number => statuses.filter((each) => each === status).length;
  t.equal(of(429), 30, 'beyond the bucket');
  t.equal(of(200) + of(503), 10);
  t.ok(of(503) <= 1, 'but the call that was under way when the test moved the time');
  t.same(await world.codes(), []);
});

const log = pino({ enabled: false });

/** Documents whose leaf ends when the test says so. */
function scripted(time: TestTime, leafLifeMs: () => number) {
  const documents: StandingDocument[] = [];
  const make = (): StandingDocument => ({
    document: new Uint8Array(),
    timestampMs: time.nsmClock.now(),
    leafEndMs: time.nsmClock.now() + leafLifeMs(),
    askedMs: time.monotonic(),
    correctionMs: 0,
  });
  return {
    documents,
    make,
    get standing() {
      return documents.at(-1) ?? null;
    },
    renew(): Promise<StandingDocument> {
      const document = make();
      documents.push(document);
      return Promise.resolve(document);
    },
  };
}

void t.test(
  'towards the end of a leaf, renewals come at half of what is left, every ten seconds, and as it ends',
  async (t) => {
    const time = new TestTime();
    t.teardown(() => {
      time.close();
    });
    time.hold();
    const endMs = time.nsmClock.now() + 16 * MINUTE_MS;
    const attestor = scripted(time, () => endMs - time.nsmClock.now());
    const renewal = new Renewal({ attestor, clock: time.nsmClock, time, log });
    t.teardown(() => renewal.close());
    renewal.start(attestor.make());
    for (const seconds of [480, 240, 120, 60, 30, 15, 10, 5.001, 1, 1]) {
      const before = attestor.documents.length;
      time.advance(seconds * SECOND_MS - 1);
      await settle();
      t.equal(attestor.documents.length, before, `not before ${seconds} s`);
      time.advance(1);
      await eventually(`${seconds} s`, () => attestor.documents.length === before + 1);
      await settle();
    }
  },
);

void t.test('a guard says nothing of a chain that it does not watch yet, and ends', async (t) => {
  const time = new TestTime();
  t.teardown(() => {
    time.close();
  });
  const attestor = scripted(time, () => 60 * MINUTE_MS);
  await attestor.renew();
  const guard = new Guard({ attestor, clock: time.nsmClock, time, log });
  t.same(guard.reasons(), []);
  t.equal(guard.final(), null);
  attestor.renew = () => Promise.reject(nsmFailed('EIO'));
  time.advance(11 * MINUTE_MS);
  await eventually('the failure', () => guard.reasons()[0]?.code === 'NSM_FAILED');
  await guard.close();
  time.advance(120 * MINUTE_MS);
  attestor.renew = () => {
    t.fail('no renewal after the end');
    return Promise.reject(nsmFailed('ended'));
  };
  await settle();
  t.same(
    guard.reasons().map(({ code }) => code),
    ['NSM_FAILED', 'ATTESTATION_EXPIRING'],
  );
});
