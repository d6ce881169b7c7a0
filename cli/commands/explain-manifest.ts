import Table from 'cli-table3';
import { parse } from 'yaml';
import { z } from 'zod';

import { SCHEDULER_NAME } from '@k3s-daas/core';

import { readText } from '../files.ts';
import { CliError } from '../errors.ts';
import { print, type Output } from '../output.ts';
import { openEnclave, openReader } from '../reader.ts';

const manifest = z.looseObject({
  kind: z.literal('Pod'),
  spec: z.looseObject({ containers: z.array(z.unknown()).min(1) }),
});

const reply = z.object({
  names: z.array(z.string()),
  scores: z.array(z.object({ node: z.string(), score: z.number() })),
  rejected: z.array(z.object({ node: z.string(), code: z.string(), message: z.string() })),
});

/** Where a Pod manifest would be placed now, by the live enclave's dry run: nothing is decided, logged or changed. */
export async function explainManifest(
  output: Output,
  configFile: string | undefined,
  file: string,
): Promise<void> {
  const pod = readManifest(await readText(file), file);
  const enclave = await openEnclave(await openReader(configFile));
  const answer = reply.parse(await enclave.request('POST', '/api/v1/dry-run', { pod }));
  print(output, answer, () => render(answer));
}

function readManifest(text: string, file: string): object {
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new CliError('USAGE', `${file} is not YAML`, 'mend its syntax', { cause });
  }
  const pod = manifest.safeParse(value);
  if (!pod.success) {
    throw new CliError(
      'USAGE',
      `${file} is not a Pod: ${z.prettifyError(pod.error)}`,
      'give the manifest of one Pod',
    );
  }
  // What admission demands or fills in before any scheduler sees a pod.
  return {
    ...pod.data,
    spec: { schedulerName: SCHEDULER_NAME, serviceAccountName: 'default', ...pod.data.spec },
  };
}

function render({ scores, rejected }: z.infer<typeof reply>): string {
  const table = new Table({ head: ['node', 'score'], style: { head: [], border: [] } });
  for (const { node, score } of scores) table.push([node, score]);
  const reasons = rejected.map(({ node, message }) => `  ${node}: ${message}`);
  return [
    'The fairest nodes, largest lag first (kube-scheduler adds its own scores and checks resources):',
    table.toString(),
    reasons.length === 0 ? 'Nobody would be left out.' : `Left out:\n${reasons.join('\n')}`,
  ].join('\n');
}
