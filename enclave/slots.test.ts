/** Who gets a document for a slot, or with a nonce, while strangers ask for as much as they can. */
import { once } from 'node:events';
import { connect } from 'node:net';

import { networkOf, toHex, type Bytes } from '@k3s-daas/core';
import t, { type Test } from 'tap';

import { RateLimited } from './errors.ts';
import { NsmQueue } from './guard/nsm-queue.ts';
import { strangersNetwork } from './http/bootstrap.ts';
import { FreshDocuments } from './http/fresh-documents.ts';
import { arrivals, eventually, TestEnclave, type Reply } from './test/world.ts';
import { TestTime } from './test/time.ts';

const slotOf = (n: number): string => `0x${n.toString(16).padStart(64, '0')}`;
const withSlot = (enclave: TestEnclave, slot: string): Promise<Reply> =>
  enclave.get(`/api/v1/tee/attestation?slot=${slot}`);

async function booting(t: Test): Promise<TestEnclave> {
  const enclave = await TestEnclave.prepare();
  t.teardown(() => enclave.close());
  await enclave.run();
  await enclave.attested();
  enclave.time.hold();
  return enclave;
}

void t.test('a document only for a slot that is granted to this cluster, unused and not over', async (t) => {
  const enclave = await booting(t);
  const before = enclave.nsm.calls.length;
  enclave.grant(slotOf(2), { cluster: `0x${'77'.repeat(32)}` });
  enclave.grant(slotOf(3), { expiresMs: BigInt(enclave.time.nsmClock.now() - 1_000) });
  for (const [slot, why] of [
    [slotOf(1), 'nobody granted it, or it was used'],
    [slotOf(2), 'of another cluster'],
    [slotOf(3), 'over'],
  ] as const) {
    const refused = await withSlot(enclave, slot);
    t.equal(refused.status, 404, why);
    t.match(refused.json, { code: 'SLOT_UNKNOWN', message: /./, remedy: /./ });
    t.match(refused.headers.get('retry-after'), /^[1-9]$/);
  }
  t.equal(enclave.nsm.calls.length, before, 'the NSM was not asked');
  enclave.grant(slotOf(1));
  t.equal((await withSlot(enclave, slotOf(1))).status, 200, 'granted just now');
  enclave.beforeLookup = () => Promise.reject(new Error('no route to host'));
  const silent = await withSlot(enclave, slotOf(1));
  t.equal(silent.status, 503);
  t.match(silent.json, { code: 'CHAIN_UNREADABLE', message: /no route/, remedy: /chain.url/ });
  t.ok(silent.headers.get('retry-after'));
});

void t.test('a flood of invented slots keeps no registrar from its own', async (t) => {
  const enclave = await booting(t);
  enclave.grant(slotOf(1));
  const before = enclave.nsm.calls.length;
  let invented = 1_000;
  const lookups = enclave.lookups.length;
  for (let second = 0; second < 10; second += 1) {
    const arrived = arrivals(31);
    const flood = Array.from({ length: 30 }, () => withSlot(enclave, slotOf((invented += 1))));
    const honest = withSlot(enclave, slotOf(1));
    await arrived;
    enclave.time.advance(1_000);
    const { status } = await honest;
    t.equal(status, 200, `second ${second}`);
    await eventually('the flood is answered', async () => {
      enclave.time.advance(0);
      const replies = await Promise.all(flood);
      return replies.every((reply) => reply.status === 404);
    });
  }
  const made = enclave.lookups.length - lookups;
  t.ok(made <= 16, `${made} lookups for 310 requests`);
  t.ok(enclave.nsm.calls.length - before <= 10);
  t.ok(enclave.lookups.every((ids) => ids.length <= 50));
});

void t.test('who has gone is not asked about', async (t) => {
  const enclave = await booting(t);
  const gate = Promise.withResolvers<undefined>();
  enclave.beforeLookup = () => gate.promise;
  enclave.grant(slotOf(1));
  const first = withSlot(enclave, slotOf(1));
  await eventually('a lookup', () => enclave.lookups.length === 1);
  const arrived = arrivals(10);
  const leaving = Array.from({ length: 10 }, (_, i) => {
    const socket = connect(enclave.running.bootstrapPort, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`GET /api/v1/tee/attestation?slot=${slotOf(100 + i)} HTTP/1.1\r\nhost: enclave\r\n\r\n`);
    return socket;
  });
  await arrived;
  for (const socket of leaving) {
    socket.destroy();
    await once(socket, 'close');
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  const last = withSlot(enclave, slotOf(1));
  gate.resolve(undefined);
  t.same([(await first).status, (await last).status], [200, 200]);
  t.same(enclave.lookups, [[slotOf(1)], [slotOf(1)]]);
});

void t.test('one network leaves nonces to the others', async (t) => {
  let nowMs = 0;
  let calls = 0;
  const documents = new FreshDocuments({
    attest: () => {
      calls += 1;
      return Promise.resolve(new Uint8Array(1));
    },
    monotonic: () => nowMs,
  });
  let nonces = 0;
  const ask = async (network: string | null): Promise<boolean> => {
    const nonce: Bytes = new Uint8Array(24);
    new DataView(nonce.buffer).setUint32(0, (nonces += 1));
    return documents.get(toHex(nonce), 'nonce', network).then(
      () => true,
      (error: unknown) => {
        if (error instanceof RateLimited) return false;
        throw error;
      },
    );
  };
  let honest = 0;
  for (nowMs = 0; nowMs < 60_000; nowMs += 100) {
    await ask('198.51.100.7');
    if (nowMs % 2_000 === 0) honest += (await ask('203.0.113.9')) ? 1 : 0;
  }
  t.equal(
    honest,
    30,
    'ten requests a second of a stranger: every one of ours, each two seconds, is answered',
  );
  t.ok(calls <= 30 + 4 + 30 + 1, `${calls} calls of the NSM`);
  // Strangers of many networks: what the NSM is asked for stays bounded.
  calls = 0;
  for (const start = nowMs; nowMs < start + 10_000; nowMs += 100) await ask(`192.0.2.${nonces % 250}`);
  t.ok(calls <= 10 + 20 + 1, `${calls} calls within ten seconds: 20 % of its time, and a first burst`);
});

void t.test('who comes over the bridge cannot be told apart, and is not held to the share of one', (t) => {
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '127.8.9.1', '::1', undefined]) {
    t.equal(strangersNetwork(address), null, String(address));
  }
  for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8:1:2:3::4', '227.0.0.1'])
    t.equal(strangersNetwork(address), networkOf(address));
  t.end();
});

void t.test('an NSM that is slow makes nobody wait without end', async (t) => {
  const time = new TestTime();
  t.teardown(() => {
    time.close();
  });
  const gate = Promise.withResolvers<Bytes>();
  const queue = new NsmQueue(
    { kind: 'device', attest: () => gate.promise } as unknown as ConstructorParameters<typeof NsmQueue>[0],
    time,
  );
  const asked = Array.from({ length: 40 }, () => queue.attest({}, 'nonce').catch((error: unknown) => error));
  gate.resolve(new Uint8Array(1));
  const answers = await Promise.all(asked);
  const limited = answers.filter((answer) => answer instanceof RateLimited);
  t.equal(limited.length, 7, 'one under way, 32 waiting');
  t.equal(limited[0]?.retryAfterSeconds, 5);
});
