import { renameSync, rmSync, writeFileSync, chmodSync } from 'node:fs';

import { describeError, utf8, type Bytes } from '@k3s-daas/core';

import { FetchError } from './errors.ts';

/** A variable of the file and the value that it holds. */
export interface Variable {
  readonly name: string;
  /** For people: `secret/key`. */
  readonly from: string;
  readonly value: Bytes;
}

/** bufio.MaxScanTokenSize: a line and its newline must fit, else no later variable is found either. */
const LINE_BYTES_MAX = 65_535;
const QUOTE = 0x27;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The file that `fileKeyRef`s are read from: `V0='value'`, values literal between single quotes
 * (pkg/kubelet/util/env/env_util.go of Kubernetes 1.36). What the kubelet would not read back to the very same bytes,
 * or could not hand to a container, is refused here, where the reason can still be told.
 * @throws FetchError VALUE_NOT_ENVIRONMENT
 */
export function environmentFile(variables: readonly Variable[]): Buffer {
  const parts: Bytes[] = [];
  for (const { name, from, value } of variables) {
    const before = utf8(`${name}='`);
    const objection = objectionTo(value, before.length);
    if (objection !== null)
      throw new FetchError(
        'VALUE_NOT_ENVIRONMENT',
        `${from} cannot be an environment variable: ${objection}`,
        {
          remedy: `mount ${from} as a file instead`,
        },
      );
    parts.push(before, value, utf8("'\n"));
  }
  return Buffer.concat(parts);
}

function objectionTo(value: Bytes, before: number): string | null {
  if (value.length === 0) return 'it is empty, and the kubelet takes an empty value for a missing one';
  if (value.includes(QUOTE)) return 'it holds a single quote';
  if (value.includes(0)) return 'it holds a NUL byte';
  if (!isUtf8(value)) return 'it is not UTF-8';
  let line = before;
  for (const [at, byte] of value.entries()) {
    line += 1;
    if (byte !== NEWLINE) continue;
    if (value[at - 1] === RETURN) return 'a line of it ends with a carriage return, which the kubelet drops';
    if (line - 1 > LINE_BYTES_MAX) return 'a line of it is longer than 64 KiB';
    line = 0;
  }
  return line + 1 > LINE_BYTES_MAX ? 'a line of it is longer than 64 KiB' : null;
}

function isUtf8(value: Bytes): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(value);
    return true;
  } catch {
    return false;
  }
}

/** Replaces the file at once; only its owner and the kubelet read it. @throws FetchError WRITE_FAILED */
export function writeEnvironmentFile(path: string, content: Bytes): void {
  const fresh = `${path}.new`;
  try {
    rmSync(fresh, { force: true });
    writeFileSync(fresh, content, { flag: 'wx', mode: 0o400 });
    chmodSync(fresh, 0o400);
    renameSync(fresh, path);
  } catch (cause) {
    rmSync(fresh, { force: true });
    throw new FetchError('WRITE_FAILED', `${path} cannot be written: ${describeError(cause)}`, { cause });
  }
}
