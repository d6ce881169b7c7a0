import { join } from 'node:path';

import { describeError } from '@k3s-daas/core';
import { readCluster, readSession } from '@k3s-daas/sui-client';

import { assertKeyHash, fetchAttestation } from '../enclave-client.ts';
import { CliError } from '../errors.ts';
import { sameKeys } from '../registrar/sessions.ts';
import { readState } from '../registrar/state.ts';
import type { ChainWorld } from './chain.ts';

/** Of the registrar's books, relative to the installation's folder. */
export const REGISTRAR_STATE = join('registrar', 'books');

export interface RegisteredEnclave {
  readonly session: string;
  readonly term: bigint;
  /** The enclave's own TLS certificate; its key is the attested one. */
  readonly certificatePem: string;
}

/** The boot that runs, when the registrar has registered it: what the enclave serves, and the session on chain for it. */
export async function registeredEnclave(options: {
  readonly bootstrapUrl: string;
  readonly world: ChainWorld;
}): Promise<RegisteredEnclave> {
  const { bootstrapUrl, world } = options;
  const { client } = world.operator;
  const attestation = await fetchAttestation(bootstrapUrl);
  const { active } = await readCluster(client, world.packageId, world.owned.cluster);
  const session = active === null ? null : await readSession(client, world.packageId, active.session);
  if (active === null || session === null || !sameKeys(session, attestation)) {
    throw new CliError(
      'VERIFICATION_FAILED',
      'the enclave that answers is not the one that is active on chain',
      'see the logs of enclave and registrar',
    );
  }
  assertKeyHash(attestation.certificatePem, session.tlsKeyHash);
  return { session: session.id, term: active.term, certificatePem: attestation.certificatePem };
}

/** What the enclave waits for is often what the registrar says. */
export async function withRegistrarReason(dir: string, error: unknown): Promise<unknown> {
  const state = await readState(join(dir, REGISTRAR_STATE)).catch(() => null);
  if (state?.waiting === null || state?.waiting === undefined) return error;
  return new CliError(
    'CHILD_TIMEOUT',
    `${describeError(error)}; the registrar waits: ${state.waiting.message}`,
    'see the logs of the parts',
    { cause: error },
  );
}
