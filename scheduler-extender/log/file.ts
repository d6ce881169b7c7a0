import { mkdir, open, realpath, rm, type FileHandle } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join, basename } from 'node:path';

import { sha256, toHex, utf8, type Bytes } from '@k3s-daas/core';

import { ExtenderError } from '../errors.ts';
import type { ReadableBytes } from './frame.ts';

/** The open log file. Offsets and lengths in bytes; every method rejects when the disk says no. */
export interface LogFile extends ReadableBytes {
  /** Writes all of the bytes, or rejects; then any part of them may have been written. */
  write(offset: number, bytes: Bytes): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Resolves once everything written is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The few things the log needs of a file system; tests put a failing disk behind it. */
export interface LogFileSystem {
  /** Makes this process the only writer until it ends or releases. @throws ExtenderError LOG_LOCKED */
  lock(path: string): Promise<() => Promise<void>>;
  /** Opens the file for reading and writing, creating it durably if it is missing. */
  open(path: string): Promise<LogFile>;
}

export const nodeFileSystem: LogFileSystem = { lock: lockBySocket, open: openFile };

async function openFile(path: string): Promise<LogFile> {
  await mkdir(dirname(path), { recursive: true });
  // a+ would ignore write positions, r+ does not create: so create first, keeping what is there.
  await (await open(path, 'a', 0o600)).close();
  const handle = await open(path, 'r+');
  await syncFolder(dirname(path));
  return {
    size: async () => (await handle.stat()).size,
    read: (offset, length) => readFully(handle, offset, length),
    write: (offset, bytes) => writeFully(handle, offset, bytes),
    truncate: (length) => handle.truncate(length),
    // fdatasync also writes the file's size, which is all the metadata that reading needs.
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** A file that is only read; for auditors, who take no lock. */
export async function openForReading(path: string): Promise<ReadableBytes & { close(): Promise<void> }> {
  const handle = await open(path, 'r');
  return {
    size: async () => (await handle.stat()).size,
    read: (offset, length) => readFully(handle, offset, length),
    close: () => handle.close(),
  };
}

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
  const bytes = new Uint8Array(length);
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
 * only one process can listen on an address. Linux has addresses without a file (abstract sockets); elsewhere the
 * socket is a file next to the log, and one that nobody answers on is removed.
 */
async function lockBySocket(path: string): Promise<() => Promise<void>> {
  await mkdir(dirname(path), { recursive: true });
  const real = join(await realpath(dirname(path)), basename(path));
  const address =
    process.platform === 'linux'
      ? `\0k3s-daas-log-${toHex(sha256(utf8(real))).slice(0, 32)}`
      : `${real}.lock`;
  const server =
    (await listen(address)) ??
    ((await abandoned(address)) ? (await rm(address), await listen(address)) : null);
  if (server === null) {
    const remedy = 'end the other process, or give this one a log of its own';
    throw new ExtenderError('LOG_LOCKED', `another process writes the decision log ${path}`, remedy);
  }
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
