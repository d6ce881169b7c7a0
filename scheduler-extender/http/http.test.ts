import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';

import type { ChainSnapshot } from '@k3s-daas/core';
import { createAuthority, type KeyedCertificatePem } from '@k3s-daas/control-plane';
import fc from 'fast-check';
import { pino } from 'pino';
import t, { type Test } from 'tap';

import type { BindOutcome, Engine, NodeRejection } from '../engine.ts';
import { ExtenderError } from '../errors.ts';
import type { WatchedKubeView } from '../kube/view.ts';
import type { PodFacts } from '../ports.ts';
import { isShallow } from './body.ts';
import { serveExtender, type ExtenderServer, type ExtenderServerOptions } from './serve.ts';

const ca = await createAuthority('client CA');
const strangerCa = await createAuthority('stranger CA');
const client = (commonName: string): Promise<KeyedCertificatePem> =>
  ca.issue({ commonName, usages: ['client'], days: 1 });
const scheduler = await client('k3s-daas:scheduler');
const admin = await client('k3s-daas:admin');
const nobody = await client('k3s-daas:nobody');
const stranger = await strangerCa.issue({ commonName: 'k3s-daas:scheduler', usages: ['client'], days: 1 });
const serverCertificate = await ca.issue({
  commonName: 'extender',
  usages: ['server'],
  ips: ['127.0.0.1'],
  days: 1,
});

// As kube-scheduler 1.36 writes it: json.Marshal of ExtenderArgs, whose outer keys have no tags.
const POD =
  '{"metadata":{"name":"web-1","namespace":"team","uid":"7d1f0a52-6c1e-4a43-9d0b-6a0f6b0f3c11","resourceVersion":"812",' +
  '"creationTimestamp":"2026-01-02T03:04:05Z","labels":{"app":"web"},"managedFields":[{"manager":"kubectl","operation":' +
  '"Update","apiVersion":"v1","time":"2026-01-02T03:04:05Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{}}}]},"spec":' +
  '{"volumes":null,"containers":[{"name":"c","image":"web:1","resources":{"requests":{"cpu":"250m","memory":"64Mi"}},' +
  '"terminationMessagePath":"/dev/termination-log"}],"restartPolicy":"Always","serviceAccountName":"runner",' +
  '"schedulerName":"k3s-daas-scheduler"},"status":{"phase":"Pending","qosClass":"Burstable"}}';
const UID = '7d1f0a52-6c1e-4a43-9d0b-6a0f6b0f3c11';
const args = (names: readonly string[] | null): string =>
  `{"Pod":${POD},"Nodes":null,"NodeNames":${JSON.stringify(names)}}`;
const bindArgs = (node: string): string =>
  `{"PodName":"web-1","PodNamespace":"team","PodUID":"${UID}","Node":"${node}"}`;

/** Scripted answers, and what it was asked. */
interface FakeEngine extends Engine {
  readonly seen: { pods: PodFacts[]; names: (readonly string[])[]; binds: unknown[] };
  rejected: NodeRejection[];
  scores: (names: readonly string[]) => number[];
  outcome: () => Promise<BindOutcome>;
  refuse: Error | null;
}

function fakeEngine(): FakeEngine {
  const seen: FakeEngine['seen'] = { pods: [], names: [], binds: [] };
  const ask = (pod: PodFacts | null, names: readonly string[]): void => {
    if (pod !== null) seen.pods.push(pod);
    seen.names.push(names);
    if (engine.refuse !== null) throw engine.refuse;
    if (names.length === 0) throw new ExtenderError('CANDIDATES_EMPTY', 'no node is offered', 'offer some');
    for (const name of names)
      if (!name.startsWith('n')) throw new ExtenderError('NODE_UNKNOWN', `node ${name} is unknown`, 'wait');
  };
  const left = (names: readonly string[]): string[] =>
    names.filter((name) => !engine.rejected.some(({ node }) => node === name));
  const engine: FakeEngine = {
    seen,
    rejected: [],
    scores: (names) => names.map((_, i) => 10 - i),
    outcome: () => Promise.resolve({ bound: true, sequence: 1n, receipt: 'r' }),
    refuse: null,
    filter(pod, names) {
      ask(pod, names);
      return { names: left(names), rejected: engine.rejected };
    },
    prioritize(_uid, names) {
      ask(null, names);
      return engine.scores(names).map((score, i) => ({ node: names[i] ?? '', score }));
    },
    eligibleForPreemption(pod, names) {
      ask(pod, names);
      return left(names);
    },
    bind(request) {
      seen.binds.push(request);
      return engine.outcome();
    },
    dryRun(pod, names) {
      ask(pod, names);
      return { outcome: { names, rejected: [] }, scores: names.map((node) => ({ node, score: 1 })) };
    },
    explain: (podUid) =>
      podUid !== UID
        ? null
        : {
            podUid,
            namespace: 'team',
            pod: 'web-1',
            state: 'bound',
            node: 'n1',
            sequence: 9_007_199_254_740_993n,
            receipt: 'r',
            offered: 2,
            shortlist: [{ node: 'n1', score: 10, operator: '0xa', lag: -5n }],
            rejected: [],
            cost: 3n,
          },
    adopt: () => Promise.reject(new Error('adoption is not asked for here')),
    exportReceipt: (podUid) => (podUid === UID ? 'e30.e30.e30' : null),
    lags: () => [{ operator: '0xa', lag: -5n, entitled: 1n, delivered: 6n, offers: 2n, stake: 1000n }],
    reconcile: () => Promise.resolve(),
    status: () => ({ records: 12n, lastSequence: 11n, unsettled: 1, maxLag: 250_000_000n }),
    close: () => Promise.resolve(),
  };
  return engine;
}

const watched = {
  path: '/api/v1/pods',
  connected: true,
  lastEventAgeMs: 500,
  objects: 1,
  refused: 0,
  lists: 1,
};

function fakeKube(): WatchedKubeView & { facts: PodFacts[]; synced: boolean } {
  const kube = {
    facts: [] as PodFacts[],
    synced: true,
    nodesVersion: 1,
    pod: (uid: string) => kube.facts.find((pod) => pod.uid === uid),
    pods: () => kube.facts,
    node: (name: string) => ({ name, uid: name }),
    nodes: () => [{ name: 'n1', uid: 'n1' }],
    serviceAccountUid: () => 'sa',
    resources: () => [
      {
        ...watched,
        synced: kube.synced,
        lagMs: kube.synced ? 0 : null,
        lastError: kube.synced ? null : 'KUBE_X: y',
      },
    ],
    close: () => Promise.resolve(),
  };
  return kube;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

interface Call {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly headers?: Record<string, string>;
  readonly as?: KeyedCertificatePem | null;
  readonly agent?: Agent;
  readonly maxVersion?: 'TLSv1.2';
}

async function call(port: number, path: string, options: Call = {}): Promise<Reply> {
  const { body, as = scheduler, agent } = options;
  const own = agent ?? new Agent({ keepAlive: false });
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method: options.method ?? (body === undefined ? 'GET' : 'POST'),
        agent: own,
        ca: ca.certPem,
        ...(as && { cert: as.certPem, key: as.keyPem }),
        ...(options.maxVersion && { maxVersion: options.maxVersion }),
        headers: {
          ...(body !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          }),
          ...options.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          let json: unknown = {};
          try {
            json = JSON.parse(text);
          } catch {
            // The text says it.
          }
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: json as Reply['json'],
          });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

interface World {
  readonly engine: FakeEngine;
  readonly kube: ReturnType<typeof fakeKube>;
  readonly server: ExtenderServer;
  readonly port: number;
  readonly log: () => string;
  now: number;
  snapshot: { checkpoint: bigint; checkpointTimestampMs: number } | null;
  active: boolean;
}

async function world(t: Test, options: Partial<ExtenderServerOptions> = {}): Promise<World> {
  const engine = fakeEngine();
  const kube = fakeKube();
  const written: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      done();
    },
  });
  const here = {
    now: Date.now(),
    active: true,
    snapshot: { checkpoint: 5n, checkpointTimestampMs: Date.now() - 4_000 } as World['snapshot'],
  };
  const server = await serveExtender({
    engine,
    kube,
    chain: { current: () => here.snapshot as ChainSnapshot | null, onChange: () => () => undefined },
    identity: () => (here.active ? { cluster: '0x1', session: '0x2', term: 1n, configVersion: 1n } : null),
    stakeSnapshotAgeMsMax: 30_000,
    tls: { cert: serverCertificate.certPem, key: serverCertificate.keyPem, clientCa: ca.certPem },
    allowedClients: ['k3s-daas:scheduler'],
    allowedReaders: ['k3s-daas:admin'],
    host: '127.0.0.1',
    port: 0,
    clock: { now: () => here.now },
    log: pino({ level: 'trace' }, stream),
    ...options,
  });
  t.teardown(() => server.close());
  return Object.assign(here, { engine, kube, server, port: server.port, log: () => written.join('') });
}

void t.test('filter', async (t) => {
  const w = await world(t);
  const filter = (body: string | Buffer, options: Call = {}): Promise<Reply> =>
    call(w.port, '/scheduler/filter', { body, ...options });

  w.engine.rejected = [
    {
      node: 'n2',
      code: 'NODE_NOT_CLAIMED',
      message: 'NODE_NOT_CLAIMED: no stake claims it',
      unresolvable: true,
    },
    { node: 'n3', code: 'NODE_LEFT_OUT_AFTER_FAILURES', message: 'three binds failed', unresolvable: false },
  ];
  const good = await filter(args(['n1', 'n2', 'n3']));
  t.equal(good.status, 200);
  t.equal(good.headers['content-type'], 'application/json');
  t.equal(Number(good.headers['content-length']), good.text.length, 'one body with a length');
  t.same(good.json, {
    Nodes: null,
    NodeNames: ['n1'],
    FailedNodes: { n3: 'NODE_LEFT_OUT_AFTER_FAILURES: three binds failed' },
    FailedAndUnresolvableNodes: { n2: 'NODE_NOT_CLAIMED: no stake claims it' },
    Error: '',
  });
  t.match(w.engine.seen.pods[0], {
    uid: UID,
    namespace: 'team',
    name: 'web-1',
    resourceVersion: '812',
    serviceAccount: 'runner',
    requests: { cpuMilli: 250n, memoryBytes: 67_108_864n },
  });
  t.same(w.engine.seen.names[0], ['n1', 'n2', 'n3']);

  await t.test('takes the word of the API server for the version that both know', async (t) => {
    const told = { ...w.engine.seen.pods[0], serviceAccount: 'from the watch' } as PodFacts;
    w.kube.facts = [told];
    await filter(args(['n1']));
    t.equal(w.engine.seen.pods.at(-1), told);
    w.kube.facts = [{ ...told, resourceVersion: '811' }];
    await filter(args(['n1']));
    t.equal(w.engine.seen.pods.at(-1)?.serviceAccount, 'runner', 'not for another version');
    w.kube.facts = [];
  });

  await t.test('thousands of rejected nodes share a few reasons', async (t) => {
    const names = Array.from({ length: 5_000 }, (_, i) => `n${i}`);
    w.engine.rejected = names.map((node) => ({
      node,
      code: 'NODE_NOT_CLAIMED',
      message: `${node} is not claimed`,
      unresolvable: true,
    }));
    const { json } = await filter(args(names));
    const reasons = json['FailedAndUnresolvableNodes'] as Record<string, string>;
    t.equal(Object.keys(reasons).length, 5_000);
    t.same([...new Set(Object.values(reasons))], [`NODE_NOT_CLAIMED (daas explain ${UID})`]);
    t.same(json['NodeNames'], [], 'nobody is left: a list, not null');
    w.engine.rejected = [];
  });

  await t.test('refusals are answered with 200 and Error: any other status hides the reason', async (t) => {
    const deep = `{"Pod":${'{"a":'.repeat(80)}1${'}'.repeat(80)},"NodeNames":["n1"]}`;
    const cases: [string, string | Buffer, RegExp, Record<string, string>?][] = [
      ['no nodes', args([]), /^CANDIDATES_EMPTY: no node is offered \(offer some\)$/],
      ['null NodeNames', args(null), /^REQUEST_MALFORMED: .*NodeNames.* \(set nodeCacheCapable: true/],
      ['an unknown node', args(['x1']), /^NODE_UNKNOWN: node x1 is unknown/],
      ['a name of 254 characters', args(['n'.repeat(254)]), /^REQUEST_MALFORMED/],
      ['a name that is no string', args([7 as unknown as string]), /^REQUEST_MALFORMED/],
      ['20,001 names', args(Array.from({ length: 20_001 }, () => 'n')), /^REQUEST_MALFORMED/],
      ['no body', '', /^BODY_NOT_JSON/],
      ['half a body', args(['n1']).slice(0, 100), /^BODY_NOT_JSON/],
      ['two bodies', args(['n1']) + args(['n1']), /^BODY_NOT_JSON/],
      ['null', 'null', /^REQUEST_MALFORMED/],
      ['lower-case keys', args(['n1']).replace('"Pod"', '"pod"'), /^REQUEST_MALFORMED/],
      ['a pod without spec', args(['n1']).replace('"spec"', '"spek"'), /^REQUEST_MALFORMED: POD_MALFORMED: not a Pod at spec/],
      ['a quantity that is none', args(['n1']).replace('250m', 'lots'), /QUANTITY_MALFORMED/],
      ['deep nesting', deep, /^BODY_TOO_DEEP/],
      ['a million brackets', '['.repeat(1_000_000), /^BODY_TOO_DEEP/],
      ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), /^BODY_NOT_JSON/],
      ['another type', args(['n1']), /^CONTENT_TYPE_WRONG/, { 'content-type': 'text/plain' }],
      ['another charset', args(['n1']), /^CONTENT_TYPE_WRONG/, { 'content-type': 'application/json; charset=latin1' }],
      ['compressed', args(['n1']), /^CONTENT_TYPE_WRONG/, { 'content-encoding': 'gzip' }],
    ]; // prettier-ignore
    for (const [name, body, expected, headers] of cases) {
      const reply = await filter(body, headers ? { headers } : {});
      t.equal(reply.status, 200, name);
      t.match(reply.json['Error'], expected, name);
      t.equal(reply.json['NodeNames'], null, name);
    }
    w.engine.refuse = new ExtenderError('SNAPSHOT_STALE', 'the snapshot is 40 s old', 'check chain.url');
    const stale = await filter(args(['n1']));
    t.equal(stale.json['Error'], 'SNAPSHOT_STALE: the snapshot is 40 s old (check chain.url)');
    w.engine.refuse = new Error('a secret of the pod');
    const failed = await filter(args(['n1']));
    t.equal(
      failed.json['Error'],
      'INTERNAL: the extender failed (see its log)',
      'strangers of errors are not shown',
    );
    w.engine.refuse = null;
  });

  await t.test('hostile keys change nothing', async (t) => {
    const body =
      `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"NodeNames":["n9"],"Extra":1,` +
      args(['__proto__', 'n1']).slice(1);
    const reply = await filter(body.replace('["__proto__","n1"]', '["n1"]'));
    t.equal(({} as Record<string, unknown>)['polluted'], undefined);
    t.same(reply.json['NodeNames'], ['n1'], 'the last of two equal keys counts, as in Go');
    t.match((await filter(args(['__proto__']))).json['Error'], /^NODE_UNKNOWN/);
    w.engine.rejected = [{ node: '__proto__', code: 'NODE_JAILED', message: 'jailed', unresolvable: true }];
    const { text } = await filter(args(['n1']));
    t.match(text, '"FailedAndUnresolvableNodes":{"__proto__":"NODE_JAILED: jailed"}');
    w.engine.rejected = [];
  });

  t.notMatch(w.log(), /termination-log|web:1/, 'the log holds no pod');
});

void t.test('prioritize', async (t) => {
  const w = await world(t);
  const prioritize = (body: string): Promise<Reply> => call(w.port, '/scheduler/prioritize', { body });
  t.equal((await prioritize(args(['n1', 'n2']))).text, '[{"Host":"n1","Score":10},{"Host":"n2","Score":9}]');
  for (const score of [7.5, -1, 11, NaN, Infinity, 2 ** 53]) {
    w.engine.scores = (names) => names.map(() => score);
    const reply = await prioritize(args(['n1']));
    t.equal(reply.status, 500, `${score} never leaves`);
    t.equal(reply.json['code'], 'SCORE_INVALID');
  }
  w.engine.scores = () => [0];
  t.equal((await prioritize(args(['n1']))).text, '[{"Host":"n1","Score":0}]');
  const malformed = await prioritize('{}');
  t.equal(malformed.status, 400, 'the list has no field for an error: the status tells');
  t.match(malformed.json, { code: 'REQUEST_MALFORMED', message: String, remedy: /nodeCacheCapable/ });
  w.engine.refuse = new ExtenderError('POD_UNKNOWN', 'no filter call', 'none');
  t.equal((await prioritize(args(['n1']))).status, 404);
  w.engine.refuse = new ExtenderError('ENCLAVE_NOT_ACTIVE', 'not active', 'activate it');
  t.equal((await prioritize(args(['n1']))).status, 503);
});

void t.test('preempt', async (t) => {
  const w = await world(t);
  const preempt = (victims: string): Promise<Reply> =>
    call(w.port, '/scheduler/preempt', {
      body: `{"Pod":${POD},"NodeNameToVictims":null,"NodeNameToMetaVictims":${victims}}`,
    });
  w.engine.rejected = [{ node: 'n2', code: 'NODE_JAILED', message: 'jailed', unresolvable: true }];
  const given =
    '{"n1":{"Pods":[{"UID":"v1"},{"UID":"v2"}],"NumPDBViolations":1},"n2":{"Pods":[{"UID":"v3"}],"NumPDBViolations":0},' +
    '"n3":{"Pods":[],"NumPDBViolations":0}}';
  const { status, json } = await preempt(given);
  t.equal(status, 200);
  t.same(json, {
    NodeNameToMetaVictims: { n1: { Pods: [{ UID: 'v1' }, { UID: 'v2' }], NumPDBViolations: 1 } },
  });
  t.same(
    w.engine.seen.names.at(-1),
    ['n1', 'n2'],
    'a node without victims would be an error of kube-scheduler',
  );
  w.engine.rejected.push({ node: 'n1', code: 'NODE_JAILED', message: 'jailed', unresolvable: true });
  t.same((await preempt(given)).json, { NodeNameToMetaVictims: {} });
  t.equal((await preempt('null')).status, 400);
  t.equal((await preempt('{"n1":null}')).status, 400);
  w.engine.refuse = new ExtenderError('CACHE_NOT_SYNCED', 'not yet', 'wait');
  t.equal((await preempt(given)).status, 503);
});

void t.test('bind', async (t) => {
  const w = await world(t, { bindMsMax: 50 });
  const bind = (body: string): Promise<Reply> => call(w.port, '/scheduler/bind', { body });
  const good = await bind(bindArgs('n1'));
  t.equal(good.status, 200);
  t.same(good.json, { Error: '' });
  t.same(w.engine.seen.binds, [{ namespace: 'team', pod: 'web-1', podUid: UID, node: 'n1' }]);

  w.engine.outcome = () =>
    Promise.resolve({ bound: false, code: 'NODE_NOT_IN_SHORTLIST', message: 'n2 was not in it' });
  t.same((await bind(bindArgs('n2'))).json, { Error: 'NODE_NOT_IN_SHORTLIST: n2 was not in it' });
  w.engine.outcome = () => new Promise(() => undefined);
  const late = await bind(bindArgs('n1'));
  t.equal(late.status, 200);
  t.match(late.json['Error'], /^ANSWER_LATE: no outcome within 50 ms/);
  const malformed = await bind(bindArgs('n1').replace(UID, ''));
  t.equal(malformed.status, 200);
  t.match(malformed.json['Error'], /^REQUEST_MALFORMED: not ExtenderBindingArgs: PodUID/);

  const metrics = (await call(w.port, '/metrics', { as: admin })).text;
  for (const line of [
    'daas_attempts_total{result="scheduled",reason=""} 1',
    'daas_attempts_total{result="error",reason="NODE_NOT_IN_SHORTLIST"} 1',
    'daas_attempts_total{result="error",reason="ANSWER_LATE"} 1',
    'daas_attempts_total{result="error",reason="REQUEST_MALFORMED"} 1',
    'daas_extender_request_duration_seconds_count{verb="bind"} 4',
    'daas_operator_lag_max 0.25',
    'daas_stake_snapshot_age_seconds 4',
    'daas_log_records 12',
    'daas_unsettled_decisions 1',
    'daas_kube_lag_seconds{resource="pods"} 0',
    'daas_kube_last_event_age_seconds{resource="pods"} 0.5',
  ])
    t.match(metrics, line);
  t.match(metrics, /daas_event_loop_lag_seconds\{quantile="0.99"\} [0-9.]+/);
  w.snapshot = null;
  t.match((await call(w.port, '/metrics', { as: admin })).text, /daas_stake_snapshot_age_seconds \+Inf/);
});

void t.test('body limits', async (t) => {
  const w = await world(t, { body: { bytesMax: 4_096, msMax: 100 } });
  const filter = (body: string): Promise<Reply> => call(w.port, '/scheduler/filter', { body });
  const base = args(['n1']);
  const padded = (size: number): string => base + ' '.repeat(size - base.length);
  t.same((await filter(padded(4_096))).json['NodeNames'], ['n1'], 'the limit is inclusive');
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => {
    agent.destroy();
  });
  const over = await call(w.port, '/scheduler/filter', { body: padded(4_097), agent });
  t.match(over.json['Error'], /^BODY_TOO_LARGE: the body has more than 4096 bytes/);
  t.not(over.headers.connection, 'close', 'a body that was read to its end leaves the connection usable');
  const far = await call(w.port, '/scheduler/prioritize', { body: padded(8_193) });
  t.equal(far.status, 413);

  const slow = httpsRequest({
    host: '127.0.0.1',
    port: w.port,
    path: '/scheduler/filter',
    method: 'POST',
    ca: ca.certPem,
    cert: scheduler.certPem,
    key: scheduler.keyPem,
    headers: { 'content-type': 'application/json', 'content-length': 100 },
  });
  slow.on('error', () => undefined);
  slow.write('{');
  const [response] = (await once(slow, 'response')) as [
    NodeJS.ReadableStream & { headers: IncomingHttpHeaders },
  ];
  t.equal(response.headers.connection, 'close');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  t.match(text, /BODY_LATE/);

  t.equal(isShallow(Buffer.from('[[[]]]'), 3), true);
  t.equal(isShallow(Buffer.from('[[[[]]]]'), 3), false);
  t.equal(
    isShallow(Buffer.from('["[[[[","\\"[[[[","\\\\",[[]]]'), 3),
    true,
    'brackets in strings do not count',
  );
  t.equal(isShallow(Buffer.from('["\\\\",[[[]]]]'), 3), false, 'a string that ends in a backslash');
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
  const seed = 20260102;
  fc.assert(
    fc.property(
      fc.jsonValue({ stringUnit: fc.constantFrom('[', '{', ']', '}', '"', '\\', 'ü') }),
      (value) => {
        const bytes = Buffer.from(JSON.stringify(value));
        const depth = depthOf(value);
        return isShallow(bytes, depth) && (depth === 0 || !isShallow(bytes, depth - 1));
      },
    ),
    { seed, numRuns: 500 },
  );
  t.pass(`the depth of any JSON, seed ${seed}`);
});

void t.test('who may call', async (t) => {
  const w = await world(t);
  const body = args(['n1']);
  await t.rejects(call(w.port, '/scheduler/filter', { body, as: null }), 'no certificate');
  await t.rejects(call(w.port, '/livez', { as: null }), 'not even health');
  await t.rejects(call(w.port, '/scheduler/filter', { body, as: stranger }), 'another CA, same name');
  await t.rejects(call(w.port, '/livez', { maxVersion: 'TLSv1.2' }), /version/i);

  for (const as of [nobody, admin]) {
    const reply = await call(w.port, '/scheduler/filter', { body, as });
    t.equal(reply.status, 403, 'another name');
    t.match(reply.json, { code: 'CLIENT_NOT_ALLOWED', remedy: /allowedClients/ });
  }
  t.equal(w.engine.seen.names.length, 0, 'and the engine is not asked');
  const forReaders = [
    '/metrics',
    '/api/v1/lags',
    `/api/v1/explain/${UID}`,
    `/api/v1/receipts/${UID}`,
    '/nowhere',
  ];
  for (const path of forReaders) t.equal((await call(w.port, path, { as: nobody })).status, 403, path);
  t.equal((await call(w.port, '/api/v1/dry-run', { as: nobody, body: '{}' })).status, 403);
  t.equal((await call(w.port, '/livez', { as: nobody })).status, 200);
  t.equal((await call(w.port, '/api/v1/lags')).status, 200, 'kube-scheduler may read as well');
  const get = await call(w.port, '/scheduler/filter');
  t.equal(get.status, 405);
  t.equal((await call(w.port, '/scheduler/filter/x', { body })).status, 404);
  t.equal((await call(w.port, '/scheduler/filter?x', { body })).status, 404);

  w.now += 2 * 86_400_000;
  t.equal(
    (await call(w.port, '/livez')).json['code'],
    'CLIENT_CERTIFICATE_EXPIRED',
    'it may expire while connected',
  );
});

void t.test('connections are reused, and outlive the 90 s of Go', async (t) => {
  const w = await world(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => {
    agent.destroy();
  });
  const sockets = new Set<TLSSocket>();
  agent.on('free', (socket: TLSSocket) => sockets.add(socket));
  const names = Array.from({ length: 5_000 }, (_, i) => `n${i}.with.a.long.name.example.internal`);
  for (const body of [args(['n1']), args(names), 'nonsense', args(null), args(['n1'])]) {
    const reply = await call(w.port, '/scheduler/filter', { body, agent });
    t.equal(reply.status, 200);
    t.not(reply.headers.connection, 'close');
    t.match(reply.headers['keep-alive'], /timeout=1[0-9][0-9]/);
  }
  t.equal(sockets.size, 1);
  t.match((await call(w.port, '/metrics', { agent })).text, 'daas_extender_connections_total 1\n');
});

void t.test('certificates are replaced without a restart', async (t) => {
  const w = await world(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const asStranger = new Agent({ keepAlive: false });
  t.teardown(() => {
    agent.destroy();
    asStranger.destroy();
  });
  t.equal((await call(w.port, '/livez', { agent })).status, 200);
  const renewed = await ca.issue({ commonName: 'extender', usages: ['server'], ips: ['127.0.0.1'], days: 1 });
  w.server.setTls({ cert: renewed.certPem, key: renewed.keyPem, clientCa: ca.certPem });
  t.equal((await call(w.port, '/livez', { agent })).status, 200, 'the same client CA: old connections stay');
  t.equal((await call(w.port, '/livez')).status, 200);

  w.server.setTls({ cert: renewed.certPem, key: renewed.keyPem, clientCa: strangerCa.certPem });
  const outdated = await call(w.port, '/livez', { agent });
  t.equal(outdated.status, 403, 'an old connection was checked against a CA that is no longer trusted');
  t.equal(outdated.json['code'], 'CLIENT_CERTIFICATE_OUTDATED');
  await t.rejects(call(w.port, '/livez'), 'a certificate of the old CA');
  t.equal((await call(w.port, '/livez', { as: stranger })).status, 200, 'a certificate of the new one');

  const whole = { cert: renewed.certPem, key: renewed.keyPem, clientCa: strangerCa.certPem };
  for (const part of ['cert', 'key', 'clientCa'] as const)
    t.throws(
      () => {
        w.server.setTls({ ...whole, [part]: '\n' });
      },
      new Error(`the extender's ${part} is empty`),
    );
  t.equal((await call(w.port, '/livez', { as: stranger })).status, 200, 'what was there stays');
});

void t.test('the API', async (t) => {
  const w = await world(t);
  const get = (path: string): Promise<Reply> => call(w.port, path, { as: admin });
  t.same((await get('/livez')).json, { status: 'ok' });
  t.same((await get('/readyz')).json, { status: 'ok', reasons: [] });
  t.match((await get('/api/v1/health')).json, {
    status: 'ok',
    engine: { records: '12', lastSequence: '11', unsettled: 1, maxLag: '250000000' },
    chain: { checkpoint: '5', ageMs: Number },
    kubernetes: { synced: true, resources: [{ path: '/api/v1/pods', connected: true }] },
  });
  t.match((await get(`/api/v1/explain/${UID}`)).json, {
    node: 'n1',
    sequence: '9007199254740993',
    shortlist: [{ node: 'n1', lag: '-5' }],
  });
  const exported = await get(`/api/v1/receipts/${UID}`);
  t.equal(exported.status, 200);
  t.equal(exported.headers['content-type'], 'application/jose');
  t.match((await get('/api/v1/receipts/nobody')).json, { code: 'DECISION_UNKNOWN', remedy: String });
  const unknown = await get('/api/v1/explain/nobody');
  t.equal(unknown.status, 404);
  t.match(unknown.json, { code: 'DECISION_UNKNOWN', message: /nobody/, remedy: String });
  t.match((await get('/api/v1/lags')).json, { lags: [{ operator: '0xa', lag: '-5', stake: '1000' }] });
  t.equal((await get('/api/v1/nothing')).status, 404);
  t.equal((await get('/api/v1/explain/%zz')).status, 404);
  t.notOk((await get('/livez')).headers['x-powered-by']);

  const dryRun = (body: object): Promise<Reply> =>
    call(w.port, '/api/v1/dry-run', { as: admin, body: JSON.stringify(body) });
  const spec = { containers: [{ name: 'c', image: 'i' }] };
  const hypothetical = await dryRun({ pod: { metadata: { name: 'maybe' }, spec } });
  t.same(hypothetical.json, { names: ['n1'], scores: [{ node: 'n1', score: 1 }], rejected: [] });
  t.match(w.engine.seen.pods.at(-1), { name: 'maybe', namespace: 'default' });
  t.equal((await dryRun({ namespace: 'team', name: 'web-1' })).status, 404);
  w.kube.facts = [{ ...(w.engine.seen.pods.at(-1) as PodFacts), namespace: 'team', name: 'web-1' }];
  t.same((await dryRun({ namespace: 'team', name: 'web-1', nodeNames: ['n7'] })).json['names'], ['n7']);
  for (const wrong of [
    {},
    { pod: {} },
    { pod: { spec }, more: 1 },
    { name: 'a' },
    { pod: { spec }, nodeNames: [1] },
  ])
    t.equal((await dryRun(wrong)).status, 400, JSON.stringify(wrong));

  w.kube.synced = false;
  w.active = false;
  w.snapshot = { checkpoint: 5n, checkpointTimestampMs: w.now - 30_001 };
  const unready = await get('/readyz');
  t.equal(unready.status, 503);
  t.match(unready.json, {
    reasons: [
      { code: 'CACHE_NOT_SYNCED', message: '/api/v1/pods: KUBE_X: y' },
      { code: 'SNAPSHOT_STALE' },
      { code: 'ENCLAVE_NOT_ACTIVE' },
    ],
  });
  t.equal((await get('/livez')).status, 200, 'alive all the same');
  t.equal((await get('/api/v1/health')).json['status'], 'degraded');
  w.snapshot = null;
  t.match(w.server.readiness().reasons[1], { code: 'SNAPSHOT_MISSING' });
});

void t.test('stopping: what is in flight ends, idle connections close, new ones are refused', async (t) => {
  const w = await world(t);
  const idle = new Agent({ keepAlive: true });
  t.teardown(() => {
    idle.destroy();
  });
  await call(w.port, '/livez', { agent: idle });
  let finish: (outcome: BindOutcome) => void = () => undefined;
  w.engine.outcome = () => new Promise((resolve) => (finish = resolve));
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => {
    agent.destroy();
  });
  const pending = call(w.port, '/scheduler/bind', { body: bindArgs('n1'), agent });
  while (w.engine.seen.binds.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const start = Date.now();
  const closed = w.server.close();
  await t.rejects(call(w.port, '/livez'), { code: 'ECONNREFUSED' });
  t.match(w.server.readiness().reasons[0], { code: 'SHUTTING_DOWN' });
  finish({ bound: true, sequence: 1n, receipt: 'r' });
  const reply = await pending;
  t.same(reply.json, { Error: '' });
  t.equal(reply.headers.connection, 'close');
  await closed;
  t.ok(Date.now() - start < 2_900, 'no waiting for idle connections, until they are cut off after 3 s');

  const stuck = await world(t);
  stuck.engine.outcome = () => new Promise(() => undefined);
  const cut = t.rejects(call(stuck.port, '/scheduler/bind', { body: bindArgs('n1') }));
  while (stuck.engine.seen.binds.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const before = Date.now();
  await stuck.server.close();
  t.ok(Date.now() - before < 20_000, 'whatever hangs is cut off after 3 s');
  await cut;
});
