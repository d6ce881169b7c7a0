import { bcs, type BcsType } from '@mysten/bcs';

import type { Bytes } from './bytes.ts';
import { bytes32, parseStrict, suiId, u64, type SuiId } from './codec.ts';
import { Intent } from './decision.ts';
import { FormatError } from './format-error.ts';

/** The head of a session's log as it is put on chain: an RFC 6962 tree over its records (anchors.move). */
export interface Anchor {
  readonly cluster: SuiId;
  readonly session: SuiId;
  /** Number of records. */
  readonly size: bigint;
  readonly root: Bytes;
  /** Root of the anchor before; of the empty tree in the first. */
  readonly previousRoot: Bytes;
  /** Sequence of the last decision among the records, 0 if there is none. */
  readonly lastSequence: bigint;
}

export interface AnchorMessage {
  readonly intent: number;
  readonly timestampMs: bigint;
  readonly payload: Anchor;
}

const messageBcs: BcsType<AnchorMessage, AnchorMessage> = bcs.struct('IntentMessage<Anchor>', {
  intent: bcs.u8(),
  timestampMs: u64,
  payload: bcs.struct('Anchor', {
    cluster: suiId,
    session: suiId,
    size: u64,
    root: bytes32,
    previousRoot: bytes32,
    lastSequence: u64,
  }),
});

/** The bytes that the log key signs. */
export function encodeAnchorMessage(timestampMs: bigint, anchor: Anchor): Bytes {
  return messageBcs.serialize({ intent: Intent.anchor, timestampMs, payload: anchor }).toBytes();
}

/** @throws FormatError unless the bytes are the canonical form of an anchor message with the anchor intent. */
export function decodeAnchorMessage(bytes: Bytes): AnchorMessage {
  const message = parseStrict(messageBcs, bytes);
  if (message.intent !== Intent.anchor)
    throw new FormatError('INTENT_WRONG', `intent ${message.intent} is not an anchor`);
  return message;
}
