// What tests of journals and snapshots share.

import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Transaction } from '@mysten/sui/transactions';
import { fromBase64, toHex } from '@mysten/sui/utils';
import type { Test } from 'tap';

import type { Ledger } from '../chain/ledger.ts';
import { AttestationFault, LedgerError, type JournaledLedger, type LedgerOptions } from '../index.ts';
import { openLedgerOn, type JournaledLedgerOptions } from '../journal/open.ts';
import { JOURNAL, type MemoryDisk } from './disk.ts';
import { errorOf, type World } from './world.ts';

export const STRANGER = `0x${'5'.repeat(64)}`;
const signer = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(1));
export const address = signer.toSuiAddress();

/** Everything that a reader of the ledger can see, in a form that compares. */
export function stateOf(ledger: Ledger): Record<string, unknown> {
  const transactions = [...ledger.history.transactions.between(null, null, false)];
  const ids = new Set(['0x1', '0x2', '0x6'].map((id) => `0x${id.slice(2).padStart(64, '0')}`));
  for (const { effects } of transactions) for (const { id } of effects.changed) ids.add(id);
  const checkpoints: string[] = [];
  for (let i = ledger.checkpoints.lowest; i <= ledger.checkpoints.latest.sequence; i += 1n)
    checkpoints.push(toHex(ledger.checkpoints.get(i)?.bcs ?? new Uint8Array()));
  return {
    chainId: ledger.chainId,
    epoch: [ledger.epoch, ledger.epochStartMs],
    now: ledger.clock.now(),
    latest: ledger.checkpoints.latest,
    checkpoints,
    size: ledger.objects.size,
    objects: [...ids].sort().map((id) => ledger.objects.get(id)),
    owned: [address, STRANGER].map((owner) => ledger.objects.ownedBy('address', owner)),
    transactions,
    events: [...ledger.history.events.between(null, null, false)],
  };
}

/** A transaction that any ledger takes whose coin it names: splits one MIST off. */
export async function split(
  ledger: Ledger,
  coinId: string,
): Promise<{ bytes: Uint8Array; signatures: string[] }> {
  const coin = ledger.objects.get(coinId);
  const tx = new Transaction();
  tx.setSender(address);
  tx.setGasPrice(1_000);
  tx.setGasBudget(5_000_000);
  tx.setExpiration({ None: true });
  const version = coin?.version.toString() ?? '';
  tx.setGasPayment([{ objectId: coinId, version, digest: coin?.digest ?? '' }]);
  tx.transferObjects([tx.splitCoins(tx.gas, [1])], STRANGER);
  const { bytes, signature } = await signer.signTransaction(await tx.build());
  return { bytes: fromBase64(bytes), signatures: [signature] };
}

export async function executeSplit(ledger: Ledger, coinId: string): Promise<string> {
  const { bytes, signatures } = await split(ledger, coinId);
  return (await ledger.executeTransaction(bytes, signatures)).transaction.digest;
}

export function openOn(
  disk: MemoryDisk,
  options: Omit<JournaledLedgerOptions, 'journal'>,
): Promise<JournaledLedger> {
  return openLedgerOn(disk, { ...options, journal: JOURNAL });
}

/** The code of the LedgerError that the promise rejects with, and its message. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'accepted';
  } catch (error) {
    return error instanceof LedgerError ? `${error.code}: ${error.message}` : String(error);
  }
}

export const verifyAttestation: LedgerOptions['verifyAttestation'] = ([first], clockMs) => {
  if (first === 0xee) throw new AttestationFault('pcrs', 'wrong PCRs');
  if (first !== 0x84) throw new Error('unsigned');
  return {
    moduleId: 'i-0',
    timestampMs: clockMs - 1n,
    digest: 'SHA384',
    pcrs: [{ index: 0, value: new Uint8Array(48).fill(7) }],
    publicKey: Uint8Array.of(1, 2, 3),
    userData: Uint8Array.of(4),
  };
};

/** One of everything that can change a chain. */
export async function liveThrough(t: Test, world: World): Promise<void> {
  const { ledger, run, counterId } = world;
  const target = (name: string): string => `${world.packageId}::counter::${name}`;
  const add = (tx: Transaction): void => {
    tx.moveCall({
      target: target('add'),
      arguments: [tx.object(counterId), tx.pure.u64(5), tx.object.clock()],
    });
  };
  const attest = (document: number) => (tx: Transaction) => {
    tx.setGasBudget(5_000_000);
    const bytes = tx.pure.vector('u8', [document]);
    const loaded = tx.moveCall({
      target: '0x2::nitro_attestation::load_nitro_attestation',
      arguments: [bytes, tx.object.clock()],
    });
    tx.moveCall({ target: target('attested'), arguments: [loaded] });
    tx.moveCall({ target: target('name'), arguments: [tx.object(counterId), tx.pure.string('Ada')] });
  };
  await run(add);
  ledger.clock.advance(61_000);
  ledger.advanceEpoch();
  t.equal(errorOf(await run(attest(0x84))), undefined);
  for (const document of [0xee, 0x01])
    t.ok(errorOf(await run(attest(document), signer, 'unresolved')), 'refused, and so in the effects');
  await run((tx) => {
    const tickets = [1, 2].map((number) =>
      tx.moveCall({ target: target('ticket'), arguments: [tx.pure.u64(number)] }),
    );
    tx.moveCall({ target: target('tear'), arguments: [tickets[0] ?? tx.gas] });
    tx.transferObjects([tickets[1] ?? tx.gas], STRANGER);
  });
  ledger.faucet(STRANGER, 77n);
  ledger.clock.advance(1);
  await run(add);
}
