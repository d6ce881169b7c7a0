import type { Command } from 'commander';

import { CONFIG, JSON_OUTPUT, KEY, type Common } from './options.ts';

// Only declares; what a command does is loaded when it is called.

/** `daas key-server …`: one of Seal's key servers, its key and its object on chain. */
export function addKeyServerCommands(keyServer: Command): void {
  keyServer
    .enablePositionalOptions()
    .description("role: one of Seal's key servers, which opens what a policy on chain lets it open")
    .option('--name <name>', 'which of keyServers in the configuration')
    .option(...CONFIG)
    .action(async (options: Common & { name?: string }) => {
      const [{ runRole }, { startKeyServer }, { requireOption }] = await Promise.all([
        import('../roles/role.ts'),
        import('../roles/key-server.ts'),
        import('../key-server/manage.ts'),
      ]);
      const name = requireOption(options.name, '--name');
      await runRole(() => startKeyServer(options.config, name));
    });
  keyServer
    .command('new-key <file>')
    .description('make a master key in a new file; prints the public key')
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: Common) => {
      const { newMasterKey } = await import('../key-server/manage.ts');
      await newMasterKey({ json: options.json ?? false }, file);
    });
  keyServer
    .command('register <name>')
    .description('register a key server on chain; prints the id of its object')
    .requiredOption('--package <id>', 'the published seal_key_server')
    .requiredOption('--url <url>', 'where its clients reach it')
    .requiredOption('--master-key <file>', 'from daas key-server new-key; only its public key is used')
    .option(...KEY)
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .addHelpText(
      'after',
      '\nExample:\n  daas key-server new-key one.key\n  daas key-server register one --package 0x… --url https://seal-1.example --master-key one.key\n',
    )
    .action(
      async (
        name: string,
        options: Common & { key?: string; package: string; url: string; masterKey: string },
      ) => {
        const { registerOnChain } = await import('../key-server/manage.ts');
        await registerOnChain({ json: options.json ?? false }, options.config, { ...options, name });
      },
    );
  keyServer
    .command('set-url <object> <url>')
    .description('give a registered key server another address')
    .requiredOption('--package <id>', 'the published seal_key_server')
    .option(...KEY)
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (object: string, url: string, options: Common & { key?: string; package: string }) => {
      const { moveOnChain } = await import('../key-server/manage.ts');
      await moveOnChain({ json: options.json ?? false }, options.config, { ...options, object, url });
    });
}
