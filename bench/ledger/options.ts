import { choices, whole, words, type Options } from '../frame/options.ts';

export const OPTIONS = {
  parts: choices(['process', 'grpc', 'start', 'memory', 'restart']),
  rounds: whole({ usual: 5, quick: 2, min: 1, max: 100 }),
  transactions: whole({ usual: 2_000, quick: 200, min: 10, max: 100_000 }, 'in process, a round'),
  calls: whole({ usual: 1_000, quick: 100, min: 10, max: 100_000 }, 'over gRPC, a round and concurrency'),
  memory: whole(
    { usual: 100_000, quick: 2_000, min: 100, max: 1_000_000 },
    'transactions before memory is read',
  ),
  restart: whole(
    { usual: 100_000, quick: 2_000, min: 100, max: 1_000_000 },
    'transactions in the journal that is opened again',
  ),
  only: words('subjects in process whose name has one of these, comma separated'),
} satisfies Options;
