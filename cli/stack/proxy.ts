import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { describeError } from '@k3s-daas/core';
import { z } from 'zod';

import { CliError } from '../errors.ts';
import { exchange } from '../reply.ts';

const READY_MS_MAX = 120_000;
const ASK_MS_MAX = 2_000;
const POLL_MS = 25;

const readiness = z.looseObject({ enclave: z.looseObject({ session: z.string() }).nullable() });

/** Waits until the proxy forwards to the enclave of this session; what it says instead is in the error. */
export async function untilForwarding(options: {
  readonly dir: string;
  /** `https://host:port` of the proxy. */
  readonly url: string;
  readonly session: string;
}): Promise<void> {
  const { dir, url, session } = options;
  const read = (name: string): Promise<string> => readFile(join(dir, 'pki', name), 'utf8');
  const [ca, cert, key] = await Promise.all([read('ca.crt'), read('reader.crt'), read('reader.key')]);
  const deadline = Date.now() + READY_MS_MAX;
  for (;;) {
    const said = await exchange(
      request(new URL('/readyz', url), { ca, cert, key, agent: false, timeout: ASK_MS_MAX }),
    ).then(({ text }) => text, describeError);
    if (sessionIn(said) === session) return;
    if (Date.now() > deadline) {
      throw new CliError(
        'CHILD_TIMEOUT',
        `the attesting proxy does not forward to session ${session}: ${said.slice(0, 1_000)}`,
        `read its log: ${join(dir, 'parts', 'logs', 'attest-proxy.log')}`,
      );
    }
    await sleep(POLL_MS);
  }
}

function sessionIn(text: string): string | null {
  try {
    return readiness.parse(JSON.parse(text)).enclave?.session ?? null;
  } catch {
    return null;
  }
}
