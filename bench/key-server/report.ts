import type { Report } from '../report/run.ts';
import { number, range, table } from '../report/table.ts';
import { byRound, median, pairedRatio, quantile, summarize, type Summary } from '../statistics.ts';
import { SUBJECTS, WIDTH, type Sample, type Subject } from './measure.ts';

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

function figuresOf(samples: readonly Sample[]): Figure[] {
  const of = (subject: Subject): Sample[] => samples.filter((sample) => sample.subject === subject);
  const medians = (subject: Subject) => byRound(of(subject), ({ ms }) => median(ms));
  const rates = (subject: Subject) => byRound(of(subject), ({ perSecond }) => perSecond);
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

export function reportOf(samples: readonly Sample[], rounds: number): Report {
  const figures = figuresOf(samples);
  const rows = figures.map(({ subject, p50Ms, p99Ms, ratio, perSecond, rateRatio, calls }) => [
    ROWS[subject],
    number(p50Ms),
    number(p99Ms),
    number(ratio.median),
    range(ratio),
    number(perSecond.median),
    number(rateRatio.median),
    String(calls),
  ]);
  const header = ['', 'p50 ms', 'p99 ms', '÷ bare', 'range', 'requests/s', '÷ bare', 'calls'];
  return {
    title: 'Key server',
    rounds,
    notes: [
      'Requests are what SealClient sends, each with its signatures; the policy (`seal_approve_recovery`) is simulated for',
      'each on an embedded chain in a process of its own; the key server is another process, on one core. Latency: one',
      `request after the other over a kept connection. Requests a second: ${WIDTH} at a time. The ratio is to the bare`,
      'computation, which no key server can do without, taken within a round; median of the rounds.',
    ].join(' '),
    sections: [table(header, rows)],
    json: { figures, samples },
  };
}
