import type { Bytes } from '@k3s-daas/core';

import type { Owner } from '../vm/native.ts';
import type { Address, DatatypeType } from '../vm/types.ts';
import type { MoveObjectRecord, ObjectRecord, PackageRecord } from './object-record.ts';
import { BlockWriter, type PackedBlock } from './packed.ts';
import { textOfType, typeOfText } from './packed-types.ts';

/** Values for an object: its id, its owner, everything else. The first two are all it takes to file the object. */
const PARTS = 3;
/** Of every block but the last. Packing one takes about a millisecond. */
const OBJECTS_PER_BLOCK = 256;

type Rest =
  | (Omit<MoveObjectRecord, 'id' | 'owner' | 'type'> & { readonly type: string })
  | Omit<PackageRecord, 'id' | 'owner'>;

/** Packs records, a block at a time. */
export function* packObjects(records: Iterable<ObjectRecord>): Generator<PackedObjectBlock> {
  const writer = new BlockWriter();
  let first = 0;
  let count = 0;
  for (const record of records) {
    const { id, owner, ...rest } = record;
    writer.add(id);
    writer.add(owner);
    writer.add(rest.kind === 'move' ? ({ ...rest, type: textOfType(rest.type) } satisfies Rest) : rest);
    count += 1;
    if (count < OBJECTS_PER_BLOCK) continue;
    yield { first, bytes: writer.finish() };
    first += count;
    count = 0;
  }
  if (count > 0) yield { first, bytes: writer.finish() };
}

export interface PackedObjectBlock {
  /** Number of the first object. */
  readonly first: number;
  readonly bytes: Bytes;
}

/** Objects in packed form, by running number. */
export class PackedObjects {
  readonly #blocks: readonly PackedBlock[];
  readonly length: number;

  /** Throws RangeError unless every block but the last is full. */
  constructor(blocks: readonly PackedBlock[]) {
    this.#blocks = blocks;
    const last = (blocks.at(-1)?.count ?? 0) / PARTS;
    this.length = Math.max(0, blocks.length - 1) * OBJECTS_PER_BLOCK + last;
    const isFull = (block: PackedBlock): boolean => block.count === OBJECTS_PER_BLOCK * PARTS;
    if (!blocks.slice(0, -1).every(isFull) || !Number.isInteger(last) || last > OBJECTS_PER_BLOCK)
      throw new RangeError('a block of objects has another number of them');
  }

  id(number: number): Address {
    return this.#part(number, 0) as Address;
  }

  owner(number: number): Owner {
    return this.#part(number, 1) as Owner;
  }

  record(number: number): ObjectRecord {
    const rest = this.#part(number, 2) as Rest;
    const base = { id: this.id(number), owner: this.owner(number) };
    if (rest.kind === 'package') return { ...rest, ...base };
    return { ...rest, ...base, type: typeOfText(rest.type) as DatatypeType };
  }

  #part(number: number, part: number): unknown {
    const block = this.#blocks[Math.floor(number / OBJECTS_PER_BLOCK)];
    if (block === undefined) throw new RangeError(`there is no object ${number}`);
    return block.get((number % OBJECTS_PER_BLOCK) * PARTS + part);
  }
}
