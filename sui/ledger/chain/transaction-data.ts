import type { bcs } from '@mysten/sui/bcs';

/** TransactionData version 1 in the JSON shape of @mysten/sui's BCS schemas. */
export type TransactionData = Extract<typeof bcs.TransactionData.$inferType, { $kind: 'V1' }>['V1'];
export type ProgrammableTransaction = Extract<
  TransactionData['kind'],
  { $kind: 'ProgrammableTransaction' }
>['ProgrammableTransaction'];
export type Command = ProgrammableTransaction['commands'][number];
export type CallArg = ProgrammableTransaction['inputs'][number];
export type Argument = Extract<Command, { $kind: 'TransferObjects' }>['TransferObjects']['address'];
export type ObjectRef = TransactionData['gasData']['payment'][number];
