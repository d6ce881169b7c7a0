import { runCommand } from '../frame/command.ts';
import { measure } from './measure.ts';
import { OPTIONS } from './options.ts';
import { reportOf } from './report.ts';

const summary = `Measures one key server with what SealClient sends over an embedded chain: p50, p99 and requests a second, as a ratio to
the bare computation in the same round. A minute on a quiet machine.`;

process.exitCode = await runCommand(
  {
    script: 'bench:key-server',
    summary,
    options: OPTIONS,
    measure: async (limits, progress) => reportOf(await measure(limits, progress), limits.rounds),
  },
  process.argv.slice(2),
);
