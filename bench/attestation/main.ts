import { realAbsent } from '../../enclave/attestation/verify/test/sources.ts';
import { runCommand } from '../frame/command.ts';
import { measure } from './measure.ts';
import { OPTIONS } from './options.ts';
import { reportOf } from './report.ts';
import { subjectsOf } from './subjects.ts';
import { Workers } from './throughput.ts';
import { makeWorld } from './world.ts';

const DOCUMENTS = 16;

const summary = `Measures the verifier of attestation documents: p50 and p99 of a whole verification and of one with the chain in a
cache, next to node:crypto alone, cose-js, @auth0/cose and @peculiar/x509; verifications a second on all cores. Every
subject has its turn in each round. Half a minute on a quiet machine.`;

process.exitCode = await runCommand(
  {
    script: 'bench:attestation',
    summary,
    options: OPTIONS,
    measure: async (limits, progress) => {
      if (realAbsent !== false) progress(realAbsent);
      const world = await makeWorld(DOCUMENTS);
      const subjects = subjectsOf(world);
      const workers = await Workers.start(world);
      try {
        const measured = await measure(subjects, workers, limits, progress);
        const groups = new Map(subjects.map(({ name, group }) => [name, group]));
        return reportOf(measured, groups, workers.count);
      } finally {
        await workers.end();
      }
    },
  },
  process.argv.slice(2),
);
