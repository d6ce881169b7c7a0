/**
 * Whether the tests of sealed pods notice when a check is broken: each mutant must make one of them fail.
 *
 *   MUTANTS=1000 npm test -- mutations     all of them, about 2 s each
 *   MUTANTS=120 npm test -- mutations      120, spread over the files, as `npm run test:deep` does
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import t from 'tap';

import { mutantsOf, type Mutant } from './mutants.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUNNER = fileURLToPath(import.meta.resolve('./run-tests.ts'));
const FOLDER = join(ROOT, 'admission-webhook');
const SOURCES = [
  'checks/changes.ts',
  'checks/connect.ts',
  'checks/pods.ts',
  'checks/templates.ts',
  'sealed/container.ts',
  'sealed/draft.ts',
  'sealed/environment.ts',
  'sealed/host.ts',
  'sealed/inject.ts',
  'sealed/isolation.ts',
  'sealed/references.ts',
  'sealed/resources.ts',
  'sealed/shape.ts',
  'sealed/volumes.ts',
];
const TESTS = [
  'checks/templates.test.ts',
  'sealed/references.test.ts',
  'sealed/rare-pods.test.ts',
  'sealed/resources.test.ts',
  'sealed/inject.test.ts',
  'checks/pods.test.ts',
  'review.test.ts',
];
t.setTimeout(24 * 3_600_000);
const MUTANT_MS_MAX = 60_000;

/**
 * Mutants that change nothing which anyone could see, each with its reason. By the text of the line, so that the list
 * survives what is written above it.
 */
const EQUIVALENT: readonly (readonly [line: RegExp, why: string])[] = [
  [/instanceof (FormatError|Denied)\)/, 'a defect, which no input leads to'],
  [/is not the first of the initContainers/, 'the comparison that follows refuses it by the same code'],
  [/throw (new Error\(|error;)/, 'a defect, which no input leads to'],
  [/^ *if \(old !== undefined && pod !== undefined\)/, 'both are members of a list of two'],
  [/z\.custom<object>\(\(spec\)/, 'the pod was parsed before, and has a spec'],
  [/return a < b \? -1 : a > b \? 1 : 0/, 'names and keys that are sorted are different'],
  [/container === old\) return/, 'saves the comparison of what is the same object'],
  [/if \(member === null\) continue/, 'no source has a member named null'],
];

/** Whether one of the tests fails on it. */
function isNoticed(mutant: Mutant): Promise<boolean> {
  const args = ['--import', import.meta.resolve('./load-mutant.ts'), RUNNER];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args, ...TESTS.map((test) => join(FOLDER, test))], {
      cwd: ROOT,
      env: { ...process.env, MUTANT: JSON.stringify(mutant), TAP_BAIL: '1', FC_RUNS: '30' },
      stdio: 'ignore',
      timeout: MUTANT_MS_MAX,
    });
    child.once('error', reject);
    child.once('close', (code) => {
      resolve(code !== 0);
    });
  });
}

const wanted = Number(process.env['MUTANTS'] ?? 0);
const words = process.env['MUTANT_FILES']?.split(',') ?? [''];
const skip = wanted > 0 ? false : 'set MUTANTS to how many to try, as npm run test:deep does';

void t.test('each broken check is noticed', { skip }, async (t) => {
  const all = SOURCES.filter((source) => words.some((word) => source.includes(word))).flatMap((source) => {
    const file = join(FOLDER, source);
    return mutantsOf(file, readFileSync(file, 'utf8'));
  });
  const step = Math.max(1, all.length / wanted);
  const chosen = Array.from({ length: Math.min(wanted, all.length) }, (_, i) => all[Math.floor(i * step)]);
  for (const mutant of chosen) {
    if (mutant === undefined) continue;
    const line = readFileSync(mutant.file, 'utf8').split('\n')[mutant.line - 1] ?? '';
    if (EQUIVALENT.some(([pattern]) => pattern.test(line))) continue;
    t.ok(
      await isNoticed(mutant),
      `${relative(ROOT, mutant.file)}:${mutant.line} ${mutant.what}: ${line.trim()}`,
    );
  }
});
