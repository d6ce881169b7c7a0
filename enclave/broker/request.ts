import { isSuiId, type SuiId } from '@k3s-daas/core';
import { z } from 'zod';

import { BrokerError } from './errors.ts';

const POLICIES_MAX = 16;

const id = z.string().refine(isSuiId, 'expected 0x and 64 lower-case hex digits');
const schema = z.strictObject({
  /** Sui address of the key that gets the grants. */
  recipient: id,
  policies: z
    .array(id)
    .min(1)
    .max(POLICIES_MAX)
    .refine((policies) => new Set(policies).size === policies.length, 'a policy is named twice'),
});

export interface ReleaseRequest {
  readonly recipient: SuiId;
  readonly policies: readonly SuiId[];
}

/** @throws BrokerError REQUEST_MALFORMED */
export function parseRequest(json: unknown): ReleaseRequest {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue === undefined ? '' : `${issue.path.join('.')}: ${issue.message}`;
  throw new BrokerError('REQUEST_MALFORMED', `not a request for releases: ${where.slice(0, 200)}`);
}
