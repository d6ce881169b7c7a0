import { at, type CodeJson, type ModuleJson, type Token } from './module-json.ts';
import { Op, type Instruction } from './opcodes.ts';

const WIDTHS: Readonly<Record<string, number>> = { U8: 8, U16: 16, U32: 32, U64: 64, U128: 128, U256: 256 };

/** Operators on two integers of one width that leave one of the same width. */
const ARITHMETIC: Readonly<Record<string, number>> = {
  Add: Op.Add,
  Sub: Op.Sub,
  Mul: Op.Mul,
  Div: Op.Div,
  Mod: Op.Mod,
  BitOr: Op.BitOr,
  BitAnd: Op.BitAnd,
  Xor: Op.Xor,
  Shl: Op.Shl,
  Shr: Op.Shr,
};

/** Operators on two values that leave a bool. */
const COMPARISON: Readonly<Record<string, number>> = {
  Or: Op.Or,
  And: Op.And,
  Eq: Op.Eq,
  Neq: Op.Neq,
  Lt: Op.Lt,
  Gt: Op.Gt,
  Le: Op.Le,
  Ge: Op.Ge,
};

/** Decodes a constant of the pool; given by the loader, which knows the types. */
export type ConstantDecoder = (type: Token, data: readonly number[]) => unknown;

/**
 * Decodes a function body. Arithmetic bytecodes carry no width, so the types on the operand stack are followed along:
 * one linear pass is enough, because the operand stack is empty at every block boundary (StackUsageVerifier).
 */
export class Decoder {
  readonly #module: ModuleJson;
  readonly #constant: ConstantDecoder;
  readonly #code: CodeJson;
  readonly #locals: readonly Token[];
  #stack: Token[] = [];

  constructor(module: ModuleJson, code: CodeJson, locals: readonly Token[], constant: ConstantDecoder) {
    this.#module = module;
    this.#code = code;
    this.#locals = locals;
    this.#constant = constant;
  }

  decode(): Instruction[] {
    return this.#code.code.map((item) => {
      if (typeof item === 'string') return this.#simple(item);
      const [name, operand] = Object.entries(item)[0] ?? ['nothing', undefined];
      return this.#withOperand(name, operand);
    });
  }

  #pop(count = 1): Token {
    const token = this.#stack.at(-1);
    if (token === undefined || this.#stack.length < count) throw new RangeError('operand stack underflow');
    this.#stack.length -= count;
    return token;
  }

  #push(...tokens: readonly Token[]): void {
    this.#stack.push(...tokens);
  }

  /** Instructions without operand. */
  #simple(name: string): Instruction {
    const arithmetic = ARITHMETIC[name];
    if (arithmetic !== undefined) {
      this.#pop();
      const kind = this.#stack.at(-1);
      const width = typeof kind === 'string' ? WIDTHS[kind] : undefined;
      if (width === undefined) throw new TypeError(`${name} on something that is not an integer`);
      return instruction(arithmetic, { width });
    }
    const comparison = COMPARISON[name];
    if (comparison !== undefined) {
      this.#pop(2);
      this.#push('Bool');
      return instruction(comparison);
    }
    const width = name.startsWith('Cast') ? WIDTHS[name.slice(4)] : undefined;
    if (width !== undefined) {
      this.#pop();
      this.#push(name.slice(4));
      return instruction(Op.Cast, { width });
    }
    return this.#plain(name);
  }

  #plain(name: string): Instruction {
    switch (name) {
      case 'Pop':
        this.#pop();
        return instruction(Op.Pop);
      case 'Ret':
        this.#stack = [];
        return instruction(Op.Ret);
      case 'Abort':
        this.#stack = [];
        return instruction(Op.Abort);
      case 'Nop':
        return instruction(Op.Nop);
      case 'Not':
        return instruction(Op.Not);
      case 'LdTrue':
      case 'LdFalse':
        this.#push('Bool');
        return instruction(Op.LoadValue, { value: name === 'LdTrue' });
      case 'ReadRef':
        this.#push(target(this.#pop()));
        return instruction(Op.ReadRef);
      case 'WriteRef':
        this.#pop(2);
        return instruction(Op.WriteRef);
      case 'FreezeRef':
        this.#push({ Reference: target(this.#pop()) });
        return instruction(Op.FreezeRef);
      default:
        throw new TypeError(`unknown bytecode ${name}`);
    }
  }

  #withOperand(name: string, operand: unknown): Instruction {
    if (name.startsWith('Ld')) return this.#load(name, operand);
    if (name.startsWith('Vec')) return this.#vector(name, operand);
    if (name === 'VariantSwitch') {
      this.#pop();
      return instruction(Op.VariantSwitch, {
        value: at(this.#code.jump_tables, operand as number, 'jump table').jump_table.Full,
      });
    }
    const index = operand as number;
    if (name.includes('Variant')) return this.#variant(name, index);
    if (name.includes('BorrowField')) return this.#borrowField(name, index);
    if (name.startsWith('Call')) return this.#call(name, index);
    if (name.startsWith('Pack') || name.startsWith('Unpack')) return this.#struct(name, index);
    return this.#localOrBranch(name, index);
  }

  #load(name: string, operand: unknown): Instruction {
    if (name === 'LdConst') {
      const { type_, data } = at(this.#module.constant_pool, operand as number, 'constant');
      this.#push(type_);
      return instruction(Op.LdConst, { value: this.#constant(type_, data) });
    }
    const width = WIDTHS[name.slice(2)];
    if (width === undefined) throw new TypeError(`unknown bytecode ${name}`);
    this.#push(name.slice(2));
    if (width <= 32) return instruction(Op.LoadValue, { value: Number(operand) });
    const value =
      width === 256
        ? BigInt(
            `0x${Buffer.from(operand as number[])
              .reverse()
              .toString('hex')}`,
          )
        : BigInt(operand as number | bigint);
    return instruction(Op.LoadValue, { value });
  }

  #localOrBranch(name: string, a: number): Instruction {
    switch (name) {
      case 'BrTrue':
      case 'BrFalse':
        this.#pop();
        return instruction(name === 'BrTrue' ? Op.BrTrue : Op.BrFalse, { a });
      case 'Branch':
        return instruction(Op.Branch, { a });
      case 'StLoc':
        this.#pop();
        return instruction(Op.StLoc, { a });
      case 'CopyLoc':
      case 'MoveLoc':
        this.#push(at(this.#locals, a, 'local'));
        return instruction(name === 'CopyLoc' ? Op.CopyLoc : Op.MoveLoc, { a });
      case 'MutBorrowLoc':
        this.#push({ MutableReference: at(this.#locals, a, 'local') });
        return instruction(Op.BorrowLoc, { a });
      case 'ImmBorrowLoc':
        this.#push({ Reference: at(this.#locals, a, 'local') });
        return instruction(Op.BorrowLoc, { a });
      default:
        throw new TypeError(`unknown bytecode ${name}`);
    }
  }

  #vector(name: string, operand: unknown): Instruction {
    const [signature, count] = Array.isArray(operand)
      ? (operand as [number, bigint])
      : [operand as number, 0n];
    const element = at(at(this.#module.signatures, signature, 'signature'), 0, 'vector element type');
    const a = Number(count);
    switch (name) {
      case 'VecPack':
        this.#drop(a);
        this.#push({ Vector: element });
        return instruction(Op.Pack, { a });
      case 'VecUnpack':
        this.#pop();
        for (let i = 0; i < a; i += 1) this.#push(element);
        return instruction(Op.VecUnpack, { a });
      case 'VecLen':
        this.#pop();
        this.#push('U64');
        return instruction(Op.VecLen);
      case 'VecImmBorrow':
      case 'VecMutBorrow':
        this.#pop(2);
        this.#push(name === 'VecImmBorrow' ? { Reference: element } : { MutableReference: element });
        return instruction(Op.VecBorrow);
      case 'VecPushBack':
        this.#pop(2);
        return instruction(Op.VecPushBack);
      case 'VecPopBack':
        this.#pop();
        this.#push(element);
        return instruction(Op.VecPopBack);
      case 'VecSwap':
        this.#pop(3);
        return instruction(Op.VecSwap);
      default:
        throw new TypeError(`unknown bytecode ${name}`);
    }
  }

  #drop(count: number): void {
    if (count > 0) this.#pop(count);
  }

  #borrowField(name: string, index: number): Instruction {
    const module = this.#module;
    const generic = name.endsWith('Generic')
      ? at(module.field_instantiations, index, 'field instantiation')
      : null;
    const { owner, field } = at(module.field_handles, generic?.handle ?? index, 'field');
    const declared = at(module.struct_defs, owner, 'struct').field_information.Declared ?? [];
    const args = generic === null ? [] : at(module.signatures, generic.type_parameters, 'signature');
    const token = substitute(at(declared, field, 'field').signature, args);
    this.#pop();
    this.#push(name.startsWith('Mut') ? { MutableReference: token } : { Reference: token });
    return instruction(Op.BorrowField, { a: field });
  }

  #call(name: string, index: number): Instruction {
    const module = this.#module;
    const generic =
      name === 'CallGeneric' ? at(module.function_instantiations, index, 'function instantiation') : null;
    const a = generic?.handle ?? index;
    const handle = at(module.function_handles, a, 'function');
    const args = generic === null ? [] : at(module.signatures, generic.type_parameters, 'signature');
    this.#drop(at(module.signatures, handle.parameters, 'signature').length);
    for (const token of at(module.signatures, handle.return_, 'signature'))
      this.#push(substitute(token, args));
    return generic === null
      ? instruction(Op.Call, { a })
      : instruction(Op.CallGeneric, { a, b: generic.type_parameters, value: { types: undefined } });
  }

  #struct(name: string, index: number): Instruction {
    const module = this.#module;
    const generic = name.endsWith('Generic')
      ? at(module.struct_def_instantiations, index, 'struct instantiation')
      : null;
    const definition = at(module.struct_defs, generic?.def ?? index, 'struct');
    const fields = definition.field_information.Declared ?? [];
    const args = generic === null ? [] : at(module.signatures, generic.type_parameters, 'signature');
    if (name.startsWith('Pack')) {
      this.#drop(fields.length);
      this.#push(datatypeToken(definition.struct_handle, generic !== null, args));
      return instruction(Op.Pack, { a: fields.length });
    }
    this.#pop();
    for (const field of fields) this.#push(substitute(field.signature, args));
    return instruction(Op.Unpack, { a: fields.length });
  }

  #variant(name: string, index: number): Instruction {
    const module = this.#module;
    const generic = name.includes('Generic');
    const handle = at(
      generic ? module.variant_instantiation_handles : module.variant_handles,
      index,
      'variant',
    );
    const instantiation = generic
      ? at(module.enum_def_instantiations, handle.enum_def, 'enum instantiation')
      : null;
    const definition = at(module.enum_defs, instantiation?.def ?? handle.enum_def, 'enum');
    const { fields } = at(definition.variants, handle.variant, 'variant');
    const args =
      instantiation === null ? [] : at(module.signatures, instantiation.type_parameters, 'signature');
    const operands = { a: handle.variant, b: fields.length };
    if (name.startsWith('Pack')) {
      this.#drop(fields.length);
      this.#push(datatypeToken(definition.enum_handle, generic, args));
      return instruction(Op.PackVariant, operands);
    }
    this.#pop();
    for (const field of fields) {
      const token = substitute(field.signature, args);
      if (name.endsWith('ImmRef')) this.#push({ Reference: token });
      else if (name.endsWith('MutRef')) this.#push({ MutableReference: token });
      else this.#push(token);
    }
    return instruction(name.endsWith('Ref') ? Op.UnpackVariantRef : Op.UnpackVariant, operands);
  }
}

function instruction(op: number, rest: Partial<Omit<Instruction, 'op'>> = {}): Instruction {
  return { op, a: rest.a ?? 0, b: rest.b ?? 0, width: rest.width ?? 0, value: rest.value };
}

function target(token: Token): Token {
  if (typeof token === 'object' && 'Reference' in token) return token.Reference;
  if (typeof token === 'object' && 'MutableReference' in token) return token.MutableReference;
  throw new TypeError('dereference of something that is not a reference');
}

function datatypeToken(handle: number, generic: boolean, args: readonly Token[]): Token {
  return generic ? { DatatypeInstantiation: [handle, args] } : { Datatype: handle };
}

/** Replaces type parameters by arguments. */
function substitute(token: Token, args: readonly Token[]): Token {
  if (typeof token === 'string' || 'Datatype' in token) return token;
  if ('TypeParameter' in token)
    return args.length === 0 ? token : at(args, token.TypeParameter, 'type argument');
  if ('Vector' in token) return { Vector: substitute(token.Vector, args) };
  if ('Reference' in token) return { Reference: substitute(token.Reference, args) };
  if ('MutableReference' in token) return { MutableReference: substitute(token.MutableReference, args) };
  const [handle, inner] = token.DatatypeInstantiation;
  return { DatatypeInstantiation: [handle, inner.map((one) => substitute(one, args))] };
}
