/**
 * Quantile with linear interpolation between the closest ranks (type 7 of Hyndman and Fan, the default of R and numpy).
 * @param q from 0 to 1. @returns NaN without samples.
 */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const rank = (sorted.length - 1) * q;
  const low = sorted[Math.floor(rank)];
  const high = sorted[Math.ceil(rank)];
  if (low === undefined || high === undefined) return Number.NaN;
  return low + (high - low) * (rank - Math.floor(rank));
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function summarize(samples: readonly number[]): Summary {
  return {
    count: samples.length,
    median: median(samples),
    min: quantile(samples, 0),
    max: quantile(samples, 1),
  };
}

/** What each round gave. */
export function byRound<S extends { readonly round: number }>(
  samples: readonly S[],
  value: (sample: S) => number,
): Map<number, number> {
  return new Map(samples.map((sample) => [sample.round, value(sample)]));
}

/**
 * Median of `value / base` over the rounds in which both were measured. Neighbours in time share the machine's noise,
 * which cancels in a ratio and does not in the ratio of two medians.
 */
export function pairedRatio(
  values: ReadonlyMap<number, number>,
  bases: ReadonlyMap<number, number>,
): Summary {
  const ratios: number[] = [];
  for (const [round, value] of values) {
    const base = bases.get(round);
    if (base !== undefined && base > 0) ratios.push(value / base);
  }
  return summarize(ratios);
}

/** Events per second from the first to the last of `times` (ms): the first starts the clock and is not counted. */
export function ratePerSecond(times: readonly number[]): number {
  const first = quantile(times, 0);
  const last = quantile(times, 1);
  return last > first ? ((times.length - 1) * 1000) / (last - first) : Number.NaN;
}
