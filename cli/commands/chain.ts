import { type Command, InvalidArgumentError } from 'commander';

import type { TargetOptions } from '../chain-target.ts';
import type { Output } from '../output.ts';
import type { PublishOptions } from './chain-publish.ts';
import { JSON_OUTPUT } from './options.ts';

// Only declares; what a command does is loaded when it is called.

interface Common extends TargetOptions {
  readonly json?: boolean;
}

const outputOf = ({ json }: { readonly json?: boolean }): Output => ({ json: json ?? false });

/** A command that talks to a node. */
function onNode(parent: Command, name: string, description: string, isDefault = false): Command {
  return parent
    .command(name, { isDefault })
    .description(description)
    .option('--network <network>', 'embedded, localnet, devnet, testnet or mainnet')
    .option('--url <url>', 'gRPC endpoint of the node; http://127.0.0.1:9000 for an embedded one')
    .option(
      '-c, --config <file>',
      'daas.yaml, whose section chain names the node; DAAS_CONFIG or ./daas.yaml otherwise',
    )
    .option(...JSON_OUTPUT);
}

/** `daas chain …`: the embedded ledger by itself, and publication on any network. */
export function addChainCommands(chain: Command): void {
  addUp(chain);
  addPublish(chain);
  onNode(chain, 'faucet <address>', 'a coin out of nothing, on an embedded ledger')
    .option('--mist <amount>', 'how much; 10 SUI unless given')
    .action(async (address: string, options: Common & { mist?: string }) => {
      const { chainFaucet } = await import('./chain-steer.ts');
      await chainFaucet(outputOf(options), address, options);
    });
  addInspect(chain.command('inspect').description('look into any Sui chain'));
  addClock(chain.command('clock').description('time of a ledger started with --clock-start-ms'));
  onNode(chain, 'snapshot', 'have the ledger write a snapshot of its state, which makes its next start fast')
    .option('--to <file>', 'and copy it to this file')
    .action(async (options: Common & { to?: string }) => {
      const { takeSnapshot } = await import('./chain-steer.ts');
      await takeSnapshot(outputOf(options), options);
    });
}

interface UpOptions {
  readonly port: number;
  readonly dataDir?: string;
  readonly restore?: string;
  readonly clockStartMs?: number;
  readonly seed?: string;
  readonly trustAnchor?: string;
  readonly json?: boolean;
}

function addUp(chain: Command): void {
  chain
    .command('up')
    .description('run an embedded Sui ledger on loopback until Ctrl-C')
    .option('--port <port>', 'port to listen on, 0 for any', whole(65_535), 9000)
    .option('--data-dir <dir>', 'keep the chain in this folder and continue it; in memory unless given')
    .option(
      '--restore <file>',
      'with a new --data-dir: begin from a snapshot that `daas chain snapshot --to` wrote',
    )
    .option(
      '--clock-start-ms <ms>',
      'time stands still there until `daas chain clock` moves it',
      whole(253_402_300_799_999),
    )
    .option('--seed <text>', 'with --clock-start-ms: the same text makes the same chain id')
    .option(
      '--trust-anchor <pem>',
      "root of the attestation documents it accepts; AWS's Nitro root unless given",
    )
    .option('--json', 'announce it as one JSON document')
    .action(async (options: UpOptions) => {
      const { chainUp } = await import('./chain-up.ts');
      await chainUp(outputOf(options), options);
    });
}

interface PublishFlags extends Omit<PublishOptions, 'config'> {
  /** True where neither --config nor --no-config is given. */
  readonly config: string | boolean;
  readonly json?: boolean;
}

function addPublish(chain: Command): void {
  chain
    .command('publish [dir]')
    .description(
      'compile and publish a Move package, and write its address into daas.yaml; ours unless DIR is given',
    )
    .option('--all', 'every package of this project')
    .option('--network <network>', 'embedded (the default), localnet, devnet, testnet or mainnet')
    .option('--url <url>', "gRPC endpoint of the node; Mysten's public one of the network unless given")
    .option('--key-file <file>', 'key that pays and signs: suiprivkey… or a sui.keystore, mode 600')
    .option('--generate <file>', 'make a new key in this file')
    .option('--address <address>', 'which key of a sui.keystore')
    .option(
      '--upgrade-policy <policy>',
      'immutable, timelock or keep (at will); no default on public networks',
    )
    .option('--delay <duration>', 'with timelock: from announcement to upgrade, 1d to 365d; 7d unless given')
    .option('-c, --config <file>', 'the daas.yaml to write into; DAAS_CONFIG or ./daas.yaml otherwise')
    .option('--no-config', 'write nothing down')
    .option('--force', "replace another network's addresses in daas.yaml")
    .option('--dry-run', 'compile, simulate and show; needs no key')
    .option(...JSON_OUTPUT)
    .action(async (dir: string | undefined, options: PublishFlags) => {
      const { chainPublish } = await import('./chain-publish.ts');
      const { config, ...others } = options;
      await chainPublish(outputOf(options), dir, { ...others, ...(config !== true && { config }) });
    });
}

function addInspect(inspect: Command): void {
  const load = () => import('./chain-inspect.ts');
  onNode(inspect, 'status', 'chain id, height, time (the default)', true).action(async (options: Common) => {
    await (await load()).status(outputOf(options), options);
  });
  onNode(inspect, 'checkpoint [which]', 'by number or digest; the newest unless given').action(
    async (which: string | undefined, options: Common) => {
      await (await load()).checkpoint(outputOf(options), which, options);
    },
  );
  onNode(inspect, 'transaction <digest>', 'commands, changed objects, balances, events').action(
    async (digest: string, options: Common) => {
      await (await load()).transaction(outputOf(options), digest, options);
    },
  );
  onNode(inspect, 'object <id>', 'owner, version, contents').action(async (id: string, options: Common) => {
    await (await load()).object(outputOf(options), id, options);
  });
  onNode(inspect, 'package <id>', 'modules and links').action(async (id: string, options: Common) => {
    await (await load()).packageOf(outputOf(options), id, options);
  });
  onNode(inspect, 'events', 'in the order of the chain')
    .option('--type <type>', '0x…::module::Name')
    .option('--module <module>', '0x…::module that emitted them')
    .option('--sender <address>', 'whose transactions emitted them')
    .option('--newest', 'the newest first')
    .option('--limit <n>', 'at most so many', whole(10_000), 50)
    .action(async (options: Common & { limit: number }) => {
      await (await load()).events(outputOf(options), options);
    });
  onNode(inspect, 'owned <address>', 'objects of an address')
    .option('--type <type>', 'only those of this type')
    .option('--limit <n>', 'at most so many', whole(10_000), 50)
    .action(async (owner: string, options: Common & { limit: number }) => {
      await (await load()).owned(outputOf(options), owner, options);
    });
  onNode(inspect, 'balance <address>', 'coins of an address').action(
    async (address: string, options: Common) => {
      await (await load()).balance(outputOf(options), address, options);
    },
  );
}

function addClock(clock: Command): void {
  const load = () => import('./chain-steer.ts');
  onNode(clock, 'show', 'what time it is there (the default)', true).action(async (options: Common) => {
    await (await load()).showClock(outputOf(options), options);
  });
  onNode(
    clock,
    'set <time>',
    'milliseconds since 1970, or a date like 2026-01-31T12:00:00Z; never back',
  ).action(async (when: string, options: Common) => {
    await (await load()).setClock(outputOf(options), when, options);
  });
  onNode(clock, 'advance <duration>', 'for example 500ms, 90s, 15m, 36h, 7d').action(
    async (duration: string, options: Common) => {
      await (await load()).advanceClock(outputOf(options), duration, options);
    },
  );
  onNode(clock, 'epoch', 'begin the next epoch').action(async (options: Common) => {
    await (await load()).nextEpoch(outputOf(options), options);
  });
}

function whole(max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value <= max) return value;
    throw new InvalidArgumentError(`it is a whole number from 0 to ${max}`);
  };
}
