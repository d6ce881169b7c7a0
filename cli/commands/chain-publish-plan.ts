import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { toHex, type SuiId } from '@k3s-daas/core';
import { compilePackage, moduleName, packageName, type CompiledPackage } from '@k3s-daas/move';
import {
  estimatePublish,
  inspectPackage,
  type Chain,
  type PublishEstimate,
  type UpgradePolicy,
} from '@k3s-daas/sui-client';

import { userPath } from '../files.ts';
import { savedPackage, type Place } from '../deployments.ts';
import { CliError } from '../errors.ts';
import { durationMs, keyValues, mistText, requireAddress, short, table } from '../render.ts';

const MOVE_DIR = fileURLToPath(new URL('../../sui/move/', import.meta.url));
const OWN_PACKAGE = join(MOVE_DIR, 'daas');
const TIMELOCK_DIR = join(MOVE_DIR, 'upgrades');
export const TIMELOCK_PACKAGE = 'k3s_daas_upgrades';
export const POLICIES = ['immutable', 'timelock', 'keep'] as const;
const DELAY = '7d';
const DAY_MS = 86_400_000n;
/** As timelock.move has it. */
const DELAY_MS_MIN = DAY_MS;
const DELAY_MS_MAX = 365n * DAY_MS;

/** What was asked for. With a timelock, its package may have to be published first. */
export interface UpgradeChoice {
  readonly policy: (typeof POLICIES)[number];
  readonly delayMs: bigint;
  /** Id of the timelock package, if it is on this chain. */
  readonly timelock: SuiId | null;
}

interface Candidate {
  readonly name: string;
  readonly dir: string;
  readonly compiled: CompiledPackage;
  readonly modules: readonly { readonly name: string; readonly bytes: number }[];
}

export interface Plan {
  readonly place: Place;
  readonly choice: UpgradeChoice;
  readonly sender: SuiId;
  readonly balance: bigint;
  readonly packages: readonly (Candidate & { readonly estimate: PublishEstimate })[];
}

/** Finds the timelock that is on this chain already, as the configuration says. */
export async function choiceOf(
  chain: Chain,
  delay: string | undefined,
  policy: UpgradeChoice['policy'],
  file: string | null,
  place: Place,
): Promise<UpgradeChoice> {
  if (delay !== undefined && policy !== 'timelock')
    throw new CliError('USAGE', '--delay is for --upgrade-policy timelock', 'leave one out');
  const delayMs = durationMs(delay ?? DELAY);
  if (delayMs < DELAY_MS_MIN || delayMs > DELAY_MS_MAX)
    throw new CliError('USAGE', 'the delay is out of range', 'give --delay from 1d to 365d');
  const saved =
    policy === 'timelock' && file !== null ? await savedPackage(file, TIMELOCK_PACKAGE, place) : null;
  if (saved !== null) await inspectPackage(chain, requireAddress(saved));
  return { policy, delayMs, timelock: saved };
}

/** The timelock comes first, since the others are locked in it, and is itself immutable. */
export async function withTimelock(
  named: readonly Candidate[],
  choice: UpgradeChoice,
): Promise<readonly Candidate[]> {
  const others = named.filter(({ name }) => name !== TIMELOCK_PACKAGE);
  if (choice.policy !== 'timelock' || choice.timelock !== null) return named;
  const own = named.find(({ name }) => name === TIMELOCK_PACKAGE);
  return [own ?? (await compileOne(TIMELOCK_DIR, () => undefined)), ...others];
}

/** Null while the timelock is not published. */
export function policyFor({ policy, delayMs, timelock }: UpgradeChoice, name: string): UpgradePolicy | null {
  if (policy !== 'timelock') return policy;
  if (name === TIMELOCK_PACKAGE) return 'immutable';
  return timelock === null ? null : { timelock, delayMs };
}

/** The package in `dir`, or ours, or all of ours. */
export async function compileAll(
  dir: string | undefined,
  all: boolean,
  detail: (message: string) => void,
): Promise<readonly Candidate[]> {
  if (all && dir !== undefined)
    throw new CliError('USAGE', '--all and DIR exclude each other', 'leave one out');
  const dirs = all ? await ownPackages() : [dir === undefined ? OWN_PACKAGE : userPath(dir)];
  const candidates: Candidate[] = [];
  for (const one of dirs) candidates.push(await compileOne(one, detail));
  return candidates;
}

async function compileOne(dir: string, detail: (message: string) => void): Promise<Candidate> {
  const name = await packageName(dir);
  detail(name);
  const compiled = await compilePackage({ dir, progress: detail });
  const modules = compiled.modules.map((code) => ({ name: moduleName(code), bytes: code.length }));
  return { name, dir, compiled, modules };
}

/** Folders of sui/move that hold a Move.toml. */
async function ownPackages(): Promise<string[]> {
  const entries = await readdir(MOVE_DIR, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(MOVE_DIR, name));
  const found: string[] = [];
  for (const folder of folders.sort()) if ((await readdir(folder)).includes('Move.toml')) found.push(folder);
  return found;
}

/** Simulates each publication on the node itself. */
export async function planOf(
  chain: Chain,
  place: Place,
  choice: UpgradeChoice,
  candidates: readonly Candidate[],
  sender: SuiId,
): Promise<Plan> {
  const packages: (Candidate & { estimate: PublishEstimate })[] = [];
  for (const candidate of candidates) {
    // A lock that is not there yet cannot be tried; keeping the cap costs about the same.
    const policy = policyFor(choice, candidate.name) ?? 'keep';
    const estimate = await estimatePublish(chain.client, sender, candidate.compiled, policy);
    packages.push({ ...candidate, estimate });
  }
  const { balance } = await chain.client.core.getBalance({ owner: sender });
  return { place, choice, sender, balance: BigInt(balance.balance), packages };
}

/** For --json. */
export function summaryOf({ place, choice, sender, balance, packages }: Plan): object {
  return {
    ...place,
    sender,
    balance,
    upgradePolicy: choice.policy,
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

/** For a person. */
export function describePlan({ place, choice, sender, balance, packages }: Plan): string {
  const parts = [
    keyValues([
      ['network', `${place.network} at ${place.url}`],
      ['chain id', place.chainId],
      ['sender', `${sender} (${mistText(balance)})`],
      ['upgrades', describeChoice(choice)],
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

function describeChoice({ policy, delayMs, timelock }: UpgradeChoice): string {
  switch (policy) {
    case 'immutable':
      return 'never: the package is made immutable';
    case 'keep':
      return 'by the sender at will, who keeps the UpgradeCap';
    case 'timelock':
      return `by the sender, ${delayMs / 3_600_000n} h after they are announced; locked in ${timelock ?? 'the package published first'}`;
  }
}
