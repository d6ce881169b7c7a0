/// Claims of node names: one stake stands behind one node, with the node's key and capacity. A
/// claim says who may run a node of that name; it holds no money, and to jail it takes none.
///
/// A claim is open until a certificate was issued for it, then used, and in the end left. A name
/// whose certificate is still valid when it is left stays reserved until that has ended, or the old
/// owner's kubelet could pose as the new owner's node.
module k3s_daas::nodes;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::parameters::StakeParameters;
use k3s_daas::staking::{Self, Position};
use std::string::String;
use sui::bcs;
use sui::clock::Clock;
use sui::ed25519;
use sui::event;

// === Errors ===

/// Only a stake of role node can claim a node.
const ERoleNotNode: u64 = 0;
/// The stake already stands behind a node.
const EStakeBound: u64 = 1;
/// The name is claimed by another stake.
const ENameTaken: u64 = 2;
/// The name is not a DNS-1123 subdomain of at most 253 bytes.
const ENameInvalid: u64 = 3;
/// A node key and a CSR key hash have 32 bytes.
const EKeyLength: u64 = 4;
/// A node offers some CPU and some memory.
const EZeroCapacity: u64 = 5;
/// No stake could cover this capacity: the amount exceeds 64 bits.
const ECapacityTooLarge: u64 = 6;
/// The stake is smaller than what the claimed capacity requires.
const EStakeTooSmall: u64 = 7;
/// The proof is not the node key's signature of the claim.
const EProofInvalid: u64 = 8;
/// The stake stands behind no node.
const EStakeNotBound: u64 = 9;
/// A jailed node sends no heartbeat, and cannot leave before its stake has: leaving and claiming again
/// would undo the jail.
const EJailed: u64 = 10;
/// No stake claims this name.
const ENodeUnknown: u64 = 11;
/// The node is not jailed.
const ENotJailed: u64 = 12;
/// A certificate of an earlier claim of this name is still valid.
const ENameReserved: u64 = 13;
/// A certificate's end lies in the past, is more than 400 days away, or is before that of another
/// certificate of this node.
const ECertificateEnd: u64 = 14;
/// The heartbeat is not the node key's signature, or is another node's, cluster's or stake's.
const EHeartbeatInvalid: u64 = 15;
/// The heartbeat is older than the last one, more than 5 minutes old, or from the future.
const EHeartbeatTime: u64 = 16;
/// The name is another stake's.
const EWrongStake: u64 = 17;
/// Only a node none of whose stake is active is evicted.
const EStillStaked: u64 = 18;

// === Constants ===

const KEY_BYTES: u64 = 32;
const NAME_BYTES_MAX: u64 = 253;
const MILLI_PER_CPU: u128 = 1000;
const MIB_PER_GIB: u128 = 1024;
const CERTIFICATE_MS_MAX: u64 = 400 * 24 * 60 * 60 * 1000;
const HEARTBEAT_AGE_MS_MAX: u64 = 5 * 60 * 1000;
/// A node's clock and the chain's may differ by this much.
const HEARTBEAT_AHEAD_MS_MAX: u64 = 10_000;
const CLAIM_DOMAIN: vector<u8> = b"k3s-daas/claim/v1";
const HEARTBEAT_DOMAIN: vector<u8> = b"k3s-daas/heartbeat/v1";

// === Structs ===

/// What the node key signs, after the domain string (docs/formats.md).
public struct NodeClaimProof has copy, drop {
    cluster: ID,
    stake: ID,
    node: String,
    csr_key_hash: vector<u8>,
}

/// What the node key signs, after the domain string, to show that the node lives.
public struct Heartbeat has copy, drop {
    cluster: ID,
    stake: ID,
    node: String,
    timestamp_ms: u64,
}

// === Events ===

public struct NodeClaimed has copy, drop {
    cluster: ID,
    node: String,
    stake: ID,
    owner: address,
}

public struct CertificateRecorded has copy, drop {
    cluster: ID,
    node: String,
    until_ms: u64,
}

/// The name is free from `free_ms` on.
public struct NodeLeft has copy, drop {
    cluster: ID,
    node: String,
    stake: ID,
    free_ms: u64,
}

public struct NodeJailed has copy, drop {
    cluster: ID,
    node: String,
}

public struct NodeUnjailed has copy, drop {
    cluster: ID,
    node: String,
}

// === Public functions ===

/// Claims a free name for the sender's unbound node stake. `proof` shows that the claimant holds
/// `node_key`, and names cluster, stake, name and CSR key, so that it is worth nothing to anyone
/// else.
public fun claim(
    cluster: &mut Cluster,
    position: &mut Position,
    name: String,
    node_key: vector<u8>,
    csr_key_hash: vector<u8>,
    cpu_milli: u64,
    memory_mib: u64,
    proof: vector<u8>,
    clock: &Clock,
    ctx: &TxContext,
) {
    let now_ms = clock.timestamp_ms();
    cluster.assert_version();
    position.assert_cluster(cluster);
    position.assert_owner(ctx);
    assert!(position.role() == staking::role_node(), ERoleNotNode);
    assert!(position.node().is_none(), EStakeBound);
    assert!(is_dns1123_subdomain(&name), ENameInvalid);
    assert!(!cluster.has_claim(name), ENameTaken);
    assert!(now_ms >= cluster.reserved_until_ms(name), ENameReserved);
    assert!(node_key.length() == KEY_BYTES && csr_key_hash.length() == KEY_BYTES, EKeyLength);
    assert!(cpu_milli > 0 && memory_mib > 0, EZeroCapacity);
    let required = required_stake(&cluster.parameters().stakes(), cpu_milli, memory_mib);
    assert!(position.active_value() >= required, EStakeTooSmall);
    let stake = object::id(position);
    let message = claim_message(object::id(cluster), stake, name, csr_key_hash);
    assert!(ed25519::ed25519_verify(&proof, &node_key, &message), EProofInvalid);

    if (cluster.reserved_until_ms(name) > 0) cluster.unreserve(name);
    position.bind(name);
    cluster.add_claim(
        name,
        stake,
        position.owner(),
        node_key,
        csr_key_hash,
        cpu_milli,
        memory_mib,
        required,
        now_ms,
    );
    event::emit(NodeClaimed {
        cluster: object::id(cluster),
        node: name,
        stake,
        owner: position.owner(),
    });
}

/// Records that a certificate was issued for the node of that stake, so that its name outlives it.
/// Whoever runs the cluster's CA does this before handing a certificate out. The stake is named because
/// the name may have changed hands since the CA looked.
public fun record_certificate(
    cluster: &mut Cluster,
    cap: &ClusterCap,
    name: String,
    stake: ID,
    until_ms: u64,
    clock: &Clock,
) {
    let now_ms = clock.timestamp_ms();
    cluster.assert_cap(cap);
    assert!(cluster.has_claim(name), ENodeUnknown);
    assert!(cluster.claim(name).claim_stake() == stake, EWrongStake);
    assert!(until_ms > now_ms && until_ms - now_ms <= CERTIFICATE_MS_MAX, ECertificateEnd);
    assert!(until_ms >= cluster.claim(name).claim_certificate_until_ms(), ECertificateEnd);
    cluster.set_certificate(name, until_ms);
    event::emit(CertificateRecorded { cluster: object::id(cluster), node: name, until_ms });
}

/// Shows that the node lived at `timestamp_ms`, by its own clock. Anyone may submit what the node key
/// signed. Touches the position only, so that nodes do not queue for the cluster.
public fun heartbeat(
    cluster: &Cluster,
    position: &mut Position,
    timestamp_ms: u64,
    signature: vector<u8>,
    clock: &Clock,
) {
    position.assert_cluster(cluster);
    assert!(position.node().is_some(), EStakeNotBound);
    let name = *position.node().borrow();
    let claim = cluster.claim(name);
    assert!(!claim.claim_jailed(), EJailed);
    let message = heartbeat_message(
        object::id(cluster),
        object::id(position),
        name,
        timestamp_ms,
    );
    let key = claim.claim_node_key();
    assert!(ed25519::ed25519_verify(&signature, &key, &message), EHeartbeatInvalid);
    let now_ms = clock.timestamp_ms();
    // Differences, not sums: no value that the node signs can overflow.
    if (timestamp_ms > now_ms) {
        assert!(timestamp_ms - now_ms <= HEARTBEAT_AHEAD_MS_MAX, EHeartbeatTime);
    } else {
        assert!(now_ms - timestamp_ms <= HEARTBEAT_AGE_MS_MAX, EHeartbeatTime);
    };
    assert!(timestamp_ms > position.heartbeat_ms(), EHeartbeatTime);
    position.set_heartbeat(timestamp_ms);
}

/// Gives the name up: the stake is unbound, and the name free once its last certificate has ended. A
/// jailed node does so only when none of its stake is active any more.
public fun leave(cluster: &mut Cluster, position: &mut Position, clock: &Clock, ctx: &TxContext) {
    cluster.assert_version();
    position.assert_cluster(cluster);
    position.assert_owner(ctx);
    assert!(position.node().is_some(), EStakeNotBound);
    let jailed = cluster.claim(*position.node().borrow()).claim_jailed();
    assert!(!jailed || position.active_value() == 0, EJailed);
    release(cluster, position, clock);
}

/// Takes the name back from a node whose stake has all left or been slashed, and whose owner does not
/// leave: or names could be held for ever, at no cost.
public fun evict(cluster: &mut Cluster, cap: &ClusterCap, position: &mut Position, clock: &Clock) {
    cluster.assert_cap(cap);
    position.assert_cluster(cluster);
    assert!(position.node().is_some(), EStakeNotBound);
    assert!(position.active_value() == 0, EStillStaked);
    release(cluster, position, clock);
}

/// Bars a node from the cluster. Takes no stake.
public fun jail(cluster: &mut Cluster, cap: &ClusterCap, name: String) {
    cluster.assert_cap(cap);
    assert!(cluster.has_claim(name), ENodeUnknown);
    assert!(!cluster.claim(name).claim_jailed(), EJailed);
    cluster.set_jailed(name, true);
    event::emit(NodeJailed { cluster: object::id(cluster), node: name });
}

/// Lets a jailed node back.
public fun unjail(cluster: &mut Cluster, cap: &ClusterCap, name: String) {
    cluster.assert_cap(cap);
    assert!(cluster.has_claim(name), ENodeUnknown);
    assert!(cluster.claim(name).claim_jailed(), ENotJailed);
    cluster.set_jailed(name, false);
    event::emit(NodeUnjailed { cluster: object::id(cluster), node: name });
}

// === Views ===

/// Stake that a capacity requires, in MIST: the rates, each rounded up, and never less than a node's minimum.
public fun required_stake(stakes: &StakeParameters, cpu_milli: u64, memory_mib: u64): u64 {
    // Products of two u64 and these small sums fit in u128.
    let cpu = (cpu_milli as u128) * (stakes.mist_per_cpu() as u128);
    let memory = (memory_mib as u128) * (stakes.mist_per_gib() as u128);
    let rate = cpu.divide_and_round_up(MILLI_PER_CPU) + memory.divide_and_round_up(MIB_PER_GIB);
    assert!(rate <= (std::u64::max_value!() as u128), ECapacityTooLarge);
    (rate as u64).max(stakes.node_min())
}

// === Package functions ===

/// The bytes that a node key signs to claim a name.
public(package) fun claim_message(
    cluster: ID,
    stake: ID,
    node: String,
    csr_key_hash: vector<u8>,
): vector<u8> {
    let mut message = CLAIM_DOMAIN;
    message.append(bcs::to_bytes(&NodeClaimProof { cluster, stake, node, csr_key_hash }));
    message
}

/// The bytes that a node key signs to show that the node lives.
public(package) fun heartbeat_message(
    cluster: ID,
    stake: ID,
    node: String,
    timestamp_ms: u64,
): vector<u8> {
    let mut message = HEARTBEAT_DOMAIN;
    message.append(bcs::to_bytes(&Heartbeat { cluster, stake, node, timestamp_ms }));
    message
}

/// As Kubernetes validates node names: labels of lower-case letters, digits and inner hyphens,
/// joined by dots.
public(package) fun is_dns1123_subdomain(name: &String): bool {
    let bytes = name.as_bytes();
    let length = bytes.length();
    if (length == 0 || length > NAME_BYTES_MAX) return false;
    // A label starts and ends with a letter or a digit, so none may follow a separator or precede one.
    let mut inner = false;
    let mut i = 0;
    while (i < length) {
        let byte = bytes[i];
        let alphanumeric = (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57);
        let hyphen = byte == 45 && inner && i + 1 < length && bytes[i + 1] != 46;
        let dot = byte == 46 && inner;
        if (!alphanumeric && !hyphen && !dot) return false;
        inner = !dot;
        i = i + 1;
    };
    inner
}

// === Private functions ===

/// Unbinds the stake. The name is free, or reserved until its last certificate has ended.
fun release(cluster: &mut Cluster, position: &mut Position, clock: &Clock) {
    let name = position.unbind();
    let now_ms = clock.timestamp_ms();
    let free_ms = cluster.claim(name).claim_certificate_until_ms().max(now_ms);
    cluster.remove_claim(name);
    if (free_ms > now_ms) cluster.reserve(name, free_ms);
    event::emit(NodeLeft {
        cluster: object::id(cluster),
        node: name,
        stake: object::id(position),
        free_ms,
    });
}
