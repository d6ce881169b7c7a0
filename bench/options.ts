import { choices, flag, whole, wholes, type Options, type Values } from './frame/options.ts';

/** What places the pods. `ours-unguarded` is ours in a namespace that the admission webhook leaves alone. */
export const SUBJECTS = ['stock', 'nothing', 'ours', 'ours-unguarded'] as const;
export type Subject = (typeof SUBJECTS)[number];

export const OPTIONS = {
  nodes: wholes(
    { usual: '500,1000,5000', quick: '50', min: 1, max: 20_000 },
    'cluster sizes, one fresh cluster each',
  ),
  rounds: whole({ usual: 5, quick: 2, min: 1, max: 100 }, 'every subject has its turn in each'),
  pods: whole({ usual: 500, quick: 60, min: 2, max: 20_000 }, 'drained in a turn'),
  paced: whole(
    { usual: 60, quick: 20, min: 0, max: 20_000 },
    'pods created at a steady pace in a turn, 0 leaves that part out',
  ),
  rate: whole({ usual: 20, quick: 20, min: 1, max: 1_000 }, 'of those, per second'),
  subjects: choices(SUBJECTS),
  k: whole(
    { usual: 64, quick: 64, min: 1, max: 1_024 },
    'nodes that ours and the do-nothing extender return from filter',
  ),
  operators: whole(
    { usual: 50, quick: 10, min: 1, max: 1_000 },
    'owners of stakes, each of the same number of nodes',
  ),
  keep: flag('leave the folder with the logs of all programs'),
} satisfies Options;

export type BenchOptions = Values<typeof OPTIONS>;

/** Whether any subject needs the whole installation: chain, enclave, webhook. */
export function needsOurs({ subjects }: Pick<BenchOptions, 'subjects'>): boolean {
  return subjects.some((subject) => subject === 'ours' || subject === 'ours-unguarded');
}
