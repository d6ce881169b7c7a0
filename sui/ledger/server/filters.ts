import type { GrpcTypes } from '@mysten/sui/grpc';

import type { ExecutedTransaction } from '../chain/history.ts';
import type { EmittedEvent } from '../chain/object-runtime.ts';
import { fullAddress, parseType } from '../vm/types.ts';
import { GrpcError, Status } from './method.ts';

type Predicate<T> = (item: T) => boolean;

/** What filters of events look at. */
export interface SentEvent {
  readonly event: EmittedEvent;
  readonly sender: string;
}

const LITERALS_MAX = 128;

function bad(message: string): GrpcError {
  return new GrpcError(Status.invalidArgument, message);
}

function unsupported(name: string | undefined): GrpcError {
  if (name === undefined) return bad('a literal of the filter has no predicate');
  return new GrpcError(Status.unimplemented, `the filter ${name} is not supported`);
}

function address(text: string | undefined, field: string): string {
  try {
    return fullAddress(text ?? '');
  } catch {
    throw bad(`invalid filter: ${field} is not an address`);
  }
}

/** `package[::module[::name]]` with the address in full length. */
function path(text: string | undefined, partsMax: number, field: string): string {
  const [first, ...rest] = (text ?? '').split('::');
  if (rest.length >= partsMax || rest.some((part) => !/^\w+$/.test(part)))
    throw bad(`invalid filter: ${field} is not a Move path`);
  return [address(first, field), ...rest].join('::');
}

/** Whether `name` is `prefix` or goes on below it. */
function isUnder(name: string, prefix: string): boolean {
  return name === prefix || name.startsWith(`${prefix}::`);
}

function emitModuleTest({ module }: GrpcTypes.EmitModuleFilter): Predicate<EmittedEvent> {
  const wanted = path(module, 2, 'emit_module');
  return ({ packageId, module: name }) => isUnder(`${packageId}::${name}`, wanted);
}

/** `address[::module[::Name[<type_params>]]]`; without type parameters every instantiation matches. */
function eventTypeTest({ eventType = '' }: GrpcTypes.EventTypeFilter): Predicate<EmittedEvent> {
  if (eventType.split('<', 1)[0]?.split('::').length !== 3) {
    const wanted = path(eventType, 2, 'event_type');
    return ({ type }) => isUnder(type.key, wanted);
  }
  let wanted: string;
  try {
    wanted = parseType(eventType).key;
  } catch {
    throw bad('invalid filter: event_type is not a Move type');
  }
  return ({ type }) => type.key === wanted || type.key.startsWith(`${wanted}<`);
}

/** The test that a filter of events makes. Throws GrpcError for what it cannot mean. */
export function eventTest(filter: GrpcTypes.EventFilter | undefined): Predicate<SentEvent> {
  return disjunction(filter?.terms, ({ predicate }) => {
    switch (predicate.oneofKind) {
      case 'sender': {
        const wanted = address(predicate.sender.address, 'sender');
        return ({ sender }) => sender === wanted;
      }
      case 'emitModule': {
        const test = emitModuleTest(predicate.emitModule);
        return ({ event }) => test(event);
      }
      case 'eventType': {
        const test = eventTypeTest(predicate.eventType);
        return ({ event }) => test(event);
      }
      case 'eventStreamHead':
      case undefined:
        throw unsupported(predicate.oneofKind);
    }
  });
}

/** The test that a filter of transactions makes. Throws GrpcError for what it cannot mean. */
export function transactionTest(
  filter: GrpcTypes.TransactionFilter | undefined,
): Predicate<ExecutedTransaction> {
  return disjunction(filter?.terms, ({ predicate }) => {
    switch (predicate.oneofKind) {
      case 'sender': {
        const wanted = address(predicate.sender.address, 'sender');
        return ({ sender }) => sender === wanted;
      }
      case 'affectedAddress':
        return affectsAddress(address(predicate.affectedAddress.address, 'affected_address'));
      case 'affectedObject': {
        const wanted = address(predicate.affectedObject.objectId, 'affected_object');
        return ({ effects }) => effects.changed.some(({ id }) => id === wanted);
      }
      case 'moveCall':
        return calls(path(predicate.moveCall.function, 3, 'move_call'));
      case 'emitModule': {
        const test = emitModuleTest(predicate.emitModule);
        return ({ events }) => events.some(test);
      }
      case 'eventType': {
        const test = eventTypeTest(predicate.eventType);
        return ({ events }) => events.some(test);
      }
      case 'packageWrite':
        return ({ effects }) => effects.changed.some(({ output }) => output?.kind === 'package');
      case 'eventStreamHead':
      case undefined:
        throw unsupported(predicate.oneofKind);
    }
  });
}

function affectsAddress(wanted: string): Predicate<ExecutedTransaction> {
  return ({ effects }) =>
    effects.changed.some(({ input, output }) =>
      [input?.owner, output?.owner].some((owner) => owner?.kind === 'address' && owner.address === wanted),
    );
}

function calls(wanted: string): Predicate<ExecutedTransaction> {
  return (executed) => executed.calls.some((call) => isUnder(call, wanted));
}

/** Filters are terms joined by OR of literals joined by AND. No filter lets everything pass. */
function disjunction<T, L extends { readonly negated: boolean }>(
  terms: readonly { readonly literals: readonly L[] }[] | undefined,
  testOf: (literal: L) => Predicate<T>,
): Predicate<T> {
  if (terms === undefined || terms.length === 0) return () => true;
  if (terms.reduce((sum, { literals }) => sum + literals.length, 0) > LITERALS_MAX)
    throw bad(`a filter has at most ${LITERALS_MAX} literals`);
  if (terms.some(({ literals }) => literals.length === 0)) throw bad('a term of the filter has no literals');
  const tests = terms.map(({ literals }) =>
    literals.map((literal) => {
      const test = testOf(literal);
      return literal.negated ? (item: T) => !test(item) : test;
    }),
  );
  return (item) => tests.some((term) => term.every((test) => test(item)));
}
