#[test_only]
module k3s_daas::cluster_tests;

use k3s_daas::cluster::{Self, Cluster, ClusterCap};
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat, pcr};
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::event;
use sui::test_scenario;

const YEAR_MS: u64 = 31_536_000_000;

/// `create` with everything valid but what the arguments say.
fun create(
    config_digest: vector<u8>,
    policy_digest: vector<u8>,
    pcrs: vector<vector<u8>>,
    document_age_ms_max: u64,
    minimums: vector<u64>,
    unbonding_ms: u64,
): ClusterCap {
    cluster::create(
        config_digest,
        policy_digest,
        pcrs[0],
        pcrs[1],
        pcrs[2],
        document_age_ms_max,
        minimums[0],
        minimums[1],
        minimums[2],
        500,
        100,
        unbonding_ms,
        &mut world::tx(world::operator(), 1),
    )
}

fun create_with_digests(config: vector<u8>, policy: vector<u8>) {
    destroy(create(config, policy, vector[pcr(1), pcr(2), pcr(3)], 1, vector[1, 1, 1], 1));
}

fun create_with_pcrs(pcrs: vector<vector<u8>>) {
    let digest = world::bytes(1, 32);
    destroy(create(digest, digest, pcrs, 1, vector[1, 1, 1], 1));
}

fun create_with_numbers(document_age_ms_max: u64, minimums: vector<u64>, unbonding_ms: u64) {
    let digest = world::bytes(1, 32);
    let pcrs = vector[pcr(1), pcr(2), pcr(3)];
    destroy(create(digest, digest, pcrs, document_age_ms_max, minimums, unbonding_ms));
}

#[test]
fun create_shares_the_cluster() {
    let mut scenario = test_scenario::begin(world::operator());
    let cap = cluster::create(
        vectors::config_digest(),
        vectors::config_policy_digest(),
        pcr(10),
        pcr(11),
        pcr(12),
        300_000,
        100,
        1_000,
        10_000,
        500,
        50,
        60_000,
        scenario.ctx(),
    );
    scenario.next_tx(world::bob());
    let cluster = scenario.take_shared<Cluster>();
    assert_eq!(cluster.config_digest(), vectors::config_digest());
    assert_eq!(cluster.policy_digest(), vectors::config_policy_digest());
    assert_eq!(cluster.config_version(), 1);
    assert_eq!(cluster.document_age_ms_max(), 300_000);
    assert_eq!(cluster.term(), 0);
    assert_eq!(cluster.active_session(), option::none());
    assert_eq!(cluster.treasury_value(), 0);
    let stakes = cluster.stakes();
    assert_eq!(stakes.user_min(), 100);
    assert_eq!(stakes.node_min(), 1_000);
    assert_eq!(stakes.admin_min(), 10_000);
    assert_eq!(stakes.mist_per_cpu(), 500);
    assert_eq!(stakes.mist_per_gib(), 50);
    assert_eq!(stakes.unbonding_ms(), 60_000);
    let config = cluster.config(1);
    assert_eq!(config.pcr0(), pcr(10));
    assert_eq!(config.pcr1(), pcr(11));
    assert_eq!(config.pcr2(), pcr(12));
    test_scenario::return_shared(cluster);
    destroy(cap);
    scenario.end();
}

/// The layout that sui/client parses. The ids of the two tables are left out of the comparison.
#[test]
fun bytes_of_a_cluster() {
    let (cluster, cap) = world::cluster();
    let id = vectors::ids_cluster();
    let found = bcs::to_bytes(&cluster);
    let before = concat(vector[
        id,
        b(1u64),
        b(vectors::config_digest()),
        b(vectors::config_policy_digest()),
        b(1u64),
        x"01",
        b(1u64),
        b(pcr(10)),
        b(pcr(11)),
        b(pcr(12)),
        b(world::document_age_ms_max()),
        x"00",
        b(0u64),
        b(100u64),
        b(1_000u64),
        b(10_000u64),
        b(500u64),
        b(100u64),
        b(world::unbonding_ms()),
    ]);
    assert_eq!(found.take(before.length()), before);
    let after = found.skip(before.length());
    assert_eq!(after.length(), 32 + 8 + 32 + 8 + 8);
    assert_eq!(after.skip(32).take(8), b(0u64));
    assert_eq!(after.skip(32 + 8 + 32), concat(vector[b(0u64), b(0u64)]));
    // The cap: its own id, then the cluster's.
    let cap_bytes = bcs::to_bytes(&cap);
    assert_eq!(cap_bytes.length(), 64);
    assert_eq!(cap_bytes.skip(32), id);
    destroy(cluster);
    destroy(cap);
}

#[test]
fun bytes_of_an_active_session() {
    let (cluster, cap, session) = world::active();
    let found = bcs::to_bytes(&cluster);
    // After id, version, two digests, config_version, three configs and document_age_ms_max.
    let at = 32 + 8 + 33 + 33 + 8 + 1 + 3 * (8 + 3 * 49) + 8;
    let active = concat(vector[x"01", vectors::ids_session(), b(2u64), b(3u64), b(2u64)]);
    assert_eq!(found.skip(at).take(active.length()), active);
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

#[test]
fun events_of_a_cluster() {
    let (mut cluster, cap) = world::cluster();
    cluster.accept_config(&cap, pcr(20), pcr(21), pcr(22));
    cluster.retire_config(&cap, 1);
    let id = vectors::ids_cluster();
    let created = event::events_by_type<cluster::ClusterCreated>();
    let expected = concat(vector[
        x"01",
        id,
        b(vectors::config_digest()),
        b(vectors::config_policy_digest()),
    ]);
    assert_eq!(b(created), expected);
    let accepted = event::events_by_type<cluster::ConfigAccepted>();
    let first = concat(vector[id, b(1u64), b(pcr(10)), b(pcr(11)), b(pcr(12))]);
    let second = concat(vector[id, b(2u64), b(pcr(20)), b(pcr(21)), b(pcr(22))]);
    assert_eq!(b(accepted), concat(vector[x"02", first, second]));
    let retired = event::events_by_type<cluster::ConfigRetired>();
    assert_eq!(b(retired), concat(vector[x"01", id, b(1u64)]));
    assert_eq!(event::num_events(), 4);
    destroy(cluster);
    destroy(cap);
}

#[test]
fun config_versions_are_never_used_twice() {
    let (mut cluster, cap) = world::cluster();
    cluster.accept_config(&cap, pcr(20), pcr(21), pcr(22));
    assert_eq!(cluster.config_version(), 2);
    cluster.retire_config(&cap, 2);
    assert!(cluster.is_accepted(1));
    assert!(!cluster.is_accepted(2));
    cluster.accept_config(&cap, pcr(30), pcr(31), pcr(32));
    assert_eq!(cluster.config_version(), 3);
    assert_eq!(cluster.config(3).pcr0(), pcr(30));
    destroy(cluster);
    destroy(cap);
}

#[test]
fun retiring_the_active_config_ends_the_active_session() {
    let (mut cluster, cap, session) = world::active();
    cluster.retire_config(&cap, 1);
    cluster.retire_config(&cap, 2);
    assert_eq!(cluster.active_session(), option::some(object::id(&session)));
    cluster.retire_config(&cap, 3);
    assert_eq!(cluster.active_session(), option::none());
    assert!(!cluster.is_active(object::id(&session), 2));
    assert_eq!(cluster.term(), 2);
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

#[test]
fun is_active_compares_session_and_term() {
    let (cluster, cap, session) = world::active();
    assert!(cluster.is_active(object::id(&session), 2));
    assert!(!cluster.is_active(object::id(&session), 1));
    assert!(!cluster.is_active(object::id(&cluster), 2));
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

#[test]
fun sixteen_configs_fit() {
    let (mut cluster, cap) = world::cluster();
    15u64.do!(|_| cluster.accept_config(&cap, pcr(1), pcr(2), pcr(3)));
    assert_eq!(cluster.config_version(), 16);
    destroy(cluster);
    destroy(cap);
}

#[test]
fun the_largest_delay_is_a_year() {
    create_with_numbers(1, vector[1, 1, 1], YEAR_MS);
}

#[test, expected_failure(abort_code = cluster::ETooManyConfigs)]
fun seventeen_configs_do_not() {
    let (mut cluster, cap) = world::cluster();
    16u64.do!(|_| cluster.accept_config(&cap, pcr(1), pcr(2), pcr(3)));
    abort
}

#[test, expected_failure(abort_code = cluster::EUnbondingTooLong)]
fun delay_beyond_a_year() {
    create_with_numbers(1, vector[1, 1, 1], YEAR_MS + 1);
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun accept_config_on_another_version() {
    let (mut cluster, cap) = world::cluster();
    cluster.set_version_for_testing(2);
    cluster.accept_config(&cap, pcr(1), pcr(2), pcr(3));
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun retire_config_on_another_version() {
    let (mut cluster, cap) = world::cluster();
    cluster.set_version_for_testing(0);
    cluster.retire_config(&cap, 1);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun accept_config_with_a_foreign_cap() {
    let (mut cluster, _cap) = world::cluster();
    let (_other, foreign) = world::other_cluster();
    cluster.accept_config(&foreign, pcr(1), pcr(2), pcr(3));
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun retire_config_with_a_foreign_cap() {
    let (mut cluster, _cap) = world::cluster();
    let (_other, foreign) = world::other_cluster();
    cluster.retire_config(&foreign, 1);
    abort
}

#[test, expected_failure(abort_code = cluster::EConfigUnknown)]
fun retire_a_config_twice() {
    let (mut cluster, cap) = world::cluster();
    cluster.retire_config(&cap, 1);
    cluster.retire_config(&cap, 1);
    abort
}

#[test, expected_failure(abort_code = cluster::EConfigUnknown)]
fun config_that_was_never_accepted() {
    let (cluster, _cap) = world::cluster();
    cluster.config(2);
    abort
}

#[test, expected_failure(abort_code = cluster::EDigestLength)]
fun config_digest_short() {
    create_with_digests(world::bytes(1, 31), world::bytes(1, 32));
}

#[test, expected_failure(abort_code = cluster::EDigestLength)]
fun policy_digest_long() {
    create_with_digests(world::bytes(1, 32), world::bytes(1, 33));
}

#[test, expected_failure(abort_code = cluster::EPcrLength)]
fun pcr0_short() {
    create_with_pcrs(vector[world::bytes(1, 47), pcr(2), pcr(3)]);
}

#[test, expected_failure(abort_code = cluster::EPcrLength)]
fun pcr1_empty() {
    create_with_pcrs(vector[pcr(1), vector[], pcr(3)]);
}

#[test, expected_failure(abort_code = cluster::EPcrLength)]
fun pcr2_long() {
    create_with_pcrs(vector[pcr(1), pcr(2), world::bytes(3, 49)]);
}

#[test, expected_failure(abort_code = cluster::EPcrZero)]
fun pcr0_zero() {
    create_with_pcrs(vector[pcr(0), pcr(2), pcr(3)]);
}

#[test, expected_failure(abort_code = cluster::EPcrZero)]
fun pcr1_zero() {
    create_with_pcrs(vector[pcr(1), pcr(0), pcr(3)]);
}

#[test, expected_failure(abort_code = cluster::EPcrZero)]
fun pcr2_zero_in_accept_config() {
    let (mut cluster, cap) = world::cluster();
    cluster.accept_config(&cap, pcr(1), pcr(2), pcr(0));
    abort
}

#[test, expected_failure(abort_code = cluster::EZeroParameter)]
fun document_age_zero() {
    create_with_numbers(0, vector[1, 1, 1], 1);
}

#[test, expected_failure(abort_code = cluster::EZeroParameter)]
fun user_minimum_zero() {
    create_with_numbers(1, vector[0, 1, 1], 1);
}

#[test, expected_failure(abort_code = cluster::EZeroParameter)]
fun node_minimum_zero() {
    create_with_numbers(1, vector[1, 0, 1], 1);
}

#[test, expected_failure(abort_code = cluster::EZeroParameter)]
fun admin_minimum_zero() {
    create_with_numbers(1, vector[1, 1, 0], 1);
}

#[test, expected_failure(abort_code = cluster::EZeroParameter)]
fun unbonding_zero() {
    create_with_numbers(1, vector[1, 1, 1], 0);
}
