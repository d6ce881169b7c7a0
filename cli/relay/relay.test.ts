import t from 'tap';

import { DecisionKind, receiptDigest, sha256, toBase64, utf8 } from '@k3s-daas/core';
import { addressOf, listGrants, readPolicy, requestGrants, type AccessRequest } from '@k3s-daas/sui-client';

import {
  bodyOf,
  chain,
  advance,
  closeWorld,
  FEE,
  funded,
  packageId,
  Scene,
  sentBy,
  startTestRelay,
  type Ask,
} from './test/world.ts';

t.teardown(closeWorld);
t.setTimeout(600_000);

/** On a machine that does other things, too. */
const SLOW = { timeout: 180_000 };
const scene = await Scene.create();

const accessOf = ({ receipt, releases }: Ask): AccessRequest => ({
  placement: { cluster: scene.cluster, session: scene.session, position: scene.position },
  receipt,
  releases,
});

/** Uses of a policy, as the chain has them. */
async function usesOf(policy: string): Promise<bigint> {
  return (await readPolicy(chain.client, packageId, policy)).uses;
}

await t.test('a pod’s releases become grants of its key, and again the same ones', SLOW, async (t) => {
  const relay = await startTestRelay(t, scene);
  const policies = [await scene.policy(), await scene.policy({ grantMs: 60_000n })];
  const ask = scene.ask(policies);
  const { status, body } = await relay.post(bodyOf(ask));
  t.equal(status, 200);
  const held = await listGrants(chain.client, packageId, ask.recipient);
  t.equal(held.length, 2);
  t.strictSame(
    body.grants,
    policies.map((policy) => {
      const grant = held.find((one) => one.policy === policy);
      return { policy, grant: grant?.id, expiresMs: grant?.expiresMs.toString() };
    }),
  );
  t.equal(body.transaction, held[0]?.transaction);
  t.match(held, [{ podUid: ask.podUid, session: scene.session }, { recipient: ask.recipient }]);
  const asked = relay.way.asked.length;
  t.strictSame((await relay.post(bodyOf(ask))).body, body);
  const [first, second] = bodyOf(ask).releases;
  const turned = { receipt: bodyOf(ask).receipt, releases: [second, first] };
  t.strictSame((await relay.post(turned)).body.grants, body.grants?.toReversed());
  t.equal(relay.way.asked.length, asked, 'the chain is not asked for what is known');
  t.equal((await sentBy(relay.address)).length, 1);
  t.strictSame(await Promise.all(policies.map(usesOf)), [1n, 1n]);
});

await t.test('a release of as many images as the broker signs is taken', SLOW, async (t) => {
  const relay = await startTestRelay(t, scene);
  const policy = await scene.policy();
  // enclave/broker/images.ts: a pod of more is said to run what nobody knows.
  const imageDigests = Array.from({ length: 256 }, (_, index) => sha256(utf8(`image ${index}`)));
  const ask = scene.ask([policy], { release: { imageDigests } });
  const { status, body } = await relay.post(bodyOf(ask));
  t.match({ status, body }, { status: 200, body: { grants: [{ policy }] } });
  const [held] = await listGrants(chain.client, packageId, ask.recipient);
  t.equal(held?.imageDigests.length, 256);
  const [release] = bodyOf(ask).releases;
  const longer = { ...release, message: toBase64(new Uint8Array(9_473)) };
  const { code, message } = (await relay.post({ ...bodyOf(ask), releases: [longer] })).body;
  t.match([code, message], ['MALFORMED', /releases\[0\]\.message/], 'and none that is longer');
});

await t.test(
  'requests share a transaction; one that is refused does not hold the others up',
  SLOW,
  async (t) => {
    const relay = await startTestRelay(t, scene, { batchMs: 4_000 });
    const policy = await scene.policy();
    const empty = await scene.policy({ usesMax: 0n });
    const asks = Array.from({ length: 16 }, (_, index) =>
      scene.ask(index === 7 ? [policy, empty] : [policy]),
    );
    const replies = await Promise.all(asks.map((ask) => relay.post(bodyOf(ask))));
    t.strictSame(
      replies.map(({ status }) => status),
      asks.map((_, index) => (index === 7 ? 403 : 200)),
    );
    t.match(replies[7]?.body, {
      code: 'POLICY_REFUSED',
      abort: 'EUsesExhausted',
      remedy: /daas secret policy show/,
    });
    t.equal((await sentBy(relay.address)).length, 1, 'one transaction');
    t.equal(await usesOf(policy), 15n, 'all of a request or nothing of it');
    const granted = replies.flatMap(({ body }) => body.grants ?? []);
    t.equal(new Set(granted.map(({ grant }) => grant)).size, 15, 'everyone has a grant of its own');
    for (const [index, ask] of asks.entries()) {
      const held = await listGrants(chain.client, packageId, ask.recipient);
      t.strictSame(
        held.map(({ id }) => id),
        (replies[index]?.body.grants ?? []).map(({ grant }) => grant),
      );
    }
  },
);

await t.test(
  'of two pods that race for the last use one gets it, and nothing is paid for the other',
  SLOW,
  async (t) => {
    const relay = await startTestRelay(t, scene, { batchMs: 4_000 });
    const policy = await scene.policy({ usesMax: 1n });
    const bystander = await scene.policy();
    const asks = [scene.ask([policy]), scene.ask([policy]), scene.ask([bystander])];
    const replies = await Promise.all(asks.map((ask) => relay.post(bodyOf(ask))));
    const statuses = replies.map(({ status }) => status);
    t.strictSame(statuses.slice(0, 2).toSorted(), [200, 403]);
    t.equal(statuses[2], 200);
    t.match(replies[statuses.indexOf(403)]?.body, { code: 'POLICY_REFUSED', abort: 'EUsesExhausted' });
    t.strictSame(
      (await sentBy(relay.address)).map(({ failed }) => failed),
      [false],
    );
    t.equal(await usesOf(policy), 1n);
  },
);

await t.test(
  'what changes between simulation and execution costs gas, and no more than that',
  SLOW,
  async (t) => {
    const relay = await startTestRelay(t, scene, { batchMs: 4_000 });
    const policy = await scene.policy({ usesMax: 1n });
    const bystander = await scene.policy();
    const [ask, faster, other] = [scene.ask([policy]), scene.ask([policy]), scene.ask([bystander])];
    let raced = false;
    relay.way.before = async (method) => {
      if (method !== 'ExecuteTransaction' || raced) return;
      raced = true;
      await requestGrants(scene.actor, [accessOf(faster)]);
    };
    const [late, beside] = await Promise.all([relay.post(bodyOf(ask)), relay.post(bodyOf(other))]);
    t.match(late, { status: 403, body: { abort: 'EUsesExhausted' } });
    t.equal(beside.status, 200);
    const sent = await sentBy(relay.address);
    t.strictSame(sent.map(({ failed }) => failed).toSorted(), [false, true]);
    t.equal(relay.books.left, 50_000_000_000n - 2n * FEE, 'both are on the books');
  },
);

await t.test('an answer that was lost', SLOW, async (t) => {
  const policy = await scene.policy({ renewalsMax: 0n });

  await t.test('on its way to the pod: the same releases bring the same grants', async (t) => {
    const relay = await startTestRelay(t, scene, { limits: { answerMs: 1 } });
    const ask = scene.ask([policy]);
    t.match(await relay.post(bodyOf(ask)), {
      status: 503,
      retryAfter: '1',
      body: { code: 'CHAIN_UNAVAILABLE' },
    });
    await relay.relay.idle();
    const again = await relay.post(bodyOf(ask));
    const [held] = await listGrants(chain.client, packageId, ask.recipient);
    t.match(again, { status: 200, body: { grants: [{ grant: held?.id }], transaction: held?.transaction } });
    t.equal((await sentBy(relay.address)).length, 1);
  });

  await t.test('with the relay: another finds on chain what the first one paid for', async (t) => {
    const first = await startTestRelay(t, scene);
    const more = await scene.policy();
    const ask = scene.ask([policy, more]);
    const answer = await first.post(bodyOf({ ...ask, releases: ask.releases.slice(0, 1) }));
    await first.close();
    const second = await startTestRelay(t, scene, { after: first });
    const both = await second.post(bodyOf(ask));
    t.equal(both.status, 200);
    t.strictSame(both.body.grants?.[0], answer.body.grants?.[0]);
    t.not(both.body.transaction, answer.body.transaction, 'the second policy took a transaction');
    await second.close();
    const third = await startTestRelay(t, scene, { after: second });
    t.strictSame((await third.post(bodyOf(ask))).body.grants, both.body.grants);
    t.equal((await sentBy(first.address)).length, 2);
  });

  await t.test('with the node: nothing is sent again before that is settled', SLOW, async (t) => {
    const relay = await startTestRelay(t, scene);
    const ask = scene.ask([policy]);
    let silent = true;
    relay.way.after = (method) => {
      if (method === 'ExecuteTransaction' && silent) throw new Error('the answer is lost');
    };
    relay.way.before = (method) => {
      if (method === 'GetTransaction' && silent) throw new Error('no answer');
    };
    const [lost, left] = [await relay.post(bodyOf(ask)), relay.books.left];
    t.match(lost, { status: 503, body: { code: 'CHAIN_UNAVAILABLE', remedy: /same releases/ } });
    t.equal(left, 50_000_000_000n - 500_000_000n, 'it counts with its whole gas budget');
    const other = scene.ask([policy]);
    t.match(await relay.post(bodyOf(other)), { status: 503, body: { code: 'CHAIN_UNAVAILABLE' } });
    t.equal(relay.way.asked.filter((method) => method === 'ExecuteTransaction').length, 1);
    silent = false;
    const again = await relay.post(bodyOf(ask));
    const [held] = await listGrants(chain.client, packageId, ask.recipient);
    t.match(again, { status: 200, body: { grants: [{ grant: held?.id }] } });
    t.equal((await relay.post(bodyOf(other))).status, 200);
    t.equal((await sentBy(relay.address)).length, 2);
    t.equal(relay.books.left, 50_000_000_000n - 2n * FEE);
  });

  await t.test(
    'a transaction that the chain never saw blocks for a minute, and stays on the books',
    async (t) => {
      const relay = await startTestRelay(t, scene);
      const ask = scene.ask([policy]);
      relay.way.before = (method) => {
        if (method === 'ExecuteTransaction') throw new Error('it never arrives');
        if (method === 'GetTransaction') throw new Error('no answer');
      };
      const begun = relay.post(bodyOf(ask));
      await begun;
      relay.way.before = () => undefined;
      const waiting = await relay.post(bodyOf(ask));
      t.match(waiting, {
        status: 503,
        body: { code: 'CHAIN_UNAVAILABLE', message: /not taken|did not take|not on chain/ },
      });
      t.ok(Number(waiting.retryAfter) > 20 && Number(waiting.retryAfter) <= 60, 'says when');
      await advance(relay, 61_000);
      const anew = scene.ask([policy], ask);
      t.equal((await relay.post(bodyOf(anew))).status, 200);
      t.equal(relay.books.left, 50_000_000_000n - 500_000_000n - FEE);
    },
  );
});

await t.test('a stranger who shows releases again gains and costs nothing', SLOW, async (t) => {
  const relay = await startTestRelay(t, scene);
  const stranger = { ...scene.actor, signer: await funded() };
  const policy = await scene.policy({ usesMax: 1n, renewalsMax: 1n });
  const ask = scene.ask([policy]);
  await requestGrants(stranger, [accessOf(ask)]);
  const reply = await relay.post(bodyOf(ask));
  const [held] = await listGrants(chain.client, packageId, ask.recipient);
  t.match(reply, { status: 200, body: { grants: [{ grant: held?.id }] } }, 'who was faster paid for it');
  t.equal((await sentBy(relay.address)).length, 0);

  const restarted = scene.ask([policy], { podUid: ask.podUid, receipt: ask.receipt });
  t.equal((await relay.post(bodyOf(restarted))).status, 200);
  t.strictSame(await listGrants(chain.client, packageId, addressOf(stranger.signer)), []);
  for (const shown of [ask, restarted]) {
    await t.rejects(requestGrants(stranger, [accessOf(shown)]), { code: 'TRANSACTION_FAILED' });
  }
  t.equal(await usesOf(policy), 1n);
  await relay.close();
  const fresh = await startTestRelay(t, scene, { after: relay });
  t.match(await fresh.post(bodyOf(ask)), { status: 403, body: { abort: 'EReleaseOvertaken' } });
  t.match(await fresh.post(bodyOf(restarted)), { status: 200, body: { grants: [{}] } });
  t.equal((await sentBy(relay.address)).length, 1);
});

await t.test(
  'a container that crashes again and again drains no uses, and comes to an end',
  SLOW,
  async (t) => {
    const relay = await startTestRelay(t, scene);
    const policy = await scene.policy({ usesMax: 2n, renewalsMax: 3n });
    const first = scene.ask([policy], { podUid: 'crash-loop' });
    const statuses: number[] = [];
    let last;
    for (let start = 0; start < 6; start += 1) {
      const { receipt, podUid } = first;
      last = await relay.post(bodyOf(start === 0 ? first : scene.ask([policy], { receipt, podUid })));
      statuses.push(last.status);
    }
    t.strictSame(statuses, [200, 200, 200, 200, 403, 403]);
    t.match(last?.body, { code: 'POLICY_REFUSED', abort: 'ERenewalsExhausted' });
    t.equal(await usesOf(policy), 1n);
    t.equal((await sentBy(relay.address)).length, 4, 'what is refused costs nothing');
    t.equal((await relay.post(bodyOf(scene.ask([policy])))).status, 200, 'another pod has the other use');
    t.match(await relay.post(bodyOf(scene.ask([policy]))), {
      status: 403,
      body: { abort: 'EUsesExhausted' },
    });
  },
);

await t.test('an enclave that restarts drains no uses of the pods that run on', SLOW, async (t) => {
  const scene = await Scene.create();
  const policy = await scene.policy({ usesMax: 1n, renewalsMax: 3n });
  const bound = scene.ask([policy], { podUid: 'long-lived' });
  let relay = await startTestRelay(t, scene);
  t.equal((await relay.post(bodyOf(bound))).status, 200);
  const statuses: number[] = [];
  let last;
  for (let restart = 0; restart < 4; restart += 1) {
    await scene.boot();
    await relay.close();
    relay = await startTestRelay(t, scene, { after: relay });
    const decision = { kind: DecisionKind.adopt, inputDigest: receiptDigest(bound.receipt) };
    const adopted = bodyOf(scene.ask([policy], { podUid: bound.podUid, decision }));
    // On a busy machine the answer may be late; the same releases bring the same grants.
    do last = await relay.post(adopted);
    while (last.status === 503);
    statuses.push(last.status);
    t.equal(await usesOf(policy), 1n);
  }
  t.strictSame(statuses, [200, 200, 200, 403]);
  t.match(last?.body, { code: 'POLICY_REFUSED', abort: 'ERenewalsExhausted' });
  const early = { kind: DecisionKind.adopt };
  const other = await relay.post(bodyOf(scene.ask([policy], { podUid: 'other', decision: early })));
  t.match(other, { status: 403, body: { abort: 'EUsesExhausted' } }, 'who has no use yet needs one');
});
