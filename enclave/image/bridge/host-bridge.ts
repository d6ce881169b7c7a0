/**
 * The host's side of the bridge: one socat for each entry of egress.json, and one that hands over the installation.
 *
 *   node enclave/image/bridge/host-bridge.ts --cid 16 --installation installation.json \
 *     --to kubernetes.default.svc=10.0.0.10:6443 [--bind 127.0.0.1] [--print]
 *
 * Start it before the enclave. It ends, with all of its processes, when one of them ends or on SIGTERM.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { describeError } from '@k3s-daas/core';

import { ImageError } from '../errors.ts';
import { hostForwards, installationServer, parseEgress, type HostSide } from './plan.ts';

const EGRESS_FILE = fileURLToPath(new URL('../guest/egress.json', import.meta.url));

interface BridgeCommands {
  /** Arguments of each socat. */
  readonly commands: readonly (readonly string[])[];
  /** Only show them. */
  readonly print: boolean;
}

/** What the command line asks for. */
export async function bridgeCommands(args: readonly string[]): Promise<BridgeCommands> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cid: { type: 'string' },
      installation: { type: 'string' },
      to: { type: 'string', multiple: true, default: [] },
      bind: { type: 'string', default: '127.0.0.1' },
      egress: { type: 'string', default: EGRESS_FILE },
      print: { type: 'boolean', default: false },
    },
  });
  if (values.cid === undefined || values.installation === undefined) throw usage('--cid and --installation');
  const host: HostSide = {
    guestCid: parseCid(values.cid),
    bind: parseAddress(values.bind),
    destinations: new Map(values.to.map(parseDestination)),
  };
  const egress = parseEgress(await readFile(values.egress, 'utf8'));
  const commands = [
    installationServer(egress, parsePath(resolve(values.installation))),
    ...hostForwards(egress, host).map(({ listen, connect }) => [listen, connect]),
  ];
  return { commands, print: values.print };
}

/** Runs one socat for each until one ends or a signal comes, then ends them all. */
async function run(commands: readonly (readonly string[])[]): Promise<void> {
  const children: ChildProcess[] = [];
  const ended = new Promise<string>((resolve) => {
    for (const event of ['SIGTERM', 'SIGINT'] as const) {
      process.once(event, () => {
        resolve(event);
      });
    }
    for (const args of commands) {
      const child = spawn('socat', args, { stdio: ['ignore', 'inherit', 'inherit'] });
      child.once('error', (error) => {
        resolve(`socat cannot be started: ${error.message}`);
      });
      child.once('exit', (code) => {
        resolve(`socat ${args.join(' ')} ended with ${String(code)}`);
      });
      children.push(child);
    }
  });
  const reason = await ended;
  for (const child of children) child.kill('SIGTERM');
  if (reason.startsWith('SIG')) return;
  throw new ImageError('BRIDGE_FAILED', reason, 'see what it wrote; another bridge may hold the port');
}

/** socat reads `,` and `!!` in an address as its own; only plain values may enter one. */
const DESTINATION = /^([a-z0-9.-]{1,253})=([a-z0-9.-]{1,253}:\d{1,5})$/;

function parseDestination(text: string): [string, string] {
  const [, name, address] = DESTINATION.exec(text) ?? [];
  if (name === undefined || address === undefined) throw usage('--to NAME=HOST:PORT');
  return [name, address];
}

function parseCid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw usage('--cid NUMBER');
  return Number(text);
}

function parseAddress(text: string): string {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) throw usage('--bind with an IPv4 address');
  return text;
}

function parsePath(text: string): string {
  if (!/^[\w./-]+$/.test(text)) throw usage('--installation with a path of letters, digits, and . _ - /');
  return text;
}

function usage(what: string): ImageError {
  return new ImageError(
    'USAGE',
    `host-bridge needs ${what}`,
    'docs/enclave-image.md shows how it is started',
  );
}

if (process.argv[1] === import.meta.filename) {
  try {
    const { commands, print } = await bridgeCommands(process.argv.slice(2));
    for (const args of commands) process.stdout.write(`socat ${args.join(' ')}\n`);
    if (!print) await run(commands);
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  }
}
