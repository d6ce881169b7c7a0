import { GrpcTypes } from '@mysten/sui/grpc';

import type { EventRecord, ExecutedTransaction, Journal } from '../chain/history.ts';
import type { Ledger } from '../chain/ledger.ts';
import { fullAddress, parseType } from '../vm/types.ts';
import { GrpcError, Status } from './method.ts';
import type { Partial } from './proto-objects.ts';

type Predicate<T> = (item: T) => boolean;

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000;

/** A cursor is the running number of an item: 8 bytes, big-endian. */
function cursorOf(sequence: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(sequence);
  return new Uint8Array(bytes);
}

function sequenceOf(cursor: Uint8Array | undefined): bigint | null {
  if (cursor === undefined) return null;
  if (cursor.length !== 8) throw new GrpcError(Status.invalidArgument, 'a cursor has 8 bytes');
  return Buffer.from(cursor).readBigUInt64BE();
}

function unsupportedPredicate(name: string | undefined): GrpcError {
  return new GrpcError(Status.unimplemented, `the filter ${name ?? 'nothing'} is not supported`);
}

/** `package::module`, addresses in full length. */
function moduleName(text: string | undefined): string {
  const [address = '', module = ''] = (text ?? '').split('::');
  return `${fullAddress(address)}::${module}`;
}

function eventTypeTest(text: string): Predicate<EventRecord> {
  if (text.split('::').length === 2) {
    const wanted = `${moduleName(text)}::`;
    return ({ event }) => event.type.key.startsWith(wanted);
  }
  const wanted = parseType(text).key;
  return ({ event: { type } }) => type.key === wanted || type.key.startsWith(`${wanted}<`);
}

export function eventTest(filter: GrpcTypes.EventFilter | undefined): Predicate<EventRecord> {
  return disjunction(filter?.terms, ({ predicate }) => {
    if (predicate.oneofKind === 'sender') {
      const wanted = fullAddress(predicate.sender.address ?? '');
      return ({ sender }) => sender === wanted;
    }
    if (predicate.oneofKind === 'emitModule') {
      const wanted = moduleName(predicate.emitModule.module);
      return ({ event }) => `${event.packageId}::${event.module}` === wanted;
    }
    if (predicate.oneofKind === 'eventType') return eventTypeTest(predicate.eventType.eventType ?? '');
    throw unsupportedPredicate(predicate.oneofKind);
  });
}

export function transactionTest(
  filter: GrpcTypes.TransactionFilter | undefined,
): Predicate<ExecutedTransaction> {
  return disjunction(filter?.terms, ({ predicate }) => {
    if (predicate.oneofKind === 'sender') {
      const wanted = fullAddress(predicate.sender.address ?? '');
      return ({ transaction }) => transaction.data.sender === wanted;
    }
    if (predicate.oneofKind === 'moveCall') {
      const [address = '', ...rest] = (predicate.moveCall.function ?? '').split('::');
      const wanted = `${[fullAddress(address), ...rest].join('::')}::`;
      return ({ transaction }) =>
        transaction.program.commands.some(
          ({ MoveCall: call }) =>
            call !== undefined && `${call.package}::${call.module}::${call.function}::`.startsWith(wanted),
        );
    }
    throw unsupportedPredicate(predicate.oneofKind);
  });
}

/** Filters are terms joined by OR of literals joined by AND. No filter lets everything pass. */
function disjunction<T, L extends { readonly negated: boolean }>(
  terms: readonly { readonly literals: readonly L[] }[] | undefined,
  testOf: (literal: L) => Predicate<T>,
): Predicate<T> {
  if (terms === undefined || terms.length === 0) return () => true;
  const tests = terms.map(({ literals }) =>
    literals.map((literal) => {
      const test = testOf(literal);
      return literal.negated ? (item: T) => !test(item) : test;
    }),
  );
  return (item) => tests.some((term) => term.every((test) => test(item)));
}

export interface Query {
  readonly startCheckpoint?: bigint;
  readonly endCheckpoint?: bigint;
  readonly options?: GrpcTypes.QueryOptions;
}

export interface QueryFrame<T> {
  readonly item?: T;
  readonly watermark: Partial<typeof GrpcTypes.Watermark>;
  readonly end?: Partial<typeof GrpcTypes.QueryEnd>;
}

/** Runs a query over a journal: frames with an item and its cursor, then a frame that says why it ended. */
export function* runQuery<T extends { readonly sequence: bigint; readonly checkpoint: bigint }>(
  ledger: Ledger,
  journal: Journal<T>,
  query: Query,
  test: Predicate<T>,
): Generator<QueryFrame<T>> {
  const { options, startCheckpoint = 0n, endCheckpoint } = query;
  const limit = Math.min(options?.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
  const descending = options?.ordering === GrpcTypes.Ordering.DESCENDING;
  const bounds = [sequenceOf(options?.after), sequenceOf(options?.before)] as const;
  let count = 0;
  for (const item of journal.between(...bounds, descending)) {
    const inRange =
      item.checkpoint >= startCheckpoint && (endCheckpoint === undefined || item.checkpoint <= endCheckpoint);
    if (!inRange || !test(item)) continue;
    yield { item, watermark: { cursor: cursorOf(item.sequence), checkpoint: item.checkpoint } };
    count += 1;
    if (count >= limit) {
      yield {
        watermark: { cursor: cursorOf(item.sequence) },
        end: { reason: GrpcTypes.QueryEndReason.ITEM_LIMIT },
      };
      return;
    }
  }
  const { sequence: checkpoint } = ledger.checkpoints.latest;
  yield { watermark: { checkpoint }, end: { reason: GrpcTypes.QueryEndReason.LEDGER_TIP } };
}
