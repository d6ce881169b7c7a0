/// Verifies receipts: the enclave's Ed25519 signature over a placement, bound to cluster, session,
/// term and config. Pure: no state, no event. The byte format is in docs/formats.md, its TypeScript
/// twin in core/decision.ts.
module k3s_daas::decisions;

use k3s_daas::cluster::Cluster;
use k3s_daas::enclaves::Session;
use std::hash;
use std::string::String;
use sui::bcs::{Self, BCS};
use sui::ed25519;

// === Errors ===

/// The signature is not the session's decision key's over these bytes.
const ESignatureInvalid: u64 = 0;
/// The bytes are not the one canonical form of a decision: bytes left over, a length in a longer
/// form, or text that is not UTF-8.
const ENotCanonical: u64 = 1;
/// The message was signed for another purpose.
const EWrongIntent: u64 = 2;
/// The kind is 0 (bind) or 1 (adopt).
const EKindUnknown: u64 = 3;
/// A digest or a hash has 32 bytes.
const EDigestLength: u64 = 4;
/// The decision is of another cluster.
const EWrongCluster: u64 = 5;
/// The decision is of another session.
const EWrongSession: u64 = 6;
/// The term is zero, or none that the cluster has reached.
const EWrongTerm: u64 = 7;
/// The decision is of another enclave config than the session.
const EWrongConfigVersion: u64 = 8;

// === Constants ===

const INTENT_DECISION: u8 = 1;
const KIND_BIND: u8 = 0;
const KIND_ADOPT: u8 = 1;
const DIGEST_BYTES: u64 = 32;

// === Structs ===

/// What is signed. The intent keeps a signature for one purpose from serving another.
public struct IntentMessage<T: copy + drop> has copy, drop {
    intent: u8,
    timestamp_ms: u64,
    payload: T,
}

/// A signed decision, as the annotation of a pod holds it.
public struct Receipt has copy, drop {
    message: vector<u8>,
    signature: vector<u8>,
}

/// A placement as the enclave decided it. The order of the fields is the byte format.
public struct Decision has copy, drop {
    cluster: ID,
    session: ID,
    term: u64,
    config_version: u64,
    sequence: u64,
    previous: vector<u8>,
    kind: u8,
    pod_uid: String,
    namespace: String,
    pod: String,
    service_account: String,
    service_account_uid: String,
    pod_spec_digest: vector<u8>,
    node: String,
    node_uid: String,
    node_key_hash: vector<u8>,
    stake: ID,
    not_after_ms: u64,
    policy_digest: vector<u8>,
    checkpoint: u64,
    checkpoint_digest: vector<u8>,
    snapshot_digest: vector<u8>,
    input_digest: vector<u8>,
    feasible_digest: vector<u8>,
}

// === Public functions ===

/// The decision in `message`, if `session` signed it for `cluster`. Neither its expiry nor whether
/// its term is still the active one is checked here: see `not_after_ms` and `is_active`. Bytes that
/// end early abort in `sui::bcs`.
public fun verify(
    cluster: &Cluster,
    session: &Session,
    message: vector<u8>,
    signature: vector<u8>,
): Decision {
    cluster.assert_version();
    session.assert_cluster(cluster);
    session.assert_live(cluster);
    let decision = parse_signed(cluster, session, message, signature);
    assert!(decision.term > 0 && decision.term <= cluster.term(), EWrongTerm);
    assert!(decision.config_version == session.config_version(), EWrongConfigVersion);
    decision
}

/// Whether the decision's session is the cluster's active one, in the active term.
public fun is_active(decision: &Decision, cluster: &Cluster): bool {
    decision.cluster == object::id(cluster) && cluster.is_active(decision.session, decision.term)
}

/// What names a receipt elsewhere: SHA-256 of its BCS.
public fun receipt_digest(message: vector<u8>, signature: vector<u8>): vector<u8> {
    hash::sha2_256(bcs::to_bytes(&Receipt { message, signature }))
}

// === Views ===

public fun cluster(decision: &Decision): ID { decision.cluster }

public fun session(decision: &Decision): ID { decision.session }

public fun term(decision: &Decision): u64 { decision.term }

public fun config_version(decision: &Decision): u64 { decision.config_version }

public fun sequence(decision: &Decision): u64 { decision.sequence }

public fun previous(decision: &Decision): vector<u8> { decision.previous }

public fun kind(decision: &Decision): u8 { decision.kind }

/// Whether the decision takes over a running pod, rather than placing one.
public fun is_adoption(decision: &Decision): bool { decision.kind == KIND_ADOPT }

public fun pod_uid(decision: &Decision): String { decision.pod_uid }

public fun namespace(decision: &Decision): String { decision.namespace }

public fun pod(decision: &Decision): String { decision.pod }

public fun service_account(decision: &Decision): String { decision.service_account }

public fun service_account_uid(decision: &Decision): String { decision.service_account_uid }

public fun pod_spec_digest(decision: &Decision): vector<u8> { decision.pod_spec_digest }

public fun node(decision: &Decision): String { decision.node }

public fun node_uid(decision: &Decision): String { decision.node_uid }

public fun node_key_hash(decision: &Decision): vector<u8> { decision.node_key_hash }

public fun stake(decision: &Decision): ID { decision.stake }

public fun not_after_ms(decision: &Decision): u64 { decision.not_after_ms }

public fun policy_digest(decision: &Decision): vector<u8> { decision.policy_digest }

public fun checkpoint(decision: &Decision): u64 { decision.checkpoint }

public fun checkpoint_digest(decision: &Decision): vector<u8> { decision.checkpoint_digest }

public fun snapshot_digest(decision: &Decision): vector<u8> { decision.snapshot_digest }

public fun input_digest(decision: &Decision): vector<u8> { decision.input_digest }

public fun feasible_digest(decision: &Decision): vector<u8> { decision.feasible_digest }

// === Package functions ===

/// The decision in `message`, if the session's decision key signed it for this cluster and session.
/// Whether the session still lives is the caller's question: evidence against a dead one counts too.
public(package) fun parse_signed(
    cluster: &Cluster,
    session: &Session,
    message: vector<u8>,
    signature: vector<u8>,
): Decision {
    let key = session.decision_key();
    assert!(ed25519::ed25519_verify(&signature, &key, &message), ESignatureInvalid);
    let decision = parse(message);
    assert!(decision.cluster == object::id(cluster), EWrongCluster);
    assert!(decision.session == object::id(session), EWrongSession);
    decision
}

/// Strict: what is parsed must encode to the very same bytes, so one decision has one form.
public(package) fun parse(message: vector<u8>): Decision {
    let mut bytes = bcs::new(message);
    // Fields of a struct literal are evaluated in the order written, which is the order of the bytes.
    let parsed = IntentMessage {
        intent: bytes.peel_u8(),
        timestamp_ms: bytes.peel_u64(),
        payload: peel_decision(&mut bytes),
    };
    assert!(bcs::to_bytes(&parsed) == message, ENotCanonical);
    assert!(parsed.intent == INTENT_DECISION, EWrongIntent);
    let decision = parsed.payload;
    assert!(decision.kind == KIND_BIND || decision.kind == KIND_ADOPT, EKindUnknown);
    decision
}

// === Private functions ===

fun peel_decision(bytes: &mut BCS): Decision {
    Decision {
        cluster: bytes.peel_address().to_id(),
        session: bytes.peel_address().to_id(),
        term: bytes.peel_u64(),
        config_version: bytes.peel_u64(),
        sequence: bytes.peel_u64(),
        previous: peel_digest(bytes),
        kind: bytes.peel_u8(),
        pod_uid: peel_string(bytes),
        namespace: peel_string(bytes),
        pod: peel_string(bytes),
        service_account: peel_string(bytes),
        service_account_uid: peel_string(bytes),
        pod_spec_digest: peel_digest(bytes),
        node: peel_string(bytes),
        node_uid: peel_string(bytes),
        node_key_hash: peel_digest(bytes),
        stake: bytes.peel_address().to_id(),
        not_after_ms: bytes.peel_u64(),
        policy_digest: peel_digest(bytes),
        checkpoint: bytes.peel_u64(),
        checkpoint_digest: peel_digest(bytes),
        snapshot_digest: peel_digest(bytes),
        input_digest: peel_digest(bytes),
        feasible_digest: peel_digest(bytes),
    }
}

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
