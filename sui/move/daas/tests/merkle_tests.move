#[test_only]
module k3s_daas::merkle_tests;

use k3s_daas::merkle;
use k3s_daas::merkle_vectors as vectors;
use std::unit_test::assert_eq;

const SIZE_MAX: u64 = 18_446_744_073_709_551_615;

/// Some hash: what it is of does not matter.
fun some(byte: u8): vector<u8> { vector::tabulate!(32, |_| byte) }

// === Hashes ===

#[test]
fun leaf_hashes_are_those_of_the_vectors() {
    vectors::leaves().zip_do!(vectors::leaf_hashes(), |leaf, expected| {
        assert_eq!(merkle::leaf_hash(leaf), expected);
    });
}

#[test]
fun node_hashes_make_the_roots_of_the_vectors() {
    let leaves = vectors::leaf_hashes();
    let roots = vectors::roots();
    assert_eq!(merkle::node_hash(leaves[0], leaves[1]), roots[2]);
    assert_eq!(merkle::node_hash(roots[2], leaves[2]), roots[3]);
    assert_eq!(merkle::node_hash(roots[4], leaves[4]), roots[5]);
}

#[test]
fun the_empty_root_is_that_of_the_vectors() {
    assert_eq!(merkle::empty_root(), vectors::roots()[0]);
}

#[test]
fun a_leaf_does_not_hash_like_a_node() {
    let mut both = some(1);
    both.append(some(2));
    assert!(merkle::leaf_hash(both) != merkle::node_hash(some(1), some(2)));
}

// === Inclusion at the edges ===

#[test]
fun the_only_leaf_is_the_root() { merkle::assert_inclusion(some(1), 0, 1, some(1), vector[]); }

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun the_only_leaf_is_no_other_root() { merkle::assert_inclusion(some(1), 0, 1, some(2), vector[]); }

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun nothing_is_in_the_empty_tree() {
    merkle::assert_inclusion(merkle::empty_root(), 0, 0, merkle::empty_root(), vector[]);
}

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun the_index_is_below_the_size() { merkle::assert_inclusion(some(1), 1, 1, some(1), vector[]); }

#[test, expected_failure(abort_code = merkle::EIndexOutOfRange)]
fun the_largest_index_is_in_no_tree() {
    merkle::assert_inclusion(some(1), SIZE_MAX, SIZE_MAX, some(1), vector[]);
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun the_first_of_the_largest_tree_takes_64_siblings() {
    merkle::assert_inclusion(some(1), 0, SIZE_MAX, some(1), vector::tabulate!(63, |_| some(2)));
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun the_first_of_the_largest_tree_has_another_root() {
    merkle::assert_inclusion(some(1), 0, SIZE_MAX, some(1), vector::tabulate!(64, |_| some(2)));
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun a_longer_proof_than_any_tree_has() {
    merkle::assert_inclusion(some(1), 0, SIZE_MAX, some(1), vector::tabulate!(1_000, |_| some(2)));
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun a_leaf_hash_is_not_a_leaf() { merkle::assert_inclusion(b"leaf", 0, 1, some(1), vector[]); }

// === Consistency at the edges ===

#[test]
fun every_tree_extends_the_empty_one() {
    let empty = merkle::empty_root();
    merkle::assert_consistency(0, empty, 0, empty, vector[]);
    merkle::assert_consistency(0, empty, 1, some(1), vector[]);
    merkle::assert_consistency(0, empty, SIZE_MAX, some(1), vector[]);
}

#[test]
fun a_tree_extends_itself() {
    merkle::assert_consistency(1, some(1), 1, some(1), vector[]);
    merkle::assert_consistency(SIZE_MAX, some(1), SIZE_MAX, some(1), vector[]);
}

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun the_empty_tree_has_one_root() { merkle::assert_consistency(0, some(1), 1, some(1), vector[]); }

#[test, expected_failure(abort_code = merkle::EOldRootMismatch)]
fun two_empty_trees_have_that_root() {
    merkle::assert_consistency(0, some(1), 0, some(1), vector[]);
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun an_empty_tree_has_no_other_root_later() {
    merkle::assert_consistency(0, merkle::empty_root(), 0, some(1), vector[]);
}

#[test, expected_failure(abort_code = merkle::ERootMismatch)]
fun two_trees_of_one_size_have_one_root() {
    merkle::assert_consistency(SIZE_MAX, some(1), SIZE_MAX, some(2), vector[]);
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun a_proof_from_the_empty_tree_is_empty() {
    merkle::assert_consistency(0, merkle::empty_root(), 1, some(1), vector[some(1)]);
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun a_proof_between_equal_trees_is_empty() {
    merkle::assert_consistency(3, some(1), 3, some(1), vector[some(1)]);
}

#[test, expected_failure(abort_code = merkle::ESizesReversed)]
fun a_tree_does_not_shrink() {
    merkle::assert_consistency(SIZE_MAX, some(1), SIZE_MAX - 1, some(1), vector[]);
}

#[test, expected_failure(abort_code = merkle::EProofLength)]
fun a_proof_between_the_largest_trees_is_not_empty() {
    merkle::assert_consistency(SIZE_MAX - 1, some(1), SIZE_MAX, some(2), vector[]);
}

#[test, expected_failure(abort_code = merkle::EHashLength)]
fun an_old_root_has_32_bytes() { merkle::assert_consistency(1, b"root", 1, b"root", vector[]); }
