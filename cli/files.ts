import { readFile } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';

import { CliError } from './errors.ts';

/** A file of the person's, who may have called through `npm run`, which changes the folder. */
export function userPath(file: string): string {
  return isAbsolute(file) ? file : resolve(process.env['INIT_CWD'] ?? process.cwd(), file);
}

/** Reads a text file; a missing or unreadable one is a coded error that names it. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${file} cannot be read`, 'check the path and its permissions', {
      cause,
    });
  }
}
