import { createHash } from 'node:crypto';

import { concatBytes, equalBytes, toHex, utf8, type Bytes } from '@k3s-daas/core';

import type { ChainView, NewRuns, PackedChain, PackedList } from '../chain/chain.ts';
import { checkpointCodec } from '../chain/checkpoints.ts';
import { LedgerError } from '../chain/errors.ts';
import { eventCodec, transactionCodec } from '../chain/history.ts';
import { BlockWriter, PackedBlock } from '../chain/packed.ts';
import { PackedObjects, packObjects } from '../chain/packed-objects.ts';
import { packRuns, type Codec, type RetainedView, type Run } from '../chain/retained.ts';
import type { JournalFile } from './file.ts';
import type { ReadableBytes } from './frame.ts';
import { decodeGenesis, encodeGenesis, type GenesisRecord } from './record.ts';

// On disk: MAGIC, then sections: kind (u8) ‖ length (u32 LE) ‖ number of the first item (u64 LE) ‖ content. The first is
// the header, the last the SHA-256 of everything before it; the others are blocks of packed values in any order.

const MAGIC = utf8('k3s-daas/ledger/snapshot/v1\n');
const FAMILY = utf8('k3s-daas/ledger/snapshot/');
const SECTION_HEAD_BYTES = 13;
const CHUNK_BYTES = 8 << 20;
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
      objects: view.objectCount,
      checkpoints: listHeader(view.checkpoints),
      transactions: listHeader(view.transactions),
      events: listHeader(view.events),
    } satisfies Header),
  );
  for (const { first, bytes } of packObjects(view.objects)) await out.section(Section.objects, first, bytes);
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
  const sections = await readSections(file);
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
async function readSections(file: ReadableBytes): Promise<ReadSection[]> {
  const reader = new ChunkReader(file, await file.size());
  const hash = createHash('sha256').update(await reader.take(MAGIC.length));
  const sections: ReadSection[] = [];
  for (;;) {
    const head = await reader.take(SECTION_HEAD_BYTES);
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const kind = view.getUint8(0);
    const content = await reader.take(view.getUint32(1, true));
    hash.update(head);
    if (kind === Section.end) {
      const digest = hash.digest();
      if (!equalBytes(new Uint8Array(digest), content))
        throw corruptSnapshot(`it has checksum ${digest.toString('hex')}, not ${toHex(content)}`);
      if (reader.left > 0) throw corruptSnapshot('something follows its end');
      return sections;
    }
    hash.update(content);
    sections.push({ kind, first: Number(view.getBigUint64(5, true)), content });
  }
}

/** Reads a file from its beginning, in large pieces, one ahead. */
class ChunkReader {
  readonly #file: ReadableBytes;
  readonly #size: number;
  /** Where the chunk after the one that is coming begins. */
  #offset = 0;
  #next: Promise<Bytes>;
  #chunk: Bytes = new Uint8Array();
  /** Bytes that were not taken yet. */
  left: number;

  constructor(file: ReadableBytes, size: number) {
    this.#file = file;
    this.#size = size;
    this.left = size;
    this.#next = this.#read();
  }

  /** A view of the next bytes. */
  async take(length: number): Promise<Bytes> {
    if (length > this.left) throw corruptSnapshot('it was cut off');
    this.left -= length;
    const parts: Bytes[] = [];
    for (let missing = length; missing > 0;) {
      if (this.#chunk.length === 0) await this.#load();
      const part = this.#chunk.subarray(0, missing);
      this.#chunk = this.#chunk.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    const [first] = parts;
    return first !== undefined && parts.length === 1 ? first : concatBytes(...parts);
  }

  async #load(): Promise<void> {
    this.#chunk = await this.#next;
    if (this.#chunk.length === 0) throw corruptSnapshot('it was cut off');
    this.#next = this.#read();
  }

  #read(): Promise<Bytes> {
    const length = Math.min(CHUNK_BYTES, this.#size - this.#offset);
    const chunk = this.#file.read(this.#offset, length);
    this.#offset += length;
    // Whoever takes it hears of the failure.
    chunk.catch(() => undefined);
    return chunk;
  }
}

function assemble(sections: readonly ReadSection[]): Snapshot {
  const [first, ...rest] = sections;
  if (first?.kind !== Section.header) throw new RangeError('the first section is not the header');
  const header = new PackedBlock(first.content).get(0) as Header;
  const blocks: PackedBlock[] = [];
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
    else if (kind === Section.objects) blocks.push(block);
    else throw new RangeError(`no section has kind ${kind}`);
  }
  const objects = new PackedObjects(blocks);
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
    await this.#write(sectionHead(kind, first, content.length));
    await this.#write(content);
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
