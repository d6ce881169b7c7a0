import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const CHUNK = 4 << 20;

/** A plaintext and the forms in which programs would hold it. */
export interface Needle {
  readonly name: string;
  readonly forms: readonly Buffer[];
}

/** @param value ASCII, of 16 characters or more, so that no form is found by chance. */
export function needle(name: string, value: string): Needle {
  const bytes = Buffer.from(value, 'utf8');
  return {
    name,
    forms: [
      bytes,
      // A two-byte string of V8.
      Buffer.from(value, 'utf16le'),
      ...base64Forms(bytes),
    ],
  };
}

/** As part of a longer value it begins at any of three places of base64's groups; what depends on neighbours is cut off. */
function base64Forms(bytes: Buffer): Buffer[] {
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const text = whole.toString('base64').replaceAll('=', '');
    const first = Math.ceil((before * 8) / 6);
    const kept = text.slice(first, Math.floor((whole.length * 8) / 6));
    const url = kept.replaceAll('+', '-').replaceAll('/', '_');
    return (url === kept ? [kept] : [kept, url]).map((form) => Buffer.from(form));
  });
}

/** Which needles are in files below a folder, as `PATH: NAME`. */
export async function inFiles(dir: string, needles: readonly Needle[]): Promise<string[]> {
  const found = new Set<string>();
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // Logs and journals come and go while the search runs.
    const file = await open(path).catch(() => undefined);
    if (file === undefined) continue;
    const { size } = await file.stat();
    const read = async (buffer: Buffer, at: number): Promise<number> =>
      (await file.read(buffer, 0, buffer.length, at)).bytesRead;
    for (const name of await search({ from: 0, to: size }, read, needles)) found.add(`${path}: ${name}`);
    await file.close();
  }
  return [...found];
}

/** Which needles are in the memory of a process, as root may read it (proc(5): smaps, mem). */
export async function inMemory(pid: number, needles: readonly Needle[]): Promise<string[]> {
  const found = new Set<string>();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const region of regions(readFileSync(`/proc/${pid}/smaps`, 'utf8'))) {
      const read = (buffer: Buffer, at: number): number => {
        try {
          return readSync(memory, buffer, 0, buffer.length, at);
        } catch {
          // It was given back meanwhile.
          return 0;
        }
      };
      for (const name of await search(region, read, needles)) found.add(name);
    }
  } finally {
    closeSync(memory);
  }
  return [...found];
}

interface Region {
  readonly from: number;
  readonly to: number;
}

/**
 * Regions that hold any page (V8 reserves far more than there is) and that the process may have written: readable, and
 * writable or of no file.
 */
export function regions(smaps: string): Region[] {
  const found: Region[] = [];
  let current: Region | undefined;
  for (const line of smaps.split('\n')) {
    const [, from, to, allowed = '', inode] =
      /^([0-9a-f]+)-([0-9a-f]+) (....) [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ (\d+)/.exec(line) ?? [];
    if (from !== undefined && to !== undefined) {
      const own = allowed.startsWith('rw') || (allowed.startsWith('r') && inode === '0');
      current = own ? { from: parseInt(from, 16), to: parseInt(to, 16) } : undefined;
    }
    if (current !== undefined && /^Rss: +[1-9]/.test(line)) found.push(current);
  }
  // vsyscall lies beyond what a number counts exactly, and holds code alone.
  return found.filter(({ to }) => to <= Number.MAX_SAFE_INTEGER);
}

async function search(
  { from, to }: Region,
  read: (buffer: Buffer, at: number) => number | Promise<number>,
  needles: readonly Needle[],
): Promise<string[]> {
  const overlap = Math.max(...needles.flatMap(({ forms }) => forms.map((form) => form.length)));
  const found = new Set<string>();
  const buffer = Buffer.alloc(Math.min(CHUNK, to - from));
  for (let at = from; at < to; at += Math.max(1, buffer.length - overlap)) {
    const length = await read(buffer.subarray(0, Math.min(buffer.length, to - at)), at);
    const chunk = buffer.subarray(0, length);
    for (const { name, forms } of needles) if (forms.some((form) => chunk.includes(form))) found.add(name);
    if (at + buffer.length >= to) break;
  }
  return [...found];
}
