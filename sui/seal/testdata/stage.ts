import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { createLedger, serveLedger, type Ledger } from '@k3s-daas/ledger';
import { compileFramework, compilePackage } from '@k3s-daas/move';
import { SuiGrpcClient } from '@mysten/sui/grpc';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Transaction } from '@mysten/sui/transactions';
import { fromHex, toBase64, toHex } from '@mysten/sui/utils';

import { generateMasterKey, MasterKey, serveKeyServer, suiChain, type KeyServer } from '../index.ts';

export interface ServedKeyServer {
  readonly objectId: string;
  readonly masterKey: MasterKey;
  readonly server: KeyServer;
  readonly failures: unknown[];
}

/** An embedded chain with a policy, and three key servers registered on it. */
export interface Stage extends AsyncDisposable {
  readonly ledger: Ledger;
  readonly client: SuiGrpcClient;
  readonly alice: Ed25519Keypair;
  readonly mallory: Ed25519Keypair;
  readonly policyPackage: string;
  readonly stalenessPackage: string;
  /** An allow list with Alice on it. */
  readonly listId: string;
  readonly servers: readonly ServedKeyServer[];
  /** By how much the clock of the key servers is ahead. */
  readonly skew: { ms: number };
  readonly run: (build: (tx: Transaction) => void, signer?: Ed25519Keypair) => Promise<Changes>;
  /** Identity under the list, in hex without the package. */
  readonly identity: (name: string) => string;
  /** The transaction that asks the policy for an identity, kind only. */
  readonly ask: (id: string, listId?: string) => Promise<Uint8Array>;
}

/** Created objects: id by type. */
type Changes = ReadonlyMap<string, string>;

const moveDir = join(import.meta.dirname, '../../move');

export async function createStage(): Promise<Stage> {
  const ledger = createLedger({
    framework: await compileFramework(),
    verifyAttestation: () => {
      throw new Error('no attestation is trusted here');
    },
  });
  const served = await serveLedger(ledger);
  const client = new SuiGrpcClient({ network: 'localnet', baseUrl: served.url });
  const [alice, mallory] = [1, 2].map((seed) => {
    const pair = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(seed));
    ledger.faucet(pair.toSuiAddress(), 50_000_000_000n);
    return pair;
  }) as [Ed25519Keypair, Ed25519Keypair];
  const run: Stage['run'] = async (build, signer = alice) => {
    const transaction = new Transaction();
    transaction.setSender(signer.toSuiAddress());
    build(transaction);
    const include = { effects: true, objectTypes: true } as const;
    const result = await client.signAndExecuteTransaction({ transaction, signer, include });
    if (result.$kind !== 'Transaction') throw new Error(JSON.stringify(result.FailedTransaction.status));
    const { effects, objectTypes } = result.Transaction;
    const created = effects.changedObjects.filter(({ idOperation }) => idOperation === 'Created');
    return new Map(created.map(({ objectId }) => [objectTypes[objectId] ?? '', objectId]));
  };
  const publish = async (dir: string): Promise<string> => {
    const { modules, dependencies } = await compilePackage({ dir });
    const changes = await run((tx) => {
      const cap = tx.publish({ modules: modules.map(toBase64), dependencies: [...dependencies] });
      tx.transferObjects([cap], alice.toSuiAddress());
    });
    return changes.get('package') ?? '';
  };
  const stalenessPackage = await publish(join(moveDir, 'seal_key_server'));
  const policyPackage = await publish(join(import.meta.dirname, 'policy'));
  const lists = await run((tx) => {
    const members = tx.pure.vector('address', [alice.toSuiAddress()]);
    tx.moveCall({ target: `${policyPackage}::allow_list::create`, arguments: [members] });
  });
  const listId = lists.get(`${policyPackage}::allow_list::AllowList`) ?? '';
  const skew = { ms: 0 };
  const servers: ServedKeyServer[] = [];
  for (const name of ['one', 'two', 'three']) {
    servers.push(
      await addKeyServer(name, { run, client, owner: alice.toSuiAddress(), stalenessPackage, skew }),
    );
  }
  return {
    ledger,
    client,
    alice,
    mallory,
    policyPackage,
    stalenessPackage,
    listId,
    servers,
    skew,
    run,
    identity: (name) => `${listId.slice(2)}${toHex(new TextEncoder().encode(name))}`,
    ask: (id, list = listId) => {
      const tx = new Transaction();
      tx.moveCall({
        target: `${policyPackage}::allow_list::seal_approve`,
        arguments: [tx.pure.vector('u8', fromHex(id)), tx.object(list)],
      });
      return tx.build({ client, onlyTransactionKind: true });
    },
    async [Symbol.asyncDispose]() {
      for (const { server } of servers) await server.close();
      await served.close();
      ledger.close();
    },
  };
}

/** Registers a key server, serves it, and tells the chain where. */
async function addKeyServer(
  name: string,
  {
    run,
    client,
    owner,
    stalenessPackage,
    skew,
  }: Pick<Stage, 'run' | 'client' | 'stalenessPackage' | 'skew'> & { readonly owner: string },
): Promise<ServedKeyServer> {
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  const masterKey = new MasterKey(generateMasterKey(random));
  const module = `${stalenessPackage}::key_server`;
  const changes = await run((tx) => {
    const server = tx.moveCall({
      target: `${module}::register`,
      arguments: [
        tx.pure.string(name),
        tx.pure.string('http://127.0.0.1:9'),
        tx.pure.u8(0),
        tx.pure.vector('u8', masterKey.publicKey),
      ],
    });
    tx.transferObjects([server], owner);
  });
  const objectId = changes.get(`${module}::KeyServer`) ?? '';
  const failures: unknown[] = [];
  const server = await serveKeyServer({
    objectId,
    masterKey,
    chain: suiChain(client),
    clock: { now: () => Date.now() + skew.ms },
    random,
    stalenessPackage,
    stalenessMsMax: 120_000,
    onFailure: (error) => failures.push(error),
  });
  await run((tx) => {
    tx.moveCall({
      target: `${module}::update_url`,
      arguments: [tx.object(objectId), tx.pure.string(server.url)],
    });
  });
  return { objectId, masterKey, server, failures };
}
