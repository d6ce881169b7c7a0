import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, link, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import { concatBytes, utf8, type Bytes } from '@k3s-daas/core';
import { SuiGrpcClient } from '@mysten/sui/grpc';
import t from 'tap';

import { openLedger, serveLedger, type LedgerOptions } from './index.ts';
import { encodeFrame, MAGIC, scanFrames, type Frame } from './journal/frame.ts';
import { decodeChange, encodeChange } from './journal/record.ts';
import { JOURNAL, MemoryDisk } from './testdata/disk.ts';
import {
  address,
  executeSplit,
  liveThrough,
  openOn,
  refusal,
  split,
  stateOf,
  STRANGER,
  verifyAttestation,
} from './testdata/durable.ts';
import { CHAIN_START_MS, createWorld, worldOptions } from './testdata/world.ts';

t.setTimeout(300_000);

async function framesOf(bytes: Bytes): Promise<{ readonly frames: Frame[]; readonly end: number }> {
  const scan = scanFrames(await new MemoryDisk(bytes).open(JOURNAL));
  const frames: Frame[] = [];
  for (;;) {
    const next = await scan.next();
    if (next.done === true) return { frames, end: next.value };
    frames.push(next.value);
  }
}

void t.test('a chain goes on where it was: bit for bit, and from there', async (t) => {
  const disk = new MemoryDisk();
  const options = await worldOptions({ verifyAttestation, limits: { stepsMax: 1_000_000 } });
  const first = await openOn(disk, options);
  t.match(first, { replayed: 0, tornBytes: 0 });
  let before: unknown;
  {
    await using world = await createWorld(first.ledger);
    await liveThrough(t, world);
    before = stateOf(first.ledger);
  }
  await first.close();
  const calls: unknown[] = [];
  const later = {
    ...options,
    clock: { startMs: CHAIN_START_MS - 5 },
    limits: undefined,
    verifyAttestation: (document: Uint8Array) => {
      calls.push(document);
      throw new Error('the certificate has expired');
    },
  };
  const second = await openOn(disk, later);
  t.strictSame(
    stateOf(second.ledger),
    before,
    'limits are the journal’s; time goes on from the last checkpoint',
  );
  t.strictSame(calls, [], 'what the attestations were worth then is part of the chain');
  t.equal(second.tornBytes, 0);
  const id = second.ledger.faucet(address, 10n ** 10n).id;
  const digest = await executeSplit(second.ledger, id);
  const after = stateOf(second.ledger);
  await second.close();
  t.match(await refusal(second.ledger.settled()), 'accepted');
  t.throws(() => second.ledger.faucet(address, 1n), { code: 'JOURNAL_WRITE_FAILED' }, 'closed');

  const third = await openOn(disk, later);
  t.strictSame(stateOf(third.ledger), after);
  t.equal(third.replayed, second.replayed + 2);
  t.ok(third.ledger.history.get(digest));
  await third.close();
});

void t.test('cut off at every byte of its last records', async (t) => {
  const disk = new MemoryDisk();
  const options = await worldOptions();
  const { ledger, close } = await openOn(disk, options);
  const states: [number, string][] = [[disk.bytes.length, ledger.checkpoints.latest.digest]];
  const note = async (): Promise<void> => {
    await ledger.settled();
    states.push([disk.bytes.length, ledger.checkpoints.latest.digest]);
  };
  const { id } = ledger.faucet(address, 10n ** 10n);
  await note();
  await executeSplit(ledger, id);
  await note();
  ledger.clock.advance(1_000);
  await note();
  await close();
  const whole = disk.bytes;
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const [bytes, digest] = states.findLast(([end]) => end <= cut) ?? [0, null];
    const torn = new MemoryDisk(whole.slice(0, cut));
    const { end } = await framesOf(torn.bytes);
    if (digest !== null && end !== bytes) t.equal(end, bytes, `the whole part of ${cut} bytes`);
    // The rest takes longer: around the ends of records, and every 16th byte.
    if (cut % 16 !== 0 && !states.some(([edge]) => Math.abs(edge - cut) <= 9)) continue;
    const opened = await openOn(torn, options);
    const { latest } = opened.ledger.checkpoints;
    t.equal(opened.tornBytes, cut - bytes, `cut at ${cut}`);
    if (digest === null) t.not(opened.ledger.chainId, ledger.chainId, 'half a genesis is none');
    else t.strictSame([latest.digest, torn.bytes.length], [digest, bytes], 'the torn tail is gone');
    await opened.close();
  }

  for (const padding of [1, 7, 8, 511, 4_096, 3_000_000]) {
    const padded = await framesOf(concatBytes(whole, new Uint8Array(padding)));
    t.equal(padded.end, whole.length, `${padding} zeros after the end are blocks never written`);
  }
  const long = concatBytes(whole, encodeFrame(new Uint8Array(3_000).fill(1)));
  const firstWhole = Math.ceil((whole.length + 20) / 512) * 512;
  t.equal(
    (await framesOf(long.fill(0, firstWhole))).end,
    whole.length,
    'sectors of the last record unwritten',
  );
});

void t.test('damage elsewhere, and what is not the journal of this ledger, is refused', async (t) => {
  const disk = new MemoryDisk();
  const options = await worldOptions();
  const { ledger, close } = await openOn(disk, options);
  const { id } = ledger.faucet(address, 10n ** 10n);
  await executeSplit(ledger, id);
  ledger.faucet(STRANGER, 5n);
  await close();
  const whole = disk.bytes;
  const { frames } = await framesOf(whole);
  const flipped = (at: number): Bytes => whole.map((byte, i) => (i === at ? byte ^ 0x10 : byte));
  let missed = 0;
  for (let at = MAGIC.length; at < whole.length; at += 1) {
    const { offset } = frames.findLast((frame) => frame.offset <= at) ?? { offset: -1 };
    const message = await refusal(framesOf(flipped(at)));
    if (!message.startsWith(`JOURNAL_CORRUPT: The journal is damaged at byte ${offset}:`)) missed += 1;
  }
  t.equal(missed, 0, 'every flipped byte is found, the last record’s too');
  const open = (bytes: Bytes, other: Partial<LedgerOptions> = {}): Promise<string> =>
    refusal(openOn(new MemoryDisk(bytes), { ...options, ...other }));
  t.match(await open(flipped(whole.length - 1)), /^JOURNAL_CORRUPT: .*damaged at byte \d+: a record fails/);
  t.match(await open(flipped(0)), /^JOURNAL_CORRUPT: .*at byte 0: the file is not a journal/);
  t.match(await open(utf8('k3s-daas/ledger/v2\n…')), /^JOURNAL_MISMATCH: .*format/);
  t.match(
    await open(concatBytes(whole, encodeFrame(utf8('no record')))),
    /^JOURNAL_CORRUPT: .*cannot be read/,
  );

  t.match(await open(new Uint8Array(4_096)), 'accepted', 'a crash before the genesis was written');
  t.match(await open(new Uint8Array(100_000)), /^JOURNAL_CORRUPT: .*at byte 0/, 'too long for that');

  const framework = [...options.framework];
  framework.push(...framework.splice(0, 1));
  t.match(await open(whole, { framework }), /^JOURNAL_MISMATCH: .*framework/);
  t.match(await open(whole, { seed: new Uint8Array(32) }), /^JOURNAL_MISMATCH: .*seed/);
  t.match(await open(whole, { limits: { stepsMax: 7 } }), /^JOURNAL_MISMATCH: .*limits/);

  const rebuilt = (records: readonly Frame[]): Bytes =>
    concatBytes(MAGIC, ...records.map(({ record }) => encodeFrame(record)));
  t.strictSame(rebuilt(frames), whole);
  t.match(await open(rebuilt(frames.toSpliced(2, 1))), /^JOURNAL_DIVERGED: /, 'a record left out');
  const last = frames[3] ?? { offset: 0, record: new Uint8Array() };
  const read = decodeChange(last.record);
  if (typeof read === 'bigint') throw new Error('the last record is a change');
  const { change, checkpointDigest } = read;
  const later = { ...change, timestampMs: change.timestampMs + 1n };
  const forged = { ...last, record: encodeChange({ change: later, checkpointDigest }) };
  t.match(
    await open(rebuilt(frames.with(3, forged))),
    new RegExp(`^JOURNAL_DIVERGED: Replay differs from the journal at byte ${last.offset}: checkpoint`),
  );
});

void t.test('nothing is told before it is durable; together it is, in one fsync', async (t) => {
  const disk = new MemoryDisk();
  const { ledger, close } = await openOn(disk, await worldOptions());
  const coins = Array.from({ length: 20 }, () => ledger.faucet(address, 10n ** 10n).id);
  await ledger.settled();
  const server = await serveLedger(ledger);
  const reader = new SuiGrpcClient({ network: 'localnet', baseUrl: server.url });
  t.equal(disk.syncs, 2, 'one for the genesis, one for all coins');
  ledger.commitEmptyCheckpoint();
  await ledger.settled();
  t.equal(disk.syncs, 2, 'an empty checkpoint has none of its own');

  const known = ledger.checkpoints.latest.sequence;
  const heard: bigint[] = [];
  ledger.onCheckpoint(({ sequence }) => heard.push(sequence));
  const gate = Promise.withResolvers<undefined>();
  disk.gate = gate.promise;
  const told: string[] = [];
  const signed = await Promise.all(coins.map((id) => split(ledger, id)));
  const all = signed.map(async ({ bytes, signatures }) => {
    told.push((await ledger.executeTransaction(bytes, signatures)).transaction.digest);
  });
  while (ledger.checkpoints.latest.sequence < known + 20n) await delay(5);
  let answered = false;
  const read = reader.getBalance({ owner: STRANGER }).then(({ balance }) => {
    answered = true;
    return balance.balance;
  });
  await delay(50);
  t.strictSame(
    [told, heard, answered],
    [[], [], false],
    'executed, and known to nobody: neither told nor read',
  );
  gate.resolve(undefined);
  await Promise.all(all);
  t.equal(await read, '20');
  t.equal(told.length, 20);
  t.equal(heard.length, 20);
  t.ok(disk.syncs <= 2 + 3, 'writes that wait for a sync share the next');
  await server.close();
  await close();
});

void t.test('a full disk refuses the transaction, takes it back, and the rest with it', async (t) => {
  for (const broken of ['space', 'sync'] as const) {
    const disk = new MemoryDisk();
    const options = await worldOptions();
    const { ledger, close } = await openOn(disk, options);
    const world = await createWorld(ledger);
    const coin = ledger.faucet(address, 10n ** 10n).id;
    await ledger.settled();
    const before = stateOf(ledger);
    if (broken === 'space') disk.capacity = disk.bytes.length + 100;
    else disk.failSync = true;
    const signed = await split(ledger, coin);
    const heard: unknown[] = [];
    ledger.onCheckpoint((checkpoint) => heard.push(checkpoint));
    const published = world.run((tx) => {
      const target = `${world.packageId}::counter::add`;
      tx.moveCall({ target, arguments: [tx.object(world.counterId), tx.pure.u64(5), tx.object.clock()] });
    });
    await t.rejects(published, { code: 'UNAVAILABLE', message: /journal.*cannot.*be.*written/i });
    t.strictSame(stateOf(ledger), before, 'nothing is half applied');
    t.strictSame(heard, []);
    t.match(
      await refusal(ledger.executeTransaction(signed.bytes, signed.signatures)),
      /^JOURNAL_WRITE_FAILED/,
    );
    t.throws(() => ledger.faucet(address, 1n), { code: 'JOURNAL_WRITE_FAILED' });
    t.throws(() => {
      ledger.advanceEpoch();
    });
    const faucet = await fetch(`${world.url}/faucet`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ address, mist: 1 }),
    });
    t.equal(faucet.status, 503);
    t.strictSame(stateOf(ledger), before);
    t.ok(await world.client.getObject({ objectId: coin }), 'reading goes on');
    await world[Symbol.asyncDispose]();
    await close();
    disk.capacity = Number.POSITIVE_INFINITY;
    disk.failSync = false;
    const reopened = await openOn(disk, options);
    t.strictSame(stateOf(reopened.ledger), before);
    t.ok(
      await reopened.ledger.executeTransaction(signed.bytes, signed.signatures),
      'and there is room again',
    );
    await reopened.close();
  }
});

void t.test('one writer, by whatever path', async (t) => {
  const options = await worldOptions();
  const journal = join(t.testdir(), 'new', 'folder', 'ledger.journal');
  const first = await openLedger({ ...options, journal });
  const chain = first.ledger.chainId;
  t.equal((await stat(journal)).mode & 0o777, 0o600);
  t.match(await refusal(openLedger({ ...options, journal })), /^JOURNAL_LOCKED/);
  await link(journal, `${journal}.link`);
  t.match(await refusal(openLedger({ ...options, journal: `${journal}.link` })), /^JOURNAL_LOCKED/);
  await first.close();
  await appendFile(journal, 'torn');
  const second = await openLedger({ ...options, journal });
  t.match({ chain: second.ledger.chainId, torn: second.tornBytes }, { chain, torn: 4 });
  await second.close();
  const bytes = await readFile(journal);
  await writeFile(journal, bytes.fill(1, 40, 44));
  t.match(await refusal(openLedger({ ...options, journal })), /^JOURNAL_CORRUPT/);
  t.match(await refusal(openLedger({ ...options, journal })), /^JOURNAL_CORRUPT/, 'a refusal keeps no lock');
  t.match(await refusal(openLedger({ ...options, journal: join(journal, 'x') })), /^JOURNAL_UNREADABLE/);
});

void t.test('kill -9 under load loses nothing that was acknowledged', async (t) => {
  const journal = join(t.testdir(), 'ledger.journal');
  const options = await worldOptions({ clock: undefined });
  const told = { chain: new Set<string>(), transaction: new Set<string>(), coin: new Set<string>() };
  for (let round = 0; round < 4; round += 1) {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'testdata', 'journal-load.ts'), journal],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const wanted = told.transaction.size + 25 + round * 13;
    await readUntil(child, (kind, value) => {
      told[kind].add(value);
      return told.transaction.size >= wanted;
    });
  }
  const { ledger, replayed, close } = await openLedger({ ...options, journal });
  t.strictSame([...told.chain], [ledger.chainId], 'one chain all along');
  const lost = [...told.transaction].filter((digest) => ledger.history.get(digest) === undefined);
  t.strictSame(lost, [], `${told.transaction.size} transactions were acknowledged`);
  t.strictSame(
    [...told.coin].filter((id) => ledger.objects.get(id) === undefined),
    [],
  );
  t.ok(replayed >= told.transaction.size + told.coin.size);
  await close();
});

/** Reads what the child tells until `enough`, kills it then, and takes in what it had told by that time. */
async function readUntil(
  child: ChildProcess,
  enough: (kind: 'chain' | 'transaction' | 'coin', value: string) => boolean,
): Promise<void> {
  const exited = once(child, 'exit');
  if (child.stdout === null) throw new Error('the child has no output');
  for await (const line of createInterface(child.stdout)) {
    const [kind, value] = line.split(' ');
    if (kind !== 'chain' && kind !== 'transaction' && kind !== 'coin') throw new Error(line);
    if (enough(kind, value ?? '')) child.kill('SIGKILL');
  }
  await exited;
}
