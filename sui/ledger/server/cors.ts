import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';

/** How long a browser may remember a preflight. */
const MAX_AGE_S = '86400';

/** What scripts may read of an answer besides its body: where a call without messages carries its status. */
const EXPOSED = 'grpc-status, grpc-message, grpc-status-details-bin';

/**
 * Headers that let the page which sent this request read the answer. The chain is public and knows no cookies, so
 * every origin may, as with a full node; none is named for a request that comes from no page.
 */
export function corsHeaders({ headers }: IncomingMessage): OutgoingHttpHeaders {
  if (headers.origin === undefined) return {};
  return { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED };
}

/** Headers that answer a preflight (Fetch standard, "CORS protocol"), to be sent with status 204. */
export function preflightHeaders(request: IncomingMessage): OutgoingHttpHeaders {
  const wanted = request.headers['access-control-request-headers'];
  return {
    ...corsHeaders(request),
    'access-control-allow-methods': 'POST',
    // "*" would leave out Authorization, which wallets may send along.
    'access-control-allow-headers': wanted ?? '*',
    'access-control-max-age': MAX_AGE_S,
    // Chrome asks before a public page reaches a private address (Private Network Access).
    ...(request.headers['access-control-request-private-network'] === 'true'
      ? { 'access-control-allow-private-network': 'true' }
      : {}),
    vary: 'origin, access-control-request-headers, access-control-request-private-network',
  };
}
