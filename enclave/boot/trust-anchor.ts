import { isAwsNitroRootG1 } from '@k3s-daas/attestation';
import type { Configuration } from '@k3s-daas/core';

import { EnclaveError } from '../errors.ts';
import type { OpenedNsm } from './nsm.ts';

const PUBLIC_NETWORKS: ReadonlySet<string> = new Set(['testnet', 'mainnet']);

/**
 * On a public network documents must lead to AWS's root, by its bytes: the configuration refuses a development NSM
 * there already, and this does not depend on what it calls things.
 * @throws EnclaveError TRUST_ANCHOR_NOT_AWS
 */
export function requireAwsRoot(
  { nsm, trustAnchor }: OpenedNsm,
  { chain }: Pick<Configuration, 'chain'>,
): void {
  if (!PUBLIC_NETWORKS.has(chain.network)) return;
  if (nsm.kind === 'device' && isAwsNitroRootG1(trustAnchor)) return;
  throw new EnclaveError(
    'TRUST_ANCHOR_NOT_AWS',
    `on ${chain.network} the NSM's documents must lead to AWS's root, these do not`,
    'run the enclave on Nitro hardware with enclave.nsm.kind device',
  );
}
