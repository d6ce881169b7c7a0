import { bcs, type InferBcsType } from '@mysten/bcs';

import { bytes32, i128, parseStrict, sha256, suiId, u64, type Bytes } from '@k3s-daas/core';

// Layouts: docs/formats.md, section "Decision log". Field order is BCS order.

/** Longest record; a table of 4,096 nodes with the longest names takes about 1.3 MB. */
export const RECORD_BYTES_MAX = 1 << 22;

/** `previous` of the first record. */
export const GENESIS: Bytes = new Uint8Array(32);

const u128 = bcs.u128().transform({
  name: 'u128n',
  input: (value: bigint) => value,
  output: (text) => BigInt(text),
});
const hash = bcs.bytes(32).transform({
  name: 'hash',
  input: (value: Bytes) => value,
  output: (value): Bytes => new Uint8Array(value),
});
const blob = bcs.byteVector().transform({
  name: 'blob',
  input: (value: Bytes) => value,
  output: (value): Bytes => new Uint8Array(value),
});

/** A boot of the enclave, or a new term of it. Says where the log stood, so that a rollback shows. */
const sessionBcs = bcs.struct('LogSession', {
  cluster: suiId,
  session: suiId,
  term: u64,
  configVersion: u64,
  decisionKey: bytes32,
  policyDigest: bytes32,
  /** Of that policy: what replaying the charges needs. */
  lagMax: u64,
  previousSession: bcs.option(suiId),
  lagDigest: bytes32,
});

/** Names for the indices that decisions use. Operators are appended; a node's entry may be replaced. */
const tableBcs = bcs.struct('LogTable', {
  operators: bcs.vector(suiId),
  nodes: bcs.vector(
    bcs.struct('LogNode', {
      index: bcs.u32(),
      name: bcs.string(),
      uid: bcs.string(),
      /** Index of the owner of the stake behind the node; none while the node is not eligible. */
      operator: bcs.option(bcs.u32()),
    }),
  ),
});

const inputsBcs = bcs.struct('DecisionInputs', {
  cpuMilli: u64,
  memoryBytes: u64,
  cost: u128,
  nominatedNode: bcs.string(),
  /** Records in the log when the pod was filtered: lags and tie-breaks are those of that moment. */
  basis: u64,
  filterCheckpoint: u64,
  filterSnapshotDigest: bytes32,
  /** Nodes that kube-scheduler offered and the cache knew. */
  offered: blob,
  /** Names that were offered and that the cache did not know: how many, and the digest of the sorted names. */
  unknownCount: bcs.u32(),
  unknownDigest: bytes32,
  /** Nodes that were eligible and known, and were not offered: what the host may have left out. */
  notOffered: blob,
  rejected: bcs.vector(bcs.struct('Rejected', { code: bcs.string(), nodes: blob })),
  shortlist: bcs.vector(bcs.u32()),
  /** 0–10 for each of the shortlist. */
  scores: blob,
  /** Every operator with a candidate, by ascending address: weight, and lag when the pod was filtered. */
  operators: bcs.vector(bcs.struct('Weighed', { operator: bcs.u32(), stake: u64, lag: i128 })),
});

const bodyBcs = bcs.enum('LogBody', {
  session: sessionBcs,
  /** Sequences up to and with this one may be used from now on. */
  reservation: bcs.struct('LogReservation', { upTo: u64 }),
  /** Sequences that no decision has or will have. */
  burnt: bcs.struct('LogBurnt', { from: u64, to: u64 }),
  table: tableBcs,
  /** Signed bytes, Ed25519 signature, and BCS of the inputs, whose SHA-256 the decision names. */
  decision: bcs.struct('LogDecision', { message: blob, signature: blob, inputs: blob }),
  outcome: bcs.struct('LogOutcome', { sequence: u64, result: bcs.u8(), code: bcs.string() }),
  /** Signed bytes, Ed25519 signature, and the receipt that has placed the pod, whose digest the decision names. */
  adoption: bcs.struct('LogAdoption', { message: blob, signature: blob, placing: blob }),
});

const recordBcs = bcs.struct('LogRecord', { previous: hash, timestampMs: u64, body: bodyBcs });

export type RecordBody = InferBcsType<typeof bodyBcs>;
export type LogRecord = InferBcsType<typeof recordBcs>;
export type SessionRecord = InferBcsType<typeof sessionBcs>;
export type TableRecord = InferBcsType<typeof tableBcs>;
export type DecisionInputs = InferBcsType<typeof inputsBcs>;

/** What became of a decision. */
export const OutcomeResult = {
  /** The pod is bound with this receipt. */
  bound: 0,
  /** The API server refused the binding; counted against the node, and the charge stands until it is reversed. */
  failed: 1,
  /** The receipt has expired and the pod is not bound by it: the charge is taken back. */
  reversed: 2,
} as const;

export function encodeRecord(record: LogRecord): Bytes {
  return recordBcs.serialize(record, { initialSize: 4096, maxSize: RECORD_BYTES_MAX }).toBytes();
}

/** @throws FormatError unless the bytes are the canonical form of a record */
export function decodeRecord(bytes: Bytes): LogRecord {
  return parseStrict(recordBcs, bytes);
}

export function encodeInputs(inputs: DecisionInputs): Bytes {
  return inputsBcs.serialize(inputs, { initialSize: 4096, maxSize: RECORD_BYTES_MAX }).toBytes();
}

/** @throws FormatError unless the bytes are the canonical form of decision inputs */
export function decodeInputs(bytes: Bytes): DecisionInputs {
  return parseStrict(inputsBcs, bytes);
}

const LEAF_PREFIX = new Uint8Array([0]);

/** Hash of a record: a leaf of the RFC 6962 tree (section 2.1) that is anchored on chain. */
export function recordHash(record: Bytes): Bytes {
  return sha256(LEAF_PREFIX, record);
}
