import Table from 'cli-table3';

import type { DemonstrationResult } from './demonstrate.ts';
import type { VerifiedPlacement } from './receipts.ts';

/** The last line of `npm start -- --once`: measured values only. */
export interface Summary {
  readonly pods: number;
  readonly placed: number;
  readonly receiptsVerified: number;
  readonly secretOpened: boolean;
  readonly refused: Readonly<Record<string, boolean>>;
  readonly slashedNodeTainted: boolean;
  readonly logRecords: number;
  readonly maxLag: number;
}

export function summarise(result: DemonstrationResult): Summary {
  return {
    pods: result.placements.length,
    placed: result.placed,
    receiptsVerified: result.placements.filter(({ verified }) => verified).length,
    secretOpened: result.secret.opened,
    refused: Object.fromEntries(result.attacks.map(({ name, refused }) => [name, refused])),
    slashedNodeTainted: result.slashed.tainted,
    logRecords: result.logRecords,
    maxLag: Number(result.maxLag),
  };
}

const PODS = 12;
const ATTACKS = [
  'unstakedNode',
  'bindingWithoutReceipt',
  'foreignReceipt',
  'expiredReceipt',
  'unregisteredKey',
  'legacyBinding',
  'presetNodeName',
  'plainSecret',
  'copiedSecret',
  'workloadWithoutSecret',
  'brokerTokenForAdmin',
  'imageChanged',
];

/** Each claim that does not hold, in words; empty when all do. */
export function brokenClaims(result: DemonstrationResult): string[] {
  const summary = summarise(result);
  const broken: string[] = [];
  const claim = (holds: boolean, text: string): void => {
    if (!holds) broken.push(text);
  };
  claim(summary.pods === PODS, `${summary.pods} pods instead of ${PODS}`);
  claim(summary.placed === PODS, `${summary.placed} of ${PODS} pods were placed with a receipt`);
  claim(summary.receiptsVerified === PODS, `${summary.receiptsVerified} of ${PODS} receipts verify`);
  claim(summary.secretOpened, `pod ${result.secret.pod} did not find what was sealed for it`);
  for (const name of ATTACKS) {
    const attack = result.attacks.find((candidate) => candidate.name === name);
    claim(attack?.refused === true, `${name} was not refused as expected: ${attack?.message ?? 'not tried'}`);
  }
  claim(summary.slashedNodeTainted, `node ${result.slashed.node} has no taint`);
  claim(result.slashed.podsAfter === 0, `${result.slashed.podsAfter} pods are on the slashed node`);
  // At least: session, reservation, node table, and a decision with its outcome for every pod.
  claim(summary.logRecords >= 2 * PODS, `the log has only ${summary.logRecords} records`);
  const sum = result.lags.reduce((total, { lag }) => total + BigInt(lag), 0n);
  claim(sum === 0n, `the lags sum to ${sum}, not zero`);
  return broken;
}

export function renderPlacements(placements: readonly VerifiedPlacement[]): string {
  const table = new Table({ head: ['seq', 'pod', 'node', 'stake (MIST)', 'receipt'], style: plain });
  for (const { sequence, pod, node, stake, receiptBytes, verified } of placements) {
    const receipt = `${receiptBytes} B, ${verified ? 'verified here and on chain' : 'DOES NOT VERIFY'}`;
    table.push([String(sequence), pod, node, String(stake), receipt]);
  }
  return `Placements\n${table.toString()}`;
}

/** Placements, fairness and refusals, as tables for people. */
export function renderReport(result: DemonstrationResult): string {
  const fairness = new Table({
    head: ['node', 'owner', 'stake', 'pods', 'entitled', 'delivered', 'lag'],
    style: plain,
  });
  for (const { name, owner, stake } of result.nodes) {
    const entry = result.lags.find(({ operator }) => operator === owner);
    const pods = result.placements.filter(({ node }) => node === name).length;
    const [entitled, delivered, lag] =
      entry === undefined ? ['0', '0', '0'] : [entry.entitled, entry.delivered, entry.lag];
    fairness.push([name, `${owner.slice(0, 10)}…`, String(stake), pods, entitled, delivered, lag]);
  }
  const refusals = new Table({
    head: ['attack', 'refused', 'answer'],
    style: plain,
    colWidths: [24, 9, 84],
    wordWrap: true,
  });
  for (const { name, refused, message } of result.attacks)
    refusals.push([name, refused ? 'yes' : 'NO', message]);
  const { node, tainted, podsAfter } = result.slashed;
  const { secret } = result;
  const found = secret.opened ? `what was sealed (SHA-256 ${secret.shown}…)` : 'NOT what was sealed';
  return [
    renderPlacements(result.placements),
    `Secret: pod ${secret.pod} on ${secret.node} finds ${found} in its file and its variable`,
    `Fairness at the end, in 10⁻⁹ of the cluster's capacity (max |lag| ${result.maxLag})`,
    fairness.toString(),
    'Refusals',
    refusals.toString(),
    `Slashed: ${node} has ${tainted ? 'the NoExecute taint' : 'NO taint'} and ${podsAfter} pods`,
  ].join('\n');
}

const plain = { head: [], border: [] };
