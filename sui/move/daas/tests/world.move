/// What the tests share: two clusters, stakes, sessions and transactions with known digests, so
/// that object ids are those of core/vectors/decision.json and signatures made elsewhere fit.
#[test_only]
module k3s_daas::world;

use k3s_daas::cluster::{Self, Cluster, ClusterCap};
use k3s_daas::enclaves::{Self, EnclaveSlot, Session};
use k3s_daas::nodes;
use k3s_daas::parameters::{Self, Parameters};
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
const USER_MIN: u64 = 100;
const NODE_MIN: u64 = 1_000;
const ADMIN_MIN: u64 = 10_000;
const MIST_PER_CPU: u64 = 500;
const MIST_PER_GIB: u64 = 100;
// The shortest delay is exactly voting, timelock and anchor window together.
const USER_UNBONDING_MS: u64 = 60_000;
const NODE_UNBONDING_MS: u64 = 120_000;
const ADMIN_UNBONDING_MS: u64 = 180_000;
const DOCUMENT_AGE_MS_MAX: u64 = 300_000;
const BOND_MIN: u64 = 700;
const ANCHOR_WINDOW_MS: u64 = 30_000;
const VOTING_MS: u64 = 20_000;
const TIMELOCK_MS: u64 = 10_000;
const EXECUTION_MS: u64 = 40_000;
const QUORUM_BPS: u64 = 4_000;
const ELECTORATE_MIN: u64 = 5_000;
const DEPOSIT: u64 = 50;

public fun operator(): address { OPERATOR }

public fun alice(): address { ALICE }

public fun bob(): address { BOB }

public fun now_ms(): u64 { NOW_MS }

public fun document_age_ms_max(): u64 { DOCUMENT_AGE_MS_MAX }

public fun user_unbonding_ms(): u64 { USER_UNBONDING_MS }

public fun node_unbonding_ms(): u64 { NODE_UNBONDING_MS }

public fun admin_unbonding_ms(): u64 { ADMIN_UNBONDING_MS }

public fun bond_min(): u64 { BOND_MIN }

public fun anchor_window_ms(): u64 { ANCHOR_WINDOW_MS }

public fun voting_ms(): u64 { VOTING_MS }

public fun timelock_ms(): u64 { TIMELOCK_MS }

public fun execution_ms(): u64 { EXECUTION_MS }

public fun quorum_bps(): u64 { QUORUM_BPS }

public fun electorate_min(): u64 { ELECTORATE_MIN }

public fun deposit(): u64 { DEPOSIT }

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

public fun parameters(): Parameters {
    parameters::new(
        parameters::new_stakes(
            USER_MIN,
            NODE_MIN,
            ADMIN_MIN,
            MIST_PER_CPU,
            MIST_PER_GIB,
            USER_UNBONDING_MS,
            NODE_UNBONDING_MS,
            ADMIN_UNBONDING_MS,
        ),
        parameters::new_enclaves(DOCUMENT_AGE_MS_MAX, BOND_MIN, ANCHOR_WINDOW_MS),
        parameters::new_votes(
            VOTING_MS,
            TIMELOCK_MS,
            EXECUTION_MS,
            QUORUM_BPS,
            ELECTORATE_MIN,
            DEPOSIT,
        ),
    )
}

/// BCS of `parameters`.
public fun parameters_bytes(): vector<u8> {
    vector[
        USER_MIN,
        NODE_MIN,
        ADMIN_MIN,
        MIST_PER_CPU,
        MIST_PER_GIB,
        USER_UNBONDING_MS,
        NODE_UNBONDING_MS,
        ADMIN_UNBONDING_MS,
        DOCUMENT_AGE_MS_MAX,
        BOND_MIN,
        ANCHOR_WINDOW_MS,
        VOTING_MS,
        TIMELOCK_MS,
        EXECUTION_MS,
        QUORUM_BPS,
        ELECTORATE_MIN,
        DEPOSIT,
    ]
        .map!(|number| b(number))
        .flatten()
}

fun cluster_of(hint: u64): (Cluster, ClusterCap) {
    cluster::new(
        vectors::config_digest(),
        vectors::config_policy_digest(),
        cluster::new_config(pcr(10), pcr(11), pcr(12)),
        parameters(),
        &mut tx(OPERATOR, hint),
    )
}

/// Id: `ids_cluster` of the vectors.
public fun cluster(): (Cluster, ClusterCap) { cluster_of(1) }

/// Id: `ids_other_cluster`.
public fun other_cluster(): (Cluster, ClusterCap) { cluster_of(2) }

/// `cluster` as a package of that version left it. Same id.
public fun cluster_of_version(version: u64): (Cluster, ClusterCap) {
    let (cluster, cap) = cluster_of(92);
    cluster::remake_for_testing(cluster, cap, version, &mut tx(OPERATOR, 1))
}

// === Stakes and claims ===

/// Staked at `now_ms`.
public fun position(
    cluster: &mut Cluster,
    owner: address,
    role: u8,
    amount: u64,
    hint: u64,
): Position {
    position_at(cluster, owner, role, amount, NOW_MS, hint)
}

public fun position_at(
    cluster: &mut Cluster,
    owner: address,
    role: u8,
    amount: u64,
    ms: u64,
    hint: u64,
): Position {
    let coin = coin(amount);
    let clock = clock(ms);
    let position = staking::stake(cluster, coin, role, &clock, &mut tx(owner, hint));
    clock.destroy_for_testing();
    position
}

/// Alice's node stake. Id: `ids_stake`.
public fun stake(cluster: &mut Cluster, amount: u64): Position {
    position(cluster, ALICE, staking::role_node(), amount, 5)
}

/// Bob's node stake. Id: `ids_other_stake`.
public fun other_stake(cluster: &mut Cluster, amount: u64): Position {
    position(cluster, BOB, staking::role_node(), amount, 6)
}

public fun first_name(): String { b"worker-1".to_string() }

public fun other_name(): String { b"worker-2".to_string() }

/// What `claim` claims: 4 cores and 8 GiB, so 4 · 500 + 8 · 100 MIST.
public fun required(): u64 { 2_800 }

/// `nodes::claim` at `now_ms` of 4 cores and 8 GiB with the vectors' node key.
public fun claim_as(
    cluster: &mut Cluster,
    position: &mut Position,
    sender: address,
    name: String,
    proof: vector<u8>,
) {
    claim_at(cluster, position, sender, name, proof, NOW_MS);
}

public fun claim_at(
    cluster: &mut Cluster,
    position: &mut Position,
    sender: address,
    name: String,
    proof: vector<u8>,
    ms: u64,
) {
    let clock = clock(ms);
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

/// `nodes::leave` at that time.
public fun leave_at(cluster: &mut Cluster, position: &mut Position, sender: address, ms: u64) {
    let clock = clock(ms);
    nodes::leave(cluster, position, &clock, &tx(sender, 41));
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

/// The session of the vectors' keys with the smallest bond. Id: `ids_session`. Its config must have
/// the first config's PCRs. Its sponsor is the operator.
public fun session(cluster: &Cluster, cap: &ClusterCap, config_version: u64): Session {
    let slot = slot(cluster, cap, config_version);
    let clock = clock(NOW_MS);
    let bond = coin(BOND_MIN);
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
        bond,
        &clock,
        &mut tx(OPERATOR, 4),
    );
    clock.destroy_for_testing();
    session
}

/// `enclaves::revoke` at that time.
public fun revoke_at(cluster: &mut Cluster, cap: &ClusterCap, session: &mut Session, ms: u64) {
    let clock = clock(ms);
    enclaves::revoke(cluster, cap, session, &clock);
    clock.destroy_for_testing();
}

/// `enclaves::revoke` at `now_ms`.
public fun revoke(cluster: &mut Cluster, cap: &ClusterCap, session: &mut Session) {
    revoke_at(cluster, cap, session, NOW_MS);
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
