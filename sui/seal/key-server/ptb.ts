import { bcs } from '@mysten/sui/bcs';
import { fromBase64, normalizeSuiAddress } from '@mysten/sui/utils';

import { KeyServerError } from './errors.ts';

/** A programmable transaction in the JSON shape of @mysten/sui's BCS schemas. */
export type Program = Extract<
  typeof bcs.TransactionKind.$inferType,
  { $kind: 'ProgrammableTransaction' }
>['ProgrammableTransaction'];

/** A transaction that asks policies for keys, and nothing else. */
export interface PolicyCalls {
  readonly program: Program;
  /** The package of every call, `0x` and 64 digits. */
  readonly packageId: string;
  /** Inner ids, one for each call. */
  readonly ids: readonly Uint8Array[];
}

const COMMANDS_MAX = 100;
const KIND_PROGRAMMABLE = 0;

function invalid(message: string): KeyServerError {
  return new KeyServerError('InvalidPTB', `Invalid PTB: ${message}`);
}

/** The id that a call asks for: its first argument, a pure `vector<u8>`. */
function idOf(program: Program, args: Program['commands'][number]['MoveCall']): Uint8Array {
  const [first] = args?.arguments ?? [];
  if (first?.$kind !== 'Input') throw invalid('the first argument is not an input');
  const input = program.inputs[first.Input];
  if (input?.$kind !== 'Pure') throw invalid('the first argument is not a pure value');
  const bytes = fromBase64(input.Pure.bytes);
  try {
    const id = bcs.byteVector().parse(bytes);
    // The parser takes bytes that are left over; a Move VM does not.
    if (bcs.byteVector().serialize(id).toBytes().length === bytes.length) return id;
  } catch {
    // Refused below.
  }
  throw invalid('the first argument is not a vector<u8>');
}

/**
 * Reads the BCS of a programmable transaction (without the byte of its kind) that may only ask policies: 1 to 100 calls
 * of functions `seal_approve*` of one package, arguments inputs only. Throws KeyServerError InvalidPTB.
 */
export function parsePolicyCalls(bytes: Uint8Array): PolicyCalls {
  let program: Program | undefined;
  try {
    const kind = Uint8Array.from([KIND_PROGRAMMABLE, ...bytes]);
    program = bcs.TransactionKind.parse(kind).ProgrammableTransaction ?? undefined;
    const again = bcs.TransactionKind.serialize({
      ProgrammableTransaction: program ?? { inputs: [], commands: [] },
    });
    if (!Buffer.from(again.toBytes()).equals(Buffer.from(kind))) program = undefined;
  } catch {
    // Refused below.
  }
  if (program === undefined) throw invalid('it is not a programmable transaction in BCS');
  const { inputs, commands } = program;
  if (inputs.length === 0 || commands.length === 0) throw invalid('it has no inputs or no commands');
  if (commands.length > COMMANDS_MAX) throw invalid(`it has more than ${COMMANDS_MAX} commands`);
  const [first] = commands;
  const packageId = normalizeSuiAddress(first?.MoveCall?.package ?? '');
  const ids = commands.map(({ MoveCall: call }) => {
    if (call === undefined) throw invalid('a command is not a Move call');
    if (call.arguments.some(({ $kind }) => $kind !== 'Input')) throw invalid('an argument is not an input');
    const id = idOf(program, call);
    if (!call.function.startsWith('seal_approve')) throw invalid('a function is not named seal_approve*');
    if (normalizeSuiAddress(call.package) !== packageId)
      throw invalid('the calls are of more than one package');
    return id;
  });
  return { program, packageId, ids };
}
