/**
 * Sealed admission as a table of attacks, by families of reference/admission-secrets-join.md, on a real API server with
 * the real webhook: each must meet exactly the refusal that it expects and leave every object as it was.
 * `test/attacks/mutations` shows for each check that an attack passes once the check is taken out.
 */
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

const wanted = process.argv.slice(2);
for (const { name, prepare, restore } of families) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
  await t.test(name, async (t) => {
    try {
      await run(t, await prepare(world));
    } finally {
      await restore?.(world);
    }
  });
}

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
