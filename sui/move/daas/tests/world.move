/// What the tests share: two clusters, stakes, sessions and transactions with known digests, so
/// that object ids are those of core/vectors/decision.json and signatures made elsewhere fit.
#[test_only]
module k3s_daas::world;

use k3s_daas::cluster::{Self, Cluster, ClusterCap};
use k3s_daas::enclaves::{Self, EnclaveSlot, Session};
use k3s_daas::nodes;
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors;
use std::string::String;
use sui::bcs;
use sui::clock::{Self, Clock};
use sui::coin::{Self, Coin};
use sui::sui::SUI;

// === Constants ===

const OPERATOR: address = @0x0FE;
const ALICE: address = @0xA11CE;
const BOB: address = @0xB0B;

const NOW_MS: u64 = 1_763_700_000_000;
const DOCUMENT_AGE_MS_MAX: u64 = 300_000;
const UNBONDING_MS: u64 = 60_000;
const USER_MIN: u64 = 100;
const NODE_MIN: u64 = 1_000;
const ADMIN_MIN: u64 = 10_000;
const MIST_PER_CPU: u64 = 500;
const MIST_PER_GIB: u64 = 100;

public fun operator(): address { OPERATOR }

public fun alice(): address { ALICE }

public fun bob(): address { BOB }

public fun now_ms(): u64 { NOW_MS }

public fun document_age_ms_max(): u64 { DOCUMENT_AGE_MS_MAX }

public fun unbonding_ms(): u64 { UNBONDING_MS }

// === Transactions ===

/// A transaction of `sender` whose digest is the u64 `hint`. The test VM has one current
/// transaction: take a new one for each call.
public fun tx(sender: address, hint: u64): TxContext {
    tx_context::new_from_hint(sender, hint, 0, 0, 0)
}

public fun clock(ms: u64): Clock {
    let mut clock = clock::create_for_testing(&mut tx(@0x0, 90));
    clock.set_for_testing(ms);
    clock
}

public fun coin(amount: u64): Coin<SUI> {
    coin::mint_for_testing(amount, &mut tx(@0x0, 91))
}

public fun bytes(byte: u8, length: u64): vector<u8> {
    vector::tabulate!(length, |_| byte)
}

// === Clusters ===

public fun pcr(byte: u8): vector<u8> { bytes(byte, 48) }

public fun stakes(): cluster::StakeParameters {
    cluster::stakes_for_testing(
        USER_MIN,
        NODE_MIN,
        ADMIN_MIN,
        MIST_PER_CPU,
        MIST_PER_GIB,
        UNBONDING_MS,
    )
}

fun cluster_of(hint: u64): (Cluster, ClusterCap) {
    cluster::new(
        vectors::config_digest(),
        vectors::config_policy_digest(),
        cluster::new_config(pcr(10), pcr(11), pcr(12)),
        DOCUMENT_AGE_MS_MAX,
        stakes(),
        &mut tx(OPERATOR, hint),
    )
}

/// Id: `ids_cluster` of the vectors.
public fun cluster(): (Cluster, ClusterCap) { cluster_of(1) }

/// Id: `ids_other_cluster`.
public fun other_cluster(): (Cluster, ClusterCap) { cluster_of(2) }

// === Stakes and claims ===

public fun position(cluster: &Cluster, owner: address, role: u8, amount: u64, hint: u64): Position {
    let coin = coin(amount);
    staking::stake(cluster, coin, role, &mut tx(owner, hint))
}

/// Alice's node stake. Id: `ids_stake`.
public fun stake(cluster: &Cluster, amount: u64): Position {
    position(cluster, ALICE, staking::role_node(), amount, 5)
}

/// Bob's node stake. Id: `ids_other_stake`.
public fun other_stake(cluster: &Cluster, amount: u64): Position {
    position(cluster, BOB, staking::role_node(), amount, 6)
}

public fun first_name(): String { b"worker-1".to_string() }

public fun other_name(): String { b"worker-2".to_string() }

/// What `claim` claims: 4 cores and 8 GiB, so 4 · 500 + 8 · 100 MIST.
public fun required(): u64 { 2_800 }

/// `nodes::claim` of 4 cores and 8 GiB with the vectors' node key.
public fun claim_as(
    cluster: &mut Cluster,
    position: &mut Position,
    sender: address,
    name: String,
    proof: vector<u8>,
) {
    let clock = clock(NOW_MS);
    nodes::claim(
        cluster,
        position,
        name,
        vectors::keys_node(),
        vectors::claims_first_csr_key_hash(),
        4_000,
        8_192,
        proof,
        &clock,
        &tx(sender, 20),
    );
    clock.destroy_for_testing();
}

/// Alice claims worker-1 with the stake of `stake`.
public fun claim(cluster: &mut Cluster, position: &mut Position) {
    claim_as(cluster, position, ALICE, first_name(), vectors::claims_first_proof());
}

// === Enclaves ===

/// Id: `ids_slot`. Expires a minute after `now_ms`.
public fun slot(cluster: &Cluster, cap: &ClusterCap, config_version: u64): EnclaveSlot {
    let expires_ms = NOW_MS + 60_000;
    enclaves::new_slot(cluster, cap, OPERATOR, config_version, expires_ms, &mut tx(OPERATOR, 3))
}

/// The session of the vectors' keys. Id: `ids_session`. Its config must have the first config's PCRs.
public fun session(cluster: &Cluster, cap: &ClusterCap, config_version: u64): Session {
    let slot = slot(cluster, cap, config_version);
    let clock = clock(NOW_MS);
    let session = enclaves::register_inner(
        cluster,
        slot,
        NOW_MS,
        vector[0, 1, 2],
        vector[pcr(10), pcr(11), pcr(12)],
        option::some(vectors::keys_decision()),
        option::some(vectors::enclave_user_data()),
        option::some(vectors::ids_slot()),
        vectors::keys_log(),
        vectors::enclave_tls_key_hash(),
        &clock,
        &mut tx(OPERATOR, 4),
    );
    clock.destroy_for_testing();
    session
}

/// A cluster in term 2 whose active session is that of the vectors' decision: config 3, the third
/// with the same PCRs.
public fun active(): (Cluster, ClusterCap, Session) {
    let (mut cluster, cap) = cluster();
    cluster.accept_config(&cap, pcr(10), pcr(11), pcr(12));
    cluster.accept_config(&cap, pcr(10), pcr(11), pcr(12));
    let session = session(&cluster, &cap, 3);
    cluster.activate(&cap, &session, 0);
    cluster.activate(&cap, &session, 1);
    (cluster, cap, session)
}

use fun enclaves::activate as Cluster.activate;

// === Bytes ===

/// BCS of each part, one after the other: structs have no other framing.
public fun concat(parts: vector<vector<u8>>): vector<u8> { parts.flatten() }

public fun b<T: drop>(value: T): vector<u8> { bcs::to_bytes(&value) }
