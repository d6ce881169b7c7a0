import { parseArgs } from 'node:util';

import { z } from 'zod';

import { BenchError } from '../errors.ts';

export interface KeyServerBenchOptions {
  readonly rounds: number;
  /** Requests of a subject in a round, each for an identity of its own. */
  readonly calls: number;
  /** Folder of the results, or null. */
  readonly out: string | null;
  /** Whether JSON goes to standard output instead of the table. */
  readonly json: boolean;
}

export const HELP = `npm run bench:key-server -- [options]

Measures one key server with what SealClient sends over an embedded chain: p50, p99 and requests a second, as a ratio to
the bare computation in the same round. A minute on a quiet machine.

  --rounds 7
  --calls 60              of a subject in a round
  --out bench/results     folder of key-server-latest.json and .md; \`-\` writes none
  --quick                 2 rounds of 10 calls; writes none unless --out
  --json                  JSON on standard output instead of the table
  --help
`;

const DEFAULTS = { rounds: '7', calls: '60' };
const QUICK = { rounds: '2', calls: '10' };

const whole = (min: number, max: number) => z.coerce.number<string>().int().min(min).max(max);
const schema = z.object({
  rounds: whole(2, 100),
  calls: whole(2, 1_000),
  out: z.string().min(1),
  json: z.boolean().default(false),
});

/** @returns null if help was asked for. @throws BenchError USAGE */
export function parseOptions(args: readonly string[], results: string): KeyServerBenchOptions | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  let values: Record<string, string | boolean | undefined>;
  try {
    const options = { rounds: text, calls: text, out: text, quick: flag, json: flag, help: flag };
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
  if (values['help'] === true) return null;
  const quick = values['quick'] === true;
  const parsed = schema.safeParse({ ...(quick ? QUICK : DEFAULTS), out: quick ? '-' : results, ...values });
  if (!parsed.success) throw usage(z.prettifyError(parsed.error));
  const { out, ...rest } = parsed.data;
  return { ...rest, out: out === '-' ? null : out };
}

function usage(why: string): BenchError {
  return new BenchError('USAGE', why, 'npm run bench:key-server -- --help lists the options');
}
