import { whole, type Options, type Values } from '../frame/options.ts';

export const OPTIONS = {
  rounds: whole({ usual: 12, quick: 2, min: 2, max: 100 }),
  calls: whole(
    { usual: 50, quick: 10, min: 5, max: 10_000 },
    'of a subject in a round; the slowest make fewer',
  ),
  throughput: whole({ usual: 500, quick: 100, min: 10, max: 10_000 }, 'ms on all cores, a subject and round'),
  seconds: whole({ usual: 45, quick: 10, min: 1, max: 3_600 }, 'no round begins later than this'),
} satisfies Options;

export type Limits = Values<typeof OPTIONS>;
