import { fromHex, toHex, type Bytes, type SuiId } from '@k3s-daas/core';
import { acceptConfig, retireConfig, type Actor } from '@k3s-daas/sui-client';

import { findCap, openActor } from '../actor.ts';
import { CliError } from '../errors.ts';
import { print, type Output } from '../output.ts';
import { currentCluster, openReader } from '../reader.ts';

interface Signed {
  readonly key?: string;
}

/** The enclave images that the cluster accepts now, and which of them runs. */
export async function listImages(output: Output, configFile: string | undefined): Promise<void> {
  const { configs, active } = await currentCluster(await openReader(configFile));
  const images = configs.map(({ key: version, value }) => ({ version, ...value }));
  print(output, { images, active }, () => {
    if (images.length === 0) return 'no image is accepted';
    const lines = images.map(({ version, pcr0, pcr1, pcr2 }) =>
      [`config ${version}`, `  pcr0 ${toHex(pcr0)}`, `  pcr1 ${toHex(pcr1)}`, `  pcr2 ${toHex(pcr2)}`].join(
        '\n',
      ),
    );
    return lines.join('\n');
  });
}

/** Accepts an image by its measurements, as the owner of the ClusterCap. */
export async function acceptImage(
  output: Output,
  configFile: string | undefined,
  args: Signed & { readonly pcr0: string; readonly pcr1: string; readonly pcr2: string },
): Promise<void> {
  const image = {
    pcr0: measurement('--pcr0', args.pcr0),
    pcr1: measurement('--pcr1', args.pcr1),
    pcr2: measurement('--pcr2', args.pcr2),
  };
  const { actor, owned } = await openOwner(configFile, args.key);
  const { digest } = await acceptConfig(actor, owned, image);
  const { configs } = await currentCluster(await openReader(configFile));
  const version = configs.at(-1)?.key;
  print(output, { digest, version }, () => `accepted as config ${String(version)} (${digest})`);
}

/** Retires an image for good: its session ends, and no other boot of it can be registered. */
export async function retireImage(
  output: Output,
  configFile: string | undefined,
  args: Signed & { readonly version: string },
): Promise<void> {
  if (!/^[1-9]\d{0,18}$/.test(args.version)) {
    throw new CliError('USAGE', `${args.version} is not a config version`, 'see daas image list');
  }
  const { actor, owned } = await openOwner(configFile, args.key);
  const { digest } = await retireConfig(actor, owned, BigInt(args.version));
  print(output, { digest, version: args.version }, () => `retired config ${args.version} (${digest})`);
}

async function openOwner(
  configFile: string | undefined,
  key: string | undefined,
): Promise<{ actor: Actor; owned: { cluster: SuiId; cap: SuiId } }> {
  const reader = await openReader(configFile);
  const actor = await openActor(reader, key);
  const { id: cluster } = reader.configuration.cluster;
  return { actor, owned: { cluster, cap: await findCap(actor, cluster) } };
}

function measurement(option: string, hex: string): Bytes {
  if (!/^[0-9a-fA-F]{96}$/.test(hex)) {
    throw new CliError('USAGE', `${option} is not 96 hex digits`, 'give the SHA-384 value in hex');
  }
  const bytes = fromHex(hex);
  if (bytes.some((byte) => byte !== 0)) return bytes;
  throw new CliError(
    'USAGE',
    `${option} is zero, as in debug mode`,
    'measure the image: docs/enclave-image.md',
  );
}
