import type { ChainView, Clock } from '@k3s-daas/core';

import { checkBinding, refuseLegacyBinding } from './checks/bindings.ts';
import { checkNodeCreate, checkNodeStatus, checkNodeUpdate } from './checks/nodes.ts';
import { checkPodCreate, checkPodStatus, checkPodUpdate } from './checks/pods.ts';
import type { WebhookConfig } from './config.ts';
import { Denied } from './denied.ts';
import type { AdmissionRequest } from './http/decode.ts';

export interface ReviewDependencies {
  readonly chain: ChainView;
  readonly clock: Clock;
  readonly config: WebhookConfig;
}

/** What a request is about, e.g. `CREATE pods/binding`; the label of the metrics. */
export function subjectOf({ operation, resource, subResource }: AdmissionRequest): string {
  const group = resource.group === '' ? '' : `.${resource.group}`;
  return `${operation} ${resource.resource}${group}${subResource === '' ? '' : `/${subResource}`}`;
}

/**
 * Decides one request. Returns if it is allowed.
 *
 * @throws Denied with code, reason and remedy.
 */
export function review(request: AdmissionRequest, { chain, clock, config }: ReviewDependencies): void {
  // Before anything is read: what runs a cluster must start without chain and enclave (design section 8).
  if (request.namespace !== '' && config.exemptNamespaces.includes(request.namespace)) return;
  const rules = { chain, clock, ...config };
  const subject = subjectOf(request);
  switch (subject) {
    case 'CREATE pods':
      checkPodCreate(request);
      return;
    case 'UPDATE pods':
      checkPodUpdate(request);
      return;
    case 'UPDATE pods/status':
      checkPodStatus(request);
      return;
    case 'CREATE pods/binding':
      checkBinding(request, rules);
      return;
    case 'CREATE bindings':
      refuseLegacyBinding();
      return;
    case 'CREATE nodes':
      checkNodeCreate(request, rules);
      return;
    case 'UPDATE nodes':
      checkNodeUpdate(request, rules);
      return;
    case 'UPDATE nodes/status':
      checkNodeStatus(request);
      return;
    default:
      // A rule without a check would be a gate that only looks like one.
      throw new Denied(
        'REVIEW_UNEXPECTED',
        `the webhook has no check for ${subject}`,
        'apply the ValidatingWebhookConfiguration of manifests/ that belongs to this version of the webhook',
      );
  }
}
