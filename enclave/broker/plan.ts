import {
  FETCH_PLAN_CHARACTERS_MAX,
  FormatError,
  parsePlanVariable,
  PLAN_VARIABLE,
  SEAL_FETCH,
  type FetchPlan,
  type SuiId,
} from '@k3s-daas/core';
import { z } from 'zod';

import { BrokerError } from './errors.ts';

/** The cluster that an enclave serves, and the Move package of its policies. */
export interface PlanHome {
  readonly id: SuiId;
  readonly package: SuiId;
}

/** Each `$` may be doubled. */
const value = z.string().max(2 * FETCH_PLAN_CHARACTERS_MAX);
/** As admission has compared it: the first that runs, with one variable and no other. */
const sealFetch = z.looseObject({
  name: z.literal(SEAL_FETCH),
  env: z.tuple([z.strictObject({ name: z.literal(PLAN_VARIABLE), value })]),
});
const specSchema = z.looseObject({ initContainers: z.tuple([sealFetch], z.unknown()) });

/**
 * The policies that a pod's secrets are under, by the plan in its spec. The receipt signs for the spec, so who asks with
 * the pod's token cannot widen it.
 * @throws BrokerError POD_WITHOUT_PLAN
 */
export function plannedPolicies(spec: unknown, home: PlanHome): ReadonlySet<SuiId> {
  const parsed = specSchema.safeParse(spec);
  if (!parsed.success) throw without(`its first init container is not a ${SEAL_FETCH} with a plan`);
  const plan = planOf(parsed.data.initContainers[0].env[0].value);
  if (plan.cluster !== home.id) throw without(`its plan is for cluster ${plan.cluster}`);
  if (plan.package !== home.package) throw without(`its plan is for package ${plan.package}`);
  return new Set(plan.secrets.map(({ policy }) => policy));
}

/**
 * A pod's token speaks for its service account, and a policy lets in a service account: without this, one pod's token
 * would open whatever that account may open anywhere.
 * @throws BrokerError POLICY_NOT_PLANNED
 */
export function requirePlanned(policies: readonly SuiId[], planned: ReadonlySet<SuiId>): void {
  const foreign = policies.find((policy) => !planned.has(policy));
  if (foreign === undefined) return;
  throw new BrokerError('POLICY_NOT_PLANNED', `none of the pod’s Secrets is under policy ${foreign}`);
}

function planOf(text: string): FetchPlan {
  try {
    return parsePlanVariable(text);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw without(error.message.slice(0, 256), error);
  }
}

function without(why: string, cause?: unknown): BrokerError {
  return new BrokerError('POD_WITHOUT_PLAN', `nothing is sealed for the pod: ${why}`, { cause });
}
