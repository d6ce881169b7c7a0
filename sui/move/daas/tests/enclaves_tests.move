#[test_only]
module k3s_daas::enclaves_tests;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::enclaves::{Self, EnclaveSlot, Session};
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat, pcr};
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::event;
use sui::test_scenario;

use fun enclaves::activate as Cluster.activate;
use fun world::revoke as Cluster.revoke;
use fun enclaves::grant_slot as Cluster.grant_slot;

const NOW_MS: u64 = 1_763_700_000_000;
const MAX: u64 = 18_446_744_073_709_551_615;
/// Root of an RFC 6962 tree without leaves: SHA-256 of nothing.
const EMPTY_ROOT: vector<u8> = x"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What a registration brings along, apart from cluster and slot.
public struct Registration has drop {
    now_ms: u64,
    document_ms: u64,
    indices: vector<u8>,
    values: vector<vector<u8>>,
    public_key: Option<vector<u8>>,
    user_data: Option<vector<u8>>,
    nonce: Option<vector<u8>>,
    log_key: vector<u8>,
    tls_key_hash: vector<u8>,
    bond: u64,
}

/// What the enclave of the vectors brings: valid for config 1 of `world::cluster` and for the slot
/// of `world::slot`.
fun honest(): Registration {
    Registration {
        now_ms: NOW_MS,
        document_ms: NOW_MS,
        indices: vector[0, 1, 2],
        values: vector[pcr(10), pcr(11), pcr(12)],
        public_key: option::some(vectors::keys_decision()),
        user_data: option::some(vectors::enclave_user_data()),
        nonce: option::some(vectors::ids_slot()),
        log_key: vectors::keys_log(),
        tls_key_hash: vectors::enclave_tls_key_hash(),
        bond: 700,
    }
}

fun register_with(cluster: &Cluster, slot: EnclaveSlot, registration: Registration): Session {
    let Registration {
        now_ms,
        document_ms,
        indices,
        values,
        public_key,
        user_data,
        nonce,
        log_key,
        tls_key_hash,
        bond,
    } = registration;
    let bond = world::coin(bond);
    let clock = world::clock(now_ms);
    let session = enclaves::register_inner(
        cluster,
        slot,
        document_ms,
        indices,
        values,
        public_key,
        user_data,
        nonce,
        log_key,
        tls_key_hash,
        bond,
        &clock,
        &mut world::tx(world::operator(), 4),
    );
    clock.destroy_for_testing();
    session
}

/// Registers in a fresh cluster and throws everything away.
fun register(registration: Registration) {
    let (cluster, cap) = world::cluster();
    let slot = world::slot(&cluster, &cap, 1);
    let session = register_with(&cluster, slot, registration);
    destroy(session);
    destroy(cluster);
    destroy(cap);
}

fun with_pcrs(indices: vector<u8>, values: vector<vector<u8>>): Registration {
    let mut registration = honest();
    registration.indices = indices;
    registration.values = values;
    registration
}

fun at(document_ms: u64, now_ms: u64): Registration {
    let mut registration = honest();
    registration.document_ms = document_ms;
    registration.now_ms = now_ms;
    registration
}

// === Slots ===

#[test]
fun grant_slot_gives_the_slot_to_the_registrar() {
    let mut scenario = test_scenario::begin(world::operator());
    let (cluster, cap) = world::cluster();
    scenario.next_tx(world::operator());
    cluster.grant_slot(&cap, world::bob(), 1, 77, scenario.ctx());
    scenario.next_tx(world::bob());
    let slot = scenario.take_from_sender<EnclaveSlot>();
    let found = bcs::to_bytes(&slot);
    assert_eq!(found.skip(32), concat(vector[vectors::ids_cluster(), b(1u64), b(77u64)]));
    scenario.return_to_sender(slot);
    scenario.end();
    destroy(cluster);
    destroy(cap);
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun grant_slot_for_an_unknown_config() {
    let (cluster, cap) = world::cluster();
    let ctx = &mut world::tx(world::operator(), 3);
    cluster.grant_slot(&cap, world::bob(), 2, MAX, ctx);
    abort
}

// === Registration ===

#[test]
fun register_an_enclave() {
    let (cluster, cap) = world::cluster();
    let slot = world::slot(&cluster, &cap, 1);
    let mut registration = at(NOW_MS - 5, NOW_MS);
    registration.bond = 701;
    let session = register_with(&cluster, slot, registration);
    assert_eq!(session.cluster(), object::id(&cluster));
    assert_eq!(session.config_version(), 1);
    assert_eq!(session.decision_key(), vectors::keys_decision());
    assert_eq!(session.log_key(), vectors::keys_log());
    assert_eq!(session.tls_key_hash(), vectors::enclave_tls_key_hash());
    assert_eq!(session.document_ms(), NOW_MS - 5);
    assert_eq!(session.registered_ms(), NOW_MS);
    assert!(!session.is_revoked());
    let expected = concat(vector[
        vectors::ids_session(),
        vectors::ids_cluster(),
        b(1u64),
        b(vectors::keys_decision()),
        b(vectors::keys_log()),
        b(vectors::enclave_tls_key_hash()),
        b(NOW_MS - 5),
        b(NOW_MS),
        x"00",
        b(0u64),
        b(0u64),
        b(EMPTY_ROOT),
        b(0u64),
        b(world::operator()),
        b(701u64),
        b(30_000u64),
    ]);
    assert_eq!(bcs::to_bytes(&session), expected);
    assert_eq!(session.ended_ms(), 0);
    assert_eq!(session.sponsor(), world::operator());
    assert_eq!(session.bond_value(), 701);
    assert_eq!(session.bond_held_ms(), 30_000);
    assert_eq!(session.head_size(), 0);
    assert_eq!(session.head_root(), EMPTY_ROOT);
    assert_eq!(session.head_last_sequence(), 0);
    // Registered is not active: that takes the operator's capability.
    assert_eq!(cluster.active_session(), option::none());
    destroy(session);
    destroy(cluster);
    destroy(cap);
}

#[test]
fun share_makes_a_session_shared() {
    let mut scenario = test_scenario::begin(world::operator());
    let (cluster, cap) = world::cluster();
    enclaves::share(world::session(&cluster, &cap, 1));
    scenario.next_tx(world::bob());
    let session = scenario.take_shared<Session>();
    test_scenario::return_shared(session);
    scenario.end();
    destroy(cluster);
    destroy(cap);
}

#[test]
fun events_of_a_session() {
    let (mut cluster, cap) = world::cluster();
    let mut session = world::session(&cluster, &cap, 1);
    cluster.activate(&cap, &session, 0);
    cluster.revoke(&cap, &mut session);
    let id = vectors::ids_cluster();
    let session_id = vectors::ids_session();
    let granted = event::events_by_type<enclaves::SlotGranted>();
    let expected = concat(vector[x"01", id, vectors::ids_slot(), b(world::operator()), b(1u64)]);
    assert_eq!(b(granted), expected);
    let registered = event::events_by_type<enclaves::SessionRegistered>();
    let keys = vector[
        vectors::keys_decision(),
        vectors::keys_log(),
        vectors::enclave_tls_key_hash(),
    ].map!(|key| b(key));
    let sponsor = concat(vector[b(world::operator()), b(700u64)]);
    let expected = concat(vector[x"01", id, session_id, b(1u64), concat(keys), sponsor]);
    assert_eq!(b(registered), expected);
    let activated = event::events_by_type<enclaves::SessionActivated>();
    assert_eq!(b(activated), concat(vector[x"01", id, session_id, b(1u64)]));
    let revoked = event::events_by_type<enclaves::SessionRevoked>();
    assert_eq!(b(revoked), concat(vector[x"01", id, session_id]));
    destroy(session);
    destroy(cluster);
    destroy(cap);
}

#[test]
fun user_data_is_the_vector() {
    let (cluster, cap) = world::cluster();
    let found = enclaves::enclave_user_data(
        &cluster,
        &vectors::keys_decision(),
        &vectors::keys_log(),
        &vectors::enclave_tls_key_hash(),
    );
    assert_eq!(found, vectors::enclave_user_data());
    destroy(cluster);
    destroy(cap);
}

#[test]
fun pcrs_are_found_by_index() {
    // Order and further PCRs do not matter, zero ones (3, IAM role) included.
    register(
        with_pcrs(
            vector[8, 2, 4, 0, 3, 1],
            vector[pcr(88), pcr(12), pcr(44), pcr(10), pcr(0), pcr(11)],
        ),
    );
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcrs_of_the_right_positions_and_the_wrong_indices() {
    register(with_pcrs(vector[1, 0, 2], vector[pcr(10), pcr(11), pcr(12)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr0_of_another_image() {
    register(with_pcrs(vector[0, 1, 2], vector[pcr(9), pcr(11), pcr(12)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr1_of_another_kernel() {
    register(with_pcrs(vector[0, 1, 2], vector[pcr(10), pcr(9), pcr(12)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr2_of_another_application() {
    register(with_pcrs(vector[0, 1, 2], vector[pcr(10), pcr(11), pcr(9)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr_cut_short() {
    register(with_pcrs(vector[0, 1, 2], vector[world::bytes(10, 32), pcr(11), pcr(12)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun pcr0_zero_as_in_debug_mode() {
    register(with_pcrs(vector[0, 1, 2], vector[pcr(0), pcr(11), pcr(12)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun pcr1_zero_as_in_debug_mode() {
    register(with_pcrs(vector[0, 1, 2], vector[pcr(10), pcr(0), pcr(12)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun pcr2_zero_as_in_debug_mode() {
    register(with_pcrs(vector[0, 1, 2], vector[pcr(10), pcr(11), pcr(0)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr0_missing() {
    register(with_pcrs(vector[1, 2], vector[pcr(11), pcr(12)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr2_missing() {
    register(with_pcrs(vector[0, 1, 3], vector[pcr(10), pcr(11), pcr(12)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr_twice() {
    register(with_pcrs(vector[0, 0, 1, 2], vector[pcr(10), pcr(99), pcr(11), pcr(12)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr_index_without_a_value() {
    register(with_pcrs(vector[0, 1, 2], vector[pcr(10), pcr(11)]));
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun no_pcrs() { register(with_pcrs(vector[], vector[])); }

// === Freshness ===

#[test]
fun the_oldest_document() { register(at(NOW_MS - 300_000, NOW_MS)); }

#[test]
fun the_most_hurried_document() { register(at(NOW_MS + 10_000, NOW_MS)); }

#[test, expected_failure(abort_code = enclaves::EDocumentTooOld)]
fun document_a_millisecond_too_old() { register(at(NOW_MS - 300_001, NOW_MS)); }

#[test, expected_failure(abort_code = enclaves::EDocumentTooOld)]
fun document_of_1970() { register(at(0, NOW_MS)); }

#[test, expected_failure(abort_code = enclaves::EDocumentFromFuture)]
fun document_a_millisecond_from_the_future() { register(at(NOW_MS + 10_001, NOW_MS)); }

#[test, expected_failure(abort_code = enclaves::EDocumentFromFuture)]
fun document_from_the_end_of_time() { register(at(MAX, NOW_MS)); }

#[test]
fun the_slots_last_millisecond() { register(at(NOW_MS, NOW_MS + 59_999)); }

#[test, expected_failure(abort_code = enclaves::ESlotExpired)]
fun slot_expired() { register(at(NOW_MS + 60_000, NOW_MS + 60_000)); }

// === Nonce, keys, user data ===

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_missing() {
    let mut registration = honest();
    registration.nonce = option::none();
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_of_another_slot() {
    let mut registration = honest();
    registration.nonce = option::some(vectors::ids_session());
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_cut_short() {
    let mut registration = honest();
    registration.nonce = option::some(vectors::ids_slot().take(31));
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun document_used_with_a_second_slot() {
    // The slot is gone after one use, so a replay needs another, whose id is not the document's nonce.
    let (cluster, cap) = world::cluster();
    let slot = world::slot(&cluster, &cap, 1);
    let _first = register_with(&cluster, slot, honest());
    let ctx = &mut world::tx(world::operator(), 50);
    let second = enclaves::new_slot(&cluster, &cap, world::operator(), 1, MAX, ctx);
    let _session = register_with(&cluster, second, honest());
    abort
}

#[test, expected_failure(abort_code = enclaves::EDecisionKeyMissing)]
fun public_key_missing() {
    let mut registration = honest();
    registration.public_key = option::none();
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EDecisionKeyMissing)]
fun public_key_short() {
    let mut registration = honest();
    registration.public_key = option::some(vectors::keys_decision().take(31));
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EDecisionKeyMissing)]
fun public_key_empty() {
    let mut registration = honest();
    registration.public_key = option::some(vector[]);
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EKeyLength)]
fun log_key_short() {
    let mut registration = honest();
    registration.log_key = vectors::keys_log().take(31);
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EKeyLength)]
fun tls_key_hash_long() {
    let mut registration = honest();
    registration.tls_key_hash.push_back(0);
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EKeysNotDistinct)]
fun decision_key_is_the_log_key() {
    let mut registration = honest();
    registration.log_key = vectors::keys_decision();
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EKeysNotDistinct)]
fun decision_key_is_the_tls_key_hash() {
    let mut registration = honest();
    registration.tls_key_hash = vectors::keys_decision();
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EKeysNotDistinct)]
fun log_key_is_the_tls_key_hash() {
    let mut registration = honest();
    registration.tls_key_hash = vectors::keys_log();
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_missing() {
    let mut registration = honest();
    registration.user_data = option::none();
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_with_more() {
    let mut registration = honest();
    let mut longer = vectors::enclave_user_data();
    longer.push_back(0);
    registration.user_data = option::some(longer);
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun decision_key_that_user_data_does_not_name() {
    let mut registration = honest();
    registration.public_key = option::some(vectors::keys_other());
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun log_key_that_user_data_does_not_name() {
    let mut registration = honest();
    registration.log_key = vectors::keys_other();
    register(registration);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun tls_key_that_user_data_does_not_name() {
    let mut registration = honest();
    registration.tls_key_hash = vectors::keys_other();
    register(registration);
}

// === Bond ===

fun with_bond(bond: u64): Registration {
    let mut registration = honest();
    registration.bond = bond;
    registration
}

#[test]
fun the_largest_bond() { register(with_bond(MAX)); }

#[test, expected_failure(abort_code = enclaves::EBondTooSmall)]
fun bond_a_mist_too_small() { register(with_bond(699)); }

#[test, expected_failure(abort_code = enclaves::EBondTooSmall)]
fun no_bond() { register(with_bond(0)); }

// === Config ===

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun slot_of_a_config_retired_since() {
    let (mut cluster, cap) = world::cluster();
    let slot = world::slot(&cluster, &cap, 1);
    cluster.retire_config(&cap, 1);
    let _session = register_with(&cluster, slot, honest());
    abort
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun slot_of_another_config_than_the_image() {
    let (mut cluster, cap) = world::cluster();
    cluster.accept_config(&cap, pcr(20), pcr(21), pcr(22));
    let slot = world::slot(&cluster, &cap, 2);
    let _session = register_with(&cluster, slot, honest());
    abort
}

// === Activation ===

fun registered(): (Cluster, ClusterCap, Session) {
    let (cluster, cap) = world::cluster();
    let session = world::session(&cluster, &cap, 1);
    (cluster, cap, session)
}

#[test]
fun activate_counts_terms() {
    let (mut cluster, cap, session) = registered();
    let id = object::id(&session);
    cluster.activate(&cap, &session, 0);
    assert_eq!(cluster.term(), 1);
    assert!(cluster.is_active(id, 1));
    cluster.activate(&cap, &session, 1);
    assert_eq!(cluster.term(), 2);
    assert!(cluster.is_active(id, 2));
    assert!(!cluster.is_active(id, 1));
    throw(cluster, cap, session);
}

#[test, expected_failure(abort_code = enclaves::EWrongTerm)]
fun the_second_of_two_activations() {
    let (mut cluster, cap, session) = registered();
    cluster.activate(&cap, &session, 0);
    cluster.activate(&cap, &session, 0);
    abort
}

#[test, expected_failure(abort_code = enclaves::EWrongTerm)]
fun activation_ahead_of_its_time() {
    let (mut cluster, cap, session) = registered();
    cluster.activate(&cap, &session, 1);
    abort
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun activate_a_revoked_session() {
    let (mut cluster, cap, mut session) = registered();
    cluster.revoke(&cap, &mut session);
    cluster.activate(&cap, &session, 0);
    abort
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun activate_a_session_of_a_retired_config() {
    let (mut cluster, cap, session) = registered();
    cluster.retire_config(&cap, 1);
    cluster.activate(&cap, &session, 0);
    abort
}

// === Revocation ===

#[test]
fun revoke_ends_the_active_session_and_keeps_the_term() {
    let (mut cluster, cap, mut session) = registered();
    cluster.activate(&cap, &session, 0);
    cluster.revoke(&cap, &mut session);
    assert!(session.is_revoked());
    assert_eq!(cluster.active_session(), option::none());
    assert_eq!(cluster.term(), 1);
    throw(cluster, cap, session);
}

#[test]
fun revoke_leaves_another_active_session() {
    let (mut cluster, cap, active) = registered();
    cluster.activate(&cap, &active, 0);
    let ctx = &mut world::tx(world::operator(), 50);
    let slot = enclaves::new_slot(&cluster, &cap, world::operator(), 1, MAX, ctx);
    let clock = world::clock(NOW_MS);
    let bond = world::coin(700);
    let mut second = enclaves::register_inner(
        &cluster,
        slot,
        NOW_MS,
        vector[0, 1, 2],
        vector[pcr(10), pcr(11), pcr(12)],
        option::some(vectors::keys_decision()),
        option::some(vectors::enclave_user_data()),
        option::some(granted_slot()),
        vectors::keys_log(),
        vectors::enclave_tls_key_hash(),
        bond,
        &clock,
        &mut world::tx(world::operator(), 51),
    );
    cluster.revoke(&cap, &mut second);
    assert_eq!(cluster.active_session(), option::some(object::id(&active)));
    clock.destroy_for_testing();
    destroy(active);
    destroy(second);
    destroy(cluster);
    destroy(cap);
}

/// Id of the second slot granted: the event's bytes after count, first event and the second's cluster.
fun granted_slot(): vector<u8> {
    b(event::events_by_type<enclaves::SlotGranted>()).skip(1 + 104 + 32).take(32)
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun revoke_twice() {
    let (mut cluster, cap, mut session) = registered();
    cluster.revoke(&cap, &mut session);
    cluster.revoke(&cap, &mut session);
    abort
}

// === End, bond and head ===

const END_MS: u64 = 1_763_700_000_500;

fun end_as(cluster: &mut Cluster, session: &mut Session, sender: address, ms: u64) {
    let clock = world::clock(ms);
    enclaves::end(cluster, session, &clock, &world::tx(sender, 60));
    clock.destroy_for_testing();
}

/// `end` by the sponsor.
fun end_at(cluster: &mut Cluster, session: &mut Session, ms: u64) {
    end_as(cluster, session, world::operator(), ms);
}

/// `reclaim_bond`: the amount paid out.
fun reclaim_as(cluster: &Cluster, session: &mut Session, sender: address, ms: u64): u64 {
    let clock = world::clock(ms);
    let ctx = &mut world::tx(sender, 61);
    let coin = enclaves::reclaim_bond(cluster, session, &clock, ctx);
    clock.destroy_for_testing();
    coin.burn_for_testing()
}

fun reclaim_at(cluster: &Cluster, session: &mut Session, ms: u64): u64 {
    reclaim_as(cluster, session, world::operator(), ms)
}

/// `forfeit`, as `slashing` calls it.
fun forfeit_at(cluster: &mut Cluster, session: &mut Session, ms: u64): u64 {
    let clock = world::clock(ms);
    let amount = session.forfeit(cluster, &clock);
    clock.destroy_for_testing();
    amount
}

fun throw(cluster: Cluster, cap: ClusterCap, session: Session) {
    destroy(cluster);
    destroy(cap);
    destroy(session);
}

#[test]
fun the_sponsor_ends_a_session_and_gets_the_bond_back() {
    let (mut cluster, cap, mut session) = registered();
    cluster.activate(&cap, &session, 0);
    end_at(&mut cluster, &mut session, END_MS);
    assert!(session.is_revoked());
    assert_eq!(session.ended_ms(), END_MS);
    assert_eq!(cluster.active_session(), option::none());
    assert_eq!(cluster.term(), 1);
    assert_eq!(reclaim_at(&cluster, &mut session, END_MS + 30_000), 700);
    assert_eq!(session.bond_value(), 0);
    let ids = concat(vector[vectors::ids_cluster(), vectors::ids_session()]);
    let ended = event::events_by_type<enclaves::SessionEnded>();
    assert_eq!(b(ended), concat(vector[x"01", ids]));
    let reclaimed = event::events_by_type<enclaves::BondReclaimed>();
    assert_eq!(b(reclaimed), concat(vector[x"01", ids, b(700u64)]));
    assert_eq!(event::events_by_type<enclaves::SessionRevoked>().length(), 0);
    throw(cluster, cap, session);
}

#[test]
fun the_bond_of_a_revoked_session_comes_back() {
    let (mut cluster, cap, mut session) = registered();
    world::revoke_at(&mut cluster, &cap, &mut session, END_MS);
    assert_eq!(session.ended_ms(), END_MS);
    assert_eq!(reclaim_at(&cluster, &mut session, MAX), 700);
    throw(cluster, cap, session);
}

#[test]
fun a_session_of_a_retired_config_ends_and_the_bond_comes_back() {
    let (mut cluster, cap, mut session) = registered();
    cluster.retire_config(&cap, 1);
    end_at(&mut cluster, &mut session, END_MS);
    assert_eq!(reclaim_at(&cluster, &mut session, END_MS + 30_000), 700);
    throw(cluster, cap, session);
}

#[test, expected_failure(abort_code = enclaves::ENotSponsor)]
fun end_by_a_stranger() {
    let (mut cluster, _cap, mut session) = registered();
    end_as(&mut cluster, &mut session, world::bob(), END_MS);
    abort
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun end_twice() {
    let (mut cluster, _cap, mut session) = registered();
    end_at(&mut cluster, &mut session, END_MS);
    end_at(&mut cluster, &mut session, END_MS + 1);
    abort
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun end_a_revoked_session() {
    let (mut cluster, cap, mut session) = registered();
    cluster.revoke(&cap, &mut session);
    end_at(&mut cluster, &mut session, END_MS);
    abort
}

#[test, expected_failure(abort_code = enclaves::ERevoked)]
fun activate_an_ended_session() {
    let (mut cluster, cap, mut session) = registered();
    end_at(&mut cluster, &mut session, END_MS);
    cluster.activate(&cap, &session, 0);
    abort
}

#[test, expected_failure(abort_code = enclaves::EBondHeld)]
fun bond_of_a_live_session() {
    let (cluster, _cap, mut session) = registered();
    reclaim_at(&cluster, &mut session, MAX);
    abort
}

#[test, expected_failure(abort_code = enclaves::EBondHeld)]
fun bond_a_millisecond_early() {
    let (mut cluster, _cap, mut session) = registered();
    end_at(&mut cluster, &mut session, END_MS);
    reclaim_at(&cluster, &mut session, END_MS + 29_999);
    abort
}

#[test]
fun a_bond_at_the_end_of_time() {
    let (mut cluster, cap, mut session) = registered();
    end_at(&mut cluster, &mut session, MAX - 30_000);
    assert_eq!(reclaim_at(&cluster, &mut session, MAX), 700);
    throw(cluster, cap, session);
}

#[test, expected_failure(abort_code = enclaves::ENotSponsor)]
fun bond_for_a_stranger() {
    let (mut cluster, _cap, mut session) = registered();
    end_at(&mut cluster, &mut session, END_MS);
    reclaim_as(&cluster, &mut session, world::bob(), MAX);
    abort
}

#[test, expected_failure(abort_code = enclaves::ENoBond)]
fun bond_twice() {
    let (mut cluster, _cap, mut session) = registered();
    end_at(&mut cluster, &mut session, END_MS);
    reclaim_at(&cluster, &mut session, MAX);
    reclaim_at(&cluster, &mut session, MAX);
    abort
}

#[test]
fun a_forfeited_session_ends_and_its_bond_is_the_treasurys() {
    let (mut cluster, cap, mut session) = registered();
    cluster.activate(&cap, &session, 0);
    assert_eq!(forfeit_at(&mut cluster, &mut session, END_MS), 700);
    assert!(session.is_revoked());
    assert_eq!(session.ended_ms(), END_MS);
    assert_eq!(session.bond_value(), 0);
    assert_eq!(cluster.active_session(), option::none());
    assert_eq!(cluster.treasury_value(), 700);
    let ids = concat(vector[vectors::ids_cluster(), vectors::ids_session()]);
    let revoked = event::events_by_type<enclaves::SessionRevoked>();
    assert_eq!(b(revoked), concat(vector[x"01", ids]));
    let slashed = event::events_by_type<enclaves::BondSlashed>();
    assert_eq!(b(slashed), concat(vector[x"01", ids, b(700u64)]));
    throw(cluster, cap, session);
}

#[test]
fun a_session_that_ended_forfeits_too_and_keeps_its_end() {
    let (mut cluster, cap, mut session) = registered();
    end_at(&mut cluster, &mut session, END_MS);
    assert_eq!(forfeit_at(&mut cluster, &mut session, END_MS + 29_999), 700);
    assert_eq!(session.ended_ms(), END_MS);
    assert_eq!(event::events_by_type<enclaves::SessionRevoked>().length(), 0);
    throw(cluster, cap, session);
}

#[test, expected_failure(abort_code = enclaves::ENoBond)]
fun forfeit_twice() {
    let (mut cluster, _cap, mut session) = registered();
    forfeit_at(&mut cluster, &mut session, END_MS);
    forfeit_at(&mut cluster, &mut session, END_MS);
    abort
}

#[test, expected_failure(abort_code = enclaves::ENoBond)]
fun forfeit_what_was_reclaimed() {
    let (mut cluster, _cap, mut session) = registered();
    end_at(&mut cluster, &mut session, END_MS);
    reclaim_at(&cluster, &mut session, END_MS + 30_000);
    forfeit_at(&mut cluster, &mut session, END_MS + 30_000);
    abort
}

#[test, expected_failure(abort_code = enclaves::ENoBond)]
fun reclaim_what_was_forfeited() {
    let (mut cluster, _cap, mut session) = registered();
    forfeit_at(&mut cluster, &mut session, END_MS);
    reclaim_at(&cluster, &mut session, MAX);
    abort
}

/// The layout that sui/client parses.
#[test]
fun bytes_of_an_ended_session_with_a_head() {
    let (mut cluster, cap, mut session) = registered();
    session.set_head(7, world::bytes(5, 32), 6);
    end_at(&mut cluster, &mut session, END_MS);
    let found = bcs::to_bytes(&session);
    let after = concat(vector[
        x"01",
        b(END_MS),
        b(7u64),
        b(world::bytes(5, 32)),
        b(6u64),
        b(world::operator()),
        b(700u64),
        b(30_000u64),
    ]);
    assert_eq!(found.length(), 32 + 32 + 8 + 3 * 33 + 8 + 8 + after.length());
    assert_eq!(found.skip(found.length() - after.length()), after);
    assert_eq!(session.head_size(), 7);
    assert_eq!(session.head_root(), world::bytes(5, 32));
    assert_eq!(session.head_last_sequence(), 6);
    throw(cluster, cap, session);
}
