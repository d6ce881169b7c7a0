import { blake2b } from '@noble/hashes/blake2.js';

import { ExecutionFailure, type UpgradeFault } from '../vm/failure.ts';
import type { Loader, PackageCode } from '../vm/loader.ts';
import { fullAddress, type Address } from '../vm/types.ts';
import { bytesOf, type Value } from '../vm/values.ts';
import { incompatibility, UpgradePolicy } from './compatibility.ts';
import type { ObjectReader } from './objects.ts';
import { deserializeModule, publishPackage, type Published } from './publish.ts';

const POLICIES: readonly number[] = Object.values(UpgradePolicy);

/** `sui::package::UpgradeTicket`. */
export interface UpgradeTicket {
  readonly cap: Address;
  readonly package: Address;
  readonly policy: number;
  readonly digest: Uint8Array;
}

/** `UpgradeTicket { cap: ID, package: ID, policy: u8, digest: vector<u8> }` */
export function ticketOf(value: Value): UpgradeTicket {
  const [[cap], [id], policy, digest] = value as [[string], [string], number, Value];
  return { cap, package: id, policy, digest: bytesOf(digest) };
}

function refuse(fault: UpgradeFault, message: string): ExecutionFailure {
  return new ExecutionFailure({ kind: 'PACKAGE_UPGRADE_ERROR', fault }, message);
}

/** Digest of bytecode and dependencies, in any order (MovePackage::compute_digest_for_modules_and_deps): BLAKE2b-256. */
function packageDigest(modules: readonly Uint8Array[], dependencies: readonly Address[]): Uint8Array {
  const hash = (bytes: Uint8Array): Uint8Array => blake2b(bytes, { dkLen: 32 });
  const ids = dependencies.map((id) => Buffer.from(fullAddress(id).slice(2), 'hex'));
  const parts = [...modules.map((module) => Buffer.from(hash(module))), ...ids];
  return hash(Uint8Array.from(Buffer.concat(parts.sort((a, b) => a.compare(b)))));
}

export interface UpgradeRequest {
  readonly package: Address;
  readonly modules: readonly Uint8Array[];
  readonly dependencies: readonly Address[];
  readonly ticket: UpgradeTicket;
  /** Gives the id of the new version; asked once the ticket holds, as ids are counted. */
  readonly nextId: () => Address;
}

/**
 * Makes the next version of a package: the command `Upgrade` of sui-adapter, in its order of checks. Throws
 * ExecutionFailure and then leaves nothing behind.
 */
export function upgradePackage(loader: Loader, store: ObjectReader, request: UpgradeRequest): Published {
  const { ticket, dependencies } = request;
  if (ticket.package !== request.package) {
    const ids = { packageId: request.package, ticketId: ticket.package };
    throw refuse(
      { kind: 'PACKAGE_ID_DOES_NOT_MATCH', ...ids },
      `The ticket is for package ${ticket.package}`,
    );
  }
  const modules = request.modules.map(deserializeModule);
  const digest = packageDigest(request.modules, dependencies);
  if (!Buffer.from(digest).equals(ticket.digest))
    throw refuse(
      { kind: 'DIGEST_DOES_NOT_MATCH', digest },
      'The ticket is for other modules or dependencies',
    );
  const current = currentPackage(loader, store, request.package);
  const { originalId, version, origins } = current;
  const release = { id: request.nextId(), originalId, version: version + 1n, origins };
  const published = publishPackage(loader, release, modules, dependencies);
  try {
    checkUpgrade(current, published.code, ticket.policy);
  } catch (error) {
    loader.unload([published.code]);
    throw error;
  }
  return published;
}

function currentPackage(loader: Loader, store: ObjectReader, id: Address): PackageCode {
  const current = loader.packageNamed(id);
  if (current !== undefined) return current;
  const kind = store.get(id) === undefined ? 'UNABLE_TO_FETCH_PACKAGE' : 'NOT_A_PACKAGE';
  throw refuse({ kind, packageId: id }, `There is no package ${id}`);
}

function checkUpgrade(before: PackageCode, after: PackageCode, policy: number): void {
  if (!POLICIES.includes(policy))
    throw refuse({ kind: 'UNKNOWN_UPGRADE_POLICY', policy }, `There is no upgrade policy ${policy}`);
  const lost = [...before.origins.keys()].find((datatype) => !after.origins.has(datatype));
  const fault =
    lost === undefined ? incompatibility(policy, before.modules, after.modules) : `type ${lost} is missing`;
  if (fault !== null) throw refuse({ kind: 'INCOMPATIBLE_UPGRADE' }, `Incompatible upgrade: ${fault}`);
}
