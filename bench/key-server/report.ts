import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Commit, Host } from '../machine.ts';
import { number, table } from '../report/table.ts';
import { median, pairedRatio, quantile, summarize, type Summary } from '../statistics.ts';
import { SUBJECTS, WIDTH, type Sample, type Subject } from './measure.ts';

const FORMAT = 'k3s-daas-bench-key-server/1';

export interface KeyServerRun {
  readonly command: string;
  readonly commit: Commit;
  readonly machine: Host;
  /** 1, 5 and 15 minutes, after the run. */
  readonly loadAverageAfter: readonly number[];
  readonly started: string;
  readonly seconds: number;
  readonly rounds: number;
}

interface Figure {
  readonly subject: Subject;
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** p50 ÷ p50 of the bare computation, within each round. */
  readonly ratio: Summary;
  readonly perSecond: Summary;
  readonly rateRatio: Summary;
}

export function figuresOf(samples: readonly Sample[]): Figure[] {
  const of = (subject: Subject): Sample[] => samples.filter((sample) => sample.subject === subject);
  const medians = (subject: Subject): Map<number, number> =>
    new Map(of(subject).map(({ round, ms }) => [round, median(ms)]));
  const rates = (subject: Subject): Map<number, number> =>
    new Map(of(subject).map(({ round, perSecond }) => [round, perSecond]));
  return SUBJECTS.map((subject) => {
    const all = of(subject).flatMap(({ ms }) => ms);
    return {
      subject,
      calls: all.length,
      p50Ms: median(all),
      p99Ms: quantile(all, 0.99),
      ratio: pairedRatio(medians(subject), medians('bare')),
      perSecond: summarize([...rates(subject).values()]),
      rateRatio: pairedRatio(rates(subject), rates('bare')),
    };
  });
}

const ROWS: Readonly<Record<Subject, string>> = {
  bare: 'bare: extraction and ElGamal, in process',
  'new identity': 'key server, an identity it has not seen',
  'known identity': 'key server, an identity it has',
};

export function keyServerMarkdown(run: KeyServerRun, figures: readonly Figure[]): string {
  const { commit, machine } = run;
  const facts = [
    `\`${run.command}\`, commit ${commit.id}${commit.dirty ? ' with changed files' : ''},`,
    `${run.started.slice(0, 16)} UTC, ${run.seconds} s, ${run.rounds} rounds.`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node};`,
    `load average before: ${machine.loadAverage.join(', ')}, after: ${run.loadAverageAfter.join(', ')}.`,
    'Requests are what SealClient sends, each with its signatures; the policy (`seal_approve_recovery`) is simulated for',
    'each on an embedded chain in a process of its own; the key server is another process, on one core. Latency: one',
    `request after the other over a kept connection. Requests a second: ${WIDTH} at a time. The ratio is to the bare`,
    'computation, which no key server can do without, taken within a round; median of the rounds.',
  ].join(' ');
  const rows = figures.map(({ subject, p50Ms, p99Ms, ratio, perSecond, rateRatio, calls }) => [
    ROWS[subject],
    number(p50Ms),
    number(p99Ms),
    number(ratio.median),
    `${number(ratio.min)} – ${number(ratio.max)}`,
    number(perSecond.median),
    number(rateRatio.median),
    String(calls),
  ]);
  const head = ['', 'p50 ms', 'p99 ms', '÷ bare', 'range', 'requests/s', '÷ bare', 'calls'];
  return `# Key server\n\n${facts}\n\n${table(head, rows)}\n`;
}

export function keyServerJson(
  run: KeyServerRun,
  figures: readonly Figure[],
  samples: readonly Sample[],
): string {
  return `${JSON.stringify({ format: FORMAT, run, figures, samples }, null, 1)}\n`;
}

/** Writes key-server-latest.json and .md into the folder. @returns the files. */
export async function writeKeyServerReport(
  folder: string,
  run: KeyServerRun,
  figures: readonly Figure[],
  samples: readonly Sample[],
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = {
    [join(folder, 'key-server-latest.json')]: keyServerJson(run, figures, samples),
    [join(folder, 'key-server-latest.md')]: keyServerMarkdown(run, figures),
  };
  for (const [file, content] of Object.entries(files)) await writeFile(file, content);
  return Object.keys(files);
}
