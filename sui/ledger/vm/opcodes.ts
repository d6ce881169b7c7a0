/** Bytecodes of Move as the deserializer names them; the numbers are this interpreter's own. */
export const Op = {
  Pop: 0,
  Ret: 1,
  BrTrue: 2,
  BrFalse: 3,
  Branch: 4,
  /** Every load of a constant that needs no copy: LdU8 … LdU256, LdTrue, LdFalse. */
  LoadValue: 5,
  LdConst: 6,
  Cast: 7,
  CopyLoc: 8,
  MoveLoc: 9,
  StLoc: 10,
  BorrowLoc: 11,
  BorrowField: 12,
  Call: 13,
  CallGeneric: 14,
  Pack: 15,
  Unpack: 16,
  ReadRef: 17,
  WriteRef: 18,
  FreezeRef: 19,
  Add: 20,
  Sub: 21,
  Mul: 22,
  Div: 23,
  Mod: 24,
  BitOr: 25,
  BitAnd: 26,
  Xor: 27,
  Shl: 28,
  Shr: 29,
  Or: 30,
  And: 31,
  Not: 32,
  Eq: 33,
  Neq: 34,
  Lt: 35,
  Gt: 36,
  Le: 37,
  Ge: 38,
  Abort: 39,
  Nop: 40,
  VecUnpack: 41,
  VecLen: 42,
  VecBorrow: 43,
  VecPushBack: 44,
  VecPopBack: 45,
  VecSwap: 46,
  PackVariant: 47,
  UnpackVariant: 48,
  UnpackVariantRef: 49,
  VariantSwitch: 50,
} as const;

/** One decoded instruction. The meaning of `a`, `b` and `value` depends on `op`; all share one shape for speed. */
export interface Instruction {
  readonly op: number;
  readonly a: number;
  readonly b: number;
  /** Width in bits of arithmetic operands. */
  readonly width: number;
  readonly value: unknown;
}
