import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import type { Bytes } from '@k3s-daas/core';
import { toBase64 } from '@mysten/sui/utils';
import fc from 'fast-check';
import t from 'tap';

import { BlockWriter, PackedBlock } from './chain/packed.ts';
import { packRuns, Retained, type Codec } from './chain/retained.ts';
import type { LedgerError } from './chain/errors.ts';
import { openLedger, restoreLedger, type JournaledLedger, type SnapshotResult } from './index.ts';
import { restoreLedgerOn } from './journal/restore.ts';
import { JOURNAL, MemoryDisk, type Crash } from './testdata/disk.ts';
import {
  address,
  executeSplit,
  liveThrough,
  openOn,
  refusal,
  stateOf,
  STRANGER,
  verifyAttestation,
} from './testdata/durable.ts';
import { compileUpgrade } from './testdata/packages.ts';
import { changes, createWorld, errorOf, worldOptions, type World } from './testdata/world.ts';

t.setTimeout(600_000);

const SEED = Number(process.env['FC_SEED'] ?? 20_261_121);

type Files = Record<string, Bytes>;

/** Names of the files of a kind, oldest first. */
function named(files: Files, kind: 'segment' | 'snapshot'): string[] {
  return Object.keys(files)
    .filter((name) => name.endsWith(`.${kind}`))
    .sort();
}

function without(files: Files, ...names: string[]): Files {
  return Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name)));
}

function flipped(files: Files, name: string, at: number): Files {
  const bytes = files[name]?.slice() ?? new Uint8Array();
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  return { ...files, [name]: bytes };
}

/** Publishes a package and upgrades it, so that the loader holds two versions of it. */
async function upgraded(world: World): Promise<{ v1: string; v2: string }> {
  const [first, second] = await Promise.all([compileUpgrade('v1'), compileUpgrade('v2')]);
  const published = changes(
    await world.run((tx) => {
      const cap = tx.publish({ modules: first.modules.map(toBase64), dependencies: [...first.dependencies] });
      tx.transferObjects([cap], world.address);
    }),
  ).created;
  const idOf = (suffix: string): string => published.find(({ type }) => type.endsWith(suffix))?.id ?? '';
  const result = await world.run((tx) => {
    const cap = tx.object(idOf('::package::UpgradeCap'));
    const ticket = tx.moveCall({
      target: '0x2::package::authorize_upgrade',
      arguments: [cap, tx.pure.u8(0), tx.pure.vector('u8', Array.from(second.digest))],
    });
    const receipt = tx.upgrade({
      modules: second.modules.map(toBase64),
      dependencies: [...second.dependencies],
      package: idOf('package'),
      ticket,
    });
    tx.moveCall({ target: '0x2::package::commit_upgrade', arguments: [cap, receipt] });
  });
  const v2 = changes(result).created.find(({ type }) => type === 'package')?.id ?? '';
  return { v1: idOf('package'), v2 };
}

void t.test('a chain goes on from its snapshot as it does from its whole journal', async (t) => {
  const disk = new MemoryDisk();
  const options = await worldOptions({ verifyAttestation });
  const first = await openOn(disk, options);
  t.equal(first.restored, null);
  let versions: Awaited<ReturnType<typeof upgraded>>;
  {
    await using world = await createWorld(first.ledger);
    await liveThrough(t, world);
    versions = await upgraded(world);
    const before = stateOf(first.ledger);
    const taken = await first.snapshot();
    t.equal(taken.sequence, first.ledger.checkpoints.latest.sequence);
    t.equal(disk.files[taken.path]?.length, taken.bytes);
    t.strictSame(stateOf(first.ledger), before, 'history that was packed reads the same');
    first.ledger.faucet(STRANGER, 5n);
  }
  const before = stateOf(first.ledger);
  await first.close();

  const second = await openOn(disk, options);
  t.match(second, { restored: named(disk.files, 'snapshot').length === 1 ? BigInt : null, replayed: 1 });
  t.strictSame(stateOf(second.ledger), before, 'bit for bit');
  {
    // Everything there is goes on working: packages, upgraded ones, objects, the numbers of faucet and events.
    const counter = [...second.ledger.objects.all()].find(
      (record) => record.kind === 'move' && record.type.name === 'Counter',
    );
    if (counter?.kind !== 'move') throw new Error('there is no counter');
    await using world = await createWorld(second.ledger);
    const result = await world.run((tx) => {
      const target = `${counter.type.address}::counter::add`;
      tx.moveCall({ target, arguments: [tx.object(counter.id), tx.pure.u64(5), tx.object.clock()] });
    });
    t.equal(errorOf(result), undefined);
    for (const version of [versions.v1, versions.v2]) {
      const made = await world.run((tx) => {
        const item = tx.moveCall({ target: `${version}::vault::item`, arguments: [tx.pure.u64(7)] });
        tx.transferObjects([item], world.address);
      });
      t.equal(errorOf(made), undefined, 'both versions run');
    }
    await liveThrough(t, world);
  }
  const after = stateOf(second.ledger);
  await second.close();

  const whole = new MemoryDisk(without(disk.files, ...named(disk.files, 'snapshot')));
  const replayed = await openOn(whole, options);
  t.equal(replayed.restored, null);
  t.strictSame(
    stateOf(replayed.ledger),
    after,
    'executing everything from the genesis comes to the same checkpoints',
  );
  await replayed.close();
});

void t.test(
  'the journal before the last but one snapshot goes, the identity of the chain stays',
  async (t) => {
    const disk = new MemoryDisk();
    const options = await worldOptions();
    const opened = await openOn(disk, options);
    const { id } = opened.ledger.faucet(address, 10n ** 10n);
    for (let round = 0; round < 4; round += 1) {
      for (let i = 0; i < 3; i += 1) await executeSplit(opened.ledger, id);
      await opened.snapshot();
    }
    t.equal(named(disk.files, 'snapshot').length, 2);
    t.equal(named(disk.files, 'segment').length, 2);
    t.equal(Object.keys(disk.files).length, 5, 'and the first file; nothing unfinished');
    t.ok(disk.bytes.length < 300, 'which is cut to the genesis');
    const again = await opened.snapshot();
    t.equal(again.sequence, opened.ledger.checkpoints.latest.sequence, 'of the same place, once more');
    t.equal(named(disk.files, 'snapshot').length, 2);
    const before = stateOf(opened.ledger);
    await opened.close();
    const { files } = disk;
    const open = async (changed: Files): Promise<string> => {
      const trial = openOn(new MemoryDisk(changed), options);
      const outcome = await refusal(trial);
      if (outcome === 'accepted') {
        const { ledger, close, bypassed, restored } = await trial;
        t.strictSame(stateOf(ledger), before, 'whatever it was loaded from');
        await close();
        return `${restored === null ? 'journal' : 'snapshot'}, ${bypassed.map(({ code }) => code).join()}`;
      }
      return outcome;
    };
    const [older = '', newer = ''] = named(files, 'snapshot');
    const [, last = ''] = named(files, 'segment');
    t.equal(await open(files), 'snapshot, ');
    t.equal(await open(without(files, newer)), 'snapshot, ', 'the one before serves as well');
    t.equal(await open(flipped(files, newer, 500)), 'snapshot, SNAPSHOT_CORRUPT');
    t.match(
      await open(flipped(flipped(files, newer, 500), older, 500)),
      /^SNAPSHOT_CORRUPT: .*snapshot: The snapshot is damaged: .* is missing/,
      'the journal does not go back far enough',
    );
    t.match(await open(without(files, newer, older)), /^JOURNAL_INCOMPLETE: .*up to \d+, is missing/);
    t.match(await open(without(files, last)), /^JOURNAL_INCOMPLETE: .*what comes after checkpoint \d+/);
    t.match(await open(without(files, last, newer)), /^JOURNAL_INCOMPLETE/, 'the record before says so');
    t.match(await open(without(files, JOURNAL)), /^JOURNAL_INCOMPLETE: .*first file/);
    t.match(await open({ [JOURNAL]: disk.bytes }), /^JOURNAL_INCOMPLETE/, 'a copy of the first file alone');
    t.match(await open(flipped(files, last, 45)), /^JOURNAL_CORRUPT: .*segment: /);

    // Snapshots and segments of another chain, and one that disagrees with the journal.
    const other = new MemoryDisk();
    const stranger = await openOn(other, options);
    const coin = stranger.ledger.faucet(address, 10n ** 10n).id;
    for (let i = 0; i < 12; i += 1) await executeSplit(stranger.ledger, coin);
    await stranger.snapshot();
    await stranger.close();
    const [foreign = ''] = named(other.files, 'snapshot');
    const [segment = ''] = named(other.files, 'segment');
    t.equal(foreign, newer, 'at the same place');
    const swapped = { ...files, [newer]: other.files[foreign] ?? new Uint8Array() };
    t.equal(await open(swapped), 'snapshot, SNAPSHOT_MISMATCH');
    t.match(await open(without(swapped, older)), /^SNAPSHOT_MISMATCH: .*another chain.* is missing/);
    t.match(
      await open({ ...files, [last]: other.files[segment] ?? new Uint8Array() }),
      /^(JOURNAL_MISMATCH|JOURNAL_INCOMPLETE|SNAPSHOT_MISMATCH)/,
    );
    t.equal(
      await open({ ...files, [newer]: files[older] ?? new Uint8Array() }),
      'snapshot, SNAPSHOT_MISMATCH',
      'of another place than its name says',
    );
    const future = (files[newer] ?? new Uint8Array()).slice();
    future[future.indexOf(0x0a) - 1] = 0x32;
    t.equal(await open({ ...files, [newer]: future }), 'snapshot, SNAPSHOT_MISMATCH', 'version 2');
  },
);

void t.test('every flipped bit and every cut of a snapshot is found', async (t) => {
  const disk = new MemoryDisk();
  const options = await worldOptions();
  const opened = await openOn(disk, options);
  const { id } = opened.ledger.faucet(address, 10n ** 10n);
  await executeSplit(opened.ledger, id);
  const { path } = await opened.snapshot();
  await opened.close();
  const whole = disk.files[path] ?? new Uint8Array();
  const target = 'new.journal';
  const restore = (bytes: Bytes): Promise<string> =>
    refusal(restoreLedgerOn(new MemoryDisk({ copy: bytes }), { snapshot: 'copy', journal: target }));
  t.equal(await restore(whole), 'accepted');
  let missed = 0;
  // Bytecode of the framework makes up most of it: every 97th byte, and all of head and tail.
  const places = [...whole.keys()].filter((at) => at % 97 === 0 || at < 200 || at > whole.length - 200);
  for (const at of places) {
    const bytes = whole.slice();
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    if (!/^SNAPSHOT_(CORRUPT|MISMATCH)/.test(await restore(bytes))) missed += 1;
    if (!(await restore(whole.slice(0, at))).startsWith('SNAPSHOT_CORRUPT')) missed += 1;
  }
  t.equal(missed, 0, `${places.length} places`);
  t.match(await restore(new Uint8Array([...whole, 0])), /^SNAPSHOT_CORRUPT: .*follows/);
});

void t.test('a crash at any operation on the disk loses nothing that was acknowledged', async (t) => {
  const disk = new MemoryDisk();
  const options = await worldOptions();
  const opened = await openOn(disk, options);
  const { ledger } = opened;
  const { id } = ledger.faucet(address, 10n ** 10n);
  await ledger.settled();
  const start = disk.files;
  const from = disk.log.length;
  /** How many transactions the ledger had acknowledged before each operation. */
  const acknowledged: number[] = [];
  const digests: string[] = [];
  disk.fault = () => {
    acknowledged.push(digests.length);
    return null;
  };
  const transact = async (): Promise<void> => {
    const digest = await executeSplit(ledger, id);
    digests.push(digest);
  };
  for (let round = 0; round < 3; round += 1) {
    await transact();
    ledger.clock.advance(1_000);
    // The chain goes on while a snapshot is taken.
    await Promise.all([opened.snapshot(), transact().then(transact)]);
  }
  await transact();
  await opened.close();
  const log = disk.log.slice(from);
  const all = [...digests];
  t.comment(`${log.length} operations, ${all.length} transactions`);

  const seen = new Set<string>();
  let opens = 0;
  const check = async (at: number, crash: Crash, done: number): Promise<void> => {
    const files = MemoryDisk.afterCrash(start, log, at, crash, done);
    const key = Object.entries(files)
      .map(([name, bytes]) => `${name} ${Buffer.from(bytes).toString('base64')}`)
      .sort()
      .join('\n');
    if (seen.has(key)) return;
    seen.add(key);
    opens += 1;
    const label = `operation ${at} (${JSON.stringify({ ...log[at], bytes: undefined })}), ${crash} ${done}`;
    const trial = new MemoryDisk(files);
    let again: JournaledLedger;
    try {
      again = await openOn(trial, options);
    } catch (error) {
      t.fail(`${label}: ${String(error)}`);
      return;
    }
    const told = all.slice(0, acknowledged[at] ?? all.length);
    const lost = told.filter((digest) => again.ledger.history.get(digest) === undefined);
    if (lost.length > 0) t.fail(`${label}: ${lost.length} of ${told.length} lost`);
    if (again.ledger.chainId !== ledger.chainId) t.fail(`${label}: another chain`);
    if (again.bypassed.length > 0) t.fail(`${label}: a snapshot was bypassed: ${String(again.bypassed[0])}`);
    // It goes on, and that lasts too.
    if (opens % 5 === 0) {
      const digest = await executeSplit(again.ledger, id);
      await again.snapshot();
      await again.close();
      const third = await openOn(trial, options);
      if (third.ledger.history.get(digest) === undefined) t.fail(`${label}: lost later`);
      await third.close();
    } else await again.close();
  };
  for (let at = 0; at <= log.length; at += 1) {
    await check(at, 'kill', 0);
    if (log[at]?.kind === 'write') await check(at, 'kill', 0.5);
    await check(at, 'power', 0);
    await check(at, 'names', 0);
  }
  t.ok(opens > 60, `${opens} different states of the disk`);
});

void t.test('a snapshot that cannot be written changes nothing', async (t) => {
  const disk = new MemoryDisk();
  const options = await worldOptions();
  const outcomes: (SnapshotResult | LedgerError)[] = [];
  const opened = await openOn(disk, { ...options, onSnapshot: (outcome) => outcomes.push(outcome) });
  const { ledger } = opened;
  const { id } = ledger.faucet(address, 10n ** 10n);
  await executeSplit(ledger, id);
  const kinds = ['create', 'write', 'sync', 'rename', 'syncFolder'] as const;
  for (const [suffix, kind] of ['segment', 'snapshot'].flatMap((s) => kinds.map((k) => [s, k] as const))) {
    let seenFolder = 0;
    disk.fault = (operation) => {
      if (operation.kind !== kind) return null;
      // The folder is written after each rename: of the segment first.
      if (operation.kind === 'syncFolder')
        return (seenFolder += 1) === (suffix === 'segment' ? 1 : 2) ? new Error('EIO') : null;
      return 'path' in operation && operation.path.includes(`.${suffix}`) ? new Error('EIO: no') : null;
    };
    t.match(await refusal(opened.snapshot()), /^SNAPSHOT_FAILED: The snapshot cannot be written: EIO/);
    disk.fault = null;
    await executeSplit(ledger, id);
    const before = stateOf(ledger);
    const copy = await openOn(new MemoryDisk(disk.files), options);
    t.strictSame(stateOf(copy.ledger), before, `${kind} of ${suffix} failed`);
    await copy.close();
  }
  await opened.snapshot();
  t.notOk(Object.keys(disk.files).some((name) => name.endsWith('.new')));
  const before = stateOf(ledger);
  await opened.close();
  t.strictSame(outcomes, [], 'those that are asked for are not reported');
  const again = await openOn(disk, options);
  t.strictSame(stateOf(again.ledger), before);
  await again.close();
});

void t.test('snapshots are taken by themselves, and at the end', async (t) => {
  const disk = new MemoryDisk();
  const options = { ...(await worldOptions()), snapshotBytes: 3_000 };
  const outcomes: (SnapshotResult | LedgerError)[] = [];
  const opened = await openOn(disk, { ...options, onSnapshot: (outcome) => outcomes.push(outcome) });
  const { id } = opened.ledger.faucet(address, 10n ** 10n);
  for (let i = 0; i < 40; i += 1) await executeSplit(opened.ledger, id);
  t.ok(outcomes.length >= 2, `${outcomes.length} snapshots`);
  t.ok(outcomes.every((outcome) => 'bytes' in outcome));
  disk.fault = ({ kind }) => (kind === 'create' ? new Error('ENOSPC') : null);
  for (let i = 0; i < 20; i += 1) await executeSplit(opened.ledger, id);
  t.match(outcomes.at(-1), { code: 'SNAPSHOT_FAILED' }, 'a failure is told and the chain goes on');
  const failures = outcomes.filter((outcome) => 'code' in outcome).length;
  t.ok(failures <= 5, `${failures} failures: it is not tried for every transaction`);
  disk.fault = null;
  while (disk.log.length > 0 && !(await grows(opened, disk, id))) continue;
  const taken = outcomes.length;
  await opened.close();
  const again = await openOn(disk, options);
  t.ok(again.replayed <= 20, `${again.replayed} changes are left to run again`);
  t.ok(outcomes.length >= taken);
  await again.close();

  const never = new MemoryDisk();
  const quiet = await openOn(never, { ...options, snapshotBytes: Number.POSITIVE_INFINITY });
  const coin = quiet.ledger.faucet(address, 10n ** 10n).id;
  while (never.bytes.length < 80_000) await executeSplit(quiet.ledger, coin);
  await quiet.close();
  t.strictSame(Object.keys(never.files), [JOURNAL], 'never means never');
  const { close, restored, replayed } = await openOn(never, { ...options, snapshotBytes: undefined });
  t.match({ restored, replayed: replayed > 100 }, { restored: null, replayed: true });
  await close();
  t.equal(named(never.files, 'snapshot').length, 1, 'an old journal gets its first snapshot at the end');
});

/** Executes another transaction; whether the last snapshot is newer than it was before. */
async function grows(opened: JournaledLedger, disk: MemoryDisk, id: string): Promise<boolean> {
  const before = named(disk.files, 'snapshot').at(-1);
  await executeSplit(opened.ledger, id);
  return named(disk.files, 'snapshot').at(-1) !== before;
}

void t.test('a backup begins the chain in another place', async (t) => {
  const dir = t.testdir();
  const options = await worldOptions();
  const journal = join(dir, 'here', 'ledger.journal');
  const copy = join(dir, 'backup.snapshot');
  const opened = await openLedger({ ...options, journal });
  const { id } = opened.ledger.faucet(address, 10n ** 10n);
  await executeSplit(opened.ledger, id);
  const taken = await opened.snapshot({ to: copy });
  t.match(taken, { path: copy, sequence: 2n, bytes: (await stat(copy)).size });
  t.equal((await stat(copy)).mode & 0o777, 0o600);
  t.strictSame(await readdir(join(dir, 'here')), ['ledger.journal'], 'a copy does nothing to the journal');
  t.match(await refusal(opened.snapshot({ to: copy })), /^SNAPSHOT_FAILED: There is a file/);
  t.match(await refusal(opened.snapshot({ to: journal })), /^SNAPSHOT_FAILED: There is a file/);
  const before = stateOf(opened.ledger);
  await executeSplit(opened.ledger, id);

  const place = { snapshot: copy, journal: join(dir, 'there', 'ledger.journal') };
  t.match(await restoreLedger(place), { chainId: opened.ledger.chainId, sequence: 2n });
  t.match(await refusal(restoreLedger(place)), /^JOURNAL_MISMATCH: There is a journal/);
  t.match(await refusal(restoreLedger({ ...place, journal })), /^JOURNAL_LOCKED/);
  const there = await openLedger({ ...options, journal: place.journal });
  t.strictSame(stateOf(there.ledger), before, 'the chain as it was then');
  t.equal(there.restored, 2n);
  t.match(await refusal(openLedger({ ...options, journal: place.journal })), /^JOURNAL_LOCKED/, 'one writer');
  await executeSplit(there.ledger, id);
  await there.snapshot();
  t.match(
    await refusal(openLedger({ ...options, journal: place.journal })),
    /^JOURNAL_LOCKED/,
    'still, in another segment',
  );
  const after = stateOf(there.ledger);
  await there.close();
  const again = await openLedger({ ...options, journal: place.journal });
  t.strictSame(stateOf(again.ledger), after);
  await again.close();
  await opened.close();

  t.match(await refusal(restoreLedger({ snapshot: journal, journal: join(dir, 'x') })), /^SNAPSHOT_CORRUPT/);
  t.match(
    await refusal(restoreLedger({ snapshot: join(dir, 'none'), journal: join(dir, 'x') })),
    /^JOURNAL_UNREADABLE/,
  );
  await copyFile(copy, join(dir, `lost-000000000002.snapshot`));
  t.match(await refusal(openLedger({ ...options, journal: join(dir, 'lost') })), /^JOURNAL_INCOMPLETE/);
  t.match(
    await restoreLedger({ snapshot: copy, journal: join(dir, 'lost') }),
    { sequence: 2n },
    'a second try',
  );
});

void t.test('kill -9 while snapshots are taken loses nothing that was acknowledged', async (t) => {
  const journal = join(t.testdir(), 'ledger.journal');
  const options = await worldOptions({ clock: undefined });
  const told = new Set<string>();
  for (let round = 0; round < 4; round += 1) {
    const script = join(import.meta.dirname, 'testdata', 'journal-load.ts');
    const child = spawn(process.execPath, [script, journal, '6000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const wanted = told.size + 60 + round * 17;
    for await (const line of createInterface(child.stdout)) {
      const [kind, value = ''] = line.split(' ');
      if (kind === 'transaction') told.add(value);
      if (told.size >= wanted) child.kill('SIGKILL');
    }
    await exited;
  }
  const { ledger, restored, bypassed, close } = await openLedger({ ...options, journal });
  t.strictSame(
    [...told].filter((digest) => ledger.history.get(digest) === undefined),
    [],
    `${told.size} transactions were acknowledged`,
  );
  t.ok(restored !== null, 'there are snapshots');
  t.strictSame(bypassed, []);
  await close();
});

void t.test('packed values come back as they were', (t) => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, undefined, true, false, -0, Number.NaN, 0.5, '0x' + 'ab'.repeat(32)),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double(),
      fc.bigInt(),
      fc.bigInt(0n, (1n << 64n) - 1n),
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.uint8Array(),
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(
        fc.string().filter((key) => key !== '__proto__' && !key.includes('\n')),
        tie('value'),
        { maxKeys: 5, noNullPrototype: true },
      ),
      fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    ),
  })).value;
  t.comment(`seed ${SEED}`);
  const writer = new BlockWriter();
  fc.assert(
    fc.property(fc.array(value, { maxLength: 8 }), (values) => {
      for (const one of values) writer.add(one);
      const block = new PackedBlock(writer.finish());
      if (block.count !== values.length) return false;
      const back = values.map((_, index) => block.get(index));
      return fc.stringify(back) === fc.stringify(values);
    }),
    { seed: SEED, numRuns: 500 },
  );
  t.throws(() => {
    writer.add(new Date());
  }, TypeError);
  t.throws(() => {
    writer.add({ 'a\nb': 1 });
  }, TypeError);
  t.throws(() => {
    writer.add(() => 1);
  }, TypeError);
  t.end();
});

interface Item {
  readonly name: string;
  readonly size: number;
}

void t.test('a list that is packed now and then is a list', (t) => {
  const codec: Codec<Item> = {
    parts: 2,
    key: ({ name }) => name,
    pack: ({ name, size }) => [name, size],
    unpack: (part) => ({ name: part(0) as string, size: part(1) as number }),
  };
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ kind: fc.constantFrom('pop', 'pack', 'compact', 'reload'), count: fc.constant(1) }),
  );
  const lengthMax = fc.oneof(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 1_200, max: 2_500 }));
  let compacted = 0;
  t.comment(`seed ${SEED}`);
  fc.assert(
    fc.property(lengthMax, fc.array(step, { maxLength: 25 }), (max, steps) => {
      let list = new Retained(max, codec);
      const model: Item[] = [];
      let dropped = 0;
      let packed = 0;
      let serial = 0;
      for (const { kind, count } of steps) {
        for (let i = 0; kind === 'append' && i < count; i += 1) {
          serial += 1;
          const item = { name: `${String(serial).padStart(8, 'x')} and as long as a digest`, size: serial };
          list.append(item);
          model.push(item);
          if (model.length <= max) continue;
          model.shift();
          dropped += 1;
        }
        // Only what came after the last packing is ever taken back.
        if (kind === 'pop' && dropped + model.length > packed && model.length > 0)
          t.strictSame(list.pop(), model.pop());
        if (kind === 'compact') {
          // What is not final stays as it is.
          list.compact(({ size }) => size <= serial - 1_100);
          const { runs, itemsFirst } = list.view();
          compacted += runs.length;
          const isFinal = runs.at(-1) === undefined || itemsFirst <= Math.max(packed, serial - 1_100);
          if (!isFinal) return false;
        }
        if (kind === 'pack' || kind === 'reload') {
          const view = list.view();
          const runs = [...packRuns(view, codec)];
          list.adopt(runs);
          packed = dropped + model.length;
          if (kind === 'pack') continue;
          list = new Retained(max, codec);
          list.restore(view.first, [...view.runs, ...runs]);
        }
      }
      const all = [...list.between(null, null, false)];
      const low = BigInt(dropped) + 3n;
      return (
        fc.stringify(all) === fc.stringify(model) &&
        list.next === BigInt(dropped + model.length) &&
        model.every(
          ({ name }, i) => list.find(name)?.name === name && list.at(BigInt(dropped + i))?.name === name,
        ) &&
        list.find('1'.repeat(8)) === undefined &&
        list.at(BigInt(dropped) - 1n) === undefined &&
        fc.stringify([...list.between(low, low + 5n, true)]) === fc.stringify(model.slice(4, 8).reverse())
      );
    }),
    { seed: SEED, numRuns: 150 },
  );
  t.ok(compacted > 20, `${compacted} runs seen after compaction`);
  t.end();
});
