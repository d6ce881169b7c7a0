import type { IncomingHttpHeaders } from 'node:http';

import { KeyServerError } from './errors.ts';

/** Oldest SDKs that speak this protocol, by the type they name. */
const OLDEST: Readonly<Record<string, readonly [number, number, number]>> = {
  typescript: [0, 4, 5],
  rust: [0, 1, 0],
};

/** Checks the headers with which an SDK says what it is. Throws KeyServerError. */
export function checkSdk(headers: IncomingHttpHeaders): void {
  const version = headers['client-sdk-version'];
  if (typeof version !== 'string')
    throw new KeyServerError('MissingRequiredHeader', 'Missing required header: Client-Sdk-Version');
  const oldest = OLDEST[String(headers['client-sdk-type'] ?? 'typescript')];
  if (oldest === undefined) throw new KeyServerError('InvalidSDKType', 'Invalid SDK type');
  const [, ...parts] = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+][\w.-]{1,64})?$/.exec(version) ?? [];
  if (parts.length === 0) throw new KeyServerError('InvalidSDKVersion', 'Invalid SDK version');
  for (const [i, least] of oldest.entries()) {
    const part = Number(parts[i]);
    if (part > least) return;
    if (part < least) throw new KeyServerError('DeprecatedSDKVersion', 'Deprecated SDK version');
  }
}
