#[test_only]
module k3s_daas::staking_tests;

use k3s_daas::cluster::Cluster;
use k3s_daas::nodes;
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat};
use std::string::String;
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::event;
use sui::test_scenario;

use fun staking::slash as Cluster.slash;
use fun nodes::leave as Cluster.leave;

const USER: u8 = 0;
const NODE: u8 = 1;
const ADMIN: u8 = 2;
const REQUESTED_MS: u64 = 1_763_700_000_000;

fun reason(): String { b"equivocation".to_string() }

/// `request_unbond` by Alice at that time.
fun unbond_at(cluster: &Cluster, position: &mut Position, amount: u64, ms: u64) {
    let clock = world::clock(ms);
    staking::request_unbond(cluster, position, amount, &clock, &world::tx(world::alice(), 30));
    clock.destroy_for_testing();
}

fun unbond(cluster: &Cluster, position: &mut Position, amount: u64) {
    unbond_at(cluster, position, amount, REQUESTED_MS);
}

/// `withdraw` by Alice at that time: the amount paid out.
fun withdraw_at(position: &mut Position, ms: u64): u64 {
    let clock = world::clock(ms);
    let coin = staking::withdraw(position, &clock, &mut world::tx(world::alice(), 31));
    clock.destroy_for_testing();
    coin.burn_for_testing()
}

// === Stake ===

#[test]
fun each_role_stakes_its_minimum() {
    let (cluster, cap) = world::cluster();
    let user = world::position(&cluster, world::alice(), USER, 100, 5);
    let node = world::position(&cluster, world::alice(), NODE, 1_000, 6);
    let admin = world::position(&cluster, world::bob(), ADMIN, 10_000, 7);
    assert_eq!(user.active_value(), 100);
    assert_eq!(node.active_value(), 1_000);
    assert_eq!(admin.active_value(), 10_000);
    assert_eq!(user.role(), staking::role_user());
    assert_eq!(node.role(), staking::role_node());
    assert_eq!(admin.role(), staking::role_admin());
    assert_eq!(admin.owner(), world::bob());
    assert_eq!(admin.cluster(), object::id(&cluster));
    assert_eq!(admin.node(), option::none());
    assert_eq!(admin.unbonding_value(), 0);
    assert_eq!(admin.unbonding_until_ms(), 0);
    destroy(cluster);
    destroy(cap);
    destroy(user);
    destroy(node);
    destroy(admin);
}

#[test]
fun share_makes_a_position_shared() {
    let (cluster, cap) = world::cluster();
    let mut scenario = test_scenario::begin(world::alice());
    let coin = sui::coin::mint_for_testing(1_000, scenario.ctx());
    let position = staking::stake(&cluster, coin, NODE, scenario.ctx());
    staking::share(position);
    scenario.next_tx(world::bob());
    let position = scenario.take_shared<Position>();
    assert_eq!(position.owner(), world::alice());
    test_scenario::return_shared(position);
    scenario.end();
    destroy(cluster);
    destroy(cap);
}

#[test]
fun bytes_of_a_position() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    let before = concat(vector[
        vectors::ids_stake(),
        vectors::ids_cluster(),
        b(world::alice()),
        x"01",
    ]);
    let fresh = concat(vector[before, b(5_000u64), b(0u64), b(0u64), x"00"]);
    assert_eq!(bcs::to_bytes(&position), fresh);
    world::claim(&mut cluster, &mut position);
    unbond(&cluster, &mut position, 700);
    let until_ms = REQUESTED_MS + world::unbonding_ms();
    let bound = concat(vector[before, b(4_300u64), b(700u64), b(until_ms), x"01", b(world::first_name())]);
    assert_eq!(bcs::to_bytes(&position), bound);
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test]
fun events_of_a_position() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    position.top_up(world::coin(50));
    unbond(&cluster, &mut position, 700);
    withdraw_at(&mut position, REQUESTED_MS + world::unbonding_ms());
    // More than there is: the event says what was taken.
    cluster.slash(&cap, &mut position, 9_000, reason());
    let ids = concat(vector[vectors::ids_cluster(), vectors::ids_stake()]);
    let staked = event::events_by_type<staking::Staked>();
    assert_eq!(b(staked), concat(vector[x"01", ids, b(world::alice()), x"01", b(5_000u64)]));
    let topped_up = event::events_by_type<staking::ToppedUp>();
    assert_eq!(b(topped_up), concat(vector[x"01", ids, b(50u64)]));
    let requested = event::events_by_type<staking::UnbondRequested>();
    let until_ms = b(REQUESTED_MS + 60_000);
    assert_eq!(b(requested), concat(vector[x"01", ids, b(700u64), until_ms]));
    let withdrawn = event::events_by_type<staking::Withdrawn>();
    assert_eq!(b(withdrawn), concat(vector[x"01", ids, b(700u64)]));
    let slashed = event::events_by_type<staking::Slashed>();
    assert_eq!(b(slashed), concat(vector[x"01", ids, b(4_350u64), b(reason())]));
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test, expected_failure(abort_code = staking::EBelowMinimum)]
fun user_stake_below_minimum() {
    let (cluster, _cap) = world::cluster();
    let _position = world::position(&cluster, world::alice(), USER, 99, 5);
    abort
}

#[test, expected_failure(abort_code = staking::EBelowMinimum)]
fun node_stake_below_minimum() {
    let (cluster, _cap) = world::cluster();
    let _position = world::position(&cluster, world::alice(), NODE, 999, 5);
    abort
}

#[test, expected_failure(abort_code = staking::EBelowMinimum)]
fun admin_stake_below_minimum() {
    let (cluster, _cap) = world::cluster();
    let _position = world::position(&cluster, world::alice(), ADMIN, 9_999, 5);
    abort
}

#[test, expected_failure(abort_code = staking::EBelowMinimum)]
fun stake_of_nothing() {
    let (cluster, _cap) = world::cluster();
    let _position = world::position(&cluster, world::alice(), USER, 0, 5);
    abort
}

#[test, expected_failure(abort_code = staking::ERoleUnknown)]
fun role_unknown() {
    let (cluster, _cap) = world::cluster();
    let _position = world::position(&cluster, world::alice(), 3, 10_000, 5);
    abort
}

#[test, expected_failure(abort_code = k3s_daas::cluster::EWrongVersion)]
fun stake_on_another_version() {
    let (mut cluster, _cap) = world::cluster();
    cluster.set_version_for_testing(2);
    let _position = world::stake(&cluster, 1_000);
    abort
}

// === Top up ===

#[test]
fun anyone_tops_up() {
    let (cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    let _bob = world::tx(world::bob(), 40);
    position.top_up(world::coin(1));
    assert_eq!(position.active_value(), 1_001);
    assert_eq!(position.owner(), world::alice());
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test, expected_failure(abort_code = staking::EZeroAmount)]
fun top_up_of_nothing() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    position.top_up(world::coin(0));
    abort
}

// === Unbond and withdraw ===

#[test]
fun unbond_part_then_all() {
    let (cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 2_500);
    unbond(&cluster, &mut position, 1_500);
    assert_eq!(position.active_value(), 1_000);
    assert_eq!(position.unbonding_value(), 1_500);
    unbond(&cluster, &mut position, 1_000);
    assert_eq!(position.active_value(), 0);
    assert_eq!(withdraw_at(&mut position, REQUESTED_MS + 60_000), 2_500);
    assert_eq!(position.unbonding_value(), 0);
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test]
fun bound_stake_unbonds_down_to_what_the_claim_requires() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    unbond(&cluster, &mut position, 2_200);
    assert_eq!(position.active_value(), world::required());
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test, expected_failure(abort_code = staking::EClaimNeedsStake)]
fun bound_stake_keeps_what_the_claim_requires() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    unbond(&cluster, &mut position, 2_201);
    abort
}

#[test, expected_failure(abort_code = staking::EClaimNeedsStake)]
fun bound_stake_does_not_unbond_to_nothing() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    unbond(&cluster, &mut position, 5_000);
    abort
}

#[test, expected_failure(abort_code = staking::EClaimNeedsStake)]
fun slashed_bound_stake_does_not_unbond() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 2_800);
    world::claim(&mut cluster, &mut position);
    cluster.slash(&cap, &mut position, 1, reason());
    unbond(&cluster, &mut position, 1);
    abort
}

#[test]
fun left_stake_unbonds() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.leave(&mut position, &world::tx(world::alice(), 41));
    unbond(&cluster, &mut position, 5_000);
    assert_eq!(position.active_value(), 0);
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test, expected_failure(abort_code = staking::ERemainderBelowMinimum)]
fun dust_does_not_remain() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 2_500);
    unbond(&cluster, &mut position, 1_501);
    abort
}

#[test, expected_failure(abort_code = staking::EZeroAmount)]
fun unbond_nothing() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    unbond(&cluster, &mut position, 0);
    abort
}

#[test, expected_failure(abort_code = staking::EAmountTooLarge)]
fun unbond_more_than_there_is() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    unbond(&cluster, &mut position, 1_001);
    abort
}

#[test, expected_failure(abort_code = staking::EAmountTooLarge)]
fun unbond_the_largest_amount() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    unbond(&cluster, &mut position, std::u64::max_value!());
    abort
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun unbond_by_a_stranger() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    let clock = world::clock(REQUESTED_MS);
    let ctx = world::tx(world::bob(), 30);
    staking::request_unbond(&cluster, &mut position, 1_000, &clock, &ctx);
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun unbond_with_another_cluster() {
    let (cluster, _cap) = world::cluster();
    let (other, _other_cap) = world::other_cluster();
    let mut position = world::stake(&cluster, 1_000);
    unbond(&other, &mut position, 1_000);
    abort
}

#[test, expected_failure(abort_code = k3s_daas::cluster::EWrongVersion)]
fun unbond_on_another_version() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    cluster.set_version_for_testing(2);
    unbond(&cluster, &mut position, 1_000);
    abort
}

// The delay would pass the end of time: nothing moves, rather than a date in the past.
#[test, expected_failure(arithmetic_error, location = staking)]
fun unbond_at_the_end_of_time() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    unbond_at(&cluster, &mut position, 1_000, std::u64::max_value!() - 59_999);
    abort
}

#[test]
fun unbond_just_before_the_end_of_time() {
    let (cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    unbond_at(&cluster, &mut position, 1_000, std::u64::max_value!() - 60_000);
    assert_eq!(position.unbonding_until_ms(), std::u64::max_value!());
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test, expected_failure(abort_code = staking::EStillUnbonding)]
fun withdraw_a_millisecond_early() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    unbond(&cluster, &mut position, 1_000);
    withdraw_at(&mut position, REQUESTED_MS + 59_999);
    abort
}

#[test, expected_failure(abort_code = staking::EStillUnbonding)]
fun a_second_request_restarts_the_delay() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 3_000);
    unbond(&cluster, &mut position, 1_000);
    unbond_at(&cluster, &mut position, 1_000, REQUESTED_MS + 30_000);
    withdraw_at(&mut position, REQUESTED_MS + 60_000);
    abort
}

#[test, expected_failure(abort_code = staking::ENothingUnbonding)]
fun withdraw_what_was_not_requested() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    withdraw_at(&mut position, REQUESTED_MS);
    abort
}

#[test, expected_failure(abort_code = staking::ENothingUnbonding)]
fun withdraw_twice() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    unbond(&cluster, &mut position, 1_000);
    withdraw_at(&mut position, REQUESTED_MS + 60_000);
    withdraw_at(&mut position, REQUESTED_MS + 60_000);
    abort
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun withdraw_by_a_stranger() {
    let (cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    unbond(&cluster, &mut position, 1_000);
    let clock = world::clock(REQUESTED_MS + 60_000);
    let _coin = staking::withdraw(&mut position, &clock, &mut world::tx(world::bob(), 31));
    abort
}

// === Slash ===

#[test]
fun slash_takes_active_first() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 3_000);
    unbond(&cluster, &mut position, 1_000);
    cluster.slash(&cap, &mut position, 1_999, reason());
    assert_eq!(position.active_value(), 1);
    assert_eq!(position.unbonding_value(), 1_000);
    assert_eq!(cluster.treasury_value(), 1_999);
    cluster.slash(&cap, &mut position, 2, reason());
    assert_eq!(position.active_value(), 0);
    assert_eq!(position.unbonding_value(), 999);
    assert_eq!(cluster.treasury_value(), 2_001);
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test]
fun slash_of_the_largest_amount_takes_what_there_is() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 3_000);
    unbond(&cluster, &mut position, 1_000);
    cluster.slash(&cap, &mut position, std::u64::max_value!(), reason());
    assert_eq!(position.active_value(), 0);
    assert_eq!(position.unbonding_value(), 0);
    assert_eq!(cluster.treasury_value(), 3_000);
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test]
fun slash_reaches_stake_whose_delay_has_passed() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    unbond(&cluster, &mut position, 1_000);
    cluster.slash(&cap, &mut position, 400, reason());
    assert_eq!(withdraw_at(&mut position, REQUESTED_MS + 60_000), 600);
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test]
fun the_longest_reason() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    cluster.slash(&cap, &mut position, 1, world::bytes(97, 256).to_string());
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test, expected_failure(abort_code = staking::EReasonLength)]
fun reason_too_long() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    cluster.slash(&cap, &mut position, 1, world::bytes(97, 257).to_string());
    abort
}

#[test, expected_failure(abort_code = staking::EReasonLength)]
fun reason_empty() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    cluster.slash(&cap, &mut position, 1, b"".to_string());
    abort
}

#[test, expected_failure(abort_code = staking::ENothingToSlash)]
fun slash_nothing() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    cluster.slash(&cap, &mut position, 0, reason());
    abort
}

#[test, expected_failure(abort_code = staking::ENothingToSlash)]
fun slash_an_empty_position() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    cluster.slash(&cap, &mut position, 1_000, reason());
    cluster.slash(&cap, &mut position, 1, reason());
    abort
}

#[test, expected_failure(abort_code = k3s_daas::cluster::EWrongCap)]
fun slash_with_a_foreign_cap() {
    let (mut cluster, _cap) = world::cluster();
    let (_other, foreign) = world::other_cluster();
    let mut position = world::stake(&cluster, 1_000);
    cluster.slash(&foreign, &mut position, 1, reason());
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun slash_a_position_of_another_cluster() {
    let (cluster, _cap) = world::cluster();
    let (mut other, foreign) = world::other_cluster();
    let mut position = world::stake(&cluster, 1_000);
    other.slash(&foreign, &mut position, 1, reason());
    abort
}

#[test, expected_failure(abort_code = k3s_daas::cluster::EWrongVersion)]
fun slash_on_another_version() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 1_000);
    cluster.set_version_for_testing(2);
    cluster.slash(&cap, &mut position, 1, reason());
    abort
}

// === Conservation ===

/// All MIST that went in are in a position, in the treasury or paid out.
fun assert_conserved(
    cluster: &Cluster,
    first: &Position,
    second: &Position,
    paid_in: u64,
    paid_out: u64,
) {
    let held = first.active_value() + first.unbonding_value() +
        second.active_value() + second.unbonding_value();
    assert_eq!(held + cluster.treasury_value() + paid_out, paid_in);
}

#[test]
fun mist_are_conserved() {
    let (mut cluster, cap) = world::cluster();
    let mut first = world::stake(&cluster, 9_000);
    let mut second = world::other_stake(&cluster, 5_000);
    assert_conserved(&cluster, &first, &second, 14_000, 0);
    world::claim(&mut cluster, &mut first);
    assert_conserved(&cluster, &first, &second, 14_000, 0);
    first.top_up(world::coin(700));
    assert_conserved(&cluster, &first, &second, 14_700, 0);
    unbond(&cluster, &mut first, 3_000);
    assert_conserved(&cluster, &first, &second, 14_700, 0);
    cluster.slash(&cap, &mut second, 1_234, reason());
    assert_conserved(&cluster, &first, &second, 14_700, 0);
    cluster.slash(&cap, &mut first, 7_700, reason());
    assert_conserved(&cluster, &first, &second, 14_700, 0);
    let mut paid_out = withdraw_at(&mut first, REQUESTED_MS + 60_000);
    assert_eq!(paid_out, 2_000);
    assert_conserved(&cluster, &first, &second, 14_700, paid_out);
    cluster.leave(&mut first, &world::tx(world::alice(), 42));
    first.top_up(world::coin(2_800));
    world::claim(&mut cluster, &mut first);
    cluster.leave(&mut first, &world::tx(world::alice(), 43));
    unbond_at(&cluster, &mut first, 1_800, REQUESTED_MS + 70_000);
    assert_conserved(&cluster, &first, &second, 17_500, paid_out);
    unbond_at(&cluster, &mut first, 1_000, REQUESTED_MS + 80_000);
    paid_out = paid_out + withdraw_at(&mut first, REQUESTED_MS + 140_000);
    assert_conserved(&cluster, &first, &second, 17_500, paid_out);
    assert_eq!(paid_out, 4_800);
    cluster.slash(&cap, &mut second, std::u64::max_value!(), reason());
    assert_conserved(&cluster, &first, &second, 17_500, paid_out);
    assert_eq!(cluster.treasury_value(), 12_700);
    destroy(cluster);
    destroy(cap);
    destroy(first);
    destroy(second);
}
