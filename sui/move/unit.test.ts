import { mkdtemp, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';

import { compileFramework, compilePackage, MoveError, runMoveUnitTests } from './index.ts';

const here = import.meta.dirname;
const progress = (line: string): void => {
  t.comment(line);
};

async function movePackages(): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(here, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const dir = join(here, entry.name);
    if (
      await stat(join(dir, 'Move.toml')).then(
        () => true,
        () => false,
      )
    )
      found.push(dir);
  }
  return found;
}

async function scratchPackage(sources: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'daas-move-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  await mkdir(join(dir, 'sources'));
  await mkdir(join(dir, 'tests'));
  await writeFile(
    join(dir, 'Move.toml'),
    '[package]\nname = "scratch"\nedition = "2024"\n\n[addresses]\nscratch = "0x0"\n',
  );
  for (const [path, text] of Object.entries(sources)) await writeFile(join(dir, path), text);
  return dir;
}

void t.test('every unit test of every Move package passes in the real Move VM', async (t) => {
  let executed = 0;
  for (const dir of await movePackages()) {
    const { tests, output } = await runMoveUnitTests({ dir, progress });
    t.not(tests.length, 0, `${dir} has tests`);
    executed += tests.length;
    for (const { name, passed } of tests) t.ok(passed, name);
    if (tests.some(({ passed }) => !passed)) t.comment(output);
  }
  t.not(executed, 0, 'tests were executed');
});

void t.test('the runner reports passes and failures, and a filter narrows them', async (t) => {
  const dir = await scratchPackage({
    'tests/scratch_tests.move': `#[test_only]
module scratch::scratch_tests;
#[test] fun holds() { assert!(1 + 1 == 2); }
#[test] fun fails() { assert!(1 + 1 == 3); }
#[test, expected_failure(abort_code = 7)] fun aborts() { abort 7 }
`,
  });
  const { tests } = await runMoveUnitTests({ dir });
  t.strictSame(Object.fromEntries(tests.map(({ name, passed }) => [name, passed])), {
    'scratch::scratch_tests::holds': true,
    'scratch::scratch_tests::fails': false,
    'scratch::scratch_tests::aborts': true,
  });
  t.equal((await runMoveUnitTests({ dir, filter: 'aborts' })).tests.length, 1);
});

void t.test('compiling: cached by content, diagnostics on failure', async (t) => {
  const cacheDir = await mkdtemp(join(tmpdir(), 'daas-move-cache-'));
  t.teardown(() => rm(cacheDir, { recursive: true, force: true }));
  const dir = await scratchPackage({ 'sources/a.move': 'module scratch::a;\npublic fun one(): u64 { 1 }\n' });
  const lines: string[] = [];
  const compile = () => compilePackage({ dir, cacheDir, progress: (line) => lines.push(line) });
  const first = await compile();
  const second = await compile();
  t.equal(first.modules.length, 1);
  t.equal(
    Buffer.from(first.modules[0] ?? []).toString('hex', 0, 4),
    'a11ceb0b',
    'the magic number of Move bytecode',
  );
  t.equal(first.digest.length, 32);
  t.strictSame(first, second);
  t.equal(lines.length, 1, 'the second call came from the cache');
  await writeFile(join(dir, 'sources/a.move'), 'module scratch::a;\npublic fun one(): u64 { 2 }\n');
  t.notSame((await compile()).digest, first.digest, 'changed sources are compiled anew');
  await writeFile(join(dir, 'sources/a.move'), 'module scratch::a;\npublic fun one(): u64 { true }\n');
  await t.rejects(compile(), {
    code: 'COMPILE_FAILED',
    message: /Invalid return expression|incompatible types/i,
  });
  await t.rejects(compilePackage({ dir: join(dir, 'nowhere') }), MoveError);
});

void t.test('the framework compiles to the modules of 0x1 and 0x2', async (t) => {
  const modules = await compileFramework({ progress });
  t.ok(modules.length > 70, `${modules.length} modules`);
});
