import { access, mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import type { Bytes } from '@k3s-daas/core';

import { LedgerError } from '../chain/errors.ts';
import type { ReadableBytes } from './frame.ts';

/** The open journal. Offsets and lengths in bytes; every method rejects when the disk says no. */
export interface JournalFile extends ReadableBytes {
  /** Writes all of the bytes, or rejects; then any part of them may have been written. */
  write(offset: number, bytes: Bytes): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Resolves once everything written is on the disk. */
  sync(): Promise<void>;
  /** Lets go of the file and of the lock. */
  close(): Promise<void>;
}

/** Where a journal lies with the files that belong to it. Every method rejects when the disk says no. */
export interface Disk {
  /** Opens a journal as its only writer, creating it durably if it is missing. @throws LedgerError JOURNAL_LOCKED */
  openLocked(path: string): Promise<JournalFile>;
  /** Opens a file that exists. */
  open(path: string): Promise<JournalFile>;
  /** An empty file in the place of whatever was there. */
  create(path: string): Promise<JournalFile>;
  exists(path: string): Promise<boolean>;
  /** Names of the files in the folder of `path`. */
  list(path: string): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, if it is there. */
  remove(path: string): Promise<void>;
  /** Resolves once the names in the folder of `path` are on the disk. */
  syncFolder(path: string): Promise<void>;
}

/** Readable by the ledger's own user alone. */
const MODE = 0o600;

/** This machine's disk. */
export const localDisk: Disk = {
  async openLocked(path) {
    await mkdir(dirname(path), { recursive: true });
    // a+ would ignore write positions, r+ does not create: so create first, keeping what is there.
    await (await open(path, 'a', MODE)).close();
    const handle = await open(path, 'r+');
    try {
      const release = await lock(handle, path);
      await syncFolder(dirname(path));
      return fileOn(handle, release);
    } catch (error) {
      await handle.close();
      throw error;
    }
  },
  open: async (path) => fileOn(await open(path, 'r+')),
  async create(path) {
    await mkdir(dirname(path), { recursive: true });
    return fileOn(await open(path, 'w+', MODE));
  },
  exists: (path) =>
    access(path).then(
      () => true,
      () => false,
    ),
  list: (path) => readdir(dirname(path)),
  rename,
  remove: (path) => rm(path, { force: true }),
  syncFolder: (path) => syncFolder(dirname(path)),
};

function fileOn(handle: FileHandle, release?: () => Promise<void>): JournalFile {
  return {
    size: async () => (await handle.stat()).size,
    read: (offset, length) => readFully(handle, offset, length),
    write: (offset, bytes) => writeFully(handle, offset, bytes),
    truncate: (length) => handle.truncate(length),
    // fdatasync also writes the file's size, which is all the metadata that reading needs.
    sync: () => handle.datasync(),
    close: async () => {
      await handle.close();
      await release?.();
    },
  };
}

/**
 * A file that is there whole or not at all: `fill` writes it under another name, which it has until all of it is on
 * the disk.
 */
export async function writeAtomically<T>(
  disk: Disk,
  path: string,
  fill: (file: JournalFile) => Promise<T>,
): Promise<T> {
  const temporary = `${path}${TEMPORARY}`;
  const file = await disk.create(temporary);
  let result: T;
  try {
    result = await fill(file);
    await file.sync();
    await file.close();
  } catch (error) {
    await file.close().catch(() => undefined);
    await disk.remove(temporary).catch(() => undefined);
    throw error;
  }
  await disk.rename(temporary, path);
  await disk.syncFolder(path);
  return result;
}

/** End of the name of a file that is not finished. */
export const TEMPORARY = '.new';

/** A new name in a folder survives a crash only once the folder itself is written. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function readFully(handle: FileHandle, offset: number, length: number): Promise<Bytes> {
  // Not filled with zeros first: much is read when a ledger is opened.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

async function writeFully(handle: FileHandle, offset: number, bytes: Bytes): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

/**
 * A lock that the kernel drops when its holder dies, so that nothing stale is left behind: Node has no flock, but
 * only one process can listen on an address. Linux has addresses without a file (abstract sockets, one set per
 * network namespace); elsewhere the socket is a temporary file, and one that nobody answers on is removed. The address
 * names device and inode, so that a second path to the file meets the same lock.
 */
async function lock(handle: FileHandle, path: string): Promise<() => Promise<void>> {
  const { dev, ino } = await handle.stat({ bigint: true });
  const name = `k3s-daas-ledger-${dev}-${ino}`;
  const address = process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.lock`);
  const server =
    (await listen(address)) ??
    ((await abandoned(address)) ? (await rm(address), await listen(address)) : null);
  if (server === null) throw new LedgerError('JOURNAL_LOCKED', `Another process writes the journal ${path}.`);
  server.unref();
  return () =>
    new Promise((resolve) => {
      server.close(() => {
        resolve();
      });
    });
}

function listen(address: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(address, () => {
      resolve(server);
    });
  });
}

function abandoned(address: string): Promise<boolean> {
  if (address.startsWith('\0')) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => {
      resolve(true);
    });
  });
}
