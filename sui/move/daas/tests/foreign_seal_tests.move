/// As `foreign_tests`, for releases, policies, grants and passes: nothing of one cluster counts in
/// another.
#[test_only]
module k3s_daas::foreign_seal_tests;

use k3s_daas::access_pass::{Self, Pass};
use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::decisions;
use k3s_daas::enclaves;
use k3s_daas::parameters;
use k3s_daas::release_vectors as vectors;
use k3s_daas::releases;
use k3s_daas::seal_policy::{Self, AccessGrant, Policy};
use k3s_daas::seal_world::{Self, Scene, draft, recipient, scene};
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors as ids;
use k3s_daas::world;

fun now(): u64 { world::now_ms() }

fun owner(): TxContext { world::tx(seal_world::owner(), 55) }

/// A scene of one cluster, and another cluster whose config 1 has the same PCRs.
fun apart(): (Scene, Cluster, ClusterCap) {
    let (other, other_cap) = world::other_cluster();
    (scene(draft()), other, other_cap)
}

fun granted(): (Scene, AccessGrant, Cluster, ClusterCap) {
    let (mut scene, other, other_cap) = apart();
    let grant = scene.request(seal_world::bind());
    (scene, grant, other, other_cap)
}

// === Receipt and release ===

#[test, expected_failure(abort_code = decisions::EWrongCluster)]
fun receipt_request_access() {
    let mut scene = scene(draft());
    let papers = seal_world::papers(
        ids::messages_other_cluster_message(),
        ids::messages_other_cluster_signature(),
        vectors::releases_bind_message(),
        vectors::releases_bind_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

#[test, expected_failure(abort_code = releases::EWrongCluster)]
fun release_request_access() {
    let mut scene = scene(draft());
    let papers = seal_world::released(
        vectors::releases_other_cluster_message(),
        vectors::releases_other_cluster_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

// === Policy ===

#[test, expected_failure(abort_code = seal_policy::EWrongCluster)]
fun policy_set_terms() {
    let (scene, other, _other_cap) = apart();
    let (_cluster, _cap, _session, _position, mut policy) = scene.parts();
    let terms = draft().configs(vector[1]).terms();
    seal_policy::set_terms(&other, &mut policy, terms, &owner());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongCluster)]
fun policy_rotate() {
    let (scene, other, _other_cap) = apart();
    let (_cluster, _cap, _session, _position, mut policy) = scene.parts();
    seal_policy::rotate(&other, &mut policy, &owner());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongCluster)]
fun policy_retire_versions() {
    let (mut scene, other, _other_cap) = apart();
    scene.rotate();
    let (_cluster, _cap, _session, _position, mut policy) = scene.parts();
    seal_policy::retire_versions(&other, &mut policy, 2, &owner());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongCluster)]
fun policy_revoke_grants() {
    let (scene, other, _other_cap) = apart();
    let (_cluster, _cap, _session, _position, mut policy) = scene.parts();
    seal_policy::revoke_grants(&other, &mut policy, &owner());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongCluster)]
fun policy_recover() {
    let (scene, other, _other_cap) = apart();
    let _grant = seal_world::recover_with(&other, scene.policy(), seal_world::owner());
    abort
}

fun request(
    cluster: &Cluster,
    session: &enclaves::Session,
    mut policy: Policy,
    position: &Position,
) {
    let _grant = seal_world::request_with(
        cluster,
        session,
        &mut policy,
        position,
        seal_world::bind(),
        recipient(),
        now(),
    );
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongCluster)]
fun policy_request_access() {
    let (scene, other, _other_cap) = apart();
    let (cluster, _cap, session, position, _policy) = scene.parts();
    request(&cluster, &session, seal_world::other_policy(&other, world::bob()), &position);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongCluster)]
fun policy_seal_approve() {
    let (scene, grant, other, _other_cap) = granted();
    let foreign = seal_world::other_policy(&other, seal_world::owner());
    seal_world::approve_with(
        vectors::identities_version1(),
        &grant,
        scene.cluster(),
        &foreign,
        scene.session(),
        scene.position(),
        recipient(),
        now(),
    );
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongCluster)]
fun policy_seal_approve_recovery() {
    let (scene, other, _other_cap) = apart();
    let grant = scene.recover(seal_world::owner());
    seal_world::approve_recovery_with(
        vectors::identities_version1(),
        &grant,
        &other,
        scene.policy(),
        seal_world::owner(),
        now(),
    );
    abort
}

// === Grant ===

/// Everything shown is of the other cluster, the grant is not.
#[test, expected_failure(abort_code = seal_policy::EWrongCluster)]
fun grant_seal_approve() {
    let (scene, grant, other, other_cap) = granted();
    let policy = seal_world::other_policy(&other, seal_world::owner());
    let session = seal_world::session_of(&other, &other_cap, 1, 60);
    seal_world::approve_with(
        vectors::identities_other_cluster(),
        &grant,
        &other,
        &policy,
        &session,
        scene.position(),
        recipient(),
        now(),
    );
    abort
}

/// Both policies have the same owner.
#[test, expected_failure(abort_code = seal_policy::EWrongPolicy)]
fun recovery_grant_seal_approve() {
    let (scene, other, _other_cap) = apart();
    let policy = seal_world::other_policy(&other, seal_world::owner());
    let grant = scene.recover(seal_world::owner());
    seal_world::approve_recovery_with(
        vectors::identities_other_cluster(),
        &grant,
        &other,
        &policy,
        seal_world::owner(),
        now(),
    );
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_seal_approve() {
    let (scene, grant, _other, _other_cap) = granted();
    scene.approve_id(&grant, vectors::identities_other_cluster());
    abort
}

// === Session, stake and claim ===

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun session_request_access() {
    let (scene, other, other_cap) = apart();
    let foreign = seal_world::session_of(&other, &other_cap, 1, 60);
    let (cluster, _cap, _session, position, policy) = scene.parts();
    request(&cluster, &foreign, policy, &position);
    abort
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun session_seal_approve() {
    let (scene, grant, other, other_cap) = granted();
    let foreign = seal_world::session_of(&other, &other_cap, 1, 60);
    seal_world::approve_with(
        vectors::identities_version1(),
        &grant,
        scene.cluster(),
        scene.policy(),
        &foreign,
        scene.position(),
        recipient(),
        now(),
    );
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_request_access() {
    let (scene, mut other, _other_cap) = apart();
    let foreign = world::other_stake(&mut other, 5_000);
    let (cluster, _cap, session, _position, policy) = scene.parts();
    request(&cluster, &session, policy, &foreign);
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_seal_approve() {
    let (scene, grant, mut other, _other_cap) = granted();
    let foreign = world::other_stake(&mut other, 5_000);
    seal_world::approve_with(
        vectors::identities_version1(),
        &grant,
        scene.cluster(),
        scene.policy(),
        scene.session(),
        &foreign,
        recipient(),
        now(),
    );
    abort
}

/// The name is claimed in the other cluster only, by the same key.
#[test, expected_failure(abort_code = seal_policy::ENodeGone)]
fun claim_seal_approve() {
    let (mut scene, grant, mut other, _other_cap) = granted();
    scene.leave();
    let mut foreign = world::position(&mut other, world::alice(), 1, 5_000, 61);
    let clock = world::clock(now());
    other.add_claim(
        world::first_name(),
        object::id(&foreign),
        world::alice(),
        ids::keys_node(),
        ids::claims_first_csr_key_hash(),
        4_000,
        8_192,
        2_800,
        now(),
    );
    clock.destroy_for_testing();
    foreign.bind(world::first_name());
    scene.approve(&grant);
    abort
}

// === Pass ===

/// A cluster with its capability and a tier, a stake of Alice's there, and her stake and pass in
/// another.
fun with_foreign_pass(): (Cluster, ClusterCap, Position, Position, Pass) {
    let (mut cluster, cap) = world::cluster();
    let (mut other, other_cap) = world::other_cluster();
    let tier = parameters::new_tier(100, vector[b"dev".to_string()], 5);
    cluster.set_tier(&cap, b"gold".to_string(), tier);
    other.set_tier(&other_cap, b"gold".to_string(), tier);
    let mine = world::position(&mut other, world::alice(), 0, 500, 62);
    let mut theirs = world::position(&mut cluster, world::alice(), 0, 500, 63);
    let ctx = &mut world::tx(world::alice(), 64);
    let name = b"gold".to_string();
    let pass = access_pass::issue(&cluster, &mut theirs, name, world::bytes(7, 32), 1, ctx);
    std::unit_test::destroy(cluster);
    std::unit_test::destroy(cap);
    (other, other_cap, mine, theirs, pass)
}

fun alice(): TxContext { world::tx(world::alice(), 65) }

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_issue() {
    let (cluster, _cap, _mine, mut theirs, _pass) = with_foreign_pass();
    let name = b"gold".to_string();
    let ctx = &mut alice();
    let _pass = access_pass::issue(&cluster, &mut theirs, name, world::bytes(7, 32), 1, ctx);
    abort
}

#[test, expected_failure(abort_code = access_pass::EWrongCluster)]
fun pass_renew() {
    let (cluster, _cap, _mine, mut theirs, mut pass) = with_foreign_pass();
    access_pass::renew(&cluster, &mut pass, &mut theirs, 1, &alice());
    abort
}

#[test, expected_failure(abort_code = access_pass::EWrongCluster)]
fun pass_rotate() {
    let (cluster, _cap, _mine, theirs, mut pass) = with_foreign_pass();
    access_pass::rotate(&cluster, &mut pass, &theirs, world::bytes(8, 32), &alice());
    abort
}

#[test, expected_failure(abort_code = access_pass::EWrongCluster)]
fun pass_revoke() {
    let (cluster, cap, _mine, mut theirs, mut pass) = with_foreign_pass();
    access_pass::revoke(&cluster, &cap, &mut pass, &mut theirs);
    abort
}

#[test, expected_failure(abort_code = access_pass::EWrongCluster)]
fun pass_give_back() {
    let (cluster, _cap, _mine, mut theirs, pass) = with_foreign_pass();
    access_pass::give_back(&cluster, pass, &mut theirs, &alice());
    abort
}

#[test, expected_failure(abort_code = access_pass::EWrongCluster)]
fun pass_validate() {
    let (cluster, _cap, _mine, theirs, pass) = with_foreign_pass();
    access_pass::validate(&cluster, &pass, &theirs, world::bytes(7, 32), &alice());
    abort
}

/// The pass is of the cluster, but the stake is not.
#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun position_validate() {
    let (mut cluster, cap) = world::cluster();
    let (mut other, _other_cap) = world::other_cluster();
    let tier = parameters::new_tier(100, vector[b"dev".to_string()], 5);
    let name = b"gold".to_string();
    cluster.set_tier(&cap, name, tier);
    let mut mine = world::position(&mut cluster, world::alice(), 0, 500, 62);
    let foreign = world::position(&mut other, world::alice(), 0, 500, 63);
    let ctx = &mut world::tx(world::alice(), 64);
    let pass = access_pass::issue(&cluster, &mut mine, name, world::bytes(7, 32), 1, ctx);
    access_pass::validate(&cluster, &pass, &foreign, world::bytes(7, 32), &alice());
    abort
}
