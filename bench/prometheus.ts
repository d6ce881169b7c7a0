import { BenchError } from './errors.ts';

/** One line of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Cumulative, as exposed: `counts[i]` observations were at most `bounds[i]` seconds; the last bound is infinite. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: -?\d+)?$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)",?/y;

/**
 * Parses the text format 0.0.4, keeping only metrics whose name starts with one of `prefixes`: a kube-apiserver exposes
 * tens of thousands of lines.
 * @throws BenchError METRICS_MALFORMED
 */
export function parseMetrics(text: string, prefixes: readonly string[]): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (!prefixes.some((prefix) => line.startsWith(prefix))) continue;
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) throw malformed(line);
    samples.push({ name, labels: parseLabels(labels, line), value: parseValue(value) });
  }
  return samples;
}

function parseLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  let end = 0;
  for (let match = LABEL.exec(text); match !== null; match = LABEL.exec(text)) {
    const [, name = '', value = ''] = match;
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    end = LABEL.lastIndex;
  }
  if (end !== text.length) throw malformed(line);
  return labels;
}

function parseValue(text: string): number {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

function malformed(line: string): BenchError {
  return new BenchError(
    'METRICS_MALFORMED',
    `this is no line of Prometheus' text format: ${line.slice(0, 200)}`,
    'read the /metrics of the program by hand',
  );
}

/** The histogram `name`, all series with these labels added up; empty if there is none. */
export function histogramOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Histogram {
  const matching = samples.filter((sample) =>
    Object.entries(labels).every(([key, value]) => (sample.labels[key] ?? '') === value),
  );
  const buckets = new Map<number, number>();
  let sum = 0;
  let count = 0;
  for (const sample of matching) {
    if (sample.name === `${name}_bucket`) {
      const bound = parseValue(sample.labels['le'] ?? '');
      buckets.set(bound, (buckets.get(bound) ?? 0) + sample.value);
    } else if (sample.name === `${name}_sum`) sum += sample.value;
    else if (sample.name === `${name}_count`) count += sample.value;
  }
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  return { bounds, counts: bounds.map((bound) => buckets.get(bound) ?? 0), sum, count };
}

/** What was observed between two readings. A program that was restarted in between has counted from zero. */
export function histogramDelta(before: Histogram, after: Histogram): Histogram {
  if (after.count < before.count) return after;
  const earlier = new Map(before.bounds.map((bound, at) => [bound, before.counts[at] ?? 0]));
  return {
    bounds: after.bounds,
    counts: after.bounds.map((bound, at) => (after.counts[at] ?? 0) - (earlier.get(bound) ?? 0)),
    sum: after.sum - before.sum,
    count: after.count - before.count,
  };
}

/** Adds histograms of the same bounds; rounds are pooled this way. */
export function histogramSum(histograms: readonly Histogram[]): Histogram {
  const samples = histograms.flatMap(({ bounds, counts, sum, count }) => [
    ...bounds.map((bound, at) => ({
      name: 'h_bucket',
      labels: { le: bound === Infinity ? '+Inf' : String(bound) },
      value: counts[at] ?? 0,
    })),
    { name: 'h_sum', labels: {}, value: sum },
    { name: 'h_count', labels: {}, value: count },
  ]);
  return histogramOf(samples, 'h');
}

/**
 * As Prometheus' histogram_quantile: linear inside the bucket, so it is only as fine as the buckets are; beyond the
 * last finite bound it says that bound. @returns seconds; NaN without observations.
 */
export function histogramQuantile({ bounds, counts }: Histogram, q: number): number {
  const total = counts.at(-1) ?? 0;
  if (total === 0) return Number.NaN;
  const rank = q * total;
  const at = counts.findIndex((count) => count >= rank);
  const upper = bounds[at] ?? Infinity;
  const lower = bounds[at - 1] ?? 0;
  if (upper === Infinity) return lower;
  const below = counts[at - 1] ?? 0;
  const inside = (counts[at] ?? 0) - below;
  return inside === 0 ? upper : lower + (upper - lower) * ((rank - below) / inside);
}

/** Seconds; NaN without observations. */
export function histogramMean({ sum, count }: Histogram): number {
  return count === 0 ? Number.NaN : sum / count;
}

/** Sum of all series of a counter or gauge with these labels. */
export function valueOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
