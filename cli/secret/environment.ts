import { isUtf8 } from 'node:buffer';

import type { Bytes } from '@k3s-daas/core';

/** A value that a pod can only have as a file. */
export interface FileOnly {
  readonly key: string;
  readonly warning: string;
}

/** A kubelet reads lines of 64 KiB; the variable's name stands in the first of them, too (seal-fetch/env-file.ts). */
const LINE_BYTES_MAX = 65_000;

/**
 * Values that seal-fetch refuses as environment variables, which would else be found out when a pod starts. Whether they are
 * used as such is said by the pod, not by the Secret: so these are warnings. None of them quotes a value.
 */
export function fileOnlyValues(values: ReadonlyMap<string, Bytes>): FileOnly[] {
  return [...values].flatMap(([key, value]) => {
    const objection = objectionTo(Buffer.from(value));
    if (objection === null) return [];
    return [{ key, warning: `${key} cannot be an environment variable (${objection}): mount as a file` }];
  });
}

function objectionTo(value: Buffer): string | null {
  if (value.length === 0) return 'it is empty';
  if (value.includes("'")) return 'it holds a single quote';
  if (value.includes(0)) return 'it holds a NUL byte';
  if (value.includes('\r\n')) return 'its lines end with CR LF';
  if (!isUtf8(value)) return 'it is not UTF-8';
  return longestLine(value) > LINE_BYTES_MAX ? `a line of it is over ${LINE_BYTES_MAX} bytes` : null;
}

function longestLine(value: Buffer): number {
  let [longest, from] = [0, 0];
  while (from <= value.length) {
    const at = value.indexOf('\n', from);
    const end = at < 0 ? value.length : at;
    longest = Math.max(longest, end - from);
    from = end + 1;
  }
  return longest;
}
