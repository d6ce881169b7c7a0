import t from 'tap';

import { bcs } from '@mysten/sui/bcs';

import { createWorld } from './testdata/world.ts';

void t.test('publish, call, events and reads through the unmodified client', async (t) => {
  await using world = await createWorld();
  const { client, packageId, counterId, address, run } = world;
  t.match(packageId, /^0x[0-9a-f]{64}$/);
  const result = await run((tx) => {
    tx.moveCall({
      target: `${packageId}::counter::add`,
      arguments: [tx.object(counterId), tx.pure.u64(5), tx.object.clock()],
    });
  });
  t.equal(result.$kind, 'Transaction');
  const done = result.Transaction;
  t.ok(done?.status.success);
  t.equal(done?.events.length, 1);
  t.strictSame(
    bcs
      .struct('Counted', { by: bcs.Address, value: bcs.u64() })
      .parse(done?.events[0]?.bcs ?? new Uint8Array()),
    { by: address, value: '5' },
  );
  const waited = await client.waitForTransaction({ digest: done?.digest ?? '', include: { effects: true } });
  t.equal(waited.Transaction?.digest, done?.digest);
  const events = await client.listEvents({ filter: { eventType: `${packageId}::counter::Counted` } });
  t.equal(events.events.length, 1);
  const { object } = await client.getObject({ objectId: counterId, include: { content: true } });
  t.equal(object.owner.$kind, 'Shared');
  t.equal(object.type, `${packageId}::counter::Counter`);
});
