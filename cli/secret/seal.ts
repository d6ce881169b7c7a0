import { REFRESH_ANNOTATION, systemClock, type SealIdentity, type SuiId } from '@k3s-daas/core';
import { sealValues, signSealedVersion, type SealConfig } from '@k3s-daas/seal/sealed';
import { addressOf, rotateSecrets, type Account, type PolicyRecord } from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import { toJson } from '../output.ts';
import { keyValues } from '../render.ts';
import { fileOnlyValues, type FileOnly } from './environment.ts';
import {
  MANIFEST_BYTES_MAX,
  parsePlainSecret,
  renderManifest,
  requireContent,
  requireType,
  sealedManifest,
  type PlainSecret,
} from './manifest.ts';
import { addValue, readSources, readValue, stdinOnce, type Sources } from './sources.ts';
import { termWarnings } from './terms.ts';
import {
  openPolicy,
  openSealing,
  openSigner,
  requireOnline,
  requirePolicyId,
  requireSubject,
  requireVersion,
  type SealingWorld,
  type SecretOptions,
} from './world.ts';

export interface SealOptions extends SecretOptions, Partial<Sources> {
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly policy?: string;
  readonly secretVersion?: string;
  readonly threshold?: string;
  readonly type?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly output: 'yaml' | 'json';
}

/** A rotation needs the chain, and takes the version after the newest. */
export type RotateOptions = Omit<SealOptions, 'offline' | 'secretVersion'>;

/** `daas secret seal`: prints a Secret of ciphertext, and on standard error what is bound to what. */
export async function sealSecret(name: string | undefined, options: SealOptions): Promise<void> {
  const plain = await readPlain(name, options);
  const policyId = requirePolicyId(options.policy);
  const world = await openSealing(options);
  const policy = world.online === null ? null : await openPolicy(world.online, policyId);
  const version = versionFor(options.secretVersion, policy);
  const identity = identityFor(world.seal, policyId, plain, options.serviceAccount, policy, version);
  deliver(await prepare(world, plain, identity, options, { policy, signer: null }), options);
}

/**
 * `daas secret rotate`: begins the next version on chain, with values that are sealed to it and signed by the policy's owner.
 * Whatever can be wrong is found before: a version that was begun is never given back.
 * @throws CliError POLICY_ROTATED if somebody else rotated meanwhile; nothing is printed then.
 */
export async function rotateSecret(name: string | undefined, options: RotateOptions): Promise<void> {
  const plain = await readPlain(name, options);
  const policyId = requirePolicyId(options.policy);
  const world = await openSealing(options);
  const online = requireOnline(world.online);
  const actor = await openSigner(online, options.suiKey);
  const policy = await openPolicy(online, policyId);
  requireOwner(policy, addressOf(actor.signer));
  const next = policy.version + 1n;
  const identity = identityFor(world.seal, policyId, plain, options.serviceAccount, policy, next);
  const prepared = await prepare(world, plain, identity, options, { policy, signer: actor.signer });
  const { version, digest } = await rotateSecrets(actor, { cluster: policy.cluster, policy: policyId });
  process.stderr.write(`policy ${policyId} is at version ${version} (${digest})\n`);
  if (version !== next)
    throw new CliError(
      'POLICY_ROTATED',
      `somebody else rotated the policy at the same time: version ${next} is theirs, and nothing is sealed to version ${version}`,
      'ask the others with the owner’s key which values are to count, and then rotate again: versions may be left out',
    );
  deliver(prepared, options);
}

/** All that is said and printed of a sealed Secret. */
interface Prepared {
  readonly manifest: object;
  readonly bound: Bound;
  readonly policyChecked: boolean;
  readonly warnings: readonly FileOnly[];
  /** What will soon let nobody in, or does so already. */
  readonly policyWarnings: readonly string[];
  readonly next: string | null;
}

async function prepare(
  { seal, online }: SealingWorld,
  plain: PlainSecret,
  identity: SealIdentity,
  options: SealOptions,
  by: { readonly policy: PolicyRecord | null; readonly signer: Account | null },
): Promise<Prepared> {
  const threshold = thresholdFor(options.threshold, seal);
  const request = { identity, secret: plain.name, values: plain.values, threshold };
  const sealed = await sealValues(seal, request);
  const digests = new Map([...sealed].map(([key, { digest }]) => [key, digest]));
  const version = { ...identity, secret: plain.name, digests };
  const signature = by.signer === null ? null : await signSealedVersion(by.signer, version);
  const image = online?.configuration.seal?.image;
  return {
    manifest: sealedManifest(plain, sealed, signature),
    bound: boundTo(seal, plain, identity, threshold, signature !== null),
    policyChecked: online !== null,
    warnings: fileOnlyValues(plain.values),
    policyWarnings: by.policy === null ? [] : termWarnings(by.policy, image, systemClock.now()),
    next: signature === null ? null : nextStep(identity),
  };
}

/** The manifest on standard output, all else on standard error. */
function deliver(prepared: Prepared, options: SealOptions): void {
  const { manifest, bound, policyChecked, warnings, policyWarnings, next } = prepared;
  const json = options.json === true;
  const warned = [
    ...warnings.map(({ warning }) => warning),
    ...policyWarnings.map((warning) => `policy ${bound.policy}: ${warning}`),
  ];
  process.stderr.write(
    json
      ? `${toJson({ bound, policyChecked, warnings, policyWarnings, ...(next !== null && { next }) })}\n`
      : [
          `${describe(bound)}\n${policyChecked ? '' : UNCHECKED}`,
          ...warned.map((warning) => `warning: ${warning}\n`),
        ].join(''),
  );
  process.stdout.write(renderManifest(manifest, options.output));
  if (!json && next !== null) process.stderr.write(`${next}\n`);
}

/** A sealed value is opened when a pod starts: what runs keeps the old one. */
function nextStep({ namespace }: SealIdentity): string {
  return (
    `Once it is applied: pods without the annotation ${REFRESH_ANNOTATION}, and variables of all, take it with ` +
    `\`kubectl rollout restart -n ${namespace} deployment/NAME\``
  );
}

const UNCHECKED =
  'The policy was not looked up (offline): if it is of another namespace or service account, no pod opens this.\n';

interface Bound {
  readonly policy: SuiId;
  readonly version: bigint;
  readonly cluster: SuiId;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly secret: string;
  readonly keys: readonly string[];
  readonly keyServers: readonly {
    readonly name: string;
    readonly objectId: SuiId;
    readonly weight: number;
  }[];
  readonly threshold: number;
  readonly signed: boolean;
}

function boundTo(
  seal: SealConfig,
  plain: PlainSecret,
  identity: SealIdentity,
  threshold: number,
  signed: boolean,
): Bound {
  return {
    ...identity,
    secret: plain.name,
    keys: [...plain.values.keys()],
    keyServers: seal.keyServers.map(({ name, objectId, weight }) => ({ name, objectId, weight })),
    threshold,
    signed,
  };
}

function describe(bound: Bound): string {
  const servers = bound.keyServers.map(({ name, objectId, weight }) =>
    weight === 1 ? `${name} ${objectId}` : `${name} ${objectId} (weight ${weight})`,
  );
  return [
    'Sealed. It opens only with all of this:',
    keyValues([
      ['  policy', bound.policy],
      ['  version', `${bound.version}${bound.signed ? ', signed by the policy’s owner' : ''}`],
      ['  cluster', bound.cluster],
      ['  namespace', bound.namespace],
      ['  service account', bound.serviceAccount],
      ['  Secret', bound.secret],
      ['  keys', bound.keys.join(', ')],
      [
        '  key servers',
        `${bound.threshold} of ${bound.keyServers.reduce((sum, { weight }) => sum + weight, 0)}`,
      ],
      ...servers.map((server): [string, string] => ['', server]),
    ]),
  ].join('\n');
}

/** From options, or from a Secret on standard input if no value is named. */
async function readPlain(name: string | undefined, options: SealOptions): Promise<PlainSecret> {
  const stdin = stdinOnce(MANIFEST_BYTES_MAX);
  const { fromLiteral = [], fromFile = [], fromEnvFile = [], cert, key } = options;
  const given = fromLiteral.length + fromFile.length + fromEnvFile.length > 0 || (cert ?? key) !== undefined;
  if (!given) {
    const piped = parsePlainSecret(Buffer.from(await stdin()).toString('utf8'));
    if (name !== undefined && name !== piped.name)
      throw new CliError('USAGE', `the Secret is named ${piped.name}, not ${name}`, 'leave the name out');
    const { namespace } = options;
    if (namespace !== undefined && piped.namespace !== undefined && namespace !== piped.namespace)
      throw new CliError('USAGE', `the Secret is of namespace ${piped.namespace}`, 'leave --namespace out');
    requireContent(piped);
    return { ...piped, namespace: piped.namespace ?? namespace };
  }
  if (name === undefined || !/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/.test(name))
    throw new CliError(
      'USAGE',
      'the name of the Secret is no DNS subdomain',
      'give it: daas secret seal NAME …',
    );
  const values = await readSources({ fromLiteral, fromFile, fromEnvFile }, stdin);
  if (cert !== undefined) addValue(values, 'tls.crt', await readValue(cert, stdin));
  if (key !== undefined) addValue(values, 'tls.key', await readValue(key, stdin));
  const type = requireType(options.type ?? ((cert ?? key) === undefined ? 'Opaque' : 'kubernetes.io/tls'));
  requireContent({ type, values });
  return {
    name,
    namespace: options.namespace,
    labels: {},
    annotations: {},
    type,
    immutable: undefined,
    values,
  };
}

/** What is left out is taken from the policy, where that can be read; what is given must be the policy's. */
function identityFor(
  seal: SealConfig,
  policy: SuiId,
  plain: PlainSecret,
  account: string | undefined,
  record: PolicyRecord | null,
  version: bigint,
): SealIdentity {
  const namespace = plain.namespace ?? record?.namespace;
  const serviceAccount = account ?? record?.serviceAccount;
  if (namespace === undefined) throw missing('namespace');
  if (serviceAccount === undefined) throw missing('service-account');
  if (record !== null) requireSubject(record, { namespace, serviceAccount });
  return { policy, cluster: seal.cluster, namespace, serviceAccount, version };
}

function versionFor(text: string | undefined, policy: PolicyRecord | null): bigint {
  if (text === undefined) return policy?.version ?? 1n;
  if (!/^[1-9]\d{0,18}$/.test(text))
    throw new CliError('USAGE', `${text} is no version`, 'versions count from 1');
  const version = BigInt(text);
  if (policy !== null) requireVersion(policy, version);
  return version;
}

function thresholdFor(text: string | undefined, seal: SealConfig): number {
  if (text === undefined) return seal.threshold;
  const value = Number(text);
  const total = seal.keyServers.reduce((sum, { weight }) => sum + weight, 0);
  if (Number.isInteger(value) && value >= seal.threshold && value <= total) return value;
  throw new CliError('USAGE', `${text} is no threshold`, `give ${seal.threshold} to ${total}`);
}

export function requireOwner(policy: PolicyRecord, address: SuiId): void {
  if (policy.owner === address) return;
  throw new CliError(
    'POLICY_OTHER',
    `policy ${policy.id} belongs to ${policy.owner}, and this key is ${address}`,
    'sign with the key of the policy’s owner: --sui-key FILE',
  );
}

function missing(option: string): CliError {
  return new CliError('USAGE', `it is not said for which ${option.replace('-', ' ')}`, `give --${option}`);
}
