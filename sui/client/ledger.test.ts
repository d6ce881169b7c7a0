import { verifyDocument } from '@k3s-daas/attestation';
import {
  configDigest,
  DecisionKind,
  encodeDecisionMessage,
  enclaveUserData,
  equalBytes,
  generateEd25519,
  nodeEligibility,
  policyDigest,
  policySchema,
  sha256,
  StakeRole,
  utf8,
  fromHex,
  type Bytes,
  type ChainSnapshot,
  type Decision,
  type SuiId,
} from '@k3s-daas/core';
import { createLedger, serveLedger } from '@k3s-daas/ledger';
import { compileFramework, compilePackage } from '@k3s-daas/move';
import { Transaction } from '@mysten/sui/transactions';
import t from 'tap';
import { fileURLToPath } from 'node:url';

import { createDevelopmentAuthority, developmentNsm } from '../../enclave/nsm/index.ts';
import {
  acceptConfig,
  activate,
  addressOf,
  claimMany,
  claimNode,
  connectChain,
  createCluster,
  endSessions,
  eventsOf,
  evict,
  execute,
  generateAccount,
  findSlots,
  grantSlot,
  jail,
  leave,
  listOwned,
  listSessionIds,
  proveNodeKey,
  publishPackage,
  readBalance,
  readClaim,
  readCluster,
  readGasMist,
  readPosition,
  readSession,
  readSlot,
  reclaimBonds,
  register,
  registerAndActivate,
  requestUnbond,
  retireConfig,
  revoke,
  slash,
  snapshotAgeMs,
  stake,
  stakeAndClaim,
  stakeMany,
  topUp,
  unjail,
  verifyReceiptOnChain,
  watchChain,
  withdraw,
  type Account,
  type Actor,
  type ChainError,
  type Executed,
  type Parameters,
} from './index.ts';

const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs };
const log = { info: () => undefined, warn: () => undefined };
const PCRS = new Map([0, 1, 2].map((index) => [index, new Uint8Array(48).fill(index + 1)]));
const pcr = (index: number): Bytes => PCRS.get(index) ?? new Uint8Array(48);
const ENCLAVE = { pcr0: pcr(0), pcr1: pcr(1), pcr2: pcr(2) };
const PARAMETERS: Parameters = {
  stakes: {
    userMin: 100n,
    nodeMin: 1_000n,
    adminMin: 10_000n,
    mistPerCpu: 100n,
    mistPerGib: 10n,
    userUnbondingMs: 300_000n,
    nodeUnbondingMs: 600_000n,
    adminUnbondingMs: 1_200_000n,
  },
  enclaves: { documentAgeMsMax: 300_000n, bondMin: 5_000n, anchorWindowMs: 60_000n },
  votes: {
    votingMs: 60_000n,
    timelockMs: 60_000n,
    executionMs: 60_000n,
    quorumBps: 5_000n,
    electorateMin: 1_000n,
    deposit: 100n,
  },
};
/** A digest of no transaction. */
const CHAINLESS_DIGEST = '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S';
const policy = policyDigest(policySchema.parse({ capacity: { cpuMilli: 4_000, memoryBytes: 8_000_000 } }));

const authority = await createDevelopmentAuthority({ clock });
const ledger = createLedger({
  framework: await compileFramework(),
  clock,
  emptyCheckpointMs: 100,
  verifyAttestation: (bytes, clockMs) => {
    const trust = { trustAnchor: authority.rootCertificateDer, nowMs: Number(clockMs) };
    const { moduleId, timestampMs, digest, ...document } = verifyDocument(new Uint8Array(bytes), trust);
    return {
      moduleId,
      timestampMs,
      digest,
      pcrs: [...document.pcrs].map(([index, value]) => ({ index, value })),
      publicKey: document.publicKey ?? undefined,
      userData: document.userData ?? undefined,
      nonce: document.nonce ?? undefined,
    };
  },
});
let server = await serveLedger(ledger, { host: '127.0.0.1', port: 0 });
const { url } = server;
t.teardown(async () => {
  await server.close();
  ledger.close();
});
const chain = connectChain({ url, chainId: ledger.chainId });
const owner = await funded();
const compiled = await compilePackage({ dir: fileURLToPath(new URL('../move/daas', import.meta.url)) });
const { packageId } = await publishPackage(
  { client: chain.client, signer: owner },
  compiled.modules,
  compiled.dependencies,
);
const actor: Actor = { client: chain.client, signer: owner, packageId };
const config = configDigest({
  apiServerCaDigest: sha256(utf8('ca')),
  chainId: ledger.chainId,
  packageId,
  policyDigest: policy,
});
const terms = {
  configDigest: config,
  policyDigest: policy,
  enclave: ENCLAVE,
  parameters: PARAMETERS,
};
const { clusterId, capId } = await createCluster(actor, terms);
const owned = { cluster: clusterId, cap: capId };
const watcher = watchChain({ chain, packageId, clusterId, clock, log, pollMs: 20 });
t.teardown(() => watcher.stop());
watcher.start();
await watcher.synced;

async function funded(): Promise<Account> {
  const account = generateAccount();
  const body = JSON.stringify({ address: addressOf(account), mist: '1000000000000' });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(new URL('/faucet', url), { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`faucet: ${response.status} ${await response.text()}`);
  return account;
}

/** Waits until the watcher shows what is asked for; what it shows then. */
async function seen(condition: (snapshot: ChainSnapshot) => boolean): Promise<ChainSnapshot> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    const snapshot = watcher.current();
    if (snapshot !== null && condition(snapshot)) return snapshot;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`the watcher never showed it: ${String(watcher.status().lastError)}`);
}

const refused = (name: string) => ({ code: 'TRANSACTION_FAILED', abort: { name } });

const nodeTerms = (name: string) => ({
  name,
  csrKeyHash: sha256(utf8(`${name} csr`)),
  cpuMilli: 4_000n,
  memoryMib: 8_192n,
});

await t.test('a cluster is read back as it was created', async (t) => {
  const cluster = await readCluster(chain.client, packageId, clusterId);
  t.match(cluster, {
    id: clusterId,
    configVersion: 1n,
    active: null,
    term: 0n,
    parameters: PARAMETERS,
    governed: false,
    treasury: 0n,
  });
  t.strictSame(cluster.configs, [{ key: 1n, value: ENCLAVE }]);
  t.ok(equalBytes(cluster.configDigest, config));
  t.strictSame(await listOwned(chain.client, packageId, addressOf(owner), 'cap'), [
    { id: capId, cluster: clusterId },
  ]);
  await t.rejects(
    createCluster(actor, {
      ...terms,
      parameters: { ...PARAMETERS, stakes: { ...PARAMETERS.stakes, nodeMin: 0n } },
    }),
    { code: 'TRANSACTION_FAILED', abort: { module: 'parameters', name: 'parameters::EZero' } },
  );
  const { configVersion } =
    eventsOf(
      (await acceptConfig(actor, owned, { ...ENCLAVE, pcr0: pcr(2) })).events,
      'cluster::ConfigAccepted',
    )[0] ?? {};
  t.equal(configVersion, 2n);
  await seen((snapshot) => snapshot.cluster.configVersion === 2n);
  await retireConfig(actor, owned, 2n);
});

await t.test('stake, claim, top up, jail, slash, unbond, leave: the snapshot follows', async (t) => {
  const signer = await funded();
  const operator: Actor = { ...actor, signer };
  const nodeKey = generateEd25519();
  // ⌈4000·100/1000⌉ + ⌈8192·10/1024⌉ = 400 + 80 < node_min
  const { position } = await stakeAndClaim(operator, {
    cluster: clusterId,
    amount: 1_500n,
    nodeKey,
    ...nodeTerms('n1'),
  });
  const claim = await readClaim(
    chain.client,
    packageId,
    await readCluster(chain.client, packageId, clusterId),
    'n1',
  );
  t.match(claim, { node: 'n1', stake: position, owner: addressOf(signer), required: 1_000n, jailed: false });
  t.match(await readPosition(chain.client, packageId, position), {
    active: 1_500n,
    role: StakeRole.node,
    node: 'n1',
  });
  const snapshot = await seen((now) => now.claims.has('n1'));
  t.match(nodeEligibility(snapshot, 'n1'), { eligible: true, stake: { id: position, active: 1_500n } });
  t.strictSame(snapshot.claims.get('n1')?.nodeKey, nodeKey.publicKey);

  await t.rejects(
    topUp(actor, { cluster: clusterId, position, amount: 500n }),
    refused('staking::ENotOwner'),
    'topping up takes away a vote',
  );
  await topUp(operator, { cluster: clusterId, position, amount: 500n });
  await seen((now) => now.stakes.get(position)?.active === 2_000n);
  await jail(actor, owned, 'n1');
  t.match(nodeEligibility(await seen((now) => now.claims.get('n1')?.jailed === true), 'n1'), {
    reason: { code: 'NODE_JAILED' },
  });
  await unjail(actor, owned, 'n1');

  await requestUnbond(operator, { cluster: clusterId, position, amount: 400n });
  await seen((now) => now.stakes.get(position)?.unbonding === 400n);
  await t.rejects(withdraw(operator, { cluster: clusterId, position }), refused('staking::EStillUnbonding'));
  await t.rejects(
    requestUnbond(operator, { cluster: clusterId, position, amount: 1_000n }),
    refused('staking::EClaimNeedsStake'),
  );

  const slashed = await slash(actor, owned, { position, amount: 700n, reason: 'test' });
  t.match(eventsOf(slashed.events, 'staking::Slashed'), [{ position, amount: 700n, reason: 'test' }]);
  const poor = await seen((now) => now.stakes.get(position)?.active === 900n);
  t.match(nodeEligibility(poor, 'n1'), {
    reason: { code: 'STAKE_TOO_SMALL', active: 900n, required: 1_000n },
  });
  t.equal((await readCluster(chain.client, packageId, clusterId)).treasury, 700n);

  await leave(operator, { cluster: clusterId, position });
  await seen((now) => !now.claims.has('n1') && !now.stakes.has(position));
  clock.aheadMs += 600_001;
  await seen((now) => now.checkpointTimestampMs >= clock.now() - 1_000); // Move's clock goes with the checkpoints
  const before = await readBalance(chain.client, addressOf(signer));
  const { gasMist } = await withdraw(operator, { cluster: clusterId, position });
  t.equal(await readBalance(chain.client, addressOf(signer)), before - gasMist + 400n);
});

await t.test('Move refuses, and says why by name', async (t) => {
  const operator: Actor = { ...actor, signer: await funded() };
  const small = stake(operator, { cluster: clusterId, role: StakeRole.node, amount: 999n });
  await t.rejects(small, refused('staking::EBelowMinimum'));
  const { position } = await stake(operator, { cluster: clusterId, role: StakeRole.node, amount: 1_000n });
  const key = generateEd25519();
  const base = { ...nodeTerms('n2'), position, nodeKey: key.publicKey };
  const proof = proveNodeKey(key, { cluster: clusterId, ...base });
  const otherProof = proveNodeKey(key, { cluster: clusterId, ...base, name: 'n3' });
  await t.rejects(
    claimNode(operator, clusterId, { ...base, proof: otherProof }),
    refused('nodes::EProofInvalid'),
  );
  await t.rejects(claimNode(actor, clusterId, { ...base, proof }), refused('staking::ENotOwner'));
  await claimNode(operator, clusterId, { ...base, proof });
  await t.rejects(claimNode(operator, clusterId, { ...base, proof }), refused('nodes::EStakeBound'));
  await t.rejects(
    slash({ ...actor, signer: operator.signer }, owned, { position, amount: 1n, reason: 'x' }),
    {
      code: 'CHAIN_REFUSED',
    },
    'the cap is not theirs to use',
  );
  await t.rejects(stake(operator, { cluster: position, role: 1, amount: 1n }), { name: 'ChainError' });
  await t.rejects(evict(actor, owned, position), refused('nodes::EStillStaked'));
  await slash(actor, owned, { position, amount: 1_000n, reason: 'gone' });
  const evicted = await evict(actor, owned, position);
  t.match(eventsOf(evicted.events, 'nodes::NodeLeft'), [{ node: 'n2', stake: position }]);
});

await t.test('a transaction whose answer is lost is looked up by its digest, not sent again', async (t) => {
  const signer = await funded();
  let silent = false;
  const sent: string[] = [];
  const lossy = connectChain({
    url,
    attemptsMax: 1,
    fetch: async (input, init) => {
      const method = new Request(input).url.split('/').at(-1) ?? '';
      sent.push(method);
      const response = await fetch(input, init);
      if (method === 'ExecuteTransaction' || silent) throw new TypeError('fetch failed');
      return response;
    },
  });
  const position = await stake(
    { client: lossy.client, signer, packageId },
    { cluster: clusterId, role: StakeRole.user, amount: 100n },
  );
  t.match(await readPosition(chain.client, packageId, position.position), { active: 100n });
  t.equal(sent.filter((method) => method === 'ExecuteTransaction').length, 1);

  const tx = new Transaction();
  tx.transferObjects([tx.splitCoins(tx.gas, [1n])], addressOf(owner));
  tx.setSender(addressOf(signer));
  const bytes = await tx.build({ client: chain.client }); // resolved while the node still answers
  silent = true;
  const unknown = execute(lossy.client, Transaction.from(bytes), signer, null, { waitMs: 50 });
  await t.rejects(unknown, { code: 'TRANSACTION_UNKNOWN', digest: /^[1-9A-HJ-NP-Za-km-z]{43,44}$/ });
});

await t.test('a package is immutable unless asked otherwise', async (t) => {
  const publisher = { client: chain.client, signer: await funded() };
  const { modules, dependencies } = compiled;
  const caps = ({ created }: Executed) =>
    created.filter(({ type }) => type.endsWith('::package::UpgradeCap')).length;
  t.equal(caps(await publishPackage(publisher, modules, dependencies)), 0);
  t.equal(caps(await publishPackage(publisher, modules, dependencies, { upgradeable: true })), 1);
});

await t.test('many stakes and claims in one transaction', async (t) => {
  const amounts = Array.from({ length: 60 }, (_, index) => 1_000n + BigInt(index));
  const { positions } = await stakeMany(actor, { cluster: clusterId, role: StakeRole.node, amounts });
  t.equal(positions.length, 60);
  const key = generateEd25519();
  const claims = positions.map((position, index) => {
    const node = { ...nodeTerms(`many-${index}`), position, nodeKey: key.publicKey };
    return { ...node, proof: proveNodeKey(key, { cluster: clusterId, ...node }) };
  });
  await claimMany(actor, clusterId, claims);
  const snapshot = await seen((now) => now.claims.has('many-59'));
  const active = claims.map(({ position }) => snapshot.stakes.get(position)?.active);
  t.strictSame(active, amounts, 'each position holds its amount');
  t.throws(() => void claimMany(actor, clusterId, []), RangeError);
});

await t.test('an enclave registers, decides, is verified by Move, and is revoked', async (t) => {
  const nsm = await developmentNsm({
    authority,
    pcrs: PCRS,
    clock,
    moduleId: 'i-0123456789abcdef0-enc0123456789abcdef',
  });
  const decisionKey = generateEd25519();
  const keys = { logKey: generateEd25519().publicKey, tlsKeyHash: sha256(utf8('tls')) };
  const identity = { cluster: clusterId, configDigest: config, decisionKey: decisionKey.publicKey, ...keys };
  const attest = (slot: SuiId, userData = enclaveUserData(identity)): Promise<Bytes> =>
    nsm.attest({ nonce: fromHex(slot.slice(2)), publicKey: decisionKey.publicKey, userData });
  const newSlot = async (): Promise<SuiId> => {
    const expiresMs = BigInt(clock.now() + 60_000);
    return (await grantSlot(actor, owned, { registrar: addressOf(owner), configVersion: 1n, expiresMs }))
      .slot;
  };

  const slot = await newSlot();
  t.match(await readSlot(chain.client, packageId, slot), { cluster: clusterId, configVersion: 1n });
  // What is no slot, or not there, is left out; the rest is found nonetheless.
  const others = [clusterId, `0x${'ab'.repeat(32)}`, packageId, slot];
  const slots = await findSlots(chain.client, packageId, others);
  t.same([...slots.keys()], [slot]);
  t.match(slots.get(slot), { cluster: clusterId, configVersion: 1n });
  const wrong = registerAndActivate(actor, owned, {
    slot,
    document: await attest(slot, sha256(utf8('x'))),
    ...keys,
  });
  await t.rejects(wrong, refused('enclaves::EWrongUserData'));
  const document = await attest(slot);
  const forged = Uint8Array.from(document);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  await t.rejects(registerAndActivate(actor, owned, { slot, document: forged, ...keys }), {
    code: 'TRANSACTION_FAILED',
    abort: { module: 'nitro_attestation', name: null },
  });
  const { session, term } = await registerAndActivate(actor, owned, { slot, document, ...keys });
  t.equal(term, 1n);
  await t.rejects(readSlot(chain.client, packageId, slot), { code: 'OBJECT_MISSING' }, 'the slot is used up');
  t.equal((await findSlots(chain.client, packageId, [slot])).size, 0);
  t.match(await readSession(chain.client, packageId, session), { cluster: clusterId, revoked: false });
  const snapshot = await seen((now) => now.cluster.active?.session === session);
  t.equal(snapshot.cluster.active?.term, 1n);
  t.strictSame(snapshot.sessions.get(session)?.decisionKey, decisionKey.publicKey);

  const decision: Decision = {
    cluster: clusterId,
    session,
    term,
    configVersion: 1n,
    sequence: 1n,
    previous: sha256(),
    kind: DecisionKind.bind,
    podUid: '6a1f2f0e-0000-4000-8000-000000000001',
    namespace: 'default',
    pod: 'web-0',
    serviceAccount: 'default',
    serviceAccountUid: '6a1f2f0e-0000-4000-8000-000000000002',
    podSpecDigest: sha256(utf8('spec')),
    node: 'many-0',
    nodeUid: '6a1f2f0e-0000-4000-8000-000000000003',
    nodeKeyHash: sha256(utf8('key')),
    stake: snapshot.claims.get('many-0')?.stake ?? clusterId,
    notAfterMs: BigInt(clock.now() + 10_000),
    policyDigest: policy,
    checkpoint: snapshot.checkpoint,
    checkpointDigest: snapshot.checkpointDigest,
    snapshotDigest: snapshot.digest,
    inputDigest: sha256(utf8('input')),
    feasibleDigest: sha256(utf8('feasible')),
  };
  const sign = (value: Decision) => {
    const message = encodeDecisionMessage(BigInt(clock.now()), value);
    return { cluster: clusterId, session, receipt: { message, signature: decisionKey.sign(message) } };
  };
  const before = await readCluster(chain.client, packageId, clusterId);
  t.strictSame(await verifyReceiptOnChain(actor, sign(decision)), decision);
  const nobody = { client: chain.client, packageId };
  t.strictSame(await verifyReceiptOnChain(nobody, sign(decision)), decision, 'anyone can ask');
  const good = sign(decision);
  const bent = {
    ...good.receipt,
    signature: Uint8Array.from(good.receipt.signature, (byte, at) => (at === 0 ? byte ^ 1 : byte)),
  };
  await t.rejects(
    verifyReceiptOnChain(nobody, { ...good, receipt: bent }),
    refused('decisions::ESignatureInvalid'),
  );
  await t.rejects(
    verifyReceiptOnChain(nobody, sign({ ...decision, term: 2n })),
    refused('decisions::EWrongTerm'),
  );
  t.strictSame(await readCluster(chain.client, packageId, clusterId), before, 'asking changes nothing');

  const second = await newSlot();
  const later = await register(actor, clusterId, { slot: second, document: await attest(second), ...keys });
  await t.rejects(
    activate(actor, owned, later.session, 0n),
    refused('enclaves::EWrongTerm'),
    'compare-and-set',
  );
  t.equal((await activate(actor, owned, later.session)).term, 2n);
  await revoke(actor, owned, later.session);
  const after = await seen((now) => now.sessions.get(later.session)?.revoked === true);
  t.equal(after.cluster.active, null);
  t.equal(after.sessions.size, 2);
});

await t.test(
  'gas: a budget that no node can raise, told before sending, and what failed costs too',
  async (t) => {
    const signer = await funded();
    const told: string[] = [];
    const gas = {
      mistMax: 7_000_000n,
      beforeSend: (digest: string) => {
        told.push(digest);
        return Promise.resolve();
      },
    };
    const cheap: Actor = { ...actor, signer, gas };
    const before = await readBalance(chain.client, addressOf(signer));
    const { digest, gasMist } = await stake(cheap, {
      cluster: clusterId,
      role: StakeRole.user,
      amount: 100n,
    });
    t.strictSame(told, [digest]);
    t.equal(await readGasMist(chain.client, digest), gasMist);
    t.equal(await readBalance(chain.client, addressOf(signer)), before - 100n - gasMist);
    const sent = await chain.client.core.getTransaction({ digest, include: { transaction: true } });
    t.equal(sent.Transaction?.transaction.gasData.budget, '7000000');

    const refusal = new Error('over budget');
    const poor: Actor = { ...cheap, gas: { ...gas, beforeSend: () => Promise.reject(refusal) } };
    await t.rejects(stake(poor, { cluster: clusterId, role: StakeRole.user, amount: 100n }), refusal);
    t.equal(
      await readBalance(chain.client, addressOf(signer)),
      before - 100n - gasMist,
      'then nothing is sent',
    );
    t.equal(await readGasMist(chain.client, CHAINLESS_DIGEST), null);

    // Resolved while it would succeed, sent when it cannot: it runs, fails, and costs.
    const key = generateEd25519();
    const { position } = await stake(cheap, { cluster: clusterId, role: StakeRole.node, amount: 1_000n });
    const node = { ...nodeTerms('late'), position, nodeKey: key.publicKey };
    const proof = proveNodeKey(key, { cluster: clusterId, ...node });
    const late: Actor = {
      ...cheap,
      gas: {
        mistMax: 7_000_000n,
        beforeSend: async () => {
          await slash(actor, owned, { position, amount: 1_000n, reason: 'meanwhile' });
        },
      },
    };
    const error = await claimNode(late, clusterId, { ...node, proof }).then(
      () => null,
      (thrown: unknown) => thrown as ChainError,
    );
    t.match(error, { code: 'TRANSACTION_FAILED', digest: /^\w{43,44}$/ });
    t.ok((error?.gasMist ?? 0n) > 0n, 'and the error says how much');
    t.equal(await readGasMist(chain.client, error?.digest ?? ''), error?.gasMist);
  },
);

await t.test('a sponsor ends its sessions, and has the bonds back after the window', async (t) => {
  const nsm = await developmentNsm({
    authority,
    pcrs: PCRS,
    clock,
    moduleId: 'i-0123456789abcdef0-enc0123456789abcdef',
  });
  const boot = async (): Promise<SuiId> => {
    const decisionKey = generateEd25519().publicKey;
    const keys = { logKey: generateEd25519().publicKey, tlsKeyHash: sha256(decisionKey) };
    const userData = enclaveUserData({ cluster: clusterId, configDigest: config, decisionKey, ...keys });
    const expiresMs = BigInt(clock.now() + 60_000);
    const registrar = addressOf(owner);
    const { slot } = await grantSlot(actor, owned, { registrar, configVersion: 1n, expiresMs });
    const document = await nsm.attest({ nonce: fromHex(slot.slice(2)), publicKey: decisionKey, userData });
    return (await registerAndActivate(actor, owned, { slot, document, ...keys, bond: 6_000n })).session;
  };
  const sessions = [await boot(), await boot()];
  const known = await listSessionIds(chain, packageId, clusterId, 100);
  t.ok(sessions.every((session) => known.has(session)));
  const stranger: Actor = { ...actor, signer: await funded() };
  await t.rejects(endSessions(stranger, clusterId, sessions), refused('enclaves::ENotSponsor'));
  await t.rejects(reclaimBonds(actor, clusterId, sessions), refused('enclaves::EBondHeld'), 'not ended');
  await endSessions(actor, clusterId, sessions);
  await t.rejects(endSessions(actor, clusterId, sessions), refused('enclaves::ERevoked'));
  await t.rejects(reclaimBonds(actor, clusterId, sessions), refused('enclaves::EBondHeld'), 'too early');
  clock.aheadMs += 60_001;
  await seen((now) => now.checkpointTimestampMs >= clock.now() - 1_000);
  const before = await readBalance(chain.client, addressOf(owner));
  const { gasMist, events } = await reclaimBonds(actor, clusterId, sessions);
  t.match(eventsOf(events, 'enclaves::BondReclaimed'), [{ amount: 6_000n }, { amount: 6_000n }]);
  t.equal(await readBalance(chain.client, addressOf(owner)), before - gasMist + 12_000n);
  t.throws(() => void endSessions(actor, clusterId, []), RangeError);
});

await t.test(
  'the snapshot equals a fresh one, survives an outage, and is refused on another chain',
  async (t) => {
    const { checkpoint } = await chain.info();
    const followed = await seen((now) => now.checkpoint >= checkpoint);
    const fresh = watchChain({ chain, packageId, clusterId, clock, log, pollMs: 20 });
    t.teardown(() => fresh.stop());
    fresh.start();
    await fresh.synced;
    t.strictSame(fresh.current()?.digest, followed.digest, 'what events built equals what a full read gives');
    t.equal(watcher.status().divergences, 0);

    const port = Number(new URL(url).port);
    await server.close();
    await seen(() => watcher.status().failures >= 2);
    t.equal(watcher.status().lastError?.code, 'CHAIN_UNREACHABLE');
    const held = watcher.current() ?? followed;
    clock.aheadMs += 40_000;
    t.ok(snapshotAgeMs(held, clock) >= 40_000, 'the snapshot ages');
    server = await serveLedger(ledger, { host: '127.0.0.1', port });
    await stake(actor, { cluster: clusterId, role: StakeRole.user, amount: 100n });
    const again = await seen((now) => now.checkpoint > held.checkpoint);
    t.strictSame(again.digest, held.digest, 'a stake without a claim is not in it');
    t.ok(snapshotAgeMs(again, clock) < 40_000);

    const foreign = connectChain({ url, chainId: '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S' });
    const wary = watchChain({ chain: foreign, packageId, clusterId, clock, log, pollMs: 20 });
    wary.start();
    await seen(() => wary.status().failures >= 1);
    t.equal(wary.status().lastError?.code, 'CHAIN_FOREIGN');
    t.equal(wary.current(), null);
    await wary.stop();
  },
);
