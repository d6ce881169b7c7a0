#[test_only]
module k3s_daas::access_pass_tests;

use k3s_daas::access_pass::{Self, Pass};
use k3s_daas::cluster::{Self, Cluster, ClusterCap};
use k3s_daas::parameters;
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors as ids;
use k3s_daas::world::{Self, b, bytes, concat};
use std::string::String;
use std::unit_test::{assert_eq, destroy};
use sui::event;
use sui::test_scenario;

// A pass of 2 epochs, issued in epoch 7: good in epochs 7 and 8.
const EPOCH: u64 = 7;

/// A cluster with the tier gold, Alice's stake of 500 and her pass of 2 epochs.
public struct Scene {
    cluster: Cluster,
    cap: ClusterCap,
    position: Position,
    pass: Pass,
}

fun gold(): String { b"gold".to_string() }

fun dev(): String { b"dev".to_string() }

fun ops(): String { b"ops".to_string() }

fun key(): vector<u8> { bytes(7, 32) }

fun ctx(sender: address, epoch: u64, hint: u64): TxContext {
    tx_context::new_from_hint(sender, hint, epoch, 0, 0)
}

fun alice(epoch: u64): TxContext { ctx(world::alice(), epoch, 70) }

fun staked(amount: u64): (Cluster, ClusterCap, Position) {
    let (mut cluster, cap) = world::cluster();
    cluster.set_tier(&cap, gold(), parameters::new_tier(400, vector[dev()], 5));
    let position = world::position(&mut cluster, world::alice(), staking::role_user(), amount, 71);
    (cluster, cap, position)
}

fun issue(cluster: &Cluster, position: &mut Position, key: vector<u8>, epochs: u64): Pass {
    let ctx = &mut ctx(world::alice(), EPOCH, 72);
    access_pass::issue(cluster, position, gold(), key, epochs, ctx)
}

fun scene(): Scene {
    let (cluster, cap, mut position) = staked(500);
    let pass = issue(&cluster, &mut position, key(), 2);
    Scene { cluster, cap, position, pass }
}

fun renew(scene: &mut Scene, epochs: u64, epoch: u64) {
    let Scene { cluster, position, pass, .. } = scene;
    access_pass::renew(cluster, pass, position, epochs, &alice(epoch));
}

fun rotate(scene: &mut Scene, key: vector<u8>) {
    let Scene { cluster, position, pass, .. } = scene;
    access_pass::rotate(cluster, pass, position, key, &alice(EPOCH));
}

/// The tier as it is from now on.
fun set_tier(scene: &mut Scene, stake_min: u64, group: String, epochs_max: u64) {
    let Scene { cluster, cap, .. } = scene;
    cluster.set_tier(cap, gold(), parameters::new_tier(stake_min, vector[group], epochs_max));
}

fun revoke(scene: &mut Scene) {
    let Scene { cluster, cap, position, pass } = scene;
    access_pass::revoke(cluster, cap, pass, position);
}

fun slash(scene: &mut Scene, amount: u64) {
    let Scene { cluster, cap, position, .. } = scene;
    staking::slash(cluster, cap, position, amount, b"evidence".to_string());
}

fun unbond(scene: &mut Scene, amount: u64) {
    let Scene { cluster, position, .. } = scene;
    let clock = world::clock(world::now_ms());
    staking::request_unbond(cluster, position, amount, &clock, &alice(EPOCH));
    clock.destroy_for_testing();
}

/// As anybody, in that epoch.
fun validate(scene: &Scene, key: vector<u8>, epoch: u64): vector<String> {
    let Scene { cluster, position, pass, .. } = scene;
    access_pass::validate(cluster, pass, position, key, &ctx(world::bob(), epoch, 73))
}

fun end(scene: Scene) { destroy(scene) }

// === Issue ===

#[test]
fun a_new_pass() {
    let scene = scene();
    let pass = &scene.pass;
    assert_eq!(pass.cluster().to_bytes(), ids::ids_cluster());
    assert_eq!(pass.stake(), object::id(&scene.position));
    assert_eq!(pass.owner(), world::alice());
    assert_eq!(pass.tier(), gold());
    assert_eq!(pass.groups(), vector[dev()]);
    assert_eq!(pass.stake_min(), 400);
    assert_eq!(pass.key_hash(), key());
    assert_eq!(pass.serial(), 1);
    assert_eq!(pass.expires_epoch(), 9);
    assert!(!pass.is_revoked());
    assert_eq!(scene.position.pass(), option::some(object::id(pass)));
    scene.end();
}

/// The layout that sui/client parses, and that of the event.
#[test]
fun bytes_of_a_pass() {
    let scene = scene();
    let id = object::id(&scene.pass).to_bytes();
    let stake = object::id(&scene.position).to_bytes();
    let tier = x"04676f6c64";
    let groups = x"0103646576";
    let hash = concat(vector[x"20", key()]);
    let fields = concat(vector[
        id,
        ids::ids_cluster(),
        stake,
        b(world::alice()),
        tier,
        groups,
        b(400u64),
        hash,
        b(1u64),
        b(9u64),
        x"00",
    ]);
    assert_eq!(sui::bcs::to_bytes(&scene.pass), fields);
    let issued = concat(vector[
        x"01",
        ids::ids_cluster(),
        id,
        stake,
        b(world::alice()),
        tier,
        groups,
        hash,
        b(9u64),
    ]);
    assert_eq!(b(event::events_by_type<access_pass::PassIssued>()), issued);
    scene.end();
}

#[test]
fun stake_just_enough_and_the_longest_time() {
    let (cluster, cap, mut position) = staked(400);
    let pass = issue(&cluster, &mut position, key(), 5);
    assert_eq!(pass.expires_epoch(), 12);
    destroy(pass);
    destroy(position);
    destroy(cluster);
    destroy(cap);
}

#[test, expected_failure(abort_code = access_pass::EStakeTooSmall)]
fun stake_one_short() {
    let (cluster, _cap, mut position) = staked(399);
    let _pass = issue(&cluster, &mut position, key(), 1);
    abort
}

/// What is unbonding does not count.
#[test, expected_failure(abort_code = access_pass::EStakeTooSmall)]
fun stake_that_is_leaving() {
    let (mut cluster, _cap, mut position) = staked(500);
    let clock = world::clock(world::now_ms());
    staking::request_unbond(&mut cluster, &mut position, 101, &clock, &alice(EPOCH));
    let _pass = issue(&cluster, &mut position, key(), 1);
    abort
}

#[test, expected_failure(abort_code = access_pass::EEpochs)]
fun no_epochs() {
    let (cluster, _cap, mut position) = staked(500);
    let _pass = issue(&cluster, &mut position, key(), 0);
    abort
}

#[test, expected_failure(abort_code = access_pass::EEpochs)]
fun too_many_epochs() {
    let (cluster, _cap, mut position) = staked(500);
    let _pass = issue(&cluster, &mut position, key(), 6);
    abort
}

#[test, expected_failure(abort_code = access_pass::EKeyLength)]
fun key_too_short() {
    let (cluster, _cap, mut position) = staked(500);
    let _pass = issue(&cluster, &mut position, bytes(7, 31), 1);
    abort
}

#[test, expected_failure(abort_code = access_pass::EKeyLength)]
fun key_too_long() {
    let (cluster, _cap, mut position) = staked(500);
    let _pass = issue(&cluster, &mut position, bytes(7, 33), 1);
    abort
}

#[test, expected_failure(abort_code = access_pass::EPassHeld)]
fun a_second_pass_of_one_stake() {
    let mut scene = scene();
    let _pass = issue(&scene.cluster, &mut scene.position, key(), 1);
    abort
}

/// An expired one has to be given back first, too.
#[test, expected_failure(abort_code = access_pass::EPassHeld)]
fun a_second_pass_after_the_first_expired() {
    let mut scene = scene();
    let ctx = &mut alice(9);
    let _pass = access_pass::issue(&scene.cluster, &mut scene.position, gold(), key(), 1, ctx);
    abort
}

#[test, expected_failure(abort_code = cluster::ETierUnknown)]
fun tier_unknown() {
    let (cluster, _cap, mut position) = staked(500);
    let ctx = &mut alice(EPOCH);
    let name = b"silver".to_string();
    let _pass = access_pass::issue(&cluster, &mut position, name, key(), 1, ctx);
    abort
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun issue_on_anothers_stake() {
    let (cluster, _cap, mut position) = staked(500);
    let ctx = &mut ctx(world::bob(), EPOCH, 72);
    let _pass = access_pass::issue(&cluster, &mut position, gold(), key(), 1, ctx);
    abort
}

#[test]
fun a_pass_is_shared() {
    let Scene { cluster, cap, position, pass } = scene();
    let id = object::id(&pass);
    let mut scenario = test_scenario::begin(world::alice());
    access_pass::share(pass);
    scenario.next_tx(world::bob());
    let shared = scenario.take_shared<Pass>();
    assert_eq!(object::id(&shared), id);
    destroy(shared);
    scenario.end();
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

// === Renew ===

/// From the epoch of the renewal on, not from the old end.
#[test]
fun renewal() {
    let mut scene = scene();
    scene.renew(5, 8);
    assert_eq!(scene.pass.expires_epoch(), 13);
    let expected = concat(vector[
        x"01",
        ids::ids_cluster(),
        object::id(&scene.pass).to_bytes(),
        x"0103646576",
        b(13u64),
    ]);
    assert_eq!(b(event::events_by_type<access_pass::PassRenewed>()), expected);
    scene.end();
}

#[test]
fun renewal_after_expiry() {
    let mut scene = scene();
    scene.renew(1, 100);
    assert_eq!(scene.validate(key(), 100), vector[dev()]);
    scene.end();
}

#[test, expected_failure(abort_code = access_pass::EEpochs)]
fun renewal_for_too_long() {
    let mut scene = scene();
    scene.renew(6, EPOCH);
    abort
}

#[test, expected_failure(abort_code = access_pass::EEpochs)]
fun renewal_for_nothing() {
    let mut scene = scene();
    scene.renew(0, EPOCH);
    abort
}

/// What the tier is now holds only from the renewal on.
#[test]
fun tier_changed() {
    let mut scene = scene();
    scene.set_tier(450, ops(), 1);
    assert_eq!(scene.validate(key(), EPOCH), vector[dev()]);
    scene.renew(1, EPOCH);
    assert_eq!(scene.validate(key(), EPOCH), vector[ops()]);
    assert_eq!(scene.pass.stake_min(), 450);
    scene.unbond(50);
    scene.end();
}

#[test, expected_failure(abort_code = staking::EPassNeedsStake)]
fun the_renewed_pass_needs_more_stake() {
    let mut scene = scene();
    scene.set_tier(450, ops(), 1);
    scene.renew(1, EPOCH);
    scene.unbond(51);
    abort
}

#[test, expected_failure(abort_code = access_pass::EStakeTooSmall)]
fun renewal_when_the_tier_asks_for_more() {
    let mut scene = scene();
    scene.set_tier(501, dev(), 5);
    scene.renew(1, EPOCH);
    abort
}

#[test, expected_failure(abort_code = access_pass::EEpochs)]
fun renewal_when_the_tier_lasts_less() {
    let mut scene = scene();
    scene.set_tier(400, dev(), 1);
    scene.renew(2, EPOCH);
    abort
}

#[test, expected_failure(abort_code = cluster::ETierUnknown)]
fun renewal_when_the_tier_is_gone() {
    let mut scene = scene();
    let Scene { cluster, cap, .. } = &mut scene;
    cluster.remove_tier(cap, gold());
    scene.renew(1, EPOCH);
    abort
}

#[test, expected_failure(abort_code = access_pass::EStakeTooSmall)]
fun renewal_after_a_slash() {
    let mut scene = scene();
    scene.slash(101);
    scene.renew(1, EPOCH);
    abort
}

#[test, expected_failure(abort_code = access_pass::ERevoked)]
fun renewal_after_revocation() {
    let mut scene = scene();
    scene.revoke();
    scene.renew(1, EPOCH);
    abort
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun renewal_by_another() {
    let mut scene = scene();
    let Scene { cluster, position, pass, .. } = &mut scene;
    access_pass::renew(cluster, pass, position, 1, &ctx(world::bob(), EPOCH, 74));
    abort
}

// === Rotate ===

#[test]
fun rotation() {
    let mut scene = scene();
    scene.rotate(bytes(8, 32));
    assert_eq!(scene.pass.serial(), 2);
    assert_eq!(scene.validate(bytes(8, 32), EPOCH), vector[dev()]);
    assert_eq!(scene.pass.expires_epoch(), 9);
    let expected = concat(vector[
        x"01",
        ids::ids_cluster(),
        object::id(&scene.pass).to_bytes(),
        b(2u64),
        x"20",
        bytes(8, 32),
    ]);
    assert_eq!(b(event::events_by_type<access_pass::PassRotated>()), expected);
    scene.end();
}

#[test, expected_failure(abort_code = access_pass::EWrongKey)]
fun the_old_key() {
    let mut scene = scene();
    scene.rotate(bytes(8, 32));
    scene.validate(key(), EPOCH);
    abort
}

#[test, expected_failure(abort_code = access_pass::EKeyLength)]
fun rotation_to_a_short_key() {
    let mut scene = scene();
    scene.rotate(bytes(8, 31));
    abort
}

#[test, expected_failure(abort_code = access_pass::ERevoked)]
fun rotation_after_revocation() {
    let mut scene = scene();
    scene.revoke();
    scene.rotate(bytes(8, 32));
    abort
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun rotation_by_another() {
    let mut scene = scene();
    let Scene { cluster, position, pass, .. } = &mut scene;
    access_pass::rotate(cluster, pass, position, key(), &ctx(world::bob(), EPOCH, 74));
    abort
}

// === Revoke ===

#[test]
fun revocation() {
    let mut scene = scene();
    scene.revoke();
    assert!(scene.pass.is_revoked());
    let pass = object::id(&scene.pass).to_bytes();
    let expected = concat(vector[x"01", ids::ids_cluster(), pass]);
    assert_eq!(b(event::events_by_type<access_pass::PassRevoked>()), expected);
    // It takes no stake.
    assert_eq!(scene.position.active_value(), 500);
    scene.end();
}

#[test, expected_failure(abort_code = access_pass::ERevoked)]
fun revocation_again() {
    let mut scene = scene();
    scene.revoke();
    scene.revoke();
    abort
}

#[test, expected_failure(abort_code = access_pass::EWrongStake)]
fun revocation_with_another_stake() {
    let mut scene = scene();
    let Scene { cluster, cap, pass, .. } = &mut scene;
    let mut another = world::position(cluster, world::bob(), staking::role_user(), 500, 75);
    access_pass::revoke(cluster, cap, pass, &mut another);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongCap)]
fun revocation_with_another_clusters_cap() {
    let mut scene = scene();
    let (_other, foreign) = world::other_cluster();
    let Scene { cluster, position, pass, .. } = &mut scene;
    access_pass::revoke(cluster, &foreign, pass, position);
    abort
}

/// Or revocation would last until the owner's next transaction.
#[test, expected_failure(abort_code = access_pass::EPassHeld)]
fun another_pass_after_revocation() {
    let mut scene = scene();
    scene.revoke();
    let _pass = issue(&scene.cluster, &mut scene.position, key(), 1);
    abort
}

#[test, expected_failure(abort_code = access_pass::EStillStaked)]
fun giving_a_revoked_pass_back() {
    let mut scene = scene();
    scene.revoke();
    let Scene { cluster, cap: _cap, mut position, pass } = scene;
    access_pass::give_back(&cluster, pass, &mut position, &alice(EPOCH));
    abort
}

#[test, expected_failure(abort_code = access_pass::EStillStaked)]
fun giving_a_revoked_pass_back_with_a_little_stake() {
    let mut scene = scene();
    scene.revoke();
    scene.slash(499);
    let Scene { cluster, cap: _cap, mut position, pass } = scene;
    access_pass::give_back(&cluster, pass, &mut position, &alice(EPOCH));
    abort
}

/// Revocation does not hold the stake: it may leave, and then the pass may.
#[test]
fun leaving_after_revocation() {
    let mut scene = scene();
    scene.revoke();
    scene.unbond(500);
    let Scene { cluster, cap, mut position, pass } = scene;
    access_pass::give_back(&cluster, pass, &mut position, &alice(EPOCH));
    assert_eq!(position.pass(), option::none());
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

// === Give back ===

#[test]
fun giving_back() {
    let Scene { cluster, cap, mut position, pass } = scene();
    let id = object::id(&pass).to_bytes();
    access_pass::give_back(&cluster, pass, &mut position, &alice(EPOCH));
    assert_eq!(position.pass(), option::none());
    let expected = concat(vector[x"01", ids::ids_cluster(), id]);
    assert_eq!(b(event::events_by_type<access_pass::PassReturned>()), expected);
    // The stake may stand behind another now.
    let ctx = &mut ctx(world::alice(), EPOCH, 76);
    let next = access_pass::issue(&cluster, &mut position, gold(), key(), 1, ctx);
    destroy(next);
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test]
fun giving_an_expired_pass_back() {
    let Scene { cluster, cap, mut position, pass } = scene();
    access_pass::give_back(&cluster, pass, &mut position, &alice(1_000));
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun giving_anothers_back() {
    let Scene { cluster, cap: _cap, mut position, pass } = scene();
    let ctx = &ctx(world::bob(), EPOCH, 74);
    access_pass::give_back(&cluster, pass, &mut position, ctx);
    abort
}

/// Alice has two stakes: the lien is on the other one.
#[test, expected_failure(abort_code = access_pass::EWrongStake)]
fun giving_back_with_another_stake() {
    let Scene { mut cluster, cap: _cap, position: _position, pass } = scene();
    let role = staking::role_user();
    let mut another = world::position(&mut cluster, world::alice(), role, 500, 75);
    access_pass::give_back(&cluster, pass, &mut another, &alice(EPOCH));
    abort
}

// === Lien ===

#[test]
fun stake_that_the_pass_does_not_need_may_leave() {
    let mut scene = scene();
    scene.unbond(100);
    assert_eq!(scene.validate(key(), EPOCH), vector[dev()]);
    scene.end();
}

#[test, expected_failure(abort_code = staking::EPassNeedsStake)]
fun stake_that_the_pass_needs_may_not_leave() {
    let mut scene = scene();
    scene.unbond(101);
    abort
}

#[test, expected_failure(abort_code = staking::EPassNeedsStake)]
fun all_stake_may_not_leave() {
    let mut scene = scene();
    scene.unbond(500);
    abort
}

// === Validate ===

#[test]
fun first_and_last_epoch() {
    let scene = scene();
    assert_eq!(scene.validate(key(), 7), vector[dev()]);
    assert_eq!(scene.validate(key(), 8), vector[dev()]);
    scene.end();
}

#[test, expected_failure(abort_code = access_pass::EExpired)]
fun expired() {
    let scene = scene();
    scene.validate(key(), 9);
    abort
}

#[test, expected_failure(abort_code = access_pass::ERevoked)]
fun revoked() {
    let mut scene = scene();
    scene.revoke();
    scene.validate(key(), EPOCH);
    abort
}

#[test, expected_failure(abort_code = access_pass::EWrongKey)]
fun another_key() {
    let scene = scene();
    scene.validate(bytes(8, 32), EPOCH);
    abort
}

#[test]
fun slashed_to_just_enough() {
    let mut scene = scene();
    scene.slash(100);
    assert_eq!(scene.validate(key(), EPOCH), vector[dev()]);
    scene.end();
}

#[test, expected_failure(abort_code = access_pass::EStakeTooSmall)]
fun slashed_below_the_tier() {
    let mut scene = scene();
    scene.slash(101);
    scene.validate(key(), EPOCH);
    abort
}

/// 399 are active and 100 unbonding.
#[test, expected_failure(abort_code = access_pass::EStakeTooSmall)]
fun slashed_below_the_tier_while_some_leaves() {
    let mut scene = scene();
    scene.unbond(100);
    scene.slash(1);
    scene.validate(key(), EPOCH);
    abort
}

/// A rich stake is shown for the poor one behind the pass.
#[test, expected_failure(abort_code = access_pass::EWrongStake)]
fun another_stake_shown() {
    let mut scene = scene();
    let Scene { cluster, pass, .. } = &mut scene;
    let rich = world::position(cluster, world::bob(), staking::role_user(), 1_000_000, 75);
    access_pass::validate(cluster, pass, &rich, key(), &alice(EPOCH));
    abort
}

// === Versions of the package ===

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun issue_on_another_version() {
    let (mut cluster, _cap, mut position) = staked(500);
    cluster.set_version_for_testing(2);
    let _pass = issue(&cluster, &mut position, key(), 1);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun renew_on_another_version() {
    let mut scene = scene();
    scene.cluster.set_version_for_testing(2);
    scene.renew(1, EPOCH);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun rotate_on_another_version() {
    let mut scene = scene();
    scene.cluster.set_version_for_testing(2);
    scene.rotate(key());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun revoke_on_another_version() {
    let mut scene = scene();
    scene.cluster.set_version_for_testing(2);
    scene.revoke();
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun give_back_on_another_version() {
    let Scene { mut cluster, cap: _cap, mut position, pass } = scene();
    cluster.set_version_for_testing(2);
    access_pass::give_back(&cluster, pass, &mut position, &alice(EPOCH));
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun validate_on_another_version() {
    let mut scene = scene();
    scene.cluster.set_version_for_testing(2);
    scene.validate(key(), EPOCH);
    abort
}
