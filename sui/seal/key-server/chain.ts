import { RpcError, type SuiGrpcClient } from '@mysten/sui/grpc';
import { normalizeSuiAddress } from '@mysten/sui/utils';
import { verifyPersonalMessageSignature } from '@mysten/sui/verify';

import { KeyServerError } from './errors.ts';
import type { VerifyUser } from './certificate.ts';

/** Why a simulated transaction failed. */
export interface SimulatedFailure {
  readonly message: string;
  readonly kind: string;
  /** Where and how Move code aborted, if that is why. */
  readonly abort: { readonly packageId: string; readonly module: string; readonly code: bigint } | null;
}

/** What a key server asks its chain. */
export interface KeyServerChain {
  /** Id of the first version of a package; null if there is no such package. */
  readonly firstPackageId: (packageId: string) => Promise<string | null>;
  /** In MIST per unit. */
  readonly gasPrice: () => Promise<bigint>;
  /**
   * Runs a transaction (BCS of TransactionData, no gas coins) with all checks and without effect. Null if it succeeds.
   * Throws KeyServerError InvalidParameter if the node refuses it, Failure if the node does not answer.
   */
  readonly simulate: (transaction: Uint8Array) => Promise<SimulatedFailure | null>;
  readonly verifyUser: VerifyUser;
}

const REFUSED = new Set(['INVALID_ARGUMENT', 'NOT_FOUND']);
const PACKAGES_MAX = 10_000;

/** The chain behind a gRPC client. */
export function suiChain(client: SuiGrpcClient): KeyServerChain {
  const firstIds = new Map<string, string>();
  return {
    firstPackageId: async (packageId) => {
      const known = firstIds.get(packageId);
      if (known !== undefined) return known;
      const found = await firstPackageId(client, packageId);
      // Versions never change their origin.
      if (firstIds.size >= PACKAGES_MAX) firstIds.clear();
      if (found !== null) firstIds.set(packageId, found);
      return found;
    },
    gasPrice: () => asked(async () => BigInt((await client.core.getReferenceGasPrice()).referenceGasPrice)),
    simulate: (transaction) => simulate(client, transaction),
    verifyUser: async (message, signature, user) => {
      try {
        await verifyPersonalMessageSignature(message, signature, { address: user, client });
        return true;
      } catch {
        return false;
      }
    },
  };
}

async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw new KeyServerError('Failure', 'The node does not answer', { cause });
  }
}

/** Id of a package's first version, under which Seal's identities are; null if there is no such package. */
export async function firstPackageId(client: SuiGrpcClient, packageId: string): Promise<string | null> {
  return await asked(async () => {
    try {
      const { response } = await client.ledgerService.getObject({
        objectId: packageId,
        readMask: { paths: ['package.original_id'] },
      });
      const original = response.object?.package?.originalId;
      return original === undefined ? null : normalizeSuiAddress(original);
    } catch (error) {
      if (error instanceof RpcError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  });
}

async function simulate(client: SuiGrpcClient, transaction: Uint8Array): Promise<SimulatedFailure | null> {
  const result = await asked(async () => {
    try {
      return await client.core.simulateTransaction({
        transaction,
        checksEnabled: true,
        doGasSelection: false,
      });
    } catch (error) {
      if (error instanceof RpcError && REFUSED.has(error.code)) return error;
      throw error;
    }
  });
  // Refused before execution: malformed, or an object that this node does not have (yet).
  if (result instanceof RpcError)
    throw new KeyServerError('InvalidParameter', `Invalid parameter to PTB: ${result.message}`, {
      cause: result,
    });
  if (result.$kind === 'Transaction') return null;
  const { error } = result.FailedTransaction.status;
  if (error === null) return { message: 'the transaction failed', kind: 'Unknown', abort: null };
  const { message, $kind: kind } = error;
  if (error.$kind !== 'MoveAbort') return { message, kind, abort: null };
  const { abortCode, location } = error.MoveAbort;
  const packageId = normalizeSuiAddress(location?.package ?? '');
  return { message, kind, abort: { packageId, module: location?.module ?? '', code: BigInt(abortCode) } };
}
