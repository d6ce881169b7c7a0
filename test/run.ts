/**
 * `npm test`: unit, property and Move tests two files at a time, then those on a bare control plane likewise, then those
 * on whole installations one by one, each file by itself. Ends with `N passed, N failed` over all assertions; with the word
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
/** Of one file, unless it says more itself. */
const TIMEOUT_SECONDS = Number(process.env['TAP_TIMEOUT'] ?? 600);
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
  await runFiles(others, 2, tally);
  await runFiles(partial, 2, tally);
  await runFiles(whole, 1, tally);

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

/**
 * Each file is a process of its own, as `node FILE` runs it. The runner of tap would load each module of a test, and of
 * every program that a test starts, through loaders of its own: that costs more than half of what most of them take.
 */
async function runFiles(files: readonly string[], jobs: number, tally: Tally): Promise<void> {
  const waiting = [...files];
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) await runFile(file, tally);
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

async function runFile(file: string, tally: Tally): Promise<void> {
  const since = performance.now();
  const failuresBefore = tally.failures.length;
  const env = { ...process.env, TAP_TIMEOUT: String(TIMEOUT_SECONDS) };
  const child = spawn(process.execPath, [file], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const parser = new Parser();
  watch(parser, [file], tally);
  const parsed = new Promise((resolve) => parser.once('complete', resolve));
  child.stdout.pipe(parser);
  // A file that hangs without a test of its own under way ends nowhere else.
  const late = setTimeout(() => child.kill('SIGKILL'), 2_000 * TIMEOUT_SECONDS);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  await parsed;
  clearTimeout(late);
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  console.log(`${code === 0 && parser.ok ? 'ok    ' : 'NOT OK'} ${file} ${seconds} s`);
  // One that ended badly without saying which assertion failed is a failure of its own.
  const own = tally.failures.slice(failuresBefore).some((failure) => failure.startsWith(file));
  if ((code === 0 && parser.ok) || own) return;
  tally.failed++;
  tally.failures.push(`${file} ended with exit code ${String(code)}`);
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

process.exitCode = await main(process.argv.slice(2));
