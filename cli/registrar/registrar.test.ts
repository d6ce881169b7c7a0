/** The registrar against the real ledger, the real Move package and documents of the development NSM. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t, { type Test } from 'tap';

import { equalBytes, sha256, toHex, utf8, type SuiId } from '@k3s-daas/core';
import { createDevelopmentAuthority } from '@k3s-daas/enclave';
import {
  acceptConfig,
  addressOf,
  connectChain,
  grantSlot,
  listOwned,
  readBalance,
  readCluster,
  readSession,
  revoke,
  type Actor,
  type Chain,
} from '@k3s-daas/sui-client';

import { Books } from './books.ts';
import type { Budget } from './budget.ts';
import type { CertificateIssuer } from './kubernetes.ts';
import { Registrar } from './registrar.ts';
import { hasSponsored } from './sessions.ts';
import { requestFor } from './test/requests.ts';
import {
  accepted,
  ANCHOR_WINDOW_MS,
  authority,
  BOND,
  chain,
  chainId,
  clock,
  closeWorld,
  FEE,
  newCluster,
  packageId,
  sentBy,
  TestEnclave,
  testIssuer,
  url,
} from './test/world.ts';

t.setTimeout(300_000);
const HOUR = 3_600_000;
const GAS_MAX = 50_000_000n;
const dir = mkdtempSync(join(tmpdir(), 'daas-registrar-'));
t.teardown(async () => {
  await closeWorld();
  rmSync(dir, { recursive: true, force: true });
});
const { signal } = new AbortController();
const quiet = { info: () => undefined, warn: () => undefined };
const GENEROUS: Budget = {
  registrationsPerHourMax: 20,
  gasMistPerTransactionMax: GAS_MAX,
  gasMistPerDayMax: 10_000_000_000n,
  bondMistOutMax: 1_000_000n,
};

interface Scene {
  readonly actor: Actor;
  readonly address: SuiId;
  readonly cluster: SuiId;
  readonly cap: SuiId;
  readonly enclave: TestEnclave;
  readonly issued: () => number;
  /** Of this registrar's key since the scene began. */
  sent(): Promise<number>;
  /** As after a restart of the process: only the file stays. */
  open(overrides?: Overrides): Promise<Registrar>;
  books(): Books;
}

interface Overrides {
  readonly budget?: Partial<Budget>;
  readonly chain?: Chain;
  readonly issuer?: CertificateIssuer;
  readonly file?: string;
  readonly newState?: boolean;
  readonly trustAnchor?: Uint8Array;
  readonly cap?: SuiId;
}

let scenes = 0;

async function scene(t: Test): Promise<Scene> {
  const { actor, cluster, cap, digest } = await newCluster();
  const enclave = await TestEnclave.start(t, { cluster, digest });
  const { issuer, issued } = testIssuer();
  const address = addressOf(actor.signer);
  const before = (await sentBy(address)).length;
  scenes += 1;
  const file = join(dir, `books-${scenes}`);
  let books: Books;
  return {
    actor,
    address,
    cluster,
    cap,
    enclave,
    issued,
    sent: async () => (await sentBy(address)).length - before,
    books: () => books,
    async open(overrides = {}) {
      const budget = { ...GENEROUS, ...overrides.budget };
      const through = overrides.chain ?? chain;
      const acting = { ...actor, client: through.client };
      const config = { id: cluster, package: packageId, chainId };
      books = await Books.open({
        file: overrides.file ?? file,
        cluster,
        address,
        budget,
        clock,
        newState: overrides.newState ?? false,
        hasHistory: () => hasSponsored(chain, actor, config),
      });
      return new Registrar({
        registrar: {
          bootstrapUrl: enclave.url,
          suiKeyFile: 'unused',
          clusterCap: overrides.cap ?? cap,
          kubeconfig: 'unused',
          stateFile: 'unused',
          budget,
        },
        accepted,
        trustAnchor: overrides.trustAnchor ?? authority.rootCertificateDer,
        chain: through,
        actor: acting,
        cluster: config,
        books,
        clock,
        issuer: overrides.issuer ?? issuer,
        log: quiet,
      });
    },
  };
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

const appended = (base64: string): string =>
  Buffer.concat([Buffer.from(base64, 'base64'), Buffer.from([0])]).toString('base64');

const activeOf = async ({ actor, cluster }: Scene) => {
  const { active } = await readCluster(actor.client, packageId, cluster);
  return active === null ? null : readSession(actor.client, packageId, active.session);
};

await t.test('each boot is registered once, whoever restarts', async (t) => {
  const s = await scene(t);
  let registrar = await s.open();
  const first = await registrar.round(signal);
  t.equal(first.term, 1n);
  t.same((await activeOf(s))?.decisionKey, s.enclave.keys.decision.publicKey);
  t.equal(await s.sent(), 2, 'a slot, and the registration');
  t.equal(s.enclave.certificates.length, 1);
  for (const { budget } of (await sentBy(s.address)).slice(-2)) t.equal(budget, GAS_MAX);

  await registrar.round(signal);
  registrar = await s.open();
  t.same(await registrar.round(signal), first, 'the registrar restarts');
  clock.aheadMs += 20_000;
  t.same(await registrar.round(signal), first, 'and looks again after a while');
  t.equal(await s.sent(), 2);
  t.equal(s.issued(), 1);

  await s.enclave.boot();
  const second = await registrar.round(signal);
  t.not(second.session, first.session);
  t.equal(second.term, 2n);
  t.equal(await s.sent(), 4);
  t.equal(s.issued(), 2);
  t.match(s.books().state, {
    expenses: [
      { kind: 'grant', outcome: 'done', mist: FEE.toString() },
      { kind: 'register', outcome: 'done', mist: FEE.toString() },
      { kind: 'grant' },
      { kind: 'register', boot: toHex(s.enclave.keys.decision.publicKey) },
    ],
    registrations: [{ session: first.session }, { session: second.session }],
    bonds: [{ mist: BOND.toString() }, { mist: BOND.toString() }],
  });
});

await t.test('what failed half-way goes on there', async (t) => {
  const s = await scene(t);
  s.enclave.lies = {
    respond: (_request, response, slot) => {
      if (slot !== null) response.writeHead(429).end('{}');
      return slot !== null;
    },
  };
  const registrar = await s.open();
  for (let round = 0; round < 3; round += 1) {
    await t.rejects(registrar.round(signal), { code: 'REQUEST_FAILED' });
  }
  t.equal(await s.sent(), 1, 'one slot, however often the enclave refuses');
  s.enclave.lies = {};
  let down = true;
  const { issuer } = testIssuer();
  const flaky: CertificateIssuer = (request, stop) =>
    down ? Promise.reject(new Error('API server down')) : issuer(request, stop);
  const second = await s.open({ issuer: flaky });
  await t.rejects(second.round(signal), { message: 'API server down' });
  t.equal(await s.sent(), 2, 'registered into the slot that was there');
  t.same(await listOwned(s.actor.client, packageId, s.address, 'slot'), [], 'which is used up');
  down = false;
  await (await s.open({ issuer: flaky })).round(signal);
  t.equal(await s.sent(), 2, 'and not registered again for the certificate');
  t.equal(s.enclave.certificates.length, 1);

  // A slot of another image and one that ends soon are left alone.
  await s.enclave.boot();
  const { cluster, cap, actor, address } = s;
  const other = new Uint8Array(48).fill(9);
  await acceptConfig(actor, { cluster, cap }, { pcr0: other, pcr1: other, pcr2: other });
  const until = (ms: number) => BigInt(clock.now() + ms);
  const slots = [
    await grantSlot(
      actor,
      { cluster, cap },
      { registrar: address, configVersion: 2n, expiresMs: until(HOUR) },
    ),
    await grantSlot(
      actor,
      { cluster, cap },
      { registrar: address, configVersion: 1n, expiresMs: until(30_000) },
    ),
  ];
  await (await s.open()).round(signal);
  t.equal((await activeOf(s))?.configVersion, 1n);
  const left = (await listOwned(actor.client, packageId, address, 'slot')).map(({ id }) => id);
  t.same(new Set(left), new Set(slots.map(({ slot }) => slot)));
});

await t.test('a certificate is renewed before its end, and only the attested key gets one', async (t) => {
  const s = await scene(t);
  const registrar = await s.open();
  const live = await registrar.round(signal);
  clock.aheadMs += 4 * 24 * HOUR;
  await registrar.round(signal);
  t.equal(s.issued(), 1, 'after four of seven days');
  clock.aheadMs += 24 * HOUR;
  t.same(await registrar.round(signal), live);
  t.equal(s.issued(), 2, 'after five');
  t.equal(s.enclave.certificates.length, 2);
  t.equal(await s.sent(), 2);

  for (const csrPem of [requestFor().pem, requestFor({ name: 'system:admin' }).pem, 'nonsense']) {
    const swapped = await scene(t);
    swapped.enclave.lies = { reply: (honest) => ({ ...honest, csrPem }) };
    await t.rejects((await swapped.open()).round(signal), { code: 'CSR_REFUSED' });
    t.equal(swapped.issued(), 0);
  }
});

await t.test('a lying listener costs no gas, or that of one slot', async (t) => {
  const s = await scene(t);
  const registrar = await s.open();
  const other = await scene(t);
  const wrongPcr = new Map([0, 1, 2].map((index) => [index, new Uint8Array(48).fill(7)]));
  const debug = new Map([0, 1, 2].map((index) => [index, new Uint8Array(48)]));
  const garbage = (body: string | Buffer, status = 200) => ({
    respond: (_: unknown, response: { writeHead: (s: number) => { end: (b: string | Buffer) => void } }) => {
      response.writeHead(status).end(body);
      return true;
    },
  });
  const strangers = await createDevelopmentAuthority({ clock });
  const before: readonly (readonly [string, TestEnclave['lies'], { code: string } | { name: string }])[] = [
    [
      'evidence of another format',
      { reply: (honest) => ({ ...honest, format: 'intel-tdx' }) },
      { code: 'EVIDENCE_FORMAT_UNKNOWN' },
    ],
    ['another image', { pcrs: wrongPcr }, { code: 'IMAGE_NOT_ACCEPTED' }],
    ['a debug enclave', { pcrs: debug }, { code: 'POLICY_DEBUG' }],
    ['another installation', { digest: sha256(utf8('x')) }, { code: 'POLICY_USER_DATA' }],
    ['another cluster', { reply: () => other.enclave.honest(null) }, { code: 'POLICY_USER_DATA' }],
    [
      'other keys than the document binds',
      { reply: (honest) => ({ ...honest, logKey: '77'.repeat(32) }) },
      { code: 'POLICY_USER_DATA' },
    ],
    [
      'a certificate for another key',
      { reply: (honest) => ({ ...honest, certificatePem: other.enclave.keys.tls.certificatePem }) },
      { code: 'VERIFICATION_FAILED' },
    ],
    ['no JSON', garbage('<html>'), { code: 'REQUEST_FAILED' }],
    ['another form', garbage('{}'), { code: 'REQUEST_FAILED' }],
    ['an endless answer', garbage(Buffer.alloc(1 << 20, 0x20)), { code: 'REQUEST_FAILED' }],
    ['a redirect', garbage('', 302), { code: 'REQUEST_FAILED' }],
    [
      'bytes after the document',
      { reply: (honest) => ({ ...honest, document: appended(honest.document) }) },
      { name: 'AttestationError' },
    ],
  ];
  for (const [what, lies, error] of before) {
    s.enclave.lies = lies;
    await t.rejects(registrar.round(signal), error, what);
  }
  s.enclave.lies = {};
  const stranger = await s.open({ trustAnchor: strangers.rootCertificateDer });
  await t.rejects(stranger.round(signal), { name: 'AttestationError' }, 'under another root');
  t.equal(await s.sent(), 0, 'nothing was sent');

  // Slow: a byte now and then. The round ends with its signal, and with the deadline of the client in any case.
  s.enclave.lies = {
    respond: (_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => {
        clearInterval(timer);
      });
      return true;
    },
  };
  await t.rejects(registrar.round(AbortSignal.timeout(300)), { code: 'REQUEST_FAILED' }, 'slow');

  const replayed = `0x${'ab'.repeat(32)}`;
  const after: readonly (readonly [string, TestEnclave['lies'], { code: string } | { name: string }])[] = [
    [
      'a document for another slot',
      { reply: (honest, slot) => (slot === null ? honest : s.enclave.honest(replayed)) },
      { code: 'POLICY_NONCE' },
    ],
    [
      'the standing document again',
      { reply: (honest, slot) => (slot === null ? honest : s.enclave.honest(null)) },
      { code: 'POLICY_NONCE' },
    ],
    [
      'another boot',
      {
        reply: async (honest, slot) => {
          if (slot === null) return honest;
          await s.enclave.boot();
          return s.enclave.honest(slot);
        },
      },
      { code: 'BOOT_CHANGED' },
    ],
  ];
  for (const [what, lies, error] of after) {
    s.enclave.lies = lies;
    await t.rejects(registrar.round(signal), error, what);
  }
  t.equal(await s.sent(), 1, 'one slot, which the next boot takes');
  s.enclave.lies = {};
  const old = await s.enclave.honest(null);
  clock.aheadMs += 4 * HOUR;
  s.enclave.lies = { reply: () => old };
  await t.rejects(registrar.round(signal), { name: 'AttestationError' }, 'four hours old');
  s.enclave.lies = {};
  await t.rejects((await s.open({ cap: other.cap })).round(signal), { code: 'CAP_NOT_OWNED' });
  t.equal(await s.sent(), 1);
  await registrar.round(signal);
  t.equal(s.issued(), 1);
});

await t.test('a boot loop stops at the budget and goes on when there is room', async (t) => {
  const s = await scene(t);
  const began = clock.now();
  let live = 0;
  for (let boot = 0; boot < 12; boot += 1) {
    await s.enclave.boot();
    // The registrar is in a crash loop as well.
    const fresh = await s.open({ budget: { registrationsPerHourMax: 3 } });
    const outcome = await fresh.round(signal).then(
      () => 'live',
      (error: unknown) => codeOf(error),
    );
    if (outcome === 'live') live += 1;
    else t.equal(outcome, 'BUDGET_EXHAUSTED');
    clock.aheadMs += 1_000;
  }
  t.equal(live, 3);
  t.equal(await s.sent(), 6, 'three slots and three registrations for twelve boots');
  const over = await s.open({ budget: { registrationsPerHourMax: 3 } });
  const refusal = await over.round(signal).catch((error: unknown) => error);
  const { retryAtMs } = refusal as { retryAtMs: number };
  t.ok(retryAtMs >= began + HOUR && retryAtMs < began + HOUR + 5_000, 'an hour after the first');
  clock.aheadMs += retryAtMs - clock.now() + 1;
  await (await s.open({ budget: { registrationsPerHourMax: 3 } })).round(signal);
  t.equal(await s.sent(), 8);

  const gas = await scene(t);
  const perDay = { gasMistPerTransactionMax: 10n * FEE, gasMistPerDayMax: 13n * FEE };
  for (let boot = 0; boot < 6; boot += 1) {
    await gas.enclave.boot();
    await (await gas.open({ budget: perDay })).round(signal).catch((error: unknown) => {
      t.match(String(error), /within the last day/);
    });
  }
  t.equal(await gas.sent(), 4, 'the gas budget of a fifth would exceed the day');

  const bonds = await scene(t);
  for (let boot = 0; boot < 4; boot += 1) {
    await bonds.enclave.boot();
    await (
      await bonds.open({ budget: { bondMistOutMax: 2n * BOND } })
    )
      .round(signal)
      .catch((error: unknown) => {
        t.match(String(error), /bonds are out/);
      });
  }
  t.equal(await bonds.sent(), 4, 'two bonds are out, and no third');
});

await t.test('the running loop holds the budget, says why it waits, and recovers', async (t) => {
  const s = await scene(t);
  const registrar = await s.open({ budget: { registrationsPerHourMax: 2 } });
  const stop = new AbortController();
  const running = registrar.run(stop.signal);
  const until = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
    for (let turn = 0; turn < 4_000; turn += 1) {
      if (await condition()) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    t.fail(what);
  };
  await until('first boot', () => s.enclave.certificates.length === 1);
  // New keys again and again, faster than the machine may be with one registration.
  await until('exhausted', async () => {
    await s.enclave.boot();
    await new Promise((resolve) => setTimeout(resolve, 400));
    return s.books().state.waiting?.code === 'BUDGET_EXHAUSTED';
  });
  t.type(s.books().state.waiting?.retryAtMs, 'number');
  t.equal(await s.sent(), 4);
  clock.aheadMs += HOUR;
  await s.enclave.boot(); // which ends the pause
  await until('the boot that runs is registered', async () => {
    const session = await activeOf(s);
    return session !== null && equalBytes(session.decisionKey, s.enclave.keys.decision.publicKey);
  });
  await until('all is well', () => s.books().state.waiting === null);
  stop.abort();
  await running;
});

await t.test('sessions that others ended or superseded are not registered again', async (t) => {
  const s = await scene(t);
  const registrar = await s.open();
  const { session } = await registrar.round(signal);
  const honest = { ...s.enclave.keys };
  await s.enclave.boot();
  await registrar.round(signal);
  s.enclave.keys = honest;
  await t.rejects((await s.open()).round(signal), { code: 'SESSION_SUPERSEDED' });
  await revoke(s.actor, { cluster: s.cluster, cap: s.cap }, session);
  await t.rejects((await s.open()).round(signal), { code: 'SESSION_ENDED' });
  t.equal(await s.sent(), 5, 'four of two registrations, and the revocation');
  await t.rejects(s.open({ file: join(dir, 'lost') }), { code: 'STATE_MISSING' }, 'books are expected');
  const anew = await s.open({ file: join(dir, 'lost'), newState: true });
  await t.rejects(anew.round(signal), { code: 'SESSION_ENDED' }, 'the chain knows without books');
  t.equal(await s.sent(), 5);
});

await t.test('bonds come back: restarts cost gas, and nothing else', async (t) => {
  const s = await scene(t);
  const registrar = await s.open();
  const before = await readBalance(s.actor.client, s.address);
  const sessions: SuiId[] = [];
  for (let boot = 0; boot < 3; boot += 1) {
    await s.enclave.boot();
    sessions.push((await registrar.round(signal)).session);
  }
  const read = (id: SuiId) => readSession(s.actor.client, packageId, id);
  await registrar.tidy();
  t.equal(await s.sent(), 6, 'the tail of a log can still be anchored');
  const wait = async (ms: number): Promise<void> => {
    clock.aheadMs += ms;
    await new Promise((resolve) => setTimeout(resolve, 250)); // Move's clock goes with the checkpoints
  };
  await wait(ANCHOR_WINDOW_MS + 6_000);
  // A new process whose books were lost: it finds its sessions on chain.
  const anew = await s.open({ file: join(dir, 'anew'), newState: true });
  await anew.round(signal);
  await anew.tidy();
  t.equal(await s.sent(), 7, 'one transaction ends both');
  t.same(await Promise.all(sessions.map(async (id) => (await read(id)).revoked)), [true, true, false]);
  await anew.tidy();
  await wait(ANCHOR_WINDOW_MS + 6_000);
  await anew.tidy();
  t.equal(await s.sent(), 8, 'and one takes both bonds back');
  t.same(await Promise.all(sessions.map(async (id) => (await read(id)).bond)), [0n, 0n, BOND]);
  t.same(s.books().state.bonds, [{ session: sessions[2], mist: BOND.toString() }]);
  const spent = before - (await readBalance(s.actor.client, s.address));
  t.equal(spent, 8n * FEE + BOND, 'eight transactions and the bond of the live session');

  const poor = await s.open({ file: join(dir, 'anew'), budget: { gasMistPerDayMax: 4n * GAS_MAX } });
  await s.enclave.boot();
  await poor.round(signal);
  await wait(ANCHOR_WINDOW_MS + 6_000);
  const mean = await s.open({ file: join(dir, 'anew'), budget: { gasMistPerDayMax: 3n * GAS_MAX } });
  await t.rejects(mean.tidy(), { code: 'BUDGET_EXHAUSTED' }, 'tidying leaves room for a registration');
});

/** A connection whose node lies; the tests decide when. */
function lyingChain(lies: {
  /** The number of the first execution whose answer is dropped. */
  dropFrom?: number;
  hide?: boolean;
  refuse?: boolean;
  executed?: number;
}): Chain {
  return connectChain({
    url,
    chainId,
    attemptsMax: 1,
    fetch: async (input, init) => {
      const method = new Request(input).url.split('/').at(-1) ?? '';
      if (method === 'ExecuteTransaction') {
        lies.executed = (lies.executed ?? 0) + 1;
        if (lies.refuse === true) {
          const headers = {
            'grpc-status': '3',
            'grpc-message': 'no',
            'content-type': 'application/grpc-web',
          };
          return new Response(null, { headers });
        }
      }
      const dropped = (lies.executed ?? 0) >= (lies.dropFrom ?? Infinity);
      if (dropped && lies.hide === true && method === 'GetTransaction') {
        const headers = {
          'grpc-status': '5',
          'grpc-message': 'none',
          'content-type': 'application/grpc-web',
        };
        return new Response(null, { headers });
      }
      const response = await fetch(input, init);
      if (method === 'ExecuteTransaction' && dropped) throw new TypeError('fetch failed');
      return response;
    },
  });
}

await t.test('a node that lies about transactions burns no more than the budget', async (t) => {
  const s = await scene(t);
  const refusing = { refuse: true, executed: 0 };
  for (let round = 0; round < 10; round += 1) {
    const registrar = await s.open({ chain: lyingChain(refusing), budget: { registrationsPerHourMax: 4 } });
    await t.rejects(registrar.round(signal), { code: round < 4 ? 'CHAIN_REFUSED' : 'BUDGET_EXHAUSTED' });
  }
  t.equal(refusing.executed, 4, 'signed transactions that left this machine');
  t.equal(await s.sent(), 0);

  // Registered, but the node says nothing and knows nothing: there is no second try while it may be on its way.
  const lost = await scene(t);
  const lies = { dropFrom: 2, hide: true, executed: 0 };
  const silent = lyingChain(lies);
  await t.rejects((await lost.open({ chain: silent })).round(signal), { code: 'TRANSACTION_UNKNOWN' });
  await t.rejects((await lost.open({ chain: silent })).round(signal), { code: 'TRANSACTION_PENDING' });
  t.match(lost.books().state.expenses, [
    { kind: 'grant', outcome: 'done', mist: FEE.toString() },
    { kind: 'register', outcome: 'open', mist: GAS_MAX.toString() },
  ]);
  clock.aheadMs += 61_000;
  await (await lost.open({ chain: silent })).round(signal);
  t.equal(await lost.sent(), 2, 'the chain has the session: it is not paid for again');
  lies.hide = false;
  await lost.enclave.boot();
  lies.dropFrom = 100;
  await (await lost.open({ chain: silent })).round(signal);
  t.match(
    lost.books().state.expenses[1],
    { outcome: 'done', mist: FEE.toString() },
    'and its cost is known now',
  );

  const foreign = connectChain({ url, chainId: '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S' });
  const stray = await scene(t);
  await t.rejects((await stray.open({ chain: foreign })).round(signal), { code: 'CHAIN_FOREIGN' });
  t.equal(await stray.sent(), 0);
});

await t.test('a node that hides the session does not have it paid for twice', async (t) => {
  const s = await scene(t);
  const { session } = await (await s.open()).round(signal);
  const blind = connectChain({ url, chainId });
  const { core } = blind.client;
  const getObjects = core.getObjects.bind(core);
  core.getObjects = (async (options: Parameters<typeof getObjects>[0]) => {
    const read = await getObjects({
      ...options,
      objectIds: options.objectIds.filter((id) => id !== session),
    });
    const rest = [...read.objects];
    const missing = (await getObjects({ objectIds: [`0x${'77'.repeat(32)}`] })).objects[0];
    return { objects: options.objectIds.map((id) => (id === session ? missing : rest.shift())) };
  }) as typeof core.getObjects;
  const misled = await s.open({ chain: blind });
  await t.rejects(misled.round(signal), { code: 'SESSION_HIDDEN' });
  t.equal(await s.sent(), 2);
  await misled.tidy();
  t.same(s.books().state.bonds, [{ session, mist: BOND.toString() }], 'nor is its bond forgotten');
});

await t.test(
  'a node that executes, says that it refused and hides the session: bonds stay within the budget',
  async (t) => {
    const s = await scene(t);
    let executed = 0;
    const liar = connectChain({
      url,
      chainId,
      attemptsMax: 1,
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        if (!new Request(input).url.endsWith('/ExecuteTransaction')) return response;
        executed += 1;
        // First the slot, then the session.
        if (executed % 2 === 1) return response;
        const headers = { 'grpc-status': '3', 'grpc-message': 'no', 'content-type': 'application/grpc-web' };
        return new Response(null, { headers });
      },
    });
    const { core } = liar.client;
    const getObjects = core.getObjects.bind(core);
    core.getObjects = (async (options: Parameters<typeof getObjects>[0]) => {
      const { objects } = await getObjects(options);
      const missing = (await getObjects({ objectIds: [`0x${'77'.repeat(32)}`] })).objects[0];
      return {
        objects: objects.map((each) =>
          'type' in each && each.type.endsWith('::enclaves::Session') ? missing : each,
        ),
      };
    }) as typeof core.getObjects;
    const codes: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const registrar = await s.open({ chain: liar, budget: { bondMistOutMax: 2n * BOND } });
      codes.push(await registrar.round(signal).then(() => 'live', codeOf));
    }
    t.same(codes, ['CHAIN_REFUSED', 'CHAIN_REFUSED', 'BUDGET_EXHAUSTED', 'BUDGET_EXHAUSTED']);
    t.equal(executed, 4, 'two bonds, as many as may be out');
  },
);

await t.test('what is reserved stays on the books when the process dies', async (t) => {
  const s = await scene(t);
  await s.open();
  const books = s.books();
  const killed = new Error('killed');
  const dying = books.spend('register', null, s.actor, async ({ gas }) => {
    await gas?.beforeSend?.('4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S');
    throw killed;
  });
  await t.rejects(dying, killed);
  await s.open();
  t.match(s.books().state.expenses, [{ kind: 'register', outcome: 'open', mist: GAS_MAX.toString() }]);
  const full = await s.open({ budget: { gasMistPerDayMax: GAS_MAX } });
  await t.rejects(full.round(signal), { code: 'TRANSACTION_PENDING' });
  clock.aheadMs += 61_000;
  await t.rejects(full.round(signal), { code: 'BUDGET_EXHAUSTED' }, 'and counts with its whole gas budget');
  t.equal(await s.sent(), 0);
});
