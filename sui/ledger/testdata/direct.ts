import { join } from 'node:path';

import { compilePackage } from '@k3s-daas/move';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Transaction, type TransactionObjectArgument } from '@mysten/sui/transactions';
import { toBase64 } from '@mysten/sui/utils';

import type { ObjectRecord } from '../chain/objects.ts';
import { createLedger, type ExecutedTransaction, type Ledger, type LedgerOptions } from '../index.ts';
import { decodeValue } from '../vm/bcs.ts';
import { isDatatype, type Type } from '../vm/types.ts';
import { Variant, type Value } from '../vm/values.ts';
import { worldOptions } from './world.ts';

const CLOCK = `0x${'6'.padStart(64, '0')}`;
const SUI_ID = `0x${'2'.padStart(64, '0')}`;
const FUNDS = 100_000_000_000n;
const BUDGET = 1_000_000n;

/** Somebody with keys, and SUI on the ledger. */
export interface Person {
  readonly key: Ed25519Keypair;
  readonly address: string;
}

/** How a transaction names an object; what its owner asks for unless given. */
export interface Naming {
  readonly as?: 'owned' | 'shared' | 'receiving';
  readonly mutable?: boolean;
  readonly version?: bigint;
}

/** A ledger in process with two funded people and the sandbox package: no server, no dry run, nothing resolved. */
export interface Direct extends Disposable {
  readonly ledger: Ledger;
  readonly user: Person;
  readonly stranger: Person;
  readonly packageId: string;
  readonly counterId: string;
  readonly build: (fill: (tx: Transaction) => void, sender?: Person) => Promise<Uint8Array>;
  readonly run: (fill: (tx: Transaction) => void, sender?: Person) => Promise<ExecutedTransaction>;
  /** An object as it is now, as an input. */
  readonly input: (tx: Transaction, id: string, naming?: Naming) => TransactionObjectArgument;
  readonly created: (executed: ExecutedTransaction, typeEnd: string) => string;
}

export function person(seed: number): Person {
  const key = Ed25519Keypair.fromSecretKey(new Uint8Array(32).fill(seed));
  return { key, address: key.toSuiAddress() };
}

export async function createDirect(options: Partial<LedgerOptions> = {}): Promise<Direct> {
  const ledger = createLedger(await worldOptions({ seed: new Uint8Array(32).fill(9), ...options }));
  const [user, stranger] = [person(1), person(2)];
  for (const { address } of [user, stranger]) ledger.faucet(address, FUNDS);
  const build: Direct['build'] = async (fill, sender = user) => await buildDirect(ledger, sender, fill);
  const run: Direct['run'] = async (fill, sender = user) => {
    const bytes = await build(fill, sender);
    return await ledger.executeTransaction(bytes, [(await sender.key.signTransaction(bytes)).signature]);
  };
  const created: Direct['created'] = ({ effects }, typeEnd) =>
    effects.changed.find(
      ({ output, operation, type }) => output !== null && operation === 'created' && type?.endsWith(typeEnd),
    )?.id ?? '';
  const { modules, dependencies } = await compilePackage({ dir: join(import.meta.dirname, 'sandbox') });
  const published = await run((tx) => {
    const cap = tx.publish({ modules: modules.map(toBase64), dependencies: [...dependencies] });
    tx.transferObjects([cap], user.address);
  });
  return {
    ledger,
    user,
    stranger,
    packageId: created(published, 'package'),
    counterId: created(published, '::counter::Counter'),
    build,
    run,
    input: (tx, id, naming) => inputOf(ledger, tx, id, naming),
    created,
    [Symbol.dispose]: () => {
      ledger.close();
    },
  };
}

async function buildDirect(
  ledger: Ledger,
  { address }: Person,
  fill: (tx: Transaction) => void,
): Promise<Uint8Array> {
  const tx = new Transaction();
  tx.setSender(address);
  tx.setGasPrice(1_000);
  tx.setGasBudget(BUDGET);
  tx.setExpiration({ None: true });
  const coins = ledger.objects
    .ownedBy('address', address)
    .filter(({ owner, type }) => owner.kind === 'address' && type.key.endsWith('::sui::SUI>'))
    .sort((a, b) =>
      Number(Buffer.from(b.contents).readBigUInt64LE(32) - Buffer.from(a.contents).readBigUInt64LE(32)),
    );
  tx.setGasPayment(
    coins
      .slice(0, 1)
      .map(({ id, version, digest }) => ({ objectId: id, version: version.toString(), digest })),
  );
  fill(tx);
  return await tx.build();
}

function inputOf(
  ledger: Ledger,
  tx: Transaction,
  id: string,
  naming: Naming = {},
): TransactionObjectArgument {
  const record = ledger.objects.get(id);
  if (record === undefined) throw new RangeError(`object ${id} is not there`);
  const { owner, digest } = record;
  const sequenced = owner.kind === 'shared' || owner.kind === 'party';
  const { as = sequenced ? 'shared' : 'owned', mutable = true, version = record.version } = naming;
  if (as !== 'shared') {
    const ref = { objectId: id, version: version.toString(), digest };
    return as === 'owned' ? tx.objectRef(ref) : tx.receivingRef(ref);
  }
  const since =
    owner.kind === 'shared' ? owner.initialVersion : owner.kind === 'party' ? owner.startVersion : 1n;
  const initialSharedVersion = (naming.version ?? since).toString();
  return tx.sharedObjectRef({ objectId: id, initialSharedVersion, mutable });
}

/** Every object with its digest, which stands for owner, version and contents; the clock aside. */
export function stateOf(ledger: Ledger): Map<string, string> {
  const all = [...ledger.objects.all()].filter(({ id }) => id !== CLOCK);
  return new Map(all.map(({ id, digest }) => [id, digest]));
}

/** What differs from `before` now, by id. */
export function differences(ledger: Ledger, before: ReadonlyMap<string, string>): string[] {
  const now = stateOf(ledger);
  return [...new Set([...before.keys(), ...now.keys()])]
    .filter((id) => before.get(id) !== now.get(id))
    .sort();
}

/** All MIST on the ledger: in coins and in every balance inside any object. */
export function totalMist({ objects, loader }: Ledger): bigint {
  const sum = (type: Type, value: Value): bigint => {
    if (type.kind === 'vector')
      return (value as Value[]).reduce<bigint>((all, item) => all + sum(type.element, item), 0n);
    if (type.kind !== 'datatype') return 0n;
    if (isDatatype(type, SUI_ID, 'balance', 'Balance') && type.args[0]?.key.endsWith('::sui::SUI') === true)
      return (value as [bigint])[0];
    const layout = loader.layout(type);
    const fields = layout.kind === 'struct' ? layout.fields : (layout.variants[(value as Variant).tag] ?? []);
    const values = value instanceof Variant ? value.fields : (value as Value[]);
    return fields.reduce((all, field, index) => all + sum(field, values[index] as Value), 0n);
  };
  const inObject = (record: ObjectRecord): bigint =>
    record.kind === 'package' ? 0n : sum(record.type, decodeValue(loader, record.type, record.contents));
  return [...objects.all()].reduce((all, record) => all + inObject(record), 0n);
}
