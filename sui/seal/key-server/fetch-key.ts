import { fromHex, toBase64 } from '@mysten/sui/utils';
import { concatBytes } from '@noble/curves/utils.js';

import type { Clock } from '@k3s-daas/core';

import { checkCertificate } from './certificate.ts';
import type { KeyServerChain } from './chain.ts';
import { encryptTo, type MasterKey, type RandomBytes } from './crypto.ts';
import { KeyServerError } from './errors.ts';
import { checkPolicy, type PolicyOptions } from './policy.ts';
import { parsePolicyCalls } from './ptb.ts';
import type { FetchKeyBody } from './request.ts';

export interface FetchKeyOptions extends PolicyOptions {
  readonly masterKey: MasterKey;
  /** First versions of the packages that are served; any package unless given. */
  readonly packages?: ReadonlySet<string> | undefined;
  readonly chain: KeyServerChain;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Told of each extraction, and whether it was in the cache. */
  readonly onExtraction?: ((cached: boolean) => void) | undefined;
}

export interface FetchKeyResponse {
  readonly decryption_keys: readonly {
    readonly id: readonly number[];
    readonly encrypted_key: readonly [string, string];
  }[];
}

/**
 * The protocol of `/v1/fetch_key` after the request was read: what is asked, who asks, whether the policies let him; then
 * the keys, encrypted for the session. `limitUser` throws if a user, who has proven to be one, asks too often. The policy
 * is asked each time, never remembered: it may have changed. Throws KeyServerError.
 */
export async function fetchKey(
  options: FetchKeyOptions,
  body: FetchKeyBody,
  limitUser: (user: string) => void,
): Promise<FetchKeyResponse> {
  const { chain, clock, masterKey, random } = options;
  const calls = parsePolicyCalls(body.ptb);
  const first = await chain.firstPackageId(calls.packageId);
  if (first === null) throw new KeyServerError('InvalidPackage', 'Invalid package ID');
  if (options.packages !== undefined && !options.packages.has(first))
    throw new KeyServerError('UnsupportedPackageId', 'Unsupported package ID');
  // Names of the Move registry are not resolved here, so what a certificate says of one cannot be checked.
  if (typeof body.certificate.mvr_name === 'string')
    throw new KeyServerError('InvalidMVRName', 'Invalid MVR name');
  const nowMs = clock.now();
  await checkCertificate(body, first, nowMs, chain.verifyUser);
  limitUser(body.certificate.user);
  await checkPolicy(chain, calls, body.certificate.user, nowMs, options);
  const decryption_keys = calls.ids.map((id) => {
    // Of all versions of a package the first is the namespace.
    const identity = concatBytes(fromHex(first), id);
    const { key, cached } = masterKey.extract(identity);
    options.onExtraction?.(cached);
    const [c0, c1] = encryptTo(body.enc_key.point, key, random);
    return { id: [...identity], encrypted_key: [toBase64(c0), toBase64(c1)] as const };
  });
  return { decryption_keys };
}
