import { isDeepStrictEqual } from 'node:util';

import { z } from 'zod';

import { Denied } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import type { Warnings } from '../rules.ts';
import { inject, isUnsetScheduler } from '../sealed/inject.ts';
import { podSpecSchema, type Pod } from '../sealed/pod.ts';
import { secretReferences } from '../sealed/references.ts';
import { secretsRequired } from '../sealed/shape.ts';
import { metadataSchema, parseObject } from './marks.ts';
import { requireOurScheduler, requirePlain, type PodRules } from './pods.ts';

const templateSchema = z.object({
  metadata: metadataSchema.nullish(),
  spec: podSpecSchema,
});
type Template = z.infer<typeof templateSchema>;

const withTemplate = z.object({ spec: z.object({ template: z.unknown().optional() }) });
const podTemplate = z.object({ template: z.unknown().optional() });
const cronJob = z.object({ spec: z.object({ jobTemplate: withTemplate }) });

/** Where each kind keeps its template; the kinds that controllers make pods from. */
const TEMPLATES: ReadonlyMap<string, (object: unknown) => unknown> = new Map([
  ...['deployments.apps', 'statefulsets.apps', 'daemonsets.apps', 'replicasets.apps', 'jobs.batch'].map(
    inSpec,
  ),
  inSpec('replicationcontrollers'),
  ['podtemplates', (object) => parseObject(podTemplate, object, 'PodTemplate').template],
  ['cronjobs.batch', (object) => parseObject(cronJob, object, 'CronJob').spec.jobTemplate.spec.template],
]);

function inSpec(resource: string): [string, (object: unknown) => unknown] {
  return [resource, (object) => parseObject(withTemplate, object, resource).spec.template];
}

/**
 * CREATE and UPDATE of what has a pod template: what admission would say of its pods, said to the person who writes it.
 * Pods remain the authority, so an UPDATE that leaves the template alone passes, and a Secret may still be missing.
 *
 * @throws Denied
 */
export async function checkTemplate(
  { resource, operation, namespace, object, oldObject }: AdmissionRequest,
  { facts, seal }: PodRules,
): Promise<Warnings> {
  const kind = resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
  const read = TEMPLATES.get(kind);
  if (read === undefined) {
    throw new Denied(
      'REVIEW_UNEXPECTED',
      `the webhook knows no pod template in ${kind}`,
      'apply the webhook configurations of manifests/ that belong to this version of the webhook',
    );
  }
  const template = read(object);
  // A ReplicationController may have none.
  if (template === undefined || template === null) return [];
  if (operation === 'UPDATE' && isDeepStrictEqual(read(oldObject), template)) return [];
  const pod = podOf(parseObject(templateSchema, template, `template of ${kind}`));
  requirePlain(pod);
  if (!isUnsetScheduler(pod.spec.schedulerName ?? '')) requireOurScheduler(pod);
  const { plan, warnings } = await inject(pod, { namespace, facts, seal, lenient: true });
  const refers = plan !== null || secretReferences(pod.spec).length > 0;
  if (!refers && (await facts.mode(namespace)) !== 'references') throw secretsRequired(namespace);
  return warnings;
}

function podOf({ metadata, spec }: Template): Pod {
  return { metadata: metadata ?? metadataSchema.parse({}), spec };
}
