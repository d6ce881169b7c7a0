/// Stake positions. A position is shared and cannot change hands: its owner is the address that
/// staked. Balances leave it in two ways only: to its owner after the unbonding delay, or slashed
/// into the cluster's treasury.
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
/// The position holds a node claim, which needs more than what would remain. Leave the node first.
const EClaimNeedsStake: u64 = 7;
/// Nothing is unbonding.
const ENothingUnbonding: u64 = 8;
/// The unbonding delay has not passed.
const EStillUnbonding: u64 = 9;
/// The position is empty, or the amount is zero.
const ENothingToSlash: u64 = 10;
/// A reason has 1 to 256 bytes.
const EReasonLength: u64 = 11;

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
    /// Name of the node that the position stands behind (`nodes`).
    node: Option<String>,
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

// === Public functions ===

/// Stakes a coin for the sender. The position has no `store` and no `drop`: pass it to `share`.
public fun stake(
    cluster: &Cluster,
    coin: Coin<SUI>,
    role: u8,
    ctx: &mut TxContext,
): Position {
    cluster.assert_version();
    let amount = coin.value();
    assert!(amount >= minimum(cluster, role), EBelowMinimum);
    let position = Position {
        id: object::new(ctx),
        cluster: object::id(cluster),
        owner: ctx.sender(),
        role,
        active: coin.into_balance(),
        unbonding: balance::zero(),
        unbonding_until_ms: 0,
        node: option::none(),
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

#[allow(lint(share_owned))]
public fun share(position: Position) {
    transfer::share_object(position);
}

/// Adds to a position's active stake; anyone may.
public fun top_up(position: &mut Position, coin: Coin<SUI>) {
    let amount = coin.value();
    assert!(amount > 0, EZeroAmount);
    position.active.join(coin.into_balance());
    event::emit(ToppedUp { cluster: position.cluster, position: object::id(position), amount });
}

/// Moves stake from active to unbonding. A second request restarts the delay for all that is unbonding.
public fun request_unbond(
    cluster: &Cluster,
    position: &mut Position,
    amount: u64,
    clock: &Clock,
    ctx: &TxContext,
) {
    cluster.assert_version();
    position.assert_cluster(cluster);
    position.assert_owner(ctx);
    assert!(amount > 0, EZeroAmount);
    assert!(amount <= position.active.value(), EAmountTooLarge);
    let remaining = position.active.value() - amount;
    if (position.node.is_some()) {
        let required = cluster.claim(*position.node.borrow()).claim_required();
        assert!(remaining >= required, EClaimNeedsStake);
    } else {
        assert!(remaining == 0 || remaining >= minimum(cluster, position.role), ERemainderBelowMinimum);
    };
    position.unbonding.join(position.active.split(amount));
    position.unbonding_until_ms = clock.timestamp_ms() + cluster.stakes().unbonding_ms();
    event::emit(UnbondRequested {
        cluster: position.cluster,
        position: object::id(position),
        amount,
        until_ms: position.unbonding_until_ms,
    });
}

/// Pays out all that has finished unbonding.
public fun withdraw(position: &mut Position, clock: &Clock, ctx: &mut TxContext): Coin<SUI> {
    position.assert_owner(ctx);
    let amount = position.unbonding.value();
    assert!(amount > 0, ENothingUnbonding);
    assert!(clock.timestamp_ms() >= position.unbonding_until_ms, EStillUnbonding);
    event::emit(Withdrawn { cluster: position.cluster, position: object::id(position), amount });
    position.unbonding.withdraw_all().into_coin(ctx)
}

/// Takes up to `amount` into the treasury: from active, then from unbonding, so that leaving escapes nothing.
public fun slash(
    cluster: &mut Cluster,
    cap: &ClusterCap,
    position: &mut Position,
    amount: u64,
    reason: String,
) {
    cluster.assert_cap(cap);
    position.assert_cluster(cluster);
    assert!(!reason.is_empty() && reason.length() <= REASON_BYTES_MAX, EReasonLength);
    let from_active = amount.min(position.active.value());
    let from_unbonding = (amount - from_active).min(position.unbonding.value());
    let taken = from_active + from_unbonding;
    assert!(taken > 0, ENothingToSlash);
    cluster.join_treasury(position.active.split(from_active));
    cluster.join_treasury(position.unbonding.split(from_unbonding));
    event::emit(Slashed {
        cluster: position.cluster,
        position: object::id(position),
        amount: taken,
        reason,
    });
}

// === Views ===

public fun role_user(): u8 { ROLE_USER }

public fun role_node(): u8 { ROLE_NODE }

public fun role_admin(): u8 { ROLE_ADMIN }

/// Least stake of a role, in MIST.
public fun minimum(cluster: &Cluster, role: u8): u64 {
    let stakes = cluster.stakes();
    if (role == ROLE_USER) stakes.user_min()
    else if (role == ROLE_NODE) stakes.node_min()
    else if (role == ROLE_ADMIN) stakes.admin_min()
    else abort ERoleUnknown
}

public fun cluster(position: &Position): ID { position.cluster }

public fun owner(position: &Position): address { position.owner }

public fun role(position: &Position): u8 { position.role }

public fun active_value(position: &Position): u64 { position.active.value() }

public fun unbonding_value(position: &Position): u64 { position.unbonding.value() }

public fun unbonding_until_ms(position: &Position): u64 { position.unbonding_until_ms }

public fun node(position: &Position): Option<String> { position.node }

// === Package functions ===

public(package) fun assert_cluster(position: &Position, cluster: &Cluster) {
    assert!(position.cluster == object::id(cluster), EWrongCluster);
}

public(package) fun assert_owner(position: &Position, ctx: &TxContext) {
    assert!(position.owner == ctx.sender(), ENotOwner);
}

public(package) fun bind(position: &mut Position, name: String) {
    position.node.fill(name);
}

public(package) fun unbind(position: &mut Position): String {
    position.node.extract()
}
