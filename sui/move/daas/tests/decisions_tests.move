#[test_only]
module k3s_daas::decisions_tests;

use k3s_daas::decisions;
use k3s_daas::enclaves;
use k3s_daas::vectors;
use k3s_daas::world;
use std::unit_test::{assert_eq, destroy};

/// Verifies in the cluster and session of the vectors, in term 2, and throws everything away.
fun verify(message: vector<u8>, signature: vector<u8>) {
    let (cluster, cap, session) = world::active();
    decisions::verify(&cluster, &session, message, signature);
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

fun bind(): vector<u8> { vectors::messages_bind_message() }

fun signature(): vector<u8> { vectors::messages_bind_signature() }

// === Valid ===

#[test]
fun the_vector() {
    let (cluster, cap, session) = world::active();
    let decision = decisions::verify(&cluster, &session, bind(), signature());
    // The values of core/vectors/decision.json.
    assert_eq!(decision.cluster().to_bytes(), vectors::ids_cluster());
    assert_eq!(decision.session().to_bytes(), vectors::ids_session());
    assert_eq!(decision.term(), 2);
    assert_eq!(decision.config_version(), 3);
    assert_eq!(decision.sequence(), 0x0102030405060708);
    assert_eq!(decision.kind(), 0);
    assert_eq!(decision.pod_uid(), b"5a7c3c0e-0b1f-4a52-9f0b-0d6a3f7f1c11".to_string());
    assert_eq!(decision.namespace(), b"tenant-a".to_string());
    assert_eq!(decision.pod(), b"web-6d4cf56db6-x2x5k".to_string());
    assert_eq!(decision.service_account(), b"web".to_string());
    assert_eq!(decision.service_account_uid(), b"c2f1a7de-91b4-4d0e-8f53-6f0f9a4be2d2".to_string());
    assert_eq!(decision.node(), b"worker-1".to_string());
    assert_eq!(decision.node_uid(), b"9b0d2a44-7c3e-4c1d-b1ea-2f4d1f6c7a33".to_string());
    assert_eq!(decision.stake().to_bytes(), vectors::ids_stake());
    assert_eq!(decision.not_after_ms(), 1_763_700_010_123);
    assert_eq!(decision.checkpoint(), 9_007_199_254_740_993);
    assert_eq!(decision.previous(), vectors::decision_previous());
    assert_eq!(decision.pod_spec_digest(), vectors::decision_pod_spec_digest());
    assert_eq!(decision.node_key_hash(), vectors::decision_node_key_hash());
    assert_eq!(decision.policy_digest(), vectors::config_policy_digest());
    assert_eq!(decision.checkpoint_digest(), vectors::decision_checkpoint_digest());
    assert_eq!(decision.snapshot_digest(), vectors::decision_snapshot_digest());
    assert_eq!(decision.input_digest(), vectors::decision_input_digest());
    assert_eq!(decision.feasible_digest(), vectors::decision_feasible_digest());
    assert!(decision.is_active(&cluster));
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

#[test]
fun adoption() {
    let message = vectors::messages_adopt_message();
    assert_eq!(decisions::parse(message).kind(), 1);
    assert!(decisions::parse(message).is_adoption());
    assert!(!decisions::parse(bind()).is_adoption());
    verify(message, vectors::messages_adopt_signature());
}

#[test]
fun names_whose_lengths_take_two_bytes() {
    let message = vectors::messages_long_names_message();
    assert_eq!(decisions::parse(message).node().length(), 253);
    verify(message, vectors::messages_long_names_signature());
}

#[test]
fun a_decision_of_an_earlier_term_verifies_and_is_not_active() {
    let (mut cluster, cap, session) = world::active();
    enclaves::activate(&mut cluster, &cap, &session, 2);
    let decision = decisions::verify(&cluster, &session, bind(), signature());
    assert_eq!(cluster.term(), 3);
    assert!(!decision.is_active(&cluster));
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

#[test]
fun a_decision_is_not_active_where_no_session_is() {
    let (mut cluster, cap, mut session) = world::active();
    let decision = decisions::verify(&cluster, &session, bind(), signature());
    assert!(decision.is_active(&cluster));
    world::revoke(&mut cluster, &cap, &mut session);
    assert!(!decision.is_active(&cluster));
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

#[test]
fun a_decision_is_not_active_in_another_cluster() {
    let (cluster, cap, session) = world::active();
    let (other, other_cap) = world::other_cluster();
    let decision = decisions::verify(&cluster, &session, bind(), signature());
    assert!(!decision.is_active(&other));
    destroy(cluster);
    destroy(cap);
    destroy(session);
    destroy(other);
    destroy(other_cap);
}

// === Signature ===

#[test, expected_failure(abort_code = decisions::ESignatureInvalid)]
fun signature_by_another_key() { verify(bind(), vectors::other_key_signature()); }

#[test, expected_failure(abort_code = decisions::ESignatureInvalid)]
fun signature_of_another_message() { verify(bind(), vectors::messages_adopt_signature()); }

#[test, expected_failure(abort_code = decisions::ESignatureInvalid)]
fun signature_empty() { verify(bind(), vector[]); }

#[test, expected_failure(abort_code = decisions::ESignatureInvalid)]
fun signature_with_more() {
    let mut longer = signature();
    longer.push_back(0);
    verify(bind(), longer);
}

#[test, expected_failure(abort_code = decisions::ESignatureInvalid)]
fun message_changed_after_signing() {
    let mut message = bind();
    *(&mut message[1]) = message[1] ^ 1;
    verify(message, signature());
}

#[test, expected_failure(abort_code = decisions::ESignatureInvalid)]
fun message_empty() { verify(vector[], signature()); }

// === Form ===

#[test, expected_failure(abort_code = decisions::ENotCanonical)]
fun trailing_byte() {
    verify(vectors::messages_trailing_message(), vectors::messages_trailing_signature());
}

#[test, expected_failure(abort_code = decisions::ENotCanonical)]
fun length_in_a_longer_form() {
    verify(vectors::messages_long_length_message(), vectors::messages_long_length_signature());
}

#[test, expected_failure(abort_code = decisions::ENotCanonical)]
fun text_that_is_not_utf8() {
    verify(vectors::messages_not_utf8_message(), vectors::messages_not_utf8_signature());
}

#[test, expected_failure(abort_code = sui::bcs::EOutOfRange)]
fun message_cut_short() {
    verify(vectors::messages_truncated_message(), vectors::messages_truncated_signature());
}

#[test, expected_failure(vector_error, minor_status = 2, location = sui::bcs)]
fun message_cut_before_a_length() { decisions::parse(bind().take(1 + 8 + 2 * 32 + 3 * 8)); }

#[test, expected_failure(abort_code = sui::bcs::EOutOfRange)]
fun message_of_an_intent_only() { decisions::parse(x"01"); }

#[test, expected_failure(abort_code = decisions::EDigestLength)]
fun digest_short() {
    verify(vectors::messages_short_digest_message(), vectors::messages_short_digest_signature());
}

#[test, expected_failure(abort_code = decisions::EDigestLength)]
fun digest_long() {
    verify(vectors::messages_long_digest_message(), vectors::messages_long_digest_signature());
}

#[test, expected_failure(abort_code = decisions::EWrongIntent)]
fun intent_of_a_release() {
    verify(vectors::messages_wrong_intent_message(), vectors::messages_wrong_intent_signature());
}

#[test, expected_failure(abort_code = decisions::EKindUnknown)]
fun kind_unknown() {
    verify(vectors::messages_unknown_kind_message(), vectors::messages_unknown_kind_signature());
}

// === Cluster, session, term, config ===

#[test, expected_failure(abort_code = decisions::EWrongCluster)]
fun decision_of_another_cluster() {
    verify(vectors::messages_other_cluster_message(), vectors::messages_other_cluster_signature());
}

#[test, expected_failure(abort_code = decisions::EWrongSession)]
fun decision_of_another_session() {
    verify(vectors::messages_other_session_message(), vectors::messages_other_session_signature());
}

#[test, expected_failure(abort_code = decisions::EWrongTerm)]
fun decision_of_term_zero() {
    verify(vectors::messages_term_zero_message(), vectors::messages_term_zero_signature());
}

#[test, expected_failure(abort_code = decisions::EWrongTerm)]
fun decision_of_a_term_to_come() {
    verify(vectors::messages_term_future_message(), vectors::messages_term_future_signature());
}

#[test, expected_failure(abort_code = decisions::EWrongConfigVersion)]
fun decision_of_another_config_version() {
    verify(
        vectors::messages_other_config_version_message(),
        vectors::messages_other_config_version_signature(),
    );
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun session_of_another_cluster() {
    let (_cluster, _cap, session) = world::active();
    let (other, _other_cap) = world::other_cluster();
    decisions::verify(&other, &session, bind(), signature());
    abort
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun session_revoked() {
    let (mut cluster, cap, mut session) = world::active();
    world::revoke(&mut cluster, &cap, &mut session);
    decisions::verify(&cluster, &session, bind(), signature());
    abort
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun config_retired() {
    let (mut cluster, cap, session) = world::active();
    cluster.retire_config(&cap, 3);
    decisions::verify(&cluster, &session, bind(), signature());
    abort
}

#[test, expected_failure(abort_code = k3s_daas::cluster::EWrongVersion)]
fun verify_on_another_version() {
    let (mut cluster, _cap, session) = world::active();
    cluster.set_version_for_testing(2);
    decisions::verify(&cluster, &session, bind(), signature());
    abort
}

// === Receipts ===

#[test]
fun the_digest_of_a_receipt() {
    let digest = decisions::receipt_digest(bind(), signature());
    assert_eq!(digest, vectors::receipt_digest());
    assert!(decisions::receipt_digest(bind(), vectors::other_key_signature()) != digest);
}
