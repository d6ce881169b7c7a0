import { fromBase64 } from '@mysten/sui/utils';

import type { Address } from '../vm/types.ts';
import { LedgerError } from './errors.ts';
import type { MoveObjectRecord, ObjectReader } from './objects.ts';
import type { CallArg, ObjectRef, ParsedTransaction } from './transaction.ts';

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
  const seen = new Set<Address>(data.gasData.payment.map(({ objectId }) => objectId));
  if (seen.size !== data.gasData.payment.length) throw duplicate();
  for (const ref of data.gasData.payment) ownedInput(ref, store, data.gasData.owner, checked);
  return program.inputs.map((input) => {
    if (input.$kind === 'Pure') return { kind: 'pure', bytes: fromBase64(input.Pure.bytes) };
    if (input.$kind === 'FundsWithdrawal')
      throw new LedgerError('UNSUPPORTED', 'Funds withdrawal inputs are not supported');
    const { Object: object } = input;
    const { objectId } = refOf(object);
    if (seen.has(objectId)) throw duplicate();
    seen.add(objectId);
    return objectInput(object, store, data.sender, checked);
  });
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
    return { kind: 'receiving', record: currentVersion(object.Receiving, store, checked) };
  }
  if (object.$kind === 'ImmOrOwnedObject') {
    const record = ownedInput(object.ImmOrOwnedObject, store, sender, checked);
    return { kind: 'object', record, mutable: record.owner.kind !== 'immutable' };
  }
  const { objectId, initialSharedVersion, mutable } = object.SharedObject;
  const record = existing(objectId, store);
  if (record.owner.kind !== 'shared')
    throw new LedgerError('INPUT_INVALID', `Object ${objectId} is not a shared object`);
  if (record.owner.initialVersion !== BigInt(initialSharedVersion)) {
    throw new LedgerError(
      'INPUT_INVALID',
      'The transaction input shared object has a wrong initial shared version',
    );
  }
  return { kind: 'object', record, mutable };
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
  if (owner.kind === 'shared')
    throw new LedgerError('INPUT_INVALID', `Shared object ${id} passed as an owned object`);
  if (!checked || owner.kind === 'immutable') return record;
  if (owner.kind === 'object') {
    throw new LedgerError(
      'OBJECT_NOT_OWNED',
      `Object ${id} is owned by object ${owner.parent}. Objects owned by other objects cannot be used as input arguments`,
    );
  }
  if (owner.address !== user) {
    throw new LedgerError(
      'OBJECT_NOT_OWNED',
      `Transaction was not signed by the correct sender: Object ${id} is owned by account address ${owner.address}, but given owner/signer address is ${user}`,
    );
  }
  return record;
}

/** Epoch and chain bounds of the transaction. */
export function checkExpiration({ data }: ParsedTransaction, epoch: bigint, chainId: string): void {
  const { expiration } = data;
  if (expiration.$kind === 'None') return;
  if (expiration.$kind === 'Epoch') {
    if (epoch > BigInt(expiration.Epoch))
      throw new LedgerError('TRANSACTION_EXPIRED', 'Transaction has expired');
    return;
  }
  if (expiration.$kind === 'Validity')
    throw new LedgerError('UNSUPPORTED', 'Expiration of kind Validity is not supported');
  const { minEpoch, maxEpoch, minTimestamp, maxTimestamp, chain } = expiration.ValidDuring;
  if (minTimestamp !== null || maxTimestamp !== null) {
    throw new LedgerError('UNSUPPORTED', 'Timestamp-based transaction expiration is not supported');
  }
  if (chain !== chainId) {
    throw new LedgerError(
      'INPUT_INVALID',
      `Invalid chain ID in transaction expiration: ${chain}, expected ${chainId}`,
    );
  }
  const early = minEpoch !== null && epoch < BigInt(minEpoch);
  if (early || (maxEpoch !== null && epoch > BigInt(maxEpoch))) {
    throw new LedgerError('TRANSACTION_EXPIRED', 'Transaction has expired or is not yet valid');
  }
}
