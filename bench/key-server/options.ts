import { whole, type Options, type Values } from '../frame/options.ts';

export const OPTIONS = {
  rounds: whole({ usual: 7, quick: 2, min: 2, max: 100 }),
  calls: whole(
    { usual: 60, quick: 10, min: 2, max: 1_000 },
    'of a subject in a round, each for an identity of its own',
  ),
} satisfies Options;

export type Limits = Values<typeof OPTIONS>;
