/// A cluster of another version of the package: every function that changes anything, or that lets
/// anybody in, refuses it. And `migrate`, which brings it up.
#[test_only]
module k3s_daas::versions_tests;

use k3s_daas::cluster::{Self, Cluster, ClusterCap};
use k3s_daas::enclaves::{Self, Session};
use k3s_daas::heartbeat_vectors as heartbeats;
use k3s_daas::nodes;
use k3s_daas::parameters;
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat, pcr};
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::clock::Clock;
use sui::event;

use fun enclaves::activate as Cluster.activate;
use fun nodes::jail as Cluster.jail;
use fun nodes::unjail as Cluster.unjail;
use fun staking::slash as Cluster.slash;

fun now(): Clock { world::clock(world::now_ms()) }

fun later(): (Cluster, ClusterCap) {
    let (mut cluster, cap) = world::cluster();
    cluster.set_version_for_testing(2);
    (cluster, cap)
}

/// With Alice's stake, of which a part unbonds, and which stands behind a node.
fun later_with_stake(): (Cluster, ClusterCap, Position) {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    let clock = now();
    let ctx = world::tx(world::alice(), 30);
    staking::request_unbond(&mut cluster, &mut position, 1_000, &clock, &ctx);
    staking::reward(&cluster, &mut position, world::coin(1));
    clock.destroy_for_testing();
    cluster.set_version_for_testing(2);
    (cluster, cap, position)
}

fun later_with_session(): (Cluster, ClusterCap, Session) {
    let (mut cluster, cap) = world::cluster();
    let session = world::session(&cluster, &cap, 1);
    cluster.set_version_for_testing(2);
    (cluster, cap, session)
}

// === Migration ===

#[test]
fun migrate_brings_an_older_cluster_up() {
    let (mut cluster, cap) = world::cluster_of_version(0);
    assert_eq!(cluster.version(), 0);
    cluster.migrate(&cap);
    assert_eq!(cluster.version(), 1);
    let migrated = event::events_by_type<cluster::Migrated>();
    let id = vectors::ids_cluster();
    assert_eq!(b(migrated), concat(vector[x"01", id, b(0u64), b(1u64)]));
    // Nothing else has changed, and the cluster works again.
    assert_eq!(cluster.config_digest(), vectors::config_digest());
    assert_eq!(cluster.parameters(), world::parameters());
    assert_eq!(bcs::to_bytes(&cluster).skip(64), b(1u64));
    cluster.accept_config(&cap, pcr(1), pcr(2), pcr(3));
    destroy(cluster);
    destroy(cap);
}

#[test, expected_failure(abort_code = cluster::EMigrated)]
fun migrate_a_cluster_of_this_version() {
    let (mut cluster, cap) = world::cluster();
    cluster.migrate(&cap);
    abort
}

#[test, expected_failure(abort_code = cluster::EMigrated)]
fun migrate_a_cluster_of_a_later_version() {
    let (mut cluster, cap) = later();
    cluster.migrate(&cap);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun an_older_cluster_waits_for_migration() {
    let (mut cluster, cap) = world::cluster_of_version(0);
    cluster.accept_config(&cap, pcr(1), pcr(2), pcr(3));
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun views_do_not_guess_the_shape_of_another_version() {
    let (cluster, _cap) = later();
    cluster.parameters();
    abort
}

// === Cluster ===

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun accept_config() {
    let (mut cluster, cap) = later();
    cluster.accept_config(&cap, pcr(1), pcr(2), pcr(3));
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun retire_config() {
    let (mut cluster, cap) = later();
    cluster.retire_config(&cap, 1);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun set_parameters() {
    let (mut cluster, cap) = later();
    cluster.set_parameters(&cap, world::parameters());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun govern() {
    let (mut cluster, cap) = later();
    cluster.govern(&cap);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun set_tier() {
    let (mut cluster, cap) = later();
    let tier = parameters::new_tier(1, vector[b"dev".to_string()], 1);
    cluster.set_tier(&cap, b"gold".to_string(), tier);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun remove_tier() {
    let (mut cluster, cap) = later();
    cluster.remove_tier(&cap, b"gold".to_string());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun stake() {
    let (mut cluster, _cap) = later();
    let _position = world::stake(&mut cluster, 1_000);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun grant_slot() {
    let (cluster, cap) = later();
    let ctx = &mut world::tx(world::operator(), 3);
    enclaves::grant_slot(&cluster, &cap, world::bob(), 1, 7, ctx);
    abort
}

// === Stakes and nodes ===

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun top_up() {
    let (mut cluster, _cap, mut position) = later_with_stake();
    let coin = world::coin(1);
    let clock = now();
    let ctx = world::tx(world::alice(), 31);
    staking::top_up(&mut cluster, &mut position, coin, &clock, &ctx);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun request_unbond() {
    let (mut cluster, _cap, mut position) = later_with_stake();
    let clock = now();
    let ctx = world::tx(world::alice(), 31);
    staking::request_unbond(&mut cluster, &mut position, 1, &clock, &ctx);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun withdraw() {
    let (mut cluster, _cap, mut position) = later_with_stake();
    let clock = world::clock(world::now_ms() + world::node_unbonding_ms());
    let ctx = &mut world::tx(world::alice(), 31);
    let _coin = staking::withdraw(&mut cluster, &mut position, &clock, ctx);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun reward() {
    let (cluster, _cap, mut position) = later_with_stake();
    staking::reward(&cluster, &mut position, world::coin(1));
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun take_rewards() {
    let (cluster, _cap, mut position) = later_with_stake();
    let ctx = &mut world::tx(world::alice(), 31);
    let _coin = staking::take_rewards(&cluster, &mut position, ctx);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun close() {
    let (cluster, _cap, position) = later_with_stake();
    staking::close(&cluster, position, &world::tx(world::alice(), 31));
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun slash() {
    let (mut cluster, cap, mut position) = later_with_stake();
    cluster.slash(&cap, &mut position, 1, b"evidence".to_string());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun take() {
    let (mut cluster, _cap, mut position) = later_with_stake();
    position.take(&mut cluster, 1, b"evidence".to_string());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun claim() {
    let (mut cluster, _cap, mut position) = later_with_stake();
    world::claim(&mut cluster, &mut position);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun record_certificate() {
    let (mut cluster, cap, position) = later_with_stake();
    let clock = now();
    let until_ms = world::now_ms() + 1;
    let name = world::first_name();
    let stake = object::id(&position);
    nodes::record_certificate(&mut cluster, &cap, name, stake, until_ms, &clock);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun heartbeat() {
    let (cluster, _cap, mut position) = later_with_stake();
    let clock = now();
    let signature = heartbeats::heartbeats_first_signature();
    nodes::heartbeat(&cluster, &mut position, world::now_ms(), signature, &clock);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun leave() {
    let (mut cluster, _cap, mut position) = later_with_stake();
    world::leave_at(&mut cluster, &mut position, world::alice(), world::now_ms());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun jail() {
    let (mut cluster, cap, _position) = later_with_stake();
    cluster.jail(&cap, world::first_name());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun unjail() {
    let (mut cluster, cap, _position) = later_with_stake();
    cluster.unjail(&cap, world::first_name());
    abort
}

// === Sessions ===

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun activate() {
    let (mut cluster, cap, session) = later_with_session();
    cluster.activate(&cap, &session, 0);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun revoke() {
    let (mut cluster, cap, mut session) = later_with_session();
    world::revoke(&mut cluster, &cap, &mut session);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun end() {
    let (mut cluster, _cap, mut session) = later_with_session();
    let clock = now();
    let ctx = world::tx(world::operator(), 60);
    enclaves::end(&mut cluster, &mut session, &clock, &ctx);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun reclaim_bond() {
    let (cluster, _cap, mut session) = later_with_session();
    let clock = now();
    let ctx = &mut world::tx(world::operator(), 60);
    let _coin = enclaves::reclaim_bond(&cluster, &mut session, &clock, ctx);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun forfeit() {
    let (mut cluster, _cap, mut session) = later_with_session();
    let clock = now();
    session.forfeit(&mut cluster, &clock);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun register() {
    let (mut cluster, cap) = world::cluster();
    let slot = world::slot(&cluster, &cap, 1);
    cluster.set_version_for_testing(2);
    let clock = now();
    let bond = world::coin(world::bond_min());
    let _session = enclaves::register_inner(
        &cluster,
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
    abort
}
