import {
  CodedError,
  describeError,
  SEALED_SIGNATURE_KEY,
  systemClock,
  type Bytes,
  type SealedVersion,
  type SuiId,
} from '@k3s-daas/core';
import {
  checkMarks,
  identityOfSecret,
  readSealedSecret,
  rulesOf,
  verifySealedVersion,
  type SealedValue,
  type SecretCheck,
  type SecretReading,
} from '@k3s-daas/seal/sealed';
import type { PolicyRecord } from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import { readText, userPath } from '../files.ts';
import { getObject } from '../kube-api.ts';
import { print, type Output } from '../output.ts';
import { keyValues, table, short } from '../render.ts';
import { MANIFEST_BYTES_MAX, parseSealedSecret, type SealedSecret } from './manifest.ts';
import { stdinOnce } from './sources.ts';
import { requireUses, requireWindow } from './terms.ts';
import {
  openPolicy,
  openSealing,
  requireSubject,
  requireVersion,
  type Online,
  type SecretOptions,
} from './world.ts';

export interface SourceOptions extends SecretOptions {
  readonly file?: string;
  readonly namespace?: string;
}

/** What was looked at, and what came of it. */
interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** Of what is wrong. */
  readonly code?: string;
  readonly detail: string;
}

/**
 * `daas secret inspect`: everything that is readable, checked by the rules of admission, and online against its policy. All
 * that is wrong is said at once; exit code 1 if anything is.
 */
export async function inspectSecret(name: string | undefined, options: SourceOptions): Promise<number> {
  const world = await openSealing(options);
  const secret = await readSealed(name, options, world.online);
  const reading = readSealedSecret(secret, rulesOf(world.seal));
  const checks = [...reading.checks, checkMarks(secret, reading.values)];
  const findings = [
    ...checks.flatMap(findingsOf),
    ...(world.online === null ? [] : await checkPolicy(secret, reading, world.online)),
  ];
  const failed = findings.filter(({ ok }) => !ok).length;
  const output: Output = { json: options.json ?? false };
  print(output, { ...summary(secret, reading), findings, failed }, () => render(secret, reading, findings));
  return failed === 0 ? 0 : 1;
}

/** The Secret of a file, of standard input, or of the cluster. */
export async function readSealed(
  name: string | undefined,
  options: SourceOptions,
  online: Online | null,
): Promise<SealedSecret> {
  const { file, namespace = 'default' } = options;
  if (file !== undefined && name !== undefined)
    throw new CliError(
      'USAGE',
      'a file and a name are given',
      'give -f FILE, or NAME for a Secret in the cluster',
    );
  if (name === undefined) {
    const text =
      file === undefined || file === '-'
        ? Buffer.from(await stdinOnce(MANIFEST_BYTES_MAX)()).toString('utf8')
        : await readText(userPath(file));
    return parseSealedSecret(text);
  }
  const kubeconfig = online?.configuration.client?.kubeconfig;
  if (online === null || kubeconfig === undefined)
    throw new CliError(
      'USAGE',
      'no cluster is named to read the Secret from',
      'give --config daas.yaml with a section client, or the manifest with -f FILE',
    );
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
  return parseSealedSecret(JSON.stringify(await getObject(online.path(kubeconfig), path)));
}

function findingsOf({ what, refusals }: SecretCheck): Finding[] {
  if (refusals.length === 0) return [{ check: what, ok: true, detail: 'as the cluster asks' }];
  return refusals.map((refusal) => failure(what, refusal));
}

async function checkPolicy(secret: SealedSecret, reading: SecretReading, online: Online): Promise<Finding[]> {
  const identity = reading.values.values().next().value?.identity;
  if (identity === undefined) return [];
  let policy: PolicyRecord;
  try {
    policy = await openPolicy(online, identity.policy);
  } catch (error) {
    return [failure('policy', coded(error))];
  }
  const { versionMin, version, uses, terms } = policy;
  const { name } = secret;
  const { values, signature } = reading;
  return await Promise.all([
    finding('policy', `for ${policy.serviceAccount} in ${policy.namespace}`, () => {
      requireSubject(policy, identity);
    }),
    finding('version', `${identity.version}; open are ${versionMin} to ${version}`, () => {
      requireVersion(policy, identity.version);
    }),
    finding('window', 'open now, by this clock', () => {
      requireWindow(policy, systemClock.now());
    }),
    finding('uses', `${uses} of ${terms.usesMax} pods`, () => {
      requireUses(policy);
    }),
    ...(signature === null
      ? []
      : [
          finding('signature', `the owner’s, ${policy.owner}`, () =>
            requireSigned(policy, name, values, signature),
          ),
        ]),
  ]);
}

/** Running pods that refresh take only what the owner signed. */
async function requireSigned(
  { owner }: PolicyRecord,
  secret: string,
  values: ReadonlyMap<string, SealedValue>,
  signature: Bytes,
): Promise<void> {
  if (await verifySealedVersion(owner, versionOf(secret, values), signature)) return;
  throw new CliError(
    'VERIFICATION_FAILED',
    `the signature of these values is not that of ${owner}, the policy’s owner`,
    'rotate with the owner’s key: daas secret rotate; pods that refresh do not take it as it is',
  );
}

/** What an owner signs of a Secret. */
function versionOf(secret: string, values: ReadonlyMap<string, SealedValue>): SealedVersion {
  const { policy, cluster, namespace, version } = identityOfSecret(values);
  const digests = new Map([...values].map(([key, { digest }]) => [key, digest]));
  return { cluster, policy, namespace, secret, version, digests };
}

async function finding(check: string, good: string, act: () => void | Promise<void>): Promise<Finding> {
  try {
    await act();
    return { check, ok: true, detail: good };
  } catch (error) {
    return failure(check, coded(error));
  }
}

/** A refusal; what is a defect of ours goes on. */
function coded(error: unknown): CodedError {
  if (error instanceof CodedError) return error as CodedError;
  throw error;
}

function failure(check: string, error: CodedError): Finding {
  return { check, ok: false, code: error.code, detail: describeError(error) };
}

function summary({ name, namespace, type }: SealedSecret, { values, signature }: SecretReading) {
  return {
    secret: name,
    namespace,
    type,
    signed: signature !== null,
    values: [...values].map(([key, { bytes, packageId, identity, aad, threshold, services, digest }]) => ({
      key,
      size: bytes.length,
      package: packageId,
      ...identity,
      boundTo: aad,
      threshold,
      keyServers: services,
      sha256: digest,
    })),
  };
}

function render(
  { name, namespace, type, data }: SealedSecret,
  { values, signature }: SecretReading,
  findings: readonly Finding[],
): string {
  const identities = new Map<string, SealedValue>();
  for (const value of values.values()) {
    const { policy, version, serviceAccount } = value.identity;
    identities.set(`${policy} ${version} ${serviceAccount}`, value);
  }
  const lines = [
    keyValues([
      ['Secret', `${namespace}/${name} (${type})`],
      ['keys', [...data.keys()].filter((key) => key !== SEALED_SIGNATURE_KEY).join(', ')],
      ['signature', signature === null ? 'none' : `${signature.length} bytes`],
    ]),
    ...[...identities.values()].map(describeValue),
    table(
      ['check', '', 'detail'],
      findings.map(({ check, ok, detail }) => [check, ok ? 'ok' : 'FAILED', detail]),
    ),
  ];
  return lines.join('\n');
}

function describeValue({ identity, packageId, threshold, services }: SealedValue): string {
  const servers: SuiId[] = services.map(({ objectId }) => objectId);
  return keyValues([
    ['policy', identity.policy],
    ['version', String(identity.version)],
    ['cluster', identity.cluster],
    ['namespace', identity.namespace],
    ['service account', identity.serviceAccount],
    ['package', packageId],
    ['key servers', `${threshold} of ${servers.map(short).join(', ')}`],
  ]);
}
