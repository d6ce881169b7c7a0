import { equalBytes, sha256, type Bytes } from './bytes.ts';
import { CodedError } from './errors.ts';

/**
 * Merkle trees of RFC 6962 section 2.1 over SHA-256, and their proofs (verified as RFC 9162 sections 2.1.3.2 and
 * 2.1.4.2). Sizes and indices are u64 as bigint, as on chain. `merkle.move` makes the same checks in the same order.
 */

export type MerkleErrorCode =
  | 'SIZE_OUT_OF_RANGE'
  | 'INDEX_OUT_OF_RANGE'
  | 'SIZES_REVERSED'
  | 'PROOF_LENGTH_WRONG'
  | 'HASH_LENGTH_WRONG'
  | 'OLD_ROOT_MISMATCH'
  | 'ROOT_MISMATCH';

/** A proof that does not show what it should, or sizes that no tree has. */
export class MerkleError extends CodedError<MerkleErrorCode> {
  constructor(code: MerkleErrorCode, message: string) {
    super(
      code,
      message,
      'ask the log for a proof between the sizes of the signed roots; see docs/chain/merkle.md',
    );
  }
}

/** That the leaf with hash `leafHash` has the place `index` (from 0) in the tree of `size` leaves under `root`. */
export interface InclusionClaim {
  readonly leafHash: Bytes;
  readonly index: bigint;
  readonly size: bigint;
  readonly root: Bytes;
  /** Siblings from the leaf up, 32 bytes each. */
  readonly proof: readonly Bytes[];
}

/** That the first `oldSize` leaves of the tree under `newRoot` are the tree under `oldRoot`. */
export interface ConsistencyClaim {
  readonly oldSize: bigint;
  readonly oldRoot: Bytes;
  readonly newSize: bigint;
  readonly newRoot: Bytes;
  /** Nodes in the order of RFC 6962 section 2.1.2, 32 bytes each. */
  readonly proof: readonly Bytes[];
}

const HASH_BYTES = 32;
const SIZE_MAX = (1n << 64n) - 1n;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Hash of a leaf: SHA-256(0x00 ‖ leaf). */
export function leafHash(leaf: Bytes): Bytes {
  return sha256(LEAF, leaf);
}

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Bytes, right: Bytes): Bytes {
  return sha256(NODE, left, right);
}

/** Root of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Bytes {
  return sha256();
}

/**
 * A tree that grows by leaves and knows its root at every size. It keeps only the roots of the perfect subtrees that
 * the binary digits of its size stand for, at most 64 hashes, so it cannot make proofs.
 */
export class MerkleTree {
  #size = 0n;
  /** From the largest subtree to the smallest. */
  readonly #subtrees: Bytes[] = [];

  get size(): bigint {
    return this.#size;
  }

  /** @throws MerkleError HASH_LENGTH_WRONG */
  append(hash: Bytes): void {
    requireHashes([hash]);
    let node: Bytes = hash.slice();
    // Each one bit at the low end of the old size is a subtree as large as the one that ends with the new leaf.
    for (let rest = this.#size; (rest & 1n) === 1n; rest >>= 1n)
      node = nodeHash(this.#subtrees.pop() ?? node, node);
    this.#subtrees.push(node);
    this.#size += 1n;
  }

  root(): Bytes {
    if (this.#size === 0n) return emptyRoot();
    return this.#subtrees.reduceRight((right, left) => nodeHash(left, right)).slice();
  }
}

/** Root over all the leaf hashes given (RFC 6962 section 2.1). @throws MerkleError HASH_LENGTH_WRONG */
export function merkleRoot(leafHashes: readonly Bytes[]): Bytes {
  const tree = new MerkleTree();
  for (const hash of leafHashes) tree.append(hash);
  return tree.root();
}

/**
 * Audit path of a leaf in the tree of the first `size` leaf hashes, siblings from the leaf up (RFC 6962 section 2.1.1).
 * Takes time in proportion to `size`. @throws MerkleError SIZE_OUT_OF_RANGE, INDEX_OUT_OF_RANGE, HASH_LENGTH_WRONG
 */
export function inclusionProof(leafHashes: readonly Bytes[], index: bigint, size: bigint): Bytes[] {
  const leaves = firstLeaves(leafHashes, size);
  requireIndex(index, size);
  return path(leaves, Number(index));
}

/**
 * Proof that the tree of the first `newSize` leaf hashes extends that of the first `oldSize` (RFC 6962 section 2.1.2).
 * Empty for equal sizes and from the empty tree. Takes time in proportion to `newSize`.
 * @throws MerkleError SIZE_OUT_OF_RANGE, SIZES_REVERSED, HASH_LENGTH_WRONG
 */
export function consistencyProof(leafHashes: readonly Bytes[], oldSize: bigint, newSize: bigint): Bytes[] {
  const leaves = firstLeaves(leafHashes, newSize);
  requireSizes(oldSize, newSize);
  return oldSize === 0n ? [] : subproof(leaves, Number(oldSize), true);
}

/**
 * Verifies an inclusion proof (RFC 9162 section 2.1.3.2); returns only if it holds. The proof does not bind `size`
 * wherever the path has the same shape in trees of several sizes: take size and root from one signed statement.
 * @throws MerkleError, every code but SIZES_REVERSED and OLD_ROOT_MISMATCH
 */
export function verifyInclusion(claim: InclusionClaim): void {
  const { index, size, proof, root } = claim;
  requireSize(size);
  requireIndex(index, size);
  const sides = siblingSides(index, size - 1n);
  requireProof(proof, sides.length);
  requireHashes([claim.leafHash, root, ...proof]);
  const computed = climb(claim.leafHash, sides, proof);
  if (!equalBytes(computed, root)) throw new MerkleError('ROOT_MISMATCH', 'the proof leads to another root');
}

/**
 * Verifies a consistency proof (RFC 9162 section 2.1.4.2); returns only if it holds. Beyond the RFC, which leaves it
 * undefined, every tree extends the empty one, with an empty proof. Sizes are bound as little as in `verifyInclusion`.
 * @throws MerkleError, every code but INDEX_OUT_OF_RANGE
 */
export function verifyConsistency(claim: ConsistencyClaim): void {
  const { oldSize, oldRoot, newSize, newRoot, proof } = claim;
  requireSizes(oldSize, newSize);
  const { sides, seeded } = consistencyShape(oldSize, newSize);
  requireProof(proof, sides.length + (seeded ? 0 : 1));
  requireHashes([oldRoot, newRoot, ...proof]);
  const [first = oldSize === 0n ? emptyRoot() : oldRoot] = seeded ? [] : proof;
  const siblings = seeded ? proof : proof.slice(1);

  // What stands left of the common node belongs to both trees, what stands right of it only to the new one.
  const shared = siblings.filter((_, at) => sides[at] === 'left');
  const old = shared.reduce((node, sibling) => nodeHash(sibling, node), first);
  if (!equalBytes(old, oldRoot))
    throw new MerkleError('OLD_ROOT_MISMATCH', 'the proof leads to another old root');
  if (oldSize === 0n && newSize > 0n) return;
  if (!equalBytes(climb(first, sides, siblings), newRoot)) {
    throw new MerkleError('ROOT_MISMATCH', 'the proof leads to another new root');
  }
}

type Side = 'left' | 'right';

/**
 * On which side each sibling stands, from the node up to the root; `last` is the index of the last node on the same
 * level. A last node with an even index has no sibling and is taken up as it is. At most 64 sides, as both are u64.
 */
function siblingSides(node: bigint, last: bigint): Side[] {
  const sides: Side[] = [];
  for (; last > 0n; [node, last] = [node >> 1n, last >> 1n]) {
    if ((node & 1n) === 1n) sides.push('left');
    else if (node < last) sides.push('right');
  }
  return sides;
}

/**
 * The way from the first node that both trees have in common, the largest perfect subtree that ends where the old tree
 * ends, up to the new root. `seeded`: that node is the whole old tree, so its hash is the old root and not in the proof.
 */
function consistencyShape(oldSize: bigint, newSize: bigint): { sides: Side[]; seeded: boolean } {
  if (oldSize === 0n || oldSize === newSize) return { sides: [], seeded: true };
  let node = oldSize - 1n;
  let last = newSize - 1n;
  while ((node & 1n) === 1n) [node, last] = [node >> 1n, last >> 1n];
  return { sides: siblingSides(node, last), seeded: node === 0n };
}

/** The root above `start`. */
function climb(start: Bytes, sides: readonly Side[], siblings: readonly Bytes[]): Bytes {
  return siblings.reduce(
    (node, sibling, at) => (sides[at] === 'left' ? nodeHash(sibling, node) : nodeHash(node, sibling)),
    start,
  );
}

/** PATH of RFC 6962 section 2.1.1. */
function path(leaves: readonly Bytes[], index: number): Bytes[] {
  if (leaves.length === 1) return [];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...path(left, index), merkleRoot(right)]
    : [...path(right, index - split), merkleRoot(left)];
}

/** SUBPROOF of RFC 6962 section 2.1.2; `known`: the verifier has the root of these leaves as the old root. */
function subproof(leaves: readonly Bytes[], oldSize: number, known: boolean): Bytes[] {
  if (oldSize === leaves.length) return known ? [] : [merkleRoot(leaves)];
  const split = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return oldSize <= split
    ? [...subproof(left, oldSize, known), merkleRoot(right)]
    : [...subproof(right, oldSize - split, false), merkleRoot(left)];
}

/** The largest power of two below `size`, which is at least 2. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

function firstLeaves(leafHashes: readonly Bytes[], size: bigint): readonly Bytes[] {
  if (size < 0n || size > BigInt(leafHashes.length)) {
    throw new MerkleError('SIZE_OUT_OF_RANGE', `${leafHashes.length} leaves make no tree of ${size}`);
  }
  const leaves = leafHashes.slice(0, Number(size));
  requireHashes(leaves);
  return leaves;
}

function requireSize(size: bigint): void {
  if (size < 0n || size > SIZE_MAX) throw new MerkleError('SIZE_OUT_OF_RANGE', `${size} is not a u64`);
}

function requireSizes(oldSize: bigint, newSize: bigint): void {
  requireSize(oldSize);
  requireSize(newSize);
  if (oldSize > newSize) {
    throw new MerkleError('SIZES_REVERSED', `the old tree has ${oldSize} leaves, the new one ${newSize}`);
  }
}

function requireIndex(index: bigint, size: bigint): void {
  if (index < 0n || index >= size) {
    throw new MerkleError('INDEX_OUT_OF_RANGE', `a tree of ${size} leaves has no leaf ${index}`);
  }
}

function requireProof(proof: readonly Bytes[], length: number): void {
  if (proof.length !== length) {
    throw new MerkleError('PROOF_LENGTH_WRONG', `the proof has ${proof.length} hashes, not ${length}`);
  }
}

function requireHashes(hashes: readonly Bytes[]): void {
  for (const hash of hashes) {
    if (hash.length !== HASH_BYTES) {
      throw new MerkleError('HASH_LENGTH_WRONG', `a hash has ${HASH_BYTES} bytes, not ${hash.length}`);
    }
  }
}
