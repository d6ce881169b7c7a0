import { bcs } from '@mysten/sui/bcs';
import { normalizeSuiAddress, SUI_CLOCK_OBJECT_ID, toBase64 } from '@mysten/sui/utils';

import type { KeyServerChain, SimulatedFailure } from './chain.ts';
import { KeyServerError } from './errors.ts';
import type { PolicyCalls, Program } from './ptb.ts';

export interface PolicyOptions {
  /** Package with `time::check_staleness`: our seal_key_server, or Seal's own. */
  readonly stalenessPackage: string;
  /** How far the node's chain and this server's clock may be apart. */
  readonly stalenessMsMax: number;
}

/** Abort codes of `time::check_staleness`. */
const STALE_NODE = 93_492n;
const STALE_KEY_SERVER = 93_493n;
/** Sui's max_tx_gas in units of computation. */
const BUDGET_UNITS = 5_000_000n;
const BUDGET_MIST_MAX = 50_000_000_000n;
const CLOCK_ID = normalizeSuiAddress(SUI_CLOCK_OBJECT_ID);

type Argument = NonNullable<Program['commands'][number]['MoveCall']>['arguments'][number];

/**
 * Asks the policies, as `user` and without effect, whether the keys may be given away. Throws KeyServerError: NoAccess if
 * a policy refuses, Failure if node and clock are too far apart.
 */
export async function checkPolicy(
  chain: KeyServerChain,
  calls: PolicyCalls,
  user: string,
  nowMs: number,
  options: PolicyOptions,
): Promise<void> {
  const price = await chain.gasPrice();
  const budget = price * BUDGET_UNITS;
  const transaction = bcs.TransactionData.serialize(
    {
      V1: {
        kind: { ProgrammableTransaction: withStalenessCheck(calls.program, nowMs, options) },
        sender: user,
        gasData: {
          payment: [],
          owner: user,
          price,
          budget: budget < BUDGET_MIST_MAX ? budget : BUDGET_MIST_MAX,
        },
        expiration: { None: null },
      },
    },
    { maxSize: 1 << 20 },
  ).toBytes();
  const failure = await chain.simulate(transaction);
  if (failure !== null) throw refusal(failure, options);
}

/** Puts the check before the calls. Their results are nobody's arguments, so nothing else changes. */
function withStalenessCheck(program: Program, nowMs: number, options: PolicyOptions): Program {
  const inputs = [...program.inputs];
  const add = (input: Program['inputs'][number]): Argument => {
    inputs.push(input);
    return { $kind: 'Input', Input: inputs.length - 1 };
  };
  const u64 = (value: number): Argument => {
    const bytes = toBase64(bcs.u64().serialize(value).toBytes());
    return add({ $kind: 'Pure', Pure: { bytes } });
  };
  const now = u64(nowMs);
  const allowed = u64(options.stalenessMsMax);
  // An object may be among the inputs only once.
  const present = program.inputs.findIndex(
    (input) => normalizeSuiAddress(input.Object?.SharedObject?.objectId ?? '') === CLOCK_ID,
  );
  const clock: Argument =
    present >= 0
      ? { $kind: 'Input', Input: present }
      : add({
          $kind: 'Object',
          Object: {
            $kind: 'SharedObject',
            SharedObject: { objectId: CLOCK_ID, initialSharedVersion: '1', mutable: false },
          },
        });
  const check: Program['commands'][number] = {
    $kind: 'MoveCall',
    MoveCall: {
      package: options.stalenessPackage,
      module: 'time',
      function: 'check_staleness',
      typeArguments: [],
      arguments: [now, allowed, clock],
    },
  };
  return { inputs, commands: [check, ...program.commands] };
}

function refusal({ message, kind, abort }: SimulatedFailure, options: PolicyOptions): KeyServerError {
  const isStaleness =
    abort?.module === 'time' && abort.packageId === normalizeSuiAddress(options.stalenessPackage);
  if (isStaleness && abort.code === STALE_NODE) return new KeyServerError('Failure', 'The node is stale');
  if (isStaleness && abort.code === STALE_KEY_SERVER)
    return new KeyServerError('Failure', 'The clock of the key server is behind the chain');
  if (kind === 'FunctionNotFound' || kind === 'FUNCTION_NOT_FOUND')
    return new KeyServerError(
      'InvalidPTB',
      'Invalid PTB: the seal_approve function was not found on the module',
    );
  return new KeyServerError('NoAccess', `Access denied: ${message}`);
}
