import { basename } from 'node:path';

import { concatBytes } from '@k3s-daas/core';

import { LedgerError } from '../chain/errors.ts';
import { localDisk, writeAtomically, type Disk, type JournalFile } from './file.ts';
import { encodeFrame, MAGIC, scanFrames } from './frame.ts';
import { orUnreadable } from './open.ts';
import { encodeContinued, encodeGenesis } from './record.ts';
import { companionPath, createSegment, listCompanions, openSegment } from './segments.ts';
import { readSnapshot } from './snapshot-file.ts';

export interface RestoreOptions {
  /** A file that `snapshot({ to })` wrote, or a snapshot from beside a journal. */
  readonly snapshot: string;
  /** Path of the journal to be; there must be none. */
  readonly journal: string;
}

export interface RestoredJournal {
  readonly chainId: string;
  /** Number and digest of the checkpoint at which the chain goes on. */
  readonly sequence: bigint;
  readonly digest: string;
}

const COPY_BYTES = 8 << 20;

/**
 * Begins a journal from a snapshot, for `openLedger` to go on with. What the chain did after the snapshot is not in
 * it: two ledgers that go on from one chain tell different stories under one chain id.
 * @throws LedgerError SNAPSHOT_CORRUPT, SNAPSHOT_MISMATCH (format), JOURNAL_MISMATCH (there is a journal), JOURNAL_LOCKED,
 * JOURNAL_UNREADABLE
 */
export async function restoreLedger(options: RestoreOptions): Promise<RestoredJournal> {
  return await restoreLedgerOn(localDisk, options);
}

/** `restoreLedger` on a disk of one's own. */
export async function restoreLedgerOn(
  disk: Disk,
  { snapshot, journal }: RestoreOptions,
): Promise<RestoredJournal> {
  return await orUnreadable(async () => {
    const source = await disk.open(snapshot);
    try {
      const { genesis, chain } = await readSnapshot(source);
      const { sequence, digest } = chain.checkpoint;
      const base = { chainId: genesis.chainId, sequence, digest };
      const file = await disk.openLocked(journal);
      try {
        await checkNone(disk, file, journal, sequence);
        await writeAtomically(disk, companionPath(journal, 'snapshot', sequence), (to) => copy(source, to));
        await (await createSegment(disk, journal, base)).file.close();
        // Last: until the genesis is there, nothing is opened here.
        const frames = [encodeGenesis(genesis), encodeContinued(base)].map(encodeFrame);
        await file.truncate(0);
        await file.write(0, concatBytes(MAGIC, ...frames));
        await file.sync();
      } finally {
        await file.close();
      }
      return base;
    } finally {
      await source.close();
    }
  });
}

/** Throws if there is a journal, or more beside it than an earlier try of the same left behind. */
async function checkNone(disk: Disk, file: JournalFile, journal: string, sequence: bigint): Promise<void> {
  const taken = new LedgerError('JOURNAL_MISMATCH', `There is a journal ${basename(journal)} already.`);
  if ((await scanFrames(file).next()).done !== true) throw taken;
  const { companions } = await listCompanions(disk, journal);
  for (const companion of companions) {
    if (companion.sequence !== sequence) throw taken;
    if (companion.kind === 'snapshot') continue;
    const segment = await openSegment(disk, companion);
    const isEmpty = (await segment.frames.next()).done === true;
    await segment.file.close();
    if (!isEmpty) throw taken;
  }
}

async function copy(from: JournalFile, to: JournalFile): Promise<void> {
  const size = await from.size();
  for (let offset = 0; offset < size; offset += COPY_BYTES)
    await to.write(offset, await from.read(offset, Math.min(COPY_BYTES, size - offset)));
}
