import { bcs, type BcsType } from '@mysten/bcs';

import { fromBase64, sha256, toBase64, utf8, type Bytes } from './bytes.ts';
import { bytes32, parseStrict, suiId, u64, type SuiId } from './codec.ts';
import { FormatError } from './format-error.ts';

/** Domain of a signature, first byte of every signed message (docs/formats.md). */
export const Intent = { decision: 1, release: 2, anchor: 3 } as const;

/** What a decision does: binds a pending pod, or adopts a running one after a restart. */
export const DecisionKind = { bind: 0, adopt: 1 } as const;

/** A placement as the enclave decided it. Ids are Sui ids, digests SHA-256, times milliseconds since 1970. */
export interface Decision {
  readonly cluster: SuiId;
  readonly session: SuiId;
  readonly term: bigint;
  readonly configVersion: bigint;
  readonly sequence: bigint;
  /** Hash of the log record before this one. */
  readonly previous: Bytes;
  readonly kind: number;
  readonly podUid: string;
  readonly namespace: string;
  readonly pod: string;
  readonly serviceAccount: string;
  readonly serviceAccountUid: string;
  readonly podSpecDigest: Bytes;
  readonly node: string;
  readonly nodeUid: string;
  readonly nodeKeyHash: Bytes;
  readonly stake: SuiId;
  readonly notAfterMs: bigint;
  readonly policyDigest: Bytes;
  readonly checkpoint: bigint;
  readonly checkpointDigest: Bytes;
  readonly snapshotDigest: Bytes;
  readonly inputDigest: Bytes;
  readonly feasibleDigest: Bytes;
}

export interface DecisionMessage {
  readonly intent: number;
  readonly timestampMs: bigint;
  readonly payload: Decision;
}

/** A signed decision: the exact signed bytes and their Ed25519 signature (64 bytes). */
export interface Receipt {
  readonly message: Bytes;
  readonly signature: Bytes;
}

export const decisionBcs: BcsType<Decision, Decision> = bcs.struct('Decision', {
  cluster: suiId,
  session: suiId,
  term: u64,
  configVersion: u64,
  sequence: u64,
  previous: bytes32,
  kind: bcs.u8(),
  podUid: bcs.string(),
  namespace: bcs.string(),
  pod: bcs.string(),
  serviceAccount: bcs.string(),
  serviceAccountUid: bcs.string(),
  podSpecDigest: bytes32,
  node: bcs.string(),
  nodeUid: bcs.string(),
  nodeKeyHash: bytes32,
  stake: suiId,
  notAfterMs: u64,
  policyDigest: bytes32,
  checkpoint: u64,
  checkpointDigest: bytes32,
  snapshotDigest: bytes32,
  inputDigest: bytes32,
  feasibleDigest: bytes32,
});

const messageBcs: BcsType<DecisionMessage, DecisionMessage> = bcs.struct('IntentMessage<Decision>', {
  intent: bcs.u8(),
  timestampMs: u64,
  payload: decisionBcs,
});

const receiptBcs = bcs.struct('Receipt', { message: bcs.byteVector(), signature: bcs.byteVector() });

/** Upper bound of a receipt annotation, characters. A legal decision takes about 1,200; names are at most 253 each. */
export const RECEIPT_CHARACTERS_MAX = 4096;
const SIGNATURE_BYTES = 64;

/** The bytes that the enclave signs. */
export function encodeDecisionMessage(timestampMs: bigint, decision: Decision): Bytes {
  return messageBcs.serialize({ intent: Intent.decision, timestampMs, payload: decision }).toBytes();
}

/** @throws FormatError unless the bytes are the canonical form of a decision message with the decision intent. */
export function decodeDecisionMessage(bytes: Bytes): DecisionMessage {
  const message = parseStrict(messageBcs, bytes);
  if (message.intent !== Intent.decision) {
    throw new FormatError('INTENT_WRONG', `intent ${message.intent} is not a decision`);
  }
  if (message.payload.kind !== DecisionKind.bind && message.payload.kind !== DecisionKind.adopt) {
    throw new FormatError('KIND_UNKNOWN', `decision kind ${message.payload.kind} is unknown`);
  }
  return message;
}

/** Value of the annotation `k3s-daas.io/receipt`: base64 of BCS { message, signature }. */
export function encodeReceipt(receipt: Receipt): string {
  return toBase64(receiptBytes(receipt));
}

/** @throws FormatError on anything but the one canonical text of a receipt. Does not verify the signature. */
export function decodeReceipt(text: string): Receipt {
  if (text.length > RECEIPT_CHARACTERS_MAX) {
    throw new FormatError('RECEIPT_MALFORMED', `a receipt has at most ${RECEIPT_CHARACTERS_MAX} characters`);
  }
  let bytes: Bytes;
  try {
    bytes = fromBase64(text);
  } catch (cause) {
    throw new FormatError('RECEIPT_MALFORMED', 'the receipt is not base64', { cause });
  }
  return parseReceipt(bytes);
}

/** @throws FormatError unless the bytes are the canonical BCS of a receipt. Does not verify the signature. */
export function parseReceipt(bytes: Bytes): Receipt {
  const { message, signature } = parseStrict(receiptBcs, bytes);
  if (signature.length !== SIGNATURE_BYTES) {
    throw new FormatError(
      'RECEIPT_MALFORMED',
      `a signature has ${SIGNATURE_BYTES} bytes, got ${signature.length}`,
    );
  }
  return { message: new Uint8Array(message), signature: new Uint8Array(signature) };
}

/** SHA-256 of the receipt's bytes; how a Release and the log name a receipt. */
export function receiptDigest(receipt: Receipt): Bytes {
  return sha256(receiptBytes(receipt));
}

/** Digest of the shortlist, in the order the filter returned it. */
export function namesDigest(names: readonly string[]): Bytes {
  return sha256(
    utf8('k3s-daas/names/v1'),
    bcs
      .vector(bcs.string())
      .serialize([...names], { maxSize: 1 << 24 })
      .toBytes(),
  );
}

/** BCS of a receipt: what its annotation holds as base64, and its digest is of. */
export function receiptBytes(receipt: Receipt): Bytes {
  return receiptBcs.serialize({ message: [...receipt.message], signature: [...receipt.signature] }).toBytes();
}
