import type { Command } from 'commander';

import type { ClaimOptions } from './node.ts';
import { CONFIG, JSON_OUTPUT, KEY, type Common } from './options.ts';

// Only declares; what a command does is loaded when it is called.

/** `daas image …` */
export function addImages(image: Command): void {
  image
    .command('list')
    .description('accepted images by config version, with their measurements')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (options: Common) => {
      const { listImages } = await import('./image.ts');
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
      const { acceptImage } = await import('./image.ts');
      await acceptImage({ json: options.json ?? false }, options.config, options);
    });
  image
    .command('retire <version>')
    .description('retire an image for good: its session ends at once')
    .option(...KEY)
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (version: string, options: Signed) => {
      const { retireImage } = await import('./image.ts');
      await retireImage({ json: options.json ?? false }, options.config, { ...options, version });
    });
}

/** `daas node …` */
export function addNodes(node: Command): void {
  node
    .command('list')
    .description('claimed nodes: stake, owner, whether they are eligible and why not')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (options: Common) => {
      const { listNodes } = await import('./node.ts');
      await listNodes({ json: options.json ?? false }, options.config);
    });
  node
    .command('key <file>')
    .description("make the node's Ed25519 key")
    .option(...JSON_OUTPUT)
    .action(async (file: string, options: Common) => {
      const { createNodeKey } = await import('./node.ts');
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
      const { claim } = await import('./node.ts');
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
      const { leaveNode } = await import('./node.ts');
      await leaveNode({ json: options.json ?? false }, options.config, options);
    });
}

type Signed = Common & { readonly key?: string };

/** `daas stake …` */
export function addStakes(stake: Command): void {
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
      const { listStakes } = await import('./stake.ts');
      await listStakes({ json: options.json ?? false }, options.config, options.owner);
    });
  signed('create <mist>', "stake MIST from the signer's coins")
    .option('--role <role>', 'user, node or admin', 'node')
    .action(async (mist: string, options: Signed & { role: string }) => {
      const { createStake } = await import('./stake.ts');
      await createStake({ json: options.json ?? false }, options.config, { ...options, mist });
    });
  signed('top-up <position> <mist>', 'add to a position').action(
    async (position: string, mist: string, options: Signed) => {
      const { topUpStake } = await import('./stake.ts');
      await topUpStake({ json: options.json ?? false }, options.config, { ...options, position, mist });
    },
  );
  signed('unbond <position> <mist>', 'begin to take out; it can be withdrawn after the delay').action(
    async (position: string, mist: string, options: Signed) => {
      const { unbondStake } = await import('./stake.ts');
      await unbondStake({ json: options.json ?? false }, options.config, { ...options, position, mist });
    },
  );
  signed('withdraw <position>', 'pay out what has finished unbonding').action(
    async (position: string, options: Signed) => {
      const { withdrawStake } = await import('./stake.ts');
      await withdrawStake({ json: options.json ?? false }, options.config, { ...options, position });
    },
  );
  signed('slash <position> <mist>', 'take from a position, as the owner of the ClusterCap')
    .requiredOption('--reason <text>', 'what for; goes into the event')
    .action(async (position: string, mist: string, options: Signed & { reason: string }) => {
      const { slashStake } = await import('./stake.ts');
      await slashStake({ json: options.json ?? false }, options.config, { ...options, position, mist });
    });
}
