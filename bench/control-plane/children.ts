import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ControlPlaneError } from './errors.ts';
import {
  isRunning,
  ownIdentity,
  type ProcessIdentity,
  processStartTime,
  signalIfRunning,
} from './process-identity.ts';

const RECORD_FILE = 'children.json';
const LOG_TAIL_BYTES = 8192;
/** kube-apiserver takes up to 60 s to end on SIGTERM; nothing here is worth waiting for that long. */
const TERM_MS_MAX = 1500;
const KILL_MS_MAX = 2_000;

export interface ChildExit {
  readonly name: string;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of its log. */
  readonly lastLines: string;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process is gone. Never rejects. */
  readonly exited: Promise<ChildExit>;
  readonly hasExited: () => boolean;
  /** SIGTERM, then SIGKILL after 1.5 s; returns when it is gone. Its exit is then not reported as unexpected. */
  stop(): Promise<void>;
}

const recordSchema = z.strictObject({
  owner: z.strictObject({ pid: z.int().positive(), startTime: z.string() }),
  children: z
    .array(z.strictObject({ name: z.string(), pid: z.int().positive(), startTime: z.string() }))
    .max(1000),
});
type Recorded = ProcessIdentity & { readonly name: string };

/**
 * The processes of one folder. They are not to outlive this one: they are killed on its exit, by the kernel when it
 * is killed (Linux, with setpriv of util-linux), and else by whoever calls `stopRecorded` on the folder.
 */
export class Children {
  readonly #dir: string;
  readonly #onExit: (exit: ChildExit) => void;
  readonly #running = new Map<number, { child: Child; recorded: Recorded }>();
  #closed = false;
  readonly #killAll = (): void => {
    for (const { recorded } of this.#running.values()) signalIfRunning(recorded, 'SIGKILL');
  };

  /** @param onExit called for a process that ends without having been stopped. */
  constructor(dir: string, onExit: (exit: ChildExit) => void) {
    this.#dir = dir;
    this.#onExit = onExit;
    mkdirSync(join(dir, 'logs'), { recursive: true });
    process.once('exit', this.#killAll);
  }

  list(): Child[] {
    return [...this.#running.values()].map(({ child }) => child);
  }

  /** Starts a program with its output appended to `logs/NAME.log`. */
  async start(
    name: string,
    file: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<Child> {
    const log = openSync(join(this.#dir, 'logs', `${name}.log`), 'a', 0o600);
    const [program, ...rest] = [...deathBond(), file, ...args];
    const process_ = spawn(program ?? file, rest, {
      cwd: this.#dir,
      env: { ...inherited(), ...env },
      stdio: ['ignore', log, log],
      // A session of its own: Ctrl-C in the terminal reaches us alone, and we end them in order.
      detached: true,
    });
    closeSync(log);
    await spawned(name, process_);
    // `stop` may have come in between, and has not seen this one.
    if (this.#closed) process_.kill('SIGKILL');
    this.#refuseIfClosed();
    const pid = process_.pid ?? 0;
    const expected = { exit: false };
    const exited = this.#watch(name, pid, process_, expected);
    const stop = async (): Promise<void> => {
      expected.exit = true;
      process_.kill('SIGTERM');
      if (await settled(exited, TERM_MS_MAX)) return;
      process_.kill('SIGKILL');
      await settled(exited, KILL_MS_MAX);
    };
    const hasExited = (): boolean => process_.exitCode !== null || process_.signalCode !== null;
    const child: Child = { name, pid, exited, hasExited, stop };
    const startTime = processStartTime(pid);
    if (startTime !== undefined && !hasExited()) {
      this.#running.set(pid, { child, recorded: { name, pid, startTime } });
      this.#record();
    }
    return child;
  }

  /** Stops all at once, but `last` (what the others write to) after the others. Nothing can be started then. */
  async stop(last?: string): Promise<void> {
    this.#closed = true;
    const children = this.list();
    await Promise.all(children.filter(({ name }) => name !== last).map((child) => child.stop()));
    await Promise.all(children.filter(({ name }) => name === last).map((child) => child.stop()));
    process.removeListener('exit', this.#killAll);
    if (this.#running.size === 0) rmSync(join(this.#dir, RECORD_FILE), { force: true });
  }

  async lastLines(name: string): Promise<string> {
    return tail(join(this.#dir, 'logs', `${name}.log`));
  }

  #refuseIfClosed(): void {
    if (!this.#closed) return;
    throw new ControlPlaneError('not-running', 'The control plane was stopped.', 'Start a new one.');
  }

  #watch(name: string, pid: number, process_: ChildProcess, expected: { exit: boolean }): Promise<ChildExit> {
    return new Promise((resolve) => {
      process_.once('exit', (code, signal) => {
        this.#running.delete(pid);
        this.#record();
        void this.lastLines(name).then((lastLines) => {
          const exit: ChildExit = { name, pid, code, signal, lastLines };
          resolve(exit);
          if (!expected.exit) this.#onExit(exit);
        });
      });
    });
  }

  #record(): void {
    const children = [...this.#running.values()].map(({ recorded }) => recorded);
    const path = join(this.#dir, RECORD_FILE);
    writeFileSync(`${path}.new`, JSON.stringify({ owner: ownIdentity(), children }, null, 1), {
      mode: 0o600,
    });
    renameSync(`${path}.new`, path);
  }
}

/**
 * Ends what a crashed owner left behind in `dir`: SIGTERM, then SIGKILL after 1.5 s. Only a process whose start time
 * is the recorded one is touched, since pids are reused.
 *
 * @returns the names of the processes that were running.
 */
export async function stopRecorded(dir: string): Promise<string[]> {
  const record = await readRecord(dir);
  if (record === undefined) return [];
  const found = record.children.filter((child) => signalIfRunning(child, 'SIGTERM'));
  await allGone(found, TERM_MS_MAX);
  for (const child of found) signalIfRunning(child, 'SIGKILL');
  await allGone(found, KILL_MS_MAX);
  rmSync(join(dir, RECORD_FILE), { force: true });
  return found.map(({ name }) => name);
}

/** @throws ControlPlaneError `already-running` if another live process runs a control plane in `dir`. */
export async function refuseIfOwned(dir: string): Promise<void> {
  const record = await readRecord(dir);
  if (record === undefined || !isRunning(record.owner) || !record.children.some(isRunning)) return;
  throw new ControlPlaneError(
    'already-running',
    `Process ${record.owner.pid} already runs a control plane in ${dir}.`,
    'Stop it first, or choose another folder.',
  );
}

async function readRecord(dir: string): Promise<z.infer<typeof recordSchema> | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(join(dir, RECORD_FILE), 'utf8')));
  } catch {
    // Written by rename, so it is whole or not there; what is neither was not written by us and is not acted upon.
    return undefined;
  }
}

async function allGone(processes: readonly ProcessIdentity[], msMax: number): Promise<void> {
  const deadline = performance.now() + msMax;
  while (processes.some(isRunning) && performance.now() < deadline) await delay(20);
}

/**
 * Not our whole environment: it may hold keys, and these programs read settings from theirs. The ledger's part runs
 * cargo, which finds itself by two of these where they are not below HOME.
 */
function inherited(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'TMPDIR', 'GOMAXPROCS', 'GOMEMLIMIT', 'CARGO_HOME', 'RUSTUP_HOME'];
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

function spawned(name: string, process_: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    process_.once('spawn', resolve);
    process_.once('error', (cause) => {
      reject(
        new ControlPlaneError(
          'start-failed',
          `${name} could not be started: ${cause.message}`,
          'Check that the program exists and may be executed; remove the cache folder to build it anew.',
          { cause },
        ),
      );
    });
  });
}

async function settled(promise: Promise<unknown>, msMax: number): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(msMax, false, { signal: timer.signal }).catch(() => false);
  const result = await Promise.race([promise.then(() => true), late]);
  timer.abort();
  return result;
}

let bond: readonly string[] | undefined;

/** A command prefix that has the kernel kill the program when our main thread dies (prctl(2), PR_SET_PDEATHSIG). */
function deathBond(): readonly string[] {
  if (bond === undefined) {
    const prefix = ['setpriv', '--pdeathsig', 'KILL', '--'];
    try {
      if (process.platform !== 'linux') throw new Error('Linux only');
      execFileSync(prefix[0] ?? '', [...prefix.slice(1), process.execPath, '--version'], { stdio: 'ignore' });
      bond = prefix;
    } catch {
      bond = [];
    }
  }
  return bond;
}

async function tail(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, LOG_TAIL_BYTES);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-12).join('\n');
  } finally {
    await file.close();
  }
}
