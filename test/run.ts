/**
 * `npm test`: unit, property and Move tests two files at a time, then those on a bare control plane likewise, then those
 * on whole installations one by one, all run by tap. Ends with `N passed, N failed` over all assertions; with the word
 * `attacks`, with `N attacks, N refused` over all of their suites.
 *
 *   npm test                 all
 *   npm test -- core cli     only files whose path contains one of the words
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { Parser, type Result } from 'tap-parser';

import { ensureControlPlane } from '@k3s-daas/control-plane';
import { ensureNodePrograms, place } from '@k3s-daas/kubelet';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const IGNORED = ['**/node_modules/**', '**/.cache/**', '**/dist/**', '**/*.deep.test.ts'];
/** Files that start kubelets, where that is possible. */
const ON_REAL_NODES = /^(bench\/kubelet\/|test\/e2e\/sealed)/;

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  /** As the suites of attacks say at their ends. */
  attacks: number;
  refused: number;
  readonly failures: string[];
}

async function main(words: readonly string[]): Promise<number> {
  const wanted = (file: string): boolean => words.length === 0 || words.some((word) => file.includes(word));
  const files = globSync('**/*.test.ts', { cwd: ROOT, exclude: IGNORED }).filter(wanted).sort();
  const endToEnd = files.filter((file) => file.endsWith('.e2e.test.ts'));
  // A whole installation, or a node, takes both cores: such files run alone. The others wait for an API server mostly.
  const whole = endToEnd.filter((file) => /^(test|bench)\//.test(file));
  const partial = endToEnd.filter((file) => !whole.includes(file));
  const others = files.filter((file) => !endToEnd.includes(file));
  const tally: Tally = { passed: 0, failed: 0, skipped: 0, attacks: 0, refused: 0, failures: [] };

  const progress = ({ message }: { message: string }): void => {
    console.log(`# ${message}`);
  };
  // Here, where no test's time runs: from nothing they take minutes.
  if (endToEnd.length > 0) await ensureControlPlane({ progress });
  if (endToEnd.some((file) => ON_REAL_NODES.test(file)) && (await place()).kind === 'outside')
    await ensureNodePrograms({ progress });
  await runTap(others, 2, tally);
  await runTap(partial, 2, tally);
  await runTap(whole, 1, tally);

  for (const failure of tally.failures) console.log(`FAILED ${failure}`);
  if (tally.passed + tally.failed === 0) {
    console.log('no test ran: no file matches');
    return 1;
  }
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
  const passed = `${tally.passed} passed, ${tally.failed} failed${skipped}`;
  const refused = `${tally.attacks} attacks, ${tally.refused} refused`;
  const lines = tally.attacks === 0 ? [passed] : [refused, passed];
  for (const line of words.includes('attacks') ? lines.reverse() : lines) console.log(line);
  return tally.failed === 0 && tally.attacks === tally.refused ? 0 : 1;
}

async function runTap(files: readonly string[], jobs: number, tally: Tally): Promise<void> {
  if (files.length === 0) return;
  const args = [
    'run',
    '--reporter=tap',
    `--jobs=${jobs}`,
    '--disable-coverage',
    '--allow-empty-coverage',
    ...files,
  ];
  const failuresBefore = tally.failed;
  const child = spawn('tap', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const parser = new Parser();
  watch(parser, [], tally);
  child.stdout.pipe(parser);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  // A run that died without saying which assertion failed is a failure of its own.
  if (code !== 0 && tally.failed === failuresBefore) {
    tally.failed++;
    tally.failures.push(`tap ended with exit code ${String(code)}`);
  }
}

/** Counts leaf assertions and shows a line per file. `path` holds the names of the enclosing subtests. */
function watch(parser: Parser, path: readonly string[], tally: Tally): void {
  const subtests = new Set<string>();
  parser.on('comment', (comment: string) => {
    const said = /^\s*# (\d+) attacks, (\d+) refused\s*$/.exec(comment);
    tally.attacks += Number(said?.[1] ?? 0);
    tally.refused += Number(said?.[2] ?? 0);
  });
  parser.on('child', (child: Parser) => {
    subtests.add(child.name);
    watch(child, [...path, child.name], tally);
  });
  parser.on('assert', (result: Result) => {
    const isSubtest = subtests.has(result.name) || subtests.has(result.fullname);
    if (path.length === 0)
      console.log(`${result.ok ? 'ok    ' : 'NOT OK'} ${result.name} ${elapsed(result)}`);
    const skip = result.skip !== false;
    if (skip) {
      tally.skipped++;
      console.log(
        `skip   ${[...path, result.name].join(' > ')}${result.skip === true ? '' : ` # ${String(result.skip)}`}`,
      );
    } else if (result.ok) {
      if (!isSubtest) tally.passed++;
    } else if (!isSubtest || noAssertionFailed(result)) {
      tally.failed++;
      tally.failures.push([...path, result.name].join(' > '));
      if (result.diag !== null) console.log(JSON.stringify(result.diag, null, 2).slice(0, 4_000));
    }
  });
}

// A file that crashed or timed out has no failed assertion inside that could stand for it.
function noAssertionFailed(result: Result): boolean {
  const diag = result.diag as { exitCode?: number | null; signal?: string | null } | null;
  return diag !== null && (diag.signal ?? null) !== null;
}

function elapsed(result: Result): string {
  return typeof result.time === 'number' ? `${(result.time / 1000).toFixed(1)} s` : '';
}

process.exitCode = await main(process.argv.slice(2));
