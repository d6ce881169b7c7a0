/** The broker over real TLS, with a real engine: who gets a release, what is in it, and everybody who gets none. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

import t from 'tap';

import {
  decodeDecisionMessage,
  decodeReceipt,
  decodeReleaseMessage,
  fromBase64,
  receiptDigest,
  RECEIPT_ANNOTATION,
  sha256,
  toHex,
  utf8,
  verifyEd25519,
} from '@k3s-daas/core';
import { KubeError } from '@k3s-daas/scheduler-extender';

import { idOf } from '../../scheduler-extender/decision/test/world.ts';
import { imageDigests } from './images.ts';
import { eventually } from '../test/world.ts';
import type { ReleaseReply } from './sign.ts';
import {
  BrokerWorld,
  digestOf,
  planText,
  policyOf,
  RECIPIENT,
  sealFetch,
  TOKEN,
  type Ask,
} from './test/world.ts';

t.setTimeout(300_000);

async function started(releasesPerMinuteMax?: number): Promise<BrokerWorld> {
  const here = await BrokerWorld.start(releasesPerMinuteMax);
  t.teardown(() => here.close().catch(() => undefined));
  return here;
}

void t.test('a pod gets a release for each policy, signed for its receipt and its images', async (t) => {
  const here = await started();
  const uid = await here.place('web');
  const body = { recipient: RECIPIENT, policies: [policyOf(1), policyOf(2)] };
  const { status, headers, json } = await here.ask({ body });
  t.equal(status, 200);
  t.equal(headers['cache-control'], 'no-store');
  const reply = json as unknown as ReleaseReply;
  const text = here.facts(uid).receipt;
  const { payload } = decodeDecisionMessage(decodeReceipt(text).message);
  t.match(reply, {
    cluster: idOf('cluster', 0),
    session: idOf('session', 0),
    position: payload.stake,
    node: here.facts(uid).nodeName,
    releases: [{ policy: policyOf(1) }, { policy: policyOf(2) }],
  });
  t.same(Object.keys(reply).sort(), ['cluster', 'node', 'position', 'receipt', 'releases', 'session']);
  t.equal(fromBase64(reply.receipt.message).length, decodeReceipt(text).message.length);
  for (const [at, release] of reply.releases.entries()) {
    const message = fromBase64(release.message);
    t.ok(verifyEd25519(here.world.signer.publicKey, message, fromBase64(release.signature)));
    t.same(decodeReleaseMessage(message), {
      intent: 2,
      timestampMs: BigInt(here.world.nowMs),
      payload: {
        cluster: idOf('cluster', 0),
        session: idOf('session', 0),
        receiptDigest: receiptDigest(decodeReceipt(text)),
        podUid: uid,
        policy: policyOf(at + 1),
        recipient: RECIPIENT,
        imageDigests: [digestOf(1), digestOf(2)].map((hex) => new Uint8Array(Buffer.from(hex, 'hex'))),
        notAfterMs: BigInt(here.world.nowMs) + 60_000n,
      },
    });
    t.equal(release.notAfterMs, String(here.world.nowMs + 60_000));
  }
  t.same(
    here.asked.map(({ method, path }) => `${method} ${path}`),
    ['POST /apis/authentication.k8s.io/v1/tokenreviews', 'GET /api/v1/namespaces/shop/pods/web'],
  );
  t.match(here.asked[0]?.body, { spec: { token: TOKEN, audiences: ['k3s-daas.io/broker'] } });
  t.match(here.logged, /"msg":"released"/);
  t.notMatch(here.logged, TOKEN, 'no token in the log');
});

void t.test(
  'a pod of an earlier session gets an adopted receipt, though it carries the first one',
  async (t) => {
    const here = await started();
    const uid = await here.place('web');
    await here.restart(1);
    const first = (await here.ask()).json as unknown as ReleaseReply;
    const again = (await here.ask()).json as unknown as ReleaseReply;
    t.same(first.receipt, again.receipt, 'one adoption');
    const message = fromBase64(first.receipt.message);
    const { payload } = decodeDecisionMessage(message);
    t.match(payload, { kind: 1, podUid: uid, session: idOf('session', 1), term: 2n });
    t.ok(verifyEd25519(here.world.signer.publicKey, message, fromBase64(first.receipt.signature)));
    const release = decodeReleaseMessage(fromBase64(first.releases[0]?.message ?? '')).payload;
    t.equal(release.session, idOf('session', 1));
    const signature = fromBase64(first.receipt.signature);
    t.same(release.receiptDigest, receiptDigest({ message, signature }));
    t.not(here.facts(uid).receipt, '', 'the annotation is that of the placement');
  },
);

interface Attack {
  readonly what: string;
  readonly expected: string;
  /** What the pod is placed with. */
  readonly spec?: object;
  readonly change?: (here: BrokerWorld, uid: string) => void;
  readonly ask?: Ask;
  /** How many requests reach the API server. */
  readonly asked?: number;
}

const extra = 'authentication.kubernetes.io';
const user = (here: BrokerWorld): NonNullable<BrokerWorld['review']['user']> => {
  if (here.review.user === undefined) throw new Error('no user');
  return here.review.user;
};
const setExtra = (here: BrokerWorld, name: string, values: string[] | null): void => {
  const known = user(here).extra ?? {};
  const rest = Object.fromEntries(Object.entries(known).filter(([key]) => key !== `${extra}/${name}`));
  const changed = values === null ? rest : { ...rest, [`${extra}/${name}`]: values };
  here.review = { ...here.review, user: { ...user(here), extra: changed } };
};
const pod = (here: BrokerWorld, uid: string): NonNullable<ReturnType<BrokerWorld['pods']['get']>> => {
  const found = here.pods.get(uid);
  if (found === undefined) throw new Error('no pod');
  return found;
};
const policies = (count: number): string[] => Array.from({ length: count }, (_, at) => policyOf(at));
/** A pod that was placed with such a plan. */
const planned = (text: string): object => ({ initContainers: [sealFetch(text)] });
const ONE = planText([policyOf(1)]);
/** `a$b`, `$(HOST)`: as a path of the plan, and as admission writes it. */
const DOLLARS = planText([policyOf(1)], {
  files: [{ volume: 'v', path: 'a$b/$(HOST)', mode: 0o400, secret: 's0', key: 'k' }],
});
const DOUBLED = DOLLARS.split('$').join('$$');
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

const ATTACKS: readonly Attack[] = [
  // Requests.
  { what: 'another route', ask: { path: '/api/v1/receipts' }, expected: '404 ROUTE_UNKNOWN', asked: 0 },
  { what: 'a query', ask: { path: '/api/v1/releases?x=1' }, expected: '404 ROUTE_UNKNOWN', asked: 0 },
  { what: 'another method', ask: { method: 'PUT' }, expected: '404 ROUTE_UNKNOWN', asked: 0 },
  { what: 'no token', ask: { token: null }, expected: '401 TOKEN_MISSING', asked: 0 },
  {
    what: 'basic authentication',
    ask: { token: null, headers: { authorization: 'Basic YTpi' } },
    expected: '401 TOKEN_MISSING',
    asked: 0,
  },
  { what: 'a token that is no JWT', ask: { token: 'abc' }, expected: '401 TOKEN_MISSING', asked: 0 },
  {
    what: 'a token of 9 kB',
    ask: { token: `a.b.${'c'.repeat(9_000)}` },
    expected: '401 TOKEN_MISSING',
    asked: 0,
  },
  { what: 'no JSON', ask: { body: 'recipient=1' }, expected: '400 REQUEST_MALFORMED', asked: 0 },
  {
    what: 'another content type',
    ask: { headers: { 'content-type': 'text/plain' } },
    expected: '400 REQUEST_MALFORMED',
    asked: 0,
  },
  {
    what: 'a compressed body',
    ask: { headers: { 'content-encoding': 'gzip' } },
    expected: '400 REQUEST_MALFORMED',
    asked: 0,
  },
  { what: 'a body of 5 kB', ask: { body: ' '.repeat(5_000) }, expected: '400 REQUEST_MALFORMED', asked: 0 },
  { what: 'a body of 1 MB', ask: { body: ' '.repeat(1 << 20) }, expected: '400 REQUEST_MALFORMED', asked: 0 },
  { what: 'a deep body', ask: { body: nested(2_000) }, expected: '400 REQUEST_MALFORMED', asked: 0 },
  {
    what: 'an unknown field',
    ask: { body: { recipient: RECIPIENT, policies: policies(1), podUid: 'x' } },
    expected: '400 REQUEST_MALFORMED',
    asked: 0,
  },
  {
    what: 'a short recipient',
    ask: { body: { recipient: '0xab', policies: policies(1) } },
    expected: '400 REQUEST_MALFORMED',
    asked: 0,
  },
  {
    what: 'an upper-case recipient',
    ask: { body: { recipient: RECIPIENT.toUpperCase().replace('0X', '0x'), policies: policies(1) } },
    expected: '400 REQUEST_MALFORMED',
    asked: 0,
  },
  {
    what: 'no recipient',
    ask: { body: { policies: policies(1) } },
    expected: '400 REQUEST_MALFORMED',
    asked: 0,
  },
  {
    what: 'no policy',
    ask: { body: { recipient: RECIPIENT, policies: [] } },
    expected: '400 REQUEST_MALFORMED',
    asked: 0,
  },
  {
    what: 'a policy twice',
    ask: { body: { recipient: RECIPIENT, policies: [policyOf(1), policyOf(1)] } },
    expected: '400 REQUEST_MALFORMED',
    asked: 0,
  },
  {
    what: 'seventeen policies',
    ask: { body: { recipient: RECIPIENT, policies: policies(17) } },
    expected: '400 REQUEST_MALFORMED',
    asked: 0,
  },
  {
    what: 'sixteen policies',
    ask: { body: { recipient: RECIPIENT, policies: policies(16) } },
    expected: '200',
  },
  // Tokens.
  {
    what: 'a forged token',
    ask: { token: 'aGVhZA.Ym9keQ.Zm9yZ2Vk' },
    expected: '401 TOKEN_REFUSED',
    asked: 1,
  },
  {
    what: 'an expired token',
    change: (here) => {
      here.review = { authenticated: false, error: 'service account token has expired' };
    },
    expected: '401 TOKEN_REFUSED',
    asked: 1,
  },
  {
    what: 'a verdict without authenticated',
    change: (here) => {
      delete here.review.authenticated;
    },
    expected: '401 TOKEN_REFUSED',
    asked: 1,
  },
  {
    what: 'another audience',
    change: (here) => {
      here.review.audiences = ['https://kubernetes.default.svc'];
    },
    expected: '401 TOKEN_REFUSED',
    asked: 1,
  },
  {
    what: 'an authenticator without audiences',
    change: (here) => {
      delete here.review.audiences;
    },
    expected: '503 KUBERNETES_UNAVAILABLE',
    asked: 1,
  },
  {
    what: 'no audience',
    change: (here) => {
      here.review.audiences = [];
    },
    expected: '401 TOKEN_REFUSED',
    asked: 1,
  },
  {
    what: 'a person',
    change: (here) => {
      user(here).username = 'alice';
    },
    expected: '403 TOKEN_FOREIGN',
    asked: 1,
  },
  {
    what: 'a node',
    change: (here) => {
      user(here).username = 'system:node:n0-0';
    },
    expected: '403 TOKEN_FOREIGN',
    asked: 1,
  },
  {
    what: 'a name with a third part',
    change: (here) => {
      user(here).username = 'system:serviceaccount:shop:default:x';
    },
    expected: '403 TOKEN_FOREIGN',
    asked: 1,
  },
  {
    what: 'an unbound token',
    change: (here) => {
      user(here).extra = {};
    },
    expected: '403 TOKEN_UNBOUND',
    asked: 1,
  },
  {
    what: 'a token bound to no node',
    change: (here) => {
      setExtra(here, 'node-name', null);
    },
    expected: '403 TOKEN_UNBOUND',
    asked: 1,
  },
  {
    what: 'a token bound to no UID',
    change: (here) => {
      setExtra(here, 'pod-uid', null);
    },
    expected: '403 TOKEN_UNBOUND',
    asked: 1,
  },
  {
    what: 'a token bound to two pods',
    change: (here, uid) => {
      setExtra(here, 'pod-uid', [uid, 'x']);
    },
    expected: '403 TOKEN_UNBOUND',
    asked: 1,
  },
  {
    what: 'an API server that refuses us',
    change: (here) => {
      here.answer = () => ({ status: 403, body: {} });
    },
    expected: '503 KUBERNETES_UNAVAILABLE',
    asked: 1,
  },
  {
    what: 'an API server that is gone',
    change: (here) => {
      here.answer = () => Promise.reject(new KubeError('KUBE_TIMEOUT', 'no answer', 'wait'));
    },
    expected: '503 KUBERNETES_UNAVAILABLE',
    asked: 1,
  },
  {
    what: 'an API server that talks nonsense',
    change: (here) => {
      here.answer = () => ({ status: 201, body: [] });
    },
    expected: '503 KUBERNETES_UNAVAILABLE',
    asked: 1,
  },
  // Pods.
  {
    what: 'the token of another pod',
    change: (here) => {
      setExtra(here, 'pod-uid', ['uid-of-other']);
    },
    expected: '404 POD_UNKNOWN',
  },
  {
    what: 'a deleted pod',
    change: (here, uid) => {
      here.pods.delete(uid);
    },
    expected: '404 POD_UNKNOWN',
  },
  {
    what: 'a pod that was made again under its name',
    change: (here, uid) => {
      pod(here, uid).metadata['uid'] = 'another';
    },
    expected: '404 POD_UNKNOWN',
  },
  {
    what: 'an answer about another name',
    change: (here, uid) => {
      pod(here, uid).metadata['name'] = 'web2';
      here.answer = ({ method }) => (method === 'GET' ? { status: 200, body: here.json(uid) } : undefined);
    },
    expected: '404 POD_UNKNOWN',
  },
  {
    what: 'an answer about another namespace',
    change: (here, uid) => {
      pod(here, uid).metadata['namespace'] = 'bank';
    },
    expected: '404 POD_UNKNOWN',
  },
  {
    what: 'the token of another service account',
    change: (here) => {
      user(here).username = 'system:serviceaccount:shop:builder';
    },
    expected: '403 TOKEN_FOREIGN',
  },
  {
    what: 'a service account that was made again',
    change: (here) => {
      user(here).uid = 'sa-uid-2';
    },
    expected: '403 TOKEN_FOREIGN',
  },
  {
    what: 'a pod that is not bound',
    change: (here, uid) => {
      pod(here, uid).spec['nodeName'] = '';
    },
    expected: '409 POD_UNBOUND',
  },
  {
    what: 'a token from another node',
    change: (here) => {
      setExtra(here, 'node-name', ['n9']);
    },
    expected: '403 TOKEN_FOREIGN',
  },
  {
    what: 'a pod that ends',
    change: (here, uid) => {
      pod(here, uid).metadata['deletionTimestamp'] = '2030-01-01T00:00:00Z';
    },
    expected: '409 POD_ENDED',
  },
  {
    what: 'a pod that has succeeded',
    change: (here, uid) => {
      pod(here, uid).status['phase'] = 'Succeeded';
    },
    expected: '409 POD_ENDED',
  },
  {
    what: 'a pod that has failed',
    change: (here, uid) => {
      pod(here, uid).status['phase'] = 'Failed';
    },
    expected: '409 POD_ENDED',
  },
  {
    what: 'no pod but an error',
    change: (here) => {
      here.answer = ({ method }) => (method === 'GET' ? { status: 500, body: {} } : undefined);
    },
    expected: '503 KUBERNETES_UNAVAILABLE',
  },
  {
    what: 'no pod but something',
    change: (here) => {
      here.answer = ({ method }) => (method === 'GET' ? { status: 200, body: { kind: 'Pod' } } : undefined);
    },
    expected: '503 KUBERNETES_UNAVAILABLE',
  },
  // Plans.
  {
    what: 'a policy that no Secret of the pod is under',
    spec: planned(ONE),
    ask: { body: { recipient: RECIPIENT, policies: [policyOf(2)] } },
    expected: '403 POLICY_NOT_PLANNED',
  },
  {
    what: 'one such policy among the pod’s own',
    spec: planned(planText([policyOf(1), policyOf(2)])),
    ask: { body: { recipient: RECIPIENT, policies: [policyOf(1), policyOf(3), policyOf(2)] } },
    expected: '403 POLICY_NOT_PLANNED',
  },
  {
    what: 'a part of what is planned',
    spec: planned(planText([policyOf(1), policyOf(2)])),
    ask: { body: { recipient: RECIPIENT, policies: [policyOf(2)] } },
    expected: '200',
  },
  {
    what: 'a plan that was widened after the placement',
    spec: planned(ONE),
    change: (here, uid) => {
      Object.assign(pod(here, uid).spec, planned(planText([policyOf(1), policyOf(2)])));
    },
    ask: { body: { recipient: RECIPIENT, policies: [policyOf(2)] } },
    expected: '403 POD_CHANGED',
  },
  { what: 'a pod without init containers', spec: { initContainers: null }, expected: '403 POD_WITHOUT_PLAN' },
  { what: 'a pod with none of them', spec: { initContainers: [] }, expected: '403 POD_WITHOUT_PLAN' },
  {
    what: 'a plan in the second init container',
    spec: { initContainers: [{ name: 'first', image: 'x' }, sealFetch(ONE)] },
    expected: '403 POD_WITHOUT_PLAN',
  },
  {
    what: 'a plan in a container of another name',
    spec: { initContainers: [{ ...sealFetch(ONE), name: 'other' }] },
    expected: '403 POD_WITHOUT_PLAN',
  },
  {
    what: 'a plan in another variable',
    spec: { initContainers: [{ ...sealFetch(ONE), env: [{ name: 'PLAN', value: ONE }] }] },
    expected: '403 POD_WITHOUT_PLAN',
  },
  {
    what: 'two plans',
    spec: {
      initContainers: [
        {
          ...sealFetch(ONE),
          env: [ONE, planText([policyOf(2)])].map((value) => ({ name: 'DAAS_PLAN', value })),
        },
      ],
    },
    expected: '403 POD_WITHOUT_PLAN',
  },
  {
    what: 'a plan from elsewhere',
    spec: {
      initContainers: [
        {
          ...sealFetch(ONE),
          env: [{ name: 'DAAS_PLAN', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } }],
        },
      ],
    },
    expected: '403 POD_WITHOUT_PLAN',
  },
  { what: 'a plan that is none', spec: planned('{}'), expected: '403 POD_WITHOUT_PLAN' },
  { what: 'a plan in another form', spec: planned(` ${ONE}`), expected: '403 POD_WITHOUT_PLAN' },
  { what: 'a plan of 200 kB', spec: planned('{'.repeat(200_000)), expected: '403 POD_WITHOUT_PLAN' },
  {
    what: 'a plan for another cluster',
    spec: planned(planText([policyOf(1)], { cluster: idOf('cluster', 1) })),
    expected: '403 POD_WITHOUT_PLAN',
  },
  {
    what: 'a plan for another package',
    spec: planned(planText([policyOf(1)], { package: idOf('package', 1) })),
    expected: '403 POD_WITHOUT_PLAN',
  },
  {
    what: 'a plan with what a kubelet would expand',
    spec: planned(DOLLARS),
    expected: '403 POD_WITHOUT_PLAN',
  },
  { what: 'such a plan as admission writes it', spec: planned(DOUBLED), expected: '200' },
  // Receipts.
  {
    what: 'another image',
    change: (here, uid) => {
      pod(here, uid).spec['containers'] = [{ name: 'main', image: 'evil' }];
    },
    expected: '403 POD_CHANGED',
  },
  {
    what: 'a pod and its token moved to another node',
    change: (here, uid) => {
      pod(here, uid).spec['nodeName'] = 'n9';
      setExtra(here, 'node-name', ['n9']);
    },
    expected: '403 POD_CHANGED',
  },
  {
    what: 'another annotation',
    change: (here, uid) => {
      pod(here, uid).metadata['annotations'] = { [RECEIPT_ANNOTATION]: 'AAAA' };
    },
    expected: '403 RECEIPT_FOREIGN',
  },
  {
    what: 'no annotation',
    change: (here, uid) => {
      pod(here, uid).metadata['annotations'] = {};
    },
    expected: '200',
  },
  {
    what: 'a pod that this log has not placed',
    change: (here, uid) => {
      pod(here, uid).metadata['uid'] = 'foreign';
      setExtra(here, 'pod-uid', ['foreign']);
    },
    expected: '404 RECEIPT_UNKNOWN',
  },
  // Nodes and the chain.
  {
    what: 'a slashed stake',
    change: (here, uid) => {
      here.world.setStake(here.facts(uid).nodeName, 1n);
    },
    expected: '403 NODE_INELIGIBLE',
  },
  {
    what: 'a jailed node',
    change: (here, uid) => {
      here.world.setClaim(here.facts(uid).nodeName, { jailed: true });
    },
    expected: '403 NODE_INELIGIBLE',
  },
  {
    what: 'another node key',
    change: (here, uid) => {
      here.world.setClaim(here.facts(uid).nodeName, { nodeKey: sha256(utf8('x')) });
    },
    expected: '403 NODE_INELIGIBLE',
  },
  {
    what: 'another machine of that name',
    change: (here, uid) => {
      const node = here.facts(uid).nodeName;
      here.world.nodes.set(node, { name: node, uid: 'x' });
    },
    expected: '409 NODE_UNKNOWN',
  },
  {
    what: 'a chain that is silent',
    change: (here) => {
      here.world.chainAgeMs = 31_000;
    },
    expected: '503 NOT_READY',
  },
  {
    what: 'a session that is not active',
    change: (here) => {
      here.world.identity = null;
    },
    expected: '503 NOT_READY',
  },
  {
    what: 'a guard that objects',
    change: (here) => {
      here.reasons = [{ code: 'SESSION_REVOKED', message: 'it was revoked' }];
    },
    expected: '503 NOT_READY',
    asked: 0,
  },
  {
    what: 'a guard that begins to object meanwhile',
    change: (here) => {
      here.answer = () => {
        here.reasons = [{ code: 'CLOCK_JUMPED', message: 'the clock' }];
        return undefined;
      };
    },
    expected: '503 NOT_READY',
    asked: 2,
  },
  {
    what: 'a session that ends while the receipt is looked up',
    change: (here) => {
      const { engine, world } = here;
      const adopt = engine.adopt.bind(engine);
      engine.adopt = async (pod) => {
        const placed = await adopt(pod);
        if (world.identity !== null) world.identity = { ...world.identity, term: 9n };
        return placed;
      };
    },
    expected: '503 NOT_READY',
  },
  {
    what: 'an engine that breaks',
    change: (here) => {
      here.engine.adopt = () => Promise.reject(new TypeError('a secret detail'));
    },
    expected: '503 INTERNAL',
  },
];

void t.test('everybody else gets nothing', async (t) => {
  for (const { what, expected, spec, change, ask = {}, asked = 2 } of ATTACKS) {
    const here = await BrokerWorld.start();
    const uid = await here.place('web', [], spec);
    change?.(here, uid);
    const signed = here.world.signed.length;
    const { status, json, text } = await here.ask(ask);
    t.equal(status === 200 ? '200' : `${status} ${String(json['code'])}`, expected, what);
    if (status !== 200) {
      t.match(json, { code: /^[A-Z_]+$/, message: /./, remedy: /./ }, `${what}: a reason and a remedy`);
      t.equal(here.world.signed.length, signed, `${what}: nothing was signed`);
    }
    t.equal(here.asked.length, asked, `${what}: ${asked} questions to the API server`);
    t.notMatch(text, /secret detail/);
    t.notMatch(here.logged, TOKEN, `${what}: no token in the log`);
    await here.close();
  }
});

void t.test('a namespace, a pod and an address each have a rate', async (t) => {
  const here = await started(40);
  await here.place('web');
  const two = { body: { recipient: RECIPIENT, policies: [policyOf(1), policyOf(2)] } };
  for (let at = 0; at < 20; at += 1) t.equal(await here.verdict(two), '200');
  const late = await here.ask(two);
  t.equal(late.status, 429);
  t.match(late.json, { code: 'RATE_EXCEEDED', message: /namespace shop/ });
  t.equal(late.headers['retry-after'], '3', 'two releases at 40 a minute');
  here.monotonicMs += 3_000;
  t.equal(await here.verdict(two), '200');
  t.equal(await here.verdict(), '429 RATE_EXCEEDED');

  here.monotonicMs += 3_600_000;
  for (let at = 0; at < 30; at += 1) t.equal(await here.verdict(), '200');
  const before = here.asked.length;
  const busy = await here.ask();
  t.match(busy.json, { code: 'RATE_EXCEEDED', message: /pod shop\/web/ });
  t.equal(here.asked.length, before + 1, 'the pod is not read');
  await here.place('api');
  t.not(await here.verdict(), '429 RATE_EXCEEDED', 'another pod has a rate of its own');

  here.monotonicMs += 3_600_000;
  const asked = here.asked.length;
  const forged = { token: 'aGVhZA.Ym9keQ.Zm9yZ2Vk' };
  const verdicts = await Promise.all(Array.from({ length: 640 }, () => here.verdict(forged)));
  t.equal(verdicts.filter((verdict) => verdict === '429 RATE_EXCEEDED').length, 40);
  t.equal(here.asked.length, asked + 600, 'who asks too often is not looked up');
});

void t.test('a namespace with a rate below one request is not shut out', async (t) => {
  const here = await started(1);
  await here.place('web');
  t.equal(await here.verdict({ body: { recipient: RECIPIENT, policies: policies(16) } }), '200');
  t.equal(await here.verdict(), '429 RATE_EXCEEDED');
});

void t.test('no more than 64 requests wait for the API server at once', async (t) => {
  const here = await started();
  await here.place('web');
  const gate = Promise.withResolvers<undefined>();
  here.answer = async () => {
    await gate.promise;
    return undefined;
  };
  const waiting = Array.from({ length: 64 }, () => here.ask());
  await eventually('64 are waiting', () => here.asked.length === 64);
  const socket = await tls(here);
  const body = JSON.stringify({ recipient: RECIPIENT, policies: [policyOf(1)] });
  socket.write(
    `POST /api/v1/releases HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  t.match(answer.toString(), /^HTTP\/1.1 503 [\s\S]*retry-after: 1[\s\S]*"BUSY"/);
  socket.destroy();
  gate.resolve(undefined);
  t.ok((await Promise.all(waiting)).every(({ status }) => status === 200 || status === 429));
  t.equal(await here.verdict(), '429 RATE_EXCEEDED', 'those of the pod that asked 64 times; none is stuck');
});

async function tls(here: BrokerWorld, options: object = {}): Promise<TLSSocket> {
  const socket = connect({ ...here.options(), ...options });
  socket.on('error', () => undefined);
  await new Promise((resolve) => {
    socket.once('secureConnect', resolve);
    socket.once('close', resolve);
  });
  return socket;
}

void t.test('connections: TLS 1.3 with our key, bounded in number and time', async (t) => {
  const here = await started();
  const socket = await tls(here);
  t.equal(socket.getProtocol(), 'TLSv1.3');
  socket.destroy();
  const old = await tls(here, { maxVersion: 'TLSv1.2' });
  t.not(old.getProtocol(), 'TLSv1.2');
  t.ok(old.destroyed);

  // Before any handshake, which so many would take long for: the server gives each five seconds.
  const { host, port } = here.options();
  const many = Array.from({ length: 260 }, () => connectTcp({ host, port }).resume());
  for (const each of many) each.on('error', () => undefined);
  const refused = (): number => many.filter(({ destroyed }) => destroyed).length;
  await eventually('four are refused', () => refused() >= 4);
  t.equal(refused(), 4, 'one address holds 256');
  t.ok((await tls(here)).destroyed, 'and has no other one');
  for (const each of many) each.destroy();
  await eventually('the address may connect again', async () => {
    const socket = await tls(here);
    const lives = await new Promise<boolean>((resolve) => {
      socket.once('close', () => {
        resolve(false);
      });
      setTimeout(resolve, 300, true);
    });
    socket.destroy();
    return lives;
  });

  const beganMs = performance.now();
  const slow = await tls(here);
  slow.write(
    `POST /api/v1/releases HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n` +
      'content-type: application/json\r\ncontent-length: 100\r\n\r\n{',
  );
  const silent = await tls(here);
  const silentEnds = once(silent, 'close');
  silent.resume();
  const [answer] = (await once(slow, 'data')) as [Buffer];
  t.match(answer.toString(), /^HTTP\/1.1 400 [\s\S]*connection: close[\s\S]*BODY_LATE/);
  await silentEnds;
  t.ok(performance.now() - beganMs < 60_000, 'who sends nothing is cut off');
});

void t.test('images: all of them by digest, or none', (t) => {
  const image = (number: number): string => `r.example/x:1@sha256:${digestOf(number)}`;
  const of = (spec: object): string[] => imageDigests(spec).map((digest) => toHex(digest));
  const containers = [{ image: image(1) }];
  t.same(of({ containers }), [digestOf(1)]);
  t.same(of({ containers: [{ image: image(1) }, { image: image(1) }] }), [digestOf(1)], 'each once');
  const all = {
    containers,
    initContainers: [{ image: image(2) }],
    ephemeralContainers: [{ image: image(3) }],
    volumes: [
      { name: 'v', image: { reference: image(4) } },
      { name: 'w', emptyDir: {} },
    ],
  };
  t.same(of(all), [1, 2, 3, 4].map(digestOf));
  const tag = { image: 'r.example/x:1' };
  t.same(of({ containers: [...containers, tag] }), []);
  t.same(of({ containers, initContainers: [tag] }), []);
  t.same(of({ containers, ephemeralContainers: [tag] }), []);
  t.same(of({ containers, volumes: [{ image: { reference: 'r.example/x:1' } }] }), []);
  for (const odd of [
    `x@sha256:${digestOf(1)}x`,
    `x@sha256:${digestOf(1).slice(1)}`,
    `x@sha256:${digestOf(1).slice(1)}A`,
    `x@sha512:${digestOf(1)}`,
    `@sha256:${digestOf(1)}`,
    `x@y@sha256:${digestOf(1)}`,
    `x@sha256:${digestOf(1)}\n`,
    '',
  ]) {
    t.same(of({ containers: [{ image: odd }] }), [], JSON.stringify(odd));
  }
  t.same(of({ containers: [{}] }), []);
  t.same(of({ containers: 'x' }), []);
  const digests = (count: number): object[] =>
    Array.from({ length: count }, (_, at) => ({ image: image(at) }));
  t.equal(of({ containers: digests(256) }).length, 256);
  t.same(of({ containers: digests(257) }), []);
  t.end();
});
