import type { RegistrarConfiguration } from '@k3s-daas/core';

import { RegistrarError } from './errors.ts';
import type { Expense, ExpenseKind, RegistrarState } from './state.ts';

export type Budget = RegistrarConfiguration['budget'];

const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** A registration takes two transactions: one for the slot, one to register and activate. */
const REGISTRATION_TRANSACTIONS = 2n;

/**
 * Expenses that still count. One from the future counts, too: a clock that is set back must not empty the books, and a
 * clock that jumps ahead is the host's own doing, whose money it is.
 */
function within(expenses: readonly Expense[], nowMs: number, windowMs: number): Expense[] {
  return expenses.filter(({ atMs }) => atMs > nowMs - windowMs);
}

function gasOf(expenses: readonly Expense[]): bigint {
  return expenses.reduce((sum, { mist }) => sum + BigInt(mist), 0n);
}

/**
 * Refuses what would exceed the budget: transactions of one kind in an hour, and gas of all in a day, where each counts
 * with its whole gas budget until its real cost is known. Ending sessions and taking bonds back leaves room for one
 * registration.
 * @throws RegistrarError BUDGET_EXHAUSTED with the time when there is room again.
 */
export function requireRoom(
  { expenses }: Pick<RegistrarState, 'expenses'>,
  budget: Budget,
  kind: ExpenseKind,
  nowMs: number,
): void {
  const { registrationsPerHourMax, gasMistPerTransactionMax, gasMistPerDayMax } = budget;
  const lastHour = within(expenses, nowMs, HOUR_MS).filter((expense) => expense.kind === kind);
  const first = oldestFirst(lastHour)[lastHour.length - registrationsPerHourMax];
  if (first !== undefined) {
    throw exhausted(
      `${lastHour.length} transactions to ${kind} within the last hour, of ${registrationsPerHourMax}`,
      first.atMs + HOUR_MS,
    );
  }
  const lastDay = within(expenses, nowMs, DAY_MS);
  const kept = kind === 'end' || kind === 'reclaim' ? REGISTRATION_TRANSACTIONS : 0n;
  const needed = gasMistPerTransactionMax * (1n + kept);
  const spent = gasOf(lastDay);
  if (spent + needed <= gasMistPerDayMax) return;
  throw exhausted(
    `${spent} MIST of gas within the last day and ${needed} more would exceed ${gasMistPerDayMax}`,
    whenFreed(lastDay, spent + needed - gasMistPerDayMax, nowMs),
  );
}

/** Refuses a bond that would leave more MIST outside than allowed. @throws RegistrarError */
export function requireBond(
  { bonds, expenses, registrations }: Pick<RegistrarState, 'bonds' | 'expenses' | 'registrations'>,
  budget: Budget,
  bond: bigint,
): void {
  // A registration that brought no session may have put a bond down, also if the node says that it failed: one that lies
  // would otherwise have bond after bond put down.
  const known = new Set(registrations.map(({ digest }) => digest));
  const unknown = expenses.filter(({ kind, digest }) => kind === 'register' && !known.has(digest)).length;
  const out = bondsOut({ bonds }) + BigInt(unknown) * bond;
  if (bond > budget.bondMistOutMax) {
    throw new RegistrarError(
      'BOND_TOO_HIGH',
      `the cluster asks for a bond of ${bond} MIST, registrar.budget.bondMistOutMax is ${budget.bondMistOutMax}`,
      'raise the limit if that is what the cluster’s parameters say; ask another node if not',
    );
  }
  if (out + bond <= budget.bondMistOutMax) return;
  throw exhausted(
    `${out} MIST of bonds are out and ${bond} more would exceed ${budget.bondMistOutMax}`,
    null,
  );
}

/** What is left, for people. */
export function remaining(state: Pick<RegistrarState, 'expenses' | 'bonds'>, budget: Budget, nowMs: number) {
  const spent = gasOf(within(state.expenses, nowMs, DAY_MS));
  const registrations = within(state.expenses, nowMs, HOUR_MS).filter(({ kind }) => kind === 'register');
  return {
    registrationsThisHour: Math.max(0, budget.registrationsPerHourMax - registrations.length),
    gasMistToday: atLeastZero(budget.gasMistPerDayMax - spent),
    bondMist: atLeastZero(budget.bondMistOutMax - bondsOut(state)),
  };
}

function bondsOut({ bonds }: Pick<RegistrarState, 'bonds'>): bigint {
  return bonds.reduce((sum, { mist }) => sum + BigInt(mist), 0n);
}

const atLeastZero = (amount: bigint): bigint => (amount < 0n ? 0n : amount);

/** When expenses of `excess` MIST have left the window of a day. */
function whenFreed(lastDay: readonly Expense[], excess: bigint, nowMs: number): number {
  let freed = 0n;
  for (const { atMs, mist } of oldestFirst(lastDay)) {
    freed += BigInt(mist);
    if (freed >= excess) return atMs + DAY_MS;
  }
  // One transaction alone exceeds the limit of a day: nothing will free that.
  return nowMs + DAY_MS;
}

function oldestFirst(expenses: readonly Expense[]): Expense[] {
  return expenses.toSorted((one, other) => one.atMs - other.atMs);
}

function exhausted(what: string, retryAtMs: number | null): RegistrarError {
  const when = retryAtMs === null ? 'when a bond has come back' : `at ${new Date(retryAtMs).toISOString()}`;
  return new RegistrarError(
    'BUDGET_EXHAUSTED',
    `${what}; it goes on ${when}`,
    'find out what makes the enclave restart, or raise registrar.budget',
    retryAtMs === null ? {} : { retryAtMs },
  );
}
