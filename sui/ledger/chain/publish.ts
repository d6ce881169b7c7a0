import { deserialize, serialize } from '@mysten/move-bytecode-template';

import { ExecutionFailure } from '../vm/failure.ts';
import { datatypeNames, moduleAddress, moduleName, type Loader, type PackageCode } from '../vm/loader.ts';
import { at, type ModuleJson } from '../vm/module-json.ts';
import { fullAddress, type Address } from '../vm/types.ts';
import { publicationLinkage } from './linkage.ts';
import type { PackageRecord, TypeOrigin } from './objects.ts';

/** As in Sui's protocol config (max_move_package_size). */
const PACKAGE_BYTES_MAX = 100 * 1024;
const BYTECODE_VERSION = 7;
const ZERO = fullAddress('0x0');
const ID_BYTES = 32;
const VERSION_BYTES = 8;

export type NewPackage = Omit<PackageRecord, 'digest' | 'previousTransaction'>;

/** A package about to be stored: what the loader runs and what the store keeps. */
export interface Published {
  readonly code: PackageCode;
  readonly record: NewPackage;
}

/** Which version of which package new bytecode becomes. */
export interface Release {
  readonly id: Address;
  readonly originalId: Address;
  readonly version: bigint;
  /** Where the types of the version before were defined, by `module::Datatype`. */
  readonly origins: ReadonlyMap<string, Address>;
}

export function deserializeModule(bytes: Uint8Array): ModuleJson {
  try {
    const json = deserialize(bytes) as ModuleJson;
    if (json.version !== BYTECODE_VERSION)
      throw new Error(`bytecode version ${json.version}, expected ${BYTECODE_VERSION}`);
    return json;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw malformed(`A module does not deserialize: ${reason}`, cause);
  }
}

function malformed(message: string, cause?: unknown): ExecutionFailure {
  return new ExecutionFailure({ kind: 'VM_VERIFICATION_OR_DESERIALIZATION_ERROR' }, message, { cause });
}

/**
 * Loads modules that were compiled for address 0x0 as a version of a package. Their own address becomes the original
 * id, as on Sui; the loader holds the package from here on. Throws ExecutionFailure and then leaves nothing behind.
 */
export function publishPackage(
  loader: Loader,
  release: Release,
  modules: readonly ModuleJson[],
  dependencies: readonly string[],
): Published {
  if (modules.length === 0) throw malformed('A package needs at least one module');
  for (const module of modules) rename(module, release.originalId);
  const names = modules.map(moduleName);
  if (new Set(names).size !== names.length) throw malformed('Two modules have the same name');
  const record = packageRecord(loader, release, modules, dependencies.map(fullAddress));
  const size = packageSize(record);
  if (size > PACKAGE_BYTES_MAX) {
    const failure = { kind: 'PACKAGE_TOO_BIG', size, sizeMax: PACKAGE_BYTES_MAX } as const;
    throw new ExecutionFailure(failure, `The package has ${size} bytes, the limit is ${PACKAGE_BYTES_MAX}`);
  }
  const code = packageCode(record, modules);
  try {
    for (const module of loader.add(code).modules.values()) module.checkLinks();
  } catch (error) {
    loader.unload([code]);
    if (error instanceof ExecutionFailure) throw error;
    throw malformed(
      `A module does not decode: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
  return { code, record };
}

/** Puts the original id where the compiler had left 0x0. */
function rename(module: ModuleJson, originalId: Address): void {
  if (moduleAddress(module) !== ZERO) {
    throw new ExecutionFailure(
      { kind: 'PUBLISH_ERROR_NON_ZERO_ADDRESS' },
      'Modules to publish must have address 0x0',
    );
  }
  const self = at(module.module_handles, module.self_module_handle_idx, 'module').address;
  module.address_identifiers[self] = originalId.slice(2);
}

function packageRecord(
  loader: Loader,
  { id, originalId, version, origins }: Release,
  modules: readonly ModuleJson[],
  dependencies: readonly Address[],
): NewPackage {
  const named = modules.flatMap(({ module_handles, address_identifiers }) =>
    module_handles.map(({ address }) => fullAddress(at(address_identifiers, address, 'address'))),
  );
  const direct = new Set(named.filter((address) => address !== originalId));
  const typeOrigins = modules.flatMap(datatypeNames).map((datatype): TypeOrigin => {
    const [module = '', name = ''] = datatype.split('::');
    return { module, name, definingId: origins.get(datatype) ?? id };
  });
  return {
    kind: 'package',
    id,
    version,
    owner: { kind: 'immutable' },
    originalId,
    modules: new Map(modules.map((module) => [moduleName(module), serialize(module)])),
    typeOrigins,
    linkage: publicationLinkage(loader, direct, dependencies),
  };
}

/** Bytes of a package as Sui counts them against its limit (MovePackage::size). */
function packageSize({ modules, typeOrigins, linkage }: NewPackage): number {
  const code = [...modules].reduce((sum, [name, bytes]) => sum + name.length + bytes.length, 0);
  const types = typeOrigins.reduce(
    (sum, { module, name }) => sum + module.length + name.length + ID_BYTES,
    0,
  );
  return VERSION_BYTES + code + types + linkage.length * (ID_BYTES + ID_BYTES + VERSION_BYTES);
}

/** What the loader needs of a stored package; `modules` where they are deserialized already. */
export function packageCode(record: NewPackage, modules?: readonly ModuleJson[]): PackageCode {
  const { id, originalId, version, linkage, typeOrigins } = record;
  return {
    id,
    originalId,
    version,
    modules: modules ?? [...record.modules.values()].map(deserializeModule),
    linkage: new Map(linkage.map((one) => [one.originalId, one.id])),
    origins: new Map(typeOrigins.map(({ module, name, definingId }) => [`${module}::${name}`, definingId])),
  };
}

/** The record of a package of the framework, which lies at its own id and links to the ids it names. */
export function frameworkRecord(
  id: Address,
  modules: readonly { readonly bytes: Uint8Array; readonly json: ModuleJson }[],
  dependencies: readonly Address[],
): NewPackage {
  return {
    kind: 'package',
    id,
    version: 1n,
    owner: { kind: 'immutable' },
    originalId: id,
    modules: new Map(modules.map(({ bytes, json }) => [moduleName(json), bytes])),
    typeOrigins: modules
      .flatMap(({ json }) => datatypeNames(json))
      .map((datatype) => {
        const [module = '', name = ''] = datatype.split('::');
        return { module, name, definingId: id };
      }),
    linkage: dependencies.map((one) => ({ originalId: one, id: one, version: 1n })),
  };
}
