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

/** One version of a package as it lies on the chain. Its modules name packages, their own too, by original id. */
export interface PackageCode {
  /** Id of this version: where it is stored and how transactions call it. */
  readonly id: Address;
  /** Id of version 1. */
  readonly originalId: Address;
  readonly version: bigint;
  readonly modules: readonly ModuleJson[];
  /** The version of each dependency, direct and indirect: its id by its original id. */
  readonly linkage: ReadonlyMap<Address, Address>;
  /** Id of the version that defined a datatype first, by `module::Datatype`. */
  readonly origins: ReadonlyMap<string, Address>;
}

const LAYOUTS_MAX = 50_000;

function once<T extends object>(make: () => T): () => T {
  let made: T | null = null;
  return () => (made ??= make());
}

/** One module, ready to run. Links to other modules are resolved when first followed. */
export class LoadedModule {
  /** Id of the version of the package. */
  readonly address: Address;
  readonly name: string;
  readonly json: ModuleJson;
  readonly functions = new Map<string, LoadedFunction>();
  readonly datatypes = new Map<string, LoadedDatatype>();
  readonly #loader: Loader;
  readonly #package: LinkedPackage;
  /** As the bytecode has them: original ids. */
  readonly #addresses: readonly Address[];
  readonly #links: (LoadedFunction | undefined)[] = [];
  readonly #defining: (Address | undefined)[] = [];

  constructor(loader: Loader, home: LinkedPackage, json: ModuleJson) {
    this.#loader = loader;
    this.#package = home;
    this.json = json;
    this.#addresses = json.address_identifiers.map(fullAddress);
    this.address = home.code.id;
    this.name = moduleName(json);
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
    const module = at(json.identifiers, at(json.module_handles, handle.module, 'module').name, 'identifier');
    const name = at(json.identifiers, handle.name, 'identifier');
    const defining = (this.#defining[index] ??= this.#loader.definingId(
      this.#addressOf(handle.module),
      module,
      name,
    ));
    return datatype(defining, module, name, args);
  }

  #addressOf(moduleHandle: number): Address {
    return at(this.#addresses, at(this.json.module_handles, moduleHandle, 'module').address, 'address');
  }

  /** The module that a module handle names, in the version this package is linked to. */
  #linked(moduleHandle: number): LoadedModule {
    const { json } = this;
    const name = at(json.identifiers, at(json.module_handles, moduleHandle, 'module').name, 'identifier');
    const original = this.#addressOf(moduleHandle);
    const found = this.#package.dependency(original)?.modules.get(name);
    if (found === undefined) throw notFound(`Module ${original}::${name}`);
    return found;
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
    const module = this.#linked(handle.module);
    const name = at(this.json.identifiers, handle.name, 'identifier');
    const found = module.functions.get(name);
    if (found === undefined) throw notFound(`Function ${module.address}::${module.name}::${name}`);
    this.#links[index] = found;
    return found;
  }

  /** Follows every link and decodes every body. Throws what it meets where that is not possible. */
  checkLinks(): void {
    for (const index of this.json.function_handles.keys()) this.callee(index);
    for (const { module: handle, name: index } of this.json.datatype_handles) {
      const name = at(this.json.identifiers, index, 'identifier');
      const module = this.#linked(handle);
      if (!module.datatypes.has(name)) throw notFound(`Type ${module.address}::${module.name}::${name}`);
    }
    for (const fn of this.functions.values()) at([fn.code], 0, 'function body');
  }

  /** Original ids of the packages this module names. */
  dependencies(): Address[] {
    return [
      ...new Set(this.json.module_handles.map(({ address }) => at(this.#addresses, address, 'address'))),
    ];
  }
}

/** A package among the versions of its dependencies that it runs with. */
export class LinkedPackage {
  readonly code: PackageCode;
  readonly modules = new Map<string, LoadedModule>();
  readonly #loader: Loader;
  readonly #linkage: ReadonlyMap<Address, Address>;

  constructor(
    loader: Loader,
    code: PackageCode,
    linkage: ReadonlyMap<Address, Address>,
    natives: NativeTable,
  ) {
    this.code = code;
    this.#loader = loader;
    this.#linkage = linkage;
    for (const json of code.modules) {
      const module = new LoadedModule(loader, this, json);
      this.modules.set(module.name, module);
    }
    for (const module of this.modules.values()) module.registerFunctions(natives);
  }

  dependency(originalId: Address): LinkedPackage | undefined {
    if (originalId === this.code.originalId) return this;
    const id = this.#linkage.get(originalId);
    return id === undefined ? undefined : this.#loader.linked(id, this.#linkage);
  }
}

/** All packages that exist, in all their versions. */
export class Loader implements TypeInfo {
  readonly #packages = new Map<Address, PackageCode>();
  /** Packages with the dependencies they were published with. */
  readonly #linked = new Map<Address, LinkedPackage>();
  /** Packages with newer dependencies, by all the versions that take part. */
  readonly #relinked = new Map<string, LinkedPackage>();
  /** Modules of `#linked` by `address::name`. */
  readonly #modules = new Map<string, LoadedModule>();
  /** By `original id::module::Datatype`. */
  readonly #defining = new Map<string, Address>();
  readonly #layouts = new Map<string, Layout>();
  readonly #natives: NativeTable;

  constructor(natives: NativeTable) {
    this.#natives = natives;
  }

  /** Adds modules at their own addresses: packages in version 1 that link to the very packages they name. */
  load(modules: readonly ModuleJson[]): LoadedModule[] {
    const byAddress = Map.groupBy(modules, moduleAddress);
    return [...byAddress].flatMap(([id, own]) => {
      const named = own.flatMap((json) =>
        json.module_handles.map((handle) => addressOf(json, handle.address)),
      );
      const linkage = new Map(named.filter((address) => address !== id).map((address) => [address, address]));
      const origins = new Map(own.flatMap(datatypeNames).map((name) => [name, id]));
      const linked = this.add({ id, originalId: id, version: 1n, modules: own, linkage, origins });
      return [...linked.modules.values()];
    });
  }

  /** Adds one version of a package. Its modules may name each other in any order. */
  add(code: PackageCode): LinkedPackage {
    this.#packages.set(code.id, code);
    for (const [name, id] of code.origins) this.#defining.set(`${code.originalId}::${name}`, id);
    try {
      const linked = new LinkedPackage(this, code, code.linkage, this.#natives);
      this.#linked.set(code.id, linked);
      for (const module of linked.modules.values()) this.#modules.set(`${code.id}::${module.name}`, module);
      return linked;
    } catch (error) {
      this.unload([code]);
      throw error;
    }
  }

  /** Takes packages out again that a failed transaction had published. */
  unload(packages: readonly PackageCode[]): void {
    if (packages.length === 0) return;
    for (const { id, originalId, modules, origins } of packages) {
      this.#packages.delete(id);
      this.#linked.delete(id);
      for (const json of modules) this.#modules.delete(`${id}::${moduleName(json)}`);
      for (const [name, origin] of origins)
        if (origin === id) this.#defining.delete(`${originalId}::${name}`);
      for (const key of this.#relinked.keys()) if (key.includes(id)) this.#relinked.delete(key);
    }
    this.#layouts.clear();
  }

  packageNamed(id: Address): PackageCode | undefined {
    return this.#packages.get(id);
  }

  /** A package that runs with the versions that `linkage` names (ids by original id). */
  linked(id: Address, linkage: ReadonlyMap<Address, Address>): LinkedPackage | undefined {
    const code = this.#packages.get(id);
    if (code === undefined) return undefined;
    const needed = this.#reach(code, linkage);
    const own = code.linkage;
    if (needed.size === own.size && [...needed].every(([original, to]) => own.get(original) === to))
      return this.#linked.get(id);
    const key = [id, ...[...needed].sort(([a], [b]) => (a < b ? -1 : 1)).flat()].join(' ');
    const known = this.#relinked.get(key);
    if (known !== undefined) return known;
    const made = new LinkedPackage(this, code, needed, this.#natives);
    this.#relinked.set(key, made);
    return made;
  }

  /** The part of `linkage` that a package can come to: what it names, what those name in their versions, and so on. */
  #reach(code: PackageCode, linkage: ReadonlyMap<Address, Address>): Map<Address, Address> {
    const reached = new Map<Address, Address>();
    const pending = [code];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const [original, own] of next.linkage) {
        if (reached.has(original) || original === code.originalId) continue;
        const id = linkage.get(original) ?? own;
        reached.set(original, id);
        const dependency = this.#packages.get(id);
        if (dependency !== undefined) pending.push(dependency);
      }
    }
    return reached;
  }

  /** Id of the package version that defined a type first: the address of the type. */
  definingId(originalId: Address, module: string, name: string): Address {
    return this.#defining.get(`${originalId}::${module}::${name}`) ?? originalId;
  }

  originalId(id: Address): Address {
    return this.#packages.get(id)?.originalId ?? id;
  }

  /**
   * A type that may be named by any version of its package that has it, with the ids of the versions that defined it
   * and its arguments. Null where it does not exist.
   */
  resolveType(type: Type): Type | null {
    if (type.kind === 'vector') {
      const element = this.resolveType(type.element);
      return element === null ? null : vectorOf(element);
    }
    if (type.kind !== 'datatype') return type;
    const address = this.#packages.get(type.address)?.origins.get(`${type.module}::${type.name}`);
    const args = type.args.map((arg) => this.resolveType(arg)).filter((arg) => arg !== null);
    if (address === undefined || args.length !== type.args.length) return null;
    return datatype(address, type.module, type.name, args);
  }

  /** A module of a package version with the dependencies it was published with. */
  moduleNamed(address: Address, module: string): LoadedModule | undefined {
    return this.#modules.get(`${address}::${module}`);
  }

  functionNamed(address: Address, module: string, name: string): LoadedFunction {
    const found = this.moduleNamed(address, module)?.functions.get(name);
    if (found === undefined) throw notFound(`Function ${address}::${module}::${name}`);
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

function notFound(what: string): ExecutionFailure {
  return new ExecutionFailure({ kind: 'FUNCTION_NOT_FOUND' }, `${what} does not exist`);
}

function addressOf(json: ModuleJson, index: number): Address {
  return fullAddress(at(json.address_identifiers, index, 'address'));
}

/** The address a module has in its bytecode: the original id of its package. */
export function moduleAddress(json: ModuleJson): Address {
  return addressOf(json, at(json.module_handles, json.self_module_handle_idx, 'module').address);
}

export function moduleName(json: ModuleJson): string {
  const self = at(json.module_handles, json.self_module_handle_idx, 'module');
  return at(json.identifiers, self.name, 'identifier');
}

/** `module::Datatype` of what a module defines: structs, then enums, as the type origin table lists them. */
export function datatypeNames(json: ModuleJson): string[] {
  const handles = [
    ...json.struct_defs.map(({ struct_handle }) => struct_handle),
    ...json.enum_defs.map(({ enum_handle }) => enum_handle),
  ];
  return handles.map((index) => {
    const { name } = at(json.datatype_handles, index, 'datatype');
    return `${moduleName(json)}::${at(json.identifiers, name, 'identifier')}`;
  });
}
