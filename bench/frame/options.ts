import { parseArgs } from 'node:util';

import { z } from 'zod';

import { BenchError } from '../errors.ts';

/** One option of a bench: parsing and help come from it. */
export interface Option<T> {
  readonly help: string;
  /** As it would be written on the command line, and what it is instead with `--quick`; null: a flag, without a value. */
  readonly usual: string | null;
  readonly quick: string | null;
  readonly schema: z.ZodType<T>;
  /** What the help shows behind the name, if not the usual value. */
  readonly shown?: string;
}

/** By their names on the command line. */
export type Options = Readonly<Record<string, Option<unknown>>>;

export type Values<O extends Options> = {
  readonly [Name in keyof O]: O[Name] extends Option<infer T> ? T : never;
};

/** What the help says, and the options that only this bench has. */
export interface Described<O extends Options> {
  /** Of package.json: `bench:NAME`. */
  readonly script: string;
  readonly summary: string;
  readonly options: O;
}

export interface Chosen<O extends Options> {
  readonly values: Values<O>;
  /** Folder of the results, or null. */
  readonly out: string | null;
  /** Whether JSON goes to standard output instead of Markdown. */
  readonly json: boolean;
}

/** What is not given, what is not given in a quick run, and the bounds. */
interface Numbers<T> {
  readonly usual: T;
  readonly quick: T;
  readonly min: number;
  readonly max: number;
}

const parts = z.string().transform((text) => text.split(',').map((part) => part.trim()));

/** `--name N` */
export function whole({ usual, quick, ...bounds }: Numbers<number>, help = ''): Option<number> {
  const schema = wholeWithin(bounds);
  return { ...numeric({ usual: `${usual}`, quick: `${quick}`, ...bounds }, help), schema };
}

/** `--name N,N,…` */
export function wholes(numbers: Numbers<string>, help: string): Option<number[]> {
  const schema = parts.pipe(z.array(wholeWithin(numbers)).min(1).max(20));
  return { ...numeric(numbers, help), schema };
}

function wholeWithin({ min, max }: { readonly min: number; readonly max: number }) {
  return z.coerce.number<string>().int().min(min).max(max);
}

function numeric(
  { usual, quick, min, max }: Numbers<string>,
  help: string,
): Pick<Option<unknown>, 'help' | 'usual' | 'quick'> {
  const said = [help, `${min} to ${max}`, quick === usual ? '' : `quick: ${quick}`];
  return { help: said.filter((text) => text !== '').join('; '), usual, quick };
}

/** `--name WORD,WORD,…`: some of those there are, each once and in their order; all of them if it is not given. */
export function choices<const T extends string>(all: readonly T[]): Option<T[]> {
  const some = parts.pipe(z.array(z.enum(all)).min(1));
  const schema = some.transform((chosen) => all.filter((each) => chosen.includes(each)));
  return { help: `of ${all.join(', ')}; all`, usual: all.join(), quick: all.join(), schema, shown: 'LIST' };
}

/** `--name TEXT,TEXT,…` of any words; one empty word if it is not given. */
export function words(help: string): Option<string[]> {
  return { help, usual: '', quick: '', schema: parts, shown: 'WORDS' };
}

/** `--name` */
export function flag(help: string): Option<boolean> {
  return { help, usual: null, quick: null, schema: z.boolean().default(false) };
}

/** Those that all benches have. */
const COMMON = {
  out: {
    help: 'folder of the results; `-`: no files',
    usual: 'bench/results',
    quick: '-',
    schema: z.string().min(1),
  },
  quick: flag('does it work? No files unless --out'),
  json: flag('JSON on standard output instead of the tables'),
  help: flag(''),
} satisfies Options;

/** @param results folder that is written to by default. @returns null if help was asked for. @throws BenchError USAGE */
export function parseOptions<O extends Options>(
  { script, options }: Described<O>,
  args: readonly string[],
  results: string,
): Chosen<O> | null {
  const all: Options = { ...options, ...COMMON };
  const usage = (why: string): BenchError =>
    new BenchError('USAGE', why, `npm run ${script} -- --help lists the options`);
  const given = givenIn(all, args, usage);
  if (given['help'] === true) return null;
  const defaults = given['quick'] === true ? 'quick' : 'usual';
  const read = <T>(name: string, option: Option<T>): T => {
    const text = given[name] ?? option[defaults] ?? undefined;
    const parsed = option.schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw usage(
      `--${name} ${String(text ?? '')}: ${parsed.error.issues.map(({ message }) => message).join('; ')}`,
    );
  };
  const values = Object.entries(options).map(([name, option]) => [name, read(name, option)]);
  const out = read('out', { ...COMMON.out, usual: results });
  return {
    // Each was read by the schema that its type is taken from.
    values: Object.fromEntries(values) as Values<O>,
    out: out === '-' ? null : out,
    json: read('json', COMMON.json),
  };
}

function givenIn(
  options: Options,
  args: readonly string[],
  usage: (why: string) => BenchError,
): Readonly<Record<string, string | boolean | undefined>> {
  const typed = Object.entries(options).map(([name, { usual }]) => {
    const type = usual === null ? ('boolean' as const) : ('string' as const);
    return [name, { type, ...(name === 'help' ? { short: 'h' } : {}) }] as const;
  });
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries(typed) }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

const COLUMN = 24;

export function helpOf({ script, summary, options }: Described<Options>): string {
  const lines = Object.entries<Option<unknown>>({ ...options, ...COMMON }).map(
    ([name, { usual, shown, help }]) =>
      `  ${`--${name} ${shown ?? usual ?? ''}`.padEnd(COLUMN - 1)} ${help}`.trimEnd(),
  );
  return `npm run ${script} -- [options]\n\n${summary}\n\n${lines.join('\n')}\n`;
}
