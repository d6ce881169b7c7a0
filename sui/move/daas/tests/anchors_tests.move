#[test_only]
module k3s_daas::anchors_tests;

use k3s_daas::anchor_vectors as vectors;
use k3s_daas::anchors;
use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::enclaves::{Self, Session};
use k3s_daas::merkle;
use k3s_daas::vectors as keys;
use k3s_daas::world::{Self, b, concat};
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::event;

fun throw_away(cluster: Cluster, cap: ClusterCap, session: Session) {
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

/// Anchors the three records of the vectors.
fun anchor_first(cluster: &Cluster, session: &mut Session) {
    let signature = vectors::anchors_first_signature();
    anchors::anchor(cluster, session, vectors::anchors_first_message(), signature, vector[]);
}

/// Anchors this as the first anchor.
fun first(message: vector<u8>, signature: vector<u8>) {
    let (cluster, cap, mut session) = world::active();
    anchors::anchor(&cluster, &mut session, message, signature, vector[]);
    throw_away(cluster, cap, session);
}

/// Anchors this after the first three records.
fun second(message: vector<u8>, signature: vector<u8>, consistency: vector<vector<u8>>) {
    let (cluster, cap, mut session) = world::active();
    anchor_first(&cluster, &mut session);
    anchors::anchor(&cluster, &mut session, message, signature, consistency);
    throw_away(cluster, cap, session);
}

// === Growth ===

#[test]
fun a_session_begins_with_the_empty_tree() {
    let (cluster, cap, session) = world::active();
    assert_eq!(session.head_size(), 0);
    assert_eq!(session.head_root(), vectors::roots_empty());
    assert_eq!(session.head_last_sequence(), 0);
    throw_away(cluster, cap, session);
}

#[test]
fun the_head_grows() {
    let (cluster, cap, mut session) = world::active();
    anchor_first(&cluster, &mut session);
    assert_eq!(session.head_size(), 3);
    assert_eq!(session.head_root(), vectors::roots_three());
    assert_eq!(session.head_last_sequence(), 2);
    anchors::anchor(
        &cluster,
        &mut session,
        vectors::anchors_second_message(),
        vectors::anchors_second_signature(),
        vectors::consistency_three_to_eight(),
    );
    assert_eq!(session.head_size(), 8);
    assert_eq!(session.head_root(), vectors::roots_eight());
    assert_eq!(session.head_last_sequence(), 6);
    throw_away(cluster, cap, session);
}

#[test]
fun a_batch_without_decisions_keeps_the_last_sequence() {
    let (cluster, cap, mut session) = world::active();
    anchor_first(&cluster, &mut session);
    anchors::anchor(
        &cluster,
        &mut session,
        vectors::anchors_five_message(),
        vectors::anchors_five_signature(),
        vectors::consistency_three_to_five(),
    );
    assert_eq!(session.head_size(), 5);
    assert_eq!(session.head_last_sequence(), 2);
    throw_away(cluster, cap, session);
}

#[test]
fun the_largest_size() {
    first(vectors::anchors_largest_message(), vectors::anchors_largest_signature());
}

#[test]
fun events_of_anchors() {
    let (cluster, cap, mut session) = world::active();
    anchor_first(&cluster, &mut session);
    let expected = concat(vector[
        x"01",
        keys::ids_cluster(),
        keys::ids_session(),
        b(3u64),
        x"20",
        vectors::roots_three(),
        b(2u64),
    ]);
    assert_eq!(bcs::to_bytes(&event::events_by_type<anchors::Anchored>()), expected);
    throw_away(cluster, cap, session);
}

// === Signature and form ===

#[test, expected_failure(abort_code = anchors::ESignatureInvalid)]
fun signed_by_the_decision_key() {
    first(vectors::anchors_other_key_message(), vectors::anchors_other_key_signature());
}

#[test, expected_failure(abort_code = anchors::ESignatureInvalid)]
fun signature_of_another_anchor() {
    first(vectors::anchors_first_message(), vectors::anchors_second_signature());
}

#[test, expected_failure(abort_code = anchors::ENotCanonical)]
fun bytes_left_over() {
    first(vectors::anchors_longer_message(), vectors::anchors_longer_signature());
}

#[test, expected_failure(abort_code = sui::bcs::EOutOfRange)]
fun bytes_that_end_early() {
    first(vectors::anchors_shorter_message(), vectors::anchors_shorter_signature());
}

#[test, expected_failure(abort_code = anchors::EWrongIntent)]
fun another_intent() {
    first(vectors::anchors_other_intent_message(), vectors::anchors_other_intent_signature());
}

#[test, expected_failure(abort_code = anchors::ERootLength)]
fun a_short_root() {
    first(vectors::anchors_short_root_message(), vectors::anchors_short_root_signature());
}

#[test, expected_failure(abort_code = anchors::ERootLength)]
fun a_long_previous_root() {
    first(
        vectors::anchors_long_previous_root_message(),
        vectors::anchors_long_previous_root_signature(),
    );
}

// === Whose ===

#[test, expected_failure(abort_code = anchors::EWrongCluster)]
fun of_another_cluster() {
    first(vectors::anchors_other_cluster_message(), vectors::anchors_other_cluster_signature());
}

#[test, expected_failure(abort_code = anchors::EWrongSession)]
fun of_another_session() {
    first(vectors::anchors_other_session_message(), vectors::anchors_other_session_signature());
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun session_of_another_cluster() {
    let (cluster, cap, mut session) = world::active();
    let (other, other_cap) = world::other_cluster();
    anchor_first(&other, &mut session);
    throw_away(cluster, cap, session);
    destroy(other);
    destroy(other_cap);
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun a_session_that_has_ended() {
    let (mut cluster, cap, mut session) = world::active();
    world::revoke(&mut cluster, &cap, &mut session);
    anchor_first(&cluster, &mut session);
    throw_away(cluster, cap, session);
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun a_session_whose_image_was_retired() {
    let (mut cluster, cap, mut session) = world::active();
    cluster.retire_config(&cap, 3);
    anchor_first(&cluster, &mut session);
    throw_away(cluster, cap, session);
}

// === Order ===

#[test, expected_failure(abort_code = anchors::EWrongPrevious)]
fun twice_the_same() {
    second(vectors::anchors_first_message(), vectors::anchors_first_signature(), vector[]);
}

#[test, expected_failure(abort_code = anchors::EWrongPrevious)]
fun one_that_knows_of_no_other() {
    second(
        vectors::anchors_second_at_once_message(),
        vectors::anchors_second_at_once_signature(),
        vectors::consistency_three_to_eight(),
    );
}

#[test, expected_failure(abort_code = anchors::EWrongPrevious)]
fun one_that_skips_the_first() {
    first(vectors::anchors_second_message(), vectors::anchors_second_signature());
}

#[test, expected_failure(abort_code = anchors::ENotGrowing)]
fun the_same_size() {
    second(vectors::anchors_same_size_message(), vectors::anchors_same_size_signature(), vector[]);
}

#[test, expected_failure(abort_code = anchors::ENotGrowing)]
fun a_smaller_size() {
    second(vectors::anchors_smaller_message(), vectors::anchors_smaller_signature(), vector[]);
}

#[test, expected_failure(abort_code = anchors::ESequenceBack)]
fun a_sequence_that_goes_back() {
    second(
        vectors::anchors_sequence_back_message(),
        vectors::anchors_sequence_back_signature(),
        vectors::consistency_three_to_eight(),
    );
}

// === Append-only ===

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun growth_without_proof() {
    second(vectors::anchors_second_message(), vectors::anchors_second_signature(), vector[]);
}

/// The log key signed a tree whose first record is another: the chain does not take its word.
#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun a_record_that_was_anchored_is_changed() {
    let mut proof = vectors::consistency_three_to_eight();
    *proof.borrow_mut(0) = merkle::leaf_hash(b"changed");
    second(vectors::anchors_rewritten_message(), vectors::anchors_rewritten_signature(), proof);
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun another_tree_with_an_honest_proof() {
    second(
        vectors::anchors_forked_message(),
        vectors::anchors_forked_signature(),
        vectors::consistency_three_to_eight(),
    );
}

// === Inclusion ===

#[test]
fun a_record_is_included_before_and_after_growth() {
    let (mut cluster, cap, mut session) = world::active();
    anchor_first(&cluster, &mut session);
    anchors::assert_included(&cluster, &session, b"record 2", 2, vectors::inclusion_record2_of3());
    anchors::anchor(
        &cluster,
        &mut session,
        vectors::anchors_second_message(),
        vectors::anchors_second_signature(),
        vectors::consistency_three_to_eight(),
    );
    anchors::assert_included(&cluster, &session, b"record 2", 2, vectors::inclusion_record2_of8());
    world::revoke(&mut cluster, &cap, &mut session);
    anchors::assert_included(&cluster, &session, b"record 2", 2, vectors::inclusion_record2_of8());
    throw_away(cluster, cap, session);
}

fun included(record: vector<u8>, index: u64, proof: vector<vector<u8>>) {
    let (cluster, cap, mut session) = world::active();
    anchor_first(&cluster, &mut session);
    anchors::assert_included(&cluster, &session, record, index, proof);
    throw_away(cluster, cap, session);
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun another_record_is_not_included() {
    included(b"record 3", 2, vectors::inclusion_record2_of3());
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun nor_the_record_elsewhere() { included(b"record 2", 1, vectors::inclusion_record2_of3()); }

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun nor_behind_the_head() { included(b"record 3", 3, vectors::inclusion_record2_of3()); }

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun included_in_a_session_of_another_cluster() {
    let (cluster, cap, mut session) = world::active();
    let (other, other_cap) = world::other_cluster();
    anchor_first(&cluster, &mut session);
    anchors::assert_included(&other, &session, b"record 2", 2, vectors::inclusion_record2_of3());
    throw_away(cluster, cap, session);
    destroy(other);
    destroy(other_cap);
}
