import { basename } from 'node:path';

import { concatBytes } from '@k3s-daas/core';

import { LedgerError } from '../chain/errors.ts';
import { TEMPORARY, writeAtomically, type Disk, type JournalFile } from './file.ts';
import { corrupt, encodeFrame, scanFrames, SEGMENT_MAGIC, type Frame } from './frame.ts';
import { decodeBase, encodeBase, encodeContinued, type Base } from './record.ts';

// Beside the journal `J` lie `J-<n>.segment`, the changes after checkpoint n, and `J-<n>.snapshot`, the chain at
// checkpoint n. J itself has the genesis and whatever came before the first segment.

const NUMBER_DIGITS = 12;
const NAME = /^-(\d{12,20})\.(segment|snapshot)$/;

export type CompanionKind = 'segment' | 'snapshot';

export interface Companion {
  readonly kind: CompanionKind;
  readonly sequence: bigint;
  readonly path: string;
}

/** A file that takes changes. */
export interface OpenSegment {
  readonly file: JournalFile;
  /** Length of what is whole in it. */
  readonly bytes: number;
  readonly base: Base | null;
}

export function companionPath(journal: string, kind: CompanionKind, sequence: bigint): string {
  return `${journal}-${sequence.toString().padStart(NUMBER_DIGITS, '0')}.${kind}`;
}

/** The files that belong to a journal, by number, and those that were never finished. */
export async function listCompanions(
  disk: Disk,
  journal: string,
): Promise<{ readonly companions: Companion[]; readonly unfinished: string[] }> {
  const companions: Companion[] = [];
  const unfinished: string[] = [];
  const prefix = basename(journal);
  for (const name of await disk.list(journal)) {
    if (!name.startsWith(prefix)) continue;
    const path = journal.slice(0, -prefix.length) + name;
    const rest = name.slice(prefix.length);
    if (rest.endsWith(TEMPORARY) && NAME.test(rest.slice(0, -TEMPORARY.length))) unfinished.push(path);
    const [, digits, kind] = NAME.exec(rest) ?? [];
    if (digits === undefined || (kind !== 'segment' && kind !== 'snapshot')) continue;
    companions.push({ kind, sequence: BigInt(digits), path });
  }
  companions.sort((a, b) => Number(a.sequence - b.sequence));
  return { companions, unfinished };
}

/** Makes the segment for what comes after `base`, durably. */
export async function createSegment(disk: Disk, journal: string, base: Base): Promise<OpenSegment> {
  const path = companionPath(journal, 'segment', base.sequence);
  const head = concatBytes(SEGMENT_MAGIC, encodeFrame(encodeBase(base)));
  try {
    await writeAtomically(disk, path, (file) => file.write(0, head));
    return { file: await disk.open(path), bytes: head.length, base };
  } catch (error) {
    // Left behind, it would hold nothing, and is passed over when the journal is opened.
    await disk.remove(path).catch(() => undefined);
    throw error;
  }
}

/**
 * Goes on in a new segment. The last record of the old file says so, which shows if the segment is missing one day;
 * without it the file is as good, since the segment names what it stands after.
 */
export async function continueSegment(
  disk: Disk,
  journal: string,
  old: Omit<OpenSegment, 'base'>,
  base: Base,
): Promise<OpenSegment> {
  const next = await createSegment(disk, journal, base);
  try {
    await old.file.write(old.bytes, encodeFrame(encodeContinued(base)));
    await old.file.sync();
  } catch {
    // See above; a disk that fails will say so again when the next change is written.
  }
  return next;
}

/** The segment's base, and its frames after that. @throws LedgerError JOURNAL_CORRUPT */
export async function openSegment(
  disk: Disk,
  { path, sequence }: Companion,
): Promise<{
  readonly file: JournalFile;
  readonly base: Base;
  readonly frames: AsyncGenerator<Frame, number>;
}> {
  const file = await disk.open(path);
  try {
    const frames = scanFrames(file, SEGMENT_MAGIC);
    const first = await frames.next();
    if (first.done === true) throw corrupt(0, 'it does not say where it begins');
    let base: Base;
    try {
      base = decodeBase(first.value.record);
    } catch (cause) {
      throw corrupt(first.value.offset, 'the base record cannot be read', cause);
    }
    if (base.sequence !== sequence)
      throw corrupt(first.value.offset, `it stands after checkpoint ${base.sequence}`);
    return { file, base, frames };
  } catch (error) {
    await file.close();
    throw inFile(path, error);
  }
}

/** The same error with the name of the file, since offsets are of one file. */
export function inFile(path: string, error: unknown): unknown {
  if (!(error instanceof LedgerError)) return error;
  return new LedgerError(error.code, `${basename(path)}: ${error.message}`, { cause: error });
}
