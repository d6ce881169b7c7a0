import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runMoveUnitTests } from '@k3s-daas/move';

import { hex } from './literals.ts';
import type { Stop } from './vm.ts';

export type RowKind = 'value' | 'object' | 'id' | 'event' | 'count';

/** One comparison inside a test: the expression must have these bytes in the real VM. */
export interface Row {
  readonly kind: RowKind;
  /** Of type `vector<u8>`. */
  readonly expression: string;
  readonly expected: Uint8Array;
}

/** One Move unit test: statements and rows in order, and how it ends early if it does. */
export interface Case {
  readonly name: string;
  readonly lines: readonly (string | Row)[];
  readonly stop: Stop | null;
}

export interface Disagreement {
  readonly test: Case;
  /** The first row that differs; null where the end of the test differs. */
  readonly row: Row | null;
  /** What the real VM's runner says. */
  readonly report: string;
}

/** Addresses of the scratch package by name. */
const NAMED: Readonly<Record<string, string>> = {
  '0': 'k3s_daas',
  da1: 'k3s_daas_upgrades',
  da2: 'seal_key_server',
  '1': 'std',
  '2': 'sui',
};
/** Characters of source per module: the constants in it must fit 64 KiB, and are two characters a byte. */
const MODULE_CHARACTERS_MAX = 80_000;
/** Far from the codes of our modules, so that no expected abort can be mistaken for a row. */
const ROW_CODE = 1_000_000;

/** Bit 63 marks a packed code; `StatusCode::ABORTED` of move-core-types. */
const PACKED = 1n << 63n;
const ABORTED = 4016;

export const isRow = (line: string | Row): line is Row => typeof line !== 'string';

/** `0x…::module` as the package's sources name it. */
export function moduleSource(address: string, module: string): string {
  const short = address.replace(/^0x0*/, '') || '0';
  return `${NAMED[short] ?? address}::${module}`;
}

function attribute(stop: Stop | null): string {
  if (stop === null) return '#[test]';
  const location = moduleSource(stop.address, stop.module);
  // The runner names no code that the compiler packed (`assert!` without one): there only the place is compared.
  const what = {
    abort: stop.code >= PACKED ? `major_status = ${ABORTED}` : `abort_code = ${stop.code}`,
    arithmetic: 'arithmetic_error',
    vector: `vector_error, minor_status = ${stop.code}`,
  }[stop.kind];
  return `#[test, expected_failure(${what}, location = ${location})]`;
}

/** The case as a Move test. Row `i` fails with code ROW_CODE + i. */
export function testSource({ name, lines, stop }: Case): string {
  let rows = 0;
  const body = lines.map((line) => {
    if (!isRow(line)) return `    ${line}`;
    rows += 1;
    return `    assert!(${line.expression} == ${hex(line.expected)}, ${ROW_CODE + rows - 1});`;
  });
  return `${attribute(stop)}\nfun ${name}() {\n${body.join('\n')}\n}`;
}

/** Rows count one each, an expected failure one. */
export function comparisons(cases: readonly Case[]): number {
  return cases.reduce(
    (sum, { lines, stop }) => sum + lines.filter(isRow).length + (stop === null ? 0 : 1),
    0,
  );
}

/** Puts tests together as long as they fit one module. */
function modules(sources: readonly string[]): string[] {
  const joined: string[] = [];
  for (const source of sources) {
    const last = joined.at(-1);
    if (last === undefined || last.length + source.length > MODULE_CHARACTERS_MAX) joined.push(source);
    else joined[joined.length - 1] = `${last}\n\n${source}`;
  }
  return joined;
}

/** Runs the cases in the real Move VM, as tests of the package in `dir`. `head`: `use` lines. */
export async function compare(dir: string, head: string, cases: readonly Case[]): Promise<Disagreement[]> {
  await rm(join(dir, 'tests'), { recursive: true, force: true });
  await mkdir(join(dir, 'tests'));
  for (const [i, code] of modules(cases.map(testSource)).entries()) {
    const module = `#[test_only]\nmodule k3s_daas::differential_${i}_tests;\n${head}\n`;
    await writeFile(join(dir, `tests/differential_${i}_tests.move`), module + code);
  }
  const { tests, output } = await runMoveUnitTests({ dir });
  const byName = new Map(cases.map((test) => [test.name, test]));
  if (tests.length !== cases.length || byName.size !== cases.length)
    throw new Error(`${tests.length} of ${cases.length} tests ran`);
  return tests
    .filter(({ passed }) => !passed)
    .map(({ name }) => {
      const short = name.split('::').at(-1) ?? '';
      const test = byName.get(short);
      if (test === undefined) throw new Error(`unknown test ${name}`);
      return disagreement(test, reportOf(short, output));
    });
}

function disagreement(test: Case, report: string): Disagreement {
  const code = Number(/aborted with code (\d+) originating in the module \S+_tests/.exec(report)?.[1]);
  const row = test.lines.filter(isRow)[code - ROW_CODE] ?? null;
  return { test, row, report };
}

/** The runner's block on one test. */
function reportOf(name: string, output: string): string {
  const from = output.indexOf(`┌── ${name} ──`);
  return from < 0 ? '' : output.slice(from, output.indexOf('└──', from));
}
