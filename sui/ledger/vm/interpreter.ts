import { cleverError } from './clever-error.ts';
import {
  ExecutionFailure,
  NativeAbort,
  NativeRuntimeError,
  invariantViolated,
  unsupported,
  type MoveLocation,
} from './failure.ts';
import type { LoadedFunction } from './loader.ts';
import type { NativeContext } from './native.ts';
import { Op, type Instruction } from './opcodes.ts';
import { TYPE_DEPTH_MAX, typeDepth, type Type } from './types.ts';
import { Ref, Variant, copyValue, equalValues, type Meter, type Value } from './values.ts';

/** Elements of a vector, as in Sui's protocol config (max_move_vector_len). */
const VECTOR_LENGTH_MAX = 256 * 1024;
/** What a container costs beside its elements, so that the step limit bounds memory too. */
const CONTAINER_STEPS = 2;

export interface Limits {
  /** Instructions, elements made or copied, and work of natives by its price (`natives/costs.ts`) in one transaction. */
  readonly stepsMax: number;
  readonly callDepthMax: number;
}

/** Counts steps across a whole transaction. */
export class StepMeter implements Meter {
  #left: number;
  constructor(stepsMax: number) {
    this.#left = stepsMax;
  }

  charge(units: number): void {
    this.#left -= units;
    if (this.#left < 0)
      throw new ExecutionFailure(
        { kind: 'INSUFFICIENT_GAS' },
        'The step limit of the transaction is used up',
      );
  }
}

const MAXIMA: Readonly<Record<number, bigint>> = Object.fromEntries(
  [8, 16, 32, 64, 128, 256].map((width) => [width, (1n << BigInt(width)) - 1n]),
);

/** Sub-status of VECTOR_OPERATION_ERROR in the Move VM; all end as a primitive runtime error. */
const VectorFault = {
  index: 'index out of bounds',
  pop: 'pop from an empty vector',
  unpack: 'unpack of a wrong length',
  length: `vector of more than ${VECTOR_LENGTH_MAX} elements`,
};

/** Runs Move functions. One machine serves one transaction. */
export class Machine {
  readonly #context: NativeContext;
  readonly #callDepthMax: number;
  #depth = 0;

  constructor(context: NativeContext, callDepthMax: number) {
    this.#context = context;
    this.#callDepthMax = callDepthMax;
  }

  /** Calls a function with arguments of the right types. Throws ExecutionFailure on abort or runtime error. */
  call(callee: LoadedFunction, types: readonly Type[], args: Value[]): Value[] {
    if (callee.isNative) return this.#callNative(callee, types, args);
    if (this.#depth >= this.#callDepthMax)
      throw fault(callee, 0, `calls nested deeper than ${this.#callDepthMax}`);
    this.#depth += 1;
    try {
      return this.#run(callee, types, args);
    } finally {
      this.#depth -= 1;
    }
  }

  #callNative(callee: LoadedFunction, types: readonly Type[], args: Value[]): Value[] {
    const { native, module, name } = callee;
    if (native === null) throw unsupported(`the native function ${module.address}::${module.name}::${name}`);
    const { meter } = this.#context;
    for (const arg of args) meter.charge(sizeOf(arg));
    try {
      const result = native(this.#context, types, args);
      if (result === null) return [];
      meter.charge(sizeOf(result));
      return [result];
    } catch (error) {
      if (error instanceof NativeAbort) throw aborted(callee, 0, error.abortCode);
      if (error instanceof NativeRuntimeError) throw fault(callee, 0, error.message);
      throw error;
    }
  }

  // One loop over all bytecodes: splitting it would cost a call per instruction.
  #run(fn: LoadedFunction, types: readonly Type[], locals: Value[]): Value[] {
    const { code, module } = fn;
    const { meter } = this.#context;
    locals.length = fn.localCount;
    const stack: Value[] = [];
    let pc = 0;
    // Where the instructions begin that were not charged yet: they are when they end in a jump or call.
    let from = 0;
    for (;;) {
      const ins = code[pc];
      if (ins === undefined) throw invariantViolated(`${fn.name} runs past its end`);
      pc += 1;
      switch (ins.op) {
        case Op.Pop:
          stack.pop();
          break;
        case Op.Ret:
          meter.charge(pc - from);
          return stack;
        case Op.BrTrue:
          meter.charge(pc - from);
          if (stack.pop() === true) pc = ins.a;
          from = pc;
          break;
        case Op.BrFalse:
          meter.charge(pc - from);
          if (stack.pop() === false) pc = ins.a;
          from = pc;
          break;
        case Op.Branch:
          meter.charge(pc - from);
          pc = ins.a;
          from = pc;
          break;
        case Op.LoadValue:
          stack.push(ins.value as Value);
          break;
        case Op.LdConst:
          stack.push(copyValue(ins.value as Value, meter));
          break;
        case Op.CopyLoc: {
          const value = locals[ins.a] as Value;
          stack.push(typeof value === 'object' ? copyValue(value, meter) : value);
          break;
        }
        case Op.MoveLoc:
          stack.push(locals[ins.a] as Value);
          break;
        case Op.StLoc:
          locals[ins.a] = stack.pop() as Value;
          break;
        case Op.BorrowLoc:
          stack.push(new Ref(locals, ins.a));
          break;
        case Op.BorrowField:
          stack.push(new Ref((stack.pop() as Ref).get() as Value[], ins.a));
          break;
        case Op.Call:
        case Op.CallGeneric: {
          meter.charge(pc - from);
          from = pc;
          const callee = module.callee(ins.a);
          const args = popMany(stack, callee.parameters.length);
          const inner = ins.op === Op.Call ? [] : typeArguments(fn, ins, types);
          const results = this.call(callee, inner, args);
          if (results.length === 1) stack.push(results[0] as Value);
          else for (const result of results) stack.push(result);
          break;
        }
        case Op.Pack:
          meter.charge(CONTAINER_STEPS + ins.a);
          stack.push(popMany(stack, ins.a));
          break;
        case Op.Unpack:
          for (const field of stack.pop() as Value[]) stack.push(field);
          break;
        case Op.ReadRef: {
          const value = (stack.pop() as Ref).get();
          stack.push(typeof value === 'object' ? copyValue(value, meter) : value);
          break;
        }
        case Op.WriteRef: {
          const ref = stack.pop() as Ref;
          ref.set(stack.pop() as Value);
          break;
        }
        case Op.FreezeRef:
        case Op.Nop:
          break;
        case Op.Not:
          stack.push(stack.pop() !== true);
          break;
        case Op.Or: {
          const right = stack.pop() === true;
          stack.push(stack.pop() === true || right);
          break;
        }
        case Op.And: {
          const right = stack.pop() === true;
          stack.push(stack.pop() === true && right);
          break;
        }
        case Op.Eq:
        case Op.Neq: {
          const right = stack.pop() as Value;
          const equal = equalValues(stack.pop() as Value, right, meter);
          stack.push(equal === (ins.op === Op.Eq));
          break;
        }
        case Op.Lt: {
          const right = stack.pop() as bigint;
          stack.push((stack.pop() as bigint) < right);
          break;
        }
        case Op.Gt: {
          const right = stack.pop() as bigint;
          stack.push((stack.pop() as bigint) > right);
          break;
        }
        case Op.Le: {
          const right = stack.pop() as bigint;
          stack.push((stack.pop() as bigint) <= right);
          break;
        }
        case Op.Ge: {
          const right = stack.pop() as bigint;
          stack.push((stack.pop() as bigint) >= right);
          break;
        }
        case Op.Cast: {
          const value = BigInt(stack.pop() as number | bigint);
          if (value > (MAXIMA[ins.width] as bigint)) throw fault(fn, pc - 1, 'cast out of range');
          stack.push(ins.width <= 32 ? Number(value) : value);
          break;
        }
        case Op.Abort:
          throw aborted(fn, pc - 1, stack.pop() as bigint);
        case Op.VecUnpack: {
          const items = stack.pop() as Value[];
          if (items.length !== ins.a) throw fault(fn, pc - 1, VectorFault.unpack);
          for (const item of items) stack.push(item);
          break;
        }
        case Op.VecLen:
          stack.push(BigInt(((stack.pop() as Ref).get() as Value[]).length));
          break;
        case Op.VecBorrow: {
          const index = stack.pop() as bigint;
          const items = (stack.pop() as Ref).get() as Value[];
          if (index >= BigInt(items.length)) throw fault(fn, pc - 1, VectorFault.index);
          stack.push(new Ref(items, Number(index)));
          break;
        }
        case Op.VecPushBack: {
          const item = stack.pop() as Value;
          const items = (stack.pop() as Ref).get() as Value[];
          if (items.length >= VECTOR_LENGTH_MAX) throw fault(fn, pc - 1, VectorFault.length);
          items.push(item);
          break;
        }
        case Op.VecPopBack: {
          const items = (stack.pop() as Ref).get() as Value[];
          if (items.length === 0) throw fault(fn, pc - 1, VectorFault.pop);
          stack.push(items.pop() as Value);
          break;
        }
        case Op.VecSwap: {
          const j = Number(stack.pop());
          const i = Number(stack.pop());
          const items = (stack.pop() as Ref).get() as Value[];
          if (i >= items.length || j >= items.length) throw fault(fn, pc - 1, VectorFault.index);
          const kept = items[i] as Value;
          items[i] = items[j] as Value;
          items[j] = kept;
          break;
        }
        case Op.PackVariant:
          meter.charge(CONTAINER_STEPS + ins.b);
          stack.push(new Variant(ins.a, popMany(stack, ins.b)));
          break;
        case Op.UnpackVariant: {
          const variant = stack.pop() as Variant;
          if (variant.tag !== ins.a) throw fault(fn, pc - 1, 'another variant than expected');
          for (const field of variant.fields) stack.push(field);
          break;
        }
        case Op.UnpackVariantRef: {
          const variant = (stack.pop() as Ref).get() as Variant;
          if (variant.tag !== ins.a) throw fault(fn, pc - 1, 'another variant than expected');
          for (let i = 0; i < ins.b; i += 1) stack.push(new Ref(variant.fields, i));
          break;
        }
        case Op.VariantSwitch: {
          const target = (ins.value as number[])[((stack.pop() as Ref).get() as Variant).tag];
          if (target === undefined) throw fault(fn, pc - 1, 'no such variant');
          meter.charge(pc - from);
          pc = target;
          from = pc;
          break;
        }
        default: {
          const right = stack.pop() as number | bigint;
          const result = arithmetic(ins.op, ins.width, stack.pop() as number | bigint, right);
          if (result === null) throw fault(fn, pc - 1, 'arithmetic error');
          stack.push(result);
        }
      }
    }
  }
}

/** The last `count` values, taken off the stack, in order. */
function popMany(stack: Value[], count: number): Value[] {
  const start = stack.length - count;
  const taken: Value[] = [];
  for (let i = start; i < stack.length; i += 1) taken.push(stack[i] as Value);
  stack.length = start;
  return taken;
}

/** Elements that a native may read or has made: of a vector, or of one behind a reference. */
function sizeOf(value: Value): number {
  const target = value instanceof Ref ? value.get() : value;
  return Array.isArray(target) ? target.length : 1;
}

/** Type arguments of a generic call; kept where the caller itself is not generic, because then they never change. */
function typeArguments(fn: LoadedFunction, ins: Instruction, types: readonly Type[]): readonly Type[] {
  const cache = ins.value as { types: readonly Type[] | undefined };
  if (cache.types !== undefined) return cache.types;
  const result = fn.module.signature(ins.b, types);
  for (const type of result) checkDepth(fn, type);
  if (types.length === 0) cache.types = result;
  return result;
}

/** Generic code that calls itself with ever larger types must end: no verifier has looked for that. */
function checkDepth(fn: LoadedFunction, type: Type): void {
  if (typeDepth(type) > TYPE_DEPTH_MAX) throw fault(fn, 0, `a type nested deeper than ${TYPE_DEPTH_MAX}`);
}

/** Unsigned arithmetic of one width; null on overflow, underflow, division by zero and shifts by the width or more. */
function arithmetic(
  op: number,
  width: number,
  a: number | bigint,
  b: number | bigint,
): number | bigint | null {
  if (op === Op.Shl || op === Op.Shr) return shift(op, width, BigInt(a), Number(b));
  if (typeof a === 'bigint') return wide(op, MAXIMA[width] as bigint, a, b as bigint);
  const max = width === 32 ? 0xffffffff : width === 16 ? 0xffff : 0xff;
  return narrow(op, max, a, b as number);
}

function shift(op: number, width: number, value: bigint, by: number): number | bigint | null {
  if (by >= width) return null;
  const result = op === Op.Shl ? (value << BigInt(by)) & (MAXIMA[width] as bigint) : value >> BigInt(by);
  return width <= 32 ? Number(result) : result;
}

function wide(op: number, max: bigint, a: bigint, b: bigint): bigint | null {
  switch (op) {
    case Op.Add:
      return a + b > max ? null : a + b;
    case Op.Sub:
      return a < b ? null : a - b;
    case Op.Mul: {
      const product = a * b;
      return product > max ? null : product;
    }
    case Op.Div:
      return b === 0n ? null : a / b;
    case Op.Mod:
      return b === 0n ? null : a % b;
    case Op.BitOr:
      return a | b;
    case Op.BitAnd:
      return a & b;
    case Op.Xor:
      return a ^ b;
    default:
      throw invariantViolated(`unknown operation ${op}`);
  }
}

/** Products stay exact: 2^53 would be passed only by u32 factors whose product is beyond u32 and so refused anyway. */
function narrow(op: number, max: number, a: number, b: number): number | null {
  switch (op) {
    case Op.Add:
      return a + b > max ? null : a + b;
    case Op.Sub:
      return a < b ? null : a - b;
    case Op.Mul:
      return a * b > max ? null : a * b;
    case Op.Div:
      return b === 0 ? null : Math.floor(a / b);
    case Op.Mod:
      return b === 0 ? null : a % b;
    case Op.BitOr:
      return (a | b) >>> 0;
    case Op.BitAnd:
      return (a & b) >>> 0;
    case Op.Xor:
      return (a ^ b) >>> 0;
    default:
      throw invariantViolated(`unknown operation ${op}`);
  }
}

function locate(fn: LoadedFunction, instruction: number): MoveLocation {
  const { module, index, name } = fn;
  return {
    address: module.address,
    module: module.name,
    functionIndex: index,
    functionName: name,
    instruction,
  };
}

function place({ address, module, functionName, instruction }: MoveLocation): string {
  return `'${address}::${module}::${functionName}' (instruction ${instruction})`;
}

function aborted(fn: LoadedFunction, instruction: number, code: bigint): ExecutionFailure {
  const location = locate(fn, instruction);
  const clever = cleverError(fn.module.json, code);
  const text =
    clever === null
      ? ''
      : ` (line ${clever.line}: ${clever.constantName ?? 'assertion'} ${clever.text ?? ''})`;
  const message = `MoveAbort in ${place(location)}, abort code: ${code}${text}`;
  return new ExecutionFailure({ kind: 'MOVE_ABORT', code, location, clever }, message);
}

function fault(fn: LoadedFunction, instruction: number, what: string): ExecutionFailure {
  const location = locate(fn, instruction);
  return new ExecutionFailure(
    { kind: 'MOVE_PRIMITIVE_RUNTIME_ERROR', location },
    `Move primitive runtime error in ${place(location)}: ${what}`,
  );
}
