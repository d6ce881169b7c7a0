import type { Native, NativeTable } from '../vm/native.ts';
import { fullAddress } from '../vm/types.ts';
import { NATIVE_COSTS } from './costs.ts';
import { cryptoNatives } from './crypto.ts';
import { frameworkNatives } from './framework.ts';
import { nitroNatives } from './nitro.ts';
import { objectNatives } from './objects.ts';
import { stdlibNatives } from './stdlib.ts';

/** Every native function this ledger has. One that is missing fails by name when called. */
export const natives: NativeTable = new Map<string, Native>([
  ...qualified('0x1', stdlibNatives),
  ...qualified('0x2', { ...frameworkNatives, ...objectNatives, ...cryptoNatives, ...nitroNatives }),
]);

function qualified(address: string, table: Readonly<Record<string, Native>>): [string, Native][] {
  return Object.entries(table).map(([name, native]) => [
    `${fullAddress(address)}::${name}`,
    priced(name, native),
  ]);
}

function priced(name: string, native: Native): Native {
  const cost = NATIVE_COSTS[name];
  if (cost === undefined) return native;
  return (context, types, args) => {
    context.meter.charge(cost);
    return native(context, types, args);
  };
}
