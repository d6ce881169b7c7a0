import { parse } from 'yaml';

import { isSuiId, type Configuration, type SuiId } from '@k3s-daas/core';
import { firstPackageId } from '@k3s-daas/seal/registering';
import { parseSealConfig, readSealConfig, type SealConfig } from '@k3s-daas/seal/sealed';
import { connectChain, readPolicy, type Actor, type Chain, type PolicyRecord } from '@k3s-daas/sui-client';

import { loadConfiguration, type LoadedConfiguration } from '../configuration.ts';
import { CliError } from '../errors.ts';
import { readText, userPath } from '../files.ts';
import { readKeyFile } from '../sui-key.ts';

const CONFIG_CHARACTERS_MAX = 1 << 20;

/** Options that all commands of `daas secret` have. */
export interface SecretOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly sealConfig?: string;
  readonly offline?: boolean;
  readonly suiKey?: string;
}

/** A configured cluster and its chain; nothing was asked of it yet. */
export interface Online extends LoadedConfiguration {
  readonly chain: Chain;
}

/** What a person works with: what to seal by, and the chain where there is one. */
export interface SealingWorld {
  readonly seal: SealConfig;
  readonly online: Online | null;
}

export async function openOnline(configFile: string | undefined): Promise<Online> {
  const loaded = await loadConfiguration(configFile);
  const { chain, cluster } = loaded.configuration;
  return { ...loaded, chain: connectChain({ url: chain.url, chainId: cluster.chainId }) };
}

/** The configuration of a cluster, if one is named and may be used. */
async function onlineIfNamed({ config, offline }: SecretOptions): Promise<Online | null> {
  if (offline === true) return null;
  if (config === undefined && process.env['DAAS_CONFIG'] === undefined) return null;
  return await openOnline(config);
}

/**
 * What to seal by: `--seal-config`, DAAS_SEAL_CONFIG, or client.sealConfigFile of daas.yaml; else the chain and the key
 * servers are asked. With `--offline` nothing is asked of anyone.
 */
export async function openSealing(options: SecretOptions): Promise<SealingWorld> {
  const online = await onlineIfNamed(options);
  const file = await sealConfigFile(options, online);
  if (file !== null) {
    const seal = await readSealConfigFile(file);
    const cluster = online?.configuration.cluster.id;
    if (cluster !== undefined && cluster !== seal.cluster)
      throw new CliError(
        'CONFIG_OTHER_NETWORK',
        `${file} is of cluster ${seal.cluster}, daas.yaml of ${cluster}`,
        'name files of one cluster, or give --offline',
      );
    return { seal, online };
  }
  if (online === null)
    throw new CliError(
      'USAGE',
      'it is not said for which cluster to seal',
      'give --seal-config FILE (from `daas secret config`) or set DAAS_SEAL_CONFIG; online, give --config daas.yaml',
    );
  return { seal: await publishedConfig(online), online };
}

async function sealConfigFile(options: SecretOptions, online: Online | null): Promise<string | null> {
  const named = options.sealConfig ?? process.env['DAAS_SEAL_CONFIG'];
  if (named !== undefined) return userPath(named);
  const loaded = online ?? (await offlineConfiguration(options));
  const own = loaded?.configuration.client?.sealConfigFile;
  return own === undefined || loaded === null ? null : loaded.path(own);
}

/** Offline, daas.yaml may still say where the published configuration is. */
async function offlineConfiguration({ config }: SecretOptions): Promise<LoadedConfiguration | null> {
  if (config === undefined && process.env['DAAS_CONFIG'] === undefined) return null;
  return await loadConfiguration(config);
}

async function readSealConfigFile(file: string): Promise<SealConfig> {
  const text = await readText(file);
  if (text.length > CONFIG_CHARACTERS_MAX)
    throw new CliError('USAGE', `${file} is larger than 1 MiB`, 'is it the right file?');
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw new CliError('USAGE', `${file} is not YAML`, 'write it anew with `daas secret config`', { cause });
  }
  return parseSealConfig(value);
}

/** What `daas secret config` publishes: verified by asking the chain and every key server. */
export async function publishedConfig({ chain, configuration }: Online): Promise<SealConfig> {
  const { keyServers, threshold } = sealSection(configuration);
  const { cluster } = configuration;
  await chain.info();
  const packageId = await firstPackageId(chain.client, cluster.package);
  if (packageId === null)
    throw new CliError('NOT_FOUND', `there is no package ${cluster.package}`, 'correct cluster.package');
  return await readSealConfig({
    client: chain.client,
    cluster: cluster.id,
    packageId,
    keyServers,
    threshold,
  });
}

function sealSection({ seal }: Configuration): NonNullable<Configuration['seal']> {
  if (seal !== undefined) return seal;
  throw new CliError(
    'USAGE',
    'the configuration has no section "seal"',
    'add it; docs/configuration.md shows one',
  );
}

/** Whoever signs: `--sui-key FILE`, or client.suiKeyFile. The file must be its owner's alone. */
export async function openSigner(online: Online, suiKey: string | undefined): Promise<Actor> {
  const { chain, configuration, path } = online;
  const own = configuration.client?.suiKeyFile;
  const file = suiKey === undefined ? (own === undefined ? undefined : path(own)) : userPath(suiKey);
  if (file === undefined)
    throw new CliError(
      'USAGE',
      'no key to sign with',
      'give --sui-key FILE with a suiprivkey… text, or set client.suiKeyFile',
    );
  const signer = await readKeyFile(file, undefined);
  return { client: chain.client, signer, packageId: configuration.cluster.package };
}

/** A policy of the configured cluster. @throws CliError POLICY_OTHER, ChainError */
export async function openPolicy({ chain, configuration }: Online, id: SuiId): Promise<PolicyRecord> {
  const { cluster } = configuration;
  await chain.info();
  const policy = await readPolicy(chain.client, cluster.package, id);
  if (policy.cluster === cluster.id) return policy;
  throw new CliError(
    'POLICY_OTHER',
    `policy ${id} is of cluster ${policy.cluster}`,
    `name a policy of cluster ${cluster.id}: daas secret policy create`,
  );
}

/** @throws CliError POLICY_OTHER */
export function requireSubject(
  policy: Pick<PolicyRecord, 'id' | 'namespace' | 'serviceAccount'>,
  { namespace, serviceAccount }: { readonly namespace: string; readonly serviceAccount: string },
): void {
  if (policy.namespace === namespace && policy.serviceAccount === serviceAccount) return;
  throw new CliError(
    'POLICY_OTHER',
    `policy ${policy.id} is for service account ${policy.serviceAccount} in namespace ${policy.namespace}`,
    `name a policy for ${serviceAccount} in ${namespace}: daas secret policy create`,
  );
}

/** @throws CliError POLICY_OTHER for a version that is retired, or not there yet. */
export function requireVersion(
  { version: newest, versionMin }: Pick<PolicyRecord, 'version' | 'versionMin'>,
  version: bigint,
): void {
  if (version >= versionMin && version <= newest) return;
  throw new CliError(
    'POLICY_OTHER',
    `the policy opens versions ${versionMin} to ${newest}, and not ${version}`,
    version < versionMin
      ? 'it is retired: seal again, for the newest'
      : 'leave --secret-version out, or rotate: daas secret rotate',
  );
}

export function requireOnline(online: Online | null): Online {
  if (online !== null) return online;
  throw new CliError('USAGE', 'this needs the chain', 'give --config daas.yaml, and not --offline');
}

export function requirePolicyId(text: string | undefined): SuiId {
  if (text !== undefined && isSuiId(text)) return text;
  throw new CliError(
    'USAGE',
    text === undefined ? 'no policy is named' : `${text} is no id of a policy`,
    'give --policy 0x… in full; daas secret policy create prints it',
  );
}
