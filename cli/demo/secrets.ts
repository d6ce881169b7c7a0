import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import {
  BROKER_AUDIENCE,
  fromBase64,
  NODE_USER_PREFIX,
  encodeFetchPlan,
  parseFetchPlan,
  parsePlanVariable,
  PLAN_VARIABLE,
  utf8,
  type SuiId,
} from '@k3s-daas/core';
import { sealValues } from '@k3s-daas/seal/sealed';
import { placesUnder, run } from '@k3s-daas/seal-fetch';
import { createSealPolicy, readCluster, type Actor } from '@k3s-daas/sui-client';
import { z } from 'zod';

import { CliError } from '../errors.ts';
import { sealedManifest } from '../secret/manifest.ts';
import { newTerms } from '../secret/terms.ts';
import { openOnline, publishedConfig } from '../secret/world.ts';
import type { Stack } from '../stack/stack.ts';
import type { PlacedPod } from './kube.ts';
import type { Attack } from './refusals.ts';

const SUBJECT = { namespace: 'app', serviceAccount: 'web', serviceAccountUid: null };
const SECRET = 'web-credentials';
const KEY = 'password';
/** Of the sum that is shown instead of a secret. */
const SHOWN_CHARACTERS = 16;

/** What the author of the workload did, and what it expects its pods to find. */
export interface SealedWorkload {
  readonly policy: SuiId;
  /** The manifest of the Secret, as it was applied. */
  readonly manifest: string;
  readonly sha256: string;
}

/** An author of its own: policy on chain, a password sealed to it, and the Secret applied as it came out. */
export async function sealForWorkload(stack: Stack): Promise<SealedWorkload> {
  const { plane, world, configFile } = stack;
  const author: Actor = await world.fundedActor();
  const cluster = await readCluster(author.client, world.packageId, world.owned.cluster);
  const terms = newTerms({ uses: '100' }, cluster, Date.now());
  const { policy } = await createSealPolicy(author, cluster.id, SUBJECT, terms);
  const config = await publishedConfig(await openOnline(configFile));
  const password = randomBytes(24).toString('base64url');
  const { namespace, serviceAccount } = SUBJECT;
  const identity = { policy, cluster: cluster.id, namespace, serviceAccount, version: 1n };
  const values = new Map([[KEY, utf8(password)]]);
  const sealed = await sealValues(config, { identity, secret: SECRET, values });
  const plain = { name: SECRET, namespace, values, labels: {}, annotations: {}, immutable: undefined };
  const manifest = JSON.stringify(sealedManifest({ ...plain, type: 'Opaque' }, sealed, null));
  await plane.kubectl(['apply', '-f', '-'], { input: manifest });
  return { policy, manifest, sha256: sum(password) };
}

export interface OpenedSecret {
  readonly pod: string;
  readonly node: string;
  /** The file and the variable hold what the author sealed. */
  readonly opened: boolean;
  /** Beginning of the SHA-256 of what the pod read. */
  readonly shown: string;
}

/**
 * Does for one placed pod what its kubelet and its first container do (kwok runs no containers): a token from the API server
 * as the pod's node, the Secret's ciphertext in a volume, and seal-fetch with the plan that is in the pod's own spec.
 */
export async function openAsPod(
  stack: Stack,
  pod: PlacedPod,
  workload: SealedWorkload,
): Promise<OpenedSecret> {
  const plan = await planOf(stack, pod);
  const root = await mkdtemp(join(stack.dir, 'pod-'));
  try {
    const places = placesUnder(root);
    await put(places.token, await brokerToken(stack, pod, NODE_USER_PREFIX + pod.node));
    // A kubelet keeps the files of a volume under `..data`.
    await put(join(places.ciphertext(SECRET), '..data', KEY), await ciphertextOf(stack));
    await mkdir(dirname(places.environment), { recursive: true });
    for (const { volume } of parseFetchPlan(plan).files)
      await mkdir(places.volume(volume), { recursive: true });
    const lines: string[] = [];
    const print = (line: string): void => void lines.push(line);
    const code = await run({ plan, root, signal: AbortSignal.timeout(30_000), print });
    if (code !== 0)
      throw new CliError('CLAIM_FAILED', lines.at(-1) ?? 'seal-fetch failed', 'see the logs of the parts');
    const file = await readFile(join(places.volume('credentials'), KEY), 'utf8');
    const variable = /^V0='([^']*)'$/m.exec(await readFile(places.environment, 'utf8'))?.[1] ?? '';
    const opened = sum(file) === workload.sha256 && sum(variable) === workload.sha256;
    return { pod: pod.name, node: pod.node, opened, shown: sum(file).slice(0, SHOWN_CHARACTERS) };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** What must not pass when it is tried with the Secret, a pod that has it, and an administrator's rights. */
export function secretAttacks(stack: Stack, pod: PlacedPod, workload: SealedWorkload): readonly Attack[] {
  const { plane } = stack;
  const create = (manifest: object | string): Promise<string> =>
    plane.kubectl(['create', '-f', '-'], {
      input: typeof manifest === 'string' ? manifest : JSON.stringify(manifest),
    });
  const { namespace } = SUBJECT;
  return [
    {
      name: 'plainSecret',
      code: 'SECRET_NOT_SEALED',
      act: () =>
        create({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'plain', namespace },
          stringData: { a: 'b' },
        }),
    },
    {
      name: 'copiedSecret',
      code: 'SEALED_PLACE_WRONG',
      act: () => create(workload.manifest.replaceAll(SECRET, 'copied')),
    },
    {
      name: 'workloadWithoutSecret',
      code: 'SECRETS_REQUIRED',
      act: () =>
        create({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'bare', namespace },
          spec: { containers: [{ name: 'main', image: 'registry.example/app:1' }] },
        }),
    },
    {
      name: 'brokerTokenForAdmin',
      code: 'TOKEN_NOT_BY_NODE',
      act: () => brokerToken(stack, pod, null),
    },
    {
      name: 'imageChanged',
      code: 'POD_IMAGE_CHANGED',
      act: () =>
        plane.kubectl(['set', 'image', '-n', namespace, `pod/${pod.name}`, 'web=registry.example/evil:1']),
    },
  ];
}

/** A token for the broker, bound to the pod, as `user` asks for it; null for the administrator. */
async function brokerToken({ plane }: Stack, pod: PlacedPod, user: string | null): Promise<string> {
  const bound = [
    '--bound-object-kind=Pod',
    `--bound-object-name=${pod.name}`,
    `--bound-object-uid=${pod.uid}`,
  ];
  const args = [
    'create',
    'token',
    SUBJECT.serviceAccount,
    '-n',
    pod.namespace,
    `--audience=${BROKER_AUDIENCE}`,
  ];
  const kubeconfig =
    user === null ? undefined : await plane.kubeconfig({ commonName: user, organizations: ['system:nodes'] });
  const token = await plane.kubectl(
    [...args, '--duration=10m', ...bound],
    kubeconfig === undefined ? {} : { kubeconfig },
  );
  return token.trim();
}

const podSchema = z.object({
  spec: z.object({
    initContainers: z.array(
      z.object({
        name: z.string(),
        env: z.array(z.object({ name: z.string(), value: z.string().default('') })).default([]),
      }),
    ),
  }),
});

const secretSchema = z.object({ data: z.object({ [KEY]: z.string() }) });

async function planOf({ plane }: Stack, pod: PlacedPod): Promise<string> {
  const object = await plane.get(`/api/v1/namespaces/${pod.namespace}/pods/${pod.name}`);
  const [first] = podSchema.parse(object).spec.initContainers;
  const variable = first?.env.find(({ name }) => name === PLAN_VARIABLE)?.value;
  if (variable === undefined)
    throw new CliError('CLAIM_FAILED', `pod ${pod.name} has no seal-fetch`, 'see the webhook log');
  // As a kubelet hands it on, which expands what is written with a dollar.
  return encodeFetchPlan(parsePlanVariable(variable));
}

async function ciphertextOf({ plane }: Stack): Promise<Uint8Array> {
  const object = await plane.get(`/api/v1/namespaces/${SUBJECT.namespace}/secrets/${SECRET}`);
  return fromBase64(secretSchema.parse(object).data[KEY]);
}

async function put(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content, { mode: 0o600 });
}

const sum = (text: string): string => createHash('sha256').update(text).digest('hex');
