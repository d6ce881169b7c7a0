/// Registration of enclaves. A session is one boot of one enclave: its keys live in that enclave's
/// memory only, so a restart is a new session. What ties a session to code is the Nitro attestation
/// document that Sui itself verified; what ties it to this cluster is `user_data`; what ties it to
/// the operator's own machine is the one-time slot, whose id is the document's nonce. Whoever
/// registers a session puts down a bond, which is lost if the session is caught equivocating.
module k3s_daas::enclaves;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::merkle;
use std::hash;
use sui::balance::Balance;
use sui::clock::Clock;
use sui::coin::Coin;
use sui::event;
use sui::nitro_attestation::NitroAttestationDocument;
use sui::sui::SUI;

// === Errors ===

/// The slot or the session belongs to another cluster.
const EWrongCluster: u64 = 0;
/// The config version is not accepted, or not any more.
const EConfigNotAccepted: u64 = 1;
/// The slot has expired.
const ESlotExpired: u64 = 2;
/// The document is older than the cluster allows.
const EDocumentTooOld: u64 = 3;
/// The document is from the future.
const EDocumentFromFuture: u64 = 4;
/// The document does not hold PCR0, PCR1 and PCR2 exactly once each.
const EPcrMissing: u64 = 5;
/// A PCR of zeros is that of an enclave in debug mode.
const EPcrZero: u64 = 6;
/// A PCR differs from the accepted config's.
const EPcrMismatch: u64 = 7;
/// The document's nonce is missing or is not the slot's id.
const EWrongNonce: u64 = 8;
/// The document's public key is missing or is not 32 bytes.
const EDecisionKeyMissing: u64 = 9;
/// A key or a key's hash has 32 bytes.
const EKeyLength: u64 = 10;
/// The decision key, the log key and the TLS key's hash must differ from each other.
const EKeysNotDistinct: u64 = 11;
/// The document's user data is missing or is not the hash over cluster, config and keys.
const EWrongUserData: u64 = 12;
/// The session was revoked.
const ERevoked: u64 = 13;
/// Another activation came first.
const EWrongTerm: u64 = 14;
/// The bond is smaller than the cluster asks for.
const EBondTooSmall: u64 = 15;
/// Only the sponsor, who put the bond down, may do this.
const ENotSponsor: u64 = 16;
/// The session has not ended, or its anchor window is still open.
const EBondHeld: u64 = 17;
/// The bond is gone: taken back, or slashed.
const ENoBond: u64 = 18;

// === Constants ===

const KEY_BYTES: u64 = 32;
const PCR_COUNT: u8 = 3;
/// The chain's clock trails real time by a consensus round or two.
const FUTURE_TOLERANCE_MS: u64 = 10_000;
const ENCLAVE_DOMAIN: vector<u8> = b"k3s-daas/enclave/v1";

// === Structs ===

/// The right to register one enclave. Owned, not transferable, and used up by `register`.
public struct EnclaveSlot has key {
    id: UID,
    cluster: ID,
    config_version: u64,
    expires_ms: u64,
}

public struct Session has key {
    id: UID,
    cluster: ID,
    config_version: u64,
    decision_key: vector<u8>,
    log_key: vector<u8>,
    tls_key_hash: vector<u8>,
    document_ms: u64,
    registered_ms: u64,
    /// For good: ended by its sponsor, or revoked by the operator or for equivocation.
    revoked: bool,
    /// When it ended; 0 until then.
    ended_ms: u64,
    /// The anchored head of its log (`anchors`).
    head: Head,
    sponsor: address,
    bond: Balance<SUI>,
    /// How long the bond is held after the end: the anchor window of when it was put down.
    bond_held_ms: u64,
}

/// Head of a session's log, an RFC 6962 tree over its records. Before the first anchor: size 0, the
/// root of the empty tree.
public struct Head has copy, drop, store {
    size: u64,
    root: vector<u8>,
    last_sequence: u64,
}

// === Events ===

public struct SlotGranted has copy, drop {
    cluster: ID,
    slot: ID,
    registrar: address,
    config_version: u64,
}

public struct SessionRegistered has copy, drop {
    cluster: ID,
    session: ID,
    config_version: u64,
    decision_key: vector<u8>,
    log_key: vector<u8>,
    tls_key_hash: vector<u8>,
    sponsor: address,
    bond: u64,
}

public struct SessionActivated has copy, drop {
    cluster: ID,
    session: ID,
    term: u64,
}

public struct SessionRevoked has copy, drop {
    cluster: ID,
    session: ID,
}

public struct SessionEnded has copy, drop {
    cluster: ID,
    session: ID,
}

public struct BondReclaimed has copy, drop {
    cluster: ID,
    session: ID,
    amount: u64,
}

public struct BondSlashed has copy, drop {
    cluster: ID,
    session: ID,
    amount: u64,
}

// === Public functions ===

/// Lets `registrar` register one enclave of an accepted config before `expires_ms`.
public fun grant_slot(
    cluster: &Cluster,
    cap: &ClusterCap,
    registrar: address,
    config_version: u64,
    expires_ms: u64,
    ctx: &mut TxContext,
) {
    transfer::transfer(
        new_slot(cluster, cap, registrar, config_version, expires_ms, ctx),
        registrar,
    );
}

/// Registers the enclave that made the document, with the sender as its sponsor. `document` comes from
/// `0x2::nitro_attestation` in the same transaction. The session has no `store` and no `drop`: pass it
/// to `share`.
public fun register(
    cluster: &Cluster,
    slot: EnclaveSlot,
    document: NitroAttestationDocument,
    log_key: vector<u8>,
    tls_key_hash: vector<u8>,
    bond: Coin<SUI>,
    clock: &Clock,
    ctx: &mut TxContext,
): Session {
    register_inner(
        cluster,
        slot,
        *document.timestamp(),
        document.pcrs().map_ref!(|entry| entry.index()),
        document.pcrs().map_ref!(|entry| *entry.value()),
        *document.public_key(),
        *document.user_data(),
        *document.nonce(),
        log_key,
        tls_key_hash,
        bond,
        clock,
        ctx,
    )
}

/// Shares a new session.
#[allow(lint(share_owned))]
public fun share(session: Session) {
    transfer::share_object(session);
}

/// Makes a session the one whose decisions bind. Two operators that race name the same
/// `expected_term`; one of them fails.
public fun activate(
    cluster: &mut Cluster,
    cap: &ClusterCap,
    session: &Session,
    expected_term: u64,
) {
    cluster.assert_cap(cap);
    session.assert_cluster(cluster);
    session.assert_live(cluster);
    assert!(cluster.term() == expected_term, EWrongTerm);
    let term = cluster.set_active(object::id(session), session.config_version);
    event::emit(SessionActivated { cluster: session.cluster, session: object::id(session), term });
}

/// Ends a session for good; if it is the active one, none is active any more.
public fun revoke(cluster: &mut Cluster, cap: &ClusterCap, session: &mut Session, clock: &Clock) {
    cluster.assert_cap(cap);
    session.assert_cluster(cluster);
    session.end_now(cluster, clock);
    event::emit(SessionRevoked { cluster: session.cluster, session: object::id(session) });
}

/// Ends a session for its sponsor, who gets the bond back after the anchor window.
public fun end(cluster: &mut Cluster, session: &mut Session, clock: &Clock, ctx: &TxContext) {
    cluster.assert_version();
    session.assert_cluster(cluster);
    session.assert_sponsor(ctx);
    session.end_now(cluster, clock);
    event::emit(SessionEnded { cluster: session.cluster, session: object::id(session) });
}

/// Pays the bond of a session that ended an anchor window ago back to its sponsor. The window is the one
/// of its registration, so that neither the operator nor a vote can shorten or lengthen it afterwards.
public fun reclaim_bond(
    cluster: &Cluster,
    session: &mut Session,
    clock: &Clock,
    ctx: &mut TxContext,
): Coin<SUI> {
    cluster.assert_version();
    session.assert_cluster(cluster);
    session.assert_sponsor(ctx);
    assert!(session.revoked, EBondHeld);
    assert!(clock.timestamp_ms() - session.ended_ms >= session.bond_held_ms, EBondHeld);
    let amount = session.bond.value();
    assert!(amount > 0, ENoBond);
    event::emit(BondReclaimed { cluster: session.cluster, session: object::id(session), amount });
    session.bond.withdraw_all().into_coin(ctx)
}

// === Views ===

public fun cluster(session: &Session): ID { session.cluster }

public fun config_version(session: &Session): u64 { session.config_version }

/// Raw Ed25519 public key that signs decisions.
public fun decision_key(session: &Session): vector<u8> { session.decision_key }

/// Raw Ed25519 public key that signs the log's checkpoints.
public fun log_key(session: &Session): vector<u8> { session.log_key }

/// SHA-256 of the TLS key's SubjectPublicKeyInfo.
public fun tls_key_hash(session: &Session): vector<u8> { session.tls_key_hash }

/// When the document was made, by the NSM's clock.
public fun document_ms(session: &Session): u64 { session.document_ms }

public fun registered_ms(session: &Session): u64 { session.registered_ms }

public fun is_revoked(session: &Session): bool { session.revoked }

public fun ended_ms(session: &Session): u64 { session.ended_ms }

public fun sponsor(session: &Session): address { session.sponsor }

public fun bond_value(session: &Session): u64 { session.bond.value() }

public fun bond_held_ms(session: &Session): u64 { session.bond_held_ms }

/// Number of records of the log that are anchored.
public fun head_size(session: &Session): u64 { session.head.size }

/// Root of the RFC 6962 tree over them.
public fun head_root(session: &Session): vector<u8> { session.head.root }

/// Sequence of the last decision among them; 0 if there is none.
public fun head_last_sequence(session: &Session): u64 { session.head.last_sequence }

// === Package functions ===

public(package) fun new_slot(
    cluster: &Cluster,
    cap: &ClusterCap,
    registrar: address,
    config_version: u64,
    expires_ms: u64,
    ctx: &mut TxContext,
): EnclaveSlot {
    cluster.assert_cap(cap);
    assert!(cluster.is_accepted(config_version), EConfigNotAccepted);
    let slot = EnclaveSlot {
        id: object::new(ctx),
        cluster: object::id(cluster),
        config_version,
        expires_ms,
    };
    event::emit(SlotGranted {
        cluster: slot.cluster,
        slot: object::id(&slot),
        registrar,
        config_version,
    });
    slot
}

/// `register` over the fields of a document, since Move code cannot make a document. The lists are
/// the document's PCRs in any order: entry i of `pcr_values` is the PCR of index `pcr_indices[i]`.
public(package) fun register_inner(
    cluster: &Cluster,
    slot: EnclaveSlot,
    document_ms: u64,
    pcr_indices: vector<u8>,
    pcr_values: vector<vector<u8>>,
    public_key: Option<vector<u8>>,
    user_data: Option<vector<u8>>,
    nonce: Option<vector<u8>>,
    log_key: vector<u8>,
    tls_key_hash: vector<u8>,
    bond: Coin<SUI>,
    clock: &Clock,
    ctx: &mut TxContext,
): Session {
    cluster.assert_version();
    let now_ms = clock.timestamp_ms();
    let terms = cluster.parameters().enclaves();
    let EnclaveSlot { id: slot, cluster: slot_cluster, config_version, expires_ms } = slot;
    assert!(slot_cluster == object::id(cluster), EWrongCluster);
    assert!(now_ms < expires_ms, ESlotExpired);
    assert!(cluster.is_accepted(config_version), EConfigNotAccepted);
    assert_fresh(document_ms, now_ms, terms.document_age_ms_max());
    assert_pcrs(cluster, config_version, &pcr_indices, &pcr_values);
    assert!(nonce.is_some_and!(|nonce| *nonce == slot.to_bytes()), EWrongNonce);
    slot.delete();

    assert!(public_key.is_some_and!(|key| key.length() == KEY_BYTES), EDecisionKeyMissing);
    let decision_key = public_key.destroy_some();
    assert!(log_key.length() == KEY_BYTES && tls_key_hash.length() == KEY_BYTES, EKeyLength);
    assert!(decision_key != log_key, EKeysNotDistinct);
    assert!(decision_key != tls_key_hash, EKeysNotDistinct);
    assert!(log_key != tls_key_hash, EKeysNotDistinct);
    let expected = enclave_user_data(cluster, &decision_key, &log_key, &tls_key_hash);
    assert!(user_data.is_some_and!(|data| *data == expected), EWrongUserData);
    assert!(bond.value() >= terms.bond_min(), EBondTooSmall);

    let session = Session {
        id: object::new(ctx),
        cluster: object::id(cluster),
        config_version,
        decision_key,
        log_key,
        tls_key_hash,
        document_ms,
        registered_ms: now_ms,
        revoked: false,
        ended_ms: 0,
        head: Head { size: 0, root: merkle::empty_root(), last_sequence: 0 },
        sponsor: ctx.sender(),
        bond: bond.into_balance(),
        bond_held_ms: terms.anchor_window_ms(),
    };
    event::emit(SessionRegistered {
        cluster: session.cluster,
        session: object::id(&session),
        config_version,
        decision_key,
        log_key,
        tls_key_hash,
        sponsor: session.sponsor,
        bond: session.bond.value(),
    });
    session
}

public(package) fun assert_cluster(session: &Session, cluster: &Cluster) {
    assert!(session.cluster == object::id(cluster), EWrongCluster);
}

/// Neither the session nor its image has been withdrawn.
public(package) fun assert_live(session: &Session, cluster: &Cluster) {
    assert!(!session.revoked, ERevoked);
    assert!(cluster.is_accepted(session.config_version), EConfigNotAccepted);
}

/// Sets the anchored head; `anchors` has checked it.
public(package) fun set_head(
    session: &mut Session,
    size: u64,
    root: vector<u8>,
    last_sequence: u64,
) {
    session.head = Head { size, root, last_sequence };
}

/// Ends the session, if it has not ended, and takes its whole bond into the treasury: proof of
/// equivocation was shown (`slashing`). Returns the amount.
public(package) fun forfeit(session: &mut Session, cluster: &mut Cluster, clock: &Clock): u64 {
    session.assert_cluster(cluster);
    if (!session.revoked) {
        session.end_now(cluster, clock);
        event::emit(SessionRevoked { cluster: session.cluster, session: object::id(session) });
    };
    let amount = session.bond.value();
    assert!(amount > 0, ENoBond);
    cluster.join_treasury(session.bond.withdraw_all());
    event::emit(BondSlashed { cluster: session.cluster, session: object::id(session), amount });
    amount
}

/// What the enclave must have put into `user_data` (docs/formats.md).
public(package) fun enclave_user_data(
    cluster: &Cluster,
    decision_key: &vector<u8>,
    log_key: &vector<u8>,
    tls_key_hash: &vector<u8>,
): vector<u8> {
    let mut preimage = ENCLAVE_DOMAIN;
    preimage.append(object::id(cluster).to_bytes());
    preimage.append(cluster.config_digest());
    preimage.append(*decision_key);
    preimage.append(*log_key);
    preimage.append(*tls_key_hash);
    hash::sha2_256(preimage)
}

// === Private functions ===

fun end_now(session: &mut Session, cluster: &mut Cluster, clock: &Clock) {
    assert!(!session.revoked, ERevoked);
    session.revoked = true;
    session.ended_ms = clock.timestamp_ms();
    cluster.clear_active(object::id(session));
}

fun assert_sponsor(session: &Session, ctx: &TxContext) {
    assert!(session.sponsor == ctx.sender(), ENotSponsor);
}

fun assert_fresh(document_ms: u64, now_ms: u64, age_ms_max: u64) {
    // Differences, not sums: no value of the document or the cluster can overflow.
    if (document_ms > now_ms) {
        assert!(document_ms - now_ms <= FUTURE_TOLERANCE_MS, EDocumentFromFuture);
    } else {
        assert!(now_ms - document_ms <= age_ms_max, EDocumentTooOld);
    }
}

fun assert_pcrs(
    cluster: &Cluster,
    config_version: u64,
    indices: &vector<u8>,
    values: &vector<vector<u8>>,
) {
    let config = cluster.config(config_version);
    let expected = vector[config.pcr0(), config.pcr1(), config.pcr2()];
    PCR_COUNT.do!(|index| {
        let value = pcr(indices, values, index);
        assert!(value.any!(|byte| *byte != 0), EPcrZero);
        assert!(value == expected[index as u64], EPcrMismatch);
    });
}

/// The value of the PCR with that index, which is not its position in the list.
fun pcr(indices: &vector<u8>, values: &vector<vector<u8>>, index: u8): vector<u8> {
    let mut found = vector[];
    indices.length().min(values.length()).do!(|i| {
        if (indices[i] == index) found.push_back(values[i]);
    });
    assert!(found.length() == 1, EPcrMissing);
    found.pop_back()
}
