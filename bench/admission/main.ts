import { runCommand } from '../frame/command.ts';
import { versionsOf } from '../machine.ts';
import { measure } from './measure.ts';
import { OPTIONS } from './options.ts';
import { reportOf } from './report.ts';
import { reviewsOf } from './reviews.ts';
import { startWorld } from './world.ts';

const summary = `Measures the admission webhook: p50, p99 and reviews a second of a plain pod and of a pod with a sealed secret, over TLS
with kube-apiserver's client certificate; and what the webhooks add to the CREATE of a pod on a real kube-apiserver.
Every subject has its turn in each round. About two minutes on a quiet machine.`;

process.exitCode = await runCommand(
  {
    script: 'bench:admission',
    summary,
    options: OPTIONS,
    measure: async (limits, progress) => {
      const world = await startWorld();
      try {
        const reviews = await reviewsOf(world.api);
        const measured = await measure(world, reviews, limits, progress);
        const bytes = new Map(reviews.map(({ name, body }) => [name, body.length]));
        return reportOf(measured, bytes, limits, versionsOf(world.binaries));
      } finally {
        world.api.close();
        await world.end();
      }
    },
  },
  process.argv.slice(2),
);
