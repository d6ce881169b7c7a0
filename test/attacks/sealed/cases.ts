import type { SealedWorld } from './world.ts';

/** One attack: `act` says what came of it, in one word. */
export interface Attack {
  readonly name: string;
  /** The refusal that it must meet. */
  readonly expected: string;
  readonly act: () => Promise<string>;
}

/** The honest call that attacks differ from in one point: it passes, or the attacks beside it prove nothing. */
export interface Control {
  readonly name: string;
  readonly act: () => Promise<string>;
}

export interface Cases {
  readonly controls: readonly Control[];
  readonly attacks: readonly Attack[];
  /** What passes again once `restore` has put things back. */
  readonly recovered?: readonly Control[];
}

export interface Family {
  readonly name: string;
  readonly prepare: (world: SealedWorld) => Promise<Cases>;
  /** Puts back what `prepare` changed for everyone. */
  readonly restore?: (world: SealedWorld) => Promise<void>;
  /** Puts back what attacks changed that passed, since a check was taken out (../mutations). */
  readonly mend?: (world: SealedWorld) => Promise<void>;
}

/** Rows of attacks, as they are written: name, refusal, act. */
export function rows(
  prefix: string,
  list: readonly (readonly [name: string, expected: string, act: () => Promise<string>])[],
): Attack[] {
  return list.map(([name, expected, act]) => ({ name: `${prefix}: ${name}`, expected, act }));
}
