import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { BenchError } from '../errors.ts';

export interface PodStartOptions {
  readonly rounds: number;
  readonly json: boolean;
  /** Folder of the report; null for none. */
  readonly out: string | null;
}

export const HELP = `npm run bench:pod-start: how long a pod takes from its creation until it runs, on a real kubelet with containerd, with
a sealed secret and without, in turns. Needs Linux, root and control groups of version 1 (bench/kubelet/README.md).

  --rounds N   pods of each kind that are measured (default 20)
  --json       JSON on standard output instead of Markdown
  --out DIR    folder of pod-start-latest.{json,md} (default bench/results)
  --no-out     write no files
  --help
`;

const ROUNDS = 20;
const ROUNDS_MAX = 200;

/** null for --help. @throws BenchError USAGE */
export function parseOptions(args: readonly string[], results: string): PodStartOptions | null {
  const { values } = parse(args);
  if (values.help) return null;
  const rounds = values.rounds === undefined ? ROUNDS : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX)
    throw new BenchError('USAGE', `--rounds ${values.rounds ?? ''}`, `give a number from 1 to ${ROUNDS_MAX}`);
  const folder = values.out === undefined ? results : resolve(values.out);
  return { rounds, json: values.json, out: values['no-out'] ? null : folder };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string' },
        json: { type: 'boolean', default: false },
        out: { type: 'string' },
        'no-out': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BenchError('USAGE', why, 'see npm run bench:pod-start -- --help', { cause });
  }
}
