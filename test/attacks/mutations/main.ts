/**
 * Shows that each check of sealed admission stops something: with the check taken out, the attack named beside it passes.
 * A changed webhook runs in a process whose module loader replaces the text, changed manifests are applied from a copy; the
 * work tree is not touched.
 *
 *   node test/attacks/mutations/main.ts            all
 *   node test/attacks/mutations/main.ts labels     only families whose names contain one of the words
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Attack } from '../sealed/cases.ts';
import { families } from '../sealed/families.ts';
import { SealedWorld } from '../sealed/world.ts';
import { edited } from './edits.ts';
import { mutations, isByTheApiServer } from './table.ts';
import { FamilyRun } from './take-out.ts';

const ROOT = new URL('../../../', import.meta.url);

async function main(words: readonly string[]): Promise<boolean> {
  const wanted = families.filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  );
  for (const { name } of wanted) for (const { edits } of mutations.get(name) ?? []) requireTexts(edits);
  const world = await SealedWorld.start();
  const failed: string[] = [];
  let [rows, ours, shown] = [0, 0, 0];
  try {
    for (const family of wanted) {
      try {
        const { attacks } = await family.prepare(world);
        const run = new FamilyRun(world, family, attacks);
        for (const mutation of mutations.get(family.name) ?? []) {
          rows += 1;
          if (!(await run.takeOut(mutation))) failed.push(`${family.name}: ${mutation.attack}`);
        }
        const own = attacks.filter(({ expected }) => !isByTheApiServer(expected));
        ours += own.length;
        shown += own.filter((attack) => run.passed.has(attack)).length;
        report(family.name, own, run.passed);
      } finally {
        await family.restore?.(world);
      }
    }
  } finally {
    await world.stop();
  }
  for (const name of failed) console.log(`NOT OK ${name}`);
  console.log(`${rows} times checks taken out, ${rows - failed.length} times the attack then passed`);
  console.log(`${shown} of ${ours} attacks that are ours to refuse passed with a check taken out`);
  return failed.length === 0;
}

function requireTexts(edits: Parameters<typeof edited>[1]): void {
  for (const [file, own] of Map.groupBy(edits, (edit) => edit.file))
    edited(readFileSync(fileURLToPath(new URL(file, ROOT)), 'utf8'), own);
}

function report(family: string, own: readonly Attack[], passed: ReadonlySet<Attack>): void {
  const left = own.filter((attack) => !passed.has(attack));
  console.log(`# ${family}: ${own.length - left.length} of ${own.length} passed once`);
  for (const { name, expected } of left) console.log(`#   never passed: ${name} (${expected})`);
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
