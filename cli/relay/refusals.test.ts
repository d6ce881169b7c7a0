import t from 'tap';

import { generateEd25519, sha256, toBase64, utf8, type Bytes, type ChainSnapshot } from '@k3s-daas/core';
import {
  jail,
  listGrants,
  revoke,
  revokePolicyGrants,
  setPolicyTerms,
  slash,
  watchChain,
} from '@k3s-daas/sui-client';

import {
  advance,
  bodyOf,
  chain,
  clock,
  closeWorld,
  FEE,
  log,
  newAddress,
  packageId,
  Scene,
  sentBy,
  sign,
  startTestRelay,
  type Ask,
  type Signed,
} from './test/world.ts';

t.teardown(closeWorld);
t.setTimeout(600_000);

/** On a machine that does other things, too. */
const SLOW = { timeout: 180_000 };

const changed = (bytes: Bytes, at: number): Bytes =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
const longer = (bytes: Bytes): Bytes => Uint8Array.from([...bytes, 0]);

await t.test('only the live enclave’s consent leads to the chain', SLOW, async (t) => {
  const scene = await Scene.create();
  const other = await Scene.create();
  const relay = await startTestRelay(t, scene);
  const policy = await scene.policy();
  const second = await scene.policy();
  const stranger = generateEd25519();
  const good = (): Ask => scene.ask([policy]);
  const releases = (ask: Ask, change: (release: Ask['releases'][number]) => Signed): Ask => ({
    ...ask,
    releases: ask.releases.map((release) => ({ ...release, ...change(release) })),
  });
  /** Each differs from a good one in nothing but what is named. */
  const asks: Record<string, () => Ask> = {
    'receipt signed by another key': () => {
      const receipt = scene.receipt('p', {}, stranger);
      return scene.ask([policy], { podUid: 'p', receipt });
    },
    'receipt with another signature': () => {
      const ask = good();
      const receipt = { ...ask.receipt, signature: changed(ask.receipt.signature, 5) };
      return scene.ask([policy], { podUid: ask.podUid, receipt });
    },
    'receipt whose message was changed': () => {
      const { message, signature } = scene.receipt('p');
      return scene.ask([policy], { podUid: 'p', receipt: { message: changed(message, 3), signature } });
    },
    'receipt of another cluster': () =>
      scene.ask([policy], {
        decision: { cluster: other.cluster },
        release: { cluster: other.cluster },
      }),
    'receipt of another session': () =>
      scene.ask([policy], {
        decision: { session: other.session },
        release: { session: other.session },
      }),
    'receipt of an earlier term': () => scene.ask([policy], { decision: { term: scene.term - 1n } }),
    'receipt of a term to come': () => scene.ask([policy], { decision: { term: scene.term + 1n } }),
    'release signed by another key': () => releases(good(), ({ message }) => sign(stranger, message)),
    'release with another signature': () =>
      releases(good(), ({ message, signature }) => ({ message, signature: changed(signature, 63) })),
    'release whose message was changed': () =>
      releases(good(), ({ message, signature }) => ({ message: changed(message, 4), signature })),
    'release of another cluster': () => scene.ask([policy], { release: { cluster: other.cluster } }),
    'release of another session': () => scene.ask([policy], { release: { session: other.session } }),
    'release for another receipt': () =>
      scene.ask([policy], { release: { receiptDigest: sha256(utf8('?')) } }),
    'release for another pod': () => scene.ask([policy], { release: { podUid: 'another' } }),
    'release for another policy': () => scene.ask([policy], { release: { policy: second } }),
    'release that has expired': () =>
      scene.ask([policy], { release: { notAfterMs: BigInt(clock.now()) - 1n } }),
    'one release of two has expired': () => {
      const ask = scene.ask([policy, second]);
      const late = scene.release({ ...ask, policy: second }, { notAfterMs: 1n });
      return { ...ask, releases: [...ask.releases.slice(0, 1), { policy: second, ...late }] };
    },
    'releases for two recipients': () => {
      const ask = scene.ask([policy]);
      const { podUid, receipt } = ask;
      const [also] = scene.ask([second], { podUid, receipt }).releases;
      return also === undefined ? ask : { ...ask, releases: [...ask.releases, also] };
    },
    'everything of another cluster': () => other.ask([policy]),
  };
  for (const [name, make] of Object.entries(asks)) {
    const { status, body } = await relay.post(bodyOf(make()));
    t.match({ status, ...body }, { status: 403, code: 'RELEASE_INVALID', remedy: /broker/ }, name);
  }

  const malformed: Record<string, () => unknown> = {
    'not JSON': () => '{',
    'no object': () => '[]',
    'a field too many': () => ({ ...bodyOf(good()), more: 1 }),
    'no releases': () => ({ ...bodyOf(good()), releases: [] }),
    'seventeen releases': () => {
      const body = bodyOf(good());
      const policies = Array.from({ length: 17 }, () => newAddress());
      return { ...body, releases: policies.map((one) => ({ ...body.releases[0], policy: one })) };
    },
    'one policy twice': () => {
      const body = bodyOf(good());
      return { ...body, releases: [...body.releases, ...body.releases] };
    },
    'a policy that is no id': () => {
      const body = bodyOf(good());
      return { ...body, releases: body.releases.map((one) => ({ ...one, policy: '0x1' })) };
    },
    'text that is not base64': () => ({ ...bodyOf(good()), receipt: { message: '%%', signature: '%%' } }),
    'a signature of 65 bytes': () => {
      const body = bodyOf(good());
      return { ...body, receipt: { ...body.receipt, signature: toBase64(new Uint8Array(65)) } };
    },
    'a release in place of the receipt': () => {
      const ask = good();
      return bodyOf({ ...ask, receipt: ask.releases[0] ?? ask.receipt });
    },
    'the receipt in place of a release': () => {
      const ask = good();
      return bodyOf({ ...ask, releases: [{ policy, ...ask.receipt }] });
    },
    'a byte behind the receipt': () => {
      const ask = good();
      return bodyOf({ ...ask, receipt: sign(scene.key, longer(ask.receipt.message)) });
    },
    'a byte behind a release': () =>
      bodyOf(releases(good(), ({ message }) => sign(scene.key, longer(message)))),
    'a decision with another intent': () => {
      const { message } = scene.receipt('p');
      return bodyOf(
        scene.ask([policy], {
          podUid: 'p',
          receipt: sign(scene.key, Uint8Array.from([3, ...message.slice(1)])),
        }),
      );
    },
  };
  for (const [name, make] of Object.entries(malformed)) {
    const { status, body } = await relay.post(make());
    t.match({ status, ...body }, { status: 400, code: 'MALFORMED' }, name);
  }
  t.strictSame(relay.way.asked, [], 'the chain was not asked even once');
  t.equal((await relay.post(bodyOf(good()))).status, 200, 'and one that is good');
});

await t.test('the session has ended, or another one is active', SLOW, async (t) => {
  const scene = await Scene.create();
  const policy = await scene.policy();
  const before = scene.ask([policy]);
  const view = watchChain({ chain, packageId, clusterId: scene.cluster, clock, log, pollMs: 20 });
  view.start();
  await view.synced;
  t.teardown(() => view.stop());
  // What the test has seen, the relay has seen.
  const relay = await startTestRelay(t, scene, { view });
  const until = async (holds: (snapshot: ChainSnapshot | null) => boolean): Promise<void> => {
    while (!holds(view.current())) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await scene.boot();
  await until((snapshot) => snapshot?.cluster.active?.session === scene.session);
  t.match(await relay.post(bodyOf(before)), { status: 403, body: { code: 'RELEASE_INVALID' } });
  t.equal((await relay.post(bodyOf(scene.ask([policy])))).status, 200);
  const after = scene.ask([policy]);
  await revoke(scene.actor, scene.owned, scene.session);
  await until((snapshot) => snapshot?.sessions.get(scene.session)?.revoked === true);
  t.match(await relay.post(bodyOf(after)), { status: 403, body: { code: 'RELEASE_INVALID' } });
  t.equal((await sentBy(relay.address)).length, 1);
});

await t.test('what a policy refuses is said with Move’s own word, and costs nothing', SLOW, async (t) => {
  const scene = await Scene.create();
  const relay = await startTestRelay(t, scene);
  const image = sha256(utf8('image'));
  const HOUR = 3_600_000n;
  const now = BigInt(clock.now());
  const node = { stake: scene.position, nodeKey: generateEd25519().publicKey };
  const refused: [string, string, () => Promise<Ask>][] = [
    ['no uses', 'EUsesExhausted', async () => scene.ask([await scene.policy({ usesMax: 0n })])],
    ['not yet', 'EOutsideWindow', async () => scene.ask([await scene.policy({ notBeforeMs: now + HOUR })])],
    ['not any more', 'EOutsideWindow', async () => scene.ask([await scene.policy({ notAfterMs: now })])],
    ['node', 'ENodeNotAllowed', async () => scene.ask([await scene.policy({ nodes: [node] })])],
    ['stake', 'EStakeTooSmall', async () => scene.ask([await scene.policy({ stakeMin: 5_001n })])],
    ['no image', 'EImageNotAllowed', async () => scene.ask([await scene.policy({ imageDigests: [image] })])],
    [
      'account',
      'EWrongSubject',
      async () => scene.ask([await scene.policy()], { decision: { serviceAccount: 'web' } }),
    ],
    [
      'namespace',
      'EWrongSubject',
      async () => scene.ask([await scene.policy()], { decision: { namespace: 'b' } }),
    ],
    [
      'node key',
      'EWrongNodeKey',
      async () => scene.ask([await scene.policy()], { decision: { nodeKeyHash: image } }),
    ],
    ['node name', 'ENodeGone', async () => scene.ask([await scene.policy()], { decision: { node: 'n2' } })],
  ];
  for (const [name, abort, make] of refused) {
    const reply = await relay.post(bodyOf(await make()));
    t.match(reply, { status: 403, body: { code: 'POLICY_REFUSED', abort } }, name);
  }
  for (const policy of [newAddress(), scene.cluster, scene.position]) {
    const reply = await relay.post(bodyOf(scene.ask([policy])));
    t.match(reply, { status: 403, body: { code: 'POLICY_REFUSED', message: /no policy/ } });
    t.notOk(reply.body.abort);
  }
  t.equal((await sentBy(relay.address)).length, 0);

  const policy = await scene.policy();
  const ask = scene.ask([policy]);
  t.equal((await relay.post(bodyOf(ask))).status, 200);
  await revokePolicyGrants(scene.actor, { cluster: scene.cluster, policy });
  const fresh = await startTestRelay(t, scene);
  t.match(
    await fresh.post(bodyOf(ask)),
    { status: 403, body: { code: 'POLICY_REFUSED', abort: 'EAlreadyGranted' } },
    'a grant that was revoked is not shown as one',
  );
  const { podUid, receipt } = ask;
  t.equal((await fresh.post(bodyOf(scene.ask([policy], { podUid, receipt })))).status, 200, 'another key');

  await setPolicyTerms(
    scene.actor,
    { cluster: scene.cluster, policy },
    { ...scene.terms(), stakeMin: 4_000n },
  );
  await slash(scene.actor, scene.owned, { position: scene.position, amount: 1_500n, reason: 'evidence' });
  t.match(await relay.post(bodyOf(scene.ask([policy]))), { status: 403, body: { abort: 'EStakeTooSmall' } });
  await jail(scene.actor, scene.owned, 'n1');
  t.match(await relay.post(bodyOf(scene.ask([policy]))), { status: 403, body: { abort: 'ENodeJailed' } });
});

await t.test('rates and budget', SLOW, async (t) => {
  const scene = await Scene.create();
  const policy = await scene.policy();
  const elsewhere = await scene.policy(
    {},
    { namespace: 'other', serviceAccount: 'api', serviceAccountUid: null },
  );

  await t.test('a namespace asks for so much a minute; others are not held up', async (t) => {
    const relay = await startTestRelay(t, scene, { budget: { requestsPerNamespaceAndMinuteMax: 2 } });
    const asks = [scene.ask([policy]), scene.ask([policy]), scene.ask([policy])];
    const forged = { ...scene.receipt('p', {}, generateEd25519()) };
    for (let i = 0; i < 5; i += 1)
      await relay.post(bodyOf(scene.ask([policy], { podUid: 'p', receipt: forged })));
    t.strictSame(
      await Promise.all(asks.slice(0, 2).map(async (ask) => (await relay.post(bodyOf(ask))).status)),
      [200, 200],
    );
    const asked = relay.way.asked.length;
    const third = await relay.post(bodyOf(asks[2] ?? scene.ask([policy])));
    t.match(third, { status: 429, body: { code: 'RATE_EXCEEDED', message: /namespace app/ } });
    t.ok(Number(third.retryAfter) >= 1 && Number(third.retryAfter) <= 31, 'says when');
    t.equal(relay.way.asked.length, asked);
    t.equal((await relay.post(bodyOf(asks[0] ?? scene.ask([policy])))).status, 200, 'what was granted');
    const other = scene.ask([elsewhere], { decision: { namespace: 'other' } });
    t.equal((await relay.post(bodyOf(other))).status, 200);
    await advance(relay, 31_000);
    t.equal((await relay.post(bodyOf(scene.ask([policy])))).status, 200, 'later');
  });

  await t.test('nor does it use up what the others may have of a day', async (t) => {
    const relay = await startTestRelay(t, scene, {
      budget: { gasMistPerNamespaceAndDayMax: FEE + FEE / 2n },
    });
    t.equal((await relay.post(bodyOf(scene.ask([policy])))).status, 200);
    t.equal((await relay.post(bodyOf(scene.ask([policy])))).status, 200);
    const third = await relay.post(bodyOf(scene.ask([policy])));
    t.match(third, { status: 429, body: { code: 'RATE_EXCEEDED' } });
    const other = scene.ask([elsewhere], { decision: { namespace: 'other' } });
    t.equal((await relay.post(bodyOf(other))).status, 200);
  });

  await t.test('a day has a budget, which a restart does not refill', async (t) => {
    const budget = { gasMistPerTransactionMax: 10n * FEE, gasMistPerDayMax: 11n * FEE };
    const relay = await startTestRelay(t, scene, { budget });
    const granted = scene.ask([policy]);
    t.equal((await relay.post(bodyOf(granted))).status, 200);
    t.equal((await relay.post(bodyOf(scene.ask([policy])))).status, 200);
    const asked = relay.way.asked.length;
    const third = await relay.post(bodyOf(scene.ask([policy])));
    t.match(third, { status: 429, body: { code: 'BUDGET_EXHAUSTED' } });
    t.ok(Number(third.retryAfter) > 86_000, 'says when');
    t.equal(relay.way.asked.length, asked);
    t.equal((await relay.post(bodyOf(granted))).status, 200, 'what was granted');
    await relay.close();
    const next = await startTestRelay(t, scene, { budget, after: relay });
    t.match(await next.post(bodyOf(scene.ask([policy]))), {
      status: 429,
      body: { code: 'BUDGET_EXHAUSTED' },
    });
    const ready = await fetch(`${next.url}/readyz`);
    t.match(
      { status: ready.status, ...((await ready.json()) as object) },
      { status: 503, code: 'BUDGET_EXHAUSTED' },
    );
    clock.aheadMs += 86_400_000 + 600_000;
    await advance(next, 0);
    t.equal((await next.post(bodyOf(scene.ask([policy])))).status, 200, 'a day later');
    const sent = await sentBy(relay.address);
    t.strictSame(
      sent.map(({ budget: gas }) => gas),
      [10n * FEE, 10n * FEE, 10n * FEE],
      'no node decides what is paid',
    );
  });
});

await t.test('the chain is down, or what is known of it is old', SLOW, async (t) => {
  const scene = await Scene.create();
  const policy = await scene.policy();
  const relay = await startTestRelay(t, scene);
  const ask = scene.ask([policy]);
  relay.way.before = () => {
    throw new Error('connection refused');
  };
  t.match(await relay.post(bodyOf(ask)), {
    status: 503,
    retryAfter: '1',
    body: { code: 'CHAIN_UNAVAILABLE', remedy: /same releases/ },
  });
  relay.way.before = () => undefined;
  t.equal((await relay.post(bodyOf(ask))).status, 200, 'it is back');

  const view = watchChain({ chain, packageId, clusterId: scene.cluster, clock, log, pollMs: 20 });
  view.start();
  await view.synced;
  await view.stop();
  const snapshot = view.current();
  const stale = await startTestRelay(t, scene, { view: { current: () => snapshot } });
  t.equal((await stale.post(bodyOf(scene.ask([policy])))).status, 200);
  clock.aheadMs += 31_000;
  const late = scene.ask([policy]);
  t.match(await stale.post(bodyOf(late)), { status: 503, body: { code: 'CHAIN_STALE' } });
  const nothing = await startTestRelay(t, scene, { view: { current: () => null } });
  t.match(await nothing.post(bodyOf(late)), { status: 503, body: { code: 'CHAIN_UNAVAILABLE' } });
  t.strictSame(nothing.way.asked, []);
  t.strictSame(await listGrants(chain.client, packageId, late.recipient), []);
});
