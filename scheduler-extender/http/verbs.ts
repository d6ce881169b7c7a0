import { CodedError, describeError, podFacts } from '@k3s-daas/core';

import type { Engine, FilterOutcome, NodeRejection } from '../engine.ts';
import { ExtenderError } from '../errors.ts';
import type { KubeView, PodFacts } from '../ports.ts';
import { HttpError } from './errors.ts';
import {
  parseBindingArgs,
  parseExtenderArgs,
  parsePreemptionArgs,
  type BindingResult,
  type FilterResult,
  type HostPriority,
  type MetaVictims,
  type PreemptionResult,
} from './wire.ts';

export const VERBS = ['filter', 'prioritize', 'preempt', 'bind'] as const;
export type Verb = (typeof VERBS)[number];

/** How an attempt to place a pod ended; a filter that finds nodes ends nothing. */
export interface Attempt {
  readonly result: 'scheduled' | 'unschedulable' | 'error';
  /** Code; empty when scheduled. */
  readonly reason: string;
}

export interface VerbsDependencies {
  readonly engine: Engine;
  readonly kube: KubeView;
  /** Longest wait for a bind, ms: the engine goes on, and the next call with this UID learns the outcome. */
  readonly bindMsMax: number;
  readonly attempt: (attempt: Attempt) => void;
}

/** The verbs of the extender: body of the request to body of the reply. Those that throw are answered with an error. */
export type Verbs = Readonly<Record<Verb, (json: unknown) => object | Promise<object>>>;

export function verbs(dependencies: VerbsDependencies): Verbs {
  return {
    filter: (json) => filter(dependencies, json),
    prioritize: (json) => prioritize(dependencies, json),
    preempt: (json) => preempt(dependencies, json),
    bind: (json) => bind(dependencies, json),
  };
}

/**
 * The reply to a call that failed, if the verb's result has an `Error` field: kube-scheduler drops the body of any
 * status but 200 and with it the reason. null where only a status can tell: prioritize and preempt.
 */
export function errorReply(verb: Verb, error: CodedError): FilterResult | BindingResult | null {
  const text = describeError(error);
  switch (verb) {
    case 'filter':
      return { Nodes: null, NodeNames: null, FailedNodes: {}, FailedAndUnresolvableNodes: {}, Error: text };
    case 'bind':
      return { Error: text };
    case 'prioritize':
    case 'preempt':
      return null;
  }
}

function filter({ engine, kube, attempt }: VerbsDependencies, json: unknown): FilterResult {
  const { NodeNames } = parseExtenderArgs(json);
  const pod = factsOf(kube, json);
  const outcome = engine.filter(pod, NodeNames);
  if (outcome.names.length === 0)
    attempt({ result: 'unschedulable', reason: commonest(outcome.rejected) ?? 'NONE' });
  return {
    Nodes: null,
    NodeNames: outcome.names,
    ...failedNodes(outcome, pod.uid),
    Error: '',
  };
}

function prioritize({ engine }: VerbsDependencies, json: unknown): HostPriority[] {
  const { Pod, NodeNames } = parseExtenderArgs(json);
  return engine.prioritize(Pod.metadata.uid, NodeNames).map(({ node, score }) => {
    // Go decodes the list as int64: one fraction, and kube-scheduler silently drops every score.
    if (!Number.isInteger(score) || score < 0 || score > 10) {
      throw new HttpError(
        'SCORE_INVALID',
        `the score ${score} is no integer from 0 to 10`,
        'report this as a bug',
      );
    }
    return { Host: node, Score: score };
  });
}

function preempt({ engine, kube }: VerbsDependencies, json: unknown): PreemptionResult {
  const { NodeNameToMetaVictims: given } = parsePreemptionArgs(json);
  // kube-scheduler takes a node without victims for an error, and a null one crashes it.
  const offered = new Map(Object.entries(given).filter(([, victims]) => victims.Pods.length > 0));
  const kept: [string, MetaVictims][] = [];
  for (const node of engine.eligibleForPreemption(factsOf(kube, json), [...offered.keys()])) {
    const victims = offered.get(node);
    if (victims !== undefined) kept.push([node, victims]);
  }
  return { NodeNameToMetaVictims: Object.fromEntries(kept) };
}

async function bind(
  { engine, bindMsMax, attempt }: VerbsDependencies,
  json: unknown,
): Promise<BindingResult> {
  const { PodNamespace, PodName, PodUID, Node } = parseBindingArgs(json);
  const outcome = await within(
    bindMsMax,
    engine.bind({ namespace: PodNamespace, pod: PodName, podUid: PodUID, node: Node }),
  );
  if (outcome.bound) {
    attempt({ result: 'scheduled', reason: '' });
    return { Error: '' };
  }
  attempt({ result: 'error', reason: outcome.code });
  return { Error: `${outcome.code}: ${outcome.message}` };
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new HttpError(
          'ANSWER_LATE',
          `no outcome within ${ms} ms`,
          'none needed: kube-scheduler asks again, and the pod is bound at most once',
        ),
      );
    }, ms);
    // What waits for the bind is a connection; once that is gone the timer must not keep the process.
    timer.unref();
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Facts of the pod in a request whose reference was parsed. Where the API server has told us the same version, its
 * word is taken: kube-scheduler cannot show us another pod, and the digest of the spec is not made again.
 */
function factsOf(kube: KubeView, json: unknown): PodFacts {
  const { Pod } = json as { Pod: { metadata: { uid: string; resourceVersion?: string } } };
  const known = kube.pod(Pod.metadata.uid);
  if (known !== undefined && known.resourceVersion === Pod.metadata.resourceVersion) return known;
  try {
    return podFacts(Pod);
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new ExtenderError('REQUEST_MALFORMED', `${cause.code}: ${cause.message}`, cause.remedy, { cause });
  }
}

/** Reasons of one code beyond this many nodes share one text. */
const DETAILS_MAX = 3;

/**
 * kube-scheduler writes each different reason into the pod's condition with the number of nodes that have it: thousands
 * of reasons that name their node would make a condition of megabytes.
 */
function failedNodes(
  { rejected }: FilterOutcome,
  podUid: string,
): Pick<FilterResult, 'FailedNodes' | 'FailedAndUnresolvableNodes'> {
  const counts = countByCode(rejected);
  const soft: [string, string][] = [];
  const hard: [string, string][] = [];
  for (const { node, code, message, unresolvable } of rejected) {
    const detailed = (counts.get(code) ?? 0) <= DETAILS_MAX;
    const text = detailed ? withCode(code, message) : `${code} (daas explain ${podUid})`;
    (unresolvable ? hard : soft).push([node, text]);
  }
  return { FailedNodes: Object.fromEntries(soft), FailedAndUnresolvableNodes: Object.fromEntries(hard) };
}

function withCode(code: string, message: string): string {
  return message.startsWith(`${code}:`) ? message : `${code}: ${message}`;
}

function countByCode(rejected: readonly NodeRejection[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { code } of rejected) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
}

function commonest(rejected: readonly NodeRejection[]): string | undefined {
  return [...countByCode(rejected)].sort(([, a], [, b]) => b - a)[0]?.[0];
}
