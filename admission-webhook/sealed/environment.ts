import type { FetchPlan } from '@k3s-daas/core';

import { Denied } from '../denied.ts';
import { ENV_FILE, ENV_VOLUME, SEAL_FETCH } from './container.ts';
import type { PlanDraft } from './draft.ts';
import type { SealedSecret } from './facts.ts';
import type { Container, EnvFrom, EnvVar } from './pod.ts';

/**
 * The container with variables that are read from seal-fetch's file instead of from Secrets. In the order in which a
 * kubelet fills an environment (makeEnvironmentVariables of k8s.io/kubernetes/pkg/kubelet): envFrom, then env, each
 * overriding what came before. Since 1.34 a kubelet takes every key of a Secret as a name, and so does this.
 *
 * @throws Denied
 */
export function rewriteEnvironment(
  container: Container,
  path: string,
  previous: FetchPlan | null,
  draft: PlanDraft,
): Container {
  const { env: ownEnv, envFrom: ownEnvFrom, ...rest } = container;
  const expanded = expandEnvFrom(ownEnvFrom ?? [], path, draft);
  // First, as they come first: numbers follow the order of the variables, so that a second pass gives the same.
  const before = [...(expanded?.variables ?? [])]
    .filter(([name]) => isSeen(name, ownEnv ?? []))
    .map(([name, { secret, key }]) => reference(name, draft.variable(secret, key)));
  const env: EnvVar[] = [];
  let changed = expanded !== null;
  (ownEnv ?? []).forEach((variable, i) => {
    const now = rewriteVariable(variable, `${path}.env[${i}]`, previous, draft);
    changed ||= now !== variable;
    if (now !== null) env.push(now);
  });
  if (!changed) return container;
  const all = [...before, ...env];
  const envFrom = expanded === null ? ownEnvFrom : expanded.rest;
  return {
    ...rest,
    ...(all.length > 0 ? { env: all } : {}),
    ...(envFrom !== undefined && envFrom !== null && envFrom.length > 0 ? { envFrom } : {}),
  };
}

interface Expanded {
  /** What is left of envFrom. */
  readonly rest: EnvFrom[];
  readonly variables: ReadonlyMap<string, { readonly secret: SealedSecret; readonly key: string }>;
}

function expandEnvFrom(sources: readonly EnvFrom[], path: string, draft: PlanDraft): Expanded | null {
  const rest: EnvFrom[] = [];
  const variables = new Map<string, { secret: SealedSecret; key: string }>();
  let expanded = false;
  for (const [i, source] of sources.entries()) {
    const at = `${path}.envFrom[${i}]`;
    const { prefix = '', secretRef } = source;
    if (secretRef === undefined) {
      if (variables.size > 0)
        draft.warnings.push(
          `${at} comes after a Secret; where both have a name, the Secret's value is taken`,
        );
      rest.push(source);
      continue;
    }
    if (Object.hasOwn(source, 'configMapRef')) throw twoSources(at);
    expanded = true;
    const secret = draft.secret(secretRef.name ?? '', `${at}.secretRef`, secretRef.optional ?? false);
    if (secret === null) continue;
    for (const key of [...secret.keys.keys()].sort()) variables.set(prefix + key, { secret, key });
  }
  return expanded ? { rest, variables } : null;
}

/** A variable of envFrom that env surely overrides is not seen, unless a value of env refers to it before. */
function isSeen(name: string, env: readonly EnvVar[]): boolean {
  return (
    !env.some((each) => each.name === name && !mayBeAbsent(each)) ||
    env.some(({ value }) => value?.includes(`$(${name})`) === true)
  );
}

function mayBeAbsent({ valueFrom }: EnvVar): boolean {
  return Object.values(valueFrom ?? {}).some(
    (source) =>
      typeof source === 'object' && source !== null && 'optional' in source && source.optional === true,
  );
}

/** The same variable if it has nothing to do with Secrets; null if it refers to what is optional and missing. */
function rewriteVariable(
  variable: EnvVar,
  path: string,
  previous: FetchPlan | null,
  draft: PlanDraft,
): EnvVar | null {
  const { name, valueFrom } = variable;
  if (valueFrom === undefined) return variable;
  const { secretKeyRef, fileKeyRef } = valueFrom;
  if (secretKeyRef !== undefined) {
    if (Object.keys(valueFrom).length !== 1 || (variable.value ?? '') !== '') throw twoSources(path);
    const { name: from = '', key = '', optional = false } = secretKeyRef;
    const at = `${path}.valueFrom.secretKeyRef`;
    const secret = draft.secret(from, at, optional);
    if (secret === null || !draft.hasKey(secret, key, at, optional)) return null;
    return reference(name, draft.variable(secret, key));
  }
  if (fileKeyRef?.volumeName !== ENV_VOLUME) return variable;
  const known = previous?.env.find((each) => each.name === fileKeyRef.key);
  if (known === undefined) {
    throw new Denied(
      'SEAL_FETCH_FORGED',
      `${path} reads ${fileKeyRef.key.slice(0, 128)} of volume ${ENV_VOLUME}, which is no variable of ${SEAL_FETCH}`,
      'refer to the Secret itself by secretKeyRef',
    );
  }
  const secret = draft.secret(known.secret, path, false);
  if (secret === null || !draft.hasKey(secret, known.key, path, false)) return null;
  const key = draft.variable(secret, known.key);
  return key === fileKeyRef.key ? variable : reference(name, key);
}

function reference(name: string, key: string): EnvVar {
  const fileKeyRef = { volumeName: ENV_VOLUME, path: ENV_FILE, key, optional: false };
  return { name, valueFrom: { fileKeyRef } };
}

/** The API server refuses it, and must still see both. */
function twoSources(path: string): Denied {
  return new Denied('OBJECT_MALFORMED', `${path} has two sources`, 'leave one of them', 400);
}
