import { createHash, type Hash } from 'node:crypto';

import { concatBytes, equalBytes, toHex, utf8, type Bytes } from '@k3s-daas/core';

import type { ChainView, NewRuns, PackedChain, PackedList } from '../chain/chain.ts';
import { checkpointCodec } from '../chain/checkpoints.ts';
import { LedgerError } from '../chain/errors.ts';
import { eventCodec, textOfType, transactionCodec, typeOfText } from '../chain/history.ts';
import type { MoveObjectRecord, ObjectRecord } from '../chain/objects.ts';
import { BlockWriter, PackedBlock } from '../chain/packed.ts';
import { packRuns, type Codec, type RetainedView, type Run } from '../chain/retained.ts';
import type { DatatypeType } from '../vm/types.ts';
import type { JournalFile } from './file.ts';
import type { ReadableBytes } from './frame.ts';
import { decodeGenesis, encodeGenesis, type GenesisRecord } from './record.ts';

// On disk: MAGIC, then sections: kind (u8) ‖ length (u32 LE) ‖ number of the first item (u64 LE) ‖ content. The first is
// the header, the last the SHA-256 of everything before it; the others are blocks of packed values in any order.

const MAGIC = utf8('k3s-daas/ledger/snapshot/v1\n');
const FAMILY = utf8('k3s-daas/ledger/snapshot/');
const SECTION_HEAD_BYTES = 13;
const OBJECTS_PER_BLOCK = 256;
/** Writing much before an fsync would make the fsyncs of the journal wait for all of it. */
const SYNC_BYTES = 4 << 20;

const Section = { header: 1, objects: 2, checkpoints: 3, transactions: 4, events: 5, end: 255 } as const;

const LISTS = [
  [Section.checkpoints, 'checkpoints'],
  [Section.transactions, 'transactions'],
  [Section.events, 'events'],
] as const;

export interface Snapshot {
  /** Of the chain that the snapshot is of. */
  readonly genesis: GenesisRecord;
  readonly chain: PackedChain;
}

interface Header extends Pick<PackedChain, 'epoch' | 'epochStartMs' | 'faucetCount' | 'checkpoint'> {
  readonly genesis: Uint8Array;
  readonly objects: number;
  readonly checkpoints: ListHeader;
  readonly transactions: ListHeader;
  readonly events: ListHeader;
}

/** Numbers of the oldest item that is kept and of the one after the newest. */
interface ListHeader {
  readonly first: number;
  readonly next: number;
}

/** Writes a snapshot from the beginning of the file. Others get their turn after every 256 objects or transactions. */
export async function writeSnapshot(
  file: JournalFile,
  genesis: GenesisRecord,
  view: ChainView,
): Promise<{ readonly bytes: number; readonly runs: NewRuns }> {
  const out = new SectionWriter(file);
  const { epoch, epochStartMs, faucetCount, checkpoint } = view;
  await out.begin();
  await out.section(
    Section.header,
    0,
    single({
      genesis: encodeGenesis(genesis),
      epoch,
      epochStartMs,
      faucetCount,
      checkpoint,
      objects: view.objects.length,
      checkpoints: listHeader(view.checkpoints),
      transactions: listHeader(view.transactions),
      events: listHeader(view.events),
    } satisfies Header),
  );
  for (let start = 0; start < view.objects.length; start += OBJECTS_PER_BLOCK) {
    const block = new BlockWriter();
    for (const record of view.objects.slice(start, start + OBJECTS_PER_BLOCK)) block.add(packObject(record));
    await out.section(Section.objects, start, block.finish());
  }
  const runs: NewRuns = {
    checkpoints: await out.list(Section.checkpoints, view.checkpoints, checkpointCodec),
    transactions: await out.list(Section.transactions, view.transactions, transactionCodec),
    events: await out.list(Section.events, view.events, eventCodec),
  };
  return { bytes: await out.end(), runs };
}

/** Reads a whole snapshot and verifies its checksum. @throws LedgerError SNAPSHOT_CORRUPT, SNAPSHOT_MISMATCH (format) */
export async function readSnapshot(file: ReadableBytes): Promise<Snapshot> {
  const magic = await file.read(0, MAGIC.length);
  if (!equalBytes(magic, MAGIC)) {
    if (equalBytes(magic.subarray(0, FAMILY.length), FAMILY))
      throw new LedgerError(
        'SNAPSHOT_MISMATCH',
        'The snapshot has a format that this version does not read.',
      );
    throw corruptSnapshot('the file is not a snapshot');
  }
  const sections = await readSections(file, createHash('sha256').update(magic));
  try {
    return assemble(sections);
  } catch (cause) {
    throw corruptSnapshot('its content cannot be read', cause);
  }
}

function corruptSnapshot(why: string, cause?: unknown): LedgerError {
  return new LedgerError('SNAPSHOT_CORRUPT', `The snapshot is damaged: ${why}.`, { cause });
}

interface ReadSection {
  readonly kind: number;
  readonly first: number;
  readonly content: Bytes;
}

/** The sections up to the end, whose checksum holds. */
async function readSections(file: ReadableBytes, hash: Hash): Promise<ReadSection[]> {
  const size = await file.size();
  const sections: ReadSection[] = [];
  let offset = MAGIC.length;
  let head = await file.read(offset, SECTION_HEAD_BYTES);
  for (;;) {
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    offset += SECTION_HEAD_BYTES;
    if (offset > size) throw corruptSnapshot('it was cut off');
    const kind = view.getUint8(0);
    const end = offset + view.getUint32(1, true);
    if (end > size) throw corruptSnapshot('it was cut off');
    // With the head of the next section, to ask the disk half as often.
    const read = await file.read(offset, end - offset + (kind === Section.end ? 0 : SECTION_HEAD_BYTES));
    const content = read.subarray(0, end - offset);
    if (kind === Section.end) {
      const digest = hash.update(head).digest();
      if (!equalBytes(new Uint8Array(digest), content))
        throw corruptSnapshot(`it has checksum ${digest.toString('hex')}, not ${toHex(content)}`);
      if (end < size) throw corruptSnapshot('something follows its end');
      return sections;
    }
    hash.update(head).update(content);
    sections.push({ kind, first: Number(view.getBigUint64(5, true)), content });
    offset = end;
    head = read.subarray(content.length);
  }
}

function assemble(sections: readonly ReadSection[]): Snapshot {
  const [first, ...rest] = sections;
  if (first?.kind !== Section.header) throw new RangeError('the first section is not the header');
  const header = new PackedBlock(first.content).get(0) as Header;
  const objects: ObjectRecord[] = [];
  const runs: Record<keyof NewRuns, Run[]> = { checkpoints: [], transactions: [], events: [] };
  const parts = {
    checkpoints: checkpointCodec.parts,
    transactions: transactionCodec.parts,
    events: eventCodec.parts,
  };
  for (const { kind, first: number, content } of rest) {
    const block = new PackedBlock(content);
    const name = LISTS.find(([section]) => section === kind)?.[1];
    if (name !== undefined) runs[name].push({ first: number, count: block.count / parts[name], block });
    else if (kind === Section.objects) unpackObjects(block, objects);
    else throw new RangeError(`no section has kind ${kind}`);
  }
  if (objects.length !== header.objects) throw new RangeError(`it has ${objects.length} objects`);
  const { epoch, epochStartMs, faucetCount, checkpoint } = header;
  const list = (name: keyof NewRuns): PackedList => packedList(header[name], runs[name]);
  return {
    genesis: decodeGenesis(new Uint8Array(header.genesis)),
    chain: {
      epoch,
      epochStartMs,
      faucetCount,
      checkpoint,
      objects,
      checkpoints: list('checkpoints'),
      transactions: list('transactions'),
      events: list('events'),
    },
  };
}

function packedList({ first, next }: ListHeader, runs: readonly Run[]): PackedList {
  let expected = runs[0]?.first ?? next;
  if (expected > first) throw new RangeError(`item ${first} is missing`);
  for (const run of runs) {
    if (run.first !== expected) throw new RangeError(`item ${expected} is missing`);
    expected += run.count;
  }
  if (expected !== next) throw new RangeError(`item ${expected} is missing`);
  return { first, runs };
}

function listHeader<T>({ first, itemsFirst, items }: RetainedView<T>): ListHeader {
  return { first, next: itemsFirst + items.length };
}

type PackedObject = Omit<MoveObjectRecord, 'type'> & { readonly type: string };

function packObject(record: ObjectRecord): unknown {
  return record.kind === 'package' ? record : { ...record, type: textOfType(record.type) };
}

function unpackObjects(block: PackedBlock, into: ObjectRecord[]): void {
  for (let i = 0; i < block.count; i += 1) {
    const packed = block.get(i) as PackedObject | Extract<ObjectRecord, { kind: 'package' }>;
    // Made for this very call, so it may be changed.
    if (packed.kind === 'move') Object.assign(packed, { type: typeOfText(packed.type) as DatatypeType });
    into.push(packed as unknown as ObjectRecord);
  }
}

function single(value: unknown): Bytes {
  const block = new BlockWriter();
  block.add(value);
  return block.finish();
}

class SectionWriter {
  readonly #file: JournalFile;
  readonly #hash = createHash('sha256');
  #offset = 0;
  #unsynced = 0;

  constructor(file: JournalFile) {
    this.#file = file;
  }

  async begin(): Promise<void> {
    await this.#write(MAGIC);
  }

  async section(kind: number, first: number, content: Bytes): Promise<void> {
    await this.#write(concatBytes(sectionHead(kind, first, content.length), content));
  }

  /** Writes the runs of a view and packs what is in none yet. Returns the new ones. */
  async list<T>(kind: number, view: RetainedView<T>, codec: Codec<T>): Promise<Run[]> {
    for (const { first, block } of view.runs) await this.section(kind, first, block.bytes);
    const added: Run[] = [];
    for (const run of packRuns(view, codec)) {
      await this.section(kind, run.first, run.block.bytes);
      added.push(run);
    }
    return added;
  }

  /** Resolves with the length of the file. */
  async end(): Promise<number> {
    const digestBytes = 32;
    const head = sectionHead(Section.end, 0, digestBytes);
    this.#hash.update(head);
    await this.#file.write(this.#offset, concatBytes(head, new Uint8Array(this.#hash.digest())));
    return this.#offset + head.length + digestBytes;
  }

  async #write(bytes: Bytes): Promise<void> {
    this.#hash.update(bytes);
    await this.#file.write(this.#offset, bytes);
    this.#offset += bytes.length;
    this.#unsynced += bytes.length;
    if (this.#unsynced < SYNC_BYTES) return;
    this.#unsynced = 0;
    await this.#file.sync();
  }
}

function sectionHead(kind: number, first: number, length: number): Bytes {
  const head = new Uint8Array(SECTION_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint8(0, kind);
  view.setUint32(1, length, true);
  view.setBigUint64(5, BigInt(first), true);
  return head;
}
