import { resolve } from 'node:path';

import { testMovePackage } from '@zktx.io/sui-move-builder/full';

import { frameworkFetcher, startBuilder } from './builder.ts';
import { readSources } from './cache.ts';
import { MoveError } from './errors.ts';
import type { ToolOptions } from './framework.ts';

/** One `#[test]` function as the Move unit-test runner judged it. */
export interface MoveTestResult {
  /** `package::module::function`, the package by its named address. */
  readonly name: string;
  readonly passed: boolean;
}

export interface MoveTestReport {
  readonly tests: readonly MoveTestResult[];
  /** The runner's own text, with source locations of failures. */
  readonly output: string;
}

const RESULT_LINE = /^\[\s*([A-Z]+)\s*\]\s+(\S+)\s*$/gm;
const TOTAL_LINE = /^Test result: \w+\. Total tests: (\d+);/m;

/**
 * Runs the unit tests of the Move package in `dir` in the real Move VM. `filter` keeps the tests whose name contains
 * it. Throws MoveError COMPILE_FAILED when sources or tests do not compile, TEST_RUN_FAILED when the runner's report
 * cannot be read in full: a test that vanished must not look like one that passed.
 */
export async function runMoveUnitTests(
  options: ToolOptions & { readonly dir: string; readonly filter?: string },
): Promise<MoveTestReport> {
  const { dir, filter = '', progress } = options;
  const files = await readSources(resolve(dir));
  if (files['Move.toml'] === undefined) {
    throw new MoveError(
      'PACKAGE_UNREADABLE',
      `${dir} holds no Move.toml.`,
      'Name the folder of a Move package.',
    );
  }
  await startBuilder();
  progress?.(`Running the Move unit tests of ${dir}`);
  const fetcher = await frameworkFetcher(options);
  const result = await testMovePackage({ files, fetcher, network: 'mainnet', ansiColor: false });
  if ('error' in result) {
    throw new MoveError(
      'COMPILE_FAILED',
      `The tests of ${dir} do not compile:\n${result.error}`,
      'Mend the Move sources.',
    );
  }
  const { output } = result;
  const tests = [...output.matchAll(RESULT_LINE)].map(([, verdict, name]) => ({
    name: name ?? '',
    passed: verdict === 'PASS',
  }));
  const total = TOTAL_LINE.exec(output)?.[1];
  if (
    total === undefined ||
    Number(total) !== tests.length ||
    result.passed !== tests.every((test) => test.passed)
  ) {
    throw new MoveError(
      'TEST_RUN_FAILED',
      `The test runner's report on ${dir} is incomplete:\n${output}`,
      'Run it again.',
    );
  }
  return { tests: tests.filter((test) => test.name.includes(filter)), output };
}
