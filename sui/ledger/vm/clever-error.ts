import type { ModuleJson } from './module-json.ts';

/** What the compiler packs into the abort code of `assert!` without code and of `#[error]` constants. */
export interface CleverError {
  readonly line: number;
  /** Number given as `#[error(code = n)]`. */
  readonly errorCode: number | null;
  /** Name of the constant, and its text where it is UTF-8. */
  readonly constantName: string | null;
  readonly text: string | null;
}

/** Marks the code as packed: bit 63 (move-core ErrorBitset). */
const TAG = 1n << 63n;
const NO_INDEX = 0xffff;
const NO_CODE = 0xff;

/**
 * Unpacks an abort code: tag and flags, then 8 bits of error code, 16 of line, 16 each of the constants that hold name
 * and value. Null for an ordinary code.
 */
export function cleverError(module: ModuleJson, code: bigint): CleverError | null {
  if ((code & TAG) === 0n) return null;
  const bits = (shift: bigint, mask: number): number => Number((code >> shift) & BigInt(mask));
  const errorCode = bits(48n, 0xff);
  return {
    line: bits(32n, 0xffff),
    errorCode: errorCode === NO_CODE ? null : errorCode,
    constantName: constantText(module, bits(16n, 0xffff)),
    text: constantText(module, bits(0n, 0xffff)),
  };
}

/** A constant of type `vector<u8>` as text. */
function constantText(module: ModuleJson, index: number): string | null {
  const constant = index === NO_INDEX ? undefined : module.constant_pool[index];
  if (constant === undefined || JSON.stringify(constant.type_) !== '{"Vector":"U8"}') return null;
  const { data } = constant;
  // The BCS length before the bytes: one byte unless its high bit says that more follow.
  const start = data.findIndex((byte) => byte < 0x80) + 1;
  const text = Buffer.from(data.slice(start)).toString('utf8');
  return text.includes('\ufffd') ? null : text;
}
