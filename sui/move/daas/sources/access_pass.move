/// Passes for people. Whoever stakes enough for a tier may be issued a pass: it names the key that its
/// holder authenticates with and the Kubernetes groups of the tier. It lasts some epochs, its key can
/// be rotated, and the operator can revoke it. The stake behind it cannot leave before it is returned;
/// a revoked pass cannot be returned before its stake has left, or the next one could be had at once.
module k3s_daas::access_pass;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::parameters::Tier;
use k3s_daas::staking::Position;
use std::string::String;
use sui::event;

// === Errors ===

/// The pass belongs to another cluster.
const EWrongCluster: u64 = 0;
/// The pass stands on another stake.
const EWrongStake: u64 = 1;
/// The stake stands behind a pass already.
const EPassHeld: u64 = 2;
/// The active stake is smaller than the tier asks for.
const EStakeTooSmall: u64 = 3;
/// A pass lasts from one epoch to as many as its tier allows.
const EEpochs: u64 = 4;
/// A key's hash has 32 bytes.
const EKeyLength: u64 = 5;
/// The pass was revoked.
const ERevoked: u64 = 6;
/// The pass has expired.
const EExpired: u64 = 7;
/// The key is not the pass's, or not any more.
const EWrongKey: u64 = 8;
/// A revoked pass is given back only when none of its stake is active any more.
const EStillStaked: u64 = 9;

// === Constants ===

const KEY_HASH_BYTES: u64 = 32;

// === Structs ===

public struct Pass has key {
    id: UID,
    cluster: ID,
    stake: ID,
    owner: address,
    tier: String,
    groups: vector<String>,
    stake_min: u64,
    /// SHA-256 of the SubjectPublicKeyInfo of the key that the holder authenticates with.
    key_hash: vector<u8>,
    /// Counts the keys, from 1.
    serial: u64,
    /// The pass is good before this epoch.
    expires_epoch: u64,
    revoked: bool,
}

// === Events ===

public struct PassIssued has copy, drop {
    cluster: ID,
    pass: ID,
    stake: ID,
    owner: address,
    tier: String,
    groups: vector<String>,
    key_hash: vector<u8>,
    expires_epoch: u64,
}

public struct PassRenewed has copy, drop {
    cluster: ID,
    pass: ID,
    groups: vector<String>,
    expires_epoch: u64,
}

public struct PassRotated has copy, drop {
    cluster: ID,
    pass: ID,
    serial: u64,
    key_hash: vector<u8>,
}

public struct PassRevoked has copy, drop {
    cluster: ID,
    pass: ID,
}

public struct PassReturned has copy, drop {
    cluster: ID,
    pass: ID,
}

// === Public functions ===

/// Issues the sender a pass of a tier that its stake is enough for. The pass has no `store` and no
/// `drop`: pass it to `share`.
public fun issue(
    cluster: &Cluster,
    position: &mut Position,
    tier: String,
    key_hash: vector<u8>,
    epochs: u64,
    ctx: &mut TxContext,
): Pass {
    cluster.assert_version();
    position.assert_cluster(cluster);
    position.assert_owner(ctx);
    assert!(position.pass().is_none(), EPassHeld);
    assert!(key_hash.length() == KEY_HASH_BYTES, EKeyLength);
    let terms = cluster.tier(tier);
    assert_terms(&terms, position, epochs);
    let pass = Pass {
        id: object::new(ctx),
        cluster: object::id(cluster),
        stake: object::id(position),
        owner: ctx.sender(),
        tier,
        groups: terms.tier_groups(),
        stake_min: terms.tier_stake_min(),
        key_hash,
        serial: 1,
        expires_epoch: ctx.epoch() + epochs,
        revoked: false,
    };
    position.set_pass(object::id(&pass), pass.stake_min);
    event::emit(PassIssued {
        cluster: pass.cluster,
        pass: object::id(&pass),
        stake: pass.stake,
        owner: pass.owner,
        tier,
        groups: pass.groups,
        key_hash,
        expires_epoch: pass.expires_epoch,
    });
    pass
}

#[allow(lint(share_owned))]
public fun share(pass: Pass) {
    transfer::share_object(pass);
}

/// Makes a pass last `epochs` from now, on the tier's terms of now.
public fun renew(
    cluster: &Cluster,
    pass: &mut Pass,
    position: &mut Position,
    epochs: u64,
    ctx: &TxContext,
) {
    pass.assert_owned(cluster, position, ctx);
    assert!(!pass.revoked, ERevoked);
    let terms = cluster.tier(pass.tier);
    assert_terms(&terms, position, epochs);
    pass.groups = terms.tier_groups();
    pass.stake_min = terms.tier_stake_min();
    pass.expires_epoch = ctx.epoch() + epochs;
    position.set_pass(object::id(pass), pass.stake_min);
    event::emit(PassRenewed {
        cluster: pass.cluster,
        pass: object::id(pass),
        groups: pass.groups,
        expires_epoch: pass.expires_epoch,
    });
}

/// Puts another key in the place of the old one.
public fun rotate(
    cluster: &Cluster,
    pass: &mut Pass,
    position: &Position,
    key_hash: vector<u8>,
    ctx: &TxContext,
) {
    pass.assert_owned(cluster, position, ctx);
    assert!(!pass.revoked, ERevoked);
    assert!(key_hash.length() == KEY_HASH_BYTES, EKeyLength);
    pass.key_hash = key_hash;
    pass.serial = pass.serial + 1;
    event::emit(PassRotated {
        cluster: pass.cluster,
        pass: object::id(pass),
        serial: pass.serial,
        key_hash,
    });
}

/// Ends a pass for good. Takes no stake, and lets all of it leave; but as long as any is active it can
/// have no other pass.
public fun revoke(cluster: &Cluster, cap: &ClusterCap, pass: &mut Pass, position: &mut Position) {
    cluster.assert_cap(cap);
    pass.assert_stake(cluster, position);
    assert!(!pass.revoked, ERevoked);
    pass.revoked = true;
    position.set_pass(object::id(pass), 0);
    event::emit(PassRevoked { cluster: pass.cluster, pass: object::id(pass) });
}

/// Deletes a pass, expired ones too, and frees the stake behind it. A revoked one only once that has
/// left, or giving back and asking again would undo the revocation.
public fun give_back(cluster: &Cluster, pass: Pass, position: &mut Position, ctx: &TxContext) {
    pass.assert_owned(cluster, position, ctx);
    assert!(!pass.revoked || position.active_value() == 0, EStillStaked);
    position.clear_pass();
    let Pass { id, cluster, .. } = pass;
    event::emit(PassReturned { cluster, pass: id.to_inner() });
    id.delete();
}

// === Views ===

/// The groups that the holder of this key has now. Aborts with what is wrong with the pass.
public fun validate(
    cluster: &Cluster,
    pass: &Pass,
    position: &Position,
    key_hash: vector<u8>,
    ctx: &TxContext,
): vector<String> {
    pass.assert_stake(cluster, position);
    assert!(!pass.revoked, ERevoked);
    assert!(ctx.epoch() < pass.expires_epoch, EExpired);
    assert!(pass.key_hash == key_hash, EWrongKey);
    assert!(position.active_value() >= pass.stake_min, EStakeTooSmall);
    pass.groups
}

public fun cluster(pass: &Pass): ID { pass.cluster }

public fun stake(pass: &Pass): ID { pass.stake }

public fun owner(pass: &Pass): address { pass.owner }

public fun tier(pass: &Pass): String { pass.tier }

public fun groups(pass: &Pass): vector<String> { pass.groups }

public fun stake_min(pass: &Pass): u64 { pass.stake_min }

public fun key_hash(pass: &Pass): vector<u8> { pass.key_hash }

public fun serial(pass: &Pass): u64 { pass.serial }

public fun expires_epoch(pass: &Pass): u64 { pass.expires_epoch }

public fun is_revoked(pass: &Pass): bool { pass.revoked }

// === Private functions ===

fun assert_terms(terms: &Tier, position: &Position, epochs: u64) {
    assert!(position.active_value() >= terms.tier_stake_min(), EStakeTooSmall);
    assert!(epochs > 0 && epochs <= terms.tier_epochs_max(), EEpochs);
}

fun assert_stake(pass: &Pass, cluster: &Cluster, position: &Position) {
    cluster.assert_version();
    assert!(pass.cluster == object::id(cluster), EWrongCluster);
    position.assert_cluster(cluster);
    assert!(pass.stake == object::id(position), EWrongStake);
}

fun assert_owned(pass: &Pass, cluster: &Cluster, position: &Position, ctx: &TxContext) {
    pass.assert_stake(cluster, position);
    position.assert_owner(ctx);
}
