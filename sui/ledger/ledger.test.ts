import { join } from 'node:path';

import { compilePackage } from '@k3s-daas/move';
import { bcs } from '@mysten/sui/bcs';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Transaction } from '@mysten/sui/transactions';
import { deriveDynamicFieldID, normalizeSuiAddress } from '@mysten/sui/utils';
import fc from 'fast-check';
import t from 'tap';

import { feeAt, REFERENCE_GAS_PRICE } from './index.ts';
import { CHAIN_START_MS, changes, createWorld, errorOf, snapshot, type World } from './testdata/world.ts';

const FEE = feeAt(REFERENCE_GAS_PRICE);
const Counted = bcs.struct('Counted', { by: bcs.Address, value: bcs.u64() });

function target(world: World, name: string): string {
  return `${world.packageId}::counter::${name}`;
}

/** Makes a ticket and returns its id. */
async function newTicket(world: World, number: number, owner = world.address): Promise<string> {
  const result = await world.run((tx) => {
    const ticket = tx.moveCall({ target: target(world, 'ticket'), arguments: [tx.pure.u64(number)] });
    tx.transferObjects([ticket], owner);
  });
  return changes(result).created.find(({ type }) => type.endsWith('::Ticket'))?.id ?? '';
}

/** Return values of one call, simulated. */
async function view(
  world: World,
  build: (tx: Transaction) => void,
  checksEnabled = true,
): Promise<Uint8Array[]> {
  const tx = new Transaction();
  tx.setSender(world.address);
  build(tx);
  const result = await world.client.simulateTransaction({
    transaction: tx,
    checksEnabled,
    include: { commandResults: true },
  });
  return result.commandResults.at(-1)?.returnValues.map((value) => value.bcs) ?? [];
}

void t.test('publish, call, events and reads through the unmodified client', async (t) => {
  await using world = await createWorld();
  const { client, packageId, counterId, address, run } = world;
  t.match(packageId, /^0x[0-9a-f]{64}$/);
  const before = BigInt((await client.getBalance({ owner: address })).balance.balance);
  const result = await run((tx) => {
    tx.moveCall({
      target: target(world, 'add'),
      arguments: [tx.object(counterId), tx.pure.u64(5), tx.object.clock()],
    });
    tx.moveCall({ target: target(world, 'name'), arguments: [tx.object(counterId), tx.pure.string('Ada')] });
  });
  const done = result.Transaction;
  t.ok(done?.status.success);
  t.strictSame(
    done?.events.map((event) => [event.eventType, Counted.parse(event.bcs)]),
    [[`${packageId}::counter::Counted`, { by: address, value: '5' }]],
  );
  t.strictSame(
    done?.balanceChanges.map(({ address: owner, amount }) => [owner, amount]),
    [[address, `-${FEE}`]],
    'the flat fee and nothing else',
  );
  const after = BigInt((await client.getBalance({ owner: address })).balance.balance);
  t.equal(before - after, FEE);
  const effects = bcs.TransactionEffects.parse(done?.effects.bcs ?? new Uint8Array());
  t.equal(effects.V2?.transactionDigest, done?.digest, 'effects parse as Sui’s own BCS');

  const waited = await client.waitForTransaction({
    digest: done?.digest ?? '',
    include: { effects: true, transaction: true },
  });
  t.equal(waited.Transaction?.transaction.sender, address);
  t.equal(waited.Transaction?.transaction.commands.length, 2);
  const { object } = await client.getObject({
    objectId: counterId,
    include: { content: true, objectBcs: true },
  });
  t.equal(object.owner.$kind, 'Shared');
  t.equal(object.type, `${packageId}::counter::Counter`);
  t.equal(bcs.Object.parse(object.objectBcs).previousTransaction, done?.digest);
  const Counter = bcs.struct('Counter', {
    id: bcs.Address,
    value: bcs.u64(),
    names: bcs.struct('Table', { id: bcs.Address, size: bcs.u64() }),
    updatedMs: bcs.u64(),
  });
  const counter = Counter.parse(object.content);
  t.match(counter, { id: counterId, value: '5', names: { size: '1' }, updatedMs: String(CHAIN_START_MS) });

  const fields = await client.listDynamicFields({ parentId: counter.names.id });
  const name = bcs.Address.serialize(address).toBytes();
  t.equal(
    fields.dynamicFields[0]?.fieldId,
    deriveDynamicFieldID(counter.names.id, 'address', name),
    'the id clients derive',
  );
  const { dynamicField } = await client.getDynamicField({
    parentId: counter.names.id,
    name: { type: 'address', bcs: name },
  });
  t.equal(bcs.string().parse(dynamicField.value.bcs), 'Ada');

  const { function: add } = await client.getMoveFunction({ packageId, moduleName: 'counter', name: 'add' });
  t.strictSame([add.visibility, add.isEntry, add.parameters.length], ['public', false, 4]);
  t.equal(add.parameters[0]?.reference, 'mutable');
  t.equal((await client.getChainIdentifier()).chainIdentifier, world.ledger.chainId);
  t.equal((await client.getReferenceGasPrice()).referenceGasPrice, '1000');
  t.equal((await client.getCurrentSystemState()).systemState.epoch, '0');
  t.equal(
    (await client.listOwnedObjects({ owner: address, type: `0x2::package::UpgradeCap` })).objects.length,
    1,
  );
  t.equal((await client.listCoins({ owner: address })).objects.length, 1);
  const missing = (await client.getObjects({ objectIds: [`0x${'9'.repeat(64)}`] })).objects[0];
  t.match(missing, { reason: 'notFound' });
  const sent = await client.listTransactions({ filter: { function: `${packageId}::counter::add` } });
  t.equal(sent.transactions.length, 1);
});

void t.test(
  'simulation: views, private functions and references without checks, no effect on the state',
  async (t) => {
    await using world = await createWorld();
    const before = snapshot(world);
    const counter = (tx: Transaction) => [tx.object(world.counterId)];
    const call = (name: string) => (tx: Transaction) => {
      tx.moveCall({ target: target(world, name), arguments: name.startsWith('hidden') ? [] : counter(tx) });
    };
    t.strictSame(
      (await view(world, call('value'))).map((value) => bcs.u64().parse(value)),
      ['0'],
    );
    t.strictSame(
      (await view(world, call('value_ref'), false)).map((value) => bcs.u64().parse(value)),
      ['0'],
    );
    t.strictSame(
      (await view(world, call('hidden'), false)).map((value) => bcs.u64().parse(value)),
      ['42'],
    );
    await t.rejects(world.run(call('hidden')), /neither public nor entry/);
    await t.rejects(world.run(call('value_ref')), /returns a reference/);
    await t.rejects(world.run(call('nowhere')), /does not exist/);
    t.strictSame(snapshot(world), before);
  },
);

void t.test('objects: create, mutate, wrap, unwrap, delete, children, receive, freeze', async (t) => {
  await using world = await createWorld();
  const { client, run, address } = world;
  const call = (tx: Transaction, name: string, args: Parameters<Transaction['moveCall']>[0]['arguments']) =>
    tx.moveCall({ target: target(world, name), ...(args === undefined ? {} : { arguments: args }) });
  const id = await newTicket(world, 1);
  const owned = async () =>
    (await client.listOwnedObjects({ owner: address, type: `${world.packageId}::counter::Ticket` })).objects;
  const first = (await owned())[0];
  t.equal(first?.objectId, id);

  const mutated = changes(await run((tx) => void call(tx, 'renumber', [tx.object(id), tx.pure.u64(2)])));
  t.strictSame([mutated.created, mutated.deleted, mutated.wrapped], [[], [], []]);
  t.ok(
    mutated.mutated.some(
      (change) => change.id === id && BigInt(change.version) > BigInt(first?.version ?? 0),
    ),
  );

  const wrapped = changes(await run((tx) => void call(tx, 'wrap', [tx.object(id)])));
  t.strictSame(wrapped.wrapped, [id]);
  t.equal((await owned()).length, 0);
  const wrapper = wrapped.created.find(({ type }) => type.endsWith('::Wrapper'))?.id ?? '';
  const unwrapped = changes(
    await run((tx) => {
      tx.transferObjects([call(tx, 'unwrap', [tx.object(wrapper)])], address);
    }),
  );
  t.strictSame(unwrapped.deleted, [wrapper]);
  t.strictSame(unwrapped.unwrapped, [id]);

  const child = await newTicket(world, 3);
  const attached = changes(
    await run((tx) => void call(tx, 'attach', [tx.object(id), tx.pure.u64(9), tx.object(child)])),
  );
  t.equal(attached.created.length, 1, 'the field object');
  const { dynamicFields } = await client.listDynamicFields({ parentId: id });
  t.match(dynamicFields, [
    { $kind: 'DynamicObject', childId: child, valueType: `${world.packageId}::counter::Ticket` },
  ]);
  t.equal(
    (
      await client.getDynamicObjectField({
        parentId: id,
        name: { type: 'u64', bcs: bcs.u64().serialize(9).toBytes() },
      })
    ).object.objectId,
    child,
  );
  await t.rejects(
    run((tx) => void call(tx, 'renumber', [tx.object(child), tx.pure.u64(4)])),
    /owned by other objects cannot be used as input/,
  );
  const detached = changes(
    await run((tx) => {
      tx.transferObjects([call(tx, 'detach', [tx.object(id), tx.pure.u64(9)])], address);
    }),
  );
  t.equal(detached.deleted.length, 1);
  for (const text of ['one', 'two']) {
    t.ok(
      (await run((tx) => void call(tx, 'note', [tx.object(id), tx.pure.string('k'), tx.pure.string(text)])))
        .Transaction,
    );
  }

  const sent = await newTicket(world, 5, id);
  const received = changes(
    await run((tx) => {
      tx.transferObjects([call(tx, 'receive', [tx.object(id), tx.object(sent)])], address);
    }),
  );
  t.ok(received.mutated.some((change) => change.id === sent));
  const deleted = changes(await run((tx) => void call(tx, 'tear', [tx.object(sent)])));
  t.strictSame(deleted.deleted, [sent]);
  await run((tx) => void call(tx, 'freeze_ticket', [tx.object(child)]));
  t.equal((await client.getObject({ objectId: child })).object.owner.$kind, 'Immutable');
  await t.rejects(
    run((tx) => void call(tx, 'renumber', [tx.object(child), tx.pure.u64(4)])),
    /invalid object by mut ref/,
  );
  t.strictSame(await view(world, (tx) => void call(tx, 'number', [tx.object(child)])), [
    bcs.u64().serialize(3).toBytes(),
  ]);
  const removed = changes(await run((tx) => void call(tx, 'remove_counter', [tx.object(world.counterId)])));
  t.strictSame(removed.deleted, [world.counterId], 'a shared object may be deleted');
});

void t.test('coins and vectors: split, merge, transfer, make a vector, gas coin', async (t) => {
  await using world = await createWorld();
  const { client, run, address } = world;
  const other = new Ed25519Keypair().toSuiAddress();
  const split = await run((tx) => {
    const [a, b, c] = tx.splitCoins(tx.gas, [100, 200, 300]);
    tx.mergeCoins(a, [b]);
    tx.transferObjects([a, c], other);
  });
  t.ok(split.Transaction?.status.success);
  const coins = await client.listCoins({ owner: other });
  t.strictSame(coins.objects.map(({ balance }) => balance).sort(), ['300', '300']);
  t.equal((await client.getBalance({ owner: other })).balance.balance, '600');
  const sum = await run((tx) => {
    const tickets = [1, 2, 3].map((n) =>
      tx.moveCall({ target: target(world, 'ticket'), arguments: [tx.pure.u64(n)] }),
    );
    tx.moveCall({ target: target(world, 'sum'), arguments: [tx.makeMoveVec({ elements: tickets })] });
  });
  t.ok(sum.Transaction?.status.success);
  t.strictSame(changes(sum).created, [], 'made and torn in one transaction');
  await t.rejects(
    run((tx) => {
      tx.transferObjects([tx.splitCoins(tx.gas, [10n ** 18n])], other);
    }),
    /less than the 1000000000000000000 to split off/,
  );
  const all = await run((tx) => {
    tx.transferObjects([tx.gas], other);
  });
  t.ok(all.Transaction?.status.success, 'the gas coin may be given away');
  t.equal((await client.getBalance({ owner: address })).balance.balance, '0');
  await t.rejects(
    run((tx) => void tx.moveCall({ target: target(world, 'hidden_twice') })),
    /insufficient SUI balance/,
  );
  world.ledger.faucet(address, FEE);
  world.ledger.faucet(address, FEE - 1n);
  t.ok(
    (
      await run((tx) => {
        tx.setGasBudget(2n * FEE - 1n);
      })
    ).Transaction,
    'two coins are smashed into one',
  );
  t.strictSame(
    (await client.listCoins({ owner: address })).objects.map(({ balance }) => balance),
    [String(FEE - 1n)],
  );
});

void t.test('a failed transaction pays gas and leaves contents as they were', async (t) => {
  await using world = await createWorld({ limits: { stepsMax: 100_000, callDepthMax: 64 } });
  const { client, counterId, run, address } = world;
  const ticket = await newTicket(world, 1);
  const content = async (id: string) =>
    (await client.getObject({ objectId: id, include: { content: true } })).object.content;
  const before = [await content(counterId), await content(ticket)];
  const balance = BigInt((await client.getBalance({ owner: address })).balance.balance);
  const failed = await run(
    (tx) => {
      tx.setGasBudget(FEE);
      tx.moveCall({
        target: target(world, 'fail_after_changes'),
        arguments: [tx.object(counterId), tx.object(ticket)],
      });
    },
    undefined,
    'unresolved',
  );
  t.equal(failed.$kind, 'FailedTransaction');
  t.match(errorOf(failed), {
    $kind: 'MoveAbort',
    command: 0,
    MoveAbort: {
      abortCode: '7',
      location: { package: world.packageId, module: 'counter', functionName: 'fail_after_changes' },
    },
  });
  t.strictSame([await content(counterId), await content(ticket)], before);
  t.equal(balance - BigInt((await client.getBalance({ owner: address })).balance.balance), FEE);
  t.equal(failed.FailedTransaction?.events.length, 0);
  t.equal(
    (await client.listEvents({ filter: { emitModule: `${world.packageId}::counter` } })).events.length,
    0,
  );

  await t.rejects(
    run((tx) => {
      const args = [tx.object(counterId), tx.pure.u64(13), tx.object.clock()];
      tx.moveCall({ target: target(world, 'add'), arguments: args });
    }),
    /'EForbidden': Thirteen is not counted\./,
    'an #[error] constant is named with its text',
  );
  const rejected: [string, (tx: Transaction) => void, RegExp][] = [
    ['step limit', (tx) => void tx.moveCall({ target: target(world, 'spin') }), /step limit/],
    [
      'call depth',
      (tx) => void tx.moveCall({ target: target(world, 'recurse'), arguments: [tx.pure.u64(70)] }),
      /nested deeper than 64/,
    ],
    [
      'native',
      (tx) => void tx.moveCall({ target: target(world, 'hash_unknown') }),
      /::poseidon::poseidon_bn254_internal/,
    ],
    [
      'underflow',
      (tx) => void tx.moveCall({ target: target(world, 'underflow'), arguments: [tx.pure.u64(0)] }),
      /arithmetic error/,
    ],
    [
      'left over',
      (tx) => void tx.moveCall({ target: target(world, 'ticket'), arguments: [tx.pure.u64(0)] }),
      /cannot be dropped/,
    ],
    [
      'arity',
      (tx) => void tx.moveCall({ target: target(world, 'ticket'), arguments: [] }),
      /takes 1 arguments, got 0/,
    ],
    [
      'type',
      (tx) => void tx.moveCall({ target: target(world, 'number'), arguments: [tx.object(counterId)] }),
      /type mismatch/,
    ],
    [
      'bytes',
      (tx) => void tx.moveCall({ target: target(world, 'ticket'), arguments: [tx.pure.u8(1)] }),
      /invalid bcs bytes/,
    ],
    [
      'pure object',
      (tx) => void tx.moveCall({ target: target(world, 'tear'), arguments: [tx.pure.u64(1)] }),
      /invalid usage of pure argument/,
    ],
    [
      'shared kept',
      (tx) => void tx.moveCall({ target: target(world, 'keep_counter'), arguments: [tx.object(counterId)] }),
      /neither deleted nor shared/,
    ],
    [
      'moved twice',
      (tx) => {
        tx.moveCall({ target: target(world, 'tear'), arguments: [tx.object(ticket)] });
        tx.moveCall({ target: target(world, 'tear'), arguments: [tx.object(ticket)] });
      },
      /invalid value usage/,
    ],
    [
      'borrowed twice',
      (tx) =>
        void tx.moveCall({
          target: target(world, 'swap'),
          arguments: [tx.object(ticket), tx.object(ticket)],
        }),
      /invalid value usage/,
    ],
    [
      'borrowed after a move',
      (tx) => {
        tx.moveCall({ target: target(world, 'tear'), arguments: [tx.object(ticket)] });
        tx.moveCall({ target: target(world, 'renumber'), arguments: [tx.object(ticket), tx.pure.u64(1)] });
      },
      /invalid value usage/,
    ],
    [
      'moved while borrowed',
      (tx) =>
        void tx.moveCall({
          target: target(world, 'attach'),
          arguments: [tx.object(ticket), tx.pure.u64(1), tx.object(ticket)],
        }),
      /invalid value usage/,
    ],
    [
      'hot potato',
      (tx) => {
        const promise = tx.moveCall({ target: target(world, 'promise'), arguments: [tx.object(ticket)] });
        tx.moveCall({ target: target(world, 'peek'), arguments: [tx.object(ticket)] });
        tx.moveCall({ target: target(world, 'keep'), arguments: [promise] });
      },
      /invalid argument to private entry function/,
    ],
    [
      'upgrade without a ticket',
      (tx) => {
        const ticketArgument = tx.object(ticket);
        tx.upgrade({ modules: [[1]], dependencies: [], package: world.packageId, ticket: ticketArgument });
      },
      /type mismatch/,
    ],
  ];
  for (const [name, build, message] of rejected) await t.rejects(run(build), message, name);
  const cooled = await run((tx) => {
    const promise = tx.moveCall({ target: target(world, 'promise'), arguments: [tx.object(ticket)] });
    tx.moveCall({ target: target(world, 'keep'), arguments: [promise] });
    tx.moveCall({ target: target(world, 'peek'), arguments: [tx.object(ticket)] });
  });
  t.ok(cooled.Transaction, 'once the potato is gone, the entry function takes the object');
});

void t.test('signatures, owners, versions, replays, sponsors', async (t) => {
  await using world = await createWorld();
  const { client, ledger, run, user, address } = world;
  const stranger = new Ed25519Keypair();
  ledger.faucet(stranger.toSuiAddress(), 10n ** 10n);
  const ticket = await newTicket(world, 1);
  const build = async (fill: (tx: Transaction) => void, sender = address) => {
    const tx = new Transaction();
    tx.setSender(sender);
    fill(tx);
    return await tx.build({ client });
  };
  const renumber = (tx: Transaction, number = 7) =>
    void tx.moveCall({
      target: target(world, 'renumber'),
      arguments: [tx.object(ticket), tx.pure.u64(number)],
    });
  const bytes = await build(renumber);
  const good = (await user.signTransaction(bytes)).signature;
  const foreign = (await stranger.signTransaction(bytes)).signature;
  const other = (await user.signTransaction(await build(() => undefined))).signature;
  const before = snapshot(world);
  await t.rejects(
    ledger.executeTransaction(bytes, [foreign]),
    { code: 'SIGNATURE_INVALID' },
    'another signer',
  );
  await t.rejects(
    ledger.executeTransaction(bytes, [other]),
    { code: 'SIGNATURE_INVALID' },
    'another message',
  );
  await t.rejects(ledger.executeTransaction(bytes, []), { code: 'SIGNATURE_INVALID' }, 'no signature');
  await t.rejects(
    ledger.executeTransaction(bytes, [good, foreign]),
    { code: 'SIGNATURE_INVALID' },
    'one too many',
  );
  await t.rejects(
    ledger.executeTransaction(bytes, [good, good]),
    { code: 'SIGNATURE_INVALID' },
    'twice the same',
  );
  await t.rejects(run(renumber, stranger), /is owned by account address/, 'wrong owner');
  t.strictSame(snapshot(world), before, 'refusals change nothing');

  const executed = await client.executeTransaction({ transaction: bytes, signatures: [good] });
  const again = await client.executeTransaction({ transaction: bytes, signatures: [good] });
  t.equal(again.Transaction?.checkpoint, executed.Transaction?.checkpoint, 'a replay returns what happened');
  const late = await build(renumber);
  t.ok(
    (
      await run((tx) => {
        renumber(tx, 8);
      })
    ).Transaction,
  );
  await t.rejects(
    client.executeTransaction({
      transaction: late,
      signatures: [(await user.signTransaction(late)).signature],
    }),
    /needs to be rebuilt because object 0x[0-9a-f]{64} version 0x[0-9a-f]+ is unavailable for consumption, current version/,
  );

  const sponsored = new Transaction();
  sponsored.setSender(address);
  sponsored.setGasOwner(stranger.toSuiAddress());
  renumber(sponsored);
  const sponsoredBytes = await sponsored.build({ client });
  const both = [user, stranger].map(async (key) => (await key.signTransaction(sponsoredBytes)).signature);
  const [mine, theirs] = await Promise.all(both);
  await t.rejects(ledger.executeTransaction(sponsoredBytes, [mine ?? '']), { code: 'SIGNATURE_INVALID' });
  const paid = await client.getBalance({ owner: stranger.toSuiAddress() });
  const result = await client.executeTransaction({
    transaction: sponsoredBytes,
    signatures: [theirs ?? '', mine ?? ''],
  });
  t.ok(result.Transaction?.status.success);
  const left = await client.getBalance({ owner: stranger.toSuiAddress() });
  t.equal(BigInt(paid.balance.balance) - BigInt(left.balance.balance), FEE, 'the sponsor paid');

  const expired = await build((tx) => {
    renumber(tx);
    tx.setExpiration({ Epoch: 0 });
  });
  ledger.advanceEpoch();
  await t.rejects(ledger.executeTransaction(expired, [(await user.signTransaction(expired)).signature]), {
    code: 'TRANSACTION_EXPIRED',
  });
});

void t.test('publishing: what is malformed leaves no module behind', async (t) => {
  await using world = await createWorld();
  const { ledger, client, address } = world;
  const record = ledger.objects.get(world.packageId);
  const [published = new Uint8Array()] = record?.kind === 'package' ? [...record.modules.values()] : [];
  const framework = ['0x1', '0x2'].map((id) => normalizeSuiAddress(id));
  const compiled =
    (await compilePackage({ dir: join(import.meta.dirname, 'testdata', 'sandbox') })).modules[0] ??
    new Uint8Array();
  const publish = async (modules: Uint8Array[], dependencies: string[] = framework) => {
    const tx = new Transaction();
    tx.setSender(address);
    tx.transferObjects(
      [tx.publish({ modules: modules.map((module) => Array.from(module)), dependencies })],
      address,
    );
    const result = await client.simulateTransaction({ transaction: tx, include: { effects: true } });
    const changed = result.Transaction?.effects.changedObjects ?? [];
    const id = changed.find(({ outputState }) => outputState === 'PackageWrite')?.objectId;
    return { error: result.FailedTransaction?.status.error?.message, id };
  };
  const { id } = await publish([compiled]);
  t.match(id, /^0x/, 'well-formed: published in the simulation');
  t.equal(ledger.loader.moduleNamed(id ?? '', 'counter'), undefined, 'and gone with it');
  t.match((await publish([published])).error, /must have address 0x0/);
  t.match((await publish([compiled, compiled])).error, /same name/);
  t.match((await publish([compiled], ['0x1'])).error, /not among the dependencies/);
  await t.rejects(publish([compiled], [...framework, `0x${'7'.repeat(64)}`]), /Dependent package not found/);
  t.match((await publish([compiled.slice(0, -20)])).error, /does not deserialize/);
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (at, by) => {
      const bent = Uint8Array.from(compiled);
      bent[at % bent.length] = (bent[at % bent.length] ?? 0) ^ by;
      const before = snapshot(world);
      if ((await publish([bent])).error !== undefined) refused += 1;
      t.strictSame(snapshot(world), before);
    }),
    { seed: 20_261_121, numRuns: 40 },
  );
  t.ok(refused > 0, 'bent bytecode is refused, or harmless');
});

void t.test('clock, epochs, checkpoints and event pages', async (t) => {
  await using world = await createWorld();
  const { client, ledger, run, counterId } = world;
  const add = (by: number) =>
    run(
      (tx) =>
        void tx.moveCall({
          target: target(world, 'add'),
          arguments: [tx.object(counterId), tx.pure.u64(by), tx.object.clock()],
        }),
    );
  const first = await add(1);
  const { response: one } = await client.ledgerService.getCheckpoint({
    checkpointId: { oneofKind: 'sequenceNumber', sequenceNumber: BigInt(first.Transaction?.checkpoint ?? 0) },
    readMask: { paths: ['digest', 'contents'] },
  });
  t.equal(one.checkpoint?.contents?.transactions[0]?.transaction, first.Transaction?.digest);
  ledger.clock.advance(5_000);
  const { response: info } = await client.ledgerService.getServiceInfo({});
  t.equal(Number(info.timestamp?.seconds) * 1_000, CHAIN_START_MS + 5_000);
  const { response: latest } = await client.ledgerService.getCheckpoint({
    checkpointId: { oneofKind: undefined },
    readMask: { paths: ['sequence_number', 'summary'] },
  });
  t.equal(latest.checkpoint?.sequenceNumber, info.checkpointHeight);
  t.equal(latest.checkpoint?.summary?.previousDigest, one.checkpoint?.digest, 'checkpoints form a chain');
  await add(2);
  const updated = await client.getObject({ objectId: counterId, include: { content: true } });
  t.equal(
    Buffer.from(updated.object.content).readBigUInt64LE(80),
    BigInt(CHAIN_START_MS + 5_000),
    'Move sees the clock',
  );
  t.throws(
    () => {
      ledger.clock.set(0);
    },
    { code: 'INPUT_INVALID' },
  );
  ledger.advanceEpoch();
  t.equal((await client.getCurrentSystemState()).systemState.epoch, '1');

  for (const by of [3, 4, 5]) await add(by);
  const eventType = `${world.packageId}::counter::Counted`;
  const values = (page: { events: { bcs: Uint8Array }[] }) =>
    page.events.map((event) => Counted.parse(event.bcs).value);
  const page1 = await client.listEvents({ filter: { eventType }, limit: 2 });
  t.strictSame([values(page1), page1.hasNextPage], [['1', '3'], true]);
  const page2 = await client.listEvents({ filter: { eventType }, limit: 2, after: page1.endCursor });
  t.strictSame([values(page2), page2.hasNextPage], [['6', '10'], true]);
  const page3 = await client.listEvents({ filter: { eventType }, limit: 2, after: page2.endCursor });
  t.strictSame([values(page3), page3.hasNextPage], [['15'], false]);
  const newest = await client.listEvents({
    filter: { sender: world.address },
    order: 'descending',
    limit: 2,
  });
  t.strictSame(values(newest), ['15', '10']);
  const older = await client.listEvents({
    filter: { sender: world.address },
    order: 'descending',
    before: newest.endCursor,
  });
  t.strictSame(values(older), ['6', '3', '1']);
  t.equal(
    (await client.listEvents({ filter: { eventType: `${world.packageId}::counter::Other` } })).events.length,
    0,
  );
});
