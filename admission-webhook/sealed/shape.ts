import { isDeepStrictEqual } from 'node:util';

import type { FetchPlan } from '@k3s-daas/core';

import type { SealSettings } from '../config.ts';
import { Denied } from '../denied.ts';
import {
  ENV_FILE,
  ENV_VOLUME,
  isReservedVolume,
  memoryVolume,
  outputVolumes,
  SEAL_FETCH,
  sealFetchContainer,
  sealVolumes,
} from './container.ts';
import { lookUpSecrets, planHeader, refreshSecondsOf, requireServiceAccount } from './draft.ts';
import type { ClusterFacts, SealedSecret } from './facts.ts';
import { forged, previousPlan } from './inject.ts';
import { requireNoBrokerToken, requireOwnProcesses } from './isolation.ts';
import { allContainers, serviceAccountOf, type Pod, type PodSpec } from './pod.ts';
import { requireRewritable, secretReferences } from './references.ts';

export interface ShapeRules {
  readonly namespace: string;
  readonly facts: ClusterFacts;
  readonly seal: SealSettings;
}

/**
 * A pod as it will be stored: it refers to Secrets through seal-fetch or not at all. Nothing is believed for its name:
 * the container, its volumes and its plan are made again from what is known now, and compared.
 *
 * @throws Denied
 */
export async function checkShape(pod: Pod, rules: ShapeRules): Promise<void> {
  const { spec } = pod;
  const plan = previousPlan(spec);
  requireReferencesResolved(spec);
  if (plan === null) {
    requireNothingOfOurs(spec);
    await requireNoneNeeded(rules);
    return;
  }
  requireOwnProcesses(spec);
  requireContainer(plan, rules.seal, spec);
  requireVolumes(plan, spec);
  requireMounts(plan, spec);
  requireVariables(plan, spec);
  await requirePlan(plan, pod, rules);
}

/** What is left after the rewriting: seal-fetch's own volumes of ciphertext, which requireVolumes compares. */
function requireReferencesResolved(spec: PodSpec): void {
  const references = secretReferences(spec);
  requireRewritable(references);
  const own = new Set(
    (spec.volumes ?? []).flatMap(({ name }, i) =>
      isReservedVolume(name) ? [`spec.volumes[${i}].secret`] : [],
    ),
  );
  const left = references.find(({ path }) => !own.has(path));
  if (left === undefined) return;
  throw new Denied(
    'SECRET_NOT_INJECTED',
    `${left.path} still refers to Secret "${left.secret}", of which the container would get ciphertext`,
    'create the pod again; if it repeats, check that the mutating webhook k3s-daas is registered and called last',
  );
}

function requireNothingOfOurs(spec: PodSpec): void {
  const volume = (spec.volumes ?? []).find(({ name }) => isReservedVolume(name));
  if (volume !== undefined) throw forged(`a volume of the pod is named ${volume.name}`);
  requireNoBrokerToken(spec);
}

async function requireNoneNeeded({ namespace, facts }: ShapeRules): Promise<void> {
  if ((await facts.mode(namespace)) === 'references') return;
  throw secretsRequired(namespace);
}

export function secretsRequired(namespace: string): Denied {
  return new Denied(
    'SECRETS_REQUIRED',
    `namespace ${namespace} lets only workloads with a sealed secret run, and this one refers to none`,
    'reference a sealed Secret (daas secret seal), or let a cluster administrator label the namespace k3s-daas.io/secrets=references',
  );
}

/** seal-fetch is the first that runs, and exactly what the webhook writes. */
function requireContainer(plan: FetchPlan, seal: SealSettings, spec: PodSpec): void {
  const [first] = spec.initContainers ?? [];
  if (first?.name !== SEAL_FETCH) throw forged(`${SEAL_FETCH} is not the first of the initContainers`);
  const expected = sealFetchContainer(plan, seal, spec);
  if (isDeepStrictEqual(first, expected)) return;
  throw forged(`${SEAL_FETCH} differs from the webhook's in ${differences(first, expected).join(', ')}`);
}

function differences(one: object, other: object): string[] {
  const [a, b] = [new Map(Object.entries(one)), new Map(Object.entries(other))];
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => !isDeepStrictEqual(a.get(key), b.get(key)));
}

function requireVolumes(plan: FetchPlan, spec: PodSpec): void {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const ours = sealVolumes(plan);
  const taken = outputVolumes(plan).find(isReservedVolume);
  if (taken !== undefined) throw forged(`the plan of ${SEAL_FETCH} writes files to ${taken}`);
  const expected = [...ours, ...outputVolumes(plan).map(memoryVolume)];
  for (const volume of expected) {
    if (isDeepStrictEqual(volumes.get(volume.name), volume)) continue;
    throw forged(`volume ${volume.name} is not the one that the webhook writes`);
  }
  const names = new Set(ours.map(({ name }) => name));
  const more = (spec.volumes ?? []).find(({ name }) => isReservedVolume(name) && !names.has(name));
  if (more !== undefined) throw forged(`volume ${more.name} is not among the webhook's`);
  requireNoBrokerToken({ ...spec, volumes: spec.volumes?.filter(({ name }) => !names.has(name)) });
}

/** Only seal-fetch mounts what is its own, and nobody else writes where it writes. */
function requireMounts(plan: FetchPlan, spec: PodSpec): void {
  const outputs = new Set(outputVolumes(plan));
  for (const { container, path, list, index } of allContainers(spec)) {
    if (list === 'initContainers' && index === 0) continue;
    for (const { name, readOnly, mountPropagation = 'None' } of container.volumeMounts ?? []) {
      if (isReservedVolume(name)) throw forged(`${path} (${container.name}) mounts ${name}`);
      if (!outputs.has(name) || (readOnly === true && mountPropagation === 'None')) continue;
      throw new Denied(
        'SEALED_MOUNT_WRONG',
        `${path} (${container.name}) mounts ${name}, which holds opened secrets, ${readOnly === true ? 'with mount propagation' : 'writable'}`,
        'mount volumes of Secrets readOnly and without mountPropagation',
      );
    }
  }
}

/** Each variable of the file is read by someone, and nothing else of the volume is. */
function requireVariables({ env }: FetchPlan, spec: PodSpec): void {
  // One that is not numbered by its place is a variable that nobody can read.
  const unread = new Set(env.map(({ name }, i) => (name === `V${i}` ? name : '')));
  const known = new Set(unread);
  for (const { container, path } of allContainers(spec)) {
    (container.env ?? []).forEach(({ valueFrom }, i) => {
      const file = valueFrom?.fileKeyRef;
      if (file?.volumeName !== ENV_VOLUME) return;
      if (file.path !== ENV_FILE || !known.has(file.key))
        throw forged(
          `${path}.env[${i}] reads ${file.path}/${file.key} of ${ENV_VOLUME}, which is no variable`,
        );
      unread.delete(file.key);
    });
  }
  if (unread.size > 0) throw forged(`${SEAL_FETCH} opens variables that nobody reads`);
}

/** The plan says what is true now: of this cluster, of each Secret as it is, and for this service account. */
async function requirePlan(plan: FetchPlan, { metadata, spec }: Pod, rules: ShapeRules): Promise<void> {
  const { refreshSeconds, secrets, files, env, ...header } = plan;
  if (!isDeepStrictEqual(header, planHeader(rules.seal)))
    throw wrongPlan(`it is not of this cluster: ${differences(header, planHeader(rules.seal)).join(', ')}`);
  if (refreshSeconds !== refreshSecondsOf(metadata))
    throw wrongPlan(`it refreshes every ${refreshSeconds} s, the pod's annotation says otherwise`);
  const known = await lookUpSecrets(
    secrets.map(({ name }) => name),
    rules.namespace,
    rules.facts,
  );
  const used = new Set([...files, ...env].map(({ secret, key }) => `${secret}/${key}`));
  for (const planned of secrets) {
    const secret = known.get(planned.name);
    if (secret === undefined || secret instanceof Denied) throw secret ?? new Error(planned.name);
    requireServiceAccount(secret, serviceAccountOf(spec));
    requireAsPlanned(planned, secret, used);
  }
}

function requireAsPlanned(
  planned: FetchPlan['secrets'][number],
  secret: SealedSecret,
  used: ReadonlySet<string>,
): void {
  const { name, policy, version, keys } = planned;
  if (policy !== secret.policy || version !== secret.version.toString())
    throw wrongPlan(`Secret ${name} is not of policy ${policy} and version ${version} any more`);
  for (const { key, sha256 } of keys) {
    if (secret.keys.get(key) !== sha256)
      throw wrongPlan(`key ${key} of Secret ${name} is not the ciphertext that was planned`);
    if (!used.has(`${name}/${key}`)) throw wrongPlan(`key ${key} of Secret ${name} is opened for nobody`);
  }
}

function wrongPlan(what: string): Denied {
  return new Denied(
    'SEALED_PLAN_WRONG',
    `the plan of ${SEAL_FETCH} does not hold: ${what}`,
    'create the pod again; if it repeats, leave seal-fetch out of the manifest, since the webhook adds it itself',
  );
}
