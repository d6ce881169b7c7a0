import { verifyDocument } from '@k3s-daas/attestation';
import {
  configDigest,
  DecisionKind,
  encodeDecisionMessage,
  encodeReleaseMessage,
  encodeSealIdentity,
  enclaveUserData,
  fromHex,
  generateEd25519,
  receiptDigest,
  sha256,
  utf8,
  type Bytes,
  type Decision,
  type Receipt,
  type SuiId,
} from '@k3s-daas/core';
import { createLedger, serveLedger } from '@k3s-daas/ledger';
import { compileFramework, compilePackage } from '@k3s-daas/move';
import { Transaction } from '@mysten/sui/transactions';
import t from 'tap';
import { fileURLToPath } from 'node:url';

import { createDevelopmentAuthority, developmentNsm } from '../../enclave/nsm/index.ts';
import {
  accessGrantBcs,
  addressOf,
  connectChain,
  createCluster,
  createdOne,
  execute,
  executionFailed,
  generateAccount,
  grantSlot,
  listGrants,
  passBcs,
  policyBcs,
  publishPackage,
  readObjects,
  readPolicy,
  readPosition,
  recoveryGrantBcs,
  registerAndActivate,
  requestGrants,
  sealCalls,
  sealTypes,
  simulateGrants,
  stakeAndClaim,
  toChainError,
  type AccessRequest,
  type Account,
  type Actor,
  type Executed,
  type Layout,
  type PolicyTerms,
} from './index.ts';

const clock = { now: () => Date.now() };
const PCRS = new Map([0, 1, 2].map((index) => [index, new Uint8Array(48).fill(index + 1)]));
const pcr = (index: number): Bytes => PCRS.get(index) ?? new Uint8Array(48);
const HOUR_MS = 3_600_000n;

const authority = await createDevelopmentAuthority({ clock });
const ledger = createLedger({
  framework: await compileFramework(),
  clock,
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
const server = await serveLedger(ledger, { host: '127.0.0.1', port: 0 });
t.teardown(async () => {
  await server.close();
  ledger.close();
});
const chain = connectChain({ url: server.url, chainId: ledger.chainId });
const { client } = chain;

function funded(): Account {
  const account = generateAccount();
  ledger.faucet(addressOf(account), 1_000_000_000_000n);
  return account;
}

const operator = funded();
const compiled = await compilePackage({ dir: fileURLToPath(new URL('../move/daas', import.meta.url)) });
const { packageId } = await publishPackage(
  { client, signer: operator },
  compiled.modules,
  compiled.dependencies,
);
const actor: Actor = { client, signer: operator, packageId };
const types = sealTypes(packageId);

const policyDigest = sha256(utf8('policy'));
const digest = configDigest({
  apiServerCaDigest: sha256(utf8('ca')),
  chainId: ledger.chainId,
  packageId,
  policyDigest,
});
const { clusterId: cluster, capId: cap } = await createCluster(actor, {
  configDigest: digest,
  policyDigest,
  enclave: { pcr0: pcr(0), pcr1: pcr(1), pcr2: pcr(2) },
  parameters: {
    stakes: {
      userMin: 100n,
      nodeMin: 1_000n,
      adminMin: 10_000n,
      mistPerCpu: 100n,
      mistPerGib: 10n,
      userUnbondingMs: HOUR_MS,
      nodeUnbondingMs: HOUR_MS,
      adminUnbondingMs: HOUR_MS,
    },
    enclaves: { documentAgeMsMax: 300_000n, bondMin: 1n, anchorWindowMs: 60_000n },
    votes: {
      votingMs: 60_000n,
      timelockMs: 60_000n,
      executionMs: 60_000n,
      quorumBps: 5_000n,
      electorateMin: 1_000n,
      deposit: 100n,
    },
  },
});

const decisionKey = generateEd25519();
const session = await startSession();
const nodeKey = generateEd25519();
const { position } = await stakeAndClaim(actor, {
  cluster,
  amount: 1_500n,
  nodeKey,
  name: 'n1',
  csrKeyHash: sha256(utf8('csr')),
  cpuMilli: 4_000n,
  memoryMib: 8_192n,
});
const placement = { cluster, session, position };

async function startSession(): Promise<SuiId> {
  const keys = { logKey: generateEd25519().publicKey, tlsKeyHash: sha256(utf8('tls')) };
  const nsm = await developmentNsm({
    authority,
    pcrs: PCRS,
    clock,
    moduleId: 'i-0123456789abcdef0-enc0123456789abcdef',
  });
  const expiresMs = BigInt(clock.now() + 60_000);
  const owned = { cluster, cap };
  const { slot } = await grantSlot(actor, owned, {
    registrar: addressOf(operator),
    configVersion: 1n,
    expiresMs,
  });
  const identity = { cluster, configDigest: digest, decisionKey: decisionKey.publicKey, ...keys };
  const document = await nsm.attest({
    nonce: fromHex(slot.slice(2)),
    publicKey: decisionKey.publicKey,
    userData: enclaveUserData(identity),
  });
  return (await registerAndActivate(actor, owned, { slot, document, ...keys })).session;
}

const subject = {
  namespace: 'app',
  serviceAccount: 'api',
  serviceAccountUid: '6a1f2f0e-0000-4000-8000-000000000002',
};
const image = sha256(utf8('image'));
const terms: PolicyTerms = {
  configVersions: [1n],
  stakeMin: 1_500n,
  nodes: [{ stake: position, nodeKey: nodeKey.publicKey }],
  notBeforeMs: BigInt(clock.now()) - HOUR_MS,
  notAfterMs: BigInt(clock.now()) + HOUR_MS,
  usesMax: 1n,
  renewalsMax: 2n,
  grantMs: 600_000n,
  imageDigests: [image],
};

function decision(podUid: string, kind: number): Decision {
  return {
    cluster,
    session,
    term: 1n,
    configVersion: 1n,
    sequence: 1n,
    previous: sha256(),
    kind,
    podUid,
    namespace: 'app',
    pod: 'api-0',
    serviceAccount: 'api',
    serviceAccountUid: '6a1f2f0e-0000-4000-8000-000000000002',
    podSpecDigest: sha256(utf8('spec')),
    node: 'n1',
    nodeUid: '6a1f2f0e-0000-4000-8000-000000000003',
    nodeKeyHash: sha256(nodeKey.publicKey),
    stake: position,
    notAfterMs: BigInt(clock.now() + 10_000),
    policyDigest,
    checkpoint: 1n,
    checkpointDigest: sha256(utf8('checkpoint')),
    snapshotDigest: sha256(utf8('snapshot')),
    inputDigest: sha256(utf8('input')),
    feasibleDigest: sha256(utf8('feasible')),
  };
}

const receipts = new Map<string, Receipt>();
let lastMs = 0n;

/** What the enclave signs so that `recipient` may open the policy's secrets for the pod; each later than the last. */
function papers(policy: SuiId, podUid: string, recipient: SuiId, kind: number = DecisionKind.bind) {
  const now = BigInt(clock.now()) > lastMs ? BigInt(clock.now()) : lastMs + 1n;
  lastMs = now;
  const sign = (message: Bytes) => ({ message, signature: decisionKey.sign(message) });
  const known = `${podUid} ${kind}`;
  const receipt = receipts.get(known) ?? sign(encodeDecisionMessage(now, decision(podUid, kind)));
  receipts.set(known, receipt);
  const release = sign(
    encodeReleaseMessage(now, {
      cluster,
      session,
      receiptDigest: receiptDigest(receipt),
      podUid,
      policy,
      recipient,
      imageDigests: [image],
      notAfterMs: now + 60_000n,
    }),
  );
  return { receipt, release };
}

function run(signer: Account, add: (tx: Transaction) => unknown): Promise<Executed> {
  const tx = new Transaction();
  add(tx);
  return execute(client, tx, signer, packageId);
}

/** What a key server does: the kind alone, simulated as the user with checks on. Rejects as Move refuses. */
async function simulate(sender: SuiId, add: (tx: Transaction) => unknown): Promise<void> {
  const asked = new Transaction();
  add(asked);
  const tx = Transaction.fromKind(await asked.build({ client, onlyTransactionKind: true }));
  tx.setSender(sender);
  try {
    const result = await client.core.simulateTransaction({ transaction: tx, include: { effects: true } });
    if (result.$kind === 'Transaction') return;
    const { error } = result.FailedTransaction.status;
    throw error === null ? new Error('the simulation failed without a reason') : executionFailed(error);
  } catch (error) {
    throw toChainError(error);
  }
}

async function read<T extends { readonly id: SuiId }>(
  id: SuiId,
  type: string,
  layout: Layout<T>,
): Promise<T> {
  const found = (await readObjects(client, [id], { type, layout })).get(id);
  if (found === undefined) throw new Error(`there is no ${type} ${id}`);
  return found.value;
}

const refused = (name: string) => ({ code: 'TRANSACTION_FAILED', abort: { name } });

await t.test('a pod is granted access, and key servers agree, to nobody else', async (t) => {
  const owner = funded();
  const recipient = funded();
  const created = await run(owner, (tx) => {
    sealCalls.sharePolicy(tx, packageId, sealCalls.createPolicy(tx, packageId, cluster, subject, terms));
  });
  const policy = createdOne(created, types.policy);
  t.match(await read(policy, types.policy, policyBcs), {
    cluster,
    owner: addressOf(owner),
    ...subject,
    terms,
    version: 1n,
    versionMin: 1n,
    generation: 0n,
    uses: 0n,
    charges: { size: 0n },
  });

  const { receipt, release } = papers(policy, 'pod-1', addressOf(recipient));
  const request = (signer: Account, made: ReturnType<typeof papers>) =>
    run(signer, (tx) =>
      sealCalls.requestAccess(tx, packageId, placement, policy, made.receipt, made.release),
    );
  const granted = await request(funded(), { receipt, release });
  t.match(granted.events, [{ charged: true, uses: 1n }]);
  const grant = createdOne(granted, types.accessGrant);
  const { object } = await client.core.getObject({ objectId: grant });
  t.match(object.owner, { AddressOwner: addressOf(recipient) }, 'the grant is the recipient’s');
  t.match(await read(grant, types.accessGrant, accessGrantBcs), {
    cluster,
    policy,
    generation: 0n,
    session,
    term: 1n,
    podUid: 'pod-1',
    node: 'n1',
    stake: position,
    nodeKeyHash: sha256(nodeKey.publicKey),
    imageDigests: [image],
    recipient: addressOf(recipient),
  });
  const used = await read(policy, types.policy, policyBcs);
  t.match(used, { uses: 1n, charges: { size: 1n } });

  const identity = (version: bigint): Bytes =>
    encodeSealIdentity({ policy, cluster, namespace: 'app', serviceAccount: 'api', version });
  const approve = (sender: SuiId, id = identity(1n)) =>
    simulate(sender, (tx) => sealCalls.sealApprove(tx, packageId, id, grant, placement, policy));
  await approve(addressOf(recipient));
  await t.rejects(approve(addressOf(recipient), identity(2n)), refused('seal_policy::EVersion'));
  const another = encodeSealIdentity({
    policy,
    cluster,
    namespace: 'app',
    serviceAccount: 'web',
    version: 1n,
  });
  await t.rejects(approve(addressOf(recipient), another), refused('seal_policy::EWrongIdentity'));
  // The grant is not theirs: the node refuses it as an input before Move sees it.
  await t.rejects(approve(addressOf(owner)), { name: 'ChainError' });
  await t.rejects(approve(addressOf(generateAccount())), { name: 'ChainError' });
  t.strictSame(await read(policy, types.policy, policyBcs), used, 'approving changes nothing');

  const second = papers(policy, 'pod-2', addressOf(recipient));
  await t.rejects(request(recipient, second), refused('seal_policy::EUsesExhausted'), 'the only use is used');
  const stranger = funded();
  await t.rejects(request(stranger, { receipt, release }), refused('seal_policy::EAlreadyGranted'));
  const restarted = addressOf(generateAccount());
  const renewed = await request(stranger, papers(policy, 'pod-1', restarted));
  t.match(renewed.events, [{ charged: false, uses: 1n }], 'a renewal costs no use');
  await t.rejects(request(stranger, { receipt, release }), refused('seal_policy::EReleaseOvertaken'));
  const adopted = (to: SuiId) => papers(policy, 'pod-1', to, DecisionKind.adopt);
  const again = await request(stranger, adopted(restarted));
  t.match(again.events, [{ charged: false, uses: 1n }], 'nor does an adoption');
  t.match(await read(policy, types.policy, policyBcs), { uses: 1n, charges: { size: 1n } });
  const third = adopted(addressOf(recipient));
  await t.rejects(request(recipient, third), refused('seal_policy::ERenewalsExhausted'));
  const fourth = papers(policy, 'pod-1', addressOf(recipient));
  await t.rejects(request(recipient, fourth), refused('seal_policy::EUsesExhausted'), 'another placement');

  await t.test('the owner’s acts', async (t) => {
    const act = (add: (tx: Transaction) => unknown) => run(owner, add);
    await act((tx) => sealCalls.rotate(tx, packageId, cluster, policy));
    await approve(addressOf(recipient), identity(2n));
    await act((tx) => sealCalls.retireVersions(tx, packageId, cluster, policy, 2n));
    await t.rejects(approve(addressOf(recipient)), refused('seal_policy::EVersion'));
    const fewer = { ...terms, imageDigests: [] };
    await act((tx) => sealCalls.setTerms(tx, packageId, cluster, policy, fewer));
    t.match(await read(policy, types.policy, policyBcs), { version: 2n, versionMin: 2n, terms: fewer });
    await act((tx) => sealCalls.revokeGrants(tx, packageId, cluster, policy));
    await t.rejects(approve(addressOf(recipient), identity(2n)), refused('seal_policy::EGrantRevoked'));
    await run(recipient, (tx) => sealCalls.discardGrant(tx, packageId, grant));
    await t.rejects(read(grant, types.accessGrant, accessGrantBcs), /there is no/);

    const recovered = await act((tx) => sealCalls.recover(tx, packageId, cluster, policy));
    const own = createdOne(recovered, types.recoveryGrant);
    t.match(await read(own, types.recoveryGrant, recoveryGrantBcs), { policy });
    const recovery = (sender: SuiId, id: Bytes) =>
      simulate(sender, (tx) => sealCalls.sealApproveRecovery(tx, packageId, id, own, cluster, policy));
    await recovery(addressOf(owner), identity(2n));
    await t.rejects(recovery(addressOf(owner), identity(1n)), refused('seal_policy::EVersion'));
    await t.rejects(recovery(addressOf(recipient), identity(2n)), { name: 'ChainError' });
    await act((tx) => sealCalls.discardRecovery(tx, packageId, own));
  });
});

await t.test('requests of several pods in one transaction', async (t) => {
  const owner = funded();
  const relay: Actor = { client, signer: funded(), packageId };
  const policyOf = async (usesMax: bigint): Promise<SuiId> => {
    const created = await run(owner, (tx) => {
      const value = sealCalls.createPolicy(tx, packageId, cluster, subject, { ...terms, usesMax });
      sealCalls.sharePolicy(tx, packageId, value);
    });
    return createdOne(created, types.policy);
  };
  const [wide, narrow] = [await policyOf(10n), await policyOf(1n)];
  const ask = (podUid: string, recipient: SuiId, policies: readonly SuiId[]): AccessRequest => {
    const made = policies.map((policy) => ({ policy, ...papers(policy, podUid, recipient) }));
    const [first] = made;
    if (first === undefined) throw new Error('no policy is named');
    const { receipt } = first;
    return { placement, receipt, releases: made.map(({ policy, release }) => ({ policy, ...release })) };
  };
  const people = [1, 2, 3].map(() => addressOf(generateAccount()));
  const [a = '', b = '', c = ''] = people;
  const [first, second, third] = [
    ask('many-1', a, [wide, narrow]),
    ask('many-2', b, [wide]),
    ask('many-3', c, [wide, narrow]),
  ];
  for (const request of [first, second, third]) await simulateGrants(relay, request);
  t.match(await readPolicy(client, packageId, wide), { uses: 0n }, 'a simulation grants nothing');

  // The last use of `narrow` goes to the first, so the fifth command fails, and with it all.
  const failure = await requestGrants(relay, [first, second, third]).catch(toChainError);
  t.match(failure, { command: 4, digest: null, abort: { name: 'seal_policy::EUsesExhausted' } });
  t.match(await readPolicy(client, packageId, wide), { uses: 0n });
  for (const person of people) t.strictSame(await listGrants(client, packageId, person), []);

  const { digest: transaction, events } = await requestGrants(relay, [first, second]);
  t.strictSame(
    events.map((event) => 'recipient' in event && event.recipient),
    [a, a, b],
  );
  const grants = await listGrants(client, packageId, a);
  t.strictSame(new Set(grants.map(({ policy }) => policy)), new Set([wide, narrow]));
  t.match(grants, [
    { recipient: a, session, podUid: 'many-1', transaction },
    { recipient: a, transaction },
  ]);
  t.match(await readPolicy(client, packageId, wide), { uses: 2n, ...subject });
  t.match(await readPolicy(client, packageId, narrow), { uses: 1n });
  await t.rejects(readPolicy(client, packageId, cluster), { code: 'OBJECT_MALFORMED' });
  const foreseen = await simulateGrants(relay, third).catch(toChainError);
  t.match(foreseen, { command: 1, abort: { name: 'seal_policy::EUsesExhausted' } });
});

await t.test('a pass is issued, renewed, rotated, revoked and given back', async (t) => {
  const keyHash = sha256(utf8('spki'));
  await run(operator, (tx) =>
    sealCalls.setTier(tx, packageId, cluster, cap, 'dev', {
      stakeMin: 1_000n,
      groups: ['developers'],
      epochsMax: 10n,
    }),
  );
  const issue = () =>
    run(operator, (tx) => {
      const pass = { tier: 'dev', keyHash, epochs: 2n };
      sealCalls.sharePass(tx, packageId, sealCalls.issuePass(tx, packageId, cluster, position, pass));
    });
  const pass = createdOne(await issue(), types.pass);
  const held = { pass, position };
  const issued = await read(pass, types.pass, passBcs);
  t.match(issued, {
    tier: 'dev',
    groups: ['developers'],
    stakeMin: 1_000n,
    keyHash,
    serial: 1n,
    revoked: false,
  });
  t.match(await readPosition(client, packageId, position), { pass: { pass, stakeMin: 1_000n } });
  await run(operator, (tx) => sealCalls.renewPass(tx, packageId, cluster, held, 10n));
  await run(operator, (tx) => sealCalls.rotatePass(tx, packageId, cluster, held, sha256(utf8('next'))));
  t.match(await read(pass, types.pass, passBcs), {
    serial: 2n,
    keyHash: sha256(utf8('next')),
    expiresEpoch: issued.expiresEpoch + 8n,
  });
  await run(operator, (tx) => sealCalls.revokePass(tx, packageId, cluster, cap, held));
  t.match(await read(pass, types.pass, passBcs), { revoked: true });
  const giveBack = () => run(operator, (tx) => sealCalls.giveBackPass(tx, packageId, cluster, held));
  await t.rejects(giveBack(), refused('access_pass::EStillStaked'));
  await t.rejects(issue(), refused('access_pass::EPassHeld'));
});
