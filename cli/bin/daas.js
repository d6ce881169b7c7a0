#!/usr/bin/env node
// Launcher: the project runs on the Node that it pins as a dependency, whatever Node the machine has.
// Plain JavaScript without newer syntax, so that an old Node can still say what is missing.
import { spawn } from 'node:child_process';
import nodeModule, { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const major = Number(process.versions.node.split('.')[0]);

if (major >= 24) {
  // Half of the time to start is compiling the same sources again. Where the folder cannot be written, nothing is kept.
  const cacheDir = process.env.DAAS_CACHE_DIR || join(import.meta.dirname, '..', '..', '.cache');
  nodeModule.enableCompileCache(join(cacheDir, 'node'));
  const { run } = await import('../main.ts');
  await run(process.argv.slice(2));
} else {
  let pinned;
  try {
    pinned = createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    console.error(
      'NODE_TOO_OLD: daas needs Node 24 and the pinned one is not installed (run npm ci in the project folder, with install scripts of the package "node" allowed)',
    );
    process.exit(1);
  }
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
