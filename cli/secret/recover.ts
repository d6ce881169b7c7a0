import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describeError, toBase64, type Bytes } from '@k3s-daas/core';
import {
  identityOfSecret,
  openValues,
  readSealedSecret,
  rulesOf,
  type SealConfig,
  type SealedErrorCode,
  type SealedValue,
} from '@k3s-daas/seal/sealed';
import { addressOf, discardRecoveryGrants, recoverSecrets, type Actor } from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import { userPath } from '../files.ts';
import { toJson } from '../output.ts';
import { readSealed, type SourceOptions } from './inspect.ts';
import { renderManifest, type SealedSecret } from './manifest.ts';
import { requireOwner } from './seal.ts';
import { openPolicy, openSealing, openSigner, requireOnline } from './world.ts';

export interface RecoverOptions extends SourceOptions {
  readonly output?: 'yaml' | 'json';
  readonly outDir?: string;
  readonly only?: string;
}

/**
 * `daas secret recover`: break-glass. The policy's owner gives itself a grant on chain, which everyone sees, and opens the
 * values: into files, one of them to standard output, or all as a Secret of plaintext.
 */
export async function recoverSecret(name: string | undefined, options: RecoverOptions): Promise<void> {
  requireDestination(options);
  const world = await openSealing(options);
  const online = requireOnline(world.online);
  const secret = await readSealed(name, options, online);
  const values = requireOpenable(secret, world.seal);
  const { only } = options;
  if (only !== undefined && !values.has(only))
    throw new CliError('NOT_FOUND', `there is no key ${only}`, `it has ${[...values.keys()].join(', ')}`);
  const actor = await openSigner(online, options.suiKey);
  const policy = await openPolicy(online, identityOfSecret(values).policy);
  requireOwner(policy, addressOf(actor.signer));

  const { grants, digest } = await recoverSecrets(actor, policy.cluster, [policy.id]);
  process.stderr.write(`recovery of ${policy.id} is on chain for everyone to see (${digest})\n`);
  try {
    const opened = await openValues(
      {
        client: actor.client,
        account: actor.signer,
        packageId: world.seal.package,
        callPackageId: actor.packageId,
        approval: { kind: 'recovery', cluster: policy.cluster, grants },
      },
      values,
    );
    await deliver(secret, opened, options);
  } finally {
    await discard(actor, [...grants.values()]);
  }
}

/** What does not concern the values: their owner opens them in whatever Secret they are. */
const HARMLESS: readonly SealedErrorCode[] = ['SECRET_TYPE_WRONG', 'SECRET_SIGNATURE_MALFORMED'];
/** What is otherwise once a key server was replaced; whether the value's own servers still open it, they will say. */
const OF_OTHER_SERVERS: readonly SealedErrorCode[] = [
  'SEALED_KEY_SERVER_UNKNOWN',
  'SEALED_WEIGHT_WRONG',
  'SEALED_THRESHOLD_LOW',
];

/** The values; warns of those that are not sealed to today's key servers. @throws CliError VERIFICATION_FAILED */
function requireOpenable(secret: SealedSecret, seal: SealConfig): ReadonlyMap<string, SealedValue> {
  const { values, checks } = readSealedSecret(secret, rulesOf(seal));
  const warnings: string[] = [];
  for (const { what, refusals } of checks) {
    for (const refusal of refusals) {
      const { code, message } = refusal;
      if (HARMLESS.includes(code)) continue;
      if (!OF_OTHER_SERVERS.includes(code))
        throw new CliError(
          'VERIFICATION_FAILED',
          `${what}: ${describeError(refusal)}`,
          'see daas secret inspect',
        );
      warnings.push(`warning: ${code}: ${message}; tried all the same\n`);
    }
  }
  process.stderr.write(warnings.join(''));
  return values;
}

function requireDestination({ output, outDir, only }: RecoverOptions): void {
  const given = [output, outDir, only].filter((each) => each !== undefined).length;
  if (given === 1) return;
  throw new CliError(
    'USAGE',
    'it is not said where the plaintext goes',
    'give one of --out-dir DIR, --only KEY (to standard output), -o yaml or -o json',
  );
}

async function deliver(
  { name, namespace, type }: SealedSecret,
  opened: ReadonlyMap<string, Bytes>,
  { output, outDir, only, json }: RecoverOptions,
): Promise<void> {
  if (only !== undefined) {
    process.stdout.write(opened.get(only) ?? new Uint8Array());
  } else if (outDir !== undefined) {
    const files = await writeFiles(userPath(outDir), opened);
    process.stdout.write(json === true ? `${toJson({ files })}\n` : `${files.join('\n')}\n`);
  } else {
    const data = Object.fromEntries([...opened].map(([key, value]) => [key, toBase64(value)]));
    const manifest = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type, data };
    process.stdout.write(renderManifest(manifest, output ?? 'yaml'));
  }
}

/** New files that only their owner reads. */
async function writeFiles(dir: string, values: ReadonlyMap<string, Bytes>): Promise<string[]> {
  const files: string[] = [];
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    for (const [key, value] of values) {
      const file = join(dir, key);
      await writeFile(file, value, { mode: 0o600, flag: 'wx' });
      files.push(file);
    }
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${dir} cannot be written`, 'name a new folder with --out-dir', {
      cause,
    });
  }
  return files;
}

/** The grant would end by itself within the hour. */
async function discard(actor: Actor, grants: readonly string[]): Promise<void> {
  try {
    await discardRecoveryGrants(actor, grants);
  } catch (error) {
    process.stderr.write(
      `the recovery grant was not discarded and ends within an hour: ${describeError(error)}\n`,
    );
  }
}
