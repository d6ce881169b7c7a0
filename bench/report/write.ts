import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Outcome } from '../run.ts';
import { markdown, type RunFacts } from './markdown.ts';
import { summarizeTurns } from './summary.ts';

const FORMAT = 'k3s-daas-bench/1';
/** A nanosecond of seconds, a picosecond of milliseconds: far below what any clock here tells. */
const DIGITS = 1e6;

/** Writes `DATE-COMMIT.md` and `.json`, and the same as `latest`. */
export async function writeReport(
  run: RunFacts,
  outcome: Outcome,
): Promise<{ markdown: string; files: readonly string[] }> {
  const summaries = summarizeTurns(outcome.turns);
  const text = markdown(run, summaries, outcome.failures);
  const raw = json(run, summaries, outcome);
  const out = resolve(run.options.out);
  await mkdir(out, { recursive: true });
  const name = `${run.started.slice(0, 16).replace(':', '')}-${run.commit.id}`;
  const files: string[] = [];
  for (const base of [name, 'latest']) {
    for (const [extension, content] of [
      ['md', text],
      ['json', raw],
    ] as const) {
      const file = join(out, `${base}.${extension}`);
      await writeFile(file, content);
      files.push(file);
    }
  }
  return { markdown: text, files };
}

/** One turn a line: every sample is in it, and a reader can still tell two runs apart. */
function json(run: RunFacts, summaries: readonly object[], { turns, failures }: Outcome): string {
  const lines = (values: readonly object[]): string => values.map((value) => compact(value)).join(',\n');
  return [
    '{',
    `"format": ${JSON.stringify(FORMAT)},`,
    `"run": ${compact(run)},`,
    `"failures": ${compact(failures)},`,
    `"summaries": [\n${lines(summaries)}\n],`,
    `"turns": [\n${lines(turns)}\n]`,
    '}',
    '',
  ].join('\n');
}

/** JSON knows neither infinity (the last bound of a histogram) nor NaN (nothing measured). */
function compact(value: object): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field !== 'number') return field;
    if (field === Infinity) return '+Inf';
    return Number.isFinite(field) ? Math.round(field * DIGITS) / DIGITS : null;
  });
}
