import { bcs, toBase64 } from '@mysten/bcs';
import { fromHex, isPublicNetwork, NETWORKS } from '@k3s-daas/core';
import { createLedger, serveLedger } from '@k3s-daas/ledger';
import { compileFramework, compilePackage } from '@k3s-daas/move';
import { Transaction, type TransactionArgument, type TransactionResult } from '@mysten/sui/transactions';
import t from 'tap';
import { fileURLToPath } from 'node:url';

import {
  accountsFromKeyFile,
  addressOf,
  connectChain,
  createCluster,
  decodeEvent,
  decodeObject,
  defaultUrl,
  estimatePublish,
  execute,
  generateAccount,
  inspectBalances,
  inspectCheckpoint,
  inspectEvents,
  inspectObject,
  inspectOwned,
  inspectPackage,
  inspectStatus,
  inspectTransaction,
  publishCode,
  requireNetwork,
  stake,
  type Executed,
} from './index.ts';

// MystenLabs/sui, crates/sui/src/unit_tests/keytool_tests.rs, and sdk/typescript's keypair tests.
const KEYS = {
  ed25519: [
    'suiprivkey1qz6qzxye624vk8epr7c9j4flnxm5lze2e7y2pmxzm4qarny03lt8xavx8zj',
    '0x55d07fa035a02cf143f2bea4aa34bbac516560c9386a077af3fd30f169fc2cc2',
  ],
  secp256k1: [
    'suiprivkey1qyqr6yvxdqkh32ep4pk9caqvphmk9epn6rhkczcrhaeermsyvwsg783y9am',
    '0x9e8f732575cc5386f8df3c784cd3ed1b53ce538da79926b2ad54dcc1197d2532',
  ],
  secp256r1: [
    'suiprivkey1qgj6vet4rstf2p00j860xctkg4fyqqq5hxgu4mm0eg60fq787ujnqs5wc8q',
    '0x4a822457f1970468d38dae8e63fb60eefdaa497d74d781f581ea2d137ec36f3a',
  ],
} as const;
const ED25519_SECRET = 'b4011899d2aacb1f211fb059553f99b74f8b2acf88a0ecc2dd41d1cc8f8fd673';

void t.test('key files: suiprivkey and sui.keystore', (t) => {
  for (const [scheme, [secret, address]] of Object.entries(KEYS)) {
    t.strictSame(accountsFromKeyFile(`${secret}\n`).map(addressOf), [address], scheme);
  }
  const item = toBase64(fromHex(`00${ED25519_SECRET}`));
  const accounts = accountsFromKeyFile(JSON.stringify([item, item], null, 2));
  t.strictSame(accounts.map(addressOf), [KEYS.ed25519[1], KEYS.ed25519[1]]);

  const secret = KEYS.ed25519[0];
  const bad = [
    '',
    secret.slice(0, -1),
    `${secret.slice(0, -1)}q`,
    `${secret}\n${secret}`,
    '[',
    '[]',
    '[1]',
    '["!"]',
    '{"key":1}',
    JSON.stringify([toBase64(fromHex(`00${ED25519_SECRET}00`))]),
    JSON.stringify([toBase64(fromHex(`07${ED25519_SECRET}`))]),
    JSON.stringify(['']),
  ];
  for (const text of bad) {
    t.throws(() => accountsFromKeyFile(text), TypeError, text.slice(0, 20));
    t.throws(
      () => accountsFromKeyFile(text),
      { message: /^((?!6qzxye624vk8epr7).)*$/s },
      'nothing is quoted',
    );
  }
  t.end();
});

void t.test('a node of another network is refused', (t) => {
  // sui-types, digests.rs: the first four bytes are the well-known chain identifiers 35834a8a and 4c78adac.
  const mainnet = '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S';
  const testnet = '69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD';
  const other = 'Wmiwh256NxMGKwSHp1thyBUgCz4PMxCuh2wvpRiziCy';
  const accepts = (network: (typeof NETWORKS)[number], chainId: string): boolean => {
    try {
      requireNetwork(network, 'http://node', chainId);
      return true;
    } catch (error) {
      t.match(error, { code: 'CHAIN_FOREIGN' });
      return false;
    }
  };
  t.strictSame(
    NETWORKS.map((network) => [network, ...[mainnet, testnet, other].map((id) => accepts(network, id))]),
    [
      ['embedded', false, false, true],
      ['localnet', false, false, true],
      ['devnet', false, false, true],
      ['testnet', false, true, false],
      ['mainnet', true, false, false],
    ],
  );
  t.strictSame(NETWORKS.filter(isPublicNetwork), ['devnet', 'testnet', 'mainnet']);
  for (const network of NETWORKS) t.equal(isPublicNetwork(network), defaultUrl(network).startsWith('https:'));
  t.end();
});

void t.test('publication and inspection', async (t) => {
  const ledger = createLedger({
    framework: await compileFramework(),
    clock: { startMs: 1_700_000_000_000 },
    verifyAttestation: () => {
      throw new Error('no attestation is trusted here');
    },
  });
  const server = await serveLedger(ledger);
  t.teardown(async () => {
    await server.close();
    ledger.close();
  });
  const chain = connectChain({ url: server.url });
  const { client } = chain;
  const signer = generateAccount();
  const sender = addressOf(signer);
  const compiled = await compilePackage({ dir: fileURLToPath(new URL('../move/daas', import.meta.url)) });

  // The flat fee of sui/ledger/README.md: 1,000 units at 1,000 MIST; the budget has another 1,000 units to spare.
  const estimate = await estimatePublish(client, sender, compiled, 'immutable');
  t.strictSame(estimate, { cost: 1_000_000n, budget: 2_000_000n }, 'a sender without coins can ask');
  t.equal(ledger.checkpoints.latest.sequence, 0n, 'and nothing happens');
  const broken = { ...compiled, modules: compiled.modules.map((code) => code.subarray(0, 40)) };
  await t.rejects(estimatePublish(client, sender, broken, 'keep'), { name: 'ChainError' });
  await t.rejects(publishCode({ client, signer }, compiled, 'keep'), 'without coins nothing is published');

  ledger.faucet(sender, 10_000_000_000n);
  const kept = await publishCode({ client, signer }, compiled, 'keep');
  const immutable = await publishCode({ client, signer }, compiled, 'immutable');
  t.equal(immutable.upgradeCap, null);
  const cap = await inspectObject(chain, kept.upgradeCap ?? '');
  t.match(cap, { owner: sender, fields: { package: kept.packageId, version: 1n, policy: 0 } });

  const view = await inspectPackage(chain, immutable.packageId);
  const names = ['cluster', 'decisions', 'enclaves', 'nodes', 'staking'];
  t.ok(names.every((name) => view.modules.some((module) => module.name === name && module.bytes > 100)));
  t.match(view, { id: immutable.packageId, version: '1', publishedBy: immutable.digest });
  await t.rejects(inspectPackage(chain, kept.upgradeCap ?? ''), { code: 'OBJECT_MISSING' });

  const actor = { client, signer, packageId: immutable.packageId };
  const pcr = new Uint8Array(48).fill(1);
  const digest = new Uint8Array(32).fill(7);
  const { clusterId, ...created } = await createCluster(actor, {
    configDigest: digest,
    policyDigest: digest,
    enclave: { pcr0: pcr, pcr1: pcr, pcr2: pcr },
    parameters: {
      stakes: {
        userMin: 100n,
        nodeMin: 1_000n,
        adminMin: 10_000n,
        mistPerCpu: 100n,
        mistPerGib: 10n,
        userUnbondingMs: 600_000n,
        nodeUnbondingMs: 600_000n,
        adminUnbondingMs: 600_000n,
      },
      enclaves: { documentAgeMsMax: 300_000n, bondMin: 1n, anchorWindowMs: 60_000n },
      votes: {
        votingMs: 60_000n,
        timelockMs: 60_000n,
        executionMs: 60_000n,
        quorumBps: 5_000n,
        electorateMin: 1n,
        deposit: 1n,
      },
    },
  });
  const { position } = await stake(actor, { cluster: clusterId, role: 1, amount: 5_000n });
  t.match(await inspectObject(chain, position), {
    owner: /^shared since version \d+$/,
    type: `${immutable.packageId}::staking::Position`,
    fields: { cluster: clusterId, owner: sender, role: 1, active: 5_000n, node: null },
  });

  const done = await inspectTransaction(chain, created.digest);
  t.match(done, { success: true, sender, gas: { computationCost: '1000000' } });
  t.match(done.commands.slice(-2), [/^call 0x.*::cluster::create$/, /^transfer 1 objects$/]);
  t.ok(done.changes.some(({ change, id }) => change === 'created' && id === clusterId));
  t.match(done.events, [{ type: /::cluster::ClusterCreated$/, fields: { cluster: clusterId } }]);
  t.match(done.balances, [{ address: sender, amount: '-1000000' }]);
  await t.rejects(inspectTransaction(chain, 'Wmiwh256NxMGKwSHp1thyBUgCz4PMxCuh2wvpRiziCy'), {
    name: 'ChainError',
  });

  const module = `${immutable.packageId}::staking`;
  t.match(await inspectEvents(chain, { module, limit: 10 }), {
    events: [{ fields: { position, amount: 5_000n }, sender }],
    more: false,
  });
  const all = (await inspectEvents(chain, { limit: 10 })).events;
  t.equal(all.length, 4, 'ClusterCreated, ParametersChanged, ConfigAccepted, Staked');
  t.strictSame((await inspectEvents(chain, { limit: 1 })).events, all.slice(0, 1));
  t.equal((await inspectEvents(chain, { limit: 1 })).more, true);
  t.strictSame((await inspectEvents(chain, { limit: 10, newestFirst: true })).events, [...all].reverse());
  t.equal((await inspectEvents(chain, { type: `${module}::Staked`, limit: 5 })).events.length, 1);
  t.equal((await inspectEvents(chain, { sender: clusterId, limit: 5 })).events.length, 0);

  const owned = await inspectOwned(chain, sender, 2);
  t.match(owned, { objects: { length: 2 }, more: true });
  const rest = await inspectOwned(chain, sender, 50);
  t.match(rest, { objects: { length: 3 }, more: false }, 'coin, UpgradeCap, ClusterCap');
  t.ok(rest.objects.every(({ fields }) => fields !== null));
  const [balance] = await inspectBalances(chain, sender);
  t.equal(balance?.balance, 10_000_000_000n - 4n * 1_000_000n - 5_000n);

  const status = await inspectStatus(chain);
  t.match(status, { chainId: ledger.chainId, epoch: 0n, gasPrice: 1_000n, timestampMs: 1_700_000_000_000 });
  const newest = await inspectCheckpoint(chain, null);
  t.equal(newest.sequence, status.checkpoint);
  t.strictSame(await inspectCheckpoint(chain, newest.digest), newest);
  t.strictSame((await inspectCheckpoint(chain, newest.sequence)).transactions.length, 1);
  await t.rejects(inspectCheckpoint(chain, 10_000n), { code: 'OBJECT_MISSING' });
});

void t.test('with a timelock, an upgrade has to be announced and waited for', async (t) => {
  const startMs = 1_700_000_000_000;
  const ledger = createLedger({
    framework: await compileFramework(),
    clock: { startMs },
    verifyAttestation: () => {
      throw new Error('no attestation is trusted here');
    },
  });
  const server = await serveLedger(ledger);
  t.teardown(async () => {
    await server.close();
    ledger.close();
  });
  const chain = connectChain({ url: server.url });
  const actor = { client: chain.client, signer: generateAccount() };
  ledger.faucet(addressOf(actor.signer), 10_000_000_000n);
  const dir = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const timelock = await publishCode(
    actor,
    await compilePackage({ dir: dir('../move/upgrades') }),
    'immutable',
  );
  const code = await compilePackage({ dir: dir('../ledger/testdata/sandbox') });
  const policy = { timelock: timelock.packageId, delayMs: 86_400_000n };
  const estimate = await estimatePublish(chain.client, addressOf(actor.signer), code, policy);
  t.equal(estimate.cost, 1_000_000n);
  await t.rejects(publishCode(actor, code, { ...policy, delayMs: 86_399_999n }), {
    code: 'TRANSACTION_FAILED',
  });
  const published = await publishCode(actor, code, policy);
  const lock = published.upgradeCap ?? '';
  t.match(await inspectObject(chain, lock), {
    owner: addressOf(actor.signer),
    fields: { cap: { package: published.packageId, version: 1n }, delayMs: 86_400_000n, announced: null },
  });

  const call = (tx: Transaction, name: string, ...args: TransactionArgument[]): TransactionResult =>
    tx.moveCall({
      target: `${timelock.packageId}::timelock::${name}`,
      arguments: [tx.object(lock), ...args],
    });
  const announce = new Transaction();
  const digest = announce.pure(bcs.byteVector().serialize(code.digest));
  call(announce, 'announce', digest, announce.pure.u8(0), announce.object.clock());
  await execute(chain.client, announce, actor.signer);
  t.match((await inspectObject(chain, lock)).fields, {
    announced: { policy: 0, digest: code.digest, earliestMs: BigInt(startMs) + 86_400_000n },
  });
  const upgrade = (): Promise<Executed> => {
    const tx = new Transaction();
    const ticket = call(tx, 'authorize', tx.object.clock());
    const modules = code.modules.map((module) => toBase64(module));
    const receipt = tx.upgrade({
      modules,
      dependencies: [...code.dependencies],
      package: published.packageId,
      ticket,
    });
    call(tx, 'commit', receipt);
    return execute(chain.client, tx, actor.signer);
  };
  ledger.clock.advance(86_399_999);
  await t.rejects(upgrade(), { code: 'TRANSACTION_FAILED', abort: { module: 'timelock', code: 7n } });
  ledger.clock.advance(1);
  const { packageId } = await upgrade();
  t.match(await inspectPackage(chain, packageId ?? ''), { version: '2', originalId: published.packageId });
  await t.rejects(upgrade(), { code: 'TRANSACTION_FAILED', abort: { module: 'timelock', code: 6n } });
});

void t.test('what is not ours is shown as bytes', (t) => {
  const foreign = `0x${'5'.repeat(64)}`;
  const bytes = new Uint8Array([1, 2, 3]);
  t.strictSame(decodeObject(`${foreign}::cluster::ClusterCap`, bytes), { fields: null, bcs: bytes });
  t.strictSame(decodeObject(`${foreign}::a::B`, bytes), { fields: null, bcs: bytes });
  t.strictSame(decodeObject('package', bytes), { fields: null, bcs: bytes });
  t.strictSame(decodeObject('no type at all <', bytes), { fields: null, bcs: bytes });
  t.strictSame(decodeEvent(`${foreign}::staking::Staked`, bytes), { fields: null, bcs: bytes });
  t.strictSame(decodeEvent('no type', bytes), { fields: null, bcs: bytes });
  const id = new Uint8Array(32).fill(6);
  const coin = new Uint8Array([...id, ...bcs.u64().serialize(7n).toBytes()]);
  t.match(decodeObject('0x2::coin::Coin<0x2::sui::SUI>', coin).fields, { balance: 7n });
  t.equal(decodeObject('0x3::coin::Coin<0x2::sui::SUI>', coin).fields, null);
  t.end();
});
