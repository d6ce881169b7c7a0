import { moduleName } from '../vm/loader.ts';
import { at, type FieldJson, type ModuleJson, type Token } from '../vm/module-json.ts';
import { fullAddress } from '../vm/types.ts';

/** Constants of sui::package: what an upgrade may change. */
export const UpgradePolicy = { compatible: 0, additive: 128, depOnly: 192 } as const;

/**
 * Why `after` may not follow `before` under a policy, or null: the rules of move-binary-format's `Compatibility`
 * (upgrade_check) and `InclusionCheck`, module by module. Both sets have the same addresses in their bytecode.
 */
export function incompatibility(
  policy: number,
  before: readonly ModuleJson[],
  after: readonly ModuleJson[],
): string | null {
  const fresh = new Map(after.map((json) => [moduleName(json), json]));
  for (const json of before) {
    const name = moduleName(json);
    const next = fresh.get(name);
    if (next === undefined) return `module ${name} is missing`;
    fresh.delete(name);
    const [was, is] = [normalize(json), normalize(next)];
    const fault = policy === UpgradePolicy.compatible ? broken(was, is) : changed(policy, was, is);
    if (fault !== null) return `${fault} in module ${name}`;
  }
  const [added] = fresh.keys();
  return policy === UpgradePolicy.depOnly && added !== undefined ? `module ${added} is new` : null;
}

interface NormalFunction {
  readonly isPublic: boolean;
  readonly signature: string;
  /** Constraints of the type parameters as ability masks. */
  readonly constraints: readonly number[];
  /** All of it, code included. */
  readonly whole: string;
}

/** A module as far as two versions are compared: names and types as text instead of indices into tables. */
interface NormalModule {
  readonly datatypes: ReadonlyMap<string, string>;
  readonly functions: ReadonlyMap<string, NormalFunction>;
  readonly friends: number;
}

/** Whether code that links to the old version, or values of its types, would break with the new one. */
function broken(before: NormalModule, after: NormalModule): string | null {
  for (const [name, text] of before.datatypes) {
    const next = after.datatypes.get(name);
    if (next === undefined) return `type ${name} is missing`;
    if (next !== text) return `type ${name} differs`;
  }
  for (const [name, old] of before.functions) {
    if (!old.isPublic) continue;
    const next = after.functions.get(name);
    if (next === undefined) return `public function ${name} is missing`;
    if (!next.isPublic) return `function ${name} is no longer public`;
    const relaxed =
      old.constraints.length === next.constraints.length &&
      old.constraints.every((mask, index) => (at(next.constraints, index, 'constraint') & ~mask) === 0);
    if (old.signature !== next.signature || !relaxed) return `public function ${name} has another signature`;
  }
  return null;
}

/** Whether anything of the old version is not in the new one as it was; under `depOnly`, also whether anything is new. */
function changed(policy: number, before: NormalModule, after: NormalModule): string | null {
  for (const [name, text] of before.datatypes)
    if (after.datatypes.get(name) !== text) return `type ${name} differs`;
  for (const [name, old] of before.functions)
    if (after.functions.get(name)?.whole !== old.whole) return `function ${name} differs`;
  if (policy !== UpgradePolicy.depOnly) return null;
  for (const name of after.datatypes.keys()) if (!before.datatypes.has(name)) return `type ${name} is new`;
  for (const name of after.functions.keys())
    if (!before.functions.has(name)) return `function ${name} is new`;
  return before.friends === after.friends ? null : 'the list of friends differs';
}

function normalize(json: ModuleJson): NormalModule {
  const text = new ModuleText(json);
  return {
    datatypes: text.datatypes(),
    functions: new Map(json.function_defs.map((_, index) => text.function(index))),
    friends: json.friend_decls.length,
  };
}

/** Writes the parts of a module as text that says the same in every module. */
class ModuleText {
  readonly #json: ModuleJson;

  constructor(json: ModuleJson) {
    this.#json = json;
  }

  datatypes(): Map<string, string> {
    const json = this.#json;
    const structs = json.struct_defs.map(({ struct_handle, field_information }) =>
      this.#datatype(struct_handle, this.#fields(field_information.Declared ?? [])),
    );
    const enums = json.enum_defs.map(({ enum_handle, variants }) => {
      const all = variants.map((one) => `${this.#name(one.variant_name)}{${this.#fields(one.fields)}}`);
      return this.#datatype(enum_handle, all.join('|'));
    });
    return new Map([...structs, ...enums]);
  }

  #datatype(handle: number, body: string): [string, string] {
    const { name, abilities, type_parameters } = at(this.#json.datatype_handles, handle, 'datatype');
    const parameters = type_parameters.map(({ constraints, is_phantom }) => `${constraints}${is_phantom}`);
    return [this.#name(name), `${abilities}<${parameters.join()}>${body}`];
  }

  #fields(fields: readonly FieldJson[]): string {
    return fields.map(({ name, signature }) => `${this.#name(name)}:${this.#token(signature)}`).join();
  }

  function(index: number): [string, NormalFunction] {
    const json = this.#json;
    const definition = at(json.function_defs, index, 'function');
    const handle = at(json.function_handles, definition.function, 'function');
    const signature = `(${this.#signature(handle.parameters)}):(${this.#signature(handle.return_)})`;
    const { visibility, is_entry, code } = definition;
    const body =
      code === undefined
        ? 'native'
        : [
            this.#signature(code.locals),
            ...code.code.map((one) => this.#instruction(one)),
            JSON.stringify(code.jump_tables),
          ].join('\n');
    const constraints = handle.type_parameters;
    const whole = `${visibility} ${is_entry} <${constraints.join()}> ${signature}\n${body}`;
    return [this.#name(handle.name), { isPublic: visibility === 'Public', signature, constraints, whole }];
  }

  #name(index: number): string {
    return at(this.#json.identifiers, index, 'identifier');
  }

  #signature(index: number): string {
    return at(this.#json.signatures, index, 'signature')
      .map((token) => this.#token(token))
      .join();
  }

  #token(token: Token): string {
    if (typeof token === 'string') return token;
    if ('TypeParameter' in token) return `T${token.TypeParameter}`;
    if ('Vector' in token) return `vector<${this.#token(token.Vector)}>`;
    if ('Reference' in token) return `&${this.#token(token.Reference)}`;
    if ('MutableReference' in token) return `&mut ${this.#token(token.MutableReference)}`;
    if ('Datatype' in token) return this.#handle(at(this.#json.datatype_handles, token.Datatype, 'datatype'));
    const [handle, args] = token.DatatypeInstantiation;
    const inner = args.map((arg) => this.#token(arg)).join();
    return `${this.#handle(at(this.#json.datatype_handles, handle, 'datatype'))}<${inner}>`;
  }

  /** `address::module::name` of a datatype or function handle. */
  #handle({ module, name }: { readonly module: number; readonly name: number }): string {
    const home = at(this.#json.module_handles, module, 'module');
    const address = fullAddress(at(this.#json.address_identifiers, home.address, 'address'));
    return `${address}::${this.#name(home.name)}::${this.#name(name)}`;
  }

  #instruction(item: string | Readonly<Record<string, unknown>>): string {
    if (typeof item === 'string') return item;
    const [name = '', operand] = Object.entries(item)[0] ?? [];
    return `${name} ${this.#operand(name, operand)}`;
  }

  #operand(name: string, operand: unknown): string {
    const json = this.#json;
    const index = Number(operand);
    if (name === 'LdConst') {
      const { type_, data } = at(json.constant_pool, index, 'constant');
      return `${this.#token(type_)} ${data.join()}`;
    }
    if (name.startsWith('Vec')) {
      const [signature, ...count] = Array.isArray(operand) ? (operand as unknown[]) : [operand];
      return `${this.#signature(Number(signature))} ${count.map(String).join()}`;
    }
    if (name === 'VariantSwitch') return String(index);
    if (name.includes('Variant')) return this.#variant(name, index);
    if (name.includes('BorrowField')) return this.#field(name, index);
    if (name.startsWith('Call')) {
      const generic = name === 'CallGeneric' ? at(json.function_instantiations, index, 'function') : null;
      const callee = at(json.function_handles, generic?.handle ?? index, 'function');
      return this.#instantiated(this.#handle(callee), generic);
    }
    if (name.startsWith('Pack') || name.startsWith('Unpack')) {
      const generic = name.endsWith('Generic') ? at(json.struct_def_instantiations, index, 'struct') : null;
      return this.#instantiated(this.#struct(generic?.def ?? index), generic);
    }
    return Array.isArray(operand) ? operand.map(String).join() : String(operand);
  }

  #struct(definition: number): string {
    const { struct_handle } = at(this.#json.struct_defs, definition, 'struct');
    return this.#handle(at(this.#json.datatype_handles, struct_handle, 'datatype'));
  }

  #field(name: string, index: number): string {
    const json = this.#json;
    const generic = name.endsWith('Generic') ? at(json.field_instantiations, index, 'field') : null;
    const { owner, field } = at(json.field_handles, generic?.handle ?? index, 'field');
    return this.#instantiated(`${this.#struct(owner)}.${field}`, generic);
  }

  #variant(name: string, index: number): string {
    const json = this.#json;
    const generic = name.includes('Generic');
    const handle = at(generic ? json.variant_instantiation_handles : json.variant_handles, index, 'variant');
    const instance = generic ? at(json.enum_def_instantiations, handle.enum_def, 'enum') : null;
    const { enum_handle } = at(json.enum_defs, instance?.def ?? handle.enum_def, 'enum');
    const type = this.#handle(at(json.datatype_handles, enum_handle, 'datatype'));
    return this.#instantiated(`${type}.${handle.variant}`, instance);
  }

  #instantiated(what: string, generic: { readonly type_parameters: number } | null): string {
    return generic === null ? what : `${what}<${this.#signature(generic.type_parameters)}>`;
  }
}
