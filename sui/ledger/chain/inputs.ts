import { fullAddress, type Address } from '../vm/types.ts';
import { LedgerError } from './errors.ts';
import type { MoveObjectRecord, ObjectReader } from './objects.ts';
import { addressesOf } from './linkage.ts';
import { parsedType } from './limits.ts';
import { CLOCK_ID } from './objects.ts';
import type { CallArg, Command, ObjectRef, ParsedTransaction } from './transaction.ts';

/** An input after its object was looked up and checked. */
export type CheckedInput =
  | { readonly kind: 'pure'; readonly bytes: Uint8Array }
  | { readonly kind: 'object'; readonly record: MoveObjectRecord; readonly mutable: boolean }
  | { readonly kind: 'receiving'; readonly record: MoveObjectRecord };

type ObjectArg = Extract<CallArg, { $kind: 'Object' }>['Object'];

/**
 * Checks that every input exists, in the version named, and may be used by the sender: Sui's transaction input checks
 * (sui-transaction-checks), with its texts. `checked: false` (dev-inspect) leaves ownership and versions out.
 */
export function checkInputs(
  { data, program }: ParsedTransaction,
  store: ObjectReader,
  checked = true,
): CheckedInput[] {
  for (const command of program.commands)
    for (const id of packagesOf(command)) checkPackage(fullAddress(id), store);
  const seen = new Set<Address>(data.gasData.payment.map(({ objectId }) => objectId));
  if (seen.size !== data.gasData.payment.length) throw duplicate();
  for (const ref of data.gasData.payment) checkGasObject(ref, store, data.gasData.owner, checked);
  return program.inputs.map((input) => {
    if (input.$kind === 'Pure') return { kind: 'pure', bytes: Buffer.from(input.Pure.bytes, 'base64') };
    if (input.$kind === 'FundsWithdrawal')
      throw new LedgerError('UNSUPPORTED', 'Funds withdrawal inputs are not supported');
    const { Object: object } = input;
    const { objectId } = refOf(object);
    if (seen.has(objectId)) throw duplicate();
    seen.add(objectId);
    return objectInput(object, store, data.sender, checked);
  });
}

/** Packages that a command names: on Sui inputs of the transaction like its objects. */
function packagesOf(command: Command): readonly Address[] {
  const inTypes = (texts: readonly string[]): Address[] =>
    texts.flatMap((text) => addressesOf(parsedType(text)));
  switch (command.$kind) {
    case 'MoveCall':
      return [command.MoveCall.package, ...inTypes(command.MoveCall.typeArguments)];
    case 'MakeMoveVec':
      return command.MakeMoveVec.type === null ? [] : inTypes([command.MakeMoveVec.type]);
    case 'Publish':
      return command.Publish.dependencies;
    case 'Upgrade':
      return [command.Upgrade.package, ...command.Upgrade.dependencies];
    case 'TransferObjects':
    case 'SplitCoins':
    case 'MergeCoins':
      return [];
  }
}

function checkPackage(id: Address, store: ObjectReader): void {
  const record = store.get(id);
  if (record === undefined)
    throw new LedgerError('OBJECT_NOT_FOUND', `Dependent package not found on-chain: ${id}`);
  if (record.kind !== 'package')
    throw new LedgerError('INPUT_INVALID', `Move object cannot be passed as a package: ${id}`);
}

function checkGasObject(ref: ObjectRef, store: ObjectReader, owner: Address, checked: boolean): void {
  const { kind } = ownedInput(ref, store, owner, checked).owner;
  if (kind !== 'address')
    throw new LedgerError('GAS_INVALID', `Gas object is not an owned object with owner: ${kind}`);
}

function refOf(object: ObjectArg): { readonly objectId: Address } {
  if (object.$kind === 'ImmOrOwnedObject') return object.ImmOrOwnedObject;
  return object.$kind === 'SharedObject' ? object.SharedObject : object.Receiving;
}

function duplicate(): LedgerError {
  return new LedgerError('INPUT_INVALID', 'Mutable object cannot appear more than one in one transaction');
}

function objectInput(
  object: ObjectArg,
  store: ObjectReader,
  sender: Address,
  checked: boolean,
): CheckedInput {
  if (object.$kind === 'Receiving') {
    return { kind: 'receiving', record: receivedInput(object.Receiving, store, checked) };
  }
  if (object.$kind === 'ImmOrOwnedObject') {
    const record = ownedInput(object.ImmOrOwnedObject, store, sender, checked);
    return { kind: 'object', record, mutable: record.owner.kind !== 'immutable' };
  }
  const { objectId, initialSharedVersion, mutable } = object.SharedObject;
  const record = existing(objectId, store);
  const { owner } = record;
  if (owner.kind !== 'shared' && owner.kind !== 'party') throw notShared();
  const since = owner.kind === 'shared' ? owner.initialVersion : owner.startVersion;
  if (since !== BigInt(initialSharedVersion)) {
    throw new LedgerError(
      'INPUT_INVALID',
      'The transaction input shared object has a wrong initial shared version',
    );
  }
  if (owner.kind === 'party' && checked && owner.address !== sender)
    throw wrongSigner(record, owner.address, sender);
  // Only the consensus commit may write the clock.
  if (objectId === CLOCK_ID && mutable)
    throw new LedgerError('INPUT_INVALID', 'Mutable parameter provided, immutable parameter expected');
  return { kind: 'object', record, mutable };
}

function notShared(): LedgerError {
  return new LedgerError('INPUT_INVALID', 'Object used as shared is not shared');
}

function notOwned(): LedgerError {
  return new LedgerError('INPUT_INVALID', 'Object used as owned is not owned');
}

/** What is sent to an object's id is owned by that id as by an address; who may take it out is seen when it is run. */
function receivedInput(ref: ObjectRef, store: ObjectReader, checked: boolean): MoveObjectRecord {
  const record = currentVersion(ref, store, checked);
  if (!checked || record.owner.kind === 'address') return record;
  if (record.owner.kind === 'object') throw ownedByObject(record, record.owner.parent);
  if (record.owner.kind === 'immutable')
    throw new LedgerError('INPUT_INVALID', 'Immutable parameter provided, mutable parameter expected');
  throw notOwned();
}

function existing(id: Address, store: ObjectReader): MoveObjectRecord {
  const record = store.get(id);
  if (record === undefined) {
    throw new LedgerError('OBJECT_NOT_FOUND', `Could not find the referenced object ${id} at version None`);
  }
  if (record.kind === 'package') {
    throw new LedgerError('INPUT_INVALID', `Move package cannot be passed as an object: ${id}`);
  }
  return record;
}

function currentVersion(ref: ObjectRef, store: ObjectReader, checked: boolean): MoveObjectRecord {
  const record = existing(ref.objectId, store);
  if (!checked) return record;
  const version = BigInt(ref.version);
  if (record.version !== version) {
    const [was, is] = [version.toString(16), record.version.toString(16)];
    throw new LedgerError(
      'OBJECT_VERSION_CONFLICT',
      `Transaction needs to be rebuilt because object ${ref.objectId} version 0x${was} is unavailable for consumption, current version: 0x${is}`,
    );
  }
  if (record.digest !== ref.digest) {
    throw new LedgerError(
      'OBJECT_VERSION_CONFLICT',
      `Invalid object digest for object ${ref.objectId}, expected digest: ${record.digest}`,
    );
  }
  return record;
}

function ownedInput(ref: ObjectRef, store: ObjectReader, user: Address, checked: boolean): MoveObjectRecord {
  const record = currentVersion(ref, store, checked);
  const { owner, id } = record;
  if (owner.kind === 'shared' || owner.kind === 'party') throw notOwned();
  if (!checked || owner.kind === 'immutable') return record;
  if (owner.kind === 'object') throw ownedByObject(record, owner.parent);
  if (owner.address !== user) throw wrongSigner(record, owner.address, user);
  return record;
}

function ownedByObject({ id }: MoveObjectRecord, parent: Address): LedgerError {
  return new LedgerError(
    'OBJECT_NOT_OWNED',
    `Object ${id} is owned by object ${parent}. Objects owned by other objects cannot be used as input arguments`,
  );
}

function wrongSigner({ id }: MoveObjectRecord, owner: Address, signer: Address): LedgerError {
  return new LedgerError(
    'OBJECT_NOT_OWNED',
    `Transaction was not signed by the correct sender: Object ${id} is owned by account address ${owner}, but given owner/signer address is ${signer}`,
  );
}

/** Bounds of the transaction: epochs and times, both ends included, and the chain. */
export function checkExpiration({ data }: ParsedTransaction, now: ChainTime): void {
  const { expiration } = data;
  switch (expiration.$kind) {
    case 'None':
      return;
    case 'Epoch':
      if (now.epoch > BigInt(expiration.Epoch)) throw expired('Transaction has expired');
      return;
    case 'ValidDuring':
      checkBounds(expiration.ValidDuring, now);
      return;
    case 'Validity':
      // Nobody here proposes.
      if (expiration.Validity.allowedProposers !== null)
        throw new LedgerError('UNSUPPORTED', 'Expiration with allowed proposers is not supported');
      checkBounds(expiration.Validity, now);
  }
}

export interface ChainTime {
  readonly chainId: string;
  readonly epoch: bigint;
  /** Time of the newest checkpoint, which the Clock object shows. */
  readonly timestampMs: bigint;
}

interface Bounds {
  readonly minEpoch: string | null;
  readonly maxEpoch: string | null;
  readonly minTimestamp: string | null;
  readonly maxTimestamp: string | null;
  readonly chain: string;
}

function checkBounds(bounds: Bounds, { chainId, epoch, timestampMs }: ChainTime): void {
  const { minEpoch, maxEpoch, minTimestamp, maxTimestamp, chain } = bounds;
  if (chain !== chainId) {
    throw new LedgerError(
      'INPUT_INVALID',
      `Invalid chain ID in transaction expiration: ${chain}, expected ${chainId}`,
    );
  }
  const outside = (value: bigint, min: string | null, max: string | null): boolean =>
    (min !== null && value < BigInt(min)) || (max !== null && value > BigInt(max));
  if (outside(epoch, minEpoch, maxEpoch) || outside(timestampMs, minTimestamp, maxTimestamp))
    throw expired('Transaction has expired or is not yet valid');
}

function expired(message: string): LedgerError {
  return new LedgerError('TRANSACTION_EXPIRED', message);
}
