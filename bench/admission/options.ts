import { whole, type Options, type Values } from '../frame/options.ts';

export const OPTIONS = {
  rounds: whole({ usual: 10, quick: 2, min: 2, max: 100 }),
  calls: whole(
    { usual: 500, quick: 50, min: 5, max: 100_000 },
    'reviews of a kind in a round, one after the other',
  ),
  connections: whole(
    { usual: 8, quick: 4, min: 1, max: 256 },
    'that review at the same time, for reviews a second',
  ),
  throughput: whole({ usual: 1_000, quick: 200, min: 10, max: 60_000 }, 'ms of it, a kind and round'),
  pods: whole({ usual: 200, quick: 20, min: 5, max: 10_000 }, 'created of a kind in a round'),
} satisfies Options;

export type Limits = Values<typeof OPTIONS>;
