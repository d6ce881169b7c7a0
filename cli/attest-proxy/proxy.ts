import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { type Clock, type Configuration, type ProxyConfiguration } from '@k3s-daas/core';
import type { Logger } from 'pino';

import { fetchAttestation } from '../enclave-client.ts';
import { trustAnchorOf } from '../enclave-verify.ts';
import { attest, type Attested } from './attest.ts';
import type { ChainPort } from './chain.ts';
import { Link, type Pauses } from './link.ts';
import { openUpstream, type Upstream, type UpstreamLimits } from './upstream.ts';

export interface EnclaveAccessOptions {
  readonly configuration: Configuration;
  readonly proxy: ProxyConfiguration;
  /** Resolves a path of the configuration. */
  readonly path: (relative: string) => string;
  readonly chain: ChainPort;
  readonly clock: Clock;
  /** Longest wait for an attestation, ms. */
  readonly fetchMsMax?: number;
}

/** The two ways in which the proxy meets the enclave. */
export interface EnclaveAccess {
  readonly attest: (signal: AbortSignal) => Promise<Attested>;
  readonly open: (attested: Attested, lost: () => void) => Upstream;
}

const FETCH_MS_MAX = 5_000;
/** The enclave answers a bind within 15 s. */
const UPSTREAM_LIMITS: UpstreamLimits = {
  connectMs: 3_000,
  replyMs: 20_000,
  replyBytesMax: 32 << 20,
  connectionsMax: 128,
};
/** Longer than the enclave itself goes on without the chain: it says why, and the proxy ends what it says. */
const CHAIN_AGE_MS_MIN = 60_000;

function chainAgeMsMax({ policy }: Configuration): number {
  return Math.max(CHAIN_AGE_MS_MIN, 2 * policy.stakeSnapshotAgeMsMax);
}

export async function enclaveAccess(options: EnclaveAccessOptions): Promise<EnclaveAccess> {
  const { configuration, proxy, path, chain, clock, fetchMsMax = FETCH_MS_MAX } = options;
  const { attestation } = configuration;
  const trustAnchor = await trustAnchorOf(attestation, path);
  return {
    attest: (signal) =>
      attest({
        chain,
        fetch: (nonce) =>
          fetchAttestation(
            proxy.bootstrapUrl,
            { nonce },
            AbortSignal.any([signal, AbortSignal.timeout(fetchMsMax)]),
          ),
        accepted: attestation,
        trustAnchor,
        random: (bytes) => new Uint8Array(randomBytes(bytes)),
        clock,
        documentAgeMsMax: proxy.documentAgeMsMax,
        chainAgeMsMax: chainAgeMsMax(configuration),
      }),
    open: (attested, lost) =>
      openUpstream(
        attested,
        {
          url: proxy.enclaveUrl,
          credentials: async () => {
            const [cert, key] = await Promise.all([
              readFile(path(proxy.clientCertFile), 'utf8'),
              readFile(path(proxy.clientKeyFile), 'utf8'),
            ]);
            return { cert, key };
          },
          clock,
          limits: UPSTREAM_LIMITS,
        },
        lost,
      ),
  };
}

/** Not started yet. */
export function linkOf(
  options: EnclaveAccessOptions & { readonly log: Logger; readonly pauses?: Partial<Pauses> },
  access: EnclaveAccess,
): Link {
  const { configuration, proxy, chain, clock, log, pauses = {} } = options;
  return new Link({
    chain,
    clock,
    attest: access.attest,
    open: access.open,
    chainAgeMsMax: chainAgeMsMax(configuration),
    documentAgeMsMax: proxy.documentAgeMsMax,
    log,
    random: Math.random,
    pauses,
  });
}
