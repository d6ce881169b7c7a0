/**
 * The JSON shape of a compiled Move module as `@mysten/move-bytecode-template` gives it (bytecode format version 7).
 * u64 operands and vector counts are bigints, u256 constants 32 little-endian bytes.
 */
export type Token =
  | string
  | { readonly TypeParameter: number }
  | { readonly Vector: Token }
  | { readonly Reference: Token }
  | { readonly MutableReference: Token }
  | { readonly Datatype: number }
  | { readonly DatatypeInstantiation: readonly [number, readonly Token[]] };

export interface FieldJson {
  readonly name: number;
  readonly signature: Token;
}

export interface DatatypeHandleJson {
  readonly module: number;
  readonly name: number;
  readonly abilities: number;
  readonly type_parameters: readonly { readonly constraints: number; readonly is_phantom: boolean }[];
}

export interface FunctionHandleJson {
  readonly module: number;
  readonly name: number;
  readonly parameters: number;
  readonly return_: number;
  readonly type_parameters: readonly number[];
}

export interface CodeJson {
  readonly locals: number;
  readonly code: readonly (string | Readonly<Record<string, unknown>>)[];
  readonly jump_tables: readonly { readonly jump_table: { readonly Full: readonly number[] } }[];
}

export interface FunctionJson {
  readonly function: number;
  readonly visibility: 'Public' | 'Private' | 'Friend';
  readonly is_entry: boolean;
  readonly code?: CodeJson | undefined;
}

export interface VariantJson {
  readonly variant_name: number;
  readonly fields: readonly FieldJson[];
}

export interface ModuleJson {
  readonly version: number;
  readonly self_module_handle_idx: number;
  readonly module_handles: readonly { readonly address: number; readonly name: number }[];
  readonly datatype_handles: readonly DatatypeHandleJson[];
  readonly function_handles: readonly FunctionHandleJson[];
  readonly field_handles: readonly { readonly owner: number; readonly field: number }[];
  readonly struct_def_instantiations: readonly { readonly def: number; readonly type_parameters: number }[];
  readonly function_instantiations: readonly { readonly handle: number; readonly type_parameters: number }[];
  readonly field_instantiations: readonly { readonly handle: number; readonly type_parameters: number }[];
  readonly friend_decls: readonly { readonly address: number; readonly name: number }[];
  readonly signatures: readonly (readonly Token[])[];
  readonly identifiers: readonly string[];
  readonly address_identifiers: string[];
  readonly constant_pool: readonly { readonly type_: Token; readonly data: readonly number[] }[];
  readonly struct_defs: readonly {
    readonly struct_handle: number;
    readonly field_information: { readonly Declared?: readonly FieldJson[] };
  }[];
  readonly function_defs: readonly FunctionJson[];
  readonly enum_defs: readonly { readonly enum_handle: number; readonly variants: readonly VariantJson[] }[];
  readonly enum_def_instantiations: readonly { readonly def: number; readonly type_parameters: number }[];
  readonly variant_handles: readonly { readonly enum_def: number; readonly variant: number }[];
  readonly variant_instantiation_handles: readonly { readonly enum_def: number; readonly variant: number }[];
}

/** The element of a table, or an error that names the table: indices in bytecode are data, not trusted. */
export function at<T>(table: readonly T[], index: number, what: string): T {
  const item = table[index];
  if (item === undefined) throw new RangeError(`bytecode refers to ${what} ${index}, which does not exist`);
  return item;
}
