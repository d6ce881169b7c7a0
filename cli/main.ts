import { Command, CommanderError } from 'commander';

import { addChainCommands } from './commands/chain.ts';
import { addImages, addNodes, addStakes } from './commands/cluster.ts';
import { addInspection } from './commands/inspection.ts';
import { JSON_OUTPUT, type Common } from './commands/options.ts';
import { addRoles } from './commands/roles.ts';
import { addSecretCommands } from './commands/secret.ts';
import { reportFailure } from './output.ts';

/** Runs `daas ARGS…`; sets the exit code. Commands are loaded when they are called, so that --help is instant. */
export async function run(args: readonly string[]): Promise<void> {
  const program = createProgram();
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.exitCode = reportFailure(error, args.includes('--json'));
  }
}

function createProgram(): Command {
  const program = new Command('daas')
    .description('Kubernetes on machines that strangers own, where nobody has to be trusted')
    .exitOverride()
    // Options after a command are that command's, also where its parent has one of the same name.
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(daas --help lists the commands)');
  program.commandsGroup('A whole installation:');
  addInstallation(program);
  program.commandsGroup('Secrets:');
  addSecretCommands(
    program.command('secret').description('secrets that only the pods they are for can open'),
  );
  program.commandsGroup('Check and understand:');
  addInspection(program);
  program.commandsGroup('The cluster, for the owner of its ClusterCap:');
  addImages(program.command('image').description('enclave images that the cluster accepts'));
  program.commandsGroup('Nodes and stakes:');
  addNodes(program.command('node').description('nodes and the stakes behind them'));
  addStakes(program.command('stake').description('stake positions'));
  program.commandsGroup('The chain, useful by itself:');
  addChainCommands(
    program.command('chain').description('an embedded Sui; publication and inspection on any Sui network'),
  );
  program.commandsGroup('Parts, each a process of its own:');
  addRoles(program);
  return program;
}
function addInstallation(program: Command): void {
  program
    .command('up')
    .description(
      'a whole installation on loopback: control plane, chain, enclave, webhook; places pods and shows what is refused',
    )
    .option('--once', 'check every claim, print one JSON object and end')
    .option(
      '--data-dir <dir>',
      'keep everything in this folder; a later start there goes on with the same cluster',
    )
    .action(async (options: { once?: boolean; dataDir?: string }) => {
      const { up } = await import('./commands/up.ts');
      const code = await up({ once: options.once ?? false, dataDir: options.dataDir });
      // Whatever a library still holds open must not keep a finished run alive.
      process.exit(code);
    });
  program
    .command('down')
    .description('end what a crashed `daas up` left behind, and remove its files')
    .option('--data-dir <dir>', 'the folder that `daas up` was given')
    .option(...JSON_OUTPUT)
    .action(async (options: { dataDir?: string } & Common) => {
      const { down } = await import('./commands/down.ts');
      await down({ json: options.json ?? false }, options.dataDir);
    });
}
