import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { buildSealFetchImage, type SealFetchImage } from './build.ts';
import { bundleProgram } from './bundle.ts';

/**
 * The image of this checkout, from `dir` if the same program was built there before: the bundle takes a fraction of a
 * second, the layers take seconds.
 * @throws ImageError
 */
export async function keptSealFetchImage(
  dir: string,
  progress: (line: string) => void = () => undefined,
): Promise<SealFetchImage> {
  const program = await bundleProgram();
  const { size, mtimeMs } = await stat(process.execPath);
  const node = `${process.version} ${process.arch} ${process.execPath} ${size} ${mtimeMs}`;
  const key = createHash('sha256')
    .update(`${node}\n`)
    .update(program)
    .update(await recipe());
  return await kept(join(dir, key.digest('hex').slice(0, 32)), progress);
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
  await writeFile(`${note}.${process.pid}`, image.reference);
  await rename(`${note}.${process.pid}`, note);
  return image;
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
