import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { KubeletError } from './errors.ts';

const PAUSE_MS = 50;
const EMPTY_MS_MAX = 10_000;

/** A mounted hierarchy of control groups, version 1. */
export interface Hierarchy {
  /** As mount(8) wants it: `memory`, `cpu,cpuacct`, `none,name=systemd`. */
  readonly options: string;
  /** Names under /sys/fs/cgroup: the first is the folder, the others links to it. */
  readonly names: readonly string[];
  /** This process's own group, as a path on this machine. */
  readonly own: string;
}

/** Parses `mountinfo` and `cgroup` of /proc/self (proc(5)). */
export function parseHierarchies(mountinfo: string, membership: string): Hierarchy[] {
  const own = new Map(
    membership
      .split('\n')
      .map((line) => /^\d+:([^:]+):(\/.*)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, controllers = '', path = '']) => [controllers, path]),
  );
  const found = new Map<string, Hierarchy>();
  for (const line of mountinfo.split('\n')) {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = mount.split(' ');
    const [type, , options = ''] = filesystem.split(' ');
    if (type !== 'cgroup') continue;
    const key = [...own.keys()].find((controllers) =>
      controllers.split(',').every((controller) => options.split(',').includes(controller)),
    );
    if (key === undefined || found.has(key)) continue;
    const named = /^name=(.+)$/.exec(key)?.[1];
    const names = named === undefined ? [key, ...(key.includes(',') ? key.split(',') : [])] : [named];
    found.set(key, {
      options: named === undefined ? key : `none,${key}`,
      names,
      own: join(point, relative(root, own.get(key) ?? '/')),
    });
  }
  return [...found.values()];
}

export async function hierarchies(): Promise<Hierarchy[]> {
  const [mountinfo, membership] = await Promise.all([
    readFile('/proc/self/mountinfo', 'utf8'),
    readFile('/proc/self/cgroup', 'utf8'),
  ]);
  return parseHierarchies(mountinfo, membership);
}

/**
 * Makes a group of this name in our own group of every hierarchy.
 *
 * @param name may hold slashes.
 * @returns their folders.
 * @throws KubeletError `cgroup-refused`.
 */
export async function createGroups(name: string): Promise<string[]> {
  const folders: string[] = [];
  for (const { own, names } of await hierarchies()) {
    let folder = own;
    for (const part of name.split('/')) {
      const parent = folder;
      folder = join(folder, part);
      try {
        await mkdir(folder, { recursive: true });
        // A new group of this one may hold no process until it has been told its processors and memory nodes.
        if (names.includes('cpuset'))
          for (const file of ['cpuset.cpus', 'cpuset.mems'])
            await writeFile(join(folder, file), await readFile(join(parent, file)));
      } catch (cause) {
        throw new KubeletError(
          'cgroup-refused',
          `The control group ${folder} cannot be made: ${String(cause)}`,
          'Run as root on a machine with control groups of version 1 that may be written.',
          { cause },
        );
      }
    }
    folders.push(folder);
  }
  return folders;
}

/**
 * Kills every process in our own groups of this name, and removes them with those inside.
 *
 * @throws KubeletError `cgroup-refused` if they are not empty after 10 s.
 */
export async function removeGroups(name: string): Promise<void> {
  const folders = (await hierarchies()).map(({ own }) => join(own, name));
  const deadline = performance.now() + EMPTY_MS_MAX;
  for (;;) {
    const left = (await Promise.all(folders.map(killAndRemove))).some((remains) => remains);
    if (!left) return;
    if (performance.now() > deadline)
      throw new KubeletError(
        'cgroup-refused',
        `Processes in the control group ${name} do not end.`,
        'Look for processes in state D with ps.',
      );
    await delay(PAUSE_MS);
  }
}

/** Groups directly inside our own, in any hierarchy. */
export async function listGroups(): Promise<Set<string>> {
  const names = new Set<string>();
  for (const { own } of await hierarchies())
    for (const entry of await readdir(own, { withFileTypes: true }))
      if (entry.isDirectory()) names.add(entry.name);
  return names;
}

/** Deepest first. Returns whether something remains. */
async function killAndRemove(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return false;
  for (const entry of entries) if (entry.isDirectory()) await killAndRemove(join(folder, entry.name));
  const processes = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const line of processes.split('\n')) {
    const pid = Number(line);
    // 0 stands for a process outside our process namespace; kill(2) would take it for our own group.
    if (pid > 1 && pid !== process.pid) kill(pid);
  }
  try {
    await rmdir(folder);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
