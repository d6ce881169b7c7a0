import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import t from 'tap';

import { concatBytes, fromHex, sha256, toHex, type Bytes } from './bytes.ts';
import {
  consistencyProof,
  emptyRoot,
  inclusionProof,
  leafHash,
  MerkleError,
  merkleRoot,
  MerkleTree,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
  type ConsistencyClaim,
  type InclusionClaim,
} from './merkle.ts';
import { merkleMoveTests, merkleVectors as vectors } from './vectors/merkle-move.ts';

const SEED = Number(process.env['FC_SEED'] ?? 20_261_121);
const RUNS = Number(process.env['FC_RUNS'] ?? 200);
const LEAVES_MAX = 200;

// Made by a program that shares no code with the project; `about` in the JSON file says how.
const vectorHashes = vectors.leafHashes.map(fromHex);

/** The code of the MerkleError that `act` throws, or `ok`; anything else that is thrown is a failure of the test. */
function outcome(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    if (error instanceof MerkleError) return error.code;
    throw error;
  }
}

/** MTH of RFC 6962 section 2.1, word by word, over leaf hashes. */
function naiveRoot(leaves: readonly Bytes[]): Bytes {
  const [only] = leaves;
  if (only === undefined) return sha256();
  if (leaves.length === 1) return only;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const halves = [naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split))];
  return sha256(concatBytes(Uint8Array.of(1), ...halves));
}

void t.test('vectors: hashes, roots, proofs', (t) => {
  t.same(
    vectors.leaves.map((leaf) => toHex(leafHash(fromHex(leaf)))),
    vectors.leafHashes,
  );
  t.equal(toHex(emptyRoot()), vectors.roots[0]);
  const tree = new MerkleTree();
  for (const [size, root] of vectors.roots.entries()) {
    t.equal(tree.size, BigInt(size));
    t.equal(toHex(tree.root()), root, `root of a tree that grew to ${size}`);
    t.equal(toHex(merkleRoot(vectorHashes.slice(0, size))), root, `root over ${size}`);
    const next = vectorHashes[size];
    if (next !== undefined) tree.append(next);
  }
  const [first, second] = vectorHashes;
  t.equal(first && second && toHex(nodeHash(first, second)), vectors.roots[2]);

  for (let size = 0; size <= 8; size++) {
    for (let index = 0; index < size; index++) {
      const expected = vectors.inclusion[`leaf_${index}_of_${size}`]?.proof;
      const proof = inclusionProof(vectorHashes, BigInt(index), BigInt(size));
      t.same(proof.map(toHex), expected, `path of ${index} in ${size}`);
    }
    for (let old = 0; old <= size; old++) {
      const expected = vectors.consistency[`from_${old}_to_${size}`]?.proof;
      const proof = consistencyProof(vectorHashes, BigInt(old), BigInt(size));
      t.same(proof.map(toHex), expected, `proof from ${old} to ${size}`);
    }
  }
  t.end();
});

void t.test('vectors: each case has its outcome', (t) => {
  const seen = new Set<string>();
  for (const [name, claim] of Object.entries(vectors.inclusion)) {
    const { index, size, proof } = claim;
    const [hash, root] = [fromHex(claim.leafHash), fromHex(claim.root)];
    const verify = (): void => {
      verifyInclusion({
        leafHash: hash,
        index: BigInt(index),
        size: BigInt(size),
        root,
        proof: proof.map(fromHex),
      });
    };
    t.equal(outcome(verify), claim.outcome, name);
    seen.add(claim.outcome);
  }
  for (const [name, claim] of Object.entries(vectors.consistency)) {
    const { oldSize, newSize, proof } = claim;
    const [oldRoot, newRoot] = [fromHex(claim.oldRoot), fromHex(claim.newRoot)];
    const sizes = { oldSize: BigInt(oldSize), newSize: BigInt(newSize) };
    const verify = (): void => {
      verifyConsistency({ ...sizes, oldRoot, newRoot, proof: proof.map(fromHex) });
    };
    t.equal(outcome(verify), claim.outcome, name);
    seen.add(claim.outcome);
  }
  t.equal(seen.size, 7, 'every outcome that both languages have');
  t.end();
});

void t.test('the Move tests are those cases', (t) => {
  const file = new URL('../sui/move/daas/tests/merkle_vectors.move', import.meta.url);
  t.ok(
    readFileSync(file, 'utf8') === merkleMoveTests(vectors),
    'run: node core/vectors/merkle-move.ts > sui/move/daas/tests/merkle_vectors.move',
  );
  t.end();
});

void t.test('sizes and hashes that no tree has', (t) => {
  const u64Max = (1n << 64n) - 1n;
  const hash = new Uint8Array(32);
  const included = { leafHash: hash, index: 0n, size: 1n, root: hash, proof: [] };
  const consistent = { oldSize: 1n, oldRoot: hash, newSize: 1n, newRoot: hash, proof: [] };
  const cases: Record<string, [() => unknown, string]> = {
    'size beyond u64': [
      () => {
        verifyInclusion({ ...included, size: u64Max + 1n });
      },
      'SIZE_OUT_OF_RANGE',
    ],
    'negative size': [
      () => {
        verifyInclusion({ ...included, size: -1n });
      },
      'SIZE_OUT_OF_RANGE',
    ],
    'negative index': [
      () => {
        verifyInclusion({ ...included, index: -1n });
      },
      'INDEX_OUT_OF_RANGE',
    ],
    'negative old size': [
      () => {
        verifyConsistency({ ...consistent, oldSize: -1n });
      },
      'SIZE_OUT_OF_RANGE',
    ],
    'new size beyond u64': [
      () => {
        verifyConsistency({ ...consistent, newSize: u64Max + 1n });
      },
      'SIZE_OUT_OF_RANGE',
    ],
    'path in more leaves than there are': [() => inclusionProof([hash], 0n, 2n), 'SIZE_OUT_OF_RANGE'],
    'path in a negative number of leaves': [() => inclusionProof([hash], 0n, -1n), 'SIZE_OUT_OF_RANGE'],
    'path of a leaf outside': [() => inclusionProof([hash, hash], 1n, 1n), 'INDEX_OUT_OF_RANGE'],
    'path of a negative index': [() => inclusionProof([hash], -1n, 1n), 'INDEX_OUT_OF_RANGE'],
    'path in no leaves': [() => inclusionProof([], 0n, 0n), 'INDEX_OUT_OF_RANGE'],
    'path over a short hash': [() => inclusionProof([hash, new Uint8Array(31)], 0n, 2n), 'HASH_LENGTH_WRONG'],
    'path of a short hash': [() => inclusionProof([new Uint8Array(31), hash], 0n, 2n), 'HASH_LENGTH_WRONG'],
    'proof to more leaves than there are': [() => consistencyProof([hash], 1n, 2n), 'SIZE_OUT_OF_RANGE'],
    'proof from a negative size': [() => consistencyProof([hash], -1n, 1n), 'SIZE_OUT_OF_RANGE'],
    'proof backwards': [() => consistencyProof([hash, hash], 2n, 1n), 'SIZES_REVERSED'],
    'proof over a long hash': [
      () => consistencyProof([hash, new Uint8Array(33)], 1n, 2n),
      'HASH_LENGTH_WRONG',
    ],
    'root over an empty hash': [() => merkleRoot([new Uint8Array()]), 'HASH_LENGTH_WRONG'],
    'append of a short hash': [
      () => {
        new MerkleTree().append(new Uint8Array(31));
      },
      'HASH_LENGTH_WRONG',
    ],
  };
  for (const [name, [act, expected]] of Object.entries(cases)) t.equal(outcome(act), expected, name);
  t.equal(new MerkleError('ROOT_MISMATCH', 'x').remedy.includes('docs/chain/merkle.md'), true);
  t.end();
});

void t.test('a tree keeps none of the bytes it was given or gave away', (t) => {
  const tree = new MerkleTree();
  const hash = leafHash(Uint8Array.of(1));
  tree.append(hash);
  const root = toHex(tree.root());
  hash.fill(0);
  tree.root().fill(0);
  t.equal(toHex(tree.root()), root);
  t.end();
});

const flipBit = (hash: Bytes, bit: number): Bytes =>
  hash.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
const trees = Array.from({ length: LEAVES_MAX }, (_, at) => leafHash(Uint8Array.of(at & 255, at >> 8)));
const grown = new MerkleTree();
const roots = [grown.root(), ...trees.map((hash) => (grown.append(hash), grown.root()))];
const rootOf = (size: number): Bytes => roots[size] ?? new Uint8Array();

void t.test('every root, path and proof up to 200 leaves', (t) => {
  for (let size = 0; size <= LEAVES_MAX; size++) {
    if (toHex(rootOf(size)) !== toHex(naiveRoot(trees.slice(0, size)))) t.fail(`root of ${size}`);
  }
  // Every size near a power of two, where shapes change, and some between.
  for (const size of [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 128, 129, 199, 200]) {
    for (let other = 0; other <= size; other++) {
      if (other < size) verifyInclusion(included(other, size));
      verifyConsistency(consistent(other, size));
    }
  }
  t.pass('all verify');
  t.end();
});

function included(index: number, size: number): InclusionClaim {
  const proof = inclusionProof(trees, BigInt(index), BigInt(size));
  const hash = trees[index] ?? new Uint8Array();
  return { leafHash: hash, index: BigInt(index), size: BigInt(size), root: rootOf(size), proof };
}

function consistent(old: number, size: number): ConsistencyClaim {
  const proof = consistencyProof(trees, BigInt(old), BigInt(size));
  return { oldSize: BigInt(old), oldRoot: rootOf(old), newSize: BigInt(size), newRoot: rootOf(size), proof };
}

const bit = fc.nat(255);
const pairOfSizes = fc
  .tuple(fc.nat(LEAVES_MAX), fc.nat(LEAVES_MAX))
  .map((pair): [number, number] => [Math.min(...pair), Math.max(...pair)]);

/** Every change of one thing in a proof: a bit of each hash, a hash missing, doubled, or changed with its neighbour. */
function mutatedProofs(proof: readonly Bytes[], at: number): Bytes[][] {
  return proof.flatMap((hash, place) => {
    const [before, after] = [proof.slice(0, place), proof.slice(place + 1)];
    const [next, ...rest] = after;
    return [
      [...before, flipBit(hash, at), ...after],
      [...before, hash.subarray(1), ...after],
      [...before, ...after],
      [...before, hash, hash, ...after],
      ...(next === undefined ? [] : [[...before, next, hash, ...rest]]),
    ];
  });
}

void t.test('a path with one thing changed is refused', (t) => {
  const property = fc.property(pairOfSizes, fc.nat(LEAVES_MAX - 1), bit, ([index, size], other, at) => {
    fc.pre(index < size);
    const claim = included(index, size);
    verifyInclusion(claim);
    const changed: InclusionClaim[] = [
      ...mutatedProofs(claim.proof, at).map((proof) => ({ ...claim, proof })),
      { ...claim, proof: [...claim.proof, claim.root] },
      { ...claim, leafHash: flipBit(claim.leafHash, at) },
      { ...claim, root: flipBit(claim.root, at) },
      { ...claim, index: claim.size },
      { ...claim, size: claim.index },
      ...(other === index ? [] : [{ ...claim, index: BigInt(other) }]),
      ...(other + 1 === size ? [] : [{ ...claim, root: rootOf(other + 1) }]),
    ];
    for (const one of changed) {
      if (
        outcome(() => {
          verifyInclusion(one);
        }) === 'ok'
      )
        return false;
    }
    return true;
  });
  fc.assert(property, { seed: SEED, numRuns: RUNS });
  t.pass(`seed ${SEED}`);
  t.end();
});

void t.test('a consistency proof with one thing changed is refused', (t) => {
  const property = fc.property(pairOfSizes, fc.nat(LEAVES_MAX), bit, ([old, size], other, at) => {
    fc.pre(old > 0);
    const claim = consistent(old, size);
    verifyConsistency(claim);
    const changed: ConsistencyClaim[] = [
      ...mutatedProofs(claim.proof, at).map((proof) => ({ ...claim, proof })),
      { ...claim, proof: [...claim.proof, claim.newRoot] },
      { ...claim, oldRoot: flipBit(claim.oldRoot, at) },
      { ...claim, newRoot: flipBit(claim.newRoot, at) },
      { ...claim, oldSize: claim.newSize + 1n },
      { ...claim, oldSize: 0n },
      ...(other === size ? [] : [{ ...claim, newRoot: rootOf(other) }]),
      ...(other === old ? [] : [{ ...claim, oldRoot: rootOf(other) }]),
      ...(other === old || other === size ? [] : [{ ...claim, oldSize: BigInt(other) }]),
    ];
    for (const one of changed) {
      if (
        outcome(() => {
          verifyConsistency(one);
        }) === 'ok'
      )
        return false;
    }
    return true;
  });
  fc.assert(property, { seed: SEED, numRuns: RUNS });
  t.pass(`seed ${SEED}`);
  t.end();
});
