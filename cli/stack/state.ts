import { join } from 'node:path';

import { readFile } from 'node:fs/promises';

import { isSuiId } from '@k3s-daas/core';
import { z } from 'zod';

import { CliError } from '../errors.ts';
import { writeWhole } from './files.ts';

const id = z.string().refine(isSuiId);
const port = z.number().int().min(1).max(65_535);

const stateSchema = z.strictObject({
  version: z.literal(1),
  /** kubeconfigs, `daas.yaml` and webhook registration name them, so a later start takes the same. */
  ports: z.strictObject({ apiServer: port, ledger: port, webhook: port, extender: port, bootstrap: port }),
  chain: z.strictObject({
    chainId: z.string(),
    packageId: id,
    cluster: id,
    cap: id,
    operatorSecret: z.string(),
  }),
});

/** What a later start in the same folder needs to go on with the same cluster. */
export type InstallationState = z.infer<typeof stateSchema>;

const FILE = 'installation.json';

/** The state of an earlier start, or null for a folder without one. */
export async function loadState(dir: string): Promise<InstallationState | null> {
  let text: string;
  try {
    text = await readFile(join(dir, FILE), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const state = stateSchema.safeParse(JSON.parse(text));
  if (state.success) return state.data;
  throw new CliError(
    'DATA_DIR_UNUSABLE',
    `${join(dir, FILE)} is not of this version: ${z.prettifyError(state.error)}`,
    'start in a new folder',
  );
}

export async function saveState(dir: string, state: InstallationState): Promise<void> {
  await writeWhole(join(dir, FILE), JSON.stringify(state, null, 1));
}
