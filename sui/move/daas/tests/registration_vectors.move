/// The cases of core/vectors/registration.json, each as a test. Made by core/vectors/registration-move.ts (the commands
/// are in registration.py); core/registration.test.ts compares, so that the two files cannot drift apart.
#[test_only]
module k3s_daas::registration_vectors;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::enclaves;
use k3s_daas::world;
use std::unit_test::{assert_eq, destroy};
use sui::bcs;

const SLOT: vector<u8> = x"75c3360eb19fd2c20fbba5e2da8cf1a39cdb1ee913af3802ba330b852e459e05";
const CLUSTER: vector<u8> = x"d726ecf6f7036ee3557cd6c7b93a49b231070e8eecada9cfa157e40e3f02e5d3";
const CONFIG_DIGEST: vector<u8> =
    x"02c6681415f5f25e2e81a5515013fb2db7e5ba1e73771b501cc8ff81727f0a89";
const DOCUMENT_AGE_MS_MAX: u64 = 300000;
const BOND_MIN: u64 = 700;
const ANCHOR_WINDOW_MS: u64 = 30000;

/// A registration in the cluster of `world`, whose first image has config version 1.
public struct Case has drop {
    now_ms: u64,
    document_ms: u64,
    own_slot: bool,
    config_version: u64,
    expires_ms: u64,
    images: vector<Image>,
    pcr_indices: vector<u8>,
    pcr_values: vector<vector<u8>>,
    public_key: Option<vector<u8>>,
    user_data: Option<vector<u8>>,
    nonce: Option<vector<u8>>,
    log_key: vector<u8>,
    tls_key_hash: vector<u8>,
    bond: u64,
    expected_user_data: Option<vector<u8>>,
}

public struct Image has copy, drop {
    pcr0: vector<u8>,
    pcr1: vector<u8>,
    pcr2: vector<u8>,
    retired: bool,
}

fun image(pcr0: vector<u8>, pcr1: vector<u8>, pcr2: vector<u8>, retired: bool): Image {
    Image { pcr0, pcr1, pcr2, retired }
}

/// Accepts the images beside the first, which `world` accepted.
fun accept(cluster: &mut Cluster, cap: &ClusterCap, images: &vector<Image>) {
    let config = cluster.config(1);
    assert_eq!(config.pcr0(), images[0].pcr0);
    assert_eq!(config.pcr1(), images[0].pcr1);
    assert_eq!(config.pcr2(), images[0].pcr2);
    images.length().do!(|i| {
        let image = images[i];
        if (i > 0) cluster.accept_config(cap, image.pcr0, image.pcr1, image.pcr2);
    });
}

fun run(case: Case) {
    let (mut cluster, cap) = world::cluster();
    let (mut other, other_cap) = world::other_cluster();
    assert_eq!(object::id(&cluster).to_bytes(), CLUSTER);
    assert_eq!(cluster.config_digest(), CONFIG_DIGEST);
    assert_eq!(cluster.parameters().enclaves().document_age_ms_max(), DOCUMENT_AGE_MS_MAX);
    assert_eq!(cluster.parameters().enclaves().bond_min(), BOND_MIN);
    accept(&mut cluster, &cap, &case.images);
    accept(&mut other, &other_cap, &case.images);
    let ctx = &mut world::tx(world::operator(), 3);
    let slot = if (case.own_slot) {
        enclaves::new_slot(
            &cluster,
            &cap,
            world::operator(),
            case.config_version,
            case.expires_ms,
            ctx,
        )
    } else {
        enclaves::new_slot(
            &other,
            &other_cap,
            world::operator(),
            case.config_version,
            case.expires_ms,
            ctx,
        )
    };
    assert_eq!(bcs::to_bytes(&object::id(&slot)), SLOT);
    case.images.length().do!(|i| {
        if (case.images[i].retired) cluster.retire_config(&cap, i + 1);
    });
    case.expected_user_data.do_ref!(|expected| {
        let found = enclaves::enclave_user_data(
            &cluster,
            case.public_key.borrow(),
            &case.log_key,
            &case.tls_key_hash,
        );
        assert_eq!(found, *expected);
    });
    let bond = world::coin(case.bond);
    let clock = world::clock(case.now_ms);
    let session = enclaves::register_inner(
        &cluster,
        slot,
        case.document_ms,
        case.pcr_indices,
        case.pcr_values,
        case.public_key,
        case.user_data,
        case.nonce,
        case.log_key,
        case.tls_key_hash,
        bond,
        &clock,
        &mut world::tx(world::operator(), 4),
    );
    assert_eq!(session.cluster(), object::id(&cluster));
    assert_eq!(session.config_version(), case.config_version);
    assert_eq!(option::some(session.decision_key()), case.public_key);
    assert_eq!(session.log_key(), case.log_key);
    assert_eq!(session.tls_key_hash(), case.tls_key_hash);
    assert_eq!(session.document_ms(), case.document_ms);
    assert_eq!(session.registered_ms(), case.now_ms);
    assert_eq!(session.bond_value(), case.bond);
    assert_eq!(session.bond_held_ms(), ANCHOR_WINDOW_MS);
    clock.destroy_for_testing();
    destroy(session);
    destroy(cluster);
    destroy(cap);
    destroy(other);
    destroy(other_cap);
}

fun base(): Case {
    Case {
        now_ms: 1763700000000,
        document_ms: 1763700000000,
        own_slot: true,
        config_version: 1,
        expires_ms: 1763700060000,
        images: vector[
            image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), false),
        ],
        pcr_indices: vector[0, 1, 2],
        pcr_values: vector[world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48)],
        public_key: option::some(
            x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
        ),
        user_data: option::some(
            x"1e1c1e91360ca4d1c9499b1f0101f9cc7eec8ae36e384ad1949e4763b5aa4b34",
        ),
        nonce: option::some(x"75c3360eb19fd2c20fbba5e2da8cf1a39cdb1ee913af3802ba330b852e459e05"),
        log_key: x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd3c",
        tls_key_hash: x"29df129ce9036a74b90d6c150baebe7d45ba889142519f018f505a8ddaf48a99",
        bond: 700,
        expected_user_data: option::some(
            x"1e1c1e91360ca4d1c9499b1f0101f9cc7eec8ae36e384ad1949e4763b5aa4b34",
        ),
    }
}

#[test]
fun honest() {
    run(base());
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun slot_of_another_cluster() {
    let mut case = base();
    case.own_slot = false;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun slot_of_another_cluster_for_which_all_else_is_right() {
    let mut case = base();
    case.own_slot = false;
    case.user_data =
        option::some(x"ca0036df9cc56ff8fb089bbb16dd20f516bb1ced882a51a1e875ba0ffd56fe9c");
    run(case);
}

#[test]
fun slot_in_its_last_millisecond() {
    let mut case = base();
    case.now_ms = 1763700059999;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::ESlotExpired)]
fun slot_expiring_now() {
    let mut case = base();
    case.now_ms = 1763700060000;
    case.document_ms = 1763700060000;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::ESlotExpired)]
fun slot_expired_by_a_millisecond() {
    let mut case = base();
    case.now_ms = 1763700060001;
    case.document_ms = 1763700060000;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::ESlotExpired)]
fun slot_that_expired_in_1970() {
    let mut case = base();
    case.expires_ms = 0;
    run(case);
}

#[test]
fun slot_without_end() {
    let mut case = base();
    case.expires_ms = 18446744073709551615;
    run(case);
}

#[test]
fun config_old_and_still_accepted() {
    let mut case = base();
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), false),
        image(world::bytes(20, 48), world::bytes(21, 48), world::bytes(22, 48), false),
    ];
    run(case);
}

#[test]
fun config_new() {
    let mut case = base();
    case.config_version = 2;
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), false),
        image(world::bytes(20, 48), world::bytes(21, 48), world::bytes(22, 48), false),
    ];
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(20, 48), world::bytes(21, 48), world::bytes(22, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun config_retired() {
    let mut case = base();
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), true),
        image(world::bytes(20, 48), world::bytes(21, 48), world::bytes(22, 48), false),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun config_retired_whose_image_is_accepted_again() {
    let mut case = base();
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), true),
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), false),
    ];
    run(case);
}

#[test]
fun config_of_the_same_image_accepted_again() {
    let mut case = base();
    case.config_version = 2;
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), true),
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), false),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun config_newest_retired() {
    let mut case = base();
    case.config_version = 2;
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), false),
        image(world::bytes(20, 48), world::bytes(21, 48), world::bytes(22, 48), true),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun config_of_a_cluster_that_accepts_none() {
    let mut case = base();
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), true),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun config_old_for_a_slot_of_the_new() {
    let mut case = base();
    case.config_version = 2;
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), false),
        image(world::bytes(20, 48), world::bytes(21, 48), world::bytes(22, 48), false),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun config_new_for_a_slot_of_the_old() {
    let mut case = base();
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), false),
        image(world::bytes(20, 48), world::bytes(21, 48), world::bytes(22, 48), false),
    ];
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(20, 48), world::bytes(21, 48), world::bytes(22, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun config_mixed_of_two_images() {
    let mut case = base();
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), false),
        image(world::bytes(20, 48), world::bytes(21, 48), world::bytes(22, 48), false),
    ];
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(11, 48), world::bytes(22, 48)];
    run(case);
}

#[test]
fun age_of_a_millisecond() {
    let mut case = base();
    case.document_ms = 1763699999999;
    run(case);
}

#[test]
fun age_max() {
    let mut case = base();
    case.document_ms = 1763699700000;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDocumentTooOld)]
fun age_max_and_one() {
    let mut case = base();
    case.document_ms = 1763699699999;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDocumentTooOld)]
fun age_of_a_document_of_1970() {
    let mut case = base();
    case.document_ms = 0;
    run(case);
}

#[test]
fun age_where_a_sum_would_wrap() {
    let mut case = base();
    case.now_ms = 300001;
    case.document_ms = 1;
    run(case);
}

#[test]
fun ahead_by_a_millisecond() {
    let mut case = base();
    case.document_ms = 1763700000001;
    run(case);
}

#[test]
fun ahead_max() {
    let mut case = base();
    case.document_ms = 1763700010000;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDocumentFromFuture)]
fun ahead_max_and_one() {
    let mut case = base();
    case.document_ms = 1763700010001;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDocumentFromFuture)]
fun ahead_to_the_end_of_time() {
    let mut case = base();
    case.document_ms = 18446744073709551615;
    run(case);
}

#[test]
fun ahead_of_a_chain_at_zero() {
    let mut case = base();
    case.now_ms = 0;
    case.document_ms = 10000;
    run(case);
}

#[test]
fun pcrs_in_another_order() {
    let mut case = base();
    case.pcr_indices = vector[2, 0, 1];
    case.pcr_values = vector[world::bytes(12, 48), world::bytes(10, 48), world::bytes(11, 48)];
    run(case);
}

#[test]
fun pcrs_with_others_between() {
    let mut case = base();
    case.pcr_indices = vector[8, 2, 4, 0, 3, 1, 31];
    case.pcr_values = vector[
        world::bytes(88, 48),
        world::bytes(12, 48),
        world::bytes(4, 48),
        world::bytes(10, 48),
        world::bytes(0, 48),
        world::bytes(11, 48),
        world::bytes(99, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcrs_of_the_right_places_and_wrong_indices() {
    let mut case = base();
    case.pcr_indices = vector[1, 0, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcrs_moved_up_by_one() {
    let mut case = base();
    case.pcr_indices = vector[1, 2, 3];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcrs_none() {
    let mut case = base();
    case.pcr_indices = vector[];
    case.pcr_values = vector[];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr0_missing() {
    let mut case = base();
    case.pcr_indices = vector[1, 2];
    case.pcr_values = vector[world::bytes(11, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr1_missing() {
    let mut case = base();
    case.pcr_indices = vector[0, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr2_missing() {
    let mut case = base();
    case.pcr_indices = vector[0, 1];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(11, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun pcr0_zero() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(0, 48), world::bytes(11, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr0_of_another_image() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(9, 48), world::bytes(11, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr0_one_bit_off() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[
        x"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0b",
        world::bytes(11, 48),
        world::bytes(12, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr0_twice_the_same() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2, 0];
    case.pcr_values = vector[
        world::bytes(10, 48),
        world::bytes(11, 48),
        world::bytes(12, 48),
        world::bytes(10, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr0_twice_wrong_first() {
    let mut case = base();
    case.pcr_indices = vector[0, 0, 1, 2];
    case.pcr_values = vector[
        world::bytes(9, 48),
        world::bytes(10, 48),
        world::bytes(11, 48),
        world::bytes(12, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr0_twice_wrong_last() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2, 0];
    case.pcr_values = vector[
        world::bytes(10, 48),
        world::bytes(11, 48),
        world::bytes(12, 48),
        world::bytes(9, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun pcr1_zero() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(0, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr1_of_another_image() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(9, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr1_one_bit_off() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[
        world::bytes(10, 48),
        x"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0a",
        world::bytes(12, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr1_twice_the_same() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2, 1];
    case.pcr_values = vector[
        world::bytes(10, 48),
        world::bytes(11, 48),
        world::bytes(12, 48),
        world::bytes(11, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr1_twice_wrong_first() {
    let mut case = base();
    case.pcr_indices = vector[1, 0, 1, 2];
    case.pcr_values = vector[
        world::bytes(9, 48),
        world::bytes(10, 48),
        world::bytes(11, 48),
        world::bytes(12, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr1_twice_wrong_last() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2, 1];
    case.pcr_values = vector[
        world::bytes(10, 48),
        world::bytes(11, 48),
        world::bytes(12, 48),
        world::bytes(9, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun pcr2_zero() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(11, 48), world::bytes(0, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr2_of_another_image() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(11, 48), world::bytes(9, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr2_one_bit_off() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[
        world::bytes(10, 48),
        world::bytes(11, 48),
        x"0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0d",
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr2_twice_the_same() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2, 2];
    case.pcr_values = vector[
        world::bytes(10, 48),
        world::bytes(11, 48),
        world::bytes(12, 48),
        world::bytes(12, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr2_twice_wrong_first() {
    let mut case = base();
    case.pcr_indices = vector[2, 0, 1, 2];
    case.pcr_values = vector[
        world::bytes(9, 48),
        world::bytes(10, 48),
        world::bytes(11, 48),
        world::bytes(12, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr2_twice_wrong_last() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2, 2];
    case.pcr_values = vector[
        world::bytes(10, 48),
        world::bytes(11, 48),
        world::bytes(12, 48),
        world::bytes(9, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr0_of_32_bytes() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(10, 32), world::bytes(11, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr1_of_64_bytes() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(11, 64), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun pcr2_of_32_zero_bytes() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(11, 48), world::bytes(0, 32)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun pcr0_empty() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[x"", world::bytes(11, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun pcr_all_zero_as_in_debug_mode() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2, 4];
    case.pcr_values = vector[
        world::bytes(0, 48),
        world::bytes(0, 48),
        world::bytes(0, 48),
        world::bytes(4, 48),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr0_of_another_image_and_pcr1_missing() {
    let mut case = base();
    case.pcr_indices = vector[0, 2];
    case.pcr_values = vector[world::bytes(9, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr0_of_another_image_and_pcr1_zero() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(9, 48), world::bytes(0, 48), world::bytes(12, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrZero)]
fun pcr0_zero_and_pcr2_missing() {
    let mut case = base();
    case.pcr_indices = vector[0, 1];
    case.pcr_values = vector[world::bytes(0, 48), world::bytes(11, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr1_missing_and_pcr2_zero() {
    let mut case = base();
    case.pcr_indices = vector[0, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(0, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_of_another_slot() {
    let mut case = base();
    case.nonce = option::some(x"1611edd9a9d42dbcd9ae773ffa22be0f6017b00590959dd5c767e4efcd34cd0b");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_absent() {
    let mut case = base();
    case.nonce = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_empty() {
    let mut case = base();
    case.nonce = option::some(x"");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_of_31_bytes() {
    let mut case = base();
    case.nonce = option::some(x"75c3360eb19fd2c20fbba5e2da8cf1a39cdb1ee913af3802ba330b852e459e");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_of_33_bytes() {
    let mut case = base();
    case.nonce =
        option::some(x"75c3360eb19fd2c20fbba5e2da8cf1a39cdb1ee913af3802ba330b852e459e0500");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_one_bit_off() {
    let mut case = base();
    case.nonce = option::some(x"f5c3360eb19fd2c20fbba5e2da8cf1a39cdb1ee913af3802ba330b852e459e05");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_with_leading_zero() {
    let mut case = base();
    case.nonce =
        option::some(x"0075c3360eb19fd2c20fbba5e2da8cf1a39cdb1ee913af3802ba330b852e459e05");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_is_the_cluster() {
    let mut case = base();
    case.nonce = option::some(x"d726ecf6f7036ee3557cd6c7b93a49b231070e8eecada9cfa157e40e3f02e5d3");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDecisionKeyMissing)]
fun public_key_absent() {
    let mut case = base();
    case.public_key = option::none();
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDecisionKeyMissing)]
fun public_key_empty() {
    let mut case = base();
    case.public_key = option::some(x"");
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDecisionKeyMissing)]
fun public_key_of_31_bytes() {
    let mut case = base();
    case.public_key =
        option::some(x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d2");
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDecisionKeyMissing)]
fun public_key_of_33_bytes() {
    let mut case = base();
    case.public_key =
        option::some(x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c00");
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDecisionKeyMissing)]
fun public_key_of_1024_bytes() {
    let mut case = base();
    case.public_key = option::some(world::bytes(1, 1024));
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeyLength)]
fun log_key_empty() {
    let mut case = base();
    case.log_key = x"";
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeyLength)]
fun log_key_of_31_bytes() {
    let mut case = base();
    case.log_key = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd";
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeyLength)]
fun log_key_of_33_bytes() {
    let mut case = base();
    case.log_key = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd3c00";
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeyLength)]
fun tls_key_hash_empty() {
    let mut case = base();
    case.tls_key_hash = x"";
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeyLength)]
fun tls_key_hash_of_31_bytes() {
    let mut case = base();
    case.tls_key_hash = x"29df129ce9036a74b90d6c150baebe7d45ba889142519f018f505a8ddaf48a";
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeyLength)]
fun tls_key_hash_of_48_bytes() {
    let mut case = base();
    case.tls_key_hash = world::bytes(1, 48);
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeyLength)]
fun keys_cut_elsewhere() {
    let mut case = base();
    case.log_key = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd";
    case.tls_key_hash = x"3c29df129ce9036a74b90d6c150baebe7d45ba889142519f018f505a8ddaf48a99";
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeysNotDistinct)]
fun decision_key_is_the_log_key() {
    let mut case = base();
    case.public_key =
        option::some(x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c");
    case.user_data =
        option::some(x"67d448f68dd9a25f3d3d24fe30b2e3e2c93f7c94594096104c42a4fec804124a");
    case.log_key = x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    case.tls_key_hash = x"29df129ce9036a74b90d6c150baebe7d45ba889142519f018f505a8ddaf48a99";
    case.expected_user_data =
        option::some(x"67d448f68dd9a25f3d3d24fe30b2e3e2c93f7c94594096104c42a4fec804124a");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeysNotDistinct)]
fun decision_key_is_the_tls_key_hash() {
    let mut case = base();
    case.public_key =
        option::some(x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c");
    case.user_data =
        option::some(x"d261360e00ab3b6791bfe027fed1cca412fa4d0c4053ccef2b8416d625c0464d");
    case.log_key = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd3c";
    case.tls_key_hash = x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    case.expected_user_data =
        option::some(x"d261360e00ab3b6791bfe027fed1cca412fa4d0c4053ccef2b8416d625c0464d");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeysNotDistinct)]
fun log_key_is_the_tls_key_hash() {
    let mut case = base();
    case.public_key =
        option::some(x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c");
    case.user_data =
        option::some(x"9a776bc21ecb2083dacd9af580c567249197757a4c407dbf00cd913ab7136253");
    case.log_key = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd3c";
    case.tls_key_hash = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd3c";
    case.expected_user_data =
        option::some(x"9a776bc21ecb2083dacd9af580c567249197757a4c407dbf00cd913ab7136253");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeysNotDistinct)]
fun keys_all_the_same() {
    let mut case = base();
    case.public_key =
        option::some(x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c");
    case.user_data =
        option::some(x"6c6dd1e19be8fcd6dba448660b874e1cbe4d74c3f00133f10bae5eb3efb5cdce");
    case.log_key = x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    case.tls_key_hash = x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    case.expected_user_data =
        option::some(x"6c6dd1e19be8fcd6dba448660b874e1cbe4d74c3f00133f10bae5eb3efb5cdce");
    run(case);
}

#[test]
fun keys_of_another_boot() {
    let mut case = base();
    case.public_key =
        option::some(x"1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca");
    case.user_data =
        option::some(x"6ce54ab8e27a840091839c5a2d4430a16089240d8c1866e06d0f67357a996dc1");
    case.log_key = x"29df129ce9036a74b90d6c150baebe7d45ba889142519f018f505a8ddaf48a99";
    case.tls_key_hash = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd3c";
    case.expected_user_data =
        option::some(x"6ce54ab8e27a840091839c5a2d4430a16089240d8c1866e06d0f67357a996dc1");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_absent() {
    let mut case = base();
    case.user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_empty() {
    let mut case = base();
    case.user_data = option::some(x"");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_of_31_bytes() {
    let mut case = base();
    case.user_data =
        option::some(x"1e1c1e91360ca4d1c9499b1f0101f9cc7eec8ae36e384ad1949e4763b5aa4b");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_of_33_bytes() {
    let mut case = base();
    case.user_data =
        option::some(x"1e1c1e91360ca4d1c9499b1f0101f9cc7eec8ae36e384ad1949e4763b5aa4b3400");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_one_bit_off() {
    let mut case = base();
    case.user_data =
        option::some(x"0e1c1e91360ca4d1c9499b1f0101f9cc7eec8ae36e384ad1949e4763b5aa4b34");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_of_another_cluster() {
    let mut case = base();
    case.user_data =
        option::some(x"ca0036df9cc56ff8fb089bbb16dd20f516bb1ced882a51a1e875ba0ffd56fe9c");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_of_another_config_digest() {
    let mut case = base();
    case.user_data =
        option::some(x"08f244c18e6a82646fbc97f9b5910fac763c1c1a890392daac2b2e018dbfca20");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_of_another_domain() {
    let mut case = base();
    case.user_data =
        option::some(x"adaed5dc91ac3e2de6244b36e650c9b8b9572b0ac04daf5943c3e43e0aafa7f1");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_with_log_and_tls_swapped() {
    let mut case = base();
    case.user_data =
        option::some(x"4e5d3c69df3fe4ef464b4cd9da475c08bcbab5e4897a0b47ba40747cd3b781a9");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_with_decision_and_log_swapped() {
    let mut case = base();
    case.user_data =
        option::some(x"f2f4e52f8bc43a69ae9c2f9e330daf05079a3a0750ea32407432dcc678e711e8");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_of_another_decision_key() {
    let mut case = base();
    case.public_key =
        option::some(x"1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca");
    case.expected_user_data =
        option::some(x"797ccb1094d12d02bd0294b365155307afef16932f0f16000238bc8bdff019dd");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_of_another_log_key() {
    let mut case = base();
    case.log_key = x"1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca";
    case.expected_user_data =
        option::some(x"5de6b53bbf9d57af86ef8b1bb6a3ebc8e021665e7edb837cee7f0856bc60a6e5");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_of_another_tls_key() {
    let mut case = base();
    case.tls_key_hash = x"1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca";
    case.expected_user_data =
        option::some(x"ef67244f46ab3c9ac2617516cedfa0165c2b148fd60c17a7848a98ff84b99b37");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun keys_given_swapped() {
    let mut case = base();
    case.log_key = x"29df129ce9036a74b90d6c150baebe7d45ba889142519f018f505a8ddaf48a99";
    case.tls_key_hash = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd3c";
    case.expected_user_data =
        option::some(x"4e5d3c69df3fe4ef464b4cd9da475c08bcbab5e4897a0b47ba40747cd3b781a9");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EBondTooSmall)]
fun bond_one_mist_short() {
    let mut case = base();
    case.bond = 699;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EBondTooSmall)]
fun bond_none() {
    let mut case = base();
    case.bond = 0;
    run(case);
}

#[test]
fun bond_one_mist_over() {
    let mut case = base();
    case.bond = 701;
    run(case);
}

#[test]
fun bond_max() {
    let mut case = base();
    case.bond = 18446744073709551615;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun slot_wrong_cluster_before_slot_expired() {
    let mut case = base();
    case.own_slot = false;
    case.expires_ms = 1763700000000;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::ESlotExpired)]
fun slot_expired_before_config_not_accepted() {
    let mut case = base();
    case.expires_ms = 1763700000000;
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), true),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EConfigNotAccepted)]
fun config_not_accepted_before_document_too_old() {
    let mut case = base();
    case.document_ms = 1763699699999;
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), true),
    ];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDocumentTooOld)]
fun document_too_old_before_pcr_missing() {
    let mut case = base();
    case.document_ms = 1763699699999;
    case.pcr_indices = vector[];
    case.pcr_values = vector[];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMissing)]
fun pcr_missing_before_nonce_wrong() {
    let mut case = base();
    case.pcr_indices = vector[];
    case.pcr_values = vector[];
    case.nonce = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongNonce)]
fun nonce_wrong_before_decision_key_missing() {
    let mut case = base();
    case.public_key = option::none();
    case.nonce = option::none();
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDecisionKeyMissing)]
fun decision_key_missing_before_key_length() {
    let mut case = base();
    case.public_key = option::none();
    case.log_key = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd";
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeyLength)]
fun key_length_before_keys_not_distinct() {
    let mut case = base();
    case.log_key = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd";
    case.tls_key_hash = x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    case.expected_user_data = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EKeysNotDistinct)]
fun keys_not_distinct_before_user_data_wrong() {
    let mut case = base();
    case.user_data = option::none();
    case.tls_key_hash = x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    case.expected_user_data =
        option::some(x"d261360e00ab3b6791bfe027fed1cca412fa4d0c4053ccef2b8416d625c0464d");
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongUserData)]
fun user_data_wrong_before_bond_too_small() {
    let mut case = base();
    case.user_data = option::none();
    case.bond = 0;
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EDocumentFromFuture)]
fun document_from_future_before_pcr_zero() {
    let mut case = base();
    case.document_ms = 1763700010001;
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(0, 48), world::bytes(0, 48), world::bytes(0, 48)];
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EPcrMismatch)]
fun pcr_mismatch_before_nonce_wrong() {
    let mut case = base();
    case.pcr_indices = vector[0, 1, 2];
    case.pcr_values = vector[world::bytes(10, 48), world::bytes(11, 48), world::bytes(9, 48)];
    case.nonce = option::none();
    run(case);
}

#[test, expected_failure(abort_code = enclaves::EWrongCluster)]
fun all_faults_at_once() {
    let mut case = base();
    case.document_ms = 1763699699999;
    case.own_slot = false;
    case.expires_ms = 1763700000000;
    case.images = vector[
        image(world::bytes(10, 48), world::bytes(11, 48), world::bytes(12, 48), true),
    ];
    case.pcr_indices = vector[];
    case.pcr_values = vector[];
    case.public_key = option::none();
    case.user_data = option::none();
    case.nonce = option::none();
    case.log_key = x"43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd";
    case.tls_key_hash = x"ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
    case.bond = 0;
    case.expected_user_data = option::none();
    run(case);
}
