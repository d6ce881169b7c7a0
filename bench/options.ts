import { parseArgs } from 'node:util';

import { z } from 'zod';

import { BenchError } from './errors.ts';

/** What places the pods. `ours-unguarded` is ours in a namespace that the admission webhook leaves alone. */
export const SUBJECTS = ['stock', 'nothing', 'ours', 'ours-unguarded'] as const;
export type Subject = (typeof SUBJECTS)[number];

export interface BenchOptions {
  readonly nodes: readonly number[];
  readonly rounds: number;
  /** Pods of a drain. */
  readonly pods: number;
  /** Pods of the paced load, and how many are created a second. */
  readonly paced: number;
  readonly rate: number;
  readonly subjects: readonly Subject[];
  /** Shortlist of ours and of the do-nothing extender. */
  readonly k: number;
  /** Owners of stakes; each owns the same number of nodes. */
  readonly operators: number;
  /** Folder of the results. */
  readonly out: string;
  /** Whether the folder with logs and data of the clusters stays. */
  readonly keep: boolean;
}

export const HELP = `npm run bench -- [options]

Measures pods bound per second and the time from create to bound with (a) the stock kube-scheduler, (b) the same with a
do-nothing extender, (c) the same with ours, on the real control plane, interleaved. Writes Markdown and JSON.

  --nodes 500,1000,5000   cluster sizes, one fresh cluster each
  --rounds 5              rounds; every subject has its turn in each
  --pods 500              pods drained in a turn
  --paced 60              pods created at a steady pace in a turn; 0 leaves that part out
  --rate 20               of those, per second
  --subjects LIST         of ${SUBJECTS.join(', ')}; all of them
  --k 64                  nodes that ours and the do-nothing extender return from filter
  --operators 50          owners of stakes
  --out bench/results     folder of the results
  --quick                 50 nodes, 2 rounds, 60 + 20 pods: does it work? (writes to a temporary folder unless --out)
  --keep                  leave the folder with the logs of all programs
  --help
`;

const DEFAULTS = {
  nodes: '500,1000,5000',
  rounds: '5',
  pods: '500',
  paced: '60',
  rate: '20',
  k: '64',
  operators: '50',
};
const QUICK = { ...DEFAULTS, nodes: '50', rounds: '2', pods: '60', paced: '20', operators: '10' };

const whole = (min: number, max: number) => z.coerce.number<string>().int().min(min).max(max);
const list = z.string().transform((text) => text.split(',').map((part) => part.trim()));
const schema = z.object({
  nodes: list.pipe(z.array(whole(1, 20_000)).min(1).max(20)),
  rounds: whole(1, 100),
  pods: whole(2, 20_000),
  paced: whole(0, 20_000),
  rate: whole(1, 1_000),
  subjects: list.pipe(z.array(z.enum(SUBJECTS)).min(1)),
  k: whole(1, 1024),
  operators: whole(1, 1_000),
  out: z.string().min(1),
  keep: z.boolean().default(false),
});

/**
 * @param folders where results go by default, and where those of a quick run do.
 * @returns null if help was asked for. @throws BenchError USAGE
 */
export function parseOptions(
  args: readonly string[],
  folders: { readonly results: string; readonly quick: string },
): BenchOptions | null {
  const text = { type: 'string' } as const;
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        nodes: text,
        rounds: text,
        pods: text,
        paced: text,
        rate: text,
        subjects: text,
        k: text,
        operators: text,
        out: text,
        quick: { type: 'boolean' },
        keep: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
  if (values['help'] === true) return null;
  const quick = values['quick'] === true;
  const parsed = schema.safeParse({
    ...(quick ? QUICK : DEFAULTS),
    subjects: SUBJECTS.join(','),
    out: quick ? folders.quick : folders.results,
    ...values,
  });
  if (!parsed.success) throw usage(z.prettifyError(parsed.error));
  return { ...parsed.data, subjects: SUBJECTS.filter((subject) => parsed.data.subjects.includes(subject)) };
}

function usage(why: string): BenchError {
  return new BenchError('USAGE', why, 'npm run bench -- --help lists the options');
}

/** Whether any subject needs the whole installation: chain, enclave, webhook. */
export function needsOurs({ subjects }: Pick<BenchOptions, 'subjects'>): boolean {
  return subjects.some((subject) => subject === 'ours' || subject === 'ours-unguarded');
}

/** Order of a round: each round begins with another subject, so that none always follows the same one. */
export function turns(subjects: readonly Subject[], round: number): Subject[] {
  const at = round % subjects.length;
  return [...subjects.slice(at), ...subjects.slice(0, at)];
}
