// The product's own package from one version to the next, through the timelock and through `migrate`, as an operator
// would do it. The next version is the real sources with another VERSION and another shape of the cluster's state.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { generateEd25519, nodeClaimMessage, type Signer } from '@k3s-daas/core';
import { compilePackage, type CompiledPackage } from '@k3s-daas/move';
import { bcs } from '@mysten/sui/bcs';
import { Transaction, type TransactionArgument } from '@mysten/sui/transactions';
import { toBase64 } from '@mysten/sui/utils';
import t, { type Test } from 'tap';

import { changes, createWorld, errorOf, type Result, type World } from './testdata/world.ts';

const DAAS = fileURLToPath(new URL('../move/daas', import.meta.url));
const UPGRADES = fileURLToPath(new URL('../move/upgrades', import.meta.url));
const DAY_MS = 86_400_000;
const COMPATIBLE = 0;
const ROLE_NODE = 1;

// === The next version ===

/** Replaces what occurs exactly once: a patch that no longer fits the sources must not pass for one that does. */
function patch(text: string, from: string | RegExp, to: string): string {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${String(from)} occurs ${parts.length - 1} times`);
  return parts.join(to);
}

/** `cluster.move` of a version 2 whose state has one field more, which `migrate` fills in. */
function nextCluster(source: string): string {
  const declared = /public struct ClusterInner has store \{\n([\s\S]*?)\n\}\n/.exec(source);
  if (declared?.[1] === undefined) throw new Error('ClusterInner is not where it was');
  const fields = [...declared[1].matchAll(/^ {4}(\w+):/gm)].map(([, name]) => name).join(', ');
  const renamed = source.replace(declared[0], '').replaceAll('ClusterInner', 'ClusterInnerV2');
  const versioned = patch(renamed, 'const VERSION: u64 = 1;', 'const VERSION: u64 = 2;');
  const created = patch(
    versioned,
    'ClusterInnerV2 {\n        config_digest,',
    'ClusterInnerV2 {\n        came_from: 0,\n        config_digest,',
  );
  const migrating = patch(
    created,
    /let \(inner, change\) = cluster\.inner\.remove_value_for_upgrade<ClusterInnerV2>\(\);\n {4}cluster\.inner\.upgrade\(VERSION, inner, change\);\n {4}event/,
    `let (inner, change) = cluster.inner.remove_value_for_upgrade<ClusterInner>();
    let ClusterInner { ${fields} } = inner;
    let next = ClusterInnerV2 { came_from: from_version, ${fields} };
    cluster.inner.upgrade(VERSION, next, change);
    event`,
  );
  return `${migrating}
${declared[0]}
public struct ClusterInnerV2 has store {
    came_from: u64,
${declared[1]}
}

public fun came_from(cluster: &Cluster): u64 { cluster.inner().came_from }
`;
}

async function compileNext(): Promise<CompiledPackage> {
  const dir = await mkdtemp(join(tmpdir(), 'daas-upgrade-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  await cp(join(DAAS, 'Move.toml'), join(dir, 'Move.toml'));
  await cp(join(DAAS, 'sources'), join(dir, 'sources'), { recursive: true });
  const path = join(dir, 'sources', 'cluster.move');
  await writeFile(path, nextCluster(await readFile(path, 'utf8')));
  return await compilePackage({ dir });
}

// === The chain ===

type Args = (tx: Transaction) => TransactionArgument[];

function idOf(result: Result, suffix: string): string {
  const found = changes(result).created.find(({ type }) => type.endsWith(suffix))?.id;
  if (found === undefined) throw new Error(`no ${suffix} in ${JSON.stringify(result, null, 1)}`);
  return found;
}

function publish(
  world: World,
  compiled: CompiledPackage,
  then: (tx: Transaction, cap: TransactionArgument) => void,
) {
  return world.run((tx) => {
    const modules = compiled.modules.map(toBase64);
    then(tx, tx.publish({ modules, dependencies: [...compiled.dependencies] }));
  });
}

/** Executes without a dry run first: the result has a failed status if it fails. */
async function attempt(world: World, build: (tx: Transaction) => void): Promise<Result> {
  const budgeted = (tx: Transaction): void => {
    tx.setGasBudget(50_000_000n);
    build(tx);
  };
  return await world.run(budgeted, world.user, 'unresolved');
}

async function call(world: World, target: string, args: Args): Promise<Result> {
  return await attempt(world, (tx) => void tx.moveCall({ target, arguments: args(tx) }));
}

async function view(world: World, target: string, cluster: string): Promise<bigint> {
  const tx = new Transaction();
  tx.setSender(world.address);
  tx.moveCall({ target, arguments: [tx.object(cluster)] });
  const { commandResults } = await world.client.simulateTransaction({
    transaction: tx,
    include: { commandResults: true },
  });
  return BigInt(bcs.u64().parse(commandResults[0]?.returnValues[0]?.bcs ?? new Uint8Array()));
}

function aborts(t: Test, result: Result, module: string, code: string, message: string): void {
  t.match(errorOf(result), { MoveAbort: { abortCode: code, location: { module } } }, message);
}

function succeeds(t: Test, result: Result, message: string): void {
  t.ok(result.Transaction?.status.success, `${message} ${JSON.stringify(errorOf(result) ?? '')}`);
}

function terms(tx: Transaction, daas: string): TransactionArgument {
  const numbers = (name: string, values: number[]) =>
    tx.moveCall({
      target: `${daas}::parameters::${name}`,
      arguments: values.map((value) => tx.pure.u64(value)),
    });
  return tx.moveCall({
    target: `${daas}::parameters::new`,
    arguments: [
      numbers('new_stakes', [100, 1_000, 10_000, 500, 100, 60_000, 60_000, 60_000]),
      numbers('new_enclaves', [300_000, 700, 1_000]),
      numbers('new_votes', [20_000, 10_000, 40_000, 4_000, 5_000, 50]),
    ],
  });
}

async function createCluster(world: World, daas: string): Promise<{ cluster: string; cap: string }> {
  const created = await world.run((tx) => {
    const parameters = terms(tx, daas);
    const bytes = (byte: number, length: number) =>
      tx.pure.vector(
        'u8',
        Array.from({ length }, () => byte),
      );
    const cap = tx.moveCall({
      target: `${daas}::cluster::create`,
      arguments: [bytes(1, 32), bytes(2, 32), bytes(10, 48), bytes(11, 48), bytes(12, 48), parameters],
    });
    tx.transferObjects([cap], world.address);
  });
  return { cluster: idOf(created, '::cluster::Cluster'), cap: idOf(created, '::cluster::ClusterCap') };
}

async function stake(world: World, daas: string, cluster: string, amount: number): Promise<string> {
  const staked = await world.run((tx) => {
    const [coin] = tx.splitCoins(tx.gas, [amount]);
    const position = tx.moveCall({
      target: `${daas}::staking::stake`,
      arguments: [tx.object(cluster), coin, tx.pure.u8(ROLE_NODE), tx.object.clock()],
    });
    tx.moveCall({ target: `${daas}::staking::share`, arguments: [position] });
  });
  return idOf(staked, '::staking::Position');
}

/** `nodes::claim` of 4 cores and 8 GiB. */
function claim(world: World, daas: string, cluster: string, position: string, name: string, key: Signer) {
  const csrKeyHash = new Uint8Array(32).fill(9);
  const stakeId = position as `0x${string}`;
  const message = nodeClaimMessage({
    cluster: cluster,
    stake: stakeId,
    node: name,
    csrKeyHash,
  });
  return call(world, `${daas}::nodes::claim`, (tx) => [
    tx.object(cluster),
    tx.object(position),
    tx.pure.string(name),
    tx.pure.vector('u8', key.publicKey),
    tx.pure.vector('u8', csrKeyHash),
    tx.pure.u64(4_000),
    tx.pure.u64(8_192),
    tx.pure.vector('u8', key.sign(message)),
    tx.object.clock(),
  ]);
}

/** Proposes the terms that the cluster has, with a deposit from the gas coin. */
async function propose(world: World, daas: string, cluster: string, position: string): Promise<Result> {
  return await world.run((tx) => {
    const proposal = tx.moveCall({
      target: `${daas}::governance::propose_parameters`,
      arguments: [tx.object(cluster), tx.object(position), tx.gas, terms(tx, daas), tx.object.clock()],
    });
    tx.moveCall({ target: `${daas}::governance::share`, arguments: [proposal] });
  });
}

function topUp(world: World, daas: string, cluster: string, position: string): Promise<Result> {
  return attempt(world, (tx) => {
    const [coin] = tx.splitCoins(tx.gas, [7]);
    tx.moveCall({
      target: `${daas}::staking::top_up`,
      arguments: [tx.object(cluster), tx.object(position), coin, tx.object.clock()],
    });
  });
}

void t.test('k3s_daas from version 1 to 2: announced, waited for, upgraded, migrated', async (t) => {
  await using world = await createWorld();
  const run = (target: string, args: Args) => call(world, target, args);

  // The timelock's package is immutable, the product's capability behind it in the transaction that publishes it.
  const upgrades = idOf(
    await publish(world, await compilePackage({ dir: UPGRADES }), (tx, cap) => {
      tx.moveCall({ target: '0x2::package::make_immutable', arguments: [cap] });
    }),
    'package',
  );
  const v1Code = await compilePackage({ dir: DAAS });
  const published = await publish(world, v1Code, (tx, cap) => {
    const timelock = tx.moveCall({
      target: `${upgrades}::timelock::lock`,
      arguments: [cap, tx.pure.u64(DAY_MS)],
    });
    tx.transferObjects([timelock], world.address);
  });
  const v1 = idOf(published, 'package');
  const timelock = idOf(published, '::timelock::Timelock');
  const owned = { owner: world.address, type: '0x2::package::UpgradeCap' };
  t.notOk(
    (await world.client.listOwnedObjects(owned)).objects.find(({ objectId }) =>
      changes(published).created.some(({ id }) => id === objectId),
    ),
    'nobody holds the capability itself',
  );

  const { cluster, cap } = await createCluster(world, v1);
  const position = await stake(world, v1, cluster, 5_000);
  const nodeKey = generateEd25519();
  succeeds(t, await claim(world, v1, cluster, position, 'worker-1', nodeKey), 'a claim under version 1');
  t.equal(await view(world, `${v1}::cluster::version`, cluster), 1n);

  const v2Code = await compileNext();
  t.notSame(v2Code.digest, v1Code.digest);
  const announce = (digest: Uint8Array) =>
    run(`${upgrades}::timelock::announce`, (tx) => [
      tx.object(timelock),
      tx.pure.vector('u8', digest),
      tx.pure.u8(COMPATIBLE),
      tx.object.clock(),
    ]);
  const upgrade = (code: CompiledPackage) =>
    attempt(world, (tx) => {
      const ticket = tx.moveCall({
        target: `${upgrades}::timelock::authorize`,
        arguments: [tx.object(timelock), tx.object.clock()],
      });
      const modules = code.modules.map(toBase64);
      const receipt = tx.upgrade({ modules, dependencies: [...code.dependencies], package: v1, ticket });
      tx.moveCall({ target: `${upgrades}::timelock::commit`, arguments: [tx.object(timelock), receipt] });
    });

  aborts(t, await upgrade(v2Code), 'timelock', '6', 'not announced');
  succeeds(t, await announce(v2Code.digest), 'announced');
  aborts(t, await upgrade(v2Code), 'timelock', '7', 'too early');
  world.ledger.clock.advance(DAY_MS);
  t.match(errorOf(await upgrade(v1Code)), { PackageUpgradeError: {} }, 'other code than what was announced');
  const upgraded = await upgrade(v2Code);
  succeeds(t, upgraded, 'upgraded once the delay had passed');
  const v2 = idOf(upgraded, 'package');
  aborts(t, await upgrade(v2Code), 'timelock', '6', 'an announcement is good for one upgrade');

  // Between upgrade and migration the old version works, and the new one refuses.
  succeeds(t, await topUp(world, v1, cluster, position), 'version 1 before the migration');
  aborts(t, await topUp(world, v2, cluster, position), 'cluster', '0', 'version 2 before the migration');
  const migrate = (daas: string, key = cap) =>
    run(`${daas}::cluster::migrate`, (tx) => [tx.object(cluster), tx.object(key)]);
  aborts(t, await migrate(v1), 'cluster', '11', 'version 1 has nothing to migrate');
  const other = await createCluster(world, v2);

  // A vote that is open while the cluster migrates. Stake of the same millisecond would have no say in it.
  succeeds(t, await run(`${v1}::cluster::govern`, (tx) => [tx.object(cluster), tx.object(cap)]), 'governed');
  world.ledger.clock.advance(1);
  const proposed = await propose(world, v1, cluster, position);
  const proposal = idOf(proposed, '::governance::Proposal');
  aborts(t, await migrate(v2, other.cap), 'cluster', '1', 'the capability of another cluster');

  const migrated = await migrate(v2);
  succeeds(t, migrated, 'migrated');
  const event = migrated.Transaction?.events[0];
  t.equal(event?.eventType, `${v1}::cluster::Migrated`, 'types keep the id of the package that defined them');
  t.strictSame(
    bcs
      .struct('Migrated', { cluster: bcs.Address, from: bcs.u64(), to: bcs.u64() })
      .parse(event?.bcs ?? new Uint8Array()),
    { cluster, from: '1', to: '2' },
  );
  aborts(t, await migrate(v2), 'cluster', '11', 'migrated once');

  const vote = (daas: string) =>
    run(`${daas}::governance::vote`, (tx) => [
      tx.object(cluster),
      tx.object(proposal),
      tx.object(position),
      tx.pure.bool(true),
      tx.object.clock(),
    ]);
  aborts(t, await vote(v1), 'cluster', '0', 'version 1 takes no vote any more');
  succeeds(t, await vote(v2), 'a vote under version 2 on a proposal of version 1');
  aborts(t, await vote(v2), 'governance', '14', 'one vote');
  const decide = () =>
    run(`${v2}::governance::execute_parameters`, (tx) => [
      tx.object(cluster),
      tx.object(proposal),
      tx.object.clock(),
    ]);
  world.ledger.clock.advance(29_999);
  aborts(t, await decide(), 'governance', '18', 'the timelock has a millisecond left');
  world.ledger.clock.advance(1);
  const decided = await decide();
  succeeds(t, decided, 'executed under version 2');
  t.strictSame(
    decided.Transaction?.events.map(({ eventType }) => eventType),
    [`${v1}::cluster::ParametersChanged`, `${v1}::governance::ProposalExecuted`],
  );
  const coins = (await world.client.listCoins({ owner: world.address })).objects;
  const deposit = coins.find(({ balance }) => balance === '50');
  t.ok(deposit, 'the deposit came back');
  // Out of the way of the gas coin.
  await world.run((tx) => void tx.transferObjects([deposit?.objectId ?? ''], '0x1'));

  // After it, the other way round; and what version 1 made lives on.
  aborts(t, await topUp(world, v1, cluster, position), 'cluster', '0', 'version 1 after the migration');
  aborts(
    t,
    await run(`${v1}::nodes::leave`, (tx) => [tx.object(cluster), tx.object(position), tx.object.clock()]),
    'cluster',
    '0',
    'version 1 cannot touch claims either',
  );
  succeeds(t, await topUp(world, v2, cluster, position), 'a position of version 1 under version 2');
  t.equal(await view(world, `${v2}::cluster::came_from`, cluster), 1n, 'the new field');
  t.equal(await view(world, `${v2}::cluster::active_total`, cluster), 5_014n, 'the sums came along');
  const second = await stake(world, v2, cluster, 5_000);
  const taken = await claim(world, v2, cluster, second, 'worker-1', nodeKey);
  aborts(t, taken, 'nodes', '2', 'the claim of version 1 still holds its name');
  succeeds(
    t,
    await run(`${v2}::nodes::leave`, (tx) => [tx.object(cluster), tx.object(position), tx.object.clock()]),
    'the claim of version 1 is given up under version 2',
  );
  succeeds(t, await claim(world, v2, cluster, second, 'worker-1', nodeKey), 'and its name is free');
  succeeds(
    t,
    await run(`${v2}::staking::request_unbond`, (tx) => [
      tx.object(cluster),
      tx.object(position),
      tx.pure.u64(5_014),
      tx.object.clock(),
    ]),
    'the stake of version 1 leaves under version 2',
  );
});
