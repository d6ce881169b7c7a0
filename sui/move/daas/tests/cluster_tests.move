#[test_only]
module k3s_daas::cluster_tests;

use k3s_daas::cluster::{Self, Cluster, ClusterCap};
use k3s_daas::parameters::{Self, Tier};
use k3s_daas::staking;
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat, pcr};
use std::string::String;
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::event;
use sui::test_scenario;

// Ids that the transaction of `world::cluster` makes after the cluster's own: BLAKE2b-256 over 0xf1,
// the transaction's digest and a counter.
const CLAIMS_ID: vector<u8> = x"63d9a65220318469fb169034d8a011eae3f014fed2a1f8c006183e2ece3c3975";
const CLAIMED_STAKES_ID: vector<u8> =
    x"90c5264c9da2b340fdc9fbd15ad3f0a181a57afa7ae55b15a3c5dce6b31f45c8";
const RESERVED_ID: vector<u8> = x"632c124194bb45a0c9b686ab49ffcd5979aec97a58585580a916b0d6db575a4a";
const INNER_ID: vector<u8> = x"11c79dd609079eb0cbe25320f53ed5867f9e34e3e5d1b8874f8802c95f6f3fbb";
const CAP_ID: vector<u8> = x"e355317e07b8352074f5ac22048abe6af5807f6a196bb7b5d42858570d0f6981";

/// `create` with everything valid but what the arguments say.
fun create(
    config_digest: vector<u8>,
    policy_digest: vector<u8>,
    pcrs: vector<vector<u8>>,
): ClusterCap {
    cluster::create(
        config_digest,
        policy_digest,
        pcrs[0],
        pcrs[1],
        pcrs[2],
        world::parameters(),
        &mut world::tx(world::operator(), 1),
    )
}

fun create_with_digests(config: vector<u8>, policy: vector<u8>) {
    destroy(create(config, policy, vector[pcr(1), pcr(2), pcr(3)]));
}

fun create_with_pcrs(pcrs: vector<vector<u8>>) {
    let digest = world::bytes(1, 32);
    destroy(create(digest, digest, pcrs));
}

fun gold(): String { b"gold".to_string() }

fun tier(stake_min: u64, group: vector<u8>): Tier {
    parameters::new_tier(stake_min, vector[group.to_string()], 30)
}

fun tier_name(i: u64): String { vector[97 + (i as u8)].to_string() }

// === Creation and layout ===

#[test]
fun create_shares_the_cluster() {
    let mut scenario = test_scenario::begin(world::operator());
    let cap = cluster::create(
        vectors::config_digest(),
        vectors::config_policy_digest(),
        pcr(10),
        pcr(11),
        pcr(12),
        world::parameters(),
        scenario.ctx(),
    );
    scenario.next_tx(world::bob());
    let cluster = scenario.take_shared<Cluster>();
    assert_eq!(cluster.version(), 1);
    assert_eq!(cluster.config_digest(), vectors::config_digest());
    assert_eq!(cluster.policy_digest(), vectors::config_policy_digest());
    assert_eq!(cluster.config_version(), 1);
    assert_eq!(cluster.term(), 0);
    assert_eq!(cluster.active_session(), option::none());
    assert_eq!(cluster.parameters(), world::parameters());
    assert!(!cluster.is_governed());
    assert_eq!(cluster.active_total(), 0);
    assert_eq!(cluster.unbonding_total(), 0);
    assert_eq!(cluster.treasury_value(), 0);
    assert!(!cluster.has_claim(world::first_name()));
    assert_eq!(cluster.reserved_until_ms(world::first_name()), 0);
    let config = cluster.config(1);
    assert_eq!(config.pcr0(), pcr(10));
    assert_eq!(config.pcr1(), pcr(11));
    assert_eq!(config.pcr2(), pcr(12));
    assert_eq!(cap.cap_cluster(), object::id(&cluster));
    test_scenario::return_shared(cluster);
    destroy(cap);
    scenario.end();
}

/// The layouts that sui/client parses.
#[test]
fun bytes_of_a_cluster() {
    let (cluster, cap) = world::cluster();
    let id = vectors::ids_cluster();
    assert_eq!(bcs::to_bytes(&cluster), concat(vector[id, INNER_ID, b(1u64)]));
    assert_eq!(bcs::to_bytes(&cap), concat(vector[CAP_ID, id]));
    destroy(cluster);
    destroy(cap);
}

#[test]
fun bytes_of_a_new_inner_state() {
    let (cluster, cap) = world::cluster();
    let expected = concat(vector[
        b(vectors::config_digest()),
        b(vectors::config_policy_digest()),
        b(1u64),
        x"01",
        b(1u64),
        b(pcr(10)),
        b(pcr(11)),
        b(pcr(12)),
        x"00",
        b(0u64),
        world::parameters_bytes(),
        x"00",
        CLAIMS_ID,
        b(0u64),
        CLAIMED_STAKES_ID,
        b(0u64),
        RESERVED_ID,
        b(0u64),
        x"00",
        b(0u64),
        b(0u64),
        b(0u64),
    ]);
    assert_eq!(cluster.inner_bytes_for_testing(), expected);
    destroy(cluster);
    destroy(cap);
}

#[test]
fun bytes_of_a_full_inner_state() {
    let (mut cluster, cap, session) = world::active();
    let mut position = world::stake(&mut cluster, 5_000);
    let mut other = world::other_stake(&mut cluster, 4_000);
    world::claim(&mut cluster, &mut position);
    let clock = world::clock(world::now_ms());
    let ctx = world::tx(world::bob(), 30);
    staking::request_unbond(&mut cluster, &mut other, 1_500, &clock, &ctx);
    staking::slash(&mut cluster, &cap, &mut position, 70, b"evidence".to_string());
    cluster.reserve(world::other_name(), 77);
    cluster.set_tier(&cap, gold(), tier(9, b"dev"));
    cluster.govern(&cap);
    let pcrs = concat(vector[b(pcr(10)), b(pcr(11)), b(pcr(12))]);
    let configs = vector[1u64, 2, 3].map!(|version| concat(vector[b(version), pcrs]));
    let expected = concat(vector[
        b(vectors::config_digest()),
        b(vectors::config_policy_digest()),
        b(3u64),
        x"03",
        concat(configs),
        x"01",
        vectors::ids_session(),
        b(2u64),
        b(3u64),
        b(2u64),
        world::parameters_bytes(),
        x"01",
        CLAIMS_ID,
        b(1u64),
        CLAIMED_STAKES_ID,
        b(1u64),
        RESERVED_ID,
        b(1u64),
        x"0104",
        b"gold",
        b(9u64),
        x"0103",
        b"dev",
        b(30u64),
        b(7_430u64),
        b(1_500u64),
        b(70u64),
    ]);
    assert_eq!(cluster.inner_bytes_for_testing(), expected);
    clock.destroy_for_testing();
    destroy(cluster);
    destroy(cap);
    destroy(session);
    destroy(position);
    destroy(other);
}

#[test]
fun events_of_a_cluster() {
    let (mut cluster, cap) = world::cluster();
    cluster.accept_config(&cap, pcr(20), pcr(21), pcr(22));
    cluster.retire_config(&cap, 1);
    cluster.set_parameters(&cap, other_parameters());
    cluster.set_tier(&cap, gold(), tier(9, b"dev"));
    cluster.remove_tier(&cap, gold());
    cluster.govern(&cap);
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
    let changed = event::events_by_type<cluster::ParametersChanged>();
    let numbers = vector[1u64, 2, 3, 4, 5, 60, 70, 80, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    let other = concat(numbers.map!(|number| b(number)));
    assert_eq!(b(changed), concat(vector[x"02", id, world::parameters_bytes(), id, other]));
    let set = event::events_by_type<cluster::TierSet>();
    let name = x"04676f6c64";
    assert_eq!(b(set), concat(vector[x"01", id, name, b(9u64), x"0103646576", b(30u64)]));
    let removed = event::events_by_type<cluster::TierRemoved>();
    assert_eq!(b(removed), concat(vector[x"01", id, name]));
    let governed = event::events_by_type<cluster::Governed>();
    assert_eq!(b(governed), concat(vector[x"01", id]));
    assert_eq!(event::num_events(), 9);
    destroy(cluster);
    destroy(cap);
}

/// Numbers that tell each field from its neighbours.
fun other_parameters(): parameters::Parameters {
    parameters::new(
        parameters::new_stakes(1, 2, 3, 4, 5, 60, 70, 80),
        parameters::new_enclaves(8, 9, 10),
        parameters::new_votes(11, 12, 13, 14, 15, 16),
    )
}

// === Configs ===

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

#[test, expected_failure(abort_code = cluster::ETooManyConfigs)]
fun seventeen_configs_do_not() {
    let (mut cluster, cap) = world::cluster();
    16u64.do!(|_| cluster.accept_config(&cap, pcr(1), pcr(2), pcr(3)));
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

// === Parameters and governance ===

#[test]
fun set_parameters_changes_all_of_them() {
    let (mut cluster, cap) = world::cluster();
    cluster.set_parameters(&cap, other_parameters());
    assert_eq!(cluster.parameters(), other_parameters());
    destroy(cluster);
    destroy(cap);
}

#[test]
fun governed_is_for_good_and_says_so() {
    let (mut cluster, cap) = world::cluster();
    cluster.govern(&cap);
    assert!(cluster.is_governed());
    // What the capability still does alone.
    cluster.retire_config(&cap, 1);
    cluster.set_tier(&cap, gold(), tier(1, b"dev"));
    cluster.remove_tier(&cap, gold());
    destroy(cluster);
    destroy(cap);
}

#[test, expected_failure(abort_code = cluster::EGoverned)]
fun govern_twice() {
    let (mut cluster, cap) = world::cluster();
    cluster.govern(&cap);
    cluster.govern(&cap);
    abort
}

#[test, expected_failure(abort_code = cluster::EGoverned)]
fun accept_config_in_a_governed_cluster() {
    let (mut cluster, cap) = world::cluster();
    cluster.govern(&cap);
    cluster.accept_config(&cap, pcr(1), pcr(2), pcr(3));
    abort
}

#[test, expected_failure(abort_code = cluster::EGoverned)]
fun set_parameters_in_a_governed_cluster() {
    let (mut cluster, cap) = world::cluster();
    cluster.govern(&cap);
    cluster.set_parameters(&cap, other_parameters());
    abort
}

// === Tiers ===

#[test]
fun a_tier_is_set_changed_and_removed() {
    let (mut cluster, cap) = world::cluster();
    cluster.set_tier(&cap, gold(), tier(9, b"dev"));
    assert_eq!(cluster.tier(gold()), tier(9, b"dev"));
    cluster.set_tier(&cap, gold(), tier(10, b"ops"));
    assert_eq!(cluster.tier(gold()).tier_stake_min(), 10);
    assert_eq!(cluster.tier(gold()).tier_groups(), vector[b"ops".to_string()]);
    assert_eq!(cluster.tier(gold()).tier_epochs_max(), 30);
    cluster.remove_tier(&cap, gold());
    cluster.set_tier(&cap, world::bytes(97, 63).to_string(), tier(1, b"dev"));
    destroy(cluster);
    destroy(cap);
}

#[test]
fun sixteen_tiers_fit_and_any_of_them_can_change() {
    let (mut cluster, cap) = world::cluster();
    16u64.do!(|i| cluster.set_tier(&cap, tier_name(i), tier(1, b"dev")));
    16u64.do!(|i| cluster.set_tier(&cap, tier_name(i), tier(2, b"dev")));
    assert_eq!(cluster.tier(tier_name(0)).tier_stake_min(), 2);
    destroy(cluster);
    destroy(cap);
}

#[test, expected_failure(abort_code = cluster::ETooManyTiers)]
fun seventeen_tiers_do_not() {
    let (mut cluster, cap) = world::cluster();
    17u64.do!(|i| cluster.set_tier(&cap, tier_name(i), tier(1, b"dev")));
    abort
}

#[test, expected_failure(abort_code = cluster::ETierName)]
fun tier_without_a_name() {
    let (mut cluster, cap) = world::cluster();
    cluster.set_tier(&cap, b"".to_string(), tier(1, b"dev"));
    abort
}

#[test, expected_failure(abort_code = cluster::ETierName)]
fun tier_with_a_long_name() {
    let (mut cluster, cap) = world::cluster();
    cluster.set_tier(&cap, world::bytes(97, 64).to_string(), tier(1, b"dev"));
    abort
}

#[test, expected_failure(abort_code = cluster::ETierUnknown)]
fun remove_a_tier_twice() {
    let (mut cluster, cap) = world::cluster();
    cluster.set_tier(&cap, gold(), tier(1, b"dev"));
    cluster.remove_tier(&cap, gold());
    cluster.remove_tier(&cap, gold());
    abort
}

#[test, expected_failure(abort_code = cluster::ETierUnknown)]
fun tier_that_was_never_set() {
    let (cluster, _cap) = world::cluster();
    cluster.tier(gold());
    abort
}

// === Sums ===

/// The sums hold amounts up to the largest: a position's old value leaves before its new one comes.
#[test]
fun sums_at_the_edge() {
    let max = std::u64::max_value!();
    let (mut cluster, cap) = world::cluster();
    let mut position = world::position(&mut cluster, world::alice(), 1, max, 5);
    assert_eq!(cluster.active_total(), max);
    let clock = world::clock(world::now_ms());
    let ctx = world::tx(world::alice(), 30);
    staking::request_unbond(&mut cluster, &mut position, max, &clock, &ctx);
    assert_eq!(cluster.active_total(), 0);
    assert_eq!(cluster.unbonding_total(), max);
    staking::slash(&mut cluster, &cap, &mut position, max, b"evidence".to_string());
    assert_eq!(cluster.unbonding_total(), 0);
    assert_eq!(cluster.treasury_value(), max);
    clock.destroy_for_testing();
    destroy(cluster);
    destroy(cap);
    destroy(position);
}
