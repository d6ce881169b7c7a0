import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';

import Table from 'cli-table3';

import {
  cpuMilli,
  describeIneligibility,
  ed25519FromSeed,
  fromHex,
  memoryBytes,
  nodeEligibility,
  toHex,
  type Bytes,
  type Signer,
} from '@k3s-daas/core';
import { claimNode, leave, proveNodeKey } from '@k3s-daas/sui-client';

import { openActor, requireId } from '../actor.ts';
import { readText } from '../files.ts';
import { CliError } from '../errors.ts';
import { print, type Output } from '../output.ts';
import { openReader } from '../reader.ts';
import { readSnapshot } from '../snapshot.ts';
import { certificateKeyHash } from '../stack/files.ts';

const MEBIBYTE = 1n << 20n;

/** Every claimed node, whether a live stake of enough stands behind it, and if not, why. */
export async function listNodes(output: Output, configFile: string | undefined): Promise<void> {
  const snapshot = await readSnapshot(await openReader(configFile));
  const nodes = [...snapshot.claims.values()].map((claim) => {
    const eligibility = nodeEligibility(snapshot, claim.node);
    return {
      node: claim.node,
      owner: claim.owner,
      stake: claim.stake,
      active: snapshot.stakes.get(claim.stake)?.active ?? 0n,
      required: claim.required,
      eligible: eligibility.eligible,
      reason: eligibility.eligible ? null : describeIneligibility(claim.node, eligibility.reason),
    };
  });
  print(output, { checkpoint: snapshot.checkpoint, nodes }, () => {
    const table = new Table({
      head: ['node', 'owner', 'staked', 'required', 'eligible'],
      style: { head: [], border: [] },
    });
    for (const { node, owner, active, required, reason } of nodes) {
      table.push([node, `${owner.slice(0, 10)}…`, String(active), String(required), reason ?? 'yes']);
    }
    return nodes.length === 0
      ? 'no node is claimed'
      : `${table.toString()}\nat checkpoint ${snapshot.checkpoint}`;
  });
}

export interface ClaimOptions {
  readonly key?: string;
  readonly stake: string;
  readonly nodeKey: string;
  readonly certificate: string;
  readonly cpu: string;
  readonly memory: string;
}

/** Claims a node name with a stake, for the node's Ed25519 key and the key in the kubelet's client certificate. */
export async function claim(
  output: Output,
  configFile: string | undefined,
  name: string,
  options: ClaimOptions,
): Promise<void> {
  const position = requireId(options.stake, '--stake');
  const reader = await openReader(configFile);
  const actor = await openActor(reader, options.key);
  const nodeKey = await readNodeKey(options.nodeKey);
  const csrKeyHash = keyHashOf(await readText(options.certificate), options.certificate);
  const { id: cluster } = reader.configuration.cluster;
  const { digest } = await claimNode(actor, cluster, {
    position,
    name,
    nodeKey: nodeKey.publicKey,
    csrKeyHash,
    cpuMilli: cpuMilli(options.cpu),
    memoryMib: memoryBytes(options.memory) / MEBIBYTE,
    proof: proveNodeKey(nodeKey, { cluster, position, name, csrKeyHash }),
  });
  print(output, { digest, node: name, position }, () => `node ${name} is claimed by ${position} (${digest})`);
}

/** Gives the name up; the stake is free again. */
export async function leaveNode(
  output: Output,
  configFile: string | undefined,
  options: { readonly key?: string; readonly stake: string },
): Promise<void> {
  const position = requireId(options.stake, '--stake');
  const reader = await openReader(configFile);
  const actor = await openActor(reader, options.key);
  const { digest } = await leave(actor, { cluster: reader.configuration.cluster.id, position });
  print(output, { digest, position }, () => `${position} stands behind no node any more (${digest})`);
}

/** Makes the node's Ed25519 key: a new file that only its owner reads, 64 hex digits. An existing one is kept. */
export async function createNodeKey(output: Output, file: string): Promise<void> {
  const seed = crypto.getRandomValues(new Uint8Array(32));
  try {
    await writeFile(file, `${toHex(seed)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    throw new CliError('USAGE', `${file} cannot be created`, 'choose a new file in an existing folder', {
      cause,
    });
  }
  const publicKey = toHex(ed25519FromSeed(seed).publicKey);
  print(output, { file, publicKey }, () => `${file} (public key ${publicKey})`);
}

async function readNodeKey(file: string): Promise<Signer> {
  const text = (await readText(file)).trim();
  if (/^[0-9a-f]{64}$/.test(text)) return ed25519FromSeed(fromHex(text));
  throw new CliError('USAGE', `${file} holds no node key`, 'make one with: daas node key FILE');
}

function keyHashOf(pem: string, file: string): Bytes {
  try {
    return certificateKeyHash(new X509Certificate(pem).toString());
  } catch (cause) {
    throw new CliError('USAGE', `${file} is not a PEM certificate`, "give the kubelet's client certificate", {
      cause,
    });
  }
}
