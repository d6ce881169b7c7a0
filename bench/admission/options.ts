import { parseArgs } from 'node:util';

import { z } from 'zod';

import { BenchError } from '../errors.ts';
import type { Limits } from './measure.ts';

export interface AdmissionBenchOptions extends Limits {
  /** Folder of the results, or null. */
  readonly out: string | null;
  /** Whether JSON goes to standard output instead of the tables. */
  readonly json: boolean;
}

export const HELP = `npm run bench:admission -- [options]

Measures the admission webhook: p50, p99 and reviews a second of a plain pod and of a pod with a sealed secret, over TLS
with kube-apiserver's client certificate; and what the webhooks add to the CREATE of a pod on a real kube-apiserver.
Every subject has its turn in each round. About two minutes on a quiet machine.

  --rounds 10
  --calls 500             reviews of a kind in a round
  --connections 8         that review at the same time, for throughput
  --throughput 1000       ms of it, a kind and round
  --pods 200              created of a kind in a round
  --out bench/results     folder of admission-latest.json and .md; \`-\` writes none
  --quick                 2 small rounds; writes none unless --out
  --json                  JSON on standard output instead of the tables
  --help
`;

const DEFAULTS = { rounds: '10', calls: '500', connections: '8', throughput: '1000', pods: '200' };
const QUICK = { rounds: '2', calls: '50', connections: '4', throughput: '200', pods: '20' };

const whole = (min: number, max: number) => z.coerce.number<string>().int().min(min).max(max);
const schema = z.object({
  rounds: whole(2, 100),
  calls: whole(5, 100_000),
  connections: whole(1, 256),
  throughput: whole(10, 60_000),
  pods: whole(5, 10_000),
  out: z.string().min(1),
  json: z.boolean().default(false),
});

/** @returns null if help was asked for. @throws BenchError USAGE */
export function parseOptions(args: readonly string[], results: string): AdmissionBenchOptions | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        rounds: text,
        calls: text,
        connections: text,
        throughput: text,
        pods: text,
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
  return new BenchError('USAGE', why, 'npm run bench:admission -- --help lists the options');
}
