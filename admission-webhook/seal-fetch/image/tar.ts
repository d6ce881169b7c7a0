import { ImageError } from './errors.ts';

/** An entry of an archive. Owner is root and time is 1970 for all of them. */
export interface TarEntry {
  /** Relative, with `/`; of a folder, with one at its end. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

const BLOCK = 512;
const NAME_BYTES_MAX = 100;
const FOLDER = '5';
const FILE = '0';

/** A folder that a container runtime finds to mount into. */
export function folder(path: string, mode = 0o755): TarEntry {
  return { path: `${path}/`, content: new Uint8Array(), mode };
}

/** POSIX ustar, entries in byte order of their paths: the same entries, the same bytes. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const sorted = [...withParents(entries)].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const parts: Uint8Array[] = [];
  for (const entry of sorted) {
    const { length } = entry.content;
    parts.push(header(entry), entry.content, Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** With the folders that the entries are in, where they are not given. */
function withParents(entries: readonly TarEntry[]): Iterable<TarEntry> {
  const all = new Map<string, TarEntry>();
  for (const { path } of entries) {
    const parts = path.replace(/\/$/, '').split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const parent = folder(parts.slice(0, depth).join('/'));
      all.set(parent.path, parent);
    }
  }
  for (const entry of entries) all.set(entry.path, entry);
  return all.values();
}

function header({ path, content, mode }: TarEntry): Buffer {
  const block = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(path) > NAME_BYTES_MAX)
    throw new ImageError('PATH_UNUSABLE', `${path} is too long a path`, 'shorten it');
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  const text = (value: string, at: number): void => {
    block.write(value, at, 'latin1');
  };
  block.write(path, 0, 'utf8');
  text(octal(mode, 7), 100);
  text(octal(0, 7), 108); // user
  text(octal(0, 7), 116); // group
  text(octal(content.length, 11), 124);
  text(octal(0, 11), 136); // time
  text(' '.repeat(8), 148); // the checksum, while it is counted
  text(path.endsWith('/') ? FOLDER : FILE, 156);
  text('ustar\u000000', 257);
  let sum = 0;
  for (const byte of block) sum += byte;
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
