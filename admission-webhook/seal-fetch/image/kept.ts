import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { z } from 'zod';

import { buildSealFetchImage, type SealFetchImage } from './build.ts';
import { bundleProgram, REPOSITORY } from './bundle.ts';

/** SHA-256 of a program, and of each file that it was made of. */
const madeOf = z.strictObject({ program: z.string(), inputs: z.record(z.string(), z.string()) });

/**
 * The image of this checkout, from `dir` if the same program was built there before: the bundle takes two seconds of a
 * core, the layers take more. The program is the same if everything that was read for it is.
 * @throws ImageError
 */
export async function keptSealFetchImage(
  dir: string,
  progress: (line: string) => void = () => undefined,
): Promise<SealFetchImage> {
  const { size, mtimeMs } = await stat(process.execPath);
  const node = `${process.version} ${process.arch} ${process.execPath} ${size} ${mtimeMs}`;
  // A file that is new can only be read because one that is known, or what is installed, has changed.
  const installed = await readFile(join(REPOSITORY, 'package-lock.json'));
  const place = createHash('sha256')
    .update(`${node}\n${REPOSITORY}\n`)
    .update(await recipe())
    .update(installed);
  const note = join(dir, `${place.copy().digest('hex').slice(0, 32)}.inputs`);
  const program = (await unchangedProgram(note)) ?? (await noteProgram(note));
  return await kept(join(dir, place.update(program).digest('hex').slice(0, 32)), progress);
}

/** SHA-256 of the program that the note is of, if it would be made again; null if one must see. */
async function unchangedProgram(note: string): Promise<string | null> {
  try {
    const { program, inputs } = madeOf.parse(JSON.parse(await readFile(note, 'utf8')));
    const now = await digests(Object.keys(inputs));
    return Object.entries(inputs).every(([path, digest]) => now[path] === digest) ? program : null;
  } catch {
    return null;
  }
}

async function noteProgram(note: string): Promise<string> {
  const { program, inputs } = await bundleProgram();
  const digest = createHash('sha256').update(program).digest('hex');
  await writeWhole(note, JSON.stringify({ program: digest, inputs: await digests(inputs) }));
  return digest;
}

async function digests(paths: readonly string[]): Promise<Record<string, string>> {
  const digestOf = async (path: string): Promise<[string, string]> => {
    const content = await readFile(join(REPOSITORY, path));
    return [path, createHash('sha256').update(content).digest('hex')];
  };
  return Object.fromEntries(await Promise.all(paths.map(digestOf)));
}

/** What makes an image of a program: the sources of this folder. */
async function recipe(): Promise<string> {
  const files = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.ts')).sort();
  const texts = await Promise.all(files.map((name) => readFile(join(import.meta.dirname, name), 'utf8')));
  return JSON.stringify(files.map((name, index) => [name, texts[index]]));
}

async function kept(path: string, progress: (line: string) => void): Promise<SealFetchImage> {
  const archive = `${path}.tar`;
  const note = `${path}.reference`;
  const reference = await readFile(note, 'utf8').catch(() => null);
  if (reference !== null && (await exists(archive)))
    return { archive, reference, digest: reference.slice(reference.indexOf('@') + 1) };
  await mkdir(dirname(path), { recursive: true });
  const image = await buildSealFetchImage({ out: archive, progress });
  // Last, and whole: whoever finds the note finds the archive.
  await writeWhole(note, image.reference);
  return image;
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, text);
  await rename(`${path}.${process.pid}`, path);
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
