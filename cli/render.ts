import { toHex } from '@k3s-daas/core';
import Table from 'cli-table3';

import { CliError } from './errors.ts';
import { toJson } from './output.ts';

/** An address or object id in full length; short ones like 0x6 are filled up. */
export function requireAddress(text: string): string {
  const digits = /^0x([0-9a-fA-F]{1,64})$/.exec(text)?.[1];
  if (digits !== undefined) return `0x${digits.toLowerCase().padStart(64, '0')}`;
  throw new CliError('USAGE', `${text} is no address`, 'it is 0x and up to 64 hex digits');
}

export function time(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`;
}

/** One line per entry, the values in a column of their own. */
export function keyValues(entries: readonly (readonly [string, unknown])[]): string {
  const width = Math.max(...entries.map(([key]) => key.length));
  return entries.map(([key, value]) => `${key.padEnd(width)}  ${plain(value)}`).join('\n');
}

export function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const view = new Table({ head: [...head], style: { head: [], border: [] }, chars });
  for (const row of rows) view.push(row.map(plain));
  return view.toString();
}

/** A Move value: text as it is, bytes in hex, anything deeper as JSON. */
function plain(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (value instanceof Uint8Array) return toHex(value);
  return typeof value === 'string' ? value : typeof value === 'bigint' ? value.toString() : toJson(value);
}

/** Full addresses do not fit into tables; the beginning tells them apart. */
export function short(text: string): string {
  return text
    .replace(/0x0*(?=[0-9a-f])/g, '0x')
    .replace(/0x([0-9a-f]{6})[0-9a-f]{30,54}([0-9a-f]{4})\b/g, '0x$1…$2');
}

export function mistText(mist: bigint): string {
  const sign = mist < 0n ? '-' : '';
  const absolute = mist < 0n ? -mist : mist;
  const fraction = (absolute % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${absolute / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`} SUI`;
}
