#[test_only]
module k3s_daas::parameters_tests;

use k3s_daas::parameters::{
    Self,
    EnclaveParameters,
    Parameters,
    StakeParameters,
    Tier,
    VoteParameters,
};
use k3s_daas::world::{Self, b, concat};
use std::string::String;
use std::unit_test::assert_eq;

const YEAR_MS: u64 = 31_536_000_000;
const MAX: u64 = 18_446_744_073_709_551_615;

fun delays(user_ms: u64, node_ms: u64, admin_ms: u64): StakeParameters {
    parameters::new_stakes(1, 1, 1, 0, 0, user_ms, node_ms, admin_ms)
}

fun minimums(user: u64, node: u64, admin: u64): StakeParameters {
    parameters::new_stakes(user, node, admin, 0, 0, 1, 1, 1)
}

fun anchors(window_ms: u64): EnclaveParameters { parameters::new_enclaves(1, 1, window_ms) }

fun times(voting_ms: u64, timelock_ms: u64): VoteParameters {
    parameters::new_votes(voting_ms, timelock_ms, 1, 1, 1, 1)
}

fun votes(quorum_bps: u64, electorate_min: u64, deposit: u64): VoteParameters {
    parameters::new_votes(1, 1, 1, quorum_bps, electorate_min, deposit)
}

/// With a vote of 11, a timelock of 12 and an anchor window of 10 ms: 33 together.
fun with_delays(user_ms: u64, node_ms: u64, admin_ms: u64): Parameters {
    parameters::new(delays(user_ms, node_ms, admin_ms), anchors(10), times(11, 12))
}

fun tier_of(groups: vector<String>): Tier { parameters::new_tier(1, groups, 1) }

fun tier_of_group(group: vector<u8>): Tier { tier_of(vector[group.to_string()]) }

#[test]
fun each_view_reads_its_own_field() {
    let parameters = parameters::new(
        parameters::new_stakes(1, 2, 3, 4, 5, 60, 70, 80),
        parameters::new_enclaves(8, 9, 10),
        parameters::new_votes(11, 12, 13, 14, 15, 16),
    );
    let stakes = parameters.stakes();
    let enclaves = parameters.enclaves();
    let votes = parameters.votes();
    let found = vector[
        stakes.user_min(),
        stakes.node_min(),
        stakes.admin_min(),
        stakes.mist_per_cpu(),
        stakes.mist_per_gib(),
        stakes.user_unbonding_ms(),
        stakes.node_unbonding_ms(),
        stakes.admin_unbonding_ms(),
        enclaves.document_age_ms_max(),
        enclaves.bond_min(),
        enclaves.anchor_window_ms(),
        votes.voting_ms(),
        votes.timelock_ms(),
        votes.execution_ms(),
        votes.quorum_bps(),
        votes.electorate_min(),
        votes.deposit(),
    ];
    assert_eq!(found, vector[1, 2, 3, 4, 5, 60, 70, 80, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
}

/// The layouts that sui/client parses.
#[test]
fun bytes_of_parameters_and_tiers() {
    assert_eq!(b(world::parameters()), world::parameters_bytes());
    let tier = parameters::new_tier(7, vector[b"dev".to_string(), b"ops".to_string()], 30);
    assert_eq!(b(tier), concat(vector[b(7u64), x"02", x"03646576", x"036f7073", b(30u64)]));
}

#[test]
fun the_largest_numbers() {
    let stakes = parameters::new_stakes(MAX, MAX, MAX, MAX, MAX, YEAR_MS, YEAR_MS, YEAR_MS);
    let enclaves = parameters::new_enclaves(YEAR_MS, MAX, 1);
    let votes = parameters::new_votes(1, YEAR_MS - 2, YEAR_MS, 10_000, MAX, MAX);
    parameters::new(stakes, enclaves, votes);
}

// === Stakes ===

#[test, expected_failure(abort_code = parameters::EZero)]
fun user_minimum_zero() { minimums(0, 1, 1); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun node_minimum_zero() { minimums(1, 0, 1); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun admin_minimum_zero() { minimums(1, 1, 0); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun user_delay_zero() { delays(0, 1, 1); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun node_delay_zero() { delays(1, 0, 1); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun admin_delay_zero() { delays(1, 1, 0); }

#[test, expected_failure(abort_code = parameters::ETooLong)]
fun user_delay_beyond_a_year() { delays(YEAR_MS + 1, 1, 1); }

#[test, expected_failure(abort_code = parameters::ETooLong)]
fun node_delay_beyond_a_year() { delays(1, YEAR_MS + 1, 1); }

#[test, expected_failure(abort_code = parameters::ETooLong)]
fun admin_delay_of_all_time() { delays(1, 1, MAX); }

#[test]
fun delays_as_long_as_a_vote_on_slashing() { with_delays(33, 33, 33); }

#[test, expected_failure(abort_code = parameters::EUnbondingTooShort)]
fun users_escape_by_a_millisecond() { with_delays(32, 33, 33); }

#[test, expected_failure(abort_code = parameters::EUnbondingTooShort)]
fun nodes_escape_by_a_millisecond() { with_delays(33, 32, 33); }

#[test, expected_failure(abort_code = parameters::EUnbondingTooShort)]
fun admins_escape_by_a_millisecond() { with_delays(33, 33, 32); }

#[test, expected_failure(abort_code = parameters::EUnbondingTooShort)]
fun nobody_waits_for_the_longest_vote() {
    parameters::new(delays(YEAR_MS, YEAR_MS, YEAR_MS), anchors(YEAR_MS), times(YEAR_MS, YEAR_MS));
}

// === Enclaves ===

#[test, expected_failure(abort_code = parameters::EZero)]
fun document_age_zero() { parameters::new_enclaves(0, 1, 1); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun bond_zero() { parameters::new_enclaves(1, 0, 1); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun anchor_window_zero() { parameters::new_enclaves(1, 1, 0); }

#[test, expected_failure(abort_code = parameters::ETooLong)]
fun document_age_beyond_a_year() { parameters::new_enclaves(YEAR_MS + 1, 1, 1); }

#[test, expected_failure(abort_code = parameters::ETooLong)]
fun anchor_window_beyond_a_year() { parameters::new_enclaves(1, 1, YEAR_MS + 1); }

// === Votes ===

#[test, expected_failure(abort_code = parameters::EZero)]
fun voting_time_zero() { times(0, 1); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun timelock_zero() { times(1, 0); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun execution_time_zero() { parameters::new_votes(1, 1, 0, 1, 1, 1); }

#[test, expected_failure(abort_code = parameters::ETooLong)]
fun voting_time_beyond_a_year() { times(YEAR_MS + 1, 1); }

#[test, expected_failure(abort_code = parameters::ETooLong)]
fun timelock_beyond_a_year() { times(1, YEAR_MS + 1); }

#[test, expected_failure(abort_code = parameters::ETooLong)]
fun execution_time_beyond_a_year() { parameters::new_votes(1, 1, YEAR_MS + 1, 1, 1, 1); }

#[test, expected_failure(abort_code = parameters::EQuorum)]
fun quorum_of_nobody() { votes(0, 1, 1); }

#[test, expected_failure(abort_code = parameters::EQuorum)]
fun quorum_of_more_than_all() { votes(10_001, 1, 1); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun electorate_zero() { votes(1, 0, 1); }

#[test, expected_failure(abort_code = parameters::EZero)]
fun deposit_zero() { votes(1, 1, 0); }

// === Tiers ===

#[test]
fun the_largest_tier() {
    let group = world::bytes(97, 128).to_string();
    let tier = parameters::new_tier(MAX, vector::tabulate!(16, |_| group), 400);
    assert_eq!(tier.tier_groups().length(), 16);
    // Only the beginning of a name is Kubernetes' own.
    tier_of_group(b"my-system:masters");
    tier_of_group(b"system");
}

#[test, expected_failure(abort_code = parameters::EZero)]
fun tier_without_a_stake() { parameters::new_tier(0, vector[b"dev".to_string()], 1); }

#[test, expected_failure(abort_code = parameters::EGroupCount)]
fun tier_without_a_group() { tier_of(vector[]); }

#[test, expected_failure(abort_code = parameters::EGroupCount)]
fun tier_of_seventeen_groups() { tier_of(vector::tabulate!(17, |_| b"dev".to_string())); }

#[test, expected_failure(abort_code = parameters::EGroupName)]
fun group_without_a_name() { tier_of_group(b""); }

#[test, expected_failure(abort_code = parameters::EGroupName)]
fun group_with_a_long_name() { tier_of_group(world::bytes(97, 129)); }

#[test, expected_failure(abort_code = parameters::EGroupName)]
fun group_of_kubernetes_masters() { tier_of_group(b"system:masters"); }

#[test, expected_failure(abort_code = parameters::EGroupName)]
fun second_group_of_kubernetes() {
    tier_of(vector[b"dev".to_string(), b"system:".to_string()]);
}

#[test, expected_failure(abort_code = parameters::EEpochs)]
fun tier_of_no_epochs() { parameters::new_tier(1, vector[b"dev".to_string()], 0); }

#[test, expected_failure(abort_code = parameters::EEpochs)]
fun tier_of_too_many_epochs() { parameters::new_tier(1, vector[b"dev".to_string()], 401); }
