import { CodedError, describeError, type SealedVersion, type SuiId } from '@k3s-daas/core';
import {
  checkSealedValue,
  identityOfSecret,
  rulesOf,
  verifySealedVersion,
  type SealedValue,
} from '@k3s-daas/seal/sealed';
import type { PolicyRecord } from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import { readText, userPath } from '../files.ts';
import { getObject } from '../kube-api.ts';
import { print, type Output } from '../output.ts';
import { keyValues, table, short } from '../render.ts';
import { MANIFEST_BYTES_MAX, parseSealedSecret, type SealedSecret } from './manifest.ts';
import { stdinOnce } from './sources.ts';
import { openPolicy, openSealing, type Online, type SealingWorld, type SecretOptions } from './world.ts';

export interface SourceOptions extends SecretOptions {
  readonly file?: string;
  readonly namespace?: string;
}

/** What was looked at, and what came of it. */
interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** `daas secret inspect`: everything that is readable, checked as admission checks it. Exit code 1 if something fails. */
export async function inspectSecret(name: string | undefined, options: SourceOptions): Promise<number> {
  const world = await openSealing(options);
  const secret = await readSealed(name, options, world.online);
  const findings = [...checkValues(secret, world), ...(await checkPolicy(secret, world.online))];
  const failed = findings.filter(({ ok }) => !ok).length;
  const output: Output = { json: options.json ?? false };
  print(output, { ...summary(secret), findings, failed }, () => render(secret, findings));
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

/** The rules of admission, value by value. */
export function checkValues(
  { name, namespace, values }: SealedSecret,
  { seal }: Pick<SealingWorld, 'seal'>,
): Finding[] {
  const rules = rulesOf(seal);
  const findings = [...values].map(([key, value]) =>
    finding(`key ${key}`, 'as the cluster asks', () => {
      checkSealedValue(value, rules, { namespace, secret: name, key });
    }),
  );
  return [
    ...findings,
    finding('one identity', 'all values are of one policy and version', () => identityOfSecret(values)),
  ];
}

async function checkPolicy(secret: SealedSecret, online: Online | null): Promise<Finding[]> {
  const identity = secret.values.values().next().value?.identity;
  if (online === null || identity === undefined) return [];
  let policy: PolicyRecord;
  try {
    policy = await openPolicy(online, identity.policy);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return [{ check: 'policy', ok: false, detail: describeError(error) }];
  }
  const same = policy.namespace === identity.namespace && policy.serviceAccount === identity.serviceAccount;
  const open = identity.version >= policy.versionMin && identity.version <= policy.version;
  const now = BigInt(Date.now());
  const inside = now >= policy.terms.notBeforeMs && now < policy.terms.notAfterMs;
  const findings: Finding[] = [
    { check: 'policy', ok: same, detail: `for ${policy.serviceAccount} in ${policy.namespace}` },
    {
      check: 'version',
      ok: open,
      detail: `${identity.version}; open are ${policy.versionMin} to ${policy.version}`,
    },
    { check: 'window', ok: inside, detail: inside ? 'open now, by this clock' : 'closed now, by this clock' },
    {
      check: 'uses',
      ok: policy.uses < policy.terms.usesMax,
      detail: `${policy.uses} of ${policy.terms.usesMax} pods`,
    },
  ];
  if (secret.signature !== null) {
    const ok = await verifySealedVersion(
      policy.owner,
      versionOf(secret),
      secret.signature,
      online.chain.client,
    );
    findings.push({
      check: 'signature',
      ok,
      detail: ok ? `the owner’s, ${policy.owner}` : 'not the policy owner’s',
    });
  }
  return findings;
}

/** What an owner signs of a Secret. */
function versionOf({ name, values }: SealedSecret): SealedVersion {
  const { policy, cluster, namespace, version } = identityOfSecret(values);
  const digests = new Map([...values].map(([key, { digest }]) => [key, digest]));
  return { cluster, policy, namespace, secret: name, version, digests };
}

function finding(check: string, good: string, act: () => unknown): Finding {
  try {
    act();
    return { check, ok: true, detail: good };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { check, ok: false, detail: describeError(error) };
  }
}

function summary({ name, namespace, type, values, signature }: SealedSecret) {
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

function render(secret: SealedSecret, findings: readonly Finding[]): string {
  const { name, namespace, type, values, signature } = secret;
  const identities = new Map<string, SealedValue>();
  for (const value of values.values()) {
    const { policy, version, serviceAccount } = value.identity;
    identities.set(`${policy} ${version} ${serviceAccount}`, value);
  }
  const lines = [
    keyValues([
      ['Secret', `${namespace}/${name} (${type})`],
      ['keys', [...values.keys()].join(', ')],
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
