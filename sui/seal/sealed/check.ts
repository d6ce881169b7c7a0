import { equalBytes, encodeSealIdentity, type SealIdentity, type SuiId } from '@k3s-daas/core';

import { SealedError } from './errors.ts';
import type { SealedValue } from './parse.ts';

/** What counts as sealed in one cluster. */
export interface SealRules {
  readonly cluster: SuiId;
  /** First version of the cluster's Move package. */
  readonly packageId: SuiId;
  /** Weight of each key server that may be sealed to. */
  readonly keyServers: ReadonlyMap<SuiId, number>;
  /** Least threshold. */
  readonly threshold: number;
}

/** Where a value was found. */
export interface SealedPlace {
  readonly namespace: string;
  /** Name of the Secret. */
  readonly secret: string;
  readonly key: string;
}

/**
 * Whether a value may stand where it stands: everything that can be known without opening it.
 * @throws SealedError with one code for each rule.
 */
export function checkSealedValue(value: SealedValue, rules: SealRules, place: SealedPlace): void {
  for (const refusal of valueRefusals(value, rules, place)) throw refusal;
}

/** Everything for which checkSealedValue throws, in its order. */
export function* valueRefusals(
  value: SealedValue,
  rules: SealRules,
  place: SealedPlace,
): Generator<SealedError, void, undefined> {
  const { packageId, identity, aad } = value;
  const at = `${place.namespace}/${place.secret}, key ${place.key}`;
  if (packageId !== rules.packageId)
    yield new SealedError('SEALED_PACKAGE_WRONG', `${at}: sealed under package ${packageId}`);
  if (identity.cluster !== rules.cluster)
    yield new SealedError('SEALED_CLUSTER_WRONG', `${at}: sealed for cluster ${identity.cluster}`);
  if (identity.namespace !== place.namespace)
    yield new SealedError('SEALED_NAMESPACE_WRONG', `${at}: sealed for namespace ${identity.namespace}`);
  if (aad.secret !== place.secret || aad.key !== place.key)
    yield new SealedError('SEALED_PLACE_WRONG', `${at}: sealed for Secret ${aad.secret}, key ${aad.key}`);
  yield* keyServerRefusals(value, rules, at);
}

function* keyServerRefusals(
  { services, threshold }: SealedValue,
  rules: SealRules,
  at: string,
): Generator<SealedError, void, undefined> {
  for (const { objectId, weight } of services) {
    const expected = rules.keyServers.get(objectId);
    if (expected === undefined) {
      yield new SealedError('SEALED_KEY_SERVER_UNKNOWN', `${at}: sealed to key server ${objectId}`);
      continue;
    }
    if (weight !== expected)
      yield new SealedError(
        'SEALED_WEIGHT_WRONG',
        `${at}: key server ${objectId} holds ${weight} shares, not ${expected}`,
      );
  }
  if (threshold < rules.threshold)
    yield new SealedError('SEALED_THRESHOLD_LOW', `${at}: threshold ${threshold}, below ${rules.threshold}`);
}

/**
 * The one identity of all values of a Secret.
 * @param values by key; at least one.
 * @throws SealedError SEALED_IDENTITIES_DIFFER
 */
export function identityOfSecret(values: ReadonlyMap<string, SealedValue>): SealIdentity {
  const [first, ...others] = [...values];
  if (first === undefined)
    throw new SealedError('SEALED_IDENTITIES_DIFFER', 'a sealed Secret has at least one value');
  const expected = encodeSealIdentity(first[1].identity);
  for (const [key, { identity }] of others) {
    if (!equalBytes(encodeSealIdentity(identity), expected))
      throw new SealedError(
        'SEALED_IDENTITIES_DIFFER',
        `keys ${first[0]} and ${key} are sealed for different policies, versions or service accounts`,
      );
  }
  return first[1].identity;
}
