/** Owners of stakes and strangers, on chain. */
import { generateEd25519, sha256, systemClock, utf8 } from '@k3s-daas/core';
import { createDevelopmentAuthority } from '@k3s-daas/enclave';
import {
  activate,
  ChainError,
  claimNode,
  createCluster,
  grantSlot,
  addressOf,
  jail,
  leave,
  proveNodeKey,
  readCluster,
  register,
  requestUnbond,
  revoke,
  slash,
  stake,
  stakeAndClaim,
  topUp,
  unjail,
  withdraw,
  type Actor,
  type ClaimArgs,
} from '@k3s-daas/sui-client';
import { z } from 'zod';

import type { Attempts } from './attempts.ts';
import { send } from './http.ts';
import { acceptedPcrs, boot, slotFor, trustedAuthority } from './nitro.ts';
import { scheduler, type World } from './world.ts';

/** The Move abort by name, or the code of the refusal. */
async function onChain(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    if (error.abort === null) return error.code;
    return error.abort.name ?? `${error.abort.module} ${error.abort.code}`;
  }
}

export async function stakes({ attack, control }: Attempts, world: World): Promise<void> {
  const { operator, owned } = world.stack.world;
  const { cluster } = owned;
  const a = world.node('a');
  const thief = await world.stack.world.fundedActor();
  const refused = (name: string, expected: string, act: () => Promise<unknown>): Promise<void> =>
    attack(`chain: ${name}`, expected, () => onChain(act));
  const claim = (position: string, name: string, change: Partial<ClaimArgs> = {}, key = a.key): ClaimArgs => {
    const terms = { cluster, position, name, csrKeyHash: sha256(utf8(name)) };
    const proof = proveNodeKey(key, terms);
    return { ...terms, nodeKey: key.publicKey, cpuMilli: 1_000n, memoryMib: 1_024n, proof, ...change };
  };
  const { position } = await stake(thief, { cluster, role: 1, amount: 1_000n });
  const key = generateEd25519();
  const by = (actor: Actor, args: ClaimArgs) => () => claimNode(actor, cluster, args);

  await refused('one stake behind two nodes', 'nodes::EStakeBound', by(a.owner, claim(a.position, 'second')));
  await refused("another owner's stake", 'staking::ENotOwner', by(thief, claim(a.position, 'second')));
  await refused('a name that is claimed', 'nodes::ENameTaken', by(thief, claim(position, 'a', {}, key)));
  await refused(
    'a proof by another key',
    'nodes::EProofInvalid',
    by(thief, claim(position, 'second', { nodeKey: a.key.publicKey }, key)),
  );
  const seen = claim(a.position, 'a');
  await refused(
    'a proof seen on chain',
    'nodes::EProofInvalid',
    by(thief, { ...seen, position, name: 'second' }),
  );
  await refused(
    'more capacity than the stake carries',
    'nodes::EStakeTooSmall',
    by(thief, claim(position, 'second', { cpuMilli: 1_000_000n }, key)),
  );
  await refused(
    'no capacity',
    'nodes::EZeroCapacity',
    by(thief, claim(position, 'second', { cpuMilli: 0n }, key)),
  );
  await refused(
    'a name that is none',
    'nodes::ENameInvalid',
    by(thief, claim(position, 'Not_A_Name', {}, key)),
  );
  await refused('less than a node stakes', 'staking::EBelowMinimum', () =>
    stake(thief, { cluster, role: 1, amount: 999n }),
  );
  const user = await stake(thief, { cluster, role: 0, amount: 5_000n });
  await refused(
    "a user's stake behind a node",
    'nodes::ERoleNotNode',
    by(thief, claim(user.position, 'second', {}, key)),
  );

  await refused('unbonding what the claim needs', 'staking::EClaimNeedsStake', () =>
    requestUnbond(a.owner, { cluster, position: a.position, amount: 1_001n }),
  );
  await refused('unbonding everything while bound', 'staking::EClaimNeedsStake', () =>
    requestUnbond(a.owner, { cluster, position: a.position, amount: 2_000n }),
  );
  await refused("unbonding another's stake", 'staking::ENotOwner', () =>
    requestUnbond(thief, { cluster, position: a.position, amount: 1n }),
  );
  await refused("withdrawing another's stake", 'staking::ENotOwner', () =>
    withdraw(thief, { cluster, position: a.position }),
  );
  await refused('withdrawing what is not unbonding', 'staking::ENothingUnbonding', () =>
    withdraw(a.owner, { cluster, position: a.position }),
  );
  await refused('another owner lets a node leave', 'staking::ENotOwner', () =>
    leave(thief, { cluster, position: a.position }),
  );

  const foreign = { client: thief.client, signer: thief.signer, packageId: thief.packageId };
  await refused("slashing with the owner's cap", 'CHAIN_REFUSED', () =>
    slash(foreign, owned, { position: a.position, amount: 1n, reason: 'x' }),
  );
  const theirs = await ownCluster(world, thief);
  const capped = { cluster, cap: theirs.cap };
  await refused("slashing with another cluster's cap", 'cluster::EWrongCap', () =>
    slash(thief, capped, { position: a.position, amount: 1n, reason: 'x' }),
  );
  await refused("jailing with another cluster's cap", 'cluster::EWrongCap', () => jail(thief, capped, 'a'));
  await refused('slashing in a cluster of its own', 'staking::EWrongCluster', () =>
    slash(thief, theirs, { position: a.position, amount: 1n, reason: 'x' }),
  );

  await jail(operator, owned, 'c');
  await world.nodeState('c', 'NODE_JAILED');
  const c = world.node('c');
  await refused('a jailed node leaves', 'nodes::EJailed', () =>
    leave(c.owner, { cluster, position: c.position }),
  );
  await refused('a jailed node unjails itself', 'CHAIN_REFUSED', () => unjail(c.owner, owned, 'c'));
  await unjail(operator, owned, 'c');
  await world.nodeState('c', 'ELIGIBLE');
  await control('unbonding what is free', () =>
    onChain(() => requestUnbond(a.owner, { cluster, position: a.position, amount: 100n })),
  );
  await refused('withdrawing before the delay', 'staking::EStillUnbonding', () =>
    withdraw(a.owner, { cluster, position: a.position }),
  );
  await topUp(a.owner, { cluster, position: a.position, amount: 100n });
  await control('a claim of its own', () => onChain(by(thief, claim(position, 'thief', {}, key))));
}

const lagsReply = z.object({
  lags: z.array(
    z.object({ operator: z.string(), entitled: z.string(), delivered: z.string(), stake: z.string() }),
  ),
});

/** An owner leaves with its whole account and comes back with another stake and another node: it owes what it owed. */
export async function rejoining({ control }: Attempts, world: World): Promise<void> {
  const { cluster } = world.stack.world.owned;
  const { owner, position, key } = world.node('c');
  const operator = addressOf(owner.signer);
  const { client } = await world.configuration();
  const by = await world.credentials(scheduler);
  const account = async (): Promise<{ stake: string; entitled: string; delivered: string }> => {
    const url = `${client.enclaveUrl}/api/v1/lags`;
    const { text } = await send(url, world.stack.enclave.certificatePem, by, { method: 'GET' });
    const found = lagsReply.parse(JSON.parse(text)).lags.find((lag) => lag.operator === operator);
    if (found === undefined) throw new RangeError(`${operator} has no account`);
    return found;
  };
  const before = await account();
  await leave(owner, { cluster, position });
  await world.nodeState('c', 'NODE_NOT_CLAIMED');
  const again = { name: 'c-again', csrKeyHash: sha256(utf8('c-again')), cpuMilli: 1_000n, memoryMib: 1_024n };
  await stakeAndClaim(owner, { cluster, amount: 1_000n, nodeKey: key, ...again });
  await control('debt survives leaving and rejoining', async () => {
    const { entitled, delivered } = await account();
    const same = entitled === before.entitled && delivered === before.delivered;
    return same && entitled !== delivered ? 'accepted' : `${entitled} - ${delivered}`;
  });
}

/** Anybody may create a cluster, and has all rights in it. */
async function ownCluster(world: World, thief: Actor): Promise<{ cluster: string; cap: string }> {
  const { packageId, owned } = world.stack.world;
  const { configDigest, policyDigest, configs, parameters } = await readCluster(
    thief.client,
    packageId,
    owned.cluster,
  );
  const [config] = configs;
  if (config === undefined) throw new RangeError('the cluster has no config');
  const made = await createCluster(thief, {
    configDigest,
    policyDigest,
    enclave: config.value,
    parameters,
  });
  return { cluster: made.clusterId, cap: made.capId };
}

export async function registrations({ attack, control }: Attempts, world: World): Promise<void> {
  const { operator, owned } = world.stack.world;
  const { cluster } = owned;
  const registrar = await world.stack.world.fundedActor();
  const authority = await trustedAuthority(world);
  const theirs = await ownCluster(world, registrar);
  const refused = (name: string, expected: string, act: () => Promise<unknown>): Promise<void> =>
    attack(`enclave: ${name}`, expected, () => onChain(act));
  const slot = await slotFor(world, registrar);
  const registering =
    (options: Partial<Parameters<typeof boot>[1]> = {}) =>
    async () =>
      register(registrar, cluster, (await boot(world, { slot, authority, ...options })).args);

  const foreign = await grantSlot(registrar, theirs, {
    registrar: addressOf(registrar.signer),
    configVersion: 1n,
    expiresMs: BigInt(systemClock.now() + 600_000),
  });
  await refused(
    "a slot of the attacker's own cluster",
    'enclaves::EWrongCluster',
    registering({ slot: foreign.slot }),
  );
  const others = await slotFor(world, operator);
  await refused("another registrar's slot", 'CHAIN_REFUSED', registering({ slot: others }));
  await refused("a document for another's slot", 'enclaves::EWrongNonce', registering({ nonce: others }));
  await refused(
    'a document of another cluster',
    'enclaves::EWrongUserData',
    registering({ cluster: theirs.cluster }),
  );
  await refused('a stale document', 'enclaves::EDocumentTooOld', registering({ ageMs: 301_000 }));
  await refused(
    // Its certificate is not valid yet: the chain's check comes before EDocumentFromFuture.
    'a document from the future',
    'nitro_attestation 2',
    registering({ ageMs: -30_000 }),
  );
  const measured = await acceptedPcrs(world);
  for (const index of [0, 1, 2]) {
    const pcrs = new Map(measured).set(index, new Uint8Array(48).fill(7));
    await refused(`another PCR${index}`, 'enclaves::EPcrMismatch', registering({ pcrs }));
  }
  await refused('debug mode, PCRs of zero', 'enclaves::EPcrZero', registering({ pcrs: new Map() }));
  const stranger = await createDevelopmentAuthority({ clock: systemClock });
  await refused('a document by another root', 'nitro_attestation 2', registering({ authority: stranger }));
  const image = await boot(world, { slot, authority });
  const other = generateEd25519();
  await refused('another log key than attested', 'enclaves::EWrongUserData', () =>
    register(registrar, cluster, { ...image.args, logKey: other.publicKey }),
  );
  await refused('another TLS key than attested', 'enclaves::EWrongUserData', () =>
    register(registrar, cluster, { ...image.args, tlsKeyHash: other.publicKey }),
  );
  const { document } = image.args;
  const altered = new Uint8Array(document);
  altered.set([(altered[600] ?? 0) ^ 1], 600);
  await attack('enclave: a document with one bit changed', 'nitro_attestation', async () =>
    (await onChain(() => register(registrar, cluster, { ...image.args, document: altered }))).replace(
      / \d$/,
      '',
    ),
  );

  let session = '';
  await control('the same image, as it is', () =>
    onChain(async () => ({ session } = await register(registrar, cluster, image.args))),
  );
  await refused('its slot once more', 'OBJECT_MISSING', () => register(registrar, cluster, image.args));
  await refused('its document with another slot', 'enclaves::EWrongNonce', async () =>
    register(registrar, cluster, { ...image.args, slot: await slotFor(world, registrar) }),
  );
  const { term } = await readCluster(operator.client, operator.packageId, cluster);
  await refused('activation without the cap', 'CHAIN_REFUSED', () =>
    activate(registrar, owned, session, term),
  );
  await refused("activation with another cluster's cap", 'cluster::EWrongCap', () =>
    activate(registrar, { cluster, cap: theirs.cap }, session, term),
  );
  await refused('activation at an old term', 'enclaves::EWrongTerm', () =>
    activate(operator, owned, session, term - 1n),
  );
  await refused('activation at a later term', 'enclaves::EWrongTerm', () =>
    activate(operator, owned, session, term + 1n),
  );
  await refused('revoking the active session', 'CHAIN_REFUSED', () =>
    revoke(registrar, owned, world.stack.enclave.session),
  );
  await revoke(operator, owned, session);
  await refused('activation of a revoked session', 'enclaves::ERevoked', () =>
    activate(operator, owned, session, term),
  );
}
