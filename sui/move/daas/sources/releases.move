/// Verifies releases: the live enclave's consent that one recipient may open one policy's secrets for
/// one pod. A receipt is public, so it opens nothing by itself; a release does. The byte format is in
/// docs/formats.md.
module k3s_daas::releases;

use k3s_daas::cluster::Cluster;
use k3s_daas::enclaves::Session;
use std::string::String;
use sui::bcs::{Self, BCS};
use sui::ed25519;

// === Errors ===

/// The signature is not the session's decision key's over these bytes.
const ESignatureInvalid: u64 = 0;
/// The bytes are not the one canonical form of a release.
const ENotCanonical: u64 = 1;
/// The message was signed for another purpose.
const EWrongIntent: u64 = 2;
/// A digest has 32 bytes.
const EDigestLength: u64 = 3;
/// The release is of another cluster.
const EWrongCluster: u64 = 4;
/// The release is of another session.
const EWrongSession: u64 = 5;

// === Constants ===

const INTENT_RELEASE: u8 = 2;
const DIGEST_BYTES: u64 = 32;

// === Structs ===

/// What is signed, and when the enclave made it.
public struct ReleaseMessage has copy, drop {
    intent: u8,
    timestamp_ms: u64,
    payload: Release,
}

/// The order of the fields is the byte format.
public struct Release has copy, drop {
    cluster: ID,
    session: ID,
    /// SHA-256 of the receipt that placed the pod.
    receipt_digest: vector<u8>,
    pod_uid: String,
    policy: ID,
    /// Sui address of the key that gets the grant.
    recipient: address,
    /// SHA-256 of each image that the pod runs, as its manifest is named.
    image_digests: vector<vector<u8>>,
    not_after_ms: u64,
}

// === Public functions ===

/// The release in `message`, if the live `session` signed it for `cluster`. Its times are the caller's
/// to compare.
public fun verify(
    cluster: &Cluster,
    session: &Session,
    message: vector<u8>,
    signature: vector<u8>,
): ReleaseMessage {
    cluster.assert_version();
    session.assert_cluster(cluster);
    session.assert_live(cluster);
    let key = session.decision_key();
    assert!(ed25519::ed25519_verify(&signature, &key, &message), ESignatureInvalid);
    let release = parse(message);
    assert!(release.payload.cluster == object::id(cluster), EWrongCluster);
    assert!(release.payload.session == object::id(session), EWrongSession);
    release
}

// === Views ===

public fun timestamp_ms(release: &ReleaseMessage): u64 { release.timestamp_ms }

public fun receipt_digest(release: &ReleaseMessage): vector<u8> { release.payload.receipt_digest }

public fun pod_uid(release: &ReleaseMessage): String { release.payload.pod_uid }

public fun policy(release: &ReleaseMessage): ID { release.payload.policy }

public fun recipient(release: &ReleaseMessage): address { release.payload.recipient }

public fun image_digests(release: &ReleaseMessage): vector<vector<u8>> {
    release.payload.image_digests
}

public fun not_after_ms(release: &ReleaseMessage): u64 { release.payload.not_after_ms }

// === Package functions ===

/// Strict, as `decisions::parse` is.
public(package) fun parse(message: vector<u8>): ReleaseMessage {
    let mut bytes = bcs::new(message);
    let parsed = ReleaseMessage {
        intent: bytes.peel_u8(),
        timestamp_ms: bytes.peel_u64(),
        payload: Release {
            cluster: bytes.peel_address().to_id(),
            session: bytes.peel_address().to_id(),
            receipt_digest: peel_digest(&mut bytes),
            pod_uid: peel_string(&mut bytes),
            policy: bytes.peel_address().to_id(),
            recipient: bytes.peel_address(),
            image_digests: bytes.peel_vec!(|bytes| peel_digest(bytes)),
            not_after_ms: bytes.peel_u64(),
        },
    };
    assert!(bcs::to_bytes(&parsed) == message, ENotCanonical);
    assert!(parsed.intent == INTENT_RELEASE, EWrongIntent);
    parsed
}

// === Private functions ===

fun peel_digest(bytes: &mut BCS): vector<u8> {
    let digest = bytes.peel_vec_u8();
    assert!(digest.length() == DIGEST_BYTES, EDigestLength);
    digest
}

fun peel_string(bytes: &mut BCS): String {
    let text = bytes.peel_vec_u8().try_to_string();
    assert!(text.is_some(), ENotCanonical);
    text.destroy_some()
}
