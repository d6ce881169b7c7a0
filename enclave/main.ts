/**
 * The process of the enclave's image, started by its init (enclave/image/guest/init):
 * `node enclave/main.ts INSTALLATION FOLDER`. `daas enclave` is the same process for development, configured by daas.yaml.
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import pino, { type Logger } from 'pino';

import { systemClock } from '@k3s-daas/core';

import { takeInstallation } from './image/guest/installation.ts';
import { runEnclave } from './run.ts';

const UNPRIVILEGED_ID = 1_000;
const CLOSE_MS_MAX = 3_500;

/** Root was needed to mount and to listen below 1024; from here on nothing is. */
function giveUpRoot(): void {
  if (process.getuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(UNPRIVILEGED_ID);
  process.setuid?.(UNPRIVILEGED_ID);
}

async function start(log: Logger, file: string, folder: string): Promise<void> {
  const stop = new AbortController();
  for (const event of ['SIGTERM', 'SIGINT'] as const) {
    process.once(event, () => {
      stop.abort();
    });
  }
  const { configuration, enclave, path } = await takeInstallation(file, folder);
  await mkdir(path(enclave.dataDir), { recursive: true, mode: 0o700 });
  const running = await runEnclave({
    configuration,
    enclave,
    path,
    repository: fileURLToPath(new URL('..', import.meta.url)),
    clock: systemClock,
    log,
    signal: stop.signal,
  });
  log.info({ bootstrapPort: running.bootstrapPort }, 'listening');
  running.ready.then(
    () => {
      log.info('ready');
    },
    () => {
      // runEnclave has said why. /readyz and /livez go on saying it; who watches them starts a new enclave.
    },
  );
  await new Promise<void>((resolve) => {
    if (stop.signal.aborted) resolve();
    stop.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  setTimeout(() => {
    log.error('not closed in time');
    process.exit(1);
  }, CLOSE_MS_MAX).unref();
  await running.close();
  log.info('closed');
}

const log = pino({ name: 'enclave', level: process.env['DAAS_LOG_LEVEL'] ?? 'info' }, pino.destination(1));
const [file, folder] = process.argv.slice(2);
if (file === undefined || folder === undefined) {
  log.fatal('usage: node enclave/main.ts INSTALLATION FOLDER');
  process.exitCode = 2;
} else {
  giveUpRoot();
  try {
    await start(log, file, folder);
  } catch (error) {
    log.fatal({ err: error }, 'the enclave cannot run');
    process.exitCode = 1;
  }
}
