#[test_only]
module k3s_daas::slashing_tests;

use k3s_daas::anchor_vectors as evidence;
use k3s_daas::anchors;
use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::decisions;
use k3s_daas::enclaves::{Self, Session};
use k3s_daas::slashing;
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat};
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::event;

const REPORTED_MS: u64 = 1_763_700_050_000;

fun throw_away(cluster: Cluster, cap: ClusterCap, session: Session) {
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

/// Reports two decisions in a cluster whose active session is that of the vectors.
fun report(
    cluster: &mut Cluster,
    session: &mut Session,
    first_message: vector<u8>,
    first_signature: vector<u8>,
    second_message: vector<u8>,
    second_signature: vector<u8>,
) {
    let clock = world::clock(REPORTED_MS);
    slashing::report_decisions(
        cluster,
        session,
        first_message,
        first_signature,
        second_message,
        second_signature,
        &clock,
    );
    clock.destroy_for_testing();
}

/// Bind and adopt of the vectors have one sequence.
fun report_both(cluster: &mut Cluster, session: &mut Session) {
    report(
        cluster,
        session,
        vectors::messages_bind_message(),
        vectors::messages_bind_signature(),
        vectors::messages_adopt_message(),
        vectors::messages_adopt_signature(),
    );
}

fun report_with_bind(second_message: vector<u8>, second_signature: vector<u8>) {
    let (mut cluster, cap, mut session) = world::active();
    report(
        &mut cluster,
        &mut session,
        vectors::messages_bind_message(),
        vectors::messages_bind_signature(),
        second_message,
        second_signature,
    );
    throw_away(cluster, cap, session);
}

fun report_anchors(
    cluster: &mut Cluster,
    session: &mut Session,
    second_message: vector<u8>,
    second_signature: vector<u8>,
) {
    let clock = world::clock(REPORTED_MS);
    slashing::report_anchors(
        cluster,
        session,
        evidence::anchors_second_message(),
        evidence::anchors_second_signature(),
        second_message,
        second_signature,
        &clock,
    );
    clock.destroy_for_testing();
}

fun report_with_second(second_message: vector<u8>, second_signature: vector<u8>) {
    let (mut cluster, cap, mut session) = world::active();
    report_anchors(&mut cluster, &mut session, second_message, second_signature);
    throw_away(cluster, cap, session);
}

// === Decisions ===

#[test]
fun two_decisions_of_one_sequence_end_the_session_and_take_its_bond() {
    let (mut cluster, cap, mut session) = world::active();
    let bond = session.bond_value();
    assert!(bond > 0);
    report_both(&mut cluster, &mut session);
    assert!(session.is_revoked());
    assert_eq!(session.ended_ms(), REPORTED_MS);
    assert_eq!(session.bond_value(), 0);
    assert_eq!(cluster.treasury_value(), bond);
    assert_eq!(cluster.active_session(), option::none());
    let ids = concat(vector[x"01", vectors::ids_cluster(), vectors::ids_session()]);
    let proven = event::events_by_type<slashing::DecisionsEquivocated>();
    let sequence = b(0x0102030405060708u64);
    assert_eq!(bcs::to_bytes(&proven), concat(vector[ids, sequence, b(bond)]));
    let slashed = event::events_by_type<enclaves::BondSlashed>();
    assert_eq!(bcs::to_bytes(&slashed), concat(vector[ids, b(bond)]));
    let revoked = event::events_by_type<enclaves::SessionRevoked>();
    assert_eq!(bcs::to_bytes(&revoked), ids);
    throw_away(cluster, cap, session);
}

#[test]
fun another_time_makes_another_decision() {
    report_with_bind(evidence::decisions_later_message(), evidence::decisions_later_signature());
}

#[test]
fun a_revoked_session_of_a_retired_image_still_pays() {
    let (mut cluster, cap, mut session) = world::active();
    let bond = session.bond_value();
    world::revoke(&mut cluster, &cap, &mut session);
    cluster.retire_config(&cap, 3);
    report_both(&mut cluster, &mut session);
    assert_eq!(cluster.treasury_value(), bond);
    assert!(session.ended_ms() != REPORTED_MS, 0);
    throw_away(cluster, cap, session);
}

#[test]
fun another_session_stays_active() {
    let (mut cluster, cap, mut session) = world::active();
    cluster.set_active(object::id_from_address(@0x5), 3);
    report_both(&mut cluster, &mut session);
    assert_eq!(cluster.active_session(), option::some(object::id_from_address(@0x5)));
    throw_away(cluster, cap, session);
}

#[test, expected_failure(abort_code = enclaves::ENoBond)]
fun a_bond_pays_once() {
    let (mut cluster, cap, mut session) = world::active();
    report_both(&mut cluster, &mut session);
    report_both(&mut cluster, &mut session);
    throw_away(cluster, cap, session);
}

#[test, expected_failure(abort_code = slashing::ESameBytes)]
fun the_same_decision_twice() {
    report_with_bind(vectors::messages_bind_message(), vectors::messages_bind_signature());
}

#[test, expected_failure(abort_code = slashing::EDifferentSequences)]
fun two_sequences() {
    report_with_bind(evidence::decisions_next_message(), evidence::decisions_next_signature());
}

#[test, expected_failure(abort_code = decisions::ESignatureInvalid)]
fun a_second_decision_by_another_key() {
    report_with_bind(
        evidence::decisions_later_message(),
        evidence::decisions_other_key_signature(),
    );
}

#[test, expected_failure(abort_code = decisions::ESignatureInvalid)]
fun a_first_decision_by_another_key() {
    let (mut cluster, cap, mut session) = world::active();
    report(
        &mut cluster,
        &mut session,
        evidence::decisions_later_message(),
        evidence::decisions_other_key_signature(),
        vectors::messages_bind_message(),
        vectors::messages_bind_signature(),
    );
    throw_away(cluster, cap, session);
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun a_session_of_another_cluster() {
    let (cluster, cap, mut session) = world::active();
    let (mut other, other_cap) = world::other_cluster();
    report_both(&mut other, &mut session);
    throw_away(cluster, cap, session);
    destroy(other);
    destroy(other_cap);
}

// === Anchors ===

#[test]
fun two_logs_of_one_size_end_the_session_and_take_its_bond() {
    let (mut cluster, cap, mut session) = world::active();
    let bond = session.bond_value();
    report_anchors(
        &mut cluster,
        &mut session,
        evidence::anchors_forked_message(),
        evidence::anchors_forked_signature(),
    );
    assert!(session.is_revoked());
    assert_eq!(cluster.treasury_value(), bond);
    assert_eq!(cluster.active_session(), option::none());
    let proven = event::events_by_type<slashing::AnchorsEquivocated>();
    let ids = concat(vector[x"01", vectors::ids_cluster(), vectors::ids_session()]);
    assert_eq!(bcs::to_bytes(&proven), concat(vector[ids, b(8u64), b(bond)]));
    throw_away(cluster, cap, session);
}

#[test, expected_failure(abort_code = slashing::ESameRoot)]
fun two_anchors_of_one_log() {
    report_with_second(
        evidence::anchors_second_at_once_message(),
        evidence::anchors_second_at_once_signature(),
    );
}

#[test, expected_failure(abort_code = slashing::EDifferentSizes)]
fun two_sizes() {
    report_with_second(evidence::anchors_five_message(), evidence::anchors_five_signature());
}

#[test, expected_failure(abort_code = anchors::ESignatureInvalid)]
fun an_anchor_by_the_decision_key() {
    report_with_second(
        evidence::anchors_other_key_message(),
        evidence::anchors_other_key_signature(),
    );
}

#[test, expected_failure(abort_code = anchors::EWrongSession)]
fun an_anchor_of_another_session() {
    report_with_second(
        evidence::anchors_other_session_message(),
        evidence::anchors_other_session_signature(),
    );
}

#[test, expected_failure(abort_code = anchors::EWrongIntent)]
fun no_anchor_at_all() {
    report_with_second(
        evidence::anchors_other_intent_message(),
        evidence::anchors_other_intent_signature(),
    );
}
