import { deserialize, serialize } from '@mysten/move-bytecode-template';

import { ExecutionFailure } from '../vm/failure.ts';
import type { LoadedModule, Loader } from '../vm/loader.ts';
import { at, type ModuleJson } from '../vm/module-json.ts';
import { fullAddress, type Address } from '../vm/types.ts';
import type { ObjectReader, PackageRecord } from './objects.ts';

/** As in Sui's protocol config (max_move_package_size). */
const PACKAGE_BYTES_MAX = 100 * 1024;
const BYTECODE_VERSION = 7;
const ZERO = fullAddress('0x0');

export type NewPackage = Omit<PackageRecord, 'digest' | 'previousTransaction'>;

export interface Published {
  readonly loaded: readonly LoadedModule[];
  readonly record: NewPackage;
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

/** Loads modules that were compiled for address 0x0 under the id of their package. */
export function publishPackage(
  loader: Loader,
  store: ObjectReader,
  id: Address,
  bytecode: readonly Uint8Array[],
  dependencies: readonly string[],
): Published {
  const size = bytecode.reduce((sum, module) => sum + module.length, 0);
  if (size > PACKAGE_BYTES_MAX) {
    const failure = { kind: 'PACKAGE_TOO_BIG', size, sizeMax: PACKAGE_BYTES_MAX } as const;
    throw new ExecutionFailure(failure, `The package has ${size} bytes, the limit is ${PACKAGE_BYTES_MAX}`);
  }
  if (bytecode.length === 0) throw malformed('A package needs at least one module');
  const modules = bytecode.map(deserializeModule);
  for (const module of modules) rename(module, id);
  const names = modules.map(nameOf);
  if (new Set(names).size !== names.length) throw malformed('Two modules have the same name');
  const linked = dependencies.map(fullAddress);
  for (const dependency of linked) {
    if (store.get(dependency)?.kind !== 'package') throw missing(`Package ${dependency} does not exist`);
  }
  let loaded: LoadedModule[] = [];
  try {
    loaded = loader.load(modules);
    for (const module of loaded) checkLinks(module, id, linked);
  } catch (error) {
    loader.unload(loaded);
    if (error instanceof ExecutionFailure) throw error;
    throw malformed(
      `A module does not decode: ${error instanceof Error ? error.message : String(error)}`,
      error,
    );
  }
  return {
    loaded,
    record: packageRecord(
      id,
      loaded,
      modules.map((json) => serialize(json)),
      linked,
    ),
  };
}

/** Puts the package id where the compiler had left 0x0. */
function rename(module: ModuleJson, id: Address): void {
  const self = at(module.module_handles, module.self_module_handle_idx, 'module').address;
  if (fullAddress(at(module.address_identifiers, self, 'address')) !== ZERO) {
    throw new ExecutionFailure(
      { kind: 'PUBLISH_ERROR_NON_ZERO_ADDRESS' },
      'Modules to publish must have address 0x0',
    );
  }
  module.address_identifiers[self] = id.slice(2);
}

function nameOf(module: ModuleJson): string {
  const self = at(module.module_handles, module.self_module_handle_idx, 'module');
  return at(module.identifiers, self.name, 'identifier');
}

/** Every function a module calls must exist in a package it declares. */
function checkLinks(module: LoadedModule, self: Address, dependencies: readonly Address[]): void {
  for (const address of module.dependencies()) {
    if (address !== self && !dependencies.includes(address)) {
      throw missing(`Module ${module.name} uses package ${address}, which is not among the dependencies`);
    }
  }
  for (const index of module.json.function_handles.keys()) module.callee(index);
  // Decodes every body now: one that cannot be decoded must not be published.
  for (const fn of module.functions.values()) at([fn.code], 0, 'function body');
}

function missing(message: string): ExecutionFailure {
  return new ExecutionFailure({ kind: 'PUBLISH_UPGRADE_MISSING_DEPENDENCY' }, message);
}

export function packageRecord(
  id: Address,
  loaded: readonly LoadedModule[],
  bytecode: readonly Uint8Array[],
  dependencies: readonly Address[],
): NewPackage {
  return {
    kind: 'package',
    id,
    version: 1n,
    owner: { kind: 'immutable' },
    modules: new Map(loaded.map((module, index) => [module.name, at(bytecode, index, 'module')])),
    datatypes: loaded.flatMap((module) =>
      [...module.datatypes.keys()].map((name) => [module.name, name] as const),
    ),
    dependencies,
  };
}
