import type { Loader } from '../vm/loader.ts';
import { compare, comparisons, isRow, type Case, type Disagreement } from './compare.ts';
import {
  arithmeticCases,
  arithmeticModule,
  shapeCases,
  shapesModule,
  together,
} from './generate-arithmetic.ts';
import { programCases, programModule } from './generate-programs.ts';
import { SequenceGenerator, type Sequence } from './generate-sequences.ts';
import { driverPackage, type ScratchPackage } from './package.ts';
import { Random } from './random.ts';
import { loadPackage } from './vm.ts';

export const HEAD = [
  'use k3s_daas::driver;',
  'use k3s_daas::ops;',
  'use k3s_daas::programs;',
  'use k3s_daas::shapes;',
  'use std::bcs;',
  'use sui::event;',
].join('\n');

/** What one seed makes: everything but the answers of the real VM. */
export interface Round {
  readonly seed: bigint;
  readonly loader: Loader;
  readonly scratch: ScratchPackage;
  readonly arithmetic: readonly Case[];
  readonly programs: readonly Case[];
  readonly sequences: readonly Sequence[];
  readonly cases: readonly Case[];
  /** Ways in which sequences ended early (place and code), and actions that ended well, by how often. */
  readonly stops: ReadonlyMap<string, number>;
  readonly successes: ReadonlyMap<string, number>;
}

export interface Size {
  readonly sequences: number;
  readonly programs: number;
}

/** Generates programs and sequences and lets the ledger's VM answer. The caller removes `scratch`. */
export async function makeRound(seed: bigint, size: Size): Promise<Round> {
  const random = new Random(seed);
  const scratch = await driverPackage({
    ops: arithmeticModule(),
    shapes: await shapesModule(),
    programs: programModule(random, size.programs),
  });
  try {
    const loader = await loadPackage(scratch.dir);
    const arithmetic = [...arithmeticCases(loader, random), ...shapeCases(loader)];
    const programs = together('programs', programCases(loader, random, size.programs));
    const generator = new SequenceGenerator(loader, random);
    const sequences = Array.from({ length: size.sequences }, () => generator.next()).flat();
    const cases = [...arithmetic, ...programs, ...sequences.map(({ test }) => test)];
    const { stops, successes } = generator;
    return { seed, loader, scratch, arithmetic, programs, sequences, cases, stops, successes };
  } catch (error) {
    await scratch.remove();
    throw error;
  }
}

/** Asks the real VM. */
export async function judge(round: Round, more: readonly Case[] = []): Promise<Disagreement[]> {
  return await compare(round.scratch.dir, HEAD, [...round.cases, ...more]);
}

/** Comparisons by what they compare, and in all. */
export function counts({ arithmetic, programs, sequences, cases }: Round): Record<string, number> {
  const tests = sequences.map(({ test }) => test);
  const rows = tests.flatMap(({ lines }) => lines.filter(isRow));
  const byKind: Record<string, number> = {
    arithmetic: comparisons(arithmetic),
    programs: comparisons(programs),
  };
  for (const { kind } of rows) byKind[kind] = (byKind[kind] ?? 0) + 1;
  byKind['stop'] = tests.filter(({ stop }) => stop !== null).length;
  byKind['packages'] = comparisons(tests);
  byKind['all'] = comparisons(cases);
  return byKind;
}
