import { systemClock, type SuiId } from '@k3s-daas/core';
import {
  addressOf,
  createSealPolicy,
  readCluster,
  retireSecrets,
  revokePolicyGrants,
  setPolicyTerms,
  type PolicyRecord,
} from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import { print, type Output } from '../output.ts';
import { keyValues, time } from '../render.ts';
import { requireOwner } from './seal.ts';
import {
  changedTerms,
  describeTerms,
  extension,
  newTerms,
  termWarnings,
  usesLeft,
  withFetchImage,
  type TermOptions,
} from './terms.ts';
import { openOnline, openPolicy, openSigner, requirePolicyId, type SecretOptions } from './world.ts';

export type PolicyOptions = SecretOptions & TermOptions;
export type CreatePolicyOptions = PolicyOptions & {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly serviceAccountUid?: string;
};

const outputOf = ({ json }: SecretOptions): Output => ({ json: json ?? false });

/** `daas secret policy create`: a policy of the signer; prints its id. */
export async function createPolicy(options: CreatePolicyOptions): Promise<void> {
  const online = await openOnline(options.config);
  const actor = await openSigner(online, options.suiKey);
  const { cluster: named } = online.configuration;
  await online.chain.info();
  const cluster = await readCluster(actor.client, named.package, named.id);
  const fetchImage = online.configuration.seal?.image;
  const { terms, notes } = withFetchImage(newTerms(options, cluster, systemClock.now()), fetchImage);
  const { namespace, serviceAccount, serviceAccountUid = null } = options;
  const subject = { namespace, serviceAccount, serviceAccountUid };
  const { policy, digest } = await createSealPolicy(actor, named.id, subject, terms);
  const owner = addressOf(actor.signer);
  const until = `it opens until ${time(Number(terms.notAfterMs))}; longer: ${extension(policy)}`;
  const said = [...notes, until];
  print(outputOf(options), { policy, digest, owner, ...subject, terms, notes: said }, () =>
    [
      policy,
      keyValues([
        ['owner', owner],
        ['namespace', namespace],
        ['service account', serviceAccount],
        ...describeTerms(terms),
      ]),
    ].join('\n'),
  );
  say(said);
}

/** `daas secret policy show`: what a policy asks, what is left of it, and what will soon be used up. */
export async function showPolicy(id: string, options: SecretOptions): Promise<void> {
  const online = await openOnline(options.config);
  const policy = await openPolicy(online, requirePolicyId(id));
  const warnings = termWarnings(policy, online.configuration.seal?.image, systemClock.now());
  print(outputOf(options), { ...policy, usesLeft: usesLeft(policy), warnings }, () => describePolicy(policy));
  say(warnings.map((warning) => `warning: ${warning}`));
}

/** Beside the answer, for people: one line each. */
function say(lines: readonly string[]): void {
  process.stderr.write(lines.map((line) => `${line}\n`).join(''));
}

function describePolicy(policy: PolicyRecord): string {
  const { id, owner, namespace, serviceAccount, serviceAccountUid, version, versionMin, uses } = policy;
  return keyValues([
    ['policy', id],
    ['owner', owner],
    ['namespace', namespace],
    [
      'service account',
      serviceAccountUid === null ? serviceAccount : `${serviceAccount} (${serviceAccountUid})`,
    ],
    ['versions', versionMin === version ? String(version) : `${versionMin} to ${version}`],
    ['pods so far', `${uses}; ${usesLeft(policy)} left`],
    ...describeTerms(policy.terms),
  ]);
}

/** `daas secret policy update`: terms that are not named stay. */
export async function updatePolicy(id: string, options: PolicyOptions): Promise<void> {
  const { online, actor, policy } = await openOwned(id, options);
  const changed = changedTerms(options, policy.terms, systemClock.now());
  const { terms, notes } =
    options.image === undefined
      ? { terms: changed, notes: [] }
      : withFetchImage(changed, online.configuration.seal?.image);
  const { digest } = await setPolicyTerms(actor, { cluster: policy.cluster, policy: policy.id }, terms);
  print(
    outputOf(options),
    { policy: policy.id, digest, terms, notes },
    () => `${policy.id} (${digest})\n${keyValues(describeTerms(terms))}`,
  );
  say(notes);
}

/** `daas secret revoke-grants`: whoever was let in must be let in anew. */
export async function revokeGrants(id: string, options: SecretOptions): Promise<void> {
  const { actor, policy } = await openOwned(id, options);
  const { digest } = await revokePolicyGrants(actor, { cluster: policy.cluster, policy: policy.id });
  print(
    outputOf(options),
    { policy: policy.id, digest },
    () => `every grant of ${policy.id} is void (${digest}); what pods have opened, they have`,
  );
}

/** `daas secret retire`: versions below one open no more. */
export async function retireVersions(
  id: string,
  options: SecretOptions & { readonly below?: string },
): Promise<void> {
  const { actor, policy } = await openOwned(id, options);
  const versionMin = options.below === undefined ? policy.version : parseVersion(options.below);
  if (versionMin <= policy.versionMin || versionMin > policy.version)
    throw new CliError(
      'USAGE',
      `the policy opens versions ${policy.versionMin} to ${policy.version}; there is nothing below ${versionMin} to retire`,
      'rotate first: daas secret rotate',
    );
  const guarded: { cluster: SuiId; policy: SuiId } = { cluster: policy.cluster, policy: policy.id };
  const { digest } = await retireSecrets(actor, guarded, versionMin);
  print(
    outputOf(options),
    { policy: policy.id, digest, versionMin },
    () => `${policy.id} opens nothing older than version ${versionMin} (${digest})`,
  );
}

function parseVersion(text: string): bigint {
  if (/^[1-9]\d{0,18}$/.test(text)) return BigInt(text);
  throw new CliError('USAGE', `${text} is no version`, 'versions count from 1');
}

async function openOwned(id: string, options: SecretOptions) {
  const online = await openOnline(options.config);
  const actor = await openSigner(online, options.suiKey);
  const policy = await openPolicy(online, requirePolicyId(id));
  requireOwner(policy, addressOf(actor.signer));
  return { online, actor, policy };
}
