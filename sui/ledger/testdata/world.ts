import { join } from 'node:path';

import { compileFramework, compilePackage } from '@k3s-daas/move';
import { SuiGrpcClient } from '@mysten/sui/grpc';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Transaction } from '@mysten/sui/transactions';
import { toBase64 } from '@mysten/sui/utils';

import { createLedger, serveLedger, type Ledger, type LedgerOptions } from '../index.ts';

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
  readonly run: (build: (tx: Transaction) => void, signer?: Ed25519Keypair) => ReturnType<typeof execute>;
}

const include = { effects: true, events: true, objectTypes: true, balanceChanges: true } as const;

function execute(client: SuiGrpcClient, signer: Ed25519Keypair, transaction: Transaction) {
  return client.signAndExecuteTransaction({ transaction, signer, include });
}

export async function createWorld(options: Partial<LedgerOptions> = {}): Promise<World> {
  const framework = await compileFramework();
  const sandbox = await compilePackage({ dir: join(import.meta.dirname, 'sandbox') });
  const ledger = createLedger({
    framework,
    clock: { startMs: CHAIN_START_MS },
    verifyAttestation: () => {
      throw new Error('no attestation is trusted here');
    },
    ...options,
  });
  const server = await serveLedger(ledger);
  const client = new SuiGrpcClient({ network: 'localnet', baseUrl: server.url });
  const user = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(1));
  const address = user.toSuiAddress();
  ledger.faucet(address, 100_000_000_000n);
  const run: World['run'] = async (build, signer = user) => {
    const tx = new Transaction();
    tx.setSender(signer.toSuiAddress());
    build(tx);
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
