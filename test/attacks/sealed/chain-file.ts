/** What the chain says, in a file: a webhook in a process of its own reads it in the same moment. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';

import { systemClock, type ChainSnapshot, type ChainView } from '@k3s-daas/core';

import { MemoryChain, type WorldState } from '../../../admission-webhook/test/world.ts';

interface Said {
  readonly state: WorldState;
  /** How old what is known of it always is. */
  readonly ageMs: number;
}

const fileIn = (dir: string): string => join(dir, 'chain.bin');

export function writeChain(dir: string, said: Said): void {
  writeFileSync(`${fileIn(dir)}.new`, serialize(said));
  renameSync(`${fileIn(dir)}.new`, fileIn(dir));
}

export class FileChain implements ChainView {
  readonly #file: string;
  readonly #chain = new MemoryChain();
  #read = Buffer.alloc(0);

  constructor(dir: string) {
    this.#file = fileIn(dir);
  }

  current(): ChainSnapshot | null {
    const bytes = readFileSync(this.#file);
    if (!bytes.equals(this.#read)) {
      const { state, ageMs } = deserialize(bytes) as Said;
      this.#chain.goOn(state, systemClock, ageMs);
      this.#read = bytes;
    }
    return this.#chain.current();
  }

  onChange(listener: (snapshot: ChainSnapshot) => void): () => void {
    return this.#chain.onChange(listener);
  }
}
