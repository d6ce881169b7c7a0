/// Nothing of one cluster counts in another: a test for each place where two objects meet. Sections
/// are named after the thing that is foreign.
#[test_only]
module k3s_daas::foreign_tests;

use k3s_daas::cluster::{Self, Cluster, ClusterCap};
use k3s_daas::enclaves::{Self, EnclaveSlot, Session};
use k3s_daas::heartbeat_vectors as heartbeats;
use k3s_daas::nodes;
use k3s_daas::parameters;
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors;
use k3s_daas::world::{Self, pcr};
use sui::clock::Clock;

use fun enclaves::activate as Cluster.activate;
use fun nodes::jail as Cluster.jail;
use fun nodes::unjail as Cluster.unjail;
use fun staking::slash as Cluster.slash;

fun now(): Clock { world::clock(world::now_ms()) }

fun reason(): std::string::String { b"evidence".to_string() }

/// A cluster, and the capability of another.
fun with_foreign_cap(): (Cluster, ClusterCap, ClusterCap) {
    let (cluster, cap) = world::cluster();
    let (other, foreign) = world::other_cluster();
    std::unit_test::destroy(other);
    (cluster, cap, foreign)
}

/// A cluster with its capability, and a position of another cluster: Alice's, who has 4,000 active and
/// 1,000 unbonding there.
fun with_foreign_position(): (Cluster, ClusterCap, Position) {
    let (mut cluster, cap) = world::cluster();
    let (other, other_cap) = world::other_cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let clock = now();
    let ctx = world::tx(world::alice(), 30);
    staking::request_unbond(&mut cluster, &mut position, 1_000, &clock, &ctx);
    staking::reward(&cluster, &mut position, world::coin(1));
    clock.destroy_for_testing();
    std::unit_test::destroy(cluster);
    std::unit_test::destroy(cap);
    (other, other_cap, position)
}

/// A cluster with its capability, and a session of another cluster.
fun with_foreign_session(): (Cluster, ClusterCap, Session) {
    let (cluster, cap) = world::cluster();
    let (other, other_cap) = world::other_cluster();
    let session = world::session(&cluster, &cap, 1);
    std::unit_test::destroy(cluster);
    std::unit_test::destroy(cap);
    (other, other_cap, session)
}

/// Registers the enclave of the vectors, which names `world::cluster`.
fun register(cluster: &Cluster, slot: EnclaveSlot): Session {
    let clock = now();
    let bond = world::coin(world::bond_min());
    let session = enclaves::register_inner(
        cluster,
        slot,
        world::now_ms(),
        vector[0, 1, 2],
        vector[pcr(10), pcr(11), pcr(12)],
        option::some(vectors::keys_decision()),
        option::some(vectors::enclave_user_data()),
        option::some(vectors::ids_slot()),
        vectors::keys_log(),
        vectors::enclave_tls_key_hash(),
        bond,
        &clock,
        &mut world::tx(world::operator(), 4),
    );
    clock.destroy_for_testing();
    session
}

// === Capability ===

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_accept_config() {
    let (mut cluster, _cap, foreign) = with_foreign_cap();
    cluster.accept_config(&foreign, pcr(1), pcr(2), pcr(3));
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_retire_config() {
    let (mut cluster, _cap, foreign) = with_foreign_cap();
    cluster.retire_config(&foreign, 1);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_set_parameters() {
    let (mut cluster, _cap, foreign) = with_foreign_cap();
    cluster.set_parameters(&foreign, world::parameters());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_govern() {
    let (mut cluster, _cap, foreign) = with_foreign_cap();
    cluster.govern(&foreign);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_set_tier() {
    let (mut cluster, _cap, foreign) = with_foreign_cap();
    let tier = parameters::new_tier(1, vector[b"dev".to_string()], 1);
    cluster.set_tier(&foreign, b"gold".to_string(), tier);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_remove_tier() {
    let (mut cluster, _cap, foreign) = with_foreign_cap();
    cluster.remove_tier(&foreign, b"gold".to_string());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_slash() {
    let (mut cluster, _cap, foreign) = with_foreign_cap();
    let mut position = world::stake(&mut cluster, 1_000);
    cluster.slash(&foreign, &mut position, 1, reason());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_record_certificate() {
    let (mut cluster, _cap, foreign) = with_foreign_cap();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    let clock = now();
    let until_ms = world::now_ms() + 1;
    let name = world::first_name();
    let stake = object::id(&position);
    nodes::record_certificate(&mut cluster, &foreign, name, stake, until_ms, &clock);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_jail() {
    let (mut cluster, _cap, foreign) = with_foreign_cap();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.jail(&foreign, world::first_name());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_unjail() {
    let (mut cluster, cap, foreign) = with_foreign_cap();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.jail(&cap, world::first_name());
    cluster.unjail(&foreign, world::first_name());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_grant_slot() {
    let (cluster, _cap, foreign) = with_foreign_cap();
    let ctx = &mut world::tx(world::operator(), 3);
    enclaves::grant_slot(&cluster, &foreign, world::bob(), 1, 7, ctx);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_activate() {
    let (mut cluster, cap, foreign) = with_foreign_cap();
    let session = world::session(&cluster, &cap, 1);
    cluster.activate(&foreign, &session, 0);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_revoke() {
    let (mut cluster, cap, foreign) = with_foreign_cap();
    let mut session = world::session(&cluster, &cap, 1);
    world::revoke(&mut cluster, &foreign, &mut session);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun cap_migrate() {
    let (mut cluster, _cap) = world::cluster_of_version(0);
    let (_other, foreign) = world::other_cluster();
    cluster.migrate(&foreign);
    abort
}

// === Position ===

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_top_up() {
    let (mut cluster, _cap, mut position) = with_foreign_position();
    let coin = world::coin(1);
    let clock = now();
    let ctx = world::tx(world::alice(), 31);
    staking::top_up(&mut cluster, &mut position, coin, &clock, &ctx);
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_request_unbond() {
    let (mut cluster, _cap, mut position) = with_foreign_position();
    let clock = now();
    let ctx = world::tx(world::alice(), 31);
    staking::request_unbond(&mut cluster, &mut position, 1, &clock, &ctx);
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_withdraw() {
    let (mut cluster, _cap, mut position) = with_foreign_position();
    let clock = world::clock(world::now_ms() + world::node_unbonding_ms());
    let ctx = &mut world::tx(world::alice(), 31);
    let _coin = staking::withdraw(&mut cluster, &mut position, &clock, ctx);
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_reward() {
    let (cluster, _cap, mut position) = with_foreign_position();
    staking::reward(&cluster, &mut position, world::coin(1));
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_take_rewards() {
    let (cluster, _cap, mut position) = with_foreign_position();
    let ctx = &mut world::tx(world::alice(), 31);
    let _coin = staking::take_rewards(&cluster, &mut position, ctx);
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_close() {
    let (cluster, _cap, position) = with_foreign_position();
    staking::close(&cluster, position, &world::tx(world::alice(), 31));
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_slash() {
    let (mut cluster, cap, mut position) = with_foreign_position();
    cluster.slash(&cap, &mut position, 1, reason());
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_take() {
    let (mut cluster, _cap, mut position) = with_foreign_position();
    position.take(&mut cluster, 1, reason());
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_claim() {
    let (mut cluster, _cap, mut position) = with_foreign_position();
    let name = world::first_name();
    let proof = vectors::claims_other_cluster_proof();
    world::claim_as(&mut cluster, &mut position, world::alice(), name, proof);
    abort
}

// === Node and claim ===

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun node_heartbeat() {
    let (mut cluster, _cap) = world::cluster();
    let (other, _other_cap) = world::other_cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    let clock = now();
    let signature = heartbeats::heartbeats_other_cluster_signature();
    nodes::heartbeat(&other, &mut position, world::now_ms(), signature, &clock);
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun node_leave() {
    let (mut cluster, _cap) = world::cluster();
    let (mut other, _other_cap) = world::other_cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    world::leave_at(&mut other, &mut position, world::alice(), world::now_ms());
    abort
}

#[test, expected_failure(abort_code = nodes::ENodeUnknown)]
fun node_jail() {
    let (mut cluster, _cap) = world::cluster();
    let (mut other, other_cap) = world::other_cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    other.jail(&other_cap, world::first_name());
    abort
}

/// What the node key signed for one cluster claims nothing in another.
#[test, expected_failure(abort_code = nodes::EProofInvalid)]
fun claim_proof() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let name = world::first_name();
    let proof = vectors::claims_other_cluster_proof();
    world::claim_as(&mut cluster, &mut position, world::alice(), name, proof);
    abort
}

#[test, expected_failure(abort_code = nodes::EHeartbeatInvalid)]
fun claim_heartbeat() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    let clock = now();
    let signature = heartbeats::heartbeats_other_cluster_signature();
    nodes::heartbeat(&cluster, &mut position, world::now_ms(), signature, &clock);
    abort
}

// === Slot and enclave ===

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun slot_register() {
    let (cluster, _cap) = world::cluster();
    let (other, other_cap) = world::other_cluster();
    let slot = world::slot(&other, &other_cap, 1);
    let _session = register(&cluster, slot);
    abort
}

/// The other cluster has the same configs and a slot of its own; only its id differs.
#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun enclave_register() {
    let (other, other_cap) = world::other_cluster();
    let slot = world::slot(&other, &other_cap, 1);
    let _session = register(&other, slot);
    abort
}

// === Session ===

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun session_activate() {
    let (mut cluster, cap, session) = with_foreign_session();
    cluster.activate(&cap, &session, 0);
    abort
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun session_revoke() {
    let (mut cluster, cap, mut session) = with_foreign_session();
    world::revoke(&mut cluster, &cap, &mut session);
    abort
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun session_end() {
    let (mut cluster, _cap, mut session) = with_foreign_session();
    let clock = now();
    let ctx = world::tx(world::operator(), 60);
    enclaves::end(&mut cluster, &mut session, &clock, &ctx);
    abort
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun session_reclaim_bond() {
    let (cluster, _cap, mut session) = with_foreign_session();
    let clock = now();
    let ctx = &mut world::tx(world::operator(), 60);
    let _coin = enclaves::reclaim_bond(&cluster, &mut session, &clock, ctx);
    abort
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun session_forfeit() {
    let (mut cluster, _cap, mut session) = with_foreign_session();
    let clock = now();
    session.forfeit(&mut cluster, &clock);
    abort
}
