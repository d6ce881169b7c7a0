/** Runs the commands that its parent sends, one after the other, each with streams and variables of its own. */
import { Readable } from 'node:stream';

import { run } from '../main.ts';
import type { Ran, Task } from './daas.ts';

/** Keeps what is written instead of writing it. */
function capture(stream: NodeJS.WriteStream): () => string {
  const chunks: Buffer[] = [];
  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    chunks.push(Buffer.from(chunk));
    for (const each of rest) if (typeof each === 'function') process.nextTick(each);
    return true;
  };
  stream.write = write;
  return () => Buffer.concat(chunks).toString();
}

const exitCode = (): number => Number(process.exitCode ?? 0);

async function perform({ args, cwd, env, inputBase64 }: Task): Promise<Ran> {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, env);
  const stdin = Readable.from([Buffer.from(inputBase64, 'base64')]);
  Object.defineProperty(process, 'stdin', { value: stdin, configurable: true });
  process.exitCode = undefined;
  const [out, err] = [capture(process.stdout), capture(process.stderr)];
  await run(args);
  return { code: exitCode(), out: out(), err: err() };
}

process.on('message', (task: Task) => {
  void perform(task).then((ran) => process.send?.(ran));
});
