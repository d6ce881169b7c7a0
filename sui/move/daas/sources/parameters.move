/// What a cluster asks of stakes, enclaves, votes and passes. A value of these types has passed the
/// checks of its constructor, so whoever holds one need not check it again. Amounts in MIST, times
/// in milliseconds.
module k3s_daas::parameters;

use std::string::String;

// === Errors ===

/// A minimum, a delay or an age must not be zero.
const EZero: u64 = 0;
/// A delay or an age is longer than a year.
const ETooLong: u64 = 1;
/// A quorum has 1 to 10,000 basis points.
const EQuorum: u64 = 2;
/// Stake could leave before a vote on slashing it has ended: unbonding takes at least as long as
/// voting, timelock and anchor window together.
const EUnbondingTooShort: u64 = 3;
/// A tier maps to 1 to 16 groups.
const EGroupCount: u64 = 4;
/// A group has 1 to 128 bytes and does not begin with `system:`, which belongs to Kubernetes.
const EGroupName: u64 = 5;
/// A pass lasts 1 to 400 epochs.
const EEpochs: u64 = 6;

// === Constants ===

const YEAR_MS: u64 = 365 * 24 * 60 * 60 * 1000;
const BASIS_POINTS: u64 = 10_000;
const GROUPS_MAX: u64 = 16;
const GROUP_BYTES_MAX: u64 = 128;
const RESERVED_PREFIX: vector<u8> = b"system:";
const EPOCHS_MAX: u64 = 400;

// === Structs ===

public struct Parameters has copy, drop, store {
    stakes: StakeParameters,
    enclaves: EnclaveParameters,
    votes: VoteParameters,
}

/// Minimum stake and unbonding delay of each role; what a node owes per core and per GiB it claims.
public struct StakeParameters has copy, drop, store {
    user_min: u64,
    node_min: u64,
    admin_min: u64,
    mist_per_cpu: u64,
    mist_per_gib: u64,
    user_unbonding_ms: u64,
    node_unbonding_ms: u64,
    admin_unbonding_ms: u64,
}

public struct EnclaveParameters has copy, drop, store {
    /// Oldest attestation document that registration takes.
    document_age_ms_max: u64,
    /// What a session forfeits if it is caught equivocating.
    bond_min: u64,
    /// A session's decisions are anchored within this time; its bond is held for as long after its end, by
    /// the window of its registration.
    anchor_window_ms: u64,
}

public struct VoteParameters has copy, drop, store {
    voting_ms: u64,
    /// Between the end of the vote and the first moment of execution.
    timelock_ms: u64,
    /// How long a proposal that passed may be executed.
    execution_ms: u64,
    /// Share of all active stake that must have voted.
    quorum_bps: u64,
    /// No proposal is made while less than this is staked, or a handful of dust would be everybody.
    electorate_min: u64,
    /// What a proposer puts down, and loses unless the proposal passes.
    deposit: u64,
}

/// What a stake of at least `stake_min` may be issued: a pass that maps to these Kubernetes groups.
public struct Tier has copy, drop, store {
    stake_min: u64,
    groups: vector<String>,
    epochs_max: u64,
}

// === Public functions ===

/// Of parts that fit together: no stake leaves before a vote on slashing it can have ended.
public fun new(
    stakes: StakeParameters,
    enclaves: EnclaveParameters,
    votes: VoteParameters,
): Parameters {
    let escape_ms = votes.voting_ms + votes.timelock_ms + enclaves.anchor_window_ms;
    let shortest_ms = stakes
        .user_unbonding_ms
        .min(stakes.node_unbonding_ms)
        .min(stakes.admin_unbonding_ms);
    assert!(shortest_ms >= escape_ms, EUnbondingTooShort);
    Parameters { stakes, enclaves, votes }
}

/// Minimums and rates in MIST; each delay from 1 ms to a year.
public fun new_stakes(
    user_min: u64,
    node_min: u64,
    admin_min: u64,
    mist_per_cpu: u64,
    mist_per_gib: u64,
    user_unbonding_ms: u64,
    node_unbonding_ms: u64,
    admin_unbonding_ms: u64,
): StakeParameters {
    assert!(user_min > 0 && node_min > 0 && admin_min > 0, EZero);
    assert_duration(user_unbonding_ms);
    assert_duration(node_unbonding_ms);
    assert_duration(admin_unbonding_ms);
    StakeParameters {
        user_min,
        node_min,
        admin_min,
        mist_per_cpu,
        mist_per_gib,
        user_unbonding_ms,
        node_unbonding_ms,
        admin_unbonding_ms,
    }
}

/// Times from 1 ms to a year; the bond in MIST.
public fun new_enclaves(
    document_age_ms_max: u64,
    bond_min: u64,
    anchor_window_ms: u64,
): EnclaveParameters {
    assert_duration(document_age_ms_max);
    assert!(bond_min > 0, EZero);
    assert_duration(anchor_window_ms);
    EnclaveParameters { document_age_ms_max, bond_min, anchor_window_ms }
}

/// Times from 1 ms to a year; electorate and deposit in MIST.
public fun new_votes(
    voting_ms: u64,
    timelock_ms: u64,
    execution_ms: u64,
    quorum_bps: u64,
    electorate_min: u64,
    deposit: u64,
): VoteParameters {
    assert_duration(voting_ms);
    assert_duration(timelock_ms);
    assert_duration(execution_ms);
    assert!(quorum_bps > 0 && quorum_bps <= BASIS_POINTS, EQuorum);
    assert!(electorate_min > 0 && deposit > 0, EZero);
    VoteParameters { voting_ms, timelock_ms, execution_ms, quorum_bps, electorate_min, deposit }
}

/// The groups that a stake of `stake_min` MIST gives, for at most `epochs_max` epochs.
public fun new_tier(stake_min: u64, groups: vector<String>, epochs_max: u64): Tier {
    assert!(stake_min > 0, EZero);
    assert!(!groups.is_empty() && groups.length() <= GROUPS_MAX, EGroupCount);
    groups.do_ref!(|group| {
        assert!(!group.is_empty() && group.length() <= GROUP_BYTES_MAX, EGroupName);
        assert!(group.index_of(&RESERVED_PREFIX.to_string()) != 0, EGroupName);
    });
    assert!(epochs_max > 0 && epochs_max <= EPOCHS_MAX, EEpochs);
    Tier { stake_min, groups, epochs_max }
}

// === Views ===

public fun stakes(parameters: &Parameters): StakeParameters { parameters.stakes }

public fun enclaves(parameters: &Parameters): EnclaveParameters { parameters.enclaves }

public fun votes(parameters: &Parameters): VoteParameters { parameters.votes }

public fun user_min(stakes: &StakeParameters): u64 { stakes.user_min }

public fun node_min(stakes: &StakeParameters): u64 { stakes.node_min }

public fun admin_min(stakes: &StakeParameters): u64 { stakes.admin_min }

public fun mist_per_cpu(stakes: &StakeParameters): u64 { stakes.mist_per_cpu }

public fun mist_per_gib(stakes: &StakeParameters): u64 { stakes.mist_per_gib }

public fun user_unbonding_ms(stakes: &StakeParameters): u64 { stakes.user_unbonding_ms }

public fun node_unbonding_ms(stakes: &StakeParameters): u64 { stakes.node_unbonding_ms }

public fun admin_unbonding_ms(stakes: &StakeParameters): u64 { stakes.admin_unbonding_ms }

public fun document_age_ms_max(enclaves: &EnclaveParameters): u64 { enclaves.document_age_ms_max }

public fun bond_min(enclaves: &EnclaveParameters): u64 { enclaves.bond_min }

public fun anchor_window_ms(enclaves: &EnclaveParameters): u64 { enclaves.anchor_window_ms }

public fun voting_ms(votes: &VoteParameters): u64 { votes.voting_ms }

public fun timelock_ms(votes: &VoteParameters): u64 { votes.timelock_ms }

public fun execution_ms(votes: &VoteParameters): u64 { votes.execution_ms }

public fun quorum_bps(votes: &VoteParameters): u64 { votes.quorum_bps }

public fun electorate_min(votes: &VoteParameters): u64 { votes.electorate_min }

public fun deposit(votes: &VoteParameters): u64 { votes.deposit }

public fun tier_stake_min(tier: &Tier): u64 { tier.stake_min }

public fun tier_groups(tier: &Tier): vector<String> { tier.groups }

public fun tier_epochs_max(tier: &Tier): u64 { tier.epochs_max }

// === Private functions ===

fun assert_duration(ms: u64) {
    assert!(ms > 0, EZero);
    assert!(ms <= YEAR_MS, ETooLong);
}
