import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { fromHex, toHex, type KeyServerConfiguration } from '@k3s-daas/core';
import { generateMasterKey, MasterKey } from '@k3s-daas/seal/registering';

import { CliError } from '../errors.ts';

const OTHERS = 0o077;
const TEXT_BYTES_MAX = 1024;
const COMMAND_MS_MAX = 30_000;

type Source = KeyServerConfiguration['masterKey'];

/**
 * The master key of a key server, from where the configuration says: a file that only its owner reads, an environment
 * variable, which is then taken out of the environment, or what a program prints (a KMS, an HSM, a password store).
 * @param path resolves what the configuration names against its own folder.
 * @throws CliError KEY_UNUSABLE, which never shows any of it.
 */
export async function readMasterKey(source: Source, path: (relative: string) => string): Promise<MasterKey> {
  const { from, text } = await textOf(source, path);
  const hex = text.trim();
  if (!/^[0-9a-f]{64}$/.test(hex)) throw unusable(from, 'it is not 32 bytes in 64 lower-case hex digits');
  try {
    return new MasterKey(fromHex(hex));
  } catch (cause) {
    throw unusable(from, 'it is not a scalar of BLS12-381', cause);
  }
}

async function textOf(
  source: Source,
  path: (relative: string) => string,
): Promise<{ from: string; text: string }> {
  switch (source.kind) {
    case 'file': {
      const from = path(source.file);
      return { from, text: await readPrivate(from) };
    }
    case 'environment': {
      const from = `the variable ${source.variable}`;
      const text = process.env[source.variable];
      if (text === undefined) throw unusable(from, 'it is not set');
      // Children and /proc/self/environ of a later exec do not see it.
      Reflect.deleteProperty(process.env, source.variable);
      return { from, text };
    }
    case 'command': {
      const [program = '', ...args] = source.command;
      return { from: `the program ${program}`, text: await printedBy(program, args) };
    }
  }
}

async function readPrivate(file: string): Promise<string> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, 'r');
  } catch (cause) {
    throw unusable(file, 'it cannot be read', cause);
  }
  try {
    // Of the open file, so that it is the one that is read.
    const { mode, size } = await handle.stat();
    if ((mode & OTHERS) !== 0)
      throw unusable(file, `its mode ${(mode & 0o777).toString(8)} lets others have it`);
    if (size > TEXT_BYTES_MAX) throw unusable(file, 'it is too large');
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

async function printedBy(program: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, [...args], {
      timeout: COMMAND_MS_MAX,
      maxBuffer: TEXT_BYTES_MAX,
      encoding: 'utf8',
    });
    return stdout;
  } catch (error) {
    // Its message and its cause would hold what the program printed.
    const { code } = error as { code?: string | number | null };
    throw unusable(`the program ${program}`, `it failed with ${code ?? 'a signal'}`);
  }
}

/** Makes a master key in a new file that only its owner reads. */
export async function createMasterKeyFile(file: string): Promise<MasterKey> {
  const bytes = generateMasterKey((length) => new Uint8Array(randomBytes(length)));
  try {
    await writeFile(file, `${toHex(bytes)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw unusable(file, 'it cannot be created', cause);
  }
  return new MasterKey(bytes);
}

function unusable(from: string, why: string, cause?: unknown): CliError {
  return new CliError(
    'KEY_UNUSABLE',
    `the master key in ${from} is not used: ${why}`,
    '`daas key-server new-key FILE` makes one; docs/chain/seal-key-server.md says how to keep it',
    { cause },
  );
}
