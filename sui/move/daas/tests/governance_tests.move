#[test_only]
module k3s_daas::governance_tests;

use k3s_daas::cluster::{Self, Cluster, ClusterCap};
use k3s_daas::governance::{Self, Proposal};
use k3s_daas::parameters::{Self, Parameters};
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat};
use std::string::String;
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::coin::Coin;
use sui::event;
use sui::sui::SUI;
use sui::test_scenario::{Self, Scenario};

use fun staking::slash as Cluster.slash;

const USER: u8 = 0;
const NODE: u8 = 1;
const ADMIN: u8 = 2;

const CAROL: address = @0xCA401;
const DAVE: address = @0xDA7E;

const STAKED_MS: u64 = 1_763_700_000_000;
const MADE_MS: u64 = 1_763_700_000_001;
// 20 s of voting, 10 s of timelock, 40 s to execute.
const VOTED_MS: u64 = 1_763_700_020_001;
const EXECUTABLE_MS: u64 = 1_763_700_030_001;
const EXPIRED_MS: u64 = 1_763_700_070_001;

/// A governed cluster with 25,000 MIST staked, of which 40% must vote: Alice, who proposes, has just
/// that.
public struct Town {
    scenario: Scenario,
    cluster: Cluster,
    cap: ClusterCap,
    /// Alice's, admin, 10,000.
    alice: Position,
    /// Bob's, node, 6,000.
    bob: Position,
    /// Carol's, user, 4,000.
    carol: Position,
    /// Dave's, node, 5,000.
    dave: Position,
    /// What Alice pays deposits from: 1,000.
    purse: Coin<SUI>,
    /// Digest of the last transaction, from which ids follow.
    hint: u64,
}

fun town_of(alice: u64, bob: u64, carol: u64, dave: u64): Town {
    let scenario = test_scenario::begin(world::alice());
    let (mut cluster, cap) = world::cluster();
    cluster.govern(&cap);
    Town {
        alice: world::position(&mut cluster, world::alice(), ADMIN, alice, 50),
        bob: world::position(&mut cluster, world::bob(), NODE, bob, 51),
        carol: world::position(&mut cluster, CAROL, USER, carol, 52),
        dave: world::position(&mut cluster, DAVE, NODE, dave, 53),
        purse: world::coin(1_000),
        hint: 1_000,
        scenario,
        cluster,
        cap,
    }
}

fun town(): Town { town_of(10_000, 6_000, 4_000, 5_000) }

fun end(town: Town, proposal: Proposal) {
    destroy(proposal);
    end_town(town);
}

fun end_town(town: Town) {
    let Town { scenario, cluster, cap, alice, bob, carol, dave, purse, .. } = town;
    scenario.end();
    destroy(cluster);
    destroy(cap);
    vector[alice, bob, carol, dave].destroy!(|position| destroy(position));
    destroy(purse);
}

/// A transaction of its own.
fun tx(town: &mut Town, sender: address): TxContext {
    town.hint = town.hint + 1;
    world::tx(sender, town.hint)
}

/// What was sent to that owner: ends the transaction that sent it.
fun received(town: &mut Town, owner: address): u64 {
    town.scenario.next_tx(owner);
    let ids = test_scenario::ids_for_sender<Coin<SUI>>(&town.scenario);
    let mut sum = 0;
    ids.do!(|id| {
        let coin = town.scenario.take_from_sender_by_id<Coin<SUI>>(id);
        sum = sum + coin.value();
        destroy(coin);
    });
    sum
}

fun reason(): String { b"ran two kubelets".to_string() }

fun evidence(): vector<u8> { world::bytes(7, 32) }

/// Terms like the world's, but for the votes.
fun other_parameters(quorum_bps: u64): Parameters {
    let terms = world::parameters();
    let votes = parameters::new_votes(1_000, 2_000, 3_000, quorum_bps, 10, 20);
    parameters::new(terms.stakes(), terms.enclaves(), votes)
}

fun propose_parameters_at(town: &mut Town, ms: u64): Proposal {
    let clock = world::clock(ms);
    let mut tx = town.tx(world::alice());
    let Town { cluster, alice, purse, .. } = town;
    let parameters = other_parameters(10_000);
    let proposal = governance::propose_parameters(
        cluster,
        alice,
        purse,
        parameters,
        &clock,
        &mut tx,
    );
    clock.destroy_for_testing();
    proposal
}

fun propose_parameters(town: &mut Town): Proposal { town.propose_parameters_at(MADE_MS) }

fun propose_config(town: &mut Town): Proposal {
    let clock = world::clock(MADE_MS);
    let mut tx = town.tx(world::alice());
    let Town { cluster, alice, purse, .. } = town;
    let proposal = governance::propose_config(
        cluster,
        alice,
        purse,
        world::pcr(20),
        world::pcr(21),
        world::pcr(22),
        &clock,
        &mut tx,
    );
    clock.destroy_for_testing();
    proposal
}

fun propose_slash_with(town: &mut Town, amount: u64, evidence: vector<u8>, ms: u64): Proposal {
    let clock = world::clock(ms);
    let mut tx = town.tx(world::alice());
    let Town { cluster, alice, dave, purse, .. } = town;
    let proposal = governance::propose_slash(
        cluster,
        alice,
        dave,
        purse,
        amount,
        reason(),
        evidence,
        &clock,
        &mut tx,
    );
    clock.destroy_for_testing();
    proposal
}

/// Alice proposes to slash Dave.
fun propose_slash(town: &mut Town, amount: u64): Proposal {
    town.propose_slash_with(amount, evidence(), MADE_MS)
}

fun vote_at(town: &Town, proposal: &mut Proposal, position: &mut Position, yes: bool, ms: u64) {
    vote_in(&town.cluster, proposal, position, yes, ms);
}

fun vote_in(
    cluster: &Cluster,
    proposal: &mut Proposal,
    position: &mut Position,
    yes: bool,
    ms: u64,
) {
    let clock = world::clock(ms);
    let owner = position.owner();
    governance::vote(cluster, proposal, position, yes, &clock, &world::tx(owner, 63));
    clock.destroy_for_testing();
}

/// Alice votes, at the moment of the proposal.
fun alice_votes(town: &mut Town, proposal: &mut Proposal, yes: bool) {
    let Town { cluster, alice, .. } = town;
    vote_in(cluster, proposal, alice, yes, MADE_MS);
}

fun bob_votes(town: &mut Town, proposal: &mut Proposal, yes: bool) {
    let Town { cluster, bob, .. } = town;
    vote_in(cluster, proposal, bob, yes, MADE_MS);
}

fun carol_votes(town: &mut Town, proposal: &mut Proposal, yes: bool) {
    let Town { cluster, carol, .. } = town;
    vote_in(cluster, proposal, carol, yes, MADE_MS);
}

fun dave_votes(town: &mut Town, proposal: &mut Proposal, yes: bool) {
    let Town { cluster, dave, .. } = town;
    vote_in(cluster, proposal, dave, yes, MADE_MS);
}

fun execute_parameters_at(town: &mut Town, proposal: &mut Proposal, ms: u64) {
    let clock = world::clock(ms);
    let ctx = &mut town.tx(CAROL);
    governance::execute_parameters(&mut town.cluster, proposal, &clock, ctx);
    clock.destroy_for_testing();
}

fun execute_config_at(town: &mut Town, proposal: &mut Proposal, ms: u64) {
    let clock = world::clock(ms);
    let ctx = &mut town.tx(world::operator());
    governance::execute_config(&mut town.cluster, &town.cap, proposal, &clock, ctx);
    clock.destroy_for_testing();
}

fun execute_slash_at(town: &mut Town, proposal: &mut Proposal, ms: u64) {
    let clock = world::clock(ms);
    let ctx = &mut town.tx(CAROL);
    governance::execute_slash(&mut town.cluster, proposal, &mut town.dave, &clock, ctx);
    clock.destroy_for_testing();
}

fun close_at(town: &mut Town, proposal: &mut Proposal, ms: u64) {
    let clock = world::clock(ms);
    let ctx = &mut town.tx(CAROL);
    governance::close(&mut town.cluster, proposal, &clock, ctx);
    clock.destroy_for_testing();
}

fun close_slash_at(town: &mut Town, proposal: &mut Proposal, ms: u64) {
    let clock = world::clock(ms);
    let ctx = &mut town.tx(CAROL);
    governance::close_slash(&mut town.cluster, proposal, &mut town.dave, &clock, ctx);
    clock.destroy_for_testing();
}

fun unbond_in(cluster: &mut Cluster, position: &mut Position, amount: u64, ms: u64) {
    let clock = world::clock(ms);
    let owner = position.owner();
    staking::request_unbond(cluster, position, amount, &clock, &world::tx(owner, 69));
    clock.destroy_for_testing();
}

fun withdraw_in(cluster: &mut Cluster, position: &mut Position, ms: u64): Coin<SUI> {
    let clock = world::clock(ms);
    let owner = position.owner();
    let coin = staking::withdraw(cluster, position, &clock, &mut world::tx(owner, 70));
    clock.destroy_for_testing();
    coin
}

fun top_up_in(cluster: &mut Cluster, position: &mut Position, amount: u64, ms: u64) {
    let clock = world::clock(ms);
    let owner = position.owner();
    let coin = world::coin(amount);
    staking::top_up(cluster, position, coin, &clock, &world::tx(owner, 71));
    clock.destroy_for_testing();
}

fun propose_by(cluster: &Cluster, proposer: &mut Position, coin: &mut Coin<SUI>): Proposal {
    let sender = proposer.owner();
    propose_as(cluster, proposer, coin, sender)
}

fun propose_as(
    cluster: &Cluster,
    proposer: &mut Position,
    coin: &mut Coin<SUI>,
    sender: address,
): Proposal {
    let clock = world::clock(MADE_MS);
    let parameters = other_parameters(10_000);
    let ctx = &mut world::tx(sender, 72);
    let proposal = governance::propose_parameters(cluster, proposer, coin, parameters, &clock, ctx);
    clock.destroy_for_testing();
    proposal
}

// === What passes is executed ===

#[test]
fun terms_are_set_by_vote() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    // The deposit of 50 and no more.
    assert_eq!(town.purse.value(), 950);
    assert_eq!(proposal.deposit(), 50);
    assert_eq!(proposal.cluster(), object::id(&town.cluster));
    assert_eq!(proposal.proposer(), object::id(&town.alice));
    assert_eq!(proposal.created_ms(), MADE_MS);
    assert_eq!(proposal.voting_ends_ms(), VOTED_MS);
    assert_eq!(proposal.executable_from_ms(), EXECUTABLE_MS);
    assert_eq!(proposal.expires_ms(), EXPIRED_MS);
    assert_eq!(proposal.electorate(), 25_000);
    assert_eq!(proposal.quorum_bps(), 4_000);
    assert_eq!(proposal.target(), option::none());
    assert!(proposal.is_open() && !proposal.has_passed());
    assert_eq!(proposal.ballot(object::id(&town.alice)), option::none());
    town.alice_votes(&mut proposal, true);
    town.carol_votes(&mut proposal, false);
    let ballot = proposal.ballot(object::id(&town.carol)).destroy_some();
    assert!(!ballot.ballot_yes());
    assert_eq!(ballot.ballot_weight(), 4_000);
    assert!(proposal.ballot(object::id(&town.alice)).destroy_some().ballot_yes());
    assert_eq!(proposal.votes_for(), 10_000);
    assert_eq!(proposal.votes_against(), 4_000);
    town.execute_parameters_at(&mut proposal, EXECUTABLE_MS);
    assert_eq!(town.cluster.parameters(), other_parameters(10_000));
    assert!(proposal.is_executed() && !proposal.is_open() && !proposal.is_closed());
    assert_eq!(proposal.deposit(), 0);
    assert_eq!(town.received(world::alice()), 50);
    assert_eq!(town.cluster.treasury_value(), 0);
    town.end(proposal);
}

#[test]
fun an_image_is_accepted_by_vote_and_capability() {
    let mut town = town();
    let mut proposal = town.propose_config();
    town.alice_votes(&mut proposal, true);
    town.execute_config_at(&mut proposal, EXPIRED_MS - 1);
    assert_eq!(town.cluster.config_version(), 2);
    let config = town.cluster.config(2);
    assert_eq!(config.pcr0(), world::pcr(20));
    assert_eq!(config.pcr1(), world::pcr(21));
    assert_eq!(config.pcr2(), world::pcr(22));
    assert_eq!(town.received(world::alice()), 50);
    town.end(proposal);
}

#[test]
fun a_stake_is_slashed_by_vote_unbonding_included() {
    let mut town = town();
    unbond_in(&mut town.cluster, &mut town.dave, 3_000, STAKED_MS);
    let mut proposal = town.propose_slash(4_500);
    assert_eq!(proposal.target(), option::some(object::id(&town.dave)));
    // 22,000 are active: 40% are 8,800.
    assert_eq!(proposal.electorate(), 22_000);
    town.alice_votes(&mut proposal, true);
    town.execute_slash_at(&mut proposal, EXECUTABLE_MS);
    assert_eq!(town.dave.active_value(), 0);
    assert_eq!(town.dave.unbonding_value(), 500);
    assert!(!town.dave.is_frozen());
    assert_eq!(town.cluster.treasury_value(), 4_500);
    assert_eq!(town.cluster.active_total(), 20_000);
    assert_eq!(town.cluster.unbonding_total(), 500);
    assert_eq!(town.received(world::alice()), 50);
    town.end(proposal);
}

#[test]
fun slashing_takes_what_is_there() {
    let mut town = town();
    let mut proposal = town.propose_slash(18_446_744_073_709_551_615);
    town.alice_votes(&mut proposal, true);
    town.execute_slash_at(&mut proposal, EXECUTABLE_MS);
    assert_eq!(town.dave.active_value(), 0);
    assert_eq!(town.cluster.treasury_value(), 5_000);
    assert!(proposal.is_executed());
    town.end(proposal);
}

#[test]
fun a_target_with_nothing_left_is_let_go() {
    let mut town = town();
    let mut first = town.propose_slash(5_000);
    let mut second = town.propose_slash_with(5_000, evidence(), MADE_MS);
    town.alice_votes(&mut first, true);
    town.alice_votes(&mut second, true);
    town.execute_slash_at(&mut first, EXECUTABLE_MS);
    assert!(town.dave.is_frozen());
    town.execute_slash_at(&mut second, EXECUTABLE_MS);
    assert!(!town.dave.is_frozen() && second.is_executed());
    assert_eq!(town.cluster.treasury_value(), 5_000);
    assert_eq!(town.received(world::alice()), 100);
    destroy(first);
    town.end(second);
}

#[test]
fun a_proposal_is_shared() {
    let mut town = town();
    let proposal = town.propose_parameters();
    let id = object::id(&proposal);
    governance::share(proposal);
    town.scenario.next_tx(CAROL);
    let proposal = town.scenario.take_shared<Proposal>();
    assert_eq!(object::id(&proposal), id);
    test_scenario::return_shared(proposal);
    town.end_town();
}

// === What does not pass is closed ===

#[test]
fun a_rejected_proposal_costs_its_deposit() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, false);
    town.close_at(&mut proposal, VOTED_MS);
    assert!(proposal.is_closed() && !proposal.is_executed());
    assert_eq!(town.cluster.treasury_value(), 50);
    assert_eq!(town.cluster.parameters(), world::parameters());
    assert_eq!(town.received(world::alice()), 0);
    town.end(proposal);
}

#[test]
fun a_rejected_slash_unfreezes_its_target() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.close_slash_at(&mut proposal, VOTED_MS);
    assert!(proposal.is_closed() && !town.dave.is_frozen());
    assert_eq!(town.dave.active_value(), 5_000);
    assert_eq!(town.cluster.treasury_value(), 50);
    unbond_in(&mut town.cluster, &mut town.dave, 5_000, VOTED_MS);
    town.end(proposal);
}

#[test]
fun a_proposal_that_passed_and_expired_returns_its_deposit() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.alice_votes(&mut proposal, true);
    town.close_slash_at(&mut proposal, EXPIRED_MS);
    assert!(proposal.is_closed() && !town.dave.is_frozen());
    assert_eq!(town.dave.active_value(), 5_000);
    assert_eq!(town.cluster.treasury_value(), 0);
    assert_eq!(town.received(world::alice()), 50);
    town.end(proposal);
}

// === Counting ===

/// Whether Alice's yes and Carol's vote carry it, Bob and Dave not voting.
fun passes(alice: u64, bob: u64, carol: u64, dave: u64, carol_yes: bool): bool {
    let mut town = town_of(alice, bob, carol, dave);
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    town.carol_votes(&mut proposal, carol_yes);
    let passed = proposal.has_passed();
    town.end(proposal);
    passed
}

// 12,000 of 30,000 are 40%.

#[test]
fun quorum_met_exactly() { assert!(passes(10_000, 10_000, 2_000, 8_000, true)); }

#[test]
fun quorum_missed_by_a_mist_of_the_electorate() {
    assert!(!passes(10_000, 10_000, 2_000, 8_001, true));
}

#[test]
fun quorum_missed_by_a_mist_of_votes() { assert!(!passes(10_000, 10_000, 1_999, 8_001, true)); }

#[test]
fun votes_against_count_for_the_quorum() { assert!(passes(10_000, 10_000, 2_000, 8_000, false)); }

#[test]
fun a_tie_is_a_no() { assert!(!passes(10_000, 1_000, 10_000, 1_000, false)); }

#[test]
fun a_mist_less_is_a_no() { assert!(!passes(10_000, 1_000, 10_001, 1_000, false)); }

#[test]
fun a_mist_more_is_a_yes() { assert!(passes(10_001, 1_000, 10_000, 1_000, false)); }

#[test]
fun nobody_voting_is_a_no() {
    let mut town = town();
    let proposal = town.propose_parameters();
    assert!(!proposal.has_passed());
    town.end(proposal);
}

/// Whether a slash of Dave, who holds `dave`, passes with Alice's `alice` for it and Carol's `carol` against.
fun slash_passes(alice: u64, carol: u64, dave: u64): bool {
    let mut town = town_of(alice, 1_000, carol, dave);
    let mut proposal = town.propose_slash(1);
    assert_eq!(proposal.target_stake(), dave);
    town.alice_votes(&mut proposal, true);
    town.carol_votes(&mut proposal, false);
    let passed = proposal.has_passed();
    town.end(proposal);
    passed
}

#[test]
fun forty_do_not_slash_the_thirty_five_while_twenty_five_say_no() {
    assert!(!slash_passes(40_000, 25_000, 35_000));
}

#[test]
fun as_much_as_the_target_and_all_against_it_is_not_enough() {
    assert!(!slash_passes(60_000, 25_000, 35_000));
}

#[test]
fun one_mist_more_is() { assert!(slash_passes(60_001, 25_000, 35_000)); }

#[test]
fun the_target_does_not_make_a_quorum() {
    // 40% of 25,000 are 10,000: Bob's 6,000 are too few, also with the 5,000 to be slashed.
    let mut town = town_of(10_000, 6_000, 4_000, 5_000);
    let mut proposal = town.propose_slash(1);
    town.bob_votes(&mut proposal, true);
    assert!(!proposal.has_passed());
    town.carol_votes(&mut proposal, true);
    assert!(proposal.has_passed());
    town.end(proposal);
}

#[test]
fun a_slash_at_the_edge_of_u64() {
    // 2^63 + (2^63 - 1 - 1,100) + 1,000 + 100 = 2^64 - 1; against: all but Alice and Bob.
    let half = 9_223_372_036_854_775_808;
    assert!(slash_passes(half, 100, half - 1_101));
}

#[test]
fun votes_at_the_edge_of_u64() {
    // 2^63 + (2^63 - 1 - 2,000) + 1,000 + 1,000 = 2^64 - 1.
    let half = 9_223_372_036_854_775_808;
    let mut town = town_of(half, 1_000, half - 2_001, 1_000);
    let mut proposal = town.propose_parameters();
    assert_eq!(proposal.electorate(), 18_446_744_073_709_551_615);
    town.alice_votes(&mut proposal, true);
    town.bob_votes(&mut proposal, false);
    town.carol_votes(&mut proposal, false);
    assert!(proposal.has_passed());
    town.dave_votes(&mut proposal, false);
    // All have voted: 2^63 for, 2^63 - 1 against.
    assert_eq!(proposal.votes_for(), half);
    assert_eq!(proposal.votes_against(), half - 1);
    assert!(proposal.has_passed());
    town.execute_parameters_at(&mut proposal, EXECUTABLE_MS);
    town.end(proposal);
}

#[test]
fun a_quorum_of_everybody() {
    let mut town = town();
    let mut first = town.propose_parameters();
    town.alice_votes(&mut first, true);
    town.execute_parameters_at(&mut first, EXECUTABLE_MS);
    // From now on all that is active must vote, and 1 s suffices.
    let mut second = town.propose_parameters_at(EXECUTABLE_MS);
    assert_eq!(second.quorum_bps(), 10_000);
    assert_eq!(second.voting_ends_ms(), EXECUTABLE_MS + 1_000);
    assert_eq!(second.executable_from_ms(), EXECUTABLE_MS + 3_000);
    assert_eq!(second.expires_ms(), EXECUTABLE_MS + 6_000);
    assert_eq!(second.deposit(), 20);
    town.alice_votes(&mut second, true);
    town.bob_votes(&mut second, true);
    town.carol_votes(&mut second, true);
    // 20,000 of 25,000.
    assert!(!second.has_passed());
    town.dave_votes(&mut second, true);
    assert!(second.has_passed());
    destroy(first);
    town.end(second);
}

#[test]
fun the_terms_of_an_open_vote_stay() {
    let mut town = town();
    let mut first = town.propose_parameters();
    let second = town.propose_slash_with(1, evidence(), EXECUTABLE_MS - 1);
    town.alice_votes(&mut first, true);
    town.execute_parameters_at(&mut first, EXECUTABLE_MS);
    assert_eq!(second.quorum_bps(), 4_000);
    assert_eq!(second.electorate(), 25_000);
    assert_eq!(second.deposit(), 50);
    assert_eq!(second.voting_ends_ms(), EXECUTABLE_MS - 1 + 20_000);
    assert_eq!(second.executable_from_ms(), EXECUTABLE_MS - 1 + 30_000);
    assert_eq!(second.expires_ms(), EXECUTABLE_MS - 1 + 70_000);
    destroy(first);
    town.end(second);
}

// === No coin votes twice ===

#[test, expected_failure(abort_code = governance::EVotedAlready)]
fun a_position_votes_once() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    town.alice_votes(&mut proposal, true);
    abort 0
}

#[test]
fun two_positions_of_one_owner_vote_with_their_stakes() {
    let mut town = town();
    let mut second = world::position(&mut town.cluster, world::alice(), USER, 300, 54);
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    town.vote_at(&mut proposal, &mut second, true, MADE_MS);
    assert_eq!(proposal.votes_for(), 10_300);
    destroy(second);
    town.end(proposal);
}

#[test]
fun stake_of_the_millisecond_before_votes() {
    let mut town = town();
    let mut early = world::position_at(&mut town.cluster, CAROL, USER, 300, MADE_MS - 1, 54);
    let mut proposal = town.propose_parameters();
    town.vote_at(&mut proposal, &mut early, true, MADE_MS);
    assert_eq!(proposal.votes_for(), 300);
    destroy(early);
    town.end(proposal);
}

#[test, expected_failure(abort_code = governance::EStakeTooNew)]
fun stake_of_the_same_millisecond_does_not() {
    let mut town = town();
    let mut late = world::position_at(&mut town.cluster, CAROL, USER, 300, MADE_MS, 54);
    let mut proposal = town.propose_parameters();
    town.vote_at(&mut proposal, &mut late, true, MADE_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::EStakeTooNew)]
fun stake_that_grew_does_not_vote() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    top_up_in(&mut town.cluster, &mut town.carol, 1, MADE_MS);
    town.carol_votes(&mut proposal, true);
    abort 0
}

#[test]
fun stake_that_grew_the_millisecond_before_votes() {
    let mut town = town();
    top_up_in(&mut town.cluster, &mut town.carol, 1, MADE_MS - 1);
    let mut proposal = town.propose_parameters();
    town.carol_votes(&mut proposal, true);
    assert_eq!(proposal.votes_for(), 4_001);
    town.end(proposal);
}

#[test, expected_failure(abort_code = governance::EStakeTooNew)]
fun growing_after_the_vote_gives_no_second_one() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.carol_votes(&mut proposal, true);
    top_up_in(&mut town.cluster, &mut town.carol, 1_000, MADE_MS + 1);
    town.carol_votes(&mut proposal, true);
    abort 0
}

#[test, expected_failure(abort_code = staking::EVoting)]
fun a_vote_holds_the_stake_until_it_ends() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.carol_votes(&mut proposal, false);
    unbond_in(&mut town.cluster, &mut town.carol, 4_000, VOTED_MS - 1);
    abort 0
}

#[test]
fun a_vote_holds_the_stake_no_longer() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.carol_votes(&mut proposal, false);
    assert_eq!(town.carol.voting_until_ms(), VOTED_MS);
    unbond_in(&mut town.cluster, &mut town.carol, 4_000, VOTED_MS);
    // The proposer too is held until then, without having voted.
    assert_eq!(town.alice.voting_until_ms(), VOTED_MS);
    unbond_in(&mut town.cluster, &mut town.alice, 10_000, VOTED_MS);
    town.end(proposal);
}

#[test, expected_failure(abort_code = staking::EVoting)]
fun the_proposer_is_held() {
    let mut town = town();
    let _proposal = town.propose_parameters();
    unbond_in(&mut town.cluster, &mut town.alice, 10_000, VOTED_MS - 1);
    abort 0
}

/// What was unbonding when the proposal was made comes out before the vote ends, and is staked again.
#[test]
fun unbonding_stake_has_no_vote() {
    let mut town = town();
    unbond_in(&mut town.cluster, &mut town.carol, 1_500, STAKED_MS);
    let mut proposal = town.propose_parameters();
    assert_eq!(proposal.electorate(), 23_500);
    town.carol_votes(&mut proposal, true);
    assert_eq!(proposal.votes_for(), 2_500);
    town.end(proposal);
}

#[test, expected_failure(abort_code = governance::EStakeTooNew)]
fun restaked_coins_do_not_vote() {
    let mut town = town();
    unbond_in(&mut town.cluster, &mut town.carol, 1_500, STAKED_MS);
    // A user's stake unbonds for 60 s: made 1 ms before, the vote is open when it comes out.
    let mut proposal = town.propose_parameters_at(STAKED_MS + 59_999);
    let coin = withdraw_in(&mut town.cluster, &mut town.carol, STAKED_MS + 60_000);
    let clock = world::clock(STAKED_MS + 60_000);
    let ctx = &mut world::tx(CAROL, 55);
    let mut again = staking::stake(&mut town.cluster, coin, USER, &clock, ctx);
    town.vote_at(&mut proposal, &mut again, true, STAKED_MS + 60_000);
    abort 0
}

#[test]
fun stake_slashed_after_its_vote_has_voted() {
    let mut town = town();
    let mut slash = town.propose_slash(5_000);
    town.alice_votes(&mut slash, true);
    let mut later = town.propose_parameters_at(EXECUTABLE_MS - 1);
    let Town { cluster, dave, .. } = &mut town;
    vote_in(cluster, &mut later, dave, true, EXECUTABLE_MS - 1);
    town.execute_slash_at(&mut slash, EXECUTABLE_MS);
    assert_eq!(town.cluster.active_total(), 20_000);
    // The vote was cast, and the electorate is that of the proposal.
    assert_eq!(later.votes_for(), 5_000);
    assert_eq!(later.electorate(), 25_000);
    destroy(slash);
    town.end(later);
}

#[test, expected_failure(abort_code = governance::ENoStake)]
fun an_empty_position_has_no_vote() {
    let mut town = town();
    unbond_in(&mut town.cluster, &mut town.carol, 4_000, STAKED_MS);
    let mut proposal = town.propose_parameters();
    town.carol_votes(&mut proposal, true);
    abort 0
}

#[test, expected_failure(abort_code = governance::ETargetVotes)]
fun the_target_has_no_vote() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.dave_votes(&mut proposal, false);
    abort 0
}

#[test]
fun the_target_votes_on_other_proposals() {
    let mut town = town();
    let slash = town.propose_slash(1);
    let mut proposal = town.propose_parameters();
    town.dave_votes(&mut proposal, false);
    assert_eq!(proposal.votes_against(), 5_000);
    destroy(slash);
    town.end(proposal);
}

#[test]
fun the_last_vote_is_of_the_last_millisecond() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    let Town { cluster, bob, .. } = &mut town;
    vote_in(cluster, &mut proposal, bob, true, VOTED_MS - 1);
    assert_eq!(proposal.votes_for(), 6_000);
    town.end(proposal);
}

#[test, expected_failure(abort_code = governance::EVotingEnded)]
fun no_vote_after_the_end() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    let Town { cluster, bob, .. } = &mut town;
    vote_in(cluster, &mut proposal, bob, true, VOTED_MS);
    abort 0
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun only_the_owner_votes() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    let clock = world::clock(MADE_MS);
    let ctx = &world::tx(world::alice(), 63);
    governance::vote(&town.cluster, &mut proposal, &mut town.bob, true, &clock, ctx);
    abort 0
}

// === A slash proposal freezes its target ===

#[test, expected_failure(abort_code = staking::EFrozen)]
fun the_target_cannot_unbond() {
    let mut town = town();
    let _proposal = town.propose_slash(1);
    unbond_in(&mut town.cluster, &mut town.dave, 5_000, MADE_MS);
    abort 0
}

#[test, expected_failure(abort_code = staking::EFrozen)]
fun the_target_cannot_take_out_what_was_unbonding() {
    let mut town = town();
    unbond_in(&mut town.cluster, &mut town.dave, 5_000, STAKED_MS);
    // A node's stake unbonds for 120 s: this proposal is made in its last millisecond.
    let out_ms = STAKED_MS + 120_000;
    let _proposal = town.propose_slash_with(1, evidence(), out_ms - 1);
    let _coin = withdraw_in(&mut town.cluster, &mut town.dave, out_ms);
    abort 0
}

#[test, expected_failure(abort_code = staking::EFrozen)]
fun one_of_two_proposals_closed_leaves_the_target_frozen() {
    let mut town = town();
    let mut first = town.propose_slash(1);
    let _second = town.propose_slash_with(1, evidence(), MADE_MS + 1);
    town.close_slash_at(&mut first, VOTED_MS);
    unbond_in(&mut town.cluster, &mut town.dave, 5_000, VOTED_MS);
    abort 0
}

#[test, expected_failure(abort_code = staking::EFrozen)]
fun the_target_stays_frozen_through_the_timelock() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.alice_votes(&mut proposal, true);
    unbond_in(&mut town.cluster, &mut town.dave, 5_000, EXECUTABLE_MS - 1);
    abort 0
}

/// The shortest delay that the parameters allow outlasts voting and timelock.
#[test]
fun what_unbonds_when_the_proposal_is_made_is_still_there_to_slash() {
    let mut town = town();
    unbond_in(&mut town.cluster, &mut town.dave, 5_000, MADE_MS);
    let mut proposal = town.propose_slash(5_000);
    town.alice_votes(&mut proposal, true);
    town.execute_slash_at(&mut proposal, EXPIRED_MS - 1);
    assert_eq!(town.cluster.treasury_value(), 5_000);
    assert_eq!(town.dave.unbonding_value(), 0);
    town.end(proposal);
}

// === Who may propose what ===

#[test, expected_failure(abort_code = governance::EUngoverned)]
fun nothing_is_proposed_in_an_ungoverned_cluster() {
    let (mut cluster, _cap) = world::cluster();
    let mut proposer = world::position(&mut cluster, world::alice(), ADMIN, 10_000, 50);
    let mut coin = world::coin(50);
    let _proposal = propose_by(&cluster, &mut proposer, &mut coin);
    abort 0
}

#[test]
fun a_node_may_propose() {
    let mut town = town();
    let proposal = propose_by(&town.cluster, &mut town.bob, &mut town.purse);
    assert_eq!(proposal.proposer(), object::id(&town.bob));
    town.end(proposal);
}

#[test, expected_failure(abort_code = governance::ERoleMayNotPropose)]
fun a_user_may_not_propose() {
    let mut town = town();
    let _proposal = propose_by(&town.cluster, &mut town.carol, &mut town.purse);
    abort 0
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun only_the_owner_proposes() {
    let mut town = town();
    let sender = world::alice();
    let _proposal = propose_as(&town.cluster, &mut town.bob, &mut town.purse, sender);
    abort 0
}

#[test]
fun the_minimum_of_the_role_may_propose() {
    let mut town = town();
    unbond_in(&mut town.cluster, &mut town.bob, 5_000, STAKED_MS);
    let proposal = propose_by(&town.cluster, &mut town.bob, &mut town.purse);
    town.end(proposal);
}

#[test, expected_failure(abort_code = governance::EProposerStake)]
fun less_than_the_minimum_may_not_propose() {
    let (mut cluster, cap) = world::cluster();
    let mut proposer = world::position(&mut cluster, world::alice(), ADMIN, 10_000, 50);
    cluster.slash(&cap, &mut proposer, 1, reason());
    cluster.govern(&cap);
    let mut coin = world::coin(50);
    let _proposal = propose_by(&cluster, &mut proposer, &mut coin);
    abort 0
}

#[test]
fun the_smallest_electorate() {
    let (mut cluster, cap) = world::cluster();
    cluster.govern(&cap);
    let mut proposer = world::position(&mut cluster, world::alice(), NODE, 5_000, 50);
    let mut coin = world::coin(50);
    let proposal = propose_by(&cluster, &mut proposer, &mut coin);
    // Exactly the deposit.
    assert_eq!(coin.value(), 0);
    destroy(proposal);
    destroy(proposer);
    destroy(coin);
    destroy(cluster);
    destroy(cap);
}

#[test, expected_failure(abort_code = governance::EElectorateTooSmall)]
fun an_electorate_of_dust_proposes_nothing() {
    let (mut cluster, cap) = world::cluster();
    cluster.govern(&cap);
    let mut proposer = world::position(&mut cluster, world::alice(), NODE, 4_999, 50);
    let mut coin = world::coin(50);
    let _proposal = propose_by(&cluster, &mut proposer, &mut coin);
    abort 0
}

#[test, expected_failure(abort_code = governance::EDepositTooSmall)]
fun a_deposit_too_small() {
    let mut town = town();
    let mut coin = world::coin(49);
    let _proposal = propose_by(&town.cluster, &mut town.alice, &mut coin);
    abort 0
}

#[test, expected_failure(abort_code = cluster::EPcrZero)]
fun a_debug_image_is_not_proposed() {
    let mut town = town();
    let clock = world::clock(MADE_MS);
    let Town { cluster, alice, purse, .. } = &mut town;
    let (pcr0, pcr1, pcr2) = (world::pcr(20), world::pcr(0), world::pcr(22));
    let ctx = &mut world::tx(world::alice(), 61);
    let _p = governance::propose_config(cluster, alice, purse, pcr0, pcr1, pcr2, &clock, ctx);
    abort 0
}

#[test, expected_failure(abort_code = governance::EZeroAmount)]
fun slashing_nothing_is_not_proposed() {
    let mut town = town();
    let _proposal = town.propose_slash(0);
    abort 0
}

#[test, expected_failure(abort_code = governance::EEvidenceLength)]
fun evidence_of_31_bytes() {
    let mut town = town();
    let _proposal = town.propose_slash_with(1, world::bytes(7, 31), MADE_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::EEvidenceLength)]
fun evidence_of_33_bytes() {
    let mut town = town();
    let _proposal = town.propose_slash_with(1, world::bytes(7, 33), MADE_MS);
    abort 0
}

#[test, expected_failure(abort_code = staking::EReasonLength)]
fun a_slash_needs_a_reason() {
    let mut town = town();
    let clock = world::clock(MADE_MS);
    let Town { cluster, alice, dave, purse, .. } = &mut town;
    let ctx = &mut world::tx(world::alice(), 62);
    let (no_reason, proof) = (b"".to_string(), evidence());
    let _proposal = governance::propose_slash(
        cluster,
        alice,
        dave,
        purse,
        1,
        no_reason,
        proof,
        &clock,
        ctx,
    );
    abort 0
}

#[test, expected_failure(abort_code = governance::EOwnTarget)]
fun nobody_slashes_a_stake_of_their_own() {
    let mut town = town();
    let mut own = world::position(&mut town.cluster, world::alice(), NODE, 1_000, 54);
    let clock = world::clock(MADE_MS);
    let Town { cluster, alice, purse, .. } = &mut town;
    let _proposal = governance::propose_slash(
        cluster,
        alice,
        &mut own,
        purse,
        1,
        reason(),
        evidence(),
        &clock,
        &mut world::tx(world::alice(), 62),
    );
    abort 0
}

#[test, expected_failure(abort_code = governance::ENothingToSlash)]
fun an_empty_target_is_not_proposed() {
    let mut town = town();
    unbond_in(&mut town.cluster, &mut town.dave, 5_000, STAKED_MS);
    let coin = withdraw_in(&mut town.cluster, &mut town.dave, STAKED_MS + 120_000);
    destroy(coin);
    let _proposal = town.propose_slash(1);
    abort 0
}

// === When something may be executed or closed ===

#[test, expected_failure(abort_code = governance::ETooEarly)]
fun execution_waits_for_the_timelock() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    town.execute_parameters_at(&mut proposal, EXECUTABLE_MS - 1);
    abort 0
}

#[test]
fun execution_until_the_last_millisecond() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    town.execute_parameters_at(&mut proposal, EXPIRED_MS - 1);
    assert!(proposal.is_executed());
    town.end(proposal);
}

#[test, expected_failure(abort_code = governance::EExpired)]
fun no_execution_after_expiry() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    town.execute_parameters_at(&mut proposal, EXPIRED_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::ERejected)]
fun what_did_not_pass_is_not_executed() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.bob_votes(&mut proposal, true);
    town.execute_parameters_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::EStillOpen)]
fun a_vote_that_goes_on_is_not_closed() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.close_at(&mut proposal, VOTED_MS - 1);
    abort 0
}

#[test, expected_failure(abort_code = governance::EStillOpen)]
fun what_can_be_executed_is_not_closed() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.alice_votes(&mut proposal, true);
    town.close_slash_at(&mut proposal, EXPIRED_MS - 1);
    abort 0
}

#[test, expected_failure(abort_code = governance::ENotOpen)]
fun parameters_are_executed_once() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    town.execute_parameters_at(&mut proposal, EXECUTABLE_MS);
    town.execute_parameters_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::ENotOpen)]
fun an_image_is_accepted_once() {
    let mut town = town();
    let mut proposal = town.propose_config();
    town.alice_votes(&mut proposal, true);
    town.execute_config_at(&mut proposal, EXECUTABLE_MS);
    town.execute_config_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::ENotOpen)]
fun a_stake_is_slashed_once() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.alice_votes(&mut proposal, true);
    town.execute_slash_at(&mut proposal, EXECUTABLE_MS);
    town.execute_slash_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::ENotOpen)]
fun what_was_executed_is_not_closed() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.alice_votes(&mut proposal, true);
    town.execute_slash_at(&mut proposal, EXECUTABLE_MS);
    town.close_slash_at(&mut proposal, EXPIRED_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::ENotOpen)]
fun a_proposal_is_closed_once() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.close_at(&mut proposal, VOTED_MS);
    town.close_at(&mut proposal, VOTED_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::ENotOpen)]
fun what_was_closed_is_not_executed() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.close_at(&mut proposal, VOTED_MS);
    town.execute_parameters_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongAction)]
fun an_image_is_no_parameters() {
    let mut town = town();
    let mut proposal = town.propose_config();
    town.alice_votes(&mut proposal, true);
    town.execute_parameters_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongAction)]
fun parameters_are_no_image() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    town.execute_config_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongAction)]
fun parameters_are_no_slash() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    town.execute_slash_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

/// Closed this way, its target would stay frozen for good.
#[test, expected_failure(abort_code = governance::EWrongAction)]
fun a_slash_is_not_closed_without_its_target() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.close_at(&mut proposal, VOTED_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongAction)]
fun closing_parameters_unfreezes_nobody() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.close_slash_at(&mut proposal, VOTED_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongTarget)]
fun nobody_else_is_slashed() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.alice_votes(&mut proposal, true);
    let clock = world::clock(EXECUTABLE_MS);
    let ctx = &mut town.tx(CAROL);
    governance::execute_slash(&mut town.cluster, &mut proposal, &mut town.bob, &clock, ctx);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongTarget)]
fun nobody_else_is_unfrozen() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    let clock = world::clock(VOTED_MS);
    let ctx = &mut town.tx(CAROL);
    governance::close_slash(&mut town.cluster, &mut proposal, &mut town.bob, &clock, ctx);
    abort 0
}

// === The capability and the vote ===

/// An attacker with nearly all of the stake, and no capability.
#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun a_vote_alone_brings_in_no_image() {
    let mut town = town_of(1_000_000, 1_000, 100, 1_000);
    let mut proposal = town.propose_config();
    town.alice_votes(&mut proposal, true);
    let (_mine, cap) = world::other_cluster();
    let clock = world::clock(EXECUTABLE_MS);
    let ctx = &mut world::tx(world::alice(), 65);
    governance::execute_config(&mut town.cluster, &cap, &mut proposal, &clock, ctx);
    abort 0
}

#[test, expected_failure(abort_code = cluster::EGoverned)]
fun the_capability_alone_brings_in_no_image() {
    let mut town = town();
    let Town { cluster, cap, .. } = &mut town;
    cluster.accept_config(cap, world::pcr(20), world::pcr(21), world::pcr(22));
    abort 0
}

/// Dust among absent stakers: it is all that voted, and far from the quorum.
#[test, expected_failure(abort_code = governance::ERejected)]
fun dust_and_the_capability_bring_in_no_image() {
    let mut town = town();
    let mut proposal = town.propose_config();
    let mut dust = world::position(&mut town.cluster, CAROL, USER, 100, 54);
    town.vote_at(&mut proposal, &mut dust, true, MADE_MS);
    town.execute_config_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = cluster::EGoverned)]
fun the_capability_alone_sets_no_parameters() {
    let mut town = town();
    let Town { cluster, cap, .. } = &mut town;
    cluster.set_parameters(cap, other_parameters(1));
    abort 0
}

#[test, expected_failure(abort_code = cluster::EGoverned)]
fun the_capability_alone_slashes_nobody() {
    let mut town = town();
    let Town { cluster, cap, dave, .. } = &mut town;
    cluster.slash(cap, dave, 1, reason());
    abort 0
}

// === What meets belongs together ===

/// A governed cluster other than the town's.
fun elsewhere(): Cluster {
    let (mut cluster, cap) = world::other_cluster();
    cluster.govern(&cap);
    destroy(cap);
    cluster
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun a_stake_elsewhere_does_not_propose() {
    let mut town = town();
    let cluster = elsewhere();
    let _proposal = propose_by(&cluster, &mut town.alice, &mut town.purse);
    abort 0
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun a_stake_elsewhere_does_not_vote() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    let mut cluster = elsewhere();
    let mut position = world::position(&mut cluster, CAROL, USER, 4_000, 54);
    town.vote_at(&mut proposal, &mut position, true, MADE_MS);
    abort 0
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun a_stake_elsewhere_is_not_proposed_to_be_slashed() {
    let mut town = town();
    let mut cluster = elsewhere();
    let mut target = world::position(&mut cluster, DAVE, NODE, 4_000, 54);
    let clock = world::clock(MADE_MS);
    let Town { cluster, alice, purse, .. } = &mut town;
    let _proposal = governance::propose_slash(
        cluster,
        alice,
        &mut target,
        purse,
        1,
        reason(),
        evidence(),
        &clock,
        &mut world::tx(world::alice(), 62),
    );
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongCluster)]
fun a_proposal_elsewhere_is_not_voted_on() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    let mut cluster = elsewhere();
    let mut position = world::position(&mut cluster, CAROL, USER, 4_000, 54);
    vote_in(&cluster, &mut proposal, &mut position, true, MADE_MS);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongCluster)]
fun parameters_are_not_executed_elsewhere() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    let mut cluster = elsewhere();
    let clock = world::clock(EXECUTABLE_MS);
    let ctx = &mut world::tx(CAROL, 64);
    governance::execute_parameters(&mut cluster, &mut proposal, &clock, ctx);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongCluster)]
fun a_slash_is_not_executed_elsewhere() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.alice_votes(&mut proposal, true);
    let mut cluster = elsewhere();
    let clock = world::clock(EXECUTABLE_MS);
    let ctx = &mut world::tx(CAROL, 64);
    governance::execute_slash(&mut cluster, &mut proposal, &mut town.dave, &clock, ctx);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongCluster)]
fun a_proposal_is_not_closed_elsewhere() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.alice_votes(&mut proposal, true);
    let mut cluster = elsewhere();
    let clock = world::clock(EXECUTABLE_MS);
    let ctx = &mut world::tx(CAROL, 64);
    governance::close(&mut cluster, &mut proposal, &clock, ctx);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongCluster)]
fun a_slash_is_not_closed_elsewhere() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.alice_votes(&mut proposal, true);
    let mut cluster = elsewhere();
    let clock = world::clock(EXECUTABLE_MS);
    let ctx = &mut world::tx(CAROL, 64);
    governance::close_slash(&mut cluster, &mut proposal, &mut town.dave, &clock, ctx);
    abort 0
}

#[test, expected_failure(abort_code = governance::EWrongCluster)]
fun an_image_is_not_accepted_elsewhere() {
    let mut town = town();
    let mut proposal = town.propose_config();
    town.alice_votes(&mut proposal, true);
    let (mut cluster, cap) = world::other_cluster();
    let clock = world::clock(EXECUTABLE_MS);
    let ctx = &mut world::tx(world::operator(), 65);
    governance::execute_config(&mut cluster, &cap, &mut proposal, &clock, ctx);
    abort 0
}

// === Another version ===

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun proposing_needs_this_version() {
    let mut town = town();
    town.cluster.set_version_for_testing(2);
    let _proposal = town.propose_parameters();
    abort 0
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun voting_needs_this_version() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.cluster.set_version_for_testing(2);
    town.alice_votes(&mut proposal, true);
    abort 0
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun executing_parameters_needs_this_version() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.cluster.set_version_for_testing(2);
    town.execute_parameters_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun executing_an_image_needs_this_version() {
    let mut town = town();
    let mut proposal = town.propose_config();
    town.cluster.set_version_for_testing(2);
    town.execute_config_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun executing_a_slash_needs_this_version() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.cluster.set_version_for_testing(2);
    town.execute_slash_at(&mut proposal, EXECUTABLE_MS);
    abort 0
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun closing_needs_this_version() {
    let mut town = town();
    let mut proposal = town.propose_parameters();
    town.cluster.set_version_for_testing(2);
    town.close_at(&mut proposal, VOTED_MS);
    abort 0
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun closing_a_slash_needs_this_version() {
    let mut town = town();
    let mut proposal = town.propose_slash(1);
    town.cluster.set_version_for_testing(2);
    town.close_slash_at(&mut proposal, VOTED_MS);
    abort 0
}

// === Bytes ===

fun id_bytes<T: key>(object: &T): vector<u8> { object::id(object).to_bytes() }

fun slash_bytes(town: &Town): vector<u8> {
    concat(vector[x"02", id_bytes(&town.dave), b(4_500u64), b(reason()), x"20", evidence()])
}

#[test]
fun events_of_proposals() {
    let mut town = town();
    let mut slash = town.propose_slash(4_500);
    let mut terms = town.propose_parameters();
    let config = town.propose_config();
    town.alice_votes(&mut slash, true);
    town.carol_votes(&mut slash, false);
    town.execute_slash_at(&mut slash, EXECUTABLE_MS);
    town.close_at(&mut terms, VOTED_MS);
    let cluster = vectors::ids_cluster();
    let alice = id_bytes(&town.alice);
    let vote_terms = concat(vector[
        b(25_000u64),
        b(4_000u64),
        b(VOTED_MS),
        b(EXECUTABLE_MS),
        b(EXPIRED_MS),
        b(50u64),
    ]);
    let new_terms = other_parameters(10_000);
    let image = concat(vector[
        x"01",
        x"30",
        world::pcr(20),
        x"30",
        world::pcr(21),
        x"30",
        world::pcr(22),
    ]);
    let made = vector[
        concat(vector[cluster, id_bytes(&slash), alice, slash_bytes(&town), vote_terms]),
        concat(vector[cluster, id_bytes(&terms), alice, x"00", b(new_terms), vote_terms]),
        concat(vector[cluster, id_bytes(&config), alice, image, vote_terms]),
    ];
    let events = event::events_by_type<governance::ProposalMade>();
    assert_eq!(events.map!(|event| b(event)), made);
    let voted = vector[
        concat(vector[alice, x"01", b(10_000u64), b(10_000u64), b(0u64)]),
        concat(vector[id_bytes(&town.carol), x"00", b(4_000u64), b(10_000u64), b(4_000u64)]),
    ].map!(|rest| concat(vector[cluster, id_bytes(&slash), rest]));
    let events = event::events_by_type<governance::Voted>();
    assert_eq!(events.map!(|event| b(event)), voted);
    let executed = event::events_by_type<governance::ProposalExecuted>();
    assert_eq!(b(executed), concat(vector[x"01", cluster, id_bytes(&slash)]));
    let closed = event::events_by_type<governance::ProposalClosed>();
    assert_eq!(b(closed), concat(vector[x"01", cluster, id_bytes(&terms), x"00"]));
    // What a vote does tells of itself, as if the capability had done it.
    assert_eq!(event::events_by_type<staking::Slashed>().length(), 1);
    destroy(slash);
    destroy(config);
    town.end(terms);
}

#[test]
fun events_of_changes_by_vote() {
    let mut town = town();
    let mut terms = town.propose_parameters();
    let mut config = town.propose_config();
    let mut late = town.propose_slash(1);
    town.alice_votes(&mut terms, true);
    town.alice_votes(&mut config, true);
    town.alice_votes(&mut late, true);
    let before = event::events_by_type<cluster::ParametersChanged>().length();
    town.execute_parameters_at(&mut terms, EXECUTABLE_MS);
    town.execute_config_at(&mut config, EXECUTABLE_MS);
    town.close_slash_at(&mut late, EXPIRED_MS);
    let changed = event::events_by_type<cluster::ParametersChanged>();
    assert_eq!(changed.length(), before + 1);
    assert_eq!(event::events_by_type<cluster::ConfigAccepted>().length(), 2);
    assert_eq!(event::events_by_type<governance::ProposalExecuted>().length(), 2);
    // It passed, and nobody executed it.
    let closed = event::events_by_type<governance::ProposalClosed>();
    assert_eq!(b(closed), concat(vector[x"01", vectors::ids_cluster(), id_bytes(&late), x"01"]));
    destroy(terms);
    destroy(config);
    town.end(late);
}

#[test]
fun bytes_of_a_proposal() {
    let mut town = town();
    let mut proposal = town.propose_slash(4_500);
    town.alice_votes(&mut proposal, true);
    let bytes = bcs::to_bytes(&proposal);
    let head = concat(vector[
        id_bytes(&proposal),
        vectors::ids_cluster(),
        id_bytes(&town.alice),
        b(world::alice()),
        slash_bytes(&town),
        x"00",
        b(MADE_MS),
        b(VOTED_MS),
        b(EXECUTABLE_MS),
        b(EXPIRED_MS),
        b(25_000u64),
        b(4_000u64),
        b(5_000u64),
        b(10_000u64),
        b(0u64),
    ]);
    assert_eq!(bytes.take(head.length()), head);
    // The id of the table of ballots, its size, and the deposit.
    assert_eq!(bytes.skip(head.length() + 32), concat(vector[b(1u64), b(50u64)]));
    town.execute_slash_at(&mut proposal, EXECUTABLE_MS);
    assert_eq!(bcs::to_bytes(&proposal)[128 + slash_bytes(&town).length()], 1);
    town.end(proposal);
}
