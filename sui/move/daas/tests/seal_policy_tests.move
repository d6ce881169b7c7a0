#[test_only]
module k3s_daas::seal_policy_tests;

use k3s_daas::cluster;
use k3s_daas::decisions;
use k3s_daas::enclaves;
use k3s_daas::release_vectors as vectors;
use k3s_daas::releases;
use k3s_daas::seal_policy::{Self, AccessGrant, Policy, RecoveryGrant, Terms};
use k3s_daas::seal_world::{Self, Papers, Scene, draft, other_recipient, recipient, scene};
use k3s_daas::vectors as ids;
use k3s_daas::world::{Self, b, bytes, concat};
use std::string::String;
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::event;
use sui::test_scenario;

use fun counts as Scene.counts;

const MAX: u64 = 18_446_744_073_709_551_615;

fun now(): u64 { world::now_ms() }

fun bind(): Papers { seal_world::bind() }

fun version1(): vector<u8> { vectors::identities_version1() }

/// A scene and the pod's grant.
fun granted(): (Scene, AccessGrant) {
    let mut scene = scene(draft());
    let grant = scene.request(bind());
    (scene, grant)
}

fun end(scene: Scene, grant: AccessGrant) {
    scene.end();
    destroy(grant);
}

/// What changes of a policy with every use.
fun counts(scene: &Scene): vector<u64> {
    let renewals = scene.policy().renewals(seal_world::pod_uid());
    vector[scene.policy().uses(), renewals.destroy_with_default(MAX)]
}

// === Create ===

fun create(
    namespace: vector<u8>,
    service_account: vector<u8>,
    uid: Option<String>,
    terms: Terms,
): Policy {
    let (cluster, cap, session) = world::active();
    let policy = seal_policy::create(
        &cluster,
        namespace.to_string(),
        service_account.to_string(),
        uid,
        terms,
        &mut world::tx(seal_world::owner(), 7),
    );
    destroy(cluster);
    destroy(cap);
    destroy(session);
    policy
}

#[test]
fun a_new_policy() {
    let uid = option::some(seal_world::service_account_uid());
    let terms = draft().terms();
    let policy = create(b"tenant-a", b"web", uid, terms);
    assert_eq!(object::id(&policy).to_bytes(), vectors::ids_policy());
    assert_eq!(policy.cluster().to_bytes(), ids::ids_cluster());
    assert_eq!(policy.owner(), @0x0FE);
    assert_eq!(policy.namespace(), b"tenant-a".to_string());
    assert_eq!(policy.service_account(), b"web".to_string());
    assert_eq!(policy.service_account_uid(), uid);
    assert_eq!(policy.terms(), terms);
    assert_eq!(policy.version(), 1);
    assert_eq!(policy.version_min(), 1);
    assert_eq!(policy.generation(), 0);
    assert_eq!(policy.uses(), 0);
    assert_eq!(policy.renewals(seal_world::pod_uid()), option::none());
    destroy(policy);
}

/// The layout that sui/client parses, and those of its events.
#[test]
fun bytes_of_a_policy() {
    let nodes = vector[object::id_from_bytes(ids::ids_stake())];
    let draft = draft()
        .configs(vector[1, 3])
        .stake_min(7)
        .nodes(nodes, vector[ids::keys_node()])
        .window(8, 9)
        .uses(10)
        .renewals(11)
        .lasting(1_000)
        .images(vector[vectors::images_a()]);
    let terms = concat(vector[
        x"02",
        b(1u64),
        b(3u64),
        b(7u64),
        x"01",
        ids::ids_stake(),
        x"20",
        ids::keys_node(),
        b(8u64),
        b(9u64),
        b(10u64),
        b(11u64),
        b(1_000u64),
        x"0120",
        vectors::images_a(),
    ]);
    let names = concat(vector[x"08", b"tenant-a", x"03", b"web"]);
    let policy = create(b"tenant-a", b"web", option::none(), draft.terms());
    let fields = concat(vector[
        vectors::ids_policy(),
        ids::ids_cluster(),
        b(@0x0FE),
        names,
        x"00",
        terms,
        b(1u64),
        b(1u64),
        b(0u64),
        b(0u64),
    ]);
    let all = bcs::to_bytes(&policy);
    assert_eq!(all.take(fields.length()), fields);
    // The table of charges: its id and its size.
    assert_eq!(all.length(), fields.length() + 40);
    assert_eq!(all.skip(fields.length() + 32), b(0u64));

    let created = event::events_by_type<seal_policy::PolicyCreated>();
    assert_eq!(
        bcs::to_bytes(&created),
        concat(vector[x"01", ids::ids_cluster(), vectors::ids_policy(), b(@0x0FE), names, x"00"]),
    );
    assert_eq!(
        bcs::to_bytes(&event::events_by_type<seal_policy::TermsChanged>()),
        concat(vector[x"01", ids::ids_cluster(), vectors::ids_policy(), terms]),
    );
    destroy(policy);
}

fun long(length: u64): vector<u8> { bytes(97, length) }

#[test]
fun names_of_the_greatest_length() {
    let uid = option::some(long(64).to_string());
    destroy(create(long(253), long(253), uid, draft().terms()));
}

#[test]
fun names_of_the_least_length() {
    let uid = option::some(long(1).to_string());
    destroy(create(long(1), long(1), uid, draft().terms()));
}

#[test, expected_failure(abort_code = seal_policy::ESubjectLength)]
fun namespace_empty() {
    let _policy = create(b"", b"web", option::none(), draft().terms());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ESubjectLength)]
fun namespace_too_long() {
    let _policy = create(long(254), b"web", option::none(), draft().terms());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ESubjectLength)]
fun service_account_empty() {
    let _policy = create(b"tenant-a", b"", option::none(), draft().terms());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ESubjectLength)]
fun service_account_too_long() {
    let _policy = create(b"tenant-a", long(254), option::none(), draft().terms());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ESubjectLength)]
fun uid_empty() {
    let _policy = create(b"a", b"b", option::some(b"".to_string()), draft().terms());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ESubjectLength)]
fun uid_too_long() {
    let _policy = create(b"a", b"b", option::some(long(65).to_string()), draft().terms());
    abort
}

/// The cluster has accepted 1, 2 and 3 only: nobody can have looked at 4.
#[test, expected_failure(abort_code = seal_policy::EConfigs)]
fun create_with_a_config_to_come() {
    let terms = draft().configs(vector[3, 4]).terms();
    let _policy = create(b"a", b"b", option::none(), terms);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EConfigs)]
fun create_with_a_retired_config() {
    let (mut cluster, cap, _session) = world::active();
    cluster.retire_config(&cap, 2);
    let terms = draft().configs(vector[2, 3]).terms();
    let ctx = &mut world::tx(seal_world::owner(), 7);
    let name = b"a".to_string();
    let _policy = seal_policy::create(&cluster, name, name, option::none(), terms, ctx);
    abort
}

/// Terms made when another cluster accepted them say nothing about this one, which has config 1 only.
#[test, expected_failure(abort_code = seal_policy::EConfigs)]
fun create_with_a_config_of_another_cluster() {
    let (_cluster, _cap, _session) = world::active();
    let (other, _other_cap) = world::other_cluster();
    let terms = draft().configs(vector[3]).terms();
    let ctx = &mut world::tx(seal_world::owner(), 7);
    let name = b"a".to_string();
    let _policy = seal_policy::create(&other, name, name, option::none(), terms, ctx);
    abort
}

// === Terms ===

#[test]
fun terms_at_their_limits() {
    let stake = object::id_from_address(@0x1);
    draft()
        .configs(vector::tabulate!(16, |i| i))
        .nodes(vector::tabulate!(64, |_| stake), vector::tabulate!(64, |_| bytes(1, 32)))
        .images(vector::tabulate!(64, |_| bytes(1, 32)))
        .window(MAX - 1, MAX)
        .uses(MAX)
        .renewals(MAX)
        .stake_min(MAX)
        .lasting(86_400_000)
        .terms();
    draft().configs(vector[1]).window(0, 1).uses(0).renewals(0).lasting(1_000).terms();
}

#[test, expected_failure(abort_code = seal_policy::EConfigs)]
fun no_config() { draft().configs(vector[]).terms(); }

#[test, expected_failure(abort_code = seal_policy::EConfigs)]
fun too_many_configs() { draft().configs(vector::tabulate!(17, |i| i)).terms(); }

#[test, expected_failure(abort_code = seal_policy::EWindowEmpty)]
fun window_empty() { draft().window(5, 5).terms(); }

#[test, expected_failure(abort_code = seal_policy::EWindowEmpty)]
fun window_reversed() { draft().window(6, 5).terms(); }

#[test, expected_failure(abort_code = seal_policy::EGrantDuration)]
fun grant_too_short() { draft().lasting(999).terms(); }

#[test, expected_failure(abort_code = seal_policy::EGrantDuration)]
fun grant_too_long() { draft().lasting(86_400_001).terms(); }

#[test, expected_failure(abort_code = seal_policy::ENodes)]
fun more_stakes_than_keys() {
    let stake = object::id_from_address(@0x1);
    draft().nodes(vector[stake, stake], vector[bytes(1, 32)]).terms();
}

#[test, expected_failure(abort_code = seal_policy::ENodes)]
fun more_keys_than_stakes() {
    let stake = object::id_from_address(@0x1);
    draft().nodes(vector[stake], vector[bytes(1, 32), bytes(2, 32)]).terms();
}

#[test, expected_failure(abort_code = seal_policy::ENodes)]
fun too_many_nodes() {
    let stake = object::id_from_address(@0x1);
    let stakes = vector::tabulate!(65, |_| stake);
    draft().nodes(stakes, vector::tabulate!(65, |_| bytes(1, 32))).terms();
}

#[test, expected_failure(abort_code = seal_policy::ENodes)]
fun node_key_too_short() {
    let stake = object::id_from_address(@0x1);
    draft().nodes(vector[stake, stake], vector[bytes(1, 32), bytes(1, 31)]).terms();
}

#[test, expected_failure(abort_code = seal_policy::EImages)]
fun too_many_images() { draft().images(vector::tabulate!(65, |_| bytes(1, 32))).terms(); }

#[test, expected_failure(abort_code = seal_policy::EImages)]
fun image_digest_too_long() { draft().images(vector[bytes(1, 32), bytes(1, 33)]).terms(); }

#[test]
fun set_terms() {
    let mut scene = scene(draft());
    let other = draft().uses(1).configs(vector[1, 2]);
    scene.set_terms(other);
    assert_eq!(scene.policy().terms(), other.terms());
    let changed = event::events_by_type<seal_policy::TermsChanged>();
    assert_eq!(changed.length(), 2);
    let expected = concat(vector[ids::ids_cluster(), vectors::ids_policy(), b(other.terms())]);
    assert_eq!(b(changed[1]), expected);
    scene.end();
}

#[test, expected_failure(abort_code = seal_policy::EConfigs)]
fun set_terms_with_a_config_to_come() {
    let mut scene = scene(draft());
    scene.set_terms(draft().configs(vector[4]));
    abort
}

// === What only the owner may do ===

#[test, expected_failure(abort_code = seal_policy::ENotOwner)]
fun set_terms_by_another() {
    let (cluster, _cap, _session, _position, mut policy) = scene(draft()).parts();
    let ctx = &world::tx(world::bob(), 55);
    seal_policy::set_terms(&cluster, &mut policy, draft().terms(), ctx);
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENotOwner)]
fun rotate_by_another() {
    let (cluster, _cap, _session, _position, mut policy) = scene(draft()).parts();
    seal_policy::rotate(&cluster, &mut policy, &world::tx(world::bob(), 55));
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENotOwner)]
fun retire_versions_by_another() {
    let (cluster, _cap, _session, _position, mut policy) = scene(draft()).parts();
    seal_policy::rotate(&cluster, &mut policy, &world::tx(seal_world::owner(), 54));
    seal_policy::retire_versions(&cluster, &mut policy, 2, &world::tx(world::bob(), 55));
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENotOwner)]
fun revoke_grants_by_another() {
    let (cluster, _cap, _session, _position, mut policy) = scene(draft()).parts();
    seal_policy::revoke_grants(&cluster, &mut policy, &world::tx(world::bob(), 55));
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENotOwner)]
fun recover_by_another() {
    let scene = scene(draft());
    let _grant = scene.recover(world::bob());
    abort
}

// === Versions ===

#[test]
fun rotate_and_retire() {
    let mut scene = scene(draft());
    assert_eq!(scene.rotate(), 2);
    assert_eq!(scene.rotate(), 3);
    assert_eq!(scene.policy().version(), 3);
    assert_eq!(scene.policy().version_min(), 1);
    scene.retire_versions(2);
    scene.retire_versions(3);
    assert_eq!(scene.policy().version_min(), 3);
    let head = concat(vector[ids::ids_cluster(), vectors::ids_policy()]);
    let rotated = event::events_by_type<seal_policy::Rotated>();
    assert_eq!(b(rotated), concat(vector[x"02", head, b(2u64), head, b(3u64)]));
    let retired = event::events_by_type<seal_policy::VersionsRetired>();
    assert_eq!(b(retired), concat(vector[x"02", head, b(2u64), head, b(3u64)]));
    scene.end();
}

#[test, expected_failure(abort_code = seal_policy::EVersion)]
fun retire_nothing() {
    let mut scene = scene(draft());
    scene.retire_versions(1);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EVersion)]
fun retire_back() {
    let mut scene = scene(draft());
    scene.rotate();
    scene.rotate();
    scene.retire_versions(3);
    scene.retire_versions(2);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EVersion)]
fun retire_the_newest() {
    let mut scene = scene(draft());
    scene.retire_versions(2);
    abort
}

// === Grant ===

#[test]
fun a_grant() {
    let mut scene = scene(draft().images(vector[vectors::images_a(), vectors::images_b()]));
    let papers = seal_world::released(
        vectors::releases_two_images_message(),
        vectors::releases_two_images_signature(),
    );
    let grant = scene.request(papers);
    assert_eq!(grant.grant_policy().to_bytes(), vectors::ids_policy());
    assert_eq!(grant.grant_recipient(), recipient());
    assert_eq!(grant.grant_expires_ms(), now() + 60_000);
    let uid = concat(vector[x"24", b"5a7c3c0e-0b1f-4a52-9f0b-0d6a3f7f1c11"]);
    let id = object::id(&grant).to_bytes();
    let node = concat(vector[x"08", b"worker-1", ids::ids_stake()]);
    let fields = concat(vector[
        id,
        ids::ids_cluster(),
        vectors::ids_policy(),
        b(0u64),
        ids::ids_session(),
        b(2u64),
        uid,
        node,
        x"20",
        ids::decision_node_key_hash(),
        x"0220",
        vectors::images_a(),
        x"20",
        vectors::images_b(),
        vectors::recipient(),
        b(1_763_700_060_000u64),
    ]);
    assert_eq!(bcs::to_bytes(&grant), fields);
    let expected = concat(vector[
        x"01",
        ids::ids_cluster(),
        vectors::ids_policy(),
        id,
        uid,
        node,
        vectors::recipient(),
        x"20",
        vectors::receipts_bind_digest(),
        x"01",
        b(1u64),
        b(1_763_700_060_000u64),
    ]);
    assert_eq!(b(event::events_by_type<seal_policy::AccessGranted>()), expected);
    assert_eq!(scene.counts(), vector[1, 0]);
    scene.approve(&grant);
    seal_policy::discard(grant);
    scene.end();
}

#[test]
fun adopted_pods_are_let_in() {
    let mut scene = scene(draft());
    let grant = scene.request(seal_world::adopt());
    scene.approve(&grant);
    end(scene, grant);
}

#[test, expected_failure(abort_code = decisions::ESignatureInvalid)]
fun receipt_signed_by_another() {
    let mut scene = scene(draft());
    let papers = seal_world::papers(
        vectors::receipts_bind_message(),
        ids::other_key_signature(),
        vectors::releases_bind_message(),
        vectors::releases_bind_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

/// A receipt is public: by itself it opens nothing.
#[test, expected_failure(abort_code = releases::ESignatureInvalid)]
fun release_signed_by_another() {
    let mut scene = scene(draft());
    let papers = seal_world::released(
        vectors::releases_bind_message(),
        vectors::other_key_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENotActive)]
fun receipt_of_an_earlier_term() {
    let mut scene = scene(draft());
    scene.next_term();
    let _grant = scene.request(bind());
    abort
}

/// The old session still lives, but another one has taken over.
#[test, expected_failure(abort_code = seal_policy::ENotActive)]
fun receipt_of_an_earlier_session() {
    let mut scene = scene(draft());
    let _next = scene.next_session();
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = decisions::EWrongSession)]
fun receipt_of_an_earlier_session_shown_to_the_next() {
    let mut scene = scene(draft());
    let next = scene.next_session();
    let (cluster, _cap, _session, position, mut policy) = scene.parts();
    let _grant = seal_world::request_with(
        &cluster,
        &next,
        &mut policy,
        &position,
        bind(),
        recipient(),
        now(),
    );
    abort
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun session_revoked() {
    let mut scene = scene(draft());
    scene.revoke_session();
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun config_retired() {
    let mut scene = scene(draft());
    scene.retire_config(3);
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongReceipt)]
fun release_for_another_receipt() {
    let mut scene = scene(draft());
    let papers = seal_world::released(
        vectors::releases_other_receipt_message(),
        vectors::releases_other_receipt_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongReceipt)]
fun release_of_another_pod() {
    let mut scene = scene(draft());
    let papers = seal_world::released(
        vectors::releases_other_pod_message(),
        vectors::releases_other_pod_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongPod)]
fun release_for_another_pod() {
    let mut scene = scene(draft());
    let papers = seal_world::released(
        vectors::releases_other_pod_uid_message(),
        vectors::releases_other_pod_uid_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongPolicy)]
fun release_for_another_policy() {
    let mut scene = scene(draft());
    let papers = seal_world::released(
        vectors::releases_other_policy_message(),
        vectors::releases_other_policy_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

/// Whoever sends it, the grant is the recipient's and opens for nobody else.
#[test]
fun request_by_another() {
    let mut scene = scene(draft());
    let grant = scene.request_at(bind(), world::bob(), now());
    assert_eq!(grant.grant_recipient(), recipient());
    scene.approve(&grant);
    end(scene, grant);
}

#[test]
fun request_by_the_recipient() {
    let mut scene = scene(draft());
    let grant = scene.request_at(bind(), recipient(), now());
    assert_eq!(grant.grant_recipient(), recipient());
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EWrongRecipient)]
fun approve_for_whoever_sent_the_request() {
    let mut scene = scene(draft());
    let grant = scene.request_at(bind(), world::bob(), now());
    scene.approve_at(&grant, version1(), world::bob(), now());
    abort
}

#[test]
fun release_to_another() {
    let mut scene = scene(draft());
    let grant = scene.request_at(seal_world::to_another(), recipient(), now());
    assert_eq!(grant.grant_recipient(), other_recipient());
    scene.approve_at(&grant, version1(), other_recipient(), now());
    end(scene, grant);
}

#[test]
fun release_in_its_last_millisecond() {
    let mut scene = scene(draft());
    let grant = scene.request_at(bind(), recipient(), 1_763_700_060_000);
    assert_eq!(grant.grant_expires_ms(), 1_763_700_120_000);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EReleaseExpired)]
fun release_expired() {
    let mut scene = scene(draft());
    let _grant = scene.request_at(bind(), recipient(), 1_763_700_060_001);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongSubject)]
fun pod_of_another_namespace() {
    let mut scene = scene(draft());
    let papers = seal_world::papers(
        vectors::receipts_other_namespace_message(),
        vectors::receipts_other_namespace_signature(),
        vectors::releases_other_namespace_message(),
        vectors::releases_other_namespace_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongSubject)]
fun pod_of_another_service_account() {
    let mut scene = scene(draft());
    let papers = seal_world::papers(
        vectors::receipts_other_service_account_message(),
        vectors::receipts_other_service_account_signature(),
        vectors::releases_other_service_account_message(),
        vectors::releases_other_service_account_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

fun other_uid(): Papers {
    seal_world::papers(
        vectors::receipts_other_service_account_uid_message(),
        vectors::receipts_other_service_account_uid_signature(),
        vectors::releases_other_service_account_uid_message(),
        vectors::releases_other_service_account_uid_signature(),
    )
}

#[test]
fun pod_of_a_service_account_of_that_name() {
    let mut scene = scene(draft());
    let grant = scene.request(other_uid());
    end(scene, grant);
}

#[test]
fun pod_of_the_very_service_account() {
    let uid = option::some(seal_world::service_account_uid());
    let mut scene = seal_world::scene_of(draft(), uid);
    let grant = scene.request(bind());
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EWrongSubject)]
fun pod_of_a_service_account_made_anew() {
    let uid = option::some(seal_world::service_account_uid());
    let mut scene = seal_world::scene_of(draft(), uid);
    let _grant = scene.request(other_uid());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EConfigNotAccepted)]
fun config_that_the_owner_has_not_accepted() {
    let mut scene = scene(draft().configs(vector[1, 2]));
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun request_on_another_version() {
    let mut scene = scene(draft());
    scene.migrate();
    let _grant = scene.request(bind());
    abort
}

// === Node ===

/// The receipt names another stake than the one shown.
#[test, expected_failure(abort_code = seal_policy::EWrongStake)]
fun receipt_for_another_stake() {
    let mut scene = scene(draft());
    let papers = seal_world::papers(
        vectors::receipts_other_stake_message(),
        vectors::receipts_other_stake_signature(),
        vectors::releases_other_stake_message(),
        vectors::releases_other_stake_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

/// A rich stake is shown for the poor one behind the node.
#[test, expected_failure(abort_code = seal_policy::EWrongStake)]
fun another_stake_shown() {
    let (mut cluster, _cap, session, _position, mut policy) = scene(draft()).parts();
    let rich = world::other_stake(&mut cluster, 1_000_000);
    let _grant = seal_world::request_with(
        &cluster,
        &session,
        &mut policy,
        &rich,
        bind(),
        recipient(),
        now(),
    );
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENodeGone)]
fun receipt_for_a_name_that_nobody_claims() {
    let mut scene = scene(draft());
    let papers = seal_world::papers(
        vectors::receipts_other_node_message(),
        vectors::receipts_other_node_signature(),
        vectors::releases_other_node_message(),
        vectors::releases_other_node_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENodeGone)]
fun request_after_the_node_left() {
    let mut scene = scene(draft());
    scene.leave();
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENodeGone)]
fun request_after_the_stake_took_another_name() {
    let mut scene = scene(draft());
    scene.leave();
    scene.claim_another_name();
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongStake)]
fun request_after_another_stake_took_the_name() {
    let mut scene = scene(draft());
    scene.leave();
    let _bobs = scene.claim_by_bob();
    let _grant = scene.request(bind());
    abort
}

/// The stake shown is the one behind the name now, but not the one that the receipt names.
#[test, expected_failure(abort_code = seal_policy::EWrongStake)]
fun request_with_the_stake_that_took_the_name() {
    let mut scene = scene(draft());
    scene.leave();
    let bobs = scene.claim_by_bob();
    let (cluster, _cap, session, _position, mut policy) = scene.parts();
    let _grant = seal_world::request_with(
        &cluster,
        &session,
        &mut policy,
        &bobs,
        bind(),
        recipient(),
        now(),
    );
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongNodeKey)]
fun receipt_for_another_node_key() {
    let mut scene = scene(draft());
    let papers = seal_world::papers(
        vectors::receipts_other_node_key_message(),
        vectors::receipts_other_node_key_signature(),
        vectors::releases_other_node_key_message(),
        vectors::releases_other_node_key_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongNodeKey)]
fun request_after_the_node_changed_its_key() {
    let mut scene = scene(draft());
    scene.leave();
    scene.claim_with_another_key();
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENodeJailed)]
fun request_from_a_jailed_node() {
    let mut scene = scene(draft());
    scene.jail();
    let _grant = scene.request(bind());
    abort
}

// === Limit 1: required stake ===

#[test]
fun stake_just_enough_for_the_policy() {
    let mut scene = scene(draft().stake_min(5_000));
    let grant = scene.request(bind());
    scene.approve(&grant);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EStakeTooSmall)]
fun stake_one_short_of_the_policy() {
    let mut scene = scene(draft().stake_min(5_001));
    let _grant = scene.request(bind());
    abort
}

#[test]
fun stake_just_enough_for_the_claim() {
    let mut scene = scene(draft());
    scene.slash(2_200);
    let grant = scene.request(bind());
    scene.approve(&grant);
    end(scene, grant);
}

/// 2,799 are left of 5,000, and the claim asks for 2,800.
#[test, expected_failure(abort_code = seal_policy::EStakeTooSmall)]
fun stake_one_short_of_the_claim() {
    let mut scene = scene(draft());
    scene.slash(2_201);
    let _grant = scene.request(bind());
    abort
}

/// What is unbonding does not count, though it is still there.
#[test, expected_failure(abort_code = seal_policy::EStakeTooSmall)]
fun stake_that_is_leaving() {
    let mut scene = scene(draft().stake_min(5_000));
    scene.unbond(1);
    let _grant = scene.request(bind());
    abort
}

// === Limit 2: allowed nodes ===

fun alices(): ID { object::id_from_bytes(ids::ids_stake()) }

fun bobs(): ID { object::id_from_bytes(ids::ids_other_stake()) }

#[test]
fun node_allowed() {
    let stakes = vector[bobs(), alices()];
    let mut scene = scene(draft().nodes(stakes, vector[ids::keys_other(), ids::keys_node()]));
    let grant = scene.request(bind());
    scene.approve(&grant);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::ENodeNotAllowed)]
fun only_another_node_allowed() {
    let mut scene = scene(draft().nodes(vector[bobs()], vector[ids::keys_other()]));
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENodeNotAllowed)]
fun stake_allowed_with_another_key() {
    let mut scene = scene(draft().nodes(vector[alices()], vector[ids::keys_other()]));
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENodeNotAllowed)]
fun key_allowed_with_another_stake() {
    let mut scene = scene(draft().nodes(vector[bobs()], vector[ids::keys_node()]));
    let _grant = scene.request(bind());
    abort
}

/// Stake and key are both in the list, but of two nodes.
#[test, expected_failure(abort_code = seal_policy::ENodeNotAllowed)]
fun stake_of_one_and_key_of_another() {
    let stakes = vector[alices(), bobs()];
    let mut scene = scene(draft().nodes(stakes, vector[ids::keys_other(), ids::keys_node()]));
    let _grant = scene.request(bind());
    abort
}

// === Limit 3: time window ===

#[test]
fun first_millisecond_of_the_window() {
    let mut scene = scene(draft().window(now(), now() + 1));
    let grant = scene.request(bind());
    scene.approve(&grant);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EOutsideWindow)]
fun before_the_window() {
    let mut scene = scene(draft().window(now() + 1, now() + 2));
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EOutsideWindow)]
fun at_the_windows_end() {
    let mut scene = scene(draft().window(now() - 1, now()));
    let _grant = scene.request(bind());
    abort
}

#[test]
fun grant_in_the_last_millisecond_of_the_window() {
    let mut scene = scene(draft().window(0, now() + 10));
    let grant = scene.request(bind());
    scene.approve_at(&grant, version1(), recipient(), now() + 9);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EOutsideWindow)]
fun grant_after_the_window() {
    let mut scene = scene(draft().window(0, now() + 10));
    let grant = scene.request(bind());
    scene.approve_at(&grant, version1(), recipient(), now() + 10);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EOutsideWindow)]
fun grant_before_a_window_set_later() {
    let (mut scene, grant) = granted();
    scene.set_terms(draft().window(now() + 1, MAX));
    scene.approve(&grant);
    abort
}

// === Limit 4: uses ===

/// What the events say of each grant: 1 if a use was charged. It is the byte before the last two numbers.
fun charged(): vector<u8> {
    event::events_by_type<seal_policy::AccessGranted>().map!(|event| {
        let bytes = b(event);
        bytes[bytes.length() - 17]
    })
}

/// A container that restarts asks again with the same receipt, for another key.
#[test]
fun a_renewal_costs_no_use() {
    let mut scene = scene(draft().uses(1).renewals(2));
    let first = scene.request(bind());
    assert_eq!(scene.counts(), vector[1, 0]);
    let second = scene.request(seal_world::second());
    assert_eq!(scene.counts(), vector[1, 1]);
    assert_eq!(second.grant_recipient(), other_recipient());
    let third = scene.request(seal_world::third());
    assert_eq!(scene.counts(), vector[1, 2]);
    assert_eq!(charged(), vector[1, 0, 0]);
    destroy(vector[first, second, third]);
    scene.end();
}

#[test, expected_failure(abort_code = seal_policy::ERenewalsExhausted)]
fun one_renewal_too_many() {
    let mut scene = scene(draft().renewals(2));
    destroy(scene.request(bind()));
    destroy(scene.request(seal_world::second()));
    destroy(scene.request(seal_world::third()));
    let _grant = scene.request(seal_world::fourth());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ERenewalsExhausted)]
fun no_renewals_at_all() {
    let mut scene = scene(draft().renewals(0));
    destroy(scene.request(bind()));
    let _grant = scene.request(seal_world::second());
    abort
}

/// The enclave has restarted, and so do the containers of a pod that runs on: it is the one use still.
#[test]
fun an_adoption_is_a_renewal() {
    let mut scene = scene(draft().uses(1).renewals(3));
    destroy(scene.request(bind()));
    destroy(scene.request(seal_world::second()));
    let adopted = scene.request(seal_world::adopt());
    assert_eq!(scene.counts(), vector[1, 2]);
    scene.approve(&adopted);
    destroy(scene.request(seal_world::adopt_second()));
    assert_eq!(scene.counts(), vector[1, 3]);
    assert_eq!(charged(), vector[1, 0, 0, 0]);
    end(scene, adopted);
}

/// What an adoption renews it does not begin anew, however many uses are left.
#[test, expected_failure(abort_code = seal_policy::ERenewalsExhausted)]
fun an_adoption_after_all_renewals() {
    let mut scene = scene(draft().renewals(1));
    destroy(scene.request(bind()));
    destroy(scene.request(seal_world::second()));
    let _grant = scene.request(seal_world::adopt());
    abort
}

#[test, expected_failure(abort_code = seal_policy::ERenewalsExhausted)]
fun a_renewal_after_an_adoption_that_was_the_last_one() {
    let mut scene = scene(draft().renewals(1));
    destroy(scene.request(bind()));
    destroy(scene.request(seal_world::adopt()));
    let _grant = scene.request(seal_world::adopt_second());
    abort
}

/// The enclave has restarted before the pod asked for the first time.
#[test]
fun an_adoption_that_comes_first_is_charged() {
    let mut scene = scene(draft().uses(1));
    destroy(scene.request(seal_world::adopt()));
    assert_eq!(scene.counts(), vector[1, 0]);
    destroy(scene.request(seal_world::adopt_second()));
    assert_eq!(scene.counts(), vector[1, 1]);
    assert_eq!(charged(), vector[1, 0]);
    scene.end();
}

#[test, expected_failure(abort_code = seal_policy::EUsesExhausted)]
fun an_adoption_that_comes_first_when_nothing_is_left() {
    let mut scene = scene(draft().uses(0));
    let _grant = scene.request(seal_world::adopt());
    abort
}

/// The use of one pod is not another's.
#[test, expected_failure(abort_code = seal_policy::EUsesExhausted)]
fun an_adoption_when_another_pod_has_the_use() {
    let mut scene = scene(draft().uses(1));
    destroy(scene.request(seal_world::other_pod()));
    let _grant = scene.request(seal_world::adopt());
    abort
}

/// Another placement costs a use, and begins to count renewals anew, also if it was the pod's before: an
/// adoption puts its own receipt in that one's place.
#[test]
fun another_placement_is_charged_again() {
    let mut scene = scene(draft().uses(2).renewals(1));
    destroy(scene.request(bind()));
    destroy(scene.request(seal_world::adopt()));
    assert_eq!(scene.counts(), vector[1, 1]);
    // Going back is no way to get renewals for nothing.
    destroy(scene.request(seal_world::after_adoption()));
    assert_eq!(scene.counts(), vector[2, 0]);
    assert_eq!(charged(), vector[1, 0, 1]);
    scene.end();
}

#[test, expected_failure(abort_code = seal_policy::EUsesExhausted)]
fun another_placement_when_nothing_is_left() {
    let mut scene = scene(draft().uses(1));
    destroy(scene.request(seal_world::adopt()));
    let _grant = scene.request(seal_world::after_adoption());
    abort
}

/// The grant of a key is void with the enclave that restarted; the same key may have the next one.
#[test]
fun the_same_recipient_after_an_adoption() {
    let mut scene = scene(draft().uses(1));
    destroy(scene.request(bind()));
    let grant = scene.request(seal_world::adopt());
    assert_eq!(grant.grant_recipient(), recipient());
    assert_eq!(scene.counts(), vector[1, 1]);
    scene.approve(&grant);
    end(scene, grant);
}

#[test]
fun two_pods_and_two_uses() {
    let mut scene = scene(draft().uses(2));
    let first = scene.request(bind());
    let second = scene.request(seal_world::other_pod());
    assert_eq!(scene.policy().uses(), 2);
    assert_eq!(scene.policy().renewals(seal_world::other_pod_uid()), option::some(0));
    scene.approve(&first);
    scene.approve(&second);
    destroy(first);
    end(scene, second);
}

/// The policy is one shared object, so one of two pods comes first.
#[test, expected_failure(abort_code = seal_policy::EUsesExhausted)]
fun two_pods_race_for_the_last_use() {
    let mut scene = scene(draft().uses(1));
    destroy(scene.request(seal_world::other_pod()));
    let _grant = scene.request(bind());
    abort
}

/// The pod that came first keeps what it has.
#[test]
fun renewals_when_nothing_is_left() {
    let mut scene = scene(draft().uses(1));
    destroy(scene.request(bind()));
    let grant = scene.request(seal_world::second());
    scene.approve_at(&grant, version1(), other_recipient(), now());
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EUsesExhausted)]
fun no_uses_at_all() {
    let mut scene = scene(draft().uses(0));
    let _grant = scene.request(bind());
    abort
}

#[test]
fun the_owner_allows_more() {
    let mut scene = scene(draft().uses(1));
    destroy(scene.request(bind()));
    scene.set_terms(draft().uses(2));
    destroy(scene.request(seal_world::other_pod()));
    assert_eq!(scene.policy().uses(), 2);
    scene.end();
}

#[test, expected_failure(abort_code = seal_policy::EUsesExhausted)]
fun the_owner_allows_less_than_was_used() {
    let mut scene = scene(draft().uses(3));
    destroy(scene.request(seal_world::adopt()));
    destroy(scene.request(seal_world::after_adoption()));
    assert_eq!(scene.counts(), vector[2, 0]);
    scene.set_terms(draft().uses(1));
    let _grant = scene.request(seal_world::other_pod());
    abort
}

// === Releases are shown again ===

/// Release and receipt are on the chain for everybody to see.
#[test, expected_failure(abort_code = seal_policy::EAlreadyGranted)]
fun a_release_shown_again_by_a_stranger() {
    let mut scene = scene(draft());
    destroy(scene.request_at(bind(), recipient(), now()));
    let _grant = scene.request_at(bind(), world::bob(), now());
    abort
}

/// Where nothing is left it is the same: what was granted is not made to look refused.
#[test, expected_failure(abort_code = seal_policy::EAlreadyGranted)]
fun a_release_shown_again_when_nothing_is_left() {
    let mut scene = scene(draft().uses(1).renewals(0));
    destroy(scene.request(bind()));
    let _grant = scene.request(bind());
    abort
}

/// An adoption is no way round it, though it is not compared with the receipt before.
#[test, expected_failure(abort_code = seal_policy::EAlreadyGranted)]
fun an_adoption_shown_again() {
    let mut scene = scene(draft());
    destroy(scene.request(bind()));
    destroy(scene.request(seal_world::adopt()));
    let _grant = scene.request_at(seal_world::adopt(), world::bob(), now());
    abort
}

/// One key, one grant: who lost the answer and has another release made costs its pod no renewal.
#[test, expected_failure(abort_code = seal_policy::EAlreadyGranted)]
fun two_releases_to_one_recipient() {
    let mut scene = scene(draft());
    destroy(scene.request(bind()));
    let _grant = scene.request(seal_world::bind_later());
    abort
}

/// The later one came first, as a relay may have it.
#[test, expected_failure(abort_code = seal_policy::EAlreadyGranted)]
fun two_releases_to_one_recipient_turned_round() {
    let mut scene = scene(draft());
    destroy(scene.request(seal_world::bind_later()));
    let _grant = scene.request(bind());
    abort
}

/// Neither of two keys can be made to take turns with the other by somebody who has kept their releases.
#[test, expected_failure(abort_code = seal_policy::EReleaseOvertaken)]
fun an_old_release_after_that_of_another_key() {
    let mut scene = scene(draft());
    destroy(scene.request(bind()));
    destroy(scene.request(seal_world::second()));
    let _grant = scene.request(bind());
    abort
}

/// One that was never used is no better.
#[test, expected_failure(abort_code = seal_policy::EReleaseOvertaken)]
fun a_release_kept_back() {
    let mut scene = scene(draft());
    destroy(scene.request(seal_world::second()));
    let _grant = scene.request(bind());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EReleaseOvertaken)]
fun two_releases_of_one_millisecond() {
    let mut scene = scene(draft());
    destroy(scene.request(bind()));
    let _grant = scene.request(seal_world::to_another());
    abort
}

/// Two receipts cannot be made to take turns either: that would cost a use and a renewal each time.
#[test, expected_failure(abort_code = seal_policy::EReleaseOvertaken)]
fun an_old_release_after_that_of_another_receipt() {
    let mut scene = scene(draft());
    destroy(scene.request(bind()));
    destroy(scene.request(seal_world::adopt()));
    let _grant = scene.request(bind());
    abort
}

/// Nor can adoptions that the chain has seen drain what is left of the renewals.
#[test, expected_failure(abort_code = seal_policy::EReleaseOvertaken)]
fun an_old_adoption_after_a_later_release() {
    let mut scene = scene(draft());
    destroy(scene.request(bind()));
    destroy(scene.request(seal_world::adopt()));
    destroy(scene.request(seal_world::adopt_second()));
    let _grant = scene.request(seal_world::adopt());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EReleaseOvertaken)]
fun an_old_adoption_after_a_later_placement() {
    let mut scene = scene(draft());
    destroy(scene.request(bind()));
    destroy(scene.request(seal_world::adopt()));
    destroy(scene.request(seal_world::after_adoption()));
    let _grant = scene.request(seal_world::adopt());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EReleaseOvertaken)]
fun an_old_release_of_another_key_and_receipt() {
    let mut scene = scene(draft());
    destroy(scene.request(seal_world::adopt()));
    let _grant = scene.request(seal_world::second());
    abort
}

/// What one pod used does not stand in another's way.
#[test]
fun an_older_release_of_another_pod() {
    let mut scene = scene(draft());
    destroy(scene.request(seal_world::adopt()));
    let grant = scene.request(seal_world::other_pod());
    scene.approve(&grant);
    end(scene, grant);
}

// === Images ===

fun one_image(): Papers {
    seal_world::released(
        vectors::releases_one_image_message(),
        vectors::releases_one_image_signature(),
    )
}

#[test]
fun image_allowed() {
    let mut scene = scene(draft().images(vector[vectors::images_b(), vectors::images_a()]));
    let grant = scene.request(one_image());
    scene.approve(&grant);
    end(scene, grant);
}

#[test]
fun any_image_allowed() {
    let mut scene = scene(draft());
    let grant = scene.request(one_image());
    scene.approve(&grant);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EImageNotAllowed)]
fun image_not_allowed() {
    let mut scene = scene(draft().images(vector[vectors::images_b()]));
    let _grant = scene.request(one_image());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EImageNotAllowed)]
fun one_image_of_two_not_allowed() {
    let mut scene = scene(draft().images(vector[vectors::images_a(), vectors::images_b()]));
    let papers = seal_world::released(
        vectors::releases_one_image_of_two_message(),
        vectors::releases_one_image_of_two_signature(),
    );
    let _grant = scene.request(papers);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EImageNotAllowed)]
fun images_not_named() {
    let mut scene = scene(draft().images(vector[vectors::images_a()]));
    let _grant = scene.request(bind());
    abort
}

// === Approval: what may have changed since ===

/// `seal_approve` is simulated by each key server by itself: it must not count anything.
#[test]
fun approving_changes_nothing() {
    let (scene, grant) = granted();
    let before = state(&scene, &grant);
    let events = event::num_events();
    3u8.do!(|_| scene.approve(&grant));
    assert_eq!(state(&scene, &grant), before);
    assert_eq!(event::num_events(), events);
    end(scene, grant);
}

fun state(scene: &Scene, grant: &AccessGrant): vector<vector<u8>> {
    vector[
        scene.cluster().inner_bytes_for_testing(),
        bcs::to_bytes(scene.session()),
        bcs::to_bytes(scene.position()),
        bcs::to_bytes(scene.policy()),
        bcs::to_bytes(grant),
    ]
}

#[test]
fun grant_in_its_last_millisecond() {
    let (scene, grant) = granted();
    scene.approve_at(&grant, version1(), recipient(), now() + 59_999);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EGrantExpired)]
fun grant_expired() {
    let (scene, grant) = granted();
    scene.approve_at(&grant, version1(), recipient(), now() + 60_000);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongRecipient)]
fun approve_for_another() {
    let (scene, grant) = granted();
    scene.approve_at(&grant, version1(), world::bob(), now());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongRecipient)]
fun approve_for_the_policys_owner() {
    let (scene, grant) = granted();
    scene.approve_at(&grant, version1(), seal_world::owner(), now());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EGrantRevoked)]
fun grant_of_an_earlier_generation() {
    let (mut scene, grant) = granted();
    scene.revoke_grants();
    scene.approve(&grant);
    abort
}

#[test]
fun grant_of_the_next_generation() {
    let (mut scene, grant) = granted();
    scene.revoke_grants();
    let next = scene.request(seal_world::second());
    scene.approve_at(&next, version1(), other_recipient(), now());
    let expected = concat(vector[x"01", ids::ids_cluster(), vectors::ids_policy(), b(1u64)]);
    assert_eq!(b(event::events_by_type<seal_policy::GrantsRevoked>()), expected);
    destroy(next);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EWrongSession)]
fun approve_after_the_next_term_began() {
    let (mut scene, grant) = granted();
    scene.next_term();
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongSession)]
fun approve_after_the_next_session_began() {
    let (mut scene, grant) = granted();
    let _next = scene.next_session();
    scene.approve(&grant);
    abort
}

/// The session shown is the active one, but not the grant's.
#[test, expected_failure(abort_code = seal_policy::EWrongSession)]
fun approve_with_the_next_session() {
    let (mut scene, grant) = granted();
    let next = scene.next_session();
    let (cluster, _cap, _session, position, policy) = scene.parts();
    seal_world::approve_with(
        version1(),
        &grant,
        &cluster,
        &policy,
        &next,
        &position,
        recipient(),
        now(),
    );
    abort
}

/// The grant's session is active, but another one is shown, of a config that the owner accepts too.
#[test, expected_failure(abort_code = seal_policy::EWrongSession)]
fun approve_with_a_session_that_is_not_the_grants() {
    let (scene, grant) = granted();
    let (cluster, cap, _session, position, policy) = scene.parts();
    let another = seal_world::session_of(&cluster, &cap, 3, 60);
    seal_world::approve_with(
        version1(),
        &grant,
        &cluster,
        &policy,
        &another,
        &position,
        recipient(),
        now(),
    );
    abort
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun approve_after_the_session_was_revoked() {
    let (mut scene, grant) = granted();
    scene.revoke_session();
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun approve_after_the_config_was_retired() {
    let (mut scene, grant) = granted();
    scene.retire_config(3);
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EConfigNotAccepted)]
fun approve_after_the_owner_withdrew_the_config() {
    let (mut scene, grant) = granted();
    scene.set_terms(draft().configs(vector[1, 2]));
    scene.approve(&grant);
    abort
}

#[test]
fun approve_with_just_enough_stake_left() {
    let (mut scene, grant) = granted();
    scene.slash(2_200);
    scene.approve(&grant);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EStakeTooSmall)]
fun approve_after_a_slash() {
    let (mut scene, grant) = granted();
    scene.slash(2_201);
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EStakeTooSmall)]
fun approve_after_stake_began_to_leave() {
    let mut scene = scene(draft().stake_min(5_000));
    let grant = scene.request(bind());
    scene.unbond(1);
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EStakeTooSmall)]
fun approve_after_the_owner_asked_for_more_stake() {
    let (mut scene, grant) = granted();
    scene.set_terms(draft().stake_min(5_001));
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENodeJailed)]
fun approve_for_a_jailed_node() {
    let (mut scene, grant) = granted();
    scene.jail();
    scene.approve(&grant);
    abort
}

#[test]
fun approve_after_the_jail() {
    let (mut scene, grant) = granted();
    scene.jail();
    scene.unjail();
    scene.approve(&grant);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::ENodeGone)]
fun approve_after_the_node_left() {
    let (mut scene, grant) = granted();
    scene.leave();
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENodeGone)]
fun approve_after_the_stake_took_another_name() {
    let (mut scene, grant) = granted();
    scene.leave();
    scene.claim_another_name();
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongStake)]
fun approve_after_another_stake_took_the_name() {
    let (mut scene, grant) = granted();
    scene.leave();
    let _bobs = scene.claim_by_bob();
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongStake)]
fun approve_with_the_stake_that_took_the_name() {
    let (mut scene, grant) = granted();
    scene.leave();
    let bobs = scene.claim_by_bob();
    let (cluster, _cap, session, _position, policy) = scene.parts();
    seal_world::approve_with(
        version1(),
        &grant,
        &cluster,
        &policy,
        &session,
        &bobs,
        recipient(),
        now(),
    );
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongNodeKey)]
fun approve_after_the_node_changed_its_key() {
    let (mut scene, grant) = granted();
    scene.leave();
    scene.claim_with_another_key();
    scene.approve(&grant);
    abort
}

/// The same stake with the same key under the same name is the same node.
#[test]
fun approve_after_the_node_left_and_came_back() {
    let (mut scene, grant) = granted();
    scene.leave();
    scene.claim_again();
    scene.approve(&grant);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::ENodeNotAllowed)]
fun approve_after_the_owner_forbade_the_node() {
    let (mut scene, grant) = granted();
    scene.set_terms(draft().nodes(vector[bobs()], vector[ids::keys_node()]));
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EImageNotAllowed)]
fun approve_after_the_owner_forbade_the_image() {
    let mut scene = scene(draft().images(vector[vectors::images_a()]));
    let grant = scene.request(one_image());
    scene.set_terms(draft().images(vector[vectors::images_b()]));
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EImageNotAllowed)]
fun approve_of_unnamed_images_after_the_owner_named_some() {
    let (mut scene, grant) = granted();
    scene.set_terms(draft().images(vector[vectors::images_a()]));
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun approve_on_another_version() {
    let (mut scene, grant) = granted();
    scene.migrate();
    scene.approve(&grant);
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongPolicy)]
fun approve_with_another_policy() {
    let (scene, grant) = granted();
    let (cluster, _cap, session, position, _policy) = scene.parts();
    let another = seal_world::other_policy(&cluster, seal_world::owner());
    seal_world::approve_with(
        vectors::identities_other_policy(),
        &grant,
        &cluster,
        &another,
        &session,
        &position,
        recipient(),
        now(),
    );
    abort
}

// === Identity ===

#[test]
fun identities() {
    let scene = scene(draft());
    let policy = scene.policy();
    assert_eq!(policy.identity(0), vectors::identities_version0());
    assert_eq!(policy.identity(1), vectors::identities_version1());
    assert_eq!(policy.identity(MAX), vectors::identities_version_max());
    scene.end();
}

/// Rotated twice and the first version retired, 2 and 3 open.
fun rotated(): (Scene, AccessGrant) {
    let (mut scene, grant) = granted();
    scene.rotate();
    scene.rotate();
    scene.retire_versions(2);
    (scene, grant)
}

#[test]
fun versions_that_open() {
    let (scene, grant) = rotated();
    scene.approve_id(&grant, vectors::identities_version2());
    scene.approve_id(&grant, vectors::identities_version3());
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EVersion)]
fun version_zero() {
    let (scene, grant) = granted();
    scene.approve_id(&grant, vectors::identities_version0());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EVersion)]
fun version_to_come() {
    let (scene, grant) = granted();
    scene.approve_id(&grant, vectors::identities_version2());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EVersion)]
fun version_greatest() {
    let (scene, grant) = granted();
    scene.approve_id(&grant, vectors::identities_version_max());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EVersion)]
fun version_retired() {
    let (scene, grant) = rotated();
    scene.approve_id(&grant, vectors::identities_version1());
    abort
}

fun refused(id: vector<u8>) {
    let (scene, grant) = granted();
    scene.approve_id(&grant, id);
    end(scene, grant);
}

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_of_another_policy() { refused(vectors::identities_other_policy()); }

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_of_another_cluster() { refused(vectors::identities_other_cluster()); }

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_of_another_namespace() { refused(vectors::identities_other_namespace()); }

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_of_another_service_account() {
    refused(vectors::identities_other_service_account());
}

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_with_names_divided_otherwise() { refused(vectors::identities_other_division()); }

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_with_a_byte_behind() { refused(vectors::identities_trailing()); }

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_with_a_byte_in_front() { refused(vectors::identities_leading()); }

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_with_a_byte_less() { refused(vectors::identities_truncated()); }

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_with_a_length_in_a_longer_form() { refused(vectors::identities_long_length()); }

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_that_is_only_a_version() { refused(vectors::identities_only_version()); }

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_shorter_than_a_version() { refused(x"01000000000000"); }

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun identity_empty() { refused(vector[]); }

// === Recovery ===

/// The owner's own way in rests on nothing but ownership: here the window is over, nothing is left of
/// the uses, and the session is gone.
#[test]
fun recovery() {
    let mut scene = scene(draft().uses(0).window(0, 1));
    scene.revoke_session();
    let grant = scene.recover(seal_world::owner());
    let id = object::id(&grant).to_bytes();
    let expires = b(1_763_703_600_000u64);
    assert_eq!(bcs::to_bytes(&grant), concat(vector[id, vectors::ids_policy(), expires]));
    let expected = concat(vector[
        x"01",
        ids::ids_cluster(),
        vectors::ids_policy(),
        b(@0x0FE),
        expires,
    ]);
    assert_eq!(b(event::events_by_type<seal_policy::Recovered>()), expected);
    let before = bcs::to_bytes(scene.policy());
    let events = event::num_events();
    scene.approve_recovery(&grant, version1(), seal_world::owner(), now());
    scene.approve_recovery(&grant, version1(), seal_world::owner(), now() + 3_599_999);
    assert_eq!(bcs::to_bytes(scene.policy()), before);
    assert_eq!(event::num_events(), events);
    seal_policy::discard_recovery(grant);
    scene.end();
}

#[test, expected_failure(abort_code = seal_policy::EGrantExpired)]
fun recovery_expired() {
    let scene = scene(draft());
    let grant = scene.recover(seal_world::owner());
    scene.approve_recovery(&grant, version1(), seal_world::owner(), now() + 3_600_000);
    abort
}

#[test, expected_failure(abort_code = seal_policy::ENotOwner)]
fun recovery_for_another() {
    let scene = scene(draft());
    let grant = scene.recover(seal_world::owner());
    scene.approve_recovery(&grant, version1(), world::bob(), now());
    abort
}

/// The owner of one policy cannot open another's with its own grant.
#[test, expected_failure(abort_code = seal_policy::ENotOwner)]
fun recovery_of_anothers_policy() {
    let scene = scene(draft());
    let theirs = seal_world::other_policy(scene.cluster(), world::bob());
    let grant = seal_world::recover_with(scene.cluster(), &theirs, world::bob());
    scene.approve_recovery(&grant, version1(), world::bob(), now());
    abort
}

/// Nor the owner of both with the grant of one: each is an event of its own.
#[test, expected_failure(abort_code = seal_policy::EWrongPolicy)]
fun recovery_with_the_grant_of_another_policy() {
    let scene = scene(draft());
    let another = seal_world::other_policy(scene.cluster(), seal_world::owner());
    let grant = seal_world::recover_with(scene.cluster(), &another, seal_world::owner());
    scene.approve_recovery(&grant, version1(), seal_world::owner(), now());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EWrongIdentity)]
fun recovery_of_another_identity() {
    let scene = scene(draft());
    let grant = scene.recover(seal_world::owner());
    let id = vectors::identities_other_policy();
    scene.approve_recovery(&grant, id, seal_world::owner(), now());
    abort
}

#[test, expected_failure(abort_code = seal_policy::EVersion)]
fun recovery_of_a_retired_version() {
    let mut scene = scene(draft());
    scene.rotate();
    scene.retire_versions(2);
    let grant = scene.recover(seal_world::owner());
    scene.approve_recovery(&grant, version1(), seal_world::owner(), now());
    abort
}

// === Where the objects go ===

#[test]
fun the_grant_goes_to_the_recipient() {
    let (cluster, cap, session, position, mut policy) = scene(draft()).parts();
    let clock = world::clock(now());
    let mut scenario = test_scenario::begin(world::bob());
    seal_policy::request_access(
        &cluster,
        &session,
        &mut policy,
        &position,
        vectors::receipts_bind_message(),
        vectors::receipts_bind_signature(),
        vectors::releases_bind_message(),
        vectors::releases_bind_signature(),
        &clock,
        scenario.ctx(),
    );
    scenario.next_tx(world::bob());
    let grant = scenario.take_from_address<AccessGrant>(recipient());
    assert_eq!(grant.grant_recipient(), recipient());
    seal_world::approve_with(
        version1(),
        &grant,
        &cluster,
        &policy,
        &session,
        &position,
        recipient(),
        now(),
    );
    destroy(grant);
    scenario.end();
    clock.destroy_for_testing();
    destroy(cluster);
    destroy(cap);
    destroy(session);
    destroy(position);
    destroy(policy);
}

#[test]
fun the_recovery_grant_goes_to_the_owner_and_the_policy_to_everybody() {
    let (cluster, cap, session, position, policy) = scene(draft()).parts();
    let clock = world::clock(now());
    let mut scenario = test_scenario::begin(seal_world::owner());
    seal_policy::recover(&cluster, &policy, &clock, scenario.ctx());
    let id = object::id(&policy);
    seal_policy::share(policy);
    scenario.next_tx(world::bob());
    let shared = scenario.take_shared<Policy>();
    assert_eq!(object::id(&shared), id);
    let grant = scenario.take_from_address<RecoveryGrant>(seal_world::owner());
    let owner = seal_world::owner();
    seal_world::approve_recovery_with(version1(), &grant, &cluster, &shared, owner, now());
    destroy(grant);
    destroy(shared);
    scenario.end();
    clock.destroy_for_testing();
    destroy(cluster);
    destroy(cap);
    destroy(session);
    destroy(position);
}

// === Versions of the package ===

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun create_on_another_version() {
    let (mut cluster, _cap) = world::cluster();
    let terms = draft().configs(vector[1]).terms();
    cluster.set_version_for_testing(2);
    let ctx = &mut world::tx(seal_world::owner(), 7);
    let name = b"a".to_string();
    let _policy = seal_policy::create(&cluster, name, name, option::none(), terms, ctx);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun set_terms_on_another_version() {
    let mut scene = scene(draft());
    scene.migrate();
    scene.set_terms(draft());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun rotate_on_another_version() {
    let mut scene = scene(draft());
    scene.migrate();
    scene.rotate();
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun retire_versions_on_another_version() {
    let mut scene = scene(draft());
    scene.rotate();
    scene.migrate();
    scene.retire_versions(2);
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun revoke_grants_on_another_version() {
    let mut scene = scene(draft());
    scene.migrate();
    scene.revoke_grants();
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun recover_on_another_version() {
    let mut scene = scene(draft());
    scene.migrate();
    let _grant = scene.recover(seal_world::owner());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun approve_recovery_on_another_version() {
    let mut scene = scene(draft());
    let grant = scene.recover(seal_world::owner());
    scene.migrate();
    scene.approve_recovery(&grant, version1(), seal_world::owner(), now());
    abort
}
