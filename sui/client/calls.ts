import type { Transaction, TransactionArgument, TransactionResult } from '@mysten/sui/transactions';
import type { Bytes, SuiId } from '@k3s-daas/core';

import type { EnclaveConfig, Parameters } from './layouts.ts';
import { bytes, call, CLOCK, object, type ObjectInput } from './move-call.ts';

export type { ObjectInput } from './move-call.ts';

// One function per entry point of the package: each adds one command to a transaction. An object is given by id or as
// the result of an earlier command.

export interface ClusterTerms {
  readonly configDigest: Bytes;
  readonly policyDigest: Bytes;
  readonly enclave: EnclaveConfig;
  readonly parameters: Parameters;
}

export interface NodeTerms {
  readonly name: string;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly nodeKey: Bytes;
  /** SHA-256 of the SubjectPublicKeyInfo in the kubelet's certificate. */
  readonly csrKeyHash: Bytes;
  readonly cpuMilli: bigint;
  readonly memoryMib: bigint;
}

/** → ClusterCap; the Cluster becomes a shared object. */
export function createCluster(tx: Transaction, packageId: SuiId, terms: ClusterTerms): TransactionResult {
  return call(tx, packageId, 'cluster::create', [
    bytes(tx, terms.configDigest),
    bytes(tx, terms.policyDigest),
    ...pcrs(tx, terms.enclave),
    parameters(tx, packageId, terms.parameters),
  ]);
}

/** → Parameters */
export function parameters(tx: Transaction, packageId: SuiId, terms: Parameters): TransactionResult {
  const { stakes, enclaves, votes } = terms;
  const amounts = (...values: readonly bigint[]): TransactionArgument[] =>
    values.map((value) => tx.pure.u64(value));
  return call(tx, packageId, 'parameters::new', [
    call(
      tx,
      packageId,
      'parameters::new_stakes',
      amounts(
        stakes.userMin,
        stakes.nodeMin,
        stakes.adminMin,
        stakes.mistPerCpu,
        stakes.mistPerGib,
        stakes.userUnbondingMs,
        stakes.nodeUnbondingMs,
        stakes.adminUnbondingMs,
      ),
    ),
    call(
      tx,
      packageId,
      'parameters::new_enclaves',
      amounts(enclaves.documentAgeMsMax, enclaves.bondMin, enclaves.anchorWindowMs),
    ),
    call(
      tx,
      packageId,
      'parameters::new_votes',
      amounts(
        votes.votingMs,
        votes.timelockMs,
        votes.executionMs,
        votes.quorumBps,
        votes.electorateMin,
        votes.deposit,
      ),
    ),
  ]);
}

export function setParameters(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  terms: Parameters,
): TransactionResult {
  const value = parameters(tx, packageId, terms);
  return call(tx, packageId, 'cluster::set_parameters', [object(tx, cluster), object(tx, cap), value]);
}

/** Hands terms, images and slashing to the stakers, for good. */
export function govern(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
): TransactionResult {
  return call(tx, packageId, 'cluster::govern', [object(tx, cluster), object(tx, cap)]);
}

export function acceptConfig(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  config: EnclaveConfig,
): TransactionResult {
  return call(tx, packageId, 'cluster::accept_config', [
    object(tx, cluster),
    object(tx, cap),
    ...pcrs(tx, config),
  ]);
}

export function retireConfig(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  version: bigint,
): TransactionResult {
  return call(tx, packageId, 'cluster::retire_config', [
    object(tx, cluster),
    object(tx, cap),
    tx.pure.u64(version),
  ]);
}

/** → Position, which must go to sharePosition. */
export function stake(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  coin: TransactionArgument,
  role: number,
): TransactionResult {
  return call(tx, packageId, 'staking::stake', [
    object(tx, cluster),
    coin,
    tx.pure.u8(role),
    tx.object(CLOCK),
  ]);
}

export function sharePosition(tx: Transaction, packageId: SuiId, position: ObjectInput): TransactionResult {
  return call(tx, packageId, 'staking::share', [object(tx, position)]);
}

export function topUp(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  position: ObjectInput,
  coin: TransactionArgument,
): TransactionResult {
  return call(tx, packageId, 'staking::top_up', [
    object(tx, cluster),
    object(tx, position),
    coin,
    tx.object(CLOCK),
  ]);
}

export function requestUnbond(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  position: ObjectInput,
  amount: bigint,
): TransactionResult {
  return call(tx, packageId, 'staking::request_unbond', [
    object(tx, cluster),
    object(tx, position),
    tx.pure.u64(amount),
    tx.object(CLOCK),
  ]);
}

/** → Coin<SUI> */
export function withdraw(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  position: ObjectInput,
): TransactionResult {
  return call(tx, packageId, 'staking::withdraw', [
    object(tx, cluster),
    object(tx, position),
    tx.object(CLOCK),
  ]);
}

export function slash(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  position: ObjectInput,
  amount: bigint,
  reason: string,
): TransactionResult {
  return call(tx, packageId, 'staking::slash', [
    object(tx, cluster),
    object(tx, cap),
    object(tx, position),
    tx.pure.u64(amount),
    tx.pure.string(reason),
  ]);
}

/** `proof`: nodeClaimMessage signed by the node key. */
export function claimNode(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  position: ObjectInput,
  terms: NodeTerms,
  proof: Bytes,
): TransactionResult {
  return call(tx, packageId, 'nodes::claim', [
    object(tx, cluster),
    object(tx, position),
    tx.pure.string(terms.name),
    bytes(tx, terms.nodeKey),
    bytes(tx, terms.csrKeyHash),
    tx.pure.u64(terms.cpuMilli),
    tx.pure.u64(terms.memoryMib),
    bytes(tx, proof),
    tx.object(CLOCK),
  ]);
}

export function leave(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  position: ObjectInput,
): TransactionResult {
  return call(tx, packageId, 'nodes::leave', [object(tx, cluster), object(tx, position), tx.object(CLOCK)]);
}

/** Takes the name back from a node none of whose stake is active. */
export function evict(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  position: ObjectInput,
): TransactionResult {
  return call(tx, packageId, 'nodes::evict', [
    object(tx, cluster),
    object(tx, cap),
    object(tx, position),
    tx.object(CLOCK),
  ]);
}

export function setJailed(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  node: string,
  jailed: boolean,
): TransactionResult {
  const entry = jailed ? 'nodes::jail' : 'nodes::unjail';
  return call(tx, packageId, entry, [object(tx, cluster), object(tx, cap), tx.pure.string(node)]);
}

/** Sends the slot to `registrar`, who may use it once until `expiresMs`. */
export function grantSlot(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  registrar: SuiId,
  configVersion: bigint,
  expiresMs: bigint,
): TransactionResult {
  return call(tx, packageId, 'enclaves::grant_slot', [
    object(tx, cluster),
    object(tx, cap),
    tx.pure.address(registrar),
    tx.pure.u64(configVersion),
    tx.pure.u64(expiresMs),
  ]);
}

/** → NitroAttestationDocument: the framework verifies the COSE signature and the chain to the AWS root. */
export function loadAttestation(tx: Transaction, document: Bytes): TransactionResult {
  return tx.moveCall({
    target: '0x2::nitro_attestation::load_nitro_attestation',
    arguments: [bytes(tx, document), tx.object(CLOCK)],
  });
}

/** → Session, which must go to shareSession. Uses the slot up and puts the coin `bond` down. */
export function register(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  slot: ObjectInput,
  document: TransactionArgument,
  logKey: Bytes,
  tlsKeyHash: Bytes,
  bond: TransactionArgument,
): TransactionResult {
  return call(tx, packageId, 'enclaves::register', [
    object(tx, cluster),
    object(tx, slot),
    document,
    bytes(tx, logKey),
    bytes(tx, tlsKeyHash),
    bond,
    tx.object(CLOCK),
  ]);
}

export function shareSession(tx: Transaction, packageId: SuiId, session: ObjectInput): TransactionResult {
  return call(tx, packageId, 'enclaves::share', [object(tx, session)]);
}

/** Compare-and-set of the cluster's active session: fails unless its term is `expectedTerm`. */
export function activate(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  session: ObjectInput,
  expectedTerm: bigint,
): TransactionResult {
  return call(tx, packageId, 'enclaves::activate', [
    object(tx, cluster),
    object(tx, cap),
    object(tx, session),
    tx.pure.u64(expectedTerm),
  ]);
}

export function revoke(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  session: ObjectInput,
): TransactionResult {
  return call(tx, packageId, 'enclaves::revoke', [
    object(tx, cluster),
    object(tx, cap),
    object(tx, session),
    tx.object(CLOCK),
  ]);
}

/** Ends a session for its sponsor, the sender. */
export function endSession(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  session: ObjectInput,
): TransactionResult {
  return call(tx, packageId, 'enclaves::end', [object(tx, cluster), object(tx, session), tx.object(CLOCK)]);
}

/** → Coin<SUI>: the bond of a session that ended long enough ago, for its sponsor. */
export function reclaimBond(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  session: ObjectInput,
): TransactionResult {
  return call(tx, packageId, 'enclaves::reclaim_bond', [
    object(tx, cluster),
    object(tx, session),
    tx.object(CLOCK),
  ]);
}

/** → Decision */
export function verifyDecision(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  session: ObjectInput,
  message: Bytes,
  signature: Bytes,
): TransactionResult {
  return call(tx, packageId, 'decisions::verify', [
    object(tx, cluster),
    object(tx, session),
    bytes(tx, message),
    bytes(tx, signature),
  ]);
}

function pcrs(tx: Transaction, { pcr0, pcr1, pcr2 }: EnclaveConfig): TransactionArgument[] {
  return [bytes(tx, pcr0), bytes(tx, pcr1), bytes(tx, pcr2)];
}
