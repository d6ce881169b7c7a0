import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { median, pairedRatio, quantile, summarize, type Summary } from '../statistics.ts';
import { number, table } from '../report/table.ts';
import type { Commit, Host } from '../machine.ts';
import type { Measured } from './measure.ts';

const FORMAT = 'k3s-daas-bench-attestation/1';

export interface AttestationRun {
  readonly command: string;
  readonly commit: Commit;
  readonly machine: Host;
  /** 1, 5 and 15 minutes, after the run. */
  readonly loadAverageAfter: readonly number[];
  readonly started: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly workers: number;
}

interface Latency {
  readonly subject: string;
  readonly group: string;
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly minMs: number;
  /** CPU time of one, median of the rounds. */
  readonly cpuMs: number;
  /** p50 ÷ p50 of the first subject of the group (node:crypto alone), taken within each round. */
  readonly ratio: Summary;
  /** p50 of each round, ms. */
  readonly roundsMs: readonly number[];
}

interface Throughput {
  readonly subject: string;
  readonly perSecond: Summary;
  readonly ratio: Summary;
}

export interface AttestationFigures {
  readonly latency: readonly Latency[];
  readonly throughput: readonly Throughput[];
}

/** @param groups of the subjects by name, in the order of the tables; the first of each group is its floor. */
export function figuresOf(
  { latencies, rates }: Measured,
  groups: ReadonlyMap<string, string>,
): AttestationFigures {
  const medians = (subject: string): Map<number, number> =>
    new Map(latencies.filter((of) => of.subject === subject).map(({ round, ms }) => [round, median(ms)]));
  const floorOf = (group: string): string => [...groups].find(([, other]) => other === group)?.[0] ?? '';
  const latency = [...groups].map(([subject, group]): Latency => {
    const all = latencies.filter((of) => of.subject === subject).flatMap(({ ms }) => ms);
    return {
      subject,
      group,
      calls: all.length,
      p50Ms: median(all),
      p99Ms: quantile(all, 0.99),
      minMs: quantile(all, 0),
      cpuMs: median(latencies.filter((of) => of.subject === subject).map(({ cpuMs }) => cpuMs)),
      ratio: pairedRatio(medians(subject), medians(floorOf(group))),
      roundsMs: [...medians(subject).values()],
    };
  });
  const bySubject = Map.groupBy(rates, ({ subject }) => subject);
  const byRound = (of: typeof rates): Map<number, number> =>
    new Map(of.map(({ round, perSecond }) => [round, perSecond]));
  const base = byRound(bySubject.get('node:crypto alone') ?? []);
  const throughput = [...bySubject].map(([subject, of]) => ({
    subject,
    perSecond: summarize(of.map(({ perSecond }) => perSecond)),
    ratio: pairedRatio(byRound(of), base),
  }));
  return { latency, throughput };
}

export function attestationJson(run: AttestationRun, figures: AttestationFigures): string {
  return `${JSON.stringify({ format: FORMAT, run, ...figures }, null, 1)}\n`;
}

export function attestationMarkdown(run: AttestationRun, figures: AttestationFigures): string {
  const { commit, machine } = run;
  const facts = [
    `\`${run.command}\`, commit ${commit.id}${commit.dirty ? ' with changed files' : ''},`,
    `${run.started.slice(0, 16)} UTC, ${run.seconds} s, ${run.rounds} rounds.`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node};`,
    `load average before: ${machine.loadAverage.join(', ')}, after: ${run.loadAverageAfter.join(', ')}.`,
    'A chain of the real shape (root, three intermediates, leaf, P-384). The ratio is to the first row of each table,',
    'p50 to p50 within a round, median of the rounds. p50 and p99 are of all calls together. CPU is that of the',
    'whole process for one call, compiler and garbage collector included; on a machine that others use it tells',
    'more than the clock does.',
  ].join(' ');
  const parts = [
    '# Attestation verifier',
    facts,
    `## A whole document\n\n${latencyTable(figures, 'document')}`,
    `## The COSE signature alone, key given\n\n${latencyTable(figures, 'signature')}`,
    `## On all cores\n\n${throughputTable(figures, run.workers)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

function latencyTable({ latency }: AttestationFigures, group: string): string {
  const rows = latency
    .filter((of) => of.group === group)
    .map(({ subject, p50Ms, p99Ms, minMs, cpuMs, ratio, calls }) => [
      subject,
      number(p50Ms),
      number(p99Ms),
      number(minMs),
      number(cpuMs),
      number(ratio.median),
      `${number(ratio.min)} – ${number(ratio.max)}`,
      String(calls),
    ]);
  return table(['', 'p50 ms', 'p99 ms', 'least ms', 'CPU ms', '÷ node:crypto', 'range', 'calls'], rows);
}

function throughputTable({ throughput }: AttestationFigures, workers: number): string {
  const rows = throughput.map(({ subject, perSecond, ratio }) => [
    subject,
    number(perSecond.median),
    `${number(perSecond.min)} – ${number(perSecond.max)}`,
    number(ratio.median),
  ]);
  return table([`${workers} workers`, 'documents/s', 'range', '÷ node:crypto'], rows);
}

/** Writes attestation-latest.json and .md into the folder. @returns the files. */
export async function writeAttestationReport(
  folder: string,
  run: AttestationRun,
  figures: AttestationFigures,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = {
    [join(folder, 'attestation-latest.json')]: attestationJson(run, figures),
    [join(folder, 'attestation-latest.md')]: attestationMarkdown(run, figures),
  };
  for (const [file, content] of Object.entries(files)) await writeFile(file, content);
  return Object.keys(files);
}
