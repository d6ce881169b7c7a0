import Table from 'cli-table3';

import { describeIneligibility, nodeEligibility } from '@k3s-daas/core';

import { print, type Output } from '../output.ts';
import { openReader } from '../reader.ts';
import { readSnapshot } from '../snapshot.ts';

/** Every claimed node, whether a live stake of enough stands behind it, and if not, why. */
export async function listNodes(output: Output, configFile: string | undefined): Promise<void> {
  const snapshot = await readSnapshot(await openReader(configFile));
  const nodes = [...snapshot.claims.values()].map((claim) => {
    const eligibility = nodeEligibility(snapshot, claim.node);
    return {
      node: claim.node,
      owner: claim.owner,
      stake: claim.stake,
      active: snapshot.stakes.get(claim.stake)?.active ?? 0n,
      required: claim.required,
      eligible: eligibility.eligible,
      reason: eligibility.eligible ? null : describeIneligibility(claim.node, eligibility.reason),
    };
  });
  print(output, { checkpoint: snapshot.checkpoint, nodes }, () => {
    const table = new Table({
      head: ['node', 'owner', 'staked', 'required', 'eligible'],
      style: { head: [], border: [] },
    });
    for (const { node, owner, active, required, reason } of nodes) {
      table.push([node, `${owner.slice(0, 10)}…`, String(active), String(required), reason ?? 'yes']);
    }
    return nodes.length === 0
      ? 'no node is claimed'
      : `${table.toString()}\nat checkpoint ${snapshot.checkpoint}`;
  });
}
