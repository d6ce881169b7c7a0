import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { utf8, type Bytes } from '@k3s-daas/core';

import { ImageError } from './errors.ts';

/** One entry of a folder as the archive holds it. */
export interface TreeEntry {
  /** Relative, with `/`. */
  readonly path: string;
  readonly kind: 'folder' | 'file' | 'link';
  readonly executable: boolean;
  /** As a file system counts them: a folder is named by its parent, itself and each folder in it. */
  readonly links: number;
}

const MODE = { folder: 0o040755, executable: 0o100755, file: 0o100644, link: 0o120777 } as const;
const TRAILER = 'TRAILER!!!';
const ARCHIVE_ALIGNMENT = 512;
const PATH_BYTES_MAX = 1_024;

/** Everything below `folder`, in byte order of the path, so that a folder comes before what is in it. */
export async function listTree(folder: string): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  const visit = async (inner: string): Promise<number> => {
    let folders = 0;
    for (const found of await readdir(join(folder, inner), { withFileTypes: true })) {
      const path = inner === '' ? found.name : `${inner}/${found.name}`;
      if (utf8(path).length > PATH_BYTES_MAX) throw unusable(path, 'has too long a path');
      if (found.isDirectory()) {
        folders++;
        entries.push({ path, kind: 'folder', executable: false, links: 2 + (await visit(path)) });
      } else if (found.isSymbolicLink()) entries.push({ path, kind: 'link', executable: false, links: 1 });
      else if (found.isFile()) {
        const { mode } = await lstat(join(folder, path));
        entries.push({ path, kind: 'file', executable: (mode & 0o100) !== 0, links: 1 });
      } else throw unusable(path, 'is neither file, folder nor link');
    }
    return folders;
  };
  await visit('');
  return entries.sort((a, b) => Buffer.compare(utf8(a.path), utf8(b.path)));
}

/** Content of a file, target of a link, nothing for a folder. */
export async function readEntry(folder: string, { path, kind }: TreeEntry): Promise<Bytes> {
  const full = join(folder, path);
  if (kind === 'folder') return new Uint8Array();
  return kind === 'link' ? utf8(await readlink(full)) : readFile(full);
}

/**
 * The folder as a canonical `newc` archive (Linux Documentation/driver-api/early-userspace/buffer-format.rst): paths
 * sorted, time, owner and devices zero, inodes counted from 0, modes 0755 or 0644, zero padding to 512 bytes. GNU cpio
 * gives the same bytes with `--format=newc --reproducible --owner=+0:+0` for sorted names of files whose time is 0.
 */
export async function* cpioArchive(folder: string): AsyncGenerator<Bytes> {
  let size = 0;
  const write = function* (path: string, fields: RecordFields): Generator<Bytes> {
    for (const part of record(path, fields)) {
      size += part.length;
      yield part;
    }
  };
  for (const [inode, entry] of (await listTree(folder)).entries()) {
    const content = await readEntry(folder, entry);
    const mode = entry.kind === 'file' && entry.executable ? MODE.executable : MODE[entry.kind];
    yield* write(entry.path, { inode, mode, links: entry.links, content });
  }
  yield* write(TRAILER, { inode: 0, mode: 0, links: 1, content: new Uint8Array() });
  yield padding(size, ARCHIVE_ALIGNMENT);
}

interface RecordFields {
  readonly inode: number;
  readonly mode: number;
  readonly links: number;
  readonly content: Bytes;
}

function* record(path: string, { inode, mode, links, content }: RecordFields): Generator<Bytes> {
  const name = utf8(`${path}\0`);
  if (content.length > 0xffff_ffff) throw unusable(path, 'is larger than 4 GiB');
  // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const numbers = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = utf8(
    `070701${numbers.map((number) => number.toString(16).toUpperCase().padStart(8, '0')).join('')}`,
  );
  yield header;
  yield name;
  yield padding(header.length + name.length, 4);
  yield content;
  yield padding(content.length, 4);
}

function padding(length: number, alignment: number): Bytes {
  return new Uint8Array((alignment - (length % alignment)) % alignment);
}

function unusable(path: string, problem: string): ImageError {
  return new ImageError('BUILD_FAILED', `${path} ${problem}`, 'leave it out of the image');
}
