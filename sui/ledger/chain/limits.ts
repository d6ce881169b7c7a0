import { fromBase64 } from '@mysten/sui/utils';

import { parseType, type Type } from '../vm/types.ts';
import { LedgerError } from './errors.ts';
import type { CallArg, Command, ProgrammableTransaction } from './transaction-data.ts';

/** As in Sui's protocol config; what reaches one of these is refused, except inputs and publications. */
const COMMANDS_LIMIT = 1_024;
const ARGUMENTS_LIMIT = 512;
const PURE_BYTES_LIMIT = 16 * 1_024;
const TYPE_ARGUMENTS_LIMIT = 16;
const TYPE_DEPTH_LIMIT = 16;
const MODULES_LIMIT = 64;
const DEPENDENCIES_LIMIT = 32;
const INPUTS_MAX = 2_048;
const PUBLICATIONS_MAX = 5;

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The sizes and forms that Sui checks before it looks at any object (`validity_check`). Throws INPUT_INVALID. */
export function checkLimits({ inputs, commands }: ProgrammableTransaction): void {
  below(commands.length, COMMANDS_LIMIT, 'maximum commands in a programmable transaction');
  below(inputs.length, INPUTS_MAX + 1, 'maximum input objects in a transaction');
  for (const input of inputs) checkInput(input);
  for (const command of commands) checkCommand(command);
  const publications = commands.filter(({ $kind }) => $kind === 'Publish' || $kind === 'Upgrade').length;
  if (publications > PUBLICATIONS_MAX)
    throw invalid(`At most ${PUBLICATIONS_MAX} packages per transaction, got ${publications}`);
}

function checkInput(input: CallArg): void {
  if (input.$kind === 'Pure')
    below(fromBase64(input.Pure.bytes).length, PURE_BYTES_LIMIT, 'maximum pure argument size');
}

function checkCommand(command: Command): void {
  const inCommand = 'maximum arguments in a programmable transaction command';
  switch (command.$kind) {
    case 'MoveCall': {
      const { module, function: name, typeArguments, arguments: args } = command.MoveCall;
      below(args.length, ARGUMENTS_LIMIT, 'maximum arguments in a move call');
      for (const text of [module, name])
        if (!IDENTIFIER.test(text)) throw invalid(`Invalid identifier: ${text.slice(0, 80)}`);
      checkTypes(typeArguments);
      return;
    }
    case 'TransferObjects':
      below(nonEmpty(command.TransferObjects.objects).length, ARGUMENTS_LIMIT, inCommand);
      return;
    case 'SplitCoins':
      below(nonEmpty(command.SplitCoins.amounts).length, ARGUMENTS_LIMIT, inCommand);
      return;
    case 'MergeCoins':
      below(nonEmpty(command.MergeCoins.sources).length, ARGUMENTS_LIMIT, inCommand);
      return;
    case 'MakeMoveVec': {
      const { type, elements } = command.MakeMoveVec;
      if (type === null) nonEmpty(elements);
      else checkTypes([type]);
      below(elements.length, ARGUMENTS_LIMIT, inCommand);
      return;
    }
    case 'Publish':
      checkPublication(command.Publish);
      return;
    case 'Upgrade':
      checkPublication(command.Upgrade);
      return;
  }
}

function checkPublication(one: {
  readonly modules: readonly string[];
  readonly dependencies: readonly string[];
}): void {
  below(
    nonEmpty(one.modules).length,
    MODULES_LIMIT,
    'maximum modules in a programmable transaction upgrade command',
  );
  below(one.dependencies.length, DEPENDENCIES_LIMIT, 'maximum package dependencies');
}

function checkTypes(texts: readonly string[]): void {
  let count = 0;
  const visit = (type: Type, depth: number): void => {
    count += 1;
    below(count, TYPE_ARGUMENTS_LIMIT, 'maximum type arguments in a call transaction');
    below(depth, TYPE_DEPTH_LIMIT, 'maximum type argument depth in a call transaction');
    if (type.kind === 'vector') visit(type.element, depth + 1);
    if (type.kind === 'datatype') for (const arg of type.args) visit(arg, depth + 1);
  };
  for (const text of texts) visit(parsedType(text), 1);
}

/** A type as a transaction names it. Throws INPUT_INVALID where the text is none. */
export function parsedType(text: string): Type {
  try {
    return parseType(text);
  } catch (cause) {
    throw new LedgerError('INPUT_INVALID', `Invalid type: ${text.slice(0, 80)}`, { cause });
  }
}

function nonEmpty<T>(items: readonly T[]): readonly T[] {
  if (items.length === 0) throw invalid('Expected the inputs of a command to be nonempty');
  return items;
}

function below(value: number, limit: number, name: string): void {
  if (value >= limit) throw invalid(`Size limit exceeded: ${name} is ${limit}`);
}

function invalid(message: string): LedgerError {
  return new LedgerError('INPUT_INVALID', message);
}
