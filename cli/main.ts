import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

import type { AttestationOptions, DocumentOptions } from './commands/attestation.ts';
import { addChainCommands } from './commands/chain.ts';
import { addKeyServerCommands } from './commands/key-server.ts';
import type { ClaimOptions } from './commands/node.ts';
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

const CONFIG = ['-c, --config <file>', 'daas.yaml; DAAS_CONFIG names it otherwise'] as const;
const JSON_OUTPUT = ['--json', 'answer with one JSON document'] as const;

interface Common {
  readonly config?: string;
  readonly json?: boolean;
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

function addRoles(program: Command): void {
  program
    .command('ledger')
    .description('role: the embedded Sui ledger (gRPC-web)')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on, 0 for any', port, 0)
    .requiredOption('--trust-anchor <pem>', 'root certificate of the attestation documents it accepts')
    .option('--data-dir <dir>', 'keep the chain in this folder and continue it; in memory unless given')
    .action(async (options: { host: string; port: number; trustAnchor: string; dataDir?: string }) => {
      const [{ runRole }, { startLedger }] = await Promise.all([
        import('./roles/role.ts'),
        import('./roles/ledger.ts'),
      ]);
      await runRole(() => startLedger(options));
    });
  program
    .command('enclave')
    .description('role: the process inside the enclave (extender, decision log)')
    .option(...CONFIG)
    .action(async (options: Common) => {
      const [{ runRole }, { startEnclave }] = await Promise.all([
        import('./roles/role.ts'),
        import('./roles/enclave.ts'),
      ]);
      await runRole((signal) => startEnclave(options.config, signal));
    });
  program
    .command('webhook')
    .description('role: the admission webhook and the stake controller')
    .option(...CONFIG)
    .action(async (options: Common) => {
      const [{ runRole }, { startWebhook }] = await Promise.all([
        import('./roles/role.ts'),
        import('./roles/webhook.ts'),
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
        import('./roles/role.ts'),
        import('./roles/registrar.ts'),
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
      const { showRegistrar } = await import('./commands/registrar-status.ts');
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
        import('./roles/role.ts'),
        import('./roles/relay.ts'),
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
        const { attestOnce } = await import('./attest-proxy/once.ts');
        await attestOnce({ json: options.json ?? false }, options.config);
        return;
      }
      const [{ runRole }, { startAttestProxy }] = await Promise.all([
        import('./roles/role.ts'),
        import('./roles/attest-proxy.ts'),
      ]);
      await runRole(() => startAttestProxy(options.config));
    });
}

function addInspection(program: Command): void {
  const verify = program.command('verify').description('check proofs');
  verify
    .command('pod <name>')
    .description('the proof of one placement: receipt, enclave, stake, and Move’s own verdict')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (name: string, options: { namespace: string } & Common) => {
      const { verifyPod } = await import('./commands/verify-pod.ts');
      process.exitCode = await verifyPod(
        { json: options.json ?? false },
        options.config,
        options.namespace,
        name,
      );
    });
  verify
    .command('log <file>')
    .description('replay a decision log: hash chain, sequences, signatures, costs, shortlists, scores, lags')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: Common) => {
      const { verifyLog } = await import('./commands/verify-log.ts');
      process.exitCode = await verifyLog({ json: options.json ?? false }, options.config, file);
    });
  verify
    .command('receipt <file>')
    .description('an exported receipt (JWS), with the key of its session as the chain holds it')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: Common) => {
      const { verifyReceiptFile } = await import('./commands/receipt.ts');
      await verifyReceiptFile({ json: options.json ?? false }, options.config, file);
    });
  program
    .command('receipt')
    .description('receipts of placements')
    .command('export <pod>')
    .description('the receipt of a placement as JWS (RFC 7515), for readers of JSON and JOSE')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option('--out <file>', 'write it there instead of standard output')
    .option(...CONFIG)
    .action(async (pod: string, options: { namespace: string; out?: string } & Common) => {
      const { exportReceipt } = await import('./commands/receipt.ts');
      await exportReceipt(options.config, options.namespace, pod, options.out);
    });
  const explain = program.command('explain').description('why things are where they are');
  explain
    .command('pod <name>')
    .description('why this node: shortlist, lags, scores, and who was left out')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (name: string, options: { namespace: string } & Common) => {
      const { explainPod } = await import('./commands/explain-pod.ts');
      await explainPod({ json: options.json ?? false }, options.config, options.namespace, name);
    });
  explain
    .command('manifest <file>')
    .description('where a Pod manifest would be placed now; nothing is decided or changed')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: Common) => {
      const { explainManifest } = await import('./commands/explain-manifest.ts');
      await explainManifest({ json: options.json ?? false }, options.config, file);
    });
  addAttestation(program.command('attestation').description('attestation documents of AWS Nitro enclaves'));
}

function addAttestation(attestation: Command): void {
  const encoding = (): Option =>
    new Option('--encoding <encoding>', 'how the file holds the document')
      .choices(['raw', 'base64', 'hex'])
      .default('raw');
  attestation
    .command('verify <file>')
    .description('verify a document against what is expected of it; `-` reads standard input')
    .requiredOption('--pcr0 <hex>', 'expected PCR0 (image), 96 hex digits')
    .requiredOption('--pcr1 <hex>', 'expected PCR1 (kernel and boot)')
    .requiredOption('--pcr2 <hex>', 'expected PCR2 (application)')
    .option(
      '--pcr <n=hex>',
      'another expected PCR, 3 to 31; may be repeated',
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .option('--nonce <hex>', 'expected nonce; where it is not given, any passes')
    .option('--user-data <hex>', 'expected user_data')
    .option('--public-key <hex>', 'expected public_key')
    .option('--root <pem>', 'trust anchor; the AWS Nitro root otherwise')
    .addOption(
      new Option(
        '--at <time>',
        'live: certificates valid `now`, at most --age-max old; or replay: at the time of the `document`',
      )
        .choices(['now', 'document'])
        .default('now'),
    )
    .option('--age-max <seconds>', 'oldest document taken with --at now', '300')
    .addOption(encoding())
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: AttestationOptions & Common) => {
      const { verifyAttestationFile } = await import('./commands/attestation.ts');
      await verifyAttestationFile({ json: options.json ?? false }, file, options);
    });
  attestation
    .command('show <file>')
    .description('what a document claims, in plain words; verifies nothing; `-` reads standard input')
    .addOption(encoding())
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: DocumentOptions & Common) => {
      const { showAttestationFile } = await import('./commands/attestation.ts');
      await showAttestationFile({ json: options.json ?? false }, file, options);
    });
}

const KEY = ['--key <file>', 'Sui key that signs (suiprivkey…); client.suiKeyFile otherwise'] as const;

function addImages(image: Command): void {
  image
    .command('list')
    .description('accepted images by config version, with their measurements')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (options: Common) => {
      const { listImages } = await import('./commands/image.ts');
      await listImages({ json: options.json ?? false }, options.config);
    });
  image
    .command('accept')
    .description('accept an image by its measurements (docs/enclave-image.md)')
    .requiredOption('--pcr0 <hex>', 'PCR0, 96 hex digits')
    .requiredOption('--pcr1 <hex>', 'PCR1')
    .requiredOption('--pcr2 <hex>', 'PCR2')
    .option(...KEY)
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (options: { pcr0: string; pcr1: string; pcr2: string } & Signed) => {
      const { acceptImage } = await import('./commands/image.ts');
      await acceptImage({ json: options.json ?? false }, options.config, options);
    });
  image
    .command('retire <version>')
    .description('retire an image for good: its session ends at once')
    .option(...KEY)
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (version: string, options: Signed) => {
      const { retireImage } = await import('./commands/image.ts');
      await retireImage({ json: options.json ?? false }, options.config, { ...options, version });
    });
}

function addNodes(node: Command): void {
  node
    .command('list')
    .description('claimed nodes: stake, owner, whether they are eligible and why not')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (options: Common) => {
      const { listNodes } = await import('./commands/node.ts');
      await listNodes({ json: options.json ?? false }, options.config);
    });
  node
    .command('key <file>')
    .description("make the node's Ed25519 key")
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: Common) => {
      const { createNodeKey } = await import('./commands/node.ts');
      await createNodeKey({ json: options.json ?? false }, file);
    });
  node
    .command('claim <name>')
    .description('bind a stake to a node name, its key and its capacity')
    .requiredOption('--stake <position>', 'the position that stands behind the node')
    .requiredOption('--node-key <file>', 'from daas node key')
    .requiredOption('--certificate <pem>', "the kubelet's client certificate")
    .requiredOption('--cpu <quantity>', 'CPUs that the node offers, e.g. 4')
    .requiredOption('--memory <quantity>', 'memory that the node offers, e.g. 8Gi')
    .option(...KEY)
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (name: string, options: ClaimOptions & Common) => {
      const { claim } = await import('./commands/node.ts');
      await claim({ json: options.json ?? false }, options.config, name, options);
    });
  node
    .command('leave')
    .description('free a stake from its node')
    .requiredOption('--stake <position>', 'the position that stands behind the node')
    .option(...KEY)
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (options: { stake: string; key?: string } & Common) => {
      const { leaveNode } = await import('./commands/node.ts');
      await leaveNode({ json: options.json ?? false }, options.config, options);
    });
}

type Signed = Common & { readonly key?: string };

function addStakes(stake: Command): void {
  const signed = (name: string, description: string): Command =>
    stake
      .command(name)
      .description(description)
      .option(...KEY)
      .option(...CONFIG)
      .option(...JSON_OUTPUT);
  stake
    .command('list')
    .description('the positions behind nodes')
    .option('--owner <address>', 'only those of this address')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (options: { owner?: string } & Common) => {
      const { listStakes } = await import('./commands/stake.ts');
      await listStakes({ json: options.json ?? false }, options.config, options.owner);
    });
  signed('create <mist>', "stake MIST from the signer's coins")
    .option('--role <role>', 'user, node or admin', 'node')
    .action(async (mist: string, options: Signed & { role: string }) => {
      const { createStake } = await import('./commands/stake.ts');
      await createStake({ json: options.json ?? false }, options.config, { ...options, mist });
    });
  signed('top-up <position> <mist>', 'add to a position').action(
    async (position: string, mist: string, options: Signed) => {
      const { topUpStake } = await import('./commands/stake.ts');
      await topUpStake({ json: options.json ?? false }, options.config, { ...options, position, mist });
    },
  );
  signed('unbond <position> <mist>', 'begin to take out; it can be withdrawn after the delay').action(
    async (position: string, mist: string, options: Signed) => {
      const { unbondStake } = await import('./commands/stake.ts');
      await unbondStake({ json: options.json ?? false }, options.config, { ...options, position, mist });
    },
  );
  signed('withdraw <position>', 'pay out what has finished unbonding').action(
    async (position: string, options: Signed) => {
      const { withdrawStake } = await import('./commands/stake.ts');
      await withdrawStake({ json: options.json ?? false }, options.config, { ...options, position });
    },
  );
  signed('slash <position> <mist>', 'take from a position, as the owner of the ClusterCap')
    .requiredOption('--reason <text>', 'what for; goes into the event')
    .action(async (position: string, mist: string, options: Signed & { reason: string }) => {
      const { slashStake } = await import('./commands/stake.ts');
      await slashStake({ json: options.json ?? false }, options.config, { ...options, position, mist });
    });
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new InvalidArgumentError('a port is a whole number from 0 to 65535');
}
