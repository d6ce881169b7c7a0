import { copyFile, constants, rename, rm } from 'node:fs/promises';

import { z } from 'zod';

import { parseMist } from '../actor.ts';
import { connectTarget, resolveTarget, type TargetOptions } from '../chain-target.ts';
import { userPath } from '../files.ts';
import { CliError } from '../errors.ts';
import { askFaucet, callAdmin } from '../ledger-http.ts';
import { print, type Output } from '../output.ts';
import { durationMs, requireAddress, time } from '../render.ts';

const FAUCET_MIST = '10000000000';
const DEADLINE_MS = 10_000;

/** Gives an address a coin out of nothing. */
export async function chainFaucet(
  output: Output,
  address: string,
  options: TargetOptions & { readonly mist?: string },
): Promise<void> {
  const to = requireAddress(address);
  const mist = parseMist(options.mist ?? FAUCET_MIST);
  const target = await resolveTarget(options);
  const { objectId, digest } = await askFaucet(target, to, mist);
  const { chain } = await connectTarget(target, DEADLINE_MS);
  const { balance } = await chain.client.core.getBalance({ owner: to });
  const answer = { address: to, mist, objectId, digest, balance: BigInt(balance.balance) };
  print(
    output,
    answer,
    () => `${to} has ${balance.balance} MIST now, ${mist} of them in the new coin ${objectId}`,
  );
}

const whole = z.string().regex(/^\d{1,20}$/);
const clockShape = z.object({ manual: z.boolean(), nowMs: whole, checkpoint: whole });
const epochShape = clockShape.extend({ epoch: whole, epochStartMs: whole });

export async function showClock(output: Output, options: TargetOptions): Promise<void> {
  const clock = await callAdmin(await resolveTarget(options), 'clock', {}, clockShape);
  print(output, clock, () => describeClock(clock));
}

/** @param when milliseconds since 1970, or a date like 2026-01-31T12:00:00Z. */
export async function setClock(output: Output, when: string, options: TargetOptions): Promise<void> {
  const setMs = parseTime(when);
  const clock = await callAdmin(await resolveTarget(options), 'clock', { setMs }, clockShape);
  print(output, clock, () => describeClock(clock));
}

/** @param duration `90s`, `15m`, `36h`, `7d`, `500ms`. */
export async function advanceClock(output: Output, duration: string, options: TargetOptions): Promise<void> {
  const advanceMs = durationMs(duration).toString();
  const clock = await callAdmin(await resolveTarget(options), 'clock', { advanceMs }, clockShape);
  print(output, clock, () => describeClock(clock));
}

export async function nextEpoch(output: Output, options: TargetOptions): Promise<void> {
  const epoch = await callAdmin(await resolveTarget(options), 'epoch', {}, epochShape);
  print(output, epoch, () => `epoch ${epoch.epoch} begins at ${time(Number(epoch.epochStartMs))}`);
}

const snapshotShape = z.looseObject({ path: z.string(), bytes: z.number(), ms: z.number() });

/** Has the ledger write a snapshot, and copies it if asked to. */
export async function takeSnapshot(
  output: Output,
  options: TargetOptions & { readonly to?: string },
): Promise<void> {
  const snapshot = await callAdmin(await resolveTarget(options), 'snapshot', {}, snapshotShape);
  const copy = options.to === undefined ? null : userPath(options.to);
  if (copy !== null) await copyWhole(snapshot.path, copy);
  print(output, { ...snapshot, copy }, () => {
    const copied = copy === null ? '' : `, copied to ${copy}`;
    return `${snapshot.path}: ${snapshot.bytes} bytes in ${Math.round(snapshot.ms)} ms${copied}`;
  });
}

async function copyWhole(from: string, to: string): Promise<void> {
  const partial = `${to}.${process.pid}.partial`;
  try {
    await copyFile(from, partial, constants.COPYFILE_EXCL);
    await rename(partial, to);
  } catch (cause) {
    await rm(partial, { force: true });
    throw new CliError(
      'FILE_UNREADABLE',
      `${from} cannot be copied to ${to}`,
      'check both paths and the space',
      {
        cause,
      },
    );
  }
}

function describeClock({ manual, nowMs, checkpoint }: z.infer<typeof clockShape>): string {
  const how = manual ? 'stands still until it is moved' : 'follows the machine';
  return `${time(Number(nowMs))} (${nowMs} ms) at checkpoint ${checkpoint}; the clock ${how}`;
}

function parseTime(text: string): string {
  if (/^\d{1,15}$/.test(text)) return text;
  const ms = /^\d{4}-\d{2}-\d{2}(T.*Z)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (ms >= 0) return String(ms);
  const remedy = 'give milliseconds since 1970, or a date like 2026-01-31T12:00:00Z';
  throw new CliError('USAGE', `${text} is no time`, remedy);
}
