import type { IncomingMessage, ServerResponse } from 'node:http';

import { LedgerError, type LedgerErrorCode } from '../chain/errors.ts';

/** A route beside the gRPC API that takes and answers JSON. All of them change something. */
export interface JsonRoute {
  /** Which web pages may call it: those served from this machine (a dApp under development), or none at all. */
  readonly pages: 'local' | 'none';
  /** What is answered with status 200. `body` is any JSON value. Throws LedgerError to refuse. */
  handle(body: unknown): Promise<unknown>;
}

const STATUS_OF: Readonly<Partial<Record<LedgerErrorCode, number>>> = {
  REQUEST_FOREIGN: 403,
  CLOCK_NOT_MANUAL: 409,
  SNAPSHOT_UNAVAILABLE: 409,
  JOURNAL_WRITE_FAILED: 503,
};

/**
 * Answers a call of a JSON route. A page of the web that a developer has open can reach loopback, by a form, by a
 * fetch without CORS, or by a name of its own that it lets point to 127.0.0.1 (DNS rebinding); so what a page could
 * have sent is refused before the body is looked at.
 * @param loopback whether the server listens on this machine only.
 */
export async function answerJson(
  route: JsonRoute,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  loopback: boolean,
): Promise<void> {
  try {
    refuseForeign(request, route.pages, loopback);
    send(response, 200, await route.handle(parse(body)));
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    send(response, STATUS_OF[error.code] ?? 400, error.toJSON());
  }
}

function refuseForeign({ headers }: IncomingMessage, pages: JsonRoute['pages'], loopback: boolean): void {
  const { host, origin, 'content-type': type = '' } = headers;
  if (loopback && !isLoopbackHost(hostNameOf(host ?? '')))
    throw foreign('the name in its Host header is not one of this machine');
  if (origin !== undefined && (pages === 'none' || !isLocalOrigin(origin)))
    throw foreign('it comes from a web page');
  // Another page can send this content type only after a preflight, which the Origin check above decides.
  if (type.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json')
    throw foreign('its content-type is not application/json');
}

function foreign(why: string): LedgerError {
  return new LedgerError('REQUEST_FOREIGN', `The request is refused: ${why}.`);
}

/** Whether a host name or address literal means this machine. IPv6 without brackets. */
export function isLoopbackHost(name: string): boolean {
  return name === 'localhost' || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

function hostNameOf(host: string): string {
  const [, bracketed, plain] = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(host) ?? [];
  return (bracketed ?? plain ?? '').toLowerCase();
}

/** Whether an Origin header names a page served from this machine. */
export function isLocalOrigin(origin: string): boolean {
  const [, host] = /^https?:\/\/(.+)$/.exec(origin) ?? [];
  return host !== undefined && isLoopbackHost(hostNameOf(host));
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new LedgerError('REQUEST_MALFORMED', 'The body is not JSON.', { cause });
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? item.toString() : item,
  );
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(text);
}

/** A whole number in JSON, as a number or as decimal text (JSON numbers end at 2^53). Null for anything else. */
export function wholeNumber(value: unknown): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
  return typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : null;
}
