import { randomUUID } from 'node:crypto';
import { access, constants, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { ConfigError } from '@k3s-daas/core';
import { parseDocument, type Document } from 'yaml';

import { CliError } from './errors.ts';

const BYTES_MAX = 1 << 20;
const NEW_FILE_MODE = 0o644;

/** A YAML file with its comments and its order; null where there is none. */
export async function readYaml(file: string): Promise<Document | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw new CliError('FILE_UNREADABLE', `${file} cannot be read`, 'check the path and its permissions', {
      cause,
    });
  }
  if (text.length > BYTES_MAX)
    throw new ConfigError('CONFIG_MALFORMED', `${file} is larger than 1 MiB`, 'is it the right file?');
  // Large integers, as an id that lacks its quotes, would be written back as another number.
  const document = parseDocument(text, { intAsBigInt: true });
  const [error] = document.errors;
  if (error !== undefined)
    throw new ConfigError('CONFIG_MALFORMED', `${file} is not YAML: ${error.message}`, 'mend its syntax');
  return document;
}

/** Refuses, before anything costs money, what could not be written afterwards. */
export async function requireWritable(file: string): Promise<void> {
  try {
    await access(dirname(file), constants.W_OK | constants.X_OK);
    await access(file, constants.W_OK);
  } catch (cause) {
    if (cause instanceof Error && 'path' in cause && cause.path === file && 'code' in cause) {
      if (cause.code === 'ENOENT') return;
    }
    throw unwritable(file, cause);
  }
}

/** Replaces the file as a whole, keeping its mode, and the file that a link points to. */
export async function writeYaml(file: string, document: Document): Promise<void> {
  const text = document.toString({ lineWidth: 0 });
  const target = await realpath(file).catch(() => file);
  const partial = `${target}.${randomUUID()}.partial`;
  try {
    const mode = await stat(target).then(
      (found) => found.mode & 0o777,
      () => NEW_FILE_MODE,
    );
    const handle = await open(partial, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, target);
  } catch (cause) {
    await rm(partial, { force: true });
    throw unwritable(file, cause);
  }
}

function unwritable(file: string, cause: unknown): CliError {
  const remedy =
    'check its permissions and the free space, name another file with --config, or give --no-config';
  return new CliError('CONFIG_UNWRITABLE', `${file} cannot be written`, remedy, { cause });
}
