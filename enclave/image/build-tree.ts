/** One build of the image's tree, in a process of its own (build.ts): the order comes as JSON on standard input. */
import { describeError } from '@k3s-daas/core';

import type { BuildOrder } from './build.ts';
import { imageEntries, writeTree } from './tree.ts';

try {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const order = JSON.parse(Buffer.concat(chunks).toString('utf8')) as BuildOrder & {
    readonly umask: number;
    readonly reverse: boolean;
  };
  process.umask(order.umask);
  const entries = await imageEntries(order);
  await writeTree(order.tree, order.reverse ? entries.reverse() : entries);
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
}
