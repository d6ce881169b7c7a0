import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const LAUNCHER = fileURLToPath(new URL('../bin/daas.js', import.meta.url));
const RUNNER = fileURLToPath(new URL('runner.ts', import.meta.url));

/** What a command did. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** How a command is run. */
export interface RunOptions {
  /** Not the project's folder unless given. */
  readonly cwd?: string;
  /** Variables besides our own; undefined takes one away. */
  readonly env?: NodeJS.ProcessEnv;
  /** What standard input holds. */
  readonly input?: string | Uint8Array;
}

/** What the runner is asked to run. */
export interface Task {
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly inputBase64: string;
}

/** Our environment without what tap hands on: its loader makes each start of Node take three times as long. */
function cleanEnv(more: NodeJS.ProcessEnv = {}): Record<string, string> {
  const all = Object.entries({ ...process.env, NODE_OPTIONS: undefined, ...more });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Starts `daas` as a process of its own, with nothing on standard input. */
export function startDaas(
  args: readonly string[],
  { cwd = '/', env }: Pick<RunOptions, 'cwd' | 'env'> = {},
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [LAUNCHER, ...args], {
    cwd,
    env: cleanEnv(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs `daas` as a process of its own, as a person would. */
export async function runDaas(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { cwd = '/', env, input = '' } = options;
  const child = spawn(process.execPath, [LAUNCHER, ...args], { cwd, env: cleanEnv(env) });
  // A command may end without reading it.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

/** One process that runs command after command: what is tested of most is what they do, not that Node starts. */
export class Runner {
  readonly #child: ChildProcess;
  readonly #seen = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  constructor() {
    this.#child = spawn(process.execPath, [RUNNER], {
      cwd: '/',
      env: cleanEnv(),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  /** One at a time. @throws Error if a command ended the whole process */
  /** The first run of each kind is a process of its own, with all that comes before and after a command. */
  readonly runKind = async (
    kind: string,
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<Ran> => {
    if (this.#seen.has(kind)) return await this.run(args, options);
    this.#seen.add(kind);
    return await runDaas(args, options);
  };

  /** One at a time. @throws Error if a command ended the whole process */
  readonly run = (args: readonly string[], options: RunOptions = {}): Promise<Ran> => {
    const { cwd = '/', env, input = '' } = options;
    const task: Task = { args, cwd, env: cleanEnv(env), inputBase64: Buffer.from(input).toString('base64') };
    const ran = this.#last.then(() => this.#ask(task));
    this.#last = ran.catch(() => undefined);
    return ran;
  };

  close(): void {
    this.#child.kill('SIGKILL');
  }

  #ask(task: Task): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const ended = (): void => {
        reject(new Error(`the runner ended with: daas ${task.args.join(' ')}`));
      };
      if (this.#child.exitCode !== null) {
        ended();
        return;
      }
      this.#child.once('exit', ended);
      this.#child.once('message', (ran) => {
        this.#child.off('exit', ended);
        resolve(ran as Ran);
      });
      this.#child.send(task);
    });
  }
}
