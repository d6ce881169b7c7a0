import Table from 'cli-table3';
import { z } from 'zod';

import { print, type Output } from '../output.ts';
import { openEnclave, openReader, readPod } from '../reader.ts';

const integer = z.string().regex(/^-?\d+$/);

const explanation = z.object({
  podUid: z.string(),
  namespace: z.string(),
  pod: z.string(),
  state: z.enum(['filtered', 'decided', 'bound', 'failed']),
  node: z.string().nullable(),
  sequence: integer.nullable(),
  offered: z.number(),
  cost: integer,
  shortlist: z.array(z.object({ node: z.string(), operator: z.string(), lag: integer, score: z.number() })),
  rejected: z.array(z.object({ node: z.string(), code: z.string(), message: z.string() })),
});

/** Asks the enclave for its decision about a pod: what was offered, who was fairest, who was left out and why. */
export async function explainPod(
  output: Output,
  configFile: string | undefined,
  namespace: string,
  name: string,
): Promise<void> {
  const reader = await openReader(configFile);
  const { uid } = (await readPod(reader, namespace, name)).metadata;
  const enclave = await openEnclave(reader);
  const reply = explanation.parse(await enclave.request('GET', `/api/v1/explain/${uid}`));
  print(output, reply, () => render(reply));
}

function render(reply: z.infer<typeof explanation>): string {
  const { namespace, pod, state, node, sequence, offered, cost, shortlist, rejected } = reply;
  const where = node === null ? '' : ` on ${node} (decision ${sequence ?? '?'})`;
  const table = new Table({
    head: ['', 'node', 'operator', 'lag at decision', 'score'],
    style: { head: [], border: [] },
  });
  for (const entry of shortlist) {
    const chosen = entry.node === node ? '→' : '';
    table.push([chosen, entry.node, `${entry.operator.slice(0, 10)}…`, entry.lag, entry.score]);
  }
  const reasons = rejected.map(({ node: out, message }) => `  ${out}: ${message}`);
  return [
    `${namespace}/${pod}: ${state}${where}`,
    `${offered} nodes were offered; the pod costs ${cost} · 10⁻⁹ of the cluster's capacity`,
    `The fairest ${shortlist.length}, largest lag (owed most) first:`,
    table.toString(),
    reasons.length === 0 ? 'Nobody was left out.' : `Left out:\n${reasons.join('\n')}`,
  ].join('\n');
}
