import { isDeepStrictEqual } from 'node:util';

import {
  FormatError,
  parsePlanVariable,
  PLAN_VARIABLE,
  SCHEDULER_NAME,
  type FetchPlan,
} from '@k3s-daas/core';

import type { SealSettings } from '../config.ts';
import { Denied } from '../denied.ts';
import type { JsonPatchOperation, Warnings } from '../rules.ts';
import { isReservedVolume, memoryVolume, SEAL_FETCH, sealFetchContainer, sealVolumes } from './container.ts';
import { lookUpSecrets, PlanDraft, refreshSecondsOf } from './draft.ts';
import { rewriteEnvironment } from './environment.ts';
import type { ClusterFacts } from './facts.ts';
import { requireNoBrokerToken, requireOwnProcesses } from './isolation.ts';
import { serviceAccountOf, type Container, type Pod, type PodSpec } from './pod.ts';
import { requireRewritable, secretReferences } from './references.ts';
import { requireRoom } from './resources.ts';
import { rewriteVolume } from './volumes.ts';

export interface InjectionRules {
  readonly namespace: string;
  readonly facts: ClusterFacts;
  readonly seal: SealSettings;
  /** For templates: a Secret that is not there yet is a warning. */
  readonly lenient: boolean;
}

export interface Injection {
  /** The pod's spec as it should be; the one given if nothing is to be changed. */
  readonly spec: PodSpec;
  /** Null if the pod fetches nothing. */
  readonly plan: FetchPlan | null;
  readonly warnings: Warnings;
}

/**
 * Rewrites what refers to Secrets so that seal-fetch opens them in memory. A pod that was rewritten before comes out
 * the same; what another webhook has added or moved since is taken in. Of an earlier seal-fetch only the list of what
 * goes where is taken: each Secret is looked up again, and everything else is written anew.
 *
 * @throws Denied
 */
export async function inject(pod: Pod, rules: InjectionRules): Promise<Injection> {
  const previous = previousPlan(pod.spec);
  const own = previous === null ? pod.spec : withoutOurs(pod.spec);
  const references = secretReferences(own);
  requireRewritable(references);
  requireNoReservedVolumes(own);
  requireNoBrokerToken(own);
  if (references.length === 0 && previous === null) return { spec: pod.spec, plan: null, warnings: [] };
  requireOwnProcesses(own);
  requireLinux(own);
  const names = [...references, ...(previous === null ? [] : [...previous.files, ...previous.env])].map(
    ({ secret }) => secret,
  );
  const known = await lookUpSecrets(names, rules.namespace, rules.facts);
  const draft = new PlanDraft({
    known,
    serviceAccount: serviceAccountOf(own),
    lenient: rules.lenient,
  });
  const rewritten = rewrite(own, previous, draft);
  const plan = draft.plan(rules.seal, refreshSecondsOf(pod.metadata));
  if (plan === null) return { spec: rewritten, plan, warnings: draft.warnings };
  requireRoom(rules.seal, pod.spec);
  const spec = {
    ...rewritten,
    // Of the pod as it came: what seal-fetch looks like depends on it.
    initContainers: [sealFetchContainer(plan, rules.seal, pod.spec), ...(rewritten.initContainers ?? [])],
    volumes: [...(rewritten.volumes ?? []), ...sealVolumes(plan)],
  };
  return { spec, plan, warnings: draft.warnings };
}

/** Operations that lead from one spec to the other; none if they are equal. Members not named here never differ. */
export function patchBetween(from: PodSpec, to: PodSpec): JsonPatchOperation[] {
  const patch: JsonPatchOperation[] = [];
  if (from.schedulerName !== to.schedulerName)
    patch.push({ op: 'add', path: '/spec/schedulerName', value: to.schedulerName });
  for (const list of ['volumes', 'initContainers'] as const) {
    if (isDeepStrictEqual(from[list] ?? [], to[list] ?? [])) continue;
    patch.push({ op: 'add', path: `/spec/${list}`, value: to[list] });
  }
  (to.containers ?? []).forEach((container, i) => {
    const old = from.containers?.[i];
    if (old === undefined || container === old) return;
    for (const member of ['env', 'envFrom', 'volumeMounts'] as const) {
      const path = `/spec/containers/${i}/${member}`;
      if (isDeepStrictEqual(old[member], container[member])) continue;
      patch.push(
        container[member] === undefined
          ? { op: 'remove', path }
          : { op: 'add', path, value: container[member] },
      );
    }
  });
  return patch;
}

/** A pod that names no scheduler is ours to place; one that names another is refused later. */
export function withScheduler(spec: PodSpec): PodSpec {
  const { schedulerName = '' } = spec;
  if (!isUnsetScheduler(schedulerName)) return spec;
  return { ...spec, schedulerName: SCHEDULER_NAME };
}

/** The API server fills in `default-scheduler` where nothing is said. */
export function isUnsetScheduler(name: string): boolean {
  return name === '' || name === 'default-scheduler';
}

/** The plan of the seal-fetch that is there already, or null. @throws Denied SEAL_FETCH_FORGED */
export function previousPlan({ initContainers, containers, ephemeralContainers }: PodSpec): FetchPlan | null {
  const ours = (each: Container): boolean => each.name === SEAL_FETCH;
  if ([...(containers ?? []), ...(ephemeralContainers ?? [])].some(ours))
    throw forged(`a container is named ${SEAL_FETCH} and is none of the initContainers`);
  const [found, ...more] = (initContainers ?? []).filter(ours);
  if (found === undefined) return null;
  if (more.length > 0) throw forged(`two initContainers are named ${SEAL_FETCH}`);
  const text = found.env?.find(({ name }) => name === PLAN_VARIABLE)?.value;
  if (text === undefined) throw forged(`an initContainer named ${SEAL_FETCH} has no plan`);
  try {
    return parsePlanVariable(text);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw forged(`the plan of ${SEAL_FETCH} is none (${error.message.slice(0, 256)})`);
  }
}

export function forged(what: string): Denied {
  return new Denied(
    'SEAL_FETCH_FORGED',
    what,
    `leave ${SEAL_FETCH} and the volumes seal-* out of the manifest: the webhook adds them itself`,
  );
}

/** A name that only we give must not be there before us: other parts of the pod could come to share our volumes. */
function requireNoReservedVolumes({ volumes, initContainers, containers }: PodSpec): void {
  const volume = (volumes ?? []).find(({ name }) => isReservedVolume(name));
  if (volume !== undefined) throw forged(`a volume of the pod is named ${volume.name}`);
  for (const { name, volumeMounts } of [...(initContainers ?? []), ...(containers ?? [])]) {
    const mount = volumeMounts?.find((each) => isReservedVolume(each.name));
    if (mount !== undefined) throw forged(`container ${name} mounts ${mount.name}`);
  }
}

function requireLinux({ os }: PodSpec): void {
  if (os?.name !== 'windows') return;
  throw new Denied(
    'SEALED_OS_WRONG',
    `the pod is for Windows, and ${SEAL_FETCH} runs on Linux only`,
    'run what needs sealed secrets in a pod for Linux',
  );
}

function withoutOurs(spec: PodSpec): PodSpec {
  return {
    ...spec,
    initContainers: spec.initContainers?.filter(({ name }) => name !== SEAL_FETCH),
    volumes: spec.volumes?.filter(({ name }) => !isReservedVolume(name)),
  };
}

function rewrite(spec: PodSpec, previous: FetchPlan | null, draft: PlanDraft): PodSpec {
  const fsGroup = spec.securityContext?.fsGroup !== undefined;
  const outputs = new Set<string>();
  const volumes = (spec.volumes ?? []).map((volume, i) => {
    const output = rewriteVolume(volume, { path: `spec.volumes[${i}]`, fsGroup, previous, draft });
    if (!output) return volume;
    outputs.add(volume.name);
    return memoryVolume(volume.name);
  });
  const gone = previous?.files.find(({ volume }) => !outputs.has(volume));
  if (gone !== undefined)
    throw forged(`the plan of ${SEAL_FETCH} writes to ${gone.volume}, which is no volume`);
  const each =
    (list: string) =>
    (container: Container, i: number): Container =>
      readOnlyOutputs(rewriteEnvironment(container, `spec.${list}[${i}]`, previous, draft), outputs);
  return {
    ...spec,
    volumes,
    initContainers: spec.initContainers?.map(each('initContainers')),
    containers: spec.containers?.map(each('containers')),
  };
}

function readOnlyOutputs(container: Container, outputs: ReadonlySet<string>): Container {
  const writable = ({ name, readOnly }: { name: string; readOnly?: boolean | undefined }): boolean =>
    outputs.has(name) && readOnly !== true;
  if (container.volumeMounts?.some(writable) !== true) return container;
  const volumeMounts = container.volumeMounts.map((mount) =>
    writable(mount) ? { ...mount, readOnly: true } : mount,
  );
  return { ...container, volumeMounts };
}
