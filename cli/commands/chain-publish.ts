import { isPublicNetwork, systemClock } from '@k3s-daas/core';
import { addressOf, generateAccount, publishCode, type Account, type Chain } from '@k3s-daas/sui-client';

import { configPath, connectTarget, resolveTarget, type TargetOptions } from '../chain-target.ts';
import { userPath } from '../files.ts';
import { recordDeployments, requireRoom, type Deployment, type Place } from '../deployments.ts';
import { CliError } from '../errors.ts';
import { askFaucet } from '../ledger-http.ts';
import { print, toJson, type Output } from '../output.ts';
import { consoleProgress, type Progress } from '../progress.ts';
import { keyValues, mistText, requireAddress } from '../render.ts';
import { createKeyFile, readKeyFile } from '../sui-key.ts';
import { requireWritable } from '../yaml-file.ts';
import {
  choiceOf,
  compileAll,
  describePlan,
  planOf,
  POLICIES,
  policyFor,
  summaryOf,
  TIMELOCK_PACKAGE,
  withTimelock,
  type Plan,
  type UpgradeChoice,
} from './chain-publish-plan.ts';

export interface PublishOptions extends Omit<TargetOptions, 'config'> {
  /** `false`: nothing is written down. */
  readonly config?: string | false;
  readonly all?: boolean;
  readonly keyFile?: string;
  readonly generate?: string;
  readonly address?: string;
  readonly upgradePolicy?: string;
  /** From announcement to upgrade, with `--upgrade-policy timelock`. */
  readonly delay?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

const DEADLINE_MS = 30_000;
/** A coin of the faucet holds at least this, so that the next publication needs no other. */
const FUND_MIST_MIN = 10_000_000_000n;

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
  const named = await progress.step('compile', (detail) => compileAll(dir, options.all === true, detail));
  const { chain, chainId } = await progress.step(`connect to ${target.network}`, () =>
    connectTarget(target, DEADLINE_MS),
  );
  const place: Place = { ...target, chainId };
  const choice = await choiceOf(chain, options.delay, policy, file, place);
  const candidates = await withTimelock(named, choice);
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
    planOf(chain, place, choice, candidates, addressOf(signer)),
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
function policyOf({ upgradePolicy, dryRun }: PublishOptions, isPublic: boolean): UpgradeChoice['policy'] {
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
      'give --upgrade-policy immutable (for good), timelock (announced before) or keep (at will)',
    );
  return found;
}

async function signerOf(
  options: PublishOptions,
  { network }: Place,
  policy: UpgradeChoice['policy'],
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
  { packages, choice, place }: Plan,
  file: string | null,
  progress: Progress,
): Promise<readonly Deployment[]> {
  const deployments: Deployment[] = [];
  let { timelock } = choice;
  for (const { name, compiled } of packages) {
    const policy = policyFor({ ...choice, timelock }, name);
    if (policy === null) throw new Error('the timelock is published first');
    try {
      const published = await progress.step(`publish ${name}`, () =>
        publishCode({ client: chain.client, signer }, compiled, policy),
      );
      deployments.push({
        name,
        packageId: published.packageId,
        packageDigest: compiled.digest,
        transaction: published.digest,
        upgradePolicy: typeof policy === 'string' ? policy : 'timelock',
        upgradeCap: published.upgradeCap,
      });
      if (name === TIMELOCK_PACKAGE) timelock = published.packageId;
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
