import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { Commit, Host, Versions } from '../machine.ts';
import { number, section } from './table.ts';

/** What was aimed at, and what came of it. */
export interface Aim {
  readonly what: string;
  readonly atMost?: number;
  readonly atLeast?: number;
  /** NaN: not measured. */
  readonly measured: number;
}

/** What a bench found. */
export interface Report {
  readonly title: string;
  /** Of how many rounds the figures are. */
  readonly rounds: number;
  /** How the figures came about; stands behind the facts of the run. */
  readonly notes: string;
  readonly aims?: readonly Aim[];
  /** Markdown; empty ones are left out. */
  readonly sections: readonly string[];
  /** Figures and samples, for the JSON. */
  readonly json: Readonly<Record<string, unknown>>;
  /** What `run` in the JSON tells besides. */
  readonly run?: Readonly<Record<string, unknown>>;
  /** Of what was measured on. */
  readonly versions?: Versions;
  /** Whether something could not be measured to its end. */
  readonly isBroken?: boolean;
}

/** When, where and how it was measured. */
export interface Run {
  readonly command: string;
  readonly commit: Commit;
  readonly machine: Host & Partial<Versions>;
  /** 1, 5 and 15 minutes. */
  readonly loadAverageAfter: readonly number[];
  /** ISO 8601. */
  readonly started: string;
  readonly seconds: number;
  readonly rounds: number;
}

export function markdownOf(run: Run, { title, notes, aims = [], sections }: Report): string {
  const parts = [`# ${title}`, `${factsOf(run)} ${notes}`, aimsTable(aims), ...sections];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function aimsTable(aims: readonly Aim[]): string {
  const rows = aims.map((aim) => {
    const bound = aim.atMost === undefined ? `≥ ${number(aim.atLeast)}` : `≤ ${number(aim.atMost)}`;
    return [aim.what, bound, number(aim.measured), isMet(aim) ? 'yes' : '**no**'];
  });
  return section('Aims', '', ['', 'aim', 'measured', 'met'], rows);
}

function isMet({ atMost = Infinity, atLeast = -Infinity, measured }: Aim): boolean {
  return measured <= atMost && measured >= atLeast;
}

function factsOf({ command, commit, machine, loadAverageAfter, started, seconds, rounds }: Run): string {
  const { cpu, cores, memoryGib, kernel, node, kubernetes, etcd, loadAverage } = machine;
  const versions = kubernetes === undefined ? '' : `, Kubernetes ${kubernetes}, etcd ${etcd ?? 'unknown'}`;
  return [
    `\`${command}\`, commit ${commit.id}${commit.dirty ? ' with changed files' : ''},`,
    `${started.slice(0, 16)} UTC, ${seconds} s, ${rounds} rounds.`,
    `${cpu}, ${cores} cores, ${memoryGib} GiB, ${kernel}, Node ${node}${versions};`,
    `load average before: ${loadAverage.join(', ')}, after: ${loadAverageAfter.join(', ')}.`,
  ].join(' ');
}

/**
 * A field a line, and an element of an array: every sample is in it, and a reader can still tell two runs apart.
 * @param script `bench:NAME`, whose format is `k3s-daas-bench-NAME/1`.
 */
export function jsonOf(script: string, run: Run, { aims = [], json }: Report): string {
  const told = aims.map((aim) => ({ ...aim, met: isMet(aim) }));
  const fields = Object.entries({
    format: `k3s-daas-${script.replace(':', '-')}/1`,
    run,
    ...(told.length === 0 ? {} : { aims: told }),
    ...json,
  });
  const lines = fields.map(([name, value]) => {
    const isList = Array.isArray(value) && value.length > 0;
    return `"${name}": ${isList ? `[\n${value.map(compact).join(',\n')}\n]` : compact(value)}`;
  });
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** A nanosecond of seconds, a picosecond of milliseconds: far below what any clock here tells. */
const DIGITS = 1e6;

/** JSON knows neither infinity (the last bound of a histogram) nor NaN (nothing measured). */
function compact(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field !== 'number') return field;
    if (field === Infinity) return '+Inf';
    return Number.isFinite(field) ? Math.round(field * DIGITS) / DIGITS : null;
  });
}

/**
 * Writes `NAME-latest.json` and `.md` into the folder.
 * @param script `bench:NAME`. @param keeps also writes `DATE-COMMIT.*`. @returns the files.
 */
export async function writeReport(
  folder: string,
  { script, keeps = false }: { readonly script: string; readonly keeps?: boolean },
  run: Run,
  report: Report,
): Promise<string[]> {
  const [, name] = script.split(':');
  const bases = [name === undefined ? 'latest' : `${name}-latest`];
  if (keeps) bases.push(`${run.started.slice(0, 16).replace(':', '')}-${run.commit.id}`);
  const contents = { json: jsonOf(script, run, report), md: markdownOf(run, report) };
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const base of bases)
    for (const [extension, content] of Object.entries(contents)) {
      const file = join(resolve(folder), `${base}.${extension}`);
      await writeFile(file, content);
      files.push(file);
    }
  return files;
}
