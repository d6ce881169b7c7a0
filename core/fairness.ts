import { hash } from 'node:crypto';

import { bcs } from '@mysten/bcs';

import { concatBytes, sha256, utf8, type Bytes } from './bytes.ts';
import { suiId, u64, type SuiId } from './codec.ts';
import type { Requests } from './pod.ts';
import type { Policy } from './policy.ts';
import { ceilDiv } from './quantity.ts';

// Stake-weighted fair carpool over DRF cost; definition, rounding and a worked example: docs/fairness.md.

/** Costs and lags count in this fraction of the cluster's capacity: 10⁻⁹. */
export const SHARE_UNITS = 1_000_000_000n;

/** Highest score; kube-scheduler's MaxExtenderPriority. */
export const SCORE_MAX = 10;

/** The weight of an operator in one decision: the stake behind its nodes that were eligible and offered, MIST. */
export interface OperatorStake {
  readonly operator: SuiId;
  readonly stake: bigint;
}

/** Dominant share of a pod (Ghodsi 2011) in 10⁻⁹ of the capacity that the policy states, rounded up. */
export function podCost(requests: Requests, policy: Pick<Policy, 'capacity' | 'dominantShareMin'>): bigint {
  const cpu = ceilDiv(SHARE_UNITS * requests.cpuMilli, policy.capacity.cpuMilli);
  const memory = ceilDiv(SHARE_UNITS * requests.memoryBytes, policy.capacity.memoryBytes);
  const share = cpu > memory ? cpu : memory;
  return share > policy.dominantShareMin ? share : policy.dominantShareMin;
}

/**
 * Splits a cost among operators by stake: floor(cost · stake / Σ stake) each, and the units left over, fewer than
 * there are operators, one each to the operators with the lowest ids.
 * @returns shares in the order of ascending ids; they add up to the cost
 */
export function splitByStake(cost: bigint, stakes: readonly OperatorStake[]): readonly Share[] {
  const ordered = [...stakes].sort(byOperator);
  let total = 0n;
  let last: SuiId | undefined;
  for (const { operator, stake } of ordered) {
    if (stake <= 0n) throw new RangeError(`operator ${operator} has no stake`);
    if (operator === last) throw new RangeError(`operator ${operator} is listed twice`);
    last = operator;
    total += stake;
  }
  if (last === undefined) throw new RangeError('a cost needs at least one operator');
  const shares = ordered.map(({ operator, stake }) => ({ operator, units: (cost * stake) / total }));
  let left = cost - shares.reduce((sum, { units }) => sum + units, 0n);
  for (const share of shares) {
    if (left === 0n) break;
    share.units += 1n;
    left -= 1n;
  }
  return shares;
}

export interface Share {
  readonly operator: SuiId;
  readonly units: bigint;
}

/** What one operator was owed and gave, in 10⁻⁹ of the capacity, and in how many decisions it could have won. */
export interface OperatorAccount {
  readonly operator: SuiId;
  readonly entitled: bigint;
  readonly delivered: bigint;
  readonly offers: bigint;
}

/** What one decision changed in the ledger; taking it back is exact. */
export interface Charge {
  readonly winner: SuiId;
  /** Delivered by the winner; the pod's cost, or less where the cap on lags bites. */
  readonly charged: bigint;
  readonly entitled: readonly Share[];
}

interface Account {
  entitled: bigint;
  delivered: bigint;
  offers: bigint;
}

/**
 * Who is owed how much. Lag = entitled − delivered; the lags of all operators add up to zero after every step.
 * An operator starts at zero, and its account stays when it leaves, so that neither debt nor credit is shed.
 */
export class FairnessLedger {
  /** Bound on a lag, either way, when a decision is charged; another policy may bring another. */
  lagMax: bigint;
  readonly #accounts = new Map<SuiId, Account>();

  constructor(lagMax: bigint) {
    if (lagMax <= 0n) throw new RangeError('lagMax must be positive');
    this.lagMax = lagMax;
  }

  lag(operator: SuiId): bigint {
    const account = this.#accounts.get(operator);
    return account === undefined ? 0n : account.entitled - account.delivered;
  }

  /**
   * Charges a decision. The cap: the winner delivers no more than brings it to −lagMax, and what would lift another
   * operator above +lagMax is credited to the winner instead; both keep the sum at zero.
   * @param stakes every operator with an eligible node among those offered; the winner is one of them
   */
  charge(cost: bigint, winner: SuiId, stakes: readonly OperatorStake[]): Charge {
    const charged = atMost(cost, this.lagMax + this.lag(winner));
    const shares = splitByStake(charged, stakes);
    if (!shares.some(({ operator }) => operator === winner))
      throw new RangeError('the winner was not offered');
    let kept = 0n;
    const others = new Map<SuiId, bigint>();
    for (const { operator, units } of shares) {
      if (operator === winner) continue;
      const given = atMost(units, this.lagMax - this.lag(operator));
      others.set(operator, given);
      kept += given;
    }
    const entitled = shares.map(({ operator }) => ({
      operator,
      units: others.get(operator) ?? charged - kept,
    }));
    const charge: Charge = { winner, charged, entitled };
    this.#add(charge, 1n);
    return charge;
  }

  /** Takes back a charge, whatever was charged since. A lag may then stand beyond the cap; nothing drives it further. */
  reverse(charge: Charge): void {
    this.#add(charge, -1n);
  }

  /** Charges again what was reversed, unit for unit. */
  restore(charge: Charge): void {
    this.#add(charge, 1n);
  }

  /** All accounts that are not blank, by ascending id. */
  accounts(): readonly OperatorAccount[] {
    return [...this.#accounts]
      .filter(([, { entitled, delivered, offers }]) => entitled !== 0n || delivered !== 0n || offers !== 0n)
      .map(([operator, account]) => ({ operator, ...account }))
      .sort(byOperator);
  }

  /** Largest |lag|. */
  lagAbsoluteMax(): bigint {
    let largest = 0n;
    for (const { entitled, delivered } of this.#accounts.values()) {
      const lag = entitled - delivered;
      const size = lag < 0n ? -lag : lag;
      if (size > largest) largest = size;
    }
    return largest;
  }

  /** SHA-256("k3s-daas/lags/v1" ‖ BCS of the accounts): two ledgers are equal exactly if their digests are. */
  digest(): Bytes {
    const content = accountsBcs.serialize([...this.accounts()], { maxSize: 1 << 28 }).toBytes();
    return sha256(utf8('k3s-daas/lags/v1'), content);
  }

  #add(charge: Charge, sign: bigint): void {
    for (const { operator, units } of charge.entitled) {
      const account = this.#open(operator);
      account.entitled += sign * units;
      account.offers += sign;
    }
    this.#open(charge.winner).delivered += sign * charge.charged;
  }

  #open(operator: SuiId): Account {
    let account = this.#accounts.get(operator);
    if (account === undefined) {
      account = { entitled: 0n, delivered: 0n, offers: 0n };
      this.#accounts.set(operator, account);
    }
    return account;
  }
}

export interface RankedNode {
  readonly node: string;
  readonly lag: bigint;
}

/**
 * The fairest `count` nodes, fairest first: by descending lag of their operator, ties by ascending
 * SHA-256(previous ‖ pod UID ‖ node). The order of the input does not matter.
 * @param previous hash of the log record at the head when the pod was filtered: nobody knows it long in advance
 */
export function fairestNodes<T extends RankedNode>(
  nodes: readonly T[],
  count: number,
  previous: Bytes,
  podUid: string,
): readonly T[] {
  const groups = new Map<bigint, T[]>();
  for (const node of nodes) {
    const group = groups.get(node.lag);
    if (group === undefined) groups.set(node.lag, [node]);
    else group.push(node);
  }
  const chosen: T[] = [];
  for (const lag of [...groups.keys()].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))) {
    if (chosen.length >= count) break;
    // Only the nodes that compete for a place are hashed: in a large cluster most are far from it.
    chosen.push(...byTieBreak(groups.get(lag) ?? [], previous, podUid));
  }
  return chosen.slice(0, count);
}

/** Scores 0–10 of lags: floor(10 · (lag − least) / (largest − least)), and 10 for all when all are equal. */
export function lagScores(lags: readonly bigint[]): readonly number[] {
  const [first = 0n] = lags;
  let least = first;
  let largest = first;
  for (const lag of lags) {
    if (lag < least) least = lag;
    if (lag > largest) largest = lag;
  }
  if (least === largest) return lags.map(() => SCORE_MAX);
  return lags.map((lag) => Number((BigInt(SCORE_MAX) * (lag - least)) / (largest - least)));
}

/** BCS of a signed integer: two's complement in 16 bytes. */
export const i128 = bcs.u128().transform({
  name: 'i128',
  input: (value: bigint) => BigInt.asUintN(128, value),
  output: (text) => BigInt.asIntN(128, BigInt(text)),
});

const accountsBcs = bcs.vector(
  bcs.struct('OperatorAccount', { operator: suiId, entitled: i128, delivered: i128, offers: u64 }),
);

function byTieBreak<T extends RankedNode>(
  nodes: readonly T[],
  previous: Bytes,
  podUid: string,
): readonly T[] {
  if (nodes.length === 1) return nodes;
  const prefix = concatBytes(previous, utf8(podUid));
  return nodes
    .map((node) => ({ node, key: hash('sha256', Buffer.concat([prefix, Buffer.from(node.node)]), 'buffer') }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ node }) => node);
}

function byOperator(a: { readonly operator: SuiId }, b: { readonly operator: SuiId }): number {
  return a.operator < b.operator ? -1 : a.operator > b.operator ? 1 : 0;
}

/** The amount, but not above the room, and never negative. */
function atMost(amount: bigint, room: bigint): bigint {
  if (room <= 0n) return 0n;
  return amount < room ? amount : room;
}
