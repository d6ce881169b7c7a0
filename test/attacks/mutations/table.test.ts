/** The table of mutations fits the sources and the attacks as they are now; nothing is run. */
import { readFileSync } from 'node:fs';

import t from 'tap';

import { edited } from './edits.ts';
import { BY_THE_API_SERVER, isByTheApiServer, mutations } from './table.ts';

type List = Readonly<Record<string, Readonly<Record<string, string>>>>;

const ROOT = new URL('../../../', import.meta.url);
/** test/attacks/sealed.e2e.test.ts compares it with the attacks themselves. */
const listed = JSON.parse(readFileSync(new URL('test/attacks/sealed/attacks.json', ROOT), 'utf8')) as List;

void t.test('each family of attacks has its mutations, and there are no others', (t) => {
  t.same([...mutations.keys()].sort(), Object.keys(listed).sort());
  for (const [family, rows] of mutations) t.ok(rows.length > 0, family);
  t.end();
});

void t.test('each mutation fits', (t) => {
  for (const [family, rows] of mutations) {
    for (const { attack, edits, opened } of rows) {
      const refusal = listed[family]?.[attack];
      t.ok(refusal !== undefined, `there is the attack ${attack}`);
      t.notOk(isByTheApiServer(refusal ?? ''), `${attack} is ours to refuse`);
      t.notOk(opened?.test(refusal ?? ''), `${attack}: what it meets then is not what it meets now`);
      for (const [file, own] of Map.groupBy(edits, (edit) => edit.file)) {
        const text = readFileSync(new URL(file, ROOT), 'utf8');
        let changed = text;
        t.doesNotThrow(() => (changed = edited(text, own)), `${attack}: ${file} has the check, once`);
        t.not(changed, text);
      }
      t.ok(edits.length > 0, attack);
    }
  }
  t.end();
});

void t.test('the API server refuses what is said to be its own', (t) => {
  const refusals = Object.values(listed).flatMap((attacks) => Object.values(attacks));
  for (const [pattern, why] of BY_THE_API_SERVER)
    t.ok(
      refusals.some((refusal) => pattern.test(refusal)),
      `${String(pattern)}: ${why}`,
    );
  t.comment(`${refusals.filter(isByTheApiServer).length} of ${refusals.length} attacks are the API server's`);
  t.end();
});
