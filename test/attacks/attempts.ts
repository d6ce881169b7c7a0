import type { Test } from 'tap';

import { stateOf } from './state.ts';
import type { World } from './world.ts';

/** Counts over all families; an attack is refused if it met exactly the expected refusal and changed nothing. */
export interface Tally {
  attacks: number;
  refused: number;
}

export interface Attempts {
  /** An attack: `act` says what came of it, in one word. */
  readonly attack: (name: string, expected: string, act: () => Promise<string>) => Promise<void>;
  /** The honest call that an attack differs from in one point: it passes, or the attacks beside it prove nothing. */
  readonly control: (name: string, act: () => Promise<string>) => Promise<void>;
}

export function attempts(t: Test, world: World, tally: Tally, chainAnswers = true): Attempts {
  return {
    async attack(name, expected, act) {
      const before = await stateOf(world, chainAnswers);
      const got = await act();
      const after = await stateOf(world, chainAnswers);
      const met = t.equal(got, expected, name);
      const unchanged = t.strictSame(after, before, `${name}: nothing has changed`);
      tally.attacks += 1;
      if (met && unchanged) tally.refused += 1;
    },
    async control(name, act) {
      t.equal(await act(), 'accepted', `control: ${name}`);
    },
  };
}
