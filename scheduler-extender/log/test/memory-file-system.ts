import type { Bytes } from '@k3s-daas/core';

import { ExtenderError } from '../../errors.ts';
import type { LogFile, LogFileSystem } from '../file.ts';

/** A disk in memory with one file, that fails or crashes when a test says so. */
export class MemoryDisk implements LogFileSystem {
  bytes: Bytes;
  /** The disk takes this many bytes in all; beyond it, writes fail with ENOSPC after filling it up. */
  capacity = Number.POSITIVE_INFINITY;
  failSync = false;
  failTruncate = false;
  syncs = 0;
  /** This much survives a power cut for sure; what was written beyond it may or may not. */
  synced = 0;
  /** Delays each sync until released, so that a test sees what waits for it. */
  gate: Promise<void> | null = null;
  #locked = false;

  constructor(bytes: Bytes = new Uint8Array()) {
    this.bytes = bytes;
    this.synced = bytes.length;
  }

  lock(): Promise<() => Promise<void>> {
    if (this.#locked) return Promise.reject(new ExtenderError('LOG_LOCKED', 'locked', 'wait'));
    this.#locked = true;
    return Promise.resolve(() => {
      this.#locked = false;
      return Promise.resolve();
    });
  }

  open(): Promise<LogFile> {
    return Promise.resolve({
      size: () => Promise.resolve(this.bytes.length),
      read: (offset, length) => Promise.resolve(this.bytes.slice(offset, offset + length)),
      write: async (offset, bytes) => {
        await Promise.resolve();
        const room = Math.max(0, this.capacity - offset);
        const written = bytes.subarray(0, room);
        const longer = new Uint8Array(Math.max(this.bytes.length, offset + written.length));
        longer.set(this.bytes);
        longer.set(written, offset);
        this.bytes = longer;
        if (written.length < bytes.length)
          throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
      },
      truncate: async (length) => {
        await Promise.resolve();
        if (this.failTruncate) throw new Error('EIO: truncate');
        this.bytes = this.bytes.slice(0, length);
        this.synced = Math.min(this.synced, length);
      },
      sync: async () => {
        await this.gate;
        this.syncs += 1;
        if (this.failSync) throw new Error('EIO: fsync');
        this.synced = this.bytes.length;
      },
      close: () => Promise.resolve(),
    });
  }
}
