import { equalBytes, toHex, utf8, type Bytes } from './bytes.ts';
import { canonicalJson } from './canonical-json.ts';
import {
  decodeDecisionMessage,
  decodeReceipt,
  encodeReceipt,
  RECEIPT_CHARACTERS_MAX,
  type Decision,
  type DecisionMessage,
  type Receipt,
} from './decision.ts';
import { verifyEd25519 } from './ed25519.ts';
import { FormatError } from './format-error.ts';
import type { Signer } from './ports.ts';

/** `typ` of the JWS header (RFC 7515 section 4.1.9). */
export const RECEIPT_JWS_TYPE = 'k3s-daas-receipt+json';
/** The receipt once as base64, once as fields, all of it in base64url. */
const JWS_CHARACTERS_MAX = 6 * RECEIPT_CHARACTERS_MAX;
const SIGNATURE_BYTES = 64;

/**
 * A receipt for readers who know JSON and JOSE and not BCS: JWS Compact Serialization (RFC 7515) with `alg` Ed25519
 * (RFC 9864), `kid` the session's id, and as payload the receipt itself and the decision in it as JSON (RFC 8785). The
 * signature of the receipt inside is the one that binds pods; this one says that the JSON is what it says.
 *
 * The decision key signs both. They cannot be taken for each other: a JWS begins with the letter `e`, a message of the
 * enclave with its intent, a byte below 0x20 (docs/formats.md).
 */
export function encodeReceiptJws(receipt: Receipt, signer: Signer): string {
  const input = signingInput(receipt);
  return `${input}.${toBase64Url(signer.sign(utf8(input)))}`;
}

/**
 * Takes only the one text that `encodeReceiptJws` makes of a receipt and a key, and verifies both signatures with the
 * session's decision key (32 bytes). No algorithm, key or type is taken from the header: all of it is compared by bytes.
 * @throws FormatError
 */
export function verifyReceiptJws(
  text: string,
  decisionKey: Bytes,
): { readonly receipt: Receipt; readonly message: DecisionMessage } {
  const { receipt, message, input, signature } = parseReceiptJws(text);
  const signed =
    verifyEd25519(decisionKey, receipt.message, receipt.signature) &&
    verifyEd25519(decisionKey, utf8(input), signature);
  if (!signed) throw new FormatError('JWS_SIGNATURE_WRONG', "it is not signed by the session's decision key");
  return { receipt, message };
}

/** What a JWS says, unverified: whose key to look up. @throws FormatError */
export function parseReceiptJws(text: string): {
  readonly receipt: Receipt;
  readonly message: DecisionMessage;
  readonly input: string;
  readonly signature: Bytes;
} {
  if (text.length > JWS_CHARACTERS_MAX) throw malformed(`it has more than ${JWS_CHARACTERS_MAX} characters`);
  const [header, payload, signatureText, ...more] = text.split('.');
  if (header === undefined || payload === undefined || signatureText === undefined || more.length > 0) {
    throw malformed('a compact JWS has three parts');
  }
  const receipt = decodeReceipt(receiptText(payload));
  const input = signingInput(receipt);
  if (`${header}.${payload}` !== input) {
    throw malformed('header and payload are not the canonical ones of the receipt inside');
  }
  const signature = fromBase64Url(signatureText);
  if (signature.length !== SIGNATURE_BYTES) throw malformed('the signature does not have 64 bytes');
  return { receipt, message: decodeDecisionMessage(receipt.message), input, signature };
}

function signingInput(receipt: Receipt): string {
  const { timestampMs, payload } = decodeDecisionMessage(receipt.message);
  const header = { alg: 'Ed25519', kid: payload.session, typ: RECEIPT_JWS_TYPE };
  const claims = {
    decision: jsonOf(payload),
    receipt: encodeReceipt(receipt),
    timestampMs: timestampMs.toString(),
  };
  return `${encodeJson(header)}.${encodeJson(claims)}`;
}

/** Amounts as decimal text (a JSON number loses digits beyond 2⁵³), digests in hex. */
function jsonOf(decision: Decision): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(decision).map(([name, value]: [string, string | number | bigint | Bytes]) => {
      if (typeof value === 'bigint') return [name, value.toString()];
      return [name, typeof value === 'object' ? toHex(value) : value];
    }),
  );
}

/** The receipt is found by parsing; that it is the only thing there is found by encoding it again. */
function receiptText(payload: string): string {
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(fromBase64Url(payload)).toString('utf8'));
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw malformed('the payload is not JSON', cause);
  }
  if (typeof claims === 'object' && claims !== null && 'receipt' in claims) {
    if (typeof claims.receipt === 'string') return claims.receipt;
  }
  throw malformed('the payload holds no receipt');
}

function encodeJson(value: object): string {
  return toBase64Url(utf8(canonicalJson(value)));
}

function toBase64Url(bytes: Bytes): string {
  return Buffer.from(bytes).toString('base64url');
}

/** Strict: without padding, and exactly one text decodes to given bytes (RFC 7515 section 2). */
function fromBase64Url(text: string): Bytes {
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'));
  if (!equalBytes(utf8(toBase64Url(bytes)), utf8(text))) throw malformed('a part is not canonical base64url');
  return bytes;
}

function malformed(why: string, cause?: unknown): FormatError {
  return new FormatError('JWS_MALFORMED', `not a receipt as JWS: ${why}`, { cause });
}
