import type { Versions } from '../machine.ts';
import type { Aim, Report } from '../report/run.ts';
import { number, range, section } from '../report/table.ts';
import { byRound, median, quantile, summarize, type Summary } from '../statistics.ts';
import { CREATES, type Measured, type Samples } from './measure.ts';
import type { Limits } from './options.ts';

/** What is aimed at. */
const AIMS = { reviewP99Ms: 2, reviewsPerSecond: 2_000, addedP99Ms: 10 };

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

interface Figures {
  readonly reviews: readonly ReviewFigures[];
  readonly creates: readonly CreateFigures[];
}

/** @param bytes of each review, by subject, in the order of the table. */
export function reportOf(
  measured: Measured,
  bytes: ReadonlyMap<string, number>,
  { throughput, ...limits }: Limits,
  versions: Versions,
): Report {
  const figures = figuresOf(measured, bytes);
  return {
    title: 'Admission webhook',
    rounds: measured.rounds,
    notes: 'API server, etcd, webhook and the bench share these cores.',
    aims: aimsOf(figures),
    sections: [reviewTable(figures, limits.connections), createTable(figures)],
    json: { ...figures, measured },
    run: { limits: { ...limits, throughputMs: throughput } },
    versions,
  };
}

function aimsOf({ reviews, creates }: Figures): Aim[] {
  const sealed = reviews.filter(({ subject }) => subject.startsWith('sealed pod'));
  const [plain, ...guarded] = creates;
  if (plain === undefined) throw new RangeError('no pod was created');
  return [
    ...sealed.map(({ subject, p99Ms }) => ({
      what: `${subject}, p99, ms`,
      atMost: AIMS.reviewP99Ms,
      measured: p99Ms,
    })),
    ...sealed.map(({ subject, perSecond }) => ({
      what: `${subject}, reviews a second`,
      atLeast: AIMS.reviewsPerSecond,
      measured: perSecond.median,
    })),
    ...guarded.map(({ subject, addedP99Ms }) => ({
      what: `${subject}, added to CREATE at p99, ms`,
      atMost: AIMS.addedP99Ms,
      measured: addedP99Ms.median,
    })),
  ];
}

function figuresOf({ reviews, rates, creates }: Measured, bytes: ReadonlyMap<string, number>): Figures {
  return {
    reviews: [...bytes].map(([subject, size]) => {
      const ms = allOf(reviews, subject);
      const own = rates.filter((rate) => rate.subject === subject);
      return {
        subject,
        bytes: size,
        calls: ms.length,
        p50Ms: median(ms),
        p99Ms: quantile(ms, 0.99),
        perSecond: summarize(own.map(({ perSecond }) => perSecond)),
        cpuMs: median(own.map(({ cpuMs }) => cpuMs)),
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
  const ofRounds = (name: string): Map<number, number> =>
    byRound(
      creates.filter((of) => of.subject === name),
      ({ ms }) => quantile(ms, q),
    );
  const without = ofRounds(CREATES[0].name);
  return summarize([...ofRounds(subject)].map(([round, ms]) => ms - (without.get(round) ?? Number.NaN)));
}

function reviewTable({ reviews }: Figures, connections: number): string {
  const text = [
    'Over TLS 1.3 with a client certificate, from the first byte sent to the last received, one call after the other;',
    `a second on ${connections} connections. CPU is that of the webhook's process for one review.`,
  ].join(' ');
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
  const header = ['', 'p50 ms', 'p99 ms', 'reviews/s', 'range', 'CPU ms', 'bytes', 'calls'];
  return section('The webhook alone', text, header, rows);
}

function createTable({ creates }: Figures): string {
  const text = [
    'One after the other. Without webhooks: an exempt namespace of the same API server. Added: difference of the',
    'quantiles within a round, median and range of the rounds.',
    'A sealed pod is also larger, by its container and volumes.',
  ].join(' ');
  const rows = creates.map(({ subject, pods, p50Ms, p99Ms, addedP50Ms, addedP99Ms }) => [
    subject,
    number(p50Ms),
    number(p99Ms),
    number(addedP50Ms.median),
    number(addedP99Ms.median),
    range(addedP99Ms),
    String(pods),
  ]);
  const header = ['', 'p50 ms', 'p99 ms', 'added p50', 'added p99', 'range', 'pods'];
  return section('CREATE of a pod on kube-apiserver', text, header, rows);
}
