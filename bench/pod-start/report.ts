import type { Report } from '../report/run.ts';
import { number, range, section, table } from '../report/table.ts';
import { byRound, median, pairedRatio, quantile, type Summary } from '../statistics.ts';
import { KINDS, type Kind, type Sample } from './measure.ts';

interface Figure {
  readonly kind: Kind;
  readonly createdP50Ms: number;
  readonly placedP50Ms: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly maxMs: number;
  /** Time until running ÷ that of the plain pod of the same round. */
  readonly ratio: Summary;
}

interface Figures {
  readonly kinds: readonly Figure[];
  /** Median of each step of seal-fetch, ms. */
  readonly steps: Readonly<Record<string, number>>;
}

function figuresOf(samples: readonly Sample[]): Figures {
  const of = (kind: Kind): Sample[] => samples.filter((sample) => sample.kind === kind);
  const running = (kind: Kind) => byRound(of(kind), ({ runningMs }) => runningMs);
  const kinds = KINDS.map((kind): Figure => {
    const all = of(kind);
    const times = all.map(({ runningMs }) => runningMs);
    return {
      kind,
      createdP50Ms: median(all.map(({ createdMs }) => createdMs)),
      placedP50Ms: median(all.map(({ placedMs }) => placedMs)),
      p50Ms: median(times),
      p90Ms: quantile(times, 0.9),
      maxMs: quantile(times, 1),
      ratio: pairedRatio(running(kind), running('plain')),
    };
  });
  const sealed = of('sealed');
  const names = [...new Set(sealed.flatMap(({ steps }) => Object.keys(steps)))];
  const step = (name: string): number => median(sealed.flatMap(({ steps }) => steps[name] ?? []));
  return { kinds, steps: Object.fromEntries(names.map((name) => [name, step(name)])) };
}

export function reportOf(samples: readonly Sample[], rounds: number): Report {
  const figures = figuresOf(samples);
  const rows = figures.kinds.map(({ kind, createdP50Ms, placedP50Ms, p50Ms, p90Ms, maxMs, ratio }) => [
    kind,
    number(createdP50Ms),
    number(placedP50Ms),
    number(p50Ms),
    number(p90Ms),
    number(maxMs),
    number(ratio.median),
    range(ratio),
  ]);
  const header = ['pod', 'created p50 ms', 'placed p50', 'running p50', 'p90', 'most', '÷ plain', 'range'];
  const sealed = figures.kinds.find(({ kind }) => kind === 'sealed');
  if (sealed === undefined) throw new RangeError('no sealed pod was measured');
  const steps = Object.entries(figures.steps).map(([name, ms]) => [name, number(ms)]);
  return {
    title: 'Start of a pod with a sealed secret',
    rounds,
    notes: [
      'Everything runs on this machine: control plane, enclave, chain, three key servers, a real kubelet with containerd and',
      'runc. Times are from the POST of the pod until a watch of the API server shows it placed, and its container running.',
      'The images are there. The ratio is to the plain pod of the same round, median of the rounds. `with init` has an',
      'init container that ends at once.',
    ].join(' '),
    aims: [
      { what: 'sealed pod, create → running, p50, s', atMost: 3, measured: sealed.p50Ms / 1_000 },
      { what: 'sealed ÷ plain pod', atMost: 2, measured: sealed.ratio.median },
    ],
    sections: [table(header, rows), section('What seal-fetch does meanwhile', '', ['step', 'p50 ms'], steps)],
    json: { ...figures, samples },
  };
}
