import { execFileSync } from 'node:child_process';
import { accessSync, constants, readFileSync, readlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { hierarchies, listGroups, removeGroups } from './cgroups.ts';

/** Where services of the test listen for pods; reached from every pod through its node's bridge. */
export const HOST_ADDRESS = '10.77.0.1';
const MARK = 'DAAS_PRIVATE_NETWORK';
const GROUP = /^k3s-daas-(\d+)-(\d+)$/;
const TOOLS = ['unshare', 'nsenter', 'setpriv', 'mount', 'umount', 'ip', 'sh', 'sleep', 'gcc'];
const NAMESPACES = [
  '--net',
  '--mount',
  '--propagation=private',
  '--pid',
  '--fork',
  '--kill-child=KILL',
  '--mount-proc',
];

/** The first process of a process namespace is whom the dead are left to, of which the shells take leave. */
const INIT = ['sh', '-c', '"$@"; exit $?', 'init'];

/**
 * Where this process is: `inside` a network, process and mount namespace of its own; `outside`, and `command` in front
 * of a program gets it inside; or on a machine where that, or a real node, is `impossible`.
 */
export type Place =
  | { readonly kind: 'inside' }
  | {
      readonly kind: 'outside';
      readonly command: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      /** To be called when the program has ended, however it did: removes the control groups of its nodes. */
      readonly cleanUp: () => Promise<void>;
    }
  | { readonly kind: 'impossible'; readonly reason: string };

/**
 * Tells where this process is, and on its first call inside makes the network usable: loopback up, `HOST_ADDRESS` on
 * it. The processes inside die with the first of them, and that one with its parent: nothing is left but empty control
 * groups, which `cleanUp`, or the next `outside` process, removes.
 */
export async function place(): Promise<Place> {
  const mark = process.env[MARK];
  if (mark !== undefined) {
    const outside = mark.slice(mark.indexOf('/') + 1);
    if (readlinkSync('/proc/self/ns/net') === outside)
      return { kind: 'impossible', reason: `${MARK} is set, but the network is still the machine's` };
    run('ip', ['link', 'set', 'lo', 'up']);
    run('ip', ['address', 'replace', `${HOST_ADDRESS}/32`, 'dev', 'lo']);
    return { kind: 'inside' };
  }
  const reason = await whyImpossible();
  if (reason !== undefined) return { kind: 'impossible', reason };
  await removeAbandoned();
  const group = `k3s-daas-${process.pid}-${startTicks(process.pid) ?? '0'}`;
  return {
    kind: 'outside',
    command: ['setpriv', '--pdeathsig', 'KILL', '--', 'unshare', ...NAMESPACES, '--', ...INIT],
    env: { [MARK]: `${group}/${readlinkSync('/proc/self/ns/net')}` },
    cleanUp: () => removeGroups(group),
  };
}

/** Inside: the control group under which nodes make theirs. */
export function groupOfThisRun(): string | undefined {
  return process.env[MARK]?.split('/')[0];
}

async function whyImpossible(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `a real node needs Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'a real node needs root';
  const missing = TOOLS.filter((tool) => !onPath(tool));
  if (missing.length > 0) return `a real node needs ${missing.join(', ')}, not on PATH`;
  const filesystems = readFileSync('/proc/filesystems', 'utf8').split(/\s+/);
  if (!filesystems.includes('overlay')) return 'a real node needs overlayfs in the kernel';
  const groups = await hierarchies();
  if (!groups.some(({ names }) => names.includes('memory')))
    return 'control groups of version 1 are not mounted here; nodes on version 2 have not been tried';
  for (const { own } of groups)
    try {
      accessSync(own, constants.W_OK);
    } catch {
      return `${own} cannot be written`;
    }
  try {
    run('unshare', [...NAMESPACES, '--', 'ip', 'link', 'add', 'daas-probe', 'type', 'bridge']);
  } catch (error) {
    return `namespaces and bridges cannot be made here: ${error instanceof Error ? error.message.trim() : ''}`;
  }
  return undefined;
}

/** Groups of runs whose first process is no more. */
async function removeAbandoned(): Promise<void> {
  for (const name of await listGroups()) {
    const [, pid = '', ticks] = GROUP.exec(name) ?? [];
    if (ticks !== undefined && startTicks(Number(pid)) !== ticks) await removeGroups(name);
  }
}

/** proc(5), field 22 of `stat`: with it a pid that was given again is told from the first. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function onPath(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function run(file: string, args: readonly string[]): void {
  execFileSync(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
}
