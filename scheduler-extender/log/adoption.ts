import {
  DecisionKind,
  decodeDecisionMessage,
  encodeReceipt,
  equalBytes,
  FormatError,
  namesDigest,
  parseReceipt,
  receiptDigest,
  verifyEd25519,
  type Bytes,
  type Decision,
  type Receipt,
} from '@k3s-daas/core';

interface AdoptionRecord {
  readonly message: Bytes;
  readonly signature: Bytes;
  /** BCS of the receipt that has placed the pod. */
  readonly placing: Bytes;
}

/** A later session's decision to stand for a running pod (docs/formats.md). */
export interface ParsedAdoption {
  readonly decision: Decision;
  readonly timestampMs: number;
  /** Text of the adoption's own receipt. */
  readonly receipt: string;
  /** The decision that has placed the pod, and its receipt: what was signed, and as text. */
  readonly placing: Decision;
  readonly placingSigned: Receipt;
  readonly placingReceipt: string;
}

/** @throws FormatError unless it is an adoption of the pod that the receipt in it has placed */
export function parseAdoption({ message, signature, placing: bytes }: AdoptionRecord): ParsedAdoption {
  const { payload: decision, timestampMs } = decodeDecisionMessage(message);
  const placingSigned = parseReceipt(bytes);
  const { payload: placing } = decodeDecisionMessage(placingSigned.message);
  if (decision.kind !== DecisionKind.adopt || placing.kind !== DecisionKind.bind) {
    throw contradiction('an adoption is of kind adopt, and takes over a receipt of kind bind');
  }
  if (decision.podUid !== placing.podUid) throw contradiction('an adoption by the receipt of another pod');
  return {
    decision,
    timestampMs: Number(timestampMs),
    receipt: encodeReceipt({ message, signature }),
    placing,
    placingSigned,
    placingReceipt: encodeReceipt(placingSigned),
  };
}

/** What the log before an adoption says of its pod. */
interface KnownBefore {
  readonly recordMs: bigint;
  /** Text of the receipt by which the log has bound the pod; null if it has not, by a decision of that sequence. */
  readonly placedBy: string | null;
  /** Key of the session that has signed it. */
  readonly placingKey: Bytes | undefined;
  /** The decision that stood for the pod last: the placing one, or an adoption. */
  readonly newest: Pick<Decision, 'session' | 'term'>;
}

interface AdoptionCheck {
  readonly holds: boolean;
  readonly code: 'TIME_WRONG' | 'INPUTS_WRONG' | 'SHORTLIST_WRONG' | 'SIGNATURE_WRONG' | 'ADOPTION_WRONG';
  readonly message: string;
}

/** What an adoption leaves as it was. */
const UNCHANGED = [
  'cluster',
  'podUid',
  'namespace',
  'pod',
  'serviceAccount',
  'serviceAccountUid',
  'podSpecDigest',
  'node',
  'nodeUid',
  'nodeKeyHash',
  'stake',
] as const satisfies readonly (keyof Decision)[];

/** What an auditor asks of an adoption, beyond what holds for every decision. */
export function adoptionChecks(adoption: ParsedAdoption, before: KnownBefore): readonly AdoptionCheck[] {
  const { decision, timestampMs, placing, placingSigned, placingReceipt } = adoption;
  const { recordMs, placedBy, placingKey, newest } = before;
  const changed = UNCHANGED.filter((field) => !sameValue(decision[field], placing[field]));
  return [
    {
      holds: BigInt(timestampMs) === recordMs && decision.notAfterMs === recordMs,
      code: 'TIME_WRONG',
      message: 'an adoption ends when it is made, which is when it is logged',
    },
    {
      holds: equalBytes(decision.inputDigest, receiptDigest(placingSigned)),
      code: 'INPUTS_WRONG',
      message: 'the adoption names another receipt',
    },
    {
      holds: equalBytes(decision.feasibleDigest, namesDigest([placing.node])),
      code: 'SHORTLIST_WRONG',
      message: 'an adoption has the node alone in its shortlist',
    },
    {
      holds: placedBy === placingReceipt,
      code: 'ADOPTION_WRONG',
      message: `this log has not bound pod ${placing.podUid} by that receipt`,
    },
    {
      holds:
        placingKey !== undefined && verifyEd25519(placingKey, placingSigned.message, placingSigned.signature),
      code: 'SIGNATURE_WRONG',
      message: 'the receipt that is adopted is not by the key of its session',
    },
    {
      holds: changed.length === 0,
      code: 'ADOPTION_WRONG',
      message: `another ${changed.join(', ')} than when the pod was placed`,
    },
    {
      holds: newest.session !== decision.session || newest.term !== decision.term,
      code: 'ADOPTION_WRONG',
      message: `session and term have a receipt for pod ${decision.podUid} already`,
    },
  ];
}

function sameValue(a: string | Bytes, b: string | Bytes): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : equalBytes(a, b);
}

function contradiction(why: string): FormatError {
  return new FormatError('BCS_MALFORMED', `the record contradicts the log: ${why}`);
}
