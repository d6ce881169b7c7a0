import { parseArgs } from 'node:util';

import { z } from 'zod';

import { BenchError } from '../errors.ts';
import type { Limits } from './measure.ts';

export interface AttestationBenchOptions extends Limits {
  /** Folder of the results, or null. */
  readonly out: string | null;
  /** Whether JSON goes to standard output instead of the tables. */
  readonly json: boolean;
}

export const HELP = `npm run bench:attestation -- [options]

Measures the verifier of attestation documents: p50 and p99 of a whole verification and of one with the chain in a
cache, next to node:crypto alone, cose-js, @auth0/cose and @peculiar/x509; verifications a second on all cores. Every
subject has its turn in each round. Half a minute on a quiet machine.

  --rounds 12
  --calls 50              of a subject in a round; the slowest make fewer
  --throughput 500        ms on all cores, a subject and round
  --seconds 45            no round begins later than this
  --out bench/results     folder of attestation-latest.json and .md; \`-\` writes none
  --quick                 2 rounds of 10 calls; writes none unless --out
  --json                  JSON on standard output instead of the tables
  --help
`;

const DEFAULTS = { rounds: '12', calls: '50', throughput: '500', seconds: '45' };
const QUICK = { rounds: '2', calls: '10', throughput: '100', seconds: '10' };

const whole = (min: number, max: number) => z.coerce.number<string>().int().min(min).max(max);
const schema = z.object({
  rounds: whole(2, 100),
  calls: whole(5, 10_000),
  throughput: whole(10, 10_000),
  seconds: whole(1, 3_600),
  out: z.string().min(1),
  json: z.boolean().default(false),
});

/** @returns null if help was asked for. @throws BenchError USAGE */
export function parseOptions(args: readonly string[], results: string): AttestationBenchOptions | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        rounds: text,
        calls: text,
        throughput: text,
        seconds: text,
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
  const parsed = schema.safeParse({ ...(quick ? QUICK : DEFAULTS), out: quick ? '-' : results, ...values });
  if (!parsed.success) throw usage(z.prettifyError(parsed.error));
  const { out, throughput, ...rest } = parsed.data;
  return { ...rest, throughputMs: throughput, out: out === '-' ? null : out };
}

function usage(why: string): BenchError {
  return new BenchError('USAGE', why, 'npm run bench:attestation -- --help lists the options');
}
