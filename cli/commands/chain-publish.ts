import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { systemClock, toHex, type SuiId } from '@k3s-daas/core';
import { compilePackage, moduleName, packageName, type CompiledPackage } from '@k3s-daas/move';
import {
  addressOf,
  estimatePublish,
  generateAccount,
  isPublicNetwork,
  publishCode,
  type Account,
  type Chain,
  type PublishEstimate,
  type UpgradePolicy,
} from '@k3s-daas/sui-client';

import { configPath, connectTarget, resolveTarget, userPath, type TargetOptions } from '../chain-target.ts';
import { recordDeployments, requireRoom, type Deployment, type Place } from '../deployments.ts';
import { CliError } from '../errors.ts';
import { askFaucet } from '../ledger-http.ts';
import { print, toJson, type Output } from '../output.ts';
import { consoleProgress, type Progress } from '../progress.ts';
import { keyValues, mistText, requireAddress, short, table } from '../render.ts';
import { createKeyFile, readKeyFile } from '../sui-key.ts';
import { requireWritable } from '../yaml-file.ts';

export interface PublishOptions extends Omit<TargetOptions, 'config'> {
  /** `false`: nothing is written down. */
  readonly config?: string | false;
  readonly all?: boolean;
  readonly keyFile?: string;
  readonly generate?: string;
  readonly address?: string;
  readonly upgradePolicy?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

const MOVE_DIR = fileURLToPath(new URL('../../sui/move/', import.meta.url));
const OWN_PACKAGE = join(MOVE_DIR, 'daas');
const DEADLINE_MS = 30_000;
const POLICIES: readonly UpgradePolicy[] = ['immutable', 'keep'];
/** A coin of the faucet holds at least this, so that the next publication needs no other. */
const FUND_MIST_MIN = 10_000_000_000n;

interface Candidate {
  readonly name: string;
  readonly dir: string;
  readonly compiled: CompiledPackage;
  readonly modules: readonly { readonly name: string; readonly bytes: number }[];
}

interface Plan {
  readonly place: Place;
  readonly policy: UpgradePolicy;
  readonly sender: SuiId;
  readonly balance: bigint;
  readonly packages: readonly (Candidate & { readonly estimate: PublishEstimate })[];
}

/** compile → connect → check what would be overwritten → key → simulate → show → fund → publish → write down. */
export async function chainPublish(
  output: Output,
  dir: string | undefined,
  options: PublishOptions,
): Promise<void> {
  const progress = consoleProgress(systemClock, (text) => process.stderr.write(text));
  const file = fileOf(options);
  const target = await resolveTarget(targetOptions(options), file);
  const policy = policyOf(options, isPublicNetwork(target.network));
  const candidates = await progress.step('compile', (detail) =>
    compileAll(dir, options.all === true, detail),
  );
  const { chain, chainId } = await progress.step(`connect to ${target.network}`, () =>
    connectTarget(target, DEADLINE_MS),
  );
  const place: Place = { ...target, chainId };
  if (file !== null && options.dryRun !== true) {
    await requireWritable(file);
    if (options.force !== true)
      await requireRoom(
        file,
        candidates.map(({ name }) => name),
        place,
      );
  }
  const signer = await signerOf(options, place, policy);
  const plan = await progress.step('simulate', () =>
    planOf(chain, place, policy, candidates, addressOf(signer)),
  );
  if (!output.json) process.stderr.write(`\n${describePlan(plan)}\n\n`);
  if (options.dryRun === true) {
    print(output, { ...summaryOf(plan), dryRun: true }, () => 'nothing was published (--dry-run)');
    return;
  }
  await requireFunds(plan, progress);
  const deployments = await publishAll(chain, signer, plan, file, progress);
  const notes = file === null ? [] : await writeDown(file, deployments, plan.place, options.force === true);
  print(output, { ...summaryOf(plan), dryRun: false, deployments, config: file, notes }, () =>
    describeResult(deployments, file, notes),
  );
}

function targetOptions({ network, url, config }: PublishOptions): TargetOptions {
  return {
    ...(network !== undefined && { network }),
    ...(url !== undefined && { url }),
    ...(typeof config === 'string' && { config }),
  };
}

function fileOf({ config }: PublishOptions): string | null {
  if (config === false) return null;
  return configPath(config === undefined ? {} : { config });
}

/** Both choices are hard to take back, so on a public network there is no default. */
function policyOf({ upgradePolicy, dryRun }: PublishOptions, isPublic: boolean): UpgradePolicy {
  const found = POLICIES.find((policy) => policy === (upgradePolicy ?? 'immutable'));
  if (found === undefined)
    throw new CliError(
      'USAGE',
      `${String(upgradePolicy)} is no upgrade policy`,
      `choose one of ${POLICIES.join(', ')}`,
    );
  if (isPublic && upgradePolicy === undefined && dryRun !== true)
    throw new CliError(
      'USAGE',
      'on a public network it has to be said what becomes of the right to upgrade',
      'give --upgrade-policy immutable (for good; key servers rely on it) or --upgrade-policy keep',
    );
  return found;
}

async function compileAll(
  dir: string | undefined,
  all: boolean,
  detail: (message: string) => void,
): Promise<readonly Candidate[]> {
  if (all && dir !== undefined)
    throw new CliError('USAGE', '--all and DIR exclude each other', 'leave one out');
  const dirs = all ? await ownPackages() : [dir === undefined ? OWN_PACKAGE : userPath(dir)];
  const candidates: Candidate[] = [];
  for (const one of dirs) {
    const name = await packageName(one);
    detail(name);
    const compiled = await compilePackage({ dir: one, progress: detail });
    const modules = compiled.modules.map((code) => ({ name: moduleName(code), bytes: code.length }));
    candidates.push({ name, dir: one, compiled, modules });
  }
  return candidates;
}

/** Folders of sui/move that hold a Move.toml. */
async function ownPackages(): Promise<string[]> {
  const entries = await readdir(MOVE_DIR, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(MOVE_DIR, name));
  const found: string[] = [];
  for (const folder of folders.sort()) if ((await readdir(folder)).includes('Move.toml')) found.push(folder);
  return found;
}

async function signerOf(
  options: PublishOptions,
  { network }: Place,
  policy: UpgradePolicy,
): Promise<Account> {
  const { keyFile, generate, dryRun } = options;
  const address = options.address === undefined ? undefined : requireAddress(options.address);
  if (keyFile !== undefined && generate !== undefined)
    throw new CliError('USAGE', '--key-file and --generate exclude each other', 'leave one out');
  if (keyFile !== undefined) return await readKeyFile(userPath(keyFile), address);
  if (generate !== undefined && dryRun !== true) return await createKeyFile(userPath(generate));
  // Nothing is signed, or nothing is left that the key would be needed for.
  if (dryRun === true || (network === 'embedded' && policy === 'immutable')) return generateAccount();
  throw new CliError(
    'USAGE',
    network === 'embedded'
      ? 'a key that is forgotten cannot keep the UpgradeCap'
      : `no key to publish to ${network} with`,
    'give --key-file FILE (a suiprivkey… text or sui.keystore, mode 600), or --generate FILE for a new one',
  );
}

async function planOf(
  chain: Chain,
  place: Place,
  policy: UpgradePolicy,
  candidates: readonly Candidate[],
  sender: SuiId,
): Promise<Plan> {
  const packages: (Candidate & { estimate: PublishEstimate })[] = [];
  for (const candidate of candidates) {
    const estimate = await estimatePublish(chain.client, sender, candidate.compiled, policy);
    packages.push({ ...candidate, estimate });
  }
  const { balance } = await chain.client.core.getBalance({ owner: sender });
  return { place, policy, sender, balance: BigInt(balance.balance), packages };
}

async function requireFunds({ place, sender, balance, packages }: Plan, progress: Progress): Promise<void> {
  const needed = packages.reduce((sum, { estimate }) => sum + estimate.budget, 0n);
  if (balance >= needed) return;
  if (place.network === 'embedded') {
    const mist = needed > FUND_MIST_MIN ? needed : FUND_MIST_MIN;
    await progress.step('fund from the faucet', () => askFaucet(place, sender, mist));
    return;
  }
  const how = {
    localnet: `daas chain faucet ${sender} --url ${place.url}`,
    devnet: `open https://faucet.sui.io/?network=devnet&address=${sender}`,
    testnet: `open https://faucet.sui.io/?network=testnet&address=${sender}`,
    mainnet: `send SUI to ${sender}`,
  }[place.network];
  throw new CliError(
    'GAS_INSUFFICIENT',
    `${sender} has ${mistText(balance)} on ${place.network}, and the publication needs a budget of ${mistText(needed)}`,
    `${how}; then call this again, with --key-file`,
  );
}

/** One after the other: they are paid from the same coins. What was published before one fails is written down. */
async function publishAll(
  chain: Chain,
  signer: Account,
  { packages, policy, place }: Plan,
  file: string | null,
  progress: Progress,
): Promise<readonly Deployment[]> {
  const deployments: Deployment[] = [];
  for (const { name, compiled } of packages) {
    try {
      const published = await progress.step(`publish ${name}`, () =>
        publishCode({ client: chain.client, signer }, compiled, policy),
      );
      deployments.push({
        name,
        packageId: published.packageId,
        packageDigest: compiled.digest,
        transaction: published.digest,
        upgradePolicy: policy,
        upgradeCap: published.upgradeCap,
      });
    } catch (error) {
      if (file !== null && deployments.length > 0) await writeDown(file, deployments, place, true);
      throw error;
    }
  }
  return deployments;
}

/** What is on chain must not be lost because a file could not be written. */
async function writeDown(
  file: string,
  deployments: readonly Deployment[],
  place: Place,
  force: boolean,
): Promise<readonly string[]> {
  try {
    return await recordDeployments(file, deployments, place, force);
  } catch (cause) {
    throw new CliError(
      'CONFIG_UNWRITABLE',
      `published, and not written into ${file}: ${toJson(deployments)}`,
      'keep this message, and write the addresses into daas.yaml by hand',
      { cause },
    );
  }
}

function summaryOf({ place, policy, sender, balance, packages }: Plan): object {
  return {
    ...place,
    sender,
    balance,
    upgradePolicy: policy,
    packages: packages.map(({ name, dir, modules, compiled, estimate }) => ({
      name,
      dir,
      modules,
      digest: compiled.digest,
      dependencies: compiled.dependencies,
      estimate,
    })),
  };
}

function describePlan({ place, policy, sender, balance, packages }: Plan): string {
  const parts = [
    keyValues([
      ['network', `${place.network} at ${place.url}`],
      ['chain id', place.chainId],
      ['sender', `${sender} (${mistText(balance)})`],
      [
        'upgrades',
        policy === 'immutable'
          ? 'never: the package is made immutable'
          : 'by the sender, who keeps the UpgradeCap',
      ],
    ]),
  ];
  for (const { name, dir, modules, compiled, estimate } of packages) {
    const bytes = modules.reduce((sum, module) => sum + module.bytes, 0);
    parts.push(
      keyValues([
        ['package', `${name} (${dir})`],
        ['digest', toHex(compiled.digest)],
        ['links', compiled.dependencies.map(short).join(', ')],
        ['costs', `about ${mistText(estimate.cost)}, with a budget of ${mistText(estimate.budget)}`],
      ]),
      table(['module', 'bytes'], [...modules.map((module) => [module.name, module.bytes]), ['all', bytes]]),
    );
  }
  return parts.join('\n');
}

function describeResult(
  deployments: readonly Deployment[],
  file: string | null,
  notes: readonly string[],
): string {
  const lines = deployments.map(({ name, packageId, transaction, upgradeCap }) =>
    keyValues([
      ['package', `${name} ${packageId}`],
      ['transaction', transaction],
      ['upgrade cap', upgradeCap ?? 'none: immutable'],
    ]),
  );
  const written = file === null ? [] : [`written into ${file}`];
  return [...lines, ...written, ...notes.map((note) => `note: ${note}`)].join('\n');
}
