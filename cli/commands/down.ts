import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { refuseIfOwned, stopRecorded } from '@k3s-daas/control-plane';

import { print, type Output } from '../output.ts';
import { runsFolder } from './up.ts';

/** Ends the recorded processes of crashed runs, by pid and start time, and removes the folders of temporary runs. */
export async function down(output: Output, dataDir: string | undefined): Promise<void> {
  const folders =
    dataDir === undefined
      ? await temporaryRuns()
      : [resolve(process.env['INIT_CWD'] ?? process.cwd(), dataDir)];
  const ended: { folder: string; processes: string[] }[] = [];
  const alive: string[] = [];
  for (const folder of folders) {
    if (await isOwned(folder)) {
      alive.push(folder);
      continue;
    }
    const processes = await Promise.all(RECORDS.map((name) => stopRecorded(join(folder, name))));
    if (dataDir === undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    ended.push({ folder, processes: processes.flat() });
  }
  print(output, { ended, alive }, () => describe(ended, alive));
}

/** Where the parts of a run record their children. */
const RECORDS = ['parts', 'control-plane'] as const;

async function isOwned(folder: string): Promise<boolean> {
  try {
    await Promise.all(RECORDS.map((name) => refuseIfOwned(join(folder, name))));
    return false;
  } catch {
    return true;
  }
}

async function temporaryRuns(): Promise<string[]> {
  try {
    return (await readdir(runsFolder())).map((name) => join(runsFolder(), name));
  } catch {
    return [];
  }
}

function describe(
  ended: readonly { folder: string; processes: string[] }[],
  alive: readonly string[],
): string {
  const lines = ended.map(({ folder, processes }) =>
    processes.length === 0 ? `removed ${folder}` : `ended ${processes.join(', ')} of ${folder}`,
  );
  for (const folder of alive)
    lines.push(`left alone: ${folder} belongs to a running \`daas up\` (Ctrl-C ends it)`);
  return lines.length === 0 ? 'nothing to clean up' : lines.join('\n');
}
