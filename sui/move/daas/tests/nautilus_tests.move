/// The known weaknesses of Nautilus' `enclave.move`, from which this package's enclaves descend: a test
/// of what happens here instead, for each.
#[test_only]
module k3s_daas::nautilus_tests;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::decisions;
use k3s_daas::enclaves::{Self, EnclaveSlot, Session};
use k3s_daas::vectors;
use k3s_daas::world::{Self, pcr};
use std::unit_test::destroy;

use fun enclaves::activate as Cluster.activate;

/// Registers the enclave of the vectors with this document.
fun register(
    cluster: &Cluster,
    slot: EnclaveSlot,
    document_ms: u64,
    pcr_indices: vector<u8>,
    pcr_values: vector<vector<u8>>,
): Session {
    let clock = world::clock(world::now_ms());
    let bond = world::coin(world::bond_min());
    let session = enclaves::register_inner(
        cluster,
        slot,
        document_ms,
        pcr_indices,
        pcr_values,
        option::some(vectors::keys_decision()),
        option::some(vectors::enclave_user_data()),
        option::some(vectors::ids_slot()),
        vectors::keys_log(),
        vectors::enclave_tls_key_hash(),
        bond,
        &clock,
        &mut world::tx(world::operator(), 4),
    );
    clock.destroy_for_testing();
    session
}

fun register_in_a_new_cluster(
    document_ms: u64,
    pcr_indices: vector<u8>,
    pcr_values: vector<vector<u8>>,
) {
    let (cluster, cap) = world::cluster();
    let slot = world::slot(&cluster, &cap, 1);
    let session = register(&cluster, slot, document_ms, pcr_indices, pcr_values);
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

fun verify(cluster: &Cluster, session: &Session) {
    let message = vectors::messages_bind_message();
    decisions::verify(cluster, session, message, vectors::messages_bind_signature());
}

// === PCRs taken by their position in the list ===

/// Positions as Nautilus reads them are right, the indices are those of other registers.
#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcrs_by_position() {
    let values = vector[pcr(10), pcr(11), pcr(12)];
    register_in_a_new_cluster(world::now_ms(), vector[4, 8, 16], values);
}

/// A sparse list moves the positions, and the indices still find the registers.
#[test]
fun pcrs_by_index() {
    let values = vector[pcr(99), pcr(12), pcr(11), pcr(10)];
    register_in_a_new_cluster(world::now_ms(), vector[8, 2, 1, 0], values);
}

// === No revocation inside a config version ===

fun after_revocation(): (Cluster, ClusterCap, Session) {
    let (mut cluster, cap, mut session) = world::active();
    world::revoke(&mut cluster, &cap, &mut session);
    // The session's image is as good as before.
    assert!(cluster.is_accepted(3));
    (cluster, cap, session)
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun revoked_session_verifies_no_decision() {
    let (cluster, _cap, session) = after_revocation();
    verify(&cluster, &session);
    abort
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun revoked_session_is_not_activated() {
    let (mut cluster, cap, session) = after_revocation();
    cluster.activate(&cap, &session, 2);
    abort
}

// === No protection against replay ===

/// A document registers once: its nonce is the id of a slot, and the slot is used up.
#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun document_replayed_with_another_slot() {
    let (cluster, cap) = world::cluster();
    let slot = world::slot(&cluster, &cap, 1);
    let ctx = &mut world::tx(world::operator(), 50);
    let expires_ms = world::now_ms() + 60_000;
    let another = enclaves::new_slot(&cluster, &cap, world::operator(), 1, expires_ms, ctx);
    let indices = vector[0, 1, 2];
    let values = vector[pcr(10), pcr(11), pcr(12)];
    let _first = register(&cluster, slot, world::now_ms(), indices, values);
    let _second = register(&cluster, another, world::now_ms(), indices, values);
    abort
}

/// A decision of an earlier term is no decision of now, though its signature holds.
#[test]
fun decision_replayed_in_another_term() {
    let (mut cluster, cap, session) = world::active();
    let message = vectors::messages_bind_message();
    let signature = vectors::messages_bind_signature();
    let decision = decisions::verify(&cluster, &session, message, signature);
    assert!(decision.is_active(&cluster));
    cluster.activate(&cap, &session, 2);
    let decision = decisions::verify(&cluster, &session, message, signature);
    assert!(!decision.is_active(&cluster));
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

// === No check of a document's age ===

#[test, expected_failure(abort_code = enclaves::EDocumentTooOld)]
fun document_too_old() {
    let document_ms = world::now_ms() - world::document_age_ms_max() - 1;
    let values = vector[pcr(10), pcr(11), pcr(12)];
    register_in_a_new_cluster(document_ms, vector[0, 1, 2], values);
}

// === Config version ignored when a signature is verified ===

/// The image was withdrawn after the session had registered.
#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun decision_of_a_withdrawn_config() {
    let (mut cluster, cap, session) = world::active();
    cluster.retire_config(&cap, 3);
    verify(&cluster, &session);
    abort
}

/// The decision says another version than the session that signed it.
#[test, expected_failure(abort_code = decisions::EWrongConfigVersion)]
fun decision_of_another_config() {
    let (cluster, _cap, session) = world::active();
    let message = vectors::messages_other_config_version_message();
    let signature = vectors::messages_other_config_version_signature();
    decisions::verify(&cluster, &session, message, signature);
    abort
}

// === Enclaves in debug mode ===

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun debug_document_whose_other_pcrs_are_not_zero() {
    let values = vector[pcr(0), pcr(0), pcr(0), pcr(4)];
    register_in_a_new_cluster(world::now_ms(), vector[0, 1, 2, 4], values);
}
