/// Anchors of a session's log: its RFC 6962 tree head, signed by the session's log key, advanced by
/// compare-and-set. The chain checks with a consistency proof that each head extends the one before,
/// so what was anchored once can be neither changed nor left out. The byte format is in
/// docs/formats.md.
module k3s_daas::anchors;

use k3s_daas::cluster::Cluster;
use k3s_daas::enclaves::Session;
use k3s_daas::merkle;
use sui::bcs::{Self, BCS};
use sui::ed25519;
use sui::event;

// === Errors ===

/// The signature is not the session's log key's over these bytes.
const ESignatureInvalid: u64 = 0;
/// The bytes are not the one canonical form of an anchor.
const ENotCanonical: u64 = 1;
/// The message was signed for another purpose.
const EWrongIntent: u64 = 2;
/// A root has 32 bytes.
const ERootLength: u64 = 3;
/// The anchor is of another cluster.
const EWrongCluster: u64 = 4;
/// The anchor is of another session.
const EWrongSession: u64 = 5;
/// Another anchor came first: the previous root is not the session's head.
const EWrongPrevious: u64 = 6;
/// An anchor adds at least one record.
const ENotGrowing: u64 = 7;
/// The last sequence went back.
const ESequenceBack: u64 = 8;

// === Constants ===

const INTENT_ANCHOR: u8 = 3;
const ROOT_BYTES: u64 = 32;

// === Structs ===

/// What is signed.
public struct AnchorMessage has copy, drop {
    intent: u8,
    timestamp_ms: u64,
    payload: Anchor,
}

/// A log of `size` records with this root. The order of the fields is the byte format.
public struct Anchor has copy, drop {
    cluster: ID,
    session: ID,
    size: u64,
    root: vector<u8>,
    previous_root: vector<u8>,
    /// Sequence of the last decision among the records; 0 if there is none.
    last_sequence: u64,
}

// === Events ===

public struct Anchored has copy, drop {
    cluster: ID,
    session: ID,
    size: u64,
    root: vector<u8>,
    last_sequence: u64,
}

// === Public functions ===

/// Advances the head of a live session. Anyone may submit what its log key signed. `consistency` is the
/// proof of RFC 6962 section 2.1.2 between the two sizes; empty for the first anchor.
public fun anchor(
    cluster: &Cluster,
    session: &mut Session,
    message: vector<u8>,
    signature: vector<u8>,
    consistency: vector<vector<u8>>,
) {
    cluster.assert_version();
    session.assert_cluster(cluster);
    session.assert_live(cluster);
    let anchor = verify(cluster, session, message, signature);
    assert!(anchor.previous_root == session.head_root(), EWrongPrevious);
    assert!(anchor.size > session.head_size(), ENotGrowing);
    assert!(anchor.last_sequence >= session.head_last_sequence(), ESequenceBack);
    merkle::assert_consistency(
        session.head_size(),
        session.head_root(),
        anchor.size,
        anchor.root,
        consistency,
    );
    let Anchor { size, root, last_sequence, .. } = anchor;
    session.set_head(size, root, last_sequence);
    event::emit(Anchored {
        cluster: anchor.cluster,
        session: anchor.session,
        size,
        root,
        last_sequence,
    });
}

/// Aborts unless `record`, the bytes of a log record, is number `index` of what the session has anchored.
/// Holds for sessions that have ended, too.
public fun assert_included(
    cluster: &Cluster,
    session: &Session,
    record: vector<u8>,
    index: u64,
    proof: vector<vector<u8>>,
) {
    cluster.assert_version();
    session.assert_cluster(cluster);
    let leaf = merkle::leaf_hash(record);
    merkle::assert_inclusion(leaf, index, session.head_size(), session.head_root(), proof);
}

// === Views ===

public fun size(anchor: &Anchor): u64 { anchor.size }

public fun root(anchor: &Anchor): vector<u8> { anchor.root }

public fun previous_root(anchor: &Anchor): vector<u8> { anchor.previous_root }

public fun last_sequence(anchor: &Anchor): u64 { anchor.last_sequence }

// === Package functions ===

/// The anchor in `message`, if the session's log key signed it for this cluster and session. Whether
/// the session still lives is the caller's question: evidence against a dead one counts too.
public(package) fun verify(
    cluster: &Cluster,
    session: &Session,
    message: vector<u8>,
    signature: vector<u8>,
): Anchor {
    let key = session.log_key();
    assert!(ed25519::ed25519_verify(&signature, &key, &message), ESignatureInvalid);
    let anchor = parse(message);
    assert!(anchor.cluster == object::id(cluster), EWrongCluster);
    assert!(anchor.session == object::id(session), EWrongSession);
    anchor
}

/// Strict, as `decisions::parse` is.
public(package) fun parse(message: vector<u8>): Anchor {
    let mut bytes = bcs::new(message);
    let parsed = AnchorMessage {
        intent: bytes.peel_u8(),
        timestamp_ms: bytes.peel_u64(),
        payload: Anchor {
            cluster: bytes.peel_address().to_id(),
            session: bytes.peel_address().to_id(),
            size: bytes.peel_u64(),
            root: peel_root(&mut bytes),
            previous_root: peel_root(&mut bytes),
            last_sequence: bytes.peel_u64(),
        },
    };
    assert!(bcs::to_bytes(&parsed) == message, ENotCanonical);
    assert!(parsed.intent == INTENT_ANCHOR, EWrongIntent);
    parsed.payload
}

// === Private functions ===

fun peel_root(bytes: &mut BCS): vector<u8> {
    let root = bytes.peel_vec_u8();
    assert!(root.length() == ROOT_BYTES, ERootLength);
    root
}
