import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

/** A folder that is removed when the test ends. */
export function temporaryDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'daas-control-plane-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}
