import { z } from 'zod';

import { ExtenderError } from '../errors.ts';

// k8s.io/kube-scheduler/extender/v1: Go field names without tags, hence capitals. kube-scheduler owns these objects, so
// keys we do not know are ignored; whatever we use is checked.

const NODES_MAX = 20_000;
const VICTIMS_MAX = 10_000;
const name = z.string().min(1).max(253);
const uid = z.string().min(1).max(128);
const nodeNames = z.array(name).max(NODES_MAX);
const podReference = z.object({
  metadata: z.object({ uid, resourceVersion: z.string().max(64).default('') }),
});

/** ExtenderArgs, with nodeCacheCapable: names instead of nodes. */
const extenderArgs = z.object({ Pod: podReference, NodeNames: nodeNames });

const metaVictims = z.object({
  Pods: z.array(z.object({ UID: uid })).max(VICTIMS_MAX),
  NumPDBViolations: z.int(),
});
/** ExtenderPreemptionArgs, with nodeCacheCapable. */
const preemptionArgs = z.object({ Pod: podReference, NodeNameToMetaVictims: z.record(name, metaVictims) });

const bindingArgs = z.object({ PodName: name, PodNamespace: name, PodUID: uid, Node: name });

export type ExtenderArgs = z.infer<typeof extenderArgs>;
export type PreemptionArgs = z.infer<typeof preemptionArgs>;
export type BindingArgs = z.infer<typeof bindingArgs>;
export type MetaVictims = z.infer<typeof metaVictims>;

/** ExtenderFilterResult. `Nodes` stays null: we answer with names. */
export interface FilterResult {
  readonly Nodes: null;
  readonly NodeNames: readonly string[] | null;
  readonly FailedNodes: Readonly<Record<string, string>>;
  readonly FailedAndUnresolvableNodes: Readonly<Record<string, string>>;
  readonly Error: string;
}

export interface HostPriority {
  readonly Host: string;
  readonly Score: number;
}

export interface PreemptionResult {
  readonly NodeNameToMetaVictims: Readonly<Record<string, MetaVictims>>;
}

export interface BindingResult {
  readonly Error: string;
}

const CACHE_CAPABLE = 'set nodeCacheCapable: true for this extender in the KubeSchedulerConfiguration';

/** @throws ExtenderError REQUEST_MALFORMED */
export function parseExtenderArgs(json: unknown): ExtenderArgs {
  return parse(extenderArgs, json, 'ExtenderArgs', CACHE_CAPABLE);
}

/** @throws ExtenderError REQUEST_MALFORMED */
export function parsePreemptionArgs(json: unknown): PreemptionArgs {
  return parse(preemptionArgs, json, 'ExtenderPreemptionArgs', CACHE_CAPABLE);
}

/** @throws ExtenderError REQUEST_MALFORMED */
export function parseBindingArgs(json: unknown): BindingArgs {
  return parse(bindingArgs, json, 'ExtenderBindingArgs', 'use a kube-scheduler of extender API v1');
}

// Ours, hence strict.
const dryRunArgs = z.union([
  z.strictObject({ namespace: name, name, nodeNames: nodeNames.optional() }),
  z.strictObject({ pod: z.looseObject({}), nodeNames: nodeNames.optional() }),
]);

export type DryRunArgs = z.infer<typeof dryRunArgs>;

/** @throws ExtenderError REQUEST_MALFORMED */
export function parseDryRun(json: unknown): DryRunArgs {
  return parse(
    dryRunArgs,
    json,
    'dry run',
    'send {namespace, name} or {pod}, and nodeNames if not all nodes',
  );
}

function parse<T>(schema: z.ZodType<T>, json: unknown, what: string, remedy: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where =
    issue === undefined ? '' : `: ${issue.path.join('.').slice(0, 200)} ${issue.message.slice(0, 200)}`;
  throw new ExtenderError('REQUEST_MALFORMED', `not ${what}${where}`, remedy, { cause: parsed.error });
}
