import { ExecutionFailure } from '../vm/failure.ts';
import type { Loader, PackageCode } from '../vm/loader.ts';
import type { Address, Type } from '../vm/types.ts';
import type { Linked } from './objects.ts';

/** Which version of a package a call runs with. */
interface Choice {
  readonly id: Address;
  readonly version: bigint;
  readonly exact: boolean;
}

/**
 * The versions a call runs with: the called one, and of its dependencies those it was published with, or newer ones
 * where a type argument comes from there (with what that needs in turn). Code that is not public may only run with the
 * very versions it was published with. As the linkage analysis of sui-adapter does it; throws INVALID_LINKAGE.
 */
export function callLinkage(
  loader: Loader,
  called: PackageCode,
  isPublic: boolean,
  types: readonly Type[],
): ReadonlyMap<Address, Address> {
  const definers = new Set(types.flatMap(addressesOf));
  if (definers.size === 0) return called.linkage;
  const chosen = new Map<Address, Choice>();
  for (const id of called.linkage.values()) choose(chosen, packageOf(loader, id), !isPublic);
  choose(chosen, called, true);
  for (const id of definers) {
    const definer = packageOf(loader, id);
    for (const dependency of definer.linkage.values()) choose(chosen, packageOf(loader, dependency), false);
    choose(chosen, definer, false);
  }
  return new Map([...chosen].map(([original, { id }]) => [original, id]));
}

function choose(
  chosen: Map<Address, Choice>,
  { id, originalId, version }: PackageCode,
  exact: boolean,
): void {
  const before = chosen.get(originalId);
  const newer = before === undefined || version > before.version ? { id, version } : before;
  if (before?.exact === true && newer.id !== before.id) throw conflict(before.id, id);
  if (exact && newer.id !== id) throw conflict(id, newer.id);
  chosen.set(originalId, { id: newer.id, version: newer.version, exact: exact || before?.exact === true });
}

function conflict(exact: Address, other: Address): ExecutionFailure {
  return new ExecutionFailure(
    { kind: 'INVALID_LINKAGE' },
    `Linkage requires exactly ${exact}, and ${other} of the same package`,
  );
}

function packageOf(loader: Loader, id: Address): PackageCode {
  const code = loader.packageNamed(id);
  if (code === undefined) throw missing(`Package ${id} does not exist`);
  return code;
}

/** Addresses of all types inside a type. */
export function addressesOf(type: Type): Address[] {
  if (type.kind === 'vector') return addressesOf(type.element);
  return type.kind === 'datatype' ? [type.address, ...type.args.flatMap(addressesOf)] : [];
}

/**
 * The linkage table of a package to be published: every dependency named, in order of original id. Throws where two
 * versions of one package are named, one is missing, or one is older than a dependency was published with.
 */
export function publicationLinkage(
  loader: Loader,
  direct: ReadonlySet<Address>,
  dependencies: readonly Address[],
): readonly Linked[] {
  const chosen = new Map<Address, Choice>();
  for (const id of dependencies) choose(chosen, packageOf(loader, id), true);
  for (const original of direct) {
    const choice = chosen.get(original);
    if (choice === undefined) throw missing(`Package ${original} is used, but not among the dependencies`);
    checkNotOlder(loader, packageOf(loader, choice.id), chosen);
  }
  return [...chosen]
    .map(([originalId, { id, version }]) => ({ originalId, id, version }))
    .sort((a, b) => (a.originalId < b.originalId ? -1 : 1));
}

function checkNotOlder(loader: Loader, dependency: PackageCode, chosen: ReadonlyMap<Address, Choice>): void {
  for (const [original, id] of dependency.linkage) {
    const ours = chosen.get(original);
    if (ours === undefined)
      throw missing(`Package ${original}, which ${dependency.id} uses, is not among the dependencies`);
    if (ours.version >= packageOf(loader, id).version) continue;
    throw new ExecutionFailure(
      { kind: 'PUBLISH_UPGRADE_DEPENDENCY_DOWNGRADE' },
      `Package ${ours.id} is older than ${id}, which ${dependency.id} was published with`,
    );
  }
}

function missing(message: string): ExecutionFailure {
  return new ExecutionFailure({ kind: 'PUBLISH_UPGRADE_MISSING_DEPENDENCY' }, message);
}
