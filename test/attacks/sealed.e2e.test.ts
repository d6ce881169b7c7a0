/**
 * Sealed admission as a table of attacks, by families of reference/admission-secrets-join.md, on a real API server with
 * the real webhook: each must meet exactly the refusal that it expects and leave every object as it was.
 * `test/attacks/mutations` shows for each check that an attack passes once the check is taken out.
 *
 *   node test/attacks/sealed.e2e.test.ts            all
 *   node test/attacks/sealed.e2e.test.ts labels     only families whose names contain one of the words
 *   node test/attacks/sealed.e2e.test.ts --write    all, and writes sealed/attacks.json anew
 */
import { readFileSync, writeFileSync } from 'node:fs';

import t, { type Test } from 'tap';

import type { Cases } from './sealed/cases.ts';
import { families } from './sealed/families.ts';
import { stateOf } from './sealed/state.ts';
import { SealedWorld } from './sealed/world.ts';

t.setTimeout(1_200_000);
const world = await SealedWorld.start();
t.teardown(() => world.stop());
let attacks = 0;
let refused = 0;

/** Which attacks there are, with their refusals, for those who do not run them. By family. */
type List = Readonly<Record<string, Readonly<Record<string, string>>>>;
const LIST = new URL('sealed/attacks.json', import.meta.url);
const listed = JSON.parse(readFileSync(LIST, 'utf8')) as List;
const found: Record<string, Record<string, string>> = {};
const writes = process.argv.includes('--write');
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
for (const { name, prepare, restore } of families) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
  await t.test(name, async (t) => {
    let cases: Cases | undefined;
    try {
      cases = await prepare(world);
      found[name] = Object.fromEntries(cases.attacks.map((attack) => [attack.name, attack.expected]));
      if (!writes) t.same(found[name], listed[name], 'as listed in sealed/attacks.json');
      await run(t, cases);
    } finally {
      await restore?.(world);
    }
    for (const control of cases.recovered ?? [])
      t.equal(await control.act(), 'accepted', `again: ${control.name}`);
  });
}
if (writes) writeFileSync(LIST, `${JSON.stringify(found, null, 2)}\n`);
else if (wanted.length === 0) t.same(Object.keys(listed), Object.keys(found), 'no other family is listed');

async function run(t: Test, cases: Cases): Promise<void> {
  world.setChain();
  for (const control of cases.controls) t.equal(await control.act(), 'accepted', `control: ${control.name}`);
  let before = await stateOf(world);
  for (const attack of cases.attacks) {
    world.setChain();
    const met = t.equal(await attack.act(), attack.expected, attack.name);
    const after = await stateOf(world);
    const unchanged = t.strictSame(after, before, `${attack.name}: nothing has changed`);
    attacks += 1;
    if (met && unchanged) refused += 1;
    before = after;
  }
}

t.comment(`${attacks} attacks, ${refused} refused`);
