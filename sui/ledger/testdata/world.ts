import { join } from 'node:path';

import { compileFramework, compilePackage } from '@k3s-daas/move';
import { SuiGrpcClient } from '@mysten/sui/grpc';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Transaction } from '@mysten/sui/transactions';
import { toBase64 } from '@mysten/sui/utils';

import { Ledger } from '../chain/ledger.ts';
import { createLedger, serveLedger, type LedgerOptions } from '../index.ts';

export const CHAIN_START_MS = 1_700_000_000_000;

/** A ledger served over HTTP with the unmodified client, a funded user, and the sandbox package published. */
export interface World extends AsyncDisposable {
  readonly ledger: Ledger;
  readonly client: SuiGrpcClient;
  readonly url: string;
  readonly user: Ed25519Keypair;
  readonly address: string;
  readonly packageId: string;
  readonly counterId: string;
  /** Signs and executes; resolves with the client's result. */
  readonly run: (
    build: (tx: Transaction) => void,
    signer?: Ed25519Keypair,
    /** `unresolved` names inputs and gas by hand, so that a transaction that fails in Move reaches the ledger at all. */
    mode?: 'unresolved',
  ) => Promise<Result>;
}

const include = { effects: true, events: true, objectTypes: true, balanceChanges: true } as const;

/** What the client makes of an executed transaction. */
export type Result = Awaited<ReturnType<typeof execute>>;

function execute(client: SuiGrpcClient, signer: Ed25519Keypair, transaction: Transaction) {
  return client.signAndExecuteTransaction({ transaction, signer, include });
}

/** Options of a ledger whose clock moves by hand and that trusts no attestation. */
export async function worldOptions(options: Partial<LedgerOptions> = {}): Promise<LedgerOptions> {
  return {
    framework: await compileFramework(),
    clock: { startMs: CHAIN_START_MS },
    verifyAttestation: () => {
      throw new Error('no attestation is trusted here');
    },
    ...options,
  };
}

/** A world on a ledger of its own, or on a new one that was made already. */
export async function createWorld(options: Partial<LedgerOptions> | Ledger = {}): Promise<World> {
  const ledger = options instanceof Ledger ? options : createLedger(await worldOptions(options));
  const sandbox = await compilePackage({ dir: join(import.meta.dirname, 'sandbox') });
  const server = await serveLedger(ledger);
  const client = new SuiGrpcClient({ network: 'localnet', baseUrl: server.url });
  const user = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(1));
  const address = user.toSuiAddress();
  ledger.faucet(address, 100_000_000_000n);
  const run: World['run'] = async (build, signer = user, mode) => {
    const tx = new Transaction();
    tx.setSender(signer.toSuiAddress());
    build(tx);
    if (mode === 'unresolved') await resolveByHand(client, tx);
    return await execute(client, signer, tx);
  };
  const published = await run((tx) => {
    const cap = tx.publish({
      modules: sandbox.modules.map(toBase64),
      dependencies: [...sandbox.dependencies],
    });
    tx.transferObjects([cap], address);
  });
  const types = published.Transaction?.objectTypes ?? {};
  const find = (suffix: string): string =>
    Object.entries(types).find(([, type]) => type.endsWith(suffix))?.[0] ?? '';
  return {
    ledger,
    client,
    url: server.url,
    user,
    address,
    packageId: find('package'),
    counterId: find('::counter::Counter'),
    run,
    async [Symbol.asyncDispose]() {
      await server.close();
      ledger.close();
    },
  };
}

/** Fills in gas and object versions from reads, without the dry run of `Transaction.build`. */
async function resolveByHand(client: SuiGrpcClient, tx: Transaction): Promise<void> {
  const owner = tx.getData().sender ?? '';
  const { objects: coins } = await client.listCoins({ owner });
  tx.setGasPayment(coins.slice(0, 1).map(({ objectId, version, digest }) => ({ objectId, version, digest })));
  tx.setGasPrice(1_000);
  tx.setExpiration({ None: true });
  const plugin: Parameters<Transaction['addBuildPlugin']>[0] = async (data, _options, next) => {
    for (const [index, input] of data.inputs.entries()) {
      if (input.UnresolvedObject === undefined) continue;
      const { object } = await client.getObject({ objectId: input.UnresolvedObject.objectId });
      const { objectId, version, digest } = object;
      const shared = object.owner.Shared;
      data.inputs[index] =
        shared === undefined
          ? {
              $kind: 'Object',
              Object: { $kind: 'ImmOrOwnedObject', ImmOrOwnedObject: { objectId, version, digest } },
            }
          : {
              $kind: 'Object',
              Object: {
                $kind: 'SharedObject',
                SharedObject: { objectId, initialSharedVersion: shared.initialSharedVersion, mutable: true },
              },
            };
    }
    await next();
  };
  tx.addBuildPlugin(plugin);
}

interface Change {
  readonly id: string;
  readonly type: string;
  readonly version: string;
}

/** The changed objects of a result (the gas coin aside), sorted as explorers sort them. */
export function changes(result: Result): {
  readonly created: Change[];
  readonly mutated: Change[];
  readonly unwrapped: string[];
  readonly deleted: string[];
  readonly wrapped: string[];
} {
  const { effects, objectTypes } = result.Transaction ?? result.FailedTransaction;
  const all = effects.changedObjects.filter(({ objectId }) => objectId !== effects.gasObject?.objectId);
  const pick = (before: string, after: string, operation: string): Change[] =>
    all
      .filter((c) => c.inputState === before && c.outputState === after && c.idOperation === operation)
      .map((c) => ({ id: c.objectId, type: objectTypes[c.objectId] ?? '', version: c.outputVersion ?? '' }));
  const ids = (list: Change[]): string[] => list.map(({ id }) => id);
  return {
    created: [
      ...pick('DoesNotExist', 'ObjectWrite', 'Created'),
      ...pick('DoesNotExist', 'PackageWrite', 'Created'),
    ],
    mutated: pick('Exists', 'ObjectWrite', 'None'),
    unwrapped: ids(pick('DoesNotExist', 'ObjectWrite', 'None')),
    deleted: ids(pick('Exists', 'DoesNotExist', 'Deleted')),
    wrapped: ids(pick('Exists', 'DoesNotExist', 'None')),
  };
}

export function errorOf(result: Result): unknown {
  return result.FailedTransaction?.status.error;
}

/** What must stay as it is when the ledger refuses something. */
export function snapshot({ ledger }: World): unknown {
  const { objects, history, checkpoints } = ledger;
  return [objects.size, history.transactions.next, checkpoints.latest.digest];
}
