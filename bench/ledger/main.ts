import { runCommand } from '../frame/command.ts';
import { measureGrpc } from './grpc.ts';
import { inProcessSubjects } from './in-process.ts';
import { measure } from './measure.ts';
import { measureMemory } from './memory.ts';
import { OPTIONS } from './options.ts';
import { reportOf } from './report.ts';
import { measureRestart } from './restart.ts';
import { measureStart } from './start.ts';

const summary = `Measures the embedded ledger: transactions a second in process and over gRPC-web, view calls, instructions, start to
ready, memory, restart from a journal. Every subject has its turn in each round; the figure is the median of the rounds.`;

process.exitCode = await runCommand(
  {
    script: 'bench:ledger',
    summary,
    options: OPTIONS,
    measure: async ({ parts, rounds, transactions, calls, memory, restart, only }, progress) => {
      const figures = {
        inProcess: parts.includes('process')
          ? await measure(await inProcessSubjects(transactions, only), rounds, progress)
          : [],
        grpc: parts.includes('grpc') ? await measureGrpc(rounds, calls, progress) : [],
        start: parts.includes('start') ? await measureStart(rounds, progress) : [],
        memory: parts.includes('memory') ? await measureMemory(memory, progress) : null,
        restart: parts.includes('restart') ? await measureRestart(restart, rounds, progress) : null,
      };
      return reportOf(figures, rounds);
    },
  },
  process.argv.slice(2),
);
