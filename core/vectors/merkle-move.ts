import { z } from 'zod';

import json from './merkle.json' with { type: 'json' };

/**
 * The cases of merkle.json as Move tests: `sui/move/daas/tests/merkle_vectors.move` is what this file prints when it is
 * run, and `core/merkle.test.ts` fails if it is not.
 */

const digits = z.string().regex(/^\d+$/);
const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/);

const schema = z.strictObject({
  about: z.string(),
  leaves: z.array(hex),
  leafHashes: z.array(hex),
  roots: z.array(hex),
  inclusion: z.record(
    z.string(),
    z.strictObject({
      leafHash: hex,
      index: digits,
      size: digits,
      root: hex,
      proof: z.array(hex),
      outcome: z.string(),
    }),
  ),
  consistency: z.record(
    z.string(),
    z.strictObject({
      oldSize: digits,
      oldRoot: hex,
      newSize: digits,
      newRoot: hex,
      proof: z.array(hex),
      outcome: z.string(),
    }),
  ),
});
type MerkleVectors = z.infer<typeof schema>;

export const merkleVectors: MerkleVectors = schema.parse(json);

const ABORTS: Readonly<Record<string, string>> = {
  INDEX_OUT_OF_RANGE: 'EIndexOutOfRange',
  SIZES_REVERSED: 'ESizesReversed',
  PROOF_LENGTH_WRONG: 'EProofLength',
  HASH_LENGTH_WRONG: 'EHashLength',
  OLD_ROOT_MISMATCH: 'EOldRootMismatch',
  ROOT_MISMATCH: 'ERootMismatch',
};

const HEADER = `/// The cases of core/vectors/merkle.json, each as a test. Made by core/vectors/merkle-move.ts; core/merkle.test.ts
/// compares, so that the two files cannot drift apart.
#[test_only]
module k3s_daas::merkle_vectors;

use k3s_daas::merkle;
`;

export function merkleMoveTests(vectors: MerkleVectors): string {
  const inclusion = Object.entries(vectors.inclusion).map(([name, { outcome, proof, ...claim }]) =>
    moveTest(`inclusion_${name}`, outcome, 'assert_inclusion', [
      bytes(claim.leafHash),
      claim.index,
      claim.size,
      bytes(claim.root),
      list(proof),
    ]),
  );
  const consistency = Object.entries(vectors.consistency).map(([name, { outcome, proof, ...claim }]) =>
    moveTest(`consistency_${name}`, outcome, 'assert_consistency', [
      claim.oldSize,
      bytes(claim.oldRoot),
      claim.newSize,
      bytes(claim.newRoot),
      list(proof),
    ]),
  );
  return [
    HEADER,
    constant('leaves', vectors.leaves),
    constant('leaf_hashes', vectors.leafHashes),
    constant('roots', vectors.roots),
    ...inclusion,
    ...consistency,
  ].join('\n');
}

function moveTest(name: string, outcome: string, call: string, values: readonly string[]): string {
  const code = ABORTS[outcome];
  if (code === undefined && outcome !== 'ok') throw new TypeError(`no abort code for ${outcome}`);
  const attribute =
    code === undefined ? '#[test]' : `#[test, expected_failure(abort_code = merkle::${code})]`;
  return `${attribute}
fun ${name}() {
    merkle::${call}(
        ${values.join(',\n        ')},
    )
}
`;
}

function constant(name: string, values: readonly string[]): string {
  return `public fun ${name}(): vector<vector<u8>> {
    ${list(values, '    ')}
}
`;
}

function list(values: readonly string[], indent = '        '): string {
  if (values.length === 0) return 'vector[]';
  return `vector[\n${values.map((value) => `${indent}    ${bytes(value)},\n`).join('')}${indent}]`;
}

function bytes(value: string): string {
  return `x"${value}"`;
}

if (import.meta.main) process.stdout.write(merkleMoveTests(merkleVectors));
