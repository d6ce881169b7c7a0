import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Commit, Host } from '../machine.ts';
import { number, table } from '../report/table.ts';
import { median, pairedRatio, quantile, type Summary } from '../statistics.ts';
import { KINDS, type Kind, type Sample } from './measure.ts';

const FORMAT = 'k3s-daas-bench-pod-start/1';

export interface PodStartRun {
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
  readonly kind: Kind;
  readonly createdP50Ms: number;
  readonly placedP50Ms: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly maxMs: number;
  /** Time until running ÷ that of the plain pod of the same round. */
  readonly ratio: Summary;
}

export interface PodStartFigures {
  readonly kinds: readonly Figure[];
  /** Median of each step of seal-fetch, ms. */
  readonly steps: Readonly<Record<string, number>>;
}

export function figuresOf(samples: readonly Sample[]): PodStartFigures {
  const of = (kind: Kind): Sample[] => samples.filter((sample) => sample.kind === kind);
  const running = (kind: Kind): Map<number, number> =>
    new Map(of(kind).map(({ round, runningMs }) => [round, runningMs]));
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

export function podStartMarkdown(run: PodStartRun, { kinds, steps }: PodStartFigures): string {
  const { commit, machine } = run;
  const facts = [
    `\`${run.command}\`, commit ${commit.id}${commit.dirty ? ' with changed files' : ''},`,
    `${run.started.slice(0, 16)} UTC, ${run.seconds} s, ${run.rounds} rounds.`,
    `${machine.cpu}, ${machine.cores} cores, ${machine.kernel}, Node ${machine.node};`,
    `load average before: ${machine.loadAverage.join(', ')}, after: ${run.loadAverageAfter.join(', ')}.`,
    'Everything runs on this machine: control plane, enclave, chain, three key servers, a real kubelet with containerd and',
    'runc. Times are from the POST of the pod until a watch of the API server shows it placed, and its container running.',
    'The images are there. The ratio is to the plain pod of the same round, median of the rounds. `with init` has an',
    'init container that ends at once.',
  ].join(' ');
  const rows = kinds.map(({ kind, createdP50Ms, placedP50Ms, p50Ms, p90Ms, maxMs, ratio }) => [
    kind,
    number(createdP50Ms),
    number(placedP50Ms),
    number(p50Ms),
    number(p90Ms),
    number(maxMs),
    number(ratio.median),
    `${number(ratio.min)} – ${number(ratio.max)}`,
  ]);
  const head = ['pod', 'created p50 ms', 'placed p50', 'running p50', 'p90', 'most', '÷ plain', 'range'];
  const stepRows = Object.entries(steps).map(([name, ms]) => [name, number(ms)]);
  return [
    '# Start of a pod with a sealed secret',
    facts,
    table(head, rows),
    '## What seal-fetch does meanwhile',
    `${table(['step', 'p50 ms'], stepRows)}\n`,
  ].join('\n\n');
}

export function podStartJson(run: PodStartRun, figures: PodStartFigures, samples: readonly Sample[]): string {
  return `${JSON.stringify({ format: FORMAT, run, ...figures, samples }, null, 1)}\n`;
}

/** Writes pod-start-latest.json and .md into the folder. @returns the files. */
export async function writePodStartReport(
  folder: string,
  run: PodStartRun,
  figures: PodStartFigures,
  samples: readonly Sample[],
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = {
    [join(folder, 'pod-start-latest.json')]: podStartJson(run, figures, samples),
    [join(folder, 'pod-start-latest.md')]: podStartMarkdown(run, figures),
  };
  for (const [file, content] of Object.entries(files)) await writeFile(file, content);
  return Object.keys(files);
}
