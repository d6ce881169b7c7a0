#[test_only]
module k3s_daas::nodes_tests;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::heartbeat_vectors as heartbeats;
use k3s_daas::nodes;
use k3s_daas::parameters;
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat};
use std::string::String;
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::event;

use fun nodes::record_certificate as Cluster.record_certificate;
use fun nodes::jail as Cluster.jail;
use fun nodes::unjail as Cluster.unjail;
use fun staking::slash as Cluster.slash;

const MAX: u64 = 18_446_744_073_709_551_615;
const NOW_MS: u64 = 1_763_700_000_000;
const DAY_MS: u64 = 86_400_000;

fun throw(cluster: Cluster, cap: ClusterCap, position: Position) {
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

/// A cluster in which Alice's stake of 5,000 stands behind worker-1.
fun claimed(): (Cluster, ClusterCap, Position) {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    (cluster, cap, position)
}

/// `record_certificate` at `NOW_MS` for Alice's stake.
fun record(cluster: &mut Cluster, cap: &ClusterCap, until_ms: u64) {
    let clock = world::clock(NOW_MS);
    let stake = object::id_from_bytes(vectors::ids_stake());
    cluster.record_certificate(cap, world::first_name(), stake, until_ms, &clock);
    clock.destroy_for_testing();
}

/// `heartbeat` for the position when the chain's clock is at `ms`.
fun beat(
    cluster: &Cluster,
    position: &mut Position,
    timestamp_ms: u64,
    signature: vector<u8>,
    ms: u64,
) {
    let clock = world::clock(ms);
    nodes::heartbeat(cluster, position, timestamp_ms, signature, &clock);
    clock.destroy_for_testing();
}

/// The valid heartbeat of `NOW_MS`, when the chain's clock is at `ms`.
fun first_beat_at(cluster: &Cluster, position: &mut Position, ms: u64) {
    beat(cluster, position, NOW_MS, heartbeats::heartbeats_first_signature(), ms);
}

fun beat_with_signature(signature: vector<u8>) {
    let (cluster, _cap, mut position) = claimed();
    beat(&cluster, &mut position, NOW_MS, signature, NOW_MS);
    abort
}

/// `unbond` by Alice at `NOW_MS`.
fun unbond(cluster: &mut Cluster, position: &mut Position, amount: u64) {
    let clock = world::clock(NOW_MS);
    staking::request_unbond(cluster, position, amount, &clock, &world::tx(world::alice(), 30));
    clock.destroy_for_testing();
}

fun required(
    node_min: u64,
    mist_per_cpu: u64,
    mist_per_gib: u64,
    cpu_milli: u64,
    memory_mib: u64,
): u64 {
    let stakes = parameters::new_stakes(1, node_min, 1, mist_per_cpu, mist_per_gib, 1, 1, 1);
    nodes::required_stake(&stakes, cpu_milli, memory_mib)
}

/// Alice's claim of worker-1 with these values instead of the valid ones.
fun claim_with(
    cluster: &mut Cluster,
    position: &mut Position,
    node_key: vector<u8>,
    csr_key_hash: vector<u8>,
    cpu_milli: u64,
    memory_mib: u64,
) {
    let clock = world::clock(world::now_ms());
    nodes::claim(
        cluster,
        position,
        world::first_name(),
        node_key,
        csr_key_hash,
        cpu_milli,
        memory_mib,
        vectors::claims_first_proof(),
        &clock,
        &world::tx(world::alice(), 20),
    );
    clock.destroy_for_testing();
}

fun claim_with_proof(proof: vector<u8>) {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim_as(&mut cluster, &mut position, world::alice(), world::first_name(), proof);
    abort
}

fun claim_with_name(name: String) {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let proof = vectors::claims_first_proof();
    world::claim_as(&mut cluster, &mut position, world::alice(), name, proof);
    abort
}

// === Claim ===

#[test]
fun claim_binds_name_and_stake() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, world::required());
    world::claim(&mut cluster, &mut position);
    assert_eq!(position.node(), option::some(world::first_name()));
    assert_eq!(position.active_value(), world::required());
    assert!(cluster.has_claim(world::first_name()));
    assert!(!cluster.has_claim(world::other_name()));
    assert_eq!(cluster.claimed_name(object::id(&position)), option::some(world::first_name()));
    let claim = cluster.claim(world::first_name());
    assert_eq!(claim.claim_stake(), object::id(&position));
    assert_eq!(claim.claim_owner(), world::alice());
    assert_eq!(claim.claim_node_key(), vectors::keys_node());
    assert_eq!(claim.claim_csr_key_hash(), vectors::claims_first_csr_key_hash());
    assert_eq!(claim.claim_cpu_milli(), 4_000);
    assert_eq!(claim.claim_memory_mib(), 8_192);
    assert_eq!(claim.claim_required(), 2_800);
    assert!(!claim.claim_jailed());
    assert_eq!(claim.claim_claimed_ms(), world::now_ms());
    assert_eq!(claim.claim_certificate_until_ms(), 0);
    throw(cluster, cap, position);
}

/// The layout that sui/client parses.
#[test]
fun bytes_of_a_claim() {
    let (mut cluster, cap, position) = claimed();
    cluster.jail(&cap, world::first_name());
    record(&mut cluster, &cap, NOW_MS + 99);
    let expected = concat(vector[
        x"08",
        b"worker-1",
        vectors::ids_stake(),
        b(world::alice()),
        b(vectors::keys_node()),
        b(vectors::claims_first_csr_key_hash()),
        b(4_000u64),
        b(8_192u64),
        b(2_800u64),
        x"01",
        b(world::now_ms()),
        b(NOW_MS + 99),
    ]);
    assert_eq!(bcs::to_bytes(cluster.claim(world::first_name())), expected);
    throw(cluster, cap, position);
}

#[test]
fun events_of_a_claim() {
    let (mut cluster, cap, mut position) = claimed();
    cluster.jail(&cap, world::first_name());
    cluster.unjail(&cap, world::first_name());
    record(&mut cluster, &cap, NOW_MS + 99);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS + 9);
    let id = vectors::ids_cluster();
    let stake = vectors::ids_stake();
    let name = b(world::first_name());
    let claimed = event::events_by_type<nodes::NodeClaimed>();
    assert_eq!(b(claimed), concat(vector[x"01", id, name, stake, b(world::alice())]));
    let jailed = event::events_by_type<nodes::NodeJailed>();
    assert_eq!(b(jailed), concat(vector[x"01", id, name]));
    let unjailed = event::events_by_type<nodes::NodeUnjailed>();
    assert_eq!(b(unjailed), concat(vector[x"01", id, name]));
    let recorded = event::events_by_type<nodes::CertificateRecorded>();
    assert_eq!(b(recorded), concat(vector[x"01", id, name, b(NOW_MS + 99)]));
    let left = event::events_by_type<nodes::NodeLeft>();
    assert_eq!(b(left), concat(vector[x"01", id, name, stake, b(NOW_MS + 99)]));
    throw(cluster, cap, position);
}

#[test]
fun a_name_without_a_certificate_is_free_from_the_moment_of_leaving() {
    let (mut cluster, cap, mut position) = claimed();
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS + 9);
    let left = b(event::events_by_type<nodes::NodeLeft>());
    assert_eq!(left.skip(left.length() - 8), b(NOW_MS + 9));
    assert_eq!(cluster.reserved_until_ms(world::first_name()), 0);
    throw(cluster, cap, position);
}

#[test]
fun claim_messages_are_the_vectors() {
    let cluster = object::id_from_bytes(vectors::ids_cluster());
    let other_cluster = object::id_from_bytes(vectors::ids_other_cluster());
    let stake = object::id_from_bytes(vectors::ids_stake());
    let other_stake = object::id_from_bytes(vectors::ids_other_stake());
    let csr = vectors::claims_first_csr_key_hash();
    let first = world::first_name();
    let other = world::other_name();
    assert_eq!(nodes::claim_message(cluster, stake, first, csr), vectors::claims_first_message());
    assert_eq!(
        nodes::claim_message(cluster, stake, other, csr),
        vectors::claims_other_name_message(),
    );
    assert_eq!(
        nodes::claim_message(cluster, other_stake, first, csr),
        vectors::claims_other_stake_message(),
    );
    assert_eq!(
        nodes::claim_message(other_cluster, stake, first, csr),
        vectors::claims_other_cluster_message(),
    );
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun claim_with_a_strangers_stake() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let proof = vectors::claims_first_proof();
    world::claim_as(&mut cluster, &mut position, world::bob(), world::first_name(), proof);
    abort
}

#[test, expected_failure(abort_code = nodes::ERoleNotNode)]
fun claim_with_a_user_stake() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::position(&mut cluster, world::alice(), 0, 5_000, 5);
    world::claim(&mut cluster, &mut position);
    abort
}

#[test, expected_failure(abort_code = nodes::ERoleNotNode)]
fun claim_with_an_admin_stake() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::position(&mut cluster, world::alice(), 2, 10_000, 5);
    world::claim(&mut cluster, &mut position);
    abort
}

#[test, expected_failure(abort_code = nodes::EStakeBound)]
fun stake_bound_twice() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 50_000);
    world::claim(&mut cluster, &mut position);
    let proof = vectors::claims_other_name_proof();
    world::claim_as(&mut cluster, &mut position, world::alice(), world::other_name(), proof);
    abort
}

#[test, expected_failure(abort_code = nodes::ENameTaken)]
fun name_claimed_twice() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let mut other = world::other_stake(&mut cluster, 50_000);
    world::claim(&mut cluster, &mut position);
    let proof = vectors::claims_other_stake_proof();
    world::claim_as(&mut cluster, &mut other, world::bob(), world::first_name(), proof);
    abort
}

#[test, expected_failure(abort_code = nodes::EKeyLength)]
fun node_key_short() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let csr = vectors::claims_first_csr_key_hash();
    claim_with(&mut cluster, &mut position, world::bytes(1, 31), csr, 4_000, 8_192);
    abort
}

#[test, expected_failure(abort_code = nodes::EKeyLength)]
fun csr_key_hash_long() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let key = vectors::keys_node();
    claim_with(&mut cluster, &mut position, key, world::bytes(1, 33), 4_000, 8_192);
    abort
}

#[test, expected_failure(abort_code = nodes::EZeroCapacity)]
fun claim_of_no_cpu() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let csr = vectors::claims_first_csr_key_hash();
    claim_with(&mut cluster, &mut position, vectors::keys_node(), csr, 0, 8_192);
    abort
}

#[test, expected_failure(abort_code = nodes::EZeroCapacity)]
fun claim_of_no_memory() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let csr = vectors::claims_first_csr_key_hash();
    claim_with(&mut cluster, &mut position, vectors::keys_node(), csr, 4_000, 0);
    abort
}

#[test, expected_failure(abort_code = nodes::EStakeTooSmall)]
fun stake_a_mist_too_small() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, world::required() - 1);
    world::claim(&mut cluster, &mut position);
    abort
}

#[test, expected_failure(abort_code = nodes::EStakeTooSmall)]
fun unbonding_stake_does_not_count() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    unbond(&mut cluster, &mut position, 2_201);
    world::claim(&mut cluster, &mut position);
    abort
}

#[test, expected_failure(abort_code = nodes::EStakeTooSmall)]
fun claim_of_the_largest_capacity() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let csr = vectors::claims_first_csr_key_hash();
    claim_with(&mut cluster, &mut position, vectors::keys_node(), csr, MAX, MAX);
    abort
}

// === Proof ===

#[test, expected_failure(abort_code = nodes::EProofInvalid)]
fun proof_for_another_stake() { claim_with_proof(vectors::claims_other_stake_proof()); }

#[test, expected_failure(abort_code = nodes::EProofInvalid)]
fun proof_for_another_name() { claim_with_proof(vectors::claims_other_name_proof()); }

#[test, expected_failure(abort_code = nodes::EProofInvalid)]
fun proof_for_another_cluster() { claim_with_proof(vectors::claims_other_cluster_proof()); }

#[test, expected_failure(abort_code = nodes::EProofInvalid)]
fun proof_empty() { claim_with_proof(vector[]); }

#[test, expected_failure(abort_code = nodes::EProofInvalid)]
fun proof_short() { claim_with_proof(vectors::claims_first_proof().take(63)); }

#[test, expected_failure(abort_code = nodes::EProofInvalid)]
fun proof_by_another_key() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let csr = vectors::claims_first_csr_key_hash();
    claim_with(&mut cluster, &mut position, vectors::keys_other(), csr, 4_000, 8_192);
    abort
}

#[test, expected_failure(abort_code = nodes::EProofInvalid)]
fun proof_for_another_csr_key() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let key = vectors::keys_node();
    claim_with(&mut cluster, &mut position, key, vectors::enclave_tls_key_hash(), 4_000, 8_192);
    abort
}

// === Required stake ===

#[test]
fun required_stake_by_hand() {
    // 4 cores at 500 and 8 GiB at 100.
    assert_eq!(required(1_000, 500, 100, 4_000, 8_192), 2_800);
    // Never less than the minimum.
    assert_eq!(required(2_800, 500, 100, 4_000, 8_192), 2_800);
    assert_eq!(required(2_801, 500, 100, 4_000, 8_192), 2_801);
    assert_eq!(required(1, 0, 0, 4_000, 8_192), 1);
    // Each part is rounded up: 1 · 1 / 1000 and 1 · 1 / 1024.
    assert_eq!(required(1, 1, 1, 1, 1), 2);
    assert_eq!(required(1, 1, 1, 1_000, 1_024), 2);
    assert_eq!(required(1, 1, 1, 1_001, 1_024), 3);
    assert_eq!(required(1, 1, 1, 1_000, 1_025), 3);
    assert_eq!(required(1, 7, 0, 1_500, 1), 11);
    assert_eq!(required(1, 0, 7, 1, 1_536), 11);
    // Splitting a node gains nothing: two halves of an odd capacity cost at least the whole.
    assert_eq!(required(1, 500, 100, 2_000, 4_096) * 2, 2_800);
    assert_eq!(required(1, 500, 100, 1_999, 4_095) + required(1, 500, 100, 2_001, 4_097), 2_802);
}

#[test]
fun required_stake_at_the_edge() {
    // 1000 milli-cores at the largest rate are exactly the largest amount.
    assert_eq!(required(1, MAX, 0, 1_000, 1), MAX);
    assert_eq!(required(1, MAX - 1, 1, 1_000, 1_024), MAX);
    assert_eq!(required(MAX, 0, 0, MAX, MAX), MAX);
}

#[test, expected_failure(abort_code = nodes::ECapacityTooLarge)]
fun required_stake_beyond_the_edge() {
    required(1, MAX, 1, 1_000, 1);
}

#[test, expected_failure(abort_code = nodes::ECapacityTooLarge)]
fun required_stake_of_everything() {
    required(1, MAX, MAX, MAX, MAX);
}

// === Names ===

#[test]
fun names_as_kubernetes_has_them() {
    let good = vector[
        b"a",
        b"0",
        b"az09",
        b"worker-1",
        b"a.b",
        b"1.2.3",
        b"a-b.c-d",
        b"a--b",
        b"ip-10-0-0-1.eu-central-1.compute.internal",
        world::bytes(97, 253),
    ];
    good.do!(|name| assert!(nodes::is_dns1123_subdomain(&name.to_string())));
    let bad = vector[
        b"",
        b"-",
        b".",
        b"-a",
        b"a-",
        b".a",
        b"a.",
        b"a..b",
        b"a.-b",
        b"a-.b",
        b"A",
        b"worker_1",
        b"worker 1",
        b"worker-1\x00",
        b"worker-1\n",
        b"a/b",
        b"a:b",
        b"`",
        b"{",
        x"c3a4",
        world::bytes(97, 254),
    ];
    bad.do!(|name| assert!(!nodes::is_dns1123_subdomain(&name.to_string())));
}

#[test, expected_failure(abort_code = nodes::ENameInvalid)]
fun claim_of_an_empty_name() { claim_with_name(b"".to_string()); }

#[test, expected_failure(abort_code = nodes::ENameInvalid)]
fun claim_of_an_upper_case_name() { claim_with_name(b"Worker-1".to_string()); }

#[test, expected_failure(abort_code = nodes::ENameInvalid)]
fun claim_of_a_long_name() { claim_with_name(world::bytes(97, 254).to_string()); }

// === Leave ===

#[test]
fun leave_frees_stake_and_name() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    let mut other = world::other_stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    assert_eq!(position.node(), option::none());
    assert!(!cluster.has_claim(world::first_name()));
    assert_eq!(cluster.claimed_name(object::id(&position)), option::none());
    // The name is free for another stake, and the stake for another name.
    let proof = vectors::claims_other_stake_proof();
    world::claim_as(&mut cluster, &mut other, world::bob(), world::first_name(), proof);
    let proof = vectors::claims_other_name_proof();
    world::claim_as(&mut cluster, &mut position, world::alice(), world::other_name(), proof);
    assert_eq!(cluster.claim(world::first_name()).claim_owner(), world::bob());
    assert_eq!(position.node(), option::some(world::other_name()));
    destroy(cluster);
    destroy(cap);
    destroy(position);
    destroy(other);
}

#[test, expected_failure(abort_code = nodes::EStakeNotBound)]
fun leave_unbound() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    abort
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun leave_by_a_stranger() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    world::leave_at(&mut cluster, &mut position, world::bob(), NOW_MS);
    abort
}

// === Certificates and reserved names ===

#[test]
fun certificates_end_later_and_later() {
    let (mut cluster, cap, position) = claimed();
    record(&mut cluster, &cap, NOW_MS + 1);
    assert_eq!(cluster.claim(world::first_name()).claim_certificate_until_ms(), NOW_MS + 1);
    record(&mut cluster, &cap, NOW_MS + 1);
    record(&mut cluster, &cap, NOW_MS + 400 * DAY_MS);
    let until_ms = cluster.claim(world::first_name()).claim_certificate_until_ms();
    assert_eq!(until_ms, NOW_MS + 400 * DAY_MS);
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = nodes::ECertificateEnd)]
fun certificate_that_has_ended() {
    let (mut cluster, cap, _position) = claimed();
    record(&mut cluster, &cap, NOW_MS);
    abort
}

#[test, expected_failure(abort_code = nodes::ECertificateEnd)]
fun certificate_of_1970() {
    let (mut cluster, cap, _position) = claimed();
    record(&mut cluster, &cap, 0);
    abort
}

#[test, expected_failure(abort_code = nodes::ECertificateEnd)]
fun certificate_a_millisecond_too_long() {
    let (mut cluster, cap, _position) = claimed();
    record(&mut cluster, &cap, NOW_MS + 400 * DAY_MS + 1);
    abort
}

#[test, expected_failure(abort_code = nodes::ECertificateEnd)]
fun certificate_for_ever() {
    let (mut cluster, cap, _position) = claimed();
    record(&mut cluster, &cap, MAX);
    abort
}

#[test, expected_failure(abort_code = nodes::ECertificateEnd)]
fun certificate_that_ends_before_another() {
    let (mut cluster, cap, _position) = claimed();
    record(&mut cluster, &cap, NOW_MS + 10);
    record(&mut cluster, &cap, NOW_MS + 9);
    abort
}

#[test, expected_failure(abort_code = nodes::ENodeUnknown)]
fun certificate_of_an_unknown_node() {
    let (mut cluster, cap) = world::cluster();
    record(&mut cluster, &cap, NOW_MS + 1);
    abort
}

/// The CA looked, Alice left, Bob claimed: the record of Alice's certificate must not pass for Bob's.
#[test, expected_failure(abort_code = nodes::EWrongStake)]
fun certificate_of_a_name_that_changed_hands() {
    let (mut cluster, cap, mut position) = claimed();
    let mut other = world::other_stake(&mut cluster, 5_000);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    let proof = vectors::claims_other_stake_proof();
    world::claim_as(&mut cluster, &mut other, world::bob(), world::first_name(), proof);
    record(&mut cluster, &cap, NOW_MS + 1);
    abort
}

/// Alice leaves while a certificate runs 1,000 ms on; Bob claims at `NOW_MS` + `after_ms`.
fun claim_after_leave(after_ms: u64): (Cluster, ClusterCap, Position, Position) {
    let (mut cluster, cap, mut position) = claimed();
    let mut other = world::other_stake(&mut cluster, 5_000);
    record(&mut cluster, &cap, NOW_MS + 1_000);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    assert_eq!(cluster.reserved_until_ms(world::first_name()), NOW_MS + 1_000);
    let name = world::first_name();
    let proof = vectors::claims_other_stake_proof();
    world::claim_at(&mut cluster, &mut other, world::bob(), name, proof, NOW_MS + after_ms);
    (cluster, cap, position, other)
}

#[test, expected_failure(abort_code = nodes::ENameReserved)]
fun reserved_to_the_last_millisecond() {
    let (_cluster, _cap, _position, _other) = claim_after_leave(999);
    abort
}

#[test]
fun free_when_the_certificate_has_ended() {
    let (cluster, cap, position, other) = claim_after_leave(1_000);
    assert_eq!(cluster.reserved_until_ms(world::first_name()), 0);
    // The new claim begins without a certificate.
    assert_eq!(cluster.claim(world::first_name()).claim_certificate_until_ms(), 0);
    throw(cluster, cap, position);
    destroy(other);
}

#[test, expected_failure(abort_code = nodes::ENameReserved)]
fun reserved_for_the_old_owner_too() {
    let (mut cluster, cap, mut position) = claimed();
    record(&mut cluster, &cap, NOW_MS + 1_000);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    world::claim(&mut cluster, &mut position);
    abort
}

#[test]
fun a_name_is_reserved_again_and_again() {
    let (mut cluster, cap, mut position) = claimed();
    let name = world::first_name();
    let proof = vectors::claims_first_proof();
    record(&mut cluster, &cap, NOW_MS + 1_000);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    world::claim_at(&mut cluster, &mut position, world::alice(), name, proof, NOW_MS + 1_000);
    record(&mut cluster, &cap, NOW_MS + 3_000);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS + 2_999);
    assert_eq!(cluster.reserved_until_ms(name), NOW_MS + 3_000);
    world::claim_at(&mut cluster, &mut position, world::alice(), name, proof, NOW_MS + 3_000);
    record(&mut cluster, &cap, NOW_MS + 4_000);
    // At its end the certificate is over.
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS + 4_000);
    assert_eq!(cluster.reserved_until_ms(name), 0);
    throw(cluster, cap, position);
}

// === Heartbeat ===

#[test]
fun heartbeat_messages_are_the_vectors() {
    let cluster = object::id_from_bytes(vectors::ids_cluster());
    let other_cluster = object::id_from_bytes(vectors::ids_other_cluster());
    let stake = object::id_from_bytes(vectors::ids_stake());
    let other_stake = object::id_from_bytes(vectors::ids_other_stake());
    let first = world::first_name();
    assert_eq!(
        nodes::heartbeat_message(cluster, stake, first, NOW_MS),
        heartbeats::heartbeats_first_message(),
    );
    assert_eq!(
        nodes::heartbeat_message(cluster, stake, world::other_name(), NOW_MS),
        heartbeats::heartbeats_other_name_message(),
    );
    assert_eq!(
        nodes::heartbeat_message(cluster, other_stake, first, NOW_MS),
        heartbeats::heartbeats_other_stake_message(),
    );
    assert_eq!(
        nodes::heartbeat_message(other_cluster, stake, first, NOW_MS),
        heartbeats::heartbeats_other_cluster_message(),
    );
    assert_eq!(
        nodes::heartbeat_message(cluster, stake, first, MAX),
        heartbeats::heartbeats_largest_message(),
    );
}

#[test]
fun anyone_submits_what_the_node_signed() {
    let (cluster, cap, mut position) = claimed();
    let _bob = world::tx(world::bob(), 45);
    first_beat_at(&cluster, &mut position, NOW_MS);
    assert_eq!(position.heartbeat_ms(), NOW_MS);
    let next = heartbeats::heartbeats_next_signature();
    beat(&cluster, &mut position, NOW_MS + 1, next, NOW_MS);
    assert_eq!(position.heartbeat_ms(), NOW_MS + 1);
    throw(cluster, cap, position);
}

#[test]
fun the_oldest_heartbeat() {
    let (cluster, cap, mut position) = claimed();
    first_beat_at(&cluster, &mut position, NOW_MS + 300_000);
    throw(cluster, cap, position);
}

#[test]
fun the_most_hurried_heartbeat() {
    let (cluster, cap, mut position) = claimed();
    first_beat_at(&cluster, &mut position, NOW_MS - 10_000);
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = nodes::EHeartbeatTime)]
fun heartbeat_a_millisecond_too_old() {
    let (cluster, _cap, mut position) = claimed();
    first_beat_at(&cluster, &mut position, NOW_MS + 300_001);
    abort
}

#[test, expected_failure(abort_code = nodes::EHeartbeatTime)]
fun heartbeat_a_millisecond_from_the_future() {
    let (cluster, _cap, mut position) = claimed();
    first_beat_at(&cluster, &mut position, NOW_MS - 10_001);
    abort
}

#[test, expected_failure(abort_code = nodes::EHeartbeatTime)]
fun heartbeat_from_the_end_of_time() {
    let (cluster, _cap, mut position) = claimed();
    beat(&cluster, &mut position, MAX, heartbeats::heartbeats_largest_signature(), NOW_MS);
    abort
}

#[test, expected_failure(abort_code = nodes::EHeartbeatTime)]
fun heartbeat_of_time_zero() {
    let (cluster, _cap, mut position) = claimed();
    beat(&cluster, &mut position, 0, heartbeats::heartbeats_zero_signature(), 0);
    abort
}

#[test, expected_failure(abort_code = nodes::EHeartbeatTime)]
fun heartbeat_twice() {
    let (cluster, _cap, mut position) = claimed();
    first_beat_at(&cluster, &mut position, NOW_MS);
    first_beat_at(&cluster, &mut position, NOW_MS);
    abort
}

#[test, expected_failure(abort_code = nodes::EHeartbeatTime)]
fun heartbeat_older_than_the_last() {
    let (cluster, _cap, mut position) = claimed();
    let next = heartbeats::heartbeats_next_signature();
    beat(&cluster, &mut position, NOW_MS + 1, next, NOW_MS);
    first_beat_at(&cluster, &mut position, NOW_MS);
    abort
}

#[test, expected_failure(abort_code = nodes::EHeartbeatInvalid)]
fun heartbeat_by_another_key() { beat_with_signature(heartbeats::other_key_signature()); }

#[test, expected_failure(abort_code = nodes::EHeartbeatInvalid)]
fun heartbeat_of_another_time() {
    beat_with_signature(heartbeats::heartbeats_next_signature());
}

#[test, expected_failure(abort_code = nodes::EHeartbeatInvalid)]
fun heartbeat_of_another_node() {
    beat_with_signature(heartbeats::heartbeats_other_name_signature());
}

#[test, expected_failure(abort_code = nodes::EHeartbeatInvalid)]
fun heartbeat_of_another_stake() {
    beat_with_signature(heartbeats::heartbeats_other_stake_signature());
}

#[test, expected_failure(abort_code = nodes::EHeartbeatInvalid)]
fun heartbeat_for_another_cluster() {
    beat_with_signature(heartbeats::heartbeats_other_cluster_signature());
}

#[test, expected_failure(abort_code = nodes::EHeartbeatInvalid)]
fun heartbeat_unsigned() { beat_with_signature(vector[]); }

#[test, expected_failure(abort_code = nodes::EHeartbeatInvalid)]
fun proof_of_a_claim_as_a_heartbeat() { beat_with_signature(vectors::claims_first_proof()); }

#[test, expected_failure(abort_code = nodes::EProofInvalid)]
fun heartbeat_as_a_proof_of_a_claim() {
    claim_with_proof(heartbeats::heartbeats_first_signature());
}

#[test, expected_failure(abort_code = nodes::EStakeNotBound)]
fun heartbeat_of_an_unbound_stake() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    first_beat_at(&cluster, &mut position, NOW_MS);
    abort
}

#[test, expected_failure(abort_code = nodes::EJailed)]
fun heartbeat_of_a_jailed_node() {
    let (mut cluster, cap, mut position) = claimed();
    cluster.jail(&cap, world::first_name());
    first_beat_at(&cluster, &mut position, NOW_MS);
    abort
}

#[test]
fun heartbeats_end_with_the_claim() {
    let (mut cluster, cap, mut position) = claimed();
    first_beat_at(&cluster, &mut position, NOW_MS);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    assert_eq!(position.heartbeat_ms(), 0);
    throw(cluster, cap, position);
}

// === Jail ===

#[test, expected_failure(abort_code = nodes::EJailed)]
fun leave_jailed() {
    let (mut cluster, cap, mut position) = claimed();
    cluster.jail(&cap, world::first_name());
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    abort
}

/// Jail takes no stake, so it must not hold it for ever either: who gives up the whole stake goes free
/// after the delay.
#[test]
fun all_stake_of_a_jailed_node_may_go() {
    let (mut cluster, cap, mut position) = claimed();
    cluster.jail(&cap, world::first_name());
    unbond(&mut cluster, &mut position, 5_000);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    assert_eq!(position.node(), option::none());
    let clock = world::clock(NOW_MS + world::node_unbonding_ms());
    let ctx = &mut world::tx(world::alice(), 31);
    let coin = staking::withdraw(&mut cluster, &mut position, &clock, ctx);
    assert_eq!(coin.burn_for_testing(), 5_000);
    clock.destroy_for_testing();
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = nodes::EJailed)]
fun leave_jailed_with_a_rest_of_the_stake() {
    let (mut cluster, cap, mut position) = claimed();
    cluster.jail(&cap, world::first_name());
    cluster.slash(&cap, &mut position, 4_999, b"evidence".to_string());
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    abort
}

#[test, expected_failure(abort_code = staking::EClaimNeedsStake)]
fun a_part_of_a_jailed_nodes_stake_stays() {
    let (mut cluster, cap, mut position) = claimed();
    cluster.jail(&cap, world::first_name());
    unbond(&mut cluster, &mut position, 2_201);
    abort
}

#[test]
fun a_governed_cluster_jails_without_a_vote() {
    let (mut cluster, cap, position) = claimed();
    cluster.govern(&cap);
    cluster.jail(&cap, world::first_name());
    cluster.unjail(&cap, world::first_name());
    throw(cluster, cap, position);
}

#[test]
fun jail_takes_no_stake() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.jail(&cap, world::first_name());
    assert!(cluster.claim(world::first_name()).claim_jailed());
    assert_eq!(position.active_value(), 5_000);
    assert_eq!(cluster.treasury_value(), 0);
    cluster.unjail(&cap, world::first_name());
    assert!(!cluster.claim(world::first_name()).claim_jailed());
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    throw(cluster, cap, position);
}

#[test]
fun slashed_below_required_the_claim_stays_and_may_leave() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 2_800);
    world::claim(&mut cluster, &mut position);
    cluster.slash(&cap, &mut position, 2_800, b"evidence".to_string());
    assert_eq!(cluster.claim(world::first_name()).claim_required(), 2_800);
    world::leave_at(&mut cluster, &mut position, world::alice(), NOW_MS);
    throw(cluster, cap, position);
}

#[test, expected_failure(abort_code = nodes::ENodeUnknown)]
fun jail_unknown() {
    let (mut cluster, cap) = world::cluster();
    cluster.jail(&cap, world::first_name());
    abort
}

#[test, expected_failure(abort_code = nodes::EJailed)]
fun jail_twice() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.jail(&cap, world::first_name());
    cluster.jail(&cap, world::first_name());
    abort
}

#[test, expected_failure(abort_code = nodes::ENodeUnknown)]
fun unjail_unknown() {
    let (mut cluster, cap) = world::cluster();
    cluster.unjail(&cap, world::first_name());
    abort
}

#[test, expected_failure(abort_code = nodes::ENotJailed)]
fun unjail_free() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.unjail(&cap, world::first_name());
    abort
}
