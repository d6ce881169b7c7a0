import { BROKER_AUDIENCE } from '@k3s-daas/core';
import { KubeError, type KubeClient, type KubeResponse } from '@k3s-daas/scheduler-extender';
import { z } from 'zod';

import { BrokerError } from './errors.ts';

/** Who holds a token, by the API server's word. */
export interface TokenHolder {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly node: string;
  readonly serviceAccount: string;
  readonly serviceAccountUid: string;
}

const PATH = '/apis/authentication.k8s.io/v1/tokenreviews';
const BEARER = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/;
const HEADER_CHARACTERS_MAX = 8_192;
const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;
const EXTRA = 'authentication.kubernetes.io/';

/** Exactly one value: a list of several would name several pods. */
const one = z.tuple([z.string().min(1).max(253)]);
const verdict = z.object({
  status: z.object({ authenticated: z.boolean().optional(), error: z.string().max(65_536).optional() }),
});
const review = z.object({
  status: z.object({
    audiences: z.array(z.string().max(1_024)).max(64),
    user: z.object({
      username: z.string().max(1_024),
      uid: z.string().min(1).max(128),
      extra: z.record(z.string(), z.array(z.string())).default({}),
    }),
  }),
});
const binding = z.object({
  [`${EXTRA}pod-name`]: one,
  [`${EXTRA}pod-uid`]: one,
  [`${EXTRA}node-name`]: one,
});

/** @throws BrokerError TOKEN_MISSING */
export function bearerToken(header: string | undefined): string {
  const token = BEARER.exec((header ?? '').slice(0, HEADER_CHARACTERS_MAX + 1))?.[1];
  if (token === undefined || (header ?? '').length > HEADER_CHARACTERS_MAX) {
    throw new BrokerError('TOKEN_MISSING', 'the request brings no bearer token in the form of a JWT');
  }
  return token;
}

/**
 * Whose token it is: the API server checks signature, expiry, audience, and that the bound pod and service account still
 * exist with the UIDs in it. Such tokens are issued to the kubelet of the pod's node only (docs/admission.md).
 * @throws BrokerError TOKEN_REFUSED, TOKEN_FOREIGN, TOKEN_UNBOUND, KUBERNETES_UNAVAILABLE
 */
export async function reviewToken(client: Pick<KubeClient, 'request'>, token: string): Promise<TokenHolder> {
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token, audiences: [BROKER_AUDIENCE] },
  };
  const response = await ask(client, { method: 'POST', path: PATH, body });
  if (response.status !== 201 && response.status !== 200) throw unavailable(`POST ${PATH}`, response);
  requireAuthenticated(response.body);
  return holderOf(response.body);
}

function requireAuthenticated(body: unknown): void {
  const parsed = verdict.safeParse(body);
  if (!parsed.success) throw notAnswered('its TokenReview has no status');
  const { authenticated = false, error = '' } = parsed.data.status;
  if (authenticated) return;
  const why = error === '' ? '' : `: ${error.slice(0, 200)}`;
  throw new BrokerError('TOKEN_REFUSED', `the API server does not take the token${why}`);
}

function holderOf(body: unknown): TokenHolder {
  const parsed = review.safeParse(body);
  if (!parsed.success) throw notAnswered('its TokenReview names no user or no audience');
  const { audiences, user } = parsed.data.status;
  // An authenticator that knows nothing of audiences leaves them out.
  if (!audiences.includes(BROKER_AUDIENCE)) {
    throw new BrokerError('TOKEN_REFUSED', `the token is not for the audience ${BROKER_AUDIENCE}`);
  }
  const [, namespace, serviceAccount] = ACCOUNT.exec(user.username) ?? [];
  if (namespace === undefined || serviceAccount === undefined) {
    throw new BrokerError('TOKEN_FOREIGN', 'the token is not one of a service account');
  }
  const bound = binding.safeParse(user.extra);
  if (!bound.success) throw new BrokerError('TOKEN_UNBOUND', 'the token is not bound to a pod on a node');
  return {
    namespace,
    serviceAccount,
    serviceAccountUid: user.uid,
    pod: bound.data[`${EXTRA}pod-name`][0],
    podUid: bound.data[`${EXTRA}pod-uid`][0],
    node: bound.data[`${EXTRA}node-name`][0],
  };
}

/** One request to the API server. @throws BrokerError KUBERNETES_UNAVAILABLE if it gives no answer */
export async function ask(
  client: Pick<KubeClient, 'request'>,
  request: Parameters<KubeClient['request']>[0],
): Promise<KubeResponse> {
  try {
    return await client.request(request);
  } catch (cause) {
    if (!(cause instanceof KubeError)) throw cause;
    throw new BrokerError('KUBERNETES_UNAVAILABLE', `${cause.code}: ${cause.message}`, { cause });
  }
}

export function unavailable(what: string, { status }: KubeResponse): BrokerError {
  return new BrokerError('KUBERNETES_UNAVAILABLE', `the API server answers ${what} with status ${status}`);
}

export function notAnswered(what: string): BrokerError {
  return new BrokerError('KUBERNETES_UNAVAILABLE', `the API server does not say what was asked: ${what}`);
}
