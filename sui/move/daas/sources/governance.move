/// Votes of the stakers of a governed cluster on its terms, on enclave images and on slashing. A
/// vote weighs the stake that was active before the proposal was made; a proposal that passed waits
/// out a timelock, and then anyone may execute it. An image needs the `ClusterCap` as well: neither a
/// vote of dust nor the capability alone brings new code to the cluster's secrets.
///
/// The terms of a vote (times, quorum, electorate, deposit) are fixed when the proposal is made, and
/// changing the parameters leaves the votes that are open alone. In a cluster that nobody handed
/// over to its stakers (`cluster::govern`) nothing can be proposed: there the capability decides.
module k3s_daas::governance;

use k3s_daas::cluster::{Self, Cluster, ClusterCap, EnclaveConfig};
use k3s_daas::parameters::Parameters;
use k3s_daas::staking::{Self, Position};
use std::string::String;
use sui::balance::Balance;
use sui::clock::Clock;
use sui::coin::Coin;
use sui::event;
use sui::sui::SUI;
use sui::table::{Self, Table};

// === Errors ===

/// The cluster is not governed by its stakers: the capability does it directly.
const EUngoverned: u64 = 0;
/// The proposal belongs to another cluster.
const EWrongCluster: u64 = 1;
/// Only a node's or an admin's stake can propose; a user's can vote.
const ERoleMayNotPropose: u64 = 2;
/// The proposer has less active than the minimum of its role.
const EProposerStake: u64 = 3;
/// Less is staked in the whole cluster than a vote needs.
const EElectorateTooSmall: u64 = 4;
/// The coin is smaller than the deposit.
const EDepositTooSmall: u64 = 5;
/// The amount to slash must not be zero.
const EZeroAmount: u64 = 6;
/// The digest of the evidence must have 32 bytes.
const EEvidenceLength: u64 = 7;
/// The target has neither active nor unbonding stake.
const ENothingToSlash: u64 = 8;
/// Nobody proposes to slash a stake of their own: it would only freeze it.
const EOwnTarget: u64 = 9;
/// The vote has ended.
const EVotingEnded: u64 = 10;
/// The stake came or grew at or after the moment the proposal was made.
const EStakeTooNew: u64 = 11;
/// The position has nothing active.
const ENoStake: u64 = 12;
/// A position has no say in its own slashing.
const ETargetVotes: u64 = 13;
/// The position has voted on this proposal.
const EVotedAlready: u64 = 14;
/// The proposal was executed or closed before.
const ENotOpen: u64 = 15;
/// The proposal asks for something else.
const EWrongAction: u64 = 16;
/// The proposal is about another position.
const EWrongTarget: u64 = 17;
/// The vote or the timelock has not ended.
const ETooEarly: u64 = 18;
/// The time to execute the proposal is over.
const EExpired: u64 = 19;
/// The proposal did not pass.
const ERejected: u64 = 20;
/// The proposal can still be voted on, or be executed.
const EStillOpen: u64 = 21;
/// Under these terms nothing could be voted on any more: electorate, deposit or stake asked of a proposer
/// exceed all that is staked now, or less than a second is left to vote or to execute.
const EOutOfReach: u64 = 22;

// === Constants ===

const BASIS_POINTS: u128 = 10_000;
const DIGEST_BYTES: u64 = 32;
/// The chain's clock goes in steps of a consensus round, which a shorter time might fall between.
const TIME_MS_MIN: u64 = 1_000;

// === Structs ===

public struct Proposal has key {
    id: UID,
    cluster: ID,
    /// The position that proposed, and its owner, to whom the deposit goes back.
    proposer: ID,
    owner: address,
    action: Action,
    state: State,
    created_ms: u64,
    /// First moment at which no vote is taken any more.
    voting_ends_ms: u64,
    executable_from_ms: u64,
    /// First moment at which it is too late to execute.
    expires_ms: u64,
    /// All active stake when the proposal was made, in MIST, and the share of it that must vote.
    electorate: u64,
    quorum_bps: u64,
    /// What a stake to be slashed had active when the proposal was made; 0 for other proposals. It has
    /// no vote, and outweighs as much.
    target_stake: u64,
    votes_for: u64,
    votes_against: u64,
    ballots: Table<ID, Ballot>,
    deposit: Balance<SUI>,
}

/// What is done if the proposal passes.
public enum Action has copy, drop, store {
    SetParameters { parameters: Parameters },
    AcceptConfig { config: EnclaveConfig },
    /// `evidence` is the SHA-256 of what the proposer shows the voters off chain.
    Slash { target: ID, amount: u64, reason: String, evidence: vector<u8> },
}

public enum State has copy, drop, store {
    Open,
    Executed,
    Closed,
}

/// How a position voted, with how much.
public struct Ballot has copy, drop, store {
    yes: bool,
    weight: u64,
}

// === Events ===

public struct ProposalMade has copy, drop {
    cluster: ID,
    proposal: ID,
    proposer: ID,
    action: Action,
    electorate: u64,
    quorum_bps: u64,
    voting_ends_ms: u64,
    executable_from_ms: u64,
    expires_ms: u64,
    deposit: u64,
}

/// The last two fields are the sums after this vote.
public struct Voted has copy, drop {
    cluster: ID,
    proposal: ID,
    position: ID,
    yes: bool,
    weight: u64,
    votes_for: u64,
    votes_against: u64,
}

public struct ProposalExecuted has copy, drop {
    cluster: ID,
    proposal: ID,
}

/// Nothing was done: the proposal was rejected, or it passed and nobody executed it in time.
public struct ProposalClosed has copy, drop {
    cluster: ID,
    proposal: ID,
    passed: bool,
}

// === Public functions ===

/// Proposes new terms, under which something can be proposed again: else a slip, or one who is never to
/// be slashed, could end all votes for good. Like every proposal: the sender owns `proposer`, a stake of role node or
/// admin; the deposit is split off the coin, and lost unless the proposal passes; the proposer's stake
/// is held until the vote ends; and the proposal must be passed to `share`.
public fun propose_parameters(
    cluster: &Cluster,
    proposer: &mut Position,
    coin: &mut Coin<SUI>,
    parameters: Parameters,
    clock: &Clock,
    ctx: &mut TxContext,
): Proposal {
    let action = Action::SetParameters { parameters };
    let proposal = propose(cluster, proposer, coin, action, clock, ctx);
    assert_within_reach(&parameters, proposal.electorate);
    proposal
}

/// Proposes to accept another enclave image.
public fun propose_config(
    cluster: &Cluster,
    proposer: &mut Position,
    coin: &mut Coin<SUI>,
    pcr0: vector<u8>,
    pcr1: vector<u8>,
    pcr2: vector<u8>,
    clock: &Clock,
    ctx: &mut TxContext,
): Proposal {
    let action = Action::AcceptConfig { config: cluster::new_config(pcr0, pcr1, pcr2) };
    propose(cluster, proposer, coin, action, clock, ctx)
}

/// Proposes to slash up to `amount` of `target`. From here until the proposal is executed or closed
/// nothing leaves the target, what is unbonding included.
public fun propose_slash(
    cluster: &Cluster,
    proposer: &mut Position,
    target: &mut Position,
    coin: &mut Coin<SUI>,
    amount: u64,
    reason: String,
    evidence: vector<u8>,
    clock: &Clock,
    ctx: &mut TxContext,
): Proposal {
    target.assert_cluster(cluster);
    assert!(target.owner() != proposer.owner(), EOwnTarget);
    assert!(amount > 0, EZeroAmount);
    staking::assert_reason(&reason);
    assert!(evidence.length() == DIGEST_BYTES, EEvidenceLength);
    assert!(target.active_value() > 0 || target.unbonding_value() > 0, ENothingToSlash);
    target.freeze_stake();
    let action = Action::Slash { target: object::id(target), amount, reason, evidence };
    let mut proposal = propose(cluster, proposer, coin, action, clock, ctx);
    proposal.target_stake = target.active_value();
    proposal
}

/// Shares a new proposal.
#[allow(lint(share_owned))]
public fun share(proposal: Proposal) {
    transfer::share_object(proposal);
}

/// Votes with all that the sender's position has active, and holds it until the vote ends.
///
/// Stake that came or grew at or after the proposal has no say. Whatever has voted and could move on
/// would arrive elsewhere later than that, so no coin votes twice, whichever way it takes; and since a
/// voter's stake can only have shrunk since the proposal was made, the votes never exceed the electorate.
public fun vote(
    cluster: &Cluster,
    proposal: &mut Proposal,
    position: &mut Position,
    yes: bool,
    clock: &Clock,
    ctx: &TxContext,
) {
    proposal.assert_cluster(cluster);
    position.assert_cluster(cluster);
    position.assert_owner(ctx);
    assert!(clock.timestamp_ms() < proposal.voting_ends_ms, EVotingEnded);
    // In the millisecond of the proposal nobody can tell what was there first.
    assert!(position.increased_ms() < proposal.created_ms, EStakeTooNew);
    let weight = position.active_value();
    assert!(weight > 0, ENoStake);
    let id = object::id(position);
    assert!(!proposal.is_target(id), ETargetVotes);
    assert!(!proposal.ballots.contains(id), EVotedAlready);

    position.hold_for_vote(proposal.voting_ends_ms);
    proposal.ballots.add(id, Ballot { yes, weight });
    if (yes) proposal.votes_for = proposal.votes_for + weight
    else proposal.votes_against = proposal.votes_against + weight;
    event::emit(Voted {
        cluster: proposal.cluster,
        proposal: object::id(proposal),
        position: id,
        yes,
        weight,
        votes_for: proposal.votes_for,
        votes_against: proposal.votes_against,
    });
}

/// Sets the terms that a proposal asked for. Anyone may.
public fun execute_parameters(
    cluster: &mut Cluster,
    proposal: &mut Proposal,
    clock: &Clock,
    ctx: &mut TxContext,
) {
    proposal.assert_executable(cluster, clock);
    let parameters = match (proposal.action) {
        Action::SetParameters { parameters } => parameters,
        _ => abort EWrongAction,
    };
    cluster.change_parameters(parameters);
    proposal.finish_executed(ctx);
}

/// Accepts the enclave image that a proposal asked for. It takes the capability, whose owner answers
/// for what runs in the cluster, and the vote, without which that owner alone could bring in an image
/// that gives the stakers' cluster away.
public fun execute_config(
    cluster: &mut Cluster,
    cap: &ClusterCap,
    proposal: &mut Proposal,
    clock: &Clock,
    ctx: &mut TxContext,
) {
    cluster.assert_cap(cap);
    proposal.assert_executable(cluster, clock);
    let config = match (proposal.action) {
        Action::AcceptConfig { config } => config,
        _ => abort EWrongAction,
    };
    cluster.add_config(config);
    proposal.finish_executed(ctx);
}

/// Takes what a proposal asked for, or as much of it as the target still has, and unfreezes the rest.
/// Anyone may.
public fun execute_slash(
    cluster: &mut Cluster,
    proposal: &mut Proposal,
    target: &mut Position,
    clock: &Clock,
    ctx: &mut TxContext,
) {
    proposal.assert_executable(cluster, clock);
    let (amount, reason) = match (proposal.action) {
        Action::Slash { amount, reason, .. } => (amount, reason),
        _ => abort EWrongAction,
    };
    assert!(proposal.is_target(object::id(target)), EWrongTarget);
    // Another proposal may have taken everything: this one still ends here.
    if (target.active_value() > 0 || target.unbonding_value() > 0) {
        target.take(cluster, amount, reason);
    };
    target.unfreeze_stake();
    proposal.finish_executed(ctx);
}

/// Closes a proposal, other than one to slash, that was rejected or that nobody executed in time. Anyone may.
public fun close(
    cluster: &mut Cluster,
    proposal: &mut Proposal,
    clock: &Clock,
    ctx: &mut TxContext,
) {
    assert!(proposal.target().is_none(), EWrongAction);
    proposal.finish_closed(cluster, clock, ctx);
}

/// The same for a proposal to slash, whose target is unfrozen.
public fun close_slash(
    cluster: &mut Cluster,
    proposal: &mut Proposal,
    target: &mut Position,
    clock: &Clock,
    ctx: &mut TxContext,
) {
    assert!(proposal.target().is_some(), EWrongAction);
    assert!(proposal.is_target(object::id(target)), EWrongTarget);
    proposal.finish_closed(cluster, clock, ctx);
    target.unfreeze_stake();
}

// === Views ===

/// Whether more stake voted for it than against it, and enough of the electorate voted: final once
/// the vote has ended. A stake that is to be slashed does not vote, and counts against it: else the
/// largest could slash the next one while all others say no.
public fun has_passed(proposal: &Proposal): bool {
    // Sums of two u64, and products with basis points, fit in u128.
    let turnout = (proposal.votes_for as u128) + (proposal.votes_against as u128);
    let quorum = (proposal.electorate as u128) * (proposal.quorum_bps as u128);
    let against = (proposal.votes_against as u128) + (proposal.target_stake as u128);
    (proposal.votes_for as u128) > against && turnout * BASIS_POINTS >= quorum
}

public fun cluster(proposal: &Proposal): ID { proposal.cluster }

public fun proposer(proposal: &Proposal): ID { proposal.proposer }

public fun action(proposal: &Proposal): Action { proposal.action }

/// The position that the proposal would slash.
public fun target(proposal: &Proposal): Option<ID> {
    match (proposal.action) {
        Action::Slash { target, .. } => option::some(target),
        _ => option::none(),
    }
}

public fun is_open(proposal: &Proposal): bool { proposal.state == State::Open }

public fun is_executed(proposal: &Proposal): bool { proposal.state == State::Executed }

public fun is_closed(proposal: &Proposal): bool { proposal.state == State::Closed }

public fun created_ms(proposal: &Proposal): u64 { proposal.created_ms }

public fun voting_ends_ms(proposal: &Proposal): u64 { proposal.voting_ends_ms }

public fun executable_from_ms(proposal: &Proposal): u64 { proposal.executable_from_ms }

public fun expires_ms(proposal: &Proposal): u64 { proposal.expires_ms }

public fun electorate(proposal: &Proposal): u64 { proposal.electorate }

public fun quorum_bps(proposal: &Proposal): u64 { proposal.quorum_bps }

public fun target_stake(proposal: &Proposal): u64 { proposal.target_stake }

public fun votes_for(proposal: &Proposal): u64 { proposal.votes_for }

public fun votes_against(proposal: &Proposal): u64 { proposal.votes_against }

public fun deposit(proposal: &Proposal): u64 { proposal.deposit.value() }

/// How that position voted.
public fun ballot(proposal: &Proposal, position: ID): Option<Ballot> {
    let ballots = &proposal.ballots;
    if (ballots.contains(position)) option::some(*ballots.borrow(position)) else option::none()
}

public fun ballot_yes(ballot: &Ballot): bool { ballot.yes }

public fun ballot_weight(ballot: &Ballot): u64 { ballot.weight }

// === Private functions ===

fun propose(
    cluster: &Cluster,
    proposer: &mut Position,
    coin: &mut Coin<SUI>,
    action: Action,
    clock: &Clock,
    ctx: &mut TxContext,
): Proposal {
    assert!(cluster.is_governed(), EUngoverned);
    proposer.assert_cluster(cluster);
    proposer.assert_owner(ctx);
    // A user's stake is too small to answer for freezing the stakes of others.
    assert!(proposer.role() != staking::role_user(), ERoleMayNotPropose);
    let stake_min = staking::minimum(cluster, proposer.role());
    assert!(proposer.active_value() >= stake_min, EProposerStake);
    let terms = cluster.parameters().votes();
    let electorate = cluster.active_total();
    assert!(electorate >= terms.electorate_min(), EElectorateTooSmall);
    assert!(coin.value() >= terms.deposit(), EDepositTooSmall);

    let created_ms = clock.timestamp_ms();
    let voting_ends_ms = created_ms + terms.voting_ms();
    let executable_from_ms = voting_ends_ms + terms.timelock_ms();
    let expires_ms = executable_from_ms + terms.execution_ms();
    proposer.hold_for_vote(voting_ends_ms);
    let proposal = Proposal {
        id: object::new(ctx),
        cluster: object::id(cluster),
        proposer: object::id(proposer),
        owner: proposer.owner(),
        action,
        state: State::Open,
        created_ms,
        voting_ends_ms,
        executable_from_ms,
        expires_ms,
        electorate,
        quorum_bps: terms.quorum_bps(),
        target_stake: 0,
        votes_for: 0,
        votes_against: 0,
        ballots: table::new(ctx),
        deposit: coin.balance_mut().split(terms.deposit()),
    };
    event::emit(ProposalMade {
        cluster: proposal.cluster,
        proposal: object::id(&proposal),
        proposer: proposal.proposer,
        action,
        electorate,
        quorum_bps: proposal.quorum_bps,
        voting_ends_ms,
        executable_from_ms,
        expires_ms,
        deposit: terms.deposit(),
    });
    proposal
}

/// With all that is staked now, the terms could be changed again.
fun assert_within_reach(parameters: &Parameters, electorate: u64) {
    let (stakes, votes) = (parameters.stakes(), parameters.votes());
    assert!(votes.electorate_min() <= electorate, EOutOfReach);
    assert!(votes.deposit() <= electorate, EOutOfReach);
    assert!(stakes.node_min().min(stakes.admin_min()) <= electorate, EOutOfReach);
    assert!(votes.voting_ms() >= TIME_MS_MIN, EOutOfReach);
    assert!(votes.execution_ms() >= TIME_MS_MIN, EOutOfReach);
}

fun assert_cluster(proposal: &Proposal, cluster: &Cluster) {
    cluster.assert_version();
    assert!(proposal.cluster == object::id(cluster), EWrongCluster);
}

fun assert_executable(proposal: &Proposal, cluster: &Cluster, clock: &Clock) {
    let now_ms = clock.timestamp_ms();
    proposal.assert_cluster(cluster);
    assert!(proposal.is_open(), ENotOpen);
    assert!(now_ms >= proposal.executable_from_ms, ETooEarly);
    assert!(now_ms < proposal.expires_ms, EExpired);
    assert!(proposal.has_passed(), ERejected);
}

fun is_target(proposal: &Proposal, position: ID): bool {
    proposal.target().is_some_and!(|target| *target == position)
}

fun finish_executed(proposal: &mut Proposal, ctx: &mut TxContext) {
    proposal.state = State::Executed;
    proposal.return_deposit(ctx);
    event::emit(ProposalExecuted { cluster: proposal.cluster, proposal: object::id(proposal) });
}

/// Rejected proposals end with the vote, those that passed when they can no longer be executed. The
/// proposer of one that passed has done nothing wrong: the deposit goes back.
fun finish_closed(
    proposal: &mut Proposal,
    cluster: &mut Cluster,
    clock: &Clock,
    ctx: &mut TxContext,
) {
    proposal.assert_cluster(cluster);
    assert!(proposal.is_open(), ENotOpen);
    let passed = proposal.has_passed();
    let ends_ms = if (passed) proposal.expires_ms else proposal.voting_ends_ms;
    assert!(clock.timestamp_ms() >= ends_ms, EStillOpen);
    proposal.state = State::Closed;
    if (passed) proposal.return_deposit(ctx)
    else cluster.join_treasury(proposal.deposit.withdraw_all());
    event::emit(ProposalClosed {
        cluster: proposal.cluster,
        proposal: object::id(proposal),
        passed,
    });
}

fun return_deposit(proposal: &mut Proposal, ctx: &mut TxContext) {
    let coin = proposal.deposit.withdraw_all().into_coin(ctx);
    transfer::public_transfer(coin, proposal.owner);
}
