// Loops and recursion end by a limit, in the shape in which a full node reports them, within time and memory.

import { join } from 'node:path';

import { compilePackage } from '@k3s-daas/move';
import t from 'tap';

import { createLedger } from './index.ts';
import { worldOptions } from './testdata/world.ts';
import { createdOf, executeNow, publishModules, workloadAddress } from './testdata/workload.ts';
import { encodeValue } from './vm/bcs.ts';
import { primitive, TYPE_DEPTH_MAX, typeDepth, vectorOf, type Type } from './vm/types.ts';
import type { Value } from './vm/values.ts';

t.setTimeout(600_000);

/** Out of steps, as a full node says that the budget is used up; or a status of the VM with the place. */
const EXPECTED: Readonly<Record<string, readonly [kind: string, text: RegExp]>> = {
  forever: ['INSUFFICIENT_GAS', /step limit/],
  recurse: ['MOVE_PRIMITIVE_RUNTIME_ERROR', /::limits::recurse' .*nested deeper than 1024/],
  grow: ['MOVE_PRIMITIVE_RUNTIME_ERROR', /::limits::grow' .*more than 262144 elements/],
  double: ['MOVE_PRIMITIVE_RUNTIME_ERROR', /::vector::append' .*more than 262144 elements/],
  hoard: ['INSUFFICIENT_GAS', /step limit/],
  hoard_text: ['INSUFFICIENT_GAS', /step limit/],
  hoard_bcs: ['INSUFFICIENT_GAS', /step limit/],
  hoard_structs: ['INSUFFICIENT_GAS', /step limit/],
  hash_forever: ['INSUFFICIENT_GAS', /step limit/],
  hash_refs_forever: ['INSUFFICIENT_GAS', /step limit/],
  verify_forever: ['INSUFFICIENT_GAS', /step limit/],
};
/** Far above what any of them takes alone, far below what an unlimited one would. */
const HEAP_BYTES_MAX = 1.5 * 2 ** 30;
const CPU_MS_MAX = 20_000;

void t.test('what does not end by itself ends by a limit', async (t) => {
  const ledger = createLedger(await worldOptions());
  t.teardown(() => {
    ledger.close();
  });
  const compiled = await compilePackage({ dir: join(import.meta.dirname, 'testdata', 'limits') });
  const [packageId = ''] = createdOf(await publishModules(ledger, compiled), 'package');
  for (const [name, [kind, text]] of Object.entries(EXPECTED)) {
    const start = process.cpuUsage();
    const { effects } = await executeNow(ledger, (tx) => {
      const args = name === 'recurse' ? [tx.pure.u64(0)] : [];
      tx.moveCall({ target: `${packageId}::limits::${name}`, arguments: args });
    });
    const { user, system } = process.cpuUsage(start);
    const ms = (user + system) / 1_000;
    const { status } = effects;
    t.equal(status.success ? 'success' : status.failure.kind, kind, name);
    t.match(status.success ? '' : status.message, text, name);
    t.ok(ms < CPU_MS_MAX, `${name} took ${ms.toFixed(0)} ms of CPU`);
    t.ok(process.memoryUsage().heapUsed < HEAP_BYTES_MAX, `${name} leaves memory`);
    t.same(
      effects.changed.map(({ type }) => String(type).includes('::coin::Coin')),
      [true],
      'nothing but gas changes',
    );
  }
  const { effects } = await executeNow(ledger, (tx) => {
    tx.transferObjects([tx.splitCoins(tx.gas, [1])], workloadAddress);
  });
  t.ok(effects.status.success, 'the next transaction runs');
});

void t.test('depth of types and values', (t) => {
  const nest = (levels: number): { type: Type; value: Value } => {
    let [type, value]: [Type, Value] = [primitive('u8'), 7];
    for (let i = 0; i < levels; i += 1) [type, value] = [vectorOf(type), [value]];
    return { type, value };
  };
  t.equal(typeDepth(nest(9).type), 10);
  t.equal(typeDepth(nest(5_000).type), TYPE_DEPTH_MAX + 1, 'it stops counting');
  const types = {
    layout: () => {
      throw new Error('there are no structs here');
    },
    has: () => true,
    originalId: (id: string) => id,
  };
  const { type, value } = nest(128);
  t.equal(encodeValue(types, type, value).length, 129);
  const deep = nest(131);
  t.throws(() => encodeValue(types, deep.type, deep.value), /nested deeper than 128/);
  t.end();
});
