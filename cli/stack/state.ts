import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { isSuiId } from '@k3s-daas/core';
import { z } from 'zod';

import { CliError } from '../errors.ts';
import { writeWhole } from './files.ts';

const id = z.string().refine(isSuiId);
const port = z.number().int().min(1).max(65_535);

/** kubeconfigs, `daas.yaml` and webhook registration name them, so a later start takes the same. */
const ports = z.strictObject({
  apiServer: port,
  ledger: port,
  webhook: port,
  extender: port,
  bootstrap: port,
  proxy: port,
  broker: port,
  relay: port,
  keyServers: z.tuple([port, port, port]),
});

const stateSchema = z.strictObject({
  version: z.literal(3),
  ports,
  chain: z.strictObject({
    chainId: z.string(),
    packageId: id,
    cluster: id,
    cap: id,
    operatorSecret: z.string(),
    seal: z.strictObject({
      /** Package of the key servers' objects. */
      packageId: id,
      /** In the order of their ports. */
      keyServers: z.tuple([id, id, id]),
    }),
  }),
});

/** What a later start in the same folder needs to go on with the same cluster. */
export type InstallationState = z.infer<typeof stateSchema>;

const FILE = 'installation.json';

/**
 * The state of an earlier start, or null for a folder without one. One of an earlier version is refused: its chain has
 * packages that the parts of this version do not speak to.
 */
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
