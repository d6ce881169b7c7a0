import { GrpcTypes } from '@mysten/sui/grpc';

import { Ability } from '../vm/layout.ts';
import type { LoadedFunction, LoadedModule } from '../vm/loader.ts';
import type { Token } from '../vm/module-json.ts';
import { fullAddress, type Type } from '../vm/types.ts';
import { GrpcError, Status, unary, type Method } from './method.ts';
import type { Partial } from './proto-objects.ts';

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
    typeParameters: fn.typeParameters.map((mask) => ({
      constraints: ABILITIES.flatMap(([bit, ability]) => ((mask & bit) === 0 ? [] : [ability])),
    })),
    parameters: fn.parameters.map((token) => protoSignature(module, token)),
    returns: fn.returns.map((token) => protoSignature(module, token)),
  };
}

export const packageService: readonly Method[] = [
  unary(
    'sui.rpc.v2.MovePackageService/GetFunction',
    GrpcTypes.GetFunctionRequest,
    GrpcTypes.GetFunctionResponse,
    (ledger, { packageId = '', moduleName = '', name = '' }) => {
      const found = ledger.loader.moduleNamed(fullAddress(packageId), moduleName)?.functions.get(name);
      if (found === undefined)
        throw new GrpcError(Status.notFound, `Function ${packageId}::${moduleName}::${name} not found`);
      return { function: protoFunction(found) };
    },
  ),
];
