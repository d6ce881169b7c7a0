#[test_only]
module k3s_daas::nodes_tests;

use k3s_daas::cluster::{Self, Cluster};
use k3s_daas::nodes;
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors;
use k3s_daas::world::{Self, b, concat};
use std::string::String;
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::event;

use fun nodes::leave as Cluster.leave;
use fun nodes::jail as Cluster.jail;
use fun nodes::unjail as Cluster.unjail;
use fun staking::slash as Cluster.slash;

const MAX: u64 = 18_446_744_073_709_551_615;

fun required(
    node_min: u64,
    mist_per_cpu: u64,
    mist_per_gib: u64,
    cpu_milli: u64,
    memory_mib: u64,
): u64 {
    let stakes = cluster::stakes_for_testing(1, node_min, 1, mist_per_cpu, mist_per_gib, 1);
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
    let mut position = world::stake(&cluster, 5_000);
    world::claim_as(&mut cluster, &mut position, world::alice(), world::first_name(), proof);
    abort
}

fun claim_with_name(name: String) {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    let proof = vectors::claims_first_proof();
    world::claim_as(&mut cluster, &mut position, world::alice(), name, proof);
    abort
}

// === Claim ===

#[test]
fun claim_binds_name_and_stake() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, world::required());
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
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test]
fun bytes_of_a_claim() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
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
        x"00",
        b(world::now_ms()),
    ]);
    assert_eq!(bcs::to_bytes(cluster.claim(world::first_name())), expected);
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test]
fun events_of_a_claim() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.jail(&cap, world::first_name());
    cluster.unjail(&cap, world::first_name());
    cluster.leave(&mut position, &world::tx(world::alice(), 41));
    let id = vectors::ids_cluster();
    let stake = vectors::ids_stake();
    let name = b(world::first_name());
    let claimed = event::events_by_type<nodes::NodeClaimed>();
    assert_eq!(b(claimed), concat(vector[x"01", id, name, stake, b(world::alice())]));
    let jailed = event::events_by_type<nodes::NodeJailed>();
    assert_eq!(b(jailed), concat(vector[x"01", id, name]));
    let unjailed = event::events_by_type<nodes::NodeUnjailed>();
    assert_eq!(b(unjailed), concat(vector[x"01", id, name]));
    let left = event::events_by_type<nodes::NodeLeft>();
    assert_eq!(b(left), concat(vector[x"01", id, name, stake]));
    destroy(cluster);
    destroy(cap);
    destroy(position);
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
    assert_eq!(nodes::claim_message(cluster, stake, other, csr), vectors::claims_other_name_message());
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
    let mut position = world::stake(&cluster, 5_000);
    let proof = vectors::claims_first_proof();
    world::claim_as(&mut cluster, &mut position, world::bob(), world::first_name(), proof);
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun claim_with_a_stake_of_another_cluster() {
    let (cluster, _cap) = world::cluster();
    let (mut other, _other_cap) = world::other_cluster();
    let mut position = world::stake(&cluster, 5_000);
    let proof = vectors::claims_other_cluster_proof();
    world::claim_as(&mut other, &mut position, world::alice(), world::first_name(), proof);
    abort
}

#[test, expected_failure(abort_code = nodes::ERoleNotNode)]
fun claim_with_a_user_stake() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::position(&cluster, world::alice(), 0, 5_000, 5);
    world::claim(&mut cluster, &mut position);
    abort
}

#[test, expected_failure(abort_code = nodes::ERoleNotNode)]
fun claim_with_an_admin_stake() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::position(&cluster, world::alice(), 2, 10_000, 5);
    world::claim(&mut cluster, &mut position);
    abort
}

#[test, expected_failure(abort_code = nodes::EStakeBound)]
fun stake_bound_twice() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 50_000);
    world::claim(&mut cluster, &mut position);
    let proof = vectors::claims_other_name_proof();
    world::claim_as(&mut cluster, &mut position, world::alice(), world::other_name(), proof);
    abort
}

#[test, expected_failure(abort_code = nodes::ENameTaken)]
fun name_claimed_twice() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    let mut other = world::other_stake(&cluster, 50_000);
    world::claim(&mut cluster, &mut position);
    let proof = vectors::claims_other_stake_proof();
    world::claim_as(&mut cluster, &mut other, world::bob(), world::first_name(), proof);
    abort
}

#[test, expected_failure(abort_code = nodes::EKeyLength)]
fun node_key_short() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    let csr = vectors::claims_first_csr_key_hash();
    claim_with(&mut cluster, &mut position, world::bytes(1, 31), csr, 4_000, 8_192);
    abort
}

#[test, expected_failure(abort_code = nodes::EKeyLength)]
fun csr_key_hash_long() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    let key = vectors::keys_node();
    claim_with(&mut cluster, &mut position, key, world::bytes(1, 33), 4_000, 8_192);
    abort
}

#[test, expected_failure(abort_code = nodes::EZeroCapacity)]
fun claim_of_no_cpu() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    let csr = vectors::claims_first_csr_key_hash();
    claim_with(&mut cluster, &mut position, vectors::keys_node(), csr, 0, 8_192);
    abort
}

#[test, expected_failure(abort_code = nodes::EZeroCapacity)]
fun claim_of_no_memory() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    let csr = vectors::claims_first_csr_key_hash();
    claim_with(&mut cluster, &mut position, vectors::keys_node(), csr, 4_000, 0);
    abort
}

#[test, expected_failure(abort_code = nodes::EStakeTooSmall)]
fun stake_a_mist_too_small() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, world::required() - 1);
    world::claim(&mut cluster, &mut position);
    abort
}

#[test, expected_failure(abort_code = nodes::EStakeTooSmall)]
fun unbonding_stake_does_not_count() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    let clock = world::clock(world::now_ms());
    let ctx = world::tx(world::alice(), 30);
    staking::request_unbond(&cluster, &mut position, 2_201, &clock, &ctx);
    world::claim(&mut cluster, &mut position);
    abort
}

#[test, expected_failure(abort_code = nodes::EStakeTooSmall)]
fun claim_of_the_largest_capacity() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    let csr = vectors::claims_first_csr_key_hash();
    claim_with(&mut cluster, &mut position, vectors::keys_node(), csr, MAX, MAX);
    abort
}

#[test, expected_failure(abort_code = k3s_daas::cluster::EWrongVersion)]
fun claim_on_another_version() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    cluster.set_version_for_testing(2);
    world::claim(&mut cluster, &mut position);
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
    let mut position = world::stake(&cluster, 5_000);
    let csr = vectors::claims_first_csr_key_hash();
    claim_with(&mut cluster, &mut position, vectors::keys_other(), csr, 4_000, 8_192);
    abort
}

#[test, expected_failure(abort_code = nodes::EProofInvalid)]
fun proof_for_another_csr_key() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
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
    let mut position = world::stake(&cluster, 5_000);
    let mut other = world::other_stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.leave(&mut position, &world::tx(world::alice(), 41));
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
    let mut position = world::stake(&cluster, 5_000);
    cluster.leave(&mut position, &world::tx(world::alice(), 41));
    abort
}

#[test, expected_failure(abort_code = staking::ENotOwner)]
fun leave_by_a_stranger() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.leave(&mut position, &world::tx(world::bob(), 41));
    abort
}

#[test, expected_failure(abort_code = staking::EWrongCluster)]
fun leave_another_cluster() {
    let (mut cluster, _cap) = world::cluster();
    let (mut other, _other_cap) = world::other_cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    other.leave(&mut position, &world::tx(world::alice(), 41));
    abort
}

#[test, expected_failure(abort_code = nodes::EJailed)]
fun leave_jailed() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.jail(&cap, world::first_name());
    cluster.leave(&mut position, &world::tx(world::alice(), 41));
    abort
}

#[test, expected_failure(abort_code = k3s_daas::cluster::EWrongVersion)]
fun leave_on_another_version() {
    let (mut cluster, _cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.set_version_for_testing(2);
    cluster.leave(&mut position, &world::tx(world::alice(), 41));
    abort
}

// === Jail ===

#[test]
fun jail_takes_no_stake() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.jail(&cap, world::first_name());
    assert!(cluster.claim(world::first_name()).claim_jailed());
    assert_eq!(position.active_value(), 5_000);
    assert_eq!(cluster.treasury_value(), 0);
    cluster.unjail(&cap, world::first_name());
    assert!(!cluster.claim(world::first_name()).claim_jailed());
    cluster.leave(&mut position, &world::tx(world::alice(), 41));
    destroy(cluster);
    destroy(cap);
    destroy(position);
}

#[test]
fun slashed_below_required_the_claim_stays_and_may_leave() {
    let (mut cluster, cap) = world::cluster();
    let mut position = world::stake(&cluster, 2_800);
    world::claim(&mut cluster, &mut position);
    cluster.slash(&cap, &mut position, 2_800, b"evidence".to_string());
    assert_eq!(cluster.claim(world::first_name()).claim_required(), 2_800);
    cluster.leave(&mut position, &world::tx(world::alice(), 41));
    destroy(cluster);
    destroy(cap);
    destroy(position);
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
    let mut position = world::stake(&cluster, 5_000);
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
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.unjail(&cap, world::first_name());
    abort
}

#[test, expected_failure(abort_code = k3s_daas::cluster::EWrongCap)]
fun jail_with_a_foreign_cap() {
    let (mut cluster, _cap) = world::cluster();
    let (_other, foreign) = world::other_cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.jail(&foreign, world::first_name());
    abort
}

#[test, expected_failure(abort_code = k3s_daas::cluster::EWrongCap)]
fun unjail_with_a_foreign_cap() {
    let (mut cluster, cap) = world::cluster();
    let (_other, foreign) = world::other_cluster();
    let mut position = world::stake(&cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    cluster.jail(&cap, world::first_name());
    cluster.unjail(&foreign, world::first_name());
    abort
}
