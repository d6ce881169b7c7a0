import type { Bytes } from '@k3s-daas/core';

import { LedgerError } from '../chain/errors.ts';
import type { Disk, JournalFile } from '../journal/file.ts';

/** Path of the journal on a disk in memory. */
export const JOURNAL = 'ledger.journal';

interface Node {
  bytes: Bytes;
  /** What a power cut leaves of it. */
  durable: Bytes;
}

/** Something that changes a disk. */
export type Operation =
  | { readonly kind: 'create' | 'remove' | 'sync'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly offset: number; readonly bytes: Bytes }
  | { readonly kind: 'truncate'; readonly path: string; readonly length: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'syncFolder' };

/**
 * What a crash leaves: `kill` everything that was written, `power` only what was synced, `names` synced contents under
 * names that were not.
 */
export type Crash = 'kill' | 'power' | 'names';

/** A disk in memory that fails when a test says so, and remembers what was done to it. */
export class MemoryDisk implements Disk {
  /** The disk takes this many bytes of a file; beyond it, writes fail with ENOSPC after filling it up. */
  capacity = Number.POSITIVE_INFINITY;
  failSync = false;
  syncs = 0;
  /** Delays each sync until released, so that a test sees what waits for it. */
  gate: Promise<unknown> | null = null;
  /** Makes an operation fail, before it does anything. */
  fault: ((operation: Operation) => Error | null) | null = null;
  readonly log: Operation[] = [];
  #names = new Map<string, Node>();
  #durableNames = new Map<string, Node>();
  #locked = false;

  constructor(files: Bytes | Readonly<Record<string, Bytes>> = {}) {
    const all = files instanceof Uint8Array ? { [JOURNAL]: files } : files;
    for (const [path, bytes] of Object.entries(all)) this.#names.set(path, { bytes, durable: bytes });
    this.#durableNames = new Map(this.#names);
  }

  /** The first file of the journal. */
  get bytes(): Bytes {
    return this.#names.get(JOURNAL)?.bytes ?? new Uint8Array();
  }

  get files(): Record<string, Bytes> {
    return Object.fromEntries([...this.#names].map(([path, { bytes }]) => [path, bytes]));
  }

  /** The files after a crash during operation number `at` of a log, which happened `done` (0 to 1) of the way. */
  static afterCrash(
    start: Readonly<Record<string, Bytes>>,
    log: readonly Operation[],
    at: number,
    crash: Crash,
    done = 0,
  ): Record<string, Bytes> {
    const disk = new MemoryDisk(start);
    for (const operation of log.slice(0, at)) disk.#do(operation);
    const last = log[at];
    if (last?.kind === 'write')
      disk.#do({ ...last, bytes: last.bytes.slice(0, Math.floor(last.bytes.length * done)) });
    if (crash === 'kill') return disk.files;
    const names = crash === 'power' ? disk.#durableNames : disk.#names;
    return Object.fromEntries([...names].map(([path, { durable }]) => [path, durable]));
  }

  async openLocked(path: string): Promise<JournalFile> {
    if (this.#locked) throw new LedgerError('JOURNAL_LOCKED', 'locked');
    if (!this.#names.has(path)) {
      await this.#apply({ kind: 'create', path });
      await this.#apply({ kind: 'syncFolder' });
    }
    this.#locked = true;
    return this.#file(path, () => (this.#locked = false));
  }

  open(path: string): Promise<JournalFile> {
    if (!this.#names.has(path)) return Promise.reject(new Error(`ENOENT: ${path}`));
    return Promise.resolve(this.#file(path));
  }

  async create(path: string): Promise<JournalFile> {
    await this.#apply({ kind: 'create', path });
    return this.#file(path);
  }

  exists(path: string): Promise<boolean> {
    return Promise.resolve(this.#names.has(path));
  }

  list(): Promise<string[]> {
    return Promise.resolve([...this.#names.keys()]);
  }

  rename(path: string, to: string): Promise<void> {
    return this.#apply({ kind: 'rename', path, to });
  }

  remove(path: string): Promise<void> {
    return this.#names.has(path) ? this.#apply({ kind: 'remove', path }) : Promise.resolve();
  }

  syncFolder(): Promise<void> {
    return this.#apply({ kind: 'syncFolder' });
  }

  /** A file goes by the name it has now; a handle outlives a rename. */
  #file(path: string, onClose?: () => void): JournalFile {
    const node = this.#node(path);
    const name = (): string => [...this.#names].find(([, one]) => one === node)?.[0] ?? path;
    return {
      size: () => Promise.resolve(node.bytes.length),
      read: (offset, length) => Promise.resolve(node.bytes.slice(offset, offset + length)),
      write: async (offset, bytes) => {
        const written = bytes.subarray(0, Math.max(0, this.capacity - offset));
        await this.#apply({ kind: 'write', path: name(), offset, bytes: written });
        if (written.length < bytes.length) throw new Error('ENOSPC: no space left on device, write');
      },
      truncate: (length) => this.#apply({ kind: 'truncate', path: name(), length }),
      sync: async () => {
        await this.gate;
        this.syncs += 1;
        if (this.failSync) throw new Error('EIO: i/o error, fdatasync');
        await this.#apply({ kind: 'sync', path: name() });
      },
      close: () => {
        onClose?.();
        return Promise.resolve();
      },
    };
  }

  async #apply(operation: Operation): Promise<void> {
    await Promise.resolve();
    const fault = this.fault?.(operation) ?? null;
    if (fault !== null) throw fault;
    this.#do(operation);
    this.log.push(operation);
  }

  #do(operation: Operation): void {
    switch (operation.kind) {
      case 'create':
        this.#names.set(operation.path, { bytes: new Uint8Array(), durable: new Uint8Array() });
        return;
      case 'write': {
        const node = this.#node(operation.path);
        const { offset, bytes } = operation;
        const longer = new Uint8Array(Math.max(node.bytes.length, offset + bytes.length));
        longer.set(node.bytes);
        longer.set(bytes, offset);
        node.bytes = longer;
        return;
      }
      case 'truncate': {
        const node = this.#node(operation.path);
        node.bytes = node.bytes.slice(0, operation.length);
        return;
      }
      case 'sync': {
        const node = this.#node(operation.path);
        node.durable = node.bytes;
        return;
      }
      case 'rename':
        this.#names.set(operation.to, this.#node(operation.path));
        this.#names.delete(operation.path);
        return;
      case 'remove':
        this.#names.delete(operation.path);
        return;
      case 'syncFolder':
        this.#durableNames = new Map(this.#names);
    }
  }

  #node(path: string): Node {
    const node = this.#names.get(path);
    if (node === undefined) throw new Error(`ENOENT: ${path}`);
    return node;
  }
}
