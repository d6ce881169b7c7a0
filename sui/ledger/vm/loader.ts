import { decodeValue } from './bcs.ts';
import { Decoder } from './decode.ts';
import { ExecutionFailure } from './failure.ts';
import { Ability, type Layout, type TypeInfo } from './layout.ts';
import { at, type FieldJson, type FunctionJson, type ModuleJson, type Token } from './module-json.ts';
import type { Native, NativeTable } from './native.ts';
import type { Instruction } from './opcodes.ts';
import {
  datatype,
  fullAddress,
  primitiveNamed,
  referenceTo,
  vectorOf,
  type Address,
  type DatatypeType,
  type Type,
} from './types.ts';

export interface LoadedDatatype {
  readonly name: string;
  readonly abilities: number;
  readonly typeParameters: readonly { readonly constraints: number; readonly is_phantom: boolean }[];
  readonly fields: readonly FieldJson[] | null;
  readonly variants: readonly (readonly FieldJson[])[] | null;
}

export interface LoadedFunction {
  readonly module: LoadedModule;
  readonly index: number;
  readonly name: string;
  readonly parameters: readonly Token[];
  readonly returns: readonly Token[];
  /** Ability constraints of the type parameters. */
  readonly typeParameters: readonly number[];
  readonly visibility: FunctionJson['visibility'];
  readonly isEntry: boolean;
  readonly code: readonly Instruction[];
  readonly localCount: number;
  /** For a native function: its implementation, or null where this ledger has none. */
  readonly native: Native | null;
  readonly isNative: boolean;
}

const LAYOUTS_MAX = 50_000;

function once<T extends object>(make: () => T): () => T {
  let made: T | null = null;
  return () => (made ??= make());
}

/** One module, ready to run. Links to other modules are resolved when first followed. */
export class LoadedModule {
  readonly address: Address;
  readonly name: string;
  readonly json: ModuleJson;
  readonly functions = new Map<string, LoadedFunction>();
  readonly datatypes = new Map<string, LoadedDatatype>();
  readonly #loader: Loader;
  readonly #addresses: readonly Address[];
  readonly #links: (LoadedFunction | undefined)[] = [];

  constructor(loader: Loader, json: ModuleJson) {
    this.#loader = loader;
    this.json = json;
    this.#addresses = json.address_identifiers.map(fullAddress);
    const self = at(json.module_handles, json.self_module_handle_idx, 'module');
    this.address = at(this.#addresses, self.address, 'address');
    this.name = at(json.identifiers, self.name, 'identifier');
    for (const { struct_handle, field_information } of json.struct_defs) {
      this.#define(struct_handle, field_information.Declared ?? [], null);
    }
    for (const { enum_handle, variants } of json.enum_defs) {
      this.#define(
        enum_handle,
        null,
        variants.map((variant) => variant.fields),
      );
    }
  }

  #define(handle: number, fields: LoadedDatatype['fields'], variants: LoadedDatatype['variants']): void {
    const { name: index, abilities, type_parameters } = at(this.json.datatype_handles, handle, 'datatype');
    const name = at(this.json.identifiers, index, 'identifier');
    this.datatypes.set(name, { name, abilities, typeParameters: type_parameters, fields, variants });
  }

  /** Registers the functions. Bodies are decoded when first run: most of the framework never is. */
  registerFunctions(natives: NativeTable): void {
    const { json } = this;
    for (const [index, definition] of json.function_defs.entries()) {
      const handle = at(json.function_handles, definition.function, 'function');
      const name = at(json.identifiers, handle.name, 'identifier');
      const parameters = at(json.signatures, handle.parameters, 'signature');
      const { code } = definition;
      const locals =
        code === undefined ? parameters : [...parameters, ...at(json.signatures, code.locals, 'signature')];
      const constant = (type: Token, data: readonly number[]): unknown =>
        decodeValue(this.#loader, this.type(type, []), Uint8Array.from(data));
      const body = once(() => (code === undefined ? [] : new Decoder(json, code, locals, constant).decode()));
      this.functions.set(name, {
        module: this,
        index,
        name,
        parameters,
        returns: at(json.signatures, handle.return_, 'signature'),
        typeParameters: handle.type_parameters,
        visibility: definition.visibility,
        isEntry: definition.is_entry,
        get code() {
          return body();
        },
        localCount: locals.length,
        native: code === undefined ? (natives.get(`${this.address}::${this.name}::${name}`) ?? null) : null,
        isNative: code === undefined,
      });
    }
  }

  /** The runtime type of a signature token under type arguments. */
  type(token: Token, args: readonly Type[]): Type {
    if (typeof token === 'string') {
      const found = primitiveNamed(token.toLowerCase());
      if (found === undefined) throw new TypeError(`unknown type ${token}`);
      return found;
    }
    if ('TypeParameter' in token) return at(args, token.TypeParameter, 'type argument');
    if ('Vector' in token) return vectorOf(this.type(token.Vector, args));
    if ('Reference' in token) return referenceTo(this.type(token.Reference, args), false);
    if ('MutableReference' in token) return referenceTo(this.type(token.MutableReference, args), true);
    if ('Datatype' in token) return this.#datatype(token.Datatype, []);
    const [handle, inner] = token.DatatypeInstantiation;
    return this.#datatype(
      handle,
      inner.map((one) => this.type(one, args)),
    );
  }

  #datatype(index: number, args: readonly Type[]): Type {
    const { json } = this;
    const handle = at(json.datatype_handles, index, 'datatype');
    const module = at(json.module_handles, handle.module, 'module');
    return datatype(
      at(this.#addresses, module.address, 'address'),
      at(json.identifiers, module.name, 'identifier'),
      at(json.identifiers, handle.name, 'identifier'),
      args,
    );
  }

  /** The types of a signature of this module under type arguments. */
  signature(index: number, args: readonly Type[]): Type[] {
    return at(this.json.signatures, index, 'signature').map((token) => this.type(token, args));
  }

  /** The function that a function handle names. */
  callee(index: number): LoadedFunction {
    const known = this.#links[index];
    if (known !== undefined) return known;
    const handle = at(this.json.function_handles, index, 'function');
    const module = at(this.json.module_handles, handle.module, 'module');
    const found = this.#loader.functionNamed(
      at(this.#addresses, module.address, 'address'),
      at(this.json.identifiers, module.name, 'identifier'),
      at(this.json.identifiers, handle.name, 'identifier'),
    );
    this.#links[index] = found;
    return found;
  }

  /** Addresses of the packages this module names. */
  dependencies(): Address[] {
    return [
      ...new Set(this.json.module_handles.map(({ address }) => at(this.#addresses, address, 'address'))),
    ];
  }
}

/** All modules that exist, by address and name. */
export class Loader implements TypeInfo {
  readonly #modules = new Map<string, LoadedModule>();
  readonly #layouts = new Map<string, Layout>();
  readonly #natives: NativeTable;

  constructor(natives: NativeTable) {
    this.#natives = natives;
  }

  /** Adds the modules of one package. They may name each other in any order. */
  load(modules: readonly ModuleJson[]): LoadedModule[] {
    const loaded = modules.map((json) => new LoadedModule(this, json));
    for (const module of loaded) this.#modules.set(`${module.address}::${module.name}`, module);
    try {
      for (const module of loaded) module.registerFunctions(this.#natives);
    } catch (error) {
      this.unload(loaded);
      throw error;
    }
    return loaded;
  }

  /** Takes modules out again that a failed transaction had published. */
  unload(modules: readonly LoadedModule[]): void {
    if (modules.length === 0) return;
    for (const { address, name } of modules) this.#modules.delete(`${address}::${name}`);
    this.#layouts.clear();
  }

  moduleNamed(address: Address, module: string): LoadedModule | undefined {
    return this.#modules.get(`${address}::${module}`);
  }

  functionNamed(address: Address, module: string, name: string): LoadedFunction {
    const found = this.moduleNamed(address, module)?.functions.get(name);
    if (found === undefined) {
      throw new ExecutionFailure(
        { kind: 'FUNCTION_NOT_FOUND' },
        `Function ${address}::${module}::${name} does not exist`,
      );
    }
    return found;
  }

  /** The definition behind a datatype, or undefined where no such type exists. */
  definition(type: Type): LoadedDatatype | undefined {
    if (type.kind !== 'datatype') return undefined;
    return this.moduleNamed(type.address, type.module)?.datatypes.get(type.name);
  }

  /** Whether the type and everything in it exists and meets the constraints of its type parameters. */
  typeFault(type: Type): 'TYPE_NOT_FOUND' | 'CONSTRAINT_NOT_SATISFIED' | null {
    if (type.kind === 'vector') return this.typeFault(type.element);
    if (type.kind !== 'datatype') return null;
    const definition = this.definition(type);
    if (definition?.typeParameters.length !== type.args.length) return 'TYPE_NOT_FOUND';
    for (const [index, { constraints }] of definition.typeParameters.entries()) {
      const arg = at(type.args, index, 'type argument');
      const fault = this.typeFault(arg);
      if (fault !== null) return fault;
      if (!this.has(arg, constraints)) return 'CONSTRAINT_NOT_SATISFIED';
    }
    return null;
  }

  layout(type: DatatypeType): Layout {
    const known = this.#layouts.get(type.key);
    if (known !== undefined) return known;
    const module = this.moduleNamed(type.address, type.module);
    const definition = module?.datatypes.get(type.name);
    if (module === undefined || definition === undefined) {
      throw new ExecutionFailure({ kind: 'VM_INVARIANT_VIOLATION' }, `Type ${type.key} does not exist`);
    }
    const fill = (fields: readonly FieldJson[]): Type[] =>
      fields.map(({ signature }) => module.type(signature, type.args));
    const layout: Layout =
      definition.variants === null
        ? { kind: 'struct', fields: fill(definition.fields ?? []) }
        : { kind: 'enum', variants: definition.variants.map(fill) };
    if (this.#layouts.size >= LAYOUTS_MAX) this.#layouts.clear();
    this.#layouts.set(type.key, layout);
    return layout;
  }

  /** Whether values of the type have all the abilities in the mask (`Ability`). */
  has(type: Type, mask: number): boolean {
    return (this.abilities(type) & mask) === mask;
  }

  /** Abilities of the type, arguments taken into account (phantom ones aside), as the Move language defines them. */
  abilities(type: Type): number {
    const { copy, drop, store, key } = Ability;
    if (type.kind === 'reference') return copy | drop;
    if (type.kind === 'signer') return drop;
    if (type.kind === 'vector') return this.abilities(type.element) & (copy | drop | store);
    if (type.kind !== 'datatype') return copy | drop | store;
    const definition = this.definition(type);
    if (definition === undefined) return 0;
    let abilities = definition.abilities;
    for (const [index, { is_phantom }] of definition.typeParameters.entries()) {
      if (is_phantom) continue;
      const arg = this.abilities(at(type.args, index, 'type argument'));
      // key of the whole asks for store of the parts.
      const allowed = (arg & (copy | drop | store)) | ((arg & store) === 0 ? 0 : key);
      abilities &= allowed;
    }
    return abilities;
  }
}
