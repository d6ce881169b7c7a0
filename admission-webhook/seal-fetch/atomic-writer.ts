import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { describeError, type Bytes } from '@k3s-daas/core';

import { FetchError } from './errors.ts';

export interface FileProjection {
  readonly data: Bytes;
  /** Permission bits. */
  readonly mode: number;
}

const DATA = '..data';
const NEW_DATA = '..data_tmp';
/** What the kubelet calls its folders too; mkdtemp adds the six characters. */
const STAMPED = /^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.[A-Za-z0-9]{1,16}$/;
const SETGID = 0o2000;

/**
 * Replaces the content of a volume at once, with the layout and the steps of the kubelet's AtomicWriter
 * (pkg/volume/util/atomic_writer.go): all files in a new folder `..<time>`, to which the link `..data` is moved by one
 * rename; beside it a link for the first part of each path. Readers see all of the old or all of the new files. It is
 * synchronous, so no signal interrupts it, and what a killed one left behind is swept by the next.
 * @throws FetchError WRITE_FAILED; the old content is then still there.
 */
export function writeAtomically(
  folder: string,
  files: ReadonlyMap<string, FileProjection>,
  nowMs: number,
): void {
  try {
    if (!lstatSync(folder).isDirectory()) throw new Error('it is not a directory');
    const names = new Set([...files.keys()].map(firstPart));
    requireFree(folder, names);
    const old = currentFolder(folder);
    sweep(folder, old);
    publish(folder, writeFolder(folder, files, nowMs));
    link(folder, names);
    if (old !== null) rmSync(join(folder, old), { recursive: true, force: true });
  } catch (cause) {
    throw new FetchError('WRITE_FAILED', `${folder} cannot be written: ${describeError(cause)}`, { cause });
  }
}

/** The plan's schema refuses such paths too, but what is written and what is removed must not depend on that. */
function firstPart(path: string): string {
  const parts = path.split('/');
  const [first = ''] = parts;
  if (first.startsWith('..') || parts.some((part) => ['', '.', '..'].includes(part)))
    throw new Error(`${path} is not a path of a volume`);
  return first;
}

/** Whatever of these names is there is a link, which may be replaced. */
function requireFree(folder: string, names: ReadonlySet<string>): void {
  for (const name of [DATA, NEW_DATA, ...names]) {
    const found = look(join(folder, name));
    if (found !== null && !found.isSymbolicLink()) throw new Error(`${name} is there and is not a link`);
  }
}

/** Name of the folder in use, or null. A link that leads anywhere else is not followed. */
function currentFolder(folder: string): string | null {
  if (look(join(folder, DATA)) === null) return null;
  const target = readlinkSync(join(folder, DATA));
  return STAMPED.test(target) && look(join(folder, target))?.isDirectory() === true ? target : null;
}

/** Removes what an interrupted write has left. */
function sweep(folder: string, current: string | null): void {
  for (const name of readdirSync(folder)) {
    if (name === NEW_DATA) unlinkSync(join(folder, name));
    else if (STAMPED.test(name) && name !== current)
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function writeFolder(folder: string, files: ReadonlyMap<string, FileProjection>, nowMs: number): string {
  const stamped = mkdtempSync(join(folder, `..${stamp(nowMs)}.`));
  try {
    // mkdtemp leaves the group's bit to its parent, so it is kept: files then belong to the pod's fsGroup.
    openUp(stamped);
    for (const [path, { data, mode }] of files) {
      const file = join(stamped, path);
      makeFolders(stamped, dirname(path));
      writeFileSync(file, data, { flag: 'wx', mode: 0o600 });
      chmodSync(file, mode); // whatever the umask is
    }
  } catch (error) {
    rmSync(stamped, { recursive: true, force: true });
    throw error;
  }
  return stamped;
}

function makeFolders(base: string, path: string): void {
  let inner = base;
  for (const part of path === '.' ? [] : path.split('/')) {
    inner = join(inner, part);
    if (look(inner) !== null) continue;
    mkdirSync(inner);
    openUp(inner);
  }
}

function openUp(folder: string): void {
  chmodSync(folder, 0o755 | (lstatSync(folder).mode & SETGID));
}

function publish(folder: string, stamped: string): void {
  try {
    symlinkSync(stamped.slice(folder.length + 1), join(folder, NEW_DATA));
    renameSync(join(folder, NEW_DATA), join(folder, DATA));
  } catch (error) {
    rmSync(join(folder, NEW_DATA), { force: true });
    rmSync(stamped, { recursive: true, force: true });
    throw error;
  }
}

/** One link for each name; those of names that are gone are removed. */
function link(folder: string, names: ReadonlySet<string>): void {
  for (const name of readdirSync(folder)) {
    if (name === DATA || names.has(name)) continue;
    const path = join(folder, name);
    if (lstatSync(path).isSymbolicLink() && readlinkSync(path) === join(DATA, name)) unlinkSync(path);
  }
  for (const name of names) {
    const path = join(folder, name);
    if (look(path) !== null) {
      if (readlinkSync(path) === join(DATA, name)) continue;
      unlinkSync(path); // leads elsewhere: nobody else writes here, so it is not to be followed
    }
    symlinkSync(join(DATA, name), path);
  }
}

function look(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

/** `2006_01_02_15_04_05`, UTC. */
function stamp(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 19).replace(/[-:T]/g, '_');
}
