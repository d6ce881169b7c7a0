import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { configDigest, enclaveUserData, policyDigest, sha256, type Bytes } from '@k3s-daas/core';

import { Attestor } from '../guard/attestor.ts';
import type { NsmQueue } from '../guard/nsm-queue.ts';
import type { FirstDocument } from './clock.ts';
import { KubernetesIdentity } from './kubernetes-identity.ts';
import type { EnclaveKeys } from './keys.ts';
import type { OpenedNsm } from './nsm.ts';
import { publicKeys } from './registration.ts';
import type { EnclaveOptions } from './world.ts';

/** What the attestation binds: this installation and the keys of this boot. */
export interface Attested {
  readonly attestor: Attestor;
  readonly configDigest: Bytes;
  /** Waits for the certificate that is signed for the attested TLS key. */
  readonly kubernetes: KubernetesIdentity;
  /** PEM of the CAs as they were read for the attestation. */
  readonly apiServerCa: string;
  readonly clientCa: string;
}

/** Makes the standing document, and verifies it before anybody sees it. @throws EnclaveError NSM_FAILED */
export async function attest(options: {
  readonly options: EnclaveOptions;
  readonly opened: OpenedNsm;
  readonly queue: NsmQueue;
  readonly first: FirstDocument;
  readonly keys: EnclaveKeys;
}): Promise<Attested> {
  const { opened, queue, first, keys } = options;
  const { configuration, enclave, path } = options.options;
  const { cluster, kubernetes, policy } = configuration;
  const apiServerCa = await readFile(path(kubernetes.caFile), 'utf8');
  const clientCa = await readFile(path(enclave.clientCaFile), 'utf8');
  // From what this process was given, not from the chain.
  const digest = configDigest({
    apiServerCaDigest: sha256(new X509Certificate(apiServerCa).raw),
    chainId: cluster.chainId,
    packageId: cluster.package,
    policyDigest: policyDigest(policy),
  });
  const attestor = new Attestor({
    queue,
    clock: first.clock,
    pcrs: first.pcrs,
    trustAnchor: opened.trustAnchor,
    publicKey: keys.decision.publicKey,
    userData: enclaveUserData({ cluster: cluster.id, configDigest: digest, ...publicKeys(keys) }),
  });
  await attestor.renew();
  return {
    attestor,
    configDigest: digest,
    kubernetes: new KubernetesIdentity({ keys, clock: first.clock, authorityPem: clientCa }),
    apiServerCa,
    clientCa,
  };
}
