import { isAwsNitroRootG1 } from '@k3s-daas/attestation';
import { publicNetworkOf, type Configuration } from '@k3s-daas/core';

import { EnclaveError } from '../errors.ts';
import type { OpenedNsm } from './nsm.ts';

/**
 * On a public network documents must lead to AWS's root, by its bytes: the configuration refuses a development NSM
 * there already, and this does not depend on what it calls things.
 * @throws EnclaveError TRUST_ANCHOR_NOT_AWS
 */
export function requireAwsRoot(
  { nsm, trustAnchor }: OpenedNsm,
  configuration: Pick<Configuration, 'chain' | 'cluster'>,
): void {
  const network = publicNetworkOf(configuration);
  if (network === null) return;
  if (nsm.kind === 'device' && isAwsNitroRootG1(trustAnchor)) return;
  throw new EnclaveError(
    'TRUST_ANCHOR_NOT_AWS',
    `on ${network} the NSM's documents must lead to AWS's root, these do not`,
    'run the enclave on Nitro hardware with enclave.nsm.kind device',
  );
}
