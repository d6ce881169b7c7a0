import { SealClient, SessionKey } from '@mysten/seal';
import type { ClientWithCoreApi } from '@mysten/sui/client';
import { Transaction } from '@mysten/sui/transactions';
import { encodeSealIdentity, toHex, type Bytes, type SealIdentity, type SuiId } from '@k3s-daas/core';
import { addressOf, sealCalls, toChainError, type Account } from '@k3s-daas/sui-client';

import { OpenError, toOpenError } from './open-error.ts';
import type { SealedService, SealedValue } from './parse.ts';

/** What lets the opener in; grants by the id of their policy. */
export type Approval =
  /** A pod's: AccessGrants of the account, and the placement that they rest on. */
  | {
      readonly kind: 'placement';
      readonly cluster: SuiId;
      readonly session: SuiId;
      readonly position: SuiId;
      readonly grants: ReadonlyMap<SuiId, SuiId>;
    }
  /** The policy owner's own: RecoveryGrants. */
  | { readonly kind: 'recovery'; readonly cluster: SuiId; readonly grants: ReadonlyMap<SuiId, SuiId> };

export interface OpenOptions {
  /** `chain.client` of connectChain. */
  readonly client: ClientWithCoreApi;
  /** Who holds the grants. */
  readonly account: Account;
  /** First version of the Move package, as in the values. */
  readonly packageId: SuiId;
  /** The version whose seal_approve is called; the first unless given. */
  readonly callPackageId?: SuiId | undefined;
  readonly approval: Approval;
  /** For each request to a key server. Default 4,000. */
  readonly timeoutMs?: number | undefined;
  /** For key servers only. */
  readonly fetch?: typeof fetch | undefined;
}

const TIMEOUT_MS = 4_000;
const SESSION_MINUTES = 5;
/** Key servers take transactions of no more calls (Seal's own limit). */
const IDENTITIES_MAX = 100;

/**
 * Opens values with the unmodified SealClient: one question to the key servers for all of them. Each key is checked against
 * the server's public key on chain; as many servers may be down as the threshold allows; every share is checked against the
 * others.
 * @param values by any name; checked before (checkSealedValue).
 * @returns plaintexts by the same names.
 * @throws OpenError
 */
export async function openValues(
  options: OpenOptions,
  values: ReadonlyMap<string, SealedValue>,
): Promise<Map<string, Bytes>> {
  const session = await sessionOf(options);
  const opened = new Map<string, Bytes>();
  for (const group of groupsOf(values)) {
    const identities = identitiesOf(group.values.values());
    const txBytes = await buildApproval(options, identities);
    const seal = keyServersOf(options, group);
    try {
      const ids = [...identities.keys()];
      await seal.fetchKeys({ ids, txBytes, sessionKey: session, threshold: group.threshold });
      // Kept by the client: what fails below is then the ciphertext's fault, not the chain's.
      await seal.getPublicKeys(group.services.map(({ objectId }) => objectId));
    } catch (error) {
      throw toOpenError(error);
    }
    for (const [name, { bytes }] of group.values)
      opened.set(name, await decryptOne(seal, name, { data: bytes, sessionKey: session, txBytes }));
  }
  return opened;
}

async function sessionOf({ client, account, packageId }: OpenOptions): Promise<SessionKey> {
  try {
    return await SessionKey.create({
      address: addressOf(account),
      packageId,
      ttlMin: SESSION_MINUTES,
      signer: account,
      suiClient: client,
    });
  } catch (error) {
    throw toOpenError(error);
  }
}

/** Values that the same servers with the same threshold open. A Secret has one such group, and so has a cluster mostly. */
interface Group {
  readonly services: readonly SealedService[];
  readonly threshold: number;
  readonly values: Map<string, SealedValue>;
}

function groupsOf(values: ReadonlyMap<string, SealedValue>): Group[] {
  const groups = new Map<string, Group>();
  for (const [name, value] of values) {
    const { services, threshold } = value;
    const sorted = services.map(({ objectId, weight }) => `${objectId}:${weight}`).sort();
    const key = `${threshold} ${sorted.join(' ')}`;
    const group = groups.get(key) ?? { services, threshold, values: new Map<string, SealedValue>() };
    group.values.set(name, value);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Distinct identities by their bytes in hex. */
function identitiesOf(values: Iterable<SealedValue>): Map<string, SealIdentity> {
  const identities = new Map<string, SealIdentity>();
  for (const { identity } of values) identities.set(toHex(encodeSealIdentity(identity)), identity);
  if (identities.size > IDENTITIES_MAX)
    throw new OpenError('OPEN_TOO_MANY', `${identities.size} identities, of ${IDENTITIES_MAX} at a time`);
  return identities;
}

/** One call of seal_approve for each identity, as the kind of a transaction. */
async function buildApproval(
  { client, packageId, callPackageId = packageId, approval }: OpenOptions,
  identities: ReadonlyMap<string, SealIdentity>,
): Promise<Uint8Array> {
  const tx = new Transaction();
  for (const identity of identities.values()) {
    const { policy } = identity;
    const grant = approval.grants.get(policy);
    if (grant === undefined) throw new OpenError('OPEN_REFUSED', `there is no grant of policy ${policy}`);
    const id = encodeSealIdentity(identity);
    if (approval.kind === 'placement') sealCalls.sealApprove(tx, callPackageId, id, grant, approval, policy);
    else sealCalls.sealApproveRecovery(tx, callPackageId, id, grant, approval.cluster, policy);
  }
  try {
    return await tx.build({ client, onlyTransactionKind: true });
  } catch (cause) {
    const error = toChainError(cause);
    const code = error.code === 'OBJECT_MISSING' ? 'OPEN_NOT_YET' : 'OPEN_CHAIN_UNAVAILABLE';
    throw new OpenError(code, error.message, { cause });
  }
}

/**
 * Servers do not prove here that they hold their keys (`/v1/service`), as they do when secrets are sealed: SealClient takes a key
 * only if it is the identity's under the public key that the chain has of the server. Whoever else answers is of no use.
 */
function keyServersOf(
  { client, timeoutMs = TIMEOUT_MS, fetch }: OpenOptions,
  { services }: Group,
): SealClient {
  return new SealClient({
    suiClient: client,
    serverConfigs: services.map(({ objectId, weight }) => ({ objectId, weight })),
    verifyKeyServers: false,
    timeout: timeoutMs,
    ...(fetch !== undefined && { fetch }),
  });
}

async function decryptOne(
  seal: SealClient,
  name: string,
  request: Omit<Parameters<SealClient['decrypt']>[0], 'checkShareConsistency'>,
): Promise<Bytes> {
  try {
    return await seal.decrypt({ ...request, checkShareConsistency: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new OpenError('OPEN_CIPHERTEXT_WRONG', `${name}: ${why}`, { cause });
  }
}
