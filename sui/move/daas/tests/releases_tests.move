#[test_only]
module k3s_daas::releases_tests;

use k3s_daas::cluster;
use k3s_daas::enclaves;
use k3s_daas::release_vectors as vectors;
use k3s_daas::releases;
use k3s_daas::seal_world;
use k3s_daas::world;
use std::unit_test::{assert_eq, destroy};

/// Verifies in the cluster and session of the vectors and throws everything away.
fun verify(message: vector<u8>, signature: vector<u8>) {
    let (cluster, cap, session) = world::active();
    releases::verify(&cluster, &session, message, signature);
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

fun bind(): vector<u8> { vectors::releases_bind_message() }

fun signature(): vector<u8> { vectors::releases_bind_signature() }

// === Valid ===

#[test]
fun the_vector() {
    let (cluster, cap, session) = world::active();
    let release = releases::verify(&cluster, &session, bind(), signature());
    // The values of core/vectors/release.json.
    assert_eq!(release.timestamp_ms(), 1_763_700_000_456);
    assert_eq!(release.receipt_digest(), vectors::receipts_bind_digest());
    assert_eq!(release.pod_uid(), b"5a7c3c0e-0b1f-4a52-9f0b-0d6a3f7f1c11".to_string());
    assert_eq!(release.policy().to_bytes(), vectors::ids_policy());
    assert_eq!(release.recipient().to_bytes(), vectors::recipient());
    assert_eq!(release.image_digests(), vector[]);
    assert_eq!(release.not_after_ms(), 1_763_700_060_000);
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

#[test]
fun images() {
    let release = releases::parse(vectors::releases_two_images_message());
    assert_eq!(release.image_digests(), vector[vectors::images_a(), vectors::images_b()]);
    verify(vectors::releases_two_images_message(), vectors::releases_two_images_signature());
}

#[test]
fun images_whose_count_takes_two_bytes() {
    let release = releases::parse(vectors::releases_many_images_message());
    assert_eq!(release.image_digests().length(), 130);
    verify(vectors::releases_many_images_message(), vectors::releases_many_images_signature());
}

/// The session need not be the active one here: whoever uses the release asks for that.
#[test]
fun a_session_that_is_not_active() {
    let (mut cluster, cap, session) = world::active();
    let next = seal_world::session_of(&cluster, &cap, 3, 60);
    enclaves::activate(&mut cluster, &cap, &next, 2);
    releases::verify(&cluster, &session, bind(), signature());
    destroy(cluster);
    destroy(cap);
    destroy(session);
    destroy(next);
}

// === Signature ===

#[test, expected_failure(abort_code = releases::ESignatureInvalid)]
fun signature_by_another_key() { verify(bind(), vectors::other_key_signature()); }

#[test, expected_failure(abort_code = releases::ESignatureInvalid)]
fun signature_of_another_release() { verify(bind(), vectors::releases_adopt_signature()); }

#[test, expected_failure(abort_code = releases::ESignatureInvalid)]
fun signature_of_the_receipt() { verify(bind(), vectors::receipts_bind_signature()); }

#[test, expected_failure(abort_code = releases::ESignatureInvalid)]
fun signature_empty() { verify(bind(), vector[]); }

#[test, expected_failure(abort_code = releases::ESignatureInvalid)]
fun signature_with_a_byte_more() {
    let mut signature = signature();
    signature.push_back(0);
    verify(bind(), signature);
}

#[test, expected_failure(abort_code = releases::ESignatureInvalid)]
fun message_changed() {
    let mut message = bind();
    // The last byte of the expiry: the same moment in another century.
    *&mut message[bind().length() - 1] = 1;
    verify(message, signature());
}

// === Form ===

/// A receipt is signed by the same key. Its bytes do not even have the form of a release: its term is read
/// as the length of a digest.
#[test, expected_failure(abort_code = releases::EDigestLength)]
fun a_receipt_is_no_release() {
    verify(vectors::receipts_bind_message(), vectors::receipts_bind_signature());
}

#[test, expected_failure(abort_code = releases::EWrongIntent)]
fun intent_of_a_decision() {
    verify(
        vectors::releases_decision_intent_message(),
        vectors::releases_decision_intent_signature(),
    );
}

#[test, expected_failure(abort_code = releases::EWrongIntent)]
fun intent_of_an_anchor() {
    verify(vectors::releases_anchor_intent_message(), vectors::releases_anchor_intent_signature());
}

#[test, expected_failure(abort_code = releases::EDigestLength)]
fun receipt_digest_too_short() {
    verify(vectors::releases_short_digest_message(), vectors::releases_short_digest_signature());
}

#[test, expected_failure(abort_code = releases::EDigestLength)]
fun receipt_digest_too_long() {
    verify(vectors::releases_long_digest_message(), vectors::releases_long_digest_signature());
}

#[test, expected_failure(abort_code = releases::EDigestLength)]
fun image_digest_too_short() {
    verify(vectors::releases_short_image_message(), vectors::releases_short_image_signature());
}

#[test, expected_failure(abort_code = releases::ENotCanonical)]
fun length_in_a_longer_form() {
    verify(vectors::releases_long_length_message(), vectors::releases_long_length_signature());
}

#[test, expected_failure(abort_code = releases::ENotCanonical)]
fun text_that_is_not_utf8() {
    verify(vectors::releases_not_utf8_message(), vectors::releases_not_utf8_signature());
}

#[test, expected_failure(abort_code = releases::ENotCanonical)]
fun a_byte_more() {
    verify(vectors::releases_trailing_message(), vectors::releases_trailing_signature());
}

#[test, expected_failure(abort_code = sui::bcs::EOutOfRange)]
fun a_byte_less() {
    verify(vectors::releases_truncated_message(), vectors::releases_truncated_signature());
}

#[test, expected_failure(abort_code = sui::bcs::EOutOfRange)]
fun no_bytes() { releases::parse(vector[]); }

// === Cluster and session ===

#[test, expected_failure(abort_code = releases::EWrongCluster)]
fun release_of_another_cluster() {
    verify(vectors::releases_other_cluster_message(), vectors::releases_other_cluster_signature());
}

#[test, expected_failure(abort_code = releases::EWrongSession)]
fun release_of_another_session() {
    verify(vectors::releases_other_session_message(), vectors::releases_other_session_signature());
}

/// The same keys, but another boot.
#[test, expected_failure(abort_code = releases::EWrongSession)]
fun release_of_an_earlier_session() {
    let (cluster, cap, _session) = world::active();
    let next = seal_world::session_of(&cluster, &cap, 3, 60);
    releases::verify(&cluster, &next, bind(), signature());
    abort
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun session_of_another_cluster() {
    let (_cluster, _cap, session) = world::active();
    let (other, _other_cap) = world::other_cluster();
    releases::verify(&other, &session, bind(), signature());
    abort
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun session_revoked() {
    let (mut cluster, cap, mut session) = world::active();
    world::revoke(&mut cluster, &cap, &mut session);
    releases::verify(&cluster, &session, bind(), signature());
    abort
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun config_retired() {
    let (mut cluster, cap, session) = world::active();
    cluster.retire_config(&cap, 3);
    releases::verify(&cluster, &session, bind(), signature());
    abort
}

#[test, expected_failure(abort_code = cluster::EWrongVersion)]
fun verify_on_another_version() {
    let (mut cluster, _cap, session) = world::active();
    cluster.set_version_for_testing(2);
    releases::verify(&cluster, &session, bind(), signature());
    abort
}
