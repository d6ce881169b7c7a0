import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Commit, Machine } from '../machine.ts';
import { number, table } from '../report/table.ts';
import { median, quantile, summarize, type Summary } from '../statistics.ts';
import { CREATES, type Limits, type Measured, type Samples } from './measure.ts';

const FORMAT = 'k3s-daas-bench-admission/1';

/** What is aimed at. */
const AIMS = { reviewP99Ms: 2, reviewsPerSecond: 2_000, addedP99Ms: 10 };

export interface AdmissionRun {
  readonly command: string;
  readonly commit: Commit;
  readonly machine: Machine;
  /** 1, 5 and 15 minutes, after the run. */
  readonly loadAverageAfter: readonly number[];
  readonly started: string;
  readonly seconds: number;
  readonly limits: Limits;
}

interface ReviewFigures {
  readonly subject: string;
  readonly bytes: number;
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: Summary;
  /** CPU time of the webhook's process for one, median of the rounds. */
  readonly cpuMs: number;
}

interface CreateFigures {
  readonly subject: string;
  readonly pods: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Against the same round without webhooks. */
  readonly addedP50Ms: Summary;
  readonly addedP99Ms: Summary;
}

export interface AdmissionFigures {
  readonly reviews: readonly ReviewFigures[];
  readonly creates: readonly CreateFigures[];
}

/** @param bytes of each review, by subject, in the order of the table. */
export function figuresOf(
  { reviews, rates, creates }: Measured,
  bytes: ReadonlyMap<string, number>,
): AdmissionFigures {
  return {
    reviews: [...bytes].map(([subject, size]) => {
      const ms = allOf(reviews, subject);
      const perSecond = summarize(
        rates.filter((rate) => rate.subject === subject).map((rate) => rate.perSecond),
      );
      const cpuMs = median(rates.filter((rate) => rate.subject === subject).map((rate) => rate.cpuMs));
      return {
        subject,
        bytes: size,
        calls: ms.length,
        p50Ms: median(ms),
        p99Ms: quantile(ms, 0.99),
        perSecond,
        cpuMs,
      };
    }),
    creates: CREATES.map(({ name }) => {
      const ms = allOf(creates, name);
      return {
        subject: name,
        pods: ms.length,
        p50Ms: median(ms),
        p99Ms: quantile(ms, 0.99),
        addedP50Ms: added(creates, name, 0.5),
        addedP99Ms: added(creates, name, 0.99),
      };
    }),
  };
}

function allOf(samples: readonly Samples[], subject: string): number[] {
  return samples.filter((of) => of.subject === subject).flatMap(({ ms }) => ms);
}

/** Difference of a quantile to that without webhooks, within each round: neighbours in time share the machine's noise. */
function added(creates: readonly Samples[], subject: string, q: number): Summary {
  const ofRound = (name: string, round: number): number =>
    quantile(
      allOf(
        creates.filter((of) => of.round === round),
        name,
      ),
      q,
    );
  const rounds = new Set(creates.map(({ round }) => round));
  return summarize([...rounds].map((round) => ofRound(subject, round) - ofRound(CREATES[0].name, round)));
}

export function admissionJson(run: AdmissionRun, figures: AdmissionFigures, measured: Measured): string {
  return `${JSON.stringify({ format: FORMAT, aims: AIMS, run, ...figures, measured })}\n`;
}

export function admissionMarkdown(run: AdmissionRun, figures: AdmissionFigures): string {
  const { commit, machine, limits } = run;
  const facts = [
    `\`${run.command}\`, commit ${commit.id}${commit.dirty ? ' with changed files' : ''},`,
    `${run.started.slice(0, 16)} UTC, ${run.seconds} s, ${limits.rounds} rounds.`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node}, Kubernetes ${machine.kubernetes};`,
    `load average before: ${machine.loadAverage.join(', ')}, after: ${run.loadAverageAfter.join(', ')}.`,
    'API server, etcd, webhook and the bench share these cores.',
  ].join(' ');
  const parts = [
    '# Admission webhook',
    facts,
    `## The webhook alone\n\nOver TLS 1.3 with a client certificate, from the first byte sent to the last received, one call after the other; a second on ${limits.connections} connections. CPU is that of the webhook's process for one review. Aims: p99 ≤ ${AIMS.reviewP99Ms} ms, ≥ ${AIMS.reviewsPerSecond} reviews/s.\n\n${reviewTable(figures)}`,
    `## CREATE of a pod on kube-apiserver\n\nOne after the other. Without webhooks: an exempt namespace of the same API server. Added: difference of the quantiles within a round, median and range of the rounds. Aim: ≤ ${AIMS.addedP99Ms} ms at p99. A sealed pod is also larger, by its container and volumes.\n\n${createTable(figures)}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

const range = ({ min, max }: Summary): string => `${number(min)} – ${number(max)}`;

function reviewTable({ reviews }: AdmissionFigures): string {
  const rows = reviews.map(({ subject, bytes, calls, p50Ms, p99Ms, perSecond, cpuMs }) => [
    subject,
    number(p50Ms),
    number(p99Ms),
    number(perSecond.median),
    range(perSecond),
    number(cpuMs),
    String(bytes),
    String(calls),
  ]);
  return table(['', 'p50 ms', 'p99 ms', 'reviews/s', 'range', 'CPU ms', 'bytes', 'calls'], rows);
}

function createTable({ creates }: AdmissionFigures): string {
  const rows = creates.map(({ subject, pods, p50Ms, p99Ms, addedP50Ms, addedP99Ms }) => [
    subject,
    number(p50Ms),
    number(p99Ms),
    number(addedP50Ms.median),
    number(addedP99Ms.median),
    range(addedP99Ms),
    String(pods),
  ]);
  return table(['', 'p50 ms', 'p99 ms', 'added p50', 'added p99', 'range', 'pods'], rows);
}

/** Writes admission-latest.json and .md into the folder. @returns the files. */
export async function writeAdmissionReport(
  folder: string,
  run: AdmissionRun,
  figures: AdmissionFigures,
  measured: Measured,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = {
    [join(folder, 'admission-latest.json')]: admissionJson(run, figures, measured),
    [join(folder, 'admission-latest.md')]: admissionMarkdown(run, figures),
  };
  for (const [file, content] of Object.entries(files)) await writeFile(file, content);
  return Object.keys(files);
}
