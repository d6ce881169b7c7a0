import { execFile } from 'node:child_process';
import { mkdir, readlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { Child, Children } from '@k3s-daas/control-plane';

import { createGroups, hierarchies, removeGroups } from './cgroups.ts';
import { SYSCTLS } from './configuration.ts';
import { KubeletError } from './errors.ts';

const run = promisify(execFile);
const HELD_MS_MAX = 5000;
/** Joins the groups before `--`, then becomes what is after it. */
const JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@"';
/** What kubelet, containerd and CNI write at fixed places: sockets, plugin registrations, links to logs, leases. */
const PRIVATE_FOLDERS = ['/run', '/var/lib', '/var/log'];

/** A mount and a cgroup namespace of one node, in which it finds nothing of another, nor of the machine. */
export interface Isolation {
  /** A command that runs another inside, and its processes in the node's control groups. */
  inside(command: readonly string[]): string[];
  /** Kills whatever still runs in the node's groups. The namespaces end with it. */
  end(): Promise<void>;
}

/**
 * @param group of the node, below our own groups.
 * @param dir of the node; sysctls as the kubelet wants them are shown from there, the machine's stay as they are.
 * @throws KubeletError `cgroup-refused`, `mount-refused`; ControlPlaneError `start-failed`.
 */
export async function isolate(children: Children, group: string, dir: string): Promise<Isolation> {
  const groups = await createGroups(group);
  const join_ = ['-c', JOIN, 'join', ...groups, '--'];
  const holder = await children.start('namespaces', 'sh', [
    ...join_,
    'unshare',
    '--mount',
    '--cgroup',
    '--propagation=private',
    '--',
    'sleep',
    'infinity',
  ]);
  const enter = ['nsenter', `--target=${holder.pid}`, '--mount', '--cgroup', '--'];
  try {
    await untilHeld(holder);
    await mountAll(enter, dir);
  } catch (error) {
    await holder.stop();
    await removeGroups(group);
    throw error;
  }
  return {
    inside: (command) => ['sh', ...join_, ...enter, ...command],
    end: () => removeGroups(group),
  };
}

/** The process is there before it has left our namespaces. */
async function untilHeld(holder: Child): Promise<void> {
  const deadline = performance.now() + HELD_MS_MAX;
  const ours = await readlink('/proc/self/ns/cgroup');
  for (;;) {
    const its = await readlink(`/proc/${holder.pid}/ns/cgroup`).catch(() => ours);
    if (its !== ours) return;
    if (holder.hasExited() || performance.now() > deadline) {
      const why = holder.hasExited() ? (await holder.exited).lastLines : 'it takes too long';
      throw refused(`no namespaces for the node: ${why}`);
    }
    await delay(5);
  }
}

async function mountAll(enter: readonly string[], dir: string): Promise<void> {
  const [program = '', ...rest] = enter;
  const inside = async (...command: string[]): Promise<void> => {
    await run(program, [...rest, ...command]).catch((cause: unknown) => {
      throw refused(`${command.join(' ')}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
    });
  };
  const cgroups = await hierarchies();
  // Ours is the root of the node's cgroup namespace: mounted anew, each hierarchy begins there.
  await inside('umount', '--recursive', '/sys/fs/cgroup');
  await inside('mount', '-t', 'tmpfs', 'tmpfs', '/sys/fs/cgroup');
  for (const { options, names } of cgroups) {
    const [first = '', ...links] = names;
    await inside('mkdir', `/sys/fs/cgroup/${first}`);
    await inside('mount', '-t', 'cgroup', '-o', options, 'cgroup', `/sys/fs/cgroup/${first}`);
    for (const link of links) await inside('ln', '-s', first, `/sys/fs/cgroup/${link}`);
  }
  await mkdir(join(dir, 'sysctl'), { recursive: true });
  for (const [name, value] of Object.entries(SYSCTLS)) {
    const file = join(dir, 'sysctl', basename(name));
    await writeFile(file, `${value}\n`);
    await inside('mount', '--bind', file, `/proc/sys/${name}`);
  }
  for (const folder of PRIVATE_FOLDERS) await inside('mount', '-t', 'tmpfs', 'tmpfs', folder);
  // Volumes are mounted after the containers' namespaces are made and are to show there.
  await inside('mount', '--make-rshared', '/');
}

function refused(why: string, cause?: unknown): KubeletError {
  return new KubeletError(
    'mount-refused',
    `A node's namespaces cannot be made: ${why}`,
    'Run as root with CAP_SYS_ADMIN, where nothing (seccomp, AppArmor) forbids mounts.',
    { cause },
  );
}
