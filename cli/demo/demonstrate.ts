import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

import { UNSTAKED_TAINT } from '@k3s-daas/core';
import { slash } from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import type { Progress } from '../progress.ts';
import {
  createNode,
  issueNodeIdentity,
  stakeForNode,
  type NodeIdentity,
  type StakedNode,
} from '../stack/nodes.ts';
import type { Stack } from '../stack/stack.ts';
import { connectReader, type Lags } from './enclave-reader.ts';
import { listPods, readNode, type PlacedPod } from './kube.ts';
import {
  bindingAttacks,
  createVictim,
  expiredReceiptAttack,
  receiptExpiresAtMs,
  tryAttack,
  type AttackResult,
  type AttackerOptions,
} from './refusals.ts';
import { verifyReceipts, type VerifiedPlacement } from './receipts.ts';
import { openAsPod, sealForWorkload, secretAttacks, type OpenedSecret } from './secrets.ts';

const manifest = (name: string): string =>
  fileURLToPath(new URL(`../../manifests/demo/${name}.yaml`, import.meta.url));
const NAMESPACE = 'app';
const SELECTOR = 'app=web';
const PODS = 12;
const NODES = ['worker-1', 'worker-2', 'worker-3', 'worker-4'] as const;
/** MIST; the last node has none. Unequal on purpose: shares follow stakes. */
const STAKES = [3_000n, 2_000n, 1_000n] as const;
const SIZE = { cpu: '4', memory: '8Gi' };
const WAIT_MS_MAX = 60_000;
const POLL_MS = 100;

export interface DemonstrationResult {
  readonly nodes: readonly StakedNode[];
  readonly placements: readonly VerifiedPlacement[];
  readonly secret: OpenedSecret;
  readonly attacks: readonly AttackResult[];
  readonly slashed: { readonly node: string; readonly tainted: boolean; readonly podsAfter: number };
  readonly logRecords: number;
  readonly maxLag: string;
  readonly lags: Lags['lags'];
  readonly placed: number;
}

/** nodes → secret → workload → refusals → receipts → opening → slash: each claim is shown, and measured for the result. */
export async function demonstrate(stack: Stack, progress: Progress): Promise<DemonstrationResult> {
  const { staked, unstaked } = await progress.step(
    'nodes: stake for three of four, each creates itself',
    () => joinNodes(stack),
  );
  const workload = await progress.step('secret: a policy on chain, and a password sealed to it', async () => {
    await stack.plane.kubectl(['apply', '-f', manifest('namespace')]);
    return sealForWorkload(stack);
  });
  const pods = await progress.step(`workload: a Deployment of ${PODS} pods`, () => placeWorkload(stack));
  // At once: a receipt lives for seconds, and what is shown of one must not be that it is over.
  const attacker = await prepareAttacker(stack, pods);
  const { placed } = attacker;
  const refused = await progress.step('refusals: bindings, pods and Secrets that must not pass', async () => {
    const results = [unstaked];
    const attacks = [...bindingAttacks(attacker), ...secretAttacks(stack, placed, workload)];
    for (const attack of attacks) results.push(await tryAttack(attack));
    return results;
  });
  const reader = await connectReader(stack);
  const placements = await progress.step('receipts: verified here and by Move', () =>
    verifyReceipts(stack, pods),
  );
  const secret = await progress.step(
    'secret: opened for one pod, on its node, as its first container does',
    () => openAsPod(stack, placed, workload),
  );
  const slashed = await progress.step('slash: one stake loses all, its node loses its pods', () =>
    slashOne(stack, staked),
  );
  const expired = await progress.step('refusals: an expired receipt', () => tryExpired(attacker));
  const { logRecords, maxLag, lags } = await reader.lags();
  return {
    nodes: staked,
    placements,
    secret,
    attacks: [...refused, expired],
    slashed,
    logRecords,
    maxLag,
    lags,
    placed: pods.filter(({ node, receipt }) => node !== '' && receipt !== '').length,
  };
}

/** What a start that goes on with an earlier cluster shows: its pods run, and their receipts still verify. */
export async function revisit(stack: Stack, progress: Progress): Promise<VerifiedPlacement[]> {
  return progress.step('receipts of the pods that are there: verified here and by Move', async () => {
    const pods = await listPods(stack.plane, NAMESPACE, SELECTOR);
    return verifyReceipts(
      stack,
      pods.filter(({ receipt }) => receipt !== ''),
    );
  });
}

async function joinNodes(stack: Stack): Promise<{ staked: StakedNode[]; unstaked: AttackResult }> {
  const { plane, world } = stack;
  const identities = await Promise.all(NODES.map((name) => issueNodeIdentity(plane, { name, ...SIZE })));
  const withStake = identities.slice(0, STAKES.length);
  const staked = await Promise.all(
    withStake.map((node, index) => stakeForNode(world, node, STAKES[index] ?? 0n)),
  );
  await Promise.all(withStake.map((node) => createWhenSeen(stack, node)));
  const last = identities[STAKES.length];
  if (last === undefined) throw new RangeError('a node without stake is part of the demonstration');
  const unstaked = await tryAttack({
    name: 'unstakedNode',
    code: 'NODE_NOT_CLAIMED',
    act: () => createNode(plane, last),
  });
  return { staked, unstaked };
}

/** The webhook sees a claim one poll after the chain has it; a kubelet retries just so. */
async function createWhenSeen(stack: Stack, node: NodeIdentity): Promise<void> {
  let last: unknown;
  await until(`node ${node.name} to join`, async () => {
    try {
      await createNode(stack.plane, node);
      return true;
    } catch (error) {
      last = error;
      if (error instanceof Error && /NODE_NOT_CLAIMED|STAKE_MISSING/.test(error.message)) return false;
      throw error;
    }
  }).catch((error: unknown) => {
    throw error instanceof CliError
      ? new CliError(error.code, error.message, error.remedy, { cause: last })
      : error;
  });
}

async function placeWorkload({ plane }: Stack): Promise<PlacedPod[]> {
  await plane.kubectl(['apply', '-f', manifest('deployment')]);
  let pods: PlacedPod[] = [];
  await until(`${PODS} running pods`, async () => {
    pods = await listPods(plane, NAMESPACE, SELECTOR);
    return pods.filter(({ phase, node }) => phase === 'Running' && node !== '').length === PODS;
  });
  return pods;
}

async function prepareAttacker(stack: Stack, pods: readonly PlacedPod[]): Promise<AttackerOptions> {
  const [placed] = pods.toSorted((a, b) => receiptExpiresAtMs(b) - receiptExpiresAtMs(a));
  if (placed === undefined) throw new RangeError('no pod was placed');
  return {
    plane: stack.plane,
    stolenKubeconfig: await stack.plane.kubeconfig({ commonName: 'k3s-daas:enclave' }),
    victim: await createVictim(stack.plane),
    node: placed.node,
    placed,
  };
}

async function tryExpired(attacker: AttackerOptions): Promise<AttackResult> {
  const waitMs = receiptExpiresAtMs(attacker.placed) + 100 - Date.now();
  if (waitMs > 0) await sleep(waitMs);
  return tryAttack(expiredReceiptAttack(attacker));
}

/** Slashes the smallest stake to nothing; then its node must be tainted, emptied, and stay empty. */
async function slashOne(
  stack: Stack,
  staked: readonly StakedNode[],
): Promise<DemonstrationResult['slashed']> {
  const { plane, world } = stack;
  const target = staked.at(-1);
  if (target === undefined) throw new RangeError('no node is staked');
  await slash(world.operator, world.owned, {
    position: target.position,
    amount: target.stake,
    reason: 'demonstration',
  });
  await until(`the NoExecute taint on ${target.name}`, async () => {
    const { taints } = await readNode(plane, target.name);
    return taints.some(({ key, effect }) => key === UNSTAKED_TAINT && effect === 'NoExecute');
  });
  // New pods after the slash: none of them may come to the slashed node.
  await plane.kubectl(['scale', 'deployment/web', '-n', NAMESPACE, `--replicas=${PODS + 4}`]);
  let pods: PlacedPod[] = [];
  await until(`${PODS + 4} running pods on the other nodes`, async () => {
    pods = await listPods(plane, NAMESPACE, SELECTOR);
    const elsewhere = pods.filter(({ node, phase }) => node !== target.name && phase === 'Running');
    return elsewhere.length === PODS + 4;
  });
  const { taints } = await readNode(plane, target.name);
  return {
    node: target.name,
    tainted: taints.some(({ key, effect }) => key === UNSTAKED_TAINT && effect === 'NoExecute'),
    podsAfter: pods.filter(({ node }) => node === target.name).length,
  };
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS_MAX;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new CliError(
        'CLAIM_FAILED',
        `waited ${WAIT_MS_MAX / 1000} s in vain for ${what}`,
        'see the logs in the data folder',
      );
    }
    await sleep(POLL_MS);
  }
}
