import { describeError, isSuiId, type FetchPlan, type SuiId } from '@k3s-daas/core';
import { z } from 'zod';

import type { Consent } from './broker.ts';
import { FetchError } from './errors.ts';
import { post, refusalOf, type Reply } from './exchange.ts';

const id = z.string().refine(isSuiId);
const answer = z.object({
  grants: z
    .array(z.object({ policy: id, grant: id, expiresMs: z.string().regex(/^\d{1,16}$/) }))
    .min(1)
    .max(16),
  transaction: z.string().max(64),
});

/** A grant on chain. */
export interface Grant {
  readonly policy: SuiId;
  readonly grant: SuiId;
  /** The first moment at which it opens nothing any more, by the chain's clock. */
  readonly expiresMs: number;
}

const REPLY_MS = 20_000;
const PASSING = new Set([429, 500, 502, 503, 504]);

/**
 * `POST /api/v1/access`: has the releases carried to the chain. The relay is not trusted: it can only be late.
 * @throws FetchError RELAY_…, RELEASE_STALE, POLICY_REFUSED
 */
export async function askRelay(
  plan: FetchPlan,
  { receipt, releases }: Consent,
  signal: AbortSignal,
): Promise<Grant[]> {
  const body = {
    receipt,
    releases: releases.map(({ policy, message, signature }) => ({ policy, message, signature })),
  };
  let reply: Reply;
  try {
    reply = await post({ url: new URL('/api/v1/access', plan.relay), body, replyMs: REPLY_MS, signal });
  } catch (cause) {
    throw new FetchError('RELAY_UNREACHABLE', `the relay gave no answer: ${describeError(cause)}`, { cause });
  }
  if (reply.status !== 200) throw refused(reply);
  const parsed = answer.safeParse(reply.body);
  if (!parsed.success) throw malformed(z.prettifyError(parsed.error));
  const granted = new Set(parsed.data.grants.map(({ policy }) => policy));
  if (!releases.every(({ policy }) => granted.has(policy))) throw malformed('a grant is missing');
  return parsed.data.grants.map(({ expiresMs, ...grant }) => ({ ...grant, expiresMs: Number(expiresMs) }));
}

/** Aborts of request_access that another release mends, since it comes with another session, receipt or key. */
const STALE_ABORTS = new Set([
  'EReleaseExpired',
  'EReleaseOvertaken',
  'ENotActive',
  'EWrongSession',
  'EAlreadyGranted',
]);

function refused(reply: Reply): FetchError {
  const { code, message, remedy, abort } = refusalOf(reply);
  const details = { retryAfterMs: reply.retryAfterMs, ...(remedy !== undefined && { remedy }) };
  const says = `the relay says ${code}: ${message}`;
  if (PASSING.has(reply.status)) return new FetchError('RELAY_BUSY', says, details);
  const constant = abort?.split('::').at(-1) ?? '';
  if (code === 'RELEASE_INVALID' || STALE_ABORTS.has(constant))
    return new FetchError('RELEASE_STALE', says, details);
  if (code === 'POLICY_REFUSED') return new FetchError('POLICY_REFUSED', says, details);
  return new FetchError('RELAY_REFUSED', says, details);
}

function malformed(why: string): FetchError {
  return new FetchError('RELAY_MALFORMED', `the relay’s answer is not what was asked for: ${why}`);
}
