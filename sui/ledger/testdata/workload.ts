import { createPrivateKey, sign } from 'node:crypto';
import { join } from 'node:path';

import { compilePackage } from '@k3s-daas/move';
import { SuiGrpcClient } from '@mysten/sui/grpc';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Transaction } from '@mysten/sui/transactions';
import { fromBase58, fromBase64, fromHex, toBase64 } from '@mysten/sui/utils';
import { blake2b } from '@noble/hashes/blake2.js';

import { Ledger } from '../chain/ledger.ts';
import { checkSignatures } from '../chain/signatures.ts';
import { parseTransaction } from '../chain/transaction.ts';
import type { ExecutedTransaction, LedgerOptions } from '../index.ts';

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
const SEED = new Uint8Array(32).fill(1);
export const workloadSigner = Ed25519Keypair.fromSecretKey(SEED);
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
  const { bytes, signature } = await workloadSigner.signTransaction(await buildTransaction(gas, add));
  return { bytes: fromBase64(bytes), signature };
}

async function buildTransaction(gas: GasCoin, add: (tx: Transaction) => void): Promise<Uint8Array> {
  const tx = new Transaction();
  tx.setSender(workloadAddress);
  tx.setGasPrice(1_000);
  tx.setGasBudget(BUDGET_MIST);
  tx.setGasPayment([gas]);
  tx.setExpiration({ None: true });
  add(tx);
  return await tx.build();
}

const PLACEHOLDER = { objectId: `0x${'aa'.repeat(32)}`, version: '1', digest: '1'.repeat(32) };
/** PKCS #8 before the 32 bytes of an Ed25519 seed (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const fastKey = createPrivateKey({
  key: Buffer.concat([PKCS8, SEED]),
  format: 'der',
  type: 'pkcs8',
});
/** IntentMessage of a TransactionData, version 0, application Sui. */
const INTENT = Uint8Array.of(0, 0, 0);

/**
 * A transaction to be signed with one coin after the other, ten times as fast as the SDK does it: it builds one, the
 * others are that one with another coin.
 */
export async function prepareTransaction(
  add: (tx: Transaction) => void,
): Promise<(coin: GasCoin) => SignedTransaction> {
  const template = Buffer.from(await buildTransaction(PLACEHOLDER, add));
  const idAt = template.indexOf(fromHex(PLACEHOLDER.objectId));
  const versionAt = idAt + 32;
  const digestAt = versionAt + 8 + 1;
  const publicKey = workloadSigner.getPublicKey().toRawBytes();
  return (coin) => {
    const bytes = new Uint8Array(template);
    bytes.set(fromHex(coin.objectId), idAt);
    new DataView(bytes.buffer).setBigUint64(versionAt, BigInt(coin.version), true);
    bytes.set(fromBase58(coin.digest), digestAt);
    const message = blake2b(Buffer.concat([INTENT, bytes]), { dkLen: 32 });
    const signature = toBase64(Buffer.concat([[0], sign(null, message, fastKey), publicKey].map(part)));
    return { bytes, signature };
  };
}

/** Many transactions that differ only in the coin that pays. */
export async function signMany(
  ledger: Ledger,
  count: number,
  add: (tx: Transaction) => void,
): Promise<SignedTransaction[]> {
  const signWith = await prepareTransaction(add);
  return Array.from({ length: count }, () => signWith(gasCoin(ledger)));
}

function part(bytes: Uint8Array | readonly number[]): Uint8Array {
  return Uint8Array.from(bytes);
}

/** What comes before execution, alone: parse, digest, signature. */
export async function checkOnly({ bytes, signature }: SignedTransaction): Promise<void> {
  await checkSignatures(parseTransaction(bytes), [signature]);
}

/** A ledger that takes transactions without asking who signed, as the replay of a journal does. */
export function createReplayable(options: LedgerOptions): Ledger {
  return new Ledger(options);
}

/** Executes as a replay does. Throws unless the transaction succeeds. */
export function replayTransaction(ledger: Ledger, { bytes, signature }: SignedTransaction): void {
  const timestampMs = ledger.checkpoints.latest.timestampMs;
  ledger.replay({ kind: 'transaction', timestampMs, bytes, signatures: [signature], attestations: [] });
}

/** The unmodified client of the SDK. */
export function grpcClient(url: string): SuiGrpcClient {
  return new SuiGrpcClient({ network: 'localnet', baseUrl: url });
}

/** Whether the client's execution of the transaction ended well. */
export async function executeOver(
  client: SuiGrpcClient,
  { bytes, signature }: SignedTransaction,
): Promise<boolean> {
  const result = await client.executeTransaction({ transaction: bytes, signatures: [signature] });
  return result.$kind === 'Transaction';
}

/** Transaction data for `ledger.simulate`, without gas. */
export async function viewOf(
  { packageId, registry }: Workload,
  ledger: Ledger,
  name: 'total' | 'spin',
  turns = 0,
): Promise<Parameters<Ledger['simulate']>[0]> {
  const bytes = await buildTransaction(PLACEHOLDER, (tx) => {
    const args = name === 'total' ? [inputOf(ledger, tx, registry, false)] : [tx.pure.u64(turns)];
    tx.moveCall({ target: `${packageId}::workload::${name}`, arguments: args });
  });
  const { data } = parseTransaction(bytes);
  return { ...data, gasData: { ...data.gasData, payment: [] } };
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
    .filter(({ operation, type }) => operation === 'created' && type?.endsWith(typeEnd) === true)
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

/** Bytecode instructions of one turn of the loop in `workload::spin`. */
export function instructionsPerTurn(ledger: Ledger, { packageId }: Workload): number {
  const { module, index } = ledger.loader.functionNamed(packageId, 'workload', 'spin');
  const code = module.json.function_defs[index]?.code?.code ?? [];
  const end = code.findIndex(
    (item) => typeof item !== 'string' && 'Branch' in item && branchOf(item) < code.indexOf(item),
  );
  const back = code[end];
  if (back === undefined) throw new Error('workload::spin has no loop');
  return end - branchOf(back) + 1;
}

function branchOf(item: unknown): number {
  return (item as { readonly Branch: number }).Branch;
}
