import { toHex, type Bytes, type Configuration, type Network, type SuiId } from '@k3s-daas/core';
import { Document, isMap } from 'yaml';

import { CliError } from './errors.ts';
import { toJson } from './output.ts';
import type { Target } from './chain-target.ts';
import { readYaml, writeYaml } from './yaml-file.ts';

/** The package whose Cluster an installation belongs to. */
const CLUSTER_PACKAGE = 'k3s_daas';

/** Where a package is to be, or was, published. */
export interface Place extends Target {
  readonly chainId: string;
}

export interface Deployment {
  /** Name of the package. */
  readonly name: string;
  readonly packageId: SuiId;
  readonly packageDigest: Bytes;
  readonly transaction: string;
  readonly upgradePolicy: 'immutable' | 'timelock' | 'keep';
  readonly upgradeCap: SuiId | null;
}

/** Where the file says that a package is on this chain; null if it does not. */
export async function savedPackage(file: string, name: string, place: Place): Promise<SuiId | null> {
  const document = await readYaml(file);
  if (document === null) return null;
  const path = ['packages', name, place.network];
  if (textAt(document, [...path, 'chainId']) !== place.chainId) return null;
  return textAt(document, [...path, 'package']) ?? null;
}

/** Chains of these networks are many and come and go; the others are one each. */
const SHORT_LIVED: readonly Network[] = ['embedded', 'localnet', 'devnet'];

/**
 * Refuses to let an address of one network take the place of another network's. Addresses of chains of this machine,
 * and of a package that was published again, are replaced.
 */
export async function requireRoom(file: string, names: readonly string[], place: Place): Promise<void> {
  const document = await readYaml(file);
  if (document === null) return;
  for (const name of names) {
    const saved = textAt(document, ['packages', name, place.network, 'chainId']);
    if (saved !== undefined && saved !== place.chainId && !SHORT_LIVED.includes(place.network))
      throw occupied(file, `packages.${name}.${place.network} is of chain ${saved}`, place);
  }
  if (!names.includes(CLUSTER_PACKAGE)) return;
  const chainId = textAt(document, ['cluster', 'chainId']);
  if (chainId !== undefined && chainId !== place.chainId)
    throw occupied(file, `its cluster is on chain ${chainId}`, place);
  const network = textAt(document, ['chain', 'network']);
  if (network !== undefined && network !== place.network)
    throw occupied(file, `its section chain names ${network}`, place);
}

function occupied(file: string, why: string, { network, chainId }: Place): CliError {
  const remedy = 'name another file with --config, or give --force to replace what is there';
  return new CliError('CONFIG_OTHER_NETWORK', `${file}: ${why}, not ${network} (${chainId})`, remedy);
}

/**
 * Writes publications into `daas.yaml`, which keeps its comments and is made if it is missing: each under `packages`,
 * and that of our own package as the cluster's, unless a cluster of an earlier one is there already.
 * @returns what a person should know of it.
 */
export async function recordDeployments(
  file: string,
  deployments: readonly Deployment[],
  place: Place,
  force: boolean,
): Promise<readonly string[]> {
  if (!force)
    await requireRoom(
      file,
      deployments.map(({ name }) => name),
      place,
    );
  const document = (await readYaml(file)) ?? emptyDocument();
  if (!isMap(document.contents)) document.contents = emptyDocument().contents;
  const notes: string[] = [];
  for (const deployment of deployments) {
    const path = ['packages', deployment.name, place.network];
    const before = textAt(document, [...path, 'chainId']);
    if (before !== undefined && before !== place.chainId)
      notes.push(`packages.${deployment.name}.${place.network} was of chain ${before}`);
    document.setIn(path, document.createNode(entryOf(deployment, place)));
    if (deployment.name === CLUSTER_PACKAGE) notes.push(...bindCluster(document, deployment, place, force));
  }
  await writeYaml(file, document);
  return notes;
}

type Entry = NonNullable<NonNullable<Configuration['packages']>[string]['embedded']>;

function entryOf(deployment: Deployment, { chainId }: Place): Entry {
  const { packageId, packageDigest, transaction, upgradePolicy, upgradeCap } = deployment;
  return {
    chainId,
    package: packageId,
    packageDigest: toHex(packageDigest),
    transaction,
    upgradePolicy,
    ...(upgradeCap !== null && { upgradeCap }),
  };
}

/** An existing cluster is of the package that it was created with, so a new package does not take its place. */
function bindCluster(document: Document, { packageId }: Deployment, place: Place, force: boolean): string[] {
  const existing = textAt(document, ['cluster', 'package']);
  if (existing !== undefined && existing !== packageId && !force)
    return [`cluster.package stays ${existing}, which its cluster belongs to (--force replaces it)`];
  document.setIn(['cluster', 'package'], packageId);
  document.setIn(['cluster', 'chainId'], place.chainId);
  document.setIn(['chain', 'network'], place.network);
  document.setIn(['chain', 'url'], place.url);
  const id = textAt(document, ['cluster', 'id']);
  return existing !== undefined && id !== undefined
    ? [`cluster.id ${id} is of the package that was replaced: create a cluster and write its id there`]
    : [];
}

/** What stands at a path, as text; undefined if there is nothing. */
function textAt(document: Document, path: readonly string[]): string | undefined {
  const value = document.getIn(path);
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : toJson(value);
}

function emptyDocument(): Document {
  const document = new Document({ apiVersion: 'k3s-daas.io/v1alpha1', kind: 'DaaSConfiguration' });
  document.commentBefore = ' See docs/configuration.md.';
  return document;
}
