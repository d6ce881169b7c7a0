import { InvalidArgumentError, type Command } from 'commander';

import { addKeyServerCommands } from './key-server.ts';
import { CONFIG, JSON_OUTPUT, type Common } from './options.ts';

// Only declares; what a command does is loaded when it is called.

/** Each part as a process of its own. */
export function addRoles(program: Command): void {
  program
    .command('ledger')
    .description('role: the embedded Sui ledger (gRPC-web)')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on, 0 for any', port, 0)
    .requiredOption('--trust-anchor <pem>', 'root certificate of the attestation documents it accepts')
    .option('--data-dir <dir>', 'keep the chain in this folder and continue it; in memory unless given')
    .action(async (options: { host: string; port: number; trustAnchor: string; dataDir?: string }) => {
      const [{ runRole }, { startLedger }] = await Promise.all([
        import('../roles/role.ts'),
        import('../roles/ledger.ts'),
      ]);
      await runRole(() => startLedger(options));
    });
  program
    .command('enclave')
    .description('role: the process inside the enclave (extender, decision log)')
    .option(...CONFIG)
    .action(async (options: Common) => {
      const [{ runRole }, { startEnclave }] = await Promise.all([
        import('../roles/role.ts'),
        import('../roles/enclave.ts'),
      ]);
      await runRole((signal) => startEnclave(options.config, signal));
    });
  program
    .command('webhook')
    .description('role: the admission webhook and the stake controller')
    .option(...CONFIG)
    .action(async (options: Common) => {
      const [{ runRole }, { startWebhook }] = await Promise.all([
        import('../roles/role.ts'),
        import('../roles/webhook.ts'),
      ]);
      await runRole(() => startWebhook(options.config));
    });
  addAttestProxy(program);
  addRegistrar(program);
  addRelay(program);
  addKeyServerCommands(program.command('key-server'));
}

function addRegistrar(program: Command): void {
  const registrar = program
    .command('registrar')
    .enablePositionalOptions()
    .description('role: registers each boot of the enclave on chain, and pays for it within a budget')
    .option('--once', 'register the boot that runs, if it is not, and end; 75 means: try again later')
    .option('--new-state', 'begin new books where the old are lost; never in a unit file')
    .option(...CONFIG)
    .action(async (options: { once?: boolean; newState?: boolean } & Common) => {
      const [{ runRole }, { registerOnce, startRegistrar }] = await Promise.all([
        import('../roles/role.ts'),
        import('../roles/registrar.ts'),
      ]);
      const how = { newState: options.newState ?? false };
      if (options.once === true) process.exitCode = await registerOnce(options.config, how);
      else await runRole(() => startRegistrar(options.config, how));
    });
  registrar
    .command('status')
    .description('what is left of its budget, the last registrations, and what it waits for')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (options: Common) => {
      const { showRegistrar } = await import('./registrar-status.ts');
      process.exitCode = await showRegistrar({ json: options.json ?? false }, options.config);
    });
}

function addRelay(program: Command): void {
  program
    .command('relay')
    .description(
      "role: brings the enclave's releases of sealed secrets to the chain, and pays within a budget",
    )
    .option('--new-state', 'begin new books where the old are lost; never in a unit file')
    .option(...CONFIG)
    .action(async (options: { newState?: boolean } & Common) => {
      const [{ runRole }, { startRelay }] = await Promise.all([
        import('../roles/role.ts'),
        import('../roles/relay.ts'),
      ]);
      await runRole(() => startRelay(options.config, { newState: options.newState ?? false }));
    });
}

function addAttestProxy(program: Command): void {
  program
    .command('attest-proxy')
    .description('role: beside kube-scheduler; attests the enclave, pins its TLS key and forwards to it')
    .option('--once', 'attest and connect once, say each thing that was checked, and end')
    .option(...CONFIG)
    .option('--json', 'with --once: answer with one JSON document')
    .action(async (options: { once?: boolean } & Common) => {
      if (options.once === true) {
        const { attestOnce } = await import('../attest-proxy/once.ts');
        await attestOnce({ json: options.json ?? false }, options.config);
        return;
      }
      const [{ runRole }, { startAttestProxy }] = await Promise.all([
        import('../roles/role.ts'),
        import('../roles/attest-proxy.ts'),
      ]);
      await runRole(() => startAttestProxy(options.config));
    });
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535');
}
