// prettier-ignore
type PcrIndex =
  | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15
  | 16 | 17 | 18 | 19 | 20 | 21 | 22 | 23 | 24 | 25 | 26 | 27 | 28 | 29 | 30 | 31;

/** What a verifier may have checked; what is not in a result was not checked. */
export type CheckedRule =
  | 'structure'
  | 'signature'
  | 'root'
  | 'chain'
  | 'validity'
  | 'timestamp'
  | 'age'
  | 'debug'
  | `pcr${PcrIndex}`
  | 'nonce'
  | 'user_data'
  | 'public_key';

/** One rule that held, and what it held for. */
export interface Checked {
  readonly rule: CheckedRule;
  /** For people: one line. */
  readonly found: string;
}

/** One line for people: `rule: found`. */
export function describeChecked({ rule, found }: Checked): string {
  return `${rule}: ${found}`;
}
