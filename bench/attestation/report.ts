import type { Report } from '../report/run.ts';
import { number, range, section } from '../report/table.ts';
import { byRound, median, pairedRatio, quantile, summarize, type Summary } from '../statistics.ts';
import type { Measured } from './measure.ts';
import { OURS, OURS_CACHED } from './subjects.ts';

/** On a machine whose node:crypto takes 2.9 ms for the five signatures and certificates. */
const AIMS_MS = { [OURS]: 3, [OURS_CACHED]: 0.5 };

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
  readonly group: string;
  readonly perSecond: Summary;
  readonly ratio: Summary;
}

/**
 * @param groups of the subjects by name, in the order of the tables; the first of each group is its floor.
 * @param workers that verified at the same time.
 */
export function reportOf(measured: Measured, groups: ReadonlyMap<string, string>, workers: number): Report {
  const latency = latencyOf(measured, groups);
  const throughput = throughputOf(measured, groups);
  return {
    title: 'Attestation verifier',
    rounds: measured.rounds,
    notes: [
      'A chain of the real shape (root, three intermediates, leaf, P-384). The ratio is to the first row of each table,',
      'p50 to p50 within a round, median of the rounds. p50 and p99 are of all calls together. CPU is that of the',
      'whole process for one call, compiler and garbage collector included; on a machine that others use it tells',
      'more than the clock does.',
    ].join(' '),
    aims: Object.entries(AIMS_MS).map(([subject, atMost]) => ({
      what: `${subject}, p50, ms`,
      atMost,
      measured: latency.find((of) => of.subject === subject)?.p50Ms ?? Number.NaN,
    })),
    sections: [
      latencyTable('A whole document', latency, 'document'),
      latencyTable('The COSE signature alone, key given', latency, 'signature'),
      throughputTable('Whole documents on all cores', throughput, 'document', workers),
      throughputTable('COSE signatures on all cores', throughput, 'signature', workers),
    ],
    json: { latency, throughput },
    run: { workers },
  };
}

function latencyOf({ latencies }: Measured, groups: ReadonlyMap<string, string>): Latency[] {
  const of = (subject: string) => latencies.filter((each) => each.subject === subject);
  const medians = (subject: string) => byRound(of(subject), ({ ms }) => median(ms));
  const floorOf = (group: string): string => [...groups].find(([, other]) => other === group)?.[0] ?? '';
  return [...groups].map(([subject, group]) => {
    const all = of(subject).flatMap(({ ms }) => ms);
    return {
      subject,
      group,
      calls: all.length,
      p50Ms: median(all),
      p99Ms: quantile(all, 0.99),
      minMs: quantile(all, 0),
      cpuMs: median(of(subject).map(({ cpuMs }) => cpuMs)),
      ratio: pairedRatio(medians(subject), medians(floorOf(group))),
      roundsMs: [...medians(subject).values()],
    };
  });
}

function throughputOf({ rates }: Measured, groups: ReadonlyMap<string, string>): Throughput[] {
  const ratesOf = (name: string) =>
    byRound(
      rates.filter(({ subject }) => subject === name),
      ({ perSecond }) => perSecond,
    );
  const measured = [...groups].filter(([name]) => ratesOf(name).size > 0);
  const floorOf = (group: string): string => measured.find(([, other]) => other === group)?.[0] ?? '';
  return measured.map(([subject, group]) => ({
    subject,
    group,
    perSecond: summarize([...ratesOf(subject).values()]),
    ratio: pairedRatio(ratesOf(subject), ratesOf(floorOf(group))),
  }));
}

function latencyTable(title: string, latency: readonly Latency[], group: string): string {
  const rows = latency
    .filter((of) => of.group === group)
    .map(({ subject, p50Ms, p99Ms, minMs, cpuMs, ratio, calls }) => [
      subject,
      number(p50Ms),
      number(p99Ms),
      number(minMs),
      number(cpuMs),
      number(ratio.median),
      range(ratio),
      String(calls),
    ]);
  const header = ['', 'p50 ms', 'p99 ms', 'least ms', 'CPU ms', '÷ node:crypto', 'range', 'calls'];
  return section(title, '', header, rows);
}

function throughputTable(
  title: string,
  throughput: readonly Throughput[],
  group: string,
  workers: number,
): string {
  const rows = throughput
    .filter((of) => of.group === group)
    .map(({ subject, perSecond, ratio }) => [
      subject,
      number(perSecond.median),
      range(perSecond),
      number(ratio.median),
    ]);
  return section(title, '', [`${workers} workers`, 'a second', 'range', '÷ node:crypto'], rows);
}
