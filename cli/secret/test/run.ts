import { Readable } from 'node:stream';

import { run } from '../../main.ts';

/** What a command did. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Keeps what is written until the stream is given back. */
function capture(stream: NodeJS.WriteStream): () => string {
  const own = Object.getOwnPropertyDescriptor(stream, 'write');
  const chunks: Buffer[] = [];
  stream.write = (chunk: string | Uint8Array): boolean => {
    chunks.push(Buffer.from(chunk));
    return true;
  };
  return () => {
    if (own === undefined) Reflect.deleteProperty(stream, 'write');
    else Object.defineProperty(stream, 'write', own);
    return Buffer.concat(chunks).toString();
  };
}

const exitCode = (): number => Number(process.exitCode ?? 0);

/** Runs `daas ARGS…` in this process, with streams of its own. One at a time, and no assertion meanwhile. */
export async function daas(args: readonly string[], input = ''): Promise<Ran> {
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin');
  const given = Readable.from([Buffer.from(input)]);
  Object.defineProperty(process, 'stdin', { value: given, configurable: true });
  const before = process.exitCode;
  process.exitCode = undefined;
  const [out, err] = [capture(process.stdout), capture(process.stderr)];
  await run(args);
  const ran = { code: exitCode(), out: out(), err: err() };
  process.exitCode = before;
  if (stdin !== undefined) Object.defineProperty(process, 'stdin', stdin);
  return ran;
}
