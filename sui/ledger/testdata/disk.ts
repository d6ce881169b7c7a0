import type { Bytes } from '@k3s-daas/core';

import { LedgerError } from '../chain/errors.ts';
import type { JournalFile } from '../journal/file.ts';

/** A disk in memory with one journal, that fails when a test says so. */
export class MemoryDisk {
  bytes: Bytes;
  /** The disk takes this many bytes in all; beyond it, writes fail with ENOSPC after filling it up. */
  capacity = Number.POSITIVE_INFINITY;
  failSync = false;
  syncs = 0;
  /** Delays each sync until released, so that a test sees what waits for it. */
  gate: Promise<unknown> | null = null;
  #locked = false;

  constructor(bytes: Bytes = new Uint8Array()) {
    this.bytes = bytes;
  }

  readonly open = (): Promise<JournalFile> => {
    if (this.#locked) return Promise.reject(new LedgerError('JOURNAL_LOCKED', 'locked'));
    this.#locked = true;
    return Promise.resolve({
      size: () => Promise.resolve(this.bytes.length),
      read: (offset, length) => Promise.resolve(this.bytes.slice(offset, offset + length)),
      write: async (offset, bytes) => {
        await Promise.resolve();
        const written = bytes.subarray(0, Math.max(0, this.capacity - offset));
        const longer = new Uint8Array(Math.max(this.bytes.length, offset + written.length));
        longer.set(this.bytes);
        longer.set(written, offset);
        this.bytes = longer;
        if (written.length < bytes.length) throw new Error('ENOSPC: no space left on device, write');
      },
      truncate: (length) => {
        this.bytes = this.bytes.slice(0, length);
        return Promise.resolve();
      },
      sync: async () => {
        await this.gate;
        this.syncs += 1;
        if (this.failSync) throw new Error('EIO: i/o error, fdatasync');
      },
      close: () => {
        this.#locked = false;
        return Promise.resolve();
      },
    });
  };
}
