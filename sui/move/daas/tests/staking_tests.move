#[test_only]
module k3s_daas::staking_tests;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::parameters;
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat};
use std::string::String;
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::clock::Clock;
use sui::event;
use sui::test_scenario;

use fun staking::slash as Cluster.slash;

const USER: u8 = 0;
const NODE: u8 = 1;
const ADMIN: u8 = 2;
const REQUESTED_MS: u64 = 1_763_700_000_000;

fun reason(): String { b"equivocation".to_string() }

fun now(): Clock { world::clock(REQUESTED_MS) }

/// `top_up` by Alice at the time of the requests.
fun top_up(cluster: &mut Cluster, position: &mut Position, amount: u64) {
    let coin = world::coin(amount);
    let clock = now();
    staking::top_up(cluster, position, coin, &clock, &world::tx(world::alice(), 29));
    clock.destroy_for_testing();
}

/// `request_unbond` by Alice at that time.
fun unbond_at(cluster: &mut Cluster, position: &mut Position, amount: u64, ms: u64) {
    let clock = world::clock(ms);
    staking::request_unbond(cluster, position, amount, &clock, &world::tx(world::alice(), 30));
    clock.destroy_for_testing();
}

fun unbond(cluster: &mut Cluster, position: &mut Position, amount: u64) {
    unbond_at(cluster, position, amount, REQUESTED_MS);
}

/// `withdraw` by Alice at that time: the amount paid out.
fun withdraw_at(cluster: &mut Cluster, position: &mut Position, ms: u64): u64 {
    let clock = world::clock(ms);
    let coin = staking::withdraw(cluster, position, &clock, &mut world::tx(world::alice(), 31));
    clock.destroy_for_testing();
    coin.burn_for_testing()
}

/// `take_rewards` by Alice: the amount paid out.
fun take_rewards(cluster: &Cluster, position: &mut Position): u64 {
    let ctx = &mut world::tx(world::alice(), 32);
    staking::take_rewards(cluster, position, ctx).burn_for_testing()
}

fun close(cluster: &Cluster, position: Position) {
    staking::close(cluster, position, &world::tx(world::alice(), 33));
}

/// Alice's stake without anything in it.
fun emptied(cluster: &mut Cluster): Position {
    let mut position = world::stake(cluster, 1_000);
    unbond(cluster, &mut position, 1_000);
    withdraw_at(cluster, &mut position, REQUESTED_MS + 120_000);
    position
}

/// Stands for the id of a pass.
fun pass(): ID { object::id_from_bytes(world::bytes(9, 32)) }

fun throw(cluster: Cluster, cap: ClusterCap, position: Position) {
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

// === Stake ===

#[test]
fun each_role_stakes_its_minimum() {
    let (mut cluster, cap) = world::cluster();
    let user = world::position(&mut cluster, world::alice(), USER, 100, 5);
    let node = world::position(&mut cluster, world::alice(), NODE, 1_000, 6);
    let admin = world::position(&mut cluster, world::bob(), ADMIN, 10_000, 7);
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
    let (mut cluster, cap) = world::cluster();
    let mut scenario = test_scenario::begin(world::alice());
    staking::share(world::stake(&mut cluster, 1_000));
    scenario.next_tx(world::bob());
    let position = scenario.take_shared<Position>();
    assert_eq!(position.owner(), world::alice());
    test_scenario::return_shared(position);
    scenario.end();
    destroy(cluster);
    destroy(cap);
}

/// The layout that sui/client parses.
#[test]
fun bytes_of_a_position() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let before = concat(vector[
        vectors::ids_stake(),
        vectors::ids_cluster(),
        b(world::alice()),
        x"01",
    ]);
    let fresh = concat(vector[
        before,
        b(5_000u64),
        b(0u64),
        b(0u64),
        b(REQUESTED_MS),
        b(0u64),
        x"00",
        b(0u64),
        x"00",
        b(0u64),
        b(0u64),
    ]);
    assert_eq!(bcs::to_bytes(&position), fresh);
    world::claim(&mut cluster, &mut position);
    unbond(&mut cluster, &mut position, 700);
    staking::reward(&cluster, &mut position, world::coin(33));
    position.set_heartbeat(44);
    position.set_pass(pass(), 55);
    position.hold_for_vote(66);
    position.freeze_stake();
    let full = concat(vector[
        before,
        b(4_300u64),
        b(700u64),
        b(REQUESTED_MS + 120_000),
        b(REQUESTED_MS),
        b(33u64),
        x"01",
        b(world::first_name()),
        b(44u64),
        x"01",
        world::bytes(9, 32),
        b(55u64),
        b(66u64),
        b(1u64),
    ]);
    assert_eq!(bcs::to_bytes(&position), full);
    throw(cluster, cap, position);
}

#[test]
fun events_of_a_position() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    top_up(&mut cluster, &mut position, 50);
    unbond(&mut cluster, &mut position, 700);
    withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 120_000);
    // More than there is: the event says what was taken.
    cluster.slash(&cap, &mut position, 9_000, reason());
    staking::reward(&cluster, &mut position, world::coin(8));
    take_rewards(&cluster, &mut position);
    close(&cluster, position);
    let ids = concat(vector[vectors::ids_cluster(), vectors::ids_stake()]);
    let staked = event::events_by_type<staking::Staked>();
    assert_eq!(b(staked), concat(vector[x"01", ids, b(world::alice()), x"01", b(5_000u64)]));
    let topped_up = event::events_by_type<staking::ToppedUp>();
    assert_eq!(b(topped_up), concat(vector[x"01", ids, b(50u64)]));
    let requested = event::events_by_type<staking::UnbondRequested>();
    let until_ms = b(REQUESTED_MS + 120_000);
    assert_eq!(b(requested), concat(vector[x"01", ids, b(700u64), until_ms]));
    let withdrawn = event::events_by_type<staking::Withdrawn>();
    assert_eq!(b(withdrawn), concat(vector[x"01", ids, b(700u64)]));
    let slashed = event::events_by_type<staking::Slashed>();
    assert_eq!(b(slashed), concat(vector[x"01", ids, b(4_350u64), b(reason())]));
    let rewarded = event::events_by_type<staking::Rewarded>();
    assert_eq!(b(rewarded), concat(vector[x"01", ids, b(8u64)]));
    let taken = event::events_by_type<staking::RewardsTaken>();
    assert_eq!(b(taken), concat(vector[x"01", ids, b(8u64)]));
    let closed = event::events_by_type<staking::PositionClosed>();
    assert_eq!(b(closed), concat(vector[x"01", ids]));
    destroy(cluster);
    destroy(cap);
}

#[test, expected_failure(abort_code = staking::EBelowMinimum)]
fun user_stake_below_minimum() {
    let (mut cluster, _cap) = world::cluster();
    let _position = world::position(&mut cluster, world::alice(), USER, 99, 5);
    abort
}

#[test, expected_failure(abort_code = staking::EBelowMinimum)]
fun node_stake_below_minimum() {
    let (mut cluster, _cap) = world::cluster();
    let _position = world::position(&mut cluster, world::alice(), NODE, 999, 5);
    abort
}

#[test, expected_failure(abort_code = staking::EBelowMinimum)]
fun admin_stake_below_minimum() {
    let (mut cluster, _cap) = world::cluster();
    let _position = world::position(&mut cluster, world::alice(), ADMIN, 9_999, 5);
    abort
}

#[test, expected_failure(abort_code = staking::EBelowMinimum)]
fun stake_of_nothing() {
    let (mut cluster, _cap) = world::cluster();
    let _position = world::position(&mut cluster, world::alice(), USER, 0, 5);
    abort
}

#[test, expected_failure(abort_code = staking::ERoleUnknown)]
fun role_unknown() {
    let (mut cluster, _cap) = world::cluster();
    let _position = world::position(&mut cluster, world::alice(), 3, 10_000, 5);
    abort
}

// === Top up ===

#[test]
fun top_up_adds_and_takes_the_vote_of_now() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::position_at(&mut cluster, world::alice(), NODE, 1_000, 5, 5);
    assert_eq!(position.increased_ms(), 5);
    top_up(&mut cluster, &mut position, 1);
    assert_eq!(position.active_value(), 1_001);
    assert_eq!(position.increased_ms(), REQUESTED_MS);
    assert_eq!(position.owner(), world::alice());
    assert_eq!(cluster.active_total(), 1_001);
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun top_up_by_a_stranger() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    let coin = world::coin(1);
    let clock = now();
    let ctx = world::tx(world::bob(), 29);
    staking::top_up(&mut cluster, &mut position, coin, &clock, &ctx);
    abort
}

#[test]
fun top_up_of_what_a_slash_left_back_to_the_minimum() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    cluster.slash(&cap, &mut position, 600, reason());
    top_up(&mut cluster, &mut position, 600);
    assert_eq!(position.active_value(), 1_000);
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = staking::EBelowMinimum)]
fun top_up_of_what_a_slash_left_to_dust() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    cluster.slash(&cap, &mut position, 600, reason());
    top_up(&mut cluster, &mut position, 599);
    abort
}

#[test, expected_failure(abort_code = staking::EBelowMinimum)]
fun top_up_of_an_empty_position_to_dust() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = emptied(&mut cluster);
    top_up(&mut cluster, &mut position, 1);
    abort
}

#[test, expected_failure(abort_code = staking::EZeroAmount)]
fun top_up_of_nothing() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    top_up(&mut cluster, &mut position, 0);
    abort
}

// === Unbond and withdraw ===

#[test]
fun unbond_part_then_all() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 2_500);
    unbond(&mut cluster, &mut position, 1_500);
    assert_eq!(position.active_value(), 1_000);
    assert_eq!(position.unbonding_value(), 1_500);
    unbond(&mut cluster, &mut position, 1_000);
    assert_eq!(position.active_value(), 0);
    assert_eq!(withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 120_000), 2_500);
    assert_eq!(position.unbonding_value(), 0);
    throw(cluster, cap, position);
}

#[test]
fun bound_stake_unbonds_down_to_what_the_claim_requires() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    unbond(&mut cluster, &mut position, 2_200);
    assert_eq!(position.active_value(), world::required());
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = staking::EClaimNeedsStake)]
fun bound_stake_keeps_what_the_claim_requires() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    unbond(&mut cluster, &mut position, 2_201);
    abort
}

#[test, expected_failure(abort_code = staking::EClaimNeedsStake)]
fun bound_stake_does_not_unbond_to_nothing() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    unbond(&mut cluster, &mut position, 5_000);
    abort
}

#[test, expected_failure(abort_code = staking::EClaimNeedsStake)]
fun slashed_bound_stake_does_not_unbond() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 2_800);
    world::claim(&mut cluster, &mut position);
    cluster.slash(&cap, &mut position, 1, reason());
    unbond(&mut cluster, &mut position, 1);
    abort
}

#[test]
fun left_stake_unbonds() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    world::leave_at(&mut cluster, &mut position, world::alice(), REQUESTED_MS);
    unbond(&mut cluster, &mut position, 5_000);
    assert_eq!(position.active_value(), 0);
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = staking::ERemainderBelowMinimum)]
fun dust_does_not_remain() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 2_500);
    unbond(&mut cluster, &mut position, 1_501);
    abort
}

#[test, expected_failure(abort_code = staking::EZeroAmount)]
fun unbond_nothing() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond(&mut cluster, &mut position, 0);
    abort
}

#[test, expected_failure(abort_code = staking::EAmountTooLarge)]
fun unbond_more_than_there_is() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond(&mut cluster, &mut position, 1_001);
    abort
}

#[test, expected_failure(abort_code = staking::EAmountTooLarge)]
fun unbond_the_largest_amount() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond(&mut cluster, &mut position, std::u64::max_value!());
    abort
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun unbond_by_a_stranger() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    let clock = world::clock(REQUESTED_MS);
    let ctx = world::tx(world::bob(), 30);
    staking::request_unbond(&mut cluster, &mut position, 1_000, &clock, &ctx);
    abort
}

// The delay would pass the end of time: nothing moves, rather than a date in the past.
#[test, expected_failure(arithmetic_error, location = staking)]
fun unbond_at_the_end_of_time() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond_at(&mut cluster, &mut position, 1_000, std::u64::max_value!() - 119_999);
    abort
}

#[test]
fun unbond_just_before_the_end_of_time() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond_at(&mut cluster, &mut position, 1_000, std::u64::max_value!() - 120_000);
    assert_eq!(position.unbonding_until_ms(), std::u64::max_value!());
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = staking::EStillUnbonding)]
fun withdraw_a_millisecond_early() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond(&mut cluster, &mut position, 1_000);
    withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 119_999);
    abort
}

#[test, expected_failure(abort_code = staking::EStillUnbonding)]
fun a_second_request_restarts_the_delay() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 3_000);
    unbond(&mut cluster, &mut position, 1_000);
    unbond_at(&mut cluster, &mut position, 1_000, REQUESTED_MS + 30_000);
    withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 120_000);
    abort
}

#[test, expected_failure(abort_code = staking::ENothingUnbonding)]
fun withdraw_what_was_not_requested() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    withdraw_at(&mut cluster, &mut position, REQUESTED_MS);
    abort
}

#[test, expected_failure(abort_code = staking::ENothingUnbonding)]
fun withdraw_twice() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond(&mut cluster, &mut position, 1_000);
    withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 120_000);
    withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 120_000);
    abort
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun withdraw_by_a_stranger() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond(&mut cluster, &mut position, 1_000);
    let clock = world::clock(REQUESTED_MS + 120_000);
    let ctx = &mut world::tx(world::bob(), 31);
    let _coin = staking::withdraw(&mut cluster, &mut position, &clock, ctx);
    abort
}

// === Delays of the roles ===

/// A position of that role from which everything unbonds, at the given time after the request.
fun withdraw_after(role: u8, after_ms: u64): u64 {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::position(&mut cluster, world::alice(), role, 10_000, 5);
    unbond(&mut cluster, &mut position, 10_000);
    let amount = withdraw_at(&mut cluster, &mut position, REQUESTED_MS + after_ms);
    throw(cluster, cap, position);
    amount
}

#[test]
fun each_role_waits_for_its_own_delay() {
    let (cluster, cap) = world::cluster();
    assert_eq!(staking::unbonding_ms(&cluster, USER), 60_000);
    assert_eq!(staking::unbonding_ms(&cluster, NODE), 120_000);
    assert_eq!(staking::unbonding_ms(&cluster, ADMIN), 180_000);
    assert_eq!(staking::minimum(&cluster, USER), 100);
    assert_eq!(staking::minimum(&cluster, NODE), 1_000);
    assert_eq!(staking::minimum(&cluster, ADMIN), 10_000);
    destroy(cluster);
    destroy(cap);
}

#[test]
fun user_on_time() { assert_eq!(withdraw_after(USER, 60_000), 10_000); }

#[test]
fun node_on_time() { assert_eq!(withdraw_after(NODE, 120_000), 10_000); }

#[test]
fun admin_on_time() { assert_eq!(withdraw_after(ADMIN, 180_000), 10_000); }

#[test, expected_failure(abort_code = staking::EStillUnbonding)]
fun user_a_millisecond_early() { withdraw_after(USER, 59_999); }

#[test, expected_failure(abort_code = staking::EStillUnbonding)]
fun node_a_millisecond_early() { withdraw_after(NODE, 119_999); }

#[test, expected_failure(abort_code = staking::EStillUnbonding)]
fun admin_a_millisecond_early() { withdraw_after(ADMIN, 179_999); }

#[test, expected_failure(abort_code = staking::ERoleUnknown)]
fun delay_of_an_unknown_role() {
    let (cluster, _cap) = world::cluster();
    staking::unbonding_ms(&cluster, 3);
    abort
}

// Terms of the request: a delay set later does not reach back.
#[test]
fun a_request_keeps_its_delay() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond(&mut cluster, &mut position, 1_000);
    let longer = parameters::new(
        parameters::new_stakes(1, 1, 1, 0, 0, 300_000, 300_000, 300_000),
        world::parameters().enclaves(),
        world::parameters().votes(),
    );
    cluster.set_parameters(&cap, longer);
    assert_eq!(withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 120_000), 1_000);
    throw(cluster, cap, position);
}

// === Encumbrances ===

#[test]
fun stake_behind_a_pass_unbonds_down_to_what_the_pass_requires() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    position.set_pass(pass(), 3_000);
    assert_eq!(position.pass(), option::some(pass()));
    unbond(&mut cluster, &mut position, 2_000);
    position.clear_pass();
    assert_eq!(position.pass(), option::none());
    unbond(&mut cluster, &mut position, 3_000);
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = staking::EPassNeedsStake)]
fun stake_behind_a_pass_keeps_what_the_pass_requires() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    position.set_pass(pass(), 3_000);
    unbond(&mut cluster, &mut position, 2_001);
    abort
}

#[test, expected_failure(abort_code = staking::EPassNeedsStake)]
fun stake_behind_a_pass_does_not_unbond_to_nothing() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    position.set_pass(pass(), 1);
    unbond(&mut cluster, &mut position, 5_000);
    abort
}

#[test, expected_failure(abort_code = staking::EPassNeedsStake)]
fun node_and_pass_each_hold_the_stake() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    position.set_pass(pass(), 3_000);
    // Enough for the node, which needs 2,800.
    unbond(&mut cluster, &mut position, 2_100);
    abort
}

#[test, expected_failure(abort_code = staking::EVoting)]
fun stake_that_voted_is_held_to_the_last_millisecond() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    position.hold_for_vote(REQUESTED_MS + 20_000);
    unbond_at(&mut cluster, &mut position, 1_000, REQUESTED_MS + 19_999);
    abort
}

#[test]
fun stake_that_voted_is_free_when_the_vote_has_ended() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    position.hold_for_vote(REQUESTED_MS + 20_000);
    // A vote that ends earlier shortens nothing.
    position.hold_for_vote(REQUESTED_MS + 10_000);
    assert_eq!(position.voting_until_ms(), REQUESTED_MS + 20_000);
    unbond_at(&mut cluster, &mut position, 1_000, REQUESTED_MS + 20_000);
    throw(cluster, cap, position);
}

#[test]
fun an_open_vote_does_not_hold_what_unbonded_before() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 2_000);
    unbond(&mut cluster, &mut position, 1_000);
    position.hold_for_vote(std::u64::max_value!());
    assert_eq!(withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 120_000), 1_000);
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = staking::EFrozen)]
fun frozen_stake_does_not_unbond() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    position.freeze_stake();
    unbond(&mut cluster, &mut position, 1_000);
    abort
}

#[test, expected_failure(abort_code = staking::EFrozen)]
fun frozen_stake_is_not_withdrawn() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond(&mut cluster, &mut position, 1_000);
    position.freeze_stake();
    withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 120_000);
    abort
}

#[test, expected_failure(abort_code = staking::EFrozen)]
fun each_freeze_is_lifted_by_itself() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    position.freeze_stake();
    position.freeze_stake();
    position.unfreeze_stake();
    assert!(position.is_frozen());
    unbond(&mut cluster, &mut position, 1_000);
    abort
}

#[test]
fun stake_no_longer_frozen_unbonds() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 2_000);
    unbond(&mut cluster, &mut position, 1_000);
    position.freeze_stake();
    position.unfreeze_stake();
    assert!(!position.is_frozen());
    unbond(&mut cluster, &mut position, 1_000);
    assert_eq!(withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 120_000), 2_000);
    throw(cluster, cap, position);
}

#[test]
fun frozen_stake_may_be_slashed_and_topped_up() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    position.freeze_stake();
    top_up(&mut cluster, &mut position, 500);
    cluster.slash(&cap, &mut position, 1_500, reason());
    assert_eq!(position.active_value(), 0);
    throw(cluster, cap, position);
}

// === Rewards ===

#[test]
fun rewards_are_paid_by_anyone_and_taken_by_the_owner() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    let coin = world::coin(30);
    let _bob = world::tx(world::bob(), 40);
    staking::reward(&cluster, &mut position, coin);
    staking::reward(&cluster, &mut position, world::coin(4));
    assert_eq!(position.rewards_value(), 34);
    // No stake: it neither counts, nor votes, nor is slashed.
    assert_eq!(position.active_value(), 1_000);
    assert_eq!(cluster.active_total(), 1_000);
    assert_eq!(position.increased_ms(), REQUESTED_MS);
    cluster.slash(&cap, &mut position, std::u64::max_value!(), reason());
    // Nor does a freeze hold it.
    position.freeze_stake();
    assert_eq!(take_rewards(&cluster, &mut position), 34);
    assert_eq!(position.rewards_value(), 0);
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = staking::EZeroAmount)]
fun reward_of_nothing() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    staking::reward(&cluster, &mut position, world::coin(0));
    abort
}

#[test, expected_failure(abort_code = staking::ENoRewards)]
fun rewards_taken_twice() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    staking::reward(&cluster, &mut position, world::coin(1));
    take_rewards(&cluster, &mut position);
    take_rewards(&cluster, &mut position);
    abort
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun rewards_taken_by_a_stranger() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    staking::reward(&cluster, &mut position, world::coin(1));
    let ctx = &mut world::tx(world::bob(), 32);
    let _coin = staking::take_rewards(&cluster, &mut position, ctx);
    abort
}

// === Close ===

#[test]
fun an_empty_position_closes() {
    let (mut cluster, cap) = world::cluster();
    let position = emptied(&mut cluster);
    close(&cluster, position);
    assert_eq!(cluster.active_total(), 0);
    assert_eq!(cluster.unbonding_total(), 0);
    destroy(cluster);
    destroy(cap);
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun close_by_a_stranger() {
    let (mut cluster, _cap) = world::cluster();
    let position = emptied(&mut cluster);
    staking::close(&cluster, position, &world::tx(world::bob(), 33));
    abort
}

#[test, expected_failure(abort_code = staking::ENotEmpty)]
fun close_with_active_stake() {
    let (mut cluster, _cap) = world::cluster();
    let position = world::stake(&mut cluster, 1_000);
    close(&cluster, position);
    abort
}

#[test, expected_failure(abort_code = staking::ENotEmpty)]
fun close_with_unbonding_stake() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond(&mut cluster, &mut position, 1_000);
    close(&cluster, position);
    abort
}

#[test, expected_failure(abort_code = staking::ENotEmpty)]
fun close_with_rewards() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = emptied(&mut cluster);
    staking::reward(&cluster, &mut position, world::coin(1));
    close(&cluster, position);
    abort
}

#[test, expected_failure(abort_code = staking::ENotEmpty)]
fun close_with_a_node() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.slash(&cap, &mut position, 5_000, reason());
    close(&cluster, position);
    abort
}

#[test, expected_failure(abort_code = staking::ENotEmpty)]
fun close_with_a_pass() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = emptied(&mut cluster);
    position.set_pass(pass(), 1);
    close(&cluster, position);
    abort
}

#[test, expected_failure(abort_code = staking::EFrozen)]
fun close_while_frozen() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = emptied(&mut cluster);
    position.freeze_stake();
    close(&cluster, position);
    abort
}

// === Sums of the cluster ===

fun assert_sums(cluster: &Cluster, active: u64, unbonding: u64) {
    assert_eq!(cluster.active_total(), active);
    assert_eq!(cluster.unbonding_total(), unbonding);
}

#[test]
fun the_sums_follow_each_operation() {
    let (mut cluster, cap) = world::cluster();
    let mut first = world::stake(&mut cluster, 3_000);
    assert_sums(&cluster, 3_000, 0);
    let mut second = world::other_stake(&mut cluster, 2_000);
    assert_sums(&cluster, 5_000, 0);
    top_up(&mut cluster, &mut first, 500);
    assert_sums(&cluster, 5_500, 0);
    unbond(&mut cluster, &mut first, 1_500);
    assert_sums(&cluster, 4_000, 1_500);
    // 2,000 active and 100 of what unbonds.
    cluster.slash(&cap, &mut first, 2_100, reason());
    assert_sums(&cluster, 2_000, 1_400);
    cluster.slash(&cap, &mut second, 1, reason());
    assert_sums(&cluster, 1_999, 1_400);
    staking::reward(&cluster, &mut second, world::coin(77));
    assert_sums(&cluster, 1_999, 1_400);
    withdraw_at(&mut cluster, &mut first, REQUESTED_MS + 120_000);
    assert_sums(&cluster, 1_999, 0);
    top_up(&mut cluster, &mut first, 2_800);
    world::claim(&mut cluster, &mut first);
    world::leave_at(&mut cluster, &mut first, world::alice(), REQUESTED_MS);
    assert_sums(&cluster, 4_799, 0);
    destroy(cluster);
    destroy(cap);
    destroy(first);
    destroy(second);
}

// === Slash ===

#[test, expected_failure(abort_code = k3s_daas::cluster::EGoverned)]
fun slash_in_a_governed_cluster() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    cluster.govern(&cap);
    cluster.slash(&cap, &mut position, 1, reason());
    abort
}

/// What governance does instead, and how it learns what was taken.
#[test]
fun take_returns_what_was_taken() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    assert_eq!(position.take(&mut cluster, 400, reason()), 400);
    assert_eq!(position.take(&mut cluster, 700, reason()), 600);
    assert_eq!(cluster.treasury_value(), 1_000);
    throw(cluster, cap, position);
}

#[test]
fun slash_takes_active_first() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 3_000);
    unbond(&mut cluster, &mut position, 1_000);
    cluster.slash(&cap, &mut position, 1_999, reason());
    assert_eq!(position.active_value(), 1);
    assert_eq!(position.unbonding_value(), 1_000);
    assert_eq!(cluster.treasury_value(), 1_999);
    cluster.slash(&cap, &mut position, 2, reason());
    assert_eq!(position.active_value(), 0);
    assert_eq!(position.unbonding_value(), 999);
    assert_eq!(cluster.treasury_value(), 2_001);
    throw(cluster, cap, position);
}

#[test]
fun slash_of_the_largest_amount_takes_what_there_is() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 3_000);
    unbond(&mut cluster, &mut position, 1_000);
    cluster.slash(&cap, &mut position, std::u64::max_value!(), reason());
    assert_eq!(position.active_value(), 0);
    assert_eq!(position.unbonding_value(), 0);
    assert_eq!(cluster.treasury_value(), 3_000);
    throw(cluster, cap, position);
}

#[test]
fun slash_reaches_stake_whose_delay_has_passed() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    unbond(&mut cluster, &mut position, 1_000);
    cluster.slash(&cap, &mut position, 400, reason());
    assert_eq!(withdraw_at(&mut cluster, &mut position, REQUESTED_MS + 120_000), 600);
    throw(cluster, cap, position);
}

#[test]
fun the_longest_reason() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    cluster.slash(&cap, &mut position, 1, world::bytes(97, 256).to_string());
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = staking::EReasonLength)]
fun reason_too_long() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    cluster.slash(&cap, &mut position, 1, world::bytes(97, 257).to_string());
    abort
}

#[test, expected_failure(abort_code = staking::EReasonLength)]
fun reason_empty() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    cluster.slash(&cap, &mut position, 1, b"".to_string());
    abort
}

#[test, expected_failure(abort_code = staking::ENothingToSlash)]
fun slash_nothing() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    cluster.slash(&cap, &mut position, 0, reason());
    abort
}

#[test, expected_failure(abort_code = staking::ENothingToSlash)]
fun slash_an_empty_position() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 1_000);
    cluster.slash(&cap, &mut position, 1_000, reason());
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
    let held =
        first.active_value() + first.unbonding_value() +
        second.active_value() + second.unbonding_value();
    assert_eq!(held + cluster.treasury_value() + paid_out, paid_in);
}

#[test]
fun mist_are_conserved() {
    let (mut cluster, cap) = world::cluster();
    let mut first = world::stake(&mut cluster, 9_000);
    let mut second = world::other_stake(&mut cluster, 5_000);
    assert_conserved(&cluster, &first, &second, 14_000, 0);
    world::claim(&mut cluster, &mut first);
    assert_conserved(&cluster, &first, &second, 14_000, 0);
    top_up(&mut cluster, &mut first, 700);
    assert_conserved(&cluster, &first, &second, 14_700, 0);
    unbond(&mut cluster, &mut first, 3_000);
    assert_conserved(&cluster, &first, &second, 14_700, 0);
    cluster.slash(&cap, &mut second, 1_234, reason());
    assert_conserved(&cluster, &first, &second, 14_700, 0);
    cluster.slash(&cap, &mut first, 7_700, reason());
    assert_conserved(&cluster, &first, &second, 14_700, 0);
    let mut paid_out = withdraw_at(&mut cluster, &mut first, REQUESTED_MS + 120_000);
    assert_eq!(paid_out, 2_000);
    assert_conserved(&cluster, &first, &second, 14_700, paid_out);
    world::leave_at(&mut cluster, &mut first, world::alice(), REQUESTED_MS);
    top_up(&mut cluster, &mut first, 2_800);
    world::claim(&mut cluster, &mut first);
    world::leave_at(&mut cluster, &mut first, world::alice(), REQUESTED_MS);
    unbond_at(&mut cluster, &mut first, 1_800, REQUESTED_MS + 70_000);
    assert_conserved(&cluster, &first, &second, 17_500, paid_out);
    unbond_at(&mut cluster, &mut first, 1_000, REQUESTED_MS + 80_000);
    paid_out = paid_out + withdraw_at(&mut cluster, &mut first, REQUESTED_MS + 200_000);
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
