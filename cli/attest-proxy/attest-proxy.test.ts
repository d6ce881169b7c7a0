import { randomBytes } from 'node:crypto';
import { Agent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import { createDevelopmentAuthority } from '@k3s-daas/enclave';
import { loadAuthority, type KeyedCertificatePem } from '@k3s-daas/control-plane';
import t, { type Test } from 'tap';

import {
  attestationOf,
  boot,
  ca,
  call,
  clock,
  CLUSTER,
  Extender,
  FakeChain,
  nobody,
  nonceOf,
  PCRS,
  scheduler,
  selfSigned,
  sendJson,
  serveAttestation,
  startProxy,
  strangerCa,
  until,
  type Answer,
  type AttestationWishes,
  type CallOptions,
  type Identity,
  type Proxy,
} from './test/world.ts';
import type { ForwardLimits } from './forward.ts';
import type { Pauses } from './link.ts';

t.setTimeout(120_000);

const FILTER = '/scheduler/filter';
const BIND = '/scheduler/bind';

interface World {
  readonly identity: Identity;
  readonly chain: FakeChain;
  readonly extender: Extender;
  readonly proxy: Proxy;
  /** Documents asked for. */
  readonly asked: () => number;
  /** Who attests: another boot, after a restart. */
  attester: Identity;
  /** While false the bootstrap listener says 503. */
  attesting: boolean;
}

interface Wishes {
  readonly identity?: Identity;
  readonly attestation?: AttestationWishes;
  /** Instead of a genuine enclave's answers. */
  readonly bootstrap?: Parameters<typeof serveAttestation>[0];
  readonly certificate?: KeyedCertificatePem;
  readonly change?: (chain: FakeChain) => void;
  readonly limits?: Partial<ForwardLimits>;
  readonly pauses?: Partial<Pauses>;
  readonly fetchMsMax?: number;
}

async function world(t: Test, wishes: Wishes = {}): Promise<World> {
  const identity = wishes.identity ?? boot();
  const here = { attester: identity, attesting: true };
  let asked = 0;
  const genuine: Parameters<typeof serveAttestation>[0] = (request, response) => {
    asked += 1;
    if (!here.attesting) response.writeHead(503).end('{}');
    else
      void attestationOf(here.attester, nonceOf(request), wishes.attestation).then((reply) => {
        sendJson(response, reply);
      });
  };
  const bootstrap = await serveAttestation(wishes.bootstrap ?? genuine);
  const extender = await new Extender('first', wishes.certificate ?? identity.tls).listen();
  const chain = new FakeChain(identity.session);
  wishes.change?.(chain);
  const proxy = await startProxy({
    ...wishes,
    chain,
    bootstrapUrl: bootstrap.url,
    enclavePort: extender.port,
  });
  t.teardown(async () => {
    await proxy.close();
    await extender.close();
    await bootstrap.close();
  });
  return Object.assign(here, { identity, chain, extender, proxy, asked: () => asked });
}

const ready = async ({ proxy }: World): Promise<boolean> => (await proxy.ready()).json.ready;
const untilReady = (w: World): Promise<void> => until('ready', () => ready(w));
const post = (w: World, path: string, options: CallOptions = {}): Promise<Answer> =>
  call(w.proxy.port, path, { body: '{"a":1}', headers: { 'content-type': 'application/json' }, ...options });
const codeOf = ({ text }: Answer): string => (JSON.parse(text) as { code: string }).code;
const byOf = ({ text }: Answer): string => (JSON.parse(text) as { by: string }).by;

void t.test('forwards to the attested enclave, over connections that stay', async (t) => {
  const w = await world(t);
  await untilReady(w);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => {
    agent.destroy();
  });
  w.extender.handler = (seen, response) => {
    response.writeHead(201, {
      'content-type': 'text/plain',
      'x-end': 'kept',
      connection: 'x-hop',
      'x-hop': 'dropped',
    });
    // In two writes, as an enclave might: the client still gets one body with a length.
    response.write(`${seen.body}-`);
    response.end('reply');
  };
  const before = w.extender.connections;
  for (const path of [FILTER, '/api/v1/lags?since=1&x=%41', '/scheduler/prioritize'])
    t.same((await post(w, path, { agent })).text, '{"a":1}-reply', path);
  t.equal(w.extender.connections, before, 'no connection more than the one that was probed');
  t.same(
    w.extender.seen.map(({ path }) => path),
    [FILTER, '/api/v1/lags?since=1&x=%41', '/scheduler/prioritize'],
  );
  w.extender.seen.length = 0;
  const answer = await post(w, FILTER, {
    headers: {
      'content-type': 'application/json',
      'x-kept': 'yes',
      connection: 'keep-alive, x-mine',
      'x-mine': 'hop',
      te: 'trailers',
      'proxy-authorization': 'secret',
      'keep-alive': 'timeout=1',
    },
  });
  t.equal(answer.status, 201);
  t.match(answer.headers, { 'x-end': 'kept', 'content-length': '13', 'x-hop': undefined });
  t.equal(answer.headers['transfer-encoding'], undefined);
  const [seen] = w.extender.seen;
  t.match(seen?.headers, { 'x-kept': 'yes', 'content-type': 'application/json', 'content-length': '7' });
  for (const name of ['x-mine', 'te', 'proxy-authorization', 'keep-alive', 'transfer-encoding'])
    t.notOk(name in (seen?.headers ?? {}), name);

  const large = 'x'.repeat(3 << 20);
  w.extender.handler = (seen, response) => response.end(seen.body);
  t.equal((await post(w, FILTER, { body: large })).text, large, '3 MiB there and back');

  const { status, json } = await w.proxy.ready();
  t.equal(status, 200);
  t.match(json, { ready: true, reasons: [], enclave: { session: w.identity.session.id, term: '1' } });
  t.equal((await call(w.proxy.port, '/livez')).status, 200);
  const metrics = await call(w.proxy.port, '/metrics');
  t.match(metrics.text, /daas_attest_proxy_request_seconds_count\{verb="filter",status="201"\} 2/);
  t.match(metrics.text, /^daas_attest_proxy_attested 1$/m);
  t.match(metrics.text, /^daas_attest_proxy_attestations_total 1$/m);
  const told = w.proxy.log().find(({ msg }) => msg === 'enclave attested');
  t.match(told, {
    session: w.identity.session.id,
    term: '1',
    pcr0: '01'.repeat(48),
    tlsKeyHash: /^[0-9a-f]{64}$/,
  });
});

interface Attack {
  readonly name: string;
  readonly code: string;
  readonly cause?: string;
  readonly message?: RegExp;
  readonly wishes: () => Wishes | Promise<Wishes>;
}

const otherCluster = { ...CLUSTER, id: `0x${'c2'.repeat(32)}` };
const withSession = (identity: Identity, session: Partial<Identity['session']>): Wishes => ({
  identity,
  change: (chain) => {
    chain.set({ ...identity.session, ...session }, 1n);
  },
});
const lying = (bootstrap: Parameters<typeof serveAttestation>[0]): Wishes => ({ bootstrap, fetchMsMax: 300 });

const attacks: Attack[] = [
  {
    name: 'somebody else answers with a relayed genuine attestation',
    code: 'PIN_MISMATCH',
    wishes: () => ({ certificate: selfSigned('impostor') }),
  },
  {
    name: 'a certificate that the genuine one has issued, for another key',
    code: 'PIN_MISMATCH',
    wishes: async () => {
      const identity = boot();
      const issuer = await loadAuthority(identity.tls.certPem, identity.tls.keyPem);
      const leaf = await issuer.issue({
        commonName: 'leaf',
        usages: ['server'],
        ips: ['127.0.0.1'],
        days: 1,
      });
      return { identity, certificate: leaf };
    },
  },
  {
    name: 'a stale document',
    code: 'ATTESTATION_REFUSED',
    cause: 'TIME_TOO_OLD',
    wishes: () => ({ attestation: { ageMs: 61_000 } }),
  },
  {
    name: 'a replayed document: the nonce is that of somebody else',
    code: 'ATTESTATION_REFUSED',
    cause: 'POLICY_NONCE',
    wishes: () => {
      const identity = boot();
      return {
        identity,
        bootstrap: (_request, response) =>
          void attestationOf(identity, new Uint8Array(24)).then((reply) => {
            sendJson(response, reply);
          }),
      };
    },
  },
  {
    name: 'a document without a nonce',
    code: 'ATTESTATION_REFUSED',
    cause: 'POLICY_NONCE',
    wishes: () => {
      const identity = boot();
      return {
        identity,
        bootstrap: (_request, response) =>
          void attestationOf(identity, null).then((reply) => {
            sendJson(response, reply);
          }),
      };
    },
  },
  ...[0, 1, 2].map((index): Attack => ({
    name: `another image: PCR${index}`,
    code: 'ATTESTATION_REFUSED',
    cause: 'POLICY_PCR',
    wishes: () => ({ attestation: { pcrs: new Map([...PCRS, [index, new Uint8Array(48).fill(7)]]) } }),
  })),
  {
    name: 'evidence of a format that nobody can verify',
    code: 'ATTESTATION_REFUSED',
    cause: 'EVIDENCE_FORMAT_UNKNOWN',
    wishes: () => {
      const identity = boot();
      return {
        identity,
        bootstrap: (request, response) =>
          void attestationOf(identity, nonceOf(request)).then((reply) => {
            sendJson(response, { ...reply, format: 'intel-tdx' });
          }),
      };
    },
  },
  {
    name: 'a debug enclave',
    code: 'ATTESTATION_REFUSED',
    cause: 'POLICY_DEBUG',
    wishes: () => ({ attestation: { pcrs: new Map() } }),
  },
  {
    name: 'another root',
    code: 'ATTESTATION_REFUSED',
    cause: 'ROOT_MISMATCH',
    wishes: async () => ({ attestation: { authority: await createDevelopmentAuthority({ clock }) } }),
  },
  {
    name: 'the keys of the session, in a document of another cluster',
    code: 'ATTESTATION_REFUSED',
    cause: 'POLICY_USER_DATA',
    wishes: () => ({ attestation: { cluster: otherCluster } }),
  },
  {
    name: 'the cluster on chain has another config digest',
    code: 'ATTESTATION_REFUSED',
    cause: 'POLICY_USER_DATA',
    wishes: () => ({
      change: (chain) => (chain.accepting = { ...CLUSTER, configDigest: new Uint8Array(32) }),
    }),
  },
  {
    name: 'a genuine enclave of another cluster',
    code: 'ATTESTATION_KEYS_DIFFER',
    wishes: () => {
      const other = boot();
      return {
        bootstrap: (request, response) =>
          void attestationOf(other, nonceOf(request), { cluster: otherCluster }).then((reply) => {
            sendJson(response, reply);
          }),
        certificate: other.tls,
      };
    },
  },
  ...(['decisionKey', 'logKey', 'tlsKeyHash'] as const).map((name): Attack => ({
    name: `the session has another ${name}`,
    code: 'ATTESTATION_KEYS_DIFFER',
    wishes: () => withSession(boot(), { [name]: new Uint8Array(32).fill(0xee) }),
  })),
  {
    name: 'the certificate in the answer is for another key',
    code: 'ATTESTATION_REFUSED',
    cause: 'VERIFICATION_FAILED',
    wishes: () => {
      const identity = boot();
      const other = selfSigned('other');
      return {
        identity,
        certificate: other,
        bootstrap: (request, response) =>
          void attestationOf(identity, nonceOf(request)).then((reply) => {
            sendJson(response, { ...reply, certificatePem: other.certPem });
          }),
      };
    },
  },
  {
    name: 'a revoked session',
    code: 'SESSION_REVOKED',
    wishes: () => withSession(boot(), { revoked: true }),
  },
  {
    name: 'no active session',
    code: 'SESSION_NOT_ACTIVE',
    wishes: () => ({
      change: (chain) => {
        chain.set(null, 0n);
      },
    }),
  },
  {
    name: 'an image config that was retired',
    code: 'CONFIG_NOT_ACCEPTED',
    wishes: () => withSession(boot(), { configVersion: 3n }),
  },
  {
    name: 'a chain that was never read',
    code: 'CHAIN_UNREADABLE',
    wishes: () => ({ change: (chain) => (chain.state = null) }),
  },
  {
    name: 'a chain that fell silent a minute ago',
    code: 'CHAIN_UNREADABLE',
    wishes: () => ({
      change: (chain) => {
        if (chain.state !== null) chain.state = { ...chain.state, atMs: Date.now() - 60_001 };
      },
    }),
  },
  {
    name: 'a node of the chain that refuses',
    code: 'CHAIN_UNREADABLE',
    wishes: () => ({ change: (chain) => (chain.failure = new Error('gone')) }),
  },
  {
    name: 'a listener that answers garbage',
    code: 'ATTESTATION_UNAVAILABLE',
    wishes: () => lying((_request, response) => response.end('{"document":[[[')),
  },
  {
    name: 'a listener that answers JSON of another form',
    code: 'ATTESTATION_UNAVAILABLE',
    wishes: () =>
      lying((_request, response) => {
        sendJson(response, { document: 'AA==', decisionKey: 'zz' });
      }),
  },
  {
    name: 'a listener without an end',
    code: 'ATTESTATION_UNAVAILABLE',
    message: /more than 131072 bytes/,
    wishes: () => ({
      bootstrap: (_request, response) => {
        const chunk = Buffer.alloc(1 << 16, ' ');
        const more = (): void => {
          while (!response.destroyed && response.write(chunk));
        };
        response.on('drain', more);
        more();
      },
    }),
  },
  {
    name: 'a listener that drips',
    code: 'ATTESTATION_UNAVAILABLE',
    wishes: () =>
      lying((_request, response) => {
        const timer = setInterval(() => response.write(' '), 10);
        response.on('close', () => {
          clearInterval(timer);
        });
      }),
  },
  {
    name: 'a listener that sends elsewhere',
    code: 'ATTESTATION_UNAVAILABLE',
    wishes: () => {
      const identity = boot();
      return {
        identity,
        bootstrap: (request, response) => {
          const { search, pathname } = new URL(request.url ?? '', 'http://x');
          if (pathname !== '/other') response.writeHead(302, { location: `/other${search}` }).end();
          else
            void attestationOf(identity, nonceOf(request)).then((reply) => {
              sendJson(response, reply);
            });
        },
      };
    },
  },
  {
    name: 'a listener that limits the rate',
    code: 'ATTESTATION_UNAVAILABLE',
    wishes: () => lying((_request, response) => response.writeHead(429, { 'retry-after': '1' }).end('{}')),
  },
];

void t.test('whatever does not hold is refused by its code, and not a byte is forwarded', async (t) => {
  for (const { name, code, cause, message, wishes } of attacks) {
    await t.test(name, async (t) => {
      const w = await world(t, { limits: { waitMs: 50 }, ...(await wishes()) });
      await until('it was tried', () => w.proxy.log().some(({ msg }) => msg === 'not attested'));
      const answer = await post(w, FILTER);
      t.equal(answer.status, 200, 'or kube-scheduler would not read why');
      t.match(JSON.parse(answer.text), { Error: new RegExp(`^${code}: `), code, remedy: String });
      t.equal((await post(w, '/scheduler/prioritize')).status, 503, 'which has no field for an error');
      const { status, json } = await w.proxy.ready();
      t.equal(status, 503);
      t.equal(json.ready, false);
      t.match(json.reasons, [{ code, ...(cause !== undefined && { cause }), ...(message && { message }) }]);
      t.equal(json.enclave, null);
      t.same(w.extender.seen, [], 'the request was not sent');
      t.ok(
        w.proxy.log().some((line) => line['msg'] === 'not attested' && line['code'] === code),
        'in the log',
      );
    });
  }
});

void t.test('a session that ends', async (t) => {
  const endings: [string, string, (w: World) => void][] = [
    [
      'revoked',
      'SESSION_REVOKED',
      (w) => {
        w.chain.set({ ...w.identity.session, revoked: true }, 1n);
      },
    ],
    [
      'none is active any more',
      'SESSION_NOT_ACTIVE',
      (w) => {
        w.chain.set(null, 1n);
      },
    ],
    [
      'superseded by another boot',
      'ATTESTATION_KEYS_DIFFER',
      (w) => {
        w.chain.set(boot().session, 2n);
      },
    ],
  ];
  for (const [name, code, end] of endings) {
    await t.test(name, async (t) => {
      const w = await world(t, { limits: { waitMs: 300 } });
      await untilReady(w);
      const held = Promise.withResolvers<undefined>();
      w.extender.handler = () => {
        held.resolve(undefined);
      };
      const bind = post(w, BIND);
      await held.promise;
      end(w);
      await until('the old connections are gone', () => w.extender.open === 0, 500);
      const answer = await bind;
      t.same([answer.status, codeOf(answer)], [200, 'ENCLAVE_LOST'], 'a bind under way is not repeated');
      t.equal(w.extender.seen.length, 1);
      const next = await post(w, FILTER);
      t.same([next.status, codeOf(next)], [200, code]);
      t.equal(w.extender.seen.length, 1, 'nothing more was sent');
    });
  }

  await t.test('the same enclave activated anew is attested anew', async (t) => {
    const w = await world(t);
    await untilReady(w);
    w.chain.set(w.identity.session, 2n);
    t.equal((await post(w, FILTER)).status, 200);
    t.equal((await w.proxy.ready()).json.enclave?.term, '2');
    t.equal(w.asked(), 2);
  });

  await t.test('the chain falls silent: after a minute nothing is forwarded', async (t) => {
    const w = await world(t, { limits: { waitMs: 50 } });
    await untilReady(w);
    const { state } = w.chain;
    if (state !== null) w.chain.state = { ...state, atMs: Date.now() - 60_001 };
    await until('its connections are gone', () => w.extender.open === 0);
    t.equal(codeOf(await post(w, FILTER)), 'CHAIN_UNREADABLE');
    w.chain.state = state;
    await untilReady(w);
  });

  await t.test('stakes change, sessions do not: no reason to attest', async (t) => {
    const w = await world(t);
    await untilReady(w);
    for (let i = 0; i < 20; i++) {
      w.chain.set(w.identity.session, 1n);
      await sleep(2);
    }
    t.equal((await post(w, FILTER)).status, 200);
    t.equal(w.asked(), 1);
  });
});

void t.test('the enclave restarts', async (t) => {
  /** Another boot on the same port; registered by the caller. */
  const restart = async (t: Test, w: World, change: (extender: Extender) => void = () => undefined) => {
    await w.extender.close();
    const identity = boot();
    w.attester = identity;
    const extender = new Extender('second', identity.tls);
    change(extender);
    await extender.listen(w.extender.port);
    t.teardown(() => extender.close());
    return { identity, extender };
  };

  await t.test('a request waits, and is answered by the new one', async (t) => {
    const w = await world(t);
    await untilReady(w);
    const { identity, extender } = await restart(t, w);
    const answers = [post(w, FILTER), post(w, BIND)];
    await sleep(100);
    t.same(extender.seen, [], 'not before it is registered');
    w.chain.set(identity.session, 2n);
    t.same((await Promise.all(answers)).map(byOf), ['second', 'second']);
    t.equal(extender.seen.length, 2);
    t.equal((await w.proxy.ready()).json.enclave?.session, identity.session.id);
    const sessions = w.proxy
      .log()
      .filter(({ msg }) => msg === 'enclave attested')
      .map(({ session }) => session);
    t.same(sessions, [w.identity.session.id, identity.session.id]);
  });

  await t.test('also while nobody asks for anything', async (t) => {
    const w = await world(t);
    await untilReady(w);
    const { identity, extender } = await restart(t, w);
    await until('it is noticed', async () => !(await ready(w)));
    w.chain.set(identity.session, 2n);
    await untilReady(w);
    t.equal(extender.open, 1, 'connected before the first request');
    t.equal(extender.seen.length, 0);
  });

  await t.test('it waits no longer than it may, and says why', async (t) => {
    const w = await world(t, { limits: { waitMs: 250 } });
    await untilReady(w);
    await w.extender.close();
    w.attesting = false;
    const start = performance.now();
    const answer = await post(w, BIND);
    const ms = performance.now() - start;
    t.same([answer.status, codeOf(answer)], [200, 'ATTESTATION_UNAVAILABLE']);
    t.ok(ms >= 200 && ms < 1_500, `${ms} ms`);
    t.ok((JSON.parse(answer.text) as { remedy: string }).remedy);
  });

  await t.test('what broke half-way: filter and prioritize are asked once more, bind never', async (t) => {
    const w = await world(t);
    await untilReady(w);
    let deaths = 0;
    w.extender.handler = (_seen, response) => {
      if (deaths > 0) {
        deaths -= 1;
        response.writeHead(200, { 'content-length': 100 });
        response.write('half');
        setImmediate(() => response.socket?.destroy());
      } else response.end('whole');
    };
    const cases: [string, number, string | undefined, number][] = [
      [FILTER, 1, 'whole', 2],
      ['/scheduler/prioritize', 1, 'whole', 2],
      ['/api/v1/lags', 1, undefined, 1],
      [FILTER, 2, undefined, 2],
      ['/scheduler/preempt', 1, undefined, 1],
      [BIND, 1, undefined, 1],
    ];
    for (const [path, times, text, asked] of cases) {
      w.extender.seen.length = 0;
      deaths = times;
      const answer = await post(w, path);
      const status = path === FILTER || path === BIND ? 200 : 502;
      if (text === undefined) t.same([answer.status, codeOf(answer)], [status, 'ENCLAVE_LOST'], path);
      else t.equal(answer.text, text);
      t.equal(w.extender.seen.length, asked, `${path} was seen ${asked} times`);
    }
    w.extender.seen.length = 0;
    deaths = 1;
    t.equal((await call(w.proxy.port, '/api/v1/lags')).text, 'whole', 'a GET is asked once more');
    t.equal(w.asked(), 1, 'the same enclave: no reason to attest');
  });

  await t.test('somebody else takes its place: refused before a byte, until it is back', async (t) => {
    const w = await world(t, { limits: { waitMs: 300 } });
    await untilReady(w);
    t.equal((await post(w, FILTER)).status, 200);
    await w.extender.close();
    const impostor = await new Extender('impostor', selfSigned('swapped')).listen(w.extender.port);
    t.teardown(() => impostor.close());
    const answers = await Promise.all([post(w, FILTER), post(w, BIND)]);
    t.same(
      answers.map((answer) => [answer.status, codeOf(answer)]),
      [
        [200, 'PIN_MISMATCH'],
        [200, 'PIN_MISMATCH'],
      ],
    );
    t.match((await w.proxy.ready()).json.reasons, [{ code: 'PIN_MISMATCH' }]);
    t.same(impostor.seen, []);
    t.ok(impostor.attempts > 0, 'it was connected to');
    await impostor.close();
    const back = await new Extender('back', w.identity.tls).listen(w.extender.port);
    t.teardown(() => back.close());
    await untilReady(w);
    t.equal(byOf(await post(w, BIND)), 'back');
  });

  await t.test('a connection that is lost over and over is no flood of attestations', async (t) => {
    const w = await world(t, { pauses: { retryMin: 50, retryMax: 1_000 }, limits: { waitMs: 100 } });
    await untilReady(w);
    w.extender.handler = (_seen, response) => response.socket?.destroy();
    const end = performance.now() + 700;
    while (performance.now() < end) await post(w, BIND);
    t.ok(w.asked() <= 3, `${w.asked()} attestations`);
    const start = w.extender.connections;
    await w.extender.close();
    await sleep(600);
    t.ok(w.asked() < 10, `${w.asked()} attestations while it is away`);
    t.equal(w.extender.connections, start);
  });

  await t.test('a crowd causes one attestation', async (t) => {
    const w = await world(t);
    const answers = await Promise.all(Array.from({ length: 60 }, () => post(w, FILTER)));
    t.same([...new Set(answers.map(({ status }) => status))], [200]);
    t.equal(w.asked(), 1);
  });
});

void t.test('who may call, and what', async (t) => {
  const w = await world(t, {
    limits: { bodyBytesMax: 1_000, bodyMs: 200, requestsMax: 2, waitMs: 500, heldBytesMax: 1_500 },
  });
  await untilReady(w);
  w.extender.seen.length = 0;
  const issue = (options: Partial<Parameters<typeof ca.issue>[0]>): Promise<KeyedCertificatePem> =>
    ca.issue({ commonName: 'k3s-daas:scheduler', usages: ['client'], days: 1, ...options });
  const handshakes: [string, CallOptions][] = [
    ['no certificate', { as: null }],
    [
      'of another CA',
      { as: await strangerCa.issue({ commonName: 'k3s-daas:scheduler', usages: ['client'], days: 1 }) },
    ],
    ['a server certificate', { as: await issue({ usages: ['server'] }) }],
    ['an expired one', { as: await issue({ days: -1 }) }],
    ['TLS 1.2', { maxVersion: 'TLSv1.2' }],
  ];
  for (const [name, options] of handshakes) await t.rejects(post(w, FILTER, options), name);
  for (const path of [FILTER, '/api/v1/lags', '/else']) {
    const refused = await post(w, path, { as: nobody });
    t.same([refused.status, codeOf(refused)], [403, 'CLIENT_NOT_ALLOWED'], path);
  }
  t.equal((await call(w.proxy.port, '/readyz', { as: nobody })).status, 200, 'health is for every client');

  const paths = [
    '/',
    '/metricsx',
    '/scheduler',
    '/scheduler/',
    '/scheduler/../metrics',
    '/api/v1/..',
    '/api/v2/x',
    '/api/v1/%2e%2e/metrics',
    '/api/v1/a%2Fb',
    '/api/v1/a%5cb',
    '/scheduler//bind',
    '/api/v1/a%00',
    'http://other/scheduler/bind',
    `/api/v1/${'x'.repeat(5_000)}`,
    '/api/v1/a%zz',
    '/scheduler/./bind',
  ];
  for (const path of paths) {
    const refused = await post(w, path);
    t.same([refused.status, codeOf(refused)], [404, 'ROUTE_UNKNOWN'], path.slice(0, 40));
  }
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    const refused = await post(w, FILTER, { method });
    t.same([refused.status, codeOf(refused)], [405, 'METHOD_NOT_ALLOWED'], method);
  }
  const declared = await post(w, FILTER, { body: 'x'.repeat(1_001) });
  t.same([declared.status, codeOf(declared)], [413, 'BODY_TOO_LARGE']);
  const chunked = await post(w, FILTER, {
    body: 'x'.repeat(1_001),
    headers: { 'transfer-encoding': 'chunked' },
  }).catch((error: unknown) => error);
  t.match(chunked, { status: 413 });
  const late = await post(w, FILTER, { headers: { 'content-length': '20' } });
  t.same([late.status, codeOf(late)], [408, 'BODY_LATE']);
  t.same(w.extender.seen, [], 'none of it was forwarded');

  w.extender.handler = (_seen, response) => void setTimeout(() => response.end('{}'), 200);
  const crowd = await Promise.all([post(w, FILTER), post(w, FILTER), post(w, FILTER)]);
  const busy = (answers: readonly Answer[]): number =>
    answers.filter(({ text }) => text.includes('"code":"PROXY_BUSY"')).length;
  t.equal(busy(crowd), 1);
  const heavy = await Promise.all([
    post(w, FILTER, { body: 'x'.repeat(900) }),
    post(w, FILTER, { body: 'x'.repeat(900) }),
  ]);
  t.equal(busy(heavy), 1, 'bytes are counted over all requests');
  t.equal(busy([await post(w, FILTER, { body: 'x'.repeat(900) })]), 0, 'and given back');
});

void t.test('certificates that are renewed', async (t) => {
  const w = await world(t);
  await untilReady(w);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => {
    agent.destroy();
  });
  t.equal((await post(w, FILTER, { agent })).status, 200);
  const next = await ca.issue({ commonName: 'proxy', usages: ['server'], ips: ['127.0.0.1'], days: 1 });
  const tls = { certPem: next.certPem, keyPem: next.keyPem };
  w.proxy.server.setTls({ ...tls, clientCaPem: ca.certPem });
  t.equal((await post(w, FILTER, { agent })).status, 200, 'the old connection goes on');
  w.proxy.server.setTls({ ...tls, clientCaPem: strangerCa.certPem });
  const refused = await post(w, FILTER, { agent });
  t.same([refused.status, codeOf(refused)], [403, 'CLIENT_CERTIFICATE_OUTDATED']);
  const stranger = await strangerCa.issue({ commonName: 'k3s-daas:scheduler', usages: ['client'], days: 1 });
  t.equal((await post(w, FILTER, { as: stranger })).status, 200);
  await t.rejects(post(w, FILTER, { as: scheduler }));
});

void t.test('a reply that is too large or too late is not passed on', async (t) => {
  const w = await world(t);
  await untilReady(w);
  w.extender.handler = (_seen, response) => {
    response.writeHead(200, { 'content-length': 33 << 20 });
    response.end(Buffer.alloc(33 << 20));
  };
  const answer = await post(w, FILTER);
  t.same([answer.status, codeOf(answer)], [200, 'REPLY_TOO_LARGE']);
  w.extender.handler = (_seen, response) => response.end(randomBytes(8).toString('hex'));
  t.notMatch((await post(w, FILTER)).text, /Error/, 'the next one is');
});

void t.test('stopping ends what waits', async (t) => {
  const w = await world(t, {
    change: (chain) => {
      chain.set(null, 0n);
    },
  });
  const waiting = post(w, FILTER);
  await sleep(50);
  const start = performance.now();
  const closing = w.proxy.close();
  t.equal(codeOf(await waiting), 'SESSION_NOT_ACTIVE', 'it waits as long as any, and hears why');
  await closing;
  t.ok(performance.now() - start < 3_500);
});
