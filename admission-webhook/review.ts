import { checkBinding, refuseLegacyBinding } from './checks/bindings.ts';
import { checkConnect, checkNodeProxy } from './checks/connect.ts';
import { checkNodeCreate, checkNodeStatus, checkNodeUpdate } from './checks/nodes.ts';
import {
  checkEphemeralContainers,
  checkPodCreate,
  checkPodStatus,
  checkPodUpdate,
  mutatePod,
} from './checks/pods.ts';
import { checkSecret } from './checks/secrets.ts';
import { checkTemplate } from './checks/templates.ts';
import { checkToken } from './checks/tokens.ts';
import { Denied } from './denied.ts';
import type { AdmissionRequest } from './http/decode.ts';
import type { Mutation, ReviewDependencies, ReviewRules, Warnings } from './rules.ts';

const NONE: Warnings = [];
const TEMPLATES: ReadonlySet<string> = new Set(
  [
    'deployments.apps',
    'statefulsets.apps',
    'daemonsets.apps',
    'replicasets.apps',
    'jobs.batch',
    'cronjobs.batch',
    'replicationcontrollers',
    'podtemplates',
  ].flatMap((kind) => [`CREATE ${kind}`, `UPDATE ${kind}`]),
);
const TOKENS = 'CREATE serviceaccounts/token';

/** What a request is about, e.g. `CREATE pods/binding`; the label of the metrics. */
export function subjectOf({ operation, resource, subResource }: AdmissionRequest): string {
  const group = resource.group === '' ? '' : `.${resource.group}`;
  return `${operation} ${resource.resource}${group}${subResource === '' ? '' : `/${subResource}`}`;
}

/**
 * Decides one request. Resolves if it is allowed, with what its author should know nevertheless.
 *
 * @throws Denied with code, reason and remedy.
 */
export async function review(
  request: AdmissionRequest,
  dependencies: ReviewDependencies,
): Promise<{ warnings: Warnings }> {
  // Before anything is read: what runs a cluster must start without chain and enclave (design section 8).
  if (isExempt(request, dependencies)) return { warnings: [] };
  return { warnings: await check(request, rulesOf(dependencies)) };
}

/**
 * What to change in one request before it is reviewed.
 *
 * @throws Denied with code, reason and remedy.
 */
export async function mutate(request: AdmissionRequest, dependencies: ReviewDependencies): Promise<Mutation> {
  if (isExempt(request, dependencies)) return { patch: [], warnings: [] };
  const subject = subjectOf(request);
  if (subject === 'CREATE pods') return mutatePod(request, rulesOf(dependencies));
  throw unexpected(subject);
}

function isExempt(request: AdmissionRequest, { config }: ReviewDependencies): boolean {
  const { namespace } = request;
  // A pod of an exempt namespace has no business with the broker either.
  if (subjectOf(request) === TOKENS) return false;
  return namespace !== '' && config.exemptNamespaces.includes(namespace);
}

function rulesOf({ config, ...rest }: ReviewDependencies): ReviewRules {
  return { ...config, ...rest };
}

async function check(request: AdmissionRequest, rules: ReviewRules): Promise<Warnings> {
  const subject = subjectOf(request);
  switch (subject) {
    case 'CREATE pods':
      return checkPodCreate(request, rules);
    case 'UPDATE pods':
    case 'UPDATE pods/resize':
      checkPodUpdate(request);
      return NONE;
    case 'UPDATE pods/ephemeralcontainers':
      checkEphemeralContainers(request);
      return NONE;
    case 'CONNECT pods/exec':
    case 'CONNECT pods/attach':
    case 'CONNECT pods/portforward':
    case 'CONNECT pods/proxy':
      await checkConnect(request, rules);
      return NONE;
    case 'CONNECT nodes/proxy':
      checkNodeProxy(request);
      return NONE;
    case 'UPDATE pods/status':
      checkPodStatus(request);
      return NONE;
    case 'CREATE pods/binding':
      checkBinding(request, rules);
      return NONE;
    case 'CREATE bindings':
      return refuseLegacyBinding();
    case 'CREATE nodes':
      checkNodeCreate(request, rules);
      return NONE;
    case 'UPDATE nodes':
      checkNodeUpdate(request, rules);
      return NONE;
    case 'UPDATE nodes/status':
      checkNodeStatus(request);
      return NONE;
    case 'CREATE secrets':
    case 'UPDATE secrets':
      checkSecret(request, rules);
      return NONE;
    case TOKENS:
      return checkToken(request, rules);
    default:
      if (TEMPLATES.has(subject)) return checkTemplate(request, rules);
      throw unexpected(subject);
  }
}

/** A rule without a check would be a gate that only looks like one. */
function unexpected(subject: string): Denied {
  return new Denied(
    'REVIEW_UNEXPECTED',
    `the webhook has no check for ${subject}`,
    'apply the webhook configurations of manifests/ that belong to this version of the webhook',
  );
}
