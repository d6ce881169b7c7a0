/**
 * Shows that each check of sealed admission stops something: with the check taken out of the webhook, the attack named
 * beside it passes. The webhook runs in a process whose module loader replaces the text; the work tree is not touched.
 *
 *   node test/attacks/mutations/main.ts            all
 *   node test/attacks/mutations/main.ts labels     only families whose names contain one of the words
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Attack } from '../sealed/cases.ts';
import { families } from '../sealed/families.ts';
import { SealedWorld } from '../sealed/world.ts';
import { mutations, type Mutation } from './table.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LOADER = import.meta.resolve('./load.ts');
const WEBHOOK = fileURLToPath(import.meta.resolve('./webhook.ts'));

async function main(words: readonly string[]): Promise<boolean> {
  const wanted = families.filter(
    ({ name }) =>
      (mutations[name]?.length ?? 0) > 0 && (words.length === 0 || words.some((word) => name.includes(word))),
  );
  for (const mutation of wanted.flatMap(({ name }) => mutations[name] ?? [])) requireText(mutation);
  const world = await SealedWorld.start();
  let [shown, of] = [0, 0];
  try {
    for (const family of wanted) {
      try {
        const { attacks } = await family.prepare(world);
        for (const mutation of mutations[family.name] ?? []) {
          of += 1;
          if (await passes(world, mutation, attacks)) shown += 1;
        }
      } finally {
        await family.restore?.(world);
      }
    }
  } finally {
    await world.stop();
  }
  console.log(`${of} checks taken out, ${shown} attacks then passed`);
  return shown === of;
}

/** A mutation that no longer fits the source would show nothing. */
function requireText({ file, from, attack }: Mutation): void {
  const parts = readFileSync(join(ROOT, file), 'utf8').split(from).length - 1;
  if (parts !== 1) throw new Error(`${attack}: ${file} has the text of the check ${parts} times: ${from}`);
}

async function passes(world: SealedWorld, mutation: Mutation, attacks: readonly Attack[]): Promise<boolean> {
  const { attack: name, opened = /^accepted$/, file } = mutation;
  const attack = attacks.find((each) => each.name === name);
  if (attack === undefined) throw new Error(`there is no attack ${name}`);
  await world.stopWebhook();
  const child = await startMutated(world, mutation);
  let verdict: string;
  try {
    verdict = await attack.act();
  } finally {
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
    await world.startWebhook();
  }
  const met = verdict !== attack.expected && opened.test(verdict);
  console.log(`${met ? 'ok    ' : 'NOT OK'} ${name}: ${attack.expected} → ${verdict} (${file})`);
  return met;
}

async function startMutated(world: SealedWorld, { file, from, to }: Mutation): Promise<ChildProcess> {
  const path = join(world.dir, 'webhook.json');
  writeFileSync(path, JSON.stringify(await world.webhookSetup()), { mode: 0o600 });
  const child = spawn(process.execPath, ['--import', LOADER, WEBHOOK, path], {
    env: { ...process.env, MUTATION: JSON.stringify({ file, from, to }) },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'close').then(() => {
      throw new Error(`the webhook with a changed ${file} does not start`);
    }),
  ]);
  return child;
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
