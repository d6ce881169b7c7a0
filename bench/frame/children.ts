import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { BenchError } from '../errors.ts';

/** Starts a module in a process of its own, with `options` as its one argument. */
export function startChild(
  module: URL,
  options: object,
  nodeOptions: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): ChildProcess {
  return fork(module, [JSON.stringify(options)], {
    env: { ...process.env, ...env },
    execArgv: [...nodeOptions],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** The next message of a child. @throws BenchError PROCESS_ENDED */
export async function messageOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const exit = (): void => {
    ended.abort();
  };
  child.once('exit', exit);
  try {
    const [message] = (await once(child, 'message', { signal: ended.signal })) as [unknown];
    return message;
  } catch (cause) {
    const why = `a child process ended with ${child.exitCode ?? child.signalCode ?? 'no code'}`;
    throw new BenchError('PROCESS_ENDED', why, 'its standard error is above', { cause });
  } finally {
    child.off('exit', exit);
  }
}

/** Ends a child and waits until it is gone. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}
