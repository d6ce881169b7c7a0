import { parseArgs } from 'node:util';

import { z } from 'zod';

import { BenchError } from '../errors.ts';

/** Parts of the bench, in the order in which they run. */
const PARTS = ['process', 'grpc', 'start', 'memory', 'restart'] as const;
export type Part = (typeof PARTS)[number];

export interface LedgerBenchOptions {
  readonly parts: readonly Part[];
  readonly rounds: number;
  /** Transactions of one round in process. */
  readonly transactions: number;
  /** Transactions of one round over gRPC, at each concurrency. */
  readonly calls: number;
  /** Transactions after which memory is read. */
  readonly memory: number;
  /** Transactions in the journal of a ledger that is opened again. */
  readonly restart: number;
  /** Words; only subjects in process whose name has one of them. */
  readonly only: readonly string[];
  /** Folder of the results, or null. */
  readonly out: string | null;
  /** Whether JSON goes to standard output instead of the table. */
  readonly json: boolean;
}

export const HELP = `npm run bench:ledger -- [options]

Measures the embedded ledger: transactions a second in process and over gRPC-web, view calls, instructions, start to
ready, memory, restart from a journal. Every subject has its turn in each round; the figure is the median of the rounds.

  --parts LIST            of ${PARTS.join(', ')}; all of them
  --rounds 5
  --transactions 2000     in process, a round
  --calls 1000            over gRPC, a round and concurrency
  --memory 100000         transactions before memory is read
  --restart 100000        transactions in the journal that is opened again
  --only WORDS            subjects in process whose name has one of these, comma separated
  --out bench/results     folder of ledger-latest.json and .md; \`-\` writes none
  --quick                 2 rounds of 200 transactions, 2,000 for memory and restart; writes none unless --out
  --json                  JSON on standard output instead of the table
  --help
`;

const DEFAULTS = { rounds: '5', transactions: '2000', calls: '1000', memory: '100000', restart: '100000' };
const QUICK = { rounds: '2', transactions: '200', calls: '100', memory: '2000', restart: '2000' };

const whole = (min: number, max: number) => z.coerce.number<string>().int().min(min).max(max);
const list = z.string().transform((text) => text.split(',').map((part) => part.trim()));
const schema = z.object({
  parts: list.pipe(z.array(z.enum(PARTS)).min(1)),
  rounds: whole(1, 100),
  transactions: whole(10, 100_000),
  calls: whole(10, 100_000),
  memory: whole(100, 1_000_000),
  restart: whole(100, 1_000_000),
  only: list,
  out: z.string().min(1),
  json: z.boolean().default(false),
});

/** @returns null if help was asked for. @throws BenchError USAGE */
export function parseOptions(args: readonly string[], results: string): LedgerBenchOptions | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        parts: text,
        rounds: text,
        transactions: text,
        calls: text,
        memory: text,
        restart: text,
        only: text,
        out: text,
        quick: flag,
        json: flag,
        help: { ...flag, short: 'h' },
      },
    }));
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
  if (values['help'] === true) return null;
  const quick = values['quick'] === true;
  const parsed = schema.safeParse({
    ...(quick ? QUICK : DEFAULTS),
    parts: PARTS.join(','),
    only: '',
    out: quick ? '-' : results,
    ...values,
  });
  if (!parsed.success) throw usage(z.prettifyError(parsed.error));
  const { parts, out, ...rest } = parsed.data;
  return { ...rest, parts: PARTS.filter((part) => parts.includes(part)), out: out === '-' ? null : out };
}

function usage(why: string): BenchError {
  return new BenchError('USAGE', why, 'npm run bench:ledger -- --help lists the options');
}
