import {
  nodeClaimMessage,
  decisionBcs,
  type Bytes,
  type Decision,
  type Receipt,
  type Signer,
  type SuiId,
} from '@k3s-daas/core';
import type { ClientWithCoreApi } from '@mysten/sui/client';
import { Transaction, type TransactionResult } from '@mysten/sui/transactions';

import { addressOf, type Account } from './accounts.ts';
import * as calls from './calls.ts';
import { ChainError, executionFailed, toChainError } from './errors.ts';
import { eventsOf, type ChainEventKind, type EventOf } from './events.ts';
import { createdOne, execute, type Executed, type GasTerms } from './execute.ts';
import { moveTypes, parseObject, type EnclaveConfig } from './layouts.ts';
import { publishCode } from './publish.ts';
import { readCluster } from './reads.ts';

/** Who acts, through which node, on which package. */
export interface Actor {
  readonly client: ClientWithCoreApi;
  readonly signer: Account;
  readonly packageId: SuiId;
  /** Of each transaction; without it the node proposes the gas budget. */
  readonly gas?: GasTerms;
}

/** A cluster and the cap of its owner. */
export interface Owned {
  readonly cluster: SuiId;
  readonly cap: SuiId;
}

/** Commands of one PTB may be 1,024 and its accessed dynamic fields 1,000; a claim touches two. */
export const BATCH_MAX = 250;

/**
 * Publishes compiled modules. The package is made immutable, since key servers accept any later version of a package;
 * with `upgradeable` the UpgradeCap goes to the signer instead.
 */
export async function publishPackage(
  { client, signer }: Pick<Actor, 'client' | 'signer'>,
  modules: readonly Bytes[],
  dependencies: readonly SuiId[],
  options: { readonly upgradeable?: boolean } = {},
): Promise<Executed & { readonly packageId: SuiId }> {
  const policy = options.upgradeable === true ? 'keep' : 'immutable';
  return await publishCode({ client, signer }, { modules, dependencies }, policy);
}

/** Creates a shared Cluster; its ClusterCap goes to the signer. */
export async function createCluster(
  actor: Actor,
  terms: calls.ClusterTerms,
): Promise<Executed & { readonly clusterId: SuiId; readonly capId: SuiId }> {
  const executed = await run(actor, (tx) => {
    tx.transferObjects([calls.createCluster(tx, actor.packageId, terms)], addressOf(actor.signer));
  });
  const clusterId = only(executed, 'cluster::ClusterCreated').cluster;
  return { ...executed, clusterId, capId: createdOne(executed, moveTypes(actor.packageId).cap) };
}

export function acceptConfig(
  actor: Actor,
  { cluster, cap }: Owned,
  config: EnclaveConfig,
): Promise<Executed> {
  return run(actor, (tx) => calls.acceptConfig(tx, actor.packageId, cluster, cap, config));
}

export function retireConfig(actor: Actor, { cluster, cap }: Owned, version: bigint): Promise<Executed> {
  return run(actor, (tx) => calls.retireConfig(tx, actor.packageId, cluster, cap, version));
}

/** Stakes MIST from the signer's gas coin. `role`: core StakeRole. */
export async function stake(
  actor: Actor,
  args: { readonly cluster: SuiId; readonly role: number; readonly amount: bigint },
): Promise<Executed & { readonly position: SuiId }> {
  const { positions, ...executed } = await stakeMany(actor, { ...args, amounts: [args.amount] });
  const [position] = positions;
  if (position === undefined) throw new ChainError('CHAIN_MALFORMED', `${executed.digest} staked nothing`);
  return { ...executed, position };
}

/** As stake, one position per amount, all in one transaction; at most BATCH_MAX. */
export async function stakeMany(
  actor: Actor,
  args: { readonly cluster: SuiId; readonly role: number; readonly amounts: readonly bigint[] },
): Promise<Executed & { readonly positions: readonly SuiId[] }> {
  const { cluster, role, amounts } = args;
  requireBatch(amounts.length);
  const executed = await run(actor, (tx) => {
    const coins = tx.splitCoins(tx.gas, [...amounts]);
    amounts.forEach((_, index) => {
      const coin = coins[index];
      if (coin === undefined) throw new RangeError('splitCoins gives a coin per amount');
      calls.sharePosition(tx, actor.packageId, calls.stake(tx, actor.packageId, cluster, coin, role));
    });
  });
  return {
    ...executed,
    positions: eventsOf(executed.events, 'staking::Staked').map((event) => event.position),
  };
}

export interface ClaimArgs extends calls.NodeTerms {
  readonly position: SuiId;
  /** From proveNodeKey, made where the node key is. */
  readonly proof: Bytes;
}

/** The node key's signature that a claim carries. */
export function proveNodeKey(
  nodeKey: Signer,
  claim: {
    readonly cluster: SuiId;
    readonly position: SuiId;
    readonly name: string;
    readonly csrKeyHash: Bytes;
  },
): Bytes {
  const { cluster, position, name, csrKeyHash } = claim;
  return nodeKey.sign(nodeClaimMessage({ cluster, stake: position, node: name, csrKeyHash }));
}

export function claimNode(actor: Actor, cluster: SuiId, claim: ClaimArgs): Promise<Executed> {
  return claimMany(actor, cluster, [claim]);
}

/** As claimNode, all in one transaction; at most BATCH_MAX. */
export function claimMany(actor: Actor, cluster: SuiId, claims: readonly ClaimArgs[]): Promise<Executed> {
  requireBatch(claims.length);
  return run(actor, (tx) => {
    for (const claim of claims)
      calls.claimNode(tx, actor.packageId, cluster, claim.position, claim, claim.proof);
  });
}

/**
 * Stakes as a node and claims a name with it. Two transactions, since the node key signs the position's id: when the
 * second fails, the stake stays and can be used for another claim (its id is in the error's message).
 */
export async function stakeAndClaim(
  actor: Actor,
  args: Omit<calls.NodeTerms, 'nodeKey'> & {
    readonly cluster: SuiId;
    readonly amount: bigint;
    readonly nodeKey: Signer;
  },
): Promise<{ readonly position: SuiId; readonly staked: Executed; readonly claimed: Executed }> {
  const { cluster, amount, nodeKey, ...terms } = args;
  const { position, ...staked } = await stake(actor, { cluster, role: 1, amount });
  const proof = proveNodeKey(nodeKey, { cluster, position, name: terms.name, csrKeyHash: terms.csrKeyHash });
  try {
    const claimed = await claimNode(actor, cluster, {
      ...terms,
      nodeKey: nodeKey.publicKey,
      position,
      proof,
    });
    return { position, staked, claimed };
  } catch (error) {
    const { code, message, abort, digest } = toChainError(error);
    throw new ChainError(code, `${message}; position ${position} holds the stake`, {
      cause: error,
      ...(abort && { abort }),
      ...(digest !== null && { digest }),
    });
  }
}

export function topUp(
  actor: Actor,
  args: { readonly cluster: SuiId; readonly position: SuiId; readonly amount: bigint },
): Promise<Executed> {
  return run(actor, (tx) => {
    const [coin] = tx.splitCoins(tx.gas, [args.amount]);
    calls.topUp(tx, actor.packageId, args.cluster, args.position, coin);
  });
}

export function requestUnbond(
  actor: Actor,
  args: { readonly cluster: SuiId; readonly position: SuiId; readonly amount: bigint },
): Promise<Executed> {
  return run(actor, (tx) =>
    calls.requestUnbond(tx, actor.packageId, args.cluster, args.position, args.amount),
  );
}

/** Pays what has finished unbonding to the signer. */
export function withdraw(
  actor: Actor,
  args: { readonly cluster: SuiId; readonly position: SuiId },
): Promise<Executed> {
  return run(actor, (tx) => {
    const coin = calls.withdraw(tx, actor.packageId, args.cluster, args.position);
    tx.transferObjects([coin], addressOf(actor.signer));
  });
}

/** Takes up to `amount` from the position's active and then its unbonding stake into the cluster's treasury. */
export function slash(
  actor: Actor,
  { cluster, cap }: Owned,
  args: { readonly position: SuiId; readonly amount: bigint; readonly reason: string },
): Promise<Executed> {
  const { position, amount, reason } = args;
  return run(actor, (tx) => calls.slash(tx, actor.packageId, cluster, cap, position, amount, reason));
}

export function leave(
  actor: Actor,
  args: { readonly cluster: SuiId; readonly position: SuiId },
): Promise<Executed> {
  return run(actor, (tx) => calls.leave(tx, actor.packageId, args.cluster, args.position));
}

/** Frees the name of a node none of whose stake is active, and whose owner does not leave. */
export function evict(actor: Actor, { cluster, cap }: Owned, position: SuiId): Promise<Executed> {
  return run(actor, (tx) => calls.evict(tx, actor.packageId, cluster, cap, position));
}

export function jail(actor: Actor, { cluster, cap }: Owned, node: string): Promise<Executed> {
  return run(actor, (tx) => calls.setJailed(tx, actor.packageId, cluster, cap, node, true));
}

export function unjail(actor: Actor, { cluster, cap }: Owned, node: string): Promise<Executed> {
  return run(actor, (tx) => calls.setJailed(tx, actor.packageId, cluster, cap, node, false));
}

/** Grants `registrar` the right to register one enclave session. */
export async function grantSlot(
  actor: Actor,
  { cluster, cap }: Owned,
  args: { readonly registrar: SuiId; readonly configVersion: bigint; readonly expiresMs: bigint },
): Promise<Executed & { readonly slot: SuiId }> {
  const { registrar, configVersion, expiresMs } = args;
  const executed = await run(actor, (tx) =>
    calls.grantSlot(tx, actor.packageId, cluster, cap, registrar, configVersion, expiresMs),
  );
  return { ...executed, slot: only(executed, 'enclaves::SlotGranted').slot };
}

export interface RegisterArgs {
  readonly slot: SuiId;
  /** COSE_Sign1 of the NSM, whose nonce is the slot's id and whose user_data is core enclaveUserData. */
  readonly document: Bytes;
  readonly logKey: Bytes;
  readonly tlsKeyHash: Bytes;
  /** MIST that the signer puts down, from its gas coin; the cluster's `bondMin` when not given. */
  readonly bond?: bigint;
}

/** Registers a session by whoever owns the slot; the cluster's owner activates it separately. */
export async function register(
  actor: Actor,
  cluster: SuiId,
  args: RegisterArgs,
): Promise<Executed & { readonly session: SuiId }> {
  const bond = args.bond ?? (await bondMin(actor, cluster));
  const executed = await run(actor, (tx) => {
    calls.shareSession(tx, actor.packageId, addRegistration(tx, actor, cluster, { ...args, bond }));
  });
  return { ...executed, session: only(executed, 'enclaves::SessionRegistered').session };
}

/** Makes a session the active one. `expectedTerm`: the cluster's term now; read from the chain when not given. */
export async function activate(
  actor: Actor,
  { cluster, cap }: Owned,
  session: SuiId,
  expectedTerm?: bigint,
): Promise<Executed & { readonly term: bigint }> {
  const term = expectedTerm ?? (await readCluster(actor.client, actor.packageId, cluster)).term;
  const executed = await run(actor, (tx) => calls.activate(tx, actor.packageId, cluster, cap, session, term));
  return { ...executed, term: only(executed, 'enclaves::SessionActivated').term };
}

/** Registers and activates in one transaction; the signer owns both the slot and the cap. */
export async function registerAndActivate(
  actor: Actor,
  { cluster, cap }: Owned,
  args: RegisterArgs & { readonly expectedTerm?: bigint },
): Promise<Executed & { readonly session: SuiId; readonly term: bigint }> {
  const expected = args.expectedTerm ?? (await readCluster(actor.client, actor.packageId, cluster)).term;
  const bond = args.bond ?? (await bondMin(actor, cluster));
  const executed = await run(actor, (tx) => {
    const session = addRegistration(tx, actor, cluster, { ...args, bond });
    calls.activate(tx, actor.packageId, cluster, cap, session, expected);
    calls.shareSession(tx, actor.packageId, session);
  });
  const { session, term } = only(executed, 'enclaves::SessionActivated');
  return { ...executed, session, term };
}

export function revoke(actor: Actor, { cluster, cap }: Owned, session: SuiId): Promise<Executed> {
  return run(actor, (tx) => calls.revoke(tx, actor.packageId, cluster, cap, session));
}

/** Ends sessions that the signer sponsored, at most BATCH_MAX; their bonds are free after the anchor window. */
export function endSessions(actor: Actor, cluster: SuiId, sessions: readonly SuiId[]): Promise<Executed> {
  requireBatch(sessions.length);
  return run(actor, (tx) => {
    for (const session of sessions) calls.endSession(tx, actor.packageId, cluster, session);
  });
}

/** Takes the bonds of ended sessions back to the signer, their sponsor, at most BATCH_MAX. */
export function reclaimBonds(actor: Actor, cluster: SuiId, sessions: readonly SuiId[]): Promise<Executed> {
  requireBatch(sessions.length);
  return run(actor, (tx) => {
    const coins = sessions.map((session) => calls.reclaimBond(tx, actor.packageId, cluster, session));
    tx.transferObjects(coins, addressOf(actor.signer));
  });
}

/**
 * Has Move verify a receipt by simulation: nothing is written, no gas, no signature.
 * @returns the decision as Move parsed it. @throws ChainError TRANSACTION_FAILED with the abort that refused it.
 */
export async function verifyReceiptOnChain(
  { client, packageId }: Pick<Actor, 'client' | 'packageId'>,
  args: { readonly cluster: SuiId; readonly session: SuiId; readonly receipt: Receipt },
): Promise<Decision> {
  const { cluster, session, receipt } = args;
  const tx = new Transaction();
  calls.verifyDecision(tx, packageId, cluster, session, receipt.message, receipt.signature);
  tx.setSender(`0x${'0'.repeat(64)}`);
  let bytes: Uint8Array | undefined;
  try {
    const result = await client.core.simulateTransaction({
      transaction: tx,
      include: { commandResults: true },
    });
    if (result.$kind === 'FailedTransaction') {
      const { error } = result.FailedTransaction.status;
      throw error === null
        ? new ChainError('TRANSACTION_FAILED', 'the simulation failed')
        : executionFailed(error);
    }
    bytes = result.commandResults[0]?.returnValues[0]?.bcs;
  } catch (error) {
    throw toChainError(error);
  }
  if (bytes === undefined) throw new ChainError('CHAIN_MALFORMED', 'the simulation returned no decision');
  return parseObject(decisionBcs, 'the simulated decision', bytes);
}

function addRegistration(
  tx: Transaction,
  actor: Actor,
  cluster: SuiId,
  args: RegisterArgs & { readonly bond: bigint },
): TransactionResult {
  const document = calls.loadAttestation(tx, args.document);
  const [bond] = tx.splitCoins(tx.gas, [args.bond]);
  const { slot, logKey, tlsKeyHash } = args;
  return calls.register(tx, actor.packageId, cluster, slot, document, logKey, tlsKeyHash, bond);
}

async function bondMin({ client, packageId }: Actor, cluster: SuiId): Promise<bigint> {
  return (await readCluster(client, packageId, cluster)).parameters.enclaves.bondMin;
}

function run(
  { client, signer, packageId, gas }: Actor,
  add: (tx: Transaction) => unknown,
): Promise<Executed> {
  const tx = new Transaction();
  add(tx);
  return execute(client, tx, signer, packageId, { ...(gas && { gas }) });
}

function only<K extends ChainEventKind>(executed: Executed, kind: K): EventOf<K> {
  const [event] = eventsOf(executed.events, kind);
  if (event === undefined) throw new ChainError('CHAIN_MALFORMED', `${executed.digest} emitted no ${kind}`);
  return event;
}

function requireBatch(size: number): void {
  if (size < 1 || size > BATCH_MAX)
    throw new RangeError(`a batch holds 1 to ${BATCH_MAX} entries, got ${size}`);
}
