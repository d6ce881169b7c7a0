import { describeError, isSuiId, type FetchPlan, type SuiId } from '@k3s-daas/core';
import { z } from 'zod';

import type { ActiveEnclave } from './chain.ts';
import { FetchError } from './errors.ts';
import { post, refusalOf, type Reply } from './exchange.ts';
import { connectPinned } from './pinned.ts';

const id = z.string().refine(isSuiId);
const signed = { message: z.base64().max(16_384), signature: z.base64().max(128) };
const release = z.object({
  policy: id,
  ...signed,
  notAfterMs: z.string().regex(/^\d{1,20}$/),
});
const answer = z.object({
  cluster: id,
  session: id,
  position: id,
  node: z.string().max(253),
  receipt: z.object(signed),
  releases: z.array(release).max(16),
});

/** The enclave's consent that one key may open policies for this pod, and the placement that it rests on. */
export type Consent = z.infer<typeof answer>;

export interface ConsentRequest {
  readonly token: string;
  /** Address of the key that will hold the grants. */
  readonly recipient: SuiId;
  /** At most 16. */
  readonly policies: readonly SuiId[];
}

const CONNECT_MS = 5_000;
const REPLY_MS = 10_000;
/** 401: the token ran out, and the kubelet writes a new one. 404, 409: the enclave does not know of the placement yet. */
const PASSING = new Set([401, 404, 409, 429, 500, 502, 503, 504]);

/** `POST /api/v1/releases` to the enclave that the chain names. @throws FetchError BROKER_… */
export async function askBroker(
  plan: FetchPlan,
  enclave: ActiveEnclave,
  { token, recipient, policies }: ConsentRequest,
  signal: AbortSignal,
): Promise<Consent> {
  const url = new URL('/api/v1/releases', plan.broker);
  const socket = await connectPinned({ url, keyHash: enclave.tlsKeyHash, connectMs: CONNECT_MS, signal });
  let reply: Reply;
  try {
    const headers = { authorization: `Bearer ${token}` };
    reply = await post({ url, headers, body: { recipient, policies }, socket, replyMs: REPLY_MS, signal });
  } catch (cause) {
    const why = describeError(cause);
    throw new FetchError('BROKER_UNREACHABLE', `the broker gave no answer: ${why}`, { cause });
  } finally {
    socket.destroy();
  }
  if (reply.status !== 200) throw refused(reply);
  const parsed = answer.safeParse(reply.body);
  if (!parsed.success) throw malformed(z.prettifyError(parsed.error));
  requireAsked(plan, enclave, policies, parsed.data);
  return parsed.data;
}

/** It is the pinned session that speaks, of what it was asked. Whether its signatures are good, Move says. */
function requireAsked(
  plan: FetchPlan,
  enclave: ActiveEnclave,
  policies: readonly SuiId[],
  { cluster, session, releases }: Consent,
): void {
  if (cluster !== plan.cluster) throw malformed(`it answers for cluster ${cluster}`);
  if (session !== enclave.session)
    throw new FetchError(
      'BROKER_FOREIGN',
      `the broker is of session ${session}, active is ${enclave.session}`,
    );
  const released = new Set(releases.map(({ policy }) => policy));
  if (releases.length !== policies.length || !policies.every((policy) => released.has(policy)))
    throw malformed('its releases are not for the policies asked for');
}

function refused(reply: Reply): FetchError {
  const { code, message, remedy } = refusalOf(reply);
  const kind = PASSING.has(reply.status) ? 'BROKER_BUSY' : 'BROKER_REFUSED';
  return new FetchError(kind, `the broker says ${code}: ${message}`, {
    retryAfterMs: reply.retryAfterMs,
    ...(remedy !== undefined && { remedy }),
  });
}

function malformed(why: string): FetchError {
  return new FetchError('BROKER_MALFORMED', `the broker’s answer is not what was asked for: ${why}`);
}
