import { join } from 'node:path';

import { readIfPresent } from './cache.ts';
import { MoveError } from './errors.ts';

/** The `name` in the `[package]` section of the Move.toml in `dir`. @throws MoveError PACKAGE_UNREADABLE */
export async function packageName(dir: string): Promise<string> {
  const text = await readIfPresent(join(dir, 'Move.toml'));
  const section = /^\s*\[package\]\s*$([^[]*)/m.exec(text ?? '')?.[1] ?? '';
  const name = /^\s*name\s*=\s*["']([A-Za-z_][A-Za-z0-9_-]{0,127})["']/m.exec(section)?.[1];
  if (name !== undefined) return name;
  const what = text === null ? 'holds no Move.toml' : 'has a Move.toml without the name of its package';
  throw new MoveError('PACKAGE_UNREADABLE', `${dir} ${what}.`, 'Name the folder of a Move package.');
}

const MAGIC = [0xa1, 0x1c, 0xeb, 0x0b];
const TABLE_MODULE_HANDLES = 1;
const TABLE_IDENTIFIERS = 7;

/**
 * The name of a compiled module. Layout (move-binary-format, file_format_common.rs): magic, u32 version, count and
 * (kind, offset, length) of the tables, the tables, index of the module's own handle; a handle is the indices of
 * address and name; integers are ULEB128.
 */
export function moduleName(bytecode: Uint8Array): string {
  const reader = new Reader(bytecode);
  if (MAGIC.some((byte) => reader.byte() !== byte)) throw malformed();
  reader.skip(4);
  const tables = Array.from({ length: reader.uleb() }, () => ({
    kind: reader.byte(),
    offset: reader.uleb(),
    length: reader.uleb(),
  }));
  const start = reader.at;
  const table = (kind: number): Reader => {
    const found = tables.find((one) => one.kind === kind);
    if (found === undefined) throw malformed();
    return new Reader(bytecode.subarray(start + found.offset, start + found.offset + found.length));
  };
  const own = new Reader(
    bytecode.subarray(start + Math.max(...tables.map((one) => one.offset + one.length))),
  );
  const handles = table(TABLE_MODULE_HANDLES);
  handles.ulebs(2 * own.uleb() + 1);
  const wanted = handles.uleb();
  const identifiers = table(TABLE_IDENTIFIERS);
  for (let index = 0; index < wanted; index += 1) identifiers.skip(identifiers.uleb());
  return new TextDecoder().decode(identifiers.bytes(identifiers.uleb()));
}

function malformed(): MoveError {
  return new MoveError('COMPILE_FAILED', 'A compiled module is no Move bytecode.', 'Empty the cache folder.');
}

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.at];
    if (value === undefined) throw malformed();
    this.at += 1;
    return value;
  }

  uleb(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw malformed();
  }

  ulebs(count: number): void {
    for (let index = 0; index < count; index += 1) this.uleb();
  }

  skip(count: number): void {
    this.bytes(count);
  }

  bytes(count: number): Uint8Array {
    if (this.at + count > this.#bytes.length) throw malformed();
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }
}
