import { whole, type Options } from '../frame/options.ts';

export const OPTIONS = {
  rounds: whole({ usual: 20, quick: 2, min: 1, max: 200 }, 'pods of each kind that are measured'),
} satisfies Options;
