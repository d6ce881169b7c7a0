/** One check taken out: `from`, which stands in the file exactly once, becomes `to`. */
export interface Edit {
  /** From the root of the repository: a source of the webhook, or a manifest that is applied to the API server. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutation {
  /** More than one where independent checks would each refuse the attack. */
  readonly edits: readonly Edit[];
  /** The attack that then passes; others may, too. */
  readonly attack: string;
  /** What the attack meets then, if it is not `accepted`: the host behind the gate. */
  readonly opened?: RegExp;
}

/** By family of attacks. */
export type Table = Readonly<Record<string, readonly Mutation[]>>;

export const MANIFESTS = 'manifests/base/';

export const edit = (file: string, from: string, to: string): Edit => ({ file, from, to });

export const row = (attack: string, edits: readonly Edit[], opened?: RegExp): Mutation => ({
  attack,
  edits,
  ...(opened === undefined ? {} : { opened }),
});

/** @throws if the text of a check is not there, or not exactly once: such a mutation would show nothing. */
export function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce((now, { file, from, to }) => {
    const parts = now.split(from);
    if (parts.length !== 2) throw new Error(`${file} has this text ${parts.length - 1} times:\n${from}`);
    return parts.join(to);
  }, text);
}
