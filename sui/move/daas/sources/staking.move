/// Stake positions. A position is shared and cannot change hands: its owner is the address that
/// staked. Stake leaves it in two ways only: to its owner after the delay of its role, or slashed
/// into the cluster's treasury. A node, a pass, an open vote and a pending slash each hold it back.
///
/// Rewards are an open seam: anyone may pay them into a position, and the owner takes them out at any
/// time. Who earns what is not decided here.
module k3s_daas::staking;

use k3s_daas::cluster::{Cluster, ClusterCap};
use std::string::String;
use sui::balance::{Self, Balance};
use sui::clock::Clock;
use sui::coin::Coin;
use sui::event;
use sui::sui::SUI;

// === Errors ===

/// The position belongs to another cluster.
const EWrongCluster: u64 = 0;
/// Only the position's owner may do this.
const ENotOwner: u64 = 1;
/// A role is 0 (user), 1 (node) or 2 (admin).
const ERoleUnknown: u64 = 2;
/// Less than the role's minimum stake.
const EBelowMinimum: u64 = 3;
/// The amount must not be zero.
const EZeroAmount: u64 = 4;
/// More than the position has active.
const EAmountTooLarge: u64 = 5;
/// What remains must be nothing, or at least the role's minimum: positions of dust are refused.
const ERemainderBelowMinimum: u64 = 6;
/// The position stands behind a node, which needs more than what would remain. Leave the node first.
const EClaimNeedsStake: u64 = 7;
/// Nothing is unbonding.
const ENothingUnbonding: u64 = 8;
/// The unbonding delay has not passed.
const EStillUnbonding: u64 = 9;
/// The position is empty, or the amount is zero.
const ENothingToSlash: u64 = 10;
/// A reason has 1 to 256 bytes.
const EReasonLength: u64 = 11;
/// The position stands behind a pass, which needs more than what would remain. Return the pass first.
const EPassNeedsStake: u64 = 12;
/// The position has voted, and the vote is still open.
const EVoting: u64 = 13;
/// A proposal to slash the position is pending.
const EFrozen: u64 = 14;
/// There are no rewards to take.
const ENoRewards: u64 = 15;
/// The position still holds stake or rewards, or a node or a pass.
const ENotEmpty: u64 = 16;

// === Constants ===

const ROLE_USER: u8 = 0;
const ROLE_NODE: u8 = 1;
const ROLE_ADMIN: u8 = 2;
const REASON_BYTES_MAX: u64 = 256;

// === Structs ===

public struct Position has key {
    id: UID,
    cluster: ID,
    owner: address,
    role: u8,
    active: Balance<SUI>,
    unbonding: Balance<SUI>,
    unbonding_until_ms: u64,
    /// When active stake last grew: it has no vote on a proposal that was there before.
    increased_ms: u64,
    rewards: Balance<SUI>,
    /// Name of the node that the position stands behind (`nodes`).
    node: Option<String>,
    /// When that node last showed that it lives, by its own clock; 0 if never.
    heartbeat_ms: u64,
    /// The pass that the position stands behind (`access_pass`).
    pass: Option<PassLien>,
    /// End of the last vote that the position took part in (`governance`).
    voting_until_ms: u64,
    /// Proposals to slash the position that are not closed yet.
    freezes: u64,
}

/// What a pass asks of the stake behind it.
public struct PassLien has copy, drop, store {
    pass: ID,
    stake_min: u64,
}

// === Events ===

public struct Staked has copy, drop {
    cluster: ID,
    position: ID,
    owner: address,
    role: u8,
    amount: u64,
}

public struct ToppedUp has copy, drop {
    cluster: ID,
    position: ID,
    amount: u64,
}

public struct UnbondRequested has copy, drop {
    cluster: ID,
    position: ID,
    amount: u64,
    until_ms: u64,
}

public struct Withdrawn has copy, drop {
    cluster: ID,
    position: ID,
    amount: u64,
}

/// `amount` is what was taken, which may be less than what was asked for.
public struct Slashed has copy, drop {
    cluster: ID,
    position: ID,
    amount: u64,
    reason: String,
}

public struct Rewarded has copy, drop {
    cluster: ID,
    position: ID,
    amount: u64,
}

public struct RewardsTaken has copy, drop {
    cluster: ID,
    position: ID,
    amount: u64,
}

public struct PositionClosed has copy, drop {
    cluster: ID,
    position: ID,
}

// === Public functions ===

/// Stakes a coin for the sender. The position has no `store` and no `drop`: pass it to `share`.
public fun stake(
    cluster: &mut Cluster,
    coin: Coin<SUI>,
    role: u8,
    clock: &Clock,
    ctx: &mut TxContext,
): Position {
    let amount = coin.value();
    assert!(amount >= minimum(cluster, role), EBelowMinimum);
    cluster.restate(0, 0, amount, 0);
    let position = Position {
        id: object::new(ctx),
        cluster: object::id(cluster),
        owner: ctx.sender(),
        role,
        active: coin.into_balance(),
        unbonding: balance::zero(),
        unbonding_until_ms: 0,
        increased_ms: clock.timestamp_ms(),
        rewards: balance::zero(),
        node: option::none(),
        heartbeat_ms: 0,
        pass: option::none(),
        voting_until_ms: 0,
        freezes: 0,
    };
    event::emit(Staked {
        cluster: position.cluster,
        position: object::id(&position),
        owner: position.owner,
        role,
        amount,
    });
    position
}

/// Shares a new position.
#[allow(lint(share_owned))]
public fun share(position: Position) {
    transfer::share_object(position);
}

/// Adds to the sender's active stake, up to the role's minimum at least. Only the owner may: it takes
/// away the position's say in votes that are open now.
public fun top_up(
    cluster: &mut Cluster,
    position: &mut Position,
    coin: Coin<SUI>,
    clock: &Clock,
    ctx: &TxContext,
) {
    position.assert_cluster(cluster);
    position.assert_owner(ctx);
    let amount = coin.value();
    assert!(amount > 0, EZeroAmount);
    let (active, unbonding) = position.values();
    position.active.join(coin.into_balance());
    assert!(position.active.value() >= minimum(cluster, position.role), EBelowMinimum);
    position.increased_ms = clock.timestamp_ms();
    position.restate(cluster, active, unbonding);
    event::emit(ToppedUp { cluster: position.cluster, position: object::id(position), amount });
}

/// Moves stake from active to unbonding. A second request restarts the delay for all that is unbonding.
public fun request_unbond(
    cluster: &mut Cluster,
    position: &mut Position,
    amount: u64,
    clock: &Clock,
    ctx: &TxContext,
) {
    position.assert_cluster(cluster);
    position.assert_owner(ctx);
    let now_ms = clock.timestamp_ms();
    let (active, unbonding) = position.values();
    assert!(amount > 0, EZeroAmount);
    assert!(amount <= active, EAmountTooLarge);
    position.assert_free(now_ms);
    position.assert_may_remain(cluster, active - amount);
    position.unbonding.join(position.active.split(amount));
    position.unbonding_until_ms = now_ms + unbonding_ms(cluster, position.role);
    position.restate(cluster, active, unbonding);
    event::emit(UnbondRequested {
        cluster: position.cluster,
        position: object::id(position),
        amount,
        until_ms: position.unbonding_until_ms,
    });
}

/// Pays out all that has finished unbonding.
public fun withdraw(
    cluster: &mut Cluster,
    position: &mut Position,
    clock: &Clock,
    ctx: &mut TxContext,
): Coin<SUI> {
    position.assert_cluster(cluster);
    position.assert_owner(ctx);
    let (active, unbonding) = position.values();
    assert!(unbonding > 0, ENothingUnbonding);
    assert!(clock.timestamp_ms() >= position.unbonding_until_ms, EStillUnbonding);
    assert!(position.freezes == 0, EFrozen);
    let coin = position.unbonding.withdraw_all().into_coin(ctx);
    position.restate(cluster, active, unbonding);
    event::emit(Withdrawn {
        cluster: position.cluster,
        position: object::id(position),
        amount: coin.value(),
    });
    coin
}

/// Pays rewards into a position; anyone may, for whatever reason. They are no stake: they do not
/// count, and are not slashed.
public fun reward(cluster: &Cluster, position: &mut Position, coin: Coin<SUI>) {
    cluster.assert_version();
    position.assert_cluster(cluster);
    let amount = coin.value();
    assert!(amount > 0, EZeroAmount);
    position.rewards.join(coin.into_balance());
    event::emit(Rewarded { cluster: position.cluster, position: object::id(position), amount });
}

/// Pays all rewards out.
public fun take_rewards(
    cluster: &Cluster,
    position: &mut Position,
    ctx: &mut TxContext,
): Coin<SUI> {
    cluster.assert_version();
    position.assert_cluster(cluster);
    position.assert_owner(ctx);
    let amount = position.rewards.value();
    assert!(amount > 0, ENoRewards);
    event::emit(RewardsTaken { cluster: position.cluster, position: object::id(position), amount });
    position.rewards.withdraw_all().into_coin(ctx)
}

/// Deletes an empty position.
public fun close(cluster: &Cluster, position: Position, ctx: &TxContext) {
    cluster.assert_version();
    position.assert_cluster(cluster);
    position.assert_owner(ctx);
    assert!(position.freezes == 0, EFrozen);
    assert!(position.node.is_none() && position.pass.is_none(), ENotEmpty);
    let (active, unbonding) = position.values();
    assert!(active == 0 && unbonding == 0 && position.rewards.value() == 0, ENotEmpty);
    let Position { id, active, unbonding, rewards, .. } = position;
    event::emit(PositionClosed { cluster: object::id(cluster), position: id.to_inner() });
    active.destroy_zero();
    unbonding.destroy_zero();
    rewards.destroy_zero();
    id.delete();
}

/// Takes up to `amount` into the treasury: from active, then from unbonding, so that leaving escapes
/// nothing. In a governed cluster the capability alone cannot: `governance::propose_slash`.
public fun slash(
    cluster: &mut Cluster,
    cap: &ClusterCap,
    position: &mut Position,
    amount: u64,
    reason: String,
) {
    cluster.assert_cap(cap);
    cluster.assert_ungoverned();
    position.take(cluster, amount, reason);
}

// === Views ===

public fun role_user(): u8 { ROLE_USER }

public fun role_node(): u8 { ROLE_NODE }

public fun role_admin(): u8 { ROLE_ADMIN }

/// Least stake of a role, in MIST.
public fun minimum(cluster: &Cluster, role: u8): u64 {
    let stakes = cluster.parameters().stakes();
    if (role == ROLE_USER) stakes.user_min()
    else if (role == ROLE_NODE) stakes.node_min()
    else if (role == ROLE_ADMIN) stakes.admin_min()
    else abort ERoleUnknown
}

/// How long the stake of a role unbonds, in ms.
public fun unbonding_ms(cluster: &Cluster, role: u8): u64 {
    let stakes = cluster.parameters().stakes();
    if (role == ROLE_USER) stakes.user_unbonding_ms()
    else if (role == ROLE_NODE) stakes.node_unbonding_ms()
    else if (role == ROLE_ADMIN) stakes.admin_unbonding_ms()
    else abort ERoleUnknown
}

public fun cluster(position: &Position): ID { position.cluster }

public fun owner(position: &Position): address { position.owner }

public fun role(position: &Position): u8 { position.role }

public fun active_value(position: &Position): u64 { position.active.value() }

public fun unbonding_value(position: &Position): u64 { position.unbonding.value() }

public fun unbonding_until_ms(position: &Position): u64 { position.unbonding_until_ms }

public fun increased_ms(position: &Position): u64 { position.increased_ms }

public fun rewards_value(position: &Position): u64 { position.rewards.value() }

public fun node(position: &Position): Option<String> { position.node }

public fun heartbeat_ms(position: &Position): u64 { position.heartbeat_ms }

public fun pass(position: &Position): Option<ID> { position.pass.map_ref!(|lien| lien.pass) }

public fun voting_until_ms(position: &Position): u64 { position.voting_until_ms }

public fun is_frozen(position: &Position): bool { position.freezes > 0 }

// === Package functions ===

public(package) fun assert_cluster(position: &Position, cluster: &Cluster) {
    assert!(position.cluster == object::id(cluster), EWrongCluster);
}

public(package) fun assert_owner(position: &Position, ctx: &TxContext) {
    assert!(position.owner == ctx.sender(), ENotOwner);
}

public(package) fun assert_reason(reason: &String) {
    assert!(!reason.is_empty() && reason.length() <= REASON_BYTES_MAX, EReasonLength);
}

public(package) fun bind(position: &mut Position, name: String) {
    position.node.fill(name);
}

public(package) fun unbind(position: &mut Position): String {
    position.heartbeat_ms = 0;
    position.node.extract()
}

public(package) fun set_heartbeat(position: &mut Position, ms: u64) {
    position.heartbeat_ms = ms;
}

/// The position stands behind this pass from here on, and behind no other.
public(package) fun set_pass(position: &mut Position, pass: ID, stake_min: u64) {
    position.pass = option::some(PassLien { pass, stake_min });
}

public(package) fun clear_pass(position: &mut Position) {
    position.pass = option::none();
}

/// Holds the stake until that vote has ended, so that it cannot move on and vote again.
public(package) fun hold_for_vote(position: &mut Position, until_ms: u64) {
    position.voting_until_ms = position.voting_until_ms.max(until_ms);
}

public(package) fun freeze_stake(position: &mut Position) {
    position.freezes = position.freezes + 1;
}

public(package) fun unfreeze_stake(position: &mut Position) {
    position.freezes = position.freezes - 1;
}

/// Takes up to `amount` into the treasury and returns how much that was.
public(package) fun take(
    position: &mut Position,
    cluster: &mut Cluster,
    amount: u64,
    reason: String,
): u64 {
    position.assert_cluster(cluster);
    assert_reason(&reason);
    let (active, unbonding) = position.values();
    let from_active = amount.min(active);
    let from_unbonding = (amount - from_active).min(unbonding);
    let taken = from_active + from_unbonding;
    assert!(taken > 0, ENothingToSlash);
    cluster.join_treasury(position.active.split(from_active));
    cluster.join_treasury(position.unbonding.split(from_unbonding));
    position.restate(cluster, active, unbonding);
    event::emit(Slashed {
        cluster: position.cluster,
        position: object::id(position),
        amount: taken,
        reason,
    });
    taken
}

// === Private functions ===

fun values(position: &Position): (u64, u64) {
    (position.active.value(), position.unbonding.value())
}

/// Tells the cluster what became of the two amounts.
fun restate(position: &Position, cluster: &mut Cluster, active: u64, unbonding: u64) {
    let (active_now, unbonding_now) = position.values();
    cluster.restate(active, unbonding, active_now, unbonding_now);
}

/// Neither an open vote nor a pending slash holds the stake.
fun assert_free(position: &Position, now_ms: u64) {
    assert!(position.freezes == 0, EFrozen);
    assert!(now_ms >= position.voting_until_ms, EVoting);
}

/// What remains is enough for the node and the pass that the position stands behind, and is no dust.
fun assert_may_remain(position: &Position, cluster: &Cluster, remaining: u64) {
    position.node.do_ref!(|name| {
        let claim = cluster.claim(*name);
        // All stake of a jailed node may leave: else the capability alone could hold it for ever.
        let quits = remaining == 0 && claim.claim_jailed();
        assert!(quits || remaining >= claim.claim_required(), EClaimNeedsStake);
    });
    position.pass.do_ref!(|lien| assert!(remaining >= lien.stake_min, EPassNeedsStake));
    assert!(remaining == 0 || remaining >= minimum(cluster, position.role), ERemainderBelowMinimum);
}
