import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';

import { MoveError } from './errors.ts';

/** Sources by path relative to their package, with `/` as separator. */
export type SourceFiles = Record<string, string>;

const SOURCE = /\.(move|toml|lock)$/;
const FILES_MAX = 2_000;

/** `$DAAS_CACHE_DIR/move`, else `.cache/move` at the root of the repository. */
export function defaultCacheDir(): string {
  const configured = process.env['DAAS_CACHE_DIR'];
  const root = resolve(import.meta.dirname, '..', '..');
  return configured === undefined || configured === ''
    ? join(root, '.cache', 'move')
    : join(resolve(configured), 'move');
}

/** Reads every `.move`, `.toml` and `.lock` file below `dir`; build output and dot folders are left out. */
export async function readSources(dir: string): Promise<SourceFiles> {
  const files: SourceFiles = {};
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== 'build' && !entry.name.startsWith('.')) await walk(path);
      } else if (SOURCE.test(entry.name)) {
        files[relative(dir, path).split(sep).join('/')] = await readFile(path, 'utf8');
      }
      if (Object.keys(files).length > FILES_MAX) throw new Error(`more than ${FILES_MAX} source files`);
    }
  };
  try {
    await walk(dir);
  } catch (cause) {
    throw new MoveError(
      'PACKAGE_UNREADABLE',
      `The Move sources in ${dir} cannot be read.`,
      'Check the path and its permissions.',
      {
        cause,
      },
    );
  }
  return files;
}

/** SHA-256 (hex) over labelled source sets: the key under which compiled output is cached. */
export function sourcesHash(...sets: readonly SourceFiles[]): string {
  const hash = createHash('sha256');
  for (const files of sets) {
    for (const path of Object.keys(files).sort()) hash.update(JSON.stringify([path, files[path]]));
    hash.update('\n');
  }
  return hash.digest('hex');
}

/** Writes beside the target and renames, so that a reader sees the whole file or none. */
export async function writeAtomically(path: string, data: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, data);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new MoveError(
      'CACHE_UNWRITABLE',
      `The cache file ${path} cannot be written.`,
      'Set DAAS_CACHE_DIR to a writable folder.',
      {
        cause,
      },
    );
  }
}

/** The file's text, or null where it does not exist. */
export async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
