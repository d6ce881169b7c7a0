import { isRow, type Case, type Disagreement, type Row, type RowKind } from './compare.ts';
import type { Round } from './round.ts';
import type { Stop } from './vm.ts';

/** A case made wrong in one place. */
export interface Flip {
  readonly what: string;
  readonly test: Case;
  /** The row that is wrong; null where the end is. */
  readonly row: Row | null;
}

const ROW_KINDS: readonly RowKind[] = ['value', 'object', 'id', 'event', 'count'];

function flippedRow(kind: RowKind, cases: readonly Case[]): Flip {
  const ofKind = (line: string | Row): line is Row => isRow(line) && line.kind === kind;
  const test = cases.find(({ lines }) => lines.some(ofKind));
  // The last one: all rows before it must hold.
  const row = test?.lines.filter(ofKind).at(-1);
  if (test === undefined || row === undefined) throw new Error(`no row of kind ${kind}`);
  const { length } = row.expected;
  const expected = row.expected.map((byte, i) => (i === length - 1 ? byte ^ 1 : byte));
  const wrong = { ...row, expected };
  const lines = test.lines.map((line) => (line === row ? wrong : line));
  return { what: kind, test: { name: `flipped_${kind}`, lines, stop: test.stop }, row: wrong };
}

function flippedStop(
  what: string,
  cases: readonly Case[],
  fits: (stop: Stop) => boolean,
  change: (stop: Stop) => Stop | null,
): Flip {
  const test = cases.find(({ stop }) => stop !== null && fits(stop));
  const stop = test?.stop;
  if (test === undefined || stop === undefined || stop === null)
    throw new Error(`nothing to flip for ${what}`);
  return { what, test: { ...test, name: `flipped_${what}`, stop: change(stop) }, row: null };
}

/** One wrong copy for each kind of comparison, each wrong by one bit or one name. */
export function flips({ arithmetic, sequences }: Round): Flip[] {
  const tests = sequences.map(({ test }) => test);
  const abort = ({ kind, code }: Stop): boolean => kind === 'abort' && code < 1n << 63n;
  const elsewhere = (stop: Stop): Stop => ({
    ...stop,
    module: stop.module === 'cluster' ? 'staking' : 'cluster',
  });
  const overflow = ({ kind }: Stop): boolean => kind === 'arithmetic';
  return [
    ...ROW_KINDS.map((kind) => flippedRow(kind, tests)),
    flippedRow('value', arithmetic),
    flippedStop('abort_code', tests, abort, (stop) => ({ ...stop, code: stop.code ^ 1n })),
    flippedStop('abort_location', tests, abort, elsewhere),
    flippedStop('abort_left_out', tests, abort, () => null),
    flippedStop('arithmetic_error', arithmetic, overflow, (stop) => ({ ...stop, kind: 'vector', code: 1n })),
    flippedStop('arithmetic_location', arithmetic, overflow, elsewhere),
    flippedStop('arithmetic_left_out', arithmetic, overflow, () => null),
  ].map((flip, i) => ({ ...flip, test: { ...flip.test, name: `${flip.test.name}_${i}` } }));
}

/** Whether the flip was noticed, and exactly where it is. */
export function noticed({ test, row }: Flip, disagreements: readonly Disagreement[]): boolean {
  const found = disagreements.filter((one) => one.test === test);
  return found.length === 1 && found[0]?.row === row;
}
