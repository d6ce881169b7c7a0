import { join } from 'node:path';

import { compilePackage } from '@k3s-daas/move';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Transaction } from '@mysten/sui/transactions';
import { fromBase64, toBase64 } from '@mysten/sui/utils';

import type { ExecutedTransaction, Ledger } from '../index.ts';

export interface SignedTransaction {
  readonly bytes: Uint8Array;
  readonly signature: string;
}

interface GasCoin {
  readonly objectId: string;
  readonly version: string;
  readonly digest: string;
}

const BUDGET_MIST = 50_000_000n;
const GRANT_MIST = 1_000_000_000n;

/** The signer of everything here: the same in every run, so that digests are. */
export const workloadSigner = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(1));
export const workloadAddress = workloadSigner.toSuiAddress();

/** A new coin that pays for one transaction, which can so be signed before those before it were executed. */
export function gasCoin(ledger: Ledger): GasCoin {
  const { id, version, digest } = ledger.faucet(workloadAddress, GRANT_MIST);
  return { objectId: id, version: version.toString(), digest };
}

/** A transaction whose inputs are all named, signed. Nothing is asked of a server. */
export async function signTransaction(
  gas: GasCoin,
  add: (tx: Transaction) => void,
): Promise<SignedTransaction> {
  const tx = new Transaction();
  tx.setSender(workloadAddress);
  tx.setGasPrice(1_000);
  tx.setGasBudget(BUDGET_MIST);
  tx.setGasPayment([gas]);
  tx.setExpiration({ None: true });
  add(tx);
  const { bytes, signature } = await workloadSigner.signTransaction(await tx.build());
  return { bytes: fromBase64(bytes), signature };
}

/** Signs and executes; the transaction may fail. */
export async function executeNow(
  ledger: Ledger,
  add: (tx: Transaction) => void,
): Promise<ExecutedTransaction> {
  const { bytes, signature } = await signTransaction(gasCoin(ledger), add);
  return await ledger.executeTransaction(bytes, [signature]);
}

/** Ids of what a transaction created, by the end of their type. */
export function createdOf({ effects }: ExecutedTransaction, typeEnd: string): string[] {
  return effects.changed
    .filter(({ operation, type }) => operation === 'created' && type.endsWith(typeEnd))
    .map(({ id }) => id);
}

/** Publishes compiled modules; the cap goes to the signer. */
export async function publishModules(
  ledger: Ledger,
  {
    modules,
    dependencies,
  }: { readonly modules: readonly Uint8Array[]; readonly dependencies: readonly string[] },
): Promise<ExecutedTransaction> {
  return await executeNow(ledger, (tx) => {
    const cap = tx.publish({ modules: modules.map(toBase64), dependencies: [...dependencies] });
    tx.transferObjects([cap], workloadAddress);
  });
}

/** An object as an input of the kind its owner asks for. */
export function inputOf(ledger: Ledger, tx: Transaction, id: string, mutable = true) {
  const record = ledger.objects.get(id);
  if (record === undefined) throw new RangeError(`object ${id} is not there`);
  const { owner, version, digest } = record;
  if (owner.kind === 'shared') {
    const initialSharedVersion = owner.initialVersion.toString();
    return tx.sharedObjectRef({ objectId: id, initialSharedVersion, mutable });
  }
  return tx.objectRef({ objectId: id, version: version.toString(), digest });
}

/** The package `workload`, published, and its shared registry. */
export interface Workload {
  readonly packageId: string;
  readonly registry: string;
}

export async function publishWorkload(ledger: Ledger): Promise<Workload> {
  const published = await publishModules(
    ledger,
    await compilePackage({ dir: join(import.meta.dirname, 'workload') }),
  );
  const [packageId] = createdOf(published, 'package');
  const [registry] = createdOf(published, '::workload::Registry');
  if (packageId === undefined || registry === undefined)
    throw new Error(`the workload is not published: ${JSON.stringify(published.effects.status)}`);
  return { packageId, registry };
}

/** Splits a coin off the gas, stakes it in the registry and takes the position. */
export function addStake(
  ledger: Ledger,
  { packageId, registry }: Workload,
  tx: Transaction,
  amount = 1_000n,
): void {
  const [coin] = tx.splitCoins(tx.gas, [amount]);
  const position = tx.moveCall({
    target: `${packageId}::workload::stake`,
    arguments: [inputOf(ledger, tx, registry), coin],
  });
  tx.transferObjects([position], workloadAddress);
}
