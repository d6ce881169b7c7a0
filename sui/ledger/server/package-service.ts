import { GrpcTypes } from '@mysten/sui/grpc';

import type { Ledger } from '../chain/ledger.ts';
import type { PackageRecord } from '../chain/objects.ts';
import { Ability } from '../vm/layout.ts';
import type { LoadedDatatype, LoadedFunction, LoadedModule, PackageCode } from '../vm/loader.ts';
import { at, type FieldJson, type Token } from '../vm/module-json.ts';
import { fullAddress, type Type } from '../vm/types.ts';
import { GrpcError, Status, unary, type Method } from './method.ts';
import { page } from './paging.ts';
import { protoPackageContents, type Partial } from './proto-objects.ts';

const { OpenSignatureBody_Type: BodyType, OpenSignature_Reference: Reference } = GrpcTypes;

const PRIMITIVES: Readonly<Record<string, GrpcTypes.OpenSignatureBody_Type>> = {
  bool: BodyType.BOOL,
  u8: BodyType.U8,
  u16: BodyType.U16,
  u32: BodyType.U32,
  u64: BodyType.U64,
  u128: BodyType.U128,
  u256: BodyType.U256,
  address: BodyType.ADDRESS,
};

function protoBody(module: LoadedModule, token: Token): Partial<typeof GrpcTypes.OpenSignatureBody> {
  if (typeof token === 'string') return { type: PRIMITIVES[token.toLowerCase()] ?? BodyType.TYPE_UNKNOWN };
  if ('TypeParameter' in token) return { type: BodyType.TYPE_PARAMETER, typeParameter: token.TypeParameter };
  if ('Vector' in token) {
    return { type: BodyType.VECTOR, typeParameterInstantiation: [protoBody(module, token.Vector)] };
  }
  const [handle, args] =
    'Datatype' in token
      ? [token.Datatype, []]
      : 'DatatypeInstantiation' in token
        ? token.DatatypeInstantiation
        : [0, []];
  return {
    type: BodyType.DATATYPE,
    typeName: (module.type({ Datatype: handle }, []) as Extract<Type, { kind: 'datatype' }>).key,
    typeParameterInstantiation: args.map((arg) => protoBody(module, arg)),
  };
}

function protoSignature(module: LoadedModule, token: Token): Partial<typeof GrpcTypes.OpenSignature> {
  if (typeof token === 'object' && 'Reference' in token) {
    return { reference: Reference.IMMUTABLE, body: protoBody(module, token.Reference) };
  }
  if (typeof token === 'object' && 'MutableReference' in token) {
    return { reference: Reference.MUTABLE, body: protoBody(module, token.MutableReference) };
  }
  return { body: protoBody(module, token) };
}

const ABILITIES = [
  [Ability.copy, GrpcTypes.Ability.COPY],
  [Ability.drop, GrpcTypes.Ability.DROP],
  [Ability.store, GrpcTypes.Ability.STORE],
  [Ability.key, GrpcTypes.Ability.KEY],
] as const;

function protoAbilities(mask: number): GrpcTypes.Ability[] {
  return ABILITIES.flatMap(([bit, ability]) => ((mask & bit) === 0 ? [] : [ability]));
}

const VISIBILITIES = {
  Public: GrpcTypes.FunctionDescriptor_Visibility.PUBLIC,
  Private: GrpcTypes.FunctionDescriptor_Visibility.PRIVATE,
  Friend: GrpcTypes.FunctionDescriptor_Visibility.FRIEND,
} as const;

function protoFunction(fn: LoadedFunction): Partial<typeof GrpcTypes.FunctionDescriptor> {
  const { module, name, visibility, isEntry } = fn;
  return {
    name,
    visibility: VISIBILITIES[visibility],
    isEntry,
    typeParameters: fn.typeParameters.map((mask) => ({ constraints: protoAbilities(mask) })),
    parameters: fn.parameters.map((token) => protoSignature(module, token)),
    returns: fn.returns.map((token) => protoSignature(module, token)),
  };
}

function protoFields(
  module: LoadedModule,
  fields: readonly FieldJson[],
): Partial<typeof GrpcTypes.FieldDescriptor>[] {
  return fields.map(({ name, signature }, position) => ({
    name: at(module.json.identifiers, name, 'identifier'),
    position,
    type: protoBody(module, signature),
  }));
}

/** Names of an enum's variants, in order. */
function variantNames({ json }: LoadedModule, name: string): string[] {
  const found = json.enum_defs.find(({ enum_handle }) => {
    const handle = at(json.datatype_handles, enum_handle, 'datatype');
    return at(json.identifiers, handle.name, 'identifier') === name;
  });
  return (found?.variants ?? []).map((one) => at(json.identifiers, one.variant_name, 'identifier'));
}

function protoDatatype(
  { origins }: PackageCode,
  module: LoadedModule,
  datatype: LoadedDatatype,
): Partial<typeof GrpcTypes.DatatypeDescriptor> {
  const { name, abilities, typeParameters, fields, variants } = datatype;
  const { STRUCT, ENUM } = GrpcTypes.DatatypeDescriptor_DatatypeKind;
  const definingId = origins.get(`${module.name}::${name}`) ?? module.address;
  const names = variants === null ? [] : variantNames(module, name);
  return {
    typeName: `${definingId}::${module.name}::${name}`,
    definingId,
    module: module.name,
    name,
    abilities: protoAbilities(abilities),
    typeParameters: typeParameters.map(({ constraints, is_phantom: isPhantom }) => ({
      constraints: protoAbilities(constraints),
      isPhantom,
    })),
    kind: variants === null ? STRUCT : ENUM,
    fields: protoFields(module, fields ?? []),
    variants: (variants ?? []).map((own, position) => ({
      name: names[position] ?? '',
      position,
      fields: protoFields(module, own),
    })),
  };
}

function packageNamed(ledger: Ledger, packageId: string): { record: PackageRecord; code: PackageCode } {
  const id = fullAddress(packageId);
  const record = ledger.objects.get(id);
  const code = ledger.loader.packageNamed(id);
  if (record?.kind !== 'package' || code === undefined)
    throw new GrpcError(Status.notFound, `Package ${id} not found`);
  return { record, code };
}

function protoPackage(ledger: Ledger, packageId: string): Partial<typeof GrpcTypes.Package> {
  const { record, code } = packageNamed(ledger, packageId);
  const base = protoPackageContents(record);
  const modules = [...record.modules].map(([name, contents]) => {
    const module = ledger.loader.moduleNamed(code.id, name);
    return module === undefined
      ? { name, contents }
      : {
          name,
          contents,
          datatypes: [...module.datatypes.values()].map((one) => protoDatatype(code, module, one)),
          functions: [...module.functions.values()].map(protoFunction),
        };
  });
  return { ...base, modules };
}

/** All versions of the package that `packageId` is a version of, oldest first. */
function versionsOf(ledger: Ledger, packageId: string): PackageRecord[] {
  const { originalId } = packageNamed(ledger, packageId).record;
  return ledger.objects
    .all()
    .filter((record) => record.kind === 'package')
    .filter((record) => record.originalId === originalId)
    .sort((a, b) => (a.version < b.version ? -1 : 1));
}

const SERVICE = 'sui.rpc.v2.MovePackageService';

export const packageService: readonly Method[] = [
  unary(
    `${SERVICE}/GetPackage`,
    GrpcTypes.GetPackageRequest,
    GrpcTypes.GetPackageResponse,
    (ledger, { packageId = '' }) => ({ package: protoPackage(ledger, packageId) }),
  ),
  unary(
    `${SERVICE}/GetDatatype`,
    GrpcTypes.GetDatatypeRequest,
    GrpcTypes.GetDatatypeResponse,
    (ledger, { packageId = '', moduleName = '', name = '' }) => {
      const { code } = packageNamed(ledger, packageId);
      const module = ledger.loader.moduleNamed(code.id, moduleName);
      const found = module?.datatypes.get(name);
      if (module === undefined || found === undefined)
        throw new GrpcError(Status.notFound, `Datatype ${packageId}::${moduleName}::${name} not found`);
      return { datatype: protoDatatype(code, module, found) };
    },
  ),
  unary(
    `${SERVICE}/GetFunction`,
    GrpcTypes.GetFunctionRequest,
    GrpcTypes.GetFunctionResponse,
    (ledger, { packageId = '', moduleName = '', name = '' }) => {
      const found = ledger.loader.moduleNamed(fullAddress(packageId), moduleName)?.functions.get(name);
      if (found === undefined)
        throw new GrpcError(Status.notFound, `Function ${packageId}::${moduleName}::${name} not found`);
      return { function: protoFunction(found) };
    },
  ),
  unary(
    `${SERVICE}/ListPackageVersions`,
    GrpcTypes.ListPackageVersionsRequest,
    GrpcTypes.ListPackageVersionsResponse,
    (ledger, { packageId = '', ...request }) => {
      const keyOf = ({ version }: PackageRecord): string => version.toString().padStart(20, '0');
      const { items, ...next } = page(versionsOf(ledger, packageId), keyOf, request);
      return { versions: items.map(({ id, version }) => ({ packageId: id, version })), ...next };
    },
  ),
];
