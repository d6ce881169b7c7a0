import { ensureControlPlane } from '@k3s-daas/control-plane';
import type { Test } from 'tap';

import { place } from '../private-network.ts';
import { ensureNodePrograms } from '../programs.ts';

/** The longest of these files takes two minutes on a quiet machine and five on a busy one. */
const TIMEOUT_MS = 1_800_000;

/**
 * Runs `body` in a private network: the test file is run again as a subtest, inside. Where that is impossible the file
 * is skipped, with the reason.
 *
 * @param file `import.meta.filename` of the test file; nothing but this call may be at its top level.
 */
export async function inPrivateNetwork(t: Test, file: string, body: () => Promise<void>): Promise<void> {
  t.setTimeout(TIMEOUT_MS);
  const where = await place();
  switch (where.kind) {
    case 'inside':
      await body();
      return;
    case 'impossible':
      await t.test('real nodes', { skip: where.reason }, () => undefined);
      return;
    case 'outside': {
      // Here, where progress shows at once, and no test's time runs.
      const progress = ({ message }: { message: string }): void => {
        t.comment(message);
      };
      await ensureControlPlane({ progress });
      await ensureNodePrograms({ progress });
      const [program = '', ...rest] = where.command;
      const env = { ...process.env, ...where.env };
      try {
        await t.spawn(program, [...rest, process.execPath, file], { env }, 'inside a private network');
      } finally {
        await where.cleanUp();
      }
    }
  }
}
