import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { TextDecoder } from 'node:util';

import { SEALED_SIGNATURE_KEY, utf8, type Bytes } from '@k3s-daas/core';

import { CliError } from '../errors.ts';
import { userPath } from '../files.ts';

// Where the values of a Secret come from, with the semantics of `kubectl create secret generic`
// (kubectl/pkg/util: ParseLiteralSource, ParseFileSource, AddFromEnvFile).

export interface Sources {
  readonly fromLiteral: readonly string[];
  readonly fromFile: readonly string[];
  readonly fromEnvFile: readonly string[];
}

/** Standard input, read once. */
export type ReadStdin = () => Promise<Bytes>;

/** MaxSecretSize of Kubernetes: all values of a Secret together. */
export const SECRET_BYTES_MAX = 1 << 20;
const BOM = '\uFEFF';

/** Values by key, in order. @throws CliError USAGE, FILE_UNREADABLE */
export async function readSources(sources: Sources, stdin: ReadStdin): Promise<Map<string, Bytes>> {
  const { fromLiteral, fromFile, fromEnvFile } = sources;
  if (fromEnvFile.length > 0 && fromLiteral.length + fromFile.length > 0)
    throw usage('--from-env-file cannot be combined with --from-file or --from-literal', 'seal two Secrets');
  const values = new Map<string, Bytes>();
  for (const source of fromFile) await addFile(values, source, stdin);
  for (const source of fromLiteral) addLiteral(values, source);
  for (const source of fromEnvFile) await addEnvFile(values, source, stdin);
  return values;
}

/** @throws CliError USAGE if Kubernetes would not take the key, or if it is taken. */
export function addValue(values: Map<string, Bytes>, key: string, value: Bytes): void {
  requireKey(key);
  if (values.has(key)) throw usage(`the key ${key} is given twice`, 'give each key once');
  values.set(key, value);
}

/** IsConfigMapKey of apimachinery, and the one key that is ours. */
export function requireKey(key: string): void {
  if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key) || key === '.' || key.startsWith('..'))
    throw usage(
      `${JSON.stringify(key)} is no key of a Secret`,
      'use letters, digits, - _ and . ; name a file as KEY=PATH',
    );
  if (key === SEALED_SIGNATURE_KEY)
    throw usage(`the key ${key} is where the owner's signature stands`, 'choose another key');
}

function addLiteral(values: Map<string, Bytes>, source: string): void {
  const at = source.indexOf('=');
  if (at < 1) throw usage('a literal is not KEY=VALUE', 'give --from-literal KEY=VALUE');
  // kubectl takes quotes off both ends, however many.
  const value = source.slice(at + 1).replace(/^["']+|["']+$/g, '');
  addValue(values, source.slice(0, at), utf8(value));
}

async function addFile(values: Map<string, Bytes>, source: string, stdin: ReadStdin): Promise<void> {
  const parts = source.split('=');
  const [first = '', second] = parts;
  if (parts.length > 2 || first === '' || second === '')
    throw usage(`${source} is not [KEY=]PATH`, 'neither key nor path may be empty or contain =');
  if (second !== undefined) {
    addValue(values, first, await readValue(second, stdin));
    return;
  }
  if (first === '-') throw usage('--from-file - has no key', 'give --from-file KEY=-');
  const path = userPath(first);
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    addValue(values, basename(first), await readValue(first, stdin));
    return;
  }
  const entries = await readdir(path, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  for (const name of files.sort()) addValue(values, name, await readValue(join(path, name), stdin));
}

/** Lines KEY=VALUE, taken as they are; empty ones and those that begin with # do not count; KEY alone is this environment's. */
async function addEnvFile(values: Map<string, Bytes>, source: string, stdin: ReadStdin): Promise<void> {
  const bytes = await readValue(source, stdin);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CliError('USAGE', `${source} is not UTF-8`, 'give such a value with --from-file', { cause });
  }
  if (text.startsWith(BOM)) text = text.slice(BOM.length);
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '').replace(/^\s+/u, '');
    if (line === '' || line.startsWith('#')) continue;
    const at = line.indexOf('=');
    const key = at < 0 ? line : line.slice(0, at);
    // The line itself may hold a secret.
    if (!/^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(key))
      throw usage(`line ${index + 1} of ${source} is not KEY=VALUE`, 'name variables as environments can');
    addValue(values, key, utf8(at < 0 ? (process.env[key] ?? '') : line.slice(at + 1)));
  }
}

/** The content of a file, or of standard input for `-`. @throws CliError FILE_UNREADABLE, USAGE if it is too large */
export async function readValue(file: string, stdin: ReadStdin): Promise<Bytes> {
  if (file === '-') return await stdin();
  const chunks: Buffer[] = [];
  try {
    // `end` is the last byte: one more than fits.
    const stream = createReadStream(userPath(file), { end: SECRET_BYTES_MAX });
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${file} cannot be read`, 'check the path and its permissions', {
      cause,
    });
  }
  const content = Buffer.concat(chunks);
  if (content.length <= SECRET_BYTES_MAX) return new Uint8Array(content);
  throw usage(`${file} is larger than 1 MiB`, 'a Secret holds one mebibyte');
}

/** All of standard input. @throws CliError USAGE if it is a terminal, or too large */
export function stdinOnce(bytesMax: number): ReadStdin {
  let taken = false;
  return async () => {
    if (taken) throw usage('standard input is used twice', 'read one of the two from a file');
    taken = true;
    if (process.stdin.isTTY)
      throw usage('standard input is a terminal', 'pipe something into it, or name a file');
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > bytesMax) throw usage(`standard input has more than ${bytesMax} bytes`, 'give less');
      chunks.push(chunk);
    }
    return new Uint8Array(Buffer.concat(chunks));
  };
}

function usage(message: string, remedy: string): CliError {
  return new CliError('USAGE', message, remedy);
}
