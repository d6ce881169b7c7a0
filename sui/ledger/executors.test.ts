import { RpcError } from '@mysten/sui/grpc';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import {
  ParallelTransactionExecutor,
  SerialTransactionExecutor,
  Transaction,
} from '@mysten/sui/transactions';
import t from 'tap';

import { createWorld, type World } from './testdata/world.ts';

const SUI = 1_000_000_000n;

/** Adds to the shared counter; 13 it refuses. */
function add({ packageId, counterId }: World, by: number): Transaction {
  const tx = new Transaction();
  const target = `${packageId}::counter::add` as const;
  tx.moveCall({ target, arguments: [tx.object(counterId), tx.pure.u64(by), tx.object.clock()] });
  return tx;
}

/** Fails in Move: 0 - 1. The gas budget is given, so that no dry run comes before it. */
function underflow({ packageId }: World): Transaction {
  const tx = new Transaction();
  tx.moveCall({ target: `${packageId}::counter::underflow`, arguments: [tx.pure.u64(0)] });
  tx.setGasBudget(5_000_000);
  return tx;
}

async function valueOf({ client, counterId }: World): Promise<bigint> {
  const { object } = await client.getObject({ objectId: counterId, include: { content: true } });
  return Buffer.from(object.content).readBigUInt64LE(32);
}

function person(world: World, seed: number, coins = 1): Ed25519Keypair {
  const pair = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(seed));
  for (let i = 0; i < coins; i += 1) world.ledger.faucet(pair.toSuiAddress(), 20n * SUI);
  return pair;
}

void t.test('SerialTransactionExecutor: 200 transactions, a failing one in between', async (t) => {
  await using world = await createWorld();
  const { client } = world;
  const signer = person(world, 20);
  const executor = new SerialTransactionExecutor({ client, signer, defaultGasBudget: 10_000_000n });
  const before = await valueOf(world);
  const start = performance.now();
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      executor.executeTransaction(i === 100 ? underflow(world) : add(world, 2 * i)),
    ),
  );
  const ms = performance.now() - start;
  t.comment(`200 transactions in ${ms.toFixed(0)} ms`);
  const failed = results.flatMap((result, i) => (result.$kind === 'FailedTransaction' ? [i] : []));
  t.strictSame(failed, [100], 'the failing one resolves as failed, the others run');
  t.match(results[100]?.FailedTransaction?.status.error, { $kind: String });
  t.equal((await valueOf(world)) - before, BigInt(199 * 200 - 200));
  const versions = results.map(({ Transaction: tx, FailedTransaction: bad }) =>
    BigInt((tx ?? bad).effects.gasObject?.outputVersion ?? 0),
  );
  t.ok(
    versions.every((version, i) => i === 0 || version > (versions[i - 1] ?? 0n)),
    'in the order given',
  );

  // Somebody else spends the executor's cached coin: it is told, reads anew and goes on.
  const stranger = await client.listCoins({ owner: signer.toSuiAddress() });
  t.equal(stranger.objects.length, 1);
  const tx = new Transaction();
  tx.setSender(signer.toSuiAddress());
  tx.transferObjects([tx.splitCoins(tx.gas, [1])], world.address);
  await client.signAndExecuteTransaction({ transaction: tx, signer });
  await t.rejects(executor.executeTransaction(add(world, 1)), { message: /is unavailable for consumption/ });
  t.match(await executor.executeTransaction(add(world, 1)), { Transaction: { status: { success: true } } });
});

void t.test('ParallelTransactionExecutor: 200 transactions, a failing one in between', async (t) => {
  await using world = await createWorld();
  const { client } = world;
  const signer = person(world, 30, 3);
  const executor = new ParallelTransactionExecutor({
    client,
    signer,
    maxPoolSize: 20,
    defaultGasBudget: 10_000_000n,
    initialCoinBalance: 100_000_000n,
    minimumCoinBalance: 20_000_000n,
  });
  const before = await valueOf(world);
  const start = performance.now();
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      executor.executeTransaction(i === 77 ? underflow(world) : add(world, 2 * i)),
    ),
  );
  t.comment(`200 transactions in ${(performance.now() - start).toFixed(0)} ms`);
  const failed = results.flatMap((result, i) => (result.$kind === 'FailedTransaction' ? [i] : []));
  t.strictSame(failed, [77]);
  t.equal((await valueOf(world)) - before, BigInt(199 * 200 - 2 * 77), 'nothing lost, nothing twice');

  // Transactions that need the same owned object wait for each other.
  const owner = signer.toSuiAddress();
  const mint = new Transaction();
  const ticket = mint.moveCall({
    target: `${world.packageId}::counter::ticket`,
    arguments: [mint.pure.u64(0)],
  });
  mint.transferObjects([ticket], owner);
  const minted = await executor.executeTransaction(mint, { effects: true });
  const id =
    minted.Transaction?.effects.changedObjects.find(({ idOperation }) => idOperation === 'Created')
      ?.objectId ?? '';
  const renumbered = await Promise.all(
    [1, 2, 3, 4, 5].map((n) => {
      const tx = new Transaction();
      tx.moveCall({
        target: `${world.packageId}::counter::renumber`,
        arguments: [tx.object(id), tx.pure.u64(n)],
      });
      return executor.executeTransaction(tx);
    }),
  );
  t.ok(renumbered.every(({ $kind }) => $kind === 'Transaction'));
  const { object } = await client.getObject({ objectId: id, include: { content: true } });
  t.equal(Buffer.from(object.content).readBigUInt64LE(32), 5n, 'in the order given');
});

void t.test('two transactions want the same version of an owned object: one gets it', async (t) => {
  await using world = await createWorld();
  const { client } = world;
  const signer = person(world, 40, 2);
  const owner = signer.toSuiAddress();
  const { objects } = await client.listCoins({ owner });
  const [coin, other] = objects.map(({ objectId, version, digest }) => ({ objectId, version, digest }));
  if (coin === undefined || other === undefined) throw new Error('two coins were given');
  const spend = async (amount: number, gas = coin): Promise<{ bytes: Uint8Array; signature: string }> => {
    const tx = new Transaction();
    tx.setSender(owner);
    tx.setGasPayment([gas]);
    tx.setGasBudget(5_000_000);
    tx.setGasPrice(1_000);
    tx.setExpiration({ None: true });
    tx.transferObjects([tx.splitCoins(tx.gas, [amount])], world.address);
    const bytes = await tx.build({ client });
    return { bytes, signature: (await signer.signTransaction(bytes)).signature };
  };
  const execute = ({ bytes, signature }: { bytes: Uint8Array; signature: string }) =>
    client.executeTransaction({ transaction: bytes, signatures: [signature], include: { effects: true } });
  const rivals = await Promise.all([1, 2, 3, 4, 5].map((amount) => spend(amount)));
  const outcomes = await Promise.allSettled(rivals.map(execute));
  const won = outcomes.filter(({ status }) => status === 'fulfilled');
  t.equal(won.length, 1, 'exactly one');
  const winner = won[0]?.status === 'fulfilled' ? won[0].value : undefined;
  const now = winner?.Transaction?.effects.gasObject?.outputVersion ?? '';
  const hex = (version: string): string => `0x${BigInt(version).toString(16)}`;
  const text = `Transaction needs to be rebuilt because object ${coin.objectId} version ${hex(coin.version)} is unavailable for consumption, current version: ${hex(now)}`;
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    const error = outcome.reason as RpcError;
    t.ok(error instanceof RpcError);
    t.equal(error.code, 'INVALID_ARGUMENT');
    t.equal(error.message, text, "in a full node's words");
  }
  const index = outcomes.findIndex(({ status }) => status === 'fulfilled');
  const same = rivals[index];
  if (same === undefined) throw new Error('there is a winner');
  t.equal(
    (await execute(same)).Transaction?.digest,
    winner?.Transaction?.digest,
    'a repetition returns what happened',
  );
  const wrongDigest = { ...other, digest: coin.digest };
  await t.rejects(execute(await spend(1, wrongDigest)), {
    code: 'INVALID_ARGUMENT',
    message: `Invalid object digest for object ${other.objectId}, expected digest: ${other.digest}`,
  });
  const future = { ...other, version: '999999' };
  await t.rejects(execute(await spend(1, future)), {
    message: /version 0xf423f is unavailable for consumption/,
  });
  t.match(await execute(await spend(1, other)), { Transaction: {} }, 'the other coin is free');
});

void t.test('a shared object orders the transactions of many senders', async (t) => {
  await using world = await createWorld();
  const { client, counterId } = world;
  const people = Array.from({ length: 20 }, (_, i) => person(world, 100 + i));
  const before = await valueOf(world);
  const results = await Promise.all(
    people.map(async (signer, i) => {
      const transaction = add(world, 2 * i);
      transaction.setSender(signer.toSuiAddress());
      return await client.signAndExecuteTransaction({
        transaction,
        signer,
        include: { effects: true, events: true },
      });
    }),
  );
  const steps = results.map(({ Transaction: tx }) => {
    const change = tx?.effects.changedObjects.find(({ objectId }) => objectId === counterId);
    return {
      from: BigInt(change?.inputVersion ?? 0),
      to: BigInt(change?.outputVersion ?? 0),
      checkpoint: BigInt(tx?.checkpoint ?? 0),
      value: Buffer.from(tx?.events[0]?.bcs ?? []).readBigUInt64LE(32),
    };
  });
  steps.sort((a, b) => (a.from < b.from ? -1 : 1));
  for (const [i, step] of steps.entries()) {
    const last = steps[i - 1];
    if (last === undefined) continue;
    t.equal(step.from, last.to, 'each took the version that the one before left');
    t.ok(step.checkpoint > last.checkpoint && step.value >= last.value);
  }
  t.equal((await valueOf(world)) - before, 380n);
  t.equal(steps.at(-1)?.value, before + 380n);
});
