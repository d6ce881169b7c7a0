/// What a review of the package tried, and what was mended because of it.
#[test_only]
module k3s_daas::review_tests;

use k3s_daas::cluster::{Self, Cluster, ClusterCap};
use k3s_daas::enclaves::{Self, Session};
use k3s_daas::governance;
use k3s_daas::nodes;
use k3s_daas::parameters::{Self, Parameters};
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat};
use std::unit_test::{assert_eq, destroy};
use sui::coin::Coin;
use sui::event;
use sui::sui::SUI;

const ADMIN: u8 = 2;
const NOW_MS: u64 = 1_763_700_000_000;

// === The hold on a bond ===

/// The world's terms with another anchor window, and delays as long as that asks.
fun with_anchor_window(ms: u64): Parameters {
    let (terms, unbonding_ms) = (world::parameters(), 30_000 + ms);
    let stakes = parameters::new_stakes(
        100,
        1_000,
        10_000,
        500,
        100,
        unbonding_ms,
        unbonding_ms,
        unbonding_ms,
    );
    parameters::new(stakes, parameters::new_enclaves(300_000, 700, ms), terms.votes())
}

/// A session, registered under an anchor window of 30 s, ended now under another one.
fun ended_under(window_ms: u64): (Cluster, ClusterCap, Session) {
    let (mut cluster, cap, mut session) = world::active();
    cluster.set_parameters(&cap, with_anchor_window(window_ms));
    let clock = world::clock(NOW_MS);
    enclaves::end(&mut cluster, &mut session, &clock, &world::tx(world::operator(), 60));
    clock.destroy_for_testing();
    (cluster, cap, session)
}

fun reclaim(cluster: &Cluster, session: &mut Session, ms: u64): Coin<SUI> {
    let clock = world::clock(ms);
    let ctx = &mut world::tx(world::operator(), 61);
    let coin = enclaves::reclaim_bond(cluster, session, &clock, ctx);
    clock.destroy_for_testing();
    coin
}

/// The operator is the sponsor too, shortens the window, and would be out before anybody looks.
#[test, expected_failure(abort_code = enclaves::EBondHeld)]
fun a_shorter_window_does_not_free_a_bond() {
    let (cluster, _cap, mut session) = ended_under(1);
    let _coin = reclaim(&cluster, &mut session, NOW_MS + 29_999);
    abort
}

#[test]
fun a_longer_window_does_not_hold_a_bond() {
    let (cluster, cap, mut session) = ended_under(365 * 24 * 60 * 60 * 1000 - 30_000);
    assert_eq!(reclaim(&cluster, &mut session, NOW_MS + 30_000).burn_for_testing(), 700);
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

// === Terms that nobody could change again ===

fun propose(electorate_min: u64, deposit: u64, node_min: u64, admin_min: u64) {
    propose_terms(electorate_min, deposit, node_min, admin_min, 1_000, 1_000);
}

/// 25,000 MIST are staked.
fun propose_terms(
    electorate_min: u64,
    deposit: u64,
    node_min: u64,
    admin_min: u64,
    voting_ms: u64,
    execution_ms: u64,
) {
    let (mut cluster, cap) = world::cluster();
    cluster.govern(&cap);
    let mut proposer = admin(&mut cluster, world::alice(), 10_000, 50);
    let other = admin(&mut cluster, world::bob(), 15_000, 51);
    let terms = world::parameters();
    let stakes = parameters::new_stakes(100, node_min, admin_min, 500, 100, 60_000, 60_000, 60_000);
    let votes = parameters::new_votes(
        voting_ms,
        1,
        execution_ms,
        10_000,
        electorate_min,
        deposit,
    );
    let parameters = parameters::new(stakes, terms.enclaves(), votes);
    let mut coin = world::coin(50);
    let clock = world::clock(NOW_MS + 1);
    let ctx = &mut world::tx(world::alice(), 62);
    let proposal = governance::propose_parameters(
        &cluster,
        &mut proposer,
        &mut coin,
        parameters,
        &clock,
        ctx,
    );
    clock.destroy_for_testing();
    destroy(cluster);
    destroy(cap);
    destroy(proposer);
    destroy(other);
    destroy(coin);
    destroy(proposal);
}

fun admin(cluster: &mut Cluster, owner: address, amount: u64, hint: u64): Position {
    world::position(cluster, owner, ADMIN, amount, hint)
}

#[test]
fun terms_that_all_stake_together_could_just_change() { propose(25_000, 25_000, 25_000, 25_000); }

#[test]
fun admins_that_could_propose() { propose(1, 1, 25_001, 25_000); }

#[test]
fun nodes_that_could_propose() { propose(1, 1, 25_000, 25_001); }

#[test, expected_failure(abort_code = governance::EOutOfReach)]
fun an_electorate_of_more_than_there_is() { propose(25_001, 1, 1, 1); }

#[test, expected_failure(abort_code = governance::EOutOfReach)]
fun a_deposit_of_more_than_there_is() { propose(1, 25_001, 1, 1); }

#[test, expected_failure(abort_code = governance::EOutOfReach)]
fun no_role_that_could_propose() { propose(1, 1, 25_001, 25_001); }

#[test, expected_failure(abort_code = governance::EOutOfReach)]
fun an_electorate_of_the_largest_number() { propose(std::u64::max_value!(), 1, 1, 1); }

/// The chain's clock goes in steps of a consensus round: no moment of it may fall into these.
#[test, expected_failure(abort_code = governance::EOutOfReach)]
fun a_vote_that_nobody_meets() { propose_terms(1, 1, 1, 1, 999, 1_000); }

#[test, expected_failure(abort_code = governance::EOutOfReach)]
fun an_execution_that_nobody_meets() { propose_terms(1, 1, 1, 1, 1_000, 999); }

// === A node whose stake is gone ===

/// Alice's node is jailed, all of its stake unbonds, and Alice does not leave.
fun squatted(): (Cluster, ClusterCap, Position) {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 2_800);
    world::claim(&mut cluster, &mut position);
    nodes::jail(&mut cluster, &cap, world::first_name());
    let clock = world::clock(NOW_MS);
    let tx = world::tx(world::alice(), 63);
    staking::request_unbond(&mut cluster, &mut position, 2_800, &clock, &tx);
    clock.destroy_for_testing();
    (cluster, cap, position)
}

fun evict(cluster: &mut Cluster, cap: &ClusterCap, position: &mut Position) {
    let clock = world::clock(NOW_MS);
    nodes::evict(cluster, cap, position, &clock);
    clock.destroy_for_testing();
}

/// Or the name would be Alice's for ever, and cost nothing.
#[test]
fun a_name_without_stake_is_taken_back() {
    let (mut cluster, cap, mut position) = squatted();
    evict(&mut cluster, &cap, &mut position);
    assert!(!cluster.has_claim(world::first_name()));
    assert_eq!(cluster.claimed_name(object::id(&position)), option::none());
    assert_eq!(position.node(), option::none());
    let left = b(event::events_by_type<nodes::NodeLeft>());
    let ids = vector[vectors::ids_cluster(), b(world::first_name()), vectors::ids_stake()];
    assert_eq!(left, concat(vector[x"01", ids.flatten(), b(NOW_MS)]));
    // Bob may have it, with a stake and a key of his own.
    let mut other = world::other_stake(&mut cluster, 2_800);
    let proof = vectors::claims_other_stake_proof();
    world::claim_as(&mut cluster, &mut other, world::bob(), world::first_name(), proof);
    destroy(cluster);
    destroy(cap);
    destroy(position);
    destroy(other);
}

/// What a vote or the operator slashed to nothing, too, and without a jail. Its certificate still counts.
#[test]
fun a_name_whose_stake_was_slashed_is_taken_back() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 2_800);
    world::claim(&mut cluster, &mut position);
    let clock = world::clock(NOW_MS);
    let (name, stake, until_ms) = (world::first_name(), object::id(&position), NOW_MS + 7);
    nodes::record_certificate(&mut cluster, &cap, name, stake, until_ms, &clock);
    clock.destroy_for_testing();
    staking::slash(&mut cluster, &cap, &mut position, 2_800, b"lied".to_string());
    evict(&mut cluster, &cap, &mut position);
    assert_eq!(cluster.reserved_until_ms(world::first_name()), NOW_MS + 7);
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test, expected_failure(abort_code = nodes::EStillStaked)]
fun a_node_with_a_mist_is_not_evicted() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 2_800);
    world::claim(&mut cluster, &mut position);
    nodes::jail(&mut cluster, &cap, world::first_name());
    staking::slash(&mut cluster, &cap, &mut position, 2_799, b"lied".to_string());
    evict(&mut cluster, &cap, &mut position);
    abort
}

#[test, expected_failure(abort_code = nodes::EStakeNotBound)]
fun a_stake_without_a_node_is_not_evicted() {
    let (mut cluster, cap, mut position) = squatted();
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    evict(&mut cluster, &cap, &mut position);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun evict_with_another_clusters_cap() {
    let (mut cluster, _cap, mut position) = squatted();
    let (_other, cap) = world::other_cluster();
    evict(&mut cluster, &cap, &mut position);
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun evict_another_clusters_stake() {
    let (_cluster, _cap, mut position) = squatted();
    let (mut cluster, cap) = world::other_cluster();
    evict(&mut cluster, &cap, &mut position);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun evict_in_another_version() {
    let (mut cluster, cap, mut position) = squatted();
    cluster.set_version_for_testing(2);
    evict(&mut cluster, &cap, &mut position);
    abort
}
