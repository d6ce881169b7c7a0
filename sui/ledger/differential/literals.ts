import type { Value } from '../vm/values.ts';

/** An argument as both sides take it: as Move source, and as a value of the ledger's VM. */
export interface Argument {
  readonly source: string;
  readonly value: Value;
}

export const u64 = (n: bigint | number): Argument => ({ source: `${n}`, value: BigInt(n) });
export const u8 = (n: number): Argument => ({ source: `${n}`, value: n });
export const bool = (flag: boolean): Argument => ({ source: `${flag}`, value: flag });
export const address = (id: string): Argument => ({ source: `@${id}`, value: id });
export const hex = (data: Uint8Array): string => `x"${Buffer.from(data).toString('hex')}"`;
export const bytes = (data: Uint8Array): Argument => ({ source: hex(data), value: Array.from(data) });
export const text = (characters: string): Argument => bytes(Buffer.from(characters));

export const list = (items: readonly Argument[]): Argument => ({
  source: `vector[${items.map(({ source }) => source).join(', ')}]`,
  value: items.map(({ value }) => value),
});
