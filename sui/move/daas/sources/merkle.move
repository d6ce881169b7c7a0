/// Merkle trees of RFC 6962 section 2.1 over SHA-256: hashes, and proofs that a leaf is in a tree and
/// that a tree extends an earlier one. Pure: no state, no event. The format is in docs/formats.md; its
/// TypeScript twin, core/merkle.ts, makes the same checks in the same order.
module k3s_daas::merkle;

use std::hash;

// === Errors ===

/// The tree has no leaf of this index.
const EIndexOutOfRange: u64 = 0;
/// The old tree is larger than the new one.
const ESizesReversed: u64 = 1;
/// The proof has more or fewer hashes than one between these sizes has.
const EProofLength: u64 = 2;
/// A hash has 32 bytes.
const EHashLength: u64 = 3;
/// The proof leads to another old root, or the root of the empty tree is not that of nothing.
const EOldRootMismatch: u64 = 4;
/// The proof leads to another root.
const ERootMismatch: u64 = 5;

// === Constants ===

const HASH_BYTES: u64 = 32;
const LEAF: u8 = 0;
const NODE: u8 = 1;

// === Structs ===

/// The way from a node up to the root: for each sibling whether it stands left of the node.
public struct Path has copy, drop {
    lefts: vector<bool>,
    /// The proof leaves out the hash of the first node, as the verifier has it.
    seeded: bool,
}

// === Public functions ===

/// SHA-256(0x00 ‖ leaf).
public fun leaf_hash(leaf: vector<u8>): vector<u8> {
    let mut bytes = vector[LEAF];
    bytes.append(leaf);
    hash::sha2_256(bytes)
}

/// SHA-256(0x01 ‖ left ‖ right).
public fun node_hash(left: vector<u8>, right: vector<u8>): vector<u8> {
    let mut bytes = vector[NODE];
    bytes.append(left);
    bytes.append(right);
    hash::sha2_256(bytes)
}

/// The root of the tree without leaves: SHA-256 of nothing.
public fun empty_root(): vector<u8> { hash::sha2_256(vector[]) }

/// Aborts unless the leaf with hash `leaf_hash` has the place `index` (from 0) in the tree of `size` leaves
/// under `root`. `proof`: siblings from the leaf up (RFC 9162 section 2.1.3.2). The proof does not bind
/// `size` wherever the path has the same shape in trees of several sizes, so take size and root from one
/// signed statement.
public fun assert_inclusion(
    leaf_hash: vector<u8>,
    index: u64,
    size: u64,
    root: vector<u8>,
    proof: vector<vector<u8>>,
) {
    assert!(index < size, EIndexOutOfRange);
    let lefts = sibling_sides(index, size - 1);
    assert!(proof.length() == lefts.length(), EProofLength);
    assert_hash(&leaf_hash);
    assert_hash(&root);
    proof.do_ref!(|sibling| assert_hash(sibling));
    let mut node = leaf_hash;
    proof.zip_do!(lefts, |sibling, left| {
        node = if (left) node_hash(sibling, node) else node_hash(node, sibling);
    });
    assert!(node == root, ERootMismatch);
}

/// Aborts unless the first `old_size` leaves of the tree under `new_root` are the tree under `old_root`.
/// `proof`: nodes in the order of RFC 6962 section 2.1.2 (verified as in RFC 9162 section 2.1.4.2).
/// Beyond the RFC, which leaves it undefined, every tree extends the empty one, with an empty proof. Sizes
/// are bound as little as in `assert_inclusion`.
public fun assert_consistency(
    old_size: u64,
    old_root: vector<u8>,
    new_size: u64,
    new_root: vector<u8>,
    mut proof: vector<vector<u8>>,
) {
    assert!(old_size <= new_size, ESizesReversed);
    let Path { lefts, seeded } = consistency_path(old_size, new_size);
    // At most 64 siblings and the first node, so the sum cannot overflow.
    assert!(proof.length() == lefts.length() + (if (seeded) 0 else 1), EProofLength);
    assert_hash(&old_root);
    assert_hash(&new_root);
    proof.do_ref!(|sibling| assert_hash(sibling));
    let mut old = if (!seeded) proof.remove(0)
    else if (old_size == 0) empty_root()
    else old_root;
    let mut new = old;
    // What stands left belongs to both trees, what stands right only to the new one.
    proof.zip_do!(lefts, |sibling, left| {
        if (left) {
            old = node_hash(sibling, old);
            new = node_hash(sibling, new);
        } else {
            new = node_hash(new, sibling);
        }
    });
    assert!(old == old_root, EOldRootMismatch);
    assert!(new == new_root || (old_size == 0 && new_size > 0), ERootMismatch);
}

// === Private functions ===

/// On which side each sibling stands, from the node up to the root; `last` is the index of the last node on
/// the same level. A last node with an even index has no sibling and is taken up as it is.
fun sibling_sides(mut node: u64, mut last: u64): vector<bool> {
    let mut lefts = vector[];
    while (last > 0) {
        if (node % 2 == 1) lefts.push_back(true)
        else if (node < last) lefts.push_back(false);
        node = node / 2;
        last = last / 2;
    };
    lefts
}

/// The way from the first node that both trees have in common, the largest perfect subtree that ends where
/// the old tree ends, up to the new root. Seeded if that subtree is the whole old tree.
fun consistency_path(old_size: u64, new_size: u64): Path {
    if (old_size == 0 || old_size == new_size) return Path { lefts: vector[], seeded: true };
    let mut node = old_size - 1;
    let mut last = new_size - 1;
    while (node % 2 == 1) {
        node = node / 2;
        last = last / 2;
    };
    Path { lefts: sibling_sides(node, last), seeded: node == 0 }
}

fun assert_hash(hash: &vector<u8>) { assert!(hash.length() == HASH_BYTES, EHashLength); }
