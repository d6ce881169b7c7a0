/// Random walks over what can be done with stakes, from fixed seeds. A model beside the package says
/// what is legal and what each position then holds; after every step the package must agree, its sums
/// must be those of the positions, and every coin that came in must be found again. What is illegal is
/// not tried here: each abort has its own test.
#[test_only]
module k3s_daas::properties_tests;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::governance::{Self, Proposal};
use k3s_daas::nodes;
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors;
use k3s_daas::world;
use std::unit_test::{assert_eq, destroy};
use sui::clock::{Self, Clock};

use fun nodes::jail as Cluster.jail;
use fun nodes::unjail as Cluster.unjail;
use fun staking::slash as Cluster.slash;

const START_MS: u64 = 1_763_700_000_000;
const SLOTS: u64 = 7;
const PROPOSALS_MAX: u64 = 4;
/// Nobody stakes beyond this, so that no sum leaves 64 bits.
const COINS_MAX: u64 = 13_000_000_000_000_000_000;
const DEPOSIT: u64 = 50;
/// Of amounts.
const SMALL: u64 = 9_000;
const LARGE: u64 = 1_152_921_504_606_846_976;
/// 4 cores and 8 GiB.
const REQUIRED: u64 = 2_800;

/// What a walk without votes does, each at least once.
const STAKE_ACTIONS: vector<u64> = vector[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
/// What a walk in a governed cluster does.
const VOTE_ACTIONS: vector<u64> = vector[0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18];

// === The model ===

/// A place for a position, and what the model says of it.
public struct Slot {
    position: Option<Position>,
    owner: address,
    role: u8,
    active: u64,
    unbonding: u64,
    until_ms: u64,
    rewards: u64,
    increased_ms: u64,
    voting_ms: u64,
    freezes: u64,
    /// Only Alice's first stake has a signature that claims a name.
    may_claim: bool,
    node: bool,
    jailed: bool,
}

/// A proposal that is open, and what the model says of it. `target` is a slot, or `SLOTS`.
public struct Motion {
    proposal: Proposal,
    made_ms: u64,
    target: u64,
    amount: u64,
    electorate: u64,
    target_stake: u64,
    votes_for: u64,
    votes_against: u64,
    voted: vector<ID>,
}

public struct Walk {
    cluster: Cluster,
    cap: ClusterCap,
    clock: Clock,
    slots: vector<Slot>,
    motions: vector<Motion>,
    governed: bool,
    seed: u64,
    /// Amounts are drawn from 1 to this.
    amount_max: u64,
    hint: u64,
    coined: u64,
    paid: u64,
    treasury: u64,
    /// How often each action was done.
    done: vector<u64>,
}

fun owner_of(index: u64): address {
    vector[world::alice(), world::bob(), @0xCA401, @0xDA7E, @0xE7E, @0xF4A, @0x64E][index]
}

fun new_slot(index: u64): Slot {
    Slot {
        position: option::none(),
        owner: owner_of(index),
        role: 0,
        active: 0,
        unbonding: 0,
        until_ms: 0,
        rewards: 0,
        increased_ms: 0,
        voting_ms: 0,
        freezes: 0,
        may_claim: false,
        node: false,
        jailed: false,
    }
}

fun new_walk(seed: u64, amount_max: u64, governed: bool): Walk {
    let (mut cluster, cap) = world::cluster();
    if (governed) cluster.govern(&cap);
    let mut clock = clock::create_for_testing(&mut world::tx(@0x0, 90));
    clock.set_for_testing(START_MS);
    let mut walk = Walk {
        cluster,
        cap,
        clock,
        slots: vector::tabulate!(SLOTS, |index| new_slot(index)),
        motions: vector[],
        governed,
        seed,
        amount_max,
        hint: 1_000,
        coined: 0,
        paid: 0,
        treasury: 0,
        done: vector::tabulate!(19, |_| 0),
    };
    // The stake whose claim is signed in the vectors.
    walk.coined = 50_000;
    let Walk { cluster, slots, clock, .. } = &mut walk;
    let slot = &mut slots[0];
    let coin = world::coin(50_000);
    let ctx = &mut world::tx(world::alice(), 5);
    slot.position.fill(staking::stake(cluster, coin, 1, clock, ctx));
    slot.role = 1;
    slot.active = 50_000;
    slot.increased_ms = START_MS;
    slot.may_claim = true;
    walk
}

// === Chance ===

/// A number below `bound`, from Knuth's MMIX generator.
fun random(walk: &mut Walk, bound: u64): u64 {
    let next = (walk.seed as u128) * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407;
    walk.seed = (next % 18_446_744_073_709_551_616) as u64;
    // The high bits are the better ones; two drawings for a wide bound.
    if (bound <= 4_294_967_296) return (walk.seed >> 32) % bound;
    let high = walk.seed >> 32;
    let next = (walk.seed as u128) * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407;
    walk.seed = (next % 18_446_744_073_709_551_616) as u64;
    ((high << 32) | (walk.seed >> 32)) % bound
}

fun amount(walk: &mut Walk): u64 {
    let amount_max = walk.amount_max;
    walk.random(amount_max) + 1
}

fun tx(walk: &mut Walk, sender: address): TxContext {
    walk.hint = walk.hint + 1;
    world::tx(sender, walk.hint)
}

fun did(walk: &mut Walk, action: u64) {
    *&mut walk.done[action] = walk.done[action] + 1;
}

fun minimum_of(role: u8): u64 { vector[100, 1_000, 10_000][role as u64] }

fun unbonding_of(role: u8): u64 {
    vector[world::user_unbonding_ms(), world::node_unbonding_ms(), world::admin_unbonding_ms()][
        role as u64,
    ]
}

// === Actions: each does nothing where the model says it is illegal ===

fun stake(walk: &mut Walk, i: u64) {
    let role = walk.random(3) as u8;
    let amount = minimum_of(role) + walk.amount() - 1;
    if (walk.slots[i].position.is_some() || walk.coined > COINS_MAX) return;
    let owner = walk.slots[i].owner;
    let coin = world::coin(amount);
    let mut tx = walk.tx(owner);
    let Walk { cluster, slots, clock, .. } = walk;
    let slot = &mut slots[i];
    slot.position.fill(staking::stake(cluster, coin, role, clock, &mut tx));
    slot.role = role;
    slot.active = amount;
    slot.increased_ms = clock.timestamp_ms();
    walk.coined = walk.coined + amount;
    walk.did(0);
}

fun top_up(walk: &mut Walk, i: u64) {
    let amount = walk.amount();
    let slot = &walk.slots[i];
    if (slot.position.is_none() || walk.coined > COINS_MAX) return;
    if (slot.active + amount < minimum_of(slot.role)) return;
    let owner = slot.owner;
    let coin = world::coin(amount);
    let tx = walk.tx(owner);
    let Walk { cluster, slots, clock, .. } = walk;
    let slot = &mut slots[i];
    staking::top_up(cluster, slot.position.borrow_mut(), coin, clock, &tx);
    slot.active = slot.active + amount;
    slot.increased_ms = clock.timestamp_ms();
    walk.coined = walk.coined + amount;
    walk.did(1);
}

fun unbond(walk: &mut Walk, i: u64) {
    let all = walk.random(4) == 0;
    let part = walk.amount();
    let now_ms = walk.clock.timestamp_ms();
    let slot = &walk.slots[i];
    if (slot.position.is_none() || slot.active == 0) return;
    if (slot.freezes > 0 || now_ms < slot.voting_ms) return;
    let amount = if (all) slot.active else part.min(slot.active);
    let rest = slot.active - amount;
    if (rest > 0 && rest < minimum_of(slot.role)) return;
    if (slot.node && rest < REQUIRED && !(slot.jailed && rest == 0)) return;
    let owner = slot.owner;
    let tx = walk.tx(owner);
    let Walk { cluster, slots, clock, .. } = walk;
    let slot = &mut slots[i];
    staking::request_unbond(cluster, slot.position.borrow_mut(), amount, clock, &tx);
    slot.active = rest;
    slot.unbonding = slot.unbonding + amount;
    slot.until_ms = now_ms + unbonding_of(slot.role);
    walk.did(2);
}

fun withdraw(walk: &mut Walk, i: u64) {
    let slot = &walk.slots[i];
    if (slot.position.is_none() || slot.unbonding == 0 || slot.freezes > 0) return;
    if (walk.clock.timestamp_ms() < slot.until_ms) return;
    let owner = slot.owner;
    let mut tx = walk.tx(owner);
    let Walk { cluster, slots, clock, .. } = walk;
    let slot = &mut slots[i];
    let coin = staking::withdraw(cluster, slot.position.borrow_mut(), clock, &mut tx);
    assert_eq!(coin.burn_for_testing(), slot.unbonding);
    walk.paid = walk.paid + slot.unbonding;
    slot.unbonding = 0;
    walk.did(3);
}

/// The model's part of slashing: from active, then from unbonding.
fun slash_slot(walk: &mut Walk, i: u64, amount: u64) {
    let slot = &mut walk.slots[i];
    let from_active = amount.min(slot.active);
    let from_unbonding = (amount - from_active).min(slot.unbonding);
    slot.active = slot.active - from_active;
    slot.unbonding = slot.unbonding - from_unbonding;
    walk.treasury = walk.treasury + from_active + from_unbonding;
}

fun slash(walk: &mut Walk, i: u64) {
    let amount = walk.amount();
    let slot = &walk.slots[i];
    if (walk.governed || slot.position.is_none() || slot.active + slot.unbonding == 0) return;
    let Walk { cluster, cap, slots, .. } = walk;
    cluster.slash(cap, slots[i].position.borrow_mut(), amount, b"chance".to_string());
    walk.slash_slot(i, amount);
    walk.did(4);
}

fun reward(walk: &mut Walk, i: u64) {
    let amount = walk.amount();
    if (walk.slots[i].position.is_none() || walk.coined > COINS_MAX) return;
    let Walk { cluster, slots, .. } = walk;
    let slot = &mut slots[i];
    staking::reward(cluster, slot.position.borrow_mut(), world::coin(amount));
    slot.rewards = slot.rewards + amount;
    walk.coined = walk.coined + amount;
    walk.did(5);
}

fun take_rewards(walk: &mut Walk, i: u64) {
    if (walk.slots[i].position.is_none() || walk.slots[i].rewards == 0) return;
    let owner = walk.slots[i].owner;
    let mut tx = walk.tx(owner);
    let Walk { cluster, slots, .. } = walk;
    let slot = &mut slots[i];
    let coin = staking::take_rewards(cluster, slot.position.borrow_mut(), &mut tx);
    assert_eq!(coin.burn_for_testing(), slot.rewards);
    walk.paid = walk.paid + slot.rewards;
    slot.rewards = 0;
    walk.did(6);
}

fun claim(walk: &mut Walk, i: u64) {
    let slot = &walk.slots[i];
    if (!slot.may_claim || slot.node || slot.active < REQUIRED) return;
    let now_ms = walk.clock.timestamp_ms();
    let proof = vectors::claims_first_proof();
    let Walk { cluster, slots, .. } = walk;
    let slot = &mut slots[i];
    let position = slot.position.borrow_mut();
    world::claim_at(cluster, position, slot.owner, world::first_name(), proof, now_ms);
    slot.node = true;
    walk.did(7);
}

fun leave(walk: &mut Walk, i: u64) {
    let slot = &walk.slots[i];
    if (!slot.node || (slot.jailed && slot.active > 0)) return;
    let now_ms = walk.clock.timestamp_ms();
    let Walk { cluster, slots, .. } = walk;
    let slot = &mut slots[i];
    world::leave_at(cluster, slot.position.borrow_mut(), slot.owner, now_ms);
    slot.node = false;
    slot.jailed = false;
    walk.did(8);
}

fun jail(walk: &mut Walk, i: u64) {
    if (!walk.slots[i].node) return;
    let Walk { cluster, cap, slots, .. } = walk;
    let slot = &mut slots[i];
    if (slot.jailed) cluster.unjail(cap, world::first_name())
    else cluster.jail(cap, world::first_name());
    slot.jailed = !slot.jailed;
    walk.did(9);
}

fun close(walk: &mut Walk, i: u64) {
    let slot = &walk.slots[i];
    if (slot.position.is_none() || slot.freezes > 0 || slot.node) return;
    if (slot.active > 0 || slot.unbonding > 0 || slot.rewards > 0) return;
    let owner = slot.owner;
    let tx = walk.tx(owner);
    let Walk { cluster, slots, .. } = walk;
    let slot = &mut slots[i];
    staking::close(cluster, slot.position.extract(), &tx);
    slot.may_claim = false;
    slot.voting_ms = 0;
    walk.did(10);
}

/// What a proposal would do, without one.
fun freeze_or_hold(walk: &mut Walk, i: u64) {
    let which = walk.random(3);
    if (walk.governed || walk.slots[i].position.is_none()) return;
    let now_ms = walk.clock.timestamp_ms();
    let slot = &mut walk.slots[i];
    let position = slot.position.borrow_mut();
    if (which == 0 && slot.freezes < 3) {
        position.freeze_stake();
        slot.freezes = slot.freezes + 1;
        walk.did(11);
    } else if (which < 2 && slot.freezes > 0) {
        position.unfreeze_stake();
        slot.freezes = slot.freezes - 1;
        walk.did(12);
    } else if (which == 2) {
        position.hold_for_vote(now_ms + 20_000);
        slot.voting_ms = slot.voting_ms.max(now_ms + 20_000);
        walk.did(13);
    }
}

// === Votes ===

fun electorate(walk: &Walk): u64 {
    let mut sum = 0;
    walk.slots.do_ref!(|slot| sum = sum + slot.active);
    sum
}

fun propose(walk: &mut Walk, i: u64) {
    let target = walk.random(SLOTS + 2).min(SLOTS);
    let amount = walk.amount();
    let electorate = walk.electorate();
    let now_ms = walk.clock.timestamp_ms();
    let slot = &walk.slots[i];
    if (!walk.governed || walk.motions.length() == PROPOSALS_MAX || target == i) return;
    if (slot.position.is_none() || slot.role == 0) return;
    if (slot.active < minimum_of(slot.role) || electorate < world::electorate_min()) return;
    if (target < SLOTS && walk.slots[target].active + walk.slots[target].unbonding == 0) return;
    let owner = slot.owner;
    let mut coin = world::coin(DEPOSIT);
    let mut tx = walk.tx(owner);
    let Walk { cluster, slots, clock, .. } = walk;
    let proposal = if (target == SLOTS) {
        let proposer = slots[i].position.borrow_mut();
        let terms = world::parameters();
        governance::propose_parameters(cluster, proposer, &mut coin, terms, clock, &mut tx)
    } else {
        // Two places of a vector are not borrowed at once.
        let mut proposer = slots[i].position.extract();
        let proposal = governance::propose_slash(
            cluster,
            &mut proposer,
            slots[target].position.borrow_mut(),
            &mut coin,
            amount,
            b"chance".to_string(),
            world::bytes(7, 32),
            clock,
            &mut tx,
        );
        slots[i].position.fill(proposer);
        slots[target].freezes = slots[target].freezes + 1;
        proposal
    };
    coin.destroy_zero();
    let target_stake = if (target == SLOTS) 0 else slots[target].active;
    let slot = &mut slots[i];
    slot.voting_ms = slot.voting_ms.max(now_ms + world::voting_ms());
    let motion = Motion {
        proposal,
        made_ms: now_ms,
        target,
        amount,
        electorate,
        target_stake,
        votes_for: 0,
        votes_against: 0,
        voted: vector[],
    };
    walk.motions.push_back(motion);
    walk.coined = walk.coined + DEPOSIT;
    walk.did(14);
}

fun vote(walk: &mut Walk, i: u64, m: u64) {
    let yes = walk.random(5) > 0;
    if (walk.slots[i].position.is_none()) return;
    let slot = &walk.slots[i];
    let motion = &walk.motions[m];
    let id = object::id(slot.position.borrow());
    let ends_ms = motion.made_ms + world::voting_ms();
    if (walk.clock.timestamp_ms() >= ends_ms || slot.increased_ms >= motion.made_ms) return;
    if (slot.active == 0 || motion.target == i || motion.voted.contains(&id)) return;
    let owner = slot.owner;
    let tx = walk.tx(owner);
    let Walk { cluster, slots, motions, clock, .. } = walk;
    let slot = &mut slots[i];
    let motion = &mut motions[m];
    let position = slot.position.borrow_mut();
    governance::vote(cluster, &mut motion.proposal, position, yes, clock, &tx);
    if (yes) motion.votes_for = motion.votes_for + slot.active
    else motion.votes_against = motion.votes_against + slot.active;
    motion.voted.push_back(id);
    slot.voting_ms = slot.voting_ms.max(ends_ms);
    walk.did(15);
}

/// Executes or closes a proposal, where it is time.
fun finish(walk: &mut Walk, m: u64) {
    let since_ms = walk.clock.timestamp_ms() - walk.motions[m].made_ms;
    let motion = &walk.motions[m];
    // 40% must have voted.
    let turnout = (motion.votes_for as u256) + (motion.votes_against as u256);
    let against = (motion.votes_against as u256) + (motion.target_stake as u256);
    let passed =
        (motion.votes_for as u256) > against && turnout * 10 >= (motion.electorate as u256) * 4;
    let executable_ms = world::voting_ms() + world::timelock_ms();
    let expires_ms = executable_ms + world::execution_ms();
    let execute = passed && since_ms >= executable_ms && since_ms < expires_ms;
    let close = since_ms >= (if (passed) expires_ms else world::voting_ms());
    if (!execute && !close) return;
    let mut tx = walk.tx(@0x0);
    let Motion { mut proposal, target, amount, .. } = walk.motions.swap_remove(m);
    let Walk { cluster, slots, clock, .. } = walk;
    if (target == SLOTS) {
        if (execute) governance::execute_parameters(cluster, &mut proposal, clock, &mut tx)
        else governance::close(cluster, &mut proposal, clock, &mut tx);
    } else {
        let slot = &mut slots[target];
        let position = slot.position.borrow_mut();
        if (execute) governance::execute_slash(cluster, &mut proposal, position, clock, &mut tx)
        else governance::close_slash(cluster, &mut proposal, position, clock, &mut tx);
        slot.freezes = slot.freezes - 1;
        if (execute) walk.slash_slot(target, amount);
    };
    if (passed) walk.paid = walk.paid + DEPOSIT else walk.treasury = walk.treasury + DEPOSIT;
    assert_eq!(proposal.deposit(), 0);
    assert_eq!(proposal.is_executed(), execute);
    destroy(proposal);
    walk.did(if (execute) 16
    else if (passed) 17
    else 18);
}

// === Steps ===

fun step(walk: &mut Walk) {
    let wait_ms = vector[0, 1, 700, 3_000, 12_000, 40_000][walk.random(6)];
    // Votes end before long waits do.
    let wait_ms = if (walk.governed) wait_ms / 4 else wait_ms;
    walk.clock.increment_for_testing(wait_ms);
    let i = walk.random(SLOTS);
    let faces = if (walk.governed) 31 else 19;
    let die = walk.random(faces);
    if (die < 3) walk.stake(i)
    else if (die < 6) walk.top_up(i)
    else if (die < 8) walk.unbond(i)
    else if (die < 10) walk.withdraw(i)
    else if (die == 10) walk.slash(i)
    else if (die == 11) walk.reward(i)
    else if (die == 12) walk.take_rewards(i)
    else if (die == 13) walk.claim(0)
    else if (die == 14) walk.leave(0)
    else if (die == 15) walk.jail(0)
    else if (die == 16) SLOTS.do!(|i| walk.close(i))
    else if (die < 19) walk.freeze_or_hold(i)
    else if (die < 22) walk.propose(i)
    else if (die < 28) walk.vote_round()
    else walk.finish_one();
    walk.check();
}

/// Most of the positions vote on some proposal.
fun vote_round(walk: &mut Walk) {
    if (walk.motions.is_empty()) return;
    let motions = walk.motions.length();
    let m = walk.random(motions);
    SLOTS.do!(|i| if (walk.random(4) > 0) walk.vote(i, m));
}

fun finish_one(walk: &mut Walk) {
    if (walk.motions.is_empty()) return;
    let motions = walk.motions.length();
    let m = walk.random(motions);
    walk.finish(m);
}

/// The package agrees with the model, and nothing was made or lost.
fun check(walk: &Walk) {
    let mut active_sum = 0;
    let mut unbonding_sum = 0;
    let mut rewards_sum = 0;
    walk.slots.do_ref!(|slot| {
        slot.position.do_ref!(|position| {
            assert_eq!(position.active_value(), slot.active);
            assert_eq!(position.unbonding_value(), slot.unbonding);
            assert_eq!(position.rewards_value(), slot.rewards);
            assert_eq!(position.increased_ms(), slot.increased_ms);
            assert_eq!(position.voting_until_ms(), slot.voting_ms);
            assert_eq!(position.is_frozen(), slot.freezes > 0);
            assert_eq!(position.node().is_some(), slot.node);
            active_sum = active_sum + position.active_value();
            unbonding_sum = unbonding_sum + position.unbonding_value();
            rewards_sum = rewards_sum + position.rewards_value();
        });
    });
    let mut deposits = 0;
    walk.motions.do_ref!(|motion| {
        let proposal = &motion.proposal;
        assert_eq!(proposal.electorate(), motion.electorate);
        assert_eq!(proposal.votes_for(), motion.votes_for);
        assert_eq!(proposal.votes_against(), motion.votes_against);
        // No coin voted twice.
        assert!(proposal.votes_for() <= proposal.electorate() - proposal.votes_against());
        deposits = deposits + proposal.deposit();
    });
    let treasury = walk.cluster.treasury_value();
    assert_eq!(walk.cluster.active_total(), active_sum);
    assert_eq!(walk.cluster.unbonding_total(), unbonding_sum);
    assert_eq!(treasury, walk.treasury);
    let held = active_sum + unbonding_sum + rewards_sum + deposits + treasury;
    assert_eq!(walk.coined, held + walk.paid);
}

/// Each of the actions was done at least once: a walk that is turned away everywhere shows nothing.
fun walk(seed: u64, amount_max: u64, governed: bool, steps: u64, actions: vector<u64>) {
    let mut walk = new_walk(seed, amount_max, governed);
    steps.do!(|_| walk.step());
    actions.do!(|action| assert!(walk.done[action] > 0, action));
    let Walk { cluster, cap, clock, slots, motions, .. } = walk;
    destroy(cluster);
    destroy(cap);
    clock.destroy_for_testing();
    slots.destroy!(|slot| destroy(slot));
    motions.destroy!(|motion| destroy(motion));
}

#[test]
fun small_amounts() { walk(2, SMALL, false, 500, STAKE_ACTIONS); }

#[test]
fun large_amounts() { walk(1, LARGE, false, 500, STAKE_ACTIONS); }

#[test]
fun small_amounts_and_votes() { walk(3, SMALL, true, 600, VOTE_ACTIONS); }

#[test]
fun large_amounts_and_votes() { walk(4, LARGE, true, 600, VOTE_ACTIONS); }
