import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';

import { toHex, utf8, type Bytes } from '@k3s-daas/core';

import { bitmapOf, indicesOf, without } from './bitmap.ts';
import { openDecisionLog, type DecisionLog, type LogEntry } from './log.ts';
import { decodeRecord, encodeRecord, GENESIS, recordHash, type RecordBody } from './record.ts';
import { MemoryDisk } from './test/memory-file-system.ts';

const reservation = (upTo: number): RecordBody => ({
  $kind: 'reservation',
  reservation: { upTo: BigInt(upTo) },
});
const open = (disk: MemoryDisk): Promise<DecisionLog> => openDecisionLog({ path: '/log', fileSystem: disk });

async function entriesOf(log: DecisionLog): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const entry of log.read()) entries.push(entry);
  return entries;
}

/** A log of three records, and where each ends. */
async function three(): Promise<{ bytes: Bytes; ends: number[] }> {
  const disk = new MemoryDisk();
  const log = await open(disk);
  const ends = [disk.bytes.length];
  for (let at = 1; at <= 3; at += 1) {
    await log.append(reservation(at), 1_000 + at).durable;
    ends.push(disk.bytes.length);
  }
  await log.close();
  return { bytes: disk.bytes, ends };
}

void t.test('layout', async (t) => {
  t.equal(
    toHex(recordHash(new Uint8Array())),
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'the leaf hash of nothing, as in the test vectors of Certificate Transparency',
  );
  // previous (32 zero bytes), time 1001 as u64, variant 1, upTo 1 as u64: by hand.
  const record = encodeRecord({ previous: GENESIS, timestampMs: 1001n, body: reservation(1) });
  t.equal(toHex(record), `${'00'.repeat(32)}e903000000000000` + '01' + '0100000000000000');
  t.match(decodeRecord(record).body, reservation(1));
  t.throws(() => decodeRecord(new Uint8Array([...record, 0])), { code: 'BCS_NOT_CANONICAL' });
  const { bytes, ends } = await three();
  // Header 8, record 49, hash 32.
  t.same(ends, [16, 105, 194, 283]);
  t.equal(toHex(bytes.subarray(16, 20)), '31000000');
  t.equal(toHex(bytes.subarray(24, 73)), toHex(record));
  t.equal(toHex(bytes.subarray(73, 105)), toHex(recordHash(record)));
  t.equal(toHex(bytes.subarray(113, 145)), toHex(recordHash(record)), 'the second names the first');

  t.equal(toHex(bitmapOf([0, 3, 9])), '0902');
  t.equal(toHex(bitmapOf([])), '');
  t.same(indicesOf(new Uint8Array([0b1001, 0b10])), [0, 3, 9]);
  t.throws(() => indicesOf(new Uint8Array([1, 0])), { code: 'BCS_NOT_CANONICAL' });
  t.equal(toHex(without(bitmapOf([0, 3, 9]), bitmapOf([9, 100]))), '09');
});

void t.test('a crash at any byte costs at most the record that nobody was told of', async (t) => {
  const { bytes, ends } = await three();
  let failures = 0;
  for (const tail of [new Uint8Array(), new Uint8Array(4096)]) {
    for (let length = 0; length <= bytes.length; length += 1) {
      // Zeros are what blocks that were allocated and never written read as; between frames only.
      if (tail.length > 0 && !ends.includes(length)) continue;
      const disk = new MemoryDisk(new Uint8Array([...bytes.subarray(0, length), ...tail]));
      const log = await open(disk);
      const whole = Math.max(0, ends.filter((end) => end <= length).length - 1);
      const torn = length + tail.length - (ends.filter((end) => end <= length).at(-1) ?? 0);
      if (log.records !== BigInt(whole) || log.tornBytes !== torn) failures += 1;
      await log.append(reservation(99), 5).durable;
      await log.close();
      const again = await open(disk);
      const entries = await entriesOf(again);
      if (entries.length !== whole + 1 || again.tornBytes !== 0) failures += 1;
    }
  }
  t.equal(failures, 0);
});

void t.test('any flipped bit stops the start, names its record, and changes nothing', async (t) => {
  const { bytes, ends } = await three();
  let failures = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const damaged = bytes.slice();
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
    const disk = new MemoryDisk(damaged);
    const offset = at < 16 ? 0 : (ends.filter((end) => end <= at).at(-1) ?? 0);
    const error: unknown = await open(disk).then(
      () => null,
      (cause: unknown) => cause,
    );
    const expected = new RegExp(`damaged at byte ${offset}:`);
    const named =
      error instanceof Error &&
      'code' in error &&
      error.code === 'LOG_CORRUPT' &&
      expected.test(error.message);
    if (!named || disk.bytes !== damaged) failures += 1;
  }
  t.equal(failures, 0);
  for (const cut of [ends[1] ?? 0, ends[2] ?? 0]) {
    const without = new Uint8Array([...bytes.subarray(0, cut - 89), ...bytes.subarray(cut)]);
    await t.rejects(open(new MemoryDisk(without)), { code: 'LOG_CORRUPT' }, 'a record is missing');
  }
  await t.rejects(open(new MemoryDisk(utf8('something else altogether'))), { code: 'LOG_CORRUPT' });
});

void t.test('a disk that is full at any byte leaves nothing behind', async (t) => {
  const { bytes } = await three();
  let failures = 0;
  for (let room = 0; room < 2 * 89; room += 1) {
    const disk = new MemoryDisk(bytes);
    const log = await open(disk);
    disk.capacity = bytes.length + room;
    disk.failTruncate = room % 3 === 0;
    const order: number[] = [];
    const lost = [1, 2].map((at) => log.append(reservation(at), at, () => order.push(at)).durable);
    const results = await Promise.allSettled(lost);
    if (results.some(({ status }) => status !== 'rejected') || order.join() !== '2,1') failures += 1;
    if (log.records !== 3n || (!disk.failTruncate && disk.bytes.length !== bytes.length)) failures += 1;
    disk.capacity = Number.POSITIVE_INFINITY;
    disk.failTruncate = false;
    await log.append(reservation(7), 7).durable;
    await log.close();
    const again = await open(disk);
    const entries = await entriesOf(again);
    if (entries.length !== 4 || again.tornBytes !== 0) failures += 1;
  }
  t.equal(failures, 0);
  const disk = new MemoryDisk();
  const log = await open(disk);
  disk.failSync = true;
  await t.rejects(log.append(reservation(1), 1).durable, { code: 'LOG_WRITE_FAILED' });
  disk.failSync = false;
  await log.append(reservation(1), 1).durable;
  t.equal(log.records, 1n);
});

void t.test('appends that come while an fsync runs share the next', async (t) => {
  const disk = new MemoryDisk();
  const log = await open(disk);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const before = disk.syncs;
  disk.gate = promise;
  let durable = 0;
  const appended = [log.append(reservation(1), 1)];
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  for (let at = 2; at <= 40; at += 1) appended.push(log.append(reservation(at), at));
  for (const each of appended) void each.durable.then(() => (durable += 1));
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  t.equal(durable, 0, 'none is durable before the fsync');
  t.equal(log.records, 40n);
  disk.gate = null;
  resolve(undefined);
  await Promise.all(appended.map((each) => each.durable));
  t.equal(disk.syncs - before, 2);
  t.same(
    (await entriesOf(log)).map(({ record }) => record.body.reservation?.upTo),
    Array.from({ length: 40 }, (_, at) => BigInt(at + 1)),
  );
  await t.rejects(open(disk), { code: 'LOG_LOCKED' });
  await log.close();
  await log.close();
  t.throws(() => log.append(reservation(1), 1), { code: 'SHUTTING_DOWN' });
});

void t.test('on a real file system', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'daas-log-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'sub', 'decisions.log');
  const log = await openDecisionLog({ path });
  await Promise.all([1, 2, 3].map((at) => log.append(reservation(at), at).durable));
  await t.rejects(openDecisionLog({ path }), { code: 'LOG_LOCKED' });
  await log.close();
  t.equal(readFileSync(path).length, 16 + 3 * 89);

  // The kernel drops the lock with its holder, even if that is killed.
  const script = `import { openDecisionLog } from ${JSON.stringify(new URL('log.ts', import.meta.url).href)};
    await openDecisionLog({ path: ${JSON.stringify(path)} }); console.log('open'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await t.rejects(openDecisionLog({ path }), { code: 'LOG_LOCKED' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const again = await openDecisionLog({ path });
  t.equal(again.records, 3n);
  t.equal((await entriesOf(again)).length, 3);
  await again.close();
});

const mayMount = process.platform === 'linux' && process.getuid?.() === 0 && mountsTmpfs();

function mountsTmpfs(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'daas-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

void t.test('a real disk that is full', { skip: mayMount ? false : 'needs root and mount' }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'daas-full-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  t.teardown(() => {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'decisions.log');
  const log = await openDecisionLog({ path });
  const burnt = (bytes: number): RecordBody => ({
    $kind: 'decision',
    decision: { message: new Uint8Array(bytes), signature: new Uint8Array(64), inputs: new Uint8Array() },
  });
  await log.append(burnt(30_000), 1).durable;
  await t.rejects(log.append(burnt(60_000), 2).durable, { code: 'LOG_WRITE_FAILED', message: /ENOSPC/ });
  await log.append(burnt(20_000), 3).durable;
  await log.close();
  const again = await openDecisionLog({ path });
  t.equal(again.tornBytes, 0);
  t.equal((await entriesOf(again)).length, 2);
  await again.close();
});
