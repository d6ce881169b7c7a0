import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { systemClock } from '@k3s-daas/core';
import { runEnclave } from '@k3s-daas/enclave';

import { loadConfiguration } from '../configuration.ts';
import { CliError } from '../errors.ts';
import { partLogger } from './log.ts';
import type { RunningPart } from './role.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** The process inside the enclave: extender, decision log, keys. Serves its attestation as soon as it has it. */
export async function startEnclave(
  configFile: string | undefined,
  signal: AbortSignal,
): Promise<RunningPart> {
  const { configuration, path } = await loadConfiguration(configFile);
  const { enclave } = configuration;
  if (enclave === undefined) {
    throw new CliError(
      'USAGE',
      'the configuration has no section "enclave"',
      'add it; docs/configuration.md shows one',
    );
  }
  await mkdir(path(enclave.dataDir), { recursive: true, mode: 0o700 });
  const running = await runEnclave({
    configuration,
    enclave,
    path,
    repository: REPOSITORY,
    clock: systemClock,
    log: partLogger('enclave'),
    signal,
  });
  return { ready: { bootstrapPort: running.bootstrapPort }, close: () => running.close() };
}
